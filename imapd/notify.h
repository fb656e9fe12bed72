/* SPDX-License-Identifier: ISC
 *
 * NOTIFY (RFC 5465): what a client has asked to be told of, and the mailboxes
 * that are watched for it.
 */
#ifndef IMAPD_NOTIFY_H
#define IMAPD_NOTIFY_H

#include "grammar/imap_notify.h"
#include "session.h"

enum { NOTIFY_BOXES_MAX = 200 };	/* watched for messages at once */

/* A mailbox that is not selected and watched for messages. */
struct notify_box {
	char		*name;
	unsigned	 events;
	struct mailbox	*box;		/* NULL: it could not be opened */
	uint64_t	 id;		/* mailbox_folder_id() of that one, or
					 * of one it had taken the place of */
	bool		 denied;	/* for want of a right, and told so */
	bool		 strange;	/* it came while we watched, and its
					 * UIDVALIDITY is not told yet */
	/* as it was told, or when the watch began */
	uint32_t	 validity, uidnext, messages, unseen;
};

/* A mailbox that exists or is subscribed. */
struct notify_name {
	char		*name;
	uint64_t	 id;		/* mailbox_folder_id(), 0: it does not
					 * exist */
	bool		 subscribed;
	char		*noted;		/* its annotations, when these are to
					 * be told: notify_metadata.c */
};

struct notify_tree {
	struct notify_name *v;		/* sorted by octets */
	size_t		 n;
	char		*noted;		/* of the tree itself */
};

struct notify {
	char		*text;		/* the command's, to which belongs */
	struct imap_lex	 lex;
	struct imap_notify what;
	char		 selected[MAILBOX_NAME_MAX + 1]; /* when boxes was
					 * last put right */
	struct notify_tree tree;
	struct notify_box *box;
	size_t		 nbox;
};

/* Events of a mailbox that is not selected. */
unsigned notify_events(const struct notify *, const struct notify_name *);

/* ---- notify_tree.c ---- */

/* How names and subscriptions are now. */
enum mailbox_status notify_tree_read(struct mailbox_root *,
	    struct notify_tree *);
void	 notify_tree_free(struct notify_tree *);
const struct notify_name *notify_tree_find(const struct notify_tree *,
	    const char *name);

/* Tell what became other between the two: the notify's own, and now. */
void	 notify_tree_tell(struct session *, const struct notify_tree *now);

/* ---- notify_metadata.c ---- */

/* Note the annotations that are to be told of, of all in the tree. */
void	 notify_metadata_note(struct session *, const struct notify *,
	    struct notify_tree *);
/* Tell those that are others now. */
void	 notify_metadata_tell(struct session *, const struct notify_tree *now);

/* ---- notify_box.c ---- */

/* Watch those that are to be watched, and no others: 0; -1 there are too
 * many.  came: what is in new ones has just come. */
int	 notify_boxes(struct session *, struct notify *, bool came);
void	 notify_boxes_free(struct notify *);

/* STATUS of all, as SET STATUS asks for. */
void	 notify_boxes_status(struct session *);

/* Tell what changed. */
void	 notify_boxes_tell(struct session *);

#endif
