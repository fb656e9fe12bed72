/* SPDX-License-Identifier: ISC
 *
 * The mailboxes a user subscribed to (RFC 3501, sections 6.3.6 and 6.3.7): the
 * file "subscriptions" in the root of the Maildir, as Dovecot keeps it.  Both
 * of its forms are read: a name a line, and the one that begins with "V\t2";
 * the one found is kept.  Where there is no such file, Courier's
 * courierimapsubscribed is read, and the first change takes its names over.
 * Names need not exist as mailboxes.
 */
#ifndef MAIL_SUBSCRIPTIONS_H
#define MAIL_SUBSCRIPTIONS_H

#include <stdbool.h>

#include "mail/mailbox.h"

/* All names, sorted, each once; free with mailbox_names_free().  A missing
 * file is an empty list. */
enum mailbox_status subscriptions_read(struct mailbox_root *,
	    struct mailbox_names *);

/* Add or remove a name.  What already is as wanted is MAILBOX_OK.  The file is
 * replaced by rename, under its lock. */
enum mailbox_status subscriptions_set(struct mailbox_root *,
	    const char *name, bool subscribed);

#endif
