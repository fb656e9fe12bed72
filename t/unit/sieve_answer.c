/* SPDX-License-Identifier: ISC
 *
 * Proves which messages a Sieve script sends, to the octet: who is answered and
 * who never is, that nobody is told twice, what an answer, a notification and
 * the report of a refusal say, and that no text of a stranger becomes a field.
 */
#include "sieve_one.h"

/* A reply's text behind its Date and Message-ID. */
static const char *
reply(size_t i)
{
	const char *p;

	if (i >= plan.n || plan.v[i].kind != DEST_REPLY)
		return "no reply";
	p = strstr(buf_str(&plan.v[i].reply), "Message-ID: ");
	p = p == NULL ? NULL : strchr(p, '\n');
	return p == NULL ? "no Message-ID" : p + 1;
}

/* ---- vacation: to whom ---- */

#define AWAY	"require \"vacation\"; vacation \"away\";"
#define YES_	"reply ann@a.test; keep"

static const struct {
	const char	*header, *from, *want;
} senders[] = {
	{ "To: bob@example.net\n", "ann@a.test", YES_ },
	{ "To: BOB@Example.NET\n", "ann@a.test", YES_ },
	{ "To: bob+x@example.net\n", "ann@a.test", YES_ },
	{ "Cc: x@y, Bob <bob@example.net>\n", "ann@a.test", YES_ },
	{ "Bcc: bob@example.net\n", "ann@a.test", YES_ },
	{ "Resent-To: bob@example.net\n", "ann@a.test", YES_ },
	{ "Resent-Cc: bob@example.net\n", "ann@a.test", YES_ },
	{ "Resent-Bcc: bob@example.net\n", "ann@a.test", YES_ },
	{ "To: friends: bob@example.net;\n", "ann@a.test", YES_ },
	{ "To: bob@example.org\n", "ann@a.test", YES_ },
	{ "To: bobby@example.net\n", "ann@a.test", "keep" },
	{ "To: bob@elsewhere.test\n", "ann@a.test", "keep" },
	{ "To: \"bob@example.net\" <x@y>\n", "ann@a.test", "keep" },
	{ "X-To: bob@example.net\n", "ann@a.test", "keep" },
	{ "", "ann@a.test", "keep" },
	{ "To: bob@example.net\n", "", "keep" },
	{ "To: bob@example.net\n", "bob@example.net", "keep" },
	{ "To: bob@example.net\n", "Bob+x@example.org", "keep" },
	{ "To: bob@example.net\n", "MAILER-DAEMON@a.test", "keep" },
	{ "To: bob@example.net\n", "owner-list@a.test", "keep" },
	{ "To: bob@example.net\n", "list-request@a.test", "keep" },
	{ "To: bob@example.net\n", "list-bounces+bob=x@a.test", "keep" },
	{ "To: bob@example.net\n", "Majordomo@a.test", "keep" },
	{ "To: bob@example.net\n", "listserv@a.test", "keep" },
	{ "To: bob@example.net\n", "postmaster@a.test",
	  "reply postmaster@a.test; keep" },
	{ "To: bob@example.net\n", "j" UE "@a.test",
	  "reply j" UE "@a.test; keep" },
	{ "To: bob@example.net\nList-Id: x\n", "ann@a.test", "keep" },
	{ "To: bob@example.net\nList-Help: x\n", "ann@a.test", "keep" },
	{ "To: bob@example.net\nList-Post: x\n", "ann@a.test", "keep" },
	{ "To: bob@example.net\nList-Owner: x\n", "ann@a.test", "keep" },
	{ "To: bob@example.net\nList-Archive: x\n", "ann@a.test", "keep" },
	{ "To: bob@example.net\nlist-subscribe: x\n", "ann@a.test", "keep" },
	{ "To: bob@example.net\nLIST-UNSUBSCRIBE: x\n", "ann@a.test",
	  "keep" },
	{ "To: bob@example.net\nPrecedence: bulk\n", "ann@a.test", "keep" },
	{ "To: bob@example.net\nPrecedence: JUNK\n", "ann@a.test", "keep" },
	{ "To: bob@example.net\nPrecedence:\n list\n", "ann@a.test", "keep" },
	{ "To: bob@example.net\nPrecedence: first-class\n", "ann@a.test",
	  YES_ },
	{ "To: bob@example.net\nAuto-Submitted: auto-replied\n",
	  "ann@a.test", "keep" },
	{ "To: bob@example.net\nAuto-Submitted: auto-generated; x=y\n",
	  "ann@a.test", "keep" },
	{ "To: bob@example.net\nAuto-Submitted:\n", "ann@a.test", "keep" },
	{ "To: bob@example.net\nAuto-Submitted: No\n", "ann@a.test", YES_ },
	{ "To: bob@example.net\nAuto-Submitted: no; x=y\n", "ann@a.test",
	  YES_ },
	{ "To: bob@example.net\nAuto-Submitted: none\n", "ann@a.test",
	  "keep" },
	{ "To: bob@example.net\nX-Auto-Response-Suppress: DR, OOF\n",
	  "ann@a.test", "keep" },
	{ "To: bob@example.net\nX-Auto-Response-Suppress: RN\n",
	  "ann@a.test", YES_ },
};

