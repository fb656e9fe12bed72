/* SPDX-License-Identifier: ISC
 *
 * A user is told that his mailbox comes to be full, before it is.
 */
#ifndef MDA_DELIVER_WARNING_H
#define MDA_DELIVER_WARNING_H

#include "mail/quota.h"
#include "mail/settings.h"
#include "mail/users.h"

/* Does this much more, which is delivered now, lead over key quota_warning?
 * The quota says what was there before. */
bool	 warning_is_due(const struct settings *, const struct quota *,
	    uint64_t bytes);

/*
 * Put a message that says so into the mailbox, at most one a day; as the user.
 * What fails is logged and stops no mail.
 */
void	 warning_send(const struct settings *, const struct user *);

#endif
