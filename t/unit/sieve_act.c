/* SPDX-License-Identifier: ISC
 *
 * Proves what the actions of a Sieve script put into a plan, to the octet where
 * a message is made: who is answered and who never is, that nobody is told
 * twice, what an answer says, and that no text of a stranger becomes a field.
 */
#include <sys/stat.h>

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../mda-deliver/seen.h"
#include "../../mda-deliver/sieve.h"
#include "mail/metadata.h"
#include "tap.h"

#define NOW	1700000000
#define DAY	86400
#define UE	"\xc3\xbc"

static char home[] = "/tmp/sieve_act.XXXXXX";
static char mailbox[PATH_MAX];
static struct settings settings;
static struct plan plan;
static int64_t now = NOW;
static char said[65536];	/* what -t would say */

#define PLAIN	"From: Ann <ann@a.test>\nTo: Bob <bob@example.net>\n" \
		"Subject: hi\nMessage-ID: <1@a.test>\n\nbody\n"

/* ---- one run ---- */

static void
watch_line(void *arg, const char *script, unsigned line, const char *words)
{
	(void)arg;
	(void)script;
	(void)line;
	strlcat(said, words, sizeof(said));
	strlcat(said, "\n", sizeof(said));
}

static struct address
address(const char *text)
{
	struct address a;

	memset(&a, 0, sizeof(a));
	if (*text != '\0' &&
	    address_parse_utf8(&a, text, strlen(text), NULL) != 1)
		abort();
	return a;
}

/* The plan in words. */
static const char *
describe(void)
{
	static const char *const kinds[] = { "keep", "file", "mailbox",
	    "program", "forward", "discard", "reject", "reply" };
	static char text[8192];
	const struct dest *d;
	char one[1024];
	size_t i;

	text[0] = '\0';
	if (plan.kind == PLAN_BROKEN)
		strlcat(text, "broken: ", sizeof(text));
	for (i = 0; i < plan.n; i++) {
		d = &plan.v[i];
		snprintf(one, sizeof(one), "%s%s%s%s%s%s%s%s", i == 0 ? "" :
		    "; ", kinds[d->kind], d->text == NULL ? "" : " ",
		    d->text == NULL ? "" : d->text, d->create ? " create" : "",
		    d->flags == NULL ? "" : " flags ",
		    d->flags == NULL ? "" : d->flags,
		    d->edit == 0 ? "" : " edited");
		strlcat(text, one, sizeof(text));
	}
	return text;
}

static const char *
run_for(const char *script, const char *mail, const char *from, const char *to)
{
	static const struct sieve_watch watch = { watch_line, NULL };
	struct address sender = address(from), rcpt = address(to);
	const struct sieve_user user = { &settings, "bob", home, mailbox, "",
	    "" };
	const struct sieve_mail m = { mail, strlen(mail), &sender, &rcpt,
	    NULL, now };
	char error[SIEVE_ERROR_MAX];
	struct sieve_script *s;

	plan_free(&plan);
	said[0] = '\0';
	s = sieve_compile("script", script, strlen(script), error);
	if (s == NULL) {
		snprintf(said, sizeof(said), "wrong: %s", error);
		return said;
	}
	if (sieve_run(s, &user, &m, &watch, &plan) == -1)
		return "no memory";
	sieve_free(s);
	return describe();
}

static const char *
run(const char *script, const char *mail, const char *from)
{
	return run_for(script, mail, from, "bob@example.net");
}

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

/* ---- what does not go together ---- */

#define ALL	"require [\"fileinto\", \"reject\", \"ereject\", \"vacation\"," \
		" \"copy\", \"mailbox\", \"imap4flags\"];"

