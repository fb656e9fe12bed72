/* SPDX-License-Identifier: ISC
 *
 * Proves of the DNS engine: that what is known is not asked again, and for how
 * long; that the same question is asked once.
 */
#include "dns_peer.h"

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

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_cache();
	test_shared();
	return done();
}
