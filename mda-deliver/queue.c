/* SPDX-License-Identifier: ISC
 *
 * The walk through spool/local: it hands each message to a process, which locks
 * it, some at once, so that a mailbox that hangs holds up no other.  Those for
 * the same recipient go together, and leave places to others, however long his
 * mailbox or program takes; should one of them go wrong, the others are tried
 * again without it.  It looks at no message's text, and never leaves one in
 * now/ that it cannot deliver.
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
#include "mail/start.h"
#include "message.h"
#include "queue.h"
#include "system/clock.h"
#include "system/log.h"

#define WORKERS_MAX	8	/* that are quick */
#define SLOTS_MAX	64	/* with those that are not */
#define SLOW_MS		2000	/* then it takes no place from others */
#define SLOW_ONE_MAX	2	/* of those, for one recipient */
#define PATIENCE_MS	1000	/* in a pass, for the place of one who has
				 * enough of them */
#define BATCH_MAX	16	/* messages of one process */
#define BATCHES_MAX	128	/* in the making: recipients */
#define PASS_MS		10	/* from one pass to the next: what comes in
				 * meanwhile goes together */
#define BROKEN_WAIT	(6 * 3600)	/* for what cannot be read */
#define LOST_WAIT	300		/* when its process died */
#define BUSY_TRIES	30		/* looks, a second apart, at messages
					 * that another agent has */

struct worker {
	pid_t			pid;	/* 0: free */
	struct address		to;	/* the first recipient */
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

#define LEFT	1	/* exit code of a worker: some lie where they lay */
#define BUSY	2	/* another agent has some */

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
	size_t		 passed;	/* over, for want of a place */
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
	else if (status != 0 && w->n == 1)
		put_off(a, &w->items[0], LOST_WAIT);
	else if (status != 0) {
		a->alone += w->n;
		a->taken++;		/* it is not over */
	}
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
note_slow(struct agent *a)
{
	long long now = clock_ms();
	struct worker *w;

	for (w = a->workers; w < a->workers + SLOTS_MAX; w++)
		if (w->pid != 0 && !w->slow && now - w->since >= SLOW_MS &&
		    a->slow < SLOTS_MAX - WORKERS_MAX) {
			w->slow = true;
			a->slow++;
			a->running--;
		}
}

/* Wait for a free place. */
static void
wait_worker(struct agent *a, const sigset_t *inside)
{
	const struct timespec ts = { .tv_nsec = SLOW_MS / 10 * 1000000 };

	while (reap(a), note_slow(a), a->running == WORKERS_MAX && !stop)
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
	return n > 0 && message_handle(&a->dir, &a->spool, m, n) != 0 ? LEFT :
	    a->trouble ? LEFT : code;
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
start_worker(struct agent *a, const struct batch *b)
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
	w->to = b->to;
	w->n = b->n;
	w->since = clock_ms();
	w->slow = false;
	memcpy(w->items, b->items, b->n * sizeof(b->items[0]));
	a->running++;
	a->taken += b->n;
}

/* Has a recipient as many places as are free, or some that are slow? */
static bool
has_enough(const struct agent *a, const struct address *to)
{
	const struct worker *w;
	size_t n = 0, slow = 0;

	for (w = a->workers; w < a->workers + SLOTS_MAX; w++)
		if (w->pid != 0 && address_equal(&w->to, to)) {
			n++;
			slow += w->slow;
		}
	return slow >= SLOW_ONE_MAX ||
	    (n > 0 && n >= WORKERS_MAX - a->running);
}

/* A quick one ends soon; for one that hangs nobody waits long. */
static bool
wait_place(struct agent *a, const struct address *to, const sigset_t *inside)
{
	struct timespec ts = { 0 };
	long long began;

	while (has_enough(a, to)) {
		if (a->patience <= 0 || stop)
			return false;
		began = clock_ms();
		ts.tv_sec = a->patience / 1000;
		ts.tv_nsec = a->patience % 1000 * 1000000;
		(void)pselect(0, NULL, NULL, NULL, &ts, inside);
		reap(a);
		note_slow(a);
		a->patience -= clock_ms() - began;
	}
	return true;
}

/* To a worker; or they stay until one of their recipient's has ended. */
static void
hand_over(struct agent *a, struct batch *b, const sigset_t *inside)
{
	if (b->n == 0)
		return;
	wait_worker(a, inside);
	if (!wait_place(a, &b->to, inside))
		a->passed += b->n;
	else if (a->running < WORKERS_MAX)
		start_worker(a, b);
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
	struct spool_message m;

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

	a->taken = a->busy = a->passed = a->over = 0;
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

/* Users and tables of these settings: 0, -1. */
static int
open_directory(struct directory *dir, const struct settings *settings,
    char *error)
{
	dir->settings = settings;
	if (users_open(&dir->users, settings, error) == -1)
		return -1;
	if (tables_open(&dir->tables, settings, error) == 0)
		return 0;
	users_close(dir->users);
	return -1;
}

static void
close_directory(struct directory *dir)
{
	users_close(dir->users);
	tables_close(dir->tables);
}

/* The settings and the files they name, or nothing: the old stay on error. */
static void
reread(struct agent *a)
{
	char error[CONF_ERROR_MAX];
	struct settings fresh, old = *a->settings;
	struct directory dir;

	reload = 0;
	if (start_reread(&fresh) == -1)
		return;
	/* What is open keeps the address of its settings. */
	*a->settings = fresh;
	if (open_directory(&dir, a->settings, error) == -1) {
		log_error("reload", "kept=old error=%s", log_str(error));
		*a->settings = old;
		settings_free(&fresh);
		return;
	}
	close_directory(&a->dir);
	a->dir = dir;
	settings_free(&old);
	log_info("reload", NULL);
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
	if (a->passed > 0 && a->over > 0)
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

/* While much comes in, not a look for each. */
static void
pace(void)
{
	static long long last;
	long long wait = last + PASS_MS - clock_ms();
	struct timespec ts = { .tv_nsec = wait * 1000000 };

	if (last != 0 && wait > 0)
		(void)nanosleep(&ts, NULL);
	last = clock_ms();
}

static void
run(struct agent *a, bool watch)
{
	unsigned looks = 0;
	sigset_t inside;

	catch_signals(&inside);
	while (!stop) {
		if (reload)
			reread(a);
		pace();
		pass(a, &inside);
		reap(a);
		if (stop || (a->taken == 0 && !rest(a, watch, &looks,
		    &inside)))
			break;
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
	    open_directory(&a.dir, settings, error) == -1) {
		log_error("start", "error=%s", log_str(error));
		return EX_CONFIG;
	}
	if (watch)
		spool_watch_open(&a.watch, &a.spool, SPOOL_LOCAL);
	if (spool_recover(&a.spool) == -1)
		log_warn("recover", "error=%s", log_str(strerror(errno)));
	run(&a, watch);
	spool_watch_close(&a.watch);
	close_directory(&a.dir);
	spool_close(&a.spool);
	return a.trouble ? EX_TEMPFAIL : 0;
}
