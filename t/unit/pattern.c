/* SPDX-License-Identifier: ISC
 *
 * Proves patterns with "*" and "?", and regular expressions: what they match,
 * what their parts take, that libc agrees, and that no pattern takes long.
 */
#include <regex.h>
#include <stdlib.h>
#include <time.h>

#include "grammar/pattern.h"
#include "tap.h"

#define PLENTY	(1ull << 32)

/* ---- "*" and "?" ---- */

static const struct {
	enum glob_mode	mode;
	const char	*pattern, *text;
	const char	*want;	/* what wildcards took, "|" behind each; NULL:
				 * no match */
} globs[] = {
	{ GLOB_OCTET, "", "", "" },
	{ GLOB_OCTET, "", "a", NULL },
	{ GLOB_OCTET, "a", "", NULL },
	{ GLOB_OCTET, "*", "", "|" },
	{ GLOB_OCTET, "?", "", NULL },
	{ GLOB_OCTET, "abc", "abc", "" },
	{ GLOB_OCTET, "abc", "abcd", NULL },
	{ GLOB_OCTET, "abc", "Abc", NULL },
	{ GLOB_ASCII, "aBc", "AbC", "" },
	{ GLOB_OCTET, "a*c", "abbc", "bb|" },
	{ GLOB_OCTET, "a*c", "ac", "|" },
	{ GLOB_OCTET, "a*c", "acb", NULL },
	{ GLOB_OCTET, "a*c", "acbc", "cb|" },
	{ GLOB_OCTET, "ab*ba", "aba", NULL },
	{ GLOB_OCTET, "?*", "", NULL },
	{ GLOB_OCTET, "?*", "xyz", "x|yz|" },
	{ GLOB_OCTET, "*?", "xyz", "xy|z|" },
	{ GLOB_OCTET, "*x?z*", "xyxaz.", "xy|a|.|" },
	{ GLOB_OCTET, "\\*a\\?", "*a?", "" },
	{ GLOB_OCTET, "\\*", "a", NULL },
	{ GLOB_OCTET, "a\\", "a\\", "" },
	{ GLOB_OCTET, "\\a\\\\b", "a\\b", "" },
	/* RFC 5229, section 3.2 */
	{ GLOB_ASCII, "*<*@*", "The list <list@example.org>",
	    "The list |list|example.org>|" },
	{ GLOB_ASCII, "[*] *", "[acme-users] [fwd] version 1.0 is out",
	    "acme-users|[fwd] version 1.0 is out|" },
	{ GLOB_ASCII, "coyote@**.com", "coyote@ACME.Example.COM",
	    "|ACME.Example|" },
	/* An octet, or a character. */
	{ GLOB_ASCII, "?", "\u00e4", NULL },
	{ GLOB_ASCII, "??", "\u00e4", "\xc3|\xa4|" },
	{ GLOB_UNICODE, "?", "\u00e4", "\u00e4|" },
	{ GLOB_UNICODE, "?", "", NULL },
	{ GLOB_UNICODE, "??", "\u00e4", NULL },
	{ GLOB_UNICODE, "gr\u00dc\u00dfe *", "GR\u00fc\u00dfE \u00e4b",
	    "\u00e4b|" },
	{ GLOB_UNICODE, "*\u00c4?x", "a\u00e4\u00f6X", "a|\u00f6|" },
	{ GLOB_UNICODE, "*?", "\u00e4\u00f6", "\u00e4|\u00f6|" },
	{ GLOB_UNICODE, "*?*\u00f6*", "\u00e4\u00e4\u00d6\u00fc",
	    "|\u00e4|\u00e4|\u00fc|" },
	{ GLOB_UNICODE, "?\xff*", "a\xff" "b", "a|b|" },
	{ GLOB_UNICODE, "*", "", "|" },
};

static int
glob_one(struct buf *got, enum glob_mode mode, const char *pattern, size_t np,
    const char *s, size_t n, uint64_t work)
{
	struct pattern_span span[10];
	struct glob g;
	size_t i;
	int r = -1;

	if (glob_init(&g, mode, pattern, np) == 0)
		r = glob_match(&g, s, n, span, 10, &work);
	for (i = 1; r == 1 && i < 10 && span[i].off != SIZE_MAX; i++) {
		buf_add(got, s + span[i].off, span[i].len);
		buf_addc(got, '|');
	}
	glob_free(&g);
	return r;
}

