/* SPDX-License-Identifier: ISC
 *
 * Writing the cache; see mail/cache.h.  It must never wait for another writer
 * longer than a moment, and never write to a file that is not the one of the
 * name any more.  A failure forgets what was to be written.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/cache_local.h"
#include "system/fdio.h"
#include "system/log.h"

enum {
	LOCK_TRIES = 20,	/* of a millisecond each */
	REOPEN_TRIES = 3,
	RECORDS_MAX = 16384	/* held before a write */
};

static int
pwrite_all(int fd, const char *p, size_t n, uint64_t at)
{
	ssize_t put;

	while (n > 0) {
		put = pwrite(fd, p, n, (off_t)at);
		if (put == -1 && errno == EINTR)
			continue;
		if (put <= 0)
			return -1;
		p += put;
		n -= (size_t)put;
		at += (uint64_t)put;
	}
	return 0;
}

static bool
lock(int fd)
{
	const struct timespec moment = { 0, 1000000 };
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if (fcntl(fd, F_OFD_SETLK, &all) == 0)
			return true;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return false;
		nanosleep(&moment, NULL);
	}
	return false;
}

static void
unlock(int fd)
{
	struct flock all = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	(void)fcntl(fd, F_OFD_SETLK, &all);
}

/* A file that is none of ours, or of another UIDVALIDITY, becomes an empty one
 * of ours. */
static bool
make_header(struct cache *c, int fd)
{
	char header[CACHE_HEADER];

	cache_header(c, header);
	return ftruncate(fd, 0) == 0 &&
	    pwrite_all(fd, header, sizeof(header), 0) == 0;
}

/* Open the file, made if need be, and lock it. */
static bool
open_locked(struct cache *c)
{
	int fd = openat(c->dir, c->name, O_RDWR | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW | O_NONBLOCK, c->mode);

	if (fd == -1)
		return false;
	if (!lock(fd) || (cache_attach(c, fd) == -1 &&
	    (!make_header(c, fd) || cache_attach(c, fd) == -1))) {
		close(fd);
		return false;
	}
	c->writable = true;
	return true;
}

/* Have the file open for writing, locked, and all its segments known. */
static bool
take(struct cache *c)
{
	int i;

	for (i = 0; i < REOPEN_TRIES; i++) {
		if (c->fd == -1 || !c->writable) {
			if (!open_locked(c))
				return false;
		} else if (!lock(c->fd))
			return false;
		if (cache_named(c)) {
			cache_walk(c);
			return true;
		}
		cache_detach(c);	/* renamed over, or deleted */
	}
	return false;
}

/* ---- appending ---- */

/* Segments at the end that are small beside what comes are put together with
 * it: of n small writes few segments remain, and no octet is written again more
 * than log n times. */
static bool
take_small(struct cache *c)
{
	const struct cache_segment *s;

	while (c->n > 0 && c->batch.data.len < CACHE_BATCH) {
		s = &c->segment[c->n - 1];
		if (s->length > CACHE_SMALL ||
		    s->length / 2 > c->batch.data.len)
			break;
		if (cache_batch_take(&c->batch, c, s) == -1)
			return false;
		c->end = s->at;
		c->records -= s->count;
		c->n--;
	}
	return true;
}

/* Write a batch as a segment at a place; where it ends, or 0. */
static uint64_t
put_segment(struct cache *c, struct cache_batch *b, int fd, uint64_t at)
{
	uint64_t end = 0;
	char *p;
	size_t n;

	if (cache_batch_segment(b, c, &p, &n) == -1)
		return 0;
	if (pwrite_all(fd, p, n, at) == 0)
		end = at + n;
	free(p);
	return end;
}

static void
append(struct cache *c)
{
	uint64_t end = 0;

	if (!take(c))
		return;
	c->hit = c->hit_index = 0;
	if (take_small(c) && c->n < CACHE_SEGMENTS)
		end = put_segment(c, &c->batch, c->fd, c->end);
	/* Behind it may be what it replaces, or what a crash left. */
	if (ftruncate(c->fd, (off_t)(end != 0 ? end : c->end)) == -1)
		log_warn("cache", "error=%s", log_str(strerror(errno)));
	cache_walk(c);
	unlock(c->fd);
}

