/* SPDX-License-Identifier: ISC
 *
 * The agent of spool/remote: its loop.  It finds what is due, gives every
 * destination its turn, and sleeps until a worker has something to say, a
 * message comes, or the next one is due.  What is done with a message is in
 * flight.c; the processes that talk to other hosts are workers (worker.h).
 */
#include <sys/resource.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "flight.h"
#include "mail/start.h"
#include "queue.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/privilege.h"
#include "system/sandbox.h"

#define STOP_WAIT	(10 * 1000)	/* ms for workers at SIGTERM */
#define END_WAIT	(2 * 1000)	/* ms for them to say goodbye */
#define KNOWN_MAX	100000		/* messages that are known at once */
#define FEW		64		/* looked at, or launched, before
					 * workers are heard again */
#define LOOK_AGAIN	300		/* seconds until later/ is looked at at
					 * the latest */
#define REST_MAX	2000		/* ms between two looks, at most, when
					 * something has come */
#define GIVE_UP		60		/* seconds without a worker until -q
					 * ends */

struct agent {
	struct books	 books;
	struct spool_watch watch;
	bool		 watching;
	struct pollfd	*fds;		/* of workers, and the watch */
	struct post	**posts;
	struct spool_walk *walk;	/* under way */
	bool		 came;		/* something is new in now/ */
	size_t		 worked;	/* when the walk began */
	long long	 walk_ms;	/* when it began, and may again */
	long long	 next_ms;
	int64_t		 stuck;		/* no worker could be started since */
	sigset_t	 mask;		/* of signals while it waits */
};

static volatile sig_atomic_t stop, reload;

static void
on_signal(int sig)
{
	if (sig == SIGHUP)
		reload = 1;
	else
		stop = 1;
}

/* ---- what is due ---- */

/* Begin to look through the queue.  later/ has its turn when something in it
 * is due, so that most looks cost what is new. */
static void
open_walk(struct agent *a)
{
	struct books *b = &a->books;
	int64_t now = time(NULL);

	a->came = false;
	a->worked = b->worked;
	a->walk_ms = clock_ms();
	a->walk = spool_walk_open(&b->spool, SPOOL_REMOTE, now,
	    b->due <= now);
	if (a->walk == NULL) {
		log_error("queue", "error=%s", log_str(strerror(errno)));
		b->trouble = true;
	}
}

static void
close_walk(struct agent *a)
{
	struct books *b = &a->books;
	int64_t now = time(NULL);
	long long rest;

	spool_walk_close(a->walk);
	a->walk = NULL;
	/* A queue that takes long is not looked through all the time; but what
	 * was found may have been served meanwhile, and who comes now does not
	 * wait for that. */
	rest = 4 * (clock_ms() - a->walk_ms);
	a->next_ms = clock_ms() + (rest < REST_MAX ? rest : REST_MAX);
	if (b->due > now || !a->watching)
		return;
	b->due = spool_next_due(&b->spool, SPOOL_REMOTE);
	/* What is due now is known, or with another agent: look again soon. */
	if (b->due != 0 && b->due <= now)
		b->due = now + 1;
	if (b->due == 0 || b->due > now + LOOK_AGAIN)
		b->due = now + LOOK_AGAIN;
}

/* Take note of a message that was found. */
static void
found(struct agent *a, const struct spool_item *it)
{
	struct books *b = &a->books;
	struct entry *e;

	if ((e = entry_new(&b->dests, it)) == NULL) {
		if (errno == ENOMEM)
			b->trouble = true;
		return;
	}
	/* While nobody waits it can go at once, and is opened but once. */
	if (TAILQ_EMPTY(&b->dests.ready) && b->flights < b->flights_max / 2)
		flight_launch(b, e);
	else
		flight_park(b, e);
}

static bool
may_look(const struct agent *a)
{
	const struct books *b = &a->books;

	return b->dests.nentries < KNOWN_MAX && b->flights < b->flights_max;
}

/* Some further messages of the queue. */
static void
look(struct agent *a)
{
	struct spool_item it;
	int i, got = 1;

	for (i = 0; i < FEW && !stop && may_look(a); i++) {
		if ((got = spool_walk_next(a->walk, &it)) != 1)
			break;
		found(a, &it);
	}
	if (got == 1)
		return;
	if (got == -1) {
		log_error("queue", "error=%s", log_str(strerror(errno)));
		a->books.trouble = true;
	}
	close_walk(a);
}

/* ---- whose turn it is ---- */

