/* SPDX-License-Identifier: ISC
 *
 * Asking all there is to know of a domain.  What does not depend on another
 * answer is asked at once; it judges nothing.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "grammar/http.h"
#include "posture.h"

#define FETCH_TIME	(60 * 1000)	/* ms; RFC 8461 */
#define GUESS_TIME	(10 * 1000)	/* when no record asks for it */

static const struct {
	const char	*name;
	unsigned	 port;
} services[SRV_SERVICES] = {
	[SRV_SUBMISSIONS] = { "_submissions._tcp", 465 },
	[SRV_SUBMISSION] = { "_submission._tcp", 587 },
	[SRV_IMAPS] = { "_imaps._tcp", 993 },
	[SRV_IMAP] = { "_imap._tcp", 143 },
	[SRV_POP3S] = { "_pop3s._tcp", 995 },
	[SRV_POP3] = { "_pop3._tcp", 110 },
};

const char *
posture_service(int which, unsigned *port)
{
	*port = services[which].port;
	return services[which].name;
}

int
posture_takes_mail(const struct posture *p)
{
	return p->mail == MX_FOUND || p->mail == MX_IMPLICIT;
}

/* Ask for a name below the domain. */
static size_t
ask_below(struct posture *p, enum dns_type type, const char *label)
{
	char name[DNS_NAME_MAX];

	(void)snprintf(name, sizeof(name), "%s.%s", label, p->domain);
	return ask(p->ask, type, name);
}

/* All that needs no other answer; for the walks it is asked ahead. */
static void
ask_first(struct posture *p)
{
	const char *names[DMARC_WALK_MAX];
	char name[DNS_NAME_MAX];
	size_t i, n = dmarc_walk(p->domain, names);

	p->mx = ask(p->ask, DNS_MX, p->domain);
	p->a = ask(p->ask, DNS_A, p->domain);
	p->aaaa = ask(p->ask, DNS_AAAA, p->domain);
	(void)ask(p->ask, DNS_TXT, p->domain);
	for (i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "_dmarc.%s", names[i]);
		(void)ask(p->ask, DNS_TXT, name);
	}
	p->sts_txt = ask_below(p, DNS_TXT, "_mta-sts");
	p->sts_a = ask_below(p, DNS_A, "mta-sts");
	p->sts_aaaa = ask_below(p, DNS_AAAA, "mta-sts");
	p->tlsrpt_txt = ask_below(p, DNS_TXT, "_smtp._tls");
	for (i = 0; i < SRV_SERVICES; i++)
		p->srv[i] = ask_below(p, DNS_SRV, services[i].name);
	ask_wait(p->ask);
}

/* ---- exchangers ---- */

static void
add_host(struct posture *p, const char *name, unsigned preference)
{
	struct posture_host *h;
	size_t i;

	if (p->nhosts == POSTURE_HOSTS)
		return;
	/* In order, lower preference first. */
	for (i = p->nhosts++; i > 0 && p->hosts[i - 1].preference >
	    preference; i--)
		p->hosts[i] = p->hosts[i - 1];
	h = &p->hosts[i];
	memset(h, 0, sizeof(*h));
	h->name = name;
	h->preference = preference;
}

static void
take_mx(struct posture *p, const struct dns_answer *mx)
{
	size_t i, null = 0;

	for (i = 0; i < mx->n; i++)
		if (mx->rr[i].name[0] == '\0')
			null++;
		else
			add_host(p, mx->rr[i].name, mx->rr[i].preference);
	p->nullmx_mixed = null > 0 && p->nhosts > 0;
	p->mail = p->nhosts > 0 ? MX_FOUND : MX_NULL;
}

/* No MX: the domain's own addresses, or none. */
static void
take_no_mx(struct posture *p)
{
	const struct dns_answer *a = ask_answer(p->ask, p->a);
	const struct dns_answer *b = ask_answer(p->ask, p->aaaa);

	if (a->n + b->n > 0) {
		p->mail = MX_IMPLICIT;
		add_host(p, p->domain, 0);
	} else if (a->status == DNS_BOGUS || b->status == DNS_BOGUS)
		p->mail = MX_BOGUS;
	else if (a->status == DNS_TEMPORARY || b->status == DNS_TEMPORARY)
		p->mail = MX_TEMPORARY;
	else
		p->mail = MX_NODATA;
}

