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
		return;
	}
	if (!http_type_is(a->type, strlen(a->type), "text/plain")) {
		posture_add(p, STS_TYPE, "", a->type,
		    "Content-Type: text/plain");
		return;
	}
	(void)snprintf(line, sizeof(line), "line %zu: ", p->sts_policy.line);
	if (p->sts_policy.line == 0)
		line[0] = '\0';
	strlcat(line, p->sts_policy.why, sizeof(line));
	posture_add(p, STS_SYNTAX, "", line, NOTHING);
}

static void
judge_sts_policy(struct posture *p)
{
	const struct mta_sts_policy *y = &p->sts_policy;
	size_t i;

	switch (y->mode) {
	case MTA_STS_NONE:
		posture_add(p, STS_IS_NONE, "", "", "mode: enforce");
		return;
	case MTA_STS_TESTING:
		posture_add(p, STS_IS_TESTING, "", "", "mode: enforce");
		break;
	case MTA_STS_ENFORCE:
		break;
	}
	for (i = 0; i < p->nhosts; i++)
		if (!mta_sts_match(y, p->hosts[i].name))
			posture_add(p, STS_MX, p->hosts[i].name, y->mode ==
			    MTA_STS_ENFORCE ? "senders refuse to use it" : "",
			    "mx: %s", p->hosts[i].name);
	if (y->max_age < DAY)
		posture_add(p, STS_SHORT, "", "", "max_age: 604800");
}

void
posture_judge_sts(struct posture *p)
{
	const struct dns_answer *a = ask_answer(p->ask, p->sts_txt);

	if (posture_missing(p, a, "the MTA-STS record"))
		return;
	if (p->sts_records == 0) {
		posture_add(p, p->sts_valid ? STS_ORPHAN : STS_ABSENT, "", "",
		    "_mta-sts.%s. TXT \"v=STSv1; id=1\"%s%s%s", p->domain,
		    p->sts_valid ? "" : ", and a policy at https://mta-sts.",
		    p->sts_valid ? "" : p->domain,
		    p->sts_valid ? "" : "/.well-known/mta-sts.txt");
		return;
	}
	if (p->sts_records > 1) {
		posture_add(p, STS_SEVERAL, "", "", NOTHING);
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
		posture_add(p, SPF_PASS_ALL, "", "+all", "-all at its end");
	else if (!posture_takes_mail(p) && !sends_nothing(w->rr))
		posture_add(p, SPF_NO_SENDER, "", "", "%s. TXT \"v=spf1 -all\"",
		    p->domain);
	else if ((w->all == '?' || w->all == '\0') &&
	    (w->faults & (SPF_PERMERROR | SPF_MACROS | SPF_UNSURE)) == 0)
		posture_add(p, SPF_OPEN, "", w->all == '?' ? "?all" : "no all",
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
		if (posture_missing(p, a, to))
			continue;
		for (k = 0; k < a->n; k++)
			if (dmarc_record(&d, (const char *)a->rr[k].data,
			    a->rr[k].len) == 1)
				break;
		if (k == a->n)
			posture_add(p, DMARC_FOREIGN, to, "",
			    "%s._report._dmarc.%s. TXT \"v=DMARC1\"",
			    p->dmarc.domain, to);
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
		posture_add(p, DMARC_NO_POLICY, owner, (r->faults &
		    DMARC_NO_P) != 0 ? "" : at, "p=reject");
	else if (p->dmarc.policy == DMARC_NONE)
		posture_add(p, DMARC_IS_NONE, owner, "",
		    "p=quarantine or p=reject");
	else if (r->test)
		posture_add(p, DMARC_TESTING, owner, "", NOTHING);
	if ((r->faults & (DMARC_BAD_RUA | DMARC_BAD_RUF | DMARC_BAD_TAG)) != 0)
		posture_add(p, DMARC_SYNTAX, owner, at, NOTHING);
	if ((r->faults & DMARC_OBSOLETE) != 0)
		posture_add(p, DMARC_OLD_TAGS, owner, "", NOTHING);
	if (r->nrua == 0 && (r->faults & DMARC_BAD_RUA) == 0)
		posture_add(p, DMARC_NO_REPORTS, owner, "",
		    "rua=mailto:postmaster@%s", p->dmarc.domain);
	judge_dmarc_rua(p);
}

void
posture_judge_dmarc(struct posture *p)
{
	char name[300];

	(void)snprintf(name, sizeof(name), "_dmarc.%s", p->domain);
	if (p->dmarc.several)
		posture_add(p, DMARC_SEVERAL, name, "", NOTHING);
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
