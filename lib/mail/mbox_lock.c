/* SPDX-License-Identifier: ISC
 *
 * See mail/mbox_lock.h.  FILE.lock comes first, then fcntl(2), then flock(2),
 * each only tried and all let go of while waiting, so that two who take them
 * in another order never wait for each other.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/mbox_lock.h"
#include "system/clock.h"
#include "system/fdio.h"
#include "system/log.h"

#define PAUSE_MIN	2	/* milliseconds between two looks at a lock */
#define PAUSE_MAX	100

static void
pause_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&ts, NULL);
}

static void
owner_text(char *text, size_t size)
{
	char host[HOST_NAME_MAX + 1] = "";

	(void)gethostname(host, sizeof(host) - 1);
	(void)snprintf(text, size, "%ld:%s", (long)getpid(), host);
}

/* Is the owner, "pid:host", known to be dead? */
static bool
owner_dead(int fd)
{
	char text[HOST_NAME_MAX + 32], mine[HOST_NAME_MAX + 32], *colon;
	const char *error;
	long long pid;
	ssize_t n = fd_pread_all(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	owner_text(mine, sizeof(mine));
	if ((colon = strchr(text, ':')) == NULL ||
	    strcmp(colon, strchr(mine, ':')) != 0)
		return false;
	*colon = '\0';
	pid = strtonum(text, 1, INT_MAX, &error);
	return error == NULL && kill((pid_t)pid, 0) == -1 && errno == ESRCH;
}

static bool
is_old(const struct stat *st)
{
	time_t now = time(NULL);

	return st->st_mtime < now && now - st->st_mtime > MBOX_LOCK_STALE;
}

static bool
is_named(int dir, const char *name, const struct stat *st)
{
	struct stat now;

	return fstatat(dir, name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	    now.st_ino == st->st_ino && now.st_dev == st->st_dev;
}

/*
 * Remove a lock file whose owner is gone.  Who breaks one locks that very
 * file: so of two, one comes second, and sees that the name is another file by
 * then.
 */
static void
try_break(int dir, const char *dot)
{
	struct flock whole = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	struct stat st;
	int fd = openat(dir, dot, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);

	/* What cannot be read can still be seen to be old. */
	if (fd == -1) {
		if (fstatat(dir, dot, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    is_old(&st))
			(void)unlinkat(dir, dot, 0);
		return;
	}
	if (fstat(fd, &st) == 0 && (is_old(&st) || owner_dead(fd)) &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	    fcntl(fd, F_OFD_SETLK, &whole) == 0 && is_named(dir, dot, &st)) {
		log_warn("mbox-lock", "stale=%s", log_str(dot));
		(void)unlinkat(dir, dot, 0);
	}
	close(fd);
}

/* The folder of l->dot, as a name in l->dir. */
static void
folder_of(const struct mbox_lock *l, char *to, size_t size)
{
	const char *slash = strrchr(l->dot, '/');

	if (slash == NULL)
		(void)strlcpy(to, ".", size);
	else
		(void)snprintf(to, size, "%.*s", slash == l->dot ? 1 :
		    (int)(slash - l->dot), l->dot);
}

/*
 * Make FILE.lock with its owner in it, so that no crash leaves one that nobody
 * owns: a file without a name that gets it when it is complete.  NOTE: where
 * the kernel cannot do that, it is named first, and a crash before the next
 * call leaves a lock that is broken for its age alone.  In a sandbox that
 * permits to make files in the folder, but not to write to any but the mbox,
 * it stays empty.
 */
static int
make_dot(const struct mbox_lock *l)
{
	char folder[PATH_MAX], text[HOST_NAME_MAX + 32];
	int fd, r, saved;

	owner_text(text, sizeof(text));
	folder_of(l, folder, sizeof(folder));
	fd = openat(l->dir, folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0444);
	if (fd != -1) {
		(void)fd_write_all(fd, text, strlen(text));
		r = linkat(fd, "", l->dir, l->dot, AT_EMPTY_PATH);
		saved = errno;
		close(fd);
		errno = saved;
		if (r == 0 || errno == EEXIST)
			return r;
	}
	if (mknodat(l->dir, l->dot, S_IFREG | 0600, 0) == -1)
		return -1;
	fd = openat(l->dir, l->dot, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd != -1) {
		(void)fd_write_all(fd, text, strlen(text));
		(void)fchmod(fd, 0444);
		close(fd);
	}
	return 0;
}

/* FILE.lock: 1 it is ours, 0 another's, -1 cannot be made: then it is left
 * out, as by all who may not write there. */
static int
take_dot(const struct mbox_lock *l)
{
	if (make_dot(l) == 0)
		return 1;
	if (errno != EEXIST)
		return -1;
	try_break(l->dir, l->dot);
	return 0;
}

static void
drop_dot(struct mbox_lock *l)
{
	(void)unlinkat(l->dir, l->dot, 0);
}

static int
lock_file(int fd, short type)
{
	struct flock whole = { .l_type = type, .l_whence = SEEK_SET };
	int r;

	while ((r = fcntl(fd, F_OFD_SETLK, &whole)) == -1 && errno == EINTR)
		;
	if (r == -1 && errno == EACCES)
		errno = EAGAIN;
	return r;
}

/* fcntl(2) and flock(2): 1 both, 0 another's, -1 errno. */
static int
take_file(const struct mbox_lock *l, bool shared)
{
	if (lock_file(l->fd, shared ? F_RDLCK : F_WRLCK) == -1)
		return errno == EAGAIN ? 0 : -1;
	if (flock(l->fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
		return 1;
	if (errno == EWOULDBLOCK) {
		(void)lock_file(l->fd, F_UNLCK);
		return 0;
	}
	(void)lock_file(l->fd, F_UNLCK);
	return -1;
}

/* All of them: 1, 0 another has one, -1 errno.  *dot: it can be made. */
static int
try_all(struct mbox_lock *l, bool shared, bool *dot)
{
	int r = *dot ? take_dot(l) : 1;

	if (r == 0)
		return 0;
	if (r == -1)
		*dot = false;
	r = take_file(l, shared);
	if (r != 1 && *dot) {
		int saved = errno;

		drop_dot(l);
		errno = saved;
	}
	return r;
}

static bool
still_named(const struct mbox_lock *l, const char *name)
{
	struct stat st, now;

	return fstat(l->fd, &st) == 0 && fstatat(l->dir, name, &now, 0) == 0 &&
	    st.st_ino == now.st_ino && st.st_dev == now.st_dev;
}

int
mbox_lock(struct mbox_lock *l, int dir, const char *name, int fd, bool shared,
    int seconds)
{
	long long end = clock_ms() + seconds * 1000LL;
	long wait = PAUSE_MIN;
	bool dot = true;
	int r, n;

	l->dir = dir;
	l->fd = fd;
	n = snprintf(l->dot, sizeof(l->dot), "%s.lock", name);
	if (n < 0 || (size_t)n >= sizeof(l->dot)) {
		l->dot[0] = '\0';
		l->fd = -1;
		errno = ENAMETOOLONG;
		return -1;
	}
	while ((r = try_all(l, shared, &dot)) == 0 && clock_ms() < end) {
		pause_ms(wait);
		wait = 2 * wait < PAUSE_MAX ? 2 * wait : PAUSE_MAX;
	}
	if (r != 1) {
		l->dot[0] = '\0';
		l->fd = -1;
		if (r == 0)
			errno = EAGAIN;
		return -1;
	}
	if (!dot)
		l->dot[0] = '\0';
	if (!still_named(l, name)) {
		mbox_unlock(l);
		errno = ESTALE;
		return -1;
	}
	return 0;
}

void
mbox_unlock(struct mbox_lock *l)
{
	int saved = errno;

	if (l->fd != -1) {
		(void)flock(l->fd, LOCK_UN);
		(void)lock_file(l->fd, F_UNLCK);
		l->fd = -1;
	}
	if (l->dot[0] != '\0')
		drop_dot(l);
	l->dot[0] = '\0';
	errno = saved;
}
