/* SPDX-License-Identifier: ISC
 *
 * Character sets of mail to UTF-8: the few that a table of this size serves.
 * The set is chosen by name from that table; a name from a message goes
 * nowhere else.
 */
#ifndef BYTES_CHARSET_H
#define BYTES_CHARSET_H

#include <stddef.h>

#include "bytes/buf.h"

enum charset {
	CHARSET_UTF8,		/* and US-ASCII: octets pass as they are */
	CHARSET_LATIN1,		/* ISO-8859-1 */
	CHARSET_LATIN9,		/* ISO-8859-15 */
	CHARSET_CP1252,
	CHARSET_UNKNOWN		/* octets pass as they are */
};

/* By its MIME name, in any letter case. */
enum charset charset_find(const char *, size_t);

/* Append n octets as UTF-8; may be called with pieces.  0, or -1 as
 * buf_add(). */
int	 charset_decode(enum charset, struct buf *, const char *, size_t n);

#endif
