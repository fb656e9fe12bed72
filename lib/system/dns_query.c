/* SPDX-License-Identifier: ISC
 *
 * Questions under way: which server is asked, how long, by UDP or TCP.  Each
 * question has a socket of its own, connected, from a port the kernel chose,
 * so that a forged answer must guess port and id.  It never blocks but in
 * dns_wait().
 */
#include <sys/socket.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/dns_local.h"

#define HOPS_MAX	8	/* CNAMEs that we follow ourselves */

enum state {
	Q_UDP,		/* sent, waiting */
	Q_CONNECT,	/* TCP */
	Q_SEND,
	Q_RECV,
	Q_DONE		/* the answer is there */
};

struct dns_query {
	struct dns	*dns;
	struct dns_query *next;
	void		*arg;
	enum state	 state;
	int		 returned;	/* by dns_wait(), the caller's now */
	int		 fd;		/* -1: none */
	struct dns_question q;
	uint8_t		*wire;
	size_t		 wirelen;
	uint8_t		*tcp;		/* reply by TCP, from its length on */
	size_t		 at;		/* octets sent or received by TCP */
	int		 round;
	size_t		 server;
	unsigned	 failed;	/* servers that need not be asked
					 * again, bit by bit */
	unsigned	 hops;
	enum dns_security security;	/* the worst of all answers so far */
	long long	 deadline;
	struct dns_answer answer;
};

/* ---- one question ---- */

static void
close_socket(struct dns_query *q)
{
	if (q->fd != -1)
		close(q->fd);
	q->fd = -1;
	free(q->tcp);
	q->tcp = NULL;
	q->at = 0;
}

static void
finish(struct dns_query *q)
{
	close_socket(q);
	q->state = Q_DONE;
	if (q->security < q->answer.security)
		q->answer.security = q->security;
}

static void
fail(struct dns_query *q, enum dns_status st, const char *why)
{
	/* What a server said tells more than the silence of another. */
	if (q->answer.status != DNS_BOGUS)
		dns_answer_fail(&q->answer, st, why);
	finish(q);
}

/* The next server to ask, after the one at q->server; 0, or -1: none left. */
static int
next_server(struct dns_query *q)
{
	size_t all = q->dns->nservers;

	while (q->failed != (1u << all) - 1) {
		if (++q->server >= all) {
			q->server = 0;
			q->round++;
		}
		if (q->round >= q->dns->tries)
			return -1;
		if ((q->failed & 1u << q->server) == 0)
			return 0;
	}
	return -1;
}

/* Open a socket to the present server; 0, or -1 with errno. */
static int
open_socket(struct dns_query *q, int type)
{
	const struct dns_server *s = &q->dns->servers[q->server];

	close_socket(q);
	q->fd = socket(s->addr.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (q->fd == -1)
		return -1;
	q->deadline = clock_ms() + ((long long)q->dns->ms << q->round);
	if (connect(q->fd, (const struct sockaddr *)&s->addr, s->len) == -1 &&
	    errno != EINPROGRESS)
		return -1;
	return 0;
}

/* Ask the present server by UDP, and if that cannot be, the next ones. */
static void
ask(struct dns_query *q)
{
	for (;;) {
		q->state = Q_UDP;
		if (open_socket(q, SOCK_DGRAM) == 0 &&
		    send(q->fd, q->wire, q->wirelen, MSG_NOSIGNAL) != -1)
			return;
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			fail(q, DNS_TEMPORARY, strerror(errno));
			return;
		}
		q->failed |= 1u << q->server;
		if (next_server(q) == -1) {
			fail(q, DNS_TEMPORARY, strerror(errno));
			return;
		}
	}
}

static void
ask_next(struct dns_query *q, const char *why)
{
	if (next_server(q) == -1)
		fail(q, DNS_TEMPORARY, why);
	else
		ask(q);
}

/* Pack the question and ask from the first server on. */
static void
start(struct dns_query *q)
{
	enum dns_status st;

	free(q->wire);
	q->wire = NULL;
	q->q.id = (uint16_t)arc4random();
	q->q.trusted = q->dns->trusted;
	q->round = 0;
	q->server = 0;
	q->failed = 0;
	if ((st = dns_pack(&q->q, &q->wire, &q->wirelen)) != DNS_FOUND)
		fail(q, st, st == DNS_INVALID ? "not a domain name" :
		    "no memory");
	else if (q->dns->nservers == 0)
		fail(q, DNS_TEMPORARY, "no server");
	else
		ask(q);
}

/* By TCP, as UDP was too small. */
static void
ask_tcp(struct dns_query *q)
{
	if (open_socket(q, SOCK_STREAM) == -1) {
		q->failed |= 1u << q->server;
		ask_next(q, strerror(errno));
	} else
		q->state = Q_CONNECT;
}

