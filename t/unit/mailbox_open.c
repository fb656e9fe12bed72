/* SPDX-License-Identifier: ISC
 *
 * Proves that the cost of opening a mailbox follows what changed: the kernel
 * tells (inotify, IN_ACCESS and IN_OPEN) which folders were listed and which
 * messages were opened.  That any of the derived files may be missing.  And
 * that no change is overlooked for a clock that ticks too slowly: what happens
 * in the very tick in which a folder was looked at.
 */
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"
#include "mail/mailbox_local.h"

#define MESSAGES	2000
#define DERIVED		(sizeof(derived) / sizeof(derived[0]))

static const char *const derived[] = { "stdmail.index", "stdmail.journal",
    "stdmail.cache" };
static char top[] = "/tmp/stdmail-open.XXXXXX";
static int dir, sign;		/* the Maildir; what the kernel tells */
static int watch[3];		/* itself, cur, new */
static struct mailbox_root *root;
static struct mailbox *mb;

/* ---- what it cost ---- */

struct cost {
	bool		top, cur, new;	/* listed */
	unsigned	opened;		/* messages */
};

static void
watch_all(void)
{
	static const char *const names[] = { "", "/cur", "/new" };
	char path[64];
	int i;

	sign = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", top, names[i]);
		watch[i] = inotify_add_watch(sign, path, IN_ACCESS | IN_OPEN);
	}
}

/* Since the last time. */
static struct cost
cost(void)
{
	char buf[65536] __attribute__((aligned(8)));
	const struct inotify_event *e;
	struct cost c = { false, false, false, 0 };
	ssize_t n, at;

	while ((n = read(sign, buf, sizeof(buf))) > 0)
		for (at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (const void *)(buf + at);
			if (e->len == 0 && (e->mask & IN_ACCESS) != 0) {
				c.top |= e->wd == watch[0];
				c.cur |= e->wd == watch[1];
				c.new |= e->wd == watch[2];
			} else if (e->len > 0 && e->wd != watch[0] &&
			    (e->mask & IN_OPEN) != 0) {
				c.opened++;
			}
		}
	return c;
}

static void
is_cost(const char *listed, const char *what)
{
	struct cost c = cost();
	char got[64];

	snprintf(got, sizeof(got), "%s%s%s%s", c.top ? "top " : "",
	    c.cur ? "cur " : "", c.new ? "new " : "",
	    c.opened > 0 ? "messages " : "");
	is_str(got, listed, what);
}

/* ---- the Maildir ---- */

static void
spew(const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd == -1 || write(fd, "A: b\n\nc\n", 8) != 8)
		printf("# %s cannot be written\n", name);
	close(fd);
}

static void
deliver(const char *name)
{
	char to[128];

	snprintf(to, sizeof(to), "new/%s", name);
	spew("tmp/x");
	(void)!renameat(dir, "tmp/x", dir, to);
}

static void
pause_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

static void
make(unsigned n)
{
	struct timespec old[2] = { { 1500000000, 0 }, { 1500000000, 0 } };
	char name[64];
	unsigned i;

	if (mkdtemp(top) == NULL || mailbox_root_open(top, MAILBOX_CREATE,
	    &root) != MAILBOX_OK || (dir = open(top, O_RDONLY)) == -1)
		exit(1);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "cur/%u.M1P1.a%s:2,%s",
		    1000000 + i, i % 2 ? ",S=8,W=11" : "",
		    i % 3 ? "S" : "");
		spew(name);
	}
	(void)utimensat(dir, "cur", old, 0);
	(void)utimensat(dir, "new", old, 0);
}

static void
remove_all(void)
{
	pid_t pid;

	mailbox_root_close(root);
	close(dir);
	fflush(stdout);
	if ((pid = fork()) == 0) {
		execlp("rm", "rm", "-rf", top, (char *)NULL);
		_exit(127);
	}
	(void)waitpid(pid, NULL, 0);
	memcpy(top + strlen(top) - 6, "XXXXXX", 6);
}

/* ---- sessions ---- */

