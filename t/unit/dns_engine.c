/* SPDX-License-Identifier: ISC
 *
 * Proves of the DNS engine: how many questions are sent, from which sockets,
 * with which ids; what becomes of loss, duplicates, late and forged answers,
 * dead servers, a lack of descriptors; that what is known is not asked again,
 * and for how long; that the window shrinks and grows; that a validator can
 * hold an answer.
 *
 * The servers are sockets of this very process: the test says when they
 * answer.
 */
#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/dns_local.h"
#include "tap.h"

#define SERVFAIL	2
#define NXDOMAIN	3
#define REFUSED		5
#define PLENTY		1000

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

static void
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

static void
serve_at(struct dns *dns, const struct server *s)
{
	char text[40];

	snprintf(text, sizeof(text), "127.0.0.1@%u", s->port);
	dns_add_server(dns, text);
}

static struct dns *
engine(struct server *s, int ms, int tries)
{
	struct dns *dns = dns_new();

	open_at(s, 0);
	serve_at(dns, s);
	dns_set_timeout(dns, ms, tries);
	return dns;
}

static void
end(struct dns *dns, struct server *s)
{
	dns_free(dns);
	if (s->fd != -1)
		close(s->fd);
}

/* The next question, if there is one. */
static int
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

static size_t
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
static size_t
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

static void
send_to(struct server *s, const struct asked *q, const void *p, size_t n)
{
	sendto(s->fd, p, n, 0, (const struct sockaddr *)&q->from,
	    sizeof(q->from));
}

static void
answer(struct server *s, const struct asked *q, unsigned flags, int octet,
    unsigned ttl, int minimum)
{
	unsigned char r[600];

	send_to(s, q, r, compose(r, q, flags, octet, ttl, minimum));
}

static void
found(struct server *s, const struct asked *q)
{
	answer(s, q, 0, 1, 0, -1);
}

/* Its status; -1: none comes in time. */
static int
status(struct dns *dns, int ms)
{
	struct dns_query *q = dns_wait(dns, ms);
	int st = q == NULL ? -1 : (int)dns_result(q)->status;

	dns_query_free(q);
	return st;
}

static void
ask(struct dns *dns, const char *name)
{
	dns_submit(dns, DNS_A, name, NULL);
}

/* ---- many ---- */

static void
test_many(void)
{
	static struct asked q[PLENTY];
	static unsigned char id_seen[65536];
	static unsigned by_port[65536];
	struct server s;
	struct dns *dns = engine(&s, 5000, 1);
	struct dns_query *r;
	unsigned n = 0, first = 0, i, ids = 0, ports = 0, most = 0, good = 0;
	size_t batch;
	char name[40], last[40] = "";

	for (i = 0; i < PLENTY; i++) {
		snprintf(name, sizeof(name), "n%u.test", i);
		ask(dns, name);
	}
	ok(dns_submit(dns, DNS_A, "more.test", NULL) == NULL,
	    "1,000 questions and no more");
	while (n < PLENTY) {
		for (batch = 0; n + batch < PLENTY && next(&s, &q[n + batch]);
		    batch++)
			;
		if (n == 0)
			first = (unsigned)batch;
		if (batch == 0)
			break;
		/* in reverse */
		for (i = (unsigned)batch; i-- > 0;) {
			found(&s, &q[n + i]);
			if (*last == '\0')
				snprintf(last, sizeof(last), "%.30s",
				    q[n + i].name);
		}
		n += (unsigned)batch;
		for (r = dns_wait(dns, 200); r != NULL;
		    r = dns_wait(dns, 0)) {
			if (*last != '\0' && good == 0)
				is_int(dns_result(r)->status, DNS_FOUND,
				    "one of the first batch comes first");
			good += dns_result(r)->status == DNS_FOUND;
			dns_query_free(r);
		}
	}
	while ((r = dns_wait(dns, 200)) != NULL) {
		good += dns_result(r)->status == DNS_FOUND;
		dns_query_free(r);
	}
	is_int(first, 128, "128 are sent at first");
	is_int(n, PLENTY, "and in the end all, each once");
	is_int(good, PLENTY, "all are answered, in any order");
	for (i = 0; i < n; i++) {
		ids += !id_seen[q[i].p[0] << 8 | q[i].p[1]]++;
		ports += by_port[q[i].from.sin_port]++ == 0;
		if (by_port[q[i].from.sin_port] > most)
			most = by_port[q[i].from.sin_port];
	}
	ok(ids > 950, "their ids differ: %u", ids);
	ok(ports >= 15, "they came from many ports: %u", ports);
	ok(most <= 64, "and not too many from one: %u", most);
	ok(dns->ports[0].fd == -1 && dns->ports[15].fd == -1,
	    "none is open when nothing is asked");
	end(dns, &s);
}

