/* SPDX-License-Identifier: ISC
 *
 * One question, from its first packet to its answer: which server is asked,
 * how long it is waited for, by UDP or TCP, where CNAMEs lead.  In a round
 * each server is asked once, and the waits double from round to round.  What
 * a server was asked it may still answer while another one is asked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "system/clock.h"
#include "system/dns_local.h"

#define HOPS_MAX	8	/* CNAMEs that we follow ourselves */
#define WHOLE_MAX_MS	30000	/* of a question in all */
#define REFUSED_MS	250	/* before a server that refused is asked again;
				 * doubled likewise */
#define SHORT_MS	20	/* before descriptors are tried again */
#define CASED_MS	50	/* for a reply in the right case */
#define FAILED_LIFE	5	/* seconds a failure is kept */
#define BOGUS_LIFE	30	/* one of validation, when that is known and
				 * not inferred */

static void ask_next(struct dns_job *, const char *, int);
static void begin(struct dns_job *);

/* ---- the end ---- */

static void
set_deadline(struct dns_job *job, enum dns_state state, long long ms)
{
	long long t = clock_ms() + ms;

	job->state = state;
	job->deadline = t < job->end ? t : job->end;
	dns_heap_set(&job->dns->heap, job);
}

/* Take it out of all that knows it. */
static void
take_out(struct dns_job *job)
{
	struct dns *dns = job->dns;

	if (job->state == DNS_HELD && dns->forget != NULL)
		dns->forget(job);
	if (job->state == DNS_WAITING)
		TAILQ_REMOVE(&dns->waiting, job, link);
	else
		dns->window.used--;
	dns_port_forget(job);
	dns_tcp_close(job);
	dns_heap_remove(&dns->heap, job);
	LIST_REMOVE(job, by_key);
	if (--dns->jobs == 0)
		dns_port_close_all(dns);
}

void
dns_job_free(struct dns_job *job)
{
	take_out(job);
	dns_reply_free(job->reply);
	free(job->q.name);
	free(job->key);
	free(job);
}

/* The reply is complete. */
static void
finish(struct dns_job *job)
{
	struct dns_reply *r = job->reply;

	if (r->answer.status <= DNS_NXDOMAIN) {
		r->answer.security = job->security;
		r->life = job->life;
	}
	dns_cache_put(&job->dns->cache, &job->q, job->key, job->hash, r);
	dns_query_done(job);
	dns_job_free(job);
}

/*
 * A resolver that validates and finds an answer bogus often says no more than
 * that it failed.  Then it is asked for the same unchecked: if it has an answer
 * for that, and fails again when it is to check it, that is why.
 */
static int
may_be_bogus(const struct dns_job *job)
{
	return job->q.trusted && !job->q.unchecked &&
	    job->said == DNS_TEMPORARY && strcmp(job->why, "SERVFAIL") == 0;
}

/* It has not been answered; 1: it is asked once more. */
static int
ask_unchecked(struct dns_job *job)
{
	switch (job->probe) {
	case DNS_FIRST:
		if (!may_be_bogus(job))
			return 0;
		job->probe = DNS_UNCHECKED;
		begin(job);
		return 1;
	case DNS_AGAIN:
		if (may_be_bogus(job)) {
			job->said = DNS_BOGUS;
			strlcpy(job->why, "validation failed",
			    sizeof(job->why));
			return 0;
		}
		break;
	case DNS_UNCHECKED:
		break;
	}
	/* Of a resolver that says more, that counts. */
	if (job->said != DNS_BOGUS) {
		job->said = DNS_TEMPORARY;
		strlcpy(job->why, "SERVFAIL", sizeof(job->why));
	}
	return 0;
}

/* What a server said tells more than the silence of another. */
static void
fail(struct dns_job *job, enum dns_status st, const char *why, uint32_t life)
{
	if (st == DNS_TEMPORARY && life > 0) {
		if (ask_unchecked(job))
			return;
		if (job->why[0] != '\0') {
			st = job->said;
			why = job->why;
		}
	}
	dns_answer_fail(&job->reply->answer, st, why);
	job->reply->life = st == DNS_BOGUS && job->probe == DNS_FIRST ?
	    BOGUS_LIFE : life;
	finish(job);
}

