/* SPDX-License-Identifier: ISC
 *
 * Proves what smtp-send's agent remembers: that a destination gets more workers
 * with success and fewer with failure, is not tried again while it does not
 * answer, and has its turn among the others; that an address that did not
 * answer is left alone for a time that grows and ends; and that a delivery
 * arrives at a worker as it was given, and nothing else does.
 */
#include <sys/socket.h>

#include <arpa/inet.h>

#include <fcntl.h>

#include "../../smtp-send/dest.c"
#include "../../smtp-send/hosts.c"
#include "../../smtp-send/parcel.c"
#include "tap.h"

static struct settings settings;
static struct dests all;

static void
test_keys(void)
{
	static const char *const assign[] = { "hostname=mx.a.test",
	    "route=b.test 192.0.2.1:2525", "relay=" };
	static const struct {
		const char *domain, *want;
	} rows[] = {
		{ "c.test", "c.test" },
		{ "C.Test.", "c.test" },
		{ "b.test", "=192.0.2.1:2525" },
		{ "B.TEST", "=192.0.2.1:2525" },
		{ "[192.0.2.9]", "[192.0.2.9]" },
	};
	struct address sender = { "al", "a.test" };
	char error[CONF_ERROR_MAX], key[DELIVERY_KEY_MAX];
	size_t i;

	if (settings_load(&settings, "/dev/null", assign, 3, error) == -1)
		printf("Bail out! %s\n", error);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		dest_key(&settings, &sender, rows[i].domain, key);
		is_str(key, rows[i].want, rows[i].domain);
	}
}

static struct dest *
get(const char *domain)
{
	struct address sender = { "al", "a.test" };

	return dest_get(&all, &settings, &sender, domain);
}

static void
test_limit(void)
{
	struct report r = { .status = "4.4.1", .reply = "refused" };
	struct dest *d = get("c.test");
	int i;

	ok(d == get("C.TEST"), "a destination is found again");
	is_int(d->limit, 2, "it begins with two workers");
	for (i = 0; i < 30; i++)
		dest_good(d, 5, 1000);
	is_int(d->limit, 5, "rises with success, as far as it may");
	dest_busy(d);
	is_int(d->limit, 2, "half as many where all are put off");
	dest_bad(d, &r, 1010);
	is_int(d->limit, 1, "one less, where others are served");
	ok(!dest_is_dead(d, 1010), "... and it is not dead by that");
	dest_bad(d, &r, 1011);
	ok(dest_is_dead(d, 1011 + 59), "the last one failed: it is dead");
	ok(!dest_is_dead(d, 1011 + 60), "... for a minute");
	is_str(d->last->reply, "refused", "... for this reason");
	dest_bad(d, &r, 1020);
	is_int(d->failures, 1, "several at once are one failure");
	dest_bad(d, &r, 1071);
	ok(dest_is_dead(d, 1071 + 119), "the next time it is two minutes");
	for (i = 0; i < 20; i++)
		dest_bad(d, &r, 10000 * (i + 1));
	ok(dest_is_dead(d, 200000 + 1799) && !dest_is_dead(d, 200000 + 1800),
	    "never more than half an hour");
	ok(!dest_is_dead(d, 1000), "nor by a clock that was set back");
	dest_good(d, 5, 300000);
	ok(!dest_is_dead(d, 300000) && d->last == NULL && d->failures == 0,
	    "a success ends it");
}

static struct entry *
add(const char *name, struct dest *d)
{
	struct spool_item it;
	struct entry *e;

	if (!spool_name_parse(&it, name, SPOOL_REMOTE, SPOOL_NOW) ||
	    (e = entry_new(&all, &it)) == NULL)
		return NULL;
	entry_wait(&all, e, d);
	return e;
}

static void
test_turns(void)
{
	const char *const names[] = { "1.M1P1Q1R.h,S=1,W=1",
	    "1.M1P1Q2R.h,S=1,W=1", "1.M1P1Q3R.h,S=1,W=1" };
	struct dest *big = get("big.test"), *small = get("small.test");
	struct entry *e;
	struct spool_item it;

	ok(add(names[0], big) && add(names[1], big) && add(names[2], small),
	    "three messages wait");
	ok(add(names[0], big) == NULL, "each is known once");
	ok(TAILQ_FIRST(&all.ready) == big, "the first has its turn");
	e = entry_next(big);
	ok(entry_item(e, &it) == 0 && strcmp(it.name, names[0]) == 0,
	    "in the order in which they came");
	dest_rotate(&all, big);
	ok(TAILQ_FIRST(&all.ready) == small, "then the other");
	dest_full(&all, small);
	ok(TAILQ_FIRST(&all.ready) == big, "one that is full has none");
	dest_begin(&all, small);
	dest_end(&all, small);
	ok(TAILQ_NEXT(big, turn) == small, "until a worker is done there");
	entry_free(&all, e);
	ok(add(names[0], big) != NULL, "a message that is gone is forgotten");
	entry_free(&all, entry_next(small));
	dest_rotate(&all, small);
	is_int(small->state, DEST_RESTS, "nothing waits: it rests");
}

