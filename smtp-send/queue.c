/* SPDX-License-Identifier: ISC
 *
 * The agent of spool/remote.  It reads the spool and keeps its books; the
 * processes that talk to other hosts are workers (worker.h), one for each
 * domain of a message.  Every recipient's letter in the envelope file is
 * written before the step it announces, so that a crash at any point leaves
 * the message in the queue with all that is known.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "keeper.h"
#include "mail/bounce.h"
#include "mail/late.h"
#include "mail/spool.h"
#include "mail/start.h"
#include "queue.h"
#include "system/log.h"
#include "system/privilege.h"
#include "system/sandbox.h"
#include "worker.h"

#define WORKERS_MAX	20		/* at once */
#define DOMAIN_MAX	5		/* of these for one domain */
#define FIRST_WAIT	(5 * 60)	/* seconds until the second try */
#define MOST_WAIT	(4 * 60 * 60)
#define BROKEN_WAIT	(24 * 60 * 60)	/* for an unreadable message */
#define STOP_WAIT	30		/* seconds for workers at SIGTERM */

/* A message whose workers are at it. */
struct flight {
	struct spool_message	 msg;
	unsigned		 workers;
};

/* One worker: the recipients of one domain of a flight. */
struct dest {
	struct worker	*worker;	/* NULL: this place is free */
	struct flight	*flight;
	struct envelope_rcpt *rcpts;	/* borrowed from the envelope */
	size_t		*index;		/* of each in it */
	size_t		 n;
};

struct agent {
	struct settings	 *settings;
	struct spool	  spool;
	struct spool_watch watch;
	struct worker_set set;
	struct dest	  dests[WORKERS_MAX];
	size_t		  running;
	size_t		  skipped;	/* messages of this pass that wait for
					 * a place */
	size_t		  worked;	/* messages that found their end or
					 * were moved */
	struct keeper	 *keeper;
	bool		  trouble;	/* something was not recorded */
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

/* ---- books ---- */

/* "5.1.1 mx.example.net[192.0.2.1] 550 5.1.1 no such user" */
static void
mark(struct agent *a, struct spool_message *m, size_t i,
    enum envelope_status status, const struct report *r)
{
	char words[ENVELOPE_TEXT];

	envelope_words_text(words, sizeof(words), r->status, r->host,
	    r->tls, r->reply);
	if (spool_mark(m, i, status, time(NULL), words) == -1) {
		log_error("mark", "id=%s error=%s", m->item.id,
		    log_str(strerror(errno)));
		a->trouble = true;
	}
}

static const char *
outcome_name(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_SENT:
		return "sent";
	case OUTCOME_PERMANENT:
		return "failed";
	case OUTCOME_PENDING:
	case OUTCOME_UNFIT:
	case OUTCOME_TEMPORARY:
		break;
	}
	return "deferred";
}

/* The letter of one that a host has taken: a report is owed when it was asked
 * for and the host will make none (RFC 3461, section 5.2.2), and of every hop
 * of a trace (RFC 2852). */
static enum envelope_status
sent_status(const struct envelope *e, const struct envelope_rcpt *r, bool dsn)
{
	if (envelope_wants(r, ENVELOPE_SUCCESS) && !dsn)
		return ENVELOPE_REPORT;
	if (e->by_trace && !(r->notify & ENVELOPE_NEVER))
		return ENVELOPE_REPORT;
	return ENVELOPE_DELIVERED;
}

static void
book_report(struct agent *a, struct dest *d, const struct report *r)
{
	struct spool_message *m = &d->flight->msg;
	size_t i = d->index[r->rcpt];
	char to[ADDRESS_TEXT_MAX];

	log_info(outcome_name(r->outcome), "id=%s to=%s host=%s tls=%s "
	    "status=%s reply=%s", m->item.id,
	    log_str(address_text(&m->env.rcpts[i].addr, to)),
	    log_str(r->host[0] == '\0' ? "-" : r->host),
	    log_str(r->tls[0] == '\0' ? "-" : r->tls), r->status,
	    log_str(r->reply));
	mark(a, m, i, r->outcome == OUTCOME_SENT ?
	    sent_status(&m->env, &m->env.rcpts[i], r->dsn) :
	    r->outcome == OUTCOME_PERMANENT ? ENVELOPE_FAILED :
	    ENVELOPE_QUEUED, r);
}

static void
finish_time(struct agent *a, struct spool_message *m)
{
	int64_t now = time(NULL);

	if (late_by(&a->spool, a->settings, m, now) == -1 ||
	    late_age(&a->spool, a->settings, m, now) == -1)
		log_error("late", "id=%s error=%s", m->item.id,
		    log_str(strerror(errno)));
}

