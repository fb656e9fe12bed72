/* SPDX-License-Identifier: ISC
 *
 * Delivery into a Maildir.  Every failure takes away what it left in tmp/;
 * success means that the file and its name are on disk.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mail/disk_order.h"
#include "mail/maildir.h"
#include "mail/spool_local.h"

#define TRIES	16	/* for a name that is free */

/* mkdir one folder of ours, with its name on disk. */
static int
make_dir(int at, const char *path, const char *parent)
{
	if (mkdirat(at, path, 0700) == -1)
		return errno == EEXIST ? 0 : -1;
	return spool_sync_dir(at, parent);
}

/* Make the folders of a path, the last one too. */
static int
make_path(const char *path)
{
	char part[PATH_MAX], parent[PATH_MAX] = ".";
	size_t i, n = strlcpy(part, path, sizeof(part));

	if (n == 0 || n >= sizeof(part)) {
		errno = n == 0 ? ENOENT : ENAMETOOLONG;
		return -1;
	}
	while (n > 1 && part[n - 1] == '/')
		part[--n] = '\0';
	for (i = 1; i <= n; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		if (access(part, F_OK) == -1 && (errno != ENOENT ||
		    make_dir(AT_FDCWD, part, parent) == -1))
			return -1;
		strlcpy(parent, part, sizeof(parent));
		if (i < n)
			part[i] = '/';
	}
	return 0;
}

static int
is_dir(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

int
maildir_open(const char *path, int flags)
{
	static const char *const parts[] = { "cur", "new", "tmp" };
	int fd, oflags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	size_t i;

	fd = open(path, oflags);
	if (fd == -1 && errno == ENOENT && (flags & MAILDIR_CREATE) &&
	    make_path(path) == 0)
		fd = open(path, oflags);
	if (fd == -1)
		return -1;
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (is_dir(fd, parts[i]))
			continue;
		if (!(flags & MAILDIR_CREATE))
			errno = EINVAL;
		else if (make_dir(fd, parts[i], ".") == 0)
			continue;
		close(fd);
		return -1;
	}
	return fd;
}

/* A name that was never used: "<sec>.M<usec>P<pid>Q<seq>.<host>", to
 * name[SPOOL_ID_MAX]; host is made safe and cut. */
static char *
make_unique(char *name, const char *host)
{
	char safe[100];

	spool_safe_host(safe, sizeof(safe), host);
	spool_make_id(name, 0, safe);
	return name;
}

