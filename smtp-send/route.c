/* SPDX-License-Identifier: ISC
 *
 * From a domain to a conversation (RFC 5321, section 5.1): its places, as
 * route_places.c finds them, are tried in turn.  It must never try a place
 * twice for a message that asks for no more the second time.
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dial.h"
#include "mail/resolver.h"
#include "route_local.h"
#include "system/log.h"

#define SMTPS_PORT	465		/* TLS from the first octet */

/* Where the mail goes.  0; -1: the host is malformed. */
static int
aim(struct route *r, const char *host, const char *domain)
{
	struct dns_addr addr;

	r->domain = domain;
	r->port = (unsigned short)r->set->settings->smtp_port;
	r->fixed[0] = '\0';
	r->unchunked = false;
	r->nplaces = 0;
	if (*host == '\0')
		return 0;
	if (settings_host_port(host, r->fixed, &r->port) == -1)
		return -1;
	if (dns_addr_parse(r->fixed, &addr) == 0)
		route_add_fixed(r, &addr, DNS_INDETERMINATE);
	return 0;
}

struct route *
route_new(const struct route_set *set, const char *host, const char *domain)
{
	struct route *r;
	char error[CONF_ERROR_MAX];

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	r->set = set;
	if ((r->dns = resolver_open(set->settings, NULL, error)) == NULL) {
		log_warn("resolver", "error=%s", log_str(error));
		route_free(r);
		return NULL;
	}
	r->secure = secure_new(set, r->dns, domain);
	if (r->secure == NULL || aim(r, host, domain) == -1) {
		route_free(r);
		return NULL;
	}
	if (r->fixed[0] != '\0' && r->nplaces == 0 && route_is_system(r))
		route_by_system(r);
	return r;
}

int
route_turn(struct route *r, const char *host, const char *domain)
{
	route_close(r);
	if (r->have_mx)
		mx_free(&r->mx);
	r->have_mx = false;
	secure_turn(r->secure, domain);
	if (aim(r, host, domain) == -1) {
		errno = EINVAL;
		return -1;
	}
	if (r->fixed[0] == '\0' || r->nplaces > 0 || !route_is_system(r))
		return 0;
	errno = ENOENT;
	return -1;
}

void
route_heed(struct route *r, struct hosts *hosts, bool anyway)
{
	r->hosts = hosts;
	r->anyway = anyway;
}

