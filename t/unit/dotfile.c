/* SPDX-License-Identifier: ISC
 *
 * Proves which of a user's files counts, what its lines become, and that no
 * file is believed which another may have written, or taken for absent when it
 * cannot be looked at.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../mda-deliver/dotfile.h"
#include "system/fdio.h"
#include "system/log.h"
#include "tap.h"

#define NOBODY	65534

static char home[] = "/tmp/stdmail-dotfile-XXXXXX";
static struct settings settings;
static struct user bob;

/* ---- files ---- */

static void
put(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || fd_write_all(fd, text, strlen(text)) == -1 ||
	    fchmod(fd, mode) == -1)
		ok(0, "%s", name);
	if (fd != -1)
		close(fd);
}

static int
drop_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	return f->level > 0 ? remove(path) : 0;
}

static void
clear(void)
{
	(void)chmod(home, 0700);
	(void)nftw(home, drop_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- plans ---- */

static void
write_plan(struct buf *b, const struct plan *p)
{
	static const char *const kinds[] = { "none", "good", "broken",
	    "later" };
	static const char *const dests[] = { "keep", "folder", "mailbox",
	    "program", "forward", "discard" };
	const char *text;
	size_t i, n = strlen(home);

	buf_adds(b, kinds[p->kind]);
	for (i = 0; i < p->n; i++) {
		text = p->v[i].text;
		buf_addf(b, " %s", dests[p->v[i].kind]);
		if (text != NULL && strncmp(text, home, n) == 0)
			buf_addf(b, ":~%s", text + n);
		else if (text != NULL)
			buf_addf(b, ":%s", text);
	}
}

static struct dotfile last;

/* Is it seen by who only looks? */
static bool
looks(const char *extension)
{
	struct dotfile d = { &settings, &bob, NULL, extension };

	return dotfile_look(&d);
}

/* The plan for the extension, in words; its error in error[]. */
static const char *
plan(const char *extension, char *error)
{
	static char text[8192];
	char local[ADDRESS_LOCAL_MAX + 1];
	struct address to = { "bob", "x.test" };
	struct plan p;
	struct buf b;

	snprintf(local, sizeof(local), "bob%s%s", *extension == '\0' ? "" :
	    "+", extension);
	strlcpy(to.local, local, sizeof(to.local));
	last = (struct dotfile){ &settings, &bob, &to, extension };
	plan_init(&p);
	buf_init(&b, sizeof(text) - 1);
	if (dotfile_plan(&last, &p) == -1)
		buf_adds(&b, "no memory");
	else
		write_plan(&b, &p);
	strlcpy(text, buf_str(&b), sizeof(text));
	if (error != NULL)
		strlcpy(error, p.error, PLAN_ERROR_MAX);
	if (p.kind != PLAN_NONE && !looks(extension))
		strlcpy(text, "not seen", sizeof(text));
	buf_free(&b);
	plan_free(&p);
	return text;
}

/* ---- what its lines become ---- */

static const struct row {
	bool qmail;
	const char *text;	/* of the file */
	const char *want;
	const char *error;	/* a part of it */
} rows[] = {
	{ false, "", "none" },
	{ false, "# nothing\n\n  # x\n", "none" },
	{ false, "al@y.test", "good forward:al@y.test" },
	{ false, "al@y.test, carol@z.test\n\ndave@y.test\n",
	    "good forward:al@y.test forward:carol@z.test "
	    "forward:dave@y.test" },
	{ false, "al\n", "good forward:al@x.test" },
	{ false, "Al Smith <al@y.test>\nc@y.test (Carol)\n",
	    "good forward:al@y.test forward:c@y.test" },
	{ false, "bob", "good keep" },
	{ false, "\\bob, al@y.test", "good keep forward:al@y.test" },
	{ false, "Bob@X.test\nbob@x.test\n\\BOB\n", "good keep" },
	{ false, "bob@y.test", "good forward:bob@y.test" },
	{ false, "bob+lists", "good forward:bob+lists@x.test" },
	{ false, "al@y.test\nal@y.test", "good forward:al@y.test" },
	{ false, "|prog", "good program:prog" },
	{ false, "\\bob, \"|/usr/bin/vacation -a b, bob\"",
	    "good keep program:/usr/bin/vacation -a b, bob" },
	{ false, "|\"exec prog -x \\\"a b\\\" || exit 75 #bob\"\n",
	    "good program:exec prog -x \"a b\" || exit 75 #bob" },
	{ false, "|a b c, al@y.test", "good program:a b c forward:al@y.test" },
	{ false, "/var/x/box\n/var/x/dir/\n",
	    "good mailbox:/var/x/box mailbox:/var/x/dir/" },
	{ false, "\"/var/my box\"", "good mailbox:/var/my box" },
	{ false, "~/Mail/box\n$HOME/dir/\n",
	    "good mailbox:~/Mail/box mailbox:~/dir/" },
	{ false, "/dev/null", "good discard" },
	{ false, "~/Maildir", "good keep" },
	{ false, "al@y.test\nal@@y\n", "broken keep", ".forward:2: " },
	{ false, "|prog\n|\n", "broken keep", ".forward:2: " },
	{ false, "\"al", "broken keep", ".forward:1: a quote" },
	{ false, ":x", "broken keep", ".forward:1: it is neither" },
	{ false, "@y.test", "broken keep", ".forward:1: " },
	{ false, ":include:x\n", "broken keep", ".forward:1: the path" },

	{ true, "", "none" },
	{ true, "# nothing\n", "good" },
	{ true, "./Maildir/\n", "good keep" },
	{ true, ".//Maildir", "good keep" },
	{ true, "./Mailbox\n/var/x/\n.dir/\n",
	    "good mailbox:~/Mailbox mailbox:/var/x/ mailbox:~/.dir/" },
	{ true, "| prog \"a\"  \n&al@y.test\n|prog2\n",
	    "good program:prog \"a\" forward:al@y.test program:prog2" },
	{ true, "bob\n&c\n", "good keep forward:c@x.test" },
	{ true, "/dev/null\n", "good discard" },
	{ true, "\nbob\n", "later", ".qmail:1: the first line is blank" },
	{ true, "+list\n./x\n", "later", ".qmail:2: only addresses" },
	{ true, "bob\n&\n", "broken keep", ".qmail:2: the null address" },
	{ true, "|\n", "broken keep", ".qmail:1: there is no command" },
};

static void
test_rows(void)
{
	char error[PLAN_ERROR_MAX];
	const struct row *r;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = &rows[i];
		clear();
		settings.qmail = r->qmail;
		put(r->qmail ? ".qmail" : ".forward", r->text, 0600);
		if (!is_str(plan("", error), r->want, r->want) ||
		    !ok(r->error == NULL ? *error == '\0' :
		    strstr(error, r->error) != NULL, "... and its error"))
			printf("# %s: %s\n", r->text, error);
	}
}

/* ---- which file counts ---- */

static const struct choice {
	bool qmail;
	const char *files;	/* blanks between them */
	const char *extension;
	const char *want;	/* which one, or "" */
	const char *rest;	/* DEFAULT */
} choices[] = {
	{ false, ".forward", "", ".forward", "" },
	{ false, ".forward .forward+a", "a", ".forward+a", "" },
	{ false, ".forward .forward+a", "A", ".forward+a", "" },
	{ false, ".forward .forward+A .forward+a", "A", ".forward+A", "" },
	{ false, ".forward .forward+a", "b", ".forward", "" },
	{ false, ".forward .forward+a", "", ".forward", "" },
	{ false, ".forward+a", "b", "", "" },
	{ false, ".qmail", "", "", "" },
	{ false, ".forward .forward+d/f", "d/f", ".forward", "" },
	{ true, ".forward", "", "", "" },
	{ true, ".qmail .qmail-a .qmail-default", "", ".qmail", "" },
	{ true, ".qmail .qmail-a .qmail-default", "a", ".qmail-a", "" },
	{ true, ".qmail .qmail-a .qmail-default", "A", ".qmail-a", "" },
	{ true, ".qmail .qmail-a .qmail-default", "B-c", ".qmail-default",
	    "B-c" },
	{ true, ".qmail-a-default .qmail-default", "a-B-c",
	    ".qmail-a-default", "B-c" },
	{ true, ".qmail-a-b-default .qmail-a-default", "a-b-c",
	    ".qmail-a-b-default", "c" },
	{ true, ".qmail-a-default .qmail-default", "a", ".qmail-default",
	    "a" },
	{ true, ".qmail-a-default", "a-", ".qmail-a-default", "" },
	{ true, ".qmail-a-default", "a-default", ".qmail-a-default",
	    "default" },
	{ true, ".qmail-a:b", "a.b", ".qmail-a:b", "" },
	{ true, ".qmail .qmail-a", "b", ".qmail", "" },
	{ true, ".qmail-a", "b", "", "" },
	{ true, ".qmail .qmail-d/f", "d/f", ".qmail", "" },
	{ true, ".qmail d/f", "/../d/f", ".qmail", "" },
};

static void
put_files(const char *files)
{
	char text[256], address[128], *p = text, *name;

	strlcpy(text, files, sizeof(text));
	(void)mkdir("d", 0700);
	(void)mkdir(".forward+d", 0700);
	(void)mkdir(".qmail-d", 0700);
	while ((name = strsep(&p, " ")) != NULL) {
		snprintf(address, sizeof(address), "\"%s\"@y.test\n", name);
		put(name, address, 0600);
	}
}

static void
test_choices(void)
{
	const struct choice *c;
	char want[160];
	size_t i;

	for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		c = &choices[i];
		clear();
		settings.qmail = c->qmail;
		put_files(c->files);
		snprintf(want, sizeof(want), "good forward:\"%s\"@y.test",
		    c->want);
		is_str(plan(c->extension, NULL), *c->want == '\0' ? "none" :
		    want, c->extension);
		is_str(last.rest, c->rest, "... and the rest");
	}
}

