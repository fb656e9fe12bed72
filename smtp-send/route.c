/* SPDX-License-Identifier: ISC
 *
 * From a domain to a conversation (RFC 5321, section 5.1).  It must never
 * connect to an exchanger that is not better than this host itself, and never
 * call a DNS failure permanent.
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "mail/mx.h"
#include "mail/resolver.h"
#include "route.h"
#include "secure.h"
#include "system/clock.h"
#include "system/dns.h"
#include "system/log.h"

#define PLACES_MAX	10		/* addresses tried in one run */
#define CONNECT_WAIT	(30 * 1000)	/* ms for one address */

struct place {
	struct secure_place host;	/* names of mx or fixed */
	struct dns_addr	 addr;
};

struct route {
	const struct settings *settings;
	struct dns	*dns;
	struct secure	*secure;
	const char	*domain;
	char		 fixed[SETTINGS_HOST_MAX];	/* "": by MX */
	unsigned short	 port;
	struct mx_list	 mx;
	bool		 have_mx;
	struct place	 places[PLACES_MAX];
	size_t		 nplaces;
	struct client	 client;	/* open while it has a stream */
	size_t		 at;		/* the place it is connected to */
	bool		 second;	/* as no policy of the domain counted */
};

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

static void
add_fixed(struct route *r, const struct dns_addr *addr,
    enum dns_security security)
{
	struct secure_place host = { .name = r->fixed, .given = true,
	    .security = security };

	add_place(r, &host, addr);
}

/* The system's own way to a host's addresses: /etc/hosts counts. */
static void
places_by_system(struct route *r)
{
	struct addrinfo hints, *list, *ai;
	struct dns_addr addr;

	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	if (getaddrinfo(r->fixed, NULL, &hints, &list) != 0)
		return;
	for (ai = list; ai != NULL; ai = ai->ai_next)
		if (dns_addr_get(&addr, ai->ai_addr) == 0)
			add_fixed(r, &addr, DNS_INDETERMINATE);
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
			add_fixed(r, &a->rr[k].addr, a->security);
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
	for (i = 0; i < r->mx.n; i++) {
		h = &r->mx.hosts[i];
		host.name = h->name;
		host.target = h->target;
		host.security = h->security;
		for (k = 0; k < h->naddrs; k++)
			add_place(r, &host, &h->addrs[k]);
	}
}

struct route *
route_new(const struct settings *settings, const char *host,
    const char *domain, struct tls_client *tls, struct tls_client *trusting)
{
	struct route *r;
	char error[CONF_ERROR_MAX];
	struct dns_addr addr;
	const char *fixed;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	r->settings = settings;
	r->domain = domain;
	r->port = (unsigned short)settings->smtp_port;
	fixed = host != NULL ? host : settings_next_host(settings, domain);
	if ((r->dns = resolver_open(settings, NULL, error)) == NULL) {
		log_warn("resolver", "error=%s", log_str(error));
		route_free(r);
		return NULL;
	}
	r->secure = secure_new(settings, r->dns, domain, tls, trusting);
	if (r->secure == NULL || (*fixed != '\0' &&
	    settings_host_port(fixed, r->fixed, &r->port) == -1)) {
		route_free(r);
		return NULL;
	}
	if (r->fixed[0] == '\0')
		return r;
	if (dns_addr_parse(r->fixed, &addr) == 0)
		add_fixed(r, &addr, DNS_INDETERMINATE);
	else if (settings->resolver[0] == '\0' ||
	    strcasecmp(r->fixed, "localhost") == 0)
		places_by_system(r);
	return r;
}

void
route_free(struct route *r)
{
	if (r == NULL)
		return;
	route_close(r);
	if (r->have_mx)
		mx_free(&r->mx);
	secure_free(r->secure);
	dns_free(r->dns);
	free(r);
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

/* Find the places, unless they are known; 0, or -1 and the reports say why
 * there are none. */
static int
find_places(struct route *r, struct client_message *m)
{
	if (r->nplaces > 0)
		return 0;
	if (r->fixed[0] != '\0') {
		if (r->nplaces == 0 && r->settings->resolver[0] != '\0')
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
	if (mx_drop_self(&r->mx, r->settings->hostname) == 1)
		log_debug("exchangers", "domain=%s self=yes left=%zu",
		    log_str(r->domain), r->mx.n);
	places_by_mx(r);
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

/* Wait for a connect under way: 0, or -1 with errno. */
static int
connect_wait(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	long long end = clock_ms() + CONNECT_WAIT, left;
	socklen_t len = sizeof(int);
	int n, fault;

	while ((left = end - clock_ms()) > 0) {
		if ((n = poll(&p, 1, (int)left)) == 1)
			break;
		if (n == -1 && errno != EINTR)
			return -1;
	}
	if (left <= 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &len) == -1)
		return -1;
	errno = fault;
	return fault == 0 ? 0 : -1;
}

static int
connect_place(const struct route *r, const struct place *p)
{
	struct sockaddr_storage ss;
	socklen_t len = dns_addr_put(&p->addr, r->port, &ss);
	int fd, one = 1, keep;

	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&ss, len) == 0 ||
	    (errno == EINPROGRESS && connect_wait(fd) == 0))
		return fd;
	keep = errno;
	close(fd);
	errno = keep;
	return -1;
}

