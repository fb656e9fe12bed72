/* SPDX-License-Identifier: ISC
 *
 * Helpers: children that do what a request asks for and may wait meanwhile.
 * No address may have so many that the others wait for it, and none may work
 * for longer than it is given.
 */
#include <sys/socket.h>

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/memory.h"
#include "system/server_local.h"

#define HELPERS_DEFAULT	32
#define DEADLINE_DEFAULT 60		/* seconds */

static struct server_job job;	/* to be told */

void
helper_drop(void)
{
	memory_drop(&job, sizeof(job));
}

static size_t
helpers_max(void)
{
	size_t max = server_loop.server->max_helpers;

	return max == 0 ? HELPERS_DEFAULT : max;
}

/* It no longer counts as running. */
static void
helper_uncount(struct helper *h)
{
	if (h->client == NULL)
		return;
	h->client->helpers--;
	h->client = NULL;
	h->deadline = 0;
	server_loop.nhelpers--;
}

/* One that waits is told what it would have inherited, then the request. */
static int
helper_tell(const struct server_conn *c, int sock)
{
	const struct pending *p = c->pending;
	const struct server_op *o = call_op(p);
	size_t n = server_loop.server->data_size;
	int r;

	job.visit.peer = c->peer;
	job.visit.local = c->local;
	job.visit.state = p->call.state;
	strlcpy(job.visit.listener, c->listener, sizeof(job.visit.listener));
	memcpy(job.data, c->data, n);
	r = message_send(sock, p->op, &job, offsetof(struct server_job, data) +
	    n, NULL, 0, MSG_DONTWAIT);
	explicit_bzero(job.data, n);
	return r == -1 ? -1 : message_send(sock, p->op, p->request,
	    o->request, NULL, 0, MSG_DONTWAIT);
}

/* Our end of the socket of one that waited and now works; -1: none.  One that
 * will stay is forked when it is wanted: the longer it waits, the more of the
 * monitor's memory, since changed, would be its own. */
static int
helper_ahead(struct server_conn *c, pid_t *pid)
{
	int sock;

	if (call_op(c->pending)->flags & (SERVER_STAYS | SERVER_FD_IN))
		return -1;
	while ((sock = spare_take(SPARE_HELPER, pid)) != -1) {
		if (helper_tell(c, sock) == 0)
			return sock;
		close(sock);
	}
	return -1;
}

static int
helper_fork(struct server_conn *c, pid_t *pid)
{
	const struct pending *p = c->pending;
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1)
		return -1;
	if ((*pid = fork()) == 0)
		helper_main(c, sv[1]);
	close(sv[1]);
	if (*pid != -1 && message_send(sv[0], p->op, p->request,
	    call_op(p)->request, NULL, 0, MSG_DONTWAIT) == 0)
		return sv[0];
	if (*pid > 0)
		kill(*pid, SIGKILL);
	close(sv[0]);
	return -1;
}

static int
helper_start(struct server_conn *c)
{
	unsigned seconds = server_loop.server->helper_seconds;
	struct helper *h;
	pid_t pid;
	int sock;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return -1;
	if ((sock = helper_ahead(c, &pid)) == -1 &&
	    (sock = helper_fork(c, &pid)) == -1) {
		free(h);
		return -1;
	}
	if (server_watch(&h->watch, WATCH_HELPER, sock) == -1) {
		kill(pid, SIGKILL);
		close(sock);
		free(h);
		return -1;
	}
	call_close_fds(c->pending->call.fds);
	h->conn = c;
	h->client = c->client;
	h->client->helpers++;
	server_loop.nhelpers++;
	h->deadline = clock_ms() +
	    1000LL * (seconds == 0 ? DEADLINE_DEFAULT : seconds);
	h->proc.conn = c;
	h->proc.helper = h;
	proc_add(&h->proc, pid);
	TAILQ_INSERT_TAIL(&c->helpers, h, link);
	return 0;
}

/* Of those who wait, the first of the address with the fewest helpers; and
 * no address has more than half of all. */
static struct server_conn *
next_waiting(void)
{
	struct server_conn *c, *best = NULL;

	TAILQ_FOREACH(c, &server_loop.waiting, wait)
		if (best == NULL ||
		    c->client->helpers < best->client->helpers)
			best = c;
	if (best != NULL && best->client->peer.kind == PEER_INET &&
	    best->client->helpers > 0 &&
	    best->client->helpers * 2 >= helpers_max())
		return NULL;
	return best;
}

void
helper_start_waiting(void)
{
	struct server_conn *c;

	while (server_loop.nhelpers < helpers_max() &&
	    (c = next_waiting()) != NULL) {
		TAILQ_REMOVE(&server_loop.waiting, c, wait);
		c->waiting = false;
		if (helper_start(c) == 0)
			continue;
		log_warn("helper", "error=%s", log_str(strerror(errno)));
		c->pending->failed = true;
		call_finish(c);
	}
}

/* The reply of a helper, if one is there. */
void
helper_read(struct helper *h)
{
	struct server_conn *c = h->conn;
	struct pending *p = c->pending;
	const struct server_op *o;
	uint32_t status = 0;
	int fds[2];
	ssize_t r;

	if (h->answered || p == NULL) {
		if (recv(h->watch.fd, &status, sizeof(status),
		    MSG_DONTWAIT) != -1 || errno != EAGAIN)
			server_unwatch(&h->watch);	/* its end */
		if (h->watch.fd == -1 && server_loop.draining)
			helper_gone(h);
		return;
	}
	o = call_op(p);
	r = message_recv(h->watch.fd, &status, p->reply, o->reply, fds,
	    MSG_DONTWAIT);
	if (r == -1 && errno == EAGAIN)
		return;
	if (r != (ssize_t)(sizeof(struct server_head) + o->reply)) {
		call_close_fds(fds);
		server_unwatch(&h->watch);
		if (server_loop.draining)
			helper_gone(h);
		return;		/* its end tells the rest */
	}
	h->answered = true;
	helper_uncount(h);
	p->call.fd = fds[0];
	fds[0] = -1;
	call_close_fds(fds);
	call_finish(c);
	helper_start_waiting();
}

/* The process of a helper is over. */
void
helper_gone(struct helper *h)
{
	struct server_conn *c = h->conn;

	if (!h->answered && h->watch.fd != -1)
		helper_read(h);
	proc_gone(&h->proc);
	server_unwatch(&h->watch);
	helper_uncount(h);
	if (!h->answered && c->pending != NULL && !c->waiting) {
		log_warn("helper", "ip=%s op=%s error=\"no answer\"",
		    c->peer.ip, call_op(c->pending)->name);
		c->pending->failed = true;
		call_finish(c);
	}
	TAILQ_REMOVE(&c->helpers, h, link);
	TAILQ_INSERT_TAIL(&server_loop.graveyard, h, link);
	server_loop.unsettled = true;
	helper_start_waiting();
}