static const struct {
	const char	*script, *want;
} plans[] = {
	{ "", "keep" },
	{ "keep;", "keep" },
	{ "discard;", "discard" },
	{ "keep; discard;", "keep; discard" },
	{ "discard; keep;", "discard; keep" },
	{ "keep; keep;", "keep" },
	{ ALL "fileinto \"a\";", "file a" },
	{ ALL "fileinto \"a\"; fileinto \"a\";", "file a" },
	{ ALL "fileinto \"a\"; fileinto \"A\";", "file a; file A" },
	{ ALL "fileinto \"INBOX\";", "keep" },
	{ ALL "fileinto \"inbox\"; keep;", "keep" },
	{ ALL "fileinto :copy \"a\";", "file a; keep" },
	{ ALL "fileinto :copy \"a\"; discard;", "file a; discard" },
	{ ALL "fileinto :create \"a\";", "file a create" },
	{ ALL "fileinto \"a\"; fileinto :create \"a\";", "file a create" },
	{ ALL "setflag \"\\\\Seen\"; fileinto \"a\"; keep :flags \"$x\";",
	  "file a flags \\Seen; keep flags $x" },
	{ ALL "setflag \"\\\\Seen\";", "keep flags \\Seen" },
	{ ALL "fileinto \"\";", "broken: keep" },
	{ ALL "fileinto \"a..b\";", "broken: keep" },
	{ ALL "fileinto \"a\rb\";", "broken: keep" },
	{ ALL "fileinto \"..\";", "broken: keep" },
	{ ALL "fileinto \"../../x\";", "broken: keep" },
	{ "redirect \"x@y.test\";", "forward x@y.test" },
	{ "redirect \"<x@y.test>\";", "forward x@y.test" },
	{ "redirect \"x@y.test\"; redirect \"x@Y.TEST\";",
	  "forward x@y.test" },
	{ "redirect \"x@y.test\"; redirect \"X@y.test\";",
	  "forward x@y.test; forward X@y.test" },
	{ ALL "redirect :copy \"x@y.test\";", "forward x@y.test; keep" },
	{ "redirect \"j" UE "@y.test\";", "forward j" UE "@y.test" },
	{ "redirect \"bob@example.net\";", "keep" },
	{ "redirect \"a@y.test\"; redirect \"b@y.test\"; "
	  "redirect \"c@y.test\"; redirect \"d@y.test\"; "
	  "redirect \"d@y.test\";", "forward a@y.test; forward b@y.test; "
	  "forward c@y.test; forward d@y.test" },
	{ "redirect \"a@y.test\"; redirect \"b@y.test\"; "
	  "redirect \"c@y.test\"; redirect \"d@y.test\"; "
	  "redirect \"e@y.test\";", "broken: keep" },
	{ "redirect \"x\";", "wrong: line 1: \"redirect\": that is no "
	  "address" },
	{ "redirect \"\";", "wrong: line 1: \"redirect\": that is no "
	  "address" },
	{ "require \"variables\"; set \"a\" \"x\r\ny@z\";"
	  "redirect \"${a}\";", "broken: keep" },
	{ ALL "reject \"no\";", "reject 5.7.1 no" },
	{ ALL "ereject \"no\";", "reject 5.7.1 no" },
	{ ALL "reject \"no,\r\nnever  more\t!\r\n\";",
	  "reject 5.7.1 no, never more !" },
	{ ALL "ereject \"n" UE "\";",
	  "reject 5.7.1 refused by the recipient's mail filter" },
	{ ALL "ereject \"\";",
	  "reject 5.7.1 refused by the recipient's mail filter" },
	{ ALL "reject \"n" UE "\";", "reply ann@a.test; discard" },
	{ ALL "discard; reject \"no\";", "discard; reject 5.7.1 no" },
	{ ALL "keep; reject \"no\";", "broken: keep" },
	{ ALL "reject \"no\"; keep;", "broken: keep" },
	{ ALL "fileinto \"a\"; ereject \"no\";", "broken: keep" },
	{ ALL "ereject \"no\"; fileinto \"a\";", "broken: keep" },
	{ ALL "redirect \"x@y.test\"; reject \"no\";", "broken: keep" },
	{ ALL "reject \"no\"; redirect \"x@y.test\";", "broken: keep" },
	{ ALL "reject \"no\"; reject \"no\";", "broken: keep" },
	{ ALL "reject \"no\"; ereject \"no\";", "broken: keep" },
	{ ALL "vacation \"v\"; reject \"no\";", "broken: keep" },
	{ ALL "reject \"no\"; vacation \"v\";", "broken: keep" },
	{ ALL "vacation \"v\"; vacation \"v\";", "broken: keep" },
	{ ALL "vacation \"v\"; discard;", "reply ann@a.test; discard" },
};

