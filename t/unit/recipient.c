/* SPDX-License-Identifier: ISC
 *
 * Proves what an address is: user, folder, alias, table, catch-all, names
 * that must be taken, domains we relay for, addresses of SRS; each target
 * once, a name within its own entry the user; loops, depth and number bounded;
 * and that files are read anew when they changed, whole or not at all.
 */
#include <sys/stat.h>

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "mail/recipient.h"
#include "tap.h"

static const char users_text[] =
    "bob::::\namy::::\nroot2::::\nx+y::::\n";

static const char aliases_text[] =
    "sales: bob, amy, bob, BOB@a.test\n"
    "bob2: Bob\n"
    "amy: amy, far@else.test\n"
    "one: other\nother: one\n"
    "self: self\n"
    "half: bob, one\n"
    "gone: nobody-here\n"
    "part: bob, nobody-here\n"
    "prog: bob, \"|/bin/cat\"\n"
    "file: /tmp/x\n"
    "null: /dev/null\n"
    "most: prog, file, null, |/bin/cat, /tmp/x, amy, null\n"
    "two: |/bin/cat, |/bin/true\n"
    "bad: :fail:\n"
    "plain: \\amy\n"
    "plainer: \\sales\n"
    "list: bob, far@else.test\nowner-list: amy\n"
    "single: bob\nowner-single: bob\n"
    "diamond: left, right\nleft: bob2\nright: bob2\n"
    "folder: bob+lists\n"
    "mailer-daemon: bob\n"
    "plus+tag: bob2\n"
    "away: x@relay.test\n";

static const char virtual_text[] =
    "info@b.test bob@a.test amy@b.test\n"
    "sales@b.test bob@a.test\n"
    "@b.test bob@a.test\n"
    "@c.test @a.test\n"
    "prog@b.test |/bin/cat\n"
    "incl@b.test :include:/tmp/x\n"
    "into@b.test prog@a.test\n";

static const char relay_text[] =
    "known@relay.test\n@open.test\n";

#define LOCAL	RECIPIENT_LOCAL
#define LIST	RECIPIENT_LIST
#define UNKNOWN	RECIPIENT_UNKNOWN
#define LATER	RECIPIENT_TEMPORARY

