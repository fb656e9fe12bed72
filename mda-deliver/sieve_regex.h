/* SPDX-License-Identifier: ISC
 *
 * Regular expressions for :regex (draft-murchison-sieve-regex): those of
 * regcomp(3), kept within bounds that it does not have itself.
 */
#ifndef MDA_DELIVER_SIEVE_REGEX_H
#define MDA_DELIVER_SIEVE_REGEX_H

#include "grammar/glob.h"
#include "sieve_local.h"

#define SIEVE_REGEX_MAX	1000	/* octets of an expression */
#define SIEVE_REGEX_COST_MAX 1000000	/* of all that a script has */
#define SIEVE_REGEX_WORK 1000	/* octets of work, for each of its cost */

struct sieve_regex;

/*
 * Compile one; fold: the case of letters counts not; groups: what they match
 * may be wanted.  *cost is the time and the memory that it takes.  NULL: *why
 * says what is wrong with it (good until the next call), and NULL for no
 * memory.
 */
struct sieve_regex *sieve_regex_new(const struct sieve_string *, bool fold,
	    bool groups, size_t *cost, const char **why);
void	 sieve_regex_free(struct sieve_regex *);

/* Does it match anywhere in n octets?  The whole match and its groups to span,
 * of which there are nspan; 0: they are not wanted.  NOTE: only the first
 * octets of a long value are looked at.  1, 0, -1 as run. */
int	 sieve_regex_match(struct sieve_run *, const struct sieve_regex *,
	    const char *, size_t n, struct glob_span *span, size_t nspan);

#endif
