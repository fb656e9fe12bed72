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

#include "bytes/crc32.h"
#include "mail/uidlist.h"
#include "system/fdio.h"

#define UIDLIST_TMP	UIDLIST_FILE ".tmp"
#define UIDLIST_LOCK	UIDLIST_FILE ".lock"
#define BLOCK		262144
#define MARK_OCTETS	256	/* looked at before a mark */

static int
open_file(struct uidlist *l, int dir, const char *name)
{
	struct stat st;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
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

static int
no_line(void *arg, uint32_t uid, const char *name, const char *ext)
{
	(void)arg, (void)uid, (void)name, (void)ext;
	return 0;
}

enum uidlist_read
uidlist_open(struct uidlist *l, int dir)
{
	char line[UIDLIST_HEADER_MAX], *nl;
	ssize_t n, got;

	l->courier = false;
	if (open_file(l, dir, UIDLIST_FILE) == -1) {
		if (errno != ENOENT)
			return UIDLIST_FAILED;
		if (open_file(l, dir, UIDLIST_COURIER) == -1)
			return errno == ENOENT ? UIDLIST_MISSING :
			    UIDLIST_FAILED;
		l->courier = true;
	}
	if ((n = fd_pread_all(l->fd, line, sizeof(line), 0)) == -1)
		return UIDLIST_FAILED;
	nl = memchr(line, '\n', (size_t)n);
	/* A file without a whole line may be one that is being written by who
	 * does not rename; a line too long is none. */
	if (nl == NULL) {
		l->damaged = n > 0;
		return UIDLIST_MORE;
	}
	got = uidlist_parse(l, line, (size_t)(nl + 1 - line), true, no_line,
	    NULL);
	if (l->validity != 0)
		l->end = got;
	return UIDLIST_MORE;
}

static int
crc_before(int fd, uint64_t end, uint32_t *crc)
{
	char octets[MARK_OCTETS];
	size_t want = end < sizeof(octets) ? (size_t)end : sizeof(octets);
	ssize_t n = fd_pread_all(fd, octets, want, (off_t)(end - want));

	if (n != (ssize_t)want)
		return -1;
	*crc = crc32_add(0, octets, want);
	return 0;
}

bool
uidlist_resume(struct uidlist *l, const struct uidlist_mark *mark)
{
	struct stat st;
	uint32_t crc;

	if (l->fd == -1 || l->validity == 0 || l->damaged ||
	    mark->ino != (uint64_t)l->ino || fstat(l->fd, &st) == -1 ||
	    (uint64_t)st.st_size < mark->end || mark->end < (uint64_t)l->end ||
	    crc_before(l->fd, mark->end, &crc) == -1 || crc != mark->crc)
		return false;
	l->end = (off_t)mark->end;
	l->last = mark->last;
	l->lines = mark->lines;
	if (l->next < mark->next)
		l->next = mark->next;
	return true;
}

int
uidlist_mark(const struct uidlist *l, struct uidlist_mark *mark)
{
	memset(mark, 0, sizeof(*mark));
	if (l->fd == -1 || l->damaged || l->ino == 0) {
		errno = EINVAL;
		return -1;
	}
	mark->ino = (uint64_t)l->ino;
	mark->end = (uint64_t)l->end;
	mark->last = l->last;
	mark->lines = l->lines;
	mark->next = l->next;
	return crc_before(l->fd, mark->end, &mark->crc);
}

/* Read what lies between .end and size, in blocks. */
static int
read_tail(struct uidlist *l, off_t size, uidlist_take *take, void *arg)
{
	size_t held = 0, want, cap = BLOCK;
	char *text, *more;
	ssize_t n = 0, got;

	if (size > (off_t)UIDLIST_SIZE_MAX) {
		errno = EFBIG;
		return -1;
	}
	if ((off_t)cap > size - l->end)
		cap = (size_t)(size - l->end);
	if ((text = malloc(cap)) == NULL)
		return -1;
	while (l->end + (off_t)held < size) {
		if (held == cap) {
			/* A line longer than the block. */
			if ((more = realloc(text, cap * 2)) == NULL)
				goto fail;
			text = more;
			cap *= 2;
		}
		want = cap - held;
		if ((off_t)want > size - l->end - (off_t)held)
			want = (size_t)(size - l->end - (off_t)held);
		n = fd_pread_all(l->fd, text + held, want, l->end +
		    (off_t)held);
		if (n <= 0)
			break;
		held += (size_t)n;
		got = uidlist_parse(l, text, held, l->end == 0, take, arg);
		if (got == -1) {
			errno = ENOMEM;
			goto fail;
		}
		l->end += got;
		held -= (size_t)got;
		memmove(text, text + got, held);
	}
	if (n == -1)
		goto fail;
	free(text);
	return 0;
fail:
	free(text);
	return -1;
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
uidlist_read(struct uidlist *l, int dir, uidlist_take *take, void *arg)
{
	struct stat st;

	if (fstatat(dir, UIDLIST_FILE, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		if (errno != ENOENT)
			return UIDLIST_FAILED;
		if (!l->courier || fstat(l->fd, &st) == -1)
			return UIDLIST_MISSING;
	}
	if (l->fd == -1 || st.st_ino != l->ino || st.st_dev != l->dev ||
	    st.st_size < l->end)
		return UIDLIST_REPLACED;
	if (st.st_size == l->end)
		return UIDLIST_SAME;
	if (read_tail(l, st.st_size, take, arg) == -1 ||
	    sync_others(l, dir) == -1)
		return UIDLIST_FAILED;
	return UIDLIST_MORE;
}

/* ---- writing ---- */

static void
flush(struct uidlist_writer *w)
{
	if (w->error != 0)
		return;
	if (buf_failed(&w->buf))
		w->error = ENOMEM;
	else if (w->buf.len > 0 &&
	    fd_write_all(w->fd, w->buf.data, w->buf.len) == -1)
		w->error = errno;
	buf_reset(&w->buf);
}

void
uidlist_begin(struct uidlist *l, struct uidlist_writer *w, int dir,
    mode_t mode, bool whole)
{
	buf_init(&w->buf, BLOCK);
	w->whole = whole;
	w->error = 0;
	w->last = whole ? 0 : l->last;
	w->lines = whole ? 0 : l->lines;
	/* The lock is ours: a temporary file there is of someone dead. */
	if (whole)
		(void)unlinkat(dir, UIDLIST_TMP, 0);
	w->fd = whole ? openat(dir, UIDLIST_TMP, O_RDWR | O_CREAT | O_EXCL |
	    O_CLOEXEC, mode) : openat(dir, UIDLIST_FILE, O_WRONLY |
	    O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (w->fd == -1) {
		w->error = errno;
		return;
	}
	if (!whole)
		return;
	/* A folder's own number for its lists: 128 random bits. */
	if (strstr(l->header, " G") == NULL &&
	    strlen(l->header) + 40 < sizeof(l->header))
		snprintf(l->header + strlen(l->header), 40,
		    " G%08x%08x%08x%08x", arc4random(), arc4random(),
		    arc4random(), arc4random());
	buf_addf(&w->buf, "3 V%u N%u%s\n", l->validity, l->next, l->header);
}

void
uidlist_put(struct uidlist_writer *w, uint32_t uid, const char *ext,
    const char *name, size_t len)
{
	if (w->buf.max - w->buf.len < UIDLIST_LINE_MAX)
		flush(w);
	buf_addf(&w->buf, "%u %.*s%s:%.*s\n", uid, UIDLIST_LINE_MAX / 2, ext,
	    *ext == '\0' ? "" : " ", (int)len, name);
	w->last = uid;
	w->lines++;
}

/* What is in the file is what we know. */
static int
take_over(struct uidlist *l, struct uidlist_writer *w)
{
	struct stat st;

	if (fstat(w->fd, &st) == -1)
		return -1;
	l->end = st.st_size;
	l->last = w->last;
	l->lines = w->lines;
	if (l->next <= l->last)
		l->next = l->last + 1;
	if (!w->whole)
		return 0;
	if (l->fd != -1)
		close(l->fd);
	l->fd = w->fd;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	l->damaged = l->courier = false;
	l->version3 = true;
	w->fd = -1;
	return 0;
}

static int
finish(struct uidlist *l, struct uidlist_writer *w, int dir)
{
	flush(w);
	if (w->error != 0) {
		errno = w->error;
		return -1;
	}
	if (!w->whole)
		return fdatasync(w->fd) == -1 ? -1 : take_over(l, w);
	if (fsync(w->fd) == -1 ||
	    renameat(dir, UIDLIST_TMP, dir, UIDLIST_FILE) == -1)
		return -1;
	/* From here the new file is the list, synced or not. */
	if (take_over(l, w) == -1 || fsync(dir) == -1) {
		l->ino = 0;
		return -1;
	}
	return 0;
}

int
uidlist_end(struct uidlist *l, struct uidlist_writer *w, int dir)
{
	int r = finish(l, w, dir), saved = errno;

	if (r == -1) {
		if (w->whole)
			(void)unlinkat(dir, UIDLIST_TMP, 0);
		/* What was written was told to nobody. */
		else if (w->fd != -1 && ftruncate(w->fd, l->end) == -1)
			l->ino = 0;
	}
	if (w->fd != -1)
		close(w->fd);
	buf_free(&w->buf);
	errno = saved;
	return r;
}
