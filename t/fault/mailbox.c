/* SPDX-License-Identifier: ISC
 *
 * One operation on a mailbox, broken at each of its system calls in turn: the
 * process is killed there, or the call fails.  Then others look at what is
 * left.
 *
 *	mailbox VERB kill|0|1|2 [STEP]
 *
 * VERB: open flag keyword expunge append copy link move take churn; link and
 * take are copy and move that stage nothing.  0, 1, 2: the call
 * fails with the first, second or third error that fits it.  STEP: only every
 * so many calls, up to where the mailbox is closed.
 *
 * Exit code: 0 and a line on how often it was broken; 1 and a line for each
 * rule that was; 77 calls cannot be made to fail on this processor.
 */
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "break.h"
#include "mail/mailbox_local.h"

#define OLD		6	/* messages 1 to OLD of INBOX have UIDs */
#define NEW		8	/* up to NEW have none yet */
#define SENT		9	/* in Sent */
#define MADE		10	/* and 11: by the operation */
#define TOKENS		16
#define CALLS		20000
#define FAULTS_MAX	3	/* then enough is known */
#define SECONDS		5	/* anything longer is blocked */
#define CHURN		60
#define JOURNAL_MIN	1024	/* so that CHURN is enough to shorten it */

/* ---- what is told ---- */

struct told {
	uint32_t	validity;
	uint32_t	n;
	struct {
		uint32_t	uid, token;
		mailbox_flags	flags;
	} row[TOKENS];
};

/* What the processes of one round tell each other. */
struct shared {
	struct told	before[2];	/* INBOX, Sent */
	struct told	seen;		/* by the operation's first look */
	uint32_t	first;		/* UID its commit told, or 0 */
	bool		began, done;	/* it said it was done */
	bool		failed;		/* the first attempt said so */
	bool		closing;	/* its work is done */
	enum mailbox_status status;
	int		found[TOKENS];	/* of MOVE, in both folders */
	char		fault[200];
};

static struct shared *shared;
static long closing;		/* the number of the first call then */
static char top[64];
static const char *const names[2] = { "INBOX", "Sent" };

static void __attribute__((format(printf, 1, 2)))
wrong(const char *fmt, ...)
{
	va_list ap;

	if (shared->fault[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(shared->fault, sizeof(shared->fault), fmt, ap);
	va_end(ap);
}

static uint32_t
token_of(struct mailbox *mb, uint32_t seq)
{
	char text[32];
	struct message *m;
	size_t n = 0;

	if (mailbox_message(mb, seq, &m) != MAILBOX_OK)
		return 0;
	if (message_read(m, 0, text, sizeof(text) - 1, &n) == -1)
		n = 0;
	text[n] = '\0';
	message_close(m);
	return n == 0 ? 0 : (uint32_t)strtoul(text + strcspn(text, " "), NULL,
	    10);
}

static void
look(struct mailbox *mb, struct told *t, bool tokens)
{
	struct mailbox_msg m;
	uint32_t seq;

	t->validity = mailbox_uidvalidity(mb);
	t->n = 0;
	for (seq = 1; seq <= mailbox_count(mb) && seq <= TOKENS; seq++) {
		mailbox_msg(mb, seq, &m);
		t->row[seq - 1].uid = m.uid;
		t->row[seq - 1].flags = m.flags;
		t->row[seq - 1].token = tokens ? token_of(mb, seq) : 0;
		t->n = seq;
	}
}

/* ---- the Maildir before ---- */

static void
spew(const char *name, uint32_t token)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd == -1 || dprintf(fd, "Token: %u\n\ntext\n", token) < 0)
		err(1, "%s", path);
	close(fd);
}

/* Changed long ago, so that its stamp is believed at once. */
static void
make_old(const char *path, time_t when)
{
	struct timespec times[2] = { { when, 0 }, { when, 0 } };
	char name[200];

	snprintf(name, sizeof(name), "%s/%s", top, path);
	(void)utimensat(AT_FDCWD, name, times, 0);
}

