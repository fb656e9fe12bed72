/* SPDX-License-Identifier: ISC
 *
 * Variables of a script (RFC 5229): its own, those it shares with scripts that
 * it includes (RFC 6609, section 3.4), and those of the last match.
 */
#ifndef MDA_DELIVER_SIEVE_VARS_H
#define MDA_DELIVER_SIEVE_VARS_H

#include <stdbool.h>
#include <stddef.h>

#include "sieve_local.h"

#define SIEVE_VARS_MAX	1000		/* of one script, and global ones */
#define SIEVE_VARS_NAME_MAX 128		/* octets of a name */
#define SIEVE_VARS_OCTETS_MAX (4u << 20) /* of all values of a run */
#define SIEVE_MATCHED_MAX 32		/* ${0} to ${31} */

/* ---- when a script is compiled ---- */

/* Does no variable stand in a string of this call?  Always, where "variables"
 * is not required. */
bool	 sieve_vars_constant(const struct sieve_call *,
	    const struct sieve_string *);

/* What refers to variables that there are not: a namespace that nobody
 * required, ${32}.  For each string of a script.  0, or -1 with why. */
int	 sieve_vars_check(const struct sieve_call *,
	    const struct sieve_string *, const char **why);

/* Is it the name of a variable that may be set, in a namespace or not?  0, or
 * -1 with why. */
int	 sieve_vars_check_name(const struct sieve_call *,
	    const struct sieve_string *, const char **why);

/* ---- when it runs ---- */

/* The value, "" when it has none.  Lives until the next change. */
const struct sieve_string *sieve_vars_get(struct sieve_run *,
	    const char *name, size_t len);

/* Set it; a value that is too long is cut at a character (RFC 5229,
 * section 6).  0, -1 as run. */
int	 sieve_vars_set(struct sieve_run *, const char *name, size_t len,
	    const char *value, size_t n);

#endif
