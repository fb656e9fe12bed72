/* SPDX-License-Identifier: ISC
 *
 * Proves the small rules of IMAP commands: what each takes, what it leaves,
 * what it calls malformed, and that a command cut anywhere is never read past
 * its end (under a sanitizer).
 */
#include <stdlib.h>

#include "bytes/buf.h"
#include "grammar/imap_lex.h"
#include "grammar/imap_set.h"
#include "grammar/imap_write.h"
#include "tap.h"

typedef int rule(struct imap_lex *, struct imap_string *);

static const struct {
	const char	*name;
	rule		*rule;
	const char	*in;
	size_t		 len;		/* 0: all of in */
	int		 r;
	const char	*want, *rest;
} strings[] = {
	{ "tag", imap_lex_tag, "a1]. x", 0, 1, "a1].", " x" },
	{ "tag", imap_lex_tag, "a+b", 0, 1, "a", "+b" },
	{ "tag", imap_lex_tag, "+", 0, 0, NULL, "+" },
	{ "tag", imap_lex_tag, "", 0, 0, NULL, "" },
	{ "tag", imap_lex_tag, "\"q\" x", 0, 0, NULL, "\"q\" x" },
	{ "atom", imap_lex_atom, "abc(d", 0, 1, "abc", "(d" },
	{ "atom", imap_lex_atom, "a]b", 0, 1, "a", "]b" },
	{ "atom", imap_lex_atom, "}x{", 0, 1, "}x", "{" },
	{ "atom", imap_lex_atom, "\xc3\xa9", 0, 0, NULL, "\xc3\xa9" },
	{ "atom", imap_lex_atom, "a\x7f", 0, 1, "a", "\x7f" },
	{ "string", imap_lex_string, "\"a b\" c", 0, 1, "a b", " c" },
	{ "string", imap_lex_string, "\"a\\\"b\\\\\"", 0, 1, "a\"b\\", "" },
	{ "string", imap_lex_string, "\"\"", 0, 1, "", "" },
	{ "string", imap_lex_string, "\"a\\b\"", 0, -1, NULL, NULL },
	{ "string", imap_lex_string, "\"open", 0, -1, NULL, NULL },
	{ "string", imap_lex_string, "\"open\\", 0, -1, NULL, NULL },
	{ "string", imap_lex_string, "\"a\0b\"", 5, -1, NULL, NULL },
	{ "string", imap_lex_string, "\"a\r\nb\"", 0, -1, NULL, NULL },
	{ "string", imap_lex_string, "\"\xc3\xa9\"", 0, 1, "\xc3\xa9", "" },
	{ "string", imap_lex_string, "{3}\r\na\"b x", 0, 1, "a\"b", " x" },
	{ "string", imap_lex_string, "{3+}\r\n\r\nz", 0, 1, "\r\nz", "" },
	{ "string", imap_lex_string, "{0}\r\n", 0, 1, "", "" },
	{ "string", imap_lex_string, "{4}\r\nabc", 0, -1, NULL, NULL },
	{ "string", imap_lex_string, "{1}\r\n\0", 6, -1, NULL, NULL },
	{ "string", imap_lex_string, "{1}x", 0, -1, NULL, NULL },
	{ "string", imap_lex_string, "{1}\nx", 0, -1, NULL, NULL },
	{ "string", imap_lex_string, "{}\r\n", 0, -1, NULL, NULL },
	{ "string", imap_lex_string, "{-1}\r\n", 0, -1, NULL, NULL },
	{ "string", imap_lex_string, "{99999999999999999999999}\r\n", 0, -1,
	    NULL, NULL },
	{ "string", imap_lex_string, "atom", 0, 0, NULL, "atom" },
	{ "astring", imap_lex_astring, "a]b c", 0, 1, "a]b", " c" },
	{ "astring", imap_lex_astring, "a%", 0, 1, "a", "%" },
	{ "literal8", imap_lex_literal8, "~{1}\r\n\0 x", 9, 1, "", " x" },
	{ "literal8", imap_lex_literal8, "~NIL", 0, -1, NULL, NULL },
	{ "literal8", imap_lex_literal8, "{1}\r\na", 0, 0, NULL,
	    "{1}\r\na" },
	{ "nstring", imap_lex_nstring, "nil", 0, 1, NULL, "" },
	{ "nstring", imap_lex_nstring, "\"nil\"", 0, 1, "nil", "" },
	{ "list-mailbox", imap_lex_list_mailbox, "a.%*", 0, 1, "a.%*", "" },
	{ "list-mailbox", imap_lex_list_mailbox, "\"\"", 0, 1, "", "" },
	{ "mailbox", imap_lex_mailbox, "iNbOx", 0, 1, "INBOX", "" },
	{ "mailbox", imap_lex_mailbox, "\"inbox\"", 0, 1, "INBOX", "" },
	{ "mailbox", imap_lex_mailbox, "{5}\r\nInbox", 0, 1, "INBOX", "" },
	{ "mailbox", imap_lex_mailbox, "Inbox.a", 0, 1, "Inbox.a", "" },
};