/* The host does not meet what is demanded of it. */
static enum client_result
refuse(const struct client *c, struct client_message *m)
{
	client_report_all(m, c->policy.verdict == POLICY_UNFIT ?
	    OUTCOME_UNFIT : OUTCOME_TEMPORARY, policy_status(c->policy.reason),
	    c->place, policy_words(c->policy.reason));
	return CLIENT_NEXT;
}

/* How a place is tried. */
enum attempt {
	ATTEMPT_FIRST,
	ATTEMPT_CLEAR,		/* its handshake failed, and it was promised
				 * nothing better */
	ATTEMPT_SECOND		/* what is published does not count */
};

/* Open a connection to a place and send on it. */
static enum client_result
try_place(struct route *r, const struct place *p, struct client_message *m,
    enum attempt attempt)
{
	struct client *c = &r->client;
	char ip[DNS_ADDR_TEXT];
	enum client_result result;
	int fd;

	*c = (struct client){ .hostname = r->settings->hostname,
	    .host = p->host.name, .found = r->have_mx };
	dns_addr_text(&p->addr, ip, sizeof(ip));
	snprintf(c->place, sizeof(c->place), "%s[%s]", p->host.name, ip);
	m->tls[0] = '\0';
	secure_decide(r->secure, &p->host, m, attempt == ATTEMPT_SECOND, c);
	if (c->policy.verdict != POLICY_USE)
		return refuse(c, m);
	if (attempt == ATTEMPT_CLEAR)
		c->policy.level = LEVEL_CLEAR;
	if ((fd = connect_place(r, p)) == -1) {
		client_report_all(m, OUTCOME_TEMPORARY, "4.4.1", c->place,
		    strerror(errno));
		return CLIENT_NEXT;
	}
	if ((c->stream = stream_new(fd, fd)) == NULL) {
		close(fd);
		client_report_all(m, OUTCOME_TEMPORARY, "4.3.0", c->place,
		    "out of memory");
		return CLIENT_STOP;
	}
	result = client_open(c, m);
	if (result == CLIENT_DONE)
		result = client_send(c, m);
	if (result != CLIENT_DONE || c->lost)
		route_close(r);
	return result;
}

static bool
all_final(const struct client_message *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (client_is_open(m, i))
			return false;
	return true;
}

/* The connection of the message before, if it is fit for this one too. */
static enum client_result
try_open(struct route *r, struct client_message *m)
{
	enum client_result result = CLIENT_NEXT;

	if (r->client.stream == NULL)
		return CLIENT_NEXT;
	if (r->client.strict == secure_is_strict(m) && !r->second)
		result = client_send(&r->client, m);
	if (result != CLIENT_DONE || r->client.lost)
		route_close(r);
	return result;
}

void
route_close(struct route *r)
{
	if (r->client.stream != NULL)
		client_close(&r->client);
}

/* Try the places in order, but the one that has been spoken to. */
static enum client_result
try_places(struct route *r, struct client_message *m, enum attempt attempt,
    size_t spoken)
{
	enum client_result result = CLIENT_NEXT;
	size_t i;

	for (i = 0; i < r->nplaces && result != CLIENT_STOP; i++) {
		if (i == spoken)
			continue;
		route_close(r);
		r->at = i;
		result = try_place(r, &r->places[i], m, attempt);
		/* Opportunistic TLS: a host whose handshake fails still gets
		 * its mail, as it would had it never offered TLS. */
		if (result == CLIENT_CLEAR)
			result = try_place(r, &r->places[i], m,
			    ATTEMPT_CLEAR);
		if (all_final(m))
			break;
	}
	return result;
}

void
route_deliver(struct route *r, struct client_message *m)
{
	enum client_result result = try_open(r, m);
	size_t spoken = result == CLIENT_DONE ? r->at : PLACES_MAX;

	if (all_final(m))
		return;
	if (result != CLIENT_STOP && find_places(r, m) == -1)
		return;
	r->second = false;
	if (result != CLIENT_STOP)
		result = try_places(r, m, ATTEMPT_FIRST, spoken);
	if (result != CLIENT_STOP && m->tls_optional && !all_final(m)) {
		r->second = true;
		result = try_places(r, m, ATTEMPT_SECOND, PLACES_MAX);
	}
	if (!all_final(m))
		client_report_rest(m);
}