/* All workers of a message are done: report what is owed, keep what waits. */
static void
finish(struct agent *a, struct flight *f)
{
	struct spool_message *m = &f->msg;
	int done;

	finish_time(a, m);
	if (bounce_send(&a->spool, a->settings, m) == -1)
		log_error("bounce", "id=%s error=%s", m->item.id,
		    log_str(strerror(errno)));
	if (envelope_done(&m->env))
		done = spool_drop(m);
	else
		done = spool_marks_sync(m) == -1 ? -1 : spool_defer(m,
		    late_next(m, time(NULL), FIRST_WAIT, MOST_WAIT));
	if (done == -1) {
		log_error("queue", "id=%s error=%s", m->item.id,
		    log_str(strerror(errno)));
		a->trouble = true;
	} else
		a->worked++;
	spool_release(m);
	free(f);
}

/* ---- workers ---- */

static void
free_dest(struct dest *d)
{
	worker_free(d->worker);
	free(d->rcpts);
	free(d->index);
	memset(d, 0, sizeof(*d));
}

static void
collect(struct agent *a, struct dest *d)
{
	struct flight *f = d->flight;
	struct report r;
	int got;

	while ((got = worker_read(d->worker, &r, false)) == 1)
		book_report(a, d, &r);
	if (got == -1)
		return;
	free_dest(d);
	a->running--;
	if (--f->workers == 0)
		finish(a, f);
}

/* Wait ms (-1: without end) until a worker has something, or a signal. */
static void
wait_workers(struct agent *a, int ms)
{
	struct pollfd p[WORKERS_MAX];
	struct dest *of[WORKERS_MAX];
	size_t i, n = 0;

	for (i = 0; i < WORKERS_MAX; i++)
		if (a->dests[i].worker != NULL) {
			p[n].fd = worker_fd(a->dests[i].worker);
			p[n].events = POLLIN;
			of[n++] = &a->dests[i];
		}
	if (poll(p, n, ms) <= 0)
		return;
	for (i = 0; i < n; i++)
		if (p[i].revents != 0)
			collect(a, of[i]);
}

/* How many workers are at this domain. */
static size_t
at_domain(const struct agent *a, const char *domain)
{
	size_t i, n = 0;

	for (i = 0; i < WORKERS_MAX; i++)
		if (a->dests[i].worker != NULL &&
		    strcasecmp(a->dests[i].rcpts[0].addr.domain, domain) == 0)
			n++;
	return n;
}

static bool
to_be_sent(const struct envelope_rcpt *r)
{
	return r->status == ENVELOPE_QUEUED || r->status == ENVELOPE_TRYING;
}

/* The recipients of the domain of recipient first, into a free place. */
static struct dest *
make_dest(struct agent *a, struct spool_message *m, size_t first)
{
	const char *domain = m->env.rcpts[first].addr.domain;
	struct dest *d = a->dests;
	size_t i;

	while (d->worker != NULL)
		d++;
	d->rcpts = calloc(m->env.nrcpts - first, sizeof(*d->rcpts));
	d->index = calloc(m->env.nrcpts - first, sizeof(*d->index));
	if (d->rcpts == NULL || d->index == NULL)
		return NULL;
	for (i = first; i < m->env.nrcpts; i++)
		if (to_be_sent(&m->env.rcpts[i]) &&
		    strcasecmp(m->env.rcpts[i].addr.domain, domain) == 0) {
			d->rcpts[d->n] = m->env.rcpts[i];
			d->index[d->n++] = i;
		}
	return d;
}

static int
start_dest(struct agent *a, struct flight *f, size_t first)
{
	struct spool_message *m = &f->msg;
	struct delivery delivery = { .fd = m->fd,
	    .offset = (off_t)m->start, .env = &m->env };
	struct dest *d;
	size_t i;

	if ((d = make_dest(a, m, first)) == NULL)
		goto fail;
	for (i = 0; i < d->n; i++)
		if (spool_mark(m, d->index[i], ENVELOPE_TRYING, time(NULL),
		    NULL) == -1)
			goto fail;
	delivery.domain = d->rcpts[0].addr.domain;
	delivery.rcpts = d->rcpts;
	delivery.nrcpts = d->n;
	delivery.sts = keeper_sts(a->keeper, delivery.domain);
	if ((d->worker = worker_start(&a->set, &delivery)) == NULL)
		goto fail;
	d->flight = f;
	f->workers++;
	a->running++;
	return 0;
fail:
	log_error("worker", "id=%s error=%s", m->item.id,
	    log_str(strerror(errno)));
	if (d != NULL) {
		for (i = 0; i < d->n; i++)
			(void)spool_mark(m, d->index[i], ENVELOPE_QUEUED,
			    time(NULL), NULL);
		free_dest(d);
	}
	return -1;
}

