/* SPDX-License-Identifier: ISC
 *
 * The hosts of a domain, from its MX records, or the domain itself (RFC 5321,
 * section 5.1).  It asks for all addresses at once, and must never make a
 * temporary failure look permanent.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "grammar/idna.h"
#include "mail/mx.h"

/* An exchanger while its addresses are looked up. */
struct asked {
	struct mx_host	*host;
	struct dns_query *q[2];		/* AAAA, A; NULL: not asked */
};

const char *
mx_status_name(enum mx_status st)
{
	switch (st) {
	case MX_FOUND:
		return "mx";
	case MX_IMPLICIT:
		return "implicit";
	case MX_NULL:
		return "nullmx";
	case MX_NXDOMAIN:
		return "nxdomain";
	case MX_NODATA:
		return "nodata";
	case MX_TEMPORARY:
		return "temporary";
	case MX_BOGUS:
		return "bogus";
	case MX_INVALID:
		return "invalid";
	}
	return "temporary";
}

static void
fail(struct mx_list *list, enum mx_status st, const char *why)
{
	list->status = st;
	strlcpy(list->why, why, sizeof(list->why));
}

static enum mx_status
from_dns(enum dns_status st)
{
	switch (st) {
	case DNS_FOUND:
		return MX_FOUND;
	case DNS_NODATA:
		return MX_NODATA;
	case DNS_NXDOMAIN:
		return MX_NXDOMAIN;
	case DNS_TEMPORARY:
		return MX_TEMPORARY;
	case DNS_BOGUS:
		return MX_BOGUS;
	case DNS_INVALID:
		return MX_INVALID;
	}
	return MX_TEMPORARY;
}

/* ---- names ---- */

/*
 * RFC 5321, section 4.1.2:
 *	Domain     = sub-domain *("." sub-domain)
 *	sub-domain = Let-dig [Ldh-str]
 * NOTE: an underscore is taken too, as the DNS has it; a last label of digits
 * alone is not, as that is an address without its brackets.  Returns NULL or
 * what is wrong.
 */
static const char *
check_domain(const char *p, size_t n)
{
	size_t label = 0, i;
	int digits = 1;

	if (n == 0 || n > 253)
		return n == 0 ? "empty" : "longer than a domain can be";
	for (i = 0; i <= n; i++) {
		if (i == n || p[i] == '.') {
			if (label == 0 || label > 63 || p[i - 1] == '-')
				return "malformed label";
			if (i < n)
				digits = 1;
			label = 0;
			continue;
		}
		if (!isalnum((unsigned char)p[i]) && p[i] != '_' &&
		    (p[i] != '-' || label == 0))
			return "not a domain name";
		if (!isdigit((unsigned char)p[i]))
			digits = 0;
		label++;
	}
	return digits ? "an address needs brackets" : NULL;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321, section 4.1.3). */
static int
parse_literal(const char *p, struct dns_addr *a)
{
	char text[DNS_ADDR_TEXT];
	size_t n = strlen(p);
	int family = AF_INET;

	if (n < 2 || p[n - 1] != ']')
		return -1;
	p++;
	n -= 2;
	if (n > 5 && strncasecmp(p, "IPv6:", 5) == 0) {
		family = AF_INET6;
		p += 5;
		n -= 5;
	}
	if (n >= sizeof(text))
		return -1;
	memcpy(text, p, n);
	text[n] = '\0';
	return dns_addr_parse(text, a) == 0 && a->family == family ? 0 : -1;
}

/* ---- hosts ---- */

static int
by_preference(const void *va, const void *vb)
{
	const struct mx_host *a = va, *b = vb;

	if (a->preference != b->preference)
		return a->preference < b->preference ? -1 : 1;
	return strcasecmp(a->name, b->name);
}

/* Put each group of equal preference in random order. */
static void
shuffle(struct mx_host *h, size_t n)
{
	struct mx_host t;
	size_t from, to, i, j;

	for (from = 0; from < n; from = to) {
		for (to = from + 1; to < n && h[to].preference ==
		    h[from].preference; to++)
			;
		for (i = to - 1; i > from; i--) {
			j = from + arc4random_uniform((uint32_t)(i - from +
			    1));
			t = h[i];
			h[i] = h[j];
			h[j] = t;
		}
	}
}

static void
host_free(struct mx_host *h)
{
	free(h->name);
	free(h->target);
	free(h->addrs);
}

/* Keep the first n hosts. */
static void
cut(struct mx_list *list, size_t n)
{
	while (list->n > n)
		host_free(&list->hosts[--list->n]);
}