/* Ask again, for the name that a CNAME led to. */
static void
follow(struct dns_query *q)
{
	char *name = strdup(q->answer.name);

	if (name == NULL || ++q->hops > HOPS_MAX) {
		free(name);
		fail(q, DNS_TEMPORARY, name == NULL ? "no memory" :
		    "too many CNAMEs");
		return;
	}
	free(q->q.name);
	q->q.name = name;
	if (q->answer.security < q->security)
		q->security = q->answer.security;
	dns_answer_fail(&q->answer, DNS_NODATA, "");
	start(q);
}

/* A message has come. */
static void
take(struct dns_query *q, const uint8_t *p, size_t n)
{
	struct dns_answer fresh;
	enum dns_parsed parsed;

	memset(&fresh, 0, sizeof(fresh));
	parsed = dns_parse(&q->q, p, n, &fresh);
	switch (parsed) {
	case DNS_NOT_OURS:
		if (q->state == Q_RECV)
			ask_next(q, "not an answer");
		return;
	case DNS_TRUNCATED:
		if (q->state == Q_UDP)
			ask_tcp(q);
		else
			ask_next(q, "truncated");
		return;
	case DNS_OLD_SERVER:
		q->q.plain = 1;
		start(q);
		return;
	case DNS_SERVER_FAILED:
		if (fresh.status == DNS_BOGUS)
			q->answer.status = DNS_BOGUS;
		memcpy(q->answer.why, fresh.why, sizeof(fresh.why));
		free(fresh.name);
		q->failed |= 1u << q->server;
		ask_next(q, fresh.why);
		return;
	case DNS_PARSED:
	case DNS_ALIAS:
		break;
	}
	free(q->answer.name);
	q->answer = fresh;
	if (parsed == DNS_ALIAS)
		follow(q);
	else
		finish(q);
}

static void
recv_udp(struct dns_query *q)
{
	uint8_t wire[4096];
	ssize_t n;

	n = recv(q->fd, wire, sizeof(wire), MSG_DONTWAIT);
	if (n >= 0)
		take(q, wire, (size_t)n);
	else if (errno != EAGAIN && errno != EINTR) {
		/* Mostly ECONNREFUSED: nobody there. */
		q->failed |= 1u << q->server;
		ask_next(q, strerror(errno));
	}
}