/* Write what is held, and hold nothing, whatever happens. */
static void
write_batch(struct cache *c)
{
	if (c->batch.n == 0)
		return;
	append(c);
	cache_batch_free(&c->batch);
}

void
cache_put(struct cache *c, uint32_t uid,
    const struct cache_item items[CACHE_KINDS])
{
	struct cache_item fit[CACHE_KINDS], had;
	size_t i, all = 0;

	if (c->readonly)
		return;
	for (i = 0; i < CACHE_KINDS; i++) {
		fit[i] = items[i];
		if (fit[i].n > 0 && (c->version[i] == 0 ||
		    fit[i].n > CACHE_ITEM_MAX - all ||
		    cache_get(c, uid, (unsigned)i, &had)))
			fit[i].n = 0;
		all += fit[i].n;
	}
	if (all == 0 || cache_batch_add(&c->batch, uid, fit) == -1)
		return;
	if (c->batch.data.len >= CACHE_BATCH || c->batch.n >= RECORDS_MAX)
		write_batch(c);
}

bool
cache_pending(const struct cache *c)
{
	return c->batch.n > 0;
}

void
cache_flush(struct cache *c)
{
	bool held = c->batch.n > 0;

	write_batch(c);
	cache_forget(c);
#ifdef __GLIBC__
	/* A batch and its segment are megabytes in the middle of the heap, and
	 * a session may now be idle for days. */
	if (held)
		(void)malloc_trim(0);
#endif
}

void
cache_discard(struct cache *c)
{
	if (!c->readonly && cache_named(c))
		(void)unlinkat(c->dir, c->name, 0);
	cache_detach(c);
}

/* ---- writing it anew ---- */

/* All that is known of the messages that next() gives, to fd. */
static bool
copy_living(struct cache *c, int fd, uint32_t (*next)(void *, uint32_t),
    void *arg)
{
	struct cache_item items[CACHE_KINDS];
	struct cache_batch b = { 0 };
	uint64_t at = CACHE_HEADER;
	uint32_t uid = 0;
	unsigned kind;
	bool any;

	buf_init(&b.data, 4 * CACHE_BATCH);
	do {
		uid = next(arg, uid);
		memset(items, 0, sizeof(items));
		for (any = false, kind = 0; uid != 0 && kind < CACHE_KINDS;
		    kind++)
			any |= cache_get(c, uid, kind, &items[kind]);
		if (any && cache_batch_add(&b, uid, items) == -1)
			at = 0;
		if (at != 0 && b.n > 0 && (uid == 0 ||
		    b.data.len >= CACHE_BATCH || b.n >= RECORDS_MAX)) {
			at = put_segment(c, &b, fd, at);
			b.n = 0;
			buf_reset(&b.data);
		}
	} while (uid != 0 && at != 0);
	cache_batch_free(&b);
	return at != 0;
}

static void
rewrite(struct cache *c, uint32_t (*next)(void *, uint32_t), void *arg)
{
	char name[NAME_MAX + 1];
	int fd;

	if ((size_t)snprintf(name, sizeof(name), "%s%s", c->name, CACHE_NEW)
	    >= sizeof(name))
		return;
	(void)unlinkat(c->dir, name, 0);
	fd = openat(c->dir, name, O_RDWR | O_CREAT | O_EXCL |
	    O_CLOEXEC | O_NOFOLLOW, c->mode);
	if (fd == -1)
		return;
	if (make_header(c, fd) && copy_living(c, fd, next, arg) &&
	    renameat(c->dir, name, c->dir, c->name) == 0) {
		/* The old one's lock goes with its descriptor. */
		if (cache_attach(c, fd) == -1)
			close(fd);
		else
			c->writable = true;
		return;
	}
	close(fd);
	(void)unlinkat(c->dir, name, 0);
}

void
cache_tidy(struct cache *c, size_t messages,
    uint32_t (*next)(void *, uint32_t), void *arg)
{
	uint64_t most = 2 * (uint64_t)messages;

	if (c->n == CACHE_SEGMENTS)
		most = messages + messages / 4;
	if (c->readonly || c->fd == -1 || c->records <= most + CACHE_SLACK)
		return;
	cache_flush(c);
	if (!take(c))
		return;
	rewrite(c, next, arg);
	if (c->fd != -1)
		unlock(c->fd);
	cache_forget(c);
}
