/* SPDX-License-Identifier: ISC
 *
 * Finds out what a daemon was started with.  It must never take a name the
 * peer chose for its address: only the kernel and the starter are asked.
 */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/activate.h"

#define LISTEN_START	3	/* sd_listen_fds(3) */

static void
peer_local_user(struct peer *p)
{
	memset(p, 0, sizeof(*p));
	p->kind = PEER_NONE;
	p->loopback = true;
	p->uid = getuid();
	p->gid = getgid();
}

static void
peer_inet(struct peer *p, const struct sockaddr_in *sin)
{
	struct sockaddr_in *own = (struct sockaddr_in *)&p->addr;

	p->kind = PEER_INET;
	*own = *sin;
	p->port = ntohs(sin->sin_port);
	p->loopback = ntohl(sin->sin_addr.s_addr) >> 24 == 127;
	inet_ntop(AF_INET, &sin->sin_addr, p->ip, sizeof(p->ip));
}

static void
peer_inet6(struct peer *p, const struct sockaddr_in6 *sin6)
{
	struct sockaddr_in6 *own = (struct sockaddr_in6 *)&p->addr;
	struct sockaddr_in sin = { .sin_family = AF_INET };

	if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
		memcpy(&sin.sin_addr, sin6->sin6_addr.s6_addr + 12, 4);
		sin.sin_port = sin6->sin6_port;
		peer_inet(p, &sin);
		return;
	}
	p->kind = PEER_INET;
	*own = *sin6;
	p->port = ntohs(sin6->sin6_port);
	p->loopback = IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr);
	inet_ntop(AF_INET6, &sin6->sin6_addr, p->ip, sizeof(p->ip));
}

int
peer_set_sockaddr(struct peer *p, const struct sockaddr *sa)
{
	memset(p, 0, sizeof(*p));
	if (sa->sa_family == AF_INET)
		peer_inet(p, (const struct sockaddr_in *)sa);
	else if (sa->sa_family == AF_INET6)
		peer_inet6(p, (const struct sockaddr_in6 *)sa);
	else
		return -1;
	return 0;
}

int
peer_set_ip(struct peer *p, const char *ip, unsigned short port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, ip, &sin.sin_addr) == 1) {
		sin.sin_port = htons(port);
		return peer_set_sockaddr(p, (struct sockaddr *)&sin);
	}
	if (inet_pton(AF_INET6, ip, &sin6.sin6_addr) != 1)
		return -1;
	sin6.sin6_port = htons(port);
	return peer_set_sockaddr(p, (struct sockaddr *)&sin6);
}

bool
peer_same(const struct peer *a, const struct peer *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case PEER_NONE:
		return true;
	case PEER_UNIX:
		return a->uid == b->uid;
	case PEER_INET:
		break;
	}
	if (a->addr.ss_family != b->addr.ss_family)
		return false;
	if (a->addr.ss_family == AF_INET)
		return ((const struct sockaddr_in *)&a->addr)->sin_addr.s_addr
		    == ((const struct sockaddr_in *)&b->addr)->sin_addr.s_addr;
	return memcmp(&((const struct sockaddr_in6 *)&a->addr)->sin6_addr,
	    &((const struct sockaddr_in6 *)&b->addr)->sin6_addr, 8) == 0;
}

int
activate_peer(int fd, struct peer *peer, struct peer *local)
{
	struct sockaddr_storage ss, own = { 0 };
	struct ucred cred;
	socklen_t n = sizeof(ss), nown = sizeof(own), ncred = sizeof(cred);

	if (getsockname(fd, (struct sockaddr *)&own, &nown) == -1)
		return -1;
	if (local != NULL)
		peer_set_sockaddr(local, (struct sockaddr *)&own);
	if (getpeername(fd, (struct sockaddr *)&ss, &n) == -1)
		return -1;
	if (peer_set_sockaddr(peer, (struct sockaddr *)&ss) == 0)
		return 0;
	if (ss.ss_family != AF_UNIX || getsockopt(fd, SOL_SOCKET, SO_PEERCRED,
	    &cred, &ncred) == -1)
		return -1;
	peer->kind = PEER_UNIX;
	peer->loopback = true;
	peer->uid = cred.uid;
	peer->gid = cred.gid;
	peer->pid = cred.pid;
	peer->named = nown > offsetof(struct sockaddr_un, sun_path) &&
	    ((struct sockaddr_un *)&own)->sun_path[0] == '/';
	return 0;
}

static unsigned short
port_of(const char *s)
{
	const char *why;
	long long n;

	if (s == NULL)
		return 0;
	n = strtonum(s, 0, 65535, &why);
	return why == NULL ? (unsigned short)n : 0;
}

static const char *
proto_variable(const char *proto, const char *suffix)
{
	char name[64];

	if (snprintf(name, sizeof(name), "%s%s", proto, suffix) >=
	    (int)sizeof(name))
		return NULL;
	return getenv(name);
}

/* What the starter says: UCSPI's PROTO, ${PROTO}REMOTEIP and so on; else
 * REMOTE_ADDR and REMOTE_PORT as systemd.exec(5) has them.  1 it said. */
