/* SPDX-License-Identifier: ISC
 *
 * Requests of the doors.  Everything about a request is checked against the
 * one table before any function sees it; what is not as the table says kills
 * the session.  What a helper does is in server_helper.c.
 */
#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/memory.h"
#include "system/server_local.h"

const struct server_op *
call_op(const struct pending *p)
{
	return &server_loop.server->ops[p->op];
}

void
call_close_fds(int fds[2])
{
	int i;

	for (i = 0; i < 2; i++) {
		if (fds[i] != -1)
			close(fds[i]);
		fds[i] = -1;
	}
}

/* A guess at a password is not inherited by other sessions' doors. */
static unsigned char *
request_new(const struct server_op *o)
{
	void *p;

	if (!(o->flags & SERVER_LOGIN))
		return malloc(o->request + 1);
	p = mmap(NULL, o->request + 1, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, o->request + 1, MADV_WIPEONFORK);
	return p;
}

static void
request_free(const struct server_op *o, unsigned char *request)
{
	if (request == NULL)
		return;
	explicit_bzero(request, o->request);
	if (o->flags & SERVER_LOGIN)
		(void)munmap(request, o->request + 1);
	else
		free(request);
}

static void
pending_free(struct pending *p)
{
	if (p == NULL)
		return;
	call_close_fds(p->call.fds);
	if (p->call.fd != -1)
		close(p->call.fd);
	if (p->due > 0)
		server_loop.nheld--;
	request_free(call_op(p), p->request);
	free(p->reply);
	free(p);
}

void
call_free(struct server_conn *c)
{
	if (c->waiting)
		TAILQ_REMOVE(&server_loop.waiting, c, wait);
	c->waiting = false;
	pending_free(c->pending);
	c->pending = NULL;
}

static void
violation(struct server_conn *c, const char *op, const char *what)
{
	log_error("violation", "ip=%s op=%s what=%s", c->peer.ip, op,
	    log_str(what));
	conn_kill(c, SIGKILL);
	server_unwatch(&c->watch);
}

void
server_violation(struct server_call *call, const char *what)
{
	struct server_conn *c = call->conn;

	violation(c, c->pending == NULL ? "-" : call_op(c->pending)->name,
	    what);
}

static struct pending *
pending_new(struct server_conn *c, unsigned op, const void *request,
    int fds[2])
{
	const struct server_op *o = &server_loop.server->ops[op];
	struct pending *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->op = op;
	p->request = request_new(o);
	p->reply = calloc(1, o->reply + 1);
	if (p->request == NULL || p->reply == NULL) {
		request_free(o, p->request);
		free(p->reply);
		free(p);
		return NULL;
	}
	memcpy(p->request, request, o->request);
	p->call.request = p->request;
	p->call.reply = p->reply;
	p->call.fds[0] = fds[0];
	p->call.fds[1] = fds[1];
	p->call.fd = -1;
	p->call.peer = &c->peer;
	p->call.local = &c->local;
	p->call.listener = c->listener;
	p->call.state = c->state;
	p->call.data = c->data;
	p->call.conn = c;
	if (o->flags & SERVER_LOGIN && c->client != NULL)
		p->call.locked = client_locked(c->client,
		    server_loop.server->max_login_failures, clock_ms());
	return p;
}

/* The reply goes out, now or when it is due. */
static void
respond(struct server_conn *c)
{
	struct pending *p = c->pending;
	const struct server_op *o = call_op(p);
	int r;

	if (p->due > clock_ms() && !server_loop.stopping)
		return;
	if (c->watch.fd != -1) {
		if (p->failed)
			r = message_send(c->watch.fd, SERVER_FAILED, NULL, 0,
			    NULL, 0, MSG_DONTWAIT);
		else
			r = message_send(c->watch.fd, SERVER_DONE, p->reply,
			    o->reply, &p->call.fd, p->call.fd == -1 ? 0 : 1,
			    MSG_DONTWAIT);
		if (r == -1)
			server_unwatch(&c->watch);
	}
	explicit_bzero(p->reply, o->reply);
	c->pending = NULL;
	pending_free(p);
}

void
call_finish(struct server_conn *c)
{
	struct pending *p = c->pending;
	const struct server_op *o = call_op(p);

	p->call.reply = p->reply;
	if (!p->failed && o->done != NULL)
		o->done(&p->call);
	c->state = p->call.state;
	respond(c);
}

static void
dispatch(struct server_conn *c)
{
	struct pending *p = c->pending;
	const struct server_op *o = call_op(p);

	if (o->check != NULL) {
		int go = o->check(&p->call);

		c->state = p->call.state;
		if (!go) {
			respond(c);
			return;
		}
	}
	if (o->flags & SERVER_HELPER) {
		TAILQ_INSERT_TAIL(&server_loop.waiting, c, wait);
		c->waiting = true;
		helper_start_waiting();
		return;
	}
	if (o->run != NULL)
		o->run(&p->call);
	call_finish(c);
}

/* Who the PROXY header names: only once, only from a proxy, and only the
 * addresses are taken. */