/* Two octets of length, and the message. */
static void
send_tcp(struct dns_query *q)
{
	uint8_t head[2] = { (uint8_t)(q->wirelen >> 8), (uint8_t)q->wirelen };
	struct iovec iov[2] = { { head, 2 }, { q->wire, q->wirelen } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	if (q->at < 2) {
		iov[0].iov_base = head + q->at;
		iov[0].iov_len -= q->at;
	} else {
		msg.msg_iov = &iov[1];
		msg.msg_iovlen = 1;
		iov[1].iov_base = q->wire + q->at - 2;
		iov[1].iov_len -= q->at - 2;
	}
	n = sendmsg(q->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		q->at += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR) {
		q->failed |= 1u << q->server;
		ask_next(q, strerror(errno));
		return;
	}
	if (q->at == q->wirelen + 2) {
		q->at = 0;
		q->state = Q_RECV;
	}
}

static void
recv_tcp(struct dns_query *q)
{
	size_t want = 2;
	ssize_t n;
	uint8_t *message;

	if (q->tcp == NULL && (q->tcp = calloc(1, 2 + 65535)) == NULL) {
		fail(q, DNS_TEMPORARY, "no memory");
		return;
	}
	if (q->at >= 2)
		want += (size_t)(q->tcp[0] << 8 | q->tcp[1]);
	n = recv(q->fd, q->tcp + q->at, want - q->at, MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		q->failed |= 1u << q->server;
		ask_next(q, n == 0 ? "closed" : strerror(errno));
		return;
	}
	q->at += (size_t)n;
	if (q->at < 2 || q->at != 2 + (size_t)(q->tcp[0] << 8 | q->tcp[1]))
		return;
	message = q->tcp;
	q->tcp = NULL;
	take(q, message + 2, q->at - 2);
	free(message);
}

/* The socket of q is ready. */
static void
step(struct dns_query *q)
{
	socklen_t len = sizeof(int);
	int error = 0;

	switch (q->state) {
	case Q_UDP:
		recv_udp(q);
		break;
	case Q_CONNECT:
		if (getsockopt(q->fd, SOL_SOCKET, SO_ERROR, &error,
		    &len) == -1 || error != 0) {
			q->failed |= 1u << q->server;
			ask_next(q, strerror(error));
			break;
		}
		q->state = Q_SEND;
		/* FALLTHROUGH */
	case Q_SEND:
		send_tcp(q);
		break;
	case Q_RECV:
		recv_tcp(q);
		break;
	case Q_DONE:
		break;
	}
}

/* ---- many ---- */

struct dns_query *
dns_submit(struct dns *dns, enum dns_type type, const char *name, void *arg)
{
	struct dns_query *q, **end;
	struct pollfd *p;

	if (dns->flight >= DNS_FLIGHT_MAX)
		return NULL;
	if (dns->flight >= dns->npoll) {
		p = reallocarray(dns->poll, dns->npoll + 16, sizeof(*p));
		if (p == NULL)
			return NULL;
		dns->poll = p;
		dns->npoll += 16;
	}
	if ((q = calloc(1, sizeof(*q))) == NULL)
		return NULL;
	q->dns = dns;
	q->arg = arg;
	q->fd = -1;
	q->security = DNS_SECURE;
	q->q.type = type;
	q->answer.status = DNS_TEMPORARY;
	if ((q->q.name = strdup(name)) == NULL ||
	    (q->answer.name = strdup(name)) == NULL) {
		free(q->q.name);
		free(q);
		return NULL;
	}
	for (end = &dns->first; *end != NULL; end = &(*end)->next)
		;
	*end = q;
	dns->flight++;
	start(q);
	return q;
}

size_t
dns_pollfds(struct dns *dns, struct pollfd *p, size_t n)
{
	struct dns_query *q;
	size_t k = 0;

	for (q = dns->first; q != NULL; q = q->next) {
		if (q->state == Q_DONE)
			continue;
		if (k < n) {
			p[k].fd = q->fd;
			p[k].events = q->state == Q_CONNECT ||
			    q->state == Q_SEND ? POLLOUT : POLLIN;
			p[k].revents = 0;
		}
		k++;
	}
	return k;
}

/* Until the first deadline of those under way; -1: there is none. */
static int
deadline_ms(const struct dns *dns)
{
	long long least = LLONG_MAX, t = clock_ms();
	const struct dns_query *q;

	for (q = dns->first; q != NULL; q = q->next)
		if (q->state != Q_DONE && q->deadline < least)
			least = q->deadline;
	if (least == LLONG_MAX)
		return -1;
	return least <= t ? 0 : least - t > INT_MAX ? INT_MAX :
	    (int)(least - t);
}

int
dns_wait_ms(struct dns *dns)
{
	const struct dns_query *q;

	for (q = dns->first; q != NULL; q = q->next)
		if (q->state == Q_DONE)
			return 0;
	return deadline_ms(dns);
}

/* It is the caller's from now on. */
static void
take_out(struct dns_query *q)
{
	struct dns_query **at;

	for (at = &q->dns->first; *at != q; at = &(*at)->next)
		;
	*at = q->next;
	q->next = NULL;
	q->returned = 1;
	q->dns->flight--;
}

static struct dns_query *
take_done(struct dns *dns)
{
	struct dns_query *q;

	for (q = dns->first; q != NULL && q->state != Q_DONE; q = q->next)
		;
	if (q != NULL)
		take_out(q);
	return q;
}

/* One turn of all, after waiting up to ms. */
static void
turn(struct dns *dns, int ms)
{
	struct dns_query *q;
	size_t i = 0, n = dns_pollfds(dns, dns->poll, dns->npoll);
	long long t;
	int r;

	r = poll(dns->poll, (nfds_t)n, ms);
	t = clock_ms();
	for (q = dns->first; q != NULL; q = q->next) {
		if (q->state == Q_DONE)
			continue;
		/* A question that steps keeps its place, not its socket. */
		if (i < n && r > 0 && dns->poll[i].revents != 0)
			step(q);
		else if (t >= q->deadline)
			ask_next(q, "timeout");
		i++;
	}
}

struct dns_query *
dns_wait(struct dns *dns, int ms)
{
	long long end = clock_ms() + ms, left;
	struct dns_query *q;
	int wait;

	for (;;) {
		if ((q = take_done(dns)) != NULL || dns->first == NULL)
			return q;
		wait = dns_wait_ms(dns);
		left = ms < 0 ? wait : end - clock_ms();
		if (left < 0)
			left = 0;
		turn(dns, left < wait ? (int)left : wait);
		if (ms >= 0 && clock_ms() >= end)
			return take_done(dns);
	}
}

const struct dns_answer *
dns_result(const struct dns_query *q)
{
	return &q->answer;
}

void *
dns_arg(const struct dns_query *q)
{
	return q->arg;
}

void
dns_query_free(struct dns_query *q)
{
	if (q == NULL)
		return;
	if (!q->returned)
		take_out(q);
	close_socket(q);
	dns_answer_fail(&q->answer, DNS_NODATA, "");
	free(q->answer.name);
	free(q->q.name);
	free(q->wire);
	free(q);
}

void
dns_free(struct dns *dns)
{
	struct dns_query *q;

	if (dns == NULL)
		return;
	while ((q = dns->first) != NULL) {
		take_out(q);
		dns_query_free(q);
	}
	free(dns->poll);
	free(dns);
}

struct dns_query *
dns_lookup(struct dns *dns, enum dns_type type, const char *name)
{
	struct dns_query *q;

	/* Others may be under way: they go on, but this one is awaited. */
	if ((q = dns_submit(dns, type, name, NULL)) == NULL)
		return NULL;
	while (q->state != Q_DONE)
		turn(dns, deadline_ms(dns));
	take_out(q);
	return q;
}
