/* SPDX-License-Identifier: ISC
 *
 * Proves of DNS: that only the answer to the very question is believed; what
 * becomes of silence, failures, truncation, old servers, loops and damaged
 * packets; many questions at once; another server after a bad one; confirmed
 * reverse names.
 *
 * The server is a child that answers by the first label of the name.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "system/dns.h"
#include "system/fdio.h"
#include "tap.h"

#define SERVFAIL	2
#define FORMERR		1
#define NXDOMAIN	3

static char dir[] = "/tmp/stdmail-dns.XXXXXX";

/* ---- a server ---- */

struct reply {
	unsigned char	p[1024];
	size_t		n;
};

static void
put(struct reply *r, const void *p, size_t n)
{
	memcpy(r->p + r->n, p, n);
	r->n += n;
}

static void
put16(struct reply *r, unsigned v)
{
	unsigned char p[2] = { (unsigned char)(v >> 8), (unsigned char)v };

	put(r, p, 2);
}

/* A name as text into wire form. */
static void
put_name(struct reply *r, const char *name)
{
	unsigned char len;

	while (*name != '\0') {
		len = (unsigned char)strcspn(name, ".");
		put(r, &len, 1);
		put(r, name, len);
		name += len + (name[len] == '.');
	}
	put(r, "", 1);
}

/* The beginning of a reply to q: its question, rcode, n answers. */
static void
begin(struct reply *r, const unsigned char *q, size_t qlen, unsigned flags,
    unsigned n)
{
	size_t end = 12;

	while (end < qlen && q[end] != 0)
		end += q[end] + 1u;
	r->n = 0;
	put(r, q, 2);
	put16(r, 0x8180 | flags);
	put16(r, 1);
	put16(r, n);
	put16(r, 0);
	put16(r, 0);
	put(r, q + 12, end + 5 - 12);
}

/* A record, owner NULL: that of the question. */
static void
record(struct reply *r, const char *owner, unsigned type, const void *rdata,
    size_t n)
{
	if (owner == NULL)
		put16(r, 0xc00c);
	else
		put_name(r, owner);
	put16(r, type);
	put16(r, 1);
	put16(r, 0);
	put16(r, 60);
	put16(r, (unsigned)n);
	put(r, rdata, n);
}

static void
named(struct reply *r, const char *owner, unsigned type, const char *target)
{
	struct reply name = { .n = 0 };

	put_name(&name, target);
	record(r, owner, type, name.p, name.n);
}

/* An OPT record with an extended error. */
static void
extended(struct reply *r, unsigned char code)
{
	unsigned char opt[] = { 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 6, 0, 15, 0,
	    2, 0, code };

	put(r, opt, sizeof(opt));
	r->p[11]++;
}

static const unsigned char ip[] = { 192, 0, 2, 1 };

/* Answers of which all but the last must not be believed. */
static void
forgeries(int fd, const unsigned char *q, size_t n,
    const struct sockaddr_in *to)
{
	static const unsigned char evil[] = { 6, 6, 6, 6 };
	struct reply r;
	int i;

	for (i = 0; i < 7; i++) {
		begin(&r, q, n, 0, 1);
		record(&r, NULL, 1, i == 6 ? ip : evil, 4);
		switch (i) {
		case 0:			/* another id */
			r.p[1] ^= 1;
			break;
		case 1:			/* another name */
			r.p[14] ^= 1;
			break;
		case 2:			/* another type */
			r.p[r.n - 14 - 6 + 1] = 28;
			break;
		case 3:			/* a question itself */
			r.p[2] &= 0x7f;
			break;
		case 4:			/* cut off */
			r.n -= 3;
			break;
		case 5:			/* no question */
			r.p[5] = 0;
			break;
		}
		sendto(fd, r.p, r.n, 0, (const struct sockaddr *)to,
		    sizeof(*to));
	}
}

