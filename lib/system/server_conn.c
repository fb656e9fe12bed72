/* SPDX-License-Identifier: ISC
 *
 * The life of a session as the monitor sees it: counted, forked, gone.  A
 * session is forgotten only when its door and all its helpers are.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/conf.h"
#include "system/log.h"
#include "system/server_local.h"

static bool
is_proxy(const struct peer *peer)
{
	return peer->kind == PEER_INET && conf_nets_match(
	    server_loop.server->proxy_from,
	    (const struct sockaddr *)&peer->addr);
}

/* May this address have one more session? */
static bool
address_may(const struct peer *peer, enum server_refusal *why)
{
	size_t max = server_loop.server->max_per_address;
	struct client *c;

	if (peer->kind != PEER_INET)
		return true;
	if ((c = client_find(peer)) == NULL) {
		*why = SERVER_NO_FORK;
		return false;
	}
	*why = SERVER_ADDRESS_FULL;
	return (max == 0 || c->sessions < max) &&
	    c->barred_until <= clock_ms();
}

bool
conn_admit(const struct peer *peer, enum server_refusal *why)
{
	struct server *server = server_loop.server;

	*why = SERVER_TOO_FAST;
	return is_proxy(peer) || server->admit == NULL || server->admit(peer);
}

bool
conn_may(const struct peer *peer, enum server_refusal *why)
{
	size_t max = server_loop.server->max_sessions;

	if (max > 0 && server_loop.nconns >= max) {
		*why = SERVER_FULL;
		return false;
	}
	return is_proxy(peer) ||
	    (address_may(peer, why) && conn_admit(peer, why));
}

int
conn_count(struct server_conn *c, const struct peer *peer)
{
	if ((c->client = client_find(peer)) == NULL)
		return -1;
	c->client->sessions++;
	return 0;
}

static void
conn_free(struct server_conn *c)
{
	server_unwatch(&c->watch);
	call_free(c);
	if (c->client != NULL) {
		c->client->sessions--;
		client_forget(c->client);
	}
	TAILQ_REMOVE(&server_loop.conns, c, link);
	server_loop.nconns--;
	free(c->data);
	free(c->used);
	free(c);
}

static struct server_conn *
conn_new(const struct peer *peer, const struct peer *local,
    const char *listener)
{
	struct server *server = server_loop.server;
	struct server_conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	TAILQ_INSERT_TAIL(&server_loop.conns, c, link);
	server_loop.nconns++;
	TAILQ_INIT(&c->helpers);
	c->watch.fd = -1;
	c->peer = *peer;
	c->local = *local;
	strlcpy(c->listener, listener, sizeof(c->listener));
	c->proxy = is_proxy(peer);
	c->data = calloc(1, server->data_size + 1);
	c->used = calloc(server->nops + 1, sizeof(*c->used));
	if (c->data == NULL || c->used == NULL ||
	    (!c->proxy && conn_count(c, peer) == -1)) {
		conn_free(c);
		return NULL;
	}
	return c;
}

/* A door that waits takes the connection.  Our end of its socket; -1: there
 * is none. */
static int
door_ahead(const struct server_conn *c, int in, int out, pid_t *pid)
{
	struct server_visit v = { .peer = c->peer, .local = c->local,
	    .proxy = c->proxy };
	int fds[2] = { in, out }, sock;

	strlcpy(v.listener, c->listener, sizeof(v.listener));
	while ((sock = spare_take(SPARE_DOOR, pid)) != -1) {
		if (message_send(sock, 0, &v, sizeof(v), fds, in == out ? 1 :
		    2, MSG_DONTWAIT) == 0)
			return sock;
		close(sock);
	}
	return -1;
}

/* A new one. */
static int
door_fork(struct server_conn *c, int in, int out, pid_t *pid)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1)
		return -1;
	if ((*pid = fork()) == 0)
		door_main(c, in, out, sv[1]);
	close(sv[1]);
	if (*pid != -1)
		return sv[0];
	close(sv[0]);
	return -1;
}

int
conn_start(int in, int out, const struct peer *peer,
    const struct peer *local, const char *listener)
{
	struct server_conn *c;
	int sock, on = 1;
	pid_t pid;

	/* A client that vanished must not hold a session for ever; it fails
	 * where it means nothing. */
	(void)setsockopt(in, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if ((c = conn_new(peer, local, listener)) == NULL)
		return -1;
	if ((sock = door_ahead(c, in, out, &pid)) == -1 &&
	    (sock = door_fork(c, in, out, &pid)) == -1) {
		conn_free(c);
		return -1;
	}
	c->door.conn = c;
	proc_add(&c->door, pid);
	if (server_watch(&c->watch, WATCH_CONN, sock) == -1)
		conn_kill(c, SIGKILL);
	return 0;
}

void
proc_signal(pid_t pid, int signo)
{
	if (kill(pid, signo) == 0 || errno != EPERM || geteuid() != 0)
		return;
	if (seteuid(server_loop.server->door_uid) == -1)
		return;
	(void)kill(pid, signo);
	if (seteuid(0) == -1)
		abort();
}

void
conn_kill(struct server_conn *c, int signo)
{
	struct helper *h;

	if (c->door.pid != 0)
		proc_signal(c->door.pid, signo);
	TAILQ_FOREACH(h, &c->helpers, link)
		if (h->proc.pid != 0 && (h->answered || signo == SIGKILL))
			proc_signal(h->proc.pid, signo);
}

/* Signals that we or the administrator send, or that the kernel sends for
 * want of memory, are no crash. */
static bool
is_crash(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL &&
	    WTERMSIG(status) != SIGTERM && WTERMSIG(status) != SIGINT;
}

void
conn_door_gone(struct server_conn *c, int status)
{
	server_unwatch(&c->watch);
	server_loop.unsettled = true;
	if (c->waiting)
		call_free(c);
	if (is_crash(status)) {
		server_loop.crashes++;
		if (c->client != NULL)
			client_crashed(c->client, clock_ms());
		log_error("session-died", "ip=%s signal=%d", c->peer.ip,
		    WTERMSIG(status));
	}
	if (server_loop.activate->kind == ACTIVATE_ONE)
		server_loop.exit_code = WIFSIGNALED(status) ? EX_SOFTWARE :
		    WEXITSTATUS(status);
}

/* Nothing left of it?  Then what it left behind is cleaned, and it goes.
 * Who drains has no children: there, the end of a socket is the end. */
void
conn_settle(struct server_conn *c)
{
	struct server *server = server_loop.server;
	struct server_call call;

	if (c->watch.fd != -1 || !TAILQ_EMPTY(&c->helpers))
		return;
	if (c->door.pid != 0 && !server_loop.draining)
		return;
	proc_gone(&c->door);
	if (server->ended != NULL) {
		memset(&call, 0, sizeof(call));
		call.fds[0] = call.fds[1] = call.fd = -1;
		call.peer = &c->peer;
		call.local = &c->local;
		call.listener = c->listener;
		call.state = c->state;
		call.data = c->data;
		call.conn = c;
		server->ended(&call);
	}
	conn_free(c);
}
