/* SPDX-License-Identifier: ISC
 *
 * What POP3 alone wants to know of a mailbox (see mail/mailbox.h): names that
 * can be unique ids, and what a migration from another server left.
 */
#ifndef MAIL_MAILBOX_POP3_H
#define MAIL_MAILBOX_POP3_H

#include "mail/mailbox.h"

/* The base name of the message's file: without flags, ,S= and ,W= included.
 * The mailbox's, good until the next call on it. */
const char *mailbox_base(const struct mailbox *, uint32_t seq);

/* The unique id a migration left for the message (an empty one stands for the
 * base name), into id[size]: true; false there is none that fits. */
bool	 mailbox_pop3_id(const struct mailbox *, uint32_t seq, char *id,
	    size_t size);

/* Whether mailbox_pop3_order() is other than 0 for any message. */
bool	 mailbox_pop3_ordered(const struct mailbox *);

#endif