static void
test_hosts(void)
{
	struct hosts *h = calloc(2, sizeof(*h)), *other = h + 1;
	struct dns_addr a, b;
	struct host lie;
	int i;

	dns_addr_parse("192.0.2.1", &a);
	dns_addr_parse("2001:db8::1", &b);
	ok(hosts_find(h, &a, 25, 1000) == NULL, "nothing is known");
	hosts_fail(h, &a, 25, ECONNREFUSED, 1000);
	hosts_fail(h, &b, 25, EMFILE, 1000);
	ok(hosts_find(h, &a, 25, 1059) != NULL, "it failed: not now");
	ok(hosts_find(h, &a, 26, 1059) == NULL, "... at this port");
	ok(hosts_find(h, &b, 25, 1001) == NULL, "our fault is not its");
	ok(hosts_find(h, &a, 25, 1060) == NULL, "... for a minute");
	hosts_fail(h, &a, 25, ETIMEDOUT, 1060);
	is_int(hosts_find(h, &a, 25, 1179) ?
	    hosts_find(h, &a, 25, 1179)->error : 0, ETIMEDOUT,
	    "then two, with the last reason");
	hosts_take(other, hosts_find(h, &a, 25, 1179));
	ok(hosts_find(other, &a, 25, 1179) != NULL && !other->news[0],
	    "another process is told, and does not tell it back");
	lie = h->v[0];
	lie.until = lie.at + 1000000;
	lie.addr = b;
	hosts_take(other, &lie);
	ok(hosts_find(other, &b, 25, 1179) == NULL,
	    "but believes in no longer time");
	hosts_good(h, &a, 25);
	ok(hosts_find(h, &a, 25, 1061) == NULL, "it answers again");
	for (i = 0; i < 2 * HOSTS_MAX; i++) {
		a.ip[2] = (unsigned char)(i >> 8);
		a.ip[3] = (unsigned char)i;
		hosts_fail(h, &a, 25, ETIMEDOUT, 2000 + i);
	}
	ok(hosts_find(h, &a, 25, 2000 + i) != NULL, "the oldest make room");
	free(h);
}

static void
test_parcel(void)
{
	struct envelope e;
	struct hosts *hosts = calloc(2, sizeof(*hosts));
	struct delivery d = { .fd_7bit = -1, .env = &e, .offset = 7,
	    .domain = "b.test", .key = "=relay.test:25",
	    .prefix = "DKIM-Signature: x\n", .anyway = true };
	struct address to = { "bob", "b.test" };
	struct parcel p = { 0 };
	struct dns_addr a;
	uint32_t told = 0;
	int pair[2], fd = open("/dev/null", O_RDONLY);
	size_t i;

	dns_addr_parse("192.0.2.1", &a);
	hosts_fail(hosts, &a, 25, ECONNREFUSED, 1000);
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
	envelope_init(&e);
	for (i = 0; i < 51; i++)
		envelope_add(&e, &to);
	envelope_set(&e.auth, "alice");
	envelope_set(&e.envid, "two\nlines");
	envelope_set(&e.rcpts[1].orcpt, "rfc822;x@y");
	e.rcpts[1].status = ENVELOPE_TRYING;
	d.fd = fd;
	d.rcpts = e.rcpts;
	d.nrcpts = 51;
	is_int(parcel_send(pair[0], 5, &d, hosts, &told), -1,
	    "51 recipients are too many");
	d.nrcpts = 50;
	is_int(parcel_send(pair[0], 5, &d, hosts, &told), 0, "50 are not");
	is_int(told, hosts->last, "dead addresses go with it");
	is_int(parcel_recv(pair[1], &p, hosts + 1), 1, "received");
	ok(p.seq == 5 && p.delivery.offset == 7 && p.delivery.anyway &&
	    p.delivery.nrcpts == 50 && p.delivery.fd > 2 &&
	    p.delivery.fd_7bit == -1, "as it was");
	is_str(p.delivery.key, d.key, "its key");
	is_str(p.delivery.domain, d.domain, "its domain");
	is_str(p.delivery.prefix, d.prefix, "its fields");
	is_str(p.env.envid, "two\nlines", "what the sender asked for");
	is_str(p.env.rcpts[1].orcpt, "rfc822;x@y", "of each recipient");
	ok(p.env.auth == NULL, "but not who sent it");
	ok(hosts_find(hosts + 1, &a, 25, 1001) != NULL, "the dead address");
	parcel_free(&p);
	send(pair[0], "nonsense", 8, 0);
	is_int(parcel_recv(pair[1], &p, hosts + 1), -1, "nonsense is not");
	memset(&p, 0, sizeof(p));
	close(pair[0]);
	is_int(parcel_recv(pair[1], &p, hosts + 1), 0, "the end");
	close(pair[1]);
	close(fd);
	envelope_free(&e);
	free(hosts);
}

int
main(void)
{
	dests_init(&all);
	test_keys();
	test_limit();
	test_turns();
	test_hosts();
	test_parcel();
	dests_free(&all);
	settings_free(&settings);
	return done();
}
