/* SPDX-License-Identifier: ISC
 *
 * For a process that will confine itself: a helper that it forks before, and
 * that does what it cannot do afterwards - run a program, write to a file
 * wherever a user wants it.  The helper keeps the rights it was forked with and
 * parses nothing: for each request it forks a process that becomes the user,
 * and only that one looks at what is asked.  It acts for the recipients alone
 * that it knew when it was forked.
 */
#ifndef MDA_DELIVER_LAUNCH_H
#define MDA_DELIVER_LAUNCH_H

#include "message_local.h"

/* Start one for these messages.  NULL errno. */
struct launch *launch_start(struct work *, size_t n);

/* Ask it to carry the message to one place, and wait.  Fills in the outcome.
 * Returns 1 when what follows in the plan is to be left out. */
int	 launch_carry(struct work *, size_t i, const struct dest *,
	    struct outcome *);

/* Let it end.  NULL is nothing. */
void	 launch_end(struct launch *);

/* errand.c: what is asked, done by the process that has become the user; it is
 * not confined.  As carry(). */
int	 errand_run(struct work *, size_t i, const struct dest *,
	    struct outcome *);

#endif