/* Answers after 120 ms: a resolver that waits for others. */
static void
test_growth(void)
{
	static struct asked q[2 * PLENTY];
	struct server s;
	struct dns *dns = engine(&s, 2000, 3);
	unsigned n = 0, sent = 0, good = 0, submitted;
	long long t = clock_ms();
	char name[40];

	for (submitted = 0; submitted < PLENTY; submitted++) {
		snprintf(name, sizeof(name), "g%u.test", submitted);
		ask(dns, name);
	}
	while (good < PLENTY && clock_ms() - t < 20000) {
		while (n < 2 * PLENTY && next(&s, &q[n]))
			n++;
		for (; sent < n && clock_ms() - q[sent].when > 120; sent++)
			found(&s, &q[sent]);
		good += status(dns, 5) == DNS_FOUND;
		while (status(dns, 0) == DNS_FOUND)
			good++;
	}
	is_int(good, PLENTY, "all are answered");
	ok(dns->window.size > 300, "a slow resolver is asked more at once: "
	    "%zu", dns->window.size);
	end(dns, &s);
}

/* A resolver that answers nothing for a time. */
static void
test_shrinking(void)
{
	static struct asked q;
	struct server s;
	struct dns *dns = engine(&s, 150, 5);	/* 4.6 s in all */
	unsigned i, good = 0;
	size_t least = PLENTY;
	long long t = clock_ms();
	char name[40];
	int st;

	for (i = 0; i < 900; i++) {
		snprintf(name, sizeof(name), "s%u.test", i);
		ask(dns, name);
	}
	while (good < 900 && clock_ms() - t < 20000) {
		usleep(3000);
		while (next(&s, &q))
			if (clock_ms() - t > 400)
				found(&s, &q);
		for (st = status(dns, 5); st != -1; st = status(dns, 0))
			good += st == DNS_FOUND;
		if (dns->window.size < least)
			least = dns->window.size;
	}
	ok(least <= 64, "silence makes the window small: %zu", least);
	is_int(good, 900, "nothing is lost");
	ok(dns->window.size > least, "and it grows again: %zu",
	    dns->window.size);
	end(dns, &s);
}

/* ---- loss, and who is believed ---- */

static void
test_loss(void)
{
	struct server s;
	struct dns *dns = engine(&s, 60, 4);
	struct asked q, again, third;

	ask(dns, "loss.test");
	ok(next(&s, &q), "a question is sent at once");
	is_int(status(dns, 100), -1, "it is lost");
	ok(next(&s, &again), "and sent again");
	ok(q.p[0] == again.p[0] && q.p[1] == again.p[1] &&
	    q.from.sin_port == again.from.sin_port,
	    "from where it was sent at first");
	found(&s, &q);
	found(&s, &q);
	found(&s, &again);
	is_int(status(dns, 1000), DNS_FOUND, "three answers are one");
	while (next(&s, &third))
		;
	ask(dns, "other.test");
	next(&s, &third);
	is_int(status(dns, 20), -1, "the others are for nobody");
	found(&s, &third);
	is_int(status(dns, 1000), DNS_FOUND, "another question");
	ask(dns, "plain.test");
	next(&s, &q);
	is_int(q.p[11], 1, "asked with EDNS");
	while (status(dns, 10) == -1 && q.p[11] == 1)
		while (next(&s, &q))
			;
	is_int(q.p[11], 0, "in the end without");
	found(&s, &q);
	is_int(status(dns, 1000), DNS_FOUND, "its answer");
	end(dns, &s);
}

