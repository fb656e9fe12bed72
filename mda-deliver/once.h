/* SPDX-License-Identifier: ISC
 *
 * Recipients of one message that lead to the same: an address that is a
 * recipient itself, or that the aliases of two have, gets the message once, and
 * so does a place (place.h) that the plans of two have.
 */
#ifndef MDA_DELIVER_ONCE_H
#define MDA_DELIVER_ONCE_H

#include "message_local.h"

/* The targets are found: leave out of their lists what others of this message
 * bring, or have brought in a run before.  0, or -1 no memory. */
int	 once_plan(struct work *);

/* Recipient i is delivered, and not yet marked so: keep what he brought, for
 * those who wait and will be asked again. */
void	 once_brought(struct work *, size_t i);

/* It is at this place (NULL: the mailbox) of recipient i: keep that for
 * others who are owed it. */
void	 once_done(struct work *, size_t i, const struct dest *);

/* Has another recipient brought it there?  That is logged. */
bool	 once_is_done(const struct work *, size_t i, const struct dest *);

#endif
