/* SPDX-License-Identifier: ISC
 *
 * What callers hold: questions and their answers, and waiting for them.  It
 * never blocks but in dns_wait() and dns_lookup().
 */
#include <sys/epoll.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/dns_chain.h"
#include "system/dns_local.h"

#define EVENTS	64	/* sockets looked at in one turn */

/* ---- replies ---- */

struct dns_reply *
dns_reply_new(const char *name)
{
	struct dns_reply *r = calloc(1, sizeof(*r));

	if (r == NULL || (r->answer.name = strdup(name)) == NULL) {
		free(r);
		return NULL;
	}
	r->refs = 1;
	r->answer.status = DNS_TEMPORARY;
	return r;
}

void
dns_reply_free(struct dns_reply *r)
{
	if (r == NULL || --r->refs > 0)
		return;
	dns_answer_fail(&r->answer, DNS_NODATA, "");
	free(r->answer.name);
	free(r->wire);
	free(r);
}

/* ---- jobs ---- */

static struct dns_keyed *
bucket(struct dns *dns, uint32_t hash)
{
	return &dns->keyed[hash % DNS_JOBS];
}

static struct dns_job *
job_new(struct dns *dns, const struct dns_question *q, uint32_t hash)
{
	struct dns_job *job;

	if (dns_heap_room(&dns->heap, dns->jobs + 1) == -1 ||
	    (job = calloc(1, sizeof(*job))) == NULL)
		return NULL;
	job->q = *q;
	job->q.name = strdup(q->name);
	job->key = strdup(q->name);
	job->reply = dns_reply_new(q->name);
	if (job->q.name == NULL || job->key == NULL || job->reply == NULL) {
		dns_reply_free(job->reply);
		free(job->q.name);
		free(job->key);
		free(job);
		return NULL;
	}
	job->dns = dns;
	job->hash = hash;
	job->tcp = -1;
	job->security = DNS_SECURE;
	job->life = UINT32_MAX;
	TAILQ_INIT(&job->askers);
	LIST_INSERT_HEAD(bucket(dns, hash), job, by_key);
	job->state = DNS_WAITING;
	if (q->rr != 0)
		TAILQ_INSERT_HEAD(&dns->waiting, job, link);
	else
		TAILQ_INSERT_TAIL(&dns->waiting, job, link);
	dns->jobs++;
	return job;
}

struct dns_job *
dns_job_find(struct dns *dns, const struct dns_question *q, uint32_t hash)
{
	struct dns_job *job;

	LIST_FOREACH(job, bucket(dns, hash), by_key)
		if (job->hash == hash &&
		    dns_same(&job->q, job->key, q, q->name))
			return job;
	return job_new(dns, q, hash);
}

/* Send first packets as the window allows. */
static void
pump(struct dns *dns)
{
	struct dns_job *job;

	while ((job = TAILQ_FIRST(&dns->waiting)) != NULL) {
		/* What a held one waits for does not wait for its place. */
		if (job->q.rr == 0 && dns->window.used >= dns->window.size) {
			dns->window.full = 1;
			break;
		}
		TAILQ_REMOVE(&dns->waiting, job, link);
		dns_job_start(job);
	}
}

/* ---- questions ---- */

static void
give(struct dns_query *q, struct dns_reply *r)
{
	q->job = NULL;
	q->reply = r;
	r->refs++;
	if (q->done == NULL)
		TAILQ_INSERT_TAIL(&q->dns->done, q, link);
	else
		q->done(q);
}

void
dns_query_done(struct dns_job *job)
{
	struct dns_query *q;

	while ((q = TAILQ_FIRST(&job->askers)) != NULL) {
		TAILQ_REMOVE(&job->askers, q, link);
		give(q, job->reply);
	}
}

static struct dns_query *
begin(struct dns *dns, const struct dns_question *question,
    void (*done)(struct dns_query *), void *arg)
{
	struct dns_query *q;
	struct dns_reply *r;
	uint32_t hash;

	if (dns_open(dns) == -1 || (q = calloc(1, sizeof(*q))) == NULL)
		return NULL;
	q->dns = dns;
	q->arg = arg;
	q->done = done;
	hash = dns_hash(question, question->name);
	r = dns_cache_get(&dns->cache, question, question->name, hash);
	if (r == NULL) {
		if ((q->job = dns_job_find(dns, question, hash)) == NULL) {
			free(q);
			return NULL;
		}
		TAILQ_INSERT_TAIL(&q->job->askers, q, link);
	} else {
		give(q, r);
		dns_reply_free(r);
	}
	return q;
}

struct dns_query *
dns_submit(struct dns *dns, enum dns_type type, const char *name, void *arg)
{
	struct dns_question question = { .type = type, .name = (char *)name,
	    .trusted = dns->trusted, .dnssec = dns->check != NULL,
	    .unchecked = dns->check != NULL };
	struct dns_query *q;

	if (dns->flight >= DNS_FLIGHT_MAX)
		return NULL;
	if ((q = begin(dns, &question, NULL, arg)) == NULL)
		return NULL;
	dns->flight++;
	pump(dns);
	return q;
}

/* NOTE: it is sent when the engine next turns: done is never called before
 * this has returned, unless the answer is kept. */
