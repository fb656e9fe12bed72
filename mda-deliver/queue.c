/* SPDX-License-Identifier: ISC
 *
 * The walk through spool/local: it hands each message to a process, which locks
 * it, some at once.  Those for the same recipient go together; should one of
 * them go wrong, the others are tried again without it.  Whose mailbox or
 * program takes long has places of his own, and few of them, so that he holds
 * up no other.  It looks at no message's text, and never leaves one in now/
 * that it cannot deliver.
 */
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "mail/recipient.h"
#include "mail/spool.h"
#include "directory.h"
#include "message.h"
#include "passed.h"
#include "queue.h"
#include "system/clock.h"
#include "system/log.h"

#define WORKERS_MAX	8	/* that are quick */
#define SLOW_MAX	120	/* and beside them, that are not */
#define SLOTS_MAX	(WORKERS_MAX + SLOW_MAX)
#define SLOW_MS		500	/* then it takes no place from others, and its
				 * recipient is known as slow */
#define HURRY_MS	100	/* ... when they wait for one */
#define SLOW_ONE_MAX	2	/* of those, for one recipient */
#define KNOWN_MAX	512	/* recipients that are known as slow */
#define KNOWN_MS	60000	/* so long after the last time */
#define PATIENCE_MS	500	/* in a pass, for the place of one who has
				 * enough of them */
#define BATCH_MAX	16	/* messages of one process */
#define BATCHES_MAX	128	/* in the making: recipients */
#define PASS_MS		10	/* from one pass to the next: what comes in
				 * meanwhile goes together */
#define PAUSE_MS	200	/* ... at most */
#define BROKEN_WAIT	(6 * 3600)	/* for what cannot be read */
#define LOST_WAIT	300		/* when its process died */
#define BUSY_TRIES	30		/* looks, a second apart, at messages
					 * that another agent has */

struct worker {
	pid_t			pid;	/* 0: free */
	uint64_t		to;	/* passed_recipient() */
	size_t			n;
	struct spool_item	items[BATCH_MAX];
	long long		since;	/* clock_ms() */
	bool			slow;
};

/* Messages for one worker, of one recipient and with one owner. */
struct batch {
	size_t			n;
	uid_t			uid;
	struct address		to;
	struct spool_item	items[BATCH_MAX];
};

/* Whose mail was slow: it begins in a slow one's place. */
struct known {
	uint64_t	to;
	long long	last;	/* clock_ms() */
};

#define LEFT	1	/* exit code of a worker: some lie where they lay */
#define BUSY	2	/* another agent has some */
#define REST	3	/* some were not begun */

struct agent {
	struct settings	*settings;
	struct directory dir;
	struct spool	 spool;
	struct spool_watch watch;
	struct worker	 workers[SLOTS_MAX];
	size_t		 running, slow;
	struct batch	 batches[BATCHES_MAX];	/* in the making */
	size_t		 alone;		/* so many not in a batch: one went
					 * wrong */
	size_t		 taken, busy;	/* in this pass */
	size_t		 npassed;	/* over, for want of a place */
	struct passed	 passed, before;	/* in this and the last pass */
	struct known	 known[KNOWN_MAX];
	long long	 patience;	/* ms that are left in this pass */
	size_t		 over;		/* workers that ended since it began */
	bool		 trouble;	/* something stays in now/ */
};

static volatile sig_atomic_t stop, reload;

static void
on_signal(int signo)
{
	if (signo == SIGHUP)
		reload = 1;
	else if (signo != SIGCHLD)
		stop = 1;
}

static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };

/* The four that end a wait are blocked but inside one: none is missed. */
static void
catch_signals(sigset_t *inside)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t block;
	size_t i;

	sigemptyset(&sa.sa_mask);
	sigemptyset(&block);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		(void)sigaction(signals[i], &sa, NULL);
		sigaddset(&block, signals[i]);
	}
	(void)sigprocmask(SIG_BLOCK, &block, inside);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigdelset(inside, signals[i]);
}

static void
put_off(struct agent *a, const struct spool_item *item, int64_t wait)
{
	int64_t due = (int64_t)time(NULL) + wait;

	if (spool_defer_item(&a->spool, item, due) == -1 &&
	    errno != ENOENT) {
		log_error("spool", "id=%s error=%s", item->id,
		    log_str(strerror(errno)));
		a->trouble = true;
	}
}

