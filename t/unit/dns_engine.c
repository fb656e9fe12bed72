/* SPDX-License-Identifier: ISC
 *
 * Proves of the DNS engine: how many questions are sent, from which sockets,
 * with which ids; what becomes of loss, duplicates and forged answers; that the
 * window shrinks and grows.
 */
#include "dns_peer.h"

#define PLENTY		1000

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
	char name[40];
	size_t n, i;

	open_at(&evil, 0);
	ask(dns, "forged.test");
	next(&s, &q);
	/* One of another socket. */
	for (i = 0, other = q; other.from.sin_port == q.from.sin_port &&
	    i < 100; i++) {
		if (i > 0) {
			found(&s, &other);
			status(dns, 1000);
		}
		snprintf(name, sizeof(name), "other%zu.test", i);
		ask(dns, name);
		next(&s, &other);
	}
	ok(other.from.sin_port != q.from.sin_port, "two sockets");
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
	send_to(&s, &other, r, n);		/* to another socket */
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
	return done();
}
