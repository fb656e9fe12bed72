/* SPDX-License-Identifier: ISC
 *
 * The places a route may lead to: addresses of the host it was given, or of
 * the domain's mail exchangers (RFC 5321, section 5.1).  It must never name an
 * exchanger that is not better than this host itself, and never call a DNS
 * failure permanent.
 */
#include <sys/socket.h>

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dial.h"
#include "route_local.h"
#include "system/log.h"

static void
add_place(struct route *r, const struct secure_place *host,
    const struct dns_addr *addr)
{
	if (r->nplaces == PLACES_MAX)
		return;
	r->places[r->nplaces].host = *host;
	r->places[r->nplaces].host.port = r->port;
	r->places[r->nplaces++].addr = *addr;
}

void
route_add_fixed(struct route *r, const struct dns_addr *addr,
    enum dns_security security)
{
	struct secure_place host = { .name = r->fixed, .given = true,
	    .security = security };

	add_place(r, &host, addr);
}

void
route_by_system(struct route *r)
{
	struct addrinfo hints, *list, *ai;
	struct dns_addr addr;

	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	if (getaddrinfo(r->fixed, NULL, &hints, &list) != 0)
		return;
	for (ai = list; ai != NULL; ai = ai->ai_next)
		if (dns_addr_get(&addr, ai->ai_addr) == 0)
			route_add_fixed(r, &addr, DNS_INDETERMINATE);
	freeaddrinfo(list);
}

/* The configured resolver's. */
static void
places_by_dns(struct route *r)
{
	static const enum dns_type types[] = { DNS_AAAA, DNS_A };
	const struct dns_answer *a;
	struct dns_query *q;
	size_t i, k;

	for (i = 0; i < 2; i++) {
		if ((q = dns_lookup(r->dns, types[i], r->fixed)) == NULL)
			continue;
		a = dns_result(q);
		for (k = 0; k < a->n; k++)
			route_add_fixed(r, &a->rr[k].addr, a->security);
		dns_query_free(q);
	}
}

static void
places_by_mx(struct route *r)
{
	struct secure_place host = { .by_mx = true };
	const struct mx_host *h;
	size_t i, k;

	host.given = r->mx.status == MX_IMPLICIT;
	host.signed_mx = r->mx.security == DNS_SECURE;
	for (i = 0; i < r->mx.n; i++) {
		h = &r->mx.hosts[i];
		host.name = h->name;
		host.target = h->target;
		host.security = h->security;
		for (k = 0; k < h->naddrs; k++)
			add_place(r, &host, &h->addrs[k]);
	}
}

bool
route_is_system(const struct route *r)
{
	return r->set->settings->resolver[0] == '\0' ||
	    strcasecmp(r->fixed, "localhost") == 0;
}

/* What a failed search for hosts means for the recipients. */
static void
report_mx(struct route *r, struct client_message *m)
{
	const char *status = "4.4.3", *words = r->mx.why;
	enum outcome outcome = OUTCOME_PERMANENT;
	char text[DELIVERY_REPLY_MAX];

	switch (r->mx.status) {
	case MX_NULL:
		status = "5.1.10";
		words = "the domain takes no mail (null MX)";
		break;
	case MX_NXDOMAIN:
		status = "5.1.2";
		words = "there is no such domain";
		break;
	case MX_NODATA:
		status = "5.1.2";
		words = "the domain has no mail exchanger and no address";
		break;
	case MX_INVALID:
		status = "5.1.2";
		words = "the domain of the address is not a domain name";
		break;
	case MX_FOUND:
	case MX_IMPLICIT:
	case MX_TEMPORARY:
	case MX_BOGUS:
		outcome = OUTCOME_TEMPORARY;
		break;
	}
	snprintf(text, sizeof(text), "%s: %s", r->domain, *words == '\0' ?
	    "no answer from the DNS" : words);
	client_report_all(m, outcome, status, "", text);
}

/* Where our IPv6 address has no name, hosts are spoken to by IPv4, if they
 * have it. */
static void
leave_ipv6(struct route *r)
{
	size_t i, six = 0, n = 0;

	for (i = 0; i < r->nplaces; i++)
		six += r->places[i].addr.family == AF_INET6;
	for (i = 0; i < r->nplaces; i++)
		if (r->places[i].addr.family == AF_INET6)
			break;
	if (six == 0 || six == r->nplaces || dial_has_name(
	    r->set->settings, r->dns, &r->places[i].addr) != 0)
		return;
	for (i = 0; i < r->nplaces; i++)
		if (r->places[i].addr.family != AF_INET6)
			r->places[n++] = r->places[i];
	r->nplaces = n;
	log_debug("ipv6", "domain=%s note=%s", log_str(r->domain),
	    "\"our address has no name\"");
}

int
route_find_places(struct route *r, struct client_message *m)
{
	if (r->nplaces > 0)
		return 0;
	if (r->fixed[0] != '\0') {
		if (r->nplaces == 0 && r->set->settings->resolver[0] != '\0')
			places_by_dns(r);
		if (r->nplaces == 0)
			client_report_all(m, OUTCOME_TEMPORARY, "4.4.3",
			    r->fixed, "the host has no address at present");
		return r->nplaces == 0 ? -1 : 0;
	}
	if (r->have_mx)
		mx_free(&r->mx);
	mx_lookup(r->dns, r->domain, MX_SHUFFLE, &r->mx);
	r->have_mx = true;
	if (r->mx.status != MX_FOUND && r->mx.status != MX_IMPLICIT) {
		report_mx(r, m);
		return -1;
	}
	if (mx_drop_self(&r->mx, r->set->settings->hostname, r->port) == 1)
		log_debug("exchangers", "domain=%s self=yes left=%zu",
		    log_str(r->domain), r->mx.n);
	places_by_mx(r);
	leave_ipv6(r);
	if (r->nplaces > 0)
		return 0;
	if (r->mx.n == 0)
		client_report_all(m, OUTCOME_PERMANENT, "5.4.6", "",
		    "the domain's best mail exchanger is this host, which "
		    "does not know the domain: a mail loop");
	else
		client_report_all(m, OUTCOME_TEMPORARY, "4.4.3", "",
		    "no mail exchanger of the domain has an address at "
		    "present");
	return -1;
}