static void
test_senders(void)
{
	char mail[1024];
	size_t i;

	for (i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		snprintf(mail, sizeof(mail), "From: x@y\n%s\nbody\n",
		    senders[i].header);
		is_str(run(AWAY, mail, senders[i].from), senders[i].want,
		    senders[i].want);
		if (strcmp(senders[i].want, "keep") == 0 &&
		    strstr(said, "vacation: not answered: ") == NULL)
			ok(0, "it says why: %s", said);
	}
	is_str(run("require \"vacation\"; vacation :addresses [\"x@y.test\", "
	    "\"<b@else.test>\"] \"a\";", "To: B@else.test\n\n", "ann@a.test"),
	    YES_, "one of :addresses");
	is_str(run("require \"vacation\"; vacation :addresses "
	    "\"ann@a.test\" \"a\";", PLAIN, "ann@a.test"), "keep",
	    "the sender is one of :addresses");
	is_str(run("require [\"vacation\", \"editheader\"]; "
	    "addheader \"List-Id\" \"x\"; vacation \"a\";", PLAIN,
	    "ann@a.test"), "keep edited", "the edited header counts");
}

/* ---- vacation: how often ---- */

/* Two scripts or mails one after the other, the second so much later. */
static void
test_twice(const char *first, const char *then, long later, int answered,
    const char *what)
{
	forget();
	is_str(run(first, PLAIN, "ann@a.test"), YES_, what);
	mark();
	now += later;
	is_str(run(then, PLAIN, "ann@a.test"), answered ? YES_ : "keep",
	    "... the second time");
}

