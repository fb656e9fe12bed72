/* SPDX-License-Identifier: ISC
 *
 * Messages of the queue: all their recipients, their bounces, and where they
 * go then.
 */
#ifndef MDA_DELIVER_MESSAGE_H
#define MDA_DELIVER_MESSAGE_H

#include "mail/recipient.h"
#include "mail/spool.h"

#define MESSAGE_SECONDS	600	/* for one; after that the process is ended */

/*
 * Handle messages that were taken, in a process of its own: it may become the
 * mailboxes' owner, and it shuts itself in.  Several must have the same one
 * recipient; when they take long, the last are not begun, so that a place is
 * not held for long.  Returns 0 when each has gone, or was moved to later/; 1
 * when some were not begun, and lie where they lay; -1 when some lie there that
 * were, and have to be moved by who called.
 */
int	 message_handle(const struct directory *, struct spool *,
	    struct spool_message *, size_t n);

#endif