/* ---- messages ---- */

/* The first recipient of each domain that is to be sent to. */
static bool
first_of_domain(const struct envelope *e, size_t i)
{
	size_t k;

	if (!to_be_sent(&e->rcpts[i]))
		return false;
	for (k = 0; k < i; k++)
		if (to_be_sent(&e->rcpts[k]) &&
		    strcasecmp(e->rcpts[k].addr.domain,
		    e->rcpts[i].addr.domain) == 0)
			return false;
	return true;
}

static bool
has_place(const struct agent *a, const struct envelope *e)
{
	size_t i;

	for (i = 0; i < e->nrcpts; i++)
		if (first_of_domain(e, i) &&
		    at_domain(a, e->rcpts[i].addr.domain) >= DOMAIN_MAX)
			return false;
	return true;
}

/* Found so, a recipient was with a host when an agent was killed. */
static void
tell_doubtful(const struct spool_message *m)
{
	char to[ADDRESS_TEXT_MAX];
	size_t i;

	for (i = 0; i < m->env.nrcpts; i++)
		if (m->env.rcpts[i].status == ENVELOPE_TRYING)
			log_warn("doubtful", "id=%s to=%s note=%s",
			    m->item.id, log_str(address_text(
			    &m->env.rcpts[i].addr, to)),
			    "\"interrupted while it was sent: it may arrive "
			    "twice\"");
}

/* Start a worker for each domain, waiting for places as needed. */
static void
launch(struct agent *a, struct flight *f)
{
	struct spool_message *m = &f->msg;
	size_t i;

	tell_doubtful(m);
	if (late_by(&a->spool, a->settings, m, time(NULL)) == -1)
		log_error("late", "id=%s error=%s", m->item.id,
		    log_str(strerror(errno)));
	f->workers = 1;		/* we: so that it does not end meanwhile */
	for (i = 0; i < m->env.nrcpts && !stop; i++) {
		if (!first_of_domain(&m->env, i))
			continue;
		while (a->running == WORKERS_MAX && !stop)
			wait_workers(a, 1000);
		if (!stop && start_dest(a, f, i) == -1)
			break;
	}
	if (--f->workers == 0)
		finish(a, f);
}

static void
take(struct agent *a, const struct spool_item *item)
{
	struct flight *f;
	int got;

	if ((f = calloc(1, sizeof(*f))) == NULL) {
		a->trouble = true;
		return;
	}
	if ((got = spool_take(&a->spool, item, &f->msg)) == 1) {
		if (has_place(a, &f->msg.env)) {
			launch(a, f);
			return;
		}
		a->skipped++;
		spool_release(&f->msg);
	} else if (got == -1 && spool_defer_item(&a->spool, item,
	    time(NULL) + BROKEN_WAIT) == -1)
		a->trouble = true;
	free(f);
}

/* Once through what is due. */
static void
pass(struct agent *a)
{
	struct spool_walk *walk;
	struct spool_item item;
	int got = -1;

	a->skipped = a->worked = 0;
	walk = spool_walk_open(&a->spool, SPOOL_REMOTE, time(NULL), 1);
	if (walk != NULL)
		while (!stop && (got = spool_walk_next(walk, &item)) == 1) {
			while (a->running == WORKERS_MAX && !stop)
				wait_workers(a, 1000);
			take(a, &item);
			wait_workers(a, 0);
		}
	if (got == -1 && !stop) {
		log_error("queue", "error=%s", log_str(strerror(errno)));
		a->trouble = true;
	}
	spool_walk_close(walk);
}

/* Let workers end, but not for ever; those left are killed, and what is known
 * of their messages is kept. */
static void
stop_workers(struct agent *a)
{
	time_t end = time(NULL) + STOP_WAIT;
	struct flight *f;
	size_t i, k;

	while (a->running > 0 && time(NULL) < end)
		wait_workers(a, 1000);
	for (i = 0; i < WORKERS_MAX; i++) {
		if (a->dests[i].worker == NULL)
			continue;
		f = a->dests[i].flight;
		/* TRYING stays in the envelope: it is the truth. */
		for (k = i; k < WORKERS_MAX; k++)
			if (a->dests[k].flight == f)
				free_dest(&a->dests[k]);
		(void)spool_marks_sync(&f->msg);
		spool_release(&f->msg);
		free(f);
	}
}

