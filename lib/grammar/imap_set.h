/* SPDX-License-Identifier: ISC
 *
 * Sequence sets (RFC 3501 section 9, sequence-set): parsed, resolved against
 * the largest number in use, asked, and written.  Cost depends on the number
 * of ranges, never on the numbers in them.
 */
#ifndef GRAMMAR_IMAP_SET_H
#define GRAMMAR_IMAP_SET_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"
#include "grammar/imap_lex.h"

struct imap_range {
	uint32_t	lo, hi;		/* 0 stands for "*" until resolved */
};

struct imap_set {
	struct imap_range *r;		/* owned */
	size_t		 n, cap;
	int		 to_end;	/* some range went up to "*" */
	int		 saved;		/* it has "$": what a search saved
					 * (RFC 5182), which the caller knows */
};

void	 imap_set_init(struct imap_set *);
void	 imap_set_free(struct imap_set *);

/* sequence-set: 1, 0, -1 as imap_lex.h says.  "*" and "$" are allowed when star
 * is true (a uid-set of RFC 4315 has neither).  "$" is no range. */
int	 imap_lex_set(struct imap_lex *, struct imap_set *, int star);

/* Put max for "*", order each range, sort, and merge what overlaps or
 * touches.  Afterwards the ranges ascend.  With max 0 (an empty mailbox)
 * ranges with "*" disappear. */
void	 imap_set_resolve(struct imap_set *, uint32_t max);

/* After imap_set_resolve(). */
int	 imap_set_has(const struct imap_set *, uint32_t);
uint32_t imap_set_max(const struct imap_set *);	/* 0 when empty */

/* Add one number behind the last, extending its range when adjacent: for
 * COPYUID, which keeps the order.  0, or -1: no memory. */
int	 imap_set_add(struct imap_set *, uint32_t);

/* The same for lo:hi, which lies behind the last: merged when it touches. */
int	 imap_set_add_range(struct imap_set *, uint32_t lo, uint32_t hi);

/* Write "1:3,5".  0, or -1 as buf_add(). */
int	 imap_set_write(struct buf *, const struct imap_set *);

#endif
