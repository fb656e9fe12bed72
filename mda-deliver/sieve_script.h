/* SPDX-License-Identifier: ISC
 *
 * A script that was checked, as the files of the language see it: words,
 * check, run, control and include.
 */
#ifndef MDA_DELIVER_SIEVE_SCRIPT_H
#define MDA_DELIVER_SIEVE_SCRIPT_H

#include "sieve_local.h"

/* Called when the script is freed. */
struct sieve_later {
	void			(*call)(void *);
	void			*arg;
	struct sieve_later	*next;
};

struct sieve_script {
	const char		*name;		/* the tree's */
	struct sieve_tree	*tree;
	struct sieve_call	*first;
	uint64_t		 required;	/* sieve_extension_bit() */
	bool			 ihave;		/* extensions may come at run
						 * time */
	struct sieve_later	*later;
	size_t			 regexes; /* what they cost: sieve_regex.h */
	uint64_t		 digest;	/* sieve_digest() of its text */
};

/* By what a text of a script is known again. */
uint64_t sieve_digest(const char *text, size_t n);

/* The bit of an extension; 0 it is none of ours. */
uint64_t sieve_extension_bit(const char *name);
#define SIEVE_VARIABLES	"variables"
#define SIEVE_ENCODED	"encoded-character"

/* The first extension of a set, for words to its user. */
const char *sieve_extension_name(uint64_t bits);

/* All words, found by name. */
#define SIEVE_HASH	256
struct sieve_dictionary {
	const struct sieve_word	*slot[SIEVE_HASH];
};
void	 sieve_words_load(struct sieve_dictionary *);
const struct sieve_word *sieve_words_find(const struct sieve_dictionary *,
	    const char *name);

/* Decode ${hex:...} and ${unicode:...} (RFC 5228, section 2.4.2.4) in a
 * string of the tree.  0, or -1 with *why: a number that is no character, or
 * no memory. */
int	 sieve_encoded(struct sieve_tree *, struct sieve_string *,
	    const char **why);

/* Run the commands of a script whose extensions are those of run->enabled. */
int	 sieve_run_script(struct sieve_run *, const struct sieve_script *);

/* Is it an elsif or else, which the if before it runs? */
bool	 sieve_is_branch(const struct sieve_call *);

#endif
