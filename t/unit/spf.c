/* SPDX-License-Identifier: ISC
 *
 * Proves of SPF records (RFC 7208): what each term means and where a malformed
 * one is; that every record cut short is still read to its end only; and,
 * against the published test suite when it is there, that what it evaluates is
 * well-formed here and what it calls a permanent error is not.
 */
#include <stdlib.h>

#include "grammar/spf.h"
#include "tap.h"

static const struct {
	const char	*record;
	int		 want;
	size_t		 at;		/* of -1 */
	const char	*terms;		/* of 1: as show() has them */
} rows[] = {
	{ "v=spf1", 1, 0, "" },
	{ "V=SPF1 -ALL", 1, 0, "-all" },
	{ "v=spf1 a  -all ", 1, 0, "+a/32/128 -all" },
	{ "v=spf1 a:h.test mx:d.test/24 ?ptr ~all", 1, 0,
	  "+a:h.test/32/128 +mx:d.test/24/128 ?ptr ~all" },
	{ "v=spf1 a//64 mx/0//0", 1, 0, "+a/32/64 +mx/0/0" },
	{ "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32", 1, 0,
	  "+ip4/24 +ip6/32" },
	{ "v=spf1 ip4:192.0.2.1 ip6:::1", 1, 0, "+ip4/32 +ip6/128" },
	{ "v=spf1 include:_spf.%{d2} exists:%{ir}.%{v}.x.test", 1, 0,
	  "+include:_spf.%{d2}* +exists:%{ir}.%{v}.x.test*" },
	{ "v=spf1 redirect=a.test. exp=b.test x-y.z=%{l1r-+}", 1, 0,
	  "redirect:a.test. exp:b.test modifier" },
	{ "v=spf1 a:a%%b%_c%-d.test/1", 1, 0, "+a:a%%b%_c%-d.test*/1/128" },
	{ "v=spf1 a:x/y.test/8", 1, 0, "+a:x/y.test/8/128" },
	{ "v=spf1 include:%{d}", 1, 0, "+include:%{d}*" },
	{ "v=spf1 a:foo.xn--zckzah", 1, 0, "+a:foo.xn--zckzah/32/128" },
	{ "v=spf10", 0, 0, NULL },
	{ "v=spf1\t-all", 0, 0, NULL },
	{ "v=spf", 0, 0, NULL },
	{ "spf2.0/pra -all", 0, 0, NULL },
	{ "", 0, 0, NULL },
	{ "v=spf1 moo -all", -1, 7, NULL },
	{ "v=spf1 -moo", -1, 8, NULL },
	{ "v=spf1 -", -1, 8, NULL },
	{ "v=spf1 --all", -1, 8, NULL },
	{ "v=spf1 -all -x=y", -1, 13, NULL },
	{ "v=spf1 all:x.test", -1, 10, NULL },
	{ "v=spf1 -all.", -1, 11, NULL },
	{ "v=spf1 include", -1, 14, NULL },
	{ "v=spf1 include: -all", -1, 15, NULL },
	{ "v=spf1 include:x.test/24", -1, 15, NULL },
	{ "v=spf1 redirect:x.test", -1, 7, NULL },
	{ "v=spf1 redirect=a.test redirect=a.test", -1, 23, NULL },
	{ "v=spf1 exp=", -1, 11, NULL },
	{ "v=spf1 a:test", -1, 9, NULL },
	{ "v=spf1 a:x.test/33", -1, 16, NULL },
	{ "v=spf1 a:x.test/032", -1, 16, NULL },
	{ "v=spf1 a:x.test//129", -1, 17, NULL },
	{ "v=spf1 a/24/64", -1, 12, NULL },
	{ "v=spf1 a/", -1, 8, NULL },
	{ "v=spf1 a:x.test:25", -1, 9, NULL },
	{ "v=spf1 a:1.2.3.4", -1, 9, NULL },
	{ "v=spf1 a:x.-test", -1, 9, NULL },
	{ "v=spf1 ip4:1.2.3", -1, 11, NULL },
	{ "v=spf1 ip4:1.2.3.4/33", -1, 18, NULL },
	{ "v=spf1 ip4:1.2.3.4//32", -1, 18, NULL },
	{ "v=spf1 ip6:1.2.3.4", -1, 11, NULL },
	{ "v=spf1 ip4 -all", -1, 10, NULL },
	{ "v=spf1 ptr/0", -1, 10, NULL },
	{ "v=spf1 a:%{x}.test", -1, 9, NULL },
	{ "v=spf1 a:%{c}.test", -1, 9, NULL },
	{ "v=spf1 a:%{d0}.test", -1, 9, NULL },
	{ "v=spf1 a:%{d", -1, 9, NULL },
	{ "v=spf1 a:x.test%", -1, 15, NULL },
	{ "v=spf1 x=%abc", -1, 9, NULL },
	{ "v=spf1 a:x\x80.test", -1, 10, NULL },
	{ "v=spf1 \x80" "all", -1, 7, NULL },
	{ "v=spf1 =all", -1, 7, NULL },
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

/* Terms as text: qualifier, name, domain, "*" for macros, prefixes. */
static void
show(char *to, size_t size, const char *p, size_t n)
{
	struct spf s;
	struct spf_term t;
	size_t k = 0;

	to[0] = '\0';
	(void)spf_begin(&s, p, n);
	while (spf_next(&s, &t) == 1 && k < size) {
		k += (size_t)snprintf(to + k, size - k, "%s%.1s%s%s%.*s%s",
		    k == 0 ? "" : " ", t.qualifier == '\0' ? "" :
		    &t.qualifier, spf_kind_name(t.kind), t.domain == NULL ?
		    "" : ":", (int)t.ndomain, t.domain == NULL ? "" :
		    t.domain, t.macros ? "*" : "");
		if (k < size && (t.kind == SPF_A || t.kind == SPF_MX))
			k += (size_t)snprintf(to + k, size - k, "/%u/%u",
			    t.cidr4, t.cidr6);
		if (k < size && (t.kind == SPF_IP4 || t.kind == SPF_IP6))
			k += (size_t)snprintf(to + k, size - k, "/%u",
			    t.kind == SPF_IP4 ? t.cidr4 : t.cidr6);
	}
}

static void
test_rows(void)
{
	char got[512], *p;
	struct spf s;
	size_t i, n, cut;
	int good;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = strlen(rows[i].record);
		p = own(rows[i].record, n);
		is_int(spf_check(&s, p, n), rows[i].want, rows[i].record);
		if (rows[i].want == 1) {
			show(got, sizeof(got), p, n);
			is_str(got, rows[i].terms, "its terms");
		} else if (rows[i].want == -1)
			ok(s.at == rows[i].at && s.why[0] != '\0',
			    "at %zu: %s", s.at, s.why);
		free(p);
		for (good = 1, cut = 0; cut < n; cut++) {
			p = own(rows[i].record, cut);
			if (spf_check(&s, p, cut) == -1)
				good &= s.at <= cut && s.why[0] != '\0';
			free(p);
		}
		ok(good, "cut anywhere");
	}
}