static int
open_tmp(struct maildir_file *f)
{
	char path[SPOOL_ID_MAX + 8];

	snprintf(path, sizeof(path), "tmp/%s", f->tmp);
	return f->fd = openat(f->dir, path, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
}

int
maildir_begin(struct maildir_file *f, int dir, const char *id,
    const char *host)
{
	char path[SPOOL_ID_MAX + 8];
	int tries;

	f->dir = dir;
	f->fd = -1;
	f->name[0] = f->info[0] = '\0';
	f->given = id != NULL;
	f->ordered = disk_order(dir);
	if (f->given) {
		/* Only a delivery of the same message that was killed can
		 * have left that name; its lock is ours now. */
		strlcpy(f->tmp, id, sizeof(f->tmp));
		snprintf(path, sizeof(path), "tmp/%s", f->tmp);
		if (open_tmp(f) == -1 && errno == EEXIST &&
		    unlinkat(dir, path, 0) == 0)
			open_tmp(f);
	} else
		for (tries = 0; tries < TRIES && f->fd == -1; tries++) {
			make_unique(f->tmp, host);
			if (open_tmp(f) == -1 && errno != EEXIST)
				break;
		}
	if (f->fd == -1)
		return -1;
	spool_writer_init(&f->writer, f->fd);
	f->writer.unsummed = true;
	return 0;
}

int
maildir_write(struct maildir_file *f, const void *data, size_t n)
{
	return spool_write(&f->writer, data, n);
}

void
maildir_abort(struct maildir_file *f)
{
	char path[SPOOL_ID_MAX + 8];
	int saved = errno;

	if (f->fd == -1)
		return;
	snprintf(path, sizeof(path), "tmp/%s", f->tmp);
	(void)unlinkat(f->dir, path, 0);
	close(f->fd);
	f->fd = -1;
	errno = saved;
}

int
maildir_rename(int fromdir, const char *from, int todir, const char *to)
{
	struct stat st;

	if (renameat2(fromdir, from, todir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(fromdir, from, todir, to, 0) == 0)
		return unlinkat(fromdir, from, 0);
	if (errno != EPERM && errno != EOPNOTSUPP)
		return -1;
	/* No hard links either: names are unique, look and rename. */
	if (fstatat(todir, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(fromdir, from, todir, to);
}

/* The octets: 0, -1.  What is ordered is only written out: what a crash leaves
 * has the rename behind it, or not at all. */
static int
sync_octets(struct maildir_file *f)
{
	if (!f->ordered)
		return spool_sync(&f->writer);
	return sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE |
	    SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}

static const char *
folder_of(const struct maildir_file *f)
{
	return f->info[0] == '\0' ? "new" : "cur";
}

/* What it is called behind its end, to path[SPOOL_NAME_MAX + 8]. */
static char *
path_of(const struct maildir_file *f, char *path)
{
	snprintf(path, SPOOL_NAME_MAX + 8, "%s/%s", folder_of(f), f->name);
	return path;
}

/* A delivery that was killed may not have brought it to disk: 1, -1. */
static int
was_there(struct maildir_file *f, const char *path)
{
	int fd, r;

	fd = openat(f->dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	/* Its reader may have moved it meanwhile. */
	r = fd != -1 ? fsync(fd) : errno == ENOENT ? 0 : -1;
	if (fd != -1)
		close(fd);
	if (r == 0)
		r = spool_sync_dir(f->dir, folder_of(f));
	maildir_abort(f);
	return r == -1 ? -1 : 1;
}

int
maildir_ready(struct maildir_file *f, const struct timespec *mtime)
{
	struct timespec times[2];
	int n;

	n = snprintf(f->name, sizeof(f->name), "%s,S=%" PRIu64 ",W=%" PRIu64
	    "%s", f->tmp, f->writer.size, f->writer.wire, f->info);
	if (n < 0 || (size_t)n >= sizeof(f->name))
		errno = ENAMETOOLONG;
	else if (spool_flush(&f->writer) == 0) {
		if (mtime == NULL)
			return 0;
		times[0] = times[1] = *mtime;
		if (futimens(f->fd, times) == 0)
			return 0;
	}
	maildir_abort(f);
	return -1;
}

void
maildir_hurry(const struct maildir_file *f)
{
	(void)sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

int
maildir_name(struct maildir_file *f)
{
	char from[SPOOL_ID_MAX + 8], to[SPOOL_NAME_MAX + 8];

	snprintf(from, sizeof(from), "tmp/%s", f->tmp);
	if (sync_octets(f) == 0) {
		if (maildir_rename(f->dir, from, f->dir, path_of(f, to)) == 0)
			return 0;
		if (errno == EEXIST && f->given)
			return was_there(f, to);
	}
	maildir_abort(f);
	return -1;
}

int
maildir_sync(struct maildir_file *f)
{
	return f->ordered ? spool_sync(&f->writer) :
	    spool_sync_dir(f->dir, folder_of(f));
}

void
maildir_undo(struct maildir_file *f)
{
	char path[SPOOL_NAME_MAX + 8];
	int saved = errno;

	(void)unlinkat(f->dir, path_of(f, path), 0);
	maildir_close(f);
	errno = saved;
}

void
maildir_close(struct maildir_file *f)
{
	close(f->fd);
	f->fd = -1;
}

int
maildir_end(struct maildir_file *f, const struct timespec *mtime)
{
	int r;

	if (maildir_ready(f, mtime) == -1)
		return -1;
	if ((r = maildir_name(f)) != 0)
		return r;
	if (maildir_sync(f) == -1) {
		maildir_undo(f);
		return -1;
	}
	maildir_close(f);
	return 0;
}