static void
test_strings(void)
{
	struct imap_string s;
	struct imap_lex l;
	char name[200], *copy;
	size_t i, n;
	int r;

	for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		n = strings[i].len ? strings[i].len : strlen(strings[i].in);
		/* A block of its own, so that reading past it is seen. */
		copy = malloc(n + (n == 0));
		memcpy(copy, strings[i].in, n);
		imap_lex_init(&l, copy, n);
		memset(&s, 0, sizeof(s));
		r = strings[i].rule(&l, &s);
		snprintf(name, sizeof(name), "%s: row %zu", strings[i].name,
		    i);
		is_int(r, strings[i].r, name);
		if (r == 1)
			is_str(s.s, strings[i].want, name);
		if (r != -1)
			is_mem(l.p, (size_t)(l.end - l.p), strings[i].rest,
			    strlen(strings[i].rest), name);
		else
			ok(l.error != NULL, "%s", l.error);
		imap_lex_free(&l);
		free(copy);
	}
}

static void
test_numbers(void)
{
	static const struct {
		const char *in;
		int r;
		uint32_t want;
	} rows[] = {
		{ "0", 1, 0 }, { "4294967295", 1, UINT32_MAX },
		{ "4294967296", -1, 0 }, { "99999999999999999999", -1, 0 },
		{ "x", 0, 0 }, { "", 0, 0 },
	};
	struct imap_lex l;
	uint32_t n;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = 0;
		imap_lex_init(&l, rows[i].in, strlen(rows[i].in));
		is_int(imap_lex_number(&l, &n), rows[i].r, rows[i].in);
		is_int(n, rows[i].want, "its value");
		imap_lex_free(&l);
	}
	imap_lex_init(&l, "01", 2);
	is_int(imap_lex_nz_number(&l, &n), -1, "an nz-number is not 01");
	imap_lex_free(&l);
}

static void
test_words(void)
{
	struct imap_lex l;

	imap_lex_init(&l, "Flags.silent (x)", 16);
	is_int(imap_lex_word(&l, "FLAGS"), 0, "a word is whole");
	is_int(imap_lex_word(&l, "FLAGS.SILENT"), 1, "in any letter case");
	is_int(imap_lex_need_sp(&l), 1, "a space");
	is_int(imap_lex_need_sp(&l), -1, "only one");
	is_int(imap_lex_need_end(&l), -1, "not the end");
	imap_lex_free(&l);
}

