/* SPDX-License-Identifier: ISC
 *
 * The order of what a host is held to.  Pure: t/unit/policy.c goes through all
 * combinations.
 */
#include <string.h>

#include "policy.h"

static struct policy
use(enum policy_level level, enum policy_type type)
{
	struct policy p = { .verdict = POLICY_USE, .level = level,
	    .type = type };

	return p;
}

static struct policy
refuse(enum policy_verdict verdict, enum policy_type type,
    enum policy_reason reason)
{
	struct policy p = { .verdict = verdict, .level = LEVEL_DANE,
	    .type = type, .reason = reason };

	return p;
}

/* RFC 7672: records that can be used are binding; those that
 * cannot still promise TLS; without a sure answer the host is not used. */
static struct policy
by_dane(const struct policy_facts *f)
{
	switch (f->tlsa) {
	case TLSA_USABLE:
		return use(LEVEL_DANE, POLICY_TYPE_TLSA);
	case TLSA_UNUSABLE:
		return f->key == POLICY_DANE ? refuse(POLICY_LATER,
		    POLICY_TYPE_TLSA, REASON_DANE_REQUIRED) :
		    use(LEVEL_ENCRYPT, POLICY_TYPE_TLSA);
	case TLSA_FAILED:
		return refuse(POLICY_LATER, POLICY_TYPE_TLSA,
		    REASON_TLSA_LOOKUP);
	case TLSA_ABSENT:
		break;
	}
	return refuse(POLICY_LATER, POLICY_TYPE_NONE, REASON_DANE_REQUIRED);
}

/* RFC 8461. */
static struct policy
by_sts(const struct policy_facts *f)
{
	struct policy p;

	switch (f->sts) {
	case STS_ENFORCE:
		if (!f->sts_match)
			return refuse(POLICY_LATER, POLICY_TYPE_STS,
			    REASON_STS_MISMATCH);
		if (!f->authorities)
			return refuse(POLICY_LATER, POLICY_TYPE_STS,
			    REASON_AUTHORITIES);
		return use(LEVEL_PKIX, POLICY_TYPE_STS);
	case STS_TESTING:
		p = use(LEVEL_MAY, POLICY_TYPE_STS);
		p.note = true;
		if (!f->sts_match)
			p.reason = REASON_STS_MISMATCH;
		return p;
	case STS_ABSENT:
		break;
	}
	return use(LEVEL_MAY, POLICY_TYPE_NONE);
}

/* Without a wish of the message. */
static struct policy
by_key(const struct policy_facts *f)
{
	switch (f->key) {
	case POLICY_NONE:
		return use(LEVEL_CLEAR, POLICY_TYPE_NONE);
	case POLICY_MAY:
		return use(LEVEL_MAY, POLICY_TYPE_NONE);
	case POLICY_ENCRYPT:
		return use(LEVEL_ENCRYPT, POLICY_TYPE_NONE);
	case POLICY_VERIFY:
		return f->authorities ? use(LEVEL_PKIX, POLICY_TYPE_NONE) :
		    refuse(POLICY_LATER, POLICY_TYPE_NONE,
		    REASON_AUTHORITIES);
	case POLICY_DANE:
		return by_dane(f);
	case POLICY_DEFAULT:
		break;
	}
	/* An enforced policy is not overridden by records that say less. */
	if (f->tlsa == TLSA_UNUSABLE && f->sts == STS_ENFORCE)
		return by_sts(f);
	return f->tlsa != TLSA_ABSENT ? by_dane(f) : by_sts(f);
}

/* REQUIRETLS (RFC 8689, section 4.2.1): the name of the host is vouched for by
 * DNSSEC, MTA-STS or the administrator, and the certificate is verified. */
static struct policy
strictly(const struct policy_facts *f, struct policy p)
{
	if (p.verdict != POLICY_USE || p.level == LEVEL_DANE)
		return p;
	if (f->names != DNS_SECURE && !f->given &&
	    !(f->sts == STS_ENFORCE && f->sts_match))
		return refuse(POLICY_UNFIT, p.type, REASON_UNSIGNED);
	if (!f->authorities)
		return refuse(POLICY_LATER, p.type, REASON_AUTHORITIES);
	p.level = LEVEL_PKIX;
	p.note = false;
	return p;
}

struct policy
policy_decide(const struct policy_facts *f)
{
	struct policy p = by_key(f);

	if (f->strict)
		return strictly(f, p);
	/* RFC 8689, section 4.2.2: what the domain publishes does not keep it
	 * back; what the administrator says does. */
	if (f->lenient && f->key == POLICY_DEFAULT)
		return use(LEVEL_MAY, p.type);
	return p;
}

const char *
policy_status(enum policy_reason r)
{
	switch (r) {
	case REASON_NONE:
		break;
	case REASON_TLSA_LOOKUP:
	case REASON_DANE_REQUIRED:
	case REASON_STS_MISMATCH:
	case REASON_AUTHORITIES:
		return "4.7.5";
	case REASON_UNSIGNED:
		return "5.7.10";
	}
	return "4.7.0";
}

const char *
policy_words(enum policy_reason r)
{
	switch (r) {
	case REASON_NONE:
		break;
	case REASON_TLSA_LOOKUP:
		return "the DNS gives no sure answer about the host's TLSA "
		    "records, and without one its key cannot be verified";
	case REASON_DANE_REQUIRED:
		return "tls_policy asks for DANE, and the host has no TLSA "
		    "record that can be used";
	case REASON_STS_MISMATCH:
		return "the domain's MTA-STS policy does not name this host";
	case REASON_AUTHORITIES:
		return "no certificate can be verified here at present";
	case REASON_UNSIGNED:
		return "it must go protected, and the DNS names the host "
		    "without a signature";
	}
	return "";
}

int
policy_key(const char *text, enum policy_key *key)
{
	static const char *const names[] = { "none", "may", "encrypt",
	    "verify", "dane" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i]) == 0) {
			*key = (enum policy_key)(POLICY_NONE + i);
			return 1;
		}
	return 0;
}
