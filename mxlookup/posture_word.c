/* SPDX-License-Identifier: ISC
 *
 * A domain's posture in single words: the columns of the table.
 */
#include "grammar/tlsa.h"
#include "posture_word.h"

/* Can one of the TLSA records of a host be used? */
static int
is_usable(const struct dns_answer *a)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (tlsa_judge(a->rr[i].usage, a->rr[i].selector,
		    a->rr[i].matching, a->rr[i].data, a->rr[i].len) ==
		    TLSA_USABLE)
			return 1;
	return 0;
}

const char *
posture_security(const struct dns_answer *a)
{
	if (a->status == DNS_BOGUS)
		return "bogus";
	switch (a->security) {
	case DNS_INDETERMINATE:
		break;
	case DNS_INSECURE:
		return "insecure";
	case DNS_SECURE:
		return "secure";
	}
	return "-";
}

const char *
posture_dane(const struct posture *p)
{
	const struct dns_answer *a;
	int unsigned_mx = ask_answer(p->ask, p->mx)->security == DNS_INSECURE;
	size_t i, with = 0, good = 0, insecure = 0;

	for (i = 0; i < p->nhosts; i++) {
		a = ask_answer(p->ask, p->hosts[i].tlsa);
		with += a->n > 0;
		if (a->n > 0 && (unsigned_mx || a->security == DNS_INSECURE))
			insecure++;
		else if (a->n > 0 && is_usable(a))
			good++;
	}
	if (with == 0)
		return "-";
	if (good == p->nhosts)
		return "usable";
	if (good > 0)
		return "partly";
	return insecure > 0 ? "insecure" : "unusable";
}

const char *
posture_sts(const struct posture *p)
{
	if (p->sts_records == 0 || !posture_takes_mail(p))
		return "-";
	return p->sts_records == 1 && p->sts_why[0] == '\0' && p->sts_valid ?
	    mta_sts_mode_name(p->sts_policy.mode) : "broken";
}

const char *
posture_tlsrpt(const struct posture *p)
{
	if (p->tlsrpt_records == 0)
		return "-";
	return p->tlsrpt_records == 1 && p->tlsrpt.why[0] == '\0' ? "yes" :
	    "broken";
}

const char *
posture_spf(const struct posture *p)
{
	if (p->spf.records == 0)
		return "-";
	if ((p->spf.faults & SPF_PERMERROR) != 0)
		return "error";
	switch (p->spf.all) {
	case '+':
		return "+all";
	case '-':
		return "-all";
	case '~':
		return "~all";
	case '?':
		return "?all";
	default:
		return "open";
	}
}

const char *
posture_dmarc(const struct posture *p)
{
	return dmarc_policy_name(p->dmarc.policy);
}

const char *
posture_reverse(const struct posture *p)
{
	const struct posture_host *h;
	size_t i, all = 0, good = 0;

	for (h = p->hosts; h < p->hosts + p->nhosts; h++)
		for (i = 0; i < h->naddrs; i++) {
			all += h->addrs[i].reverse != REVERSE_UNASKED;
			good += h->addrs[i].reverse == REVERSE_GOOD;
		}
	return all == 0 ? "-" : good == all ? "yes" : "no";
}

const char *
posture_clients(const struct posture *p)
{
	const struct dns_answer *a;
	size_t i, k;

	for (i = 0; i < SRV_SERVICES; i++) {
		a = ask_answer(p->ask, p->srv[i]);
		for (k = 0; k < a->n; k++)
			if (a->rr[k].name[0] != '\0')
				return "yes";
	}
	return "-";
}

const char *
posture_reverse_name(enum posture_reverse r)
{
	switch (r) {
	case REVERSE_UNASKED:
		return "private";
	case REVERSE_GOOD:
		return "confirmed";
	case REVERSE_NONE:
		return "none";
	case REVERSE_OTHER:
		return "unconfirmed";
	case REVERSE_UNSURE:
		break;
	}
	return "unknown";
}
