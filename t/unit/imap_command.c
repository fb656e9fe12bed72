/* SPDX-License-Identifier: ISC
 *
 * Proves the arguments of FETCH and SEARCH, names of mailboxes and patterns
 * of LIST, row by row; every command also cut short at each octet.
 */
#include <stdlib.h>

#include "grammar/imap_fetch.h"
#include "grammar/imap_mailbox.h"
#include "grammar/imap_return.h"
#include "grammar/imap_search.h"
#include "grammar/imap_source.h"
#include "grammar/imap_write.h"
#include "tap.h"

/* A test's name on one line. */
static const char *
label(const char *in)
{
	static char name[200];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(in, "\r"), in);
	return name;
}

/* A fetch as text: the bits, then the sections. */
static void
show_fetch(struct buf *b, const struct imap_fetch *f)
{
	size_t i;

	buf_addf(b, "%u", f->items);
	for (i = 0; i < f->nsection; i++) {
		buf_addc(b, ' ');
		imap_section_write(b, &f->section[i]);
		if (f->section[i].peek)
			buf_addc(b, '!');
		if (f->section[i].partial)
			buf_addf(b, "+%ju",
			    (uintmax_t)f->section[i].length);
	}
}

static const struct {
	const char	*in;
	int		 r;
	const char	*want;		/* or what is left over */
} fetches[] = {
	{ "ALL", 1, "30" }, { "FULL", 1, "62" }, { "fast", 1, "14" },
	{ "UID", 1, "1" }, { "(UID FLAGS UID)", 1, "3" },
	{ "BODY", 1, "32" }, { "BODYSTRUCTURE", 1, "64" },
	{ "(BODY BODYSTRUCTURE ENVELOPE)", 1, "112" },
	{ "RFC822", 1, "0 RFC822" }, { "RFC822.SIZE", 1, "8" },
	{ "rfc822.header", 1, "0 RFC822.HEADER!" },
	{ "RFC822.TEXT", 1, "0 RFC822.TEXT" },
	{ "BODY[]", 1, "0 BODY[]" }, { "body.peek[]", 1, "0 BODY[]!" },
	{ "BODY[]<0.2048>", 1, "0 BODY[]<0>+2048" },
	{ "BODY[1.2.3]", 1, "0 BODY[1.2.3]" },
	{ "BODY[1.MIME]", 1, "0 BODY[1.MIME]" },
	{ "BODY[HEADER]", 1, "0 BODY[HEADER]" },
	{ "BINARY[1.2]<3.4>", 1, "0 BINARY[1.2]<3>+4" },
	{ "binary.peek[]", 1, "0 BINARY[]!" },
	{ "BINARY.SIZE[3]", 1, "0 BINARY.SIZE[3]!" },
	{ "BINARY[TEXT]", -1, "TEXT]" }, { "BINARY[1.MIME]", -1, "MIME]" },
	{ "BINARY.SIZE[1]<0.1>", 1, "0 BINARY.SIZE[1]!" },
	{ "BODY[HEADER.FIELDS (\"caf\xc3\xa9\")]", -1, ")]" },
	{ "BODY[4.2.TEXT]<5.1>", 1, "0 BODY[4.2.TEXT]<5>+1" },
	{ "BODY.PEEK[HEADER.FIELDS (Date \"From\" {2}\r\nTo)]", 1,
	    "0 BODY[HEADER.FIELDS (Date From To)]!" },
	{ "BODY[3.header.fields.not (\"a b\")]", 1,
	    "0 BODY[3.HEADER.FIELDS.NOT (\"a b\")]" },
	{ "(FLAGS BODY[HEADER.FIELDS (DATE FROM)] BODY[1])", 1,
	    "2 BODY[HEADER.FIELDS (DATE FROM)] BODY[1]" },
	{ "BODY[MIME]", -1, NULL }, { "BODY[1.]", -1, NULL },
	{ "BODY[0]", -1, NULL }, { "BODY[1..2]", -1, NULL },
	{ "BODY[HEADER.FIELDS]", -1, NULL },
	{ "BODY[HEADER.FIELDS ()]", -1, NULL },
	{ "BODY[HEADER.FIELDS (a]", -1, NULL },
	{ "BODY[FOO]", -1, NULL }, { "BODY[", -1, NULL },
	{ "BODY[1", -1, NULL }, { "BODY[]<0>", -1, NULL },
	{ "BODY[]<0.0>", -1, NULL }, { "BODY[]<.1>", -1, NULL },
	{ "FOO", -1, NULL }, { "()", -1, NULL }, { "(UID", -1, NULL },
	{ "(ALL)", -1, NULL }, { "", -1, NULL }, { "(UID  FLAGS)", -1, NULL },
};

