/* SPDX-License-Identifier: ISC
 *
 * Proves of a sender's view of MX records: equal preferences come in random
 * order and never out of their group; who is itself an exchanger drops itself
 * and all behind it; too many hosts and addresses are cut; what is no host's
 * name as an exchanger; names alone; and that of many lookups at once, more
 * than fit, each comes out once and whole, and none that was cancelled.
 *
 * The server is a child that gives every name ten exchangers, and but two odd
 * ones, an address and a name with a blank, to one that begins with "odd".
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "mail/mx.h"
#include "tap.h"

#define MANY	70	/* exchangers of "many": more than are kept */

/* Append a record for the question's name; returns the new end. */
static unsigned char *
record(unsigned char *p, unsigned char type, const unsigned char *rdata,
    unsigned char n)
{
	const unsigned char head[] = { 0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60,
	    0, n };

	memcpy(p, head, sizeof(head));
	memcpy(p + sizeof(head), rdata, n);
	return p + sizeof(head) + n;
}

/* An MX: the first two have preference 5, the others 10; the exchanger is
 * "hNN" below the question's name. */
static unsigned char *
exchanger(unsigned char *p, int i)
{
	unsigned char mx[] = { 0, (unsigned char)(i < 2 ? 5 : 10), 3, 'h',
	    (unsigned char)('0' + i / 10), (unsigned char)('0' + i % 10),
	    0xc0, 12 };

	return record(p, 15, mx, sizeof(mx));
}

/* MX 1 and 2: "192.0.2.7" and "a b" below the question's name. */
static unsigned char *
odd(unsigned char *p)
{
	p = record(p, 15, (const unsigned char *)"\0\1\003192\0010\0012"
	    "\0017\0", 13);
	return record(p, 15, (const unsigned char *)"\0\2\3a b\300\14", 8);
}

static void
serve(int fd)
{
	unsigned char q[4096], *p;
	struct sockaddr_in from;
	socklen_t len;
	size_t end;
	int i, n;

	for (;;) {
		len = sizeof(from);
		if (recvfrom(fd, q, 512, 0, (struct sockaddr *)&from,
		    &len) < 17)
			continue;
		for (end = 12; q[end] != 0; end += q[end] + 1u)
			;
		p = q + end + 5;
		/* "many" has many, also addresses. */
		n = q[12] == 4 ? MANY : 10;
		if (q[end + 2] == 15 && memcmp(q + 13, "odd", 3) == 0) {
			p = odd(p);
			n = 2;
		} else if (q[end + 2] == 15) {
			for (i = 0; i < n; i++)
				p = exchanger(p, i);
		} else if (q[end + 2] == 1) {
			n = q[12] == 3 && q[16] == 4 ? 20 : 1;
			for (i = 0; i < n; i++)
				p = record(p, 1, (const unsigned char[])
				    { 192, 0, 2, (unsigned char)i }, 4);
		} else
			n = 0;
		memcpy(q + 2, "\x81\x80\0\1\0", 5);
		q[7] = (unsigned char)n;
		memset(q + 8, 0, 4);
		sendto(fd, q, (size_t)(p - q), 0, (struct sockaddr *)&from,
		    len);
	}
}

static pid_t
start_server(char *text, size_t size)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	pid_t pid;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&sin, len) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		exit(1);
	snprintf(text, size, "127.0.0.1@%u", ntohs(sin.sin_port));
	if ((pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fd);
	}
	close(fd);
	return pid;
}

/* Of "hNN.ten.test". */
static int
number_of(const char *name)
{
	return (name[1] - '0') * 10 + name[2] - '0';
}

static void
test_shuffle(struct dns *dns)
{
	struct mx_list list;
	int first[10] = { 0 }, at5[2] = { 0 }, i, good = 1, all = 1;

	for (i = 0; i < 120; i++) {
		mx_lookup(dns, "ten.test", MX_SHUFFLE | MX_IPV4, &list);
		good = good && list.status == MX_FOUND && list.n == 10 &&
		    list.hosts[1].preference == 5 &&
		    list.hosts[2].preference == 10;
		if (good) {
			at5[number_of(list.hosts[0].name) & 1]++;
			first[number_of(list.hosts[2].name)]++;
		}
		mx_free(&list);
	}
	ok(good, "the better group always comes first");
	ok(at5[0] > 20 && at5[1] > 20, "its order is random (%d, %d)", at5[0],
	    at5[1]);
	for (i = 2; i < 10; i++)
		all = all && first[i] > 0;
	ok(all, "each of the others is the first of them sometimes");
	mx_lookup(dns, "ten.test", MX_IPV4, &list);
	good = list.n == 10;
	for (i = 0; good && i < 10; i++)
		good = number_of(list.hosts[i].name) == i;
	ok(good, "unless asked for, the order is that of names");
	mx_free(&list);
}

struct drop {
	const char	*self;
	int		 r;
	size_t		 n;
};