static void
setup(void)
{
	struct mailbox_root *root;
	struct mailbox *mb;
	char name[64];
	uint32_t i;
	int box;

	snprintf(top, sizeof(top), "%.40s/stdmail-fault.XXXXXX",
	    getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR"));
	if (mkdtemp(top) == NULL || mailbox_root_open(top, MAILBOX_CREATE,
	    &root) != MAILBOX_OK || mailbox_create(root, names[1]) !=
	    MAILBOX_OK)
		err(1, "%s", top);
	for (i = 1; i <= OLD; i++) {
		snprintf(name, sizeof(name), "cur/150000000%u.M1P%u.b:2,%s",
		    i, i, i == 1 ? "FS" : i == 2 ? "S" : "");
		spew(name, i);
	}
	spew(".Sent/cur/1500000000.M1P9.b:2,S", SENT);
	make_old("cur", 1500000000);
	make_old("new", 1500000000);
	make_old(".Sent/cur", 1500000000);
	for (box = 0; box < 2; box++) {
		if (mailbox_open(root, names[box], 0, &mb) != MAILBOX_OK ||
		    mailbox_refresh(mb, 0, NULL) != MAILBOX_OK)
			errx(1, "%s: cannot open", names[box]);
		look(mb, &shared->before[box], true);
		mailbox_close(mb);
	}
	mailbox_root_close(root);
	for (; i <= NEW; i++) {
		snprintf(name, sizeof(name), "new/150000000%u.M1P%u.b,S=17",
		    i, i);
		spew(name, i);
	}
	make_old("new", 1500000001);
}

static void
remove_tree(const char *path)
{
	char name[512];
	struct dirent *e;
	DIR *d;

	if (unlink(path) == 0 || (d = opendir(path)) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		remove_tree(name);
	}
	closedir(d);
	(void)rmdir(path);
}

/* ---- the operation ---- */

/* The number of the i-th of the old messages, 0: it is gone. */
static uint32_t
number(const struct mailbox *mb, uint32_t i)
{
	return mailbox_seq(mb, shared->before[0].row[i].uid);
}

/* copy link move take */
static bool
is_copy(const char *verb)
{
	return strcmp(verb, "copy") == 0 || strcmp(verb, "link") == 0;
}

static bool
is_move(const char *verb)
{
	return strcmp(verb, "move") == 0 || strcmp(verb, "take") == 0;
}

static enum mailbox_status
save(const char *verb, struct mailbox *to, struct mailbox *from,
    uint32_t *first)
{
	enum mailbox_status status;
	struct mailbox_save *s;
	uint32_t i, told = 0;
	char text[64];

	if ((status = mailbox_save_begin(to, &s)) != MAILBOX_OK)
		return status;
	if (strcmp(verb, "link") == 0 || strcmp(verb, "take") == 0)
		mailbox_save_straight(s, strcmp(verb, "take") == 0);
	for (i = 0; i < 2 && status == MAILBOX_OK; i++) {
		if (from != NULL) {
			status = mailbox_save_copy(s, from, number(from, i));
			continue;
		}
		snprintf(text, sizeof(text), "Token: %u\r\n\r\ntext\r\n",
		    MADE + i);
		(void)mailbox_save_start(s, MAILBOX_SEEN, 1500000000);
		(void)mailbox_save_write(s, text, strlen(text));
		status = mailbox_save_finish(s);
	}
	if (status != MAILBOX_OK) {
		mailbox_save_abort(s);
		return status;
	}
	status = mailbox_save_commit(s, &told);
	if (status == MAILBOX_OK)
		*first = told;
	return status;
}

static enum mailbox_status
churn(struct mailbox *mb)
{
	enum mailbox_status status = MAILBOX_OK;
	uint32_t seq = 3;
	int i;

	for (i = 0; i < CHURN && status == MAILBOX_OK; i++)
		status = mailbox_store(mb, &seq, 1, i % 2 ? MAILBOX_REMOVE :
		    MAILBOX_ADD, MAILBOX_FLAGGED);
	return status;
}

static enum mailbox_status
work(const char *verb, struct mailbox *mb, struct mailbox *sent)
{
	enum mailbox_status status;
	uint32_t seqs[3], i, n = 0;
	int k;

	for (i = 0; i < 3; i++)
		if ((seqs[n] = number(mb, i)) != 0)
			n++;

	if (strcmp(verb, "flag") == 0)
		return mailbox_store(mb, seqs, 3, MAILBOX_ADD,
		    MAILBOX_ANSWERED);
	if (strcmp(verb, "expunge") == 0)
		return mailbox_expunge(mb, seqs, n - 1, false);
	if (strcmp(verb, "append") == 0)
		return save(verb, mb, NULL, &shared->first);
	if (is_copy(verb))
		return save(verb, sent, mb, &shared->first);
	if (strcmp(verb, "churn") == 0)
		return churn(mb);
	if (is_move(verb)) {
		if (shared->first == 0 && (status = save(verb, sent, mb,
		    &shared->first)) != MAILBOX_OK)
			return status;
		return mailbox_expunge(mb, seqs, n - 1, false);
	}
	if (strcmp(verb, "keyword") == 0) {
		if ((k = mailbox_keyword(mb, "Later", true)) == -1)
			return MAILBOX_TEMPORARY;
		return mailbox_store(mb, seqs, 3, MAILBOX_ADD,
		    MAILBOX_KEYWORD(k));
	}
	return MAILBOX_OK;	/* open */
}

static enum mailbox_status
attempt(const char *verb)
{
	struct mailbox_root *root = NULL;
	struct mailbox *mb = NULL, *sent = NULL;
	enum mailbox_status status;

	status = mailbox_root_open(top, 0, &root);
	if (status == MAILBOX_OK)
		status = mailbox_open(root, names[0], 0, &mb);
	if (status == MAILBOX_OK)
		status = mailbox_open(root, names[1], 0, &sent);
	if (status == MAILBOX_OK)
		status = mailbox_refresh(mb, 0, NULL);
	if (status == MAILBOX_OK) {
		if (shared->seen.n == 0)
			look(mb, &shared->seen, false);
		status = work(verb, mb, sent);
	}
	shared->closing = true;
	mailbox_close(sent);
	mailbox_close(mb);
	mailbox_root_close(root);
	return status;
}

static void __attribute__((noreturn))
operation(const char *verb)
{
	if (freopen("/dev/null", "w", stderr) == NULL)
		_exit(1);
	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	(void)raise(SIGSTOP);
	shared->began = true;
	shared->status = attempt(verb);
	if (shared->status != MAILBOX_OK) {
		shared->failed = true;
		shared->status = attempt(verb);
	}
	shared->done = true;
	_exit(0);
}

/* ---- breaking it ---- */

/*
 * Do the operation.  At its limit-th call it is killed (which -1), or that call
 * fails.  record, if not NULL, becomes the calls' numbers.  Returns how many
 * there were.
 */
static long
run(const char *verb, long limit, int which, long *record)
{
	int status, error, died = 0;
	long n = 0;
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0)
		operation(verb);
	if (pid == -1 || waitpid(pid, &status, 0) == -1 ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD |
	    PTRACE_O_EXITKILL) == -1)
		err(1, "ptrace");
	while (go_on(pid, &died)) {
		if (record != NULL && n < CALLS)
			record[n] = call_number(pid);
		if (record != NULL && !shared->closing)
			closing = n + 2;
		error = ++n != limit ? 0 : which == -1 ? -1 :
		    error_for(call_number(pid), which);
		if (error == -1) {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, &status, 0);
			return n;
		}
		if (error != 0)
			call_fail(pid, 0);
		if (!go_on(pid, &died))
			break;
		if (error != 0)
			call_fail(pid, error);
	}
	if (died != 0)
		wrong("died of signal %d", died);
	return n;
}