static void
test_fetch(void)
{
	struct imap_lex l;
	struct imap_fetch f;
	struct buf b;
	size_t i, n, len;
	int r;

	buf_init(&b, 1 << 16);
	for (i = 0; i < sizeof(fetches) / sizeof(fetches[0]); i++) {
		len = strlen(fetches[i].in);
		for (n = 0; n <= len; n++) {
			char *copy = malloc(n + 1);

			memcpy(copy, fetches[i].in, n);
			imap_lex_init(&l, copy, n);
			imap_fetch_init(&f);
			r = imap_lex_fetch(&l, &f);
			if (n == len) {
				is_int(r, fetches[i].r,
				    label(fetches[i].in));
				buf_reset(&b);
				show_fetch(&b, &f);
				if (r == 1)
					is_str(buf_str(&b), fetches[i].want,
					    "what is asked");
			}
			imap_fetch_free(&f);
			imap_lex_free(&l);
			free(copy);
		}
	}
	buf_reset(&b);
	buf_addc(&b, '(');
	for (i = 0; i <= IMAP_MAX_SECTIONS; i++)
		buf_adds(&b, i > 0 ? " BODY[1]" : "BODY[1]");
	buf_addc(&b, ')');
	imap_lex_init(&l, b.data, b.len);
	imap_fetch_init(&f);
	is_int(imap_lex_fetch(&l, &f), -1, "too many sections");
	imap_fetch_free(&f);
	imap_lex_free(&l);
	buf_free(&b);
}

/* A search as a prefix expression. */
static void
show_key(struct buf *b, struct imap_search *s, uint32_t at)
{
	static const char *const names[] = {
		"and", "or", "not", "all", "flag", "keyword", "seq", "uid",
		"before", "on", "since", "sentbefore", "senton", "sentsince",
		"savedbefore", "savedon", "savedsince", "savedates", "older",
		"younger", "modseq", "emailid", "threadid", "larger", "smaller",
		"header", "body", "text"
	};
	struct imap_key *k = &s->key[at];
	uint32_t c;

	buf_adds(b, names[k->kind]);
	if (k->flag != 0)
		buf_addf(b, ":%u", k->flag);
	if (k->name.s != NULL)
		buf_addf(b, ":%s", k->name.s);
	if (k->text.s != NULL)
		buf_addf(b, ":%s", k->text.s);
	if (k->number != 0)
		buf_addf(b, ":%llu",
		    (unsigned long long)k->number);
	if (k->date != 0)
		buf_addf(b, ":%lld", (long long)(k->date / 86400));
	if (k->set.saved)
		buf_adds(b, ":$");
	if (k->set.n > 0) {
		imap_set_resolve(&k->set, 100);
		buf_addc(b, ':');
		imap_set_write(b, &k->set);
	}
	if (k->child == IMAP_KEY_NONE)
		return;
	buf_addc(b, '(');
	for (c = k->child; c != IMAP_KEY_NONE; c = s->key[c].next) {
		if (c != k->child)
			buf_addc(b, ' ');
		show_key(b, s, c);
	}
	buf_addc(b, ')');
}

