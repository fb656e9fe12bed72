/* SPDX-License-Identifier: ISC
 *
 * Choosing among workers.  One that has its connection open to where the
 * delivery goes is best; then a new one, as long as there are few; then one
 * that has been idle the longest, whatever it did before; then one that is
 * nearly done with the same destination.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pool.h"
#include "system/clock.h"
#include "system/log.h"

#define PAUSE_MAX	60	/* seconds without a start, at most */

int
pool_init(struct pool *pool, struct dests *dests, size_t max)
{
	pool->dests = dests;
	pool->max = max;
	pool->posts = calloc(max, sizeof(*pool->posts));
	return pool->posts == NULL ? -1 : 0;
}

static void
end_post(struct post *p)
{
	p->ending = true;
	worker_end(p->worker);
}

void
pool_free(struct pool *pool, int ms)
{
	long long end = clock_ms() + ms, left;
	struct pollfd *fds = calloc(pool->max, sizeof(*fds));
	struct post **of = calloc(pool->max, sizeof(struct post *));
	struct record r;
	size_t i, n;

	for (i = 0; i < pool->max; i++)
		if (pool->posts[i].worker != NULL && !pool->posts[i].ending)
			end_post(&pool->posts[i]);
	while (fds != NULL && of != NULL && (left = end - clock_ms()) > 0 &&
	    (n = pool_pollfds(pool, fds, of)) > 0) {
		if (poll(fds, n, (int)left) == -1 && errno != EINTR)
			break;
		for (i = 0; i < n; i++)
			while (fds[i].revents != 0 && of[i]->worker != NULL)
				switch (worker_read(of[i]->worker, &r,
				    false)) {
				case -1:
					fds[i].revents = 0;
					break;
				case 0:
					(void)worker_free(of[i]->worker);
					of[i]->worker = NULL;
					break;
				}
	}
	for (i = 0; i < pool->max; i++) {
		(void)worker_free(pool->posts[i].worker);
		while (pool->posts[i].n > 0)
			free(pool->posts[i].loads[--pool->posts[i].n]);
	}
	free(fds);
	free(of);
	free(pool->posts);
	pool->posts = NULL;
}

/* Start one at a free place. */
static struct post *
start(struct pool *pool, const struct dest *d, int64_t now)
{
	struct post *p = pool->posts;

	if (pool->n == pool->max || now < pool->paused ||
	    (pool->n >= POOL_SPARE && clock_ms() - pool->started_ms <
	    POOL_RAMP))
		return NULL;
	pool->started_ms = clock_ms();
	while (p->worker != NULL)
		p++;
	if ((p->worker = worker_start(&pool->set, d->key,
	    d->domain)) == NULL) {
		log_warn("worker", "error=%s", log_str(strerror(errno)));
		pool->paused = now + (pool->faults < 6 ?
		    1 << pool->faults++ : PAUSE_MAX);
		return NULL;
	}
	p->dest = NULL;
	p->key[0] = '\0';
	p->n = p->streak = 0;
	p->since = p->idle_since = now;
	p->generation = pool->generation;
	p->ending = false;
	pool->n++;
	return p;
}

static bool
is_stale(const struct pool *pool, const struct post *p, int64_t now)
{
	return p->generation != pool->generation ||
	    now - p->since > POOL_AGE;
}

/* What there is for a destination. */
struct offer {
	struct post	*warm;	/* idle, with a connection there */
	struct post	*next;	/* at work there, with room for one more */
	struct post	*idle;	/* elsewhere, for the longest, and nobody waits
				 * for it there */
};

static void
look_around(const struct pool *pool, const struct dest *d, int64_t now,
    struct offer *o)
{
	struct post *p;

	memset(o, 0, sizeof(*o));
	for (p = pool->posts; p < pool->posts + pool->max; p++) {
		if (p->worker == NULL || p->ending || is_stale(pool, p, now))
			continue;
		if (p->n == 0) {
			if (strcmp(p->key, d->key) == 0 && (o->warm == NULL ||
			    p->idle_since > o->warm->idle_since))
				o->warm = p;
			if ((o->idle == NULL ||
			    p->idle_since < o->idle->idle_since) &&
			    !(p->streak < POOL_STREAK && p->key[0] != '\0' &&
			    dest_waits(pool->dests, p->key)))
				o->idle = p;
		} else if (p->dest == d && p->n < WORKER_DEPTH &&
		    (o->next == NULL || p->n < o->next->n))
			o->next = p;
	}
}

