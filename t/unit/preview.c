/* SPDX-License-Identifier: ISC
 *
 * Proves that a preview is what a person reads of a text, plain or HTML, whole
 * and a byte at a time, on one line of UTF-8, and never too long (RFC 8970,
 * section 3.3).
 */
#include <stdlib.h>

#include "tap.h"
#include "bytes/utf8.h"
#include "grammar/preview.h"

static const struct {
	int		 html;
	const char	*in, *want;
} rows[] = {
	{ 0, "", "" },
	{ 0, " a\r\n\r\n b\tc ", "a b c" },
	{ 0, "> quoted\n>> more\n  > spaced\nanswer\n", "answer" },
	{ 0, "> quoted\n> more\n", "> quoted > more" },
	{ 0, "a > b", "a > b" },
	{ 0, "<b>&amp;</b>", "<b>&amp;</b>" },
	{ 0, "a\377b\303", "a\357\277\275b\357\277\275" },
	{ 0, "a\302\255b\342\200\213c\342\200\215d", "abcd" },
	{ 0, "a\302\240\342\200\203b\001c", "a b c" },
	{ 0, "\360\237\230\200", "\360\237\230\200" },
	{ 1, "", "" },
	{ 1, "a<b>b</b>c", "abc" },
	{ 1, "<p>a</p><p>b</p>", "a b" },
	{ 1, "a<br>b<br/>c<BR />d", "a b c d" },
	{ 1, "<td>a<td>b", "a b" },
	{ 1, "<style>p > b { }</style>a", "a" },
	{ 1, "<STYLE type=\"x\">p</style >a", "a" },
	{ 1, "<script>if (1 < 2) \"</b>\";</script>a", "a" },
	{ 1, "<script>'a<b'</script>b", "b" },
	{ 1, "<head><title>t</title></head>a", "a" },
	{ 1, "<!-- a > b -- c -->d", "d" },
	{ 1, "<!---->d", "d" },
	{ 1, "<!DOCTYPE html>d", "d" },
	{ 1, "<a href=\"x>y\" title='>'>z</a>", "z" },
	{ 1, "it's <a title=\"it's\">z</a>", "it's z" },
	{ 1, "1 < 2", "1 < 2" },
	{ 1, "&amp;&lt;&gt;&quot;&nbsp;&auml;", "&<>\" \303\244" },
	{ 1, "&#228;&#xE4;&#Xe4;", "\303\244\303\244\303\244" },
	{ 1, "&amp &unknown; &x& &", "& &unknown; &x& &" },
	{ 1, "&#0;&#55296;&#1114112;&#x;", "&#0;&#55296;&#1114112;&#x;" },
	{ 1, "a&zwnj;&shy;b", "ab" },
	{ 1, "a &", "a &" },
	{ 1, "a <b", "a" },
	{ 1, "&averyveryverylongname;", "&averyveryverylongname;" },
	{ 1, "<averyveryverylongname>a", "a" },
};

static const char *
run(int html, const char *s, size_t n, size_t piece, size_t *len)
{
	static struct preview p;
	size_t i, k;

	memset(&p, 0, sizeof(p));
	p.html = html;
	for (i = 0; i < n; i += k) {
		k = n - i < piece ? n - i : piece;
		if (preview_feed(&p, s + i, k) == 1)
			break;
	}
	return preview_end(&p, len);
}

static void
test_rows(void)
{
	const char *got;
	size_t i, n, len, piece;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = strlen(rows[i].in);
		for (piece = 1; piece <= 4; piece++) {
			got = run(rows[i].html, rows[i].in, n, piece, &len);
			is_mem(got, len, rows[i].want, strlen(rows[i].want),
			    rows[i].in);
		}
		got = run(rows[i].html, rows[i].in, n, n + 1, &len);
		is_mem(got, len, rows[i].want, strlen(rows[i].want), "whole");
	}
}

/* Whatever comes, it is UTF-8 of so many characters. */
static void
test_any(void)
{
	static const char letters[] = "<>&;#x-!/\"' ab\303\244\360\n";
	unsigned long long seed = 1;
	char in[3000];
	const char *got;
	size_t i, j, len, chars;
	int bad = 0;

	for (i = 0; i < 2000; i++) {
		for (j = 0; j < sizeof(in); j++) {
			seed = seed * 6364136223846793005ULL + 1;
			in[j] = letters[(seed >> 33) % (sizeof(letters) - 1)];
		}
		got = run((int)(i & 1), in, sizeof(in), 1 + i % 70, &len);
		for (j = chars = 0; j < len; j++)
			chars += ((unsigned char)got[j] & 0xc0) != 0x80;
		bad += !utf8_valid(got, len) || chars > PREVIEW_CHARS ||
		    memchr(got, '\n', len) != NULL;
	}
	is_int(bad, 0, "anything gives one line of UTF-8");
	memset(in, 'x', sizeof(in));
	(void)run(0, in, sizeof(in), sizeof(in), &len);
	is_int((long long)len, PREVIEW_CHARS, "cut");
	for (j = 0; j + 3 <= sizeof(in); j += 3)
		memcpy(in + j, "\342\202\254", 3);
	(void)run(0, in, sizeof(in), 7, &len);
	is_int((long long)len, 3 * PREVIEW_CHARS, "cut between characters");
}

int
main(void)
{
	test_rows();
	test_any();
	return done();
}
