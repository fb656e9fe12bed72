/* SPDX-License-Identifier: ISC
 *
 * Reading the cache; see mail/cache.h, and mail/cache_local.h for the form of
 * the file.  It must never believe a cell whose sum is wrong, and never fail.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes/crc32.h"
#include "mail/cache_local.h"
#include "system/fdio.h"

enum { WINDOW_MIN = 4096 };

struct cache *
cache_new(int dir, const char *name, uint32_t validity,
    const uint16_t *versions, mode_t mode, bool readonly)
{
	struct cache *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->dir = dir;
	c->fd = -1;
	c->name = name;
	c->validity = validity;
	memcpy(c->version, versions, sizeof(c->version));
	c->mode = mode;
	c->readonly = readonly;
	buf_init(&c->batch.data, 4 * CACHE_BATCH);
	cache_refresh(c);
	return c;
}

void
cache_free(struct cache *c)
{
	if (c == NULL)
		return;
	cache_flush(c);
	cache_detach(c);
	cache_batch_free(&c->batch);
	free(c->segment);
	free(c);
}

static void
window_free(struct cache_window *w)
{
	free(w->data);
	memset(w, 0, sizeof(*w));
}

void
cache_forget(struct cache *c)
{
	size_t i;

	window_free(&c->uids);
	for (i = 0; i < CACHE_KINDS; i++) {
		window_free(&c->offsets[i]);
		window_free(&c->cells[i]);
	}
}

void
cache_detach(struct cache *c)
{
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
	c->writable = false;
	c->n = 0;
	c->end = c->records = 0;
	c->hit = c->hit_index = 0;
	cache_forget(c);
}

/* ---- segments ---- */

/* Octets at a place of the file: the last n read there or behind serve again,
 * more are read ahead while the places rise.  NULL: they cannot be had. */
static const char *
look(struct cache *c, struct cache_window *w, uint64_t at, size_t n)
{
	ssize_t got;

	if (at >= w->at && n <= w->n && at - w->at <= w->n - n)
		return w->data + (at - w->at);
	w->want = w->n > 0 && at >= w->at && at - w->at <= w->n +
	    WINDOW_MIN ? w->want * 2 : WINDOW_MIN;
	if (w->want < n)
		w->want = n;
	if (w->want > CACHE_WINDOW)
		w->want = CACHE_WINDOW;
	w->n = 0;
	if (n > w->want || at > c->end || n > c->end - at)
		return NULL;
	if (w->data == NULL && (w->data = malloc(CACHE_WINDOW)) == NULL)
		return NULL;
	got = fd_pread_all(c->fd, w->data, w->want, (off_t)at);
	if (got < 0 || (size_t)got < n)
		return NULL;
	w->at = at;
	w->n = (size_t)got;
	return w->data;
}

/* The head of a segment that lies in the file as a whole. */
static bool
parse_head(const struct cache *c, const char *head, uint64_t room,
    struct cache_segment *s)
{
	uint32_t columns, i, kind, tables;
	const char *p;

	if (cache_u32(head) != CACHE_SEGMENT_MAGIC || cache_u32(head + 4) !=
	    crc32_add(0, head + 8, CACHE_HEAD - 8))
		return false;
	s->length = cache_u32(head + 8);
	s->count = cache_u32(head + 12);
	s->first = cache_u32(head + 16);
	s->last = cache_u32(head + 20);
	columns = cache_u32(head + 24);
	if (s->length > room || s->length > CACHE_SEGMENT_MAX ||
	    s->length < CACHE_HEAD || columns > CACHE_KINDS || s->count == 0)
		return false;
	tables = (s->length - CACHE_HEAD) / 4;
	if (s->count > tables || (uint64_t)s->count + (uint64_t)columns *
	    (s->count + 1) > tables)
		return false;
	memset(s->column, -1, sizeof(s->column));
	for (i = 0; i < columns; i++) {
		p = head + CACHE_COLUMNS + CACHE_COLUMN * i;
		kind = cache_u32(p) & 0xffff;
		if (kind < CACHE_KINDS && c->version[kind] != 0 &&
		    cache_u32(p) >> 16 == c->version[kind])
			s->column[kind] = (signed char)i;
	}
	return true;
}

static bool
grow(struct cache *c)
{
	struct cache_segment *s;
	size_t cap = c->cap == 0 ? 16 : c->cap * 2;

	if (c->n < c->cap)
		return true;
	if ((s = reallocarray(c->segment, cap, sizeof(*s))) == NULL)
		return false;
	c->segment = s;
	c->cap = cap;
	return true;
}

void
cache_walk(struct cache *c)
{
	char head[CACHE_HEAD];
	struct cache_segment s;
	struct stat st;

	if (fstat(c->fd, &st) == -1 || st.st_size < 0)
		return;
	while (c->n < CACHE_SEGMENTS && (uint64_t)st.st_size > c->end) {
		if (fd_pread_all(c->fd, head, CACHE_HEAD, (off_t)c->end) !=
		    CACHE_HEAD || !parse_head(c, head, (uint64_t)st.st_size -
		    c->end, &s) || !grow(c))
			return;
		s.at = c->end;
		c->segment[c->n++] = s;
		c->end += s.length;
		c->records += s.count;
	}
}

/* ---- the file ---- */

