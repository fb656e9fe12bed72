/* SPDX-License-Identifier: ISC
 *
 * The life of a policy (RFC 8461).  It must never lose
 * one that still counts because a new one could not be had.
 */
#include <stdio.h>
#include <string.h>

#include "grammar/http.h"
#include "sts.h"
#include "system/https.h"

#define STS_PATH	"/.well-known/mta-sts.txt"
#define STS_TIMEOUT	(60 * 1000)	/* ms */
#define STS_REFRESH	(24 * 60 * 60)	/* seconds */
#define STS_PAUSE	(5 * 60)	/* seconds behind a failure */
#define STS_ADDRS	8

bool
sts_is_live(const struct sts_record *r, int64_t now)
{
	return r->fetched != 0 && (now < r->fetched ||
	    now - r->fetched < (int64_t)r->max_age);
}

/* ---- the record in the DNS ---- */

/* The id that the DNS names: 1; 0: there is not exactly one record, or no
 * answer, which is the same. */
static int
find_id(struct dns *dns, const char *domain, char id[MTA_STS_ID_MAX])
{
	char name[DNS_NAME_MAX], one[MTA_STS_ID_MAX];
	const struct dns_answer *a;
	struct dns_query *q;
	const char *why;
	size_t i, n = 0;
	int good = 0;

	if ((size_t)snprintf(name, sizeof(name), "_mta-sts.%s", domain) >=
	    sizeof(name) || (q = dns_lookup(dns, DNS_TXT, name)) == NULL)
		return 0;
	a = dns_result(q);
	for (i = 0; i < a->n; i++)
		switch (mta_sts_record((const char *)a->rr[i].data,
		    a->rr[i].len, one, &why)) {
		case 1:
			strlcpy(id, one, MTA_STS_ID_MAX);
			good = 1;
			n++;
			break;
		case -1:
			n++;
			break;
		}
	dns_query_free(q);
	return n == 1 && good;
}

/* ---- the policy ---- */

static void
fail(struct sts *s, enum tls_result result, const char *why)
{
	s->result = result;
	strlcpy(s->why, why, sizeof(s->why));
}

/* Its addresses, of both families. */
static size_t
find_addrs(struct dns *dns, const char *host, struct dns_addr *to)
{
	static const enum dns_type types[] = { DNS_AAAA, DNS_A };
	const struct dns_answer *a;
	struct dns_query *q;
	size_t i, k, n = 0;

	for (i = 0; i < 2; i++) {
		if ((q = dns_lookup(dns, types[i], host)) == NULL)
			continue;
		a = dns_result(q);
		for (k = 0; k < a->n && n < STS_ADDRS / 2 * (i + 1); k++)
			to[n++] = a->rr[k].addr;
		dns_query_free(q);
	}
	return n;
}

/* The patterns as one line; -1: they are too many. */
static int
keep_patterns(struct sts_record *r, const struct mta_sts_policy *p)
{
	size_t i, at = 0;
	int n;

	r->patterns[0] = '\0';
	for (i = 0; i < p->nmx; i++) {
		n = snprintf(r->patterns + at, sizeof(r->patterns) - at,
		    "%s%.*s", i == 0 ? "" : " ", (int)p->mx[i].n,
		    p->mx[i].p);
		if (n < 0 || (at += (size_t)n) >= sizeof(r->patterns))
			return -1;
	}
	return 0;
}

static int
take_policy(struct sts *s, const struct https_answer *a, const char *id,
    const char *domain, int64_t now)
{
	struct mta_sts_policy p;
	struct sts_record r = { .fetched = now };
	char why[NEWS_WHY_MAX];

	if (!http_type_is(a->type, strlen(a->type), "text/plain")) {
		fail(s, TLS_RESULT_INVALID, "the policy is not text/plain");
		return -1;
	}
	if (mta_sts_policy(&p, a->body.data, a->body.len) != 1) {
		snprintf(why, sizeof(why), "line %zu: %s", p.line, p.why);
		fail(s, TLS_RESULT_INVALID, why);
		return -1;
	}
	if (keep_patterns(&r, &p) == -1) {
		fail(s, TLS_RESULT_INVALID, "too many patterns");
		return -1;
	}
	strlcpy(r.domain, domain, sizeof(r.domain));
	strlcpy(r.id, id, sizeof(r.id));
	r.mode = p.mode;
	r.max_age = p.max_age;
	s->record = r;
	s->changed = true;
	return 0;
}