/* ---- the published suite ---- */

#define RECORDS_MAX	400

struct suite {
	FILE	*f;
	char	 line[1024];
	/* zonedata of a scenario */
	struct { char owner[300]; int result; int n; } zone[RECORDS_MAX];
	size_t	 nzones;
	/* its tests */
	struct { char name[80], domain[300], result[80]; } test[RECORDS_MAX];
	size_t	 ntests;
	int	 good, bad, other;
};

/* Permanent errors that are none of the record's own grammar. */
static const char *const elsewhere[] = {
	"multitxt1", "include-none", "include-permerror", "include-loop",
	"include-over-limit", "redirect-none", "redirect-loop", "mx-limit",
	"mech-over-limit", NULL
};

static int
is_elsewhere(const char *name)
{
	size_t i;

	for (i = 0; elsewhere[i] != NULL; i++)
		if (strcmp(name, elsewhere[i]) == 0)
			return 1;
	return 0;
}

/* A scalar of YAML, plain or in quotes, with the escapes that are used; its
 * length. */
static size_t
scalar(char *to, const char *p)
{
	size_t n = 0;
	char quote = 0;
	unsigned v;

	while (*p == ' ')
		p++;
	if (*p == '"' || *p == '\'')
		quote = *p++;
	for (; *p != '\0' && *p != '\n' && *p != quote; p++) {
		if (quote == '"' && *p == '\\' && p[1] == 'x' &&
		    sscanf(p + 2, "%2x", &v) == 1) {
			to[n++] = (char)v;
			p += 3;
		} else if (quote == '"' && *p == '\\' && p[1] == '0') {
			to[n++] = '\0';
			p++;
		} else
			to[n++] = *p;
	}
	to[n] = '\0';
	return n;
}

/* "[ "a", "b" ]": the strings joined. */
static size_t
joined(char *to, const char *p)
{
	size_t n = 0;

	if (*p != '[')
		return scalar(to, p);
	while ((p = strpbrk(p + 1, "\"']")) != NULL && *p != ']') {
		n += scalar(to + n, p);
		if ((p = strchr(p + 1, *p)) == NULL)
			break;
	}
	return n;
}