/* Launch for those who are ready, one for each in turn, while there are
 * workers.  Whether there may be more to do at once. */
static bool
serve(struct agent *a)
{
	struct books *b = &a->books;
	struct dest *d;
	struct entry *e;
	int64_t now = time(NULL);
	int i, missed = 0;
	bool full;

	for (i = 0; i < FEW + missed && missed < 100 &&
	    b->flights < b->flights_max; i++) {
		if ((d = TAILQ_FIRST(&b->dests.ready)) == NULL)
			return false;
		if ((!dest_is_dead(d, now) ||
		    STAILQ_FIRST(&d->waiting)->manual) &&
		    pool_place(&b->pool, d, now, &full) == NULL) {
			if (full)
				dest_full(&b->dests, d);
			else {
				dest_rotate(&b->dests, d);
				missed++;
			}
			continue;
		}
		e = entry_next(d);
		dest_rotate(&b->dests, d);
		flight_launch(b, e);
	}
	return i == FEW + missed && missed < 100;
}

/* ---- waiting ---- */

static void
hear(struct agent *a, struct post *p)
{
	struct record r;
	int got;

	while ((got = worker_read(p->worker, &r, false)) == 1)
		flight_record(&a->books, p, &r);
	if (got == 0)
		pool_buried(&a->books.pool, p, time(NULL));
}

/* All that is signed by now. */
static void
hear_signer(struct agent *a)
{
	struct signature s;

	while (signer_read(a->books.signer, &s) == 1)
		flight_signed(&a->books, &s);
}

/* Wait ms, at most, for workers, signatures, new messages and signals. */
static void
await(struct agent *a, long long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };
	size_t i, n = pool_pollfds(&a->books.pool, a->fds, a->posts);
	int fd = a->watching ? a->watch.fd : -1;
	int signer = a->books.signer == NULL ? -1 :
	    signer_fd(a->books.signer);

	a->fds[n] = (struct pollfd){ .fd = fd, .events = POLLIN };
	a->fds[n + 1] = (struct pollfd){ .fd = signer, .events = POLLIN };
	if (ppoll(a->fds, n + 2, &ts, &a->mask) <= 0)
		return;
	if (a->fds[n + 1].revents != 0)
		hear_signer(a);
	if (a->fds[n].revents != 0) {
		spool_watch_drain(&a->watch);
		a->came = true;
	}
	for (i = 0; i < n; i++)
		if (a->fds[i].revents != 0)
			hear(a, a->posts[i]);
}

/* Is somebody on his way, or waiting? */
static bool
is_at_work(const struct agent *a)
{
	return a->books.flights > 0 || !TAILQ_EMPTY(&a->books.dests.ready) ||
	    a->books.dests.nentries > 0;
}

/* How long there is nothing to do, in ms. */
static long long
leisure(const struct agent *a, bool more)
{
	const struct books *b = &a->books;
	long long ms = (b->due - time(NULL)) * 1000;

	if (more || (a->walk != NULL && may_look(a)))
		return 0;
	if (!TAILQ_EMPTY(&b->dests.ready))
		return POOL_RAMP;
	if (b->sweep.n > 0)
		return SWEEP_MS;
	if (ms > 1000 && keeper_is_busy(b->keeper))
		ms = 1000;
	if (a->came)
		ms = a->next_ms - clock_ms();
	else if (ms > 1000 && (is_at_work(a) || b->pool.n > 0 ||
	    (a->watching && a->watch.fd == -1)))
		ms = 1000;
	return ms < 0 ? 0 : ms > LOOK_AGAIN * 1000 ? LOOK_AGAIN * 1000 : ms;
}

/* ---- the loop ---- */

/* Is another look due? */
static bool
is_time(const struct agent *a)
{
	const struct books *b = &a->books;

	if (a->walk != NULL || clock_ms() < a->next_ms)
		return false;
	return a->came || b->due <= time(NULL) ||
	    (a->watching && a->watch.fd == -1 &&
	    clock_ms() > a->next_ms + SPOOL_POLL * 1000);
}

/* Without a worker for long: another run may have more luck. */
static bool
is_stuck(struct agent *a)
{
	if (a->books.pool.n > 0 || TAILQ_EMPTY(&a->books.dests.ready)) {
		a->stuck = 0;
		return false;
	}
	if (a->stuck == 0)
		a->stuck = time(NULL);
	return time(NULL) - a->stuck > GIVE_UP;
}

