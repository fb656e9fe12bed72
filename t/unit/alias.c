/* SPDX-License-Identifier: ISC
 *
 * Proves what an entry of aliases, of a table of addresses and of a list is:
 * quotes, letter case, continued lines, comments; and that a line that is not
 * understood is named, and nothing of it taken.
 */
#include <stdlib.h>

#include "grammar/alias.h"
#include "tap.h"

static const struct row {
	enum alias_form form;
	const char *text;
	const char *want;	/* "name>target,target" with ";" between, or
				 * "LINE: a part of why" */
} rows[] = {
	{ ALIAS_NAMES, "", "" },
	{ ALIAS_NAMES, "\n  \n# x\n  # y\n", "" },
	{ ALIAS_NAMES, "a: b", "a>b" },
	{ ALIAS_NAMES, "A : b ,c@X.test\r\n", "a>b,c@X.test" },
	{ ALIAS_NAMES, "a:\n b,\n# no\n\n\tc\nd: e\n", "a>b,c;d>e" },
	{ ALIAS_NAMES, "\"John Doe\": j", "john doe>j" },
	{ ALIAS_NAMES, "\"a:b\": \"c,d\"@x.test, <e@f.test>",
	    "a:b>\"c,d\"@x.test,e@f.test" },
	{ ALIAS_NAMES, "a: |prog x, y", "a>|prog x,y" },
	{ ALIAS_NAMES, "a: \"|prog \\\"x, y\\\"\", /file, :include:/l",
	    "a>|prog \"x, y\",/file,:include:/l" },
	{ ALIAS_NAMES, "a: |\"prog x, y\"", "a>|prog x, y" },
	{ ALIAS_NAMES, "a: |\"x y\" z", "a>|\"x y\" z" },
	{ ALIAS_NAMES, "a: |x \"y, z\"", "a>|x \"y, z\"" },
	{ ALIAS_NAMES, "a: \"|p\" q", "1: not allowed" },
	{ ALIAS_NAMES, "a: :include:\"/l x\", \":include:/m,n\", \"/f, g\"",
	    "a>:include:/l x,:include:/m,n,/f, g" },
	{ ALIAS_NAMES, "a: |", "1: nothing stands behind the sign" },
	{ ALIAS_NAMES, "a: \\a, \\b@x.test", "a>\\a,\\b@x.test" },
	{ ALIAS_NAMES, "a: \"/\"", "1: nothing stands behind the sign" },
	{ ALIAS_NAMES, "a: \"/x \\\"\"@b.test, \"|y\"@b.test",
	    "a>\"/x \\\"\"@b.test,\"|y\"@b.test" },
	{ ALIAS_NAMES, "a: \\", "1: no local part" },
	{ ALIAS_NAMES, "a: \"B, C\" <b@x.test>, D <d@x.test>, e (E, e)",
	    "1: not allowed" },
	{ ALIAS_NAMES, "a: \"B, C\" <b@x.test>, D E <d@x.test>, f@x.test (F)",
	    "a>b@x.test,d@x.test,f@x.test" },
	{ ALIAS_NAMES, "a: D <>", "1: null address" },
	{ ALIAS_NAMES, "a: (x)", "1: null address" },
	{ ALIAS_NAMES, "J\xc3\xbcrgen: j@\xc3\xbc.test",
	    "j\xc3\xbcrgen>j@\xc3\xbc.test" },
	{ ALIAS_NAMES, "j\xfc: b\n", "1: " },
	{ ALIAS_TABLE, "@\xc3\xbc.test @x.test", "@\xc3\xbc.test>@x.test" },
	{ ALIAS_TABLE, "@x@y.test b", "1: no domain" },
	{ ALIAS_NAMES, "a: b\nc d\n", "2: no colon" },
	{ ALIAS_NAMES, "a: b c\n", "1: not allowed" },
	{ ALIAS_NAMES, " a: b\n", "1: continues nothing" },
	{ ALIAS_NAMES, "# x\na: ,\n", "2: nothing stands" },
	{ ALIAS_NAMES, "a: \"b\n", "1: quote does not end" },
	{ ALIAS_NAMES, ": b\n", "1: no name" },
	{ ALIAS_NAMES, "<>: b\n", "1: no name" },
	{ ALIAS_NAMES, "a@b.test: b\n", "1: must not have a domain" },
	{ ALIAS_NAMES, "a: <>\n", "1: null address" },
	{ ALIAS_NAMES, "a: @b.test\n", "1: local part" },
	{ ALIAS_NAMES, "a: b\n\n\nc: d\n  e@\n", "4: not allowed" },
	{ ALIAS_TABLE, "a@B.test c d,e@f.test\n@b.test\t@g.test\n",
	    "a@b.test>c,d,e@f.test;@b.test>@g.test" },
	{ ALIAS_TABLE, "a b\n", "1: has no domain" },
	{ ALIAS_TABLE, "a@b.test\n", "1: nothing stands" },
	{ ALIAS_TABLE, "@b..test c\n", "1: no domain" },
	{ ALIAS_TABLE, "a@b.test \"|p q\" |x\n", "a@b.test>|p q,|x" },
	{ ALIAS_MEMBERS, "b\n# no\n\n c@x.test , d,\n,\nE <e@x.test>\r\n"
	    "\"|p q\"", ">b;>c@x.test,d;>;>e@x.test;>|p q" },
	{ ALIAS_MEMBERS, "b\nc d\n", "2: not allowed" },
	{ ALIAS_MEMBERS, "b, \"c\nd\"\n", "1: quote does not end" },
	{ ALIAS_LIST, "a@B.test\n@c.test OK (x\n", "a@b.test>;@c.test>" },
	{ ALIAS_LIST, "a\n", "1: has no domain" },
};

