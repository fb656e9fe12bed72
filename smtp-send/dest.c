/* SPDX-License-Identifier: ISC
 *
 * Destinations and who waits for them.  A destination is forgotten only when
 * nothing waits for it and no worker is there.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dest.h"

static size_t
hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h ^ h >> 15;
}

static struct dest_chain *
chain_of(struct dests *all, const char *key)
{
	return &all->chains[hash(key) & (DEST_HASH - 1)];
}

static struct entry_chain *
entries_of(struct dests *all, const char *name)
{
	return &all->entries[hash(name) & (DEST_HASH * 4 - 1)];
}

void
dests_init(struct dests *all)
{
	memset(all, 0, sizeof(*all));
	TAILQ_INIT(&all->ready);
	TAILQ_INIT(&all->resting);
}

static void
forget(struct dests *all, struct dest *d)
{
	SLIST_REMOVE(chain_of(all, d->key), d, dest, chain);
	all->n--;
	free(d->last);
	free(d);
}

void
dests_free(struct dests *all)
{
	struct entry *e;
	size_t i;

	for (i = 0; i < DEST_HASH; i++)
		while (!SLIST_EMPTY(&all->chains[i]))
			forget(all, SLIST_FIRST(&all->chains[i]));
	for (i = 0; i < DEST_HASH * 4; i++)
		while ((e = SLIST_FIRST(&all->entries[i])) != NULL) {
			SLIST_REMOVE_HEAD(&all->entries[i], chain);
			free(e);
		}
}

void
dest_key(const struct settings *s, const struct address *sender,
    const char *domain, char key[DELIVERY_KEY_MAX])
{
	const char *host = settings_next_host(s, sender, domain);
	size_t i, n = strlen(domain);

	if (*host != '\0') {
		snprintf(key, DELIVERY_KEY_MAX, "=%s", host);
		return;
	}
	if (n > 1 && domain[n - 1] == '.')
		n--;
	for (i = 0; i < n && i < DELIVERY_KEY_MAX - 1; i++)
		key[i] = (char)tolower((unsigned char)domain[i]);
	key[i] = '\0';
}

/* ---- destinations ---- */

void
dests_trim(struct dests *all)
{
	struct dest *d, *next;

	for (d = TAILQ_FIRST(&all->resting);
	    d != NULL && all->nresting > DESTS_MAX; d = next) {
		next = TAILQ_NEXT(d, turn);
		if (d->held > 0)
			continue;
		TAILQ_REMOVE(&all->resting, d, turn);
		all->nresting--;
		forget(all, d);
	}
}

static struct dest *
make(struct dest_chain *chain, const char *key, const char *domain)
{
	size_t nkey = strlen(key) + 1, ndomain = strlen(domain) + 1;
	struct dest *d;

	if ((d = calloc(1, sizeof(*d) + nkey + ndomain)) == NULL)
		return NULL;
	memcpy(d->key, key, nkey);
	memcpy(d->key + nkey, domain, ndomain);
	d->domain = d->key + nkey;
	STAILQ_INIT(&d->waiting);
	d->limit = DEST_START;
	SLIST_INSERT_HEAD(chain, d, chain);
	return d;
}

bool
dest_waits(struct dests *all, const char *key)
{
	struct dest *d;

	SLIST_FOREACH(d, chain_of(all, key), chain)
		if (strcmp(d->key, key) == 0)
			return !STAILQ_EMPTY(&d->waiting);
	return false;
}

struct dest *
dest_get(struct dests *all, const struct settings *s,
    const struct address *sender, const char *domain)
{
	char key[DELIVERY_KEY_MAX];
	struct dest_chain *chain;
	struct dest *d;

	dest_key(s, sender, domain, key);
	chain = chain_of(all, key);
	SLIST_FOREACH(d, chain, chain)
		if (strcmp(d->key, key) == 0)
			return d;
	if ((d = make(chain, key, domain)) == NULL)
		return NULL;
	all->n++;
	TAILQ_INSERT_TAIL(&all->resting, d, turn);
	all->nresting++;
	return d;
}

static void
leave(struct dests *all, struct dest *d)
{
	switch (d->state) {
	case DEST_RESTS:
		TAILQ_REMOVE(&all->resting, d, turn);
		all->nresting--;
		break;
	case DEST_READY:
		TAILQ_REMOVE(&all->ready, d, turn);
		break;
	case DEST_FULL:
		break;
	}
}