/* A name that stands twice counts once, with its best preference. */
static void
drop_doubles(struct mx_list *list)
{
	size_t i, j, n = 0;

	for (i = 0; i < list->n; i++) {
		for (j = 0; j < n; j++)
			if (strcasecmp(list->hosts[j].name,
			    list->hosts[i].name) == 0)
				break;
		if (j == n)
			list->hosts[n++] = list->hosts[i];
		else
			host_free(&list->hosts[i]);
	}
	list->n = n;
}

/* A list of one host; 0, or -1: no memory. */
static int
one_host(struct mx_list *list, const char *name)
{
	if ((list->hosts = calloc(1, sizeof(*list->hosts))) == NULL)
		return -1;
	if ((list->hosts->name = strdup(name)) == NULL)
		return -1;
	list->n = 1;
	return 0;
}

/* The hosts of the records, in order; 0, or -1: no memory.  A root as
 * exchanger is left out: "no mail" is said only when no other stands there. */
static int
take_records(struct mx_list *list, const struct dns_answer *a, unsigned flags)
{
	struct mx_host *h;
	size_t i;

	if ((list->hosts = calloc(a->n, sizeof(*list->hosts))) == NULL)
		return -1;
	for (i = 0; i < a->n; i++) {
		if (*a->rr[i].name == '\0')
			continue;
		h = &list->hosts[list->n];
		if ((h->name = strdup(a->rr[i].name)) == NULL)
			return -1;
		h->preference = a->rr[i].preference;
		list->n++;
	}
	qsort(list->hosts, list->n, sizeof(*list->hosts), by_preference);
	drop_doubles(list);
	if ((flags & MX_SHUFFLE) != 0)
		shuffle(list->hosts, list->n);
	cut(list, MX_HOSTS_MAX);
	return 0;
}

/* ---- addresses ---- */

/* What is known of a host by two answers, when neither has an address: what
 * may change counts first. */
static enum mx_status
worse(enum mx_status a, enum mx_status b)
{
	static const enum mx_status order[] = {
		MX_TEMPORARY, MX_BOGUS, MX_NXDOMAIN, MX_INVALID, MX_NODATA
	};
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a;
}

/* Keep where the addresses are, if that is elsewhere. */
static void
take_target(struct mx_host *h, const struct dns_answer *a)
{
	if (h->target == NULL && a->n > 0 && strcasecmp(a->name, h->name) != 0)
		h->target = strdup(a->name);
}

/* Put the addresses of both answers into the host, taking turns. */
static void
take_addrs(struct asked *k)
{
	const struct dns_answer *a[2] = { NULL, NULL };
	struct mx_host *h = k->host;
	size_t i, f;

	h->addrs = calloc(MX_ADDRS_MAX, sizeof(*h->addrs));
	h->status = MX_NODATA;
	for (f = 0; f < 2; f++) {
		if (k->q[f] == NULL)
			continue;
		a[f] = dns_result(k->q[f]);
		h->status = worse(h->status, from_dns(a[f]->status));
		take_target(h, a[f]);
		if (a[f]->n > 0 && a[f]->security < h->security)
			h->security = a[f]->security;
	}
	for (i = 0; h->addrs != NULL; i++) {
		if ((a[0] == NULL || i >= a[0]->n) &&
		    (a[1] == NULL || i >= a[1]->n))
			break;
		for (f = 0; f < 2; f++)
			if (a[f] != NULL && i < a[f]->n &&
			    h->naddrs < MX_ADDRS_MAX)
				h->addrs[h->naddrs++] = a[f]->rr[i].addr;
	}
	if (h->addrs == NULL)
		h->status = MX_TEMPORARY;
	else if (h->naddrs > 0)
		h->status = MX_FOUND;
}

/* Ask for the addresses of all hosts at once. */
static void
ask_addrs(struct dns *dns, struct mx_list *list, unsigned flags)
{
	static const enum dns_type type[2] = { DNS_AAAA, DNS_A };
	static const unsigned only[2] = { MX_IPV6, MX_IPV4 };
	struct asked k[MX_HOSTS_MAX];
	struct dns_query *q;
	size_t i, f, under_way = 0;

	memset(k, 0, sizeof(k));
	if ((flags & (MX_IPV4 | MX_IPV6)) == 0)
		flags |= MX_IPV4 | MX_IPV6;
	for (i = 0; i < list->n; i++) {
		k[i].host = &list->hosts[i];
		k[i].host->security = list->security;
		for (f = 0; f < 2; f++) {
			if ((flags & only[f]) == 0)
				continue;
			q = dns_submit(dns, type[f], k[i].host->name, &k[i]);
			k[i].q[f] = q;
			under_way += q != NULL;
		}
	}
	while (under_way > 0 && dns_wait(dns, -1) != NULL)
		under_way--;
	for (i = 0; i < list->n; i++) {
		take_addrs(&k[i]);
		dns_query_free(k[i].q[0]);
		dns_query_free(k[i].q[1]);
	}
}

