/* SPDX-License-Identifier: ISC
 *
 * Proves how replies are read, with bounds, and what a server offers.
 */
#include "grammar/smtp_reply.h"
#include "tap.h"

/* Lines separated by LF; r what the last line gives. */
static const struct {
	const char	*lines;
	int		 r;
	unsigned	 code;
	const char	*status, *text;
} rows[] = {
	{ "250 OK", 1, 250, "", "OK" },
	{ "250", 1, 250, "", "" },
	{ "250 ", 1, 250, "", "" },
	{ "250 2.1.0 OK", 1, 250, "2.1.0", "OK" },
	{ "550 5.1.1 No such user", 1, 550, "5.1.1", "No such user" },
	{ "550 5.1.1", 1, 550, "5.1.1", "" },
	{ "550 4.1.1 contradicts", 1, 550, "", "contradicts" },
	{ "550 5.1.1.1 not a status", 1, 550, "", "5.1.1.1 not a status" },
	{ "550 5.1 neither", 1, 550, "", "5.1 neither" },
	{ "550 5.1000.1 too long", 1, 550, "", "5.1000.1 too long" },
	{ "250-a\n250-b\n250 c", 1, 250, "", "a\nb\nc" },
	{ "550-5.7.1 no\n550 5.7.2 really", 1, 550, "5.7.2", "no\nreally" },
	{ "250-a", 0, 250, "", "a" },
	{ "250-a\n251 b", 1, 251, "", "a\nb" },
	{ "250 a\tb\001c\033[2J", 1, 250, "", "a b c [2J" },
	{ "250 caf\303\251 \351", 1, 250, "", "caf\303\251 ?" },
	{ "250 trailing \t ", 1, 250, "", "trailing" },
	{ "", -1, 0, "", "" },
	{ "25", -1, 0, "", "" },
	{ "25x no", -1, 0, "", "" },
	{ "2500 no", -1, 0, "", "" },
	{ "150 no", -1, 0, "", "" },
	{ "600 no", -1, 0, "", "" },
	{ "250OK", -1, 0, "", "" },
	{ "HTTP/1.1 400 Bad Request", -1, 0, "", "" }
};

static void
check(size_t i)
{
	char status[SMTP_STATUS_MAX];
	struct smtp_reply r;
	const char *p = rows[i].lines, *end;
	int got = 0;

	smtp_reply_init(&r);
	for (;; p = end + 1) {
		end = p + strcspn(p, "\n");
		got = smtp_reply_line(&r, p, (size_t)(end - p));
		if (*end == '\0')
			break;
		is_int(got, 0, "more follows");
	}
	is_int(got, rows[i].r, rows[i].lines);
	is_int(r.code, rows[i].code, "code");
	is_str(smtp_status_text(&r.status, status), rows[i].status, "status");
	is_str(buf_str(&r.text), rows[i].text, "text");
	smtp_reply_free(&r);
}

static void
check_bounds(void)
{
	static char line[4000];
	struct smtp_reply r;
	int i, got = 0;

	memset(line, 'x', sizeof(line));
	memcpy(line, "250-", 4);
	smtp_reply_init(&r);
	for (i = 0; i < 20; i++)
		got |= smtp_reply_line(&r, line, sizeof(line));
	is_int(got, 0, "long lines are taken");
	ok(r.cut && r.text.len <= SMTP_REPLY_TEXT_MAX, "and cut");
	is_int(smtp_reply_line(&r, "250 end", 7), 1, "up to the end");
	smtp_reply_reset(&r);
	for (i = 0; i < SMTP_REPLY_LINES_MAX; i++)
		got |= smtp_reply_line(&r, "250-x", 5);
	is_int(got, 0, "so many lines are taken");
	is_int(smtp_reply_line(&r, "250-x", 5), -1, "one more is not");
	smtp_reply_reset(&r);
	ok(r.code == 0 && r.text.len == 0 && r.lines == 0, "begun again");
	is_int(smtp_reply_line(&r, "250 a\0b", 7), 1, "a NUL");
	is_str(buf_str(&r.text), "a b", "becomes a space");
	smtp_reply_free(&r);
}

static void
check_ehlo(void)
{
	static const char *const lines[] = {
		"250-mx.example greets you", "250-PIPELINING",
		"250-size 35882577", "250-8BITMIME", "250-STARTTLS",
		"250-ENHANCEDSTATUSCODES", "250-DSN", "250-CHUNKING",
		"250-AUTH CRAM-MD5 PLAIN", "250-AUTH=LOGIN", "250-SMTPUTF8",
		"250-REQUIRETLS", "250-DELIVERBY 240", "250 XPIPELINING"
	};
	struct smtp_reply r;
	struct smtp_ehlo e;
	size_t i;

	smtp_reply_init(&r);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		smtp_reply_line(&r, lines[i], strlen(lines[i]));
	smtp_ehlo_parse(&e, &r);
	is_int(e.can, 0xfff, "all of it");
	is_int((long long)e.min_by, 240, "the shortest time");
	is_int((long long)e.size, 35882577, "the size");
	is_str(e.name, "mx.example", "the name");
	smtp_reply_reset(&r);
	smtp_reply_line(&r, "250-PIPELINING", 14);
	smtp_reply_line(&r, "250 SIZE 1x", 11);
	smtp_ehlo_parse(&e, &r);
	is_int(e.can, SMTP_CAN_SIZE, "the first line offers nothing");
	is_int((long long)e.size, 0, "a size that is none");
	smtp_reply_reset(&r);
	smtp_reply_line(&r, "250 ", 4);
	smtp_ehlo_parse(&e, &r);
	is_int(e.can, 0, "an empty answer");
	smtp_reply_free(&r);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(i);
	check_bounds();
	check_ehlo();
	return done();
}
