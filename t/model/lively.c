/* SPDX-License-Identifier: ISC
 *
 * A large mailbox whose files are renamed all the time, so that listings miss
 * some of them: sessions that refresh again and again must never call one gone
 * that is there, show one twice or under another UID, whatever else is
 * delivered and removed meanwhile.
 *
 *	lively MESSAGES SECONDS
 *
 * Exit code: 0, or 1 and what was wrong on standard output.
 */
#include <err.h>
#include <signal.h>

#include "outside.h"
#include "session.h"

#define SESSIONS	4
#define REMOVED		64	/* the first messages, one after another */

struct view {
	struct mailbox	*mb;
	uint32_t	*uid;	/* of each token */
	uint32_t	*of;	/* the token of each UID */
};

static char top[64];
static uint32_t messages, uids;

static long long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static int
toggle_seen(int dir, const char *name, void *arg)
{
	char to[NAME];

	(void)toggle_letter(to, name, *(const char *)arg);
	(void)renameat2(dir, name, dir, to, RENAME_NOREPLACE);
	return 0;
}

static void __attribute__((noreturn))
rename_all(const struct place *p, char letter, pid_t parent)
{
	while (getppid() == parent)
		each_file(p->cur, toggle_seen, &letter);
	_exit(0);
}

struct wanted {
	char	part[32];	/* of its name */
	char	name[NAME];
};

static int
has_part(int dir, const char *name, void *arg)
{
	struct wanted *w = arg;

	(void)dir;
	if (strstr(name, w->part) == NULL)
		return 0;
	strlcpy(w->name, name, sizeof(w->name));
	return 1;
}

/* Remove a message, whatever its name is by then; false: it has none. */
static bool
remove_message(const struct place *p, uint32_t token)
{
	struct wanted w;
	int i;

	snprintf(w.part, sizeof(w.part), ".M%uP", token);
	for (i = 0; i < 10000; i++)
		if (each_file(p->cur, has_part, &w) && unlinkat(p->cur, w.name,
		    0) == 0)
			return true;
	return false;
}

/* Deliver and remove, evenly over the time; the tokens of what is new follow
 * those that are there. */
static void __attribute__((noreturn))
come_and_go(const struct place *p, long long end)
{
	long long start = now_ms();
	uint32_t i;

	for (i = 0; i < REMOVED; i++) {
		while (now_ms() - start < (end - start) * i / REMOVED)
			usleep(1000);
		if (outside_deliver(p, messages + 1 + i, 3, i % 2 ? ":2," :
		    NULL) == -1)
			_exit(1);
		if (!remove_message(p, i + 1))
			_exit(2);
	}
	_exit(0);
}

static void __attribute__((format(printf, 1, 2), noreturn))
bad(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

/*
 * Bring a list of UIDs forward by what a refresh tells.  One that is overtaken
 * by others again and again may say MAILBOX_BUSY: what it tells is right.
 */
static uint32_t
look(const struct view *v, unsigned flags, uint32_t *told, uint32_t n,
    bool quiet)
{
	struct mailbox_diff d;
	struct mailbox_msg m;
	uint32_t seq, uid;
	enum mailbox_status status;
	size_t i;

	status = mailbox_refresh(v->mb, flags, &d);
	if (status != MAILBOX_OK && (quiet || status != MAILBOX_BUSY))
		bad("a refresh failed: status %d", status);
	for (i = 0; i < d.nexpunged; i++) {
		seq = d.expunged[i];
		if (seq == 0 || seq > n)
			bad("expunge %u of %u", seq, n);
		uid = told[seq - 1];
		if (v->of[uid] > REMOVED)
			bad("UID %u was told expunged and is there", uid);
		memmove(told + seq - 1, told + seq, (n-- - seq) *
		    sizeof(*told));
	}
	for (seq = n + 1; seq <= mailbox_count(v->mb); seq++) {
		mailbox_msg(v->mb, seq, &m);
		if (m.uid >= uids)
			bad("UID %u: UIDs are wasted", m.uid);
		told[n++] = m.uid;
		v->of[m.uid] = read_token(v->mb, seq);
		if (v->of[m.uid] != 0 && v->uid[v->of[m.uid]] != 0)
			bad("message %u has UID %u, had %u", v->of[m.uid],
			    m.uid, v->uid[v->of[m.uid]]);
		v->uid[v->of[m.uid]] = m.uid;
	}
	return n;
}

static void __attribute__((noreturn))
watch(unsigned flags, unsigned way, long long end, int quiet)
{
	struct view v = { .uid = calloc(messages * 2, sizeof(uint32_t)),
	    .of = calloc(uids, sizeof(uint32_t)) };
	uint32_t *told = calloc(uids, sizeof(*told)), n = 0, rounds = 0;
	struct mailbox_root *root;
	char c;

	if (mailbox_root_open(top, 0, &root) != MAILBOX_OK ||
	    mailbox_open(root, "INBOX", flags, &v.mb) != MAILBOX_OK)
		bad("cannot open");
	for (; now_ms() < end; rounds++)
		n = look(&v, way, told, n, false);
	(void)!read(quiet, &c, 1);
	n = look(&v, 0, told, n, true);
	if (n != messages || mailbox_count(v.mb) != messages)
		bad("%u messages are told, %u are there, not %u", n,
		    mailbox_count(v.mb), messages);
	if (mailbox_uidnext(v.mb) != messages + REMOVED + 1)
		bad("UIDNEXT %u for %u messages", mailbox_uidnext(v.mb),
		    messages + REMOVED);
	mailbox_close(v.mb);
	mailbox_root_close(root);
	printf("%u refreshes ", rounds);
	fflush(stdout);
	_exit(0);
}

static void
end_all(const pid_t *pids, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		(void)kill(pids[i], SIGKILL);
		(void)waitpid(pids[i], NULL, 0);
	}
}

