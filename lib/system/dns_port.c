/* SPDX-License-Identifier: ISC
 *
 * Questions by UDP.  Who forges a reply must guess a port, which the kernel
 * chose at random, and an id: so each question goes out from one of several
 * sockets, chosen at random, a socket serves few questions, and none stays
 * open when nothing is asked.  They are connected: nobody but the server is
 * heard, and hears about it when nobody is there.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/dns_local.h"

#define USES_MAX	64	/* questions of one socket */

static struct dns_asks *
bucket(struct dns *dns, uint16_t id)
{
	return &dns->ids[id % DNS_IDS];
}

static struct dns_ask *
find(struct dns *dns, const struct dns_port *port, uint16_t id)
{
	struct dns_ask *a;

	LIST_FOREACH(a, bucket(dns, id), by_id)
		if (a->port == port && a->id == id)
			return a;
	return NULL;
}

/* Each is taken once.  They are made in portions: each call of arc4random()
 * asks the kernel whether the process has forked. */
static uint16_t
pick(struct dns *dns)
{
	if (dns->nrandom == 0) {
		arc4random_buf(dns->random, sizeof(dns->random));
		dns->nrandom = sizeof(dns->random) / sizeof(dns->random[0]);
	}
	return dns->random[--dns->nrandom];
}

/* ---- sockets ---- */

static void
forget(struct dns_ask *a)
{
	if (a->port == NULL)
		return;
	LIST_REMOVE(a, by_port);
	LIST_REMOVE(a, by_id);
	a->port = NULL;
}

static void
port_close(struct dns_port *port)
{
	while (!LIST_EMPTY(&port->asks))
		forget(LIST_FIRST(&port->asks));
	if (port->fd != -1)
		close(port->fd);
	port->fd = -1;
}

/* 0, or -1 with errno. */
static int
port_open(struct dns *dns, struct dns_port *port, size_t server)
{
	const struct dns_server *s = &dns->servers[server];
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = port };
	int fd, error;

	fd = socket(s->addr.ss_family, SOCK_DGRAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (connect(fd, (const struct sockaddr *)&s->addr, s->len) == -1 ||
	    epoll_ctl(dns->epoll, EPOLL_CTL_ADD, fd, &ev) == -1) {
		error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	port->fd = fd;
	port->server = (unsigned char)server;
	port->uses = 0;
	return 0;
}

/* A socket to send from, or NULL with errno. */
static struct dns_port *
choose(struct dns *dns, size_t server)
{
	uint32_t from = pick(dns) % DNS_PORTS_MAX, i;
	struct dns_port *p, *worn = NULL;

	for (i = 0; i < DNS_PORTS_MAX; i++) {
		p = &dns->ports[server * DNS_PORTS_MAX + (from + i) %
		    DNS_PORTS_MAX];
		if (p->fd != -1 && p->uses >= USES_MAX &&
		    LIST_EMPTY(&p->asks))
			port_close(p);
		if (p->fd == -1 && port_open(dns, p, server) == -1)
			continue;
		if (p->uses < USES_MAX)
			return p;
		worn = p;
	}
	return worn;
}

/* ---- questions ---- */

/* An error that passes when others have finished. */
static int
is_short(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
	    error == ENOMEM || error == EAGAIN;
}

int
dns_port_send(struct dns_job *job, size_t server)
{
	struct dns_ask *a = &job->asks[server];
	struct dns *dns = job->dns;
	struct dns_port *port = a->port;
	int tries;

	if (port == NULL) {
		if ((port = choose(dns, server)) == NULL)
			return is_short(errno) ? 1 : -1;
		do
			a->id = pick(dns);
		while (find(dns, port, a->id) != NULL);
		a->job = job;
		a->port = port;
		LIST_INSERT_HEAD(&port->asks, a, by_port);
		LIST_INSERT_HEAD(bucket(dns, a->id), a, by_id);
		port->uses++;
	}
	job->wire[0] = (uint8_t)(a->id >> 8);
	job->wire[1] = (uint8_t)a->id;
	/* What was refused is an earlier question: it will hear of it, too. */
	for (tries = 0; tries < 2; tries++)
		if (send(port->fd, job->wire, job->len, MSG_NOSIGNAL) != -1)
			return 0;
		else if (errno != ECONNREFUSED)
			break;
	tries = errno;
	forget(a);
	errno = tries;
	return is_short(errno) ? 1 : -1;
}

void
dns_port_forget(struct dns_job *job)
{
	size_t i;

	for (i = 0; i < DNS_SERVERS_MAX; i++)
		forget(&job->asks[i]);
}

void
dns_port_close_all(struct dns *dns)
{
	size_t i;

	for (i = 0; i < dns->nservers * DNS_PORTS_MAX; i++)
		if (dns->ports[i].fd != -1)
			port_close(&dns->ports[i]);
}

/* ---- replies ---- */

/* All that this socket asked was refused. */
static void
refused(struct dns *dns, struct dns_port *port, const char *why)
{
	struct dns_asks mine = LIST_HEAD_INITIALIZER(mine);
	size_t server = port->server;
	struct dns_ask *a;

	dns_server_gone(&dns->servers[server]);
	LIST_SWAP(&mine, &port->asks, dns_ask, by_port);
	port_close(port);
	while ((a = LIST_FIRST(&mine)) != NULL) {
		forget(a);
		dns_job_refused(a->job, server, why);
	}
}

static void
take(struct dns *dns, struct dns_port *port, uint8_t *p, size_t n)
{
	size_t server = port->server;
	struct dns_ask *a;

	if (n < 2 || (a = find(dns, port, (uint16_t)(p[0] << 8 | p[1]))) ==
	    NULL)
		return;
	switch (dns_is_reply(a->job->wire, a->job->name_len, p, n)) {
	case DNS_OTHER:
		return;
	case DNS_OTHER_CASE:
		if (dns->mixed) {
			dns_job_cased(a->job, server);
			return;
		}
		break;
	case DNS_SAME:
		break;
	}
	dns_job_take(a->job, server, p, n, 0);
}

void
dns_port_ready(struct dns *dns, struct dns_port *port)
{
	struct mmsghdr msg[DNS_BATCH];
	struct iovec iov[DNS_BATCH];
	int i, n;

	if (port->fd == -1)
		return;
	memset(msg, 0, sizeof(msg));
	for (i = 0; i < DNS_BATCH; i++) {
		iov[i].iov_base = dns->buffer + (size_t)i * DNS_PACKET_MAX;
		iov[i].iov_len = DNS_PACKET_MAX;
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(port->fd, msg, DNS_BATCH, MSG_DONTWAIT, NULL);
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		refused(dns, port, strerror(errno));
		return;
	}
	for (i = 0; i < n; i++)
		if ((msg[i].msg_hdr.msg_flags & MSG_TRUNC) == 0)
			take(dns, port, iov[i].iov_base, msg[i].msg_len);
}