/* Passes until one finds nothing more to do. */
static void
drain(struct agent *a)
{
	do {
		a->trouble = false;
		pass(a);
		keeper_tick(a->keeper);
		if (a->skipped > 0 && a->running > 0)
			wait_workers(a, 1000);
		else
			while (a->running > 0 && !stop)
				wait_workers(a, 1000);
	} while (!stop && (a->worked > 0 || a->skipped > 0) && !a->trouble);
}

static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGHUP, &sa, NULL);
}

/* The settings anew; the old stay when they cannot be read.  What was opened
 * by them (spool, accounts) stays as it is. */
static void
reread(struct agent *a)
{
	struct settings fresh;

	reload = 0;
	if (start_reread(&fresh) == -1)
		return;
	settings_free(a->settings);
	*a->settings = fresh;
	log_info("reload", NULL);
}

static void
watch_queue(struct agent *a)
{
	sigset_t block, old;
	int64_t due, soon;

	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGHUP);
	while (!stop) {
		if (reload)
			reread(a);
		drain(a);
		sigprocmask(SIG_BLOCK, &block, &old);
		due = a->trouble ? -1 :
		    spool_next_due(&a->spool, SPOOL_REMOTE);
		/* What is due now is with another agent: look again soon. */
		soon = (int64_t)time(NULL) + 1;
		if (due == -1)
			due = soon + SPOOL_POLL;
		else if (due != 0 && due < soon)
			due = soon;
		if (due == 0 || due > keeper_due(a->keeper))
			due = keeper_due(a->keeper);
		if (!stop && !reload)
			(void)spool_watch_wait(&a->watch, due, &old);
		sigprocmask(SIG_SETMASK, &old, NULL);
	}
}

/*
 * Root makes the folders that are missing, and is root no more: the agent
 * works as the spool's owner, whoever started it.
 */
static int
open_spool(struct agent *a, char *error)
{
	if (geteuid() == 0) {
		if (spool_open(&a->spool, a->settings, error) == -1)
			return -1;
		spool_close(&a->spool);
		if (privilege_drop(a->set.uid, a->set.gid) == -1) {
			snprintf(error, CONF_ERROR_MAX, "spool_user: %s",
			    strerror(errno));
			return -1;
		}
	}
	return spool_open(&a->spool, a->settings, error);
}

int
queue_run(struct settings *settings, bool watch)
{
	struct agent a = { .settings = settings };
	char fault[CONF_ERROR_MAX], config[PATH_MAX];
	struct sandbox_path paths[] = {
		{ settings->spool, SANDBOX_WRITE },
		{ "/etc/resolv.conf", SANDBOX_READ },
		{ "/etc/hosts", SANDBOX_READ },
		{ "/etc/nsswitch.conf", SANDBOX_READ },
		{ config, SANDBOX_READ },	/* for SIGHUP: only to watch */
	};
	size_t npaths = sizeof(paths) / sizeof(paths[0]) - !watch;

	/* Its folder: a new file may take the old one's place. */
	strlcpy(config, start_config(), sizeof(config));
	if (strrchr(config, '/') == NULL)
		strlcpy(config, ".", sizeof(config));
	else
		*strrchr(config, '/') = '\0';
	if (worker_setup(&a.set, settings, NULL, fault) == -1 ||
	    open_spool(&a, fault) == -1) {
		log_error("start", "error=%s", log_str(fault));
		return EX_CONFIG;
	}
	worker_trust(&a.set);
	catch_signals();
	if (watch)
		spool_watch_open(&a.watch, &a.spool, SPOOL_REMOTE);
	if (sandbox_agent(paths, npaths, true) == -1) {
		log_error("sandbox", "error=%s", log_str(strerror(errno)));
		return EX_OSERR;
	}
	if (spool_recover(&a.spool) == -1)
		log_warn("recover", "error=%s", log_str(strerror(errno)));
	if ((a.keeper = keeper_open(settings, &a.spool,
	    a.set.route.trusting)) == NULL) {
		log_error("start", "error=%s", log_str(strerror(errno)));
		return EX_TEMPFAIL;
	}
	a.set.news = keeper_news;
	a.set.arg = a.keeper;
	if (watch)
		watch_queue(&a);
	else
		drain(&a);
	stop_workers(&a);
	keeper_close(a.keeper, stop != 0);
	worker_set_free(&a.set);
	if (watch)
		spool_watch_close(&a.watch);
	spool_close(&a.spool);
	return a.trouble ? EX_TEMPFAIL : 0;
}