static void
find_hosts(struct posture *p)
{
	const struct dns_answer *mx = ask_answer(p->ask, p->mx);

	switch (mx->status) {
	case DNS_FOUND:
		take_mx(p, mx);
		break;
	case DNS_NODATA:
		take_no_mx(p);
		break;
	case DNS_NXDOMAIN:
		p->mail = MX_NXDOMAIN;
		break;
	case DNS_TEMPORARY:
		p->mail = MX_TEMPORARY;
		break;
	case DNS_BOGUS:
		p->mail = MX_BOGUS;
		break;
	case DNS_INVALID:
		p->mail = MX_INVALID;
		break;
	}
}

static size_t
ask_tlsa(struct posture *p, const char *base)
{
	char name[DNS_NAME_MAX + 16];

	(void)snprintf(name, sizeof(name), "_25._tcp.%s", base);
	return ask(p->ask, DNS_TLSA, name);
}

/* Of exchangers, and of the hosts that mail clients find. */
static void
ask_hosts(struct posture *p)
{
	struct posture_host *h;
	const struct dns_answer *srv;
	size_t i, k;

	for (h = p->hosts; h < p->hosts + p->nhosts; h++) {
		h->a = (p->flags & MX_IPV6) != 0 ? ASK_NOTHING :
		    ask(p->ask, DNS_A, h->name);
		h->aaaa = (p->flags & MX_IPV4) != 0 ? ASK_NOTHING :
		    ask(p->ask, DNS_AAAA, h->name);
		h->tlsa_own = ask_tlsa(p, h->name);
	}
	for (i = 0; i < SRV_SERVICES; i++) {
		srv = ask_answer(p->ask, p->srv[i]);
		for (k = 0; k < srv->n; k++) {
			if (srv->rr[k].name[0] == '\0')
				continue;
			(void)ask(p->ask, DNS_A, srv->rr[k].name);
			(void)ask(p->ask, DNS_AAAA, srv->rr[k].name);
		}
	}
}

/* ---- TLSA ---- */

/* Where the CNAMEs of a host lead; NULL: there are none, or nobody vouches for
 * them. */
static const char *
target_of(const struct posture *p, const struct posture_host *h)
{
	const struct dns_answer *a = ask_answer(p->ask, h->a);

	if (a->n == 0)
		a = ask_answer(p->ask, h->aaaa);
	return a->n == 0 || a->security == DNS_INSECURE || a->name == NULL ||
	    strcasecmp(a->name, h->name) == 0 ? NULL : a->name;
}

static void
ask_targets(struct posture *p)
{
	struct posture_host *h;

	for (h = p->hosts; h < p->hosts + p->nhosts; h++)
		if ((h->base = target_of(p, h)) != NULL)
			h->tlsa_target = ask_tlsa(p, h->base);
}

/* Which records count: those of the target, and if it has none those of the
 * host's own name (RFC 7672).  A failed question is never "none". */
static void
take_tlsa(struct posture *p)
{
	const struct dns_answer *a;
	struct posture_host *h;

	for (h = p->hosts; h < p->hosts + p->nhosts; h++) {
		a = ask_answer(p->ask, h->tlsa_target);
		h->tlsa = h->tlsa_target;
		if (h->tlsa_target != 0 && a->status != DNS_NODATA &&
		    a->status != DNS_NXDOMAIN)
			continue;
		h->tlsa = h->tlsa_own;
		h->base = h->name;
	}
}

/* ---- reverse names ---- */

static void
add_addr(struct posture *p, struct posture_host *h, const struct dns_addr *a)
{
	struct posture_addr *to = &h->addrs[h->naddrs++];
	char name[DNS_NAME_MAX];

	to->addr = *a;
	if (dns_addr_is_private(a))
		return;
	dns_addr_name(a, a->family == AF_INET ? "in-addr.arpa" : "ip6.arpa",
	    name, sizeof(name));
	to->ptr = ask(p->ask, DNS_PTR, name);
}

