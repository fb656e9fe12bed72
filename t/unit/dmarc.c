/* SPDX-License-Identifier: ISC
 *
 * Proves of DMARC (RFC 9989): what a record says and what is wrong with it,
 * the policy that follows for a domain and below it, the names of a tree walk
 * and which of the records found there counts; of TLSRPT and of lists of
 * addresses for reports: what is well-formed.  Everything is also read cut
 * short anywhere.
 */
#include <stdlib.h>

#include "grammar/dmarc.h"
#include "grammar/tlsrpt.h"
#include "tap.h"

static const struct {
	const char	*text;
	int		 want;
	unsigned	 faults;
	const char	*says;	/* as show() has it */
} records[] = {
	{ "v=DMARC1; p=reject", 1, 0, "reject - - u" },
	{ "v=DMARC1;p=none;sp=quarantine;np=reject;psd=n;t=y;", 1, 0,
	  "none quarantine reject n t" },
	{ " v = DMARC1 ; P = Reject ; ", 1, 0, "reject - - u" },
	{ "v=DMARC1; p=reject; rua=mailto:a@x.test, mailto:b@y.test!10m", 1, 0,
	  "reject - - u rua:x.test rua:y.test" },
	{ "v=DMARC1; p=reject; ruf=mailto:a@x.test; fo=1:d:s", 1, 0,
	  "reject - - u ruf:x.test fo=e" },
	{ "v=DMARC1; p=reject; adkim=s; aspf=s", 1, 0,
	  "reject - - u adkim aspf" },
	{ "v=DMARC1; p=reject; new=thing; psd=y", 1, 0, "reject - - y" },
	{ "v=DMARC1; rua=mailto:a@x.test", 1, DMARC_NO_P,
	  "- - - u rua:x.test" },
	{ "v=DMARC1", 1, DMARC_NO_P, "- - - u" },
	{ "v=DMARC1; p=monitor", 1, DMARC_BAD_P, "- - - u" },
	{ "v=DMARC1; p=none; sp=x; np=y", 1, DMARC_BAD_SP | DMARC_BAD_NP,
	  "none - - u" },
	{ "v=DMARC1; p=none; pct=50; ri=1; rf=afrf", 1, DMARC_OBSOLETE,
	  "none - - u" },
	{ "v=DMARC1; p=none; rua=a@x.test", 1, DMARC_BAD_RUA, "none - - u" },
	{ "v=DMARC1; p=none; rua=a@x.test,mailto:b@x.test", 1, DMARC_BAD_RUA,
	  "none - - u rua:x.test" },
	{ "v=DMARC1; p=none; ruf=mailto:x.test", 1, DMARC_BAD_RUF,
	  "none - - u" },
	{ "v=DMARC1; p=none; rua=", 1, DMARC_BAD_RUA, "none - - u" },
	{ "v=DMARC1; p=none; adkim=x; t=maybe; psd=z; fo=2", 1,
	  DMARC_BAD_TAG, "none - - u" },
	{ "v=DMARC1; p=none; fo=0:", 1, DMARC_BAD_TAG, "none - - u" },
	{ "v=DMARC1; p=none; p=reject", 1, DMARC_BAD_TAG, "none - - u" },
	{ "v=DMARC1; p=none;; t=y", 1, DMARC_BAD_TAG, "none - - u t" },
	{ "v=DMARC1; p=none t=y", 1, DMARC_BAD_P, "- - - u" },
	{ "v=DMARC1; p none", 1, DMARC_BAD_TAG | DMARC_NO_P, "- - - u" },
	{ "v=DMARC1, p=none", 0, 0, NULL },
	{ "v=dmarc1; p=none", 0, 0, NULL },
	{ "v=DMARC10; p=none", 0, 0, NULL },
	{ "p=none; v=DMARC1", 0, 0, NULL },
	{ "v=spf1 -all", 0, 0, NULL },
	{ "v=", 0, 0, NULL },
	{ "", 0, 0, NULL },
};

static const struct {
	const char	*text;
	int		 sub, exists;
	enum dmarc_policy want;
} policies[] = {
	{ "v=DMARC1; p=reject", 0, 1, DMARC_REJECT },
	{ "v=DMARC1; p=reject", 1, 1, DMARC_REJECT },
	{ "v=DMARC1; p=reject", 1, 0, DMARC_REJECT },
	{ "v=DMARC1; p=reject; sp=none", 0, 1, DMARC_REJECT },
	{ "v=DMARC1; p=reject; sp=none", 1, 1, DMARC_NONE },
	{ "v=DMARC1; p=reject; sp=none", 1, 0, DMARC_NONE },
	{ "v=DMARC1; p=none; np=reject", 1, 0, DMARC_REJECT },
	{ "v=DMARC1; p=none; np=reject", 1, 1, DMARC_NONE },
	{ "v=DMARC1; p=none; sp=quarantine; np=reject", 1, 1,
	  DMARC_QUARANTINE },
	{ "v=DMARC1; p=x; rua=mailto:a@x.test", 0, 1, DMARC_NONE },
	{ "v=DMARC1; rua=mailto:a@x.test", 0, 1, DMARC_NONE },
	{ "v=DMARC1; p=x", 0, 1, DMARC_UNSET },
	{ "v=DMARC1", 0, 1, DMARC_UNSET },
	{ "v=DMARC1; p=reject; sp=x", 0, 1, DMARC_UNSET },
	{ "v=DMARC1; p=reject; np=x; rua=mailto:a@x.test", 0, 1, DMARC_NONE },
};

