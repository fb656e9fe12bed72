/* SPDX-License-Identifier: ISC
 *
 * The locks of an mbox, all that other programs look at: FILE.lock where its
 * folder may be written, fcntl(2) and flock(2) on the file.  FILE.lock holds
 * "pid:host"; one whose owner is dead on this host is broken at once, another
 * one when it is MBOX_LOCK_STALE seconds old.  Never held while a client is
 * waited for.
 */
#ifndef MAIL_MBOX_LOCK_H
#define MAIL_MBOX_LOCK_H

#include <limits.h>
#include <stdbool.h>

#define MBOX_LOCK_STALE	300

struct mbox_lock {
	int	dir;			/* the caller's, or AT_FDCWD */
	int	fd;			/* of the mbox, the caller's */
	char	dot[PATH_MAX];		/* FILE.lock, or "" */
};

/*
 * Lock the mbox called name in the folder dir, which is open as fd (for
 * writing, unless shared).  0; -1 errno: EAGAIN: another held a lock for all
 * of these seconds; ESTALE: the name is another file by now.
 */
int	 mbox_lock(struct mbox_lock *, int dir, const char *name, int fd,
	    bool shared, int seconds);

/* Let go; errno stays.  Does nothing when it is not locked (dot "", fd -1). */
void	 mbox_unlock(struct mbox_lock *);

#endif
