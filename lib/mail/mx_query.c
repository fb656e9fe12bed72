/* SPDX-License-Identifier: ISC
 *
 * Lookups under way, many at once: first the MX question of a domain, then
 * the addresses of all its hosts.  Addresses of domains that were begun go
 * before new domains, so that what is half done stays little.  What the DNS
 * did not take, for want of memory, is a temporary failure, never "no address".
 */
#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mail/mx_local.h"
#include "system/clock.h"

/* An exchanger while its addresses are looked up. */
struct asked {
	struct dns_query *q[2];		/* AAAA, A; NULL: not asked */
	int		 lost;		/* one of them could not be asked */
};

enum state {
	S_MX,		/* its first question is to be asked, or is */
	S_ADDRS,	/* those for addresses */
	S_DONE
};

struct mx_query {
	struct mx_pool	*pool;
	void		*arg;
	unsigned	 flags;
	enum state	 state;
	int		 queued;	/* in asking: more is to be asked */
	int		 returned;	/* by mx_wait(), the caller's now */
	TAILQ_ENTRY(mx_query) all, turn;
	char		*name;
	struct dns_query *mx;
	enum mx_status	 good;		/* MX_FOUND or MX_IMPLICIT */
	struct asked	*asked;		/* one for each host */
	size_t		 nasked;
	size_t		 next;		/* question: host * 2 + family */
	size_t		 under_way;	/* questions without an answer */
	struct mx_list	 list;
};

TAILQ_HEAD(queries, mx_query);

struct mx_pool {
	struct dns	*dns;
	struct queries	 all;		/* not yet returned */
	struct queries	 asking;	/* more is to be asked, in order */
	struct queries	 done;		/* finished, in order */
	size_t		 n;		/* in all */
	size_t		 flight;	/* questions under way */
};

static void
init(struct mx_pool *pool, struct dns *dns)
{
	memset(pool, 0, sizeof(*pool));
	pool->dns = dns;
	TAILQ_INIT(&pool->all);
	TAILQ_INIT(&pool->asking);
	TAILQ_INIT(&pool->done);
}

struct mx_pool *
mx_open(struct dns *dns)
{
	struct mx_pool *pool = malloc(sizeof(*pool));

	if (pool != NULL)
		init(pool, dns);
	return pool;
}

/* ---- one lookup ---- */

static void
want_turn(struct mx_query *q)
{
	TAILQ_INSERT_TAIL(&q->pool->asking, q, turn);
	q->queued = 1;
}

static void
leave_turn(struct mx_query *q)
{
	if (q->queued)
		TAILQ_REMOVE(&q->pool->asking, q, turn);
	q->queued = 0;
}

static void
finish(struct mx_query *q)
{
	leave_turn(q);
	q->state = S_DONE;
	TAILQ_INSERT_TAIL(&q->pool->done, q, turn);
}

static void
finish_failed(struct mx_query *q, enum mx_status st, const char *why)
{
	mx_free(&q->list);
	mx_fail(&q->list, st, why);
	finish(q);
}

/* Ask one question: 1 asked, 0 there is no room now, -1 no memory. */
static int
ask(struct mx_query *q, enum dns_type type, const char *name,
    struct dns_query **to)
{
	struct mx_pool *pool = q->pool;

	if (pool->flight >= DNS_FLIGHT_MAX)
		return 0;
	if ((*to = dns_submit(pool->dns, type, name, q)) == NULL)
		return -1;
	pool->flight++;
	q->under_way++;
	return 1;
}

/* The answers have been taken, or nobody wants them any more. */
static void
free_asked(struct mx_query *q)
{
	size_t i;

	for (i = 0; i < q->nasked; i++) {
		dns_query_free(q->asked[i].q[0]);
		dns_query_free(q->asked[i].q[1]);
	}
	free(q->asked);
	q->asked = NULL;
	q->nasked = 0;
}