static const struct {
	const char	*domain;
	const char	*names;
} walks[] = {
	{ "", "" },
	{ "com", "com" },
	{ "a.mail.example.com",
	  "a.mail.example.com mail.example.com example.com com" },
	{ "1.2.3.4.5.6.7", "1.2.3.4.5.6.7 2.3.4.5.6.7 3.4.5.6.7 4.5.6.7 5.6.7 "
	  "6.7 7" },
	{ "1.2.3.4.5.6.7.8", "1.2.3.4.5.6.7.8 2.3.4.5.6.7.8 3.4.5.6.7.8 "
	  "4.5.6.7.8 5.6.7.8 6.7.8 7.8 8" },
	{ "a.b.1.2.3.4.5.6.7.8", "a.b.1.2.3.4.5.6.7.8 2.3.4.5.6.7.8 "
	  "3.4.5.6.7.8 4.5.6.7.8 5.6.7.8 6.7.8 7.8 8" },
};

/* Records of a walk, the first of the domain itself; "" for none. */
static const struct {
	const char	*what;
	const char	*text[4];
	size_t		 want;
} choices[] = {
	{ "none at all", { "", "", "", "" }, 4 },
	{ "its own", { "v=DMARC1;p=none", "v=DMARC1;p=reject", "", "" }, 0 },
	{ "its own, of a public suffix", { "v=DMARC1;p=none;psd=y", "",
	  "v=DMARC1;p=none", "" }, 0 },
	{ "the highest", { "", "v=DMARC1;p=none", "v=DMARC1;p=none", "" }, 2 },
	{ "psd=n ends the walk", { "", "v=DMARC1;p=none;psd=n",
	  "v=DMARC1;p=none", "" }, 1 },
	{ "one below psd=y", { "", "v=DMARC1;p=none", "v=DMARC1;p=none;psd=y",
	  "" }, 1 },
	{ "psd=y, and nothing one below", { "", "", "v=DMARC1;p=none;psd=y",
	  "v=DMARC1;p=none" }, 2 },
};

static const struct {
	const char	*text;
	int		 want;
	size_t		 nrua;
	const char	*domain;	/* of the first */
} tlsrpts[] = {
	{ "v=TLSRPTv1; rua=mailto:reports@example.com", 1, 1, "example.com" },
	{ "v=TLSRPTv1;rua=https://r.example.com/v1/tlsrpt;", 1, 1,
	  "r.example.com" },
	{ "v=TLSRPTv1; rua=mailto:a@x.test , https://y.test:8443/z", 1, 2,
	  "x.test" },
	{ "v=TLSRPTv1 ; x=y ; rua=mailto:a@x.test ", 1, 1, "x.test" },
	{ "v=TLSRPTv1; rua=mailto:a@x.test; rua=mailto:b@y.test", 1, 1,
	  "x.test" },
	{ "v=TLSRPTv1; rua=ftp://x.test/", 1, 1, "" },
	{ "v=TLSRPTv1", -1, 0, NULL },
	{ "v=TLSRPTv1;", -1, 0, NULL },
	{ "v=TLSRPTv1; x=y", -1, 0, NULL },
	{ "v=TLSRPTv1; rua=", -1, 0, NULL },
	{ "v=TLSRPTv1; rua=a@x.test", -1, 0, NULL },
	{ "v=TLSRPTv1; rua=mailto:a", -1, 0, NULL },
	{ "v=TLSRPTv1; rua=https:/x.test/", -1, 0, NULL },
	{ "v=TLSRPTv1; rua=https://x.test:a/", -1, 0, NULL },
	{ "v=TLSRPTv1; rua=mailto:a@x.test,", -1, 0, NULL },
	{ "v=TLSRPTv1; rua=mailto:a b@x.test", -1, 0, NULL },
	{ "v=TLSRPTv1;; rua=mailto:a@x.test", -1, 0, NULL },
	{ "v=TLSRPTv1; RUA=mailto:a@x.test", -1, 0, NULL },
	{ "v=TLSRPTv1; x=a=b; rua=mailto:a@x.test", -1, 0, NULL },
	{ "v=TLSRPTv1; x; rua=mailto:a@x.test", -1, 0, NULL },
	{ "v=TLSRPTv1; _x=1; rua=mailto:a@x.test", -1, 0, NULL },
	{ "v=TLSRPTv1 rua=mailto:a@x.test", -1, 0, NULL },
	{ "v=TLSRPTv2; rua=mailto:a@x.test", 0, 0, NULL },
	{ "v=TLSRPTv12; rua=mailto:a@x.test", 0, 0, NULL },
	{ "v=tlsrptv1; rua=mailto:a@x.test", 0, 0, NULL },
	{ "", 0, 0, NULL },
};