struct dns_query *
dns_query_raw(struct dns *dns, uint16_t rr, const char *name,
    void (*done)(struct dns_query *), void *arg)
{
	struct dns_question question = { .rr = rr, .name = (char *)name,
	    .dnssec = 1, .unchecked = 1 };

	return begin(dns, &question, done, arg);
}

/* ---- waiting ---- */

size_t
dns_pollfds(struct dns *dns, struct pollfd *p, size_t n)
{
	if (dns->jobs == 0)
		return 0;
	if (n > 0) {
		p->fd = dns->epoll;
		p->events = POLLIN;
		p->revents = 0;
	}
	return 1;
}

/* Until the first deadline of those under way; -1: there is none. */
static int
deadline_ms(const struct dns *dns)
{
	long long left;

	if (dns->heap.n == 0)
		return -1;
	left = dns->heap.v[1]->deadline - clock_ms();
	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

int
dns_wait_ms(struct dns *dns)
{
	if (!TAILQ_EMPTY(&dns->done))
		return 0;
	return deadline_ms(dns);
}

/* It is the caller's from now on. */
static void
fetch(struct dns_query *q)
{
	TAILQ_REMOVE(&q->dns->done, q, link);
	q->fetched = 1;
	q->dns->flight--;
}

static struct dns_query *
fetch_done(struct dns *dns)
{
	struct dns_query *q = TAILQ_FIRST(&dns->done);

	if (q != NULL)
		fetch(q);
	return q;
}

static void
ready(struct dns *dns, void *what)
{
	struct dns_port *port = what;
	struct dns_tcp *tcp = what;

	if (tcp >= dns->tcp && tcp < dns->tcp + DNS_TCP_MAX)
		dns_tcp_ready(dns, tcp);
	else
		dns_port_ready(dns, port);
}

/* One turn of all, after waiting up to ms. */
static void
turn(struct dns *dns, int ms)
{
	struct epoll_event ev[EVENTS];
	struct dns_job *job;
	long long t;
	int i, n;

	pump(dns);
	if (!TAILQ_EMPTY(&dns->done))
		ms = 0;
	n = epoll_wait(dns->epoll, ev, EVENTS, ms);
	/* The server need not wait until we have read all it said. */
	for (i = 0; i < n; i++) {
		ready(dns, ev[i].data.ptr);
		pump(dns);
	}
	t = clock_ms();
	while (dns->heap.n > 0 && (job = dns->heap.v[1])->deadline <= t)
		dns_job_late(job);
	pump(dns);
}

struct dns_query *
dns_wait(struct dns *dns, int ms)
{
	long long end = clock_ms() + ms, left;
	struct dns_query *q;
	int wait;

	for (;;) {
		if ((q = fetch_done(dns)) != NULL || dns->jobs == 0)
			return q;
		pump(dns);
		wait = dns_wait_ms(dns);
		left = ms < 0 ? wait : end - clock_ms();
		if (left < 0)
			left = 0;
		turn(dns, left < wait ? (int)left : wait);
		if (ms >= 0 && clock_ms() >= end)
			return fetch_done(dns);
	}
}

struct dns_query *
dns_lookup(struct dns *dns, enum dns_type type, const char *name)
{
	struct dns_query *q;

	/* Others may be under way: they go on, but this one is awaited. */
	if ((q = dns_submit(dns, type, name, NULL)) == NULL)
		return NULL;
	while (q->job != NULL)
		turn(dns, deadline_ms(dns));
	fetch(q);
	return q;
}

/* ---- what is there ---- */

const struct dns_answer *
dns_result(const struct dns_query *q)
{
	static const struct dns_answer none = { .status = DNS_TEMPORARY,
	    .name = (char *)"", .why = "under way" };

	return q->reply == NULL ? &none : &q->reply->answer;
}

void *
dns_arg(const struct dns_query *q)
{
	return q->arg;
}

void
dns_query_free(struct dns_query *q)
{
	struct dns_job *job;

	if (q == NULL)
		return;
	if ((job = q->job) != NULL) {
		TAILQ_REMOVE(&job->askers, q, link);
		if (TAILQ_EMPTY(&job->askers))
			dns_job_free(job);
		if (q->done == NULL)
			q->dns->flight--;
	} else if (q->done == NULL && !q->fetched)
		fetch(q);
	dns_reply_free(q->reply);
	free(q);
}

void
dns_free(struct dns *dns)
{
	struct dns_query *q;
	struct dns_job *job;
	size_t i;

	if (dns == NULL)
		return;
	for (i = 0; dns->keyed != NULL && i < DNS_JOBS; i++)
		while ((job = LIST_FIRST(&dns->keyed[i])) != NULL) {
			/* The last one takes the job with it. */
			while ((q = TAILQ_FIRST(&job->askers)) != NULL &&
			    TAILQ_NEXT(q, link) != NULL)
				dns_query_free(q);
			dns_query_free(q);
		}
	while ((q = TAILQ_FIRST(&dns->done)) != NULL)
		dns_query_free(q);
	dns_port_close_all(dns);
	if (dns->epoll != -1)
		close(dns->epoll);
	dns_cache_clear(&dns->cache);
	dns_anchor_free(dns->anchor);
	free(dns->heap.v);
	free(dns->keyed);
	free(dns->ids);
	free(dns->buffer);
	free(dns);
}
