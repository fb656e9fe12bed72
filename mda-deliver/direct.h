/* SPDX-License-Identifier: ISC
 *
 * The message on standard input, delivered once.
 */
#ifndef MDA_DELIVER_DIRECT_H
#define MDA_DELIVER_DIRECT_H

#include "grammar/address.h"
#include "mail/settings.h"

/* What the command line said; NULL what it did not. */
struct direct {
	const char	*sender;	/* -f */
	const char	*user;		/* -d */
	const char	*address;	/* -a; with -d: it came there */
	const char	*mailbox;	/* the operand */
};

/* Deliver, without any of them to who runs this; returns the exit code, having
 * said why on standard error when it is not 0. */
int	 direct_run(const struct settings *, const struct direct *);

/* For sieve_try.c, too: an address of the command line; -1, having said on
 * standard error what is wrong with it. */
int	 direct_address(struct address *, const char *text, const char *what);

/* Where nothing is set up, the users are the system's. */
void	 direct_users(struct settings *);

#endif
