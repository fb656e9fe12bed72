/* SPDX-License-Identifier: ISC
 *
 * The process that speaks to the network for one delivery.  Whatever a server
 * makes of it, it can only send reports; and what these hold is checked here
 * again before anyone uses it.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "route.h"
#include "system/fdio.h"
#include "system/log.h"
#include "system/privilege.h"
#include "system/sandbox.h"
#include "wish.h"
#include "worker.h"

#define LIFE	(3 * 60 * 60)	/* seconds; a host that keeps us longer is
				 * given up */

struct worker {
	const struct worker_set *set;
	pid_t	 pid;
	int	 fd;
	bool	 over;		/* no further report will come from it */
	size_t	 n;
	size_t	 next;		/* of those to be reported as died */
	bool	 reported[];
};

/* ---- in the worker ---- */

static void
send_report(void *arg, const struct report *r)
{
	(void)fd_send(*(const int *)arg, r, sizeof(*r), -1);
}

static void
send_news(void *arg, const struct news *n)
{
	(void)fd_send(*(const int *)arg, n, sizeof(*n), -1);
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
work(const struct worker_set *set, const struct delivery *d, int up,
    pid_t parent)
{
	struct client_message m = { .text = { .fd = d->fd,
	    .offset = d->offset, .prefix = "" }, .seven.fd = -1,
	    .env = d->env, .rcpts = d->rcpts, .n = d->nrcpts,
	    .sts = d->sts, .final = send_report, .arg = &up,
	    .news = set->news == NULL ? NULL : send_news };
	struct wish_scan scan = { 0 };
	struct route *route;
	size_t i;

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGALRM, SIG_DFL);
	alarm(LIFE);
	if ((m.reports = calloc(m.n, sizeof(*m.reports))) == NULL)
		return EX_TEMPFAIL;
	if (privilege_drop(set->uid, set->gid) == -1 ||
	    die_with_parent(parent) == -1 ||
	    (route = route_new(&set->route, set->host, &d->env->sender,
	    d->domain)) == NULL ||
	    client_text_measure(&m.text, &scan) == -1 ||
	    sandbox_client() == -1) {
		log_error("worker", "domain=%s error=%s", log_str(d->domain),
		    log_str(strerror(errno)));
		return EX_TEMPFAIL;
	}
	m.utf8 = m.env->utf8 && scan.utf8;
	m.tls_optional = scan.tls_optional && !m.env->requiretls;
	route_deliver(route, &m);
	for (i = 0; i < m.n; i++)
		if (m.reports[i].outcome == OUTCOME_TEMPORARY)
			send_report(&up, &m.reports[i]);
	route_free(route);
	free(m.reports);
	return 0;
}

_Static_assert(sizeof(struct report) != sizeof(struct news),
    "reports and news are told apart by their sizes");

/* ---- in its parent ---- */

int
worker_setup(struct worker_set *set, const struct settings *s,
    const char *host, char *error)
{
	struct passwd *pw;

	memset(set, 0, sizeof(*set));
	set->route.settings = s;
	set->route.logins = &set->logins;
	set->host = host;
	if (geteuid() == 0) {
		/* Without the account, by hand on a host that is not set up,
		 * anyone without rights will do. */
		if ((pw = getpwnam(s->spool_user)) == NULL &&
		    (pw = getpwnam("nobody")) == NULL) {
			snprintf(error, CONF_ERROR_MAX,
			    "spool_user: no account %s", s->spool_user);
			return -1;
		}
		set->uid = pw->pw_uid;
		set->gid = pw->pw_gid;
	}
	if (relay_logins_load(&set->logins, s, error) == -1)
		return -1;
	if (set->logins.n > 0)
		worker_trust(set);
	set->route.tls = tls_client_new(0, NULL, error, CONF_ERROR_MAX);
	return set->route.tls == NULL ? -1 : 0;
}

