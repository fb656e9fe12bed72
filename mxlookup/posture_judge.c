/* SPDX-License-Identifier: ISC
 *
 * What is wrong, from the facts alone.  A fault is found where it is certain; a
 * missing answer is its own finding, never taken for a missing record.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "grammar/tlsa.h"
#include "grammar/http.h"
#include "posture.h"

#define DAY	86400

/* ---- findings ---- */

/* A finding; the format is that of the record to publish, "" for none. */
static void __attribute__((format(printf, 5, 6)))
found(struct posture *p, enum posture_fault fault, const char *subject,
    const char *detail, const char *fmt, ...)
{
	struct posture_found *f;
	va_list ap;

	if (p->nfound == POSTURE_FAULTS)
		return;
	f = &p->found[p->nfound++];
	memset(f, 0, sizeof(*f));
	f->fault = fault;
	strlcpy(f->subject, subject, sizeof(f->subject));
	strlcpy(f->detail, detail, sizeof(f->detail));
	va_start(ap, fmt);
	(void)vsnprintf(f->publish, sizeof(f->publish), fmt, ap);
	va_end(ap);
	p->count[posture_texts[fault].severity]++;
}

#define NOTHING	"%s", ""	/* nothing to publish */

/* Whether the answer is missing, or not to be believed; then that is found,
 * once for its subject. */
static int
missing(struct posture *p, const struct dns_answer *a, const char *subject)
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
	found(p, fault, subject, a->why, NOTHING);
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
		found(p, NOT_A_DOMAIN, "", "", NOTHING);
		return 0;
	case MX_NXDOMAIN:
		found(p, NO_DOMAIN, "", "", NOTHING);
		return 0;
	case MX_BOGUS:
		found(p, DOMAIN_BOGUS, d, ask_answer(p->ask, p->mx)->why,
		    NOTHING);
		return 0;
	case MX_TEMPORARY:
		found(p, UNANSWERED, d, ask_answer(p->ask, p->mx)->why,
		    NOTHING);
		return 0;
	case MX_NODATA:
		found(p, NO_MAIL, d, "", "%s. MX 0 .", d);
		break;
	case MX_IMPLICIT:
		found(p, MX_ABSENT, d, "", "%s. MX 10 %s.", d, d);
		break;
	case MX_NULL:
	case MX_FOUND:
		break;
	}
	if (p->nullmx_mixed)
		found(p, NULLMX_MIXED, d, "", NOTHING);
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

	dns_addr_text(&d->addr, text, sizeof(text));
	dns_addr_name(&d->addr, d->addr.family == AF_INET ? "in-addr.arpa" :
	    "ip6.arpa", name, sizeof(name));
	(void)snprintf(subject, sizeof(subject), "%s [%s]", h->name, text);
	switch (d->reverse) {
	case REVERSE_UNASKED:
		found(p, MX_PRIVATE, subject, "", NOTHING);
		break;
	case REVERSE_GOOD:
		break;
	case REVERSE_NONE:
		found(p, REVERSE_ABSENT, subject, "", "%s. PTR %s.", name,
		    h->name);
		break;
	case REVERSE_OTHER:
		found(p, REVERSE_UNCONFIRMED, subject, d->name, "%s. %s %s",
		    d->name, d->addr.family == AF_INET ? "A" : "AAAA", text);
		break;
	case REVERSE_UNSURE:
		found(p, UNANSWERED, name, "", NOTHING);
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
		found(p, MX_LITERAL, h->name, "", "%s. MX %u mail.%s.",
		    p->domain, h->preference, p->domain);
		return;
	}
	if (p->mail == MX_FOUND && (is_alias(a, h->name) ||
	    is_alias(b, h->name)))
		found(p, MX_ALIAS, h->name, "", "%s. MX %u %s.", p->domain,
		    h->preference, a->n > 0 ? a->name : b->name);
	if (a->status == DNS_BOGUS || b->status == DNS_BOGUS)
		found(p, MX_BOGUS_ADDRESS, h->name, a->status == DNS_BOGUS ?
		    a->why : b->why, NOTHING);
	else if (!missing(p, a, h->name) && !missing(p, b, h->name) &&
	    h->naddrs == 0)
		found(p, MX_NO_ADDRESS, h->name, "", NOTHING);
	for (i = 0; i < h->naddrs; i++)
		judge_addr(p, h, &h->addrs[i]);
}