/* One round; whether something is left to be done. */
static bool
turn(struct agent *a)
{
	struct books *b = &a->books;
	bool more;

	if (a->walk != NULL && may_look(a))
		look(a);
	more = serve(a);
	sweep_run(&b->sweep, !is_at_work(a));
	keeper_tick(b->keeper);
	await(a, leisure(a, more));
	pool_tidy(&b->pool, time(NULL));
	dests_trim(&b->dests);
	return a->walk != NULL || is_at_work(a);
}

/* Once through what is due, and again while that brings something. */
static void
drain(struct agent *a)
{
	struct books *b = &a->books;

	do {
		b->due = 0;
		open_walk(a);
		while (a->walk != NULL && !stop && turn(a))
			;
		while (!stop && is_at_work(a)) {
			(void)turn(a);
			if (is_stuck(a)) {
				b->trouble = true;
				return;
			}
		}
	} while (!stop && b->worked > a->worked && !b->trouble);
}

/* Nothing new is begun; who is at work may come to its end. */
static void
stop_work(struct agent *a)
{
	struct entry_queue unsigned_yet = STAILQ_HEAD_INITIALIZER(unsigned_yet);
	long long end = clock_ms() + STOP_WAIT;
	struct books *b = &a->books;

	spool_walk_close(a->walk);
	a->walk = NULL;
	flight_recall(b, &unsigned_yet);	/* dests_free() has them */
	while (b->flights > 0 && clock_ms() < end)
		await(a, 200);
	flight_abandon(b);
	sweep_end(&b->sweep);
	pool_free(&b->pool, END_WAIT);
}

static void
catch_signals(struct agent *a)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t block;

	sigemptyset(&sa.sa_mask);
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &block, &a->mask);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGHUP, &sa, NULL);
}

/* Those who sign, if there are keys: 0, or -1 with error[CONF_ERROR_MAX]. */
static int
start_signer(const struct settings *s, struct signer **to, char *error)
{
	*to = NULL;
	return s->dkim.n == 0 || (*to = signer_new(s, error)) != NULL ? 0 :
	    -1;
}

/* What was being signed is signed by the new keys. */
static void
change_settings(struct agent *a, struct settings *fresh, struct signer *signer)
{
	struct entry_queue back = STAILQ_HEAD_INITIALIZER(back);
	struct books *b = &a->books;
	struct entry *e;

	flight_recall(b, &back);
	signer_free(b->signer);
	settings_free(b->settings);
	*b->settings = *fresh;
	if ((b->signer = signer) != NULL)
		signer_settings(signer, b->settings);
	b->pool.generation++;	/* workers have the old */
	while ((e = STAILQ_FIRST(&back)) != NULL) {
		STAILQ_REMOVE_HEAD(&back, next);
		flight_park(b, e);
	}
}

/* The settings anew; the old stay when they or the keys cannot be read.  What
 * was opened by them (spool, accounts) stays as it is. */
static void
reread(struct agent *a)
{
	char error[CONF_ERROR_MAX];
	struct settings fresh;
	struct signer *signer;

	reload = 0;
	if (start_reread(&fresh) == -1)
		return;
	if (start_signer(&fresh, &signer, error) == -1) {
		log_error("reload", "kept=old error=%s", log_str(error));
		settings_free(&fresh);
		return;
	}
	change_settings(a, &fresh, signer);
	log_info("reload", NULL);
}

static void
watch_queue(struct agent *a)
{
	a->came = true;
	while (!stop) {
		if (reload)
			reread(a);
		if (is_time(a))
			open_walk(a);
		(void)turn(a);
		a->books.trouble = false;
	}
}

/*
 * Root makes the folders that are missing, and is root no more: the agent
 * works as the spool's owner, whoever started it.
 */
static int
open_spool(struct agent *a, char *error)
{
	const struct worker_set *set = &a->books.pool.set;

	if (geteuid() == 0) {
		if (spool_open(&a->books.spool, a->books.settings, error) == -1)
			return -1;
		spool_close(&a->books.spool);
		if (privilege_drop(set->uid, set->gid) == -1) {
			snprintf(error, CONF_ERROR_MAX, "spool_user: %s",
			    strerror(errno));
			return -1;
		}
	}
	return spool_open(&a->books.spool, a->books.settings, error);
}

