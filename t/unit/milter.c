/* SPDX-License-Identifier: ISC
 *
 * Proves the packets of the milter protocol octet by octet: those that are
 * written, those that are read, at each length that is too short, and the
 * words of a filter as an SMTP client gets them.
 */
#include "grammar/milter.h"
#include "tap.h"

#define STR(s) s, sizeof(s) - 1

/*
 * Written.
 */

static void
is_buf(struct buf *b, const char *want, size_t n, const char *what)
{
	is_mem(b->data, b->len, want, n, what);
	buf_reset(b);
}

static void
check_written(void)
{
	struct buf b;

	buf_init(&b, 1000);
	milter_put_negotiate(&b);
	is_buf(&b, STR("\0\0\0\15O" "\0\0\0\6" "\0\0\1\377"
	    "\0\37\367\377"), "negotiate");
	milter_put_connect(&b, "a.test", "192.0.2.1", 258);
	is_buf(&b, STR("\0\0\0\25" "Ca.test\0" "4\1\2" "192.0.2.1\0"),
	    "connect, IPv4");
	milter_put_connect(&b, "[x]", "2001:db8::1", 65535);
	is_buf(&b, STR("\0\0\0\24" "C[x]\0" "6\377\377" "2001:db8::1\0"),
	    "connect, IPv6");
	milter_put_connect(&b, "localhost", NULL, 0);
	is_buf(&b, STR("\0\0\0\14" "Clocalhost\0" "U"), "connect, no network");
	milter_put_argument(&b, MILTER_HELO, "c");
	is_buf(&b, STR("\0\0\0\3Hc\0"), "helo");
	milter_put_argument(&b, MILTER_MAIL, "<>");
	is_buf(&b, STR("\0\0\0\4M<>\0"), "mail");
	milter_put_header(&b, STR("A"), STR(" b\n c"), false);
	is_buf(&b, STR("\0\0\0\10LA\0b\n c\0"), "a field");
	milter_put_header(&b, STR("A"), STR(" b\0"), true);
	is_buf(&b, STR("\0\0\0\7LA\0 b \0"), "with its space, without a NUL");
	milter_put_header(&b, STR("A"), NULL, 0, false);
	is_buf(&b, STR("\0\0\0\4LA\0\0"), "an empty one");
	milter_put(&b, MILTER_EOH);
	milter_put(&b, MILTER_QUIT);
	is_buf(&b, STR("\0\0\0\1N\0\0\0\1Q"), "two without data");
	buf_free(&b);
	buf_init(&b, 8);
	milter_put_argument(&b, MILTER_HELO, "long");
	ok(buf_failed(&b), "no room is no packet");
	buf_free(&b);
}

/*
 * Read.
 */

static const struct {
	char		 letter;
	const char	*in;
	size_t		 n;
	int		 r;
	uint32_t	 index;
	const char	*name, *text;
} rows[] = {
	{ 'a', STR(""), 1, 0, NULL, NULL },
	{ 'a', STR("x"), -1, 0, NULL, NULL },
	{ 'c', STR(""), 1, 0, NULL, NULL },
	{ 'p', STR(""), 1, 0, NULL, NULL },
	{ 's', STR(""), 1, 0, NULL, NULL },
	{ 'Z', STR(""), 0, 0, NULL, NULL },
	{ '\0', STR("x"), 0, 0, NULL, NULL },
	{ '+', STR("<b@a.test>\0"), 1, 0, NULL, "<b@a.test>" },
	{ '+', STR("<b@a.test>"), -1, 0, NULL, NULL },
	{ '+', STR("<b@a.test>\0x\0"), -1, 0, NULL, NULL },
	{ '-', STR("\0"), 1, 0, NULL, "" },
	{ '-', STR(""), -1, 0, NULL, NULL },
	{ '2', STR("<b@a.test>\0NOTIFY=NEVER\0"), 1, 0, NULL, "<b@a.test>" },
	{ '2', STR("<b@a.test>\0"), 1, 0, NULL, "<b@a.test>" },
	{ 'e', STR("<>\0SIZE=1"), -1, 0, NULL, NULL },
	{ 'q', STR("looks bad\0"), 1, 0, NULL, "looks bad" },
	{ 'h', STR("X-A\0b\0"), 1, 0, "X-A", "b" },
	{ 'h', STR("X-A\0b"), -1, 0, NULL, NULL },
	{ 'h', STR("X A\0b\0"), -1, 0, NULL, NULL },
	{ 'h', STR("X:\0b\0"), -1, 0, NULL, NULL },
	{ 'h', STR("\0b\0"), -1, 0, NULL, NULL },
	{ 'h', STR("X\n\0b\0"), -1, 0, NULL, NULL },
	{ 'i', STR("\0\0\1\2X\0\0"), 1, 258, "X", "" },
	{ 'm', STR("\377\377\377\377X\0y\0"), 1, 0xffffffff, "X", "y" },
	{ 'm', STR("\0\0\0"), -1, 0, NULL, NULL },
	{ 'm', STR("\0\0\0\1"), -1, 0, NULL, NULL },
	{ 'O', STR("\0\0\0\6\0\0\0\1\0\0\0"), -1, 0, NULL, NULL },
	{ 'y', STR("550 no"), -1, 0, NULL, NULL },
};

static void
check_row(size_t i)
{
	struct milter_reply r;
	char copy[64];
	size_t n;

	is_int(milter_reply_parse(&r, rows[i].letter, rows[i].in, rows[i].n),
	    rows[i].r, rows[i].in);
	if (rows[i].r != 1)
		return;
	is_int(r.index, rows[i].index, "index");
	is_str(r.name, rows[i].name, "name");
	is_str(r.text, rows[i].text, "text");
	/* One octet less, and less: never taken for the whole. */
	for (n = 0; n < rows[i].n; n++) {
		memcpy(copy, rows[i].in, n);
		if (milter_reply_parse(&r, rows[i].letter, copy, n) == 1 &&
		    (rows[i].letter != '2' || n != 11))
			break;
	}
	is_int((long long)n, (long long)rows[i].n, "cut anywhere: malformed");
}