static void
try_globs(void)
{
	struct buf got;
	size_t i;
	int r;

	buf_init(&got, 1 << 20);
	for (i = 0; i < sizeof(globs) / sizeof(globs[0]); i++) {
		buf_reset(&got);
		r = glob_one(&got, globs[i].mode, globs[i].pattern,
		    strlen(globs[i].pattern), globs[i].text,
		    strlen(globs[i].text), PLENTY);
		ok(r == (globs[i].want != NULL) && (r == 0 ||
		    strcmp(buf_str(&got), globs[i].want) == 0),
		    "\"%s\" on \"%s\": %d \"%s\"", globs[i].pattern,
		    globs[i].text, r, buf_str(&got));
	}
	buf_reset(&got);
	is_int(glob_one(&got, GLOB_OCTET, "a*?d", 4, "a\0\0bcd", 6, PLENTY),
	    1, "a NUL is an octet");
	is_mem(got.data, got.len, "\0\0b|c|", 6, "and is taken as one");
	buf_free(&got);
}

/* What nobody would write so: all ways to split the text. */
static int
slow_glob(const char *p, const char *s)
{
	if (*p == '\0')
		return *s == '\0';
	if (*p == '*')
		return slow_glob(p + 1, s) || (*s != '\0' &&
		    slow_glob(p, s + 1));
	return *s != '\0' && (*p == '?' || *p == *s) &&
	    slow_glob(p + 1, s + 1);
}

static void
random_text(char *to, size_t most, const char *from)
{
	size_t n = (size_t)rand() % (most + 1), k = strlen(from), i;

	for (i = 0; i < n; i++)
		to[i] = from[(size_t)rand() % k];
	to[n] = '\0';
}

static void
compare_globs(void)
{
	char pattern[12], text[16];
	struct buf got;
	int i, bad = 0, matches = 0, r;

	buf_init(&got, 1 << 20);
	for (i = 0; i < 200000; i++) {
		random_text(pattern, sizeof(pattern) - 1, "ab*?");
		random_text(text, sizeof(text) - 1, "ab");
		buf_reset(&got);
		r = glob_one(&got, (enum glob_mode)(i % 3), pattern,
		    strlen(pattern), text, strlen(text), PLENTY);
		matches += r;
		if (r != slow_glob(pattern, text) && bad++ == 0)
			printf("# \"%s\" on \"%s\"\n", pattern, text);
	}
	ok(bad == 0 && matches > 1000, "200000 patterns, %d of them match, "
	    "as all ways tried do", matches);
	buf_free(&got);
}

/* ---- regular expressions ---- */

static const struct {
	const char	*pattern, *text;
	const char	*want;	/* the whole and the groups, "|" behind each,
				 * "-" for none; NULL: no match */
} eres[] = {
	{ "", "", "|" }, { "", "abc", "|" },
	{ "b", "abc", "b|" }, { "x", "abc", NULL },
	{ "^b", "abc", NULL }, { "^a", "abc", "a|" },
	{ "c$", "abc", "c|" }, { "b$", "abc", NULL },
	{ "a|b|", "c", "|" }, { "^(a|b)$", "b", "b|b|" },
	{ "a{2}", "aaa", "aa|" }, { "a{2,}", "aaaa", "aaaa|" },
	{ "a{2,3}", "aaaa", "aaa|" }, { "a{,2}", "aaa", "aa|" },
	{ "a{0}b", "ab", "b|" }, { "(ab){2}", "ababab", "abab|ab|" },
	{ "[a-c]+", "xxabcx", "abc|" }, { "[^a-c]+", "abxyc", "xy|" },
	{ "[]a]+", "x]a", "]a|" }, { "[^]a]", "]ab", "b|" },
	{ "[a-]+", "x-a", "-a|" }, { "[[:digit:][:upper:]]+", "ab12CD",
	    "12CD|" },
	{ "[[.a.]-[.c.]]+", "abcd", "abc|" }, { "[[=a=]]", "a", "a|" },
	{ "a\\.b", "axb", NULL }, { "a\\.b", "a.b", "a.b|" },
	{ "a.b", "a\nb", "a\nb|" },
	{ "(a*)(b*)", "aab", "aab|aa|b|" },
	{ "(a)?b", "b", "b|-|" }, { "(a)|(b)", "b", "b|-|b|" },
	{ "a)", "a)", "a)|" },
	/* The longest, and groups from the left the longest. */
	{ "a|ab|abc", "abcd", "abc|" },
	{ "(a|ab)(c|bcd)(d*)", "abcd", "abcd|ab|c|d|" },
	{ "(dev|devel)(.*)", "develop", "develop|devel|op|" },
	{ "(a*)(ab)*(b*)", "abb", "abb|a|-|bb|" },
	{ "(a|b|ab)*", "ab", "ab|ab|" },
	{ "(a|ab|c|bcd)*", "abcd", "abcd|bcd|" },
	{ "(a+|b+)+c", "aabbc", "aabbc|bb|" },
	{ "(.*)-(.*)", "a-b-c", "a-b-c|a-b|c|" },
	{ "(a*)*", "b", "||" },
	{ "x*", "axx", "|" },
	{ "\\bw+\\b", "ww aww w", "ww|" }, { "\\<a", "ba a", "a|" },
	{ "\\w+\\W\\w+\\s", "a-b c", "a-b |" }, { "a\\>", "ab", NULL },
	{ "\\Bb", "b ab", "b|" }, { "\\S+", " ab ", "ab|" },
	/* The draft's. */
	{ "me(\\+.*)?@company\\.com", "me+x@company.com",
	    "me+x@company.com|+x|" },
	{ "^[^[:lower:]]+$", "MAKE MONEY", "MAKE MONEY|" },
	{ "^[^[:lower:]]+$", "MAKE MONEy", NULL },
};