/* ---- questions ---- */

/* Change the case of the letters in a name that the job has chosen; the second
 * time it is as before. */
static void
mix(const struct dns_job *job, uint8_t *name)
{
	size_t i, label, at = 0;

	while ((label = name[at++]) != 0)
		for (i = 0; i < label; i++, at++)
			if (((name[at] | 0x20) >= 'a' &&
			    (name[at] | 0x20) <= 'z') &&
			    (job->mix[at / 8 % 32] & 1 << at % 8) != 0)
				name[at] ^= 0x20;
}

/* 0, or -1: it is finished. */
static int
pack(struct dns_job *job)
{
	struct dns_question q = job->q;
	enum dns_status st;

	q.unchecked = q.unchecked || job->probe == DNS_UNCHECKED;
	st = dns_pack(&q, job->wire, &job->len, &job->name_len);
	if (st != DNS_FOUND) {
		fail(job, st, st == DNS_INVALID ? "not a domain name" :
		    "no memory", 0);
		return -1;
	}
	if (job->dns->mixed)
		mix(job, job->wire + 12);
	return 0;
}

/* Ask this server; as dns_port_send(). */
static int
ask_by(struct dns_job *job, size_t server, int tcp)
{
	int r = tcp ? dns_tcp_start(job, server) : dns_port_send(job, server);

	job->server = server;
	if (r == 0)
		set_deadline(job, tcp ? DNS_TCP : DNS_UDP,
		    (long long)job->dns->ms << job->round);
	else if (r == 1)
		set_deadline(job, tcp ? DNS_TCP_PAUSE : DNS_PAUSE, SHORT_MS);
	return r;
}

/* The first of the next round.  0; 1: after a pause; -1: it is finished. */
static int
next_round(struct dns_job *job, const char *why, int pause)
{
	struct dns *dns = job->dns;

	if (job->failed == (1u << dns->nservers) - 1 ||
	    ++job->round >= dns->tries) {
		fail(job, DNS_TEMPORARY, why, FAILED_LIFE);
		return -1;
	}
	job->asked = 0;
	/* Somewhere on the way they may be thrown away with EDNS. */
	if (job->round == dns->tries - 1 && !job->q.plain && !pause &&
	    !job->q.dnssec && job->why[0] == '\0') {
		job->q.plain = 1;
		if (pack(job) == -1)
			return -1;
	}
	if (!pause)
		return 0;
	set_deadline(job, DNS_PAUSE, (long long)REFUSED_MS << job->round);
	return 1;
}

/* Ask the next server; pause: not in a hurry when the first is next again. */
static void
ask_next(struct dns_job *job, const char *why, int pause)
{
	struct dns *dns = job->dns;
	int s, r;

	dns_tcp_close(job);
	for (;;) {
		s = dns_server_choose(dns, job->asked | job->failed);
		if (s == -1) {
			if (next_round(job, why, pause) != 0)
				return;
			continue;
		}
		r = ask_by(job, (size_t)s, (job->cased & 1u << s) != 0);
		if (r == 0)
			job->asked |= 1u << s;
		if (r != -1)
			return;
		job->failed |= 1u << s;
		why = strerror(errno);
	}
}

/* From the first server on. */
static void
begin(struct dns_job *job)
{
	dns_port_forget(job);
	job->round = 0;
	job->asked = job->failed = 0;
	job->why[0] = '\0';
	if (job->dns->mixed)
		arc4random_buf(job->mix, sizeof(job->mix));
	if (pack(job) == 0)
		ask_next(job, "no server", 0);
}

void
dns_job_start(struct dns_job *job)
{
	struct dns *dns = job->dns;
	long long whole = (((long long)dns->ms << dns->tries) - dns->ms) *
	    (long long)dns->nservers;

	job->state = DNS_UDP;
	job->end = clock_ms() + (whole < WHOLE_MAX_MS ? whole + SHORT_MS :
	    WHOLE_MAX_MS);
	dns->window.used++;
	if (dns->nservers == 0)
		fail(job, DNS_TEMPORARY, "no server", 0);
	else
		begin(job);
}