/* A host by name that only the system finds is found before the sandbox: who
 * is at work elsewhere cannot go there. */
static bool
is_bound(const struct pool *pool, const struct dest *d)
{
	const char *host = d->key + 1;

	return d->key[0] == '=' && *host != '[' &&
	    strspn(host, "0123456789.:") != strlen(host) &&
	    (pool->set.route.settings->resolver[0] == '\0' ||
	    strncmp(host, "localhost", 9) == 0);
}

struct post *
pool_place(struct pool *pool, struct dest *d, int64_t now, bool *full)
{
	struct offer o;
	struct post *p = NULL;
	bool bound;

	look_around(pool, d, now, &o);
	*full = d->workers >= d->limit;
	if (*full)
		return o.next;
	if (o.warm != NULL)
		return o.warm;
	bound = is_bound(pool, d);
	if (pool->n < POOL_SPARE || o.idle == NULL || bound)
		p = start(pool, d, now);
	if (p == NULL && o.idle != NULL && !bound)
		p = o.idle;
	if (p == NULL && o.idle != NULL && pool->n == pool->max)
		end_post(o.idle);	/* its place will do */
	return p != NULL ? p : o.next;
}

int
pool_give(struct pool *pool, struct post *p, struct load *l,
    const struct delivery *d, const struct hosts *hosts)
{
	if (worker_give(p->worker, d, hosts, &l->seq) == -1)
		return -1;
	p->streak = strcmp(p->key, l->dest->key) == 0 ? p->streak + 1 : 0;
	if (p->n == 0) {
		p->dest = l->dest;
		strlcpy(p->key, l->dest->key, sizeof(p->key));
		dest_begin(pool->dests, l->dest);
	}
	p->loads[p->n++] = l;
	return 0;
}

struct load *
pool_load(const struct post *p, uint32_t seq)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->loads[i]->seq == seq)
			return p->loads[i];
	return NULL;
}

void
pool_done(struct pool *pool, struct post *p, struct load *l, int64_t now)
{
	size_t i = 0;

	while (p->loads[i] != l)
		i++;
	for (p->n--; i < p->n; i++)
		p->loads[i] = p->loads[i + 1];
	if (p->n > 0) {
		dest_wake(pool->dests, l->dest);
		return;
	}
	p->idle_since = now;
	p->dest = NULL;
	pool->faults = 0;
	dest_end(pool->dests, l->dest);
}

void
pool_buried(struct pool *pool, struct post *p, int64_t now)
{
	bool early = !p->ending && now - p->since < 2;

	if ((worker_free(p->worker) || early) && !p->ending)
		pool->paused = now + (pool->faults < 6 ?
		    1 << pool->faults++ : PAUSE_MAX);
	p->worker = NULL;
	p->dest = NULL;
	pool->n--;
}

void
pool_tidy(struct pool *pool, int64_t now)
{
	struct post *p;

	for (p = pool->posts; p < pool->posts + pool->max; p++)
		if (p->worker != NULL && p->n == 0 && !p->ending &&
		    (is_stale(pool, p, now) ||
		    now - p->idle_since > POOL_KEEP))
			end_post(p);
}

size_t
pool_pollfds(const struct pool *pool, struct pollfd *fds, struct post **of)
{
	size_t i, n = 0;

	for (i = 0; i < pool->max; i++)
		if (pool->posts[i].worker != NULL) {
			fds[n].fd = worker_fd(pool->posts[i].worker);
			fds[n].events = POLLIN;
			fds[n].revents = 0;
			of[n++] = &pool->posts[i];
		}
	return n;
}

size_t
pool_busy(const struct pool *pool)
{
	size_t i, n = 0;

	for (i = 0; i < pool->max; i++)
		n += pool->posts[i].n > 0;
	return n;
}
