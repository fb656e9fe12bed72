/* SPDX-License-Identifier: ISC
 *
 * Proves that no octets in a cache break its reader, that what is written to a
 * damaged one is read back as it was put, and that no octets in a cell or a
 * header break the fields of a summary: those chosen are always as many octets
 * as the header has of them.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes/crc32.h"
#include "mail/cache_local.h"
#include "mail/summary_local.h"
#include "mail/summary_sort.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int dir = -1;
static char name[] = "/dev/shm/stdmail-fuzz.XXXXXX";
static char sample[1 << 16];		/* a cache */
static size_t nsample;

static void
remove_dir(void)
{
	(void)unlinkat(dir, CACHE_FILE, 0);
	(void)rmdir(name);
}

/* A folder, and three segments of a few facts. */
static void
make_sample(void)
{
	struct cache_item items[CACHE_KINDS] = { { NULL, 0 } };
	struct cache *c;
	uint32_t uid;
	unsigned kind;
	ssize_t n;
	int fd;

	if (mkdtemp(name) == NULL || (dir = open(name, O_RDONLY)) == -1)
		abort();
	atexit(remove_dir);
	c = cache_new(dir, CACHE_FILE, 1, summary_versions, 0600, false);
	for (uid = 1; uid <= 12; uid++) {
		for (kind = 0; kind < SUMMARY_KINDS; kind++)
			items[kind] = (struct cache_item){ name, uid + kind };
		cache_put(c, uid, items);
		if (uid == 9 || uid == 11)
			cache_flush(c);
	}
	cache_free(c);
	fd = openat(dir, CACHE_FILE, O_RDONLY);
	if ((n = read(fd, sample, sizeof(sample))) <= 0)
		abort();
	nsample = (size_t)n;
	close(fd);
}

/* Sums are made right, or no input would ever get past them. */
static void
mend(char *p, size_t n)
{
	struct cache c = { .validity = 1 };
	size_t at = CACHE_HEADER, length;

	if (n < CACHE_HEADER)
		return;
	cache_header(&c, p);
	while (at + CACHE_HEAD <= n) {
		cache_put32(p + at, CACHE_SEGMENT_MAGIC);
		cache_put32(p + at + 4, crc32_add(0, p + at + 8,
		    CACHE_HEAD - 8));
		length = cache_u32(p + at + 8);
		if (length < CACHE_HEAD || length > n - at)
			return;
		at += length;
	}
}

static void
look(struct cache *c, uint32_t uid)
{
	struct cache_item item;
	unsigned kind;
	size_t i, sum = 0;

	for (kind = 0; kind < CACHE_KINDS; kind++)
		if (cache_get(c, uid, kind, &item))
			for (i = 0; i < item.n; i++)
				sum += (unsigned char)item.p[i];
	if (sum == SIZE_MAX)
		abort();
}

static uint32_t
next(void *arg, uint32_t uid)
{
	(void)arg;
	return uid < 20 ? uid + 1 : 0;
}

static void
fuzz_file(const char *data, size_t n, bool sums)
{
	struct cache_item items[CACHE_KINDS] = { { "fact", 4 } }, got;
	struct cache *c;
	char *p = malloc(n + 1);
	uint32_t uid;
	int fd;

	memcpy(p, data, n);
	if (sums)
		mend(p, n);
	unlinkat(dir, CACHE_FILE, 0);
	fd = openat(dir, CACHE_FILE, O_RDWR | O_CREAT, 0600);
	if (fd == -1 || write(fd, p, n) != (ssize_t)n)
		abort();
	close(fd);
	free(p);
	if ((c = cache_new(dir, CACHE_FILE, 1, summary_versions, 0600, false))
	    == NULL)
		abort();
	for (uid = 0; uid < 300; uid += uid < 20 ? 1 : 31)
		look(c, uid);
	look(c, UINT32_MAX);
	cache_put(c, 77, items);
	cache_flush(c);
	cache_refresh(c);
	if (!cache_get(c, 77, 0, &got) || got.n != 4 ||
	    memcmp(got.p, "fact", 4) != 0)
		__builtin_trap();
	if (n % 2 == 0)
		cache_tidy(c, 0, next, NULL);
	cache_free(c);
}

