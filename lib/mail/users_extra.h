/* SPDX-License-Identifier: ISC
 *
 * The extra fields of a passwd-file's line, and the forms of a mailbox path:
 * what Dovecot's files say and we honour.  Private to mail/users.
 */
#ifndef MAIL_USERS_EXTRA_H
#define MAIL_USERS_EXTRA_H

#include "mail/users.h"

/* Read "key=value key ..." into the user; userdb_mail is left unexpanded in
 * user->mailbox.  A field we do not know is logged once.  NULL, or what is
 * wrong. */
const char *users_extra(struct user *, const char *fields);

#endif