void
cache_header(const struct cache *c, char header[CACHE_HEADER])
{
	memcpy(header, CACHE_MAGIC, 16);
	cache_put32(header + 16, c->validity);
	cache_put32(header + 20, crc32_add(0, header, 20));
}

int
cache_attach(struct cache *c, int fd)
{
	char want[CACHE_HEADER], header[CACHE_HEADER];
	struct stat st;

	cache_detach(c);
	cache_header(c, want);
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    fd_pread_all(fd, header, sizeof(header), 0) != CACHE_HEADER ||
	    memcmp(header, want, sizeof(header)) != 0)
		return -1;
	c->fd = fd;
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	c->end = CACHE_HEADER;
	cache_walk(c);
	return 0;
}

bool
cache_named(const struct cache *c)
{
	struct stat st;

	return c->fd != -1 && fstatat(c->dir, c->name, &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == c->dev &&
	    st.st_ino == c->ino && (uint64_t)st.st_size >= c->end;
}

void
cache_refresh(struct cache *c)
{
	struct stat st;
	int fd;

	if (fstatat(c->dir, c->name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		cache_detach(c);
		return;
	}
	if (c->fd != -1 && st.st_dev == c->dev && st.st_ino == c->ino) {
		if ((uint64_t)st.st_size > c->end)
			cache_walk(c);
		else if ((uint64_t)st.st_size < c->end)
			cache_detach(c);
		if (c->fd != -1)
			return;
	}
	fd = openat(c->dir, c->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	if (fd == -1)
		cache_detach(c);
	else if (cache_attach(c, fd) == -1)
		close(fd);
}

uint32_t
cache_last_uid(const struct cache *c)
{
	uint32_t last = 0;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->segment[i].last > last)
			last = c->segment[i].last;
	return last;
}

/* ---- facts ---- */

uint32_t
cache_cell_crc(const struct cache *c, uint32_t uid, unsigned kind,
    const char *p, size_t n)
{
	char who[12];

	cache_put32(who, c->validity);
	cache_put32(who + 4, uid);
	cache_put32(who + 8, kind | (uint32_t)c->version[kind] << 16);
	return crc32_add(crc32_add(0, who, sizeof(who)), p, n);
}

/* UID i of a segment; 0: it cannot be had. */
static uint32_t
uid_at(struct cache *c, const struct cache_segment *s, uint32_t i)
{
	const char *p = look(c, &c->uids, s->at + CACHE_HEAD +
	    (uint64_t)i * 4, 4);

	return p == NULL ? 0 : cache_u32(p);
}

/* Where in a segment a UID is, or count. */
static uint32_t
search(struct cache *c, const struct cache_segment *s, uint32_t uid)
{
	uint32_t low = 0, high = s->count, mid, found;

	while (low < high) {
		mid = low + (high - low) / 2;
		found = uid_at(c, s, mid);
		if (found == uid)
			return mid;
		if (found < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return s->count;
}

/* The cell of a message, if it is whole. */
static bool
cell(struct cache *c, const struct cache_segment *s, uint32_t i, uint32_t uid,
    unsigned kind, struct cache_item *item)
{
	uint64_t table = s->at + CACHE_HEAD + (uint64_t)s->count * 4 +
	    (uint64_t)s->column[kind] * 4 * (s->count + 1);
	uint32_t from, to;
	const char *p;

	if ((p = look(c, &c->offsets[kind], table + (uint64_t)i * 4, 8)) ==
	    NULL)
		return false;
	from = cache_u32(p);
	to = cache_u32(p + 4);
	if (to > s->length || from > to || to - from <= CACHE_CRC ||
	    to - from > CACHE_CRC + CACHE_ITEM_MAX)
		return false;
	if ((p = look(c, &c->cells[kind], s->at + from, to - from)) == NULL)
		return false;
	item->p = p + CACHE_CRC;
	item->n = to - from - CACHE_CRC;
	return cache_u32(p) == cache_cell_crc(c, uid, kind, item->p, item->n);
}

static bool
in_segment(struct cache *c, size_t at, uint32_t uid, unsigned kind,
    struct cache_item *item)
{
	const struct cache_segment *s = &c->segment[at];
	uint32_t i;

	if (uid < s->first || uid > s->last || s->column[kind] == -1 ||
	    (i = search(c, s, uid)) == s->count ||
	    !cell(c, s, i, uid, kind, item))
		return false;
	c->hit = at;
	c->hit_index = i;
	return true;
}

/* At the place of the last hit, or the one behind it. */
static bool
at_hit(struct cache *c, uint32_t uid, unsigned kind, struct cache_item *item)
{
	const struct cache_segment *s = &c->segment[c->hit];
	uint32_t i;

	if (uid < s->first || uid > s->last || s->column[kind] == -1)
		return false;
	for (i = c->hit_index; i < s->count && i <= c->hit_index + 1; i++)
		if (uid_at(c, s, i) == uid) {
			c->hit_index = i;
			return cell(c, s, i, uid, kind, item);
		}
	return false;
}

int
cache_get(struct cache *c, uint32_t uid, unsigned kind,
    struct cache_item *item)
{
	size_t i;

	if (c->n > 0 && at_hit(c, uid, kind, item))
		return 1;
	for (i = c->n; i-- > 0;)
		if (in_segment(c, i, uid, kind, item))
			return 1;
	return cache_batch_get(&c->batch, uid, kind, item);
}