static void
test_forged(void)
{
	struct server s, evil;
	struct dns *dns = engine(&s, 2000, 1);
	struct asked q, other;
	unsigned char r[600];
	size_t n;

	open_at(&evil, 0);
	ask(dns, "forged.test");
	ask(dns, "other.test");
	next(&s, &q);
	next(&s, &other);
	answer(&evil, &q, 0, 6, 60, -1);	/* from another */
	n = compose(r, &q, 0, 6, 60, -1);
	r[1] ^= 1;				/* another id */
	send_to(&s, &q, r, n);
	r[1] ^= 1;
	r[14] ^= 1;				/* another name */
	send_to(&s, &q, r, n);
	r[14] ^= 1;
	r[question_end(&q) - 3] = 15;		/* another type */
	send_to(&s, &q, r, n);
	r[question_end(&q) - 3] = 1;
	r[question_end(&q) - 1] = 3;		/* another class */
	send_to(&s, &q, r, n);
	r[question_end(&q) - 1] = 1;
	r[2] &= 0x7f;				/* a question */
	send_to(&s, &q, r, n);
	r[2] |= 0x80 | 0x28;			/* another opcode */
	send_to(&s, &q, r, n);
	r[2] &= 0x87;
	r[5] = 2;				/* two questions */
	send_to(&s, &q, r, n);
	r[5] = 0;				/* none */
	send_to(&s, &q, r, n);
	r[5] = 1;
	if (q.from.sin_port != other.from.sin_port)
		send_to(&s, &other, r, n);	/* to another socket */
	send_to(&s, &q, r, question_end(&q));	/* cut off */
	send_to(&s, &q, r, 11);
	is_int(status(dns, 100), -1, "none of the forgeries is believed");
	found(&s, &other);
	is_int(status(dns, 1000), DNS_FOUND, "the one");
	found(&s, &q);
	is_int(status(dns, 1000), DNS_FOUND, "and the other");
	close(evil.fd);
	end(dns, &s);
}

static void
test_mixed(void)
{
	struct server s;
	struct dns *dns = engine(&s, 200, 1);
	struct dns_query *r;
	struct asked q, plain;
	const char *name = "abcdefghijklmnopqrstuvwxyz.0-9.test";

	dns_set_0x20(dns, 1);
	ask(dns, name);
	ok(next(&s, &q) && strcmp(q.name, name) != 0 &&
	    strcasecmp(q.name, name) == 0, "the case is mixed: %s", q.name);
	plain = q;
	memcpy(plain.p + 13, name, 26);
	found(&s, &plain);
	is_int(status(dns, 20), -1, "an answer in another case");
	found(&s, &q);
	r = dns_wait(dns, 1000);
	ok(r != NULL && dns_result(r)->status == DNS_FOUND, "in the same");
	if (r != NULL)
		is_str(dns_result(r)->name, name, "its name is as asked");
	dns_query_free(r);
	/* Nobody listens for TCP. */
	ask(dns, "lower.test");
	while (next(&s, &q))
		;
	memcpy(q.p + 13, "lower", 5);
	memcpy(q.p + 19, "test", 4);
	found(&s, &q);
	if (strcmp(q.name, "lower.test") != 0)
		is_int(status(dns, 1000), DNS_TEMPORARY,
		    "a server that changes it is asked by TCP");
	end(dns, &s);
}

/* ---- servers ---- */

static void
test_late(void)
{
	struct server one, two;
	struct dns *dns = engine(&one, 200, 1);
	struct asked q, q2;
	long long t;
	int i;

	open_at(&two, 0);
	serve_at(dns, &two);
	ask(dns, "late.test");
	ok(next(&one, &q) && !next(&two, &q2), "the first server is asked");
	is_int(status(dns, 250), -1, "it is silent");
	ok(next(&two, &q2), "the second is asked");
	found(&one, &q);
	is_int(status(dns, 1000), DNS_FOUND, "the late answer counts");
	/* Silent for three: the second comes first. */
	for (i = 0; i < 3; i++) {
		ask(dns, i == 0 ? "a.test" : i == 1 ? "b.test" : "c.test");
		is_int(status(dns, 250), -1, "silent again");
		while (next(&two, &q2))
			found(&two, &q2);
		is_int(status(dns, 1000), DNS_FOUND, "by the second");
	}
	while (next(&one, &q))
		;
	ask(dns, "d.test");
	ok(next(&two, &q2) && !next(&one, &q), "a dead one is asked last");
	is_int(status(dns, 250), -1, "but it is asked");
	ok(next(&one, &q), "when the other is silent");
	found(&one, &q);
	is_int(status(dns, 1000), DNS_FOUND, "and lives again");
	ask(dns, "e.test");
	ok(next(&one, &q) && !next(&two, &q2), "then it is the first again");
	found(&one, &q);
	status(dns, 1000);
	/* Nobody there at all: the kernel says so. */
	close(one.fd);
	t = clock_ms();
	ask(dns, "f.test");
	is_int(status(dns, 40), -1, "refused");
	ok(next(&two, &q2) && clock_ms() - t < 190, "needs no waiting");
	found(&two, &q2);
	is_int(status(dns, 1000), DNS_FOUND, "another is there");
	one.fd = -1;
	close(two.fd);
	end(dns, &one);
}

