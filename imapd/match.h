/* SPDX-License-Identifier: ISC
 *
 * Finding a text in a text without regard to letter case, in pieces: the text
 * is UTF-8, and never held as a whole.
 */
#ifndef IMAPD_MATCH_H
#define IMAPD_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes/buf.h"
#include "bytes/casefind.h"

struct match {
	struct buf	 needle;	/* folded */
	struct buf	 window;	/* folded, the end of what was seen */
	char		 cut[4];	/* the beginning of a character */
	size_t		 ncut;
	bool		 found;

	/* Of a needle that is US-ASCII in one line: it, and the longest run of
	 * it that no folding of a header can cut. */
	bool		 plain;
	struct buf	 small;		/* the needle with small letters */
	struct casefind	 all, run;	/* run.n 0: there is none */
};

/* Look for n octets of s.  0, or -1: no memory. */
int	 match_init(struct match *, const char *s, size_t n);
void	 match_free(struct match *);

/* Begin on another text. */
void	 match_reset(struct match *);

/* More of the text; whether it has been found by now. */
bool	 match_feed(struct match *, const char *, size_t);

/* The text is over. */
bool	 match_end(struct match *);

#endif
