/* SPDX-License-Identifier: ISC
 *
 * Proves of the DNS engine: what becomes of late answers, of dead, busy and
 * restarted servers, of a lack of descriptors.
 */
#include <sys/resource.h>

#include "dns_peer.h"

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

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_late();
	test_restart();
	test_busy();
	test_descriptors();
	return done();
}