static void
test_plans(void)
{
	char many[4096] = ALL;
	size_t i;

	for (i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
		is_str(run(plans[i].script, PLAIN, "ann@a.test"),
		    plans[i].want, plans[i].want);
	is_str(run(ALL "reject \"no\";", PLAIN, ""), "keep",
	    "the null sender is not told");
	is_str(run(ALL "reject \"n" UE "\";", PLAIN, ""), "keep",
	    "nor by a report");
	for (i = 0; i < 32; i++)
		strlcat(many, "fileinto \"a\";", sizeof(many));
	is_str(run(many, PLAIN, "ann@a.test"), "file a", "32 actions");
	strlcat(many, "keep;", sizeof(many));
	is_str(run(many, PLAIN, "ann@a.test"), "broken: keep", "not 33");
	ok(strstr(plan.error, "32 actions") != NULL, "it says so");
	is_str(run_for(ALL "fileinto \"INBOX\";", PLAIN, "ann@a.test",
	    "bob+x@example.net"), "file ",
	    "INBOX is not the folder that the address names");
}

/* ---- folders ---- */

static void
make_folder(const char *name)
{
	static const char *const parts[] = { "", "/cur", "/new", "/tmp" };
	char path[PATH_MAX + 8];
	size_t i;

	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s%s", mailbox, name,
		    parts[i]);
		(void)mkdir(path, 0700);
	}
}

static const struct {
	const char	*separator, *prefix, *name, *want;
} folders[] = {
	{ ".", "", "a.b", "file a.b" },
	{ ".", "", "a/b", "file a.b" },
	{ ".", "", "slash/ed", "file slash\\2fed" },
	{ ".", "", "INBOX.a.b", "file a.b" },
	{ ".", "", "inbox/a/b", "file a.b" },
	{ ".", "", "INBOX.own", "file INBOX.own" },
	{ ".", "", "INBOX", "keep" },
	{ ".", "", "INBOX.", "broken: keep" },
	{ ".", "", "odds & ends", "file odds &- ends" },
	{ ".", "", "R&D", "file R&D" },
	{ ".", "", "M" UE "ll", "file M&APw-ll" },
	{ ".", "", "M&APw-ll", "file M&-APw-ll" },
	{ ".", "", "\xff", "broken: keep" },
	{ "/", "", "a/b", "file a.b" },
	{ "/", "", "a.b", "file a\\2eb" },
	{ "/", "", "INBOX.a.b", "file a.b" },
	{ "/", "", "INBOX/a.b", "file a\\2eb" },
	{ ".", "INBOX.", "INBOX.a", "file a" },
	{ ".", "INBOX.", "a", "file a" },
	{ ".", "INBOX.", "a/b", "file a.b" },
	{ "/", "mail/", "mail/a", "file a" },
	{ "/", "mail/", "a", "file a" },
};

static void
test_folders(void)
{
	char *separator = settings.separator, *prefix = settings.prefix;
	char script[256], s[8], p[16];
	size_t i;

	make_folder(".slash\\2fed");
	make_folder(".INBOX.own");
	make_folder(".R&D");
	settings.separator = s;
	settings.prefix = p;
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		strlcpy(s, folders[i].separator, sizeof(s));
		strlcpy(p, folders[i].prefix, sizeof(p));
		snprintf(script, sizeof(script),
		    "require \"fileinto\"; fileinto \"%s\";",
		    folders[i].name);
		is_str(run(script, PLAIN, "ann@a.test"), folders[i].want,
		    folders[i].want);
	}
	settings.separator = separator;
	settings.prefix = prefix;
}

