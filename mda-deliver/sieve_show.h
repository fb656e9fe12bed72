/* SPDX-License-Identifier: ISC
 *
 * A run of a script, and what it came to, in words for its author: on standard
 * output.
 */
#ifndef MDA_DELIVER_SIEVE_SHOW_H
#define MDA_DELIVER_SIEVE_SHOW_H

#include "sieve.h"

/* For struct sieve_watch; its arg is a struct sieve_show. */
struct sieve_show {
	const char	*script;	/* the one of the last line; NULL before
					 * the first */
};
void	 sieve_show_line(void *, const char *script, unsigned line,
	    const char *words);

/* "from <a@b> to <c@d>, 1234 octets" */
void	 sieve_show_envelope(const struct sieve_mail *);

/* What would become of the message. */
void	 sieve_show_plan(const struct sieve_mail *, const struct plan *);

#endif