static void
test_often(void)
{
	static const char vars[] = "require [\"vacation\", \"variables\"]; "
	    "if header :matches \"Subject\" \"*\" "
	    "{ vacation :subject \"Re: ${1}\" \"a\"; }";

	test_twice(AWAY, AWAY, 1, 0, "once in seven days");
	test_twice(AWAY, AWAY, 7 * DAY - 1, 0, "not earlier");
	test_twice(AWAY, AWAY, 7 * DAY, 1, "but then");
	is_str(run(AWAY, PLAIN, "other@a.test"), "reply other@a.test; keep",
	    "another is answered");
	forget();
	(void)run(AWAY, PLAIN, "ann@a.test");
	mark();
	is_str(run(AWAY, PLAIN, "ANN@A.TEST"), "keep", "any letter case");
	test_twice("require \"vacation\"; vacation :days 2 \"a\";",
	    "require \"vacation\"; vacation :days 2 \"a\";", 2 * DAY, 1,
	    ":days");
	test_twice("require \"vacation\"; vacation :days 0 \"a\";",
	    "require \"vacation\"; vacation :days 0 \"a\";", DAY - 1, 0,
	    "a day at least");
	test_twice("require \"vacation\"; vacation :days 1000000000000 \"a\";",
	    "require \"vacation\"; vacation :days 1000000000000 \"a\";",
	    90 * DAY, 1, "90 days at most");
	test_twice("require \"vacation-seconds\"; vacation :seconds 60 \"a\";",
	    "require \"vacation-seconds\"; vacation :seconds 60 \"a\";", 60,
	    1, ":seconds");
	test_twice("require \"vacation-seconds\"; vacation :seconds 60 \"a\";",
	    "require \"vacation-seconds\"; vacation :seconds 60 \"a\";", 59,
	    0, "not earlier");
	test_twice("require \"vacation-seconds\"; vacation :seconds 0 \"a\";",
	    "require \"vacation-seconds\"; vacation :seconds 0 \"a\";", 0, 1,
	    "always");
	test_twice(AWAY, "require \"vacation\"; vacation \"other\";", 1, 1,
	    "another text");
	test_twice(AWAY, "require \"vacation\"; vacation :subject \"x\" "
	    "\"away\";", 1, 1, "another subject");
	test_twice(AWAY, "require \"vacation\"; vacation :from "
	    "\"b@example.net\" \"away\";", 1, 1, "another From");
	test_twice(AWAY, "require \"vacation\"; vacation :mime \"away\";", 1,
	    1, "another form");
	test_twice("require \"vacation\"; vacation :handle \"h\" \"a\";",
	    "require \"vacation\"; vacation :handle \"h\" :subject \"s\" "
	    "\"b\";", 1, 0, "the same handle");
	test_twice("require \"vacation\"; vacation :handle \"h\" \"a\";",
	    "require \"vacation\"; vacation :handle \"i\" \"a\";", 1, 1,
	    "another handle");
	forget();
	(void)run(vars, PLAIN, "ann@a.test");
	mark();
	is_str(run(vars, "To: bob@example.net\nSubject: other\n\n",
	    "ann@a.test"), "keep", "variables make no other answer");
	forget();
	is_str(run("require [\"vacation-seconds\", \"vacation\"]; vacation "
	    ":days 1 :seconds 1 \"a\";", PLAIN, "ann@a.test"), "wrong: line "
	    "1: \":days\" and \":seconds\" exclude each other",
	    ":days and :seconds");
}

/* ---- vacation: the answer ---- */

#define MIME	"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n" \
		"Content-Transfer-Encoding: 7bit\n\n"
#define IDS	"In-Reply-To: <1@a.test>\nReferences: <1@a.test>\n"

static const struct {
	const char	*tags, *mail, *want;
} answers[] = {
	{ "\"away\"", PLAIN, "From: bob@example.net\nTo: ann@a.test\n"
	  "Subject: Auto: hi\n" IDS "Auto-Submitted: auto-replied\n" MIME
	  "away\n" },
	{ ":subject \"gone\" :from \"Bob B <b@example.net>\" \"away\r\nfor "
	  "long\"", PLAIN, "From: Bob B <b@example.net>\nTo: ann@a.test\n"
	  "Subject: gone\n" IDS "Auto-Submitted: auto-replied\n" MIME
	  "away\nfor long\n" },
	{ "\"away\"", "To: bob@example.net\n\n", "From: bob@example.net\n"
	  "To: ann@a.test\nSubject: Automated reply\n"
	  "Auto-Submitted: auto-replied\n" MIME "away\n" },
	{ "\"away\"", "To: bob@example.net\nSubject: =?utf-8?q?a=0ABcc:_x?="
	  "\n\n", "From: bob@example.net\nTo: ann@a.test\n"
	  "Subject: Auto: a Bcc: x\nAuto-Submitted: auto-replied\n" MIME
	  "away\n" },
	{ ":subject \"" UE "\" \"f" UE "r\"", "To: bob@example.net\n\n",
	  "From: bob@example.net\nTo: ann@a.test\n"
	  "Subject: =?utf-8?B?w7w=?=\nAuto-Submitted: auto-replied\n"
	  "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
	  "Content-Transfer-Encoding: quoted-printable\n\nf=C3=BCr\n" },
	{ ":mime \"Content-Type: text/html\r\nBcc: x@y\r\n\r\n<p>\"",
	  "To: bob@example.net\n\n", "From: bob@example.net\n"
	  "To: ann@a.test\nSubject: Automated reply\n"
	  "Auto-Submitted: auto-replied\nMIME-Version: 1.0\n"
	  "Content-Type: text/html\n\n<p>\n" },
	{ ":subject \"a\r\nBcc: x@y\r\n\r\nb\" \"away\"",
	  "To: bob@example.net\n\n", "From: bob@example.net\n"
	  "To: ann@a.test\nSubject: a Bcc: x@y  b\n"
	  "Auto-Submitted: auto-replied\n" MIME "away\n" },
};