/* ---- TLSA ---- */

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
		found(p, TLSA_BOGUS, h->name, a->why, NOTHING);
		return;
	}
	if (missing(p, a, h->name))
		return;
	if (a->n == 0) {
		if (others)
			found(p, TLSA_SOME, h->name, "", "_25._tcp.%s. TLSA "
			    "3 1 1 <SHA-256 of the public key>", h->name);
		return;
	}
	if (a->security == DNS_INSECURE || ask_answer(p->ask, p->mx)->security
	    == DNS_INSECURE) {
		found(p, TLSA_INSECURE, h->name, a->security == DNS_INSECURE ?
		    "" : "the MX records are not signed", NOTHING);
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
		found(p, usable == 0 ? TLSA_UNUSABLE : TLSA_PARTLY, h->name,
		    tlsa_words(worst), "_25._tcp.%s. TLSA 3 1 1 <SHA-256 of "
		    "the public key>", h->name);
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

/* ---- MTA-STS ---- */

static void
judge_sts_answer(struct posture *p)
{
	const struct https_answer *a = &p->sts_answer;
	char line[128];

	if (!p->sts_fetched && (missing(p, ask_answer(p->ask, p->sts_a),
	    "the host of the MTA-STS policy") || missing(p, ask_answer(p->ask,
	    p->sts_aaaa), "the host of the MTA-STS policy")))
		return;
	switch (a->status) {
	case HTTPS_OK:
		break;
	case HTTPS_TLS:
		found(p, STS_CERTIFICATE, "", a->why, NOTHING);
		return;
	case HTTPS_MEMORY:
		found(p, UNANSWERED, "the MTA-STS policy", a->why, NOTHING);
		return;
	case HTTPS_CONNECT:
	case HTTPS_CODE:
	case HTTPS_TOOBIG:
	case HTTPS_PROTOCOL:
	case HTTPS_TIMEOUT:
		found(p, STS_NO_POLICY, "", a->why, NOTHING);
		return;
	}
	if (p->sts_policy.why[0] != '\0') {
		(void)snprintf(line, sizeof(line), "line %zu: ",
		    p->sts_policy.line);
		if (p->sts_policy.line == 0)
			line[0] = '\0';
		strlcat(line, p->sts_policy.why, sizeof(line));
		found(p, STS_SYNTAX, "", line, NOTHING);
	} else if (!p->sts_valid)
		found(p, STS_TYPE, "", a->type, "Content-Type: text/plain");
}

static void
judge_sts_policy(struct posture *p)
{
	const struct mta_sts_policy *y = &p->sts_policy;
	size_t i;

	switch (y->mode) {
	case MTA_STS_NONE:
		found(p, STS_IS_NONE, "", "", "mode: enforce");
		return;
	case MTA_STS_TESTING:
		found(p, STS_IS_TESTING, "", "", "mode: enforce");
		break;
	case MTA_STS_ENFORCE:
		break;
	}
	for (i = 0; i < p->nhosts; i++)
		if (!mta_sts_match(y, p->hosts[i].name))
			found(p, STS_MX, p->hosts[i].name, y->mode ==
			    MTA_STS_ENFORCE ? "senders refuse to use it" : "",
			    "mx: %s", p->hosts[i].name);
	if (y->max_age < DAY)
		found(p, STS_SHORT, "", "", "max_age: 604800");
}

static void
judge_sts(struct posture *p)
{
	const struct dns_answer *a = ask_answer(p->ask, p->sts_txt);

	if (missing(p, a, "the MTA-STS record"))
		return;
	if (p->sts_records == 0) {
		found(p, p->sts_valid ? STS_ORPHAN : STS_ABSENT, "", "",
		    "_mta-sts.%s. TXT \"v=STSv1; id=1\"%s%s%s", p->domain,
		    p->sts_valid ? "" : ", and a policy at https://mta-sts.",
		    p->sts_valid ? "" : p->domain,
		    p->sts_valid ? "" : "/.well-known/mta-sts.txt");
		return;
	}
	if (p->sts_records > 1) {
		found(p, STS_SEVERAL, "", "", NOTHING);
		return;
	}
	if (p->sts_why[0] != '\0')
		found(p, STS_RECORD, "", p->sts_why,
		    "_mta-sts.%s. TXT \"v=STSv1; id=1\"", p->domain);
	if (p->sts_valid)
		judge_sts_policy(p);
	else
		judge_sts_answer(p);
}

/* ---- TLSRPT ---- */

static void
judge_tlsrpt(struct posture *p)
{
	const struct dns_answer *a = ask_answer(p->ask, p->tlsrpt_txt);
	enum posture_fault fault = TLSRPT_USELESS;
	size_t i;

	if (missing(p, a, "the TLSRPT record"))
		return;
	if (p->tlsrpt_records == 0)
		fault = TLSRPT_ABSENT;
	else if (p->tlsrpt_records > 1)
		fault = TLSRPT_SEVERAL;
	else if (p->tlsrpt.why[0] != '\0')
		fault = TLSRPT_MALFORMED;
	else
		for (i = 0; i < p->tlsrpt.nrua; i++)
			if (p->tlsrpt.rua[i].scheme != REPORT_OTHER)
				return;
	found(p, fault, "", p->tlsrpt_records == 1 ? p->tlsrpt.why : "",
	    "_smtp._tls.%s. TXT \"v=TLSRPTv1; rua=mailto:postmaster@%s\"",
	    p->domain, p->domain);
}

/* ---- SPF ---- */

static void
judge_spf_errors(struct posture *p)
{
	static const struct {
		unsigned which;
		enum posture_fault fault;
	} rows[] = {
		{ SPF_SEVERAL, SPF_IS_SEVERAL }, { SPF_MALFORMED, SPF_SYNTAX },
		{ SPF_NO_TARGET, SPF_TARGET }, { SPF_TOO_MANY, SPF_LOOKUPS },
		{ SPF_LOOP, SPF_IS_LOOP }, { SPF_MX_MANY, SPF_EXCHANGERS },
		{ SPF_TOO_VOID, SPF_VOIDS }, { SPF_USES_PTR, SPF_PTR_USED },
		{ SPF_DEAD_TERMS, SPF_DEAD }
	};
	const struct spf_walk *w = &p->spf;
	char detail[512];
	int first = 1;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if ((w->faults & rows[i].which) == 0)
			continue;
		detail[0] = '\0';
		if (rows[i].which == SPF_TOO_MANY)
			(void)snprintf(detail, sizeof(detail), "%u",
			    w->lookups);
		else if (rows[i].which == SPF_TOO_VOID)
			(void)snprintf(detail, sizeof(detail), "%u", w->voids);
		else if ((rows[i].which & SPF_PERMERROR) != 0 && first)
			(void)snprintf(detail, sizeof(detail), "%s: %s",
			    w->where, w->why);
		first &= (rows[i].which & SPF_PERMERROR) == 0;
		found(p, rows[i].fault, "", detail, NOTHING);
	}
}