/* The resolver is started anew. */
static void
test_restart(void)
{
	struct server s;
	struct dns *dns = engine(&s, 1000, 3);
	struct asked q;

	close(s.fd);
	ask(dns, "restart.test");
	is_int(status(dns, 100), -1, "nobody is there: wait a little");
	open_at(&s, s.port);
	is_int(status(dns, 600), -1, "it starts");
	ok(next(&s, &q), "and is asked");
	found(&s, &q);
	is_int(status(dns, 1000), DNS_FOUND, "an answer");
	end(dns, &s);
}

/* A forwarder with too many questions refuses some. */
static void
test_busy(void)
{
	struct server s;
	struct dns *dns = engine(&s, 1000, 2);
	struct dns_query *r;
	struct asked q;
	int i;

	for (i = 0; i < 2; i++) {
		ask(dns, i == 0 ? "busy.test" : "no.test");
		next(&s, &q);
		answer(&s, &q, REFUSED, 0, 0, -1);
		is_int(status(dns, 50), -1, "refused: wait a little");
		is_int(status(dns, 600), -1, "then");
		ok(next(&s, &q), "it is asked again");
		answer(&s, &q, i == 0 ? 0 : REFUSED, i == 0, 0, -1);
		r = dns_wait(dns, 1000);
		ok(r != NULL && (i == 0 ? dns_result(r)->status == DNS_FOUND :
		    strcmp(dns_result(r)->why, "REFUSED") == 0),
		    "in the end its word counts");
		dns_query_free(r);
	}
	end(dns, &s);
}

static void
test_descriptors(void)
{
	struct rlimit old, few;
	struct server s;
	struct dns *dns = engine(&s, 500, 1);
	struct asked q;
	int fd;

	/* epoll is there, and nothing else to be had. */
	ask(dns, "first.test");
	next(&s, &q);
	found(&s, &q);
	is_int(status(dns, 1000), DNS_FOUND, "one question before");
	getrlimit(RLIMIT_NOFILE, &old);
	fd = dup(0);
	few = old;
	few.rlim_cur = (rlim_t)fd;
	close(fd);
	setrlimit(RLIMIT_NOFILE, &few);
	ask(dns, "few.test");
	is_int(status(dns, 100), -1, "no descriptor is no failure");
	ok(!next(&s, &q), "though nothing can be sent");
	setrlimit(RLIMIT_NOFILE, &old);
	is_int(status(dns, 100), -1, "when there is one");
	ok(next(&s, &q), "it is asked");
	found(&s, &q);
	is_int(status(dns, 1000), DNS_FOUND, "and answered");
	end(dns, &s);
}

/* ---- what is kept ---- */

static const struct kept {
	const char	*name;
	unsigned	 flags;		/* of the answer */
	int		 octet;
	unsigned	 ttl;
	int		 minimum;	/* of its SOA; -1: none */
	int		 st;
	int		 seconds;	/* it is kept */
} kept[] = {
	{ "ttl.test", 0, 1, 1, -1, DNS_FOUND, 1 },
	{ "long.test", 0, 1, 60, -1, DNS_FOUND, 60 },
	{ "never.test", 0, 1, 0, -1, DNS_FOUND, 0 },
	{ "none.test", NXDOMAIN, 0, 0, 1, DNS_NXDOMAIN, 1 },
	{ "nodata.test", 0, 0, 0, 60, DNS_NODATA, 60 },
	{ "nosoa.test", NXDOMAIN, 0, 0, -1, DNS_NXDOMAIN, 0 },
	{ "failed.test", SERVFAIL, 0, 0, -1, DNS_TEMPORARY, 5 }
};
#define NKEPT	(sizeof(kept) / sizeof(kept[0]))

static void
one_kept(struct dns *dns, struct server *s, const struct kept *k, int known)
{
	struct asked q;
	int sent;

	ask(dns, k->name);
	sent = next(s, &q);
	if (sent)
		answer(s, &q, k->flags, k->octet, k->ttl, k->minimum);
	is_int(sent, !known, k->name);
	is_int(status(dns, 1000), k->st, "its answer");
}