/* ---- mailboxes ---- */

#define BOX	"require [\"fileinto\", \"mailbox\", \"mailboxid\"," \
		" \"special-use\", \"mboxmetadata\", \"servermetadata\"," \
		" \"relational\", \"comparator-i;ascii-numeric\"];"
#define YES(test)	BOX "if " test " { discard; }", "discard"
#define NO(test)	BOX "if " test " { discard; }", "keep"

static const struct {
	const char	*script, *want;
} boxes[] = {
	{ YES("mailboxexists \"INBOX\"") },
	{ YES("mailboxexists \"Junk\"") },
	{ YES("mailboxexists [\"Junk\", \"INBOX\"]") },
	{ NO("mailboxexists [\"Junk\", \"none\"]") },
	{ NO("mailboxexists \"\"") },
	{ NO("mailboxexists \"closed\"") },
	{ YES("mailboxidexists \"0123456789abcdef\"") },
	{ NO("mailboxidexists \"0123456789abcdee\"") },
	{ NO("mailboxidexists [\"0123456789abcdef\", \"\"]") },
	{ YES("specialuse_exists \"\\\\Junk\"") },
	{ NO("specialuse_exists \"\\\\Sent\"") },
	{ NO("specialuse_exists [\"\\\\Junk\", \"\\\\Sent\"]") },
	{ NO("specialuse_exists \"\\\\Nonsense\"") },
	{ YES("specialuse_exists \"Junk\" \"\\\\Junk\"") },
	{ NO("specialuse_exists \"INBOX\" \"\\\\Junk\"") },
	{ YES("metadata \"Junk\" \"/private/comment\" \"rubbish\"") },
	{ YES("metadata :matches \"Junk\" \"/private/Comment\" \"r*h\"") },
	{ NO("metadata \"Junk\" \"/private/comment\" \"other\"") },
	{ NO("metadata \"Junk\" \"/private/none\" \"\"") },
	{ NO("metadata \"none\" \"/private/comment\" \"rubbish\"") },
	{ NO("metadata \"INBOX\" \"/private/comment\" \"rubbish\"") },
	{ YES("metadataexists \"Junk\" \"/private/comment\"") },
	{ NO("metadataexists \"Junk\" [\"/private/comment\", \"/private/x\"]") },
	{ YES("servermetadata \"/private/comment\" \"all\"") },
	{ NO("servermetadata \"/private/comment\" \"rubbish\"") },
	{ YES("servermetadataexists \"/private/comment\"") },
	{ NO("servermetadataexists \"/private/x\"") },
	{ BOX "fileinto :mailboxid \"0123456789abcdef\" \"x\";",
	  "file Junk" },
	{ BOX "fileinto :mailboxid \"nobody\" \"x\";", "file x" },
	{ BOX "fileinto :specialuse \"\\\\Junk\" \"x\";", "file Junk" },
	{ BOX "fileinto :specialuse \"\\\\Sent\" :create \"x\";",
	  "file x create" },
	{ BOX "specialuse_exists;", "wrong: line 1: \"specialuse_exists\" is "
	  "a test: it stands behind \"if\"" },
};