static void
take_named(struct server_conn *c, const unsigned char *body, size_t n)
{
	struct server_verdict verdict;
	struct server_named named;
	struct peer peer, local;

	if (!c->proxy || n != sizeof(named)) {
		violation(c, "proxy", "unexpected");
		return;
	}
	c->proxy = false;
	memcpy(&named, body, sizeof(named));
	memset(&verdict, 0, sizeof(verdict));	/* its padding goes along */
	verdict.why = SERVER_FULL;
	if (named.peer.kind == PEER_INET) {
		if (peer_set_sockaddr(&peer,
		    (struct sockaddr *)&named.peer.addr) == -1) {
			violation(c, "proxy", "address");
			return;
		}
		peer.proxied = true;
		c->peer = peer;
		if (peer_set_sockaddr(&local,
		    (struct sockaddr *)&named.local.addr) == 0)
			c->local = local;
		verdict.refused = !conn_may(&peer, &verdict.why);
	}
	if (!verdict.refused && conn_count(c, &c->peer) == -1) {
		verdict.refused = true;
		verdict.why = SERVER_NO_FORK;
	}
	if (verdict.refused)
		client_refused(&c->peer, verdict.why, clock_ms());
	if (message_send(c->watch.fd, SERVER_DONE, &verdict, sizeof(verdict),
	    NULL, 0, MSG_DONTWAIT) == -1)
		server_unwatch(&c->watch);
}

/* Is the request as the table says?  NULL, or what is wrong. */
static const char *
fault_of(const struct server_conn *c, const struct server_op *o, size_t n,
    const int fds[2])
{
	if (c->client == NULL)
		return "not admitted";
	if (n != o->request)
		return "size";
	if (!(o->states & (1u << c->state)))
		return "state";
	if (o->max > 0 && c->used[o - server_loop.server->ops] >= o->max)
		return "count";
	if (c->pending != NULL)
		return "two requests at once";
	if (o->flags & SERVER_FD_IN ? fds[0] == -1 : fds[0] != -1)
		return "descriptors";
	return NULL;
}

static unsigned char body[SERVER_MESSAGE_MAX];

void
call_drop(void)
{
	memory_drop(body, sizeof(body));
}

void
call_read(struct server_conn *c)
{
	struct server *server = server_loop.server;
	const char *fault;
	uint32_t op = 0;
	int fds[2];
	ssize_t r;
	size_t n;

	r = message_recv(c->watch.fd, &op, body, sizeof(body), fds,
	    MSG_DONTWAIT);
	if (r == -1 && errno == EAGAIN)
		return;
	if (r <= 0) {
		server_unwatch(&c->watch);
		return;
	}
	n = (size_t)r - sizeof(struct server_head);
	if ((size_t)r < sizeof(struct server_head) || n > sizeof(body))
		violation(c, "-", "shape");
	else if (op == SERVER_OP_PROXY)
		take_named(c, body, n);
	else if (c->proxy || op >= server->nops)
		violation(c, "-", "unknown");
	else if ((fault = fault_of(c, &server->ops[op], n, fds)) != NULL)
		violation(c, server->ops[op].name, fault);
	else if ((c->pending = pending_new(c, op, body, fds)) == NULL)
		(void)message_send(c->watch.fd, SERVER_FAILED, NULL, 0, NULL,
		    0, MSG_DONTWAIT);
	else {
		fds[0] = fds[1] = -1;	/* the request has them */
		c->used[op]++;
		dispatch(c);
	}
	call_close_fds(fds);
	explicit_bzero(body, n > sizeof(body) ? sizeof(body) : n);
}

void
server_login(struct server_call *call, bool good)
{
	struct client *client = call->conn->client;

	if (good || client == NULL)
		return;
	client_failed_login(client, clock_ms());
	if (call->conn->pending->due == 0)
		server_loop.nheld++;
	call->conn->pending->due = clock_ms() + client_delay(client);
}

/*
 * The clock.
 */

void
call_due(int64_t now)
{
	struct server_conn *c;
	struct helper *h;

	if (server_loop.nheld + server_loop.nhelpers == 0)
		return;
	TAILQ_FOREACH(c, &server_loop.conns, link) {
		if (c->pending != NULL && c->pending->due > 0 &&
		    (c->pending->due <= now || server_loop.stopping))
			respond(c);
		TAILQ_FOREACH(h, &c->helpers, link) {
			if (h->deadline == 0 || h->deadline > now ||
			    h->proc.pid == 0)
				continue;
			log_warn("helper", "ip=%s error=\"too late\"",
			    c->peer.ip);
			proc_signal(h->proc.pid, SIGKILL);
			h->deadline = 0;
		}
	}
}

int64_t
call_next_due(void)
{
	struct server_conn *c;
	struct helper *h;
	int64_t due = 0;

	if (server_loop.nheld + server_loop.nhelpers == 0)
		return 0;
	TAILQ_FOREACH(c, &server_loop.conns, link) {
		if (c->pending != NULL && c->pending->due > 0 &&
		    (due == 0 || c->pending->due < due))
			due = c->pending->due;
		TAILQ_FOREACH(h, &c->helpers, link)
			if (h->deadline > 0 && (due == 0 || h->deadline < due))
				due = h->deadline;
	}
	return due;
}