static void
test_cache(void)
{
	struct server s;
	struct dns *dns = engine(&s, 1000, 1);
	struct asked q;
	char name[40];
	size_t i;

	for (i = 0; i < NKEPT; i++) {
		one_kept(dns, &s, &kept[i], 0);
		one_kept(dns, &s, &kept[i], kept[i].seconds > 0);
	}
	usleep(1050 * 1000);
	for (i = 0; i < NKEPT; i++)
		one_kept(dns, &s, &kept[i], kept[i].seconds > 1);
	ask(dns, "LONG.test.");
	is_int(status(dns, 0), DNS_FOUND, "in any case, with its dot");
	dns_submit(dns, DNS_MX, "long.test", NULL);
	ok(next(&s, &q), "another type is another question");
	answer(&s, &q, SERVFAIL, 0, 0, -1);
	status(dns, 1000);
	for (i = 0; i < DNS_CACHE_MAX; i++) {
		snprintf(name, sizeof(name), "fill%zu.test", i);
		ask(dns, name);
		next(&s, &q);
		answer(&s, &q, 0, 1, 60, -1);
		status(dns, 1000);
	}
	is_int((long long)dns->cache.n, DNS_CACHE_MAX, "the cache is bounded");
	ask(dns, "long.test");
	ok(next(&s, &q), "what was not asked for long is gone");
	ask(dns, name);
	is_int(status(dns, 0), DNS_FOUND, "the last one is there");
	end(dns, &s);
}

static void
test_shared(void)
{
	struct server s;
	struct dns *dns = engine(&s, 1000, 1);
	struct dns_query *first, *r;
	struct asked q;
	int arg;

	first = dns_submit(dns, DNS_A, "same.test", NULL);
	dns_submit(dns, DNS_A, "SAME.test", &arg);
	ok(next(&s, &q) && !next(&s, &q), "the same question is sent once");
	dns_query_free(first);
	found(&s, &q);
	r = dns_wait(dns, 1000);
	ok(r != NULL && dns_arg(r) == &arg &&
	    dns_result(r)->status == DNS_FOUND,
	    "one who asked is gone, the other has the answer");
	dns_query_free(r);
	first = dns_submit(dns, DNS_A, "gone.test", NULL);
	next(&s, &q);
	is_int(dns_result(first)->status, DNS_TEMPORARY, "not yet known");
	dns_query_free(first);
	ok(dns_wait(dns, -1) == NULL, "nobody waits");
	end(dns, &s);
}

/* ---- trust ---- */

static void
test_trust(void)
{
	static const struct {
		const char	*options;
		int		 ad, asks, security;
	} rows[] = {
		{ "", 1, 0, DNS_INDETERMINATE },
		{ "options edns0 trust-ad", 1, 1, DNS_SECURE },
		{ "options trust-ad", 0, 1, DNS_INSECURE },
		{ "options trust-adx", 1, 0, DNS_INDETERMINATE }
	};
	char path[] = "/tmp/stdmail-resolv.XXXXXX";
	struct server s;
	struct dns_query *r;
	struct dns *dns;
	struct asked q;
	size_t i;
	FILE *f;

	close(mkstemp(path));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		dns = engine(&s, 1000, 1);
		f = fopen(path, "w");
		fprintf(f, "nameserver 127.0.0.1@%u\nsearch test\n%s\n",
		    s.port, rows[i].options);
		fclose(f);
		dns_read_resolvconf(dns, path);
		ask(dns, "trust");
		ok(next(&s, &q) && strcmp(q.name, "trust") == 0,
		    "no search list: %s", q.name);
		is_int((q.p[3] & 0x20) != 0, rows[i].asks, "AD is asked for");
		answer(&s, &q, rows[i].ad ? 0x20 : 0, 1, 60, -1);
		r = dns_wait(dns, 1000);
		is_int(r == NULL ? -1 : (int)dns_result(r)->security,
		    rows[i].security, rows[i].options);
		dns_query_free(r);
		end(dns, &s);
	}
	unlink(path);
}