/* Compose the reply to q; 0: none. */
static int
compose(struct reply *r, const unsigned char *q, size_t n, int tcp)
{
	static unsigned seen;
	char label[64], next[80];
	unsigned type;
	size_t end = 12;
	int number;

	memcpy(label, q + 13, q[12]);
	label[q[12]] = '\0';
	while (end < n && q[end] != 0)
		end += q[end] + 1u;
	type = q[end + 2];
	begin(r, q, n, 0, 1);
	if (strcmp(label, "ok") == 0)
		record(r, NULL, 1, ip, 4);
	else if (strcmp(label, "big") == 0 && !tcp)
		begin(r, q, n, 0x0200, 0);
	else if (strcmp(label, "big") == 0)
		record(r, NULL, 1, ip, 4);
	else if (strcmp(label, "tcpdead") == 0)
		begin(r, q, n, 0x0200, 0);
	else if (strcmp(label, "slow") == 0) {
		record(r, NULL, 1, ip, 4);
		return seen++ > 0;
	} else if (strcmp(label, "old") == 0) {
		if (q[11] != 0)		/* it has an OPT record */
			begin(r, q, n, FORMERR, 0);
		else
			record(r, NULL, 1, ip, 4);
	} else if (strcmp(label, "bogus") == 0) {
		begin(r, q, n, SERVFAIL, 0);
		extended(r, 6);
	} else if (strcmp(label, "busy") == 0) {
		begin(r, q, n, SERVFAIL, 0);
		extended(r, 22);
	} else if (sscanf(label, "loop%d", &number) == 1) {
		snprintf(next, sizeof(next), "loop%d.test", number + 1);
		named(r, NULL, 5, next);
	} else if (strcmp(label, "self") == 0)
		named(r, NULL, 5, "self.test");
	else if (strcmp(label, "half") == 0)	/* leaves the rest to us */
		named(r, NULL, 5, "ok.test");
	else if (strcmp(label, "whole") == 0) {
		named(r, NULL, 5, "Two.test");
		named(r, "two.test", 5, "three.test");
		record(r, "three.test", 1, ip, 4);
		record(r, "else.test", 1, "\6\6\6\6", 4);
		r->p[7] = 4;
	} else if (strcmp(label, "tonone") == 0) {
		begin(r, q, n, NXDOMAIN, 1);
		named(r, NULL, 5, "none.test");
	} else if (strcmp(label, "short") == 0) {
		record(r, NULL, 1, ip, 4);
		r->p[r->n - 5] = 3;	/* its length */
		r->n--;
	} else if (strcmp(label, "mx") == 0) {
		record(r, NULL, 15, "\0\12\2m\\\4test", 11);
		r->p[7] = 1;
	} else if (strcmp(label, "1") == 0 && type == 12) {
		named(r, NULL, 12, "evil name.test");
		named(r, NULL, 12, "else.test");
		named(r, NULL, 12, "ok.test");
		r->p[7] = 3;
	} else if (strcmp(label, "2") == 0 && type == 12)
		named(r, NULL, 12, "else.test");
	else if (strcmp(label, "evil name") == 0)
		record(r, NULL, 1, ip, 4);
	else if (strcmp(label, "else") == 0)
		record(r, NULL, 1, "\12\0\0\1", 4);
	else if (strcmp(label, "mute") == 0)
		return 0;
	else if (strcmp(label, "empty") == 0)
		begin(r, q, n, 0, 0);
	else if (strcmp(label, "3") == 0)
		begin(r, q, n, SERVFAIL, 0);
	else
		begin(r, q, n, NXDOMAIN, 0);
	return 1;
}

static void
serve_tcp(int tcp)
{
	unsigned char q[2 + 512];
	struct reply r;
	size_t i;
	int fd;

	if ((fd = accept(tcp, NULL, NULL)) == -1)
		return;
	if (fd_read_all(fd, q, 2) == 2 && q[0] < 2 &&
	    fd_read_all(fd, q + 2, q[0] * 256u + q[1]) > 12 &&
	    q[15] != 't') {
		compose(&r, q + 2, q[0] * 256u + q[1], 1);
		q[0] = (unsigned char)(r.n >> 8);
		q[1] = (unsigned char)r.n;
		fd_write_all(fd, q, 2);
		/* One octet at a time: the length may come in pieces too. */
		for (i = 0; i < r.n; i++)
			fd_write_all(fd, r.p + i, 1);
	}
	close(fd);
}

