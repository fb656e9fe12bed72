/* SPDX-License-Identifier: ISC
 *
 * Proves the decision about a host: rows that the RFCs give, and then for every
 * combination of facts what must hold whatever else is said.
 */
#include "../../smtp-send/policy.h"
#include "tap.h"

#define SEC	DNS_SECURE
#define INS	DNS_INSECURE

static const struct {
	const char		*what;
	struct policy_facts	 f;
	enum policy_verdict	 verdict;
	enum policy_level	 level;
	enum policy_type	 type;
	enum policy_reason	 reason;
} rows[] = {
	{ "nothing is published", { .names = INS }, POLICY_USE, LEVEL_MAY,
	    POLICY_TYPE_NONE, REASON_NONE },
	{ "records", { .names = SEC, .tlsa = TLSA_USABLE }, POLICY_USE,
	    LEVEL_DANE, POLICY_TYPE_TLSA, REASON_NONE },
	{ "records of no use", { .names = SEC, .tlsa = TLSA_UNUSABLE },
	    POLICY_USE, LEVEL_ENCRYPT, POLICY_TYPE_TLSA, REASON_NONE },
	{ "no answer", { .names = SEC, .tlsa = TLSA_FAILED }, POLICY_LATER,
	    LEVEL_DANE, POLICY_TYPE_TLSA, REASON_TLSA_LOOKUP },
	{ "enforced", { .sts = STS_ENFORCE, .sts_match = true,
	    .authorities = true }, POLICY_USE, LEVEL_PKIX, POLICY_TYPE_STS,
	    REASON_NONE },
	{ "enforced, another host", { .sts = STS_ENFORCE,
	    .authorities = true }, POLICY_LATER, LEVEL_DANE, POLICY_TYPE_STS,
	    REASON_STS_MISMATCH },
	{ "enforced, nobody is known", { .sts = STS_ENFORCE,
	    .sts_match = true }, POLICY_LATER, LEVEL_DANE, POLICY_TYPE_STS,
	    REASON_AUTHORITIES },
	{ "tested", { .sts = STS_TESTING, .sts_match = true }, POLICY_USE,
	    LEVEL_MAY, POLICY_TYPE_STS, REASON_NONE },
	{ "tested, another host", { .sts = STS_TESTING }, POLICY_USE,
	    LEVEL_MAY, POLICY_TYPE_STS, REASON_STS_MISMATCH },
	{ "DANE before MTA-STS", { .names = SEC, .tlsa = TLSA_USABLE,
	    .sts = STS_ENFORCE }, POLICY_USE, LEVEL_DANE, POLICY_TYPE_TLSA,
	    REASON_NONE },
	{ "enforced, and records of no use", { .names = SEC,
	    .tlsa = TLSA_UNUSABLE, .sts = STS_ENFORCE, .sts_match = true,
	    .authorities = true }, POLICY_USE, LEVEL_PKIX, POLICY_TYPE_STS,
	    REASON_NONE },
	{ "REQUIRETLS, nobody vouches for the name", { .names = INS,
	    .strict = true, .authorities = true }, POLICY_UNFIT, LEVEL_DANE,
	    POLICY_TYPE_NONE, REASON_UNSIGNED },
	{ "REQUIRETLS, MTA-STS does", { .names = INS, .strict = true,
	    .authorities = true, .sts = STS_ENFORCE, .sts_match = true },
	    POLICY_USE, LEVEL_PKIX, POLICY_TYPE_STS, REASON_NONE },
	{ "REQUIRETLS, only tested", { .names = INS, .strict = true,
	    .authorities = true, .sts = STS_TESTING, .sts_match = true },
	    POLICY_UNFIT, LEVEL_DANE, POLICY_TYPE_STS, REASON_UNSIGNED },
	{ "REQUIRETLS, DNSSEC does", { .names = SEC, .strict = true,
	    .authorities = true }, POLICY_USE, LEVEL_PKIX, POLICY_TYPE_NONE,
	    REASON_NONE },
	{ "REQUIRETLS, DANE", { .names = SEC, .strict = true,
	    .tlsa = TLSA_USABLE }, POLICY_USE, LEVEL_DANE, POLICY_TYPE_TLSA,
	    REASON_NONE },
	{ "TLS-Required: No against DANE", { .names = SEC, .lenient = true,
	    .tlsa = TLSA_USABLE }, POLICY_USE, LEVEL_MAY, POLICY_TYPE_TLSA,
	    REASON_NONE },
	{ "TLS-Required: No against the administrator", { .lenient = true,
	    .key = POLICY_ENCRYPT }, POLICY_USE, LEVEL_ENCRYPT,
	    POLICY_TYPE_NONE, REASON_NONE },
	{ "dane is asked for, and there is none", { .names = SEC,
	    .key = POLICY_DANE }, POLICY_LATER, LEVEL_DANE, POLICY_TYPE_NONE,
	    REASON_DANE_REQUIRED },
};

