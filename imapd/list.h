/* SPDX-License-Identifier: ISC
 *
 * The tree of mailboxes as LIST and LSUB look at it: every name that exists
 * or is subscribed, and every level above one.
 */
#ifndef IMAPD_LIST_H
#define IMAPD_LIST_H

#include "grammar/imap_mailbox.h"
#include "session.h"

/* What is known of a name.  Those of descendants are those of all levels
 * below. */
enum {
	NAME_EXISTS = 1,
	NAME_SUBSCRIBED = 2,
	NAME_SELECTED = 4,	/* meets the selection options */
	NAME_MATCHED = 8,	/* matches a pattern */
	NAME_BELOW_EXISTS = 16,	/* some descendant exists */
	NAME_BELOW_SUBSCRIBED = 32,
	NAME_BELOW_SELECTED = 64,
	NAME_BELOW_UNTOLD = 128	/* is selected, and matches no pattern */
};

struct list_name {
	char		*wire;		/* owned */
	char		*stored;	/* owned; NULL: only others are below
					 * it, it does not exist */
	unsigned	 flags;
	unsigned	 uses;		/* of mail/special_use.h */
};

struct list_tree {
	struct list_name *v;		/* sorted by wire, INBOX first */
	size_t		 n, cap;
	char		 separator;
};

/* What is looked up: existing names always. */
enum {
	TREE_SUBSCRIBED = 1,
	TREE_SPECIAL_USE = 2
};

enum mailbox_status list_tree_read(struct session *, struct list_tree *,
	    unsigned what);
void	 list_tree_free(struct list_tree *);

/* With NAME_SELECTED and NAME_MATCHED set where they belong: tell the levels
 * above of it, and of the rest. */
void	 list_tree_relate(struct list_tree *);

/*
 * Tell one mailbox that exists: "* LIST () sep name", as SELECT does in
 * IMAP4rev2 (RFC 9051 6.3.2), with OLDNAME (6.3.9.7) when the client wrote it
 * otherwise (given, not NULL).
 */
void	 list_tell_one(struct session *, const char *name,
	    const char *given);

#endif