static const struct {
	const char	*in;
	int		 r;
	const char	*want;
} searches[] = {
	{ "ALL", 1, "and(all)" },
	{ "UNSEEN", 1, "and(not(flag:8))" },
	{ "NEW", 1, "and(and(flag:32 not(flag:8)))" },
	{ "OLD RECENT", 1, "and(not(flag:32) flag:32)" },
	{ "2:4,* UID 7", 1, "and(seq:2:4,100 uid:7)" },
	{ "FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"", 1,
	    "and(flag:2 since:8797 not(header:FROM:Smith))" },
	{ "OR SEEN (DELETED DRAFT)", 1,
	    "and(or(flag:8 and(flag:4 flag:16)))" },
	{ "HEADER X-Foo \"\"", 1, "and(header:X-Foo:)" },
	{ "KEYWORD $Junk UNKEYWORD b", 1,
	    "and(keyword:$Junk not(keyword:b))" },
	{ "LARGER 10 SMALLER 20", 1, "and(larger:10 smaller:20)" },
	{ "CHARSET UTF-8 TEXT {2}\r\n\xc3\xa9", 1, "and(text:\xc3\xa9)" },
	{ "BODY a TEXT b TO c CC d BCC e SUBJECT f", 1,
	    "and(body:a text:b header:TO:c header:CC:d header:BCC:e "
	    "header:SUBJECT:f)" },
	{ "SENTON \"2-Jan-1970\" BEFORE 3-Jan-1970", 1,
	    "and(senton:1 before:2)" },
	{ "NOT NOT ALL", 1, "and(not(not(all)))" },
	{ "OR OR ALL ALL ALL", 1, "and(or(or(all all) all))" },
	{ "$ UID $", 1, "and(seq:$ uid:$)" },
	{ "1:2,$ UID 7,$", 1, "and(seq:$:1:2 uid:$:7)" },
	{ "OR $ 1,3000:3021 TEXT {4}\r\nYYYY", 1,
	    "and(or(seq:$ seq:1,3000:3021) text:YYYY)" },
	{ "UNSEEN YOUNGER 259200", 1, "and(not(flag:8) younger:259200)" },
	{ "OLDER 1", 1, "and(older:1)" }, { "OLDER 0", -1, NULL },
	{ "YOUNGER x", -1, NULL }, { "OLDER 4294967296", -1, NULL },
	{ "SAVEDON 2-Jan-1970 SAVEDBEFORE 3-Jan-1970", 1,
	    "and(savedon:1 savedbefore:2)" },
	{ "SAVEDSINCE 2-Jan-1970 SAVEDATESUPPORTED", 1,
	    "and(savedsince:1 savedates)" },
	{ "MODSEQ 620162338", 1, "and(modseq:620162338)" },
	{ "MODSEQ \"/flags/\\\\draft\" all 9223372036854775807", 1,
	    "and(modseq:9223372036854775807)" },
	{ "MODSEQ 9223372036854775808", -1, NULL },
	{ "MODSEQ \"/flags/x\" any 1", -1, NULL },
	{ "MODSEQ \"/flags/x\" 1", -1, NULL }, { "MODSEQ", -1, NULL },
	{ "LARGER 4294967296", 1, "and(larger:4294967296)" },
	{ "$x", -1, NULL }, { "$,1", -1, NULL }, { "1,$,2", -1, NULL },
	{ "", -1, NULL }, { "FOO", -1, NULL }, { "ALL ", -1, NULL },
	{ "OR ALL", -1, NULL }, { "NOT", -1, NULL }, { "()", -1, NULL },
	{ "(ALL", -1, NULL }, { "FROM", -1, NULL }, { "LARGER x", -1, NULL },
	{ "ON 32-Jan-1999", -1, NULL }, { "KEYWORD \"a\"", -1, NULL },
	{ "CHARSET UTF-8", -1, NULL }, { "UID x", -1, NULL },
	{ "HEADER a", -1, NULL }, { "0", -1, NULL },
};