/* ---- what is left ---- */

/* How a message may be: how often, and with or without the change. */
struct want {
	int		min, max;
	mailbox_flags	before, after;
};

/* Messages of a folder by their tokens, for the operation when it was done
 * (sure) or when it may have been. */
static void
expect(const char *verb, int box, bool sure, struct want *w)
{
	bool change = strcmp(verb, "flag") == 0 ||
	    strcmp(verb, "keyword") == 0;
	bool gone = strcmp(verb, "expunge") == 0 || is_move(verb);
	bool copied = is_copy(verb) || is_move(verb);
	mailbox_flags flag = strcmp(verb, "keyword") == 0 ?
	    MAILBOX_KEYWORD(0) : MAILBOX_ANSWERED;
	int i;

	memset(w, 0, TOKENS * sizeof(*w));
	for (i = 1; box == 0 && i <= NEW; i++) {
		w[i].min = w[i].max = 1;
		w[i].before = i == 1 ? MAILBOX_SEEN | MAILBOX_FLAGGED :
		    i == 2 ? MAILBOX_SEEN : 0;
		w[i].after = w[i].before | (change && i < 4 ? flag : 0);
		if (strcmp(verb, "churn") == 0 && i == 3)
			w[i].after = sure ? 0 : MAILBOX_FLAGGED;
		if (gone && i < 3)
			w[i].min = 0, w[i].max = sure ? 0 : 1;
		if (sure)
			w[i].before = w[i].after;
	}
	if (box == 0 && strcmp(verb, "append") == 0)
		for (i = MADE; i < MADE + 2; i++)
			w[i] = (struct want){ sure, 1, MAILBOX_SEEN,
			    MAILBOX_SEEN };
	if (box == 1)
		w[SENT] = (struct want){ 1, 1, MAILBOX_SEEN, MAILBOX_SEEN };
	if (box == 1 && copied) {
		w[1] = (struct want){ sure, 1, MAILBOX_SEEN | MAILBOX_FLAGGED,
		    MAILBOX_SEEN | MAILBOX_FLAGGED };
		w[2] = (struct want){ sure, 1, MAILBOX_SEEN, MAILBOX_SEEN };
	}
}

