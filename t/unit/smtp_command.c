/* SPDX-License-Identifier: ISC
 *
 * Proves how a line of a client is understood, each leniency, and which
 * fault each bad line has.
 */
#include "grammar/smtp_command.h"
#include "tap.h"

#define STR(s) s, sizeof(s) - 1

/* path: local@domain, "" null; NULL: not looked at. */
static const struct {
	const char	*line;
	size_t		 n;
	enum smtp_verb	 verb;
	enum smtp_fault	 fault;
	const char	*path;
} rows[] = {
	{ STR("QUIT"), SMTP_QUIT, SMTP_GOOD, NULL },
	{ STR("quit"), SMTP_QUIT, SMTP_GOOD, NULL },
	{ STR("QuIt  "), SMTP_QUIT, SMTP_GOOD, NULL },
	{ STR(" QUIT"), SMTP_QUIT, SMTP_GOOD, NULL },
	{ STR("QUIT now"), SMTP_QUIT, SMTP_ARG_EXTRA, NULL },
	{ STR("DATA x"), SMTP_DATA, SMTP_ARG_EXTRA, NULL },
	{ STR("RSET"), SMTP_RSET, SMTP_GOOD, NULL },
	{ STR("STARTTLS x"), SMTP_STARTTLS, SMTP_ARG_EXTRA, NULL },
	{ STR("NOOP"), SMTP_NOOP, SMTP_GOOD, NULL },
	{ STR("NOOP hello there"), SMTP_NOOP, SMTP_GOOD, NULL },
	{ STR("HELP mail"), SMTP_HELP, SMTP_GOOD, NULL },
	{ STR("VRFY"), SMTP_VRFY, SMTP_ARG_MISSING, NULL },
	{ STR("VRFY postmaster"), SMTP_VRFY, SMTP_GOOD, NULL },
	{ STR("EXPN"), SMTP_EXPN, SMTP_ARG_MISSING, NULL },
	{ STR("HELO"), SMTP_HELO, SMTP_ARG_MISSING, NULL },
	{ STR(""), SMTP_UNKNOWN, SMTP_VERB_UNKNOWN, NULL },
	{ STR("   "), SMTP_UNKNOWN, SMTP_VERB_UNKNOWN, NULL },
	{ STR("XYZZY"), SMTP_UNKNOWN, SMTP_VERB_UNKNOWN, NULL },
	{ STR("QUITS"), SMTP_UNKNOWN, SMTP_VERB_UNKNOWN, NULL },
	{ STR("QUIT\0"), SMTP_UNKNOWN, SMTP_NUL, NULL },
	{ STR("MAIL FROM:<a\0b@c>"), SMTP_MAIL, SMTP_NUL, NULL },
	{ STR("MAIL FROM:<a@b>\rRSET"), SMTP_MAIL, SMTP_CONTROL, NULL },
	{ STR("MAIL FROM:<a\001@b>"), SMTP_MAIL, SMTP_CONTROL, NULL },
	{ STR("MAIL FROM:<a\177@b>"), SMTP_MAIL, SMTP_CONTROL, NULL },
	{ STR("MAIL FROM:<\303@b>"), SMTP_MAIL, SMTP_8BIT, NULL },
	{ STR("VRFY \303"), SMTP_VRFY, SMTP_8BIT, NULL },
	{ STR("AUTH \303\251"), SMTP_AUTH, SMTP_8BIT, NULL },
	{ STR("MAIL FROM:<\302\205@b>"), SMTP_MAIL, SMTP_ADDRESS, NULL },
	{ STR("MAIL FROM:<\303\251@b\303\274.test> SMTPUTF8"), SMTP_MAIL,
	    SMTP_GOOD, "\303\251@b\303\274.test" },
	{ STR("RCPT TO:<\"\303\251 x\"@b>"), SMTP_RCPT, SMTP_GOOD,
	    "\"\303\251 x\"@b" },
	{ STR("VRFY \303\251 SMTPUTF8"), SMTP_VRFY, SMTP_GOOD, NULL },
	{ STR("\303\251"), SMTP_UNKNOWN, SMTP_8BIT, NULL },
	/* paths */
	{ STR("MAIL FROM:<a@b>"), SMTP_MAIL, SMTP_GOOD, "a@b" },
	{ STR("MAIL FROM:<>"), SMTP_MAIL, SMTP_GOOD, "" },
	{ STR("mail from:<a@b>"), SMTP_MAIL, SMTP_GOOD, "a@b" },
	{ STR("MAIL FROM: <a@b>"), SMTP_MAIL, SMTP_GOOD, "a@b" },
	{ STR("MAIL FROM:\t <a@b> "), SMTP_MAIL, SMTP_GOOD, "a@b" },
	{ STR("MAIL FROM:a@b"), SMTP_MAIL, SMTP_GOOD, "a@b" },
	{ STR("MAIL FROM: a@b SIZE=1"), SMTP_MAIL, SMTP_GOOD, "a@b" },
	{ STR("MAIL FROM:\"a b\"@c"), SMTP_MAIL, SMTP_GOOD, "\"a b\"@c" },
	{ STR("MAIL FROM:<@r:a@b>"), SMTP_MAIL, SMTP_GOOD, "a@b" },
	{ STR("MAIL FROM:root"), SMTP_MAIL, SMTP_GOOD, "root" },
	{ STR("RCPT TO:<a@b>"), SMTP_RCPT, SMTP_GOOD, "a@b" },
	{ STR("rcpt to: a@b"), SMTP_RCPT, SMTP_GOOD, "a@b" },
	{ STR("RCPT TO:<Postmaster>"), SMTP_RCPT, SMTP_GOOD, "Postmaster" },
	{ STR("RCPT TO:<>"), SMTP_RCPT, SMTP_ADDRESS, NULL },
	{ STR("MAIL"), SMTP_MAIL, SMTP_NO_FROM, NULL },
	{ STR("MAIL <a@b>"), SMTP_MAIL, SMTP_NO_FROM, NULL },
	{ STR("MAIL FROM <a@b>"), SMTP_MAIL, SMTP_NO_FROM, NULL },
	{ STR("MAIL TO:<a@b>"), SMTP_MAIL, SMTP_NO_FROM, NULL },
	{ STR("RCPT FROM:<a@b>"), SMTP_RCPT, SMTP_NO_FROM, NULL },
	{ STR("MAIL FROM:"), SMTP_MAIL, SMTP_ADDRESS, NULL },
	{ STR("RCPT TO: "), SMTP_RCPT, SMTP_ADDRESS, NULL },
	{ STR("MAIL FROM:<a@b"), SMTP_MAIL, SMTP_ADDRESS, NULL },
	{ STR("MAIL FROM:a@b>"), SMTP_MAIL, SMTP_ADDRESS, NULL },
	{ STR("MAIL FROM:<a@b>SIZE=1"), SMTP_MAIL, SMTP_ADDRESS, NULL },
	{ STR("MAIL FROM:<a b@c>"), SMTP_MAIL, SMTP_ADDRESS, NULL },
	{ STR("MAIL FROM:@b"), SMTP_MAIL, SMTP_ADDRESS, NULL },
	/* parameters */
	{ STR("MAIL FROM:<a@b> SIZE=1000 BODY=8BITMIME"), SMTP_MAIL,
	    SMTP_GOOD, "a@b" },
	{ STR("MAIL FROM:<a@b>  size=1  body=7bit"), SMTP_MAIL, SMTP_GOOD,
	    "a@b" },
	{ STR("MAIL FROM:<a@b> SIZE"), SMTP_MAIL, SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> SIZE="), SMTP_MAIL, SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> SIZE=1x"), SMTP_MAIL, SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> SIZE=-1"), SMTP_MAIL, SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> SIZE=123456789012345678901"), SMTP_MAIL,
	    SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> BODY=9BIT"), SMTP_MAIL, SMTP_PARAM_VALUE,
	    NULL },
	{ STR("MAIL FROM:<a@b> SIZE=1 SIZE=1"), SMTP_MAIL, SMTP_PARAM_TWICE,
	    NULL },
	{ STR("MAIL FROM:<a@b> FOO=1"), SMTP_MAIL, SMTP_PARAM_UNKNOWN,
	    NULL },
	{ STR("MAIL FROM:<a@b> ="), SMTP_MAIL, SMTP_PARAM_UNKNOWN, NULL },
	{ STR("RCPT TO:<a@b> SIZE=1"), SMTP_RCPT, SMTP_PARAM_UNKNOWN, NULL },
	{ STR("MAIL FROM:<a@b> AUTH=<>"), SMTP_MAIL, SMTP_GOOD, "a@b" },
	{ STR("MAIL FROM:<a@b> AUTH=e+3Dmc2@c"), SMTP_MAIL, SMTP_GOOD,
	    "a@b" },
	{ STR("MAIL FROM:<a@b> AUTH="), SMTP_MAIL, SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> AUTH=a+"), SMTP_MAIL, SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> AUTH=+00@b"), SMTP_MAIL, SMTP_PARAM_VALUE,
	    NULL },
	{ STR("MAIL FROM:<a@b> SMTPUTF8=1"), SMTP_MAIL, SMTP_PARAM_VALUE,
	    NULL },
	{ STR("MAIL FROM:<a@b> REQUIRETLS RET=hdrs ENVID=a+20b"), SMTP_MAIL,
	    SMTP_GOOD, "a@b" },
	{ STR("MAIL FROM:<a@b> REQUIRETLS="), SMTP_MAIL, SMTP_PARAM_VALUE,
	    NULL },
	{ STR("MAIL FROM:<a@b> RET=some"), SMTP_MAIL, SMTP_PARAM_VALUE,
	    NULL },
	{ STR("MAIL FROM:<a@b> RET"), SMTP_MAIL, SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> ENVID="), SMTP_MAIL, SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> ENVID=a+0Ab"), SMTP_MAIL, SMTP_PARAM_VALUE,
	    NULL },
	{ STR("MAIL FROM:<a@b> ENVID=a+C3+A9"), SMTP_MAIL, SMTP_PARAM_VALUE,
	    NULL },
	{ STR("MAIL FROM:<a@b> ENVID=a+"), SMTP_MAIL, SMTP_PARAM_VALUE,
	    NULL },
	{ STR("MAIL FROM:<a@b> RET=FULL RET=FULL"), SMTP_MAIL,
	    SMTP_PARAM_TWICE, NULL },
	{ STR("MAIL FROM:<a@b> HOLDFOR=60 HOLDUNTIL=2030-01-01T00:00:00Z"),
	    SMTP_MAIL, SMTP_PARAM_TWICE, NULL },
	{ STR("MAIL FROM:<a@b> HOLDFOR=0"), SMTP_MAIL, SMTP_PARAM_VALUE,
	    NULL },
	{ STR("MAIL FROM:<a@b> HOLDFOR=1234567890"), SMTP_MAIL,
	    SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> HOLDUNTIL=2030-02-30T00:00:00Z"), SMTP_MAIL,
	    SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> HOLDUNTIL=2030-01-01T00:00:00"), SMTP_MAIL,
	    SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> HOLDUNTIL=2030-01-01T24:00:00Z"), SMTP_MAIL,
	    SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> HOLDUNTIL=30-01-01T00:00:00Z"), SMTP_MAIL,
	    SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> HOLDUNTIL=2030-01-01T00:00:00+0100"),
	    SMTP_MAIL, SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> BY=60"), SMTP_MAIL, SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> BY=;R"), SMTP_MAIL, SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> BY=60;X"), SMTP_MAIL, SMTP_PARAM_VALUE,
	    NULL },
	{ STR("MAIL FROM:<a@b> BY=60;RX"), SMTP_MAIL, SMTP_PARAM_VALUE,
	    NULL },
	{ STR("MAIL FROM:<a@b> BY=60;RTT"), SMTP_MAIL, SMTP_PARAM_VALUE,
	    NULL },
	{ STR("MAIL FROM:<a@b> BY=1234567890;R"), SMTP_MAIL,
	    SMTP_PARAM_VALUE, NULL },
	{ STR("MAIL FROM:<a@b> NOTIFY=NEVER"), SMTP_MAIL, SMTP_PARAM_UNKNOWN,
	    NULL },
	{ STR("RCPT TO:<a@b> NOTIFY=success,Delay ORCPT=rfc822;a+2Bc@b"),
	    SMTP_RCPT, SMTP_GOOD, "a@b" },
	{ STR("RCPT TO:<a@b> NOTIFY=NEVER,DELAY"), SMTP_RCPT,
	    SMTP_PARAM_VALUE, NULL },
	{ STR("RCPT TO:<a@b> NOTIFY=DELAY,"), SMTP_RCPT, SMTP_PARAM_VALUE,
	    NULL },
	{ STR("RCPT TO:<a@b> NOTIFY="), SMTP_RCPT, SMTP_PARAM_VALUE, NULL },
	{ STR("RCPT TO:<a@b> ORCPT=a@b"), SMTP_RCPT, SMTP_PARAM_VALUE,
	    NULL },
	{ STR("RCPT TO:<a@b> ORCPT=;a@b"), SMTP_RCPT, SMTP_PARAM_VALUE,
	    NULL },
	{ STR("RCPT TO:<a@b> ORCPT=rfc822;"), SMTP_RCPT, SMTP_PARAM_VALUE,
	    NULL },
	{ STR("RCPT TO:<a@b> ORCPT=rfc822;a+0D+0Ab"), SMTP_RCPT,
	    SMTP_PARAM_VALUE, NULL },
	{ STR("RCPT TO:<a@b> ORCPT=utf-8;\\x{0A}@b"), SMTP_RCPT,
	    SMTP_PARAM_VALUE, NULL },
	{ STR("RCPT TO:<a@b> ORCPT=utf-8;\\x{85}@b"), SMTP_RCPT,
	    SMTP_PARAM_VALUE, NULL },
	{ STR("RCPT TO:<a@b> ORCPT=utf-8;\\x{D800}@b"), SMTP_RCPT,
	    SMTP_PARAM_VALUE, NULL },
	{ STR("RCPT TO:<a@b> ORCPT=utf-8;\\@b"), SMTP_RCPT,
	    SMTP_PARAM_VALUE, NULL },
	{ STR("BDAT 10"), SMTP_BDAT, SMTP_GOOD, NULL },
	{ STR("bdat 0 last"), SMTP_BDAT, SMTP_GOOD, NULL },
	{ STR("BDAT"), SMTP_BDAT, SMTP_CHUNK, NULL },
	{ STR("BDAT LAST"), SMTP_BDAT, SMTP_CHUNK, NULL },
	{ STR("BDAT -1"), SMTP_BDAT, SMTP_CHUNK, NULL },
	{ STR("BDAT 1x"), SMTP_BDAT, SMTP_CHUNK, NULL },
	{ STR("BDAT 1 LAST x"), SMTP_BDAT, SMTP_CHUNK, NULL },
	{ STR("BDAT 0x10"), SMTP_BDAT, SMTP_CHUNK, NULL },
	{ STR("BDAT 9999999999999999999"), SMTP_BDAT, SMTP_CHUNK, NULL },
	{ STR("AUTH"), SMTP_AUTH, SMTP_ARG_MISSING, NULL },
	{ STR("AUTH PLAIN"), SMTP_AUTH, SMTP_GOOD, NULL },
	{ STR("AUTH PLAIN AGEAYg=="), SMTP_AUTH, SMTP_GOOD, NULL },
	{ STR("AUTH PLAIN a b"), SMTP_AUTH, SMTP_ARG_EXTRA, NULL }
};