static void
check_options(void)
{
	static const char in[] = "\0\0\0\6\0\0\0\101\0\20\4\1"
	    "\0\0\0\2i {mail_addr}\0\0\0\0\5i\0";
	const char *p, *end, *names;
	struct milter_reply r;
	uint32_t stage;

	is_int(milter_reply_parse(&r, 'O', in, sizeof(in) - 1), 1, "options");
	is_int(r.version, 6, "version");
	is_int(r.actions, 0x41, "actions");
	is_int(r.protocol, 0x100401, "protocol");
	p = r.data;
	end = p + r.len;
	is_int(milter_symbols_next(&p, end, &stage, &names), 1, "macros");
	is_int(stage, MILTER_AT_MAIL, "of MAIL");
	is_str(names, "i {mail_addr}", "these");
	is_int(milter_symbols_next(&p, end, &stage, &names), 1, "more");
	is_int(stage, MILTER_AT_END, "of the end");
	is_str(names, "i", "this");
	is_int(milter_symbols_next(&p, end, &stage, &names), 0, "no more");
	p = r.data;
	is_int(milter_symbols_next(&p, p + 5, &stage, &names), -1, "cut");
	p = "\0\0\0\7i";
	is_int(milter_symbols_next(&p, p + 6, &stage, &names), -1,
	    "a stage that is none");
}

static const struct {
	const char	*head;
	int		 r;
	char		 letter;
	size_t		 n;
} heads[] = {
	{ "\0\0\0\1a", 0, 'a', 0 },
	{ "\0\0\1\2b", 0, 'b', 257 },
	{ "\0\20\0\1b", 0, 'b', MILTER_DATA_MAX },
	{ "\0\20\0\2b", -1, 0, 0 },
	{ "\0\0\0\0a", -1, 0, 0 },
	{ "\377\377\377\377a", -1, 0, 0 },
	{ "HTTP/", -1, 0, 0 },
};

static void
check_head(size_t i)
{
	char letter = 0;
	size_t n = 0;

	is_int(milter_head((const unsigned char *)heads[i].head, &letter, &n),
	    heads[i].r, "a head");
	if (heads[i].r == -1)
		return;
	is_int(letter, heads[i].letter, "its letter");
	is_int((long long)n, (long long)heads[i].n, "its length");
}

/*
 * Words.
 */

static const struct {
	const char	*in;
	unsigned	 code;
	const char	*out;
} words[] = {
	{ "550 5.7.1 Go away", 550, "550 5.7.1 Go away\r\n" },
	{ "451 4.7.1 Later\r\n", 451, "451 4.7.1 Later\r\n" },
	{ "550 No", 550, "550 5.7.1 No\r\n" },
	{ "450 5.7.1 No", 450, "450 4.7.1 No\r\n" },
	{ "550-5.1.2 One\r\n550 5.1.2 Two", 550,
	    "550-5.1.2 One\r\n550 5.1.2 Two\r\n" },
	{ "550-5.1.2 One\n550-5.1.2 Two\n550 5.1.2 Three", 550,
	    "550-5.1.2 One\r\n550-5.1.2 Two\r\n550 5.1.2 Three\r\n" },
	{ "550 5.7.1 100%% sure \x80\t", 550,
	    "550 5.7.1 100% sure ?\r\n" },
	{ "550 5.7.1", 550, "550 5.7.1 \r\n" },
	{ "250 2.0.0 Good", 0, "" },
	{ "354 Go on", 0, "" },
	{ "550-5.1.2 One", 0, "" },
	{ "no", 0, "" },
	{ "", 0, "" },
	/* nothing behind the reply is one */
	{ "550 5.7.1 No\r\n250 2.0.0 Yes", 550, "550 5.7.1 No\r\n" },
};

static void
check_words(size_t i)
{
	struct buf b;

	buf_init(&b, MILTER_REPLY_MAX);
	is_int(milter_reply_lines(&b, words[i].in, strlen(words[i].in)),
	    words[i].code, words[i].in);
	is_str(buf_str(&b), words[i].out, "as lines");
	buf_free(&b);
}

/* Many long lines: bounded, and the last one says that it is. */
static void
check_long(void)
{
	char in[40 * 1000];
	struct buf b;
	size_t i, n = 0, lines = 0, start = 0, longest = 0;

	for (i = 0; i < 40; i++) {
		memcpy(in + n, i < 39 ? "550-5.7.1 " : "550 5.7.1 ", 10);
		memset(in + n + 10, 'a', i == 3 ? 900 : 300);
		n += i == 3 ? 910 : 310;
		in[n++] = '\n';
	}
	buf_init(&b, MILTER_REPLY_MAX);
	is_int(milter_reply_lines(&b, in, n), 550, "40 long lines");
	for (i = 0; i < b.len; i++) {
		if (b.data[i] != '\n')
			continue;
		lines++;
		longest = i + 1 - start > longest ? i + 1 - start : longest;
		ok(b.data[start + 3] == (i + 1 == b.len ? ' ' : '-'),
		    "the last one has no hyphen");
		start = i + 1;
	}
	is_int((long long)lines, MILTER_REPLY_LINES, "are 32");
	ok(longest <= 512, "of at most 512 octets");
	buf_free(&b);
}

int
main(void)
{
	size_t i;

	check_written();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(i);
	check_options();
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		check_head(i);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		check_words(i);
	check_long();
	return done();
}