static void
test_answers(void)
{
	char script[1024];
	size_t i;

	forget();
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		snprintf(script, sizeof(script), "require \"vacation\"; "
		    "vacation %s;", answers[i].tags);
		is_str(run(script, answers[i].mail, "ann@a.test"), YES_,
		    "answered");
		is_str(reply(0), answers[i].want, "the answer");
	}
	is_str(run_for(AWAY, "To: Bob+x@example.net\n\n", "j" UE "@a.test",
	    "bob+x@example.net"), "reply j" UE "@a.test; keep",
	    "an address in UTF-8");
	is_str(reply(0), "From: bob@example.net\nTo: j" UE "@a.test\n"
	    "Subject: Automated reply\nAuto-Submitted: auto-replied\n" MIME
	    "away\n", "it is as it was");
	is_str(run("require \"vacation\"; vacation :from \"rubbish\" \"a\";",
	    PLAIN, "ann@a.test"), "wrong: line 1: \"vacation\": \":from\" is "
	    "no address", "a From that is none");
	is_str(run("require [\"vacation\", \"variables\"]; set \"f\" \"x\"; "
	    "vacation :from \"${f}\" \"a\";", PLAIN, "ann@a.test"),
	    "broken: keep", "the same at run time");
	is_str(run("require \"vacation\"; vacation :mime \"Content-Type: "
	    UE "\r\n\r\nx\";", PLAIN, "ann@a.test"), "wrong: line 1: "
	    "\"vacation\": the MIME header is not in ASCII", "8-bit header");
}

/* What a stranger makes long is bounded, and no reason to try again. */
static void
test_long(void)
{
	static char script[4096], mail[200000];
	size_t i;

	strlcpy(mail, "To: bob@example.net\nSubject: ", sizeof(mail));
	for (i = 0; i < 60000; i++)
		strlcat(mail + i * 2, UE, sizeof(mail) - i * 2);
	strlcat(mail, "\n\nbody\n", sizeof(mail));
	is_str(run(AWAY, mail, "ann@a.test"), YES_, "a subject of 120 kB");
	ok(plan.v[0].reply.len < 1u << 18, "is cut in the answer");
	strlcpy(script, "require \"enotify\";", sizeof(script));
	for (i = 0; i < 31; i++)
		snprintf(script + strlen(script), sizeof(script) -
		    strlen(script), "notify \"mailto:a%zu@y.test,b%zu@y.test,"
		    "c%zu@y.test\";", i, i, i);
	is_str(run(script, mail, "ann@a.test"), "broken: keep",
	    "very many notifications of it");
	is_str(run(ALL "reject \"" UE "\";", mail, "ann@a.test"),
	    "reply ann@a.test; discard", "refused");
}

/* ---- the report of a refusal ---- */