static const struct row {
	const char *addr;
	enum recipient_kind want;
	const char *what;	/* the user and /folder; or the list; or a
				 * part of the error */
} rows[] = {
	{ "bob@a.test", LOCAL, "bob" },
	{ "BOB@A.TEST", LOCAL, "bob" },
	{ "bob+lists@a.test", LOCAL, "bob/lists" },
	{ "bob+a+b@a.test", LOCAL, "bob/a+b" },
	{ "bob+@a.test", LOCAL, "bob" },
	{ "x+y@a.test", LOCAL, "x+y" },
	{ "+bob@a.test", UNKNOWN, NULL },
	{ "bob2@a.test", LOCAL, "bob" },
	{ "bob2+z@a.test", LOCAL, "bob" },
	{ "folder@a.test", LOCAL, "bob/lists" },
	{ "plus+tag@a.test", LOCAL, "bob" },
	{ "Sales@a.test", LIST, "bob@a.test amy@a.test far@else.test" },
	{ "sales@c.test", LIST, "bob@c.test BOB@a.test amy@c.test "
	    "far@else.test" },
	{ "amy@a.test", LIST, "amy@a.test far@else.test" },
	{ "one@a.test", LATER, "leads back to itself" },
	{ "self@a.test", LATER, "leads back to itself" },
	{ "half@a.test", LIST, "bob@a.test one@a.test" },
	{ "gone@a.test", UNKNOWN, NULL },
	{ "part@a.test", LIST, "bob@a.test nobody-here@a.test" },
	{ "prog@a.test", LIST, "bob@a.test |/bin/cat" },
	{ "prog+x@a.test", LIST, "bob@a.test |/bin/cat" },
	{ "file@a.test", LIST, "/tmp/x" },
	{ "null@a.test", LIST, "-" },
	{ "most@a.test", LIST, "bob@a.test amy@a.test far@else.test |/bin/cat "
	    "/tmp/x -" },
	{ "two@a.test", LIST, "|/bin/cat |/bin/true" },
	{ "bad@a.test", LATER, "/aliases:15: this is neither" },
	{ "plain@a.test", LOCAL, "amy" },
	{ "plainer@a.test", UNKNOWN, NULL },
	{ "\"|/bin/cat\"@a.test", UNKNOWN, NULL },
	{ "\"/tmp/x\"@a.test", UNKNOWN, NULL },
	{ "incl@a.test", LIST, "bob@a.test x@else.test amy@a.test "
	    "far@else.test" },
	{ "incl2@a.test", LIST, "bob@a.test x@else.test amy@a.test "
	    "far@else.test" },
	{ "round@a.test", LOCAL, "bob" },
	{ "empty@a.test", LATER, "/in4: nobody stands in it" },
	{ "inprog@a.test", LATER, "/in5:2: a program or file" },
	{ "inbad@a.test", LATER, "/in6:3: the address holds" },
	{ "none@a.test", LATER, "/in7: No such file" },
	{ "rel@a.test", LATER, "in1: is no absolute path" },
	{ "void@a.test", LATER, ": no command stands" },
	{ "list@a.test", LIST, "bob@a.test far@else.test" },
	{ "single@a.test", LIST, "bob@a.test" },
	{ "diamond@a.test", LOCAL, "bob" },
	{ "away@a.test", LIST, "x@relay.test" },
	{ "deep0@a.test", LATER, "too many" },
	{ "deep1@a.test", LOCAL, "bob" },
	{ "wide@a.test", LATER, "too many" },

	{ "info@b.test", LIST, "bob@a.test amy@b.test far@else.test" },
	{ "info+x@b.test", LIST, "bob@a.test amy@b.test far@else.test" },
	{ "info@a.test", UNKNOWN, NULL },
	{ "sales@b.test", LOCAL, "bob" },
	{ "prog@b.test", LATER, ":5: a program or file, which only" },
	{ "incl@b.test", LATER, ":6: only addresses" },
	{ "into@b.test", LIST, "bob@a.test |/bin/cat" },
	{ "who@b.test", LOCAL, "bob" },
	{ "gone@b.test", LOCAL, "bob" },
	{ "x+y@b.test", LOCAL, "x+y" },
	{ "nix@c.test", UNKNOWN, NULL },
	{ "gone@c.test", UNKNOWN, NULL },

	{ "Postmaster", RECIPIENT_NOBODY, NULL },
	{ "postmaster@a.test", RECIPIENT_NOBODY, NULL },
	{ "POSTMASTER@b.test", LOCAL, "bob" },
	{ "abuse@a.test", RECIPIENT_NOBODY, NULL },
	{ "mailer-daemon@a.test", LOCAL, "bob" },
	{ "root@a.test", UNKNOWN, NULL },

	{ "x@else.test", RECIPIENT_REMOTE, NULL },
	{ "x@[192.0.2.1]", RECIPIENT_REMOTE, NULL },
	{ "Known@Relay.Test", RECIPIENT_RELAY, NULL },
	{ "known+x@relay.test", RECIPIENT_RELAY, NULL },
	{ "any@open.test", RECIPIENT_RELAY, NULL },
	{ "x@relay.test", UNKNOWN, NULL },
};

static struct settings s;
static struct directory dir = { &s, NULL, NULL };
static char folder[] = "/tmp/stdmail-recipient-XXXXXX";
static char paths[5][64];

/* Files to include. */
static const char *const included[] = {
	"# ours\nbob, x@else.test\n\namy\n",
	"bob\n:include:in1\n",		/* the path is put before it */
	"bob\n:include:in3\n",
	"# nobody\n",
	"bob\n|/bin/cat\n",
	"bob\n\nb c\n",
};
#define NINCLUDED	(sizeof(included) / sizeof(included[0]))

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
}

