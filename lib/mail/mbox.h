/* SPDX-License-Identifier: ISC
 *
 * Appending a message to an mbox in the form called mboxrd: a From_ line
 * before it, ">" before each line that is ">"* and "From ", an empty line
 * behind it.  Under all locks that readers of such files look at: fcntl(2),
 * flock(2) and, where the folder may be written, FILE.lock.  A failure takes
 * away what was appended.  Reading is not its business.
 */
#ifndef MAIL_MBOX_H
#define MAIL_MBOX_H

#include <sys/types.h>

#include <limits.h>
#include <stdbool.h>
#include <time.h>

#include "mail/spool.h"

#define MBOX_LOCK_SECONDS	30	/* how long mbox_begin() waits */

struct mbox_file {
	int		fd;
	off_t		start;		/* the size before */
	char		dot[PATH_MAX];	/* FILE.lock, or "" */
	bool		new;		/* the file was made by us */
	int		state;		/* octets of ">"* "From " at the start
					 * of a line, see mbox.c */
	size_t		quotes;
	bool		lf;		/* the last octet was an LF */
	struct spool_writer writer;
};

/* Open (0600, made when missing), lock and write the From_ line: sender as
 * text, "" for the null one.  0; -1 errno, EAGAIN: locked all the time; EINVAL:
 * not a regular file. */
int	 mbox_begin(struct mbox_file *, const char *path, const char *sender,
	    time_t);

/* Octets in disk form. */
int	 mbox_write(struct mbox_file *, const void *, size_t);

/* Sync and unlock: 0, all is on disk; -1 errno, and the file is as before. */
int	 mbox_end(struct mbox_file *);
void	 mbox_abort(struct mbox_file *);

#endif
