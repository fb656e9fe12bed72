/* SPDX-License-Identifier: ISC
 *
 * A user's rules followed: decided, carried out, recorded.
 */
#ifndef MDA_DELIVER_FOLLOW_H
#define MDA_DELIVER_FOLLOW_H

#include "message_local.h"

/*
 * Deliver the message to recipient i, a user, as his rules want it.  What is
 * done is recorded for each place, and not done again; the outcome of the
 * target is that of all together.
 */
void	 follow(struct work *, size_t i);

/* The same when it is decided. */
void	 follow_plan(struct work *, size_t i);

/* The same of an alias with programs or files. */
void	 follow_list(struct work *, size_t i);

/* Of a target that was followed: what a report of success has to say. */
enum follow_way {
	FOLLOW_KEPT,		/* it is in a mailbox, or with a program */
	FOLLOW_ONE,		/* sent on to one, who got the wish */
	FOLLOW_SENT_ON		/* to several */
};
enum follow_way follow_way(const struct target *);

#endif