static const char *
write_all(struct buf *b, const struct row *row)
{
	struct alias_reader r;
	struct buf entry;
	const char *why, *p;
	unsigned line;
	int found;

	buf_init(b, 4096);
	buf_init(&entry, 4096);
	alias_reader_init(&r, row->form, row->text, strlen(row->text));
	while ((found = alias_next(&r, &entry, &line, &why)) == 1) {
		buf_addf(b, "%s%s>", b->len > 0 ? ";" : "", entry.data);
		p = entry.data + strlen(entry.data) + 1;
		for (; *p != '\0'; p += strlen(p) + 1)
			buf_addf(b, "%s%s", b->data[b->len - 1] == '>' ? "" :
			    ",", p);
		buf_reset(&entry);
	}
	buf_free(&entry);
	if (found == -1) {
		buf_reset(b);
		buf_addf(b, "%u: %s", line, why);
	}
	return buf_str(b);
}

static void
test_rows(void)
{
	const char *got, *want;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		want = rows[i].want;
		got = write_all(&b, &rows[i]);
		if (want[0] < '0' || want[0] > '9')
			is_str(got, want, "an entry");
		else if (!ok(strncmp(got, want, 3) == 0 &&
		    strstr(got, want + 3) != NULL, "%s", want))
			printf("# got %s\n", got);
		buf_free(&b);
	}
}

static void
test_targets(void)
{
	static const struct {
		const char *text;
		enum alias_target want;
		const char *rest;
	} targets[] = {
		{ "a@b.test", ALIAS_ADDRESS, "a@b.test" },
		{ "\"@\"@b.test", ALIAS_ADDRESS, "\"@\"@b.test" },
		{ "\\a", ALIAS_USER, "a" },
		{ "@b.test", ALIAS_DOMAIN, "b.test" },
		{ "| p q", ALIAS_PROGRAM, "p q" },
		{ "|", ALIAS_PROGRAM, "" },
		{ "/f", ALIAS_FILE, "/f" },
		{ ":Include: /l", ALIAS_INCLUDE, "/l" },
		{ ":include:", ALIAS_INCLUDE, "" },
		{ ":fail:", ALIAS_UNKNOWN, ":fail:" },
	};
	const char *rest;
	size_t i;

	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		is_int(alias_target(targets[i].text, &rest), targets[i].want,
		    targets[i].text);
		is_str(rest, targets[i].rest, "... and the rest");
	}
}

static void
test_bounds(void)
{
	struct alias_reader r;
	struct buf out;
	const char *why;
	unsigned line;
	char *text = malloc(ALIAS_LINE_MAX + 16);

	buf_init(&out, 4096);
	alias_reader_init(&r, ALIAS_NAMES, "a: b\0c\n", 7);
	is_int(alias_next(&r, &out, &line, &why), -1, "a NUL");
	memset(text, 'x', ALIAS_LINE_MAX + 16);
	alias_reader_init(&r, ALIAS_NAMES, text, ALIAS_LINE_MAX + 16);
	is_int(alias_next(&r, &out, &line, &why), -1, "a line without end");
	is_str(why, "the entry is too long", "... says so");
	free(text);
	buf_free(&out);
}

int
main(void)
{
	test_rows();
	test_targets();
	test_bounds();
	return done();
}
