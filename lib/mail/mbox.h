/* SPDX-License-Identifier: ISC
 *
 * Appending a message to an mbox in the form called mboxrd: a From_ line
 * before it, its lines as in grammar/mbox_quote.h, an empty line behind it
 * (grammar/mbox.h).  Under all locks that readers of such files look at
 * (mail/mbox_lock.h).  A failure takes away what was appended.  Reading is not
 * its business: mail/mbox_store.h.
 */
#ifndef MAIL_MBOX_H
#define MAIL_MBOX_H

#include <sys/types.h>

#include <stdbool.h>
#include <time.h>

#include "grammar/mbox_quote.h"
#include "mail/mbox_lock.h"
#include "mail/spool.h"

#define MBOX_LOCK_SECONDS	30	/* how long mbox_begin() waits */

struct mbox_file {
	int		fd;
	off_t		start;		/* the size before */
	struct mbox_lock lock;
	struct mbox_filter filter;
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