static void
test_report(void)
{
	const char *p;

	is_str(run(ALL "reject \"n" UE ", never\";", "Subject: S\nTo: b@x\n"
	    "Message-ID: <9@a>\n\nsecret\n", "ann@a.test"),
	    "reply ann@a.test; discard", "a report");
	p = reply(0);
	ok(strncmp(p, "From: bob@example.net\nTo: ann@a.test\n", 37) == 0,
	    "from him to the sender");
	ok(strstr(p, "report-type=disposition-notification") != NULL,
	    "it is one");
	ok(strstr(p, "n=C3=BC, never\n") != NULL, "his words are in it");
	ok(strstr(p, "Disposition: automatic-action/MDN-sent-automatically; "
	    "deleted\n") != NULL, "the disposition");
	ok(strstr(p, "Final-Recipient: rfc822; bob@example.net\n") != NULL,
	    "the recipient");
	ok(strstr(p, "Original-Message-ID: <9@a>\n") != NULL, "which it was");
	ok(strstr(p, "Subject: S\n") != NULL, "its header is in it");
	ok(strstr(p, "secret") == NULL, "its text is not");
	(void)run(ALL "reject \"n" UE "\";", "Subject: a\rb\r\n\r\n",
	    "ann@a.test");
	ok(strstr(reply(0), "Subject: ab\n") != NULL &&
	    strchr(reply(0), '\r') == NULL, "its lines end in LF");
}

/* ---- notifications ---- */

#define TELL	"require [\"enotify\", \"variables\"];"

