/* SPDX-License-Identifier: ISC
 *
 * What mailbox_save.c and mailbox_save_commit.c share: messages on their way
 * into a Maildir.
 */
#ifndef MAIL_MAILBOX_SAVE_H
#define MAIL_MAILBOX_SAVE_H

#include "bytes/crlf.h"
#include "mail/mailbox_local.h"

#define MAILBOX_SAVE_BLOCK	32768
#define MAILBOX_UNSYNCED_MAX	200	/* files open at once */

struct mailbox_staged {
	char	 tmp[MAILBOX_FILE_MAX + 1];	/* its name in tmp now */
	char	 base[MAILBOX_FILE_MAX + 1];	/* the one it will have */
	char	 info[MAILBOX_INFO_MAX + 1];	/* "": it goes to new */
	char	 ext[MAILBOX_FILE_MAX + 2];	/* of its line in the list */
	mailbox_flags keywords;	/* those without a letter */
	uint32_t saved;		/* when, if its date is another; or 0 */
	bool	 placed;
};

struct mailbox_save {
	struct mailbox	*mb;
	struct mbox_save *mbox;		/* NULL: a Maildir, all below */
	int		 tmp;
	enum mailbox_status status;	/* the first failure sticks */
	bool		 moves;		/* nothing is added to the tree */
	uint64_t	 credit;	/* octets of a message that will go, */
	unsigned	 credits;	/* and whether there is one */
	struct mailbox_staged	*v;
	size_t		 n, cap;
	int		 unsynced[MAILBOX_UNSYNCED_MAX];
	size_t		 nunsynced;
	/* The message being written: */
	int		 fd;
	time_t		 date;
	struct crlf	 to_disk, to_wire;
	uint64_t	 disk, wire;
	char		 block[MAILBOX_SAVE_BLOCK];
};

/* Bring a file to the disk, so that it is there when the UID list has been
 * synced, and never without its octets: 0, or -1 with errno. */
int	 mailbox_save_sync_file(const struct mailbox_save *, int fd);

/* Wait until what was written is on disk, and close it; failure is in
 * save->status. */
void	 mailbox_save_sync(struct mailbox_save *);

/* ---- mailbox_batch.c; all with the UID list's lock held ---- */

/* Write down which files get which names, on disk before this returns; they
 * have them, or never will. */
enum mailbox_status mailbox_batch_begin(const struct mailbox_save *);
void	 mailbox_batch_end(const struct mailbox_save *);

#endif
