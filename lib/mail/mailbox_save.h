/* SPDX-License-Identifier: ISC
 *
 * What the files mailbox_save*.c and mailbox_batch.c share: messages on their
 * way into a Maildir.
 */
#ifndef MAIL_MAILBOX_SAVE_H
#define MAIL_MAILBOX_SAVE_H

#include "bytes/crlf.h"
#include "mail/mailbox_local.h"

#define MAILBOX_SAVE_BLOCK	32768
#define MAILBOX_UNSYNCED_MAX	200	/* files open at once */

struct mailbox_staged {
	int	 dir;			/* where it is now: tmp, or a folder */
	uint32_t seq;			/* there, of save->from */
	char	 tmp[MAILBOX_FILE_MAX + 1];	/* its name there */
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
	bool		 straight;	/* none is staged: all are files */
	struct mailbox	*from;		/* of this one; NULL: they are staged */
	bool		 take, taking;	/* which are to be moved, and will be */
	bool		 refused;	/* by the file system */
	char		 series[MAILBOX_SERIES_MAX];
	unsigned	 first, last;	/* names of it */
	int		 batch;		/* the batch file, locked; or -1 */
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

/* Make a message with these flags, in tmp, not yet counted, without a name;
 * NULL: failure is in save->status. */
struct mailbox_staged *mailbox_stage(struct mailbox_save *, mailbox_flags);

/* ---- mailbox_save_copy.c ---- */

/* Flags of a message in the letters of another folder. */
mailbox_flags mailbox_translate(struct mailbox *from, struct mailbox *to,
	    mailbox_flags);
/* What a copy keeps of the message. */
void	 mailbox_keep(struct mailbox_staged *, const struct mailbox_rec *);

/* ---- mailbox_save_straight.c ---- */

enum mailbox_status mailbox_straight_add(struct mailbox_save *,
	    struct mailbox *from, uint32_t seq);
/* None has its name: stage them. */
enum mailbox_status mailbox_straight_stage(struct mailbox_save *);
/* All are known: can they be taken? */
void	 mailbox_straight_ready(struct mailbox_save *);
/* They were: their mailbox has them no more. */
void	 mailbox_straight_taken(struct mailbox_save *);

/* ---- mailbox_batch.c; all with the UID list's lock held ---- */

/* Write down which files get which names, on disk before this returns; those
 * that are staged have them, or never will. */
enum mailbox_status mailbox_batch_begin(struct mailbox_save *);
void	 mailbox_batch_end(struct mailbox_save *);

#endif
