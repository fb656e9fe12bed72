/* SPDX-License-Identifier: ISC
 *
 * The worker itself.  It reads files only before its sandbox, and holds no
 * descriptor but its end of the socketpair, the log, its sockets and the
 * message it is at: a lock on a message must never outlive the agent's own.
 */
#include <sys/prctl.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "close_others.h"
#include "route.h"
#include "system/log.h"
#include "system/privilege.h"
#include "system/sandbox.h"
#include "wish.h"
#include "worker_local.h"

#define LIFE	(3 * 60 * 60)	/* seconds; a host that keeps us longer with
				 * one delivery is given up */

struct job {
	int		 up;
	uint32_t	 seq;		/* of the delivery */
	struct route	*route;
	struct hosts	*hosts;
	unsigned	 given;		/* deliveries since it last turned, */
	int64_t		 since;		/* and when that was */
	char		 key[DELIVERY_KEY_MAX];	/* where the route leads */
	char		 domain[DELIVERY_KEY_MAX];
};

/* The addresses that did not answer. */
static void
send_dead(struct job *j)
{
	struct record r = { .type = RECORD_DEAD, .seq = j->seq };
	size_t i;

	for (i = 0; i < HOSTS_MAX; i++)
		if (j->hosts->news[i]) {
			j->hosts->news[i] = false;
			r.u.dead = j->hosts->v[i];
			(void)record_send(j->up, &r);
		}
}

static void
send_report(void *arg, const struct report *report)
{
	struct job *j = arg;
	struct record r = { .type = RECORD_REPORT, .seq = j->seq,
	    .u.report = *report };

	r.u.report.reached = route_reached(j->route);
	(void)record_send(j->up, &r);
}

static void
send_news(void *arg, const struct news *news)
{
	struct job *j = arg;
	struct record r = { .type = RECORD_NEWS, .seq = j->seq,
	    .u.news = *news };

	(void)record_send(j->up, &r);
}

/* Without its parent a worker's reports go nowhere, and the next agent would
 * send again what it still delivers.  Behind a change of user, which takes
 * the signal away. */
static int
die_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		return -1;
	return getppid() == parent ? 0 : -1;
}

static int
begin(struct job *j, const struct worker_set *set, pid_t parent)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };

	sigset_t none;

	(void)sigaction(SIGALRM, &sa, NULL);
	sa.sa_handler = SIG_IGN;	/* our parent decides when we end */
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGHUP, &sa, NULL);
	(void)sigaction(SIGPIPE, &sa, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	close_others((int[]){ j->up, log_fd() }, 2);
	if (privilege_drop(set->uid, set->gid) == -1 ||
	    die_with_parent(parent) == -1 ||
	    (j->hosts = calloc(1, sizeof(*j->hosts))) == NULL)
		return -1;
	j->route = route_new(&set->route, delivery_host(j->key), j->domain);
	return j->route == NULL ? -1 : sandbox_client();
}

/* However busy a connection is, it does not last for ever, nor what the DNS
 * said of where it leads. */
static bool
is_worn(const struct job *j)
{
	int64_t age = time(NULL) - j->since;

	return j->given >= WORKER_MANY || age < 0 || age >= WORKER_LONG;
}

/* Lead the route where this delivery goes. */
static int
turn(struct job *j, const struct delivery *d)
{
	bool same = strcmp(d->key, j->key) == 0;

	if (same && !is_worn(j)) {
		j->given++;
		return 0;
	}
	j->given = 1;
	j->since = time(NULL);
	if (same && *delivery_host(j->key) != '\0') {
		/* A host by name may have been found before the sandbox. */
		route_close(j->route);
		return 0;
	}
	strlcpy(j->key, d->key, sizeof(j->key));
	strlcpy(j->domain, d->domain, sizeof(j->domain));
	return route_turn(j->route, delivery_host(j->key), j->domain);
}

/* Find out what there is to be sent; 0, -1. */
static int
measure(struct client_message *m)
{
	struct wish_scan scan = { 0 }, other = { 0 };

	if (client_text_measure(&m->text, &scan) == -1 || (m->seven.fd != -1 &&
	    client_text_measure(&m->seven, &other) == -1))
		return -1;
	m->utf8 = m->env->utf8 && scan.utf8;
	m->tls_optional = scan.tls_optional && !m->env->requiretls;
	return 0;
}

static const char *
or_empty(const char *s)
{
	return s == NULL ? "" : s;
}

static void
deliver(struct job *j, const struct delivery *d)
{
	struct client_message m = { .text = { .fd = d->fd,
	    .offset = d->offset, .prefix = or_empty(d->prefix) },
	    .seven = { .fd = d->fd_7bit,
	    .prefix = or_empty(d->prefix_7bit) },
	    .env = d->env, .rcpts = d->rcpts, .n = d->nrcpts,
	    .sts = d->sts, .news = send_news, .final = send_report,
	    .arg = j };
	struct report reports[PARCEL_RCPTS] = { 0 };
	size_t i;

	m.reports = reports;
	route_heed(j->route, j->hosts, d->anyway);
	if (turn(j, d) == -1 || measure(&m) == -1)
		client_report_all(&m, OUTCOME_TEMPORARY, "4.3.0", "",
		    strerror(errno));
	else
		route_deliver(j->route, &m);
	send_dead(j);
	for (i = 0; i < m.n; i++)
		if (reports[i].outcome == OUTCOME_TEMPORARY)
			send_report(j, &reports[i]);
}

/* Until something is there to be received; meanwhile the connection is kept
 * for a while. */
static void
await(struct job *j)
{
	struct pollfd p = { .fd = j->up, .events = POLLIN };

	if (poll(&p, 1, WORKER_IDLE * 1000) == 0)
		route_close(j->route);
}

int
worker_main(const struct worker_set *set, const char *key,
    const char *domain, int up, pid_t parent)
{
	struct job j = { .up = up, .since = time(NULL) };
	struct parcel p;
	int got;

	strlcpy(j.key, key, sizeof(j.key));
	strlcpy(j.domain, domain, sizeof(j.domain));
	if (begin(&j, set, parent) == -1) {
		log_error("worker", "domain=%s error=%s", log_str(domain),
		    log_str(strerror(errno)));
		return EX_TEMPFAIL;
	}
	for (;;) {
		await(&j);
		memset(&p, 0, sizeof(p));
		if ((got = parcel_recv(up, &p, j.hosts)) != 1)
			break;
		j.seq = p.seq;
		alarm(LIFE);
		deliver(&j, &p.delivery);
		alarm(0);
		parcel_free(&p);
	}
	if (got == -1)
		log_error("worker", "error=%s", log_str(strerror(errno)));
	route_free(j.route);
	free(j.hosts);
	return got == -1 ? EX_TEMPFAIL : 0;
}