static enum mailbox_status
begin(unsigned flags)
{
	enum mailbox_status status = mailbox_open(root, "INBOX", flags, &mb);

	return status == MAILBOX_OK ? mailbox_refresh(mb, 0, NULL) : status;
}

/* As a program ends one whose client said so. */
static void
end(void)
{
	mailbox_settle(mb);
	mailbox_close(mb);
}

static void
test_unchanged(void)
{
	cost();
	ok(begin(0) == MAILBOX_OK && mailbox_count(mb) == MESSAGES,
	    "a mailbox that nobody knows");
	mailbox_close(mb);
	/* The whole tree for a UIDVALIDITY that nobody has. */
	is_cost("top cur new ", "is listed, and no message is opened");
	ok(begin(0) == MAILBOX_OK && mailbox_count(mb) == MESSAGES,
	    "the second time");
	is_cost("", "nothing is listed");
	ok(mailbox_refresh(mb, 0, NULL) == MAILBOX_OK, "looked at again");
	end();
	is_cost("", "nothing is listed");
	ok(begin(MAILBOX_KEEP_NEW | MAILBOX_READONLY) == MAILBOX_OK &&
	    mailbox_count(mb) == MESSAGES, "read-only");
	end();
	is_cost("", "nothing is listed");
}

static void
test_delivery(void)
{
	deliver("2000001.M1P1.a");
	pause_ms(20);
	cost();
	ok(begin(MAILBOX_KEEP_NEW) == MAILBOX_OK && mailbox_count(mb) ==
	    MESSAGES + 1, "after a delivery");
	mailbox_close(mb);
	is_cost("new ", "the folder of new ones is listed");
	ok(begin(MAILBOX_KEEP_NEW) == MAILBOX_OK && mailbox_count(mb) ==
	    MESSAGES + 1, "once more");
	mailbox_close(mb);
	is_cost("", "it is not");
	ok(begin(0) == MAILBOX_OK && mailbox_recent(mb) == 1,
	    "whoever takes it");
	is_cost("new ", "lists that folder");
	end();
	cost();
	ok(begin(0) == MAILBOX_OK && mailbox_count(mb) == MESSAGES + 1 &&
	    mailbox_recent(mb) == 0, "and the next");
	mailbox_close(mb);
	is_cost("", "nothing");
	/* A session that is there is told by the kernel. */
	(void)begin(0);
	mailbox_watch(mb, &(int){ 0 });
	(void)mailbox_refresh(mb, 0, NULL);
	deliver("2000002.M1P1.a");
	cost();
	ok(mailbox_refresh(mb, 0, NULL) == MAILBOX_OK && mailbox_count(mb) ==
	    MESSAGES + 2, "what comes while one waits");
	is_cost("", "needs no listing");
	end();
}

/* The flags of the first messages, in a string. */
static const char *
first_flags(void)
{
	static char text[200];
	struct mailbox_msg m;
	uint32_t seq;
	size_t n = 0;

	text[0] = '\0';
	for (seq = 1; seq <= 6; seq++) {
		mailbox_msg(mb, seq, &m);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%u:%llx ",
		    m.uid, (unsigned long long)m.flags);
	}
	return text;
}

