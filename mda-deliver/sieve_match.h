/* SPDX-License-Identifier: ISC
 *
 * What sieve_match.c and sieve_compare.c share: the keys of a test, made ready
 * to be held against many values.
 */
#ifndef MDA_DELIVER_SIEVE_MATCH_H
#define MDA_DELIVER_SIEVE_MATCH_H

#include "grammar/glob.h"
#include "sieve_local.h"
#include "sieve_regex.h"

struct sieve_key {
	const char	*text;		/* with variables filled in */
	size_t		 len;
	struct buf	 own;		/* text, when it had any */
	struct buf	 mapped;	/* as its comparator wants it */
	bool		 has_glob;
	struct glob	 glob;
	const struct sieve_regex *regex; /* NULL: what it was is none */
	struct sieve_regex *own_regex;
};

/* What check makes of a call: struct sieve_call's compiled. */
struct sieve_compiled {
	struct sieve_match how;
	struct sieve_regex **regex;	/* for each key: NULL is not
					 * constant */
};

/* Make text of a key ready.  0, -1 no memory. */
int	 sieve_key_map(struct sieve_key *, const struct sieve_match *);

/* A value, as comparators want it: nothing but what they need is made. */
struct sieve_value {
	const char	*text;
	size_t		 len;
	struct buf	*mapped;	/* scratch */
	bool		 is_mapped;
};

/* The comparison of :is, :contains, :value and :count: 1, 0, -1 no memory. */
int	 sieve_compare(const struct sieve_match *, struct sieve_value *,
	    const struct sieve_key *);

/* By their names: 0, or -1 there is none. */
int	 sieve_comparator_find(const struct sieve_string *,
	    enum sieve_comparator *);
int	 sieve_relation_find(const struct sieve_string *,
	    enum sieve_relation *);
const char *sieve_relation_name(enum sieve_relation);

#endif