/* Within them, a path has the folder before it. */
static void
put_included(void)
{
	char name[64], text[256];
	const char *at;
	size_t i;

	for (i = 0; i < NINCLUDED; i++) {
		snprintf(name, sizeof(name), "%s/in%zu", folder, i + 1);
		at = strstr(included[i], ":include:");
		if (at == NULL)
			strlcpy(text, included[i], sizeof(text));
		else
			snprintf(text, sizeof(text), "%.*s:include:%s/%s",
			    (int)(at - included[i]), included[i], folder,
			    at + 9);
		put(name, text);
	}
}

static void
remove_included(void)
{
	char name[64];
	size_t i;

	for (i = 0; i < NINCLUDED; i++) {
		snprintf(name, sizeof(name), "%s/in%zu", folder, i + 1);
		unlink(name);
	}
}

/* deep0 leads to deep1 and so on. */
static void
put_aliases(void)
{
	FILE *f = fopen(paths[1], "w");
	int i;

	fputs(aliases_text, f);
	fprintf(f, "incl: :include:%s/in1\nincl2: bob, :include:%s/in2, "
	    ":include:%s/in1\nround: :include:%s/in3\nempty: bob, "
	    ":include:%s/in4\ninprog: :include:%s/in5\ninbad: "
	    ":include:%s/in6\nnone: :include:%s/in7\nrel: :include:in1\n"
	    "void: \"| \"\n", folder, folder, folder, folder, folder, folder,
	    folder, folder);
	for (i = 0; i < RECIPIENT_DEPTH; i++)
		fprintf(f, "deep%d: deep%d\n", i, i + 1);
	fprintf(f, "deep%d: bob\nwide: w0@x.test", i);
	for (i = 1; i < RECIPIENT_MOST; i++)
		fprintf(f, ", w%d@x.test", i);
	fputs("\n", f);
	fclose(f);
}

static struct recipient r;

static enum recipient_kind
find(const char *text, struct recipient_list *list)
{
	struct address a;

	address_parse(&a, text, strlen(text), NULL);
	return recipient_find(&dir, &a, &r, list);
}

static void
describe(const struct recipient_list *list, char *out, size_t size)
{
	char text[ADDRESS_TEXT_MAX];
	size_t i;

	out[0] = '\0';
	if (r.kind == LATER)
		strlcpy(out, r.error, size);
	if (r.kind == LOCAL)
		snprintf(out, size, "%s%s%s", r.user.name,
		    *r.folder == '\0' ? "" : "/", r.folder);
	for (i = 0; i < list->n; i++) {
		if (i > 0)
			strlcat(out, " ", size);
		strlcat(out, address_text(&list->v[i], text), size);
	}
	for (i = 0; i < list->nspecials; i++) {
		if (i + list->n > 0)
			strlcat(out, " ", size);
		if (list->specials[i].kind == RECIPIENT_PROGRAM)
			strlcat(out, "|", size);
		strlcat(out, list->specials[i].kind == RECIPIENT_DISCARD ?
		    "-" : list->specials[i].text, size);
	}
}

static void
test_rows(void)
{
	struct recipient_list list;
	char got[2048];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		memset(&list, 0, sizeof(list));
		is_int(find(row->addr, &list), row->want, row->addr);
		describe(&list, got, sizeof(got));
		if (row->what != NULL && row->want != LATER)
			is_str(got, row->what, "... who");
		else if (row->what != NULL && !ok(strstr(got, row->what) !=
		    NULL, "... why"))
			printf("# got %s\n", got);
		recipient_list_free(&list);
	}
	find("list@a.test", NULL);
	is_str(r.owner.local, "owner-list", "bounces of a list to its owner");
	find("sales@a.test", NULL);
	is_str(r.owner.local, "", "which others have not");
	is_str(r.extension, "", "no extension");
	find("prog+x@a.test", NULL);
	is_str(r.extension, "x", "an extension of an entry");
	find("plus+tag@a.test", NULL);
	is_str(r.extension, "", "none where all of it is the entry");
	s.postmaster = (char *)"bob";
	is_int(find("abuse@a.test", NULL), LOCAL, "abuse, with postmaster");
	is_int(find("root@a.test", NULL), LOCAL, "root likewise");
	s.postmaster = (char *)"";
	s.recipient_delimiter = (char *)"-";
	is_int(find("bob-x@a.test", NULL), LOCAL, "another delimiter");
	is_int(find("bob+x@a.test", NULL), UNKNOWN, "... not the usual one");
	s.recipient_delimiter = (char *)"+";
}

