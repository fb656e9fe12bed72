/* SPDX-License-Identifier: ISC
 *
 * Between conf.c, which reads lines, and conf_value.c, which knows what a
 * value of each type is.  For these two files only.
 */
#ifndef SYSTEM_CONF_VALUE_H
#define SYSTEM_CONF_VALUE_H

#include "system/conf.h"

#define CONF_WHAT_MAX	320	/* a message without its place */

/* A run over one file or command line. */
struct conf_run {
	const struct conf_key	*keys;
	size_t			 n;
	void			*target;
	char			 what[CONF_WHAT_MAX];
	struct conf_list	 words;		/* of this line */
};

/* Say what is wrong in run->what; returns -1. */
int	 conf_wrong(struct conf_run *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));

/* A copy of n bytes at the end of the list; -1 no memory. */
int	 conf_list_add(struct conf_list *, const char *, size_t n);
void	 conf_list_free(struct conf_list *);

/* May the key stand more than once, adding up? */
bool	 conf_is_many(const struct conf_key *);

/* Zero the key's field, without or after freeing what it holds. */
void	 conf_field_zero(const struct conf_key *, void *target);
void	 conf_field_free(const struct conf_key *, void *target);

/* Give a key its words; adds to what a list, nets or pairs key holds.  -1 and
 * run->what when they are not such a value. */
int	 conf_key_set(struct conf_run *, const struct conf_key *,
	    char *const *words, size_t n);
int	 conf_set_string(struct conf_run *, const struct conf_key *,
	    const char *word);

#endif