static void
test_drop(struct dns *dns)
{
	static const struct drop rows[] = {
		{ "mx.else.test", 0, 10 },
		{ "H07.TEN.TEST", 1, 2 },
		{ "h02.ten.test", 1, 2 },
		{ "h01.ten.test", 1, 0 }
	};
	struct mx_list list;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mx_lookup(dns, "ten.test", MX_SHUFFLE, &list);
		is_int(mx_drop_self(&list, rows[i].self, 0), rows[i].r,
		    rows[i].self);
		is_int((long long)list.n, (long long)rows[i].n,
		    "what is left");
		mx_free(&list);
	}
}

static void
test_many(struct dns *dns)
{
	struct mx_list list;

	mx_lookup(dns, "many.test", MX_SHUFFLE, &list);
	is_int(list.status, MX_FOUND, "very many");
	is_int((long long)list.n, MX_HOSTS_MAX, "hosts are cut");
	is_int((long long)list.hosts[0].naddrs, MX_ADDRS_MAX,
	    "and addresses");
	mx_free(&list);
	mx_free(&list);
	is_int((long long)list.n, 0, "freed twice is no harm");
}

static void
test_odd(struct dns *dns)
{
	struct mx_list list;
	char text[DNS_ADDR_TEXT] = "";

	mx_lookup(dns, "odd.test", MX_SHUFFLE, &list);
	is_int(list.status, MX_FOUND, "exchangers with odd names");
	is_int((long long)list.n, 2, "both are in the list");
	if (list.n == 2 && list.hosts[0].naddrs == 1)
		dns_addr_text(&list.hosts[0].addrs[0], text, sizeof(text));
	is_str(text, "192.0.2.7", "an address is that address");
	is_int(list.n == 2 ? list.hosts[1].status : MX_FOUND, MX_INVALID,
	    "what no host can be called is invalid");
	is_str(list.n == 2 ? list.hosts[1].name : NULL, "a\\032b.odd.test",
	    "and written without its blank");
	mx_free(&list);
	mx_lookup(dns, "odd.test", MX_IPV6, &list);
	is_int(list.status, MX_NODATA, "an address of the other family");
	mx_free(&list);
}

static void
test_names(struct dns *dns)
{
	struct mx_list list;
	size_t i, good = 0;

	mx_lookup(dns, "ten.test", MX_NOADDRS, &list);
	is_int(list.status, MX_FOUND, "names alone");
	for (i = 0; i < list.n; i++)
		good += list.hosts[i].naddrs == 0 &&
		    list.hosts[i].status == MX_FOUND;
	is_int((long long)good, 10, "all of them, no address");
	mx_free(&list);
	mx_lookup(dns, "[192.0.2.1]", MX_NOADDRS, &list);
	ok(list.status == MX_IMPLICIT && list.n == 1 &&
	    list.hosts[0].naddrs == 0, "of a literal too");
	mx_free(&list);
}

#define LOOKUPS	400		/* ten questions and one each: more than fit */

static void
test_pool(struct dns *dns)
{
	static struct mx_query *q[LOOKUPS];
	static int seen[LOOKUPS];
	struct mx_pool *pool = mx_open(dns);
	char name[64];
	size_t i, whole = 0, once = 0, none = 0;
	struct mx_query *got;
	int *at;

	for (i = 0; i < LOOKUPS; i++) {
		snprintf(name, sizeof(name), i % 50 == 7 ? "a..b" :
		    "ten.t%zu.test", i);
		q[i] = mx_submit(pool, name, MX_IPV4, &seen[i]);
	}
	is_int((long long)mx_under_way(pool), LOOKUPS, "all are under way");
	ok(mx_wait(pool, 0) == q[7], "what needs no question is done at once");
	mx_query_free(q[7]);
	seen[7]++;
	/* Some are forgotten, at each stage. */
	for (i = 0; (got = mx_wait(pool, -1)) != NULL; i++) {
		at = mx_arg(got);
		(*at)++;
		whole += mx_result(got)->n == 10 &&
		    mx_result(got)->hosts[9].naddrs == 1;
		q[at - seen] = NULL;
		mx_query_free(got);
		if (i < 20 && q[390 - 10 * i] != NULL) {
			mx_query_free(q[390 - 10 * i]);
			q[390 - 10 * i] = NULL;
			seen[390 - 10 * i] = -1;
		}
	}
	for (i = 0; i < LOOKUPS; i++) {
		once += seen[i] == 1;
		none += seen[i] == -1;
	}
	ok(none > 10, "some were cancelled (%zu)", none);
	is_int((long long)(once + none), LOOKUPS, "all others came, once");
	is_int((long long)whole, (long long)once - LOOKUPS / 50,
	    "and have all their addresses");
	ok(mx_room(pool) && mx_under_way(pool) == 0, "nothing is left");
	(void)mx_submit(pool, "ten.left.test", 0, NULL);
	mx_close(pool);
	is_int(dns_wait(dns, 0) == NULL, 1, "a closed pool asks no more");
}

int
main(void)
{
	struct dns *dns = dns_new();
	char text[64];
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);	/* children repeat nothing */
	pid = start_server(text, sizeof(text));
	dns_add_server(dns, text);
	test_shuffle(dns);
	test_drop(dns);
	test_many(dns);
	test_odd(dns);
	test_names(dns);
	test_pool(dns);
	dns_free(dns);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return done();
}