static int
peer_from_environment(struct peer *peer, struct peer *local)
{
	const char *proto = getenv("PROTO"), *ip;
	struct peer p;

	if (proto != NULL &&
	    (ip = proto_variable(proto, "REMOTEIP")) != NULL &&
	    peer_set_ip(&p, ip,
	    port_of(proto_variable(proto, "REMOTEPORT"))) == 0) {
		*peer = p;
		if ((ip = proto_variable(proto, "LOCALIP")) != NULL &&
		    peer_set_ip(&p, ip,
		    port_of(proto_variable(proto, "LOCALPORT"))) == 0)
			*local = p;
		return 1;
	}
	if ((ip = getenv("REMOTE_ADDR")) != NULL &&
	    peer_set_ip(&p, ip, port_of(getenv("REMOTE_PORT"))) == 0) {
		*peer = p;
		return 1;
	}
	return 0;
}

static int
socket_option(int fd, int option)
{
	int value = 0;
	socklen_t n = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, option, &value, &n) == -1)
		return -1;
	return value;
}

static void
take_name(char *to, size_t size, const char **names)
{
	size_t n = *names == NULL ? 0 : strcspn(*names, ":");

	to[0] = '\0';
	if (*names == NULL)
		return;
	if (n < size)
		strlcpy(to, *names, n + 1);
	*names = (*names)[n] == ':' ? *names + n + 1 : NULL;
}

static int
take_listener(struct activate *a, int fd, const char **names)
{
	struct activate_listener *l = &a->listeners[a->n];
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return -1;
	l->fd = fd;
	l->local = socket_option(fd, SO_DOMAIN) == AF_UNIX;
	take_name(l->name, sizeof(l->name), names);
	a->n++;
	return 0;
}

static int
take_connection(struct activate *a, int in, int out)
{
	a->kind = ACTIVATE_ONE;
	a->in = in;
	a->out = out;
	peer_local_user(&a->peer);
	if (in == out && activate_peer(in, &a->peer, &a->local) == -1)
		return -1;
	if (a->peer.kind != PEER_INET)
		peer_from_environment(&a->peer, &a->local);
	a->peer.terminal = a->peer.kind == PEER_NONE && isatty(in);
	return 0;
}

/* A stream socket: connected or listening?  1 took it, -1 neither. */
static int
take_socket(struct activate *a, int fd, const char **names)
{
	if (socket_option(fd, SO_TYPE) != SOCK_STREAM)
		return -1;
	if (socket_option(fd, SO_ACCEPTCONN) == 1) {
		a->kind = ACTIVATE_LISTEN;
		return take_listener(a, fd, names) == -1 ? -1 : 1;
	}
	return take_connection(a, fd, fd) == -1 ? -1 : 1;
}

/* How many sockets systemd passed to this process, 0 none. */
static size_t
listen_fds(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *why;
	long long n;

	if (pid == NULL || fds == NULL)
		return 0;
	n = strtonum(pid, 1, 0x7fffffff, &why);
	if (why != NULL || n != getpid())
		return 0;
	n = strtonum(fds, 0, 0x7fffffff, &why);
	return why == NULL ? (size_t)n : 0;
}

static int
detect_systemd(struct activate *a, size_t n, char *error, size_t esize)
{
	const char *names = getenv("LISTEN_FDNAMES");
	size_t i;

	if (n > ACTIVATE_LISTENERS) {
		snprintf(error, esize, "LISTEN_FDS=%zu, at most %d", n,
		    ACTIVATE_LISTENERS);
		return -1;
	}
	for (i = 0; i < n; i++) {
		if (take_socket(a, LISTEN_START + (int)i, &names) == -1 ||
		    (a->kind == ACTIVATE_ONE && n > 1)) {
			snprintf(error, esize, "descriptor %zu of LISTEN_FDS "
			    "is no listening stream socket", LISTEN_START + i);
			return -1;
		}
	}
	return 0;
}

static int
detect_stdin(struct activate *a, char *error, size_t esize)
{
	const char *names = NULL;
	struct stat st;

	if (fstat(STDIN_FILENO, &st) == -1) {
		snprintf(error, esize, "standard input is closed");
		return -1;
	}
	if (!S_ISSOCK(st.st_mode))
		return take_connection(a, STDIN_FILENO, STDOUT_FILENO);
	if (take_socket(a, STDIN_FILENO, &names) == -1) {
		snprintf(error, esize, "standard input is a socket, but "
		    "neither connected nor listening");
		return -1;
	}
	if (a->kind == ACTIVATE_LISTEN)	/* close-on-exec is not for 0 */
		(void)fcntl(STDIN_FILENO, F_SETFD, 0);
	return 0;
}

int
activate_detect(struct activate *a, char *error, size_t esize)
{
	size_t n = listen_fds();
	int r;

	memset(a, 0, sizeof(*a));
	r = n > 0 ? detect_systemd(a, n, error, esize) :
	    detect_stdin(a, error, esize);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return r;
}
