/* SPDX-License-Identifier: ISC
 *
 * A nameserver that is a socket of the very process that asks: the test of the
 * DNS engine says when it answers, and what.
 */
#ifndef T_DNS_PEER_H
#define T_DNS_PEER_H

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdlib.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/dns_local.h"
#include "tap.h"

#define SERVFAIL	2
#define NXDOMAIN	3
#define REFUSED		5

struct server {
	int		 fd;
	unsigned short	 port;
};

/* A question as it came. */
struct asked {
	unsigned char	 p[512];
	size_t		 n;
	struct sockaddr_in from;
	char		 name[256];
	unsigned	 type;
	long long	 when;
};

static void __attribute__((unused))
open_at(struct server *s, unsigned short port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int size = 4 << 20;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(port);
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	/* Root may have more: nothing is lost but what the test loses. */
	setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (bind(s->fd, (struct sockaddr *)&sin, len) == -1 ||
	    getsockname(s->fd, (struct sockaddr *)&sin, &len) == -1)
		printf("Bail out! no socket\n");
	s->port = ntohs(sin.sin_port);
}

static void __attribute__((unused))
serve_at(struct dns *dns, const struct server *s)
{
	char text[40];

	snprintf(text, sizeof(text), "127.0.0.1@%u", s->port);
	dns_add_server(dns, text);
}

static struct dns *__attribute__((unused))
engine(struct server *s, int ms, int tries)
{
	struct dns *dns = dns_new();

	open_at(s, 0);
	serve_at(dns, s);
	dns_set_timeout(dns, ms, tries);
	return dns;
}

static void __attribute__((unused))
end(struct dns *dns, struct server *s)
{
	dns_free(dns);
	if (s->fd != -1)
		close(s->fd);
}

/* The next question, if there is one. */
static int __attribute__((unused))
next(struct server *s, struct asked *q)
{
	socklen_t len = sizeof(q->from);
	ssize_t n = recvfrom(s->fd, q->p, sizeof(q->p), 0,
	    (struct sockaddr *)&q->from, &len);
	size_t at = 12, to = 0, label;

	if (n < 17)
		return 0;
	q->n = (size_t)n;
	while ((label = q->p[at++]) != 0) {
		if (to > 0)
			q->name[to++] = '.';
		memcpy(q->name + to, q->p + at, label);
		to += label;
		at += label;
	}
	q->name[to] = '\0';
	q->type = q->p[at + 1];
	q->when = clock_ms();
	return 1;
}

static size_t __attribute__((unused))
question_end(const struct asked *q)
{
	size_t at = 12;

	while (q->p[at] != 0)
		at += q->p[at] + 1u;
	return at + 5;
}

/*
 * A reply: to q, with this rcode or flags; an A record of 192.0.2.octet where
 * octet is not 0; a SOA with this minimum in the authority section, -1: none.
 */
static size_t __attribute__((unused))
compose(unsigned char *r, const struct asked *q, unsigned flags, int octet,
    unsigned ttl, int minimum)
{
	static const unsigned char a[] = { 0xc0, 12, 0, 1, 0, 1 };
	static const unsigned char soa[] = { 0, 0, 6, 0, 1, 0, 0, 1, 0, 0, 22,
	    0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1 };
	size_t n = question_end(q);

	memcpy(r, q->p, n);
	r[2] = (unsigned char)(0x81 | flags >> 8);
	r[3] = (unsigned char)(0x80 | flags);
	memset(r + 6, 0, 6);
	if (octet != 0) {
		r[7] = 1;
		memcpy(r + n, a, sizeof(a));
		memcpy(r + n + 6, (const unsigned char[]){ 0, 0,
		    (unsigned char)(ttl >> 8), (unsigned char)ttl, 0, 4, 192,
		    0, 2, (unsigned char)octet }, 10);
		n += 16;
	}
	if (minimum >= 0) {
		r[9] = 1;
		memcpy(r + n, soa, sizeof(soa));
		n += sizeof(soa);
		memcpy(r + n, (const unsigned char[]){ 0, 0, 0,
		    (unsigned char)minimum }, 4);
		n += 4;
	}
	return n;
}

static void __attribute__((unused))
send_to(struct server *s, const struct asked *q, const void *p, size_t n)
{
	sendto(s->fd, p, n, 0, (const struct sockaddr *)&q->from,
	    sizeof(q->from));
}

static void __attribute__((unused))
answer(struct server *s, const struct asked *q, unsigned flags, int octet,
    unsigned ttl, int minimum)
{
	unsigned char r[600];

	send_to(s, q, r, compose(r, q, flags, octet, ttl, minimum));
}

/* A failure with an extended error (RFC 8914). */
static void __attribute__((unused))
explain(struct server *s, const struct asked *q, unsigned flags, int code)
{
	unsigned char r[600];
	size_t n = compose(r, q, flags, 0, 0, -1);

	r[11] = 1;
	memcpy(r + n, (const unsigned char[]){ 0, 0, 41, 4, 208, 0, 0, 0, 0,
	    0, 6, 0, 15, 0, 2, 0, (unsigned char)code }, 17);
	send_to(s, q, r, n + 17);
}

static void __attribute__((unused))
found(struct server *s, const struct asked *q)
{
	answer(s, q, 0, 1, 0, -1);
}

/* Its status; -1: none comes in time. */
static int __attribute__((unused))
status(struct dns *dns, int ms)
{
	struct dns_query *q = dns_wait(dns, ms);
	int st = q == NULL ? -1 : (int)dns_result(q)->status;

	dns_query_free(q);
	return st;
}

static void __attribute__((unused))
ask(struct dns *dns, const char *name)
{
	dns_submit(dns, DNS_A, name, NULL);
}

#endif