/* Places for all that the settings allow, as far as descriptors go. */
static int
make_room(struct agent *a)
{
	struct books *b = &a->books;
	size_t workers = (size_t)b->settings->max_workers;
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max > 8192 ? 8192 : rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		rl.rlim_cur = 256;
	/* A worker is a socket, a flight two files and a third for 7 bits. */
	if (rl.rlim_cur < 64 + workers * (1 + 3 * WORKER_DEPTH))
		workers = rl.rlim_cur < 96 ? 4 :
		    (rl.rlim_cur - 64) / (1 + 3 * WORKER_DEPTH);
	b->flights_max = workers * WORKER_DEPTH;
	dests_init(&b->dests);
	a->fds = calloc(workers + 2, sizeof(*a->fds));
	a->posts = calloc(workers + 1, sizeof(struct post *));
	if (a->fds == NULL || a->posts == NULL)
		return -1;
	return pool_init(&b->pool, &b->dests, workers);
}

static void
run(struct agent *a)
{
	struct books *b = &a->books;

	sweep_init(&b->sweep, &b->spool);
	if (spool_recover(&b->spool) == -1)
		log_warn("recover", "error=%s", log_str(strerror(errno)));
	b->keeper = keeper_open(b->settings, &b->spool,
	    b->pool.set.route.trusting);
	if (b->keeper == NULL) {
		log_error("start", "error=%s", log_str(strerror(errno)));
		b->trouble = true;
	} else if (a->watching)
		watch_queue(a);
	else
		drain(a);
	stop_work(a);
	keeper_close(b->keeper, stop != 0);
	signer_free(b->signer);
	worker_set_free(&b->pool.set);
	dests_free(&b->dests);
	if (a->watching)
		spool_watch_close(&a->watch);
	spool_close(&b->spool);
	free(a->fds);
	free(a->posts);
}

/* The folder of a file: a new one may take its place. */
static const char *
folder_of(const char *file, char to[PATH_MAX])
{
	char *slash;

	strlcpy(to, file, PATH_MAX);
	if ((slash = strrchr(to, '/')) == NULL)
		return ".";
	slash[slash == to] = '\0';
	return to;
}

/* What the agent may reach, and its children at most: the configuration for
 * SIGHUP, the keys for signers that are replaced. */
static int
confine(const struct agent *a)
{
	const struct settings *s = a->books.settings;
	const struct sandbox_path fixed[] = {
		{ s->spool, SANDBOX_WRITE },
		{ "/etc/resolv.conf", SANDBOX_READ },
		{ s->dnssec_anchor, SANDBOX_READ },
		{ "/etc/hosts", SANDBOX_READ },
		{ "/etc/nsswitch.conf", SANDBOX_READ },
	};
	size_t n = sizeof(fixed) / sizeof(fixed[0]), i;
	struct sandbox_path *paths;
	char (*folders)[PATH_MAX];
	int r = -1;

	paths = calloc(n + 1 + s->dkim.n, sizeof(*paths));
	folders = calloc(1 + s->dkim.n, sizeof(*folders));
	if (paths != NULL && folders != NULL) {
		memcpy(paths, fixed, sizeof(fixed));
		for (i = 0; i < s->dkim.n; i++)
			paths[n++] = (struct sandbox_path){ folder_of(
			    s->dkim.v[i].value, folders[i]), SANDBOX_READ };
		if (a->watching)
			paths[n++] = (struct sandbox_path){ folder_of(
			    start_config(), folders[i]), SANDBOX_READ };
		r = sandbox_agent(paths, n, true);
	}
	free(paths);
	free(folders);
	return r;
}

int
queue_run(struct settings *settings, bool watch)
{
	static struct agent a;
	char fault[CONF_ERROR_MAX];

	a.books.settings = settings;
	a.watching = watch;
	if (worker_setup(&a.books.pool.set, settings, fault) == -1 ||
	    open_spool(&a, fault) == -1 ||
	    start_signer(settings, &a.books.signer, fault) == -1) {
		log_error("start", "error=%s", log_str(fault));
		return EX_CONFIG;
	}
	worker_trust(&a.books.pool.set);
	catch_signals(&a);
	if (make_room(&a) == -1) {
		log_error("start", "error=%s", log_str(strerror(errno)));
		return EX_OSERR;
	}
	if (watch)
		spool_watch_open(&a.watch, &a.books.spool, SPOOL_REMOTE);
	if (confine(&a) == -1) {
		log_error("sandbox", "error=%s", log_str(strerror(errno)));
		return EX_OSERR;
	}
	run(&a);
	return a.books.trouble ? EX_TEMPFAIL : 0;
}