static void
check_told(const struct told *now, const struct told *told, const char *box)
{
	uint32_t i, j;

	for (i = 0; i < told->n; i++)
		for (j = 0; j < now->n; j++)
			if (told->row[i].uid == now->row[j].uid &&
			    told->row[i].token != 0 &&
			    told->row[i].token != now->row[j].token)
				wrong("%s: UID %u was message %u, is %u", box,
				    now->row[j].uid, told->row[i].token,
				    now->row[j].token);
			else if (told->row[i].token == now->row[j].token &&
			    told->row[i].uid != now->row[j].uid)
				wrong("%s: message %u had UID %u, has %u", box,
				    now->row[j].token, told->row[i].uid,
				    now->row[j].uid);
}

/* Of what came together none is without the other. */
static void
check_whole(const char *verb, int box, const int *count)
{
	bool append = strcmp(verb, "append") == 0;
	int i = append ? MADE : 1;

	/* Of a MOVE some may be (RFC 6851, section 3.3). */
	if (strcmp(verb, "take") != 0 && box == (append ? 0 : 1) &&
	    count[i] != count[i + 1])
		wrong("%s: half a batch", names[box]);
}

static void
check_box(struct mailbox *mb, int box, const char *verb)
{
	bool sure = shared->done && shared->status == MAILBOX_OK;
	struct want want[TOKENS], *w;
	int count[TOKENS] = { 0 };
	struct told now;
	uint32_t i;

	look(mb, &now, true);
	if (now.validity != shared->before[box].validity)
		wrong("%s: UIDVALIDITY %u was %u", names[box], now.validity,
		    shared->before[box].validity);
	check_told(&now, &shared->before[box], names[box]);
	expect(verb, box, sure, want);
	for (i = 0; i < now.n; i++) {
		w = &want[now.row[i].token];
		if (now.row[i].token == 0 || now.row[i].token >= TOKENS)
			wrong("%s: no message %u", names[box],
			    now.row[i].token);
		else if (++count[now.row[i].token] > w->max)
			wrong("%s: message %u is there (%d)", names[box],
			    now.row[i].token, count[now.row[i].token]);
		else if (now.row[i].flags != w->before &&
		    now.row[i].flags != w->after)
			wrong("%s: message %u has flags %llx", names[box],
			    now.row[i].token, (unsigned long long)
			    now.row[i].flags);
	}
	for (i = 1; i < TOKENS; i++)
		if (count[i] < want[i].min)
			wrong("%s: message %u is missing", names[box], i);
	check_whole(verb, box, count);
	/* What its first look told holds, and what its commit did. */
	for (i = 0; box == 0 && i < shared->seen.n && i < NEW; i++)
		shared->seen.row[i].token = i + 1;
	if (box == 0)
		check_told(&now, &shared->seen, "seen INBOX");
	for (i = 0; shared->first != 0 && box == (strcmp(verb, "append") != 0)
	    && i < now.n; i++)
		if (now.row[i].uid == shared->first && now.row[i].token !=
		    (box == 0 ? MADE : 1))
			wrong("UID %u was told for another message",
			    shared->first);
	for (i = 1; is_move(verb) && i < 3; i++) {
		shared->found[i] += count[i];
		if (box == 1 && shared->found[i] == 0)
			wrong("message %u is nowhere", i);
		if (box == 1 && shared->found[i] > 1 &&
		    strcmp(verb, "take") == 0)
			wrong("message %u is in both", i);
	}
}

static void
check_works(struct mailbox *mb)
{
	enum mailbox_status status;
	uint32_t first = 0, seq;

	if ((status = save("append", mb, NULL,
	    &first)) != MAILBOX_OK ||
	    (status = mailbox_refresh(mb, 0, NULL)) != MAILBOX_OK)
		wrong("a later save: %s", mailbox_status_text(status));
	else if ((seq = mailbox_seq(mb, first)) == 0)
		wrong("what is saved later is not there");
	else if ((status = mailbox_store(mb, &seq, 1, MAILBOX_ADD,
	    MAILBOX_DELETED)) != MAILBOX_OK || (status = mailbox_expunge(mb,
	    &seq, 1, true)) != MAILBOX_OK)
		wrong("later work: %s", mailbox_status_text(status));
	if (mailbox_keyword(mb, "Other", true) == -1)
		wrong("no keyword can be made later");
}