static void
test_srs(void)
{
	const struct address from = { "al", "far.test" };
	struct recipient_list list = { 0 };
	struct address to;
	char text[ADDRESS_TEXT_MAX];

	srs_forward(&dir.tables->srs, &from, "a.test", time(NULL), &to);
	is_int(find(address_text(&to, text), &list), LIST,
	    "an address of SRS that we made");
	ok(list.n == 1 && address_equal(&list.v[0], &from),
	    "leads to whom it was made of");
	recipient_list_free(&list);
	text[5] = text[5] == 'x' ? 'y' : 'x';
	is_int(find(text, NULL), UNKNOWN, "one that we did not make");
}

static void
test_user(void)
{
	const struct address bob = { "bob", "a.test" },
	    amy = { "amy+x", "a.test" }, sales = { "sales", "a.test" },
	    far = { "x", "far.test" };

	is_int(recipient_user(&dir, &bob, &r), LOCAL, "a user");
	is_int(recipient_user(&dir, &amy, &r), LOCAL, "a user with an alias");
	is_str(r.folder, "x", "... and the folder");
	is_int(recipient_user(&dir, &sales, &r), UNKNOWN, "no user");
	is_int(recipient_user(&dir, &far, &r), RECIPIENT_REMOTE,
	    "elsewhere");
}

/* What is included is read each time; who may write in it, too. */
static void
test_changes(void)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/in1", folder);
	put(name, "amy+x\n");
	is_int(find("incl@a.test", NULL), LIST, "a changed file to include");
	put(name, "bob\n\\bob\nbob+x\nbob+x\nbob+x\nbob+x\nbob+x\nbob\n"
	    "bob\nbob\nbob\nbob\nbob\nbob\nbob\nbob\nno body\n");
	is_int(find("incl@a.test", NULL), LATER, "a fault behind sixteen");
	put(name, "bob, bob, bob, bob, bob, bob, bob, bob, bob, bob, bob, bob, "
	    "bob, bob, bob, bob, bob\nno body\n");
	is_int(find("incl@a.test", NULL), LIST,
	    "... that is not looked for, when the kind is enough");
	put(name, "bob\n");
	is_int(find("incl@a.test", NULL), LOCAL, "... again");
	chmod(name, 0664);
	is_int(find("incl@a.test", NULL), LATER, "one that others may write");
	chmod(name, 0644);
	is_int(find("incl@a.test", NULL), LOCAL, "... no longer");
	unlink(name);
	is_int(find("incl@a.test", NULL), LATER, "one that is gone");

	chmod(paths[1], 0664);
	is_int(find("prog@a.test", NULL), LATER,
	    "aliases that others may write");
	if (!ok(strstr(r.error, "/aliases:10: the file may be written") != NULL,
	    "... names the line"))
		printf("# %s\n", r.error);
	is_int(find("bob@a.test", NULL), LOCAL, "... a user is none of them");
	is_int(find("info@b.test", NULL), LATER,
	    "... but one that they lead to");
	chmod(paths[1], 0644);
	is_int(find("prog@a.test", NULL), LIST, "... no longer");
	chmod(paths[2], 0646);
	is_int(find("info@b.test", NULL), LATER,
	    "a table that others may write");
	is_int(find("bob@b.test", NULL), LOCAL, "... does not stop a user");
	is_int(find("sales@a.test", NULL), LIST, "... nor aliases");
	chmod(paths[2], 0644);
	is_int(find("info@b.test", NULL), LIST, "... no longer");
	chmod(folder, 0777);
	is_int(find("prog@a.test", NULL), LIST,
	    "a folder, as the file is read");
	put_aliases();
	is_int(find("prog@a.test", NULL), LATER, "... read again");
	chmod(folder, 0700);
	is_int(find("prog@a.test", NULL), LIST, "... no longer");
}