static void
test_owner(void)
{
	char text[ADDRESS_TEXT_MAX];

	clear();
	settings.qmail = true;
	put_files(".qmail .qmail-a .qmail-a-owner");
	(void)plan("a", NULL);
	is_str(address_text(&last.owner, text), "bob+a-owner@x.test",
	    "a list with an owner");
	(void)plan("", NULL);
	is_str(address_text(&last.owner, text), "", "one without");
	put(".qmail-a", "./Maildir/", 0600);
	is_str(plan("a", NULL), "good mailbox:~/Maildir/",
	    "not the folder that the address names");
	put_files(".qmail-owner");
	(void)plan("", NULL);
	is_str(address_text(&last.owner, text), "bob+owner@x.test",
	    "that of .qmail");
}

/* Who only looks sees none where there is none. */
static void
test_look(void)
{
	clear();
	settings.qmail = false;
	ok(!looks("b"), "no file");
	put(".forward+a", "", 0600);
	put(".qmail", "", 0600);
	ok(!looks("b"), "none that counts");
	put(".forward", "", 0);
	ok(looks("b"), "one that cannot be read");
	settings.qmail = true;
	clear();
	put(".qmail-a", "", 0600);
	ok(!looks("b"), "none with qmail's names");
	put(".qmail-default", "", 0600);
	ok(looks("b"), "one for all");
	settings.qmail = false;
}