/* The status of the whole list from those of its hosts. */
static void
conclude(struct mx_list *list, enum mx_status good)
{
	enum mx_status st = MX_NODATA;
	size_t i;

	for (i = 0; i < list->n; i++) {
		if (list->hosts[i].status == MX_FOUND) {
			list->status = good;
			return;
		}
		st = worse(st, list->hosts[i].status);
	}
	switch (st) {
	case MX_TEMPORARY:
	case MX_BOGUS:
		fail(list, st, "no exchanger has an address now");
		break;
	case MX_FOUND:
	case MX_IMPLICIT:
	case MX_NULL:
	case MX_NXDOMAIN:
	case MX_NODATA:
	case MX_INVALID:
		fail(list, MX_NODATA, good == MX_IMPLICIT ?
		    "neither MX nor address" : "no exchanger has an address");
		break;
	}
}

/* ---- the lookup ---- */

static void
lookup_literal(const char *domain, unsigned flags, struct mx_list *list)
{
	struct dns_addr a;
	struct mx_host *h;

	if (parse_literal(domain, &a) == -1) {
		fail(list, MX_INVALID, "not an address literal");
		return;
	}
	if ((flags & (a.family == AF_INET ? MX_IPV6 : MX_IPV4)) != 0 &&
	    (flags & (a.family == AF_INET ? MX_IPV4 : MX_IPV6)) == 0) {
		fail(list, MX_NODATA, "an address of the other family");
		return;
	}
	if (one_host(list, domain) == -1 ||
	    (list->hosts->addrs = malloc(sizeof(a))) == NULL) {
		fail(list, MX_TEMPORARY, "no memory");
		return;
	}
	h = list->hosts;
	h->addrs[0] = a;
	h->naddrs = 1;
	h->status = MX_FOUND;
	list->status = MX_IMPLICIT;
}

/* The MX answer is there: fill the list. */
static void
lookup_hosts(struct dns *dns, const struct dns_answer *a, unsigned flags,
    struct mx_list *list)
{
	enum mx_status good = MX_FOUND;
	int r = 0;

	list->security = a->security;
	switch (a->status) {
	case DNS_FOUND:
		r = take_records(list, a, flags);
		if (r == 0 && list->n == 0) {
			fail(list, MX_NULL, "the domain takes no mail");
			return;
		}
		break;
	case DNS_NODATA:
		good = MX_IMPLICIT;
		r = one_host(list, a->name);
		break;
	case DNS_NXDOMAIN:
	case DNS_TEMPORARY:
	case DNS_BOGUS:
	case DNS_INVALID:
		fail(list, from_dns(a->status), a->why);
		return;
	}
	if (r == -1) {
		cut(list, 0);
		fail(list, MX_TEMPORARY, "no memory");
		return;
	}
	ask_addrs(dns, list, flags);
	conclude(list, good);
	if (good == MX_IMPLICIT && list->status != MX_IMPLICIT)
		cut(list, 0);
}

void
mx_lookup(struct dns *dns, const char *domain, unsigned flags,
    struct mx_list *list)
{
	char name[IDNA_MAX];
	const char *bad;
	struct dns_query *q;
	size_t n;

	memset(list, 0, sizeof(*list));
	if (*domain == '[') {
		lookup_literal(domain, flags, list);
		return;
	}
	if (idna_ascii(name, domain, strlen(domain)) == -1) {
		fail(list, MX_INVALID, "not a domain name");
		return;
	}
	n = strlen(name);
	if (n > 1 && name[n - 1] == '.')
		n--;
	if ((bad = check_domain(name, n)) != NULL) {
		fail(list, MX_INVALID, bad);
		return;
	}
	name[n] = '\0';
	if ((q = dns_lookup(dns, DNS_MX, name)) == NULL) {
		fail(list, MX_TEMPORARY, "no memory");
		return;
	}
	lookup_hosts(dns, dns_result(q), flags, list);
	dns_query_free(q);
}

void
mx_free(struct mx_list *list)
{
	cut(list, 0);
	free(list->hosts);
	list->hosts = NULL;
}

int
mx_drop_self(struct mx_list *list, const char *self)
{
	unsigned at = 0;
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strcasecmp(list->hosts[i].name, self) == 0)
			break;
	if (i == list->n)
		return 0;
	at = list->hosts[i].preference;
	for (i = 0; i < list->n && list->hosts[i].preference < at; i++)
		;
	cut(list, i);
	return 1;
}