/* Who runs what an entry names. */
static void
test_account(void)
{
	struct recipient_special special = { RECIPIENT_PROGRAM, NULL, 0, "F",
	    7 };
	struct recipient_account who;
	char error[CONF_ERROR_MAX];
	bool root = geteuid() == 0;

	is_int(recipient_account(&s, &special, &who, error), 0,
	    "of root's file");
	if (root) {
		is_str(who.name, "nobody", "... the default user");
		is_str(who.home, "/", "... who has no home");
		ok(who.uid != 0, "... has no rights");
	} else
		is_int((int)who.uid, (int)geteuid(), "... ourselves");
	special.owner = root ? 1 : geteuid();
	is_int(recipient_account(&s, &special, &who, error), 0,
	    "of an account's file");
	is_int((int)who.uid, (int)special.owner, "... that account");
	special.owner = 54321;
	is_int(recipient_account(&s, &special, &who, error), -1,
	    "of somebody's who is not there");
	ok(strncmp(error, "F:7: the file belongs to uid 54321", 34) == 0,
	    "... says where");
	if (!root)
		return;
	special.owner = 0;
	s.default_user = (char *)"root";
	is_int(recipient_account(&s, &special, &who, error), -1,
	    "root is nobody's default");
	s.default_user = (char *)"no-such-account";
	is_int(recipient_account(&s, &special, &who, error), -1,
	    "nor who is not there");
	s.default_user = (char *)"nobody";
}

/* What -n says of programs and files. */
static void
test_specials(void)
{
	static const struct {
		const char *target, *want;
	} specials[] = {
		{ "|/bin/cat -", NULL },
		{ "|cat", NULL },
		{ "|\"exec /nowhere\"", NULL },
		{ "|/nowhere/cat x", ":2: /nowhere/cat: No such file" },
		{ "|/etc/passwd", ":2: /etc/passwd: no program" },
		{ "|/etc", ":2: /etc: no program" },
		{ "/dev/null", NULL },
		{ "/tmp/stdmail-no-such-file", NULL },
		{ "/nowhere/x", ":2: /nowhere: No such file" },
		{ "/nowhere/x/", ":2: /nowhere: No such file" },
		{ "/proc/version", ":2: /proc/version: the account" },
	};
	char text[256], error[CONF_ERROR_MAX];
	size_t i;

	put(paths[2], "x@b.test bob\n");
	for (i = 0; i < sizeof(specials) / sizeof(specials[0]); i++) {
		snprintf(text, sizeof(text), "\na: b\nb: %s\n",
		    specials[i].target);
		put(paths[1], text + 1);
		error[0] = '\0';
		is_int(recipient_check(&s, error), specials[i].want == NULL ?
		    0 : -1, specials[i].target);
		if (specials[i].want != NULL && !ok(strstr(error,
		    specials[i].want) != NULL, "... says where"))
			printf("# %s\n", error);
	}
	chmod(paths[1], 0664);
	ok(recipient_check(&s, error) == -1 && strstr(error, "/aliases: may be "
	    "written") != NULL, "a file that others may write");
	chmod(paths[1], 0644);
}

