/* SPDX-License-Identifier: ISC
 *
 * Proves how a Sieve script is read (RFC 5228, sections 2 and 8): each token,
 * each way to nest, each error with its line in words; that the same script
 * with LF and with CRLF is the same; and that one cut at any octet ends in an
 * error or a shorter tree, never beyond its memory.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bytes/buf.h"
#include "grammar/sieve.h"
#include "tap.h"

static const struct row {
	const char *text;
	const char *want;	/* the tree, or "line N: ..." */
} rows[] = {
	{ "", "" },
	{ "# only this\n/* and\nthat */\r\n\t ", "" },
	{ "keep;", "keep;" },
	{ "KEEP ;sTop;", "keep;stop;" },
	{ "keep#x\n;", "keep;" },
	{ "keep/**/;/***/stop/* * / **/;", "keep;stop;" },
	{ "_a9 :Tag_1 \"X\";", "_a9 :tag_1 \"X\";" },
	{ "x 0;", "x 0;" },
	{ "x 1k 2M 3g 4K;", "x 1024 2097152 3221225472 4096;" },
	{ "x 18446744073709551615;", "x 18446744073709551615;" },
	{ "x \"\";", "x \"\";" },
	{ "x \"a\\\"b\\\\c\\d\";", "x \"a\"b\\cd\";" },
	{ "x \"a\nb\";", "x \"a<CRLF>b\";" },
	{ "x \"a\\\nb\";", "x \"a<CRLF>b\";" },
	{ "x \"\xc3\xbc \xff\";", "x \"\xc3\xbc \xff\";" },
	{ "x [\"a\"];", "x [\"a\"];" },
	{ "x [ \"a\" , \"b\" ] \"c\";", "x [\"a\",\"b\"] \"c\";" },
	{ "x text:\n.\n;", "x \"\";" },
	{ "x text: \t# why\na\n\n..b\n.c\n...\n.\n;",
	    "x \"a<CRLF><CRLF>.b<CRLF>.c<CRLF>..<CRLF>\";" },
	{ "x TEXT:\n/* no comment */ # nor that\n.\n;",
	    "x \"/* no comment */ # nor that<CRLF>\";" },
	{ "x [text:\na\n.\n, \"b\"];", "x [\"a<CRLF>\",\"b\"];" },
	{ "text ;", "text;" },
	{ "if true { }", "if true {}" },
	{ "if not true { keep; stop; }", "if not true {keep;stop;}" },
	{ "if anyof (a \"b\" , not c, allof(d)) { }",
	    "if anyof (a \"b\",not c,allof (d)) {}" },
	{ "if a :is [\"b\"] { if c { } } else { keep; }",
	    "if a :is [\"b\"] {if c {}}else {keep;}" },

	{ "keep", "line 1: \";\" behind \"keep\" is missing: "
	    "the script ends" },
	{ "keep\n\n}", "line 1: \";\" behind \"keep\" is missing: "
	    "\"}\" stands there" },
	{ "keep;\n}", "line 2: \"}\" without a \"{\" before it" },
	{ "if true {\n{\n", "line 2: a command is missing: \"{\" stands "
	    "there" },
	{ "\nif true {\nkeep;\n", "line 2: the block that begins here has "
	    "no \"}\"" },
	{ ";", "line 1: a command is missing: \";\" stands there" },
	{ "keep; \"a\";", "line 1: a command is missing: a string stands "
	    "there" },
	{ ":a;", "line 1: a command is missing: \":a\" stands there" },
	{ "1;", "line 1: a command is missing: a number stands there" },
	{ "x \"a", "line 1: this string has no second quotation mark" },
	{ "\nx \"a\n\n\\\"", "line 2: this string has no second quotation "
	    "mark" },
	{ "x \"a\\", "line 1: this string has no second quotation mark" },
	{ "x text:\na\n", "line 1: this text has no end: a line with a dot "
	    "alone" },
	{ "x text: a\n.\n;", "line 1: the text must begin in the line after "
	    "\"text:\"" },
	{ "x text: /**/\n.\n;", "line 1: the text must begin in the line "
	    "after \"text:\"" },
	{ "/* a\n", "line 1: this comment has no \"*/\"" },
	{ "/*/", "line 1: this comment has no \"*/\"" },
	{ "/x", "line 1: \"/\" has no meaning here" },
	{ "x : y;", "line 1: a colon without a word behind it" },
	{ "x :1;", "line 1: a colon without a word behind it" },
	{ "x 1kb;", "line 1: behind a number only K, M or G may stand" },
	{ "x 1_;", "line 1: behind a number only K, M or G may stand" },
	{ "x 18446744073709551616;", "line 1: a number that is too large" },
	{ "x 17179869184G;", "line 1: a number that is too large" },
	{ "x -1;", "line 1: \"-\" has no meaning here" },
	{ "x 'a';", "line 1: \"'\" has no meaning here" },
	{ "\xef\xbb\xbfkeep;", "line 1: the octet 0xef has no meaning here" },
	{ "x [];", "line 1: a string of a list is missing: \"]\" stands "
	    "there" },
	{ "x [\"a\",];", "line 1: a string of a list is missing: \"]\" "
	    "stands there" },
	{ "x [1];", "line 1: a string of a list is missing: a number stands "
	    "there" },
	{ "x [\"a\"\n\"b\"];", "line 1: \"]\" (or a comma) is missing in the "
	    "list that begins in line 1" },
	{ "x [\"a\";", "line 1: \"]\" (or a comma) is missing in the list "
	    "that begins in line 1" },
	{ "if anyof () { }", "line 1: a test is missing: \")\" stands "
	    "there" },
	{ "if anyof (a,\nb { }", "line 2: \")\" (or a comma) is missing in "
	    "the tests that begin in line 1" },
	{ "if anyof (a,) { }", "line 1: a test is missing: \")\" stands "
	    "there" },
	{ "if a \"b\" true, keep { }", "line 1: \";\" behind \"if\" is "
	    "missing: \",\" stands there" },
	{ "keep; a\rb;", "line 1: a CR that ends no line" },
	{ "x \"a\r\";", "line 1: a CR that ends no line" },
	{ "# a\rb\n", "line 1: a CR that ends no line" },
};