void
worker_trust(struct worker_set *set)
{
	const char *file = set->route.settings->tls_ca;
	char error[TLS_ERROR_MAX];

	if (set->route.trusting != NULL)
		return;

	set->route.trusting = tls_client_new(1, file[0] == '\0' ? NULL : file,
	    error, sizeof(error));
	if (set->route.trusting == NULL)
		log_debug("tls", "error=%s", log_str(error));
}

void
worker_set_free(struct worker_set *set)
{
	tls_client_free(set->route.tls);
	tls_client_free(set->route.trusting);
	relay_logins_free(&set->logins);
}

struct worker *
worker_start(const struct worker_set *set, const struct delivery *d)
{
	struct worker *w;
	pid_t parent = getpid();
	int pair[2], keep;

	if ((w = calloc(1, sizeof(*w) + d->nrcpts * sizeof(bool))) == NULL)
		return NULL;
	w->n = d->nrcpts;
	w->set = set;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		goto fail;
	if ((w->pid = fork()) == -1) {
		keep = errno;
		close(pair[0]);
		close(pair[1]);
		errno = keep;
		goto fail;
	}
	if (w->pid == 0) {
		close(pair[0]);
		_exit(work(set, d, pair[1], parent));
	}
	close(pair[1]);
	w->fd = pair[0];
	return w;
fail:
	free(w);
	return NULL;
}

int
worker_fd(const struct worker *w)
{
	return w->fd;
}

static void
tidy_text(char *s, size_t size)
{
	s[size - 1] = '\0';
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = ' ';
}

/* Make a report safe to print and to believe; 0, or -1 it is none. */
static int
report_tidy(struct worker *w, struct report *r)
{
	struct smtp_status status;
	const char *p = r->status;
	unsigned class;

	if (r->rcpt >= w->n || w->reported[r->rcpt])
		return -1;
	r->dsn = r->dsn != 0;
	switch (r->outcome) {
	case OUTCOME_SENT:
		class = 2;
		break;
	case OUTCOME_TEMPORARY:
		class = 4;
		break;
	case OUTCOME_PERMANENT:
		class = 5;
		break;
	default:
		return -1;
	}
	tidy_text(r->status, sizeof(r->status));
	tidy_text(r->host, sizeof(r->host));
	tidy_text(r->reply, sizeof(r->reply));
	tidy_text(r->tls, sizeof(r->tls));
	if (smtp_status_parse(&p, p + strlen(p), &status) != 1 ||
	    status.class != class)
		return -1;
	return 0;
}

/* Recipients whose worker died are not lost: they are tried again. */
static int
report_dead(struct worker *w, struct report *r)
{
	while (w->next < w->n && w->reported[w->next])
		w->next++;
	if (w->next == w->n)
		return 0;
	memset(r, 0, sizeof(*r));
	r->rcpt = (uint32_t)w->next;
	r->outcome = OUTCOME_TEMPORARY;
	strlcpy(r->status, "4.3.0", sizeof(r->status));
	strlcpy(r->reply, "the delivery was interrupted here",
	    sizeof(r->reply));
	w->reported[w->next] = true;
	return 1;
}

int
worker_read(struct worker *w, struct report *r, bool wait)
{
	union {			/* told apart by their sizes */
		struct report	 report;
		struct news	 news;
	} got;
	ssize_t n;

	while (!w->over) {
		n = recv(w->fd, &got, sizeof(got), wait ? 0 : MSG_DONTWAIT);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return -1;
		*r = got.report;
		if (n == (ssize_t)sizeof(*r) && report_tidy(w, r) == 0) {
			w->reported[r->rcpt] = true;
			return 1;
		}
		if (n == (ssize_t)sizeof(got.news) && w->set->news != NULL &&
		    news_tidy(&got.news) == 0)
			w->set->news(w->set->arg, &got.news);
		if (n <= 0)
			w->over = true;
	}
	return report_dead(w, r);
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	if (!w->over)
		kill(w->pid, SIGKILL);
	close(w->fd);
	while (waitpid(w->pid, NULL, 0) == -1 && errno == EINTR)
		;
	free(w);
}