/* Is the record exactly "v=spf1 -all"? */
static int
sends_nothing(const struct dns_record *rr)
{
	struct spf_term t;
	struct spf s;

	return rr != NULL && spf_begin(&s, (const char *)rr->data, rr->len) ==
	    1 && spf_next(&s, &t) == 1 && t.kind == SPF_ALL &&
	    t.qualifier == '-';
}

static void
judge_spf(struct posture *p)
{
	const struct spf_walk *w = &p->spf;

	if ((w->faults & SPF_UNSURE) != 0)
		found(p, UNANSWERED, "SPF", "", NOTHING);
	if (w->records == 0) {
		if ((w->faults & SPF_UNSURE) == 0)
			found(p, SPF_ABSENT, "", "", "%s. TXT \"v=spf1 %s\"",
			    p->domain, posture_takes_mail(p) ? "mx -all" :
			    "-all");
		return;
	}
	judge_spf_errors(p);
	if ((w->faults & (SPF_SEVERAL | SPF_MALFORMED)) != 0)
		return;
	if (w->all == '+')
		found(p, SPF_PASS_ALL, "", "+all", "-all at its end");
	else if (!posture_takes_mail(p) && !sends_nothing(w->rr))
		found(p, SPF_NO_SENDER, "", "", "%s. TXT \"v=spf1 -all\"",
		    p->domain);
	else if ((w->all == '?' || w->all == '\0') &&
	    (w->faults & (SPF_PERMERROR | SPF_MACROS | SPF_UNSURE)) == 0)
		found(p, SPF_OPEN, "", w->all == '?' ? "?all" : "no all",
		    "-all or ~all at its end");
}

/* ---- DMARC ---- */

static void
judge_dmarc_rua(struct posture *p)
{
	const struct report_uri *u;
	const struct dns_answer *a;
	struct dmarc_record d;
	char to[256];
	size_t i, k;

	for (i = 0; i < p->dmarc.record.nrua && i < POSTURE_RUA; i++) {
		if (p->rua[i] == 0)
			continue;
		u = &p->dmarc.record.rua[i];
		(void)snprintf(to, sizeof(to), "%.*s", (int)u->ndomain,
		    u->domain);
		a = ask_answer(p->ask, p->rua[i]);
		if (missing(p, a, to))
			continue;
		for (k = 0; k < a->n; k++)
			if (dmarc_record(&d, (const char *)a->rr[k].data,
			    a->rr[k].len) == 1)
				break;
		if (k == a->n)
			found(p, DMARC_FOREIGN, to, "", "%s._report._dmarc.%s."
			    " TXT \"v=DMARC1\"", p->dmarc.domain, to);
	}
}

