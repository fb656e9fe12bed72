/* SPDX-License-Identifier: ISC
 *
 * Proves what the actions of a Sieve script put into a plan: what goes together
 * and what does not, which folder a name is, the header that each takes along,
 * and what is known of mailboxes, messages seen before and the environment.
 */
#include "mail/metadata.h"
#include "sieve_one.h"

/* ---- what does not go together ---- */

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
	{ "require [\"fileinto\", \"encoded-character\"];"
	  "fileinto \"a${hex:07}b\";", "broken: keep" },
	{ ALL "fileinto \"..\";", "broken: keep" },
	{ ALL "fileinto \"../../x\";", "file \\2e\\2e.\\2e\\2e.x" },
	{ ALL "fileinto \"./.x\";", "file \\2e.\\2ex" },
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
	  "reject 5.7.1 no,\nnever  more !" },
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
	queued = true;
	is_str(run(ALL "reject \"no\";", PLAIN, "ann@a.test"),
	    "reply ann@a.test; discard", "from the queue: a report");
	is_str(run(ALL "ereject \"no\";", PLAIN, "ann@a.test"),
	    "reject 5.7.1 refused by the recipient's mail filter:\nno",
	    "but not of ereject");
	is_str(run(ALL "ereject \"n" UE "\";", PLAIN, "ann@a.test"),
	    "reject 5.7.1 refused by the recipient's mail filter:\nn" UE,
	    "... which says it in any language");
	precious = true;
	is_str(run(ALL "reject \"no\";", PLAIN, "ann@a.test"), "keep",
	    "postmaster refuses nothing");
	queued = precious = false;
	for (i = 0; i < 32; i++)
		strlcat(many, "fileinto \"a\";", sizeof(many));
	is_str(run(many, PLAIN, "ann@a.test"), "file a", "32 actions");
	strlcat(many, "keep;", sizeof(many));
	is_str(run(many, PLAIN, "ann@a.test"), "broken: keep", "not 33");
	ok(strstr(plan.error, "32 actions") != NULL, "it says so");
	is_str(run_for(ALL "fileinto \"INBOX\";", PLAIN, "ann@a.test",
	    "bob+x@example.net"), "keep",
	    "INBOX is where all is kept");
	make_folder(".x");
	is_str(run_for(ALL "fileinto \"INBOX\";", PLAIN, "ann@a.test",
	    "bob+x@example.net"), "file ",
	    "INBOX is not the folder that the address names");
}

/* ---- folders ---- */

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
	{ NO("metadataexists \"Junk\" [\"/private/comment\", \"/private/x\"]"
	    ) },
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

/* ---- edited headers ---- */

#define EDIT	"require [\"editheader\", \"fileinto\", \"copy\"," \
		" \"encoded-character\"];"

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
	{ "addheader :last \"X\" \"y\";", "A: b\r\nC: d",
	  "A: b\r\nC: d\r\nX: y\r\n" },
	{ "deleteheader \"A\";", "A: b", "" },
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
	{ "addheader \"X\" \"a${hex:0D}B: c\";", "broken: keep" },
	{ "addheader \"X\" \"a${hex:00}b\";", "broken: keep" },
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

int
main(void)
{
	if (begin() == -1)
		return 1;
	test_plans();
	test_folders();
	test_boxes();
	test_edits();
	test_duplicates();
	test_environment();
	return end();
}
