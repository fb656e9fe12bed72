/* SPDX-License-Identifier: ISC
 *
 * A message on its way to the client, between the files text*.c.
 */
#ifndef POP3D_TEXT_H
#define POP3D_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"
#include "mail/message.h"

struct text {
	struct message	*m;
	const char	*p;		/* its start, as on disk, which is at */
	size_t		 n;		/* hand until the next look at it */
	struct buf	 header;	/* sent in the place of its own; empty:
					 * all is sent as it is */
	uint64_t	 skip;		/* octets it stands for, on disk */
	uint64_t	 skip_wire;	/* and on the wire */
};

enum text_surrogate {
	TEXT_AS_IT_IS,
	TEXT_SURROGATE,		/* the header is set */
	TEXT_TOO_LONG,		/* it would have to be, and is too long */
	TEXT_FAILED		/* it cannot be read, no memory */
};

/* For a client that did not ask for UTF-8 (RFC 6856, section 2.1). */
enum text_surrogate text_surrogate(struct text *);

#endif