static void
serve(int udp, int tcp)
{
	struct pollfd p[2] = { { udp, POLLIN, 0 }, { tcp, POLLIN, 0 } };
	unsigned char q[512];
	struct sockaddr_in from;
	socklen_t len;
	struct reply r;
	ssize_t n;

	for (;;) {
		poll(p, 2, -1);
		if (p[1].revents != 0)
			serve_tcp(tcp);
		if (p[0].revents == 0)
			continue;
		len = sizeof(from);
		n = recvfrom(udp, q, sizeof(q), 0, (struct sockaddr *)&from,
		    &len);
		if (n < 17)
			continue;
		if (memcmp(q + 13, "forged", 6) == 0)
			forgeries(udp, q, (size_t)n, &from);
		else if (compose(&r, q, (size_t)n, 0))
			sendto(udp, r.p, r.n, 0, (struct sockaddr *)&from,
			    len);
	}
}

static pid_t
start_server(unsigned *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int udp, tcp, tries;
	pid_t pid;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (tries = 0; tries < 50; tries++) {
		udp = socket(AF_INET, SOCK_DGRAM, 0);
		tcp = socket(AF_INET, SOCK_STREAM, 0);
		sin.sin_port = 0;
		if (bind(udp, (struct sockaddr *)&sin, len) == 0 &&
		    getsockname(udp, (struct sockaddr *)&sin, &len) == 0 &&
		    bind(tcp, (struct sockaddr *)&sin, len) == 0 &&
		    listen(tcp, 16) == 0)
			break;
		close(udp);
		close(tcp);
	}
	*port = ntohs(sin.sin_port);
	if ((pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(udp, tcp);
	}
	close(udp);
	close(tcp);
	return pid;
}

/* ---- questions ---- */

struct row {
	const char	*name;
	enum dns_type	 type;
	enum dns_status	 st;
	const char	*end;	/* where CNAMEs led */
	const char	*what;
};

static const struct row rows[] = {
	{ "ok.test", DNS_A, DNS_FOUND, "ok.test", "an answer" },
	{ "ok.test.", DNS_A, DNS_FOUND, "ok.test", "a dot at the end" },
	{ "OK.Test", DNS_A, DNS_FOUND, NULL, "known in any case" },
	{ "oK2.Test", DNS_A, DNS_NXDOMAIN, "oK2.Test", "the case is kept" },
	{ "none.test", DNS_A, DNS_NXDOMAIN, "none.test", "no such name" },
	{ "empty.test", DNS_A, DNS_NODATA, "empty.test", "no such record" },
	{ "ok.test", DNS_AAAA, DNS_NODATA, NULL,
	    "a record that was not asked for" },
	{ "big.test", DNS_A, DNS_FOUND, NULL, "truncated, by TCP" },
	{ "tcpdead.test", DNS_A, DNS_TEMPORARY, NULL,
	    "truncated, and TCP ends" },
	{ "slow.test", DNS_A, DNS_FOUND, NULL, "the second packet" },
	{ "mute.test", DNS_A, DNS_TEMPORARY, NULL, "silence" },
	{ "old.test", DNS_A, DNS_FOUND, NULL, "a server without EDNS" },
	{ "bogus.test", DNS_A, DNS_BOGUS, NULL, "failed validation" },
	{ "busy.test", DNS_A, DNS_TEMPORARY, NULL, "another failure" },
	{ "forged.test", DNS_A, DNS_FOUND, NULL, "among forgeries" },
	{ "self.test", DNS_A, DNS_TEMPORARY, NULL, "a CNAME to itself" },
	{ "loop0.test", DNS_A, DNS_TEMPORARY, NULL, "CNAMEs without end" },
	{ "half.test", DNS_A, DNS_FOUND, "ok.test", "a CNAME to follow" },
	{ "whole.test", DNS_A, DNS_FOUND, "three.test", "two CNAMEs" },
	{ "tonone.test", DNS_A, DNS_NXDOMAIN, "none.test",
	    "a CNAME to nowhere" },
	{ "short.test", DNS_A, DNS_TEMPORARY, NULL, "a damaged record" },
	{ "a..b", DNS_A, DNS_INVALID, NULL, "an empty label" },
	{ "123456789012345678901234567890123456789012345678901234567890abcd"
	    ".test", DNS_A, DNS_INVALID, NULL, "a label too long" }
};

static void
test_rows(struct dns *dns)
{
	const struct dns_answer *a;
	struct dns_query *q;
	struct dns_addr want;
	size_t i;

	dns_addr_parse("192.0.2.1", &want);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		q = dns_lookup(dns, rows[i].type, rows[i].name);
		a = dns_result(q);
		is_int(a->status, rows[i].st, rows[i].what);
		if (rows[i].end != NULL)
			is_str(a->name, rows[i].end, "its name");
		if (a->status == DNS_FOUND)
			ok(a->n == 1 && dns_addr_equal(&a->rr[0].addr, &want)
			    && a->rr[0].ttl == 60, "its record");
		else
			is_int((long long)a->n, 0, "no record");
		if (a->status == DNS_TEMPORARY || a->status == DNS_INVALID)
			ok(a->why[0] != '\0', "because: %s", a->why);
		dns_query_free(q);
	}
	q = dns_lookup(dns, DNS_MX, "mx.test");
	a = dns_result(q);
	is_int(a->status, DNS_FOUND, "an MX");
	if (a->n > 0) {
		is_int(a->rr[0].preference, 10, "its preference");
		is_str(a->rr[0].name, "m\\\\.test", "its name, escaped");
	}
	dns_query_free(q);
}

