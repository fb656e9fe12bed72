/* SPDX-License-Identifier: ISC
 *
 * Dovecot's dot-locks: FILE.lock, made with O_EXCL, with "pid:host" in it.  The
 * lock of an owner who is dead on this host is broken at once, another one
 * when it was left alone for MAILBOX_LOCK_STALE seconds; but never one whose
 * file a living process of ours has locked.  Never held while a client is
 * waited for.
 */
#ifndef MAIL_MAILBOX_LOCK_H
#define MAIL_MAILBOX_LOCK_H

#include <sys/types.h>

#include "mail/mailbox.h"

#define MAILBOX_LOCK_STALE	120	/* seconds */
#define MAILBOX_LOCK_EMPTY	1	/* of one without an owner in it */
#define MAILBOX_LOCK_WAIT	10000	/* milliseconds */

struct mailbox_lock {
	int	dir;
	int	fd;		/* of the lock file */
	char	name[64];	/* "FILE.lock" */
};

/* Lock file (at most 50 octets) in the folder dir.  MAILBOX_BUSY: another has
 * it for longer than we wait; other failures by errno. */
enum mailbox_status mailbox_lock(struct mailbox_lock *, int dir,
	    const char *file, mode_t mode);

/* The same without a wait: MAILBOX_BUSY says only that another has it. */
enum mailbox_status mailbox_lock_now(struct mailbox_lock *, int dir,
	    const char *file, mode_t mode);

/* Let go.  A lock that is not ours any more is left alone. */
void	 mailbox_unlock(struct mailbox_lock *);

/* Make n octets the new contents of the file: written beside it, synced,
 * renamed over it, the folder synced.  It also unlocks, on failure too. */
enum mailbox_status mailbox_lock_replace(struct mailbox_lock *, const void *,
	    size_t n);

/* The status that an errno of the file system means; logs what an
 * administrator should know, what being the call. */
enum mailbox_status mailbox_errno(const char *what);

#endif