void
dns_job_refused(struct dns_job *job, size_t server, const char *why)
{
	if (server == job->server && (job->state == DNS_UDP ||
	    job->state == DNS_TCP))
		ask_next(job, why, 1);
}

void
dns_job_late(struct dns_job *job)
{
	struct dns *dns = job->dns;

	if (job->state == DNS_UDP || job->state == DNS_TCP) {
		dns_server_silent(&dns->servers[job->server]);
		if (!job->late)
			dns_window_count(&dns->window, 0);
		job->late = 1;
	}
	if (clock_ms() >= job->end) {
		fail(job, DNS_TEMPORARY, "timeout", FAILED_LIFE);
		return;
	}
	switch (job->state) {
	case DNS_TCP_PAUSE:
		if (ask_by(job, job->server, 1) == -1)
			ask_next(job, strerror(errno), 0);
		break;
	case DNS_UDP:
	case DNS_TCP:
	case DNS_PAUSE:
		ask_next(job, "timeout", 0);
		break;
	case DNS_WAITING:
	case DNS_HELD:
		break;
	}
}

/* ---- answers ---- */

/* Ask again, for the name that a CNAME led to. */
static void
follow(struct dns_job *job)
{
	struct dns_answer *a = &job->reply->answer;
	char *name = strdup(a->name);

	if (name == NULL || ++job->hops > HOPS_MAX) {
		free(name);
		job->why[0] = '\0';
		fail(job, DNS_TEMPORARY, name == NULL ? "no memory" :
		    "too many CNAMEs", name == NULL ? 0 : FAILED_LIFE);
		return;
	}
	free(job->q.name);
	job->q.name = name;
	job->probe = DNS_FIRST;
	begin(job);
}

/* The answer counts. */
static void
settle(struct dns_job *job, enum dns_security security)
{
	if (job->security > security)
		job->security = security;
	if (job->alias)
		follow(job);
	else
		finish(job);
}

void
dns_job_checked(struct dns_job *job, enum dns_status st,
    enum dns_security security, const char *why)
{
	/* No more to be forgotten. */
	job->state = DNS_UDP;
	if (st == DNS_TEMPORARY || st == DNS_BOGUS) {
		strlcpy(job->why, why, sizeof(job->why));
		job->said = st;
		fail(job, DNS_TEMPORARY, why, FAILED_LIFE);
	} else
		settle(job, security);
}

/* A server has answered the question. */
static void
take_answer(struct dns_job *job, struct dns_answer *fresh, uint32_t life,
    const uint8_t *p, size_t n)
{
	struct dns_reply *r = job->reply;
	struct dns *dns = job->dns;
	int held;

	dns_port_forget(job);
	dns_tcp_close(job);
	if (job->probe == DNS_UNCHECKED) {
		dns_answer_fail(fresh, DNS_BOGUS, "");
		free(fresh->name);
		job->probe = DNS_AGAIN;
		begin(job);
		return;
	}
	if (fresh->name == NULL) {
		fresh->name = r->answer.name;
		r->answer.name = NULL;
	}
	dns_answer_fail(&r->answer, DNS_TEMPORARY, "");
	free(r->answer.name);
	r->answer = *fresh;
	if (life < job->life)
		job->life = life;
	/* What a key or DS proves is kept elsewhere; it may be bogus. */
	if (job->q.rr != 0 && job->life > BOGUS_LIFE)
		job->life = BOGUS_LIFE;
	if (job->q.rr != 0 && (r->wire = malloc(n)) != NULL) {
		memcpy(r->wire, p, n);
		r->len = n;
	} else if (job->q.rr != 0) {
		fail(job, DNS_TEMPORARY, "no memory", 0);
		return;
	}
	if (dns->check == NULL || job->q.rr != 0) {
		settle(job, fresh->security);
		return;
	}
	set_deadline(job, DNS_HELD, WHOLE_MAX_MS);
	held = dns->check(job, p, n);
	if (!held) {
		job->state = DNS_UDP;
		settle(job, DNS_INDETERMINATE);
	}
}