/* All addresses are there. */
static void
conclude(struct mx_query *q)
{
	const struct dns_answer *a[2];
	struct mx_host *h;
	size_t i, f;

	for (i = 0; i < q->list.n; i++) {
		h = &q->list.hosts[i];
		if (q->asked[i].q[0] == NULL && q->asked[i].q[1] == NULL &&
		    !q->asked[i].lost)
			continue;
		for (f = 0; f < 2; f++)
			a[f] = q->asked[i].q[f] == NULL ? NULL :
			    dns_result(q->asked[i].q[f]);
		mx_take_addrs(h, a);
		if (q->asked[i].lost && h->naddrs == 0)
			h->status = MX_TEMPORARY;
	}
	free_asked(q);
	mx_conclude(&q->list, q->good, q->flags);
	finish(q);
}

/* Ask for addresses as far as there is room: 1 all are asked for, 0 not. */
static int
ask_addrs(struct mx_query *q)
{
	static const enum dns_type type[2] = { DNS_AAAA, DNS_A };
	static const int family[2] = { AF_INET6, AF_INET };
	struct mx_host *h;
	struct asked *k;
	size_t f;
	int r;

	for (; q->next < 2 * q->list.n; q->next++) {
		h = &q->list.hosts[q->next / 2];
		k = &q->asked[q->next / 2];
		f = q->next % 2;
		if (f == 0 && (r = mx_take_odd(h, q->flags)) != 0) {
			if (r == -1)
				h->status = MX_TEMPORARY;
			q->next++;
			continue;
		}
		if (!mx_wants(q->flags, family[f]))
			continue;
		if ((r = ask(q, type[f], h->name, &k->q[f])) == 0)
			return 0;
		if (r == -1)
			k->lost = 1;
	}
	return 1;
}

/* Ask what is to be asked next; 1 nothing is left to ask, 0 there is. */
static int
step(struct mx_query *q)
{
	int r;

	switch (q->state) {
	case S_MX:
		if ((r = ask(q, DNS_MX, q->name, &q->mx)) == 0)
			return 0;
		if (r == -1)
			finish_failed(q, MX_TEMPORARY, "no memory");
		return 1;
	case S_ADDRS:
		if (!ask_addrs(q))
			return 0;
		if (q->under_way == 0)
			conclude(q);
		return 1;
	case S_DONE:
		break;
	}
	return 1;
}

/* Names alone are wanted, and the MX records have them. */
static void
finish_names(struct mx_query *q)
{
	size_t i;

	for (i = 0; i < q->list.n; i++)
		q->list.hosts[i].status = MX_FOUND;
	mx_conclude(&q->list, MX_FOUND, q->flags);
	finish(q);
}

static void
begin_addrs(struct mx_query *q)
{
	size_t i;

	for (i = 0; i < q->list.n; i++)
		q->list.hosts[i].security = q->list.security;
	if (q->good == MX_FOUND && (q->flags & MX_NOADDRS) != 0) {
		finish_names(q);
		return;
	}
	if ((q->asked = calloc(q->list.n, sizeof(*q->asked))) == NULL) {
		finish_failed(q, MX_TEMPORARY, "no memory");
		return;
	}
	q->nasked = q->list.n;
	q->state = S_ADDRS;
	if (!TAILQ_EMPTY(&q->pool->asking) || !step(q))
		want_turn(q);
}

/* The MX answer is there. */
static void
take_mx(struct mx_query *q)
{
	const struct dns_answer *a = dns_result(q->mx);
	int r = 0;

	q->list.security = a->security;
	q->good = MX_FOUND;
	switch (a->status) {
	case DNS_FOUND:
		r = mx_take_records(&q->list, a, q->flags);
		if (r == 0 && q->list.n == 0) {
			finish_failed(q, MX_NULL, "the domain takes no mail");
			return;
		}
		break;
	case DNS_NODATA:
		q->good = MX_IMPLICIT;
		/* An answer may have been shared: its letter case is not
		 * that of everybody's question. */
		r = mx_take_one(&q->list, strcasecmp(a->name, q->name) == 0 ?
		    q->name : a->name);
		break;
	case DNS_NXDOMAIN:
	case DNS_TEMPORARY:
	case DNS_BOGUS:
	case DNS_INVALID:
		finish_failed(q, mx_from_dns(a->status), a->why);
		return;
	}
	if (r == -1)
		finish_failed(q, MX_TEMPORARY, "no memory");
	else
		begin_addrs(q);
}