static void
test_boxes(void)
{
	struct mailbox_root *root;
	char path[PATH_MAX + 40];
	size_t i;
	FILE *f;

	make_folder(".Junk");
	make_folder(".closed");
	snprintf(path, sizeof(path), "%s/.closed/new", mailbox);
	(void)rmdir(path);
	snprintf(path, sizeof(path), "%s/.Junk/dovecot-uidlist", mailbox);
	f = fopen(path, "w");
	ok(f != NULL && fputs("3 V7 N1 G0123456789abcdef\n", f) >= 0 &&
	    fclose(f) == 0, "a UID list");
	ok(mailbox_root_open(mailbox, 0, &root) == MAILBOX_OK &&
	    metadata_set(root, "Junk", "/private/comment", "rubbish") ==
	    MAILBOX_OK && metadata_set(root, "", "/private/comment", "all") ==
	    MAILBOX_OK, "annotations");
	mailbox_root_close(root);
	for (i = 0; i < sizeof(boxes) / sizeof(boxes[0]); i++)
		is_str(run(boxes[i].script, PLAIN, "ann@a.test"),
		    boxes[i].want, boxes[i].script + sizeof(BOX) - 1);
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

static void
mark(void)
{
	size_t i;

	for (i = 0; i < plan.n; i++)
		if (plan.v[i].kind == DEST_REPLY &&
		    plan.v[i].mark.expires != 0)
			ok(seen_mark(home, &plan.v[i].mark, now) == 0,
			    "marked");
	for (i = 0; i < plan.nmarks; i++)
		ok(seen_mark(home, &plan.marks[i], now) == 0, "marked");
}

static void
forget(void)
{
	char path[PATH_MAX + 40];

	snprintf(path, sizeof(path), "%s/" SEEN_FILE, home);
	(void)unlink(path);
	now = NOW;
}

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
}

/* ---- edited headers ---- */

#define EDIT	"require [\"editheader\", \"fileinto\", \"copy\"];"

static const struct {
	const char	*script, *mail, *want;
} edits[] = {
	{ "addheader \"X\" \"y\";", "A: b\n\nbody", "X: y\nA: b\n\n" },
	{ "addheader :last \"X\" \"y\";", "A: b\n\nbody", "A: b\nX: y\n\n" },
	{ "addheader \"X\" \"y\";", "A: b\r\n\r\nbody",
	  "X: y\r\nA: b\r\n\r\n" },
	{ "addheader :last \"X\" \"y\";", "A: b\r\n\r\nbody",
	  "A: b\r\nX: y\r\n\r\n" },
	{ "addheader :last \"X\" \"y\";", "A: b", "A: b\nX: y\n" },
	{ "addheader \"X\" \"y\";", "\nbody", "X: y\n\n" },
	{ "addheader \"X\" \"  y \r\n\";", "\n", "X: y\n\n" },
	{ "addheader \"X\" \"y\r\n z\";", "\n", "X: y z\n\n" },
	{ "addheader \"X\" \"" UE "\";", "\n", "X: =?utf-8?B?w7w=?=\n\n" },
	{ "addheader \"X\" \"" UE "\";", "A: b\r\n\r\n",
	  "X: =?utf-8?B?w7w=?=\r\nA: b\r\n\r\n" },
	{ "deleteheader \"A\";", "A: b\nB: c\na : d\n\n", "B: c\n\n" },
	{ "deleteheader :index 1 \"A\";", "A: 1\nA: 2\n\n", "A: 2\n\n" },
	{ "deleteheader :index 2 \"A\";", "A: 1\nA: 2\n\n", "A: 1\n\n" },
	{ "deleteheader :last :index 1 \"A\";", "A: 1\nA: 2\nA: 3\n\n",
	  "A: 1\nA: 2\n\n" },
	{ "deleteheader :index 3 :last \"A\";", "A: 1\nA: 2\nA: 3\n\n",
	  "A: 2\nA: 3\n\n" },
	{ "deleteheader \"A\" \"2\";", "A: 1\nA: 2 \nB: 2\n\n",
	  "A: 1\nB: 2\n\n" },
	{ "deleteheader :contains \"A\" [\"1\", \"3\"];",
	  "A: x1\nA: 2\nA: 3x\n\n", "A: 2\n\n" },
	{ "deleteheader :matches \"A\" \"f*r\";",
	  "A: =?utf-8?q?f=C3=BCr?=\nB: c\n\n", "B: c\n\n" },
	{ "deleteheader :index 1 \"X\"; deleteheader :index 2 \"X\";",
	  "X: 1\nX: 2\nX: 3\n\n", "X: 2\n\n" },
	{ "addheader \"Received\" \"x\"; deleteheader \"Received\";",
	  "Received: y\n\n", "Received: x\nReceived: y\n\n" },
	{ "deleteheader \"A\";", "A: folded\n more\nB: c\n\n", "B: c\n\n" },
	{ "deleteheader \"A\";", "A: b\nno field\n\n", "no field\n\n" },
	{ "deleteheader \"Subject\"; addheader \"Subject\" \"new\";",
	  "Subject: old\n\n", "Subject: new\n\n" },
};