/* All at once, the answers as they come, one of them cancelled. */
static void
test_many(struct dns *dns)
{
	struct dns_query *q, *cancelled;
	struct pollfd p[4];
	long long t;
	int n = 0, good = 0, i, seen[200] = { 0 };

	t = time(NULL);
	dns_submit(dns, DNS_A, "mute.test", &seen[0]);
	cancelled = dns_submit(dns, DNS_A, "mute.test", NULL);
	for (i = 2; i < 200; i++)
		dns_submit(dns, DNS_A, i % 2 ? "ok.test" : "none.test",
		    &seen[i]);
	dns_query_free(cancelled);
	ok(dns_pollfds(dns, p, 4) >= 1 && dns_wait_ms(dns) >= 0,
	    "they can be polled");
	if ((q = dns_wait(dns, 0)) == NULL)
		q = dns_wait(dns, 5000);
	ok(q != NULL, "one comes");
	dns_query_free(q);
	while ((q = dns_wait(dns, 10000)) != NULL) {
		n++;
		i = (int)((int *)dns_arg(q) - seen);
		good += !seen[i] && dns_result(q)->status == (i == 0 ?
		    DNS_TEMPORARY : i % 2 ? DNS_FOUND : DNS_NXDOMAIN);
		seen[i] = 1;
		dns_query_free(q);
	}
	is_int(n, 198, "the others come");
	is_int(good, 198, "each with its own answer");
	ok(time(NULL) - t < 10, "in the time of the slowest");
	ok(dns_wait(dns, -1) == NULL && dns_wait_ms(dns) == -1,
	    "then nothing is under way");
}

