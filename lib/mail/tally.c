/* SPDX-License-Identifier: ISC
 *
 * The shared memory of smtpd's processes, see tally.h.
 *
 *	header	 magic, seed			one page
 *	table	 buckets of 8 slots		TALLY_TABLES of them
 *
 * A bucket is read, changed and written under a lock of its own octets, an
 * open file description lock, which goes with its process.  It must never
 * wait for one, and never trust a value.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/tally.h"
#include "system/fdio.h"
#include "system/log.h"

#define HEADER		4096
#define BUCKET		8		/* slots */
#define BUCKETS		(TALLY_SLOTS / BUCKET)
#define TRIES		50		/* of a lock */
#define AHEAD_MAX	(24 * 3600 * 1000LL)	/* ms */

static const char magic[16] = "stdmail-tally 1\n";

struct header {
	char		magic[16];
	uint32_t	order;		/* 1, in this machine's order */
	uint32_t	slots;
	unsigned char	seed[SIPHASH_KEY];
};

struct slot {
	uint64_t	tag;		/* 0 empty */
	int64_t		first, last;
	uint32_t	count, zero;
};

/* A bucket in hand. */
struct held {
	off_t		 at;
	struct slot	 slot[BUCKET];
	struct slot	*mine;		/* found, or to be used */
	uint64_t	 tag;
};

int
tally_init(struct tally *t, const char *path, bool read_only)
{
	memset(t, 0, sizeof(*t));
	t->fd = -1;
	t->read_only = read_only;
	return (t->path = strdup(path)) == NULL ? -1 : 0;
}

static void
let_go(struct tally *t)
{
	if (t->fd != -1)
		close(t->fd);
	t->fd = -1;
}

void
tally_close(struct tally *t)
{
	let_go(t);
	free(t->path);
	t->path = NULL;
}

static int
lock(const struct tally *t, short type, off_t at, off_t n)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET,
	    .l_start = at, .l_len = n };
	int i;

	if (t->read_only)
		return 0;
	for (i = 0; i < TRIES; i++) {
		if (fcntl(t->fd, F_OFD_SETLK, &fl) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return -1;
		(void)sched_yield();
	}
	return -1;
}

static bool
header_good(const struct header *h)
{
	return memcmp(h->magic, magic, sizeof(magic)) == 0 && h->order == 1 &&
	    h->slots == TALLY_SLOTS;
}

