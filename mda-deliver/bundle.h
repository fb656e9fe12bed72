/* SPDX-License-Identifier: ISC
 *
 * Copies of a message that share what is waited for: all are written, then all
 * renamed, and one sync brings them to disk, or none.
 */
#ifndef MDA_DELIVER_BUNDLE_H
#define MDA_DELIVER_BUNDLE_H

#include "message_local.h"

#define BUNDLE_MAX	128	/* copies: two or three descriptors each */

/* For the copies that come from now on.  Should it fail, there is none. */
void	 bundle_open(struct work *);

/*
 * A copy to the mailbox of recipient i; of root's, with his rights alone.  The
 * outcome says what came of it, or that it was begun.  Then it is in the
 * bundle, or his target says that it is to be done alone, as there is no
 * Maildir yet or a fault: when no others wait, whom his process may keep.
 */
void	 bundle_copy(struct work *, size_t i, struct outcome *);

/* Is there no place for another? */
bool	 bundle_is_full(const struct work *);

/* The names.  Returns how many copies there are, and whose to
 * rcpts[BUNDLE_MAX]. */
size_t	 bundle_name(struct work *, size_t *rcpts);

/* Behind that: do all of them come to disk before whatever is changed in the
 * spool from now on?  Then its message may go, and no sync is needed. */
bool	 bundle_is_ordered(const struct work *);

/* The end of these copies, with the sync or without.  Each one's outcome is in
 * its target. */
void	 bundle_end(struct work *, bool sync);

void	 bundle_close(struct work *);

#endif