static void
test_search(void)
{
	struct imap_lex l;
	struct imap_search s;
	struct buf b;
	size_t i, n, len;
	int r;

	buf_init(&b, 1 << 20);
	for (i = 0; i < sizeof(searches) / sizeof(searches[0]); i++) {
		len = strlen(searches[i].in);
		for (n = 0; n <= len; n++) {
			char *copy = malloc(n + 1);

			memcpy(copy, searches[i].in, n);
			imap_lex_init(&l, copy, n);
			imap_search_init(&s);
			r = imap_lex_search(&l, &s);
			if (n == len) {
				is_int(r, searches[i].r,
				    label(searches[i].in));
				buf_reset(&b);
				if (r == 1) {
					show_key(&b, &s, 0);
					is_str(buf_str(&b), searches[i].want,
					    "what is asked");
				}
			}
			imap_search_free(&s);
			imap_lex_free(&l);
			free(copy);
		}
	}
	for (r = 0; r < 3; r++) {
		static const char *const bomb[] = { "NOT ", "(", "ALL " };

		buf_reset(&b);
		for (i = 0; i < 20000; i++)
			buf_adds(&b, bomb[r]);
		imap_lex_init(&l, b.data, b.len);
		imap_search_init(&s);
		is_int(imap_lex_search(&l, &s), -1, "a search too large");
		ok(s.n <= IMAP_MAX_SEARCH_KEYS, "keeps to its limit");
		imap_search_free(&s);
		imap_lex_free(&l);
	}
	/* Deep, but with few keys. */
	buf_reset(&b);
	for (i = 0; i <= IMAP_MAX_SEARCH_DEPTH; i++)
		buf_addc(&b, '(');
	buf_adds(&b, "ALL");
	for (i = 0; i <= IMAP_MAX_SEARCH_DEPTH; i++)
		buf_addc(&b, ')');
	for (i = 0; i < 2; i++) {
		imap_lex_init(&l, b.data + i, b.len - 2 * i);
		imap_search_init(&s);
		is_int(imap_lex_search(&l, &s), i == 0 ? -1 : 1,
		    i == 0 ? "one level too many" : "as many as may be");
		imap_search_free(&s);
		imap_lex_free(&l);
	}
	buf_free(&b);
}

