/* SPDX-License-Identifier: ISC
 *
 * The names of message files in a Maildir: a unique part up to the first ":",
 * the base, and behind it ":2," and flags, the info.  Pure but for
 * mailbox_file_unique().
 */
#ifndef MAIL_MAILBOX_FILE_H
#define MAIL_MAILBOX_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/mailbox.h"

#define MAILBOX_FILE_MAX	255	/* octets of a name */

/* Length of the base. */
size_t	 mailbox_file_base(const char *name);

/* Whether a name found in a folder is a message's: not hidden, no control
 * characters (they could not stand in a UID list). */
bool	 mailbox_file_ok(const char *name);

/* The flags that a name can say. */
#define MAILBOX_FILE_FLAGS	(MAILBOX_SYSTEM_FLAGS | \
	((MAILBOX_KEYWORD(26) - 1) & MAILBOX_KEYWORD_FLAGS))

/* The flags an info says; letters of keywords become MAILBOX_KEYWORD(). */
mailbox_flags mailbox_file_flags(const char *info);

/* What a message's flags become by a change with these. */
mailbox_flags mailbox_file_change(mailbox_flags, enum mailbox_change,
	    mailbox_flags);

/*
 * The info for flags, keeping letters of the old info that mean nothing here.
 * Keywords from 26 on have no letter and are left out.  to has room for
 * MAILBOX_INFO_MAX + 1.
 */
#define MAILBOX_INFO_MAX	(3 + 26 + 26)
void	 mailbox_file_info(char *to, const char *old, mailbox_flags);

/* The size after ",S=" or ",W=" (key) in a base: 1, or 0 when there is
 * none that is a number. */
int	 mailbox_file_size(const char *base, size_t len, char key,
	    uint64_t *size);

/* Order of arrival by the numbers of two names: <0, 0, >0. */
int	 mailbox_file_compare(const char *, const char *);

/*
 * A name no one has: SECONDS.MusecPpidQn.host.  With sizes, ",S=" and ",W="
 * behind it.  to has room for MAILBOX_FILE_MAX + 1.
 */
void	 mailbox_file_unique(char *to);
/* The same in two steps: what the names of a batch have in common, up to n,
 * and the next of them, whose n is returned. */
#define MAILBOX_SERIES_MAX	64
void	 mailbox_file_series(char series[MAILBOX_SERIES_MAX]);
unsigned mailbox_file_next(char *to, const char *series);
void	 mailbox_file_add_sizes(char *to, uint64_t disk, uint64_t wire);

/* Our host's name as names and locks carry it: gethostname(2), once. */
const char *mailbox_file_host(void);

#endif
