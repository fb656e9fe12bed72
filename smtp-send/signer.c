/* SPDX-License-Identifier: ISC
 *
 * Signing processes: see signer.h.  Each has a socketpair to the agent, over
 * which requests go down and answers come up in the same order.  A few are on
 * their way to each process, so that none waits for the agent; the rest wait
 * here.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "signer.h"
#include "signer_local.h"
#include "system/fdio.h"
#include "system/log.h"

#define DEPTH		8	/* requests that a process may have */

struct request {
	STAILQ_ENTRY(request) next;
	void		*arg;
	int		 fd;		/* -1: it was sent */
	off_t		 at;
	bool		 convert;
};

STAILQ_HEAD(requests, request);

struct helper {
	pid_t		 pid;
	int		 sock;		/* -1: it is not there */
	struct requests	 busy;		/* in the order of their answers */
	size_t		 n;
	time_t		 started;
};

struct signer {
	const struct settings *settings;
	int		 epoll;		/* of all sockets, and of: */
	int		 bell;		/* an eventfd that says that lost has
					 * some */
	struct helper	 helpers[SIGNERS_MAX];
	size_t		 nhelpers;
	struct requests	 waiting;	/* for a process */
	struct requests	 lost;		/* FAILED, to be told */
	size_t		 pending;
	char		*text;		/* SIGNER_ANSWER_MAX octets */
};

/* ---- processes ---- */

/* Its first packet says whether it has the keys: empty, or what is wrong. */
static int
wait_ready(int sock, char *error)
{
	struct signer_answer a;
	char text[sizeof(a) + CONF_ERROR_MAX];
	int fd;
	ssize_t n = fd_recv(sock, text, sizeof(text), &fd);

	if (fd != -1)
		close(fd);
	if (n < (ssize_t)sizeof(a)) {
		strlcpy(error, "dkim: the signing process died",
		    CONF_ERROR_MAX);
		return -1;
	}
	memcpy(&a, text, sizeof(a));
	if (a.outcome == SIGNER_SIGNED)
		return 0;
	snprintf(error, CONF_ERROR_MAX, "%.*s", (int)((size_t)n - sizeof(a)),
	    text + sizeof(a));
	return -1;
}

static void
bury(struct helper *h)
{
	if (h->sock == -1)
		return;
	close(h->sock);		/* which ends it */
	h->sock = -1;
	while (waitpid(h->pid, NULL, 0) == -1 && errno == EINTR)
		;
}

static int
start(struct signer *s, struct helper *h, char *error)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = h };
	int pair[2];

	h->started = time(NULL);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		goto fail;
	if ((h->pid = fork()) == -1) {
		close(pair[0]);
		close(pair[1]);
		goto fail;
	}
	if (h->pid == 0) {
		close(pair[0]);
		signer_main(s->settings, pair[1]);
		_exit(0);
	}
	close(pair[1]);
	h->sock = pair[0];
	if (wait_ready(h->sock, error) == -1) {
		bury(h);
		return -1;
	}
	if (fcntl(h->sock, F_SETFL, O_NONBLOCK) == 0 &&
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, h->sock, &ev) == 0)
		return 0;
	bury(h);
fail:
	snprintf(error, CONF_ERROR_MAX, "dkim: a process to sign: %s",
	    strerror(errno));
	return -1;
}

static void
free_requests(struct requests *list)
{
	struct request *r;

	while ((r = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, next);
		if (r->fd != -1)
			close(r->fd);
		free(r);
	}
}

/* Requests to be told of as FAILED. */
static void
give_up(struct signer *s, struct requests *list)
{
	const uint64_t one = 1;

	if (STAILQ_EMPTY(list))
		return;
	STAILQ_CONCAT(&s->lost, list);
	(void)fd_write_all(s->bell, &one, sizeof(one));
}

/* What it was at will not be answered. */
static void
lose(struct signer *s, struct helper *h)
{
	log_error("dkim", "error=\"a signing process died\" pid=%ld "
	    "messages=%zu", (long)h->pid, h->n);
	(void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, h->sock, NULL);
	bury(h);
	give_up(s, &h->busy);
	h->n = 0;
}

