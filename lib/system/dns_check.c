/* SPDX-License-Identifier: ISC
 *
 * Between the DNS engine and our own validation: an answer is held until its
 * chain of signatures is judged, and what the chain asks for are questions of
 * the same engine, with its cache, so that many names of a zone wait for one
 * question.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "system/dns_chain.h"
#include "system/dns_local.h"

/* An answer that waits for its verdict. */
struct held {
	struct dns_job	*job;
	struct dns_chain *chain;
	struct dns_query *query;	/* what it waits for, or NULL */
	int		 asking, answered;	/* by the cache, at once */
};

static void go(struct held *);

static void
held_free(struct held *h)
{
	h->job->held = NULL;
	dns_query_free(h->query);
	dns_chain_free(h->chain);
	free(h);
}

/* The verdict is there: the job goes on. */
static void
finish(struct held *h, enum dns_verdict v)
{
	enum dns_security security = DNS_INDETERMINATE;
	struct dns_job *job = h->job;
	enum dns_status st = DNS_FOUND;
	char why[DNS_WHY_MAX];

	/* It is read beside words about mail. */
	snprintf(why, sizeof(why), "DNSSEC: %.140s", dns_chain_why(h->chain));
	switch (v) {
	case DNS_CHAIN_SECURE:
		security = DNS_SECURE;
		if (dns_chain_is_nodata(h->chain))
			job->reply->answer.status = DNS_NODATA;
		if (dns_chain_ttl(h->chain) < job->life)
			job->life = dns_chain_ttl(h->chain);
		break;
	case DNS_CHAIN_INSECURE:
		security = DNS_INSECURE;
		break;
	case DNS_CHAIN_BOGUS:
		st = DNS_BOGUS;
		break;
	case DNS_CHAIN_INDETERMINATE:
		break;
	case DNS_CHAIN_ASK:
	case DNS_CHAIN_FAILED:
		st = DNS_TEMPORARY;
		break;
	}
	held_free(h);
	dns_job_checked(job, st, security, why);
}

/* What the chain asked for has come, or will not. */
static void
answered(struct dns_query *q)
{
	struct held *h = dns_arg(q);
	const struct dns_reply *r = q->reply;

	dns_chain_feed(h->chain, r->wire, r->len, r->answer.why, time(NULL));
	h->query = NULL;
	dns_query_free(q);
	if (h->asking)
		h->answered = 1;
	else
		go(h);
}

/* As far as can be without waiting. */
static void
go(struct held *h)
{
	enum dns_verdict v;
	const char *name;
	unsigned type;

	while ((v = dns_chain_step(h->chain, time(NULL))) == DNS_CHAIN_ASK) {
		name = dns_chain_asks(h->chain, &type);
		h->answered = 0;
		h->asking = 1;
		h->query = dns_query_raw(h->job->dns, (uint16_t)type, name,
		    answered, h);
		h->asking = 0;
		if (h->answered)
			h->query = NULL;
		else if (h->query != NULL)
			return;
		else
			dns_chain_feed(h->chain, NULL, 0, "no memory",
			    time(NULL));
	}
	finish(h, v);
}

/* The type of the question, which stands behind its name. */
static unsigned
type_of(const struct dns_job *job)
{
	const uint8_t *p = job->wire + 12 + job->name_len - 4;

	return (unsigned)(p[0] << 8 | p[1]);
}

static int
check(struct dns_job *job, const uint8_t *p, size_t n)
{
	struct held *h = calloc(1, sizeof(*h));

	if (h == NULL || (h->chain = dns_chain_new(job->dns->anchor,
	    job->q.name, type_of(job), p, n)) == NULL) {
		free(h);
		dns_job_checked(job, DNS_TEMPORARY, DNS_INDETERMINATE,
		    "no memory");
		return 1;
	}
	h->job = job;
	job->held = h;
	go(h);
	return 1;
}

static void
forget(struct dns_job *job)
{
	if (job->held != NULL)
		held_free(job->held);
}

int
dns_read_anchor(struct dns *dns, const char *path, char *why)
{
	struct dns_anchor *a = dns_anchor_new();

	if (a == NULL) {
		strlcpy(why, "no memory", DNS_WHY_MAX);
		return -1;
	}
	if (dns_anchor_read(a, path, why) == -1) {
		dns_anchor_free(a);
		return -1;
	}
	dns_anchor_free(dns->anchor);
	dns->anchor = a;
	dns->check = check;
	dns->forget = forget;
	return 0;
}