static const struct {
	const char	*in;
	int		 r;
	uint64_t	 size;
	int		 sync;
} announcements[] = {
	{ "a LOGIN {5}", 1, 5, 1 }, { "a LOGIN {5+}", 1, 5, 0 },
	{ "{0}", 1, 0, 1 }, { "a LOGIN {5} ", 0, 0, 0 },
	{ "a {}", 0, 0, 0 }, { "a {+}", 0, 0, 0 }, { "a 5}", 0, 0, 0 },
	{ "}", 0, 0, 0 }, { "", 0, 0, 0 }, { "a {5++}", 0, 0, 0 },
	{ "a {5-}", 0, 0, 0 }, { "a {4294967296}", 1, 4294967296ULL, 1 },
	{ "a {99999999999999999999999+}", -1, UINT64_MAX, 0 },
};

static void
test_announcements(void)
{
	uint64_t size;
	size_t i;
	int sync, r;

	for (i = 0; i < sizeof(announcements) / sizeof(announcements[0]);
	    i++) {
		r = imap_line_literal(announcements[i].in,
		    strlen(announcements[i].in), &size, &sync);
		is_int(r, announcements[i].r, announcements[i].in);
		if (r == 0)
			continue;
		is_int((long long)size, (long long)announcements[i].size,
		    "its size");
		is_int(sync, announcements[i].sync, "to be waited for");
	}
}

static void
test_flags(void)
{
	static const struct {
		const char *in;
		int r;
		const char *want;
	} rows[] = {
		{ "()", 1, "" },
		{ "(\\seen \\DELETED a B)", 1, "\\Deleted \\Seen a B" },
		{ "(a A a)", 1, "a" },
		{ "(\\Recent)", -1, NULL }, { "(\\Foo)", -1, NULL },
		{ "(a b", -1, NULL }, { "( a)", -1, NULL },
		{ "(a  b)", -1, NULL }, { "a b", 1, "a b" },
		{ "\\Flagged", 1, "\\Flagged" }, { "", -1, NULL },
	};
	struct imap_lex l;
	struct imap_flags f;
	struct buf b;
	size_t i, k;
	int r;

	buf_init(&b, 1000);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		imap_lex_init(&l, rows[i].in, strlen(rows[i].in));
		r = imap_lex_store_flags(&l, &f);
		is_int(r, rows[i].r, rows[i].in);
		buf_reset(&b);
		if (r == 1) {
			imap_write_flags(&b, f.system);
			for (k = 0; k < f.nkeywords; k++)
				buf_addf(&b, "%s%s", b.len > 0 ? " " : "",
				    f.keyword[k].s);
			is_str(buf_str(&b), rows[i].want, "what it holds");
		}
		imap_lex_free(&l);
	}
	buf_reset(&b);
	for (i = 0; i <= IMAP_MAX_KEYWORDS; i++)
		buf_addf(&b, "%sk%zu", i > 0 ? " " : "", i);
	imap_lex_init(&l, b.data, b.len);
	is_int(imap_lex_store_flags(&l, &f), -1, "too many keywords");
	imap_lex_free(&l);
	buf_free(&b);
}

static void
test_dates(void)
{
	static const struct {
		const char *in;
		int r;
		int64_t want;
	} rows[] = {
		{ "\"17-Jul-1996 02:44:25 -0700\"", 1, 837596665 },
		{ "\" 7-Jul-1996 02:44:25 +0000\"", 1, 836707465 },
		{ "\"17-Jul-1996 02:44:25\"", -1, 0 },
		{ "\"17-Jul-1996", -1, 0 }, { "\"\"", -1, 0 },
	};
	struct imap_lex l;
	int64_t t;
	size_t i;
	int r;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		imap_lex_init(&l, rows[i].in, strlen(rows[i].in));
		r = imap_lex_date_time(&l, &t);
		is_int(r, rows[i].r, rows[i].in);
		if (r == 1)
			is_int(t, rows[i].want, "its time");
		imap_lex_free(&l);
	}
	imap_lex_init(&l, "1-Feb-1994 x", 12);
	is_int(imap_lex_date(&l, &t), 1, "a date");
	is_int(t, 760060800, "its midnight");
	imap_lex_free(&l);
	imap_lex_init(&l, "\"01-feb-1994\"", 13);
	is_int(imap_lex_date(&l, &t), 1, "a quoted date");
	is_int(t, 760060800, "is the same");
	imap_lex_free(&l);
	imap_lex_init(&l, "1-Fub-1994", 10);
	is_int(imap_lex_date(&l, &t), -1, "no such month");
	imap_lex_free(&l);
}