bool
route_reached(const struct route *r)
{
	return r->reached;
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

/* The login for this message, where it is relayed. */
static const struct relay_login *
login_of(const struct route *r, const struct client_message *m)
{
	return r->fixed[0] == '\0' || r->set->logins == NULL ? NULL :
	    relay_login_find(r->set->logins, r->fixed, r->port,
	    &m->env->sender);
}

/* How a place is tried. */
enum attempt {
	ATTEMPT_FIRST,
	ATTEMPT_CLEAR,		/* its handshake failed, and it was promised
				 * nothing better */
	ATTEMPT_SECOND		/* what is published does not count */
};

/* How we speak to a host, and what is demanded of it. */
static void
set_client(struct route *r, const struct place *p, struct client_message *m,
    enum attempt attempt)
{
	struct client *c = &r->client;
	const struct settings *s = r->set->settings;

	*c = (struct client){ .host = p->host.name,
	    .hostname = *s->smtp_helo != '\0' ? s->smtp_helo : s->hostname,
	    .self = r->have_mx ? s->hostname : NULL, .login = login_of(r, m),
	    .unchunked = r->unchunked,
	    .direct = r->fixed[0] != '\0' && r->port == SMTPS_PORT };
	m->tls[0] = '\0';
	secure_decide(r->secure, &p->host, m, attempt == ATTEMPT_SECOND, c);
	if (attempt == ATTEMPT_CLEAR)
		c->policy.level = LEVEL_CLEAR;
}

/* Which of its addresses it is. */
static void
set_address(struct route *r, const struct place *p)
{
	struct client *c = &r->client;
	char ip[DNS_ADDR_TEXT];

	c->near = dns_addr_is_loopback(&p->addr);
	dns_addr_text(&p->addr, ip, sizeof(ip));
	snprintf(c->place, sizeof(c->place), "%s[%s]", p->host.name, ip);
}

/* The host does not meet what is demanded of it. */
static enum client_result
refuse(struct route *r, const struct place *p, struct client_message *m)
{
	const struct client *c = &r->client;

	client_report_all(m, c->policy.verdict == POLICY_UNFIT ?
	    OUTCOME_UNFIT : OUTCOME_TEMPORARY, policy_status(c->policy.reason),
	    p->host.name, policy_words(c->policy.reason));
	secure_note(r->secure, &p->host, m, c);
	/* It says nothing about what another message may be told; an answer
	 * that the DNS owes keeps all waiting. */
	if (c->policy.reason != REASON_TLSA_LOOKUP)
		r->reached = true;
	return CLIENT_NEXT;
}

/* Send on a connection that is there. */
static enum client_result
talk(struct route *r, struct client_message *m, int fd)
{
	struct client *c = &r->client;
	enum client_result result;

	if ((c->stream = stream_new(fd, fd)) == NULL) {
		close(fd);
		client_report_all(m, OUTCOME_TEMPORARY, "4.3.0", c->place,
		    "out of memory");
		return CLIENT_STOP;
	}
	result = client_open(c, m);
	/* What goes without what is published says nothing about that. */
	if (!r->second)
		secure_note(r->secure, &r->places[r->at].host, m, c);
	/* It was spoken to, and another message may ask less of it. */
	if (c->policy.level > LEVEL_MAY && (c->shaken == CLIENT_TLS_ABSENT ||
	    c->shaken == CLIENT_TLS_FAILED))
		r->reached = true;
	if (result == CLIENT_DONE) {
		r->reached = true;
		result = client_send(c, m);
	}
	if (result != CLIENT_DONE || c->lost)
		route_close(r);
	return result;
}

/* What a call to these places has shown; which answered, or none (n). */
static void
learn(struct route *r, size_t at, size_t n, const bool *failed, size_t which,
    int error)
{
	int64_t now = time(NULL);
	size_t i;

	if (r->hosts == NULL)
		return;
	for (i = 0; i < n; i++)
		if (i == which)
			hosts_good(r->hosts, &r->places[at + i].addr,
			    r->port);
		else if (failed[i])
			hosts_fail(r->hosts, &r->places[at + i].addr,
			    r->port, error, now);
}

/* Leave out the places that did not answer just now; where that are all, say
 * so.  Whether some are left. */
static bool
leave_dead(struct route *r, struct client_message *m, bool *tried)
{
	char ip[DNS_ADDR_TEXT], where[DELIVERY_HOST_MAX], words[160];
	const struct host *dead, *first = NULL;
	int64_t now = time(NULL);
	size_t i, left = 0, of = 0;

	for (i = 0; i < r->nplaces && r->hosts != NULL && !r->anyway; i++) {
		dead = hosts_find(r->hosts, &r->places[i].addr, r->port, now);
		if (dead == NULL)
			continue;
		tried[i] = true;
		if (first == NULL) {
			first = dead;
			of = i;
		}
	}
	for (i = 0; i < r->nplaces; i++)
		left += !tried[i];
	if (left > 0 || first == NULL)
		return true;
	dns_addr_text(&r->places[of].addr, ip, sizeof(ip));
	snprintf(where, sizeof(where), "%s[%s]", r->places[of].host.name, ip);
	snprintf(words, sizeof(words), "not tried now, %lld s ago it was: %s",
	    (long long)(now - first->at), strerror(first->error));
	client_report_all(m, OUTCOME_TEMPORARY, "4.4.1", where, words);
	return false;
}

/* Connect to one of n places of a host from the at-th on, and send.  Those
 * that were tried are marked. */
static enum client_result
try_host(struct route *r, struct client_message *m, size_t at, size_t n,
    bool *tried, enum attempt attempt)
{
	struct dns_addr to[PLACES_MAX];
	size_t i, which;
	int fd, why;

	for (i = 0; i < n; i++)
		to[i] = r->places[at + i].addr;
	set_client(r, &r->places[at], m, attempt);
	if (r->client.policy.verdict != POLICY_USE) {
		memset(tried + at, true, n);
		return refuse(r, &r->places[at], m);
	}
	fd = dial(r->set->settings, to, n, r->port, &which, tried + at);
	why = errno;
	set_address(r, &r->places[at + which]);
	learn(r, at, n, tried + at, fd == -1 ? n : which, why);
	if (fd == -1) {
		client_report_all(m, OUTCOME_TEMPORARY, "4.4.1",
		    r->client.place, strerror(why));
		return CLIENT_NEXT;
	}
	tried[at + which] = true;
	r->at = at + which;
	return talk(r, m, fd);
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
	if (r->client.strict == secure_is_strict(m) && !r->second &&
	    r->client.login == login_of(r, m)) {
		r->reached = true;
		result = client_send(&r->client, m);
		r->reached = result != CLIENT_NEXT;
	}
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

/* The next host with places not tried: how many, from *at on; 0: none. */
static size_t
next_host(const struct route *r, const bool *tried, size_t *at)
{
	size_t n = 0;

	for (*at = 0; *at < r->nplaces && tried[*at]; (*at)++)
		;
	while (*at + n < r->nplaces && n < DIAL_MAX && !tried[*at + n] &&
	    r->places[*at + n].host.name == r->places[*at].host.name)
		n++;
	return n;
}

/* Try the hosts in turn, but for places that were tried. */
static enum client_result
try_hosts(struct route *r, struct client_message *m, bool *tried,
    enum attempt attempt)
{
	enum client_result result = CLIENT_NEXT;
	size_t at, n;

	while (result != CLIENT_STOP && (n = next_host(r, tried, &at)) > 0) {
		route_close(r);
		result = try_host(r, m, at, n, tried, attempt);
		/* Opportunistic TLS: a host whose handshake fails still gets
		 * its mail, as it would had it never offered TLS. */
		if (result == CLIENT_CLEAR)
			result = try_host(r, m, r->at, 1, tried,
			    ATTEMPT_CLEAR);
		if (result == CLIENT_UNCHUNKED) {
			r->unchunked = true;
			tried[r->at] = false;
		}
		if (all_final(m))
			break;
	}
	return result;
}

void
route_deliver(struct route *r, struct client_message *m)
{
	bool tried[PLACES_MAX] = { false };
	enum client_result result;

	r->reached = false;
	result = try_open(r, m);
	if (all_final(m))
		return;
	if (result == CLIENT_UNCHUNKED) {
		r->unchunked = true;
		result = CLIENT_NEXT;
	}
	if (result == CLIENT_DONE)
		tried[r->at] = true;
	else if (result != CLIENT_STOP && route_find_places(r, m) == -1)
		return;
	r->second = false;
	if (result == CLIENT_NEXT && !leave_dead(r, m, tried))
		return;
	if (result != CLIENT_STOP)
		result = try_hosts(r, m, tried, ATTEMPT_FIRST);
	/* RFC 8689, section 4.2.2: what was not possible as it is published
	 * does not fail for that. */
	if (result != CLIENT_STOP && m->tls_optional && !all_final(m)) {
		memset(tried, 0, sizeof(tried));
		r->second = true;
		if (leave_dead(r, m, tried))
			(void)try_hosts(r, m, tried, ATTEMPT_SECOND);
	}
	if (!all_final(m))
		client_report_rest(m);
}
