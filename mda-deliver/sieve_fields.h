/* SPDX-License-Identifier: ISC
 *
 * The fields of the header that a test names, as the message has them now.
 */
#ifndef MDA_DELIVER_SIEVE_FIELDS_H
#define MDA_DELIVER_SIEVE_FIELDS_H

#include "grammar/header.h"
#include "sieve_local.h"

#define SIEVE_WHAT	(SIEVE_SHOWN + 16)

/* One of them; name as the test has it.  0: the next; anything else ends it and
 * is returned. */
typedef int sieve_field_fn(void *arg, const char *name,
	    const struct header_field *);

/* Give the fields of these names, all of a name before those of the next;
 * where the call has :index, that one alone (RFC 5260, section 6).  Returns
 * what the function did, or 0; -1 as run. */
int	 sieve_fields(struct sieve_run *, const struct sieve_call *,
	    const struct sieve_arg *names, sieve_field_fn *, void *arg);

/* For check: are :index and :last as they must be?  0, -1 with why. */
int	 sieve_fields_check(const struct sieve_call *, const char **why);

/* 'header "Subject"' for -t, to out; returns it. */
char	*sieve_what(char out[SIEVE_WHAT], const char *word,
	    const struct sieve_arg *names);

#endif
