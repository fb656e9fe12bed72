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
	CHARSET_LATIN1,
	CHARSET_LATIN9,
	CHARSET_CP1252,
	CHARSET_ISO8859_2,
	CHARSET_ISO8859_3,
	CHARSET_ISO8859_4,
	CHARSET_ISO8859_5,
	CHARSET_ISO8859_6,
	CHARSET_ISO8859_7,
	CHARSET_ISO8859_8,
	CHARSET_ISO8859_9,
	CHARSET_ISO8859_10,
	CHARSET_ISO8859_13,
	CHARSET_ISO8859_14,
	CHARSET_ISO8859_16,
	CHARSET_CP1250,
	CHARSET_CP1251,
	CHARSET_CP1253,
	CHARSET_CP1254,
	CHARSET_CP1255,
	CHARSET_CP1256,
	CHARSET_CP1257,
	CHARSET_CP1258,
	CHARSET_KOI8_R,
	CHARSET_KOI8_U,
	CHARSET_TIS620,
	CHARSET_IBM850,
	CHARSET_IBM866,
	CHARSET_UNKNOWN		/* octets pass as they are */
};

/* By its MIME name, in any letter case. */
enum charset charset_find(const char *, size_t);

/* The preferred names, UTF-8 first; NULL behind the last. */
const char *charset_name(size_t i);

/* Append n octets as UTF-8; may be called with pieces.  0, or -1 as
 * buf_add(). */
int	 charset_decode(enum charset, struct buf *, const char *, size_t n);

#endif