static void
take_addrs(struct posture *p, struct posture_host *h, size_t question)
{
	const struct dns_answer *a = ask_answer(p->ask, question);
	size_t i;

	for (i = 0; i < a->n && i < POSTURE_ADDRS; i++)
		add_addr(p, h, &a->rr[i].addr);
}

static void
ask_forward(struct posture *p, struct posture_addr *d)
{
	const struct dns_answer *a = ask_answer(p->ask, d->ptr);
	size_t i;

	if (d->ptr == 0)
		return;
	for (i = 0; i < a->n && i < POSTURE_NAMES; i++) {
		if (d->name == NULL)
			d->name = a->rr[i].name;
		d->forward[i] = ask(p->ask, d->addr.family == AF_INET ?
		    DNS_A : DNS_AAAA, a->rr[i].name);
	}
}

static enum posture_reverse
confirm(const struct posture *p, const struct posture_addr *d)
{
	const struct dns_answer *a = ask_answer(p->ask, d->ptr);
	int unsure = 0;
	size_t i, k;

	if (d->ptr == 0)
		return REVERSE_UNASKED;
	if (a->n == 0)
		return a->status == DNS_TEMPORARY || a->status == DNS_BOGUS ?
		    REVERSE_UNSURE : REVERSE_NONE;
	for (i = 0; i < POSTURE_NAMES && d->forward[i] != 0; i++) {
		a = ask_answer(p->ask, d->forward[i]);
		unsure |= a->status == DNS_TEMPORARY;
		for (k = 0; k < a->n; k++)
			if (dns_addr_equal(&a->rr[k].addr, &d->addr))
				return REVERSE_GOOD;
	}
	return unsure ? REVERSE_UNSURE : REVERSE_OTHER;
}

static void
ask_reverse(struct posture *p)
{
	struct posture_host *h;

	for (h = p->hosts; h < p->hosts + p->nhosts; h++) {
		take_addrs(p, h, h->aaaa);
		take_addrs(p, h, h->a);
	}
}

static void
find_reverse(struct posture *p)
{
	struct posture_host *h;
	size_t i;

	for (h = p->hosts; h < p->hosts + p->nhosts; h++)
		for (i = 0; i < h->naddrs; i++)
			ask_forward(p, &h->addrs[i]);
	ask_wait(p->ask);
	for (h = p->hosts; h < p->hosts + p->nhosts; h++)
		for (i = 0; i < h->naddrs; i++)
			h->addrs[i].reverse = confirm(p, &h->addrs[i]);
}

/* ---- records ---- */

static void
take_sts_record(struct posture *p)
{
	const struct dns_answer *a = ask_answer(p->ask, p->sts_txt);
	const char *why;
	size_t i;
	int r;

	p->sts_why = "";
	for (i = 0; i < a->n; i++) {
		r = mta_sts_record((const char *)a->rr[i].data, a->rr[i].len,
		    p->sts_id, &why);
		if (r == 0)
			continue;
		p->sts_records++;
		p->sts_why = why;
	}
}

static void
take_tlsrpt(struct posture *p)
{
	const struct dns_answer *a = ask_answer(p->ask, p->tlsrpt_txt);
	struct tlsrpt t;
	size_t i;

	p->tlsrpt.why = "";
	for (i = 0; i < a->n; i++)
		if (tlsrpt_record(&t, (const char *)a->rr[i].data,
		    a->rr[i].len) != 0) {
			p->tlsrpt_records++;
			p->tlsrpt = t;
		}
}

/* Whom to ask whether he takes the reports: another organization than that of
 * the domain that has the record (RFC 9990).  Where it cannot be said which one
 * it is nobody is asked. */
static void
ask_rua(struct posture *p)
{
	const char *domain = p->dmarc.domain;
	const struct report_uri *u;
	struct dmarc_found own, other;
	char to[256], name[DNS_NAME_MAX];
	size_t i;

	dmarc_find(p->ask, domain, 1, &own);
	for (i = 0; i < p->dmarc.record.nrua && i < POSTURE_RUA; i++) {
		u = &p->dmarc.record.rua[i];
		if (u->ndomain == 0 || u->ndomain >= sizeof(to))
			continue;
		memcpy(to, u->domain, u->ndomain);
		to[u->ndomain] = '\0';
		dmarc_find(p->ask, to, 1, &other);
		if (own.org == NULL || other.org == NULL ||
		    strcasecmp(own.org, other.org) == 0)
			continue;
		(void)snprintf(name, sizeof(name), "%s._report._dmarc.%s",
		    domain, to);
		p->rua[i] = ask(p->ask, DNS_TXT, name);
	}
	ask_wait(p->ask);
}