static int
fetch(struct sts *s, struct dns *dns, struct tls_client *trusting,
    const struct settings *set, const char *domain, const char *id,
    int64_t now)
{
	char host[DNS_NAME_MAX];
	struct dns_addr addrs[STS_ADDRS];
	struct https_request q = { .host = host, .path = STS_PATH,
	    .addrs = addrs, .port = (unsigned short)set->https_port,
	    .timeout = STS_TIMEOUT, .max = MTA_STS_POLICY_MAX };
	struct https_answer a;
	int r = -1;

	if ((size_t)snprintf(host, sizeof(host), "mta-sts.%s", domain) >=
	    sizeof(host))
		return -1;
	if ((q.naddrs = find_addrs(dns, host, addrs)) == 0) {
		fail(s, TLS_RESULT_FETCH, "its host has no address");
		return -1;
	}
	switch (https_get(trusting, &q, &a)) {
	case HTTPS_OK:
		r = take_policy(s, &a, id, domain, now);
		break;
	case HTTPS_TLS:
		fail(s, TLS_RESULT_WEBPKI, a.why);
		break;
	case HTTPS_CONNECT:
	case HTTPS_CODE:
	case HTTPS_TOOBIG:
	case HTTPS_PROTOCOL:
	case HTTPS_TIMEOUT:
	case HTTPS_MEMORY:
		fail(s, TLS_RESULT_FETCH, a.why);
		break;
	}
	https_free(&a);
	return r;
}

void
sts_look(struct sts *s, struct dns *dns, struct tls_client *trusting,
    const struct settings *set, const char *domain,
    const struct sts_record *known, int64_t now)
{
	char id[MTA_STS_ID_MAX];
	bool live = known != NULL && sts_is_live(known, now);

	memset(s, 0, sizeof(*s));
	if (known != NULL)
		s->record = *known;
	if (!live)
		s->record.fetched = 0;
	if (strlen(domain) >= sizeof(s->record.domain) ||
	    !find_id(dns, domain, id))
		return;
	if (live && strcmp(known->id, id) == 0 && now >= known->fetched &&
	    now - known->fetched < STS_REFRESH)
		return;
	if (trusting == NULL || (known != NULL && known->failed != 0 &&
	    now >= known->failed && now - known->failed < STS_PAUSE))
		return;
	if (fetch(s, dns, trusting, set, domain, id, now) == 0)
		return;
	/* What counts stays, with the id it was fetched for. */
	strlcpy(s->record.domain, domain, sizeof(s->record.domain));
	if (!live)
		strlcpy(s->record.id, id, sizeof(s->record.id));
	s->record.failed = now;
	s->changed = true;
}

/* ---- its use ---- */

enum policy_sts
sts_mode(const struct sts_record *r, const char *host, bool *match)
{
	struct mta_sts_text one;
	const char *p = r->patterns;

	*match = false;
	for (; *p != '\0' && !*match; p += one.n + (p[one.n] == ' ')) {
		one.p = p;
		one.n = strcspn(p, " ");
		*match = mta_sts_match_one(&one, host);
	}
	if (r->fetched == 0)
		return STS_ABSENT;
	switch ((enum mta_sts_mode)r->mode) {
	case MTA_STS_TESTING:
		return STS_TESTING;
	case MTA_STS_ENFORCE:
		return STS_ENFORCE;
	case MTA_STS_NONE:
		break;
	}
	return STS_ABSENT;
}

void
sts_lines(const struct sts_record *r, char *to, size_t size)
{
	const char *p = r->patterns;
	size_t n, at;

	snprintf(to, size, "version: STSv1\nmode: %s\nmax_age: %u",
	    mta_sts_mode_name((enum mta_sts_mode)r->mode), r->max_age);
	for (; *p != '\0'; p += n + (p[n] == ' ')) {
		n = strcspn(p, " ");
		at = strlen(to);
		if (at + n + sizeof("\nmx: ") > size)
			break;
		snprintf(to + at, size - at, "\nmx: %.*s", (int)n, p);
	}
}
