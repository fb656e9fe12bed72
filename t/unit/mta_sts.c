/* SPDX-License-Identifier: ISC
 *
 * Proves of MTA-STS (RFC 8461): which TXT records are one and which are
 * malformed, which policies are whole, and which exchangers a pattern stands
 * for.  Every record and policy cut short is never believed by accident, and
 * read to its end only.
 */
#include <stdlib.h>

#include "grammar/mta_sts.h"
#include "tap.h"

static const struct {
	const char	*text;
	int		 want;
	const char	*id;
} records[] = {
	{ "v=STSv1; id=20160831085700Z;", 1, "20160831085700Z" },
	{ "v=STSv1;id=1", 1, "1" },
	{ "v=STSv1 ; id=a ; ", 1, "a" },
	{ "v=STSv1; x=y; id=a", 1, "a" },
	{ "v=STSv1; id=a; id=b", 1, "a" },
	{ "v=STSv1; id=12345678901234567890123456789012", 1,
	  "12345678901234567890123456789012" },
	{ "v=STSv1; id=123456789012345678901234567890123", -1, NULL },
	{ "v=STSv1; id=2026-01-01", -1, NULL },
	{ "v=STSv1; id=", -1, NULL },
	{ "v=STSv1; ID=a", -1, NULL },
	{ "v=STSv1", -1, NULL },
	{ "v=STSv1;", -1, NULL },
	{ "v=STSv1; id=a x=y", -1, NULL },
	{ "v=STSv1; id", -1, NULL },
	{ "v=STSv1; id=a;; x=y", -1, NULL },
	{ "v=STSv1; x=a=b; id=a", -1, NULL },
	{ "v=STSv2; id=a", 0, NULL },
	{ "v=STSv10; id=a", 0, NULL },
	{ "V=STSv1; id=a", 0, NULL },
	{ " v=STSv1; id=a", 0, NULL },
	{ "v=spf1 -all", 0, NULL },
	{ "", 0, NULL },
};

#define HEAD	"version: STSv1\n"

static const struct {
	const char	*text;
	int		 want;
	enum mta_sts_mode mode;
	uint32_t	 age;
	size_t		 nmx;
	size_t		 line;
} policies[] = {
	{ HEAD "mode: enforce\nmx: mail.example.com\nmx: *.example.net\n"
	  "mx: backupmx.example.com\nmax_age: 604800\n", 1, MTA_STS_ENFORCE,
	  604800, 3, 0 },
	{ "version: STSv1\r\nmode: testing\r\nmx: a.test\r\nmax_age: 1\r\n", 1,
	  MTA_STS_TESTING, 1, 1, 0 },
	{ HEAD "mode: none\nmax_age: 86400", 1, MTA_STS_NONE, 86400, 0, 0 },
	{ "max_age:5 \nmx:a\nmode:enforce\t\nversion:STSv1", 1,
	  MTA_STS_ENFORCE, 5, 1, 0 },
	{ HEAD "mode: enforce\nmode: none\nmx: a.test\nmax_age: 9\n"
	  "max_age: x\n", 1, MTA_STS_ENFORCE, 9, 1, 0 },
	{ HEAD "mode: enforce\nmx: a.test\nmax_age: 9999999999\n\n", 1,
	  MTA_STS_ENFORCE, MTA_STS_AGE_MAX, 1, 0 },
	{ HEAD "new_thing: w\xc3\xb6rd s\nmode: enforce\nmx: a.test\n"
	  "max_age: 1", 1, MTA_STS_ENFORCE, 1, 1, 0 },
	{ "", -1, 0, 0, 0, 0 },
	{ "version: STSv2\nmode: none\nmax_age: 1", -1, 0, 0, 0, 1 },
	{ "mode: none\nmax_age: 1", -1, 0, 0, 0, 0 },
	{ HEAD "max_age: 1\nmx: a.test", -1, 0, 0, 0, 0 },
	{ HEAD "mode: enforce\nmx: a.test", -1, 0, 0, 0, 0 },
	{ HEAD "mode: enforce\nmax_age: 1", -1, 0, 0, 0, 0 },
	{ HEAD "mode: Enforce\nmax_age: 1\nmx: a", -1, 0, 0, 0, 2 },
	{ HEAD "mode: enforce\nmax_age: 1d\nmx: a", -1, 0, 0, 0, 3 },
	{ HEAD "mode: enforce\nmax_age: 12345678901\nmx: a", -1, 0, 0, 0, 3 },
	{ HEAD "mode: enforce\nmax_age: -1\nmx: a", -1, 0, 0, 0, 3 },
	{ HEAD "mode: enforce\nmx: *\nmax_age: 1", -1, 0, 0, 0, 3 },
	{ HEAD "mode: enforce\nmx: *.*.test\nmax_age: 1", -1, 0, 0, 0, 3 },
	{ HEAD "mode: enforce\nmx: a.*.test\nmax_age: 1", -1, 0, 0, 0, 3 },
	{ HEAD "mode: enforce\nmx: a..test\nmax_age: 1", -1, 0, 0, 0, 3 },
	{ HEAD "mode: enforce\nmx: a.test, b.test\nmax_age: 1", -1, 0, 0, 0,
	  3 },
	{ HEAD "mode: enforce\nmx a.test\nmax_age: 1", -1, 0, 0, 0, 3 },
	{ HEAD "<html>", -1, 0, 0, 0, 2 },
	{ "version: STSv1\rmode: none\rmax_age: 1", -1, 0, 0, 0, 1 },
	{ HEAD "x: a\1b\nmode: none\nmax_age: 1", -1, 0, 0, 0, 2 },
	{ HEAD "x:\nmode: none\nmax_age: 1", -1, 0, 0, 0, 2 },
};

