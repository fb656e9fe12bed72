/* SPDX-License-Identifier: ISC
 *
 * Result options: what a SEARCH is to tell of the messages it found (RFC 4466
 * 2.6.1, RFC 4731 3.1, RFC 5182, RFC 9394 3.1; RFC 9051 6.4.4).
 */
#ifndef GRAMMAR_IMAP_RETURN_H
#define GRAMMAR_IMAP_RETURN_H

#include <stdint.h>

#include "grammar/imap_lex.h"

enum {
	IMAP_RETURN_MIN = 1,
	IMAP_RETURN_MAX = 2,
	IMAP_RETURN_ALL = 4,
	IMAP_RETURN_COUNT = 8,
	IMAP_RETURN_SAVE = 16,
	IMAP_RETURN_PARTIAL = 32
};

/* partial-range: places in the list of results, as they were given; last:
 * counted from its end. */
struct imap_partial {
	uint32_t	 a, b;
	int		 last;
};

struct imap_return {
	int		 given;		/* the word RETURN was there */
	unsigned	 options;	/* "()" is IMAP_RETURN_ALL */
	struct imap_partial partial;
};

/* partial-range = partial-range-first / partial-range-last */
int	 imap_lex_partial(struct imap_lex *, struct imap_partial *);

/* Which of n results are meant: 1, and *lo to *hi of 1 to n; 0: none. */
int	 imap_partial_range(const struct imap_partial *, uint32_t n,
	    uint32_t *lo, uint32_t *hi);

/* "RETURN" SP "(" [option *(SP option)] ")" SP: 0 when another word stands
 * here, and nothing was given then. */
int	 imap_lex_return(struct imap_lex *, struct imap_return *);

#endif
