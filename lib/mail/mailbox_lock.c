/* SPDX-License-Identifier: ISC
 *
 * See mail/mailbox_lock.h.  It must never remove a lock that someone living
 * holds.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/mailbox_file.h"
#include "mail/mailbox_lock.h"
#include "system/clock.h"
#include "system/fdio.h"
#include "system/log.h"

enum mailbox_status
mailbox_errno(const char *what)
{
	int e = errno;

	switch (e) {
	case ENOENT:
		return MAILBOX_NONE;
	case EEXIST:
	case ENOTEMPTY:
		return MAILBOX_EXISTS;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		log_warn("mailbox-full", "call=%s error=%s", what,
		    log_str(strerror(e)));
		return MAILBOX_FULL;
	case EACCES:
	case EPERM:
	case EROFS:
		log_warn("mailbox-refused", "call=%s error=%s", what,
		    log_str(strerror(e)));
		return MAILBOX_NO_RIGHT;
	default:
		log_error("mailbox-failed", "call=%s error=%s", what,
		    log_str(strerror(e)));
		return MAILBOX_TEMPORARY;
	}
}

/* Whether the owner "pid:host" is known to be dead. */
static bool
owner_dead(int fd)
{
	char text[128], *colon;
	const char *error;
	long long pid;
	ssize_t n = fd_pread_all(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if ((colon = strchr(text, ':')) == NULL ||
	    strcmp(colon + 1, mailbox_file_host()) != 0)
		return false;
	*colon = '\0';
	pid = strtonum(text, 1, INT32_MAX, &error);
	if (error != NULL)
		return false;
	return kill((pid_t)pid, 0) == -1 && errno == ESRCH;
}

/* Left alone too long; an empty one is of someone who died before he could say
 * who he was. */
static bool
is_old(const struct stat *st)
{
	time_t now = time(NULL);

	return st->st_mtime < now && now - st->st_mtime >
	    (st->st_size == 0 ? MAILBOX_LOCK_EMPTY : MAILBOX_LOCK_STALE);
}

/* Whether the name still is this file. */
static bool
is_still(const struct mailbox_lock *l, const struct stat *st)
{
	struct stat now;

	return fstatat(l->dir, l->name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	    now.st_ino == st->st_ino && now.st_dev == st->st_dev;
}

/* Whoever of us holds a lock has the file itself locked as well. */
static int
lock_file(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &whole);
}

/*
 * Look at the lock that is in the way and remove it when its owner is gone.
 * Who breaks a lock locks that very file: so of two, one comes second, and
 * sees that the name is another file by then.
 */
static void
try_break(const struct mailbox_lock *l)
{
	struct stat st;
	int fd = openat(l->dir, l->name, O_RDWR | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);

	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0 && (is_old(&st) || owner_dead(fd)) &&
	    lock_file(fd) == 0 && is_still(l, &st)) {
		log_warn("mailbox-lock", "stale=%s", l->name);
		(void)unlinkat(l->dir, l->name, 0);
	}
	close(fd);
}

/* Say whose it is: 1; 0 another broke it before it was said; -1 errno. */
static int
write_owner(const struct mailbox_lock *l)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "%ld:%s", (long)getpid(),
	    mailbox_file_host());
	struct stat st;

	if (lock_file(l->fd) == -1 && errno == EAGAIN)
		return 0;
	if (fd_write_all(l->fd, text, (size_t)n) == -1 ||
	    fstat(l->fd, &st) == -1)
		return -1;
	return is_still(l, &st);
}

static enum mailbox_status
lock_within(struct mailbox_lock *l, int dir, const char *file, mode_t mode,
    int ms)
{
	long long end = clock_ms() + ms;
	struct timespec pause = { 0, 1000000 };
	enum mailbox_status status;
	int r;

	l->dir = dir;
	snprintf(l->name, sizeof(l->name), "%.50s.lock", file);
	for (;;) {
		l->fd = openat(dir, l->name, O_RDWR | O_CREAT | O_EXCL |
		    O_CLOEXEC, mode);
		if (l->fd != -1) {
			if ((r = write_owner(l)) == 1)
				return MAILBOX_OK;
			status = r == -1 ? mailbox_errno("lock") : MAILBOX_OK;
			mailbox_unlock(l);
			if (r == -1)
				return status;
		} else if (errno != EEXIST) {
			return mailbox_errno("lock");
		}
		try_break(l);
		if (clock_ms() >= end)
			return MAILBOX_BUSY;
		(void)nanosleep(&pause, NULL);
		if (pause.tv_nsec < 50000000)
			pause.tv_nsec += pause.tv_nsec / 2;
	}
}

enum mailbox_status
mailbox_lock(struct mailbox_lock *l, int dir, const char *file, mode_t mode)
{
	enum mailbox_status status;

	status = lock_within(l, dir, file, mode, MAILBOX_LOCK_WAIT);
	if (status == MAILBOX_BUSY)
		log_warn("mailbox-lock", "busy=%s", l->name);
	return status;
}

enum mailbox_status
mailbox_lock_now(struct mailbox_lock *l, int dir, const char *file,
    mode_t mode)
{
	return lock_within(l, dir, file, mode, 0);
}

/* Whether the name is known to be another file, or none. */
static bool
is_lost(const struct mailbox_lock *l)
{
	struct stat now, st;

	if (fstatat(l->dir, l->name, &now, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT;
	return fstat(l->fd, &st) == 0 && (now.st_ino != st.st_ino ||
	    now.st_dev != st.st_dev);
}

void
mailbox_unlock(struct mailbox_lock *l)
{
	/* When that cannot be told, it is ours: nobody breaks the lock of a
	 * living owner, but one left here would keep all out. */
	if (is_lost(l))
		log_warn("mailbox-lock", "lost=%s", l->name);
	else
		(void)unlinkat(l->dir, l->name, 0);
	close(l->fd);
	l->fd = -1;
}

/* The new file, whole and synced, under its own temporary name: the lock must
 * go on saying whose it is. */
static int
write_new(int dir, const char *tmp, mode_t mode, const void *data, size_t n)
{
	int fd, r;

	/* The lock is ours: a file there is of someone dead. */
	(void)unlinkat(dir, tmp, 0);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd == -1)
		return -1;
	r = fd_write_all(fd, data, n) == -1 || fsync(fd) == -1 ? -1 : 0;
	return close(fd) == -1 ? -1 : r;
}

enum mailbox_status
mailbox_lock_replace(struct mailbox_lock *l, const void *data, size_t n)
{
	enum mailbox_status status = MAILBOX_OK;
	char file[sizeof(l->name)], tmp[sizeof(l->name)];
	struct stat st;

	strlcpy(file, l->name, sizeof(file));
	file[strlen(file) - strlen(".lock")] = '\0';
	snprintf(tmp, sizeof(tmp), "%.50s.tmp", file);
	if (fstat(l->fd, &st) == -1 ||
	    write_new(l->dir, tmp, st.st_mode & 0777, data, n) == -1)
		status = mailbox_errno("write");
	else if (!is_still(l, &st))
		status = MAILBOX_BUSY;
	else if (renameat(l->dir, tmp, l->dir, file) == -1)
		status = mailbox_errno("rename");
	else if (fsync(l->dir) == -1)
		status = mailbox_errno("fsync");
	if (status != MAILBOX_OK && status != MAILBOX_BUSY)
		(void)unlinkat(l->dir, tmp, 0);
	mailbox_unlock(l);
	return status;
}
