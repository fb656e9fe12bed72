/* SPDX-License-Identifier: ISC
 *
 * OpenSSL's memory.  All that it frees is overwritten: it wipes keys, but not
 * all that it copied of them while it parsed their files.
 *
 * What it keeps for good, some thousand small pieces, would lie among ours on
 * the heap, and what a session needs would be put into the holes between: each
 * a page that is shared no more.  So the process that forks sessions has it in
 * a region of its own.  Memory of the region that a session frees is wiped and
 * not used again.
 */
#include <sys/mman.h>

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "system/tls_memory.h"

#define REGION		((size_t)4 << 20)	/* of addresses; then the heap */
#define STEP		16			/* sizes are multiples of it */
#define PIECE_MAX	8192

/* Before each piece; the piece is aligned as malloc's are. */
union head {
	size_t		 size;
	union head	*next;		/* when it is free */
	char		 align[STEP];
};

static char *region, *region_next;
static union head *pieces[PIECE_MAX / STEP + 1];
static bool ended;

static bool
in_region(const void *p)
{
	return region != NULL && (uintptr_t)p >= (uintptr_t)region &&
	    (uintptr_t)p < (uintptr_t)region + REGION;
}

static void *
region_malloc(size_t n)
{
	union head *h;

	n = (n + STEP - 1) / STEP * STEP;
	if ((h = pieces[n / STEP]) != NULL) {
		pieces[n / STEP] = h->next;
	} else {
		if ((size_t)(region + REGION - region_next) < sizeof(*h) + n)
			return NULL;
		h = (void *)region_next;
		region_next += sizeof(*h) + n;
	}
	h->size = n;
	return h + 1;
}

static size_t
size_of(void *p)
{
	return in_region(p) ? ((union head *)p - 1)->size :
	    malloc_usable_size(p);
}

static void *
wiping_malloc(size_t n, const char *file, int line)
{
	void *p = NULL;

	(void)file;
	(void)line;
	if (!ended && region != NULL && n > 0 && n <= PIECE_MAX)
		p = region_malloc(n);
	return p != NULL ? p : malloc(n);
}

static void
wiping_free(void *p, const char *file, int line)
{
	union head *h = p;
	size_t n;

	(void)file;
	(void)line;
	if (p == NULL)
		return;
	n = size_of(p);
	explicit_bzero(p, n);
	if (!in_region(p)) {
		free(p);
	} else if (!ended) {
		h--;
		h->next = pieces[n / STEP];
		pieces[n / STEP] = h;
	}
}

static void *
wiping_realloc(void *p, size_t n, const char *file, int line)
{
	size_t had = p == NULL ? 0 : size_of(p);
	void *fresh;

	if (had >= n && p != NULL)
		return p;
	if ((fresh = wiping_malloc(n, file, line)) == NULL)
		return NULL;
	if (p != NULL)
		memcpy(fresh, p, had);
	wiping_free(p, file, line);
	return fresh;
}

void
tls_memory_init(void)
{
#ifndef __SANITIZE_ADDRESS__	/* which knows better where pieces end */
	void *p = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p != MAP_FAILED)
		region = region_next = p;
#endif
	/* Refused, and not worth a failure, when OpenSSL was used before. */
	(void)CRYPTO_set_mem_functions(wiping_malloc, wiping_realloc,
	    wiping_free);
}

void
tls_memory_end(void)
{
	ended = true;
}

void
tls_memory_drop(void)
{
	ended = true;
	if (region != NULL)
		(void)madvise(region, REGION, MADV_DONTNEED);
}