static const char *const bad_eres[] = {
	"*a", "a|*b", "(+)", "{1}", "(a", "[a", "[", "[]", "[^]", "[z-a]",
	"[[:none:]]", "[[:word:]]", "[[:alpha:]", "[a-[:digit:]]", "a\\",
	"(a)\\1", "\\d", "a{", "a{1", "a{2,1}", "a{x}", "a{1,2,3}",
	"a{1001}", "a{99999999999}", "^*", "a{,}", "[[.ab.]]",
	"((a{100}){100}){100}", "(((){1000}){1000}){1000}",
};

static int
ere_one(struct buf *got, const char *pattern, bool fold, const char *s,
    size_t n, size_t nspan, uint64_t work)
{
	struct pattern_span span[ERE_SPANS_MAX];
	const char *why;
	struct ere *e = ere_new(pattern, strlen(pattern), fold, &why);
	size_t i, last = 0;
	int r;

	if (e == NULL)
		return -3;
	r = ere_match(e, s, n, span, nspan, &work);
	for (i = 0; pattern[i] != '\0'; i++)
		last += pattern[i] == '(';
	for (i = 0; r == 1 && i < nspan && i <= last; i++) {
		if (span[i].off == SIZE_MAX)
			buf_addc(got, '-');
		else
			buf_add(got, s + span[i].off, span[i].len);
		buf_addc(got, '|');
	}
	ere_free(e);
	return r;
}

static void
try_eres(void)
{
	struct buf got;
	const char *why;
	size_t i, n;
	int r, plain;

	buf_init(&got, 1 << 20);
	for (i = 0; i < sizeof(eres) / sizeof(eres[0]); i++) {
		buf_reset(&got);
		n = strlen(eres[i].text);
		r = ere_one(&got, eres[i].pattern, false, eres[i].text, n,
		    10, PLENTY);
		plain = ere_one(NULL, eres[i].pattern, false, eres[i].text, n,
		    0, PLENTY);
		ok(r == plain && r == (eres[i].want != NULL) && (r == 0 ||
		    strcmp(buf_str(&got), eres[i].want) == 0),
		    "/%s/ on \"%s\": %d \"%s\"", eres[i].pattern,
		    eres[i].text, r, buf_str(&got));
	}
	for (i = 0; i < sizeof(bad_eres) / sizeof(bad_eres[0]); i++)
		ok(ere_new(bad_eres[i], strlen(bad_eres[i]), false, &why) ==
		    NULL && why != NULL, "/%s/ is none: %s", bad_eres[i],
		    why);
	buf_reset(&got);
	is_int(ere_one(&got, "A[b-d]+[^X]Y", true, "-aBcDzy-", 8, 1, PLENTY),
	    1, "without case");
	is_str(buf_str(&got), "aBcDzy|", "it takes both");
	is_int(ere_one(&got, "[^x]", true, "X", 1, 0, PLENTY), 0,
	    "nor has what is not in a set case");
	is_int(ere_one(&got, "a.b", false, "a\0b", 3, 0, PLENTY), 1,
	    "a NUL is an octet");
	buf_free(&got);
}

