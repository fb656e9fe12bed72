/* SPDX-License-Identifier: ISC
 *
 * The flags that a user's rules give a message, as the name of its file says
 * them.
 */
#ifndef MDA_DELIVER_FLAGS_H
#define MDA_DELIVER_FLAGS_H

#include "mail/mailbox_file.h"

/*
 * The info for flags of IMAP and keywords, with blanks between them, in this
 * Maildir, whose dovecot-keywords gets what keywords are new; "" when there is
 * none.  A keyword for which there is no letter, or that cannot be written
 * down, is left out and logged.
 */
void	 flags_info(char info[MAILBOX_INFO_MAX + 1], int dir,
	    const char *flags);

#endif