static void
test_keys(void)
{
	clear();
	settings.qmail = false;
	put(".forward", "al@y.test\n", 0600);
	put(".qmail", "c@y.test\n", 0600);
	settings.forward = false;
	is_str(plan("", NULL), "none", "with key forward no");
	settings.qmail = true;
	is_str(plan("", NULL), "good forward:c@y.test", "... and qmail yes");
	settings.forward = true;
	settings.qmail = false;
}

/* ---- what is not believed ---- */

static void
is_later(const char *part, const char *what)
{
	char error[PLAN_ERROR_MAX];
	const char *got = plan("", error);

	if (!ok(strcmp(got, "later") == 0 && strstr(error, part) != NULL,
	    "%s", what))
		printf("# %s: %s\n", got, error);
}

static void
test_modes(void)
{
	clear();
	put(".forward", "al@y.test\n", 0644);
	is_str(plan("", NULL), "good forward:al@y.test", "mode 644");
	(void)chmod(".forward", 0664);
	is_later("/.forward: ", "mode 664");
	(void)chmod(".forward", 0646);
	is_later("/.forward: ", "mode 646");
	(void)chmod(".forward", 0);
	is_later("Permission denied", "mode 0");
	(void)chmod(".forward", 0600);
	(void)chmod(home, 0770);
	is_later("folder", "a home that the group may write in");
	(void)chmod(home, 01777);
	is_str(plan("", NULL), "good forward:al@y.test", "a sticky home");
	settings.qmail = true;
	is_later("sticky", "... says wait to qmail");
	settings.qmail = false;
	(void)chmod(home, 0);
	is_later("Permission denied", "a home that cannot be entered");
	(void)chmod(home, 0700);
}