static int
run(const struct place *p, long long end)
{
	static const unsigned flags[SESSIONS] = { 0, 0, MAILBOX_KEEP_NEW,
	    MAILBOX_KEEP_NEW | MAILBOX_READONLY };
	static const unsigned ways[SESSIONS] = { 0, MAILBOX_RELIST, 0,
	    MAILBOX_NO_EXPUNGE };
	int i, status, quiet[2], failed = 0;
	pid_t parent = getpid(), pids[SESSIONS], noise[2], busy;

	if (pipe(quiet) == -1)
		err(1, "pipe");
	for (i = 0; i < 2; i++)
		if ((noise[i] = fork()) == 0)
			rename_all(p, "SP"[i], parent);
	for (i = 0; i < SESSIONS; i++)
		if ((pids[i] = fork()) == 0)
			watch(flags[i], ways[i], end, quiet[0]);
	if ((busy = fork()) == 0)
		come_and_go(p, end);
	(void)waitpid(busy, &status, 0);
	if (status != 0)
		failed = printf("delivering and removing failed: %x\n",
		    (unsigned)status);
	end_all(noise, 2);
	(void)!write(quiet[1], "....", SESSIONS);
	for (i = 0; i < SESSIONS; i++) {
		(void)waitpid(pids[i], &status, 0);
		failed |= status;
	}
	return failed;
}

static void
remove_top(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", top, (char *)NULL);
		_exit(127);
	}
	(void)waitpid(pid, NULL, 0);
}

int
main(int argc, char **argv)
{
	struct mailbox_root *root;
	struct mailbox *mb;
	struct place p;
	uint32_t i;
	int failed;

	if (argc != 3)
		errx(64, "lively messages seconds");
	messages = (uint32_t)strtoul(argv[1], NULL, 10);
	uids = messages + REMOVED + 1;
	snprintf(top, sizeof(top), "%.40s/stdmail-lively.XXXXXX",
	    getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR"));
	if (messages < REMOVED || mkdtemp(top) == NULL ||
	    mailbox_root_open(top, MAILBOX_CREATE, &root) != MAILBOX_OK ||
	    place_open(&p, top) == -1)
		err(1, "%s", top);
	for (i = 1; i <= messages; i++)
		if (outside_deliver(&p, i, 3, ":2,") == -1)
			err(1, "deliver");
	/* All have their UIDs before anything moves. */
	if (mailbox_open(root, "INBOX", 0, &mb) != MAILBOX_OK ||
	    mailbox_refresh(mb, 0, NULL) != MAILBOX_OK)
		errx(1, "cannot open");
	mailbox_close(mb);
	mailbox_root_close(root);
	failed = run(&p, now_ms() + 1000 * strtol(argv[2], NULL, 10));
	printf("\n");
	remove_top();
	return failed != 0;
}
