/* SPDX-License-Identifier: ISC
 *
 * A list of destinations: see plan.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/siphash.h"
#include "plan.h"

void
plan_init(struct plan *p)
{
	memset(p, 0, sizeof(*p));
}

static void
free_dest(struct dest *d)
{
	free(d->text);
	free(d->flags);
	buf_free(&d->reply);
}

void
plan_free(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		free_dest(&p->v[i]);
	for (i = 0; i < p->nedits; i++)
		buf_free(&p->edits[i]);
	for (i = 0; i < p->nfiles; i++)
		free(p->files[i]);
	free(p->v);
	free(p->edits);
	free(p->files);
	free(p->marks);
	plan_init(p);
}

struct dest *
plan_add(struct plan *p, enum dest_kind kind, const char *text)
{
	struct dest *d;

	if (p->n == PLAN_MOST || (text != NULL &&
	    strnlen(text, PLAN_TEXT_MAX) == PLAN_TEXT_MAX)) {
		errno = E2BIG;
		return NULL;
	}
	if (p->v == NULL && (p->v = calloc(PLAN_MOST, sizeof(*p->v))) == NULL)
		return NULL;
	d = &p->v[p->n];
	memset(d, 0, sizeof(*d));
	if (text != NULL && (d->text = strdup(text)) == NULL)
		return NULL;
	d->kind = kind;
	p->n++;
	return d;
}

const char *
plan_file(struct plan *p, const char *name)
{
	size_t i;
	char **more;

	for (i = 0; i < p->nfiles; i++)
		if (strcmp(p->files[i], name) == 0)
			return p->files[i];
	more = reallocarray(p->files, p->nfiles + 1, sizeof(*more));
	if (more == NULL)
		return NULL;
	p->files = more;
	if ((p->files[p->nfiles] = strdup(name)) == NULL)
		return NULL;
	return p->files[p->nfiles++];
}

/* One part of a key: the hash of what was before, and of this. */
static uint64_t
mix(uint64_t before, const void *data, size_t n)
{
	unsigned char key[SIPHASH_KEY] = { 0 };

	/* Nobody but the user can find two that collide to any end. */
	memcpy(key, &before, sizeof(before));
	return siphash(key, data == NULL ? "" : data, n);
}

/* Replies to one address are told apart by their order alone: their text has a
 * date in it. */
static size_t
count_before(const struct plan *p, const struct dest *d)
{
	const struct dest *e;
	size_t n = 0;

	for (e = p->v; d->kind == DEST_REPLY && e < d; e++)
		n += e->kind == DEST_REPLY && strcmp(e->text, d->text) == 0;
	return n;
}

void
plan_key(const struct plan *p, const struct dest *d, char key[ENVELOPE_KEY])
{
	bool qmail = d->qmail && d->kind == DEST_PROGRAM;
	uint64_t h = 1 + (uint64_t)d->kind * 2 + qmail;

	h = mix(h, d->text, d->text == NULL ? 0 : strlen(d->text));
	h = mix(h, d->flags, d->flags == NULL ? 0 : strlen(d->flags));
	h += d->edit + count_before(p, d);
	snprintf(key, ENVELOPE_KEY, "%016" PRIx64, h & INT64_MAX);
}

void
plan_unique(struct plan *p)
{
	char keys[PLAN_MOST][ENVELOPE_KEY];
	size_t i, j, n = 0;

	for (i = 0; i < p->n; i++) {
		plan_key(p, &p->v[i], keys[n]);
		for (j = 0; j < n && strcmp(keys[j], keys[n]) != 0; j++)
			;
		if (j < n)
			free_dest(&p->v[i]);
		else
			p->v[n++] = p->v[i];
	}
	p->n = n;
}