static void
test_files(void)
{
	char error[CONF_ERROR_MAX];
	struct table late;
	struct tables *t;

	is_int(recipient_check(&s, error), -1, "-n names an entry");
	if (!ok(strstr(error, "/aliases:") != NULL, "... by its line"))
		printf("# %s\n", error);
	is_int(recipient_check_postmaster(&s, error), 1,
	    "-n notes that postmaster leads nowhere");
	test_specials();
	put(paths[1], "new: bob\n");
	is_int(find("new@a.test", NULL), LOCAL, "a changed file is read");
	is_int(find("sales@a.test", NULL), UNKNOWN, "... instead of the old");
	put(paths[1], "newer: bob\nbroken\n");
	is_int(find("new@a.test", NULL), LOCAL,
	    "one with a fault changes nothing");
	is_int(find("newer@a.test", NULL), UNKNOWN, "... not in part");
	ok(tables_open(&t, &s, error) == -1 && t == NULL &&
	    strstr(error, "/aliases:2: ") != NULL, "... nor is it opened");
	put(paths[1], "a: b\nc: d\nA: e\n");
	ok(tables_open(&t, &s, error) == -1 &&
	    strstr(error, ":3: the name stands in line 1 too") != NULL,
	    "a name that stands twice");
	put(paths[1], "postmaster: bob\n");
	put(paths[2], "x@b.test bob\n");
	is_int(recipient_check(&s, error), 0, "-n takes what is good");
	is_int(recipient_check_postmaster(&s, error), 0, "... postmaster too");
	put(paths[2], "x@far.test bob\n");
	ok(recipient_check(&s, error) == -1 &&
	    strstr(error, ":1: far.test is not one") != NULL,
	    "a domain that is not ours");
	put(paths[2], "x@b.test bob\n");
	find("postmaster@a.test", NULL);
	put(paths[3], "x@b.test\n");
	ok(recipient_check(&s, error) == -1 &&
	    strstr(error, ":1: b.test is not one of relay") != NULL,
	    "a domain that we do not relay for");
	unlink(paths[1]);
	is_int(find("postmaster@a.test", NULL), LOCAL,
	    "a file that is gone changes nothing");
	s.aliases = paths[1];
	is_int(tables_open(&t, &s, error), -1, "none to open");
	is_int(table_open(&late, paths[1], ALIAS_NAMES, true, error), 0,
	    "one that may be missing");
	ok(table_find(&late, "new") == NULL, "... is empty");
	put(paths[1], "new: bob\n");
	table_refresh(&late);
	ok(table_find(&late, "new") != NULL, "... until it comes");
	table_close(&late);
	s.aliases = (char *)"none";
	if (is_int(tables_open(&t, &s, error), 0, "no aliases"))
		tables_close(t);
	s.aliases = (char *)"";
	put(paths[4], "short\n");
	is_int(tables_open(&t, &s, error), -1, "a secret that is too short");
}

static void
set_up(void)
{
	static const char *const names[] = { "users", "aliases", "virtual",
	    "relay", "secret" };
	static char *domains[] = { (char *)"a.test", (char *)"b.test",
	    (char *)"c.test" };
	static char *relays[] = { (char *)"relay.test",
	    (char *)"open.test" };
	size_t i;

	for (i = 0; i < 5; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder,
		    names[i]);
	put(paths[0], users_text);
	put_aliases();
	put_included();
	put(paths[2], virtual_text);
	put(paths[3], relay_text);
	put(paths[4], "a secret of ours\n");
	s.users = paths[0];
	s.aliases = paths[1];
	s.virtual = paths[2];
	s.relay_recipients = paths[3];
	s.srs_secret = paths[4];
	s.srs_domain = s.postmaster = (char *)"";
	s.recipient_delimiter = (char *)"+";
	s.mail = (char *)"/m/%d/%u";
	s.hostname = (char *)"mx.a.test";
	s.mail_user = s.default_user = (char *)"nobody";
	s.domains.v = domains;
	s.domains.n = 3;
	s.relay_domains.v = relays;
	s.relay_domains.n = 2;
}

int
main(void)
{
	char error[CONF_ERROR_MAX];
	size_t i;

	if (mkdtemp(folder) == NULL)
		return 1;
	set_up();
	if (ok(users_open(&dir.users, &s, error) == 0 &&
	    tables_open(&dir.tables, &s, error) == 0, "all can be read")) {
		test_rows();
		test_srs();
		test_user();
		test_account();
		test_changes();
		test_files();
	} else
		printf("# %s\n", error);
	users_close(dir.users);
	tables_close(dir.tables);
	for (i = 0; i < 5; i++)
		unlink(paths[i]);
	remove_included();
	rmdir(folder);
	return done();
}