static bool
header_read(struct tally *t)
{
	struct header h;

	if (fd_pread_all(t->fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
	    !header_good(&h))
		return false;
	memcpy(t->seed, h.seed, sizeof(t->seed));
	return true;
}

/* Whatever it held goes: it is a new memory. */
static bool
header_write(struct tally *t)
{
	struct header h = { .order = 1, .slots = TALLY_SLOTS };
	bool good = false;

	if (t->read_only || lock(t, F_WRLCK, 0, HEADER) == -1)
		return false;
	if (header_read(t))
		good = true;		/* another process was first */
	else if (ftruncate(t->fd, 0) == 0) {
		memcpy(h.magic, magic, sizeof(magic));
		arc4random_buf(h.seed, sizeof(h.seed));
		good = pwrite(t->fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h) &&
		    header_read(t);
	}
	(void)lock(t, F_UNLCK, 0, HEADER);
	return good;
}

static int
file_open(struct tally *t)
{
	struct stat st;

	if (t->path == NULL)
		return -1;		/* no memory for it, or none is kept */
	t->fd = open(t->path, (t->read_only ? O_RDONLY : O_RDWR | O_CREAT) |
	    O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (t->fd == -1) {
		if (!t->read_only || errno != ENOENT)
			log_once("tally", "file=%s error=%s",
			    log_str(t->path), log_str(strerror(errno)));
		return -1;
	}
	if (fstat(t->fd, &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	log_once("tally", "file=%s error=\"not a file\"", log_str(t->path));
	let_go(t);
	return -1;
}

/* Open, and still the file that has the name? */
static bool
is_there(struct tally *t)
{
	struct stat st;

	if (t->fd != -1 && (fstat(t->fd, &st) == -1 || st.st_nlink == 0))
		let_go(t);
	if (t->fd == -1 && file_open(t) == -1)
		return false;
	return header_read(t) || header_write(t);
}

static uint64_t
tag_of(const struct tally *t, enum tally_table table, const char *what,
    const void *key, size_t n)
{
	unsigned char all[TALLY_KEY_MAX + 32];
	size_t at = strlen(what);
	uint64_t tag;

	if (at > 30)
		at = 30;
	if (n > TALLY_KEY_MAX)
		n = TALLY_KEY_MAX;
	all[0] = (unsigned char)table;
	memcpy(all + 1, what, at);
	all[1 + at] = '\0';
	if (n > 0)
		memcpy(all + 2 + at, key, n);
	tag = siphash(t->seed, all, 2 + at + n);
	return tag == 0 ? 1 : tag;
}

/* The slot of the key: its own, an empty one, or the oldest. */
static void
choose(struct held *h)
{
	struct slot *s, *best = h->slot;

	for (s = h->slot; s < h->slot + BUCKET; s++) {
		if (s->tag == h->tag) {
			h->mine = s;
			return;
		}
		if (best->tag != 0 && (s->tag == 0 || s->last < best->last))
			best = s;
	}
	memset(best, 0, sizeof(*best));
	best->tag = h->tag;
	h->mine = best;
}

/* Take the bucket of a key in hand.  true: put() must follow. */
static bool
take(struct tally *t, enum tally_table table, const char *what,
    const void *key, size_t n, struct held *h)
{
	ssize_t r;

	memset(h->slot, 0, sizeof(h->slot));
	if (!is_there(t)) {
		h->mine = h->slot;	/* a dry run knows nobody then */
		return t->read_only;
	}
	h->tag = tag_of(t, table, what, key, n);
	h->at = HEADER + ((off_t)table * BUCKETS + (off_t)(h->tag % BUCKETS)) *
	    (off_t)sizeof(h->slot);
	if (lock(t, F_WRLCK, h->at, sizeof(h->slot)) == -1)
		return false;
	r = fd_pread_all(t->fd, h->slot, sizeof(h->slot), h->at);
	if (r != (ssize_t)sizeof(h->slot))
		memset(h->slot, 0, sizeof(h->slot));	/* past the end */
	choose(h);
	return true;
}

/* Back with it; changed: written. */
static int
put(struct tally *t, struct held *h, bool changed)
{
	int r = 0;

	if (changed && !t->read_only && pwrite(t->fd, h->slot,
	    sizeof(h->slot), h->at) != (ssize_t)sizeof(h->slot))
		r = -1;
	(void)lock(t, F_UNLCK, h->at, sizeof(h->slot));
	return r;
}

/* What was written by a clock that was far ahead of ours, or by nobody, is
 * not known; another process may be a moment ahead, and a clock is set back a
 * little. */
static void
believe(struct slot *s, int64_t now)
{
	if (s->first < 0 || s->last < 0 || s->last > now + AHEAD_MAX) {
		s->first = s->last = 0;
		s->count = 0;
	} else if (s->last > now)
		s->last = now;
}

/*
 * The time at which the next one would be right on time is all that is kept
 * (first, in microseconds): each moves it on by ms / max, and one that would
 * move it more than ms ahead of now comes too early.  The clock of who wrote it
 * may be a moment ahead of ours.
 */
int
tally_rate(struct tally *t, const char *what, const void *key, size_t n,
    long long max, int64_t ms, int64_t now, bool count)
{
	int64_t us = now * 1000, step = ms * 1000 / max, due;
	struct held h;
	bool good;

	if (!take(t, TALLY_RATE, what, key, n, &h))
		return -1;
	believe(h.mine, now);
	due = h.mine->first;
	if (due < us || due > us + 2 * ms * 1000)
		due = us;	/* at rest, or a clock that went back */
	good = due + step <= us + ms * 1000;
	if (good && count) {
		h.mine->first = due + step;
		h.mine->last = now;
		h.mine->count++;
	}
	return put(t, &h, good && count) == -1 ? -1 : good;
}

int
tally_wait(struct tally *t, const void *key, size_t n, int64_t ms,
    int64_t window, int64_t now, bool count, int64_t *left)
{
	struct held h;

	*left = ms;
	if (!take(t, TALLY_GREY, "", key, n, &h))
		return -1;
	believe(h.mine, now);
	if (h.mine->last == 0 || h.mine->first > now ||
	    now - h.mine->first > window)
		h.mine->first = now;
	h.mine->last = now;
	h.mine->count++;
	*left = h.mine->first + ms - now;
	return put(t, &h, count) == -1 ? -1 : *left <= 0;
}

int
tally_touch(struct tally *t, enum tally_table table, const void *key,
    size_t n, int64_t now)
{
	struct held h;

	if (!take(t, table, "", key, n, &h))
		return -1;
	believe(h.mine, now);
	if (h.mine->last == 0)
		h.mine->first = now;
	h.mine->last = now;
	h.mine->count++;
	return put(t, &h, true);
}

int
tally_known(struct tally *t, enum tally_table table, const void *key,
    size_t n, int64_t ms, int64_t now)
{
	struct held h;

	if (!take(t, table, "", key, n, &h))
		return -1;
	believe(h.mine, now);
	(void)put(t, &h, false);
	return h.mine->last != 0 && now - h.mine->last <= ms;
}
