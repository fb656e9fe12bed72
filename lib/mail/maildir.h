/* SPDX-License-Identifier: ISC
 *
 * Delivery into a Maildir: written in tmp/, renamed to new/ under a name that
 * is never taken, and synced.  It must never leave a file in tmp/ after a
 * failure, nor say a message is there before its name is on disk, nor let a
 * name in new/ outlive a power cut that its octets did not.  Reading a Maildir
 * is not its business.
 *
 * Where the file system keeps what changes in order (disk_order()), the octets
 * are written out, then comes the rename, and one sync of the file brings both
 * to disk.  Elsewhere the file is synced, and behind the rename the folder.
 *
 * Descriptors, errno and the sync of folders are as in mail/spool.h.
 */
#ifndef MAIL_MAILDIR_H
#define MAIL_MAILDIR_H

#include <sys/stat.h>

#include <stddef.h>
#include <stdint.h>

#include "mail/spool.h"

#define MAILDIR_CREATE	0x1	/* make what is missing: the folder and its
				 * parents, cur new tmp (all 0700) */

/*
 * Open a Maildir for delivery.  Returns a descriptor of the folder, or -1:
 * ENOENT there is none, ENOTDIR it is a file, EINVAL a folder without new/ and
 * tmp/ (and not MAILDIR_CREATE).  What was created is on disk.
 */
int	 maildir_open(const char *path, int flags);

/* A message on its way in. */
struct maildir_file {
	int		dir;		/* the caller's, from maildir_open() */
	int		fd;
	char		tmp[SPOOL_ID_MAX];
	char		name[SPOOL_NAME_MAX];	/* at the end: in new/ */
	char		info[64];	/* ":2,FLAGS": it goes to cur/ with this
					 * behind its name; begin sets it to
					 * "" */
	int		given;		/* the name is the caller's */
	bool		ordered;	/* disk_order() */
	struct spool_writer writer;
};

/*
 * Begin.  id NULL: a fresh unique name; else this one (a spool ID and the
 * like), so that the same message delivered again after a crash is noticed.
 * host only for a fresh one.
 */
int	 maildir_begin(struct maildir_file *, int dir, const char *id,
	    const char *host);

/* Octets in disk form. */
int	 maildir_write(struct maildir_file *, const void *, size_t);

/*
 * Sync and rename to new/ID,S=n,W=m (or to cur/, with its info) with mtime
 * (NULL: now).  0: it is there,
 * file and name on disk; 1: id was given and was there already, nothing was
 * changed, and it is on disk; -1: errno, and nothing is left.
 */
int	 maildir_end(struct maildir_file *, const struct timespec *mtime);

/*
 * The same in steps, for several that share what is waited for.  Each of the
 * first two fails as the end does.  On an ordered disk the sync of the one that
 * was named last is that of all.
 */
int	 maildir_ready(struct maildir_file *, const struct timespec *mtime);
				/* all octets are written: 0, -1 */
void	 maildir_hurry(const struct maildir_file *);
				/* let them go to disk meanwhile */
int	 maildir_name(struct maildir_file *);
				/* octets on disk, and renamed: 0; 1 it was
				 * there, it is over; -1 */
int	 maildir_sync(struct maildir_file *);
				/* the name on disk: 0, -1: to be undone */
void	 maildir_undo(struct maildir_file *);
				/* the name goes again; closes it */
void	 maildir_close(struct maildir_file *);

void	 maildir_abort(struct maildir_file *);

/* rename(2) that refuses to overwrite, by renameat2, or link and unlink
 * where a file system lacks it. */
int	 maildir_rename(int fromdir, const char *from, int todir,
	    const char *to);

#endif
