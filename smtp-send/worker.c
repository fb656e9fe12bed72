/* SPDX-License-Identifier: ISC
 *
 * The process that speaks to the network, from the side of the one that starts
 * it.  Whatever a server makes of it, it can only send records; and what these
 * hold is checked here again before anyone uses it.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "system/log.h"
#include "worker_local.h"

struct slot {
	uint32_t	 seq;		/* 0: free */
	size_t		 n, done;	/* recipients; reported on */
	bool		 reported[PARCEL_RCPTS];
	char		 key[DELIVERY_KEY_MAX];
};

struct worker {
	pid_t		 pid;
	int		 fd;
	bool		 over;		/* no further record will come */
	bool		 ended;		/* it was asked to end */
	bool		 first_died;	/* what it was at has been told */
	uint32_t	 seq;		/* the last number given */
	uint32_t	 told;		/* of dead addresses */
	struct slot	 slots[WORKER_DEPTH];	/* the older first */
};

int
worker_setup(struct worker_set *set, const struct settings *s, char *error)
{
	struct passwd *pw;

	memset(set, 0, sizeof(*set));
	set->route.settings = s;
	set->route.logins = &set->logins;
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
worker_start(const struct worker_set *set, const char *key,
    const char *domain)
{
	struct worker *w;
	pid_t parent = getpid();
	int pair[2], keep;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		goto fail;
	if ((w->pid = fork()) == -1) {
		keep = errno;
		close(pair[0]);
		close(pair[1]);
		errno = keep;
		goto fail;
	}
	if (w->pid == 0)
		_exit(worker_main(set, key, domain, pair[1],
		    parent));
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

size_t
worker_pending(const struct worker *w)
{
	size_t n = 0;

	while (n < WORKER_DEPTH && w->slots[n].seq != 0)
		n++;
	return n;
}

int
worker_give(struct worker *w, const struct delivery *d,
    const struct hosts *hosts, uint32_t *seq)
{
	size_t n = worker_pending(w);
	struct slot *slot;

	if (w->over || w->ended) {
		errno = EPIPE;
		return -1;
	}
	if (n == WORKER_DEPTH) {
		errno = EAGAIN;
		return -1;
	}
	if (w->seq == UINT32_MAX)
		w->seq = 0;
	if (parcel_send(w->fd, w->seq + 1, d, hosts, &w->told) == -1)
		return -1;
	slot = &w->slots[n];
	memset(slot, 0, sizeof(*slot));
	*seq = slot->seq = ++w->seq;
	slot->n = d->nrcpts;
	strlcpy(slot->key, d->key, sizeof(slot->key));
	return 0;
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
report_tidy(const struct slot *slot, struct report *r)
{
	struct smtp_status status;
	const char *p = r->status;
	unsigned class;

	if (r->rcpt >= slot->n || slot->reported[r->rcpt])
		return -1;
	r->dsn = r->dsn != 0;
	r->reached = r->reached != 0;
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

static void
finish_slot(struct worker *w)
{
	size_t i;

	for (i = 1; i < WORKER_DEPTH; i++)
		w->slots[i - 1] = w->slots[i];
	w->slots[WORKER_DEPTH - 1].seq = 0;
}

/* Deliveries are worked on in their order, so only the first may speak. */
static int
record_tidy(struct worker *w, struct record *r, size_t n)
{
	struct slot *slot = &w->slots[0];

	if (n < offsetof(struct record, u) || n != record_size(r->type) ||
	    slot->seq == 0 || r->seq != slot->seq)
		return -1;
	switch ((enum record_type)r->type) {
	case RECORD_REPORT:
		if (report_tidy(slot, &r->u.report) == -1)
			return -1;
		slot->reported[r->u.report.rcpt] = true;
		if (++slot->done == slot->n)
			finish_slot(w);
		return 0;
	case RECORD_DEAD:
		return 0;	/* hosts_take() looks at it */
	case RECORD_NEWS:
		return news_tidy(&r->u.news, slot->key, time(NULL));
	case RECORD_BACK:
		break;
	}
	return -1;
}

/* Recipients whose worker died are not lost: they are tried again. */
static int
record_died(struct worker *w, struct record *r)
{
	struct slot *slot = &w->slots[0];
	struct report *report = &r->u.report;
	size_t i = 0;

	if (slot->seq == 0)
		return 0;
	memset(r, 0, sizeof(*r));
	r->seq = slot->seq;
	if (w->first_died) {	/* it was at another one */
		r->type = RECORD_BACK;
		finish_slot(w);
		return 1;
	}
	while (slot->reported[i])
		i++;
	r->type = RECORD_REPORT;
	report->rcpt = (uint32_t)i;
	report->outcome = OUTCOME_TEMPORARY;
	report->reached = 1;	/* it says nothing against the host */
	strlcpy(report->status, "4.3.0", sizeof(report->status));
	strlcpy(report->reply, "the delivery was interrupted here",
	    sizeof(report->reply));
	slot->reported[i] = true;
	if (++slot->done == slot->n) {
		finish_slot(w);
		w->first_died = true;
	}
	return 1;
}

int
worker_read(struct worker *w, struct record *r, bool wait)
{
	ssize_t n;

	while (!w->over) {
		n = recv(w->fd, r, sizeof(*r), wait ? 0 : MSG_DONTWAIT);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return -1;
		if (n <= 0)
			w->over = true;
		else if (record_tidy(w, r, (size_t)n) == 0)
			return 1;
	}
	return record_died(w, r);
}

void
worker_end(struct worker *w)
{
	w->ended = true;
	(void)shutdown(w->fd, SHUT_WR);
}

bool
worker_free(struct worker *w)
{
	bool crashed;
	int status = 0;

	if (w == NULL)
		return false;
	crashed = w->over && !w->ended;
	if (!w->over)
		kill(w->pid, SIGKILL);
	close(w->fd);
	while (waitpid(w->pid, &status, 0) == -1 && errno == EINTR)
		;
	crashed = crashed && WIFSIGNALED(status);
	if (crashed)
		log_warn("worker", "pid=%ld signal=%d", (long)w->pid,
		    WTERMSIG(status));
	free(w);
	return crashed;
}