static void
dump_string(struct buf *b, const struct sieve_string *s)
{
	size_t i;

	if (s->text[s->len] != '\0')
		buf_adds(b, "no NUL behind ");
	buf_addc(b, '"');
	for (i = 0; i < s->len; i++)
		if (s->text[i] == '\r' && s->text[i + 1] == '\n') {
			buf_adds(b, "<CRLF>");
			i++;
		} else
			buf_addc(b, s->text[i]);
	buf_addc(b, '"');
}

static void
dump_arg(struct buf *b, const struct sieve_arg *a)
{
	size_t i;

	buf_addc(b, ' ');
	if (a->kind == SIEVE_TAG)
		buf_addf(b, ":%s", a->strings[0].text);
	else if (a->kind == SIEVE_NUMBER)
		buf_addu(b, a->number);
	else {
		buf_adds(b, a->list ? "[" : "");
		for (i = 0; i < a->n; i++) {
			buf_adds(b, i > 0 ? "," : "");
			dump_string(b, &a->strings[i]);
		}
		buf_adds(b, a->list ? "]" : "");
	}
}

static void
dump(struct buf *b, const struct sieve_node *n, bool test)
{
	const struct sieve_node *first = n;
	size_t i;

	for (; n != NULL; n = n->next) {
		buf_addf(b, "%s%s", test && n != first ? "," : "", n->name);
		for (i = 0; i < n->nargs; i++)
			dump_arg(b, &n->args[i]);
		if (n->tests != NULL) {
			buf_adds(b, n->test_list ? " (" : " ");
			dump(b, n->tests, true);
			buf_adds(b, n->test_list ? ")" : "");
		}
		if (n->has_block) {
			buf_adds(b, " {");
			dump(b, n->block, false);
			buf_addc(b, '}');
		} else if (!test)
			buf_addc(b, ';');
	}
}

/* The tree of n octets, in memory of just that size, or its error. */
static const char *
parse(struct buf *b, const char *text, size_t n)
{
	char error[SIEVE_ERROR_MAX] = "", *copy = malloc(n + 1);
	struct sieve_node *first;
	struct sieve_tree *t;

	memcpy(copy + 1, text, n);
	buf_init(b, 1u << 16);
	t = sieve_parse(copy + 1, n, &first, error);
	free(copy);
	if (t == NULL)
		buf_adds(b, error);
	else
		dump(b, first, false);
	sieve_tree_free(t);
	return buf_str(b);
}