/* The sample with octets of it changed, each said by three, and cut. */
static void
fuzz_sample(const char *data, size_t n, bool sums)
{
	char *p = malloc(nsample);
	size_t i, at;

	memcpy(p, sample, nsample);
	for (i = 0; i + 2 < n; i += 3) {
		at = (unsigned char)data[i] | (size_t)(unsigned char)
		    data[i + 1] << 8;
		p[at % nsample] = data[i + 2];
	}
	at = n % 3 == 2 ? nsample - (unsigned char)data[n - 1] : nsample;
	fuzz_file(p, at, sums);
	free(p);
}

/* What it points to is all within the item. */
static void
fuzz_sort(const struct summary_view *v)
{
	const struct cache_item *item = &v->item[SUMMARY_SORT], *t;
	struct summary_sort s;
	size_t i;

	if (!summary_sort(v, &s))
		return;
	if (s.refs + 8 * s.nrefs > item->p + item->n)
		__builtin_trap();
	for (t = s.text, i = 0; i < SUMMARY_TEXTS; i++, t++)
		if (t->p < item->p || t->p + t->n > item->p + item->n)
			__builtin_trap();
}

/* A cell as it comes from the file. */
static void
fuzz_cell(const char *data, size_t n)
{
	struct summary_view v = { .have = SUMMARY_ALL };
	size_t half = n / 2;
	uint64_t size;
	time_t date;
	struct buf b;

	v.item[SUMMARY_FIELDS] = (struct cache_item){ data, half };
	v.item[SUMMARY_TRACE] = (struct cache_item){ data + half, n - half };
	v.item[SUMMARY_META] = v.item[SUMMARY_FIELDS];
	v.item[SUMMARY_SORT] = (struct cache_item){ data, n };
	fuzz_sort(&v);
	buf_init(&b, 1 << 20);
	(void)summary_fields(&b, &v, UINT64_MAX);
	if (b.len > n)
		__builtin_trap();
	(void)summary_size(&v, &size);
	(void)summary_date(&v, &date);
	buf_free(&b);
}

/* Every field by itself and all at once: the same octets in all. */
static void
fuzz_header(const char *data, size_t n)
{
	struct summary_view v = { .have = SUMMARY_ALL };
	struct buf header, fields, trace, b;
	size_t one = 0;
	unsigned i;

	buf_init(&header, 1 << 20);
	buf_init(&fields, CACHE_ITEM_MAX);
	buf_init(&trace, CACHE_ITEM_MAX);
	buf_init(&b, 1 << 20);
	buf_add(&header, data, n);
	summary_split(&header, &fields, &trace);
	v.item[SUMMARY_FIELDS] = (struct cache_item){ fields.data,
	    fields.len };
	v.item[SUMMARY_TRACE] = (struct cache_item){ trace.data, trace.len };
	if (!buf_failed(&fields) && !buf_failed(&trace)) {
		for (i = 0; i < 64; i++) {
			buf_reset(&b);
			if (summary_fields(&b, &v, (uint64_t)1 << i) == -1)
				__builtin_trap();
			one += b.len;
		}
		buf_reset(&b);
		if (summary_fields(&b, &v, UINT64_MAX) == -1 || b.len != one ||
		    b.len > n)
			__builtin_trap();
	}
	buf_free(&header);
	buf_free(&fields);
	buf_free(&trace);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (dir == -1)
		make_sample();
	if (size == 0)
		return 0;
	switch (data[0] % 6) {
	case 0:
		fuzz_file(text, size - 1, false);
		break;
	case 1:
		fuzz_file(text, size - 1, true);
		break;
	case 2:
		fuzz_sample(text, size - 1, false);
		break;
	case 3:
		fuzz_sample(text, size - 1, true);
		break;
	case 4:
		fuzz_cell(text, size - 1);
		break;
	default:
		fuzz_header(text, size - 1);
		break;
	}
	return 0;
}