static void
test_session(void)
{
	uint32_t seqs[] = { 1, 2, 3, 4 }, count;
	char want[200];

	(void)begin(0);
	ok(mailbox_store(mb, seqs, 4, MAILBOX_ADD, MAILBOX_FLAGGED) ==
	    MAILBOX_OK && mailbox_store(mb, seqs + 1, 2, MAILBOX_ADD,
	    MAILBOX_KEYWORD(mailbox_keyword(mb, "Word", true))) ==
	    MAILBOX_OK && mailbox_expunge(mb, seqs + 3, 1, false) ==
	    MAILBOX_OK && mailbox_refresh(mb, 0, NULL) == MAILBOX_OK,
	    "a session stores and expunges");
	strlcpy(want, first_flags(), sizeof(want));
	count = mailbox_count(mb);
	end();
	cost();
	(void)begin(0);
	is_cost("", "and ends: the next lists nothing");
	is_str(first_flags(), want, "and sees all it did");
	is_int(mailbox_count(mb), count, "to all");

	/* Killed, or in haste: what it did has to be looked for. */
	(void)mailbox_store(mb, seqs, 2, MAILBOX_REMOVE, MAILBOX_FLAGGED);
	strlcpy(want, first_flags(), sizeof(want));
	mailbox_close(mb);
	cost();
	(void)begin(0);
	ok(!cost().new, "ended in haste: the next does not list new");
	is_str(first_flags(), want, "and sees what it did");
	end();

	/* And what others did just before it ended. */
	(void)begin(0);
	(void)mailbox_store(mb, seqs, 1, MAILBOX_ADD, MAILBOX_ANSWERED);
	spew("cur/2000003.M1P1.a:2,D");
	end();
	(void)begin(0);
	ok(mailbox_count(mb) == count + 1, "nor is another's file missed");
	mailbox_close(mb);
}

/* ---- derived files ---- */

static void
test_derived(void)
{
	char before[200];
	uint64_t modseq;
	uint32_t seq, count, next, validity;
	unsigned which, i;
	struct mailbox_msg m;
	bool good;

	(void)begin(0);
	end();
	(void)begin(0);
	strlcpy(before, first_flags(), sizeof(before));
	count = mailbox_count(mb);
	next = mailbox_uidnext(mb);
	validity = mailbox_uidvalidity(mb);
	modseq = mailbox_modseq(mb);
	end();
	for (which = 1; which < 1u << DERIVED; which++) {
		for (i = 0; i < DERIVED; i++)
			if (which & 1u << i)
				(void)unlinkat(dir, derived[i], 0);
		good = begin(0) == MAILBOX_OK && mailbox_count(mb) == count &&
		    mailbox_uidnext(mb) == next &&
		    mailbox_uidvalidity(mb) == validity &&
		    mailbox_modseq(mb) >= modseq &&
		    strcmp(first_flags(), before) == 0;
		for (seq = 1; good && seq <= mailbox_count(mb); seq++) {
			mailbox_msg(mb, seq, &m);
			good = m.modseq <= mailbox_modseq(mb) &&
			    mailbox_seq(mb, m.uid) == seq;
		}
		/* It is worked in as before. */
		seq = 5;
		good = good && mailbox_store(mb, &seq, 1, MAILBOX_ADD,
		    MAILBOX_DRAFT) == MAILBOX_OK && mailbox_store(mb, &seq, 1,
		    MAILBOX_REMOVE, MAILBOX_DRAFT) == MAILBOX_OK;
		ok(good && mailbox_modseq(mb) > modseq, "without%s%s%s",
		    which & 1 ? " index" : "", which & 2 ? " journal" : "",
		    which & 4 ? " cache" : "");
		modseq = mailbox_modseq(mb);
		end();
		cost();
		(void)begin(0);
		is_cost("", "and it is made again");
		end();
	}
}

/* ---- a disk that loses renames ---- */

/* The journal was synced, and the names were not: the folder is then as it was
 * when its stamps were written down. */
static void
test_lost_renames(void)
{
	uint32_t seqs[] = { 1, 2 };
	struct mailbox_msg before, told, after;
	struct timespec times[2];
	struct stat st;

	make(10);
	(void)begin(0);
	end();
	(void)begin(0);
	mailbox_msg(mb, 2, &before);
	(void)fstatat(dir, "cur", &st, 0);
	ok(mailbox_store(mb, seqs, 2, MAILBOX_ADD, MAILBOX_FLAGGED) ==
	    MAILBOX_OK && mailbox_modseq_sync(mb) == 0, "flags are told");
	mailbox_msg(mb, 2, &told);
	mailbox_close(mb);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	ok(renameat(dir, "cur/1000000.M1P1.a:2,F", dir,
	    "cur/1000000.M1P1.a:2,") == 0 && renameat(dir,
	    "cur/1000001.M1P1.a,S=8,W=11:2,FS", dir,
	    "cur/1000001.M1P1.a,S=8,W=11:2,S") == 0 &&
	    utimensat(dir, "cur", times, 0) == 0, "and lost by the disk");
	(void)begin(0);
	mailbox_msg(mb, 2, &after);
	ok(after.uid == told.uid && after.flags == before.flags,
	    "the next session sees what is there");
	ok(after.modseq > told.modseq && mailbox_modseq(mb) >= after.modseq,
	    "under a greater modification sequence");
	end();
	remove_all();
}

