/* SPDX-License-Identifier: ISC
 *
 * mda-deliver -t: what a script would do with the message on standard input,
 * and why.  Nothing is delivered, sent or remembered.
 */
#ifndef MDA_DELIVER_SIEVE_TRY_H
#define MDA_DELIVER_SIEVE_TRY_H

#include "direct.h"

/* Print it.  The exit code: 0; 65 the script has an error, which is on standard
 * output; or one of sysexits(3), with a line on standard error. */
int	 sieve_try(const struct settings *, const struct direct *,
	    const char *script);

#endif