/* Nothing half done lies about. */
static void
check_litter(const char *folder, bool killed)
{
	char path[200];
	struct dirent *e;
	size_t n;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", top, folder);
	if ((d = opendir(path)) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		n = strlen(e->d_name);
		if (n > 5 && strcmp(e->d_name + n - 5, ".lock") == 0)
			wrong("%s/%s is left", folder, e->d_name);
		if (e->d_name[0] != '.' && !killed && strstr(folder, "tmp"))
			wrong("%s/%s is left", folder, e->d_name);
	}
	closedir(d);
}

static void __attribute__((noreturn))
check(const char *verb)
{
	enum mailbox_status status;
	struct mailbox_root *root;
	struct mailbox *mb[2];
	int box;

	if (freopen("/dev/null", "w", stderr) == NULL)
		_exit(1);
	(void)alarm(SECONDS);
	if (mailbox_root_open(top, 0, &root) != MAILBOX_OK)
		wrong("the tree cannot be opened");
	for (box = 0; shared->fault[0] == '\0' && box < 2; box++) {
		status = mailbox_open(root, names[box], 0, &mb[box]);
		if (status == MAILBOX_OK)
			status = mailbox_refresh(mb[box], 0, NULL);
		if (status != MAILBOX_OK) {
			wrong("%s: %s", names[box],
			    mailbox_status_text(status));
			_exit(0);
		}
		check_box(mb[box], box, verb);
	}
	for (box = 0; shared->fault[0] == '\0' && box < 2; box++) {
		check_works(mb[box]);
		mailbox_close(mb[box]);
	}
	_exit(0);
}

/* When nothing was broken: it did what is to be broken. */
static void
check_shortened(void)
{
	struct stat st;
	char path[200];

	snprintf(path, sizeof(path), "%s/" JOURNAL_FILE, top);
	if (stat(path, &st) == -1 || st.st_size > JOURNAL_START + JOURNAL_MIN)
		wrong("the journal was not made shorter");
}

/* One round: its fault is in shared->fault. */
static long
round_of(const char *verb, long limit, int which, long *record)
{
	static const char *const folders[] = { ".", "tmp", ".Sent",
	    ".Sent/tmp" };
	int status;
	pid_t pid;
	size_t i;
	long n;

	memset(shared, 0, sizeof(*shared));
	setup();
	n = run(verb, limit, which, record);
	if (record != NULL && strcmp(verb, "churn") == 0)
		check_shortened();
	if (which != -1 && (!shared->done || shared->status != MAILBOX_OK))
		wrong("the second attempt: %s", shared->done ?
		    mailbox_status_text(shared->status) : "no end");
	if ((pid = fork()) == 0)
		check(verb);
	(void)waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		wrong("who looks later %s", WTERMSIG(status) == SIGALRM ?
		    "is blocked" : "dies");
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		check_litter(folders[i], which == -1);
	if (getenv("KEEP") != NULL && shared->fault[0] != '\0')
		printf("# %s\n", top);
	else
		remove_tree(top);
	return n;
}

int
main(int argc, char **argv)
{
	static long record[CALLS];
	long n, total, step, broken = 0;
	int which, error, faults = 0;

	if (argc < 3)
		errx(64, "mailbox verb kill|0|1|2 [step]");
	which = strcmp(argv[2], "kill") == 0 ? -1 :
	    (int)strtol(argv[2], NULL, 10);
	step = argc > 3 ? strtol(argv[3], NULL, 10) : 1;
	if (which > 2 || step < 1)
		return 64;
	if (which != -1 && !CAN_FAIL)
		return 77;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		err(1, "mmap");
	mailbox_journal_min = JOURNAL_MIN;
	total = round_of(argv[1], -1, -1, record);
	if (shared->fault[0] != '\0' || total >= CALLS) {
		printf("%s undisturbed: %s\n", argv[1], shared->fault);
		return 1;
	}
	for (n = 1; n <= total && faults < FAULTS_MAX;
	    n += n + step < closing ? step : 1) {
		error = which == -1 ? 0 : error_for(record[n - 1], which);
		if (which != -1 && error == 0)
			continue;
		(void)round_of(argv[1], n, which, NULL);
		broken++;
		if (shared->fault[0] == '\0')
			continue;
		faults++;
		printf("%s, call %ld (number %ld) %s: %s\n", argv[1], n,
		    record[n - 1], which == -1 ? "kills it" :
		    strerrorname_np(error), shared->fault);
	}
	if (faults == 0)
		printf("broken %ld times, in %ld calls\n", broken, total);
	return faults != 0;
}
