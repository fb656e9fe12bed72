/* SPDX-License-Identifier: ISC
 *
 * What is wrong with the records that say how mail is to be treated: MTA-STS,
 * TLSRPT, SPF, DMARC.
 */
#include <stdio.h>
#include <string.h>

#include "grammar/http.h"
#include "posture_local.h"

#define DAY	86400

/* ---- MTA-STS ---- */

/* What a policy is, in a line. */
static void
change_policy(struct posture *p)
{
	posture_change(p, "put at https://mta-sts.%.120s/.well-known/"
	    "mta-sts.txt these lines: version: STSv1, mode: testing, max_age: "
	    "604800, and for each exchanger mx: and its name", p->domain);
}

static void
judge_sts_answer(struct posture *p)
{
	static const char host[] = "the host of the MTA-STS policy";
	const struct https_answer *a = &p->sts_answer;
	char line[128];

	if (!p->sts_fetched && (posture_missing(p, ask_answer(p->ask,
	    p->sts_a), host) || posture_missing(p, ask_answer(p->ask,
	    p->sts_aaaa), host)))
		return;
	switch (a->status) {
	case HTTPS_OK:
		break;
	case HTTPS_TLS:
		posture_add(p, STS_CERTIFICATE, "", a->why, NOTHING);
		return;
	case HTTPS_MEMORY:
		posture_add(p, UNANSWERED, "the MTA-STS policy", a->why,
		    NOTHING);
		return;
	case HTTPS_CONNECT:
	case HTTPS_CODE:
	case HTTPS_TOOBIG:
	case HTTPS_PROTOCOL:
	case HTTPS_TIMEOUT:
		posture_add(p, STS_NO_POLICY, "", a->why, NOTHING);
		change_policy(p);
		return;
	}
	if (!http_type_is(a->type, strlen(a->type), "text/plain")) {
		posture_add(p, STS_TYPE, "", a->type, NOTHING);
		posture_change(p, "the web server's type of the file: "
		    "text/plain");
		return;
	}
	(void)snprintf(line, sizeof(line), "line %zu: ", p->sts_policy.line);
	if (p->sts_policy.line == 0)
		line[0] = '\0';
	strlcat(line, p->sts_policy.why, sizeof(line));
	posture_add(p, STS_SYNTAX, "", line, NOTHING);
	change_policy(p);
}

static void
judge_sts_policy(struct posture *p)
{
	const struct mta_sts_policy *y = &p->sts_policy;
	size_t i;

	switch (y->mode) {
	case MTA_STS_NONE:
		posture_add(p, STS_IS_NONE, "", "", NOTHING);
		posture_change(p, "in the policy, mode: testing, and later "
		    "mode: enforce; in the record, another id");
		return;
	case MTA_STS_TESTING:
		posture_add(p, STS_IS_TESTING, "", "", NOTHING);
		posture_change(p, "when no failures are reported: in the "
		    "policy, mode: enforce; in the record, another id");
		break;
	case MTA_STS_ENFORCE:
		break;
	}
	for (i = 0; i < p->nhosts; i++)
		if (!mta_sts_match(y, p->hosts[i].name)) {
			posture_add(p, STS_MX, p->hosts[i].name, y->mode ==
			    MTA_STS_ENFORCE ? "senders refuse to use it" : "",
			    NOTHING);
			posture_change(p, "in the policy, another line mx: "
			    "%.160s; in the record, another id",
			    p->hosts[i].name);
		}
	if (y->max_age < DAY) {
		posture_add(p, STS_SHORT, "", "", NOTHING);
		posture_change(p, "in the policy, max_age: 604800; in the "
		    "record, another id");
	}
}

void
posture_judge_sts(struct posture *p)
{
	const struct dns_answer *a = ask_answer(p->ask, p->sts_txt);

	if (posture_missing(p, a, "the MTA-STS record"))
		return;
	if (p->sts_records == 0) {
		posture_add(p, p->sts_valid ? STS_ORPHAN : STS_ABSENT, "", "",
		    "_mta-sts.%s. TXT \"v=STSv1; id=1\"", p->domain);
		if (!p->sts_valid)
			change_policy(p);
		return;
	}
	if (p->sts_records > 1) {
		posture_add(p, STS_SEVERAL, "", "", NOTHING);
		posture_change(p, "take away all but one");
		return;
	}
	if (p->sts_why[0] != '\0')
		posture_add(p, STS_RECORD, "", p->sts_why,
		    "_mta-sts.%s. TXT \"v=STSv1; id=1\"", p->domain);
	if (p->sts_valid)
		judge_sts_policy(p);
	else
		judge_sts_answer(p);
}

/* ---- TLSRPT ---- */