/* ---- the policy ---- */

static void
fetch_policy(struct posture *p, const struct posture_means *m)
{
	const struct dns_answer *a = ask_answer(p->ask, p->sts_aaaa);
	const struct dns_answer *b = ask_answer(p->ask, p->sts_a);
	struct dns_addr addrs[2 * POSTURE_ADDRS];
	char host[IDNA_MAX + 8];
	struct https_request q = { .host = host,
	    .path = "/.well-known/mta-sts.txt", .addrs = addrs,
	    .port = m->https_port, .timeout = p->sts_records > 0 ?
	    FETCH_TIME : GUESS_TIME,
	    .max = MTA_STS_POLICY_MAX };
	size_t i;

	(void)snprintf(host, sizeof(host), "mta-sts.%s", p->domain);
	for (i = 0; i < POSTURE_ADDRS; i++) {
		if (i < a->n && (p->flags & MX_IPV4) == 0)
			addrs[q.naddrs++] = a->rr[i].addr;
		if (i < b->n && (p->flags & MX_IPV6) == 0)
			addrs[q.naddrs++] = b->rr[i].addr;
	}
	if (q.naddrs == 0 || m->tls == NULL) {
		p->sts_answer.status = q.naddrs == 0 ? HTTPS_CONNECT :
		    HTTPS_TLS;
		(void)snprintf(p->sts_answer.why, sizeof(p->sts_answer.why),
		    "%.150s %.80s", host, q.naddrs == 0 ? "has no address" :
		    m->why);
		return;
	}
	p->sts_fetched = 1;
	if (https_get(m->tls, &q, &p->sts_answer) != HTTPS_OK)
		return;
	p->sts_valid = mta_sts_policy(&p->sts_policy,
	    buf_str(&p->sts_answer.body), p->sts_answer.body.len) == 1 &&
	    http_type_is(p->sts_answer.type, strlen(p->sts_answer.type),
	    "text/plain");
}

/* ---- all ---- */

/* An address literal: it is its own exchanger, and has a reverse name. */
static int
gather_literal(struct posture *p, const struct posture_means *m)
{
	struct mx_list list;
	struct posture_host *h = &p->hosts[0];

	mx_lookup(m->dns, p->shown, m->flags, &list);
	p->mail = list.status;
	if (p->mail == MX_IMPLICIT && list.n == 1 &&
	    list.hosts[0].naddrs == 1) {
		add_host(p, p->shown, 0);
		add_addr(p, h, &list.hosts[0].addrs[0]);
		ask_wait(p->ask);
		find_reverse(p);
	}
	mx_free(&list);
	return 0;
}

int
posture_gather(struct posture *p, const struct posture_means *m)
{
	p->flags = m->flags;
	if ((p->ask = ask_new(m->dns)) == NULL)
		return -1;
	if (p->literal)
		return gather_literal(p, m);
	ask_first(p);
	find_hosts(p);
	if (p->mail == MX_NXDOMAIN || p->mail == MX_INVALID ||
	    p->mail == MX_BOGUS)
		return 0;
	/* What is asked here has its answers when the walks return. */
	if (posture_takes_mail(p))
		ask_hosts(p);
	spf_walk(p->ask, p->domain, &p->spf);
	ask_reverse(p);
	dmarc_find(p->ask, p->domain, 1, &p->dmarc);
	if (p->dmarc.status == DNS_FOUND)
		ask_rua(p);
	take_sts_record(p);
	take_tlsrpt(p);
	if (!posture_takes_mail(p))
		return 0;
	ask_targets(p);
	find_reverse(p);
	take_tlsa(p);
	fetch_policy(p, m);
	return 0;
}