/* Those that died are there again, but not all the time anew. */
static void
revive(struct signer *s)
{
	char error[CONF_ERROR_MAX];
	struct helper *h;

	for (h = s->helpers; h < s->helpers + s->nhelpers; h++)
		if (h->sock == -1 && h->started != time(NULL) &&
		    start(s, h, error) == -1)
			log_error("dkim", "error=%s", log_str(error));
}

static size_t
processors(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof(set), &set) == -1)
		return 1;
	n = CPU_COUNT(&set);
	return n < 1 ? 1 : n > SIGNERS_MAX ? SIGNERS_MAX : (size_t)n;
}

/* All but the processes: 0, or -1 errno. */
static int
prepare(struct signer *s)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->epoll == -1 || s->bell == -1 ||
	    (s->text = malloc(SIGNER_ANSWER_MAX)) == NULL)
		return -1;
	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->bell, &ev);
}

struct signer *
signer_new(const struct settings *settings, char *error)
{
	struct signer *s;
	size_t i;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		strlcpy(error, "dkim: out of memory", CONF_ERROR_MAX);
		return NULL;
	}
	s->settings = settings;
	s->nhelpers = processors();
	STAILQ_INIT(&s->waiting);
	STAILQ_INIT(&s->lost);
	for (i = 0; i < SIGNERS_MAX; i++) {
		s->helpers[i].sock = -1;
		STAILQ_INIT(&s->helpers[i].busy);
	}
	if (prepare(s) == -1) {
		snprintf(error, CONF_ERROR_MAX, "dkim: %s", strerror(errno));
		signer_free(s);
		return NULL;
	}
	for (i = 0; i < s->nhelpers; i++)
		if (start(s, &s->helpers[i], error) == -1) {
			signer_free(s);
			return NULL;
		}
	return s;
}

void
signer_settings(struct signer *s, const struct settings *settings)
{
	s->settings = settings;
}

void
signer_free(struct signer *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->nhelpers; i++) {
		bury(&s->helpers[i]);
		free_requests(&s->helpers[i].busy);
	}
	free_requests(&s->waiting);
	free_requests(&s->lost);
	if (s->epoll != -1)
		close(s->epoll);
	if (s->bell != -1)
		close(s->bell);
	free(s->text);
	free(s);
}

int
signer_fd(const struct signer *s)
{
	return s->epoll;
}

size_t
signer_pending(const struct signer *s)
{
	return s->pending;
}

/* ---- requests ---- */

/* The process with the least to do; NULL: all have enough. */
static struct helper *
choose(struct signer *s)
{
	struct helper *h, *best = NULL;

	for (h = s->helpers; h < s->helpers + s->nhelpers; h++)
		if (h->sock != -1 && h->n < DEPTH &&
		    (best == NULL || h->n < best->n))
			best = h;
	return best;
}

static bool
any_alive(const struct signer *s)
{
	size_t i = 0;

	while (i < s->nhelpers && s->helpers[i].sock == -1)
		i++;
	return i < s->nhelpers;
}

/* 1 it is sent; 0 not now; -1 the process is no more. */
static int
give(struct helper *h, struct request *r)
{
	struct signer_request q = { .at = (int64_t)r->at,
	    .convert = r->convert };

	if (fd_send(h->sock, &q, sizeof(q), r->fd) == 0) {
		close(r->fd);
		r->fd = -1;
		return 1;
	}
	/* ETOOMANYREFS: too many descriptors are on their way. */
	return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ||
	    errno == ETOOMANYREFS ? 0 : -1;
}

/* Give out what waits. */
static void
pump(struct signer *s)
{
	struct request *r;
	struct helper *h;
	int got;

	revive(s);
	while ((r = STAILQ_FIRST(&s->waiting)) != NULL &&
	    (h = choose(s)) != NULL) {
		if ((got = give(h, r)) == 0 && h->n > 0)
			return;		/* its next answer brings us back */
		if (got == -1) {
			lose(s, h);
			continue;
		}
		if (got == 0) {
			give_up(s, &s->waiting);
			return;
		}
		STAILQ_REMOVE_HEAD(&s->waiting, next);
		STAILQ_INSERT_TAIL(&h->busy, r, next);
		h->n++;
	}
	if (!any_alive(s))
		give_up(s, &s->waiting);
}