void
posture_judge_tlsrpt(struct posture *p)
{
	const struct dns_answer *a = ask_answer(p->ask, p->tlsrpt_txt);
	enum posture_fault fault = TLSRPT_USELESS;
	size_t i;

	if (posture_missing(p, a, "the TLSRPT record"))
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
	posture_add(p, fault, "", p->tlsrpt_records == 1 ? p->tlsrpt.why : "",
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
		posture_add(p, rows[i].fault, "", detail, NOTHING);
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

/* The record with another end, in strings of a zone file; 0: it cannot be
 * written here. */
static int
write_ending(struct buf *b, const struct dns_record *rr)
{
	size_t n = sizeof("v=spf1") - 1;
	struct spf_term t;
	struct spf s;
	int r;

	buf_addf(b, "\"v=spf1");
	(void)spf_begin(&s, (const char *)rr->data, rr->len);
	while ((r = spf_next(&s, &t)) == 1) {
		/* What needs an escape in a zone file is left to others. */
		if (t.kind == SPF_REDIRECT ||
		    memchr(t.text, '"', t.len) != NULL ||
		    memchr(t.text, '\\', t.len) != NULL)
			return 0;
		if (t.kind == SPF_ALL)
			continue;
		/* A string has at most 255 octets. */
		if ((n += 1 + t.len) > 255 - sizeof(" -all")) {
			buf_adds(b, " \" \"");
			n = t.len;
		} else
			buf_addc(b, ' ');
		buf_add(b, t.text, t.len);
	}
	buf_adds(b, " -all\"");
	return r == 0 && !buf_failed(b);
}

/* What is wrong with how the record ends. */
static void
add_ending(struct posture *p, enum posture_fault fault, const char *now)
{
	struct buf b;

	buf_init(&b, sizeof(p->found[0].publish) - sizeof(p->domain) - 8);
	if (p->spf.rr != NULL && write_ending(&b, p->spf.rr))
		posture_add(p, fault, "", now, "%s. TXT %s", p->domain,
		    buf_str(&b));
	else {
		posture_add(p, fault, "", now, NOTHING);
		posture_change(p, "-all or ~all at its end");
	}
	buf_free(&b);
}

void
posture_judge_spf(struct posture *p)
{
	const struct spf_walk *w = &p->spf;

	if ((w->faults & SPF_UNSURE) != 0)
		posture_add(p, UNANSWERED, "SPF", "", NOTHING);
	if (w->records == 0) {
		if ((w->faults & SPF_UNSURE) == 0)
			posture_add(p, SPF_ABSENT, "", "",
			    "%s. TXT \"v=spf1 %s\"", p->domain,
			    posture_takes_mail(p) ? "mx -all" : "-all");
		return;
	}
	judge_spf_errors(p);
	if ((w->faults & (SPF_SEVERAL | SPF_MALFORMED)) != 0)
		return;
	if (w->all == '+')
		add_ending(p, SPF_PASS_ALL, "+all");
	else if (!posture_takes_mail(p) && !sends_nothing(w->rr))
		posture_add(p, SPF_NO_SENDER, "", "", "%s. TXT \"v=spf1 -all\"",
		    p->domain);
	else if ((w->all == '?' || w->all == '\0') &&
	    (w->faults & (SPF_PERMERROR | SPF_MACROS | SPF_UNSURE)) == 0)
		add_ending(p, SPF_OPEN, w->all == '?' ? "?all" : "no all");
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
		if (posture_missing(p, a, to))
			continue;
		for (k = 0; k < a->n; k++)
			if (dmarc_record(&d, (const char *)a->rr[k].data,
			    a->rr[k].len) == 1)
				break;
		if (k == a->n) {
			posture_add(p, DMARC_FOREIGN, to, "",
			    "%s._report._dmarc.%s. TXT \"v=DMARC1\"",
			    p->dmarc.domain, to);
			posture_change(p, "ask the owner of %.200s for this",
			    to);
		}
	}
}

/* A fault of the record, with whose it is if it is another's. */
static void
add_dmarc(struct posture *p, enum posture_fault fault, const char *detail,
    const char *change)
{
	posture_add(p, fault, p->dmarc.sub ? p->dmarc.domain : "", detail,
	    NOTHING);
	posture_change(p, "%s", change);
}

static void
judge_dmarc_record(struct posture *p)
{
	static const unsigned policy = DMARC_BAD_P | DMARC_BAD_SP |
	    DMARC_BAD_NP | DMARC_NO_P;
	const struct dmarc_record *r = &p->dmarc.record;
	const char *text = (const char *)p->dmarc.rr->data + r->at;
	char at[80], change[300];

	(void)snprintf(at, sizeof(at), "at \"%.40s\"", text);
	if ((r->faults & policy) != 0)
		add_dmarc(p, DMARC_NO_POLICY, (r->faults & DMARC_NO_P) != 0 ?
		    "" : at, "in the record, behind v=DMARC1;, p=quarantine or "
		    "p=reject");
	else if (p->dmarc.policy == DMARC_NONE)
		add_dmarc(p, DMARC_IS_NONE, "", p->dmarc.sub &&
		    r->sp == DMARC_NONE ? "in the record, sp=quarantine or "
		    "sp=reject" : "in the record, p=quarantine or p=reject");
	else if (r->test)
		add_dmarc(p, DMARC_TESTING, "", "in the record, no t=y");
	if ((r->faults & (DMARC_BAD_RUA | DMARC_BAD_RUF | DMARC_BAD_TAG)) != 0)
		add_dmarc(p, DMARC_SYNTAX, at, "");
	if ((r->faults & DMARC_OBSOLETE) != 0)
		add_dmarc(p, DMARC_OLD_TAGS, "", "");
	if (r->nrua == 0 && (r->faults & DMARC_BAD_RUA) == 0) {
		(void)snprintf(change, sizeof(change), "in the record, "
		    "rua=mailto:postmaster@%s", p->dmarc.domain);
		add_dmarc(p, DMARC_NO_REPORTS, "", change);
	}
	judge_dmarc_rua(p);
}

void
posture_judge_dmarc(struct posture *p)
{
	char name[300];

	(void)snprintf(name, sizeof(name), "_dmarc.%s", p->domain);
	if (p->dmarc.several) {
		posture_add(p, DMARC_SEVERAL, name, "", NOTHING);
		posture_change(p, "take away all but one");
	}
	switch (p->dmarc.status) {
	case DNS_TEMPORARY:
	case DNS_BOGUS:
		posture_add(p, UNANSWERED, "DMARC", "", NOTHING);
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
		posture_add(p, DMARC_ABSENT, "", "", "%s. TXT \"v=DMARC1; "
		    "p=%s; rua=mailto:postmaster@%s\"", name,
		    posture_takes_mail(p) ? "quarantine" : "reject",
		    p->domain);
}
