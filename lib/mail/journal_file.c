/* SPDX-License-Identifier: ISC
 *
 * The file of a journal; see mail/journal.h.  It must never leave half a batch
 * of records where the next writer would add behind it.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bytes/crc32.h"
#include "mail/journal.h"
#include "system/clock.h"
#include "system/fdio.h"

#define JOURNAL_TMP	JOURNAL_FILE ".tmp"
#define MAGIC		0x314a6d64746453ull	/* "SdtdmJ1", this byte order */
#define BLOCK		65536
#define LOCK_WAIT	10000	/* milliseconds */

struct header {
	uint64_t	magic;
	uint64_t	id, before;
	uint64_t	floor, top;
	uint64_t	live;
	uint32_t	validity;
	uint32_t	crc;
};

_Static_assert(sizeof(struct header) == JOURNAL_START, "the file's format");

void
journal_init(struct journal *j)
{
	memset(j, 0, sizeof(*j));
	j->fd = -1;
}

void
journal_close(struct journal *j)
{
	/* A child may share it: closing alone would leave the lock. */
	journal_unlock(j);
	if (j->fd != -1)
		close(j->fd);
	journal_init(j);
}

uint64_t
journal_new_id(void)
{
	uint64_t id;

	do
		arc4random_buf(&id, sizeof(id));
	while (id == 0);
	return id;
}

static uint32_t
header_sum(const struct header *h)
{
	return crc32_add(0, h, offsetof(struct header, crc));
}

/* The file that fd is, with this header. */
static int
take_file(struct journal *j, int fd, const struct header *h)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	j->fd = fd;
	j->dev = st.st_dev;
	j->ino = st.st_ino;
	j->id = h->id;
	j->before = h->before;
	j->floor = h->floor;
	j->top = h->top;
	j->live = h->live;
	j->end = sizeof(*h);
	j->synced = 0;
	j->torn = false;
	return 0;
}

