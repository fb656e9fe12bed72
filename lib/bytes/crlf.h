/* SPDX-License-Identifier: ISC
 *
 * Line ends: LF on disk, CRLF on the wire, and the way back octet for octet.
 *
 *	to the wire	an LF not preceded by CR becomes CRLF; an LF preceded
 *			by CR goes out as it is
 *	to the disk	CRLF becomes LF, but in CR CR LF the CRLF stays
 *
 * What came in with CRLF line ends thus goes out as it came.  Nothing else is
 * changed: NUL and bare CR are octets like any other.  All is resumable: the
 * input may be cut anywhere.
 */
#ifndef BYTES_CRLF_H
#define BYTES_CRLF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One direction of one text; all zero is the start of it. */
struct crlf {
	int	state;
};

/*
 * Convert up to *n octets of in to at most size octets (size >= 2) of out,
 * which do not overlap.  *n becomes how many of in were taken: less than given
 * only when out is full.  Returns how many were written.
 */
size_t	 crlf_to_wire(struct crlf *, const void *in, size_t *n, void *out,
	    size_t size);
size_t	 crlf_to_disk(struct crlf *, const void *in, size_t *n, void *out,
	    size_t size);

/* Whether crlf_to_disk() would take n octets as they are. */
bool	 crlf_is_disk(const struct crlf *, const void *in, size_t n);

/* The end of the text to the disk: a CR that was held back is written to out
 * (room for 1).  Returns 0 or 1, the number written. */
size_t	 crlf_to_disk_end(struct crlf *, void *out);

/* By how many octets in grows on its way to the wire: the LFs that no CR
 * precedes.  For ,W= : the size on disk plus this.  c as crlf_to_wire(). */
uint64_t crlf_wire_extra(struct crlf *, const void *in, size_t n);

#endif
