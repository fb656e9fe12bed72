/* SPDX-License-Identifier: ISC
 *
 * Proves patterns with "*" and "?": what they match, what each wildcard takes,
 * that all ways tried would give the same, and that none takes long.
 */
#include <stdlib.h>
#include <time.h>

#include "grammar/glob.h"
#include "tap.h"

#define PLENTY	(1ull << 32)

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
	struct glob_span span[10];
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

/* ---- time ---- */

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Far more than it takes, far less than it would take the other way. */
#define LONG	5.0

static void
bound(void)
{
	enum { SIZE = 65536 };
	char *as = malloc(SIZE);
	struct buf got;
	double start;

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
	    100000), GLOB_SPENT, "and no longer than it may");
	buf_free(&got);
	free(as);
}

int
main(void)
{
	srand(7);
	try_globs();
	compare_globs();
	bound();
	return done();
}