/* A random expression of the part that all understand the same way. */
static void
random_ere(struct buf *b, int depth)
{
	int n = 1 + rand() % 3, kind;

	while (n-- > 0) {
		kind = rand() % 12;
		if (kind < 3 && depth > 0) {
			buf_addc(b, '(');
			random_ere(b, depth - 1);
			if (rand() % 2) {
				buf_addc(b, '|');
				random_ere(b, depth - 1);
			}
			buf_addc(b, ')');
		} else if (kind == 3)
			buf_addc(b, '.');
		else if (kind == 4)
			buf_adds(b, "[^a]");
		else if (kind == 5)
			buf_adds(b, "[bc]");
		else
			buf_addc(b, "abc"[rand() % 3]);
		switch (rand() % 8) {
		case 0:
			buf_addc(b, '*');
			break;
		case 1:
			buf_addc(b, '+');
			break;
		case 2:
			buf_addc(b, '?');
			break;
		case 3:
			buf_adds(b, "{1,2}");
			break;
		}
	}
}

/* libc on the same: 1 and where, or 0. */
static int
libc_ere(const char *pattern, const char *text, regmatch_t *m)
{
	regex_t re;
	int r;

	if (regcomp(&re, pattern, REG_EXTENDED) != 0)
		return -1;
	r = regexec(&re, text, 1, m, 0) == 0;
	regfree(&re);
	return r;
}

static void
compare_eres(void)
{
	struct pattern_span span[10];
	const char *why;
	char text[16];
	struct buf b;
	struct ere *e;
	regmatch_t m;
	uint64_t work;
	int i, r, want, bad = 0, matches = 0;

	buf_init(&b, 4096);
	for (i = 0; i < 20000; i++) {
		buf_reset(&b);
		if (rand() % 6 == 0)
			buf_addc(&b, '^');
		random_ere(&b, 2);
		if (rand() % 6 == 0)
			buf_addc(&b, '$');
		random_text(text, sizeof(text) - 1, "abc");
		want = libc_ere(buf_str(&b), text, &m);
		e = ere_new(b.data, b.len, false, &why);
		work = PLENTY;
		r = e == NULL ? -1 : ere_match(e, text, strlen(text), span,
		    (size_t)(1 + i % 10), &work);
		ere_free(e);
		matches += r == 1;
		if ((r != want || (r == 1 && (span[0].off != (size_t)m.rm_so ||
		    span[0].off + span[0].len != (size_t)m.rm_eo))) &&
		    bad++ == 0)
			printf("# /%s/ on \"%s\": %d, %d\n", buf_str(&b), text,
			    r, want);
	}
	ok(bad == 0 && matches > 5000, "20000 expressions, %d of them match, "
	    "as in libc", matches);
	buf_free(&b);
}

/* ---- time ---- */

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Far more than it takes, far less than it would take the other way. */
#define LONG	5.0

static void
bound(void)
{
	static const char *const hostile[] = {
		"(a+)+$", "(a*)*b", "(a|aa)+b", "(a?){100}a{100}b", "a*a*a*a*b",
		"(a|a)*(a|a)*(a|a)*b", "(.*)(.*)(.*)(.*)(.*)(.*)(.*)x",
		"x*y", "(a{1,100}){1,20}b", "^(a*)+$", "(((a*)*)*)*b",
	};
	enum { SIZE = 65536 };
	char *as = malloc(SIZE);
	struct buf got;
	double start;
	size_t i;
	int r;

	memset(as, 'a', SIZE);
	as[SIZE - 1] = '!';
	buf_init(&got, 1 << 24);
	start = now();
	is_int(glob_one(&got, GLOB_OCTET, "*a*a*a*a*b", 10, as, SIZE,
	    PLENTY), 0, "*a*a*a*a*b on 64 kB of a");
	is_int(glob_one(&got, GLOB_ASCII, "*a?a?a?a?b*", 11, as, SIZE,
	    PLENTY), 0, "*a?a?a?a?b*");
	ok(now() - start < LONG, "in %.3f s", now() - start);
	is_int(glob_one(&got, GLOB_ASCII, "*a?a?a?a?b*", 11, as, SIZE,
	    100000), PATTERN_SPENT, "and no longer than it may");
	for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		start = now();
		r = ere_one(&got, hostile[i], false, as, SIZE, 10,
		    200000000);
		ok((r == 0 || r == PATTERN_SPENT) && now() - start < LONG,
		    "/%s/ on 64 kB: %d in %.3f s", hostile[i], r,
		    now() - start);
	}
	is_int(ere_one(&got, "a*a*a*b", false, as, SIZE, 10, 100000),
	    PATTERN_SPENT, "and no longer than it may");
	buf_free(&got);
	free(as);
}

int
main(void)
{
	srand(7);
	try_globs();
	compare_globs();
	try_eres();
	compare_eres();
	bound();
	return done();
}
