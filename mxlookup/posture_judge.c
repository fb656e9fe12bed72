/* SPDX-License-Identifier: ISC
 *
 * What is wrong with where mail goes and what clients find, from the facts
 * alone.  A fault is found where it is certain; a missing answer is its own
 * finding, never taken for a missing record.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "grammar/tlsa.h"
#include "posture_local.h"

/* ---- findings ---- */

void
posture_add(struct posture *p, enum posture_fault fault, const char *subject,
    const char *detail, const char *fmt, ...)
{
	struct posture_found *f;
	va_list ap;

	p->last = NULL;
	if (p->nfound == POSTURE_FAULTS)
		return;
	p->last = f = &p->found[p->nfound++];
	memset(f, 0, sizeof(*f));
	f->fault = fault;
	strlcpy(f->subject, subject, sizeof(f->subject));
	strlcpy(f->detail, detail, sizeof(f->detail));
	va_start(ap, fmt);
	(void)vsnprintf(f->publish, sizeof(f->publish), fmt, ap);
	va_end(ap);
	p->count[posture_texts[fault].severity]++;
}

void
posture_change(struct posture *p, const char *fmt, ...)
{
	va_list ap;

	if (p->last == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(p->last->change, sizeof(p->last->change), fmt, ap);
	va_end(ap);
}

int
posture_missing(struct posture *p, const struct dns_answer *a,
    const char *subject)
{
	enum posture_fault fault = a->status == DNS_BOGUS ? DOMAIN_BOGUS :
	    UNANSWERED;
	size_t i;

	if (a->status != DNS_TEMPORARY && a->status != DNS_BOGUS)
		return 0;
	for (i = 0; i < p->nfound; i++)
		if (p->found[i].fault == fault &&
		    strcmp(p->found[i].subject, subject) == 0)
			return 1;
	posture_add(p, fault, subject, a->why, NOTHING);
	return 1;
}

/* ---- where mail goes ---- */

/* 1: there is more to look at. */
static int
judge_domain(struct posture *p)
{
	const char *d = p->domain;

	switch (p->mail) {
	case MX_INVALID:
		posture_add(p, NOT_A_DOMAIN, "", "", NOTHING);
		return 0;
	case MX_NXDOMAIN:
		posture_add(p, NO_DOMAIN, "", "", NOTHING);
		return 0;
	case MX_BOGUS:
		posture_add(p, DOMAIN_BOGUS, d, ask_answer(p->ask, p->mx)->why,
		    NOTHING);
		return 0;
	case MX_TEMPORARY:
		posture_add(p, UNANSWERED, d, ask_answer(p->ask, p->mx)->why,
		    NOTHING);
		return 0;
	case MX_NODATA:
		posture_add(p, NO_MAIL, d, "", "%s. MX 0 .", d);
		break;
	case MX_IMPLICIT:
		posture_add(p, MX_ABSENT, d, "", "%s. MX 10 %s.", d, d);
		break;
	case MX_NULL:
	case MX_FOUND:
		break;
	}
	if (p->nullmx_mixed)
		posture_add(p, NULLMX_MIXED, d, "", NOTHING);
	return 1;
}

/* A name whose last label is of digits alone is an address. */
static int
is_literal(const char *name)
{
	const char *last = strrchr(name, '.');
	struct dns_addr a;

	last = last == NULL ? name : last + 1;
	return dns_addr_parse(name, &a) == 0 ||
	    (*last != '\0' && last[strspn(last, "0123456789")] == '\0');
}

/* Whether the name led elsewhere. */
static int
is_alias(const struct dns_answer *a, const char *name)
{
	return a->n > 0 && a->name != NULL && strcasecmp(a->name, name) != 0;
}

static void
judge_addr(struct posture *p, const struct posture_host *h,
    const struct posture_addr *d)
{
	char text[DNS_ADDR_TEXT], name[DNS_NAME_MAX], subject[300];
	enum posture_fault fault;

	dns_addr_text(&d->addr, text, sizeof(text));
	dns_addr_name(&d->addr, d->addr.family == AF_INET ? "in-addr.arpa" :
	    "ip6.arpa", name, sizeof(name));
	if (p->literal)
		strlcpy(subject, h->name, sizeof(subject));
	else
		(void)snprintf(subject, sizeof(subject), "%s [%s]", h->name,
		    text);
	switch (d->reverse) {
	case REVERSE_UNASKED:
		posture_add(p, MX_PRIVATE, subject, "", NOTHING);
		break;
	case REVERSE_GOOD:
		break;
	case REVERSE_NONE:
	case REVERSE_OTHER:
		fault = d->reverse == REVERSE_NONE ? REVERSE_ABSENT :
		    REVERSE_UNCONFIRMED;
		if (p->literal)
			posture_add(p, fault, subject, d->name == NULL ? "" :
			    d->name, NOTHING);
		else
			posture_add(p, fault, subject, d->name == NULL ? "" :
			    d->name, "%s. PTR %s.", name, h->name);
		posture_change(p, "ask who gave you the address for %s",
		    p->literal ? "a reverse name that leads back to it" :
		    "this");
		break;
	case REVERSE_UNSURE:
		posture_add(p, UNANSWERED, name, "", NOTHING);
		break;
	}
}

static void
judge_host(struct posture *p, const struct posture_host *h)
{
	const struct dns_answer *a = ask_answer(p->ask, h->a);
	const struct dns_answer *b = ask_answer(p->ask, h->aaaa);
	size_t i;

	if (is_literal(h->name)) {
		posture_add(p, MX_LITERAL, h->name, "", "%s. MX %u mail.%s.",
		    p->domain, h->preference, p->domain);
		posture_change(p, "give mail.%.200s the address %.40s",
		    p->domain, h->name);
		return;
	}
	if (p->mail == MX_FOUND && (is_alias(a, h->name) ||
	    is_alias(b, h->name)))
		posture_add(p, MX_ALIAS, h->name, "", "%s. MX %u %s.",
		    p->domain, h->preference, a->n > 0 ? a->name : b->name);
	if (a->status == DNS_BOGUS || b->status == DNS_BOGUS)
		posture_add(p, MX_BOGUS_ADDRESS, h->name, a->status ==
		    DNS_BOGUS ? a->why : b->why, NOTHING);
	else if (!posture_missing(p, a, h->name) &&
	    !posture_missing(p, b, h->name) && h->naddrs == 0)
		posture_add(p, MX_NO_ADDRESS, h->name, (p->flags & MX_IPV4) !=
		    0 ? "of IPv4" : (p->flags & MX_IPV6) != 0 ? "of IPv6" : "",
		    NOTHING);
	for (i = 0; i < h->naddrs; i++)
		judge_addr(p, h, &h->addrs[i]);
}

/* ---- TLSA ---- */

/* The digest is not known here. */
static void
add_tlsa(struct posture *p, enum posture_fault fault,
    const struct posture_host *h, const char *detail)
{
	posture_add(p, fault, h->name, detail, NOTHING);
	posture_change(p, "a record that counts is _25._tcp.%.160s. TLSA 3 1 1 "
	    "and the SHA-256 of the host's public key", h->base == NULL ?
	    h->name : h->base);
}

static void
judge_tlsa(struct posture *p, const struct posture_host *h, int others)
{
	const struct dns_answer *a = ask_answer(p->ask, h->tlsa);
	const struct dns_record *rr;
	enum tlsa_fitness fit, worst = TLSA_USABLE;
	size_t i, usable = 0;

	if (h->naddrs == 0)
		return;
	if (a->status == DNS_BOGUS) {
		posture_add(p, TLSA_BOGUS, h->name, a->why, NOTHING);
		return;
	}
	if (posture_missing(p, a, h->name))
		return;
	if (a->n == 0) {
		if (others)
			add_tlsa(p, TLSA_SOME, h, "");
		return;
	}
	if (a->security == DNS_INSECURE || ask_answer(p->ask, p->mx)->security
	    == DNS_INSECURE) {
		posture_add(p, TLSA_INSECURE, h->name, a->security ==
		    DNS_INSECURE ? "" : "the MX records are not signed",
		    NOTHING);
		return;
	}
	for (i = 0; i < a->n; i++) {
		rr = &a->rr[i];
		fit = tlsa_judge(rr->usage, rr->selector, rr->matching,
		    rr->data, rr->len);
		if (fit == TLSA_USABLE)
			usable++;
		else
			worst = fit;
	}
	if (usable < a->n)
		add_tlsa(p, usable == 0 ? TLSA_UNUSABLE : TLSA_PARTLY, h,
		    tlsa_words(worst));
}

static void
judge_hosts(struct posture *p)
{
	int others = 0;
	size_t i;

	for (i = 0; i < p->nhosts; i++) {
		judge_host(p, &p->hosts[i]);
		others |= ask_answer(p->ask, p->hosts[i].tlsa)->n > 0;
	}
	for (i = 0; i < p->nhosts; i++)
		judge_tlsa(p, &p->hosts[i], others);
}

/* ---- what mail clients find ---- */

/* One target of an SRV record. */
static void
judge_target(struct posture *p, const char *service, const char *target)
{
	/* Asked before: this only finds the answers. */
	const struct dns_answer *a = ask_answer(p->ask, ask(p->ask, DNS_A,
	    target));
	const struct dns_answer *b = ask_answer(p->ask, ask(p->ask, DNS_AAAA,
	    target));
	char subject[300];

	(void)snprintf(subject, sizeof(subject), "%s: %s", service, target);
	if (posture_missing(p, a, target) || posture_missing(p, b, target))
		return;
	if (a->n == 0 && b->n == 0)
		posture_add(p, CLIENTS_TARGET, subject, "", NOTHING);
	else if (is_alias(a, target) || is_alias(b, target))
		posture_add(p, CLIENTS_ALIAS, subject, "", NOTHING);
}

/* One service: whether it is offered. */
static int
judge_service(struct posture *p, int which, int *records)
{
	const struct dns_answer *a = ask_answer(p->ask, p->srv[which]);
	unsigned port;
	const char *name = posture_service(which, &port);
	size_t i, none = 0;

	if (posture_missing(p, a, name))
		return 0;
	for (i = 0; i < a->n; i++)
		if (a->rr[i].name[0] == '\0')
			none++;
		else
			judge_target(p, name, a->rr[i].name);
	*records |= a->n > 0;
	if (none > 0 && none < a->n)
		posture_add(p, CLIENTS_MIXED, name, "", NOTHING);
	return none < a->n;
}

/* The host is that of the mail, which must serve clients, too. */
static void
add_clients(struct posture *p, enum posture_fault fault)
{
	const char *d = p->domain, *host = p->hosts[0].name;

	if (p->nhosts == 0 || is_literal(host))
		host = d;
	posture_add(p, fault, "", "", "_submissions._tcp.%s. SRV 0 1 465 %s.\n"
	    "_imaps._tcp.%s. SRV 0 1 993 %s.", d, host, d, host);
	posture_change(p, "if mail clients use another host, put its name in "
	    "place of %.200s", host);
}

static void
judge_clients(struct posture *p)
{
	int offered[SRV_SERVICES], records = 0, reads, sends, direct;
	size_t before = p->count[POSTURE_UNKNOWN];
	int i;

	for (i = 0; i < SRV_SERVICES; i++)
		offered[i] = judge_service(p, i, &records);
	if (p->count[POSTURE_UNKNOWN] > before)
		return;
	sends = offered[SRV_SUBMISSIONS] || offered[SRV_SUBMISSION];
	reads = offered[SRV_IMAPS] || offered[SRV_IMAP] ||
	    offered[SRV_POP3S] || offered[SRV_POP3];
	direct = offered[SRV_SUBMISSIONS] || offered[SRV_IMAPS] ||
	    offered[SRV_POP3S];
	if (!records)
		add_clients(p, CLIENTS_ABSENT);
	else if (sends != reads)
		posture_add(p, CLIENTS_INCOMPLETE, "", sends ?
		    "nothing to read" : "nothing to send", NOTHING);
	if ((sends || reads) && !direct)
		add_clients(p, CLIENTS_PLAIN);
}

static void
judge_literal(struct posture *p)
{
	switch (p->mail) {
	case MX_INVALID:
		posture_add(p, NOT_A_DOMAIN, "", "", NOTHING);
		break;
	case MX_TEMPORARY:
		posture_add(p, UNANSWERED, "", "", NOTHING);
		break;
	case MX_IMPLICIT:
		judge_addr(p, &p->hosts[0], &p->hosts[0].addrs[0]);
		break;
	case MX_NODATA:
	case MX_NXDOMAIN:
	case MX_BOGUS:
	case MX_NULL:
	case MX_FOUND:
		posture_add(p, MX_NO_ADDRESS, "", (p->flags & MX_IPV4) != 0 ?
		    "of IPv4" : "of IPv6", NOTHING);
		break;
	}
}

void
posture_judge(struct posture *p)
{
	if (p->literal) {
		judge_literal(p);
		return;
	}
	if (!judge_domain(p))
		return;
	if (posture_takes_mail(p)) {
		judge_hosts(p);
		posture_judge_sts(p);
		posture_judge_tlsrpt(p);
	}
	posture_judge_spf(p);
	posture_judge_dmarc(p);
	if (posture_takes_mail(p))
		judge_clients(p);
}