/* An answer for q has come. */
static void
answered(struct mx_query *q)
{
	q->pool->flight--;
	q->under_way--;
	switch (q->state) {
	case S_MX:
		take_mx(q);
		dns_query_free(q->mx);
		q->mx = NULL;
		break;
	case S_ADDRS:
		if (q->under_way == 0 && !q->queued)
			conclude(q);
		break;
	case S_DONE:
		break;
	}
}

/* ---- many ---- */

struct mx_query *
mx_submit(struct mx_pool *pool, const char *domain, unsigned flags, void *arg)
{
	char name[IDNA_MAX];
	struct mx_query *q;
	const char *bad;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return NULL;
	q->pool = pool;
	q->arg = arg;
	q->flags = flags;
	if (*domain == '[') {
		mx_take_literal(&q->list, domain, flags);
		finish(q);
	} else if (mx_name(name, domain, &bad) == -1)
		finish_failed(q, MX_INVALID, bad);
	else if ((q->name = strdup(name)) == NULL) {
		free(q);
		return NULL;
	} else if (!TAILQ_EMPTY(&pool->asking) || !step(q))
		want_turn(q);
	TAILQ_INSERT_TAIL(&pool->all, q, all);
	pool->n++;
	return q;
}

int
mx_room(const struct mx_pool *pool)
{
	return pool->flight < DNS_FLIGHT_MAX && TAILQ_EMPTY(&pool->asking);
}

size_t
mx_under_way(const struct mx_pool *pool)
{
	return pool->n;
}

/* Ask what waits for room, the oldest first. */
static void
ask_more(struct mx_pool *pool)
{
	struct mx_query *q;

	while ((q = TAILQ_FIRST(&pool->asking)) != NULL) {
		/* Out of the line first: it may be finished by this. */
		leave_turn(q);
		if (!step(q)) {
			TAILQ_INSERT_HEAD(&pool->asking, q, turn);
			q->queued = 1;
			return;
		}
	}
}

static void
take_out(struct mx_query *q)
{
	leave_turn(q);
	if (q->state == S_DONE)
		TAILQ_REMOVE(&q->pool->done, q, turn);
	TAILQ_REMOVE(&q->pool->all, q, all);
	q->pool->n--;
	q->returned = 1;
}

struct mx_query *
mx_wait(struct mx_pool *pool, int ms)
{
	long long end = ms > 0 ? clock_ms() + ms : 0;
	struct dns_query *d;
	struct mx_query *q;

	ask_more(pool);
	while ((q = TAILQ_FIRST(&pool->done)) == NULL) {
		if (pool->n == 0 || (d = dns_wait(pool->dns, ms)) == NULL)
			return NULL;
		if (ms > 0 && (ms = (int)(end - clock_ms())) < 0)
			ms = 0;
		answered(dns_arg(d));
		ask_more(pool);
	}
	take_out(q);
	return q;
}

struct mx_list *
mx_result(struct mx_query *q)
{
	return &q->list;
}

void *
mx_arg(const struct mx_query *q)
{
	return q->arg;
}

void
mx_query_free(struct mx_query *q)
{
	if (q == NULL)
		return;
	if (!q->returned) {
		q->pool->flight -= q->under_way;
		take_out(q);
	}
	dns_query_free(q->mx);
	free_asked(q);
	mx_free(&q->list);
	free(q->name);
	free(q);
}

void
mx_close(struct mx_pool *pool)
{
	struct mx_query *q;

	if (pool == NULL)
		return;
	while ((q = TAILQ_FIRST(&pool->all)) != NULL)
		mx_query_free(q);
	free(pool);
}

void
mx_lookup(struct dns *dns, const char *domain, unsigned flags,
    struct mx_list *list)
{
	struct mx_pool pool;
	struct mx_query *q;

	init(&pool, dns);
	memset(list, 0, sizeof(*list));
	if (mx_submit(&pool, domain, flags, NULL) == NULL ||
	    (q = mx_wait(&pool, -1)) == NULL) {
		mx_fail(list, MX_TEMPORARY, "no memory");
		while ((q = TAILQ_FIRST(&pool.all)) != NULL)
			mx_query_free(q);
		return;
	}
	*list = q->list;
	memset(&q->list, 0, sizeof(q->list));
	mx_query_free(q);
}