static void
test_rows(void)
{
	struct policy p;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p = policy_decide(&rows[i].f);
		if (!ok(p.verdict == rows[i].verdict &&
		    p.level == rows[i].level && p.type == rows[i].type &&
		    p.reason == rows[i].reason, "%s", rows[i].what))
			printf("# verdict %d level %d type %d reason %d\n",
			    p.verdict, p.level, p.type, p.reason);
	}
}

/* What holds in any case; NULL or what is broken. */
static const char *
check(const struct policy_facts *f)
{
	struct policy p = policy_decide(f);
	bool use = p.verdict == POLICY_USE;
	bool published = f->key == POLICY_DEFAULT && !f->lenient;

	if (use && published && f->tlsa == TLSA_USABLE &&
	    p.level != LEVEL_DANE)
		return "usable records are binding";
	if (use && published && f->tlsa == TLSA_FAILED)
		return "a host without an answer is not used";
	if (use && published && f->tlsa == TLSA_UNUSABLE &&
	    p.level < LEVEL_ENCRYPT)
		return "records of no use still ask for TLS";
	if (use && published && f->sts == STS_ENFORCE &&
	    f->tlsa == TLSA_ABSENT && (p.level != LEVEL_PKIX ||
	    !f->sts_match))
		return "an enforced policy is binding";
	if (use && f->strict && p.level < LEVEL_PKIX)
		return "REQUIRETLS is verified TLS";
	if (use && f->strict && p.level == LEVEL_PKIX &&
	    f->names != DNS_SECURE && !f->given &&
	    !(f->sts == STS_ENFORCE && f->sts_match))
		return "REQUIRETLS needs a name someone vouches for";
	if (p.verdict == POLICY_UNFIT && !f->strict)
		return "only REQUIRETLS is never met";
	if (use && p.level == LEVEL_PKIX && !f->authorities)
		return "nobody is verified without authorities";
	if (use && p.level == LEVEL_DANE && f->tlsa != TLSA_USABLE)
		return "nor by records that are not there";
	if (f->lenient && !f->strict && f->key == POLICY_DEFAULT &&
	    (!use || p.level != LEVEL_MAY))
		return "TLS-Required: No goes out";
	if (!f->strict && f->key != POLICY_DEFAULT &&
	    f->key != POLICY_DANE && use &&
	    (int)p.level != (int)f->key - POLICY_NONE)
		return "the administrator has the last word";
	if (p.note && (p.level != LEVEL_MAY || f->sts != STS_TESTING))
		return "only a policy under test is noted";
	if (!use && (p.reason == REASON_NONE ||
	    policy_words(p.reason)[0] == '\0' ||
	    policy_status(p.reason)[0] != (p.verdict == POLICY_UNFIT ? '5' :
	    '4')))
		return "a refusal has its reason";
	return NULL;
}

static void
test_all(void)
{
	struct policy_facts f;
	const char *bad = NULL;
	unsigned n = 0, i;

	for (i = 0; bad == NULL && i < 6 * 3 * 4 * 3 * 32; i++, n++) {
		f.key = (enum policy_key)(i / 32 % 6);
		f.names = (enum dns_security)(i / 32 / 6 % 3);
		f.tlsa = (enum policy_tlsa)(i / 32 / 18 % 4);
		f.sts = (enum policy_sts)(i / 32 / 72 % 3);
		f.given = i & 1;
		f.sts_match = i & 2;
		f.strict = i & 4;
		f.lenient = i & 8;
		f.authorities = i & 16;
		if ((bad = check(&f)) != NULL)
			printf("# key %d names %d tlsa %d sts %d bits %u\n",
			    f.key, f.names, f.tlsa, f.sts, i & 31);
	}
	ok(bad == NULL, "all %u combinations: %s", n, bad == NULL ? "fine" :
	    bad);
	is_int(n, 6912, "and these are all");
}

static void
test_key(void)
{
	enum policy_key key = POLICY_DEFAULT;

	ok(policy_key("none", &key) == 1 && key == POLICY_NONE, "none");
	ok(policy_key("dane", &key) == 1 && key == POLICY_DANE, "dane");
	ok(policy_key("", &key) == 0 && policy_key("Dane", &key) == 0 &&
	    key == POLICY_DANE, "anything else is no key");
}

int
main(void)
{
	test_rows();
	test_all();
	test_key();
	return done();
}