/* What leaves the header as it was, or is wrong. */
static const struct {
	const char	*script, *want;
} same[] = {
	{ "deleteheader \"Received\";", "keep" },
	{ "deleteheader \"AUTO-SUBMITTED\";", "keep" },
	{ "deleteheader \"X-None\";", "keep" },
	{ "deleteheader :index 0 \"A\";", "keep" },
	{ "deleteheader :index 9 \"A\";", "keep" },
	{ "deleteheader :index 1 :contains \"A\" \"2\";", "keep" },
	{ "deleteheader :last \"A\";", "wrong: line 1: \"deleteheader\": "
	  "\":last\" stands without \":index\"" },
	{ "deleteheader \"A:\";", "wrong: line 1: \"deleteheader\": no header "
	  "field can have that name" },
	{ "addheader \"A b\" \"x\";", "wrong: line 1: \"addheader\": no header "
	  "field can have that name" },
	{ "addheader \"\" \"x\";", "wrong: line 1: \"addheader\": no header "
	  "field can have that name" },
	{ "addheader \"" UE "\" \"x\";", "wrong: line 1: \"addheader\": no "
	  "header field can have that name" },
	{ "addheader \"X\" \"a\r\nB: c\";", "broken: keep" },
	{ "addheader \"X\" \"a\r\n\r\nbody\";", "broken: keep" },
	{ "addheader \"X\" \"a\rB: c\";", "broken: keep" },
};

static void
test_edits(void)
{
	static const char mail[] = "Received: r\nAuto-Submitted: no\nA: 1\n"
	    "A: 2\n\nbody\n";
	char script[16384];
	size_t i;

	for (i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		snprintf(script, sizeof(script), EDIT "%s", edits[i].script);
		is_str(run(script, edits[i].mail, "ann@a.test"),
		    "keep edited", "edited");
		is_str(plan.nedits == 1 ? buf_str(&plan.edits[0]) : "none",
		    edits[i].want, "the header");
		is_str(edits[i].mail + plan.edit_from,
		    strstr(edits[i].mail, "body") == NULL ? "" : "body",
		    "where the body begins");
	}
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		snprintf(script, sizeof(script), EDIT "%s", same[i].script);
		is_str(run(script, mail, "ann@a.test"), same[i].want,
		    "as it was");
	}
	is_str(run(EDIT "fileinto \"a\"; addheader \"X\" \"1\"; "
	    "fileinto \"b\"; fileinto \"c\"; addheader \"X\" \"2\";"
	    "fileinto :copy \"d\"; redirect \"x@y.test\";", mail,
	    "ann@a.test"), "file a; file b edited; file c edited; "
	    "file d edited; forward x@y.test edited", "each as it was then");
	ok(plan.nedits == 2 && plan.v[1].edit == 1 && plan.v[2].edit == 1 &&
	    plan.v[3].edit == 2 && plan.v[4].edit == 2, "two headers");
	is_str(run(EDIT "keep; addheader \"X\" \"1\"; keep;", mail,
	    "ann@a.test"), "keep edited", "one message is filed");
	is_str(run(EDIT "addheader \"X\" \"1\"; if true { redirect \"x\r\n\";"
	    "}", mail, "ann@a.test"), "wrong: line 1: \"redirect\": that is "
	    "no address", "an error");
	is_str(run("require [\"editheader\", \"variables\"]; addheader \"X\" "
	    "\"1\"; set \"a\" \"b\"; redirect \"${a}\";", mail, "ann@a.test"),
	    "broken: keep", "of a broken script the message is as it came");
	strlcpy(script, "require [\"editheader\", \"variables\"]; set \"a\" \""
	    "0123456789012345678901234567890123456789012345678901234567890123"
	    "\";", sizeof(script));
	for (i = 0; i < 8; i++)
		strlcat(script, "set \"a\" \"${a}${a}\";", sizeof(script));
	for (i = 0; i < 8; i++)
		strlcat(script, "addheader \"X\" \"${a}\";", sizeof(script));
	is_str(run(script, mail, "ann@a.test"), "broken: keep",
	    "a header that grows without bound");
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
	{ "notify \"mailto:a@y.test,b@y.test?cc=c@y.test&to=d@y.test&body=\";",
	  PLAIN, "reply a@y.test; reply b@y.test; reply d@y.test; "
	  "reply c@y.test; keep", "From: bob@example.net\nTo: a@y.test,\n"
	  " b@y.test,\n d@y.test\nCc: c@y.test\nSubject: hi\n" MIME },
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
		    68) == 0, "it says that it is one");
	}
	is_str(run(TELL "notify :message \"a\" \"mailto:x@y.test\";", PLAIN,
	    ""), "reply x@y.test; keep", "of a bounce too");
	is_str(run(TELL "notify \"mailto:a@y,b@y,c@y,d@y,e@y,f@y,g@y,h@y,"
	    "i@y\";", PLAIN, "ann@a.test"), "wrong: line 1: \"notify\": that "
	    "is no good mailto: URI", "nine addresses");
}

