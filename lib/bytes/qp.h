/* SPDX-License-Identifier: ISC
 *
 * Quoted-printable, both ways (RFC 2045, section 6.7), in pieces.  Decoding
 * never fails: what is malformed passes as it stands and is recorded.
 */
#ifndef BYTES_QP_H
#define BYTES_QP_H

#include <stddef.h>

#include "bytes/buf.h"

#define QP_LINE_MAX	76	/* of an encoded line, without its end */

/* A body on its way out; all zero is the start of it. */
struct qp {
	int		state;
	char		hex;		/* the first digit of =XX */
	size_t		space;		/* white space that may be padding */
	char		hold[QP_LINE_MAX];
	int		dirt;		/* something malformed passed */
};

/* Decode n octets and append them.  Line ends pass as they are (LF or CRLF),
 * white space before them goes.  0, or -1 as buf_add(). */
int	 qp_decode(struct qp *, struct buf *, const void *, size_t n);
int	 qp_decode_end(struct qp *, struct buf *);

/* A text on its way in; all zero is the start of it. */
struct qp_encoder {
	size_t		column;
	char		space;		/* held back: a space or tab, or 0 */
	int		cr;		/* held back: a CR */
	int		binary;		/* set by the caller: line ends are
					 * octets like any other */
};

/*
 * Encode n octets and append them.  LF and CRLF become a hard line break,
 * written as LF; lines are cut by soft ones; a bare CR is encoded, as is white
 * space at the end of a line.  0, or -1 as buf_add().
 */
int	 qp_encode(struct qp_encoder *, struct buf *, const void *, size_t n);
int	 qp_encode_end(struct qp_encoder *, struct buf *);

#endif
