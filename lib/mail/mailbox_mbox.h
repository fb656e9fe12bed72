/* SPDX-License-Identifier: ISC
 *
 * A mailbox that is an mbox: what the public functions of mail/mailbox.h do
 * then, for the files mailbox*.c alone.
 *
 * Its messages are records in memory as a Maildir's (state.added, by UID), so
 * that numbers, and what is told of changes, are made in one place.  A record
 * stays when its message is gone.
 */
#ifndef MAIL_MAILBOX_MBOX_H
#define MAIL_MAILBOX_MBOX_H

#include "mail/mailbox_local.h"
#include "mail/mbox_store.h"

/* What a root has that is an mbox. */
struct mailbox_mbox {
	char		*folder;	/* that it is in */
	char		*name;		/* in it */
	dev_t		 dev;		/* the file; another of this name is */
	ino_t		 ino;		/* another mailbox */
	int		 spare;		/* of the stores: a file without a
					 * name, or -1 */
	int		 alone;		/* of mailbox_root_alone(), or -1 */
};

/* mailbox_mbox.c */

/* Open the root on the mbox at root->path.  MAILBOX_NONE: it is none. */
enum mailbox_status mailbox_mbox_root(struct mailbox_root *);
void	 mailbox_mbox_root_close(struct mailbox_root *);
/* The only mailbox is INBOX. */
enum mailbox_status mailbox_mbox_exists(const char *name);
enum mailbox_status mailbox_mbox_list(struct mailbox_names *);
enum mailbox_status mailbox_mbox_open(struct mailbox *, const char *name);
/* mailbox_refresh() but for the diff: records and view up to date. */
enum mailbox_status mailbox_mbox_refresh(struct mailbox *, unsigned flags);
int	 mailbox_mbox_keyword(struct mailbox *, const char *name, bool create);

/* mailbox_mbox_change.c */

/* Bring the records up to date with the store's. */
int	 mailbox_mbox_merge(struct mailbox *);
enum mailbox_status mailbox_mbox_message(struct mailbox *, uint32_t seq,
	    struct message **);
enum mailbox_status mailbox_mbox_date(struct mailbox *, uint32_t seq,
	    time_t *);
enum mailbox_status mailbox_mbox_flags(struct mailbox *, const uint32_t *seqs,
	    size_t n, enum mailbox_change, mailbox_flags);
enum mailbox_status mailbox_mbox_expunge(struct mailbox *,
	    const uint32_t *seqs, size_t n, bool only_deleted);
/* Add a message to a batch, with flags that are those of its mailbox. */
enum mailbox_status mailbox_mbox_copy(struct mbox_save *, struct mailbox *from,
	    uint32_t seq, mailbox_flags);
enum mailbox_status mailbox_mbox_commit(struct mailbox *, struct mbox_save *,
	    uint32_t *first);

#endif