/* ---- a refresh that failed ---- */

/* What could not be taken for lack of something is found by the next look,
 * though no folder changed. */
static void
test_failed(void)
{
	struct rlimit files, size, now;
	int hold[64], i, n = 0;

	make(10);
	(void)begin(MAILBOX_KEEP_NEW);
	end();
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)getrlimit(RLIMIT_FSIZE, &size);
	(void)getrlimit(RLIMIT_NOFILE, &files);

	deliver("2000001.M1P1.a");
	pause_ms(20);
	(void)mailbox_open(root, "INBOX", MAILBOX_KEEP_NEW, &mb);
	now = size;
	now.rlim_cur = 1;
	(void)setrlimit(RLIMIT_FSIZE, &now);
	ok(mailbox_refresh(mb, 0, NULL) == MAILBOX_FULL &&
	    mailbox_count(mb) == 10, "the disk is full");
	(void)setrlimit(RLIMIT_FSIZE, &size);
	ok(mailbox_refresh(mb, 0, NULL) == MAILBOX_OK && mailbox_count(mb) ==
	    11, "it no longer is: what came is there");
	end();

	deliver("2000002.M1P1.a");
	pause_ms(20);
	(void)begin(MAILBOX_KEEP_NEW);
	deliver("2000003.M1P1.a");
	pause_ms(20);
	now = files;
	now.rlim_cur = 64;
	(void)setrlimit(RLIMIT_NOFILE, &now);
	while (n < 64 && (hold[n] = dup(dir)) != -1)
		n++;
	ok(mailbox_refresh(mb, 0, NULL) != MAILBOX_OK && mailbox_count(mb) ==
	    12, "no file can be opened");
	for (i = 0; i < n; i++)
		close(hold[i]);
	(void)setrlimit(RLIMIT_NOFILE, &files);
	ok(mailbox_refresh(mb, 0, NULL) == MAILBOX_OK && mailbox_count(mb) ==
	    13, "one can be again: what came is there");
	end();
	remove_all();
}

/* ---- clocks that tick slowly ---- */

static const char *const changes[] = { "a new file", "a delivery",
    "a renamed one", "a removed one", "all at once" };
#define CHANGES	(sizeof(changes) / sizeof(changes[0]))

static unsigned made, living;

/* What there should be: how many, and how many of them are flagged. */
struct want {
	unsigned	n, flagged;
};

static void
change(unsigned what, struct want *w)
{
	char name[64], to[80];

	if (what == 0 || what == 4) {
		snprintf(name, sizeof(name), "cur/%u.M1P2.a:2,", 3000000 +
		    made++);
		spew(name);
		w->n++;
	}
	if (what == 1 || what == 4) {
		snprintf(name, sizeof(name), "%u.M1P3.a", 4000000 + made++);
		deliver(name);
		w->n++;
	}
	if (what == 2 || what == 4) {
		snprintf(name, sizeof(name), "cur/%u.M1P2.a:2,", 5000000 +
		    living);
		snprintf(to, sizeof(to), "%sF", name);
		if (renameat(dir, name, dir, to) == 0)
			w->flagged++;
		living++;
	}
	if (what == 3 || what == 4) {
		snprintf(name, sizeof(name), "cur/%u.M1P2.a:2,", 5000000 +
		    living++);
		if (unlinkat(dir, name, 0) == 0)
			w->n--;
	}
}

