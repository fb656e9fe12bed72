/* SPDX-License-Identifier: ISC
 *
 * The file of a UID list: read without a lock, written under one; see
 * mail/uidlist.h.  It must never let a UID be told that a power cut could
 * take back.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes/buf.h"
#include "mail/uidlist.h"
#include "system/fdio.h"

#define UIDLIST_TMP	UIDLIST_FILE ".tmp"
#define UIDLIST_LOCK	UIDLIST_FILE ".lock"
#define WRITE_BLOCK	65536
#define LINE_ROOM	4096	/* more than a line of ours can be */

static int
open_file(struct uidlist *l, int dir)
{
	struct stat st;
	int fd = openat(dir, UIDLIST_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1)
		goto fail;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		goto fail;
	}
	l->fd = fd;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	l->end = 0;
	return 0;
fail:
	close(fd);
	return -1;
}

/* Read what lies between .end and size. */
static int
read_tail(struct uidlist *l, off_t size)
{
	size_t n = (size_t)(size - l->end);
	char *text;
	ssize_t got;

	if (size > (off_t)UIDLIST_SIZE_MAX) {
		errno = EFBIG;
		return -1;
	}
	if ((text = uidlist_hold(l, n)) == NULL)
		return -1;
	if ((got = fd_pread_all(l->fd, text, n, l->end)) == -1)
		return -1;
	if ((got = uidlist_parse(l, text, (size_t)got, l->end == 0)) == -1)
		return -1;
	l->end += got;
	l->written = l->n;
	return 0;
}

/* Its writer syncs before it lets the lock go; while there is a lock, what was
 * just read may not be on disk yet. */
static int
sync_others(const struct uidlist *l, int dir)
{
	struct stat st;

	if (fstatat(dir, UIDLIST_LOCK, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	return fdatasync(l->fd);
}

enum uidlist_read
uidlist_read(struct uidlist *l, int dir)
{
	struct stat st;

	if (fstatat(dir, UIDLIST_FILE, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? UIDLIST_MISSING : UIDLIST_FAILED;
	if (l->fd == -1) {
		if (l->validity != 0)
			return UIDLIST_REPLACED;
		if (open_file(l, dir) == -1)
			return errno == ENOENT ? UIDLIST_MISSING :
			    UIDLIST_FAILED;
		if (fstat(l->fd, &st) == -1)
			return UIDLIST_FAILED;
	}
	if (st.st_ino != l->ino || st.st_dev != l->dev || st.st_size < l->end)
		return UIDLIST_REPLACED;
	if (st.st_size == l->end)
		return UIDLIST_SAME;
	if (read_tail(l, st.st_size) == -1 || sync_others(l, dir) == -1)
		return UIDLIST_FAILED;
	return UIDLIST_MORE;
}

bool
uidlist_changed(const struct uidlist *l, int dir)
{
	struct stat st;

	if (fstatat(dir, UIDLIST_FILE, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return true;
	return l->fd == -1 || st.st_ino != l->ino || st.st_dev != l->dev ||
	    st.st_size != l->end;
}

static int
flush(struct buf *b, int fd)
{
	if (buf_failed(b)) {
		errno = ENOMEM;
		return -1;
	}
	if (fd_write_all(fd, b->data, b->len) == -1)
		return -1;
	buf_reset(b);
	return 0;
}

/* Write the records from index i on; with all only those still wanted. */
static int
write_records(const struct uidlist *l, size_t i, bool all, struct buf *b,
    int fd)
{
	const struct uidlist_rec *rec;

	for (; i < l->n; i++) {
		rec = &l->v[i];
		if (all && (rec->gone || rec->superseded))
			continue;
		buf_addf(b, "%u %s%s:%s\n", rec->uid, rec->ext,
		    *rec->ext == '\0' ? "" : " ", rec->name);
		if (b->max - b->len < LINE_ROOM && flush(b, fd) == -1)
			return -1;
	}
	return b->len == 0 && !buf_failed(b) ? 0 : flush(b, fd);
}

/* The new file is what the list was read from. */
static int
take_over(struct uidlist *l, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	if (l->fd != -1)
		close(l->fd);
	l->fd = fd;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	l->end = st.st_size;
	l->damaged = false;
	return 0;
}

static int
replace(struct uidlist *l, int dir, mode_t mode, struct buf *b)
{
	int fd, saved;

	/* The lock is ours: a temporary file there is of someone dead. */
	(void)unlinkat(dir, UIDLIST_TMP, 0);
	fd = openat(dir, UIDLIST_TMP, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
	    mode);
	if (fd == -1)
		return -1;
	buf_addf(b, "3 V%u N%u%s\n", l->validity, l->next,
	    l->header == NULL ? "" : l->header);
	if (write_records(l, 0, true, b, fd) == -1 || fsync(fd) == -1 ||
	    renameat(dir, UIDLIST_TMP, dir, UIDLIST_FILE) == -1)
		goto fail;
	/* From here the new file is the list, synced or not. */
	if (take_over(l, fd) == -1) {
		close(fd);
		return -1;
	}
	return fsync(dir);
fail:
	saved = errno;
	(void)unlinkat(dir, UIDLIST_TMP, 0);
	close(fd);
	errno = saved;
	return -1;
}

static int
append(struct uidlist *l, int dir, struct buf *b)
{
	struct stat st;
	int saved, fd;

	fd = openat(dir, UIDLIST_FILE, O_WRONLY | O_APPEND | O_CLOEXEC |
	    O_NOFOLLOW);
	if (fd == -1)
		return -1;
	if (write_records(l, l->written, false, b, fd) == -1 ||
	    fdatasync(fd) == -1 || fstat(fd, &st) == -1)
		goto fail;
	l->end = st.st_size;
	close(fd);
	return 0;
fail:
	saved = errno;
	/* What was written was told to nobody. */
	(void)!ftruncate(fd, l->end);
	close(fd);
	errno = saved;
	return -1;
}

static bool
mostly_unwanted(const struct uidlist *l)
{
	size_t i, unwanted = 0;

	for (i = 0; i < l->n; i++)
		unwanted += l->v[i].gone || l->v[i].superseded;
	return unwanted > 64 && unwanted > l->n / 4;
}

/* A folder's own number for its lists: 128 random bits. */
static int
make_header(struct uidlist *l)
{
	if ((l->header = malloc(sizeof(" G") + 32)) == NULL)
		return -1;
	snprintf(l->header, sizeof(" G") + 32, " G%08x%08x%08x%08x",
	    arc4random(), arc4random(), arc4random(), arc4random());
	l->damaged = true;
	return 0;
}

int
uidlist_write(struct uidlist *l, int dir, mode_t mode)
{
	struct buf b;
	int r;

	if (l->header == NULL && make_header(l) == -1)
		return -1;
	buf_init(&b, WRITE_BLOCK);
	if (l->damaged || uidlist_changed(l, dir) || mostly_unwanted(l))
		r = replace(l, dir, mode, &b);
	else
		r = append(l, dir, &b);
	if (r == 0)
		l->written = l->n;
	else
		l->ino = 0;
	buf_free(&b);
	return r;
}