/* Octets in memory of their own, so that reading beyond them is noticed. */
static char *
own(const char *p, size_t n)
{
	char *q = malloc(n == 0 ? 1 : n);

	if (q == NULL)
		exit(1);
	memcpy(q, p, n);
	return q;
}

static void
show(char *to, size_t size, const struct dmarc_record *d)
{
	static const char psd[] = "uyn";
	size_t n, i;

	n = (size_t)snprintf(to, size, "%s %s %s %c%s", dmarc_policy_name(d->p),
	    dmarc_policy_name(d->sp), dmarc_policy_name(d->np), psd[d->psd],
	    d->test ? " t" : "");
	for (i = 0; i < d->nrua; i++)
		n += (size_t)snprintf(to + n, size - n, " rua:%.*s",
		    (int)d->rua[i].ndomain, d->rua[i].domain);
	for (i = 0; i < d->nruf; i++)
		n += (size_t)snprintf(to + n, size - n, " ruf:%.*s",
		    (int)d->ruf[i].ndomain, d->ruf[i].domain);
	if (d->fo != DMARC_FO_ALL)
		n += (size_t)snprintf(to + n, size - n, " fo=%x", d->fo);
	snprintf(to + n, size - n, "%s%s", d->strict_dkim ? " adkim" : "",
	    d->strict_spf ? " aspf" : "");
}

static void
test_records(void)
{
	struct dmarc_record d;
	char *p, got[256];
	size_t i, n, cut;
	int good;

	for (i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		n = strlen(records[i].text);
		p = own(records[i].text, n);
		is_int(dmarc_record(&d, p, n), records[i].want,
		    records[i].text);
		if (records[i].want == 1) {
			show(got, sizeof(got), &d);
			is_str(got, records[i].says, "what it says");
			is_int(d.faults, records[i].faults, "its faults");
		}
		free(p);
		for (good = 1, cut = 0; cut < n; cut++) {
			p = own(records[i].text, cut);
			if (dmarc_record(&d, p, cut) == 1)
				good &= d.at <= cut;
			free(p);
		}
		ok(good, "cut anywhere");
	}
}

static void
test_policies(void)
{
	struct dmarc_record d;
	size_t i;

	for (i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		const char *t = policies[i].text;

		(void)dmarc_record(&d, t, strlen(t));
		is_str(dmarc_policy_name(dmarc_applies(&d, policies[i].sub,
		    policies[i].exists)), dmarc_policy_name(policies[i].want),
		    t);
	}
}

static void
test_walks(void)
{
	const char *names[DMARC_WALK_MAX];
	char got[512];
	size_t i, k, n, len;

	for (i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
		n = dmarc_walk(walks[i].domain, names);
		for (got[0] = '\0', len = 0, k = 0; k < n; k++)
			len += (size_t)snprintf(got + len, sizeof(got) - len,
			    "%s%s", k == 0 ? "" : " ", names[k]);
		is_str(got, walks[i].names, "a walk");
	}
}

static void
test_choices(void)
{
	const struct dmarc_record *list[4];
	struct dmarc_record d[4];
	size_t i, k;

	for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		for (k = 0; k < 4; k++)
			list[k] = dmarc_record(&d[k], choices[i].text[k],
			    strlen(choices[i].text[k])) == 1 ? &d[k] : NULL;
		is_int((long long)dmarc_choose(list, 4),
		    (long long)choices[i].want, choices[i].what);
	}
}

static void
test_tlsrpts(void)
{
	struct tlsrpt t;
	size_t i, n, cut;
	char *p;
	int good, r;

	for (i = 0; i < sizeof(tlsrpts) / sizeof(tlsrpts[0]); i++) {
		n = strlen(tlsrpts[i].text);
		p = own(tlsrpts[i].text, n);
		r = tlsrpt_record(&t, p, n);
		is_int(r, tlsrpts[i].want, tlsrpts[i].text);
		ok((t.why[0] != '\0') == (r == -1), "why: %s", t.why);
		if (r == 1) {
			is_int((long long)t.nrua, (long long)tlsrpts[i].nrua,
			    "addresses");
			is_mem(t.rua[0].domain, t.rua[0].ndomain,
			    tlsrpts[i].domain, strlen(tlsrpts[i].domain),
			    "the domain of the first");
		}
		free(p);
		for (good = 1, cut = 0; cut < n; cut++) {
			p = own(tlsrpts[i].text, cut);
			r = tlsrpt_record(&t, p, cut);
			good &= (t.why[0] != '\0') == (r == -1);
			free(p);
		}
		ok(good, "cut anywhere");
	}
}

int
main(void)
{
	test_records();
	test_policies();
	test_walks();
	test_choices();
	test_tlsrpts();
	return done();
}