static bool
is_known(const struct agent *a, uint64_t to)
{
	const struct known *k = &a->known[to / 2 % KNOWN_MAX];

	return k->to == to && clock_ms() - k->last < KNOWN_MS;
}

static void
get_known(struct agent *a, uint64_t to)
{
	a->known[to / 2 % KNOWN_MAX] = (struct known){ to, clock_ms() };
}

static void
ended(struct agent *a, pid_t pid, int status)
{
	struct worker *w = a->workers;

	while (w < a->workers + SLOTS_MAX && w->pid != pid)
		w++;
	if (w == a->workers + SLOTS_MAX)
		return;
	if (WIFSIGNALED(status))
		log_error("died", "id=%s messages=%zu signal=%d",
		    w->items[0].id, w->n, WTERMSIG(status));
	if (WIFEXITED(status) && WEXITSTATUS(status) == BUSY)
		a->busy++;
	else if (WIFEXITED(status) && WEXITSTATUS(status) == REST)
		a->taken++;		/* it is not over */
	else if (status != 0 && w->n == 1)
		put_off(a, &w->items[0], LOST_WAIT);
	else if (status != 0) {
		a->alone += w->n;
		a->taken++;
	}
	if (clock_ms() - w->since >= SLOW_MS)
		get_known(a, w->to);
	w->pid = 0;
	if (w->slow)
		a->slow--;
	else
		a->running--;
	a->over++;
}

/* A worker may be a user's by now, who could stop it, and with some of them
 * all others' mail. */
static void
reap(struct agent *a)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0)
		if (WIFSTOPPED(status))
			(void)kill(pid, SIGKILL);
		else
			ended(a, pid, status);
}

/* A user's program or a disk that hangs: others get his worker's place. */
static void
note_slow(struct agent *a, long long most)
{
	long long now = clock_ms();
	struct worker *w;

	for (w = a->workers; w < a->workers + SLOTS_MAX; w++) {
		if (w->pid == 0 || now - w->since < most)
			continue;
		if (now - w->since >= SLOW_MS)
			get_known(a, w->to);
		if (!w->slow && a->slow < SLOW_MAX) {
			w->slow = true;
			a->slow++;
			a->running--;
		}
	}
}

/* Wait for a free place. */
static void
wait_worker(struct agent *a, const sigset_t *inside)
{
	const struct timespec ts = { .tv_nsec = HURRY_MS / 2 * 1000000L };

	while (reap(a), note_slow(a, HURRY_MS),
	    a->running == WORKERS_MAX && !stop)
		(void)pselect(0, NULL, NULL, NULL, &ts, inside);
}

static void
cannot_take(struct agent *a, const struct spool_item *item)
{
	int error = errno;

	log_error("spool", "id=%s error=%s", item->id,
	    log_str(strerror(error)));
	put_off(a, item, error == EBADMSG ? BROKEN_WAIT : LOST_WAIT);
}

/* Lock and deliver: the exit code. */
static int
handle_batch(struct agent *a, const struct batch *b)
{
	struct spool_message m[BATCH_MAX];
	int code = 0;
	size_t i, n = 0;
	int r;

	for (i = 0; i < b->n; i++)
		switch (spool_take(&a->spool, &b->items[i], &m[n])) {
		case 1:
			n++;
			break;
		case 0:
			code = BUSY;
			break;
		default:
			cannot_take(a, &b->items[i]);
		}
	r = n == 0 ? 0 : message_handle(&a->dir, &a->spool, m, n);
	return r == -1 || a->trouble ? LEFT : r == 1 ? REST : code;
}

static void
run_worker(struct agent *a, const struct batch *b)
{
	sigset_t none;
	size_t i;

	/* Told to stop, the agent waits for what is being delivered. */
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)signal(signals[i], signals[i] == SIGCHLD ? SIG_DFL :
		    SIG_IGN);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* A terminal's stop is the agent's alone. */
	(void)signal(SIGTSTP, SIG_IGN);
	spool_watch_close(&a->watch);
	(void)alarm(MESSAGE_SECONDS);
	a->trouble = false;
	_exit(handle_batch(a, b));
}

static void
start_worker(struct agent *a, const struct batch *b, bool slow)
{
	struct worker *w = a->workers;
	pid_t pid;

	while (w->pid != 0)
		w++;
	if ((pid = fork()) == 0)
		run_worker(a, b);
	if (pid == -1) {
		log_error("fork", "id=%s error=%s", b->items[0].id,
		    log_str(strerror(errno)));
		a->trouble = true;
		return;
	}
	w->pid = pid;
	w->to = passed_recipient(&b->to);
	w->n = b->n;
	w->since = clock_ms();
	w->slow = slow;
	memcpy(w->items, b->items, b->n * sizeof(b->items[0]));
	if (slow)
		a->slow++;
	else
		a->running++;
	a->taken += b->n;
}