/* ---- duplicates ---- */

#define DUP	"require [\"duplicate\", \"variables\"];"

/* Is the second message known behind the first, so much later? */
static void
test_known(const char *first, const char *mail, const char *then,
    const char *other, long later, int known)
{
	char script[1024];

	forget();
	snprintf(script, sizeof(script), DUP "if %s { discard; }", first);
	is_str(run(script, mail, "ann@a.test"), "keep", first);
	mark();
	now += later;
	snprintf(script, sizeof(script), DUP "if %s { discard; }", then);
	is_str(run(script, other, "ann@a.test"), known ? "discard" : "keep",
	    then);
}

static void
test_duplicates(void)
{
	static const char one[] = "Message-ID: <1@a>\nX: y\n\n",
	    two[] = "Message-ID: <2@a>\nX: y\nX: 2\n\n",
	    folded[] = "message-id:\n <1@a> \n\n", none[] = "A: b\n\n";

	test_known("duplicate", one, "duplicate", one, 1, 1);
	test_known("duplicate", one, "duplicate", two, 1, 0);
	test_known("duplicate", one, "duplicate", folded, 1, 1);
	test_known("duplicate", none, "duplicate", none, 1, 0);
	test_known("duplicate", one, "duplicate", one, 7 * DAY, 0);
	test_known("duplicate :seconds 60", one, "duplicate", one, 60, 0);
	test_known("duplicate :seconds 60", one, "duplicate", one, 59, 1);
	test_known("duplicate", one, "duplicate :seconds 0", one, 1, 0);
	test_known("duplicate :seconds 99999999", one, "duplicate", one,
	    90 * DAY - 1, 1);
	test_known("duplicate :seconds 99999999", one, "duplicate", one,
	    90 * DAY, 0);
	test_known("duplicate :header \"X\"", one, "duplicate :header \"x\"",
	    two, 1, 1);
	test_known("duplicate :header \"X\"", one, "duplicate", one, 1, 0);
	test_known("duplicate :header \"X:\"", one, "duplicate :header \"X:\"",
	    one, 1, 0);
	test_known("duplicate", one, "duplicate :uniqueid \"<1@a>\"", none, 1,
	    1);
	test_known("duplicate", one, "duplicate :uniqueid \"<1@A>\"", none, 1,
	    0);
	test_known("duplicate :handle \"h\"", one, "duplicate", one, 1, 0);
	test_known("duplicate :handle \"h\"", one, "duplicate :handle \"i\"",
	    one, 1, 0);
	test_known("duplicate :handle \"h\"", one, "duplicate :handle \"h\"",
	    one, 1, 1);
	test_known("duplicate :handle \"\"", one, "duplicate", one, 1, 0);
	test_known("anyof (duplicate, duplicate)", one, "duplicate", one, 1,
	    1);

	/* Whose time counts. */
	test_known("duplicate", one, "duplicate :last", one, 5 * DAY, 1);
	mark();
	now += 5 * DAY;
	is_str(run(DUP "if duplicate :last { discard; }", one, "ann@a.test"),
	    "discard", ":last puts it off");
	test_known("duplicate", one, "duplicate", one, 5 * DAY, 1);
	mark();
	now += 5 * DAY;
	is_str(run(DUP "if duplicate { discard; }", one, "ann@a.test"),
	    "keep", "nothing else does");
	forget();
	is_str(run(DUP "if duplicate {} set \"a\" \"b\"; redirect \"${a}\";",
	    one, "ann@a.test"), "broken: keep", "a script that breaks");
	is_int((long long)plan.nmarks, 0, "remembers nothing");
	is_str(run(DUP "if duplicate :header \"X\" :uniqueid \"y\" {}", one,
	    "ann@a.test"), "wrong: line 1: \":header\" and \":uniqueid\" "
	    "exclude each other", "two ids");
}

