/* SPDX-License-Identifier: ISC
 *
 * Going through a queue: now/, and of later/ only the buckets that are due.
 * It opens no message.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/spool_local.h"
#include "system/log.h"

#define BATCH	2048		/* names that are sorted at once */
#define BUCKETS	100000		/* in later/: 69 days of minutes */

struct spool_walk {
	const struct spool *spool;
	enum spool_queue    queue;
	int64_t		    time;
	bool		    held;	/* held/ is still to come */
	int64_t		   *buckets;	/* that are due; the oldest first */
	size_t		    nbuckets, bucket;
	DIR		   *dir;
	int64_t		    dir_bucket;
	char		  **names;	/* a batch of dir_bucket, sorted */
	size_t		    nnames, name;
};

static int
by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The buckets in later/ up to a time, sorted.  NULL with errno; *n may be
 * 0. */
static int64_t *
read_buckets(const struct spool *sp, enum spool_queue q, int64_t until,
    size_t *n)
{
	int64_t *v = NULL, *more, b;
	const char *why;
	struct dirent *d;
	size_t room = 64;
	DIR *dir;

	*n = 0;
	if ((dir = spool_opendir(sp, sp->later[q], ".")) == NULL)
		return NULL;
	if ((v = calloc(room, sizeof(*v))) == NULL)
		goto out;
	while ((d = readdir(dir)) != NULL) {
		b = strtonum(d->d_name, 0, INT64_MAX, &why);
		if (why != NULL || b > until || *n == BUCKETS)
			continue;
		if (*n == room) {
			room *= 2;
			more = reallocarray(v, room, sizeof(*v));
			if (more == NULL) {
				free(v);
				v = NULL;
				goto out;
			}
			v = more;
		}
		v[(*n)++] = b;
	}
	qsort(v, *n, sizeof(*v), by_number);
out:
	closedir(dir);
	return v;
}

struct spool_walk *
spool_walk_open(const struct spool *sp, enum spool_queue queue, int64_t now,
    int later_too)
{
	struct spool_walk *w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return NULL;
	w->spool = sp;
	w->queue = queue;
	w->time = now;
	w->dir_bucket = SPOOL_NOW;
	w->names = calloc(BATCH, sizeof(*w->names));
	if (w->names == NULL)
		goto fail;
	if (later_too && (w->buckets = read_buckets(sp, queue, now,
	    &w->nbuckets)) == NULL)
		goto fail;
	if ((w->dir = spool_opendir(sp, sp->now[queue], ".")) == NULL)
		goto fail;
	return w;
fail:
	spool_walk_close(w);
	return NULL;
}

struct spool_walk *
spool_walk_all(const struct spool *sp, enum spool_queue queue)
{
	struct spool_walk *w = spool_walk_open(sp, queue, INT64_MAX, 1);

	if (w != NULL)
		w->held = sp->held[queue] != -1;
	return w;
}

static void
drop_batch(struct spool_walk *w)
{
	while (w->nnames > 0)
		free(w->names[--w->nnames]);
	w->name = 0;
}

void
spool_walk_close(struct spool_walk *w)
{
	int saved = errno;

	if (w == NULL)
		return;
	drop_batch(w);
	if (w->dir != NULL)
		closedir(w->dir);
	free(w->names);
	free(w->buckets);
	free(w);
	errno = saved;
}

/* The next names of the open folder: 1, 0 it is read. */
static int
read_batch(struct spool_walk *w)
{
	struct dirent *d;

	drop_batch(w);
	while (w->nnames < BATCH && (d = readdir(w->dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		if ((w->names[w->nnames] = strdup(d->d_name)) == NULL)
			return -1;
		w->nnames++;
	}
	if (w->nnames == 0)
		return 0;
	qsort(w->names, w->nnames, sizeof(*w->names), by_name);
	return 1;
}

/* The next folder: 1, 0 there is none. */
static int
next_folder(struct spool_walk *w)
{
	char name[32];

	if (w->dir != NULL)
		closedir(w->dir);
	w->dir = NULL;
	while (w->bucket < w->nbuckets) {
		w->dir_bucket = w->buckets[w->bucket++];
		snprintf(name, sizeof(name), "%" PRId64, w->dir_bucket);
		w->dir = spool_opendir(w->spool, w->spool->later[w->queue],
		    name);
		if (w->dir != NULL)
			return 1;
		if (errno != ENOENT)
			return -1;
	}
	if (!w->held)
		return 0;
	w->held = false;
	w->dir_bucket = SPOOL_HELD;
	w->dir = spool_opendir(w->spool, w->spool->held[w->queue], ".");
	return w->dir == NULL ? -1 : 1;
}

int
spool_walk_next(struct spool_walk *w, struct spool_item *it)
{
	const char *name;
	int r;

	while (w->dir != NULL) {
		while (w->name < w->nnames) {
			name = w->names[w->name++];
			if (!spool_name_parse(it, name, w->queue,
			    w->dir_bucket)) {
				log_once("spool", "file=%s error=\"not a "
				    "spool file\"", log_str(name));
				continue;
			}
			if (it->due <= w->time)
				return 1;
		}
		if ((r = read_batch(w)) == 0)
			r = next_folder(w);
		if (r == -1)
			return -1;
	}
	return 0;
}

/* The earliest name of a bucket; 0 it is empty. */
static int64_t
bucket_due(const struct spool *sp, enum spool_queue q, int64_t bucket)
{
	struct spool_item it;
	struct dirent *d;
	int64_t due = 0;
	char name[32];
	DIR *dir;

	snprintf(name, sizeof(name), "%" PRId64, bucket);
	if ((dir = spool_opendir(sp, sp->later[q], name)) == NULL)
		return 0;
	while ((d = readdir(dir)) != NULL)
		if (spool_name_parse(&it, d->d_name, q, bucket) &&
		    (due == 0 || it.due < due))
			due = it.due;
	closedir(dir);
	return due;
}

int64_t
spool_next_due(const struct spool *sp, enum spool_queue q)
{
	int64_t *buckets, first, due = 0, now = (int64_t)time(NULL);
	struct spool_as as;
	char name[32];
	size_t i, n;

	if ((buckets = read_buckets(sp, q, INT64_MAX, &n)) == NULL)
		return -1;
	/* A bucket of an older version may reach beyond the next one. */
	for (i = 0; i < n && (due == 0 || buckets[i] < due); i++) {
		first = bucket_due(sp, q, buckets[i]);
		if (first != 0 && (due == 0 || first < due))
			due = first;
		if (first != 0 || buckets[i] + 3600 > now)
			continue;
		snprintf(name, sizeof(name), "%" PRId64, buckets[i]);
		if (spool_as_queue(sp, &as, q) == 0) {
			(void)unlinkat(sp->later[q], name, AT_REMOVEDIR);
			spool_as_end(&as);
		}
	}
	free(buckets);
	return due;
}
