/* SPDX-License-Identifier: ISC
 *
 * What POP3 alone wants to know of a mailbox (see mail/mailbox.h): names that
 * can be unique ids, and what a migration from another server left.
 */
#ifndef MAIL_MAILBOX_POP3_H
#define MAIL_MAILBOX_POP3_H

#include "mail/mailbox.h"

/* What a message is known by: its UID, and the base name of its file (without
 * flags, ,S= and ,W= included), which is the mailbox's, good until the next
 * call on it, and has no NUL behind it. */
struct mailbox_known {
	uint32_t	 uid;
	const char	*base;
	size_t		 base_len;
};
void	 mailbox_known(const struct mailbox *, uint32_t seq,
	    struct mailbox_known *);

/* The unique id a migration left for the message (an empty one stands for the
 * base name), into id[size]: true; false there is none that fits. */
bool	 mailbox_pop3_id(const struct mailbox *, uint32_t seq, char *id,
	    size_t size);

/* The place a migration from another POP3 server gave the message among all
 * others (lower first), or 0: none, after those that have one. */
uint32_t mailbox_pop3_order(const struct mailbox *, uint32_t seq);

/* Whether mailbox_pop3_order() is other than 0 for any message. */
bool	 mailbox_pop3_ordered(const struct mailbox *);

#endif