static bool
is_as(const struct want *w)
{
	struct mailbox_msg m;
	uint32_t seq;
	unsigned n = 0, flagged = 0;

	for (seq = 1; seq <= mailbox_count(mb); seq++) {
		mailbox_msg(mb, seq, &m);
		n += !m.gone;
		flagged += !m.gone && (m.flags & MAILBOX_FLAGGED) != 0;
	}
	if (n != w->n || flagged != w->flagged)
		printf("# %u, %u flagged; want %u, %u\n", n, flagged, w->n,
		    w->flagged);
	return n == w->n && flagged == w->flagged;
}

/* Wait for the begin of a tick. */
static void
next_tick(long long tick)
{
	struct timespec now, t = { 0, 0 };
	long long ns;

	if (tick == 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	ns = tick - (now.tv_sec * 1000000000LL + now.tv_nsec) % tick;
	t.tv_sec = (time_t)(ns / 1000000000);
	t.tv_nsec = (long)(ns % 1000000000) + 200000;
	(void)nanosleep(&t, NULL);
}

/*
 * One row: in one tick a change, a look, another change; then the session that
 * looked must see it, and one that comes later as well.  What a session does
 * itself comes between in the second half.
 */
static bool
try_tick(long long tick, unsigned what, unsigned flags, struct want *w)
{
	uint32_t seq = 1;
	bool good;

	next_tick(tick);
	change(what, w);
	good = begin(flags) == MAILBOX_OK && is_as(w);
	change(what, w);
	good = mailbox_refresh(mb, 0, NULL) == MAILBOX_OK && is_as(w) && good;
	change(what, w);
	end();
	good = begin(flags) == MAILBOX_OK && is_as(w) && good;

	/* Among changes of its own. */
	next_tick(tick);
	(void)mailbox_store(mb, &seq, 1, MAILBOX_ADD, MAILBOX_DRAFT);
	change(what, w);
	(void)mailbox_store(mb, &seq, 1, MAILBOX_REMOVE, MAILBOX_DRAFT);
	good = mailbox_refresh(mb, 0, NULL) == MAILBOX_OK && is_as(w) && good;
	(void)mailbox_store(mb, &seq, 1, MAILBOX_ADD, MAILBOX_DRAFT);
	change(what, w);
	end();
	good = begin(flags) == MAILBOX_OK && is_as(w) && good;
	(void)mailbox_store(mb, &seq, 1, MAILBOX_REMOVE, MAILBOX_DRAFT);
	mailbox_close(mb);
	good = begin(flags) == MAILBOX_OK && is_as(w) && good;
	end();
	return good;
}

static void
test_ticks(long long tick, bool inotify, bool network, unsigned flags)
{
	struct want w = { 60, 0 };
	char name[64];
	unsigned i;

	make(0);
	made = living = 0;
	for (i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "cur/%u.M1P2.a:2,", 5000000 + i);
		spew(name);
	}
	/* The one that sessions store to stays. */
	living = 1;
	root->no_inotify = !inotify;
	root->network = network;
	mailbox_coarse_stamps = tick;
	/* One row of a tick that takes long. */
	for (i = tick > 100000000 ? CHANGES - 1 : 0; i < CHANGES; i++)
		ok(try_tick(tick, i, flags, &w), "a tick of %lld ms, %s%s%s: "
		    "%s", tick / 1000000, inotify ? "events" : "no events",
		    network ? ", network" : "", flags & MAILBOX_KEEP_NEW ?
		    ", new ones stay" : "", changes[i]);
	mailbox_coarse_stamps = 0;
	remove_all();
}

int
main(void)
{
	int i;

	make(MESSAGES);
	watch_all();
	test_unchanged();
	test_delivery();
	test_session();
	test_derived();
	close(sign);
	remove_all();
	test_lost_renames();
	test_failed();
	for (i = 0; i < 8; i++)
		test_ticks(i & 1 ? 40000000 : 0, i & 2, false, i & 4 ?
		    MAILBOX_KEEP_NEW : 0);
	test_ticks(40000000, false, true, 0);
	test_ticks(300000000, true, false, 0);
	test_ticks(1000000000, false, false, 0);
	return done();
}