int
journal_open(struct journal *j, int dir, uint32_t validity)
{
	struct header h;
	ssize_t n;
	int fd;

	fd = openat(dir, JOURNAL_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	if (fd == -1 && (errno == EACCES || errno == EROFS))
		fd = openat(dir, JOURNAL_FILE, O_RDONLY | O_CLOEXEC |
		    O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	if ((n = fd_pread_all(fd, &h, sizeof(h), 0)) == -1) {
		close(fd);
		return -1;
	}
	if (n != (ssize_t)sizeof(h) || h.magic != MAGIC ||
	    h.crc != header_sum(&h) || h.validity != validity ||
	    h.live < sizeof(h)) {
		close(fd);
		return 0;
	}
	if (take_file(j, fd, &h) == -1) {
		close(fd);
		return -1;
	}
	return 1;
}

bool
journal_current(const struct journal *j, int dir)
{
	struct stat st;

	return j->fd != -1 && fstatat(dir, JOURNAL_FILE, &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == j->ino &&
	    st.st_dev == j->dev;
}

off_t
journal_size(const struct journal *j)
{
	struct stat st;

	return j->fd == -1 || fstat(j->fd, &st) == -1 ? 0 : st.st_size;
}

static int
read_tail(struct journal *j, off_t size, journal_take *take, void *arg)
{
	char *block;
	size_t want, done;
	ssize_t n = 0;
	int ended = 0;
	bool bad = false;

	if ((block = malloc(BLOCK)) == NULL)
		return -1;
	while (j->end < size && ended == 0) {
		want = size - j->end < BLOCK ? (size_t)(size - j->end) : BLOCK;
		n = fd_pread_all(j->fd, block, want, j->end);
		if (n <= 0)
			break;
		done = journal_decode(block, (size_t)n, j->id, take, arg,
		    &ended, &bad);
		j->end += (off_t)done;
		if (done == 0 || bad)
			break;
	}
	free(block);
	if (n == -1)
		return -1;
	if (ended != 0) {
		errno = ENOMEM;
		return -1;
	}
	j->torn = j->end < size;
	return 0;
}

enum journal_read
journal_read(struct journal *j, int dir, off_t limit, journal_take *take,
    void *arg)
{
	bool current;
	off_t size;

	if (j->fd == -1)
		return JOURNAL_REPLACED;
	/* Asked first: who replaces it writes no more to the old one. */
	current = journal_current(j, dir);
	size = journal_size(j);
	if (limit != 0 && size > limit)
		size = limit;
	if (size < j->end)
		return JOURNAL_REPLACED;
	if (size > j->end && read_tail(j, size, take, arg) == -1)
		return JOURNAL_FAILED;
	return current ? JOURNAL_READ : JOURNAL_REPLACED;
}

/* ---- writing ---- */

static int
lock_fd(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct timespec pause = { 0, 200000 };
	long long end = clock_ms() + LOCK_WAIT;

	while (fcntl(fd, F_OFD_SETLK, &whole) == -1) {
		if (errno != EAGAIN && errno != EACCES)
			return -1;
		if (clock_ms() >= end) {
			errno = EAGAIN;
			return -1;
		}
		(void)nanosleep(&pause, NULL);
		if (pause.tv_nsec < 20000000)
			pause.tv_nsec += pause.tv_nsec / 2;
	}
	return 0;
}

int
journal_lock(struct journal *j, int dir)
{
	if (lock_fd(j->fd) == -1)
		return -1;
	if (journal_current(j, dir))
		return 0;
	journal_unlock(j);
	errno = ESTALE;
	return -1;
}

void
journal_unlock(struct journal *j)
{
	struct flock whole = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (j->fd != -1)
		(void)fcntl(j->fd, F_OFD_SETLK, &whole);
}

/* A new file under its temporary name, locked: its descriptor, or -1. */
static int
make_tmp(int dir, mode_t mode, struct header *h, const struct buf *records)
{
	int fd, saved;

	/* The lock is ours: a file there is of someone dead. */
	(void)unlinkat(dir, JOURNAL_TMP, 0);
	fd = openat(dir, JOURNAL_TMP, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
	    mode);
	if (fd == -1)
		return -1;
	h->magic = MAGIC;
	h->live = sizeof(*h) + (records == NULL ? 0 : records->len);
	h->crc = header_sum(h);
	if (lock_fd(fd) == 0 && fd_write_all(fd, h, sizeof(*h)) == 0 &&
	    (records == NULL || records->len == 0 ||
	    fd_write_all(fd, records->data, records->len) == 0) &&
	    fsync(fd) == 0)
		return fd;
	saved = errno;
	(void)unlinkat(dir, JOURNAL_TMP, 0);
	close(fd);
	errno = saved;
	return -1;
}

/* Write it and rename it over the old one, if there is one. */
static int
put_in_place(struct journal *j, int dir, mode_t mode, struct header *h,
    const struct buf *records)
{
	int fd = make_tmp(dir, mode, h, records), saved;

	if (fd == -1)
		return -1;
	if (renameat(dir, JOURNAL_TMP, dir, JOURNAL_FILE) == -1) {
		saved = errno;
		(void)unlinkat(dir, JOURNAL_TMP, 0);
		close(fd);
		errno = saved;
		return -1;
	}
	journal_close(j);
	if (take_file(j, fd, h) == -1) {
		close(fd);
		return -1;
	}
	j->end = j->synced = (off_t)h->live;
	(void)fsync(dir);
	return 0;
}

int
journal_create(struct journal *j, int dir, mode_t mode, uint32_t validity,
    uint64_t floor)
{
	struct header h = { .id = journal_new_id(), .floor = floor,
	    .top = floor, .validity = validity };

	return put_in_place(j, dir, mode, &h, NULL);
}

int
journal_append(struct journal *j, const struct buf *records)
{
	int saved;

	if (j->torn && ftruncate(j->fd, j->end) == -1)
		return -1;
	j->torn = false;
	if (lseek(j->fd, j->end, SEEK_SET) == -1)
		return -1;
	if (fd_write_all(j->fd, records->data, records->len) == 0) {
		j->end += (off_t)records->len;
		return 0;
	}
	saved = errno;
	j->torn = ftruncate(j->fd, j->end) == -1;
	errno = saved;
	return -1;
}

int
journal_sync(struct journal *j)
{
	if (j->fd == -1 || j->end <= j->synced)
		return 0;
	if (fdatasync(j->fd) == -1)
		return -1;
	j->synced = j->end;
	return 0;
}

int
journal_replace(struct journal *j, int dir, mode_t mode, uint32_t validity,
    uint64_t id, uint64_t floor, uint64_t top, const struct buf *records)
{
	struct header h = { .id = id, .before = j->id, .floor = floor,
	    .top = top, .validity = validity };

	return put_in_place(j, dir, mode, &h, records);
}