static const struct {
	const char	*line, *helo;
} names[] = {
	{ "HELO mx.example.org", "mx.example.org" },
	{ "EHLO [192.0.2.1]", "[192.0.2.1]" },
	{ "EHLO [IPv6:2001:db8::1]", "[IPv6:2001:db8::1]" },
	{ "LHLO my_host", "my_host" },
	{ "HELO John's PC", "John?s?PC" },
	{ "HELO \303\251", "??" },
	{ "HELO (x)\\<a>\"", "?x???a??" },
	{ "HELO -", "-" }
};

static void
check(size_t i)
{
	char text[ADDRESS_TEXT_MAX];
	struct smtp_command c;

	is_int(smtp_command_parse(&c, rows[i].line, rows[i].n, SMTP_LINE_MAX),
	    rows[i].fault, rows[i].line);
	is_int(c.fault, rows[i].fault, "and it is kept");
	is_int(c.verb, rows[i].verb, "its verb");
	if (rows[i].path != NULL)
		is_str(address_text(&c.path, text), rows[i].path, "its path");
	if (rows[i].fault == SMTP_ADDRESS)
		ok(c.why[0] != '\0', "why: %s", c.why);
	else
		is_str(c.why, "", "no more to say");
}

static void
check_arguments(void)
{
	static const char mail[] = "MAIL FROM:<a@b> SIZE=99999999999999999999 "
	    "BODY=8BITMIME AUTH=e+3Dmc2@c";
	struct smtp_command c;

	smtp_command_parse(&c, STR(mail), SMTP_LINE_MAX);
	ok(c.params.given & SMTP_WITH_SIZE && c.params.size == INT64_MAX,
	    "a size beyond all measure");
	is_int(c.params.body, SMTP_BODY_8BITMIME, "BODY");
	ok(c.params.given & SMTP_WITH_AUTH, "AUTH=");
	is_str(c.params.auth.local, "e=mc2", "is decoded");
	smtp_command_parse(&c, STR("MAIL FROM:<a@b> SIZE=10"), SMTP_LINE_MAX);
	is_int((long long)c.params.size, 10, "SIZE");
	is_int(c.params.body, SMTP_BODY_NONE, "no BODY");
	smtp_command_parse(&c, STR("MAIL FROM:<a@b> RET=HDRS ENVID=a+20b+3D "
	    "BY=-30;nt HOLDUNTIL=2026-11-26T01:30:15.5+01:00"), SMTP_LINE_MAX);
	is_int(c.params.ret, SMTP_RET_HDRS, "RET");
	is_str(c.params.envid, "a b=", "ENVID is decoded");
	ok(c.params.by == -30 && c.params.by_mode == 'N' && c.params.by_trace,
	    "BY");
	is_int(c.params.hold_until, 1795653015, "HOLDUNTIL");
	smtp_command_parse(&c, STR("MAIL FROM:<a@b> HOLDFOR=3600 BY=+90;R"),
	    SMTP_LINE_MAX);
	is_int(c.params.hold_for, 3600, "HOLDFOR");
	ok(c.params.by == 90 && c.params.by_mode == 'R' && !c.params.by_trace,
	    "BY without a trace");
	smtp_command_parse(&c, STR("RCPT TO:<a@b> NOTIFY=FAILURE,success "
	    "ORCPT=rfc822;Bob+2Bx@b"), SMTP_LINE_MAX);
	is_int(c.params.notify, SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE,
	    "NOTIFY");
	is_str(c.params.orcpt, "rfc822;Bob+x@b", "ORCPT is decoded");
	smtp_command_parse(&c, STR("RCPT TO:<a@b> ORCPT=utf-8;"
	    "\\x{e9}\303\251\\x{2B}@b"), SMTP_LINE_MAX);
	is_str(c.params.orcpt, "utf-8;\303\251\303\251+@b", "in UTF-8 too");
	smtp_command_parse(&c, STR("VRFY bob SMTPUTF8"), SMTP_LINE_MAX);
	is_mem(c.arg, c.arg_len, "bob", 3, "SMTPUTF8 is no part of a name");
	ok(c.params.given & SMTP_WITH_UTF8, "but it was said");
	smtp_command_parse(&c, STR("VRFY SMTPUTF8"), SMTP_LINE_MAX);
	is_mem(c.arg, c.arg_len, "SMTPUTF8", 8, "a name it can be");
	smtp_command_parse(&c, STR("BDAT 1000 LAST"), SMTP_LINE_MAX);
	ok(c.chunk == 1000 && c.last, "BDAT");
	smtp_command_parse(&c, STR("auth plain AGEAYg=="), SMTP_LINE_MAX);
	is_str(c.mechanism, "PLAIN", "mechanism in capitals");
	is_mem(c.initial, c.initial_len, "AGEAYg==", 8, "initial response");
	smtp_command_parse(&c, STR("AUTH login"), SMTP_LINE_MAX);
	ok(c.initial == NULL, "no initial response");
	smtp_command_parse(&c, STR("AUTH 123456789012345678901234567890 x"),
	    SMTP_LINE_MAX);
	is_str(c.mechanism, "12345678901234567890", "a long mechanism");
	smtp_command_parse(&c, STR("MAIL FROM:<a@b> x\1y=3"), SMTP_LINE_MAX);
	is_str(c.word, "MAIL", "the word a fault is about");
	smtp_command_parse(&c, STR("MAIL FROM:<a@b> Foo=3"), SMTP_LINE_MAX);
	is_str(c.word, "Foo", "the parameter a fault is about");
	smtp_command_parse(&c, STR("EVIL\2VERB x"), SMTP_LINE_MAX);
	is_str(c.word, "EVIL?VERB", "is made printable");
	smtp_command_parse(&c, STR("VRFY  a b "), SMTP_LINE_MAX);
	is_mem(c.arg, c.arg_len, "a b", 3, "the argument, trimmed");
}