/* ---- the environment ---- */

#define ENV	"require [\"environment\", \"relational\"];"

static const struct {
	const char	*test;
	int		 yes;
} environment[] = {
	{ "\"name\" \"stdmail\"", 1 },
	{ "\"Location\" \"MDA\"", 1 },
	{ "\"phase\" \"during\"", 1 },
	{ "\"host\" \"mx.example.net\"", 1 },
	{ "\"domain\" \"example.net\"", 1 },
	{ ":contains \"version\" \".\"", 1 },
	{ ":contains \"remote-ip\" \"\"", 1 },
	{ ":is \"remote-host\" \"\"", 1 },
	{ ":contains \"other\" \"\"", 0 },
	{ ":count \"eq\" \"name\" \"1\"", 1 },
	{ ":count \"eq\" \"remote-ip\" \"0\"", 1 },
	{ ":count \"eq\" \"remote-ip\" \"1\"", 0 },
};

static void
test_environment(void)
{
	char script[512];
	size_t i;

	for (i = 0; i < sizeof(environment) / sizeof(environment[0]); i++) {
		snprintf(script, sizeof(script), ENV "if environment %s "
		    "{ discard; }", environment[i].test);
		is_str(run(script, PLAIN, "ann@a.test"), environment[i].yes ?
		    "discard" : "keep", environment[i].test);
	}
}

static void
remove_all(void)
{
	char command[PATH_MAX + 20];

	snprintf(command, sizeof(command), "%s", home);
	if (fork() == 0) {
		execlp("rm", "rm", "-r", command, (char *)NULL);
		_exit(1);
	}
}

int
main(void)
{
	static const char *const keys[] = { "hostname=mx.example.net",
	    "domains=example.net example.org", "recipient_delimiter=+" };
	char error[CONF_ERROR_MAX];

	if (mkdtemp(home) == NULL || settings_load(&settings, "/dev/null",
	    keys, 3, error) == -1) {
		puts("Bail out!");
		return 1;
	}
	snprintf(mailbox, sizeof(mailbox), "%s/Maildir", home);
	make_folder("");
	plan_init(&plan);
	test_plans();
	test_folders();
	test_boxes();
	test_senders();
	test_often();
	test_answers();
	test_report();
	test_edits();
	test_notes();
	test_duplicates();
	test_environment();
	plan_free(&plan);
	settings_free(&settings);
	remove_all();
	return done();
}