/* Put it where it belongs when it is not full. */
static void
settle(struct dests *all, struct dest *d)
{
	leave(all, d);
	if (!STAILQ_EMPTY(&d->waiting)) {
		d->state = DEST_READY;
		TAILQ_INSERT_TAIL(&all->ready, d, turn);
	} else if (d->workers > 0) {
		d->state = DEST_FULL;
	} else {
		d->state = DEST_RESTS;
		TAILQ_INSERT_TAIL(&all->resting, d, turn);
		all->nresting++;
	}
}

void
dest_begin(struct dests *all, struct dest *d)
{
	d->workers++;
	if (d->state == DEST_RESTS)
		settle(all, d);
}

void
dest_end(struct dests *all, struct dest *d)
{
	d->workers--;
	settle(all, d);
}

void
dest_wake(struct dests *all, struct dest *d)
{
	if (d->state != DEST_READY)
		settle(all, d);
}

void
dest_full(struct dests *all, struct dest *d)
{
	leave(all, d);
	d->state = DEST_FULL;
}

void
dest_rotate(struct dests *all, struct dest *d)
{
	settle(all, d);
}

void
dest_good(struct dest *d, unsigned most, int64_t now)
{
	d->failures = 0;
	d->dead_until = 0;
	d->good_at = now;
	free(d->last);
	d->last = NULL;
	if (d->limit < most)
		d->limit++;
	else
		d->limit = most;
}

void
dest_busy(struct dest *d)
{
	if (d->limit > 1)
		d->limit /= 2;
}

/*
 * While others of ours are served there, it may be one too many that was
 * turned away.
 */
void
dest_bad(struct dest *d, const struct report *r, int64_t now)
{
	int64_t wait = DEST_WAIT;
	unsigned i;

	if (d->limit > 1 && d->good_at != 0 && now - d->good_at < DEST_FRESH) {
		d->limit--;
		return;
	}
	if (dest_is_dead(d, now))
		return;		/* several at once are one failure */
	d->limit = 1;
	if (d->failures < 100)
		d->failures++;
	for (i = 1; i < d->failures && wait < DEST_WAIT_MAX; i++)
		wait *= 2;
	d->dead_until = now + (wait < DEST_WAIT_MAX ? wait : DEST_WAIT_MAX);
	if (d->last == NULL && (d->last = malloc(sizeof(*d->last))) == NULL) {
		d->dead_until = 0;
		return;
	}
	*d->last = *r;
}

bool
dest_is_dead(const struct dest *d, int64_t now)
{
	/* A clock that was set back is no reason to wait for ever. */
	return now < d->dead_until && d->dead_until - now <= DEST_WAIT_MAX;
}

/* ---- messages ---- */

struct entry *
entry_new(struct dests *all, const struct spool_item *it)
{
	struct entry_chain *chain = entries_of(all, it->name);
	size_t n = strlen(it->name) + 1;
	struct entry *e;

	errno = 0;
	SLIST_FOREACH(e, chain, chain)
		if (strcmp(e->name, it->name) == 0) {
			/* A person may have moved it. */
			e->manual |= e->bucket != it->bucket &&
			    it->bucket == SPOOL_NOW;
			e->bucket = it->bucket;
			e->due = it->due;
			return NULL;
		}
	if ((e = calloc(1, sizeof(*e) + n)) == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	memcpy(e->name, it->name, n);
	e->bucket = it->bucket;
	e->due = it->due;
	SLIST_INSERT_HEAD(chain, e, chain);
	all->nentries++;
	return e;
}

int
entry_item(const struct entry *e, struct spool_item *it)
{
	if (!spool_name_parse(it, e->name, SPOOL_REMOTE, SPOOL_NOW))
		return -1;
	it->bucket = e->bucket;
	it->due = e->due;
	return 0;
}

void
entry_wait(struct dests *all, struct entry *e, struct dest *d)
{
	STAILQ_INSERT_TAIL(&d->waiting, e, next);
	d->nwaiting++;
	dest_wake(all, d);
}

struct entry *
entry_next(struct dest *d)
{
	struct entry *e = STAILQ_FIRST(&d->waiting);

	STAILQ_REMOVE_HEAD(&d->waiting, next);
	d->nwaiting--;
	return e;
}

void
entry_free(struct dests *all, struct entry *e)
{
	SLIST_REMOVE(entries_of(all, e->name), e, entry, chain);
	all->nentries--;
	free(e->prefix);
	free(e);
}
