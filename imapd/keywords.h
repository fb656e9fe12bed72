/* SPDX-License-Identifier: ISC
 *
 * Flags between the protocol and a mailbox.
 */
#ifndef IMAPD_KEYWORDS_H
#define IMAPD_KEYWORDS_H

#include <stdbool.h>

#include "grammar/imap_lex.h"
#include "reply.h"

/* What a flag list means in a mailbox.  create: new keywords are added to it;
 * else unknown ones are left out.  REPLY_OK, or what to answer. */
enum reply keywords_flags(struct mailbox *, const struct imap_flags *,
	    bool create, mailbox_flags *);

/* The system flags of a message as enum imap_flag. */
unsigned keywords_system(const struct mailbox_msg *);

#endif