int
main(void)
{
	static char longest[512], huge[5000] = "HELO ";
	struct smtp_command c;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(i);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		is_int(smtp_command_parse(&c, names[i].line,
		    strlen(names[i].line), SMTP_LINE_MAX), SMTP_GOOD,
		    names[i].line);
		is_str(c.helo, names[i].helo, "the name made safe");
	}
	check_arguments();
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "NOOP ", 5);
	is_int(smtp_command_parse(&c, longest, 510, 512), SMTP_GOOD,
	    "510 octets and CRLF");
	is_int(smtp_command_parse(&c, longest, 511, 512), SMTP_LINE_TOO_LONG,
	    "one more");
	memset(huge + 5, 'x', sizeof(huge) - 5);
	smtp_command_parse(&c, huge, sizeof(huge), 10000);
	is_int((long long)strlen(c.helo), 255, "a long name is cut");
	buf_init(&b, 100);
	is_int(smtp_xtext_encode(&b, STR("a+b=c \177\0")), 0, "to xtext");
	is_str(buf_str(&b), "a+2Bb+3Dc+20+7F+00", "encoded");
	buf_reset(&b);
	is_int(smtp_xtext_decode(&b, STR("a+2Bb+3Dc+20+7F+00")), 1, "back");
	is_mem(b.data, b.len, "a+b=c \177\0", 8, "decoded");
	buf_reset(&b);
	is_int(smtp_xtext_decode(&b, STR("a+2")), 0, "cut");
	is_int(smtp_xtext_decode(&b, STR("a b")), 0, "a space");
	is_int(smtp_xtext_decode(&b, STR("a+zz")), 0, "not hex");
	is_int((long long)b.len, 0, "nothing was appended");
	buf_free(&b);
	is_str(smtp_verb_name(SMTP_RCPT), "RCPT", "a verb's name");
	is_str(smtp_verb_name(SMTP_UNKNOWN), "", "the unknown one's");
	return done();
}
