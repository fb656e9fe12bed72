/* SPDX-License-Identifier: ISC
 *
 * The list of a domain's hosts: what is a domain, what the MX records say, in
 * which order the hosts stand, and what all that comes to (RFC 5321, section
 * 5.1).  It asks nothing (mx_query.c does), and must never make a temporary
 * failure look permanent.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mail/mx_local.h"

#define SMTP_PORT	25

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

void
mx_fail(struct mx_list *list, enum mx_status st, const char *why)
{
	list->status = st;
	strlcpy(list->why, why, sizeof(list->why));
}

enum mx_status
mx_from_dns(enum dns_status st)
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

int
mx_name(char name[IDNA_MAX], const char *domain, const char **why)
{
	size_t n;

	if (idna_ascii(name, domain, strlen(domain)) == -1) {
		*why = "not a domain name";
		return -1;
	}
	n = strlen(name);
	if (n > 1 && name[n - 1] == '.')
		n--;
	if ((*why = check_domain(name, n)) != NULL)
		return -1;
	name[n] = '\0';
	return 0;
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

int
mx_take_one(struct mx_list *list, const char *name)
{
	if ((list->hosts = calloc(1, sizeof(*list->hosts))) == NULL)
		return -1;
	if ((list->hosts->name = strdup(name)) == NULL)
		return -1;
	list->n = 1;
	return 0;
}

/* In order.  A root as exchanger is left out: "no mail" is said only when no
 * other stands there. */
int
mx_take_records(struct mx_list *list, const struct dns_answer *a,
    unsigned flags)
{
	struct mx_host *h;
	size_t i;

	if ((list->hosts = calloc(a->n, sizeof(*h))) == NULL)
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

int
mx_wants(unsigned flags, int family)
{
	unsigned only = flags & (MX_IPV4 | MX_IPV6);

	return only == 0 || (only & (family == AF_INET ? MX_IPV4 :
	    MX_IPV6)) != 0;
}

/* One address, known without a question; 0, or -1: no memory. */
static int
take_address(struct mx_host *h, const struct dns_addr *a, unsigned flags)
{
	h->status = MX_NODATA;
	if (!mx_wants(flags, a->family))
		return 0;
	if ((h->addrs = malloc(sizeof(*a))) == NULL)
		return -1;
	h->addrs[0] = *a;
	h->naddrs = 1;
	h->status = MX_FOUND;
	return 0;
}

void
mx_take_literal(struct mx_list *list, const char *domain, unsigned flags)
{
	struct dns_addr a;

	if (parse_literal(domain, &a) == -1)
		mx_fail(list, MX_INVALID, "not an address literal");
	else if (!mx_wants(flags, a.family))
		mx_fail(list, MX_NODATA, "an address of the other family");
	else if (mx_take_one(list, domain) == -1 ||
	    take_address(list->hosts, &a, flags) == -1) {
		cut(list, 0);
		mx_fail(list, MX_TEMPORARY, "no memory");
	} else
		mx_conclude(list, MX_IMPLICIT, flags);
}

/* ---- addresses ---- */

enum mx_status
mx_worse(enum mx_status a, enum mx_status b)
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

/* NOTE: no record may name an address (RFC 5321, section 5.1), but some do,
 * and what they mean is plain. */
int
mx_take_odd(struct mx_host *h, unsigned flags)
{
	struct dns_addr a;

	if (dns_addr_parse(h->name, &a) == 0)
		return take_address(h, &a, flags) == -1 ? -1 : 1;
	if (dns_is_host_name(h->name))
		return 0;
	h->status = MX_INVALID;
	return 1;
}

/* Both families take turns, so that a sender that tries some tries both. */
void
mx_take_addrs(struct mx_host *h, const struct dns_answer *a[2])
{
	size_t n[2] = { 0, 0 }, i, f;

	h->status = MX_NODATA;
	for (f = 0; f < 2; f++) {
		if (a[f] == NULL)
			continue;
		n[f] = a[f]->n < MX_ADDRS_MAX ? a[f]->n : MX_ADDRS_MAX;
		h->status = mx_worse(h->status, mx_from_dns(a[f]->status));
		take_target(h, a[f]);
		if (n[f] > 0 && a[f]->security < h->security)
			h->security = a[f]->security;
	}
	if (n[0] + n[1] == 0)
		return;
	if ((h->addrs = calloc(n[0] + n[1], sizeof(*h->addrs))) == NULL) {
		h->status = MX_TEMPORARY;
		return;
	}
	for (i = 0; i < n[0] || i < n[1]; i++)
		for (f = 0; f < 2; f++)
			if (i < n[f] && h->naddrs < MX_ADDRS_MAX)
				h->addrs[h->naddrs++] = a[f]->rr[i].addr;
	h->status = MX_FOUND;
}

/* The caller wanted names alone. */
static void
forget_addrs(struct mx_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		free(list->hosts[i].addrs);
		list->hosts[i].addrs = NULL;
		list->hosts[i].naddrs = 0;
	}
}

void
mx_conclude(struct mx_list *list, enum mx_status good, unsigned flags)
{
	enum mx_status st = MX_NODATA;
	size_t i;

	for (i = 0; i < list->n; i++) {
		if (list->hosts[i].status == MX_FOUND) {
			list->status = good;
			if ((flags & MX_NOADDRS) != 0)
				forget_addrs(list);
			return;
		}
		st = mx_worse(st, list->hosts[i].status);
	}
	if (good == MX_IMPLICIT)
		cut(list, 0);
	if (st == MX_TEMPORARY || st == MX_BOGUS)
		mx_fail(list, st, "no exchanger has an address now");
	else
		mx_fail(list, MX_NODATA, good == MX_IMPLICIT ?
		    "neither MX nor address" : "no exchanger has an address");
}

/* ---- the list ---- */

void
mx_free(struct mx_list *list)
{
	cut(list, 0);
	free(list->hosts);
	list->hosts = NULL;
}

static int
is_self(const struct mx_host *h, const char *self, unsigned short port)
{
	size_t i;

	if (strcasecmp(h->name, self) == 0)
		return 1;
	for (i = 0; i < h->naddrs && port == SMTP_PORT; i++)
		if (!dns_addr_is_loopback(&h->addrs[i]) &&
		    dns_addr_is_own(&h->addrs[i]))
			return 1;
	return 0;
}

int
mx_drop_self(struct mx_list *list, const char *self, unsigned short port)
{
	unsigned at = 0;
	size_t i;

	for (i = 0; i < list->n; i++)
		if (is_self(&list->hosts[i], self, port))
			break;
	if (i == list->n)
		return 0;
	at = list->hosts[i].preference;
	for (i = 0; i < list->n && list->hosts[i].preference < at; i++)
		;
	cut(list, i);
	return 1;
}