static void
judge_dmarc_record(struct posture *p)
{
	static const unsigned policy = DMARC_BAD_P | DMARC_BAD_SP |
	    DMARC_BAD_NP | DMARC_NO_P;
	const struct dmarc_record *r = &p->dmarc.record;
	const char *owner = p->dmarc.sub ? p->dmarc.domain : "";
	const char *text = (const char *)p->dmarc.rr->data + r->at;
	char at[80];

	(void)snprintf(at, sizeof(at), "at \"%.40s\"", text);
	if ((r->faults & policy) != 0)
		found(p, DMARC_NO_POLICY, owner, (r->faults & DMARC_NO_P) !=
		    0 ? "" : at, "p=reject");
	else if (p->dmarc.policy == DMARC_NONE)
		found(p, DMARC_IS_NONE, owner, "", "p=quarantine or p=reject");
	else if (r->test)
		found(p, DMARC_TESTING, owner, "", NOTHING);
	if ((r->faults & (DMARC_BAD_RUA | DMARC_BAD_RUF | DMARC_BAD_TAG)) != 0)
		found(p, DMARC_SYNTAX, owner, at, NOTHING);
	if ((r->faults & DMARC_OBSOLETE) != 0)
		found(p, DMARC_OLD_TAGS, owner, "", NOTHING);
	if (r->nrua == 0 && (r->faults & DMARC_BAD_RUA) == 0)
		found(p, DMARC_NO_REPORTS, owner, "",
		    "rua=mailto:postmaster@%s", p->dmarc.domain);
	judge_dmarc_rua(p);
}

static void
judge_dmarc(struct posture *p)
{
	char name[300];

	(void)snprintf(name, sizeof(name), "_dmarc.%s", p->domain);
	if (p->dmarc.several)
		found(p, DMARC_SEVERAL, name, "", NOTHING);
	switch (p->dmarc.status) {
	case DNS_TEMPORARY:
	case DNS_BOGUS:
		found(p, UNANSWERED, "DMARC", "", NOTHING);
		return;
	case DNS_FOUND:
		judge_dmarc_record(p);
		return;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
	case DNS_INVALID:
		break;
	}
	if (!p->dmarc.several)
		found(p, DMARC_ABSENT, "", "", "%s. TXT \"v=DMARC1; p=%s; "
		    "rua=mailto:postmaster@%s\"", name, posture_takes_mail(p) ?
		    "quarantine" : "reject", p->domain);
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
	if (missing(p, a, target) || missing(p, b, target))
		return;
	if (a->n == 0 && b->n == 0)
		found(p, CLIENTS_TARGET, subject, "", NOTHING);
	else if (is_alias(a, target) || is_alias(b, target))
		found(p, CLIENTS_ALIAS, subject, "", NOTHING);
}

/* One service: whether it is offered. */
static int
judge_service(struct posture *p, int which, int *records)
{
	const struct dns_answer *a = ask_answer(p->ask, p->srv[which]);
	unsigned port;
	const char *name = posture_service(which, &port);
	size_t i, none = 0;

	if (missing(p, a, name))
		return 0;
	for (i = 0; i < a->n; i++)
		if (a->rr[i].name[0] == '\0')
			none++;
		else
			judge_target(p, name, a->rr[i].name);
	*records |= a->n > 0;
	if (none > 0 && none < a->n)
		found(p, CLIENTS_MIXED, name, "", NOTHING);
	return none < a->n;
}

static void
judge_clients(struct posture *p)
{
	int offered[SRV_SERVICES], records = 0, reads, sends, direct;
	const char *d = p->domain;
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
		found(p, CLIENTS_ABSENT, "", "", "_submissions._tcp.%s. SRV "
		    "0 1 465 mail.%s. and _imaps._tcp.%s. SRV 0 1 993 "
		    "mail.%s.", d, d, d, d);
	else if (sends != reads)
		found(p, CLIENTS_INCOMPLETE, "", sends ? "nothing to read" :
		    "nothing to send", NOTHING);
	if ((sends || reads) && !direct)
		found(p, CLIENTS_PLAIN, "", "", "_submissions._tcp.%s. SRV "
		    "0 1 465 mail.%s. and _imaps._tcp.%s. SRV 0 1 993 "
		    "mail.%s.", d, d, d, d);
}

void
posture_judge(struct posture *p)
{
	if (!judge_domain(p))
		return;
	if (posture_takes_mail(p)) {
		judge_hosts(p);
		judge_sts(p);
		judge_tlsrpt(p);
	}
	judge_spf(p);
	judge_dmarc(p);
	if (posture_takes_mail(p))
		judge_clients(p);
}