static const struct {
	const char	*name;
	int		 valid;
} names[] = {
	{ "INBOX", 1 }, { "", 1 }, { "a b", 1 }, { "a&-b", 1 },
	{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-", 1 },
	{ "Entw&APw-rfe", 1 }, { "&2D3eAA-", 1 },
	{ "a&b", 0 }, { "&", 0 }, { "&AGE-", 0 }, { "&AAA-", 0 },
	{ "&APw", 0 }, { "&A-", 0 }, { "&APx-", 0 }, { "&2D0-", 0 },
	{ "&3gDYPQ-", 0 }, { "&APw-&APw-", 0 }, { "\xc3\xbc", 0 },
	{ "a\tb", 0 }, { "&APw=-", 0 }, { "&APwA-", 0 },
	{ "a&-&APw-", 1 },
};

static const struct {
	const char	*pattern, *name;
	int		 want;
} patterns[] = {
	{ "*", "a.b", 1 }, { "%", "a.b", 0 }, { "%", "a", 1 },
	{ "%.%", "a.b", 1 }, { "%.%", "a.b.c", 0 }, { "*.c", "a.b.c", 1 },
	{ "a*b*c", "aXbYc", 1 }, { "a*b*c", "aXbY", 0 }, { "", "", 1 },
	{ "", "a", 0 }, { "a", "", 0 }, { "*", "", 1 }, { "**%%", "x", 1 },
	{ "inbox", "INBOX", 1 }, { "InBoX.a", "INBOX.a", 1 },
	{ "inbox", "INBOXES", 0 }, { "sent", "Sent", 0 },
	{ "INBOX.A", "INBOX.a", 0 }, { "I*", "INBOX", 1 },
	{ "i%", "INBOX", 1 }, { "%a%", "bab", 1 }, { "a%c*", "abc.d", 1 },
	{ "%.", "a.b", 0 }, { "*.%", "a", 0 },
};

static void
test_mailboxes(void)
{
	char long_pattern[IMAP_MAX_MAILBOX + 2], long_name[5000];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		is_int(imap_mailbox_utf7(names[i].name,
		    strlen(names[i].name)), names[i].valid, names[i].name);
	for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		is_int(imap_mailbox_match(patterns[i].pattern,
		    patterns[i].name, '.'), patterns[i].want,
		    patterns[i].pattern);
	for (i = 0; i < IMAP_MAX_MAILBOX; i++)
		long_pattern[i] = i % 2 ? 'a' : '*';
	long_pattern[i] = '\0';
	memset(long_name, 'a', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	is_int(imap_mailbox_match(long_pattern, long_name, '.'), 1,
	    "an expensive pattern is not");
	long_pattern[i] = '*';
	long_pattern[i + 1] = '\0';
	is_int(imap_mailbox_match(long_pattern, long_name, '.'), 0,
	    "a pattern too long matches nothing");
}

static void
test_write(void)
{
	struct buf b;

	buf_init(&b, 10000);
	imap_write_string(&b, "a\"b\\", 4);
	is_str(buf_str(&b), "\"a\\\"b\\\\\"", "quoted");
	buf_reset(&b);
	imap_write_string(&b, "a\r\nb\0c", 6);
	is_str(buf_str(&b), "{6}\r\na\r\nb\x80" "c", "a literal without NUL");
	buf_reset(&b);
	imap_write_string(&b, "\xc3\xa9", 2);
	is_str(buf_str(&b), "{2}\r\n\xc3\xa9", "8-bit goes as a literal");
	buf_reset(&b);
	imap_write_nstring(&b, NULL, 0);
	imap_write_nstring(&b, "", 0);
	imap_write_astring(&b, "nil", 3);
	imap_write_astring(&b, "INBOX", 5);
	imap_write_astring(&b, "", 0);
	is_str(buf_str(&b), "NIL\"\"\"nil\"INBOX\"\"", "nstring, astring");
	buf_reset(&b);
	imap_write_date_time(&b, 837596665);
	is_str(buf_str(&b), "\"17-Jul-1996 09:44:25 +0000\"", "date-time");
	buf_free(&b);
}

static const struct {
	const char	*in;
	int		 r;
	unsigned	 options;
	uint32_t	 a, b;
	int		 last;
} returns[] = {
	{ "RETURN () x", 1, IMAP_RETURN_ALL, 0, 0, 0 },
	{ "return (min Count) x", 1, IMAP_RETURN_MIN | IMAP_RETURN_COUNT,
	    0, 0, 0 },
	{ "RETURN (MAX SAVE ALL) x", 1, IMAP_RETURN_MAX | IMAP_RETURN_SAVE |
	    IMAP_RETURN_ALL, 0, 0, 0 },
	{ "RETURN (PARTIAL 23500:24000) x", 1, IMAP_RETURN_PARTIAL, 23500,
	    24000, 0 },
	{ "RETURN (PARTIAL -1:-100 MIN) x", 1, IMAP_RETURN_PARTIAL |
	    IMAP_RETURN_MIN, 1, 100, 1 },
	{ "RETURN (PARTIAL -1:100) x", -1, 0, 0, 0, 0 },
	{ "RETURN (PARTIAL 1:-100) x", -1, 0, 0, 0, 0 },
	{ "RETURN (PARTIAL 0:100) x", -1, 0, 0, 0, 0 },
	{ "RETURN (PARTIAL 1:*) x", -1, 0, 0, 0, 0 },
	{ "RETURN (PARTIAL 1) x", -1, 0, 0, 0, 0 },
	{ "RETURN (PARTIAL 1:2 PARTIAL 3:4) x", -1, 0, 0, 0, 0 },
	{ "RETURN (PARTIAL 1:2 ALL) x", -1, 0, 0, 0, 0 },
	{ "RETURN (ALL ) x", -1, 0, 0, 0, 0 },
	{ "RETURN (ALL)", -1, 0, 0, 0, 0 },
	{ "RETURN (MINI) x", -1, 0, 0, 0, 0 },
	{ "RETURN MIN x", -1, 0, 0, 0, 0 }, { "RETURN", -1, 0, 0, 0, 0 },
	{ "UNSEEN", 0, 0, 0, 0, 0 },
};

static void
test_return(void)
{
	struct imap_return ret;
	struct imap_lex l;
	size_t i, n, len;
	char *copy;
	int r;

	for (i = 0; i < sizeof(returns) / sizeof(returns[0]); i++) {
		len = strlen(returns[i].in);
		for (n = 0; n <= len; n++) {
			copy = malloc(n + 1);
			memcpy(copy, returns[i].in, n);
			imap_lex_init(&l, copy, n);
			r = imap_lex_return(&l, &ret);
			if (n == len)
				is_int(r, returns[i].r, label(returns[i].in));
			if (n == len && r == 1) {
				is_int(ret.options, returns[i].options,
				    "options");
				is_int(ret.partial.a, returns[i].a, "from");
				is_int(ret.partial.b, returns[i].b, "to");
				is_int(ret.partial.last, returns[i].last,
				    "which end");
			}
			imap_lex_free(&l);
			free(copy);
		}
	}
}

static void
test_partial(void)
{
	static const struct {
		struct imap_partial p;
		uint32_t n, lo, hi;
	} rows[] = {
		{ { 1, 5, 0 }, 9, 1, 5 }, { { 5, 1, 0 }, 9, 1, 5 },
		{ { 5, 12, 0 }, 9, 5, 9 }, { { 10, 12, 0 }, 9, 0, 0 },
		{ { 1, 5, 1 }, 9, 5, 9 }, { { 5, 1, 1 }, 9, 5, 9 },
		{ { 8, 100, 1 }, 9, 1, 2 }, { { 10, 11, 1 }, 9, 0, 0 },
		{ { 1, 1, 0 }, 0, 0, 0 }, { { 1, UINT32_MAX, 1 }, 3, 1, 3 },
	};
	uint32_t lo, hi;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		lo = hi = 0;
		is_int(imap_partial_range(&rows[i].p, rows[i].n, &lo, &hi),
		    rows[i].lo > 0, "whether there are any");
		is_int(lo, rows[i].lo, "from");
		is_int(hi, rows[i].hi, "to");
	}
}

static const struct {
	const char	*in;
	int		 r;
	const char	*want;
} sources[] = {
	{ "IN (mailboxes \"folder1\" subtree \"folder2\") unseen", 1,
	    "6:folder1 4:folder2 " },
	{ "IN (subtree-one (a b) inbOXes) x", 1, "5:a 5:b 1: " },
	{ "in (PERSONAL SUBSCRIBED selected mailboxes inbox) x", 1,
	    "2: 3: 0: 6:INBOX " },
	{ "IN () x", -1, NULL }, { "IN (selected-delayed) x", -1, NULL },
	{ "IN (mailboxes) x", -1, NULL }, { "IN (mailboxes (a) x", -1, NULL },
	{ "IN (selected (x)) y", -1, NULL }, { "IN (selected)", -1, NULL },
	{ "IN selected x", -1, NULL }, { "RETURN", 0, "" },
};

static void
test_sources(void)
{
	struct imap_sources s;
	struct imap_lex l;
	size_t i, k, n, len;
	struct buf b;
	char *copy;
	int r;

	buf_init(&b, 1000);
	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		len = strlen(sources[i].in);
		for (n = 0; n <= len; n++) {
			copy = malloc(n + 1);
			memcpy(copy, sources[i].in, n);
			imap_lex_init(&l, copy, n);
			imap_sources_init(&s);
			r = imap_lex_sources(&l, &s);
			buf_reset(&b);
			for (k = 0; k < s.n; k++)
				buf_addf(&b, "%d:%s ", s.v[k].kind,
				    s.v[k].name.s);
			if (n == len)
				is_int(r, sources[i].r, label(sources[i].in));
			if (n == len && r != -1)
				is_str(buf_str(&b), sources[i].want, "which");
			imap_sources_free(&s);
			imap_lex_free(&l);
			free(copy);
		}
	}
	buf_free(&b);
}

int
main(void)
{
	test_fetch();
	test_search();
	test_return();
	test_partial();
	test_sources();
	test_mailboxes();
	test_write();
	return done();
}