/* SERVFAIL, and what is said to who checks for himself. */
static void
test_bogus(void)
{
	static const struct {
		const char	*name;
		int		 trusted, octet, st;
	} rows[] = {
		{ "bogus.test", 1, 1, DNS_BOGUS },
		{ "dead.test", 1, 0, DNS_TEMPORARY },
		{ "other.test", 0, 0, DNS_TEMPORARY }
	};
	struct server s;
	struct dns *dns = engine(&s, 1000, 1);
	struct asked q;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		dns_set_trusted(dns, rows[i].trusted);
		ask(dns, rows[i].name);
		next(&s, &q);
		ok((q.p[3] & 0x10) == 0, "not CD at first");
		answer(&s, &q, SERVFAIL, 0, 0, -1);
		if (rows[i].trusted) {
			is_int(status(dns, 50), -1, "a failure is looked at");
			ok(next(&s, &q) && (q.p[3] & 0x10) != 0, "with CD");
			answer(&s, &q, rows[i].octet ? 0 : SERVFAIL,
			    rows[i].octet, 60, -1);
		}
		is_int(status(dns, 1000), rows[i].st, rows[i].name);
		ask(dns, rows[i].name);
		is_int(status(dns, 0), rows[i].st, "it is kept");
	}
	end(dns, &s);
}

static struct {
	struct dns_job	*job;
	enum dns_status	 st;
	int		 forgotten;
	size_t		 len, raw;
} held;

static void
proof_done(struct dns_query *q)
{
	held.raw = q->reply->len;
	dns_query_free(q);
	if (held.job != NULL)
		dns_job_checked(held.job, held.st, DNS_SECURE, "no proof");
	held.job = NULL;
}

static int
hold(struct dns_job *job, const uint8_t *p, size_t n)
{
	held.job = job;
	held.len = p[2] & 0x80 ? n : 0;
	return dns_query_raw(job->dns, 48, "test", proof_done, NULL) != NULL;
}

static void
forget(struct dns_job *job)
{
	held.forgotten = held.job == job;
	held.job = NULL;
}

static void
test_validator(void)
{
	static const enum dns_status st[] = { DNS_FOUND, DNS_BOGUS };
	struct server s;
	struct dns *dns = engine(&s, 1000, 1);
	struct dns_query *r;
	struct asked q;
	size_t i;

	dns->check = hold;
	dns->forget = forget;
	for (i = 0; i < 2; i++) {
		held.st = st[i];
		ask(dns, i == 0 ? "good.test" : "bad.test");
		ok(next(&s, &q) && (q.p[3] & 0x10) != 0 &&
		    (q.p[q.n - 4] & 0x80) != 0, "asked with CD and DO");
		found(&s, &q);
		is_int(status(dns, 50), -1, "the answer is held");
		ok(held.len > 0, "the validator has it");
		ok(next(&s, &q) && q.type == 48, "it asks for a key");
		found(&s, &q);
		r = dns_wait(dns, 1000);
		is_int(r == NULL ? -1 : (int)dns_result(r)->status, st[i],
		    "then it counts");
		is_int(r == NULL ? -1 : (int)dns_result(r)->security, i == 0 ?
		    DNS_SECURE : DNS_INDETERMINATE, "as he said");
		ok(held.raw > 0, "the key was a whole packet");
		dns_query_free(r);
	}
	r = dns_submit(dns, DNS_A, "forgotten.test", NULL);
	next(&s, &q);
	found(&s, &q);
	is_int(status(dns, 50), -1, "held once more");
	dns_query_free(r);
	is_int(held.forgotten, 1, "nobody wants it: the validator hears it");
	end(dns, &s);
}

/* ---- deadlines ---- */

static void
test_heap(void)
{
	static struct dns_job job[300];
	struct dns_heap h = { 0 };
	long long last = -1;
	size_t i, n = 0;
	int sorted = 1;

	dns_heap_room(&h, 300);
	for (i = 0; i < 300; i++) {
		job[i].deadline = (long long)(i * 7919 % 1009);
		dns_heap_set(&h, &job[i]);
	}
	for (i = 0; i < 300; i += 3)
		dns_heap_remove(&h, &job[i]);
	for (i = 1; i < 300; i += 3) {
		job[i].deadline = (long long)(i * 31 % 499);
		dns_heap_set(&h, &job[i]);
	}
	for (; h.n > 0; n++) {
		sorted = sorted && h.v[1]->deadline >= last;
		last = h.v[1]->deadline;
		dns_heap_remove(&h, h.v[1]);
	}
	ok(sorted && n == 200, "deadlines pass in order");
	free(h.v);
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_heap();
	test_many();
	test_growth();
	test_shrinking();
	test_loss();
	test_forged();
	test_mixed();
	test_late();
	test_restart();
	test_busy();
	test_descriptors();
	test_cache();
	test_shared();
	test_trust();
	test_bogus();
	test_validator();
	return done();
}
