/* SPDX-License-Identifier: ISC
 *
 * Base64 (RFC 2045, section 6.8).  Strictly for protocol messages such as
 * those of SASL; leniently, in pieces, for MIME bodies.
 */
#ifndef BYTES_BASE64_H
#define BYTES_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"

/* The length of n octets encoded, padding included, no line ends. */
#define BASE64_LEN(n)	(((n) + 2) / 3 * 4)

/* Append n octets encoded, without line ends.  0, or -1 as buf_add(). */
int	 base64_encode(struct buf *, const void *, size_t n);

/* Append the octets of a whole encoded text: only the alphabet, complete
 * padding, the unused bits zero; the empty text is good.  1 done, 0 malformed
 * (nothing was appended), -1 as buf_add(). */
int	 base64_decode(struct buf *, const char *, size_t n);

/* A MIME body on its way out of base64; all zero is the start of it. */
struct base64 {
	uint32_t	bits;
	unsigned	nbits;
	int		done;		/* the padding was seen */
	int		dirt;		/* something but the alphabet, white
					 * space and padding was skipped */
};

/*
 * Decode n octets of a body to out, which has room for BASE64_ROOM(n).
 * Octets outside the alphabet are skipped (RFC 2045, section 6.8), also
 * anything behind the padding.  May work in place (out == in).  Returns how
 * many were written.
 */
#define BASE64_ROOM(n)	((n) / 4 * 3 + 3)
size_t	 base64_feed(struct base64 *, const void *in, size_t n, void *out);

/* The end of the body: 1 when it ended at a whole group, 0 when bits or
 * padding were missing. */
int	 base64_end(const struct base64 *);

#endif