static void
test_sets(void)
{
	static const struct {
		const char *in;
		int star, r;
		uint32_t max;
		const char *want;
	} rows[] = {
		{ "1", 1, 1, 9, "1" }, { "2,4:7,9,12:*", 1, 1, 15,
		    "2,4:7,9,12:15" },
		{ "*:4,5:7", 1, 1, 10, "4:10" }, { "4:2", 1, 1, 9, "2:4" },
		{ "559:*", 1, 1, 100, "100:559" }, { "*", 1, 1, 0, "" },
		{ "1:4294967295", 1, 1, 9, "1:4294967295" },
		{ "3,1,2,2:5,9", 1, 1, 9, "1:5,9" }, { "*", 0, 0, 9, "" },
		{ "0", 1, -1, 9, NULL }, { "1:", 1, -1, 9, NULL },
		{ "1,", 1, -1, 9, NULL }, { "a", 1, 0, 9, "" },
		{ "$", 1, 1, 9, "" }, { "$", 0, 0, 9, "" },
		{ "$x", 1, 0, 9, "" },
		{ "1:*", 0, -1, 9, NULL }, { "4294967296", 1, -1, 9, NULL },
	};
	struct imap_lex l;
	struct imap_set s;
	struct buf b;
	size_t i;
	int r;

	buf_init(&b, 1000);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		imap_lex_init(&l, rows[i].in, strlen(rows[i].in));
		imap_set_init(&s);
		r = imap_lex_set(&l, &s, rows[i].star);
		is_int(r, rows[i].r, rows[i].in);
		if (r != -1) {
			imap_set_resolve(&s, rows[i].max);
			buf_reset(&b);
			imap_set_write(&b, &s);
			is_str(buf_str(&b), rows[i].want, "resolved");
		}
		imap_set_free(&s);
		imap_lex_free(&l);
	}
	imap_set_init(&s);
	for (i = 1; i < 10; i += i == 4 ? 3 : 1)
		imap_set_add(&s, (uint32_t)i);
	buf_reset(&b);
	imap_set_write(&b, &s);
	is_str(buf_str(&b), "1:4,7:9", "numbers added one by one");
	for (i = 0; i < 12; i++)
		is_int(imap_set_has(&s, (uint32_t)i), (i >= 1 && i <= 4) ||
		    (i >= 7 && i <= 9), "has what was added");
	is_int(imap_set_max(&s), 9, "its largest");
	imap_set_free(&s);
	buf_free(&b);
}

static void
test_progress(void)
{
	static const struct {
		const char *tag;
		uint32_t done, goal;
		const char *want;
	} rows[] = {
		{ "A001", 454, 1000, "INPROGRESS (\"A001\" 454 1000)" },
		{ "A001", 175, 0, "INPROGRESS (\"A001\" 175 NIL)" },
		{ "a]b", 1, 2, "INPROGRESS (NIL 1 2)" },
		{ "", 1, 2, "INPROGRESS (NIL 1 2)" },
		{ "a", 2, 2, "INPROGRESS (\"a\" 1 2)" },
		{ "a", 9, 1, "INPROGRESS (\"a\" 0 1)" },
	};
	struct buf b;
	size_t i;

	buf_init(&b, 1000);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		is_int(imap_write_progress(&b, rows[i].tag, rows[i].done,
		    rows[i].goal), 0, "progress");
		is_str(buf_str(&b), rows[i].want, "in the form of RFC 9585");
	}
	buf_free(&b);
}

int
main(void)
{
	test_strings();
	test_numbers();
	test_words();
	test_announcements();
	test_flags();
	test_dates();
	test_sets();
	test_progress();
	return done();
}