static void
lower(char *p)
{
	for (; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 32);
}

/* A record of zonedata. */
static void
zone_record(struct suite *u, const char *p)
{
	char text[1024];
	size_t n = joined(text, p + strspn(p, " "));
	struct spf s;
	int r = spf_check(&s, text, n);

	if (u->nzones == 0 || r == 0)
		return;
	u->zone[u->nzones - 1].result = r;
	u->zone[u->nzones - 1].n++;
}

static void
judge(struct suite *u, size_t k, int result)
{
	const char *want = u->test[k].result, *name = u->test[k].name;

	if (strcmp(want, "pass") == 0 || strcmp(want, "fail") == 0 ||
	    strcmp(want, "softfail") == 0 || strcmp(want, "neutral") == 0) {
		ok(result == 1, "suite: %s: well-formed", name);
		u->good++;
	} else if (strcmp(want, "permerror") == 0 && !is_elsewhere(name)) {
		ok(result == -1, "suite: %s: malformed", name);
		u->bad++;
	} else
		u->other++;
}

/* The end of a scenario: its tests against its zone. */
static void
conclude(struct suite *u)
{
	size_t k, z;

	for (k = 0; k < u->ntests; k++)
		for (z = 0; z < u->nzones; z++)
			if (strcmp(u->zone[z].owner, u->test[k].domain) == 0 &&
			    u->zone[z].n == 1)
				judge(u, k, u->zone[z].result);
	u->ntests = u->nzones = 0;
}

static void
test_line(struct suite *u)
{
	char text[1024], *at;
	const char *p = u->line;

	if (strncmp(p, "  ", 2) == 0 && p[2] != ' ' && p[2] != '#') {
		if (u->ntests == RECORDS_MAX)
			exit(1);
		scalar(text, p + 2);
		text[strcspn(text, ":")] = '\0';
		strlcpy(u->test[u->ntests].name, text, 80);
		u->test[u->ntests].domain[0] = '\0';
		u->test[u->ntests++].result[0] = '\0';
	}
	if (u->ntests == 0)
		return;
	if (strncmp(p, "    mailfrom:", 13) == 0) {
		scalar(text, p + 13);
		if ((at = strrchr(text, '@')) != NULL)
			strlcpy(u->test[u->ntests - 1].domain, at + 1, 300);
	} else if (strncmp(p, "    helo:", 9) == 0) {
		scalar(text, p + 9);
		if (u->test[u->ntests - 1].domain[0] == '\0')
			strlcpy(u->test[u->ntests - 1].domain, text, 300);
	} else if (strncmp(p, "    result:", 11) == 0)
		scalar(u->test[u->ntests - 1].result, p + 11);
	lower(u->test[u->ntests - 1].domain);
}

static void
zone_line(struct suite *u)
{
	char *p = u->line;

	if (strncmp(p, "  ", 2) == 0 && p[2] != ' ' && p[2] != '#') {
		if (u->nzones == RECORDS_MAX)
			exit(1);
		p[strcspn(p, ":\n")] = '\0';
		scalar(u->zone[u->nzones].owner, p + 2);
		lower(u->zone[u->nzones].owner);
		u->zone[u->nzones].n = 0;
		u->zone[u->nzones++].result = 0;
	} else if ((p = strstr(u->line, "- SPF:")) != NULL)
		zone_record(u, p + 6);
}

static void
test_suite(void)
{
	static struct suite u;
	const char *shared = getenv("STDMAIL_SHARED");
	char path[512];
	int zone = 0;

	snprintf(path, sizeof(path), "%s/vectors/spf/rfc7208-tests.yml",
	    shared == NULL ? "../shared" : shared);
	if ((u.f = fopen(path, "r")) == NULL) {
		ok(1, "the suite # SKIP %s is not there", path);
		return;
	}
	while (fgets(u.line, sizeof(u.line), u.f) != NULL) {
		if (strncmp(u.line, "---", 3) == 0)
			conclude(&u);
		if (u.line[0] != ' ' && u.line[0] != '#' && u.line[0] != '\n')
			zone = strncmp(u.line, "zonedata:", 9) == 0;
		else if (zone)
			zone_line(&u);
		else
			test_line(&u);
	}
	conclude(&u);
	fclose(u.f);
	ok(u.good >= 80 && u.bad >= 40, "suite: %d well-formed, %d malformed, "
	    "%d say nothing of the grammar", u.good, u.bad, u.other);
}

int
main(void)
{
	test_rows();
	test_suite();
	return done();
}