static int
is_refusal(enum dns_parsed parsed, const struct dns_answer *fresh)
{
	return parsed == DNS_SERVER_FAILED && strcmp(fresh->why,
	    "REFUSED") == 0;
}

/* A server knows no answer. */
static void
take_failure(struct dns_job *job, size_t server, struct dns_answer *fresh)
{
	int waited = job->server == server && (job->state == DNS_UDP ||
	    job->state == DNS_TCP);

	/* A failed validation is never made less by another's failure. */
	if (job->why[0] == '\0' || job->said != DNS_BOGUS) {
		job->said = fresh->status;
		memcpy(job->why, fresh->why, sizeof(job->why));
	}
	free(fresh->name);
	/* It may have too much to do: dnsmasq says so when it has. */
	if (is_refusal(DNS_SERVER_FAILED, fresh)) {
		if (!job->late)
			dns_window_count(&job->dns->window, 0);
		job->late = 1;
		if (waited)
			ask_next(job, job->why, 1);
		return;
	}
	job->failed |= 1u << server;
	if (waited)
		ask_next(job, job->why, 0);
}

static void
take_truncated(struct dns_job *job, size_t server, int by_tcp)
{
	if (by_tcp) {
		job->failed |= 1u << server;
		ask_next(job, "truncated", 0);
	} else if ((job->state == DNS_UDP || job->state == DNS_PAUSE) &&
	    ask_by(job, server, 1) == -1) {
		job->failed |= 1u << server;
		ask_next(job, strerror(errno), 0);
	}
}

static void
take_old(struct dns_job *job, size_t server, struct dns_answer *fresh)
{
	if (job->q.plain || job->q.dnssec) {
		dns_answer_fail(fresh, DNS_TEMPORARY, "FORMERR");
		take_failure(job, server, fresh);
		return;
	}
	free(fresh->name);
	job->q.plain = 1;
	if (pack(job) == 0 && ask_by(job, server, 0) == -1) {
		job->failed |= 1u << server;
		ask_next(job, strerror(errno), 0);
	}
}

void
dns_job_cased(struct dns_job *job, size_t server)
{
	job->cased |= 1u << server;
	/* The true reply may be on its way. */
	if (job->state == DNS_UDP && job->server == server)
		set_deadline(job, DNS_TCP_PAUSE, CASED_MS);
}

void
dns_job_take(struct dns_job *job, size_t server, uint8_t *p, size_t n,
    int by_tcp)
{
	struct dns_answer fresh;
	enum dns_parsed parsed;
	uint32_t life = 0;

	if (job->state == DNS_HELD || job->state == DNS_WAITING)
		return;
	/* As we have it: names in the answer may point into it. */
	if (p[5] == 1) {
		memcpy(p + 12, job->wire + 12, job->name_len);
		if (job->dns->mixed)
			mix(job, p + 12);
	}
	memset(&fresh, 0, sizeof(fresh));
	parsed = dns_parse(&job->q, p, n, &fresh, &life);
	if (parsed == DNS_NOT_OURS) {
		if (by_tcp)
			ask_next(job, "not an answer", 0);
		return;
	}
	dns_server_good(&job->dns->servers[server]);
	if (!job->late && job->hops == 0 && job->round == 0 &&
	    job->probe == DNS_FIRST && !is_refusal(parsed, &fresh))
		dns_window_count(&job->dns->window, 1);
	switch (parsed) {
	case DNS_NOT_OURS:
		break;
	case DNS_TRUNCATED:
		take_truncated(job, server, by_tcp);
		break;
	case DNS_OLD_SERVER:
		take_old(job, server, &fresh);
		break;
	case DNS_SERVER_FAILED:
		take_failure(job, server, &fresh);
		break;
	case DNS_PARSED:
	case DNS_ALIAS:
		job->alias = parsed == DNS_ALIAS;
		take_answer(job, &fresh, life, p, n);
		break;
	}
}
