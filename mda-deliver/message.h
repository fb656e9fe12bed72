/* SPDX-License-Identifier: ISC
 *
 * One message of the queue: all its recipients, its bounces, and where it goes
 * then.
 */
#ifndef MDA_DELIVER_MESSAGE_H
#define MDA_DELIVER_MESSAGE_H

#include "mail/recipient.h"
#include "mail/spool.h"

#define MESSAGE_SECONDS	600	/* after which its process is ended */

/*
 * Handle a message that was taken, in a process of its own: it may become the
 * mailbox's owner, and it shuts itself in.  Returns 0 when the message has
 * gone, or was moved to later/; 1 when it lies where it lay, and has to be
 * moved by who called.
 */
int	 message_handle(const struct directory *, struct spool *,
	    struct spool_message *);

#endif