int
signer_submit(struct signer *s, void *arg, int fd, off_t at, bool convert)
{
	struct request *r;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		close(fd);
		return -1;
	}
	r->arg = arg;
	r->fd = fd;
	r->at = at;
	r->convert = convert;
	STAILQ_INSERT_TAIL(&s->waiting, r, next);
	s->pending++;
	pump(s);
	return 0;
}

/* ---- answers ---- */

/* One of the texts behind the head, which is moved to the next: NULL there is
 * none, or it has no end. */
static const char *
take_text(char **p, size_t n)
{
	char *text = *p;

	*p += n;
	return n == 0 || text[n - 1] != '\0' ? NULL : text;
}

/* An answer is taken apart: 0, or -1 it does not add up. */
static int
unpack(struct signer *s, size_t n, int fd, struct signature *to)
{
	struct signer_answer a;
	char *p = s->text + sizeof(a);

	if (n < sizeof(a))
		return -1;
	memcpy(&a, s->text, sizeof(a));
	if (a.why > n || a.prefix > n || a.prefix_7bit > n ||
	    sizeof(a) + a.why + a.prefix + a.prefix_7bit != n ||
	    a.outcome > SIGNER_FAILED)
		return -1;
	to->outcome = (enum signer_outcome)a.outcome;
	to->why = take_text(&p, a.why);
	to->prefix = take_text(&p, a.prefix);
	to->prefix_7bit = take_text(&p, a.prefix_7bit);
	to->fd_7bit = fd;
	return to->why == NULL ||
	    (to->prefix != NULL) != (to->outcome == SIGNER_SIGNED) ||
	    (to->prefix_7bit != NULL) != (fd != -1) ? -1 : 0;
}

/* The answer of a process to the first that it was given: 1; 0 it has none;
 * -1 it is no more. */
static int
hear(struct signer *s, struct helper *h, struct signature *to)
{
	struct request *r = STAILQ_FIRST(&h->busy);
	int fd;
	ssize_t n;

	n = fd_recv(h->sock, s->text, SIGNER_ANSWER_MAX, &fd);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n <= 0 || r == NULL || unpack(s, (size_t)n, fd, to) == -1) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	to->arg = r->arg;
	STAILQ_REMOVE_HEAD(&h->busy, next);
	h->n--;
	free(r);
	return 1;
}

/* One that will not be signed by anybody. */
static int
tell_lost(struct signer *s, struct signature *to)
{
	struct request *r;
	uint64_t count;

	if ((r = STAILQ_FIRST(&s->lost)) == NULL)
		return 0;
	*to = (struct signature){ .arg = r->arg, .outcome = SIGNER_FAILED,
	    .why = "the signing process died", .fd_7bit = -1 };
	STAILQ_REMOVE_HEAD(&s->lost, next);
	if (r->fd != -1)
		close(r->fd);
	free(r);
	if (STAILQ_EMPTY(&s->lost))
		(void)fd_read_all(s->bell, &count, sizeof(count));
	return 1;
}

int
signer_read(struct signer *s, struct signature *to)
{
	struct epoll_event ev[SIGNERS_MAX + 1];
	int i, n, got = 0;

	n = epoll_wait(s->epoll, ev, SIGNERS_MAX + 1, 0);
	for (i = 0; i < n && got != 1; i++) {
		if (ev[i].data.ptr == NULL)
			continue;
		got = hear(s, ev[i].data.ptr, to);
		if (got == -1)
			lose(s, ev[i].data.ptr);
	}
	if (got != 1)
		got = tell_lost(s, to);
	s->pending -= (size_t)got;
	pump(s);
	return got;
}

int
signer_forget(struct signer *s, void **arg)
{
	struct requests *list = &s->waiting;
	struct request *r;
	size_t i;

	if (STAILQ_EMPTY(list))
		list = &s->lost;
	for (i = 0; STAILQ_EMPTY(list) && i < s->nhelpers; i++)
		list = &s->helpers[i].busy;
	if ((r = STAILQ_FIRST(list)) == NULL)
		return 0;
	STAILQ_REMOVE_HEAD(list, next);
	*arg = r->arg;
	if (r->fd != -1)
		close(r->fd);
	free(r);
	s->pending--;
	return 1;
}