/* Has a recipient as many places as he may have?  Of the quick ones half of
 * what is free. */
static bool
has_enough(const struct agent *a, uint64_t to)
{
	const struct worker *w;
	size_t n = 0, slow = 0;

	for (w = a->workers; w < a->workers + SLOTS_MAX; w++)
		if (w->pid != 0 && w->to == to) {
			n++;
			slow += w->slow;
		}
	return slow >= SLOW_ONE_MAX || (is_known(a, to) ?
	    a->slow >= SLOW_MAX : n > 0 && n >= WORKERS_MAX - a->running);
}

/* A quick one ends soon; for one that hangs nobody waits long. */
static bool
wait_place(struct agent *a, uint64_t to, const sigset_t *inside)
{
	struct timespec ts = { 0 };
	long long began;

	while (has_enough(a, to)) {
		if (a->patience <= 0 || stop || is_known(a, to))
			return false;
		began = clock_ms();
		ts.tv_sec = a->patience / 1000;
		ts.tv_nsec = a->patience % 1000 * 1000000;
		(void)pselect(0, NULL, NULL, NULL, &ts, inside);
		reap(a);
		note_slow(a, SLOW_MS);
		a->patience -= clock_ms() - began;
	}
	return true;
}

static void
pass_over(struct agent *a, const struct spool_item *item, uint64_t to)
{
	passed_add(&a->passed, passed_name(item->id), to);
	a->npassed++;
}

/* To a worker; or they stay until one of their recipient's has ended. */
static void
hand_over(struct agent *a, struct batch *b, const sigset_t *inside)
{
	uint64_t to = passed_recipient(&b->to);
	size_t i;

	if (b->n == 0)
		return;
	if (!is_known(a, to))
		wait_worker(a, inside);
	if (!wait_place(a, to, inside))
		for (i = 0; i < b->n; i++)
			pass_over(a, &b->items[i], to);
	else if (is_known(a, to))
		start_worker(a, b, true);
	else if (a->running < WORKERS_MAX)
		start_worker(a, b, false);
	b->n = 0;
}

static void
hand_over_all(struct agent *a, const sigset_t *inside)
{
	size_t i;

	for (i = 0; i < BATCHES_MAX; i++)
		hand_over(a, &a->batches[i], inside);
}

/* The batch that a message goes with, or an empty one: for want of that the
 * longest goes to its worker. */
static struct batch *
find_batch(struct agent *a, const struct spool_message *m,
    const sigset_t *inside)
{
	struct batch *b, *empty = NULL, *most = a->batches;

	for (b = a->batches; b < a->batches + BATCHES_MAX; b++) {
		if (b->n == 0)
			empty = b;
		else if (b->uid == m->uid && address_equal(&b->to,
		    &m->env.rcpts[0].addr))
			return b;
		if (b->n > most->n)
			most = b;
	}
	if (empty == NULL) {
		hand_over(a, most, inside);
		empty = most;
	}
	empty->uid = m->uid;
	empty->to = m->env.rcpts[0].addr;
	return empty;
}

static void
put_in(struct agent *a, const struct spool_message *m,
    const sigset_t *inside)
{
	bool alone = a->alone > 0 || m->item.form != SPOOL_LINES;
	struct batch *b;

	if (alone)
		hand_over_all(a, inside);
	if (a->alone > 0)
		a->alone--;
	b = find_batch(a, m, inside);
	b->items[b->n++] = m->item;
	if (alone || b->n == BATCH_MAX)
		hand_over(a, b, inside);
}

static bool
is_running(const struct agent *a, const struct spool_item *item)
{
	const struct worker *w;
	size_t i;

	for (w = a->workers; w < a->workers + SLOTS_MAX; w++)
		for (i = 0; w->pid != 0 && i < w->n; i++)
			if (strcmp(w->items[i].id, item->id) == 0)
				return true;
	return false;
}

