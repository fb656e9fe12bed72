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

static bool
is_old(const struct stat *st)
{
	time_t now = time(NULL);

	return st->st_mtime < now && now - st->st_mtime > MAILBOX_LOCK_STALE;
}

/* Whether the name still is this file. */
static bool
is_still(const struct mailbox_lock *l, const struct stat *st)
{
	struct stat now;

	return fstatat(l->dir, l->name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	    now.st_ino == st->st_ino && now.st_dev == st->st_dev;
}

/*
 * Look at the lock that is in the way and remove it when its owner is gone.
 * Who breaks a lock locks that very file: so of two, one comes second, and
 * sees that the name is another file by then.
 */
static void
try_break(const struct mailbox_lock *l)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat st;
	int fd = openat(l->dir, l->name, O_RDWR | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);

	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0 && (is_old(&st) || owner_dead(fd)) &&
	    fcntl(fd, F_OFD_SETLK, &whole) == 0 && is_still(l, &st)) {
		log_warn("mailbox-lock", "stale=%s", l->name);
		(void)unlinkat(l->dir, l->name, 0);
	}
	close(fd);
}

static int
write_owner(int fd)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "%ld:%s", (long)getpid(),
	    mailbox_file_host());

	return fd_write_all(fd, text, (size_t)n);
}

enum mailbox_status
mailbox_lock(struct mailbox_lock *l, int dir, const char *file, mode_t mode)
{
	long long end = clock_ms() + MAILBOX_LOCK_WAIT;
	struct timespec pause = { 0, 1000000 };
	enum mailbox_status status;

	l->dir = dir;
	snprintf(l->name, sizeof(l->name), "%.50s.lock", file);
	for (;;) {
		l->fd = openat(dir, l->name, O_RDWR | O_CREAT | O_EXCL |
		    O_CLOEXEC, mode);
		if (l->fd != -1)
			break;
		if (errno != EEXIST)
			return mailbox_errno("lock");
		try_break(l);
		if (clock_ms() >= end) {
			log_warn("mailbox-lock", "busy=%s", l->name);
			return MAILBOX_BUSY;
		}
		(void)nanosleep(&pause, NULL);
		if (pause.tv_nsec < 50000000)
			pause.tv_nsec += pause.tv_nsec / 2;
	}
	if (write_owner(l->fd) == 0)
		return MAILBOX_OK;
	status = mailbox_errno("lock");
	mailbox_unlock(l);
	return status;
}

void
mailbox_unlock(struct mailbox_lock *l)
{
	struct stat st;

	if (fstat(l->fd, &st) == 0 && is_still(l, &st))
		(void)unlinkat(l->dir, l->name, 0);
	else
		log_warn("mailbox-lock", "lost=%s", l->name);
	close(l->fd);
	l->fd = -1;
}

enum mailbox_status
mailbox_lock_replace(struct mailbox_lock *l)
{
	enum mailbox_status status = MAILBOX_OK;
	char file[sizeof(l->name)];
	struct stat st;

	strlcpy(file, l->name, sizeof(file));
	file[strlen(file) - strlen(".lock")] = '\0';
	if (fsync(l->fd) == -1 || fstat(l->fd, &st) == -1) {
		status = mailbox_errno("fsync");
	} else if (!is_still(l, &st)) {
		status = MAILBOX_BUSY;
	} else if (renameat(l->dir, l->name, l->dir, file) == 0) {
		close(l->fd);
		l->fd = -1;
		return fsync(l->dir) == 0 ? MAILBOX_OK :
		    mailbox_errno("fsync");
	} else {
		status = mailbox_errno("rename");
	}
	mailbox_unlock(l);
	return status;
}