static const struct {
	const char	*pattern, *host;
	int		 want;
} matches[] = {
	{ "mail.example.com", "mail.example.com", 1 },
	{ "mail.example.com", "MAIL.Example.COM.", 1 },
	{ "mail.example.com", "mail.example.org", 0 },
	{ "mail.example.com", "x.mail.example.com", 0 },
	{ "*.example.com", "mail.example.com", 1 },
	{ "*.example.com", "a.mail.example.com", 0 },
	{ "*.example.com", "example.com", 0 },
	{ "*.example.com", ".example.com", 0 },
	{ "*.example.com", "mailexample.com", 0 },
	{ "*.example.com", "", 0 },
	{ "*.example.com", "*.example.com", 1 },
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

/* Every beginning: a result, and never the id of more than is there. */
static int
cut_record(const char *text)
{
	char id[MTA_STS_ID_MAX], *p;
	const char *why;
	size_t n;
	int r, good = 1;

	for (n = 0; n < strlen(text); n++) {
		p = own(text, n);
		r = mta_sts_record(p, n, id, &why);
		good &= r >= -1 && r <= 1 && strlen(id) <= n &&
		    (r != -1) == (*why == '\0');
		free(p);
	}
	return good;
}

static int
cut_policy(const char *text)
{
	struct mta_sts_policy y;
	size_t n, i;
	char *p;
	int r, good = 1;

	for (n = 0; n < strlen(text); n++) {
		p = own(text, n);
		r = mta_sts_policy(&y, p, n);
		good &= (r == 1 || r == -1) && (r == -1) == (*y.why != '\0');
		for (i = 0; i < y.nmx; i++)
			good &= y.mx[i].p >= p && y.mx[i].p + y.mx[i].n <=
			    p + n;
		free(p);
	}
	return good;
}

static void
test_policies(void)
{
	struct mta_sts_policy y;
	size_t i;

	for (i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		const char *t = policies[i].text;
		int r = mta_sts_policy(&y, t, strlen(t));

		ok(r == policies[i].want && y.line == policies[i].line &&
		    (y.why[0] == '\0') == (r == 1), "policy %zu: %s", i,
		    y.why);
		if (policies[i].want == 1)
			ok(y.mode == policies[i].mode && y.max_age ==
			    policies[i].age && y.nmx == policies[i].nmx,
			    "policy %zu: what it says", i);
		ok(cut_policy(t), "policy %zu: cut anywhere", i);
	}
}

/* More patterns than there is room for. */
static void
test_many(void)
{
	static char text[MTA_STS_POLICY_MAX + 2];
	struct mta_sts_policy y;
	size_t i, n;

	n = strlcpy(text, HEAD "mode: enforce\nmax_age: 1\n", sizeof(text));
	for (i = 0; i < MTA_STS_MX_MAX; i++)
		n += strlcpy(text + n, "mx: a.test\n", sizeof(text) - n);
	ok(mta_sts_policy(&y, text, n) == 1 && y.nmx == MTA_STS_MX_MAX,
	    "as many patterns as there is room for");
	n += strlcpy(text + n, "mx: a.test\n", sizeof(text) - n);
	ok(mta_sts_policy(&y, text, n) == -1, "one more");
	memset(text, '\n', sizeof(text));
	ok(mta_sts_policy(&y, text, sizeof(text) - 1) == -1 && y.line == 0,
	    "too long");
}

int
main(void)
{
	struct mta_sts_text t;
	char id[MTA_STS_ID_MAX];
	const char *why;
	size_t i;

	for (i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		const char *s = records[i].text;

		is_int(mta_sts_record(s, strlen(s), id, &why),
		    records[i].want, s);
		if (records[i].want == 1)
			is_str(id, records[i].id, "its id");
		ok(cut_record(s), "cut anywhere");
	}
	test_policies();
	test_many();
	for (i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		t.p = matches[i].pattern;
		t.n = strlen(t.p);
		ok(mta_sts_match_one(&t, matches[i].host) == matches[i].want,
		    "%s: %s", t.p, matches[i].host);
	}
	return done();
}
