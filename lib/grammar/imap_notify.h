/* SPDX-License-Identifier: ISC
 *
 * The arguments of NOTIFY (RFC 5465 section 8).
 */
#ifndef GRAMMAR_IMAP_NOTIFY_H
#define GRAMMAR_IMAP_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "grammar/imap_fetch.h"
#include "grammar/imap_lex.h"

enum imap_notify_event {
	IMAP_NOTIFY_NEW = 1,		/* MessageNew */
	IMAP_NOTIFY_EXPUNGE = 2,
	IMAP_NOTIFY_FLAGS = 4,
	IMAP_NOTIFY_NAME = 8,		/* MailboxName */
	IMAP_NOTIFY_SUBSCRIPTION = 16,
	IMAP_NOTIFY_METADATA = 64,	/* MailboxMetadataChange */
	IMAP_NOTIFY_SERVER = 128,	/* ServerMetadataChange */
	IMAP_NOTIFY_UNKNOWN = 32	/* any other: the command is refused */
};

#define IMAP_NOTIFY_MESSAGES	(IMAP_NOTIFY_NEW | IMAP_NOTIFY_EXPUNGE | \
				    IMAP_NOTIFY_FLAGS)

enum imap_notify_filter {
	IMAP_NOTIFY_SELECTED,
	IMAP_NOTIFY_SELECTED_DELAYED,
	IMAP_NOTIFY_INBOXES,
	IMAP_NOTIFY_PERSONAL,
	IMAP_NOTIFY_SUBSCRIBED,
	IMAP_NOTIFY_SUBTREE,
	IMAP_NOTIFY_MAILBOXES
};

enum { IMAP_NOTIFY_GROUPS = 64, IMAP_NOTIFY_NAMES = 1000 };

struct imap_notify_group {
	enum imap_notify_filter filter;
	unsigned	 events;	/* 0: NONE */
	size_t		 first, n;	/* of imap_notify.name */
};

struct imap_notify {
	bool		 set;		/* SET; else NONE */
	bool		 status;
	bool		 unknown;	/* an event that we do not know */
	bool		 server;	/* ServerMetadataChange, somewhere */
	bool		 has_fetch;	/* MessageNew had a list: */
	struct imap_fetch fetch;
	struct imap_notify_group group[IMAP_NOTIFY_GROUPS];
	size_t		 ngroup;
	struct imap_string *name;	/* owned; the strings are the lexer's */
	size_t		 nname;
};

/* SP (notify-set / notify-none): 1, or -1 with the lexer's error.  To be freed
 * either way. */
int	 imap_lex_notify(struct imap_lex *, struct imap_notify *);
void	 imap_notify_free(struct imap_notify *);

#endif
