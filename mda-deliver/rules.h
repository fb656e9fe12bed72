/* SPDX-License-Identifier: ISC
 *
 * A user's own rules, in this order: ~/.forward (with key qmail ~/.qmail), then
 * his Sieve script, or that for all.
 */
#ifndef MDA_DELIVER_RULES_H
#define MDA_DELIVER_RULES_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/settings.h"
#include "mail/users.h"
#include "plan.h"

#define RULES_DOTFILE	0x1	/* there may be one for this user */
#define RULES_SIEVE	0x2

/* The message that they are asked about. */
struct rules_mail {
	int			 fd;
	uint64_t		 start, size;	/* of the message in fd */
	const struct address	*from, *to;
	const struct address	*original;	/* the alias that it was to, or
						 * NULL */
	const char		*extension;	/* that the address names, or
						 * NULL */
	bool			 queued;	/* it is in the spool */
	bool			 precious;	/* a report, or postmaster's */
};

/* A cheap look at which there may be, with the user's rights; extension is ""
 * when the address names none. */
unsigned rules_look(const struct settings *, const struct user *,
	    const char *extension);

/* Folders that they are in, and that they keep something in: how many of them
 * are in path. */
#define RULES_PLACES	8	/* SIEVE_PLACES and the home */
size_t	 rules_places(const struct settings *, const struct user *,
	    char path[RULES_PLACES][PATH_MAX]);

/* What they want, to a plan that is empty; as the user.  A user who sends mail
 * to himself keeps it, and what is named twice is named once. */
void	 rules_decide(const struct settings *, const struct user *,
	    unsigned rules, const struct rules_mail *, struct plan *);

#endif