static void
link_to(const char *to)
{
	clear();
	ok(symlink(to, ".forward") == 0, "a link to %s", to);
}

static void
test_kinds(void)
{
	clear();
	(void)mkdir(".forward", 0700);
	is_later("regular", "a folder");
	clear();
	(void)mkfifo(".forward", 0600);
	is_later("regular", "a pipe");
	link_to("nowhere");
	is_later("No such file", "a link to nothing");
	put("nowhere", "al@y.test", 0600);
	is_str(plan("", NULL), "good forward:al@y.test", "a good link");
	(void)chmod("nowhere", 0622);
	is_later("written", "a link to what others may write");
	link_to(".forward");
	is_later("symbolic links", "a link to itself");
	link_to("/etc/passwd");
	ok(strncmp(plan("", NULL), "broken", 6) == 0,
	    "a file of root's is read");
	clear();
	put(".forward", "", 0600);
	ok(truncate(".forward", DOTFILE_MAX + 1) == 0, "a long file");
	is_later("too long", "one that is too long");
}

/* Made by prepare(), as root. */
static void
test_another(bool root)
{
	if (root)
		is_later("is another's", "another's file");
	clear();
	put(".forward", "|prog", 0600);
	bob.uid++;
	is_str(plan("", NULL), "good program:prog", "ours, without root");
	bob.uid--;
}

static void
test_home(void)
{
	clear();
	strlcat(bob.home, "/none", sizeof(bob.home));
	is_later("No such file", "no home");
	bob.system = false;
	is_str(plan("", NULL), "none", "no home of a user of our own");
	bob.system = true;
	put("none", "", 0600);
	is_later("no folder", "a home that is a file");
	strlcpy(bob.home, "/nonexistent", sizeof(bob.home));
	is_str(plan("", NULL), "none", "one who has none");
	strlcpy(bob.home, "", sizeof(bob.home));
	is_str(plan("", NULL), "none", "nor one without");
	strlcpy(bob.home, home, sizeof(bob.home));
}