static void
test_servers(unsigned port)
{
	struct dns *dns = dns_new();
	struct dns_query *q;
	char text[64], path[128];
	FILE *f;
	time_t t;
	int i;

	is_int(dns_add_server(dns, "::1@x"), -1, "a port is a number");
	is_int(dns_add_server(dns, "::1@65536"), -1, "of 16 bits");
	is_int(dns_add_server(dns, "mx.test"), -1, "a server an address");
	is_int(dns_add_server(dns, ""), -1, "and not empty");
	is_int(dns_add_server(dns, "127.0.0.1@1"), 1, "nobody is there");
	snprintf(text, sizeof(text), "127.0.0.1@%u", port);
	is_int(dns_add_server(dns, text), 1, "but here");
	is_int(dns_add_server(dns, "::1"), 1, "IPv6");
	is_int(dns_add_server(dns, "fe80::1%lo@53"), 1, "with its zone");
	is_int(dns_add_server(dns, "::1"), 0, "and no more");
	q = dns_lookup(dns, DNS_A, "ok.test");
	is_int(dns_result(q)->status, DNS_FOUND, "the second server answers");
	dns_query_free(q);
	dns_free(dns);

	dns = dns_new();
	q = dns_lookup(dns, DNS_A, "ok.test");
	is_int(dns_result(q)->status, DNS_TEMPORARY, "no server at all");
	dns_query_free(q);
	snprintf(path, sizeof(path), "%s/resolv.conf", dir);
	f = fopen(path, "w");
	fprintf(f, "# one\nsearch x.test\n \nnameserver\n"
	    "nameserver x\nnameserver\t127.0.0.1@%u # port\n"
	    "options ndots:1 timeout:1 attempts:2 rotate\n", port);
	fclose(f);
	is_int(dns_read_resolvconf(dns, path), 0, "a resolv.conf");
	t = time(NULL);
	for (i = 0; i < 2; i++) {
		q = dns_lookup(dns, DNS_A, i ? "mute.test" : "ok.test");
		is_int(dns_result(q)->status, i ? DNS_TEMPORARY : DNS_FOUND,
		    "names a server");
		dns_query_free(q);
	}
	ok(time(NULL) - t < 6, "and how long to wait");
	is_int(dns_read_resolvconf(dns, dir), -1, "a folder is none");
	dns_free(dns);
	unlink(path);
}

static void
test_reverse(struct dns *dns)
{
	struct dns_addr a;
	struct sockaddr_storage ss;
	char name[DNS_NAME_MAX] = "", text[DNS_ADDR_TEXT];

	dns_addr_parse("192.0.2.1", &a);
	is_int(dns_reverse(dns, &a, name, sizeof(name)), 1, "a reverse name");
	is_str(name, "ok.test", "the one that agrees");
	dns_addr_parse("192.0.2.2", &a);
	is_int(dns_reverse(dns, &a, name, sizeof(name)), 0, "one that lies");
	dns_addr_parse("192.0.2.9", &a);
	is_int(dns_reverse(dns, &a, name, sizeof(name)), 0, "none");
	dns_addr_parse("2001:db8::9", &a);
	is_int(dns_reverse(dns, &a, name, sizeof(name)), 0, "none of IPv6");
	dns_addr_parse("192.0.2.3", &a);
	is_int(dns_reverse(dns, &a, name, sizeof(name)), -1, "not now");

	is_int(dns_addr_parse("::ffff:192.0.2.1", &a), 0, "a mapped address");
	dns_addr_put(&a, 25, &ss);
	is_int(dns_addr_get(&a, (struct sockaddr *)&ss), 0, "as of a socket");
	dns_addr_text(&a, text, sizeof(text));
	is_str(text, "192.0.2.1", "is IPv4");
	is_int(dns_addr_put(&a, 25, &ss), sizeof(struct sockaddr_in), "also");
	is_int(ntohs(((struct sockaddr_in *)&ss)->sin_port), 25, "its port");
	is_int(dns_addr_parse("192.0.2", &a), -1, "no address");
	is_int(dns_addr_parse("[::1]", &a), -1, "brackets are not part of it");
	ss.ss_family = AF_UNIX;
	is_int(dns_addr_get(&a, (struct sockaddr *)&ss), -1, "no address");
}

int
main(void)
{
	struct dns *dns;
	char text[64];
	unsigned port;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);	/* children repeat nothing */
	if (mkdtemp(dir) == NULL)
		return 1;
	pid = start_server(&port);
	dns = dns_new();
	snprintf(text, sizeof(text), "127.0.0.1@%u", port);
	dns_add_server(dns, text);
	dns_set_timeout(dns, 200, 2);
	test_rows(dns);
	test_many(dns);
	test_reverse(dns);
	/* Forgotten with questions under way: nothing leaks. */
	dns_submit(dns, DNS_A, "mute.test", NULL);
	dns_free(dns);
	test_servers(port);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	rmdir(dir);
	return done();
}
