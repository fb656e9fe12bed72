/* SPDX-License-Identifier: ISC
 *
 * Facts that are held until they are written, and their form as a segment;
 * see mail/cache_local.h.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes/crc32.h"
#include "mail/cache_local.h"
#include "system/fdio.h"

void
cache_batch_free(struct cache_batch *b)
{
	free(b->v);
	b->v = NULL;
	b->n = b->cap = 0;
	b->last = 0;
	b->mixed = false;
	buf_free(&b->data);
}

int
cache_batch_add(struct cache_batch *b, uint32_t uid,
    const struct cache_item items[CACHE_KINDS])
{
	size_t before = b->data.len, cap = b->cap == 0 ? 64 : b->cap * 2, i;
	struct cache_record *r;

	if (b->n == b->cap) {
		if ((r = reallocarray(b->v, cap, sizeof(*r))) == NULL)
			return -1;
		b->v = r;
		b->cap = cap;
	}
	r = &b->v[b->n];
	r->uid = uid;
	r->order = (uint32_t)b->n;
	for (i = 0; i < CACHE_KINDS; i++) {
		r->at[i] = (uint32_t)b->data.len;
		r->n[i] = (uint32_t)items[i].n;
		if (items[i].n > 0)
			buf_add(&b->data, items[i].p, items[i].n);
	}
	if (buf_failed(&b->data)) {
		b->data.failed = 0;
		b->data.len = before;
		return -1;
	}
	b->n++;
	b->mixed |= uid < b->last;
	if (uid > b->last)
		b->last = uid;
	return 0;
}

/* Of records in order: behind those of a UID. */
static size_t
behind(const struct cache_batch *b, uint32_t uid)
{
	size_t low = 0, high = b->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (b->v[mid].uid <= uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int
cache_batch_get(const struct cache_batch *b, uint32_t uid, unsigned kind,
    struct cache_item *item)
{
	size_t i = uid > b->last ? 0 : b->mixed ? b->n : behind(b, uid);

	for (; i-- > 0 && (b->mixed || b->v[i].uid == uid);)
		if (b->v[i].uid == uid && b->v[i].n[kind] > 0) {
			item->p = b->data.data + b->v[i].at[kind];
			item->n = b->v[i].n[kind];
			return 1;
		}
	return 0;
}

int
cache_batch_take(struct cache_batch *b, struct cache *c,
    const struct cache_segment *s)
{
	struct cache_item items[CACHE_KINDS];
	const char *p, *row;
	uint32_t i, uid, from, to;
	unsigned kind;
	char *seg;
	int r = -1;

	if ((seg = malloc(s->length)) == NULL)
		return -1;
	if (fd_pread_all(c->fd, seg, s->length, (off_t)s->at) !=
	    (ssize_t)s->length)
		goto out;
	for (i = 0; i < s->count; i++) {
		uid = cache_u32(seg + CACHE_HEAD + 4 * (size_t)i);
		memset(items, 0, sizeof(items));
		for (kind = 0; kind < CACHE_KINDS; kind++) {
			if (s->column[kind] == -1)
				continue;
			row = seg + CACHE_HEAD + 4 * (size_t)s->count +
			    4 * (size_t)s->column[kind] * (s->count + 1) +
			    4 * (size_t)i;
			from = cache_u32(row);
			to = cache_u32(row + 4);
			if (to > s->length || from > to || to - from <=
			    CACHE_CRC || to - from > CACHE_CRC +
			    CACHE_ITEM_MAX)
				continue;
			p = seg + from;
			if (cache_u32(p) != cache_cell_crc(c, uid, kind,
			    p + CACHE_CRC, to - from - CACHE_CRC))
				continue;
			items[kind].p = p + CACHE_CRC;
			items[kind].n = to - from - CACHE_CRC;
		}
		if (cache_batch_add(b, uid, items) == -1)
			goto out;
	}
	r = 0;
out:
	free(seg);
	return r;
}

/* By UID, what came first first. */
static int
by_uid(const void *a, const void *b)
{
	const struct cache_record *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* Sorted, each UID once: what came first counts, of each kind. */
static void
settle(struct cache_batch *b)
{
	struct cache_record *to, *r;
	size_t i, n = 0, kind;

	qsort(b->v, b->n, sizeof(*b->v), by_uid);
	for (i = 0; i < b->n; i++) {
		r = &b->v[i];
		if (n == 0 || b->v[n - 1].uid != r->uid) {
			b->v[n++] = *r;
			continue;
		}
		to = &b->v[n - 1];
		for (kind = 0; kind < CACHE_KINDS; kind++)
			if (to->n[kind] == 0) {
				to->n[kind] = r->n[kind];
				to->at[kind] = r->at[kind];
			}
	}
	b->n = n;
	for (i = 0; i < n; i++)
		b->v[i].order = (uint32_t)i;
}

/* The kinds that the batch has, and the length of its segment. */
static size_t
measure(const struct cache_batch *b, unsigned *kinds, uint32_t *nkinds)
{
	size_t i, kind, n = CACHE_HEAD + 4 * b->n;

	*kinds = 0;
	*nkinds = 0;
	for (i = 0; i < b->n; i++)
		for (kind = 0; kind < CACHE_KINDS; kind++)
			if (b->v[i].n[kind] > 0) {
				*kinds |= 1u << kind;
				n += CACHE_CRC + b->v[i].n[kind];
			}
	for (kind = 0; kind < CACHE_KINDS; kind++)
		if (*kinds & 1u << kind)
			++*nkinds;
	return n + 4 * *nkinds * (b->n + 1);
}

/* Write one column at row and its cells at seg + at; where they end. */
static size_t
write_column(const struct cache_batch *b, const struct cache *c,
    unsigned kind, char *seg, char *row, size_t at)
{
	const struct cache_record *r;
	const char *p;
	size_t i;

	for (i = 0; i < b->n; i++) {
		r = &b->v[i];
		cache_put32(row + 4 * i, (uint32_t)at);
		if (r->n[kind] == 0)
			continue;
		p = b->data.data + r->at[kind];
		cache_put32(seg + at, cache_cell_crc(c, r->uid, kind, p,
		    r->n[kind]));
		memcpy(seg + at + CACHE_CRC, p, r->n[kind]);
		at += CACHE_CRC + r->n[kind];
	}
	cache_put32(row + 4 * b->n, (uint32_t)at);
	return at;
}

int
cache_batch_segment(struct cache_batch *b, const struct cache *c, char **p,
    size_t *np)
{
	uint32_t nkinds, column = 0;
	unsigned kinds, kind;
	size_t n, i, at;
	char *seg, *row;

	settle(b);
	n = measure(b, &kinds, &nkinds);
	if (n > CACHE_SEGMENT_MAX || (seg = calloc(1, n)) == NULL)
		return -1;
	for (i = 0; i < b->n; i++)
		cache_put32(seg + CACHE_HEAD + 4 * i, b->v[i].uid);
	row = seg + CACHE_HEAD + 4 * b->n;
	at = CACHE_HEAD + 4 * b->n + 4 * nkinds * (b->n + 1);
	for (kind = 0; kind < CACHE_KINDS; kind++) {
		if (!(kinds & 1u << kind))
			continue;
		at = write_column(b, c, kind, seg, row, at);
		row += 4 * (b->n + 1);
		cache_put32(seg + CACHE_COLUMNS + CACHE_COLUMN * column++,
		    kind | (uint32_t)c->version[kind] << 16);
	}
	cache_put32(seg, CACHE_SEGMENT_MAGIC);
	cache_put32(seg + 8, (uint32_t)n);
	cache_put32(seg + 12, (uint32_t)b->n);
	cache_put32(seg + 16, b->v[0].uid);
	cache_put32(seg + 20, b->v[b->n - 1].uid);
	cache_put32(seg + 24, nkinds);
	cache_put32(seg + 4, crc32_add(0, seg + 8, CACHE_HEAD - 8));
	*p = seg;
	*np = n;
	return 0;
}