static void
test_virtual(void)
{
	clear();
	bob.system = false;
	put(".forward", "al@y.test, bob, ~/Maildir/, /dev/null\n", 0600);
	is_str(plan("", NULL), "good forward:al@y.test keep discard",
	    "users of our own");
	put(".forward", "al@y.test\n|prog\n", 0600);
	is_later(".forward:2: programs and files", "... have no programs");
	put(".forward", "~/x\n", 0600);
	is_later(".forward:1: programs and files", "... no files");
	put(".forward", ":include:/etc/passwd\n", 0600);
	is_later(".forward:1: programs and files", "... and include none");
	strlcpy(bob.name, "bob@x.test", sizeof(bob.name));
	put(".forward", "bob, bob@X.test, bob@y.test\n", 0600);
	is_str(plan("", NULL), "good keep forward:bob@y.test",
	    "a name with a domain");
	strlcpy(bob.name, "bob", sizeof(bob.name));
	bob.system = true;
}

static void
put_include(const char *file, const char *to, const char *more)
{
	char text[512];

	snprintf(text, sizeof(text), "%s:include:%s/%s\n", more, home, to);
	put(file, text, 0600);
}

static void
test_include(void)
{
	char error[PLAN_ERROR_MAX];

	clear();
	put_include(".forward", "list", "bob\n");
	is_later("is missing", "an included file that is missing");
	put(".forward", "bob\n:include:~/list\n", 0600);
	is_later("/list is missing", "... by ~/");
	put("list", "# x\nal@y.test\ncarol\n", 0644);
	is_str(plan("", NULL), "good keep forward:al@y.test "
	    "forward:carol@x.test", "one that is there");
	(void)chmod("list", 0664);
	is_later("/list: may be written", "one that others may write");
	(void)chmod("list", 0644);
	put("list", "al@y.test\n|prog\n", 0644);
	is_str(plan("", error), "broken keep", "no programs in it");
	ok(strstr(error, "/list:2: ") != NULL, "... says so: %s", error);
	put("list", "~/x\n/x\n", 0644);
	is_str(plan("", error), "broken keep", "nor files");
	put_include("list", "list", "");
	is_str(plan("", error), "broken keep", "one that includes itself");
	put_include("list", "list2", "al@y.test\n");
	put("list2", "bob\n\\dave\n", 0600);
	is_str(plan("", NULL), "good keep forward:al@y.test "
	    "forward:dave@x.test", "one in another");
}

static void
test_many(void)
{
	char text[4096] = "", error[PLAN_ERROR_MAX];
	size_t i, n = 0;

	clear();
	for (i = 0; i <= PLAN_MOST; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "a%zu@y.test\n", i);
	put(".forward", text, 0600);
	is_str(plan("", error), "broken keep", "too many");
	ok(strstr(error, "more than 100") != NULL, "... says so: %s", error);
}

static int
prepare(void)
{
	char error[CONF_ERROR_MAX];
	const char *set[] = { "domains=x.test", "hostname=x.test" };

	if (mkdtemp(home) == NULL || chdir(home) == -1 ||
	    settings_load(&settings, "/dev/null", set, 2, error) == -1)
		return -1;
	strlcpy(bob.name, "bob", sizeof(bob.name));
	strlcpy(bob.home, home, sizeof(bob.home));
	snprintf(bob.mailbox, sizeof(bob.mailbox), "%s/Maildir", home);
	bob.system = true;
	bob.uid = geteuid();
	if (bob.uid != 0)
		return 0;
	bob.uid = NOBODY;
	put(".forward", "al@y.test\n", 0644);
	return chown(".forward", 1, 1) == -1 ||
	    chown(home, NOBODY, NOBODY) == -1 ||
	    setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
	    setresuid(NOBODY, NOBODY, NOBODY) == -1 ? -1 : 0;
}

int
main(void)
{
	bool root = geteuid() == 0;

	log_open("dotfile");
	if (!ok(prepare() == 0, "a home"))
		return done();
	test_another(root);
	test_rows();
	test_choices();
	test_owner();
	test_look();
	test_keys();
	test_modes();
	test_kinds();
	test_home();
	test_virtual();
	test_include();
	test_many();
	clear();
	(void)rmdir(home);
	settings_free(&settings);
	return done();
}