static void
test_rows(void)
{
	struct buf b, crlf;
	const char *p;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		is_str(parse(&b, rows[i].text, strlen(rows[i].text)),
		    rows[i].want, rows[i].want);
		buf_free(&b);
		if (strchr(rows[i].text, '\r') != NULL)
			continue;
		buf_init(&crlf, 4096);
		for (p = rows[i].text; *p != '\0'; p++) {
			if (*p == '\n')
				buf_addc(&crlf, '\r');
			buf_addc(&crlf, *p);
		}
		is_str(parse(&b, buf_str(&crlf), crlf.len), rows[i].want,
		    "... with CRLF");
		buf_free(&b);
		buf_free(&crlf);
	}
}

/* A script cut at each octet: what it is then begins like the whole, or there
 * is an error that has a line. */
static void
test_cut(void)
{
	static const char text[] = "/* x */ require [\"a\",\r\n\"b\"];\r\n"
	    "# y\r\nif anyof (not header :is \"a\\\"\" [\"b\"], x 12K)\r\n"
	    "{ keep; } elsif true { v text: # z\r\n..q\r\n.\r\n; }\r\n";
	char whole[1024];
	struct buf b;
	const char *got;
	size_t n;

	snprintf(whole, sizeof(whole), "%s", parse(&b, text,
	    sizeof(text) - 1));
	buf_free(&b);
	for (n = 0; n < sizeof(text) - 1; n++) {
		got = parse(&b, text, n);
		if (!ok(strncmp(got, "line ", 5) == 0 || strncmp(whole, got,
		    strlen(got)) == 0, "cut at %zu", n))
			printf("# %s\n", got);
		buf_free(&b);
	}
}

static void
nest(struct buf *b, const char *open, const char *mid, const char *close,
    int n)
{
	int i;

	buf_init(b, 1u << 16);
	for (i = 0; i < n; i++)
		buf_adds(b, open);
	buf_adds(b, mid);
	for (i = 0; i < n; i++)
		buf_adds(b, close);
}

static void
test_depth(void)
{
	static const struct {
		const char *open, *mid, *close, *error;
		int most;
	} deep[] = {
		{ "if x {", "", "}", "more than 32 blocks in each other", 32 },
		{ "not ", "x", "", "more than 32 tests in each other", 30 },
		{ "anyof(", "x", ")", "more than 32 tests in each other", 30 },
	};
	struct buf in, whole, out;
	const char *got;
	size_t i;
	int n;

	for (i = 0; i < sizeof(deep) / sizeof(deep[0]); i++)
		for (n = 15; n < 40; n++) {
			nest(&in, deep[i].open, deep[i].mid, deep[i].close, n);
			buf_init(&whole, 1u << 16);
			buf_addf(&whole, i == 0 ? "%s" : "if not %s {}",
			    buf_str(&in));
			got = parse(&out, buf_str(&whole), whole.len);
			if (n <= deep[i].most)
				ok(strncmp(got, "line", 4) != 0, "%d deep", n);
			else
				ok(strstr(got, deep[i].error) != NULL,
				    "%d too deep", n);
			buf_free(&out);
			buf_free(&whole);
			buf_free(&in);
		}
}

static void
test_bounds(void)
{
	size_t n = SIEVE_SCRIPT_MAX + 1;
	char *text = malloc(n);
	struct buf b;

	memset(text, ' ', n);
	is_str(parse(&b, text, n - 1), "", "the longest script");
	buf_free(&b);
	is_str(parse(&b, text, n), "line 1: a script of more than 1048576 "
	    "octets", "a longer one");
	buf_free(&b);
	is_str(parse(&b, "keep\0;", 6), "line 1: a NUL octet", "a NUL");
	buf_free(&b);
	is_str(parse(&b, "x \"a\0b\";", 8), "line 1: a NUL octet",
	    "a NUL in a string");
	buf_free(&b);
	free(text);
}

int
main(void)
{
	test_rows();
	test_cut();
	test_depth();
	test_bounds();
	return done();
}