static const struct {
	const char	*script, *mail, *want, *text;
} notes[] = {
	{ "notify \"mailto:x@y.test\";", PLAIN, "reply x@y.test; keep",
	  "From: bob@example.net\nTo: x@y.test\nSubject: hi\n" MIME
	  "From: Ann <ann@a.test>\nSubject: hi\n" },
	{ "notify :message \"boo\" \"mailto:x@y.test\";", PLAIN,
	  "reply x@y.test; keep", "From: bob@example.net\nTo: x@y.test\n"
	  "Subject: boo\n" MIME },
	{ "notify :importance \"1\" :from \"B <b@c.test>\" "
	  "\"MAILTO:x@y.test?subject=a%20b&body=c%0D%0Ad\";", PLAIN,
	  "reply x@y.test; keep", "From: B <b@c.test>\nTo: x@y.test\n"
	  "Subject: a b\nImportance: high\n" MIME "c\nd\n" },
	{ "notify \"mailto:a@y.test,b@y.test?cc=c@y.test&to=d@y.test"
	  "&CC=e@y.test&body=\";", PLAIN, "reply a@y.test; reply b@y.test; "
	  "reply d@y.test; reply c@y.test; reply e@y.test; keep",
	  "From: bob@example.net\nTo: a@y.test,\n b@y.test,\n d@y.test\n"
	  "Cc: c@y.test,\n e@y.test\nSubject: hi\n" MIME },
	{ "notify \"mailto:x@y.test?from=e@f&bcc=g@h&auto-submitted=no&date=x"
	  "&x-good=1&content-type=x&resent-to=i@j&body=\";", PLAIN,
	  "reply x@y.test; keep", "From: bob@example.net\nTo: x@y.test\n"
	  "Subject: hi\nX-good: 1\n" MIME },
	{ "notify \"mailto:x@y.test?x-a=1%0D%0ABcc:%20e@f&body=\";", PLAIN,
	  "reply x@y.test; keep", "From: bob@example.net\nTo: x@y.test\n"
	  "Subject: hi\nX-a: 1 Bcc: e@f\n" MIME },
	{ "notify :message \"a\" \"mailto:j%C3%BC@y.test\";", PLAIN,
	  "reply j" UE "@y.test; keep", "From: bob@example.net\n"
	  "To: j" UE "@y.test\nSubject: a\n" MIME },
	{ "notify :message \"a\" \"mailto:x@y.test\"; "
	  "notify :message \"b\" \"mailto:X <x@Y.test>\";", PLAIN,
	  "wrong: line 1: \"notify\": that is no good mailto: URI", NULL },
	{ "notify :message \"a\" \"mailto:x@y.test\"; "
	  "notify :message \"b\" \"mailto:x@Y.test,z@y.test\";", PLAIN,
	  "reply x@y.test; reply z@y.test; keep", NULL },
	{ "notify \"mailto:\";", PLAIN, "keep", NULL },
	{ "notify \"mailto:x\";", PLAIN, "wrong: line 1: \"notify\": that is "
	  "no good mailto: URI", NULL },
	{ "notify \"mailto:x%@y.test\";", PLAIN, "wrong: line 1: \"notify\": "
	  "that is no good mailto: URI", NULL },
	{ "notify \"mailto:x@y.test?subject\";", PLAIN, "wrong: line 1: "
	  "\"notify\": that is no good mailto: URI", NULL },
	{ "notify \"mailto:x@y.test?subject=%00\";", PLAIN, "wrong: line 1: "
	  "\"notify\": that is no good mailto: URI", NULL },
	{ "notify \"xmpp:x@y.test\";", PLAIN, "broken: keep", NULL },
	{ "notify :importance \"4\" \"mailto:x@y.test\";", PLAIN, "wrong: line "
	  "1: \"notify\": \":importance\" is \"1\", \"2\" or \"3\"", NULL },
	{ "notify :from \"x\" \"mailto:x@y.test\";", PLAIN, "wrong: line 1: "
	  "\"notify\": \":from\" is no address", NULL },
	{ "notify \"mailto:x@y.test\";", "Auto-Submitted: auto-notified\n\n",
	  "keep", NULL },
	{ "notify :message \"a\" \"mailto:x@y.test\";",
	  "Auto-Submitted: NO\n\n", "reply x@y.test; keep", NULL },
	{ "notify \"mailto:x@y.test\"; discard;", PLAIN,
	  "reply x@y.test; discard", NULL },
	{ "if valid_notify_method \"mailto:x@y.test\" { discard; }", PLAIN,
	  "discard", NULL },
	{ "if valid_notify_method [\"mailto:x@y.test\", \"tel:1\"] "
	  "{ discard; }", PLAIN, "keep", NULL },
	{ "if valid_notify_method \"mailto:x@\" { discard; }", PLAIN, "keep",
	  NULL },
	{ "if notify_method_capability \"mailto:x@y.test\" \"Online\" "
	  "\"maybe\" { discard; }", PLAIN, "discard", NULL },
	{ "if notify_method_capability \"mailto:x@y.test\" \"online\" "
	  "[\"yes\", \"no\"] { discard; }", PLAIN, "keep", NULL },
	{ "if notify_method_capability :contains \"mailto:x@y.test\" "
	  "\"other\" \"\" { discard; }", PLAIN, "keep", NULL },
	{ "if notify_method_capability \"tel:1\" \"online\" \"maybe\" "
	  "{ discard; }", PLAIN, "keep", NULL },
};

static void
test_notes(void)
{
	char script[1024];
	size_t i;

	for (i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		snprintf(script, sizeof(script), TELL "%s", notes[i].script);
		is_str(run(script, notes[i].mail, "ann@a.test"),
		    notes[i].want, notes[i].want);
		if (notes[i].text == NULL)
			continue;
		is_str(reply(0), notes[i].text, "the notification");
		ok(strncmp(buf_str(&plan.v[0].reply), "Auto-Submitted: "
		    "auto-notified; owner-email=\"bob@example.net\"\nDate: ",
		    67) == 0, "it says that it is one");
	}
	is_str(run(TELL "notify :message \"a\" \"mailto:x@y.test\";", PLAIN,
	    ""), "reply x@y.test; keep", "of a bounce too");
	is_str(run(TELL "notify \"mailto:a@y,b@y,c@y,d@y,e@y,f@y,g@y,h@y,"
	    "i@y\";", PLAIN, "ann@a.test"), "wrong: line 1: \"notify\": that "
	    "is no good mailto: URI", "nine addresses");
}

int
main(void)
{
	if (begin() == -1)
		return 1;
	test_senders();
	test_often();
	test_answers();
	test_long();
	test_report();
	test_notes();
	return end();
}