static void
take(struct agent *a, const struct spool_item *item, const sigset_t *inside)
{
	uint64_t to = passed_find(&a->before, passed_name(item->id));
	struct spool_message m;

	if (to != 0 && has_enough(a, to)) {
		pass_over(a, item, to);
		return;
	}
	if (is_running(a, item))
		return;
	switch (spool_look(&a->spool, item, &m)) {
	case 1:
		/* Its process will lock it. */
		if (spool_is_taken(&m))
			a->busy++;
		else
			put_in(a, &m, inside);
		spool_release(&m);
		return;
	case 0:
		return;
	}
	cannot_take(a, item);
}

/* Once through what is due. */
static void
pass(struct agent *a, const sigset_t *inside)
{
	struct spool_walk *walk;
	struct spool_item item;
	int got = -1;

	a->taken = a->busy = a->npassed = a->over = 0;
	passed_free(&a->before);
	a->before = a->passed;
	memset(&a->passed, 0, sizeof(a->passed));
	a->patience = PATIENCE_MS;
	a->trouble = false;
	users_refresh(a->dir.users);
	tables_refresh(a->dir.tables);
	walk = spool_walk_open(&a->spool, SPOOL_LOCAL, (int64_t)time(NULL),
	    1);
	if (walk != NULL)
		while (!stop && (got = spool_walk_next(walk, &item)) == 1)
			take(a, &item, inside);
	hand_over_all(a, inside);
	if (got == -1 && !stop) {
		log_error("queue", "error=%s", log_str(strerror(errno)));
		a->trouble = true;
	}
	spool_walk_close(walk);
}

/* Until something is to be done: 1, or 0 when there is no more to do. */
static int
rest(struct agent *a, bool watch, unsigned *looks, const sigset_t *inside)
{
	int64_t now = (int64_t)time(NULL), due = 0;
	struct timespec second = { .tv_sec = 1 };

	if (a->busy > 0 || (a->trouble && watch)) {
		if (!watch && ++*looks > BUSY_TRIES)
			return 0;
		(void)pselect(0, NULL, NULL, NULL, &second, inside);
		return 1;
	}
	if (a->npassed > 0 && a->over > 0)
		return 1;
	/* One that ended may have put a message into now/. */
	if (!watch && a->running + a->slow == 0)
		return a->over > 0;
	if (watch && (due = spool_next_due(&a->spool, SPOOL_LOCAL)) == -1)
		due = now + SPOOL_POLL;
	/* What is due is in a worker's hands. */
	if (due != 0 && due <= now)
		due = now + 1;
	(void)spool_watch_wait(&a->watch, due, inside);
	return 1;
}

/* While much comes in, not a look for each; and behind a long one at many who
 * wait, a pause as long. */
static void
pace(const struct agent *a, long long began, long long ended)
{
	long long took = a->npassed == 0 ? 0 : ended - began;
	long long wait = took < PASS_MS ? PASS_MS : took < PAUSE_MS ? took :
	    PAUSE_MS;
	struct timespec ts = { 0 };

	if ((wait -= clock_ms() - ended) <= 0)
		return;
	ts.tv_nsec = wait * 1000000;
	(void)nanosleep(&ts, NULL);
}

static void
run(struct agent *a, bool watch)
{
	long long began, ended;
	unsigned looks = 0;
	sigset_t inside;

	catch_signals(&inside);
	while (!stop) {
		if (reload) {
			reload = 0;
			directory_reread(&a->dir, a->settings);
		}
		began = clock_ms();
		pass(a, &inside);
		ended = clock_ms();
		reap(a);
		if (stop || (a->taken == 0 && !rest(a, watch, &looks,
		    &inside)))
			break;
		pace(a, began, ended);
		reap(a);
	}
	while (reap(a), a->running + a->slow > 0)
		(void)sigsuspend(&inside);
}

int
queue_run(struct settings *settings, bool watch)
{
	static struct agent a;
	char error[CONF_ERROR_MAX];

	a.settings = settings;
	a.watch.fd = -1;
	if (spool_open(&a.spool, settings, error) == -1 ||
	    directory_open(&a.dir, settings, error) == -1) {
		log_error("start", "error=%s", log_str(error));
		return EX_CONFIG;
	}
	if (watch)
		spool_watch_open(&a.watch, &a.spool, SPOOL_LOCAL);
	if (spool_recover(&a.spool) == -1)
		log_warn("recover", "error=%s", log_str(strerror(errno)));
	run(&a, watch);
	spool_watch_close(&a.watch);
	directory_close(&a.dir);
	spool_close(&a.spool);
	passed_free(&a.passed);
	passed_free(&a.before);
	return a.trouble ? EX_TEMPFAIL : 0;
}
