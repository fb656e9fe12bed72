/* SPDX-License-Identifier: ISC
 *
 * Counting what lies in a Maildir and its folders.  It only reads; whoever
 * changes the tree meanwhile is found by the folders' stamps.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "mail/mailbox_file.h"
#include "mail/quota.h"

struct count {
	bool		stamps_only;
	uint64_t	bytes, messages;
	uint64_t	stamp;
};

int
quota_size(int dir, const char *name, uint64_t *size)
{
	struct stat st;

	if (mailbox_file_size(name, mailbox_file_base(name), 'S', size) == 1 &&
	    *size <= INT64_MAX)
		return 0;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	*size = (uint64_t)st.st_size;
	return 0;
}

/* Sums of such sizes stay below what the file can say. */
static int
add_message(struct count *c, int dir, const char *name)
{
	uint64_t size;

	if (quota_size(dir, name, &size) == -1)
		return errno == ENOENT ? 0 : -1;
	c->messages++;
	c->bytes = size > INT64_MAX - c->bytes ? INT64_MAX : c->bytes + size;
	return 0;
}

/* Equal stamps of all folders, in whatever order, give equal sums. */
static void
add_stamp(struct count *c, const struct stat *st)
{
	const uint64_t values[] = { st->st_dev, st->st_ino,
	    (uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec };
	uint64_t h = 0x9e3779b97f4a7c15;
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		h = (h ^ values[i]) * 0xbf58476d1ce4e5b9;
		h ^= h >> 29;
	}
	c->stamp += h;
}

/* A folder that is none, or went, or leads away, has nothing in it. */
static bool
is_absent(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

/* Open a folder for listing: 1; 0 there is none; -1. */
static int
list_open(int at, const char *name, DIR **d)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);

	if (fd == -1)
		return is_absent(errno) ? 0 : -1;
	if ((*d = fdopendir(fd)) != NULL)
		return 1;
	close(fd);
	return -1;
}

/* The next name, or NULL: *r is -1 after an error. */
static const struct dirent *
list_next(DIR *d, int *r)
{
	const struct dirent *e;

	errno = 0;
	if ((e = readdir(d)) == NULL && errno != 0)
		*r = -1;
	return e;
}

static void
list_close(DIR *d)
{
	int saved = errno;

	closedir(d);
	errno = saved;
}

/* cur or new of a folder. */
static int
count_files(struct count *c, int folder, const char *part)
{
	const struct dirent *e;
	struct stat st;
	DIR *d;
	int r;

	if (fstatat(folder, part, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return is_absent(errno) ? 0 : -1;
	add_stamp(c, &st);
	if (c->stamps_only)
		return 0;
	if ((r = list_open(folder, part, &d)) != 1)
		return r;
	r = 0;
	while (r == 0 && (e = list_next(d, &r)) != NULL)
		if (mailbox_file_ok(e->d_name))
			r = add_message(c, dirfd(d), e->d_name);
	list_close(d);
	return r;
}

static int
count_folder(struct count *c, int folder)
{
	if (count_files(c, folder, "new") == -1)
		return -1;
	return count_files(c, folder, "cur");
}

/* One name in the root: a folder begins with one dot. */
static int
count_entry(struct count *c, int root, const struct dirent *e)
{
	int fd, r;

	if (e->d_name[0] != '.' || e->d_name[1] == '.' ||
	    e->d_name[1] == '\0' ||
	    (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN))
		return 0;
	fd = openat(root, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		return is_absent(errno) ? 0 : -1;
	r = count_folder(c, fd);
	close(fd);
	return r;
}

int
quota_count(int root, uint64_t *bytes, uint64_t *messages, uint64_t *stamp)
{
	struct count c = { .stamps_only = bytes == NULL };
	const struct dirent *e;
	DIR *d;
	int r;

	if ((r = list_open(root, ".", &d)) != 1) {
		if (r == 0)
			errno = ENOENT;
		return -1;
	}
	r = count_folder(&c, dirfd(d));
	while (r == 0 && (e = list_next(d, &r)) != NULL)
		r = count_entry(&c, dirfd(d), e);
	list_close(d);
	if (r == -1)
		return -1;
	if (bytes != NULL) {
		*bytes = c.bytes;
		*messages = c.messages;
	}
	*stamp = c.stamp;
	return 0;
}
