/* SPDX-License-Identifier: ISC
 *
 * Recipients of one message whose aliases overlap: an address that is a
 * recipient itself, or that two of them lead to, gets the message once.
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

#endif
