/* SPDX-License-Identifier: ISC
 *
 * Asking the next host about an address: see callout.h.  It must never say
 * that an address is bad because of anything but its own mailbox: what we,
 * our address or our sender are refused for is no answer.
 */
#include <sys/socket.h>

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "grammar/smtp_reply.h"
#include "mail/callout.h"
#include "mail/mx.h"
#include "mail/resolver.h"
#include "system/clock.h"
#include "system/dns.h"
#include "system/stream.h"

#define PLACES_MAX	3		/* addresses that are tried */
#define CONNECT_MS	5000		/* for each */
#define REPLY_MS	10000

struct callout {
	const struct settings	*settings;
	const char		*domain;
	struct dns		*dns;
	char			 fixed[SETTINGS_HOST_MAX]; /* "": by MX */
	unsigned short		 port;
	struct dns_addr		 places[PLACES_MAX];
	size_t			 n;
	long long		 end;
};

static void
add_place(struct callout *c, const struct dns_addr *addr)
{
	if (c->n < PLACES_MAX)
		c->places[c->n++] = *addr;
}

static void
places_by_system(struct callout *c)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *ai;
	struct dns_addr addr;

	if (getaddrinfo(c->fixed, NULL, &hints, &list) != 0)
		return;
	for (ai = list; ai != NULL; ai = ai->ai_next)
		if (dns_addr_get(&addr, ai->ai_addr) == 0)
			add_place(c, &addr);
	freeaddrinfo(list);
}

struct callout *
callout_new(const struct settings *s, const char *domain)
{
	struct callout *c = calloc(1, sizeof(*c));
	const char *fixed = settings_next_host(s, NULL, domain);
	char error[CONF_ERROR_MAX];
	struct dns_addr addr;

	if (c == NULL)
		return NULL;
	c->settings = s;
	c->domain = domain;
	c->port = (unsigned short)s->smtp_port;
	if ((c->dns = resolver_open(s, NULL, error)) == NULL ||
	    (*fixed != '\0' &&
	    settings_host_port(fixed, c->fixed, &c->port) == -1)) {
		callout_free(c);
		return NULL;
	}
	dns_set_timeout(c->dns, 1000, 2);
	if (c->fixed[0] == '\0')
		return c;
	if (dns_addr_parse(c->fixed, &addr) == 0)
		add_place(c, &addr);
	else if (*s->resolver == '\0' ||
	    strcasecmp(c->fixed, "localhost") == 0)
		places_by_system(c);
	return c;
}

void
callout_free(struct callout *c)
{
	if (c == NULL)
		return;
	dns_free(c->dns);
	free(c);
}

static void
places_by_dns(struct callout *c)
{
	static const enum dns_type types[] = { DNS_AAAA, DNS_A };
	const struct dns_answer *a;
	struct dns_query *q;
	size_t i, k;

	for (i = 0; i < 2; i++) {
		if ((q = dns_lookup(c->dns, types[i], c->fixed)) == NULL)
			continue;
		a = dns_result(q);
		for (k = 0; k < a->n; k++)
			add_place(c, &a->rr[k].addr);
		dns_query_free(q);
	}
}

/* Those that are better than this host. */
static void
places_by_mx(struct callout *c)
{
	struct mx_list mx;
	size_t i, k;

	mx_lookup(c->dns, c->domain, MX_SHUFFLE, &mx);
	(void)mx_drop_self(&mx, c->settings->hostname, c->port);
	for (i = 0; i < mx.n; i++)
		for (k = 0; k < mx.hosts[i].naddrs; k++)
			add_place(c, &mx.hosts[i].addrs[k]);
	mx_free(&mx);
}

/* ---- the conversation ---- */

static int
left_ms(const struct callout *c, int most)
{
	long long left = c->end - clock_ms();

	return left < 1 ? 1 : left < most ? (int)left : most;
}

static int
connect_place(const struct callout *c, const struct dns_addr *addr)
{
	struct sockaddr_storage ss;
	socklen_t len = dns_addr_put(addr, c->port, &ss);
	struct pollfd p = { .events = POLLOUT };
	socklen_t size = sizeof(int);
	int fault = 0;

	p.fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (p.fd == -1)
		return -1;
	if (connect(p.fd, (struct sockaddr *)&ss, len) == 0 ||
	    (errno == EINPROGRESS && poll(&p, 1, left_ms(c, CONNECT_MS)) ==
	    1 && getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &fault, &size) == 0 &&
	    fault == 0))
		return p.fd;
	close(p.fd);
	return -1;
}

/* One reply: its code, or 0 when there is none. */
static unsigned
hear(struct callout *c, struct stream *s, struct smtp_reply *reply)
{
	struct stream_line line;
	enum stream_status st;
	int done = 0;

	smtp_reply_reset(reply);
	while (done == 0) {
		stream_set_timeout(s, left_ms(c, REPLY_MS));
		st = stream_line(s, SMTP_REPLY_LINE_MAX, &line);
		if (st != STREAM_OK && st != STREAM_TOOLONG)
			return 0;
		done = smtp_reply_line(reply, line.data, line.len);
	}
	return done == 1 ? reply->code : 0;
}

/* Is it the mailbox that is refused?  RFC 3463: X.1.Z speaks of addresses,
 * X.2.1 of a mailbox that is closed; without a status the code alone. */
static bool
speaks_of_mailbox(const struct smtp_reply *r)
{
	const struct smtp_status *st = &r->status;

	if (r->code / 100 != 5)
		return false;
	if (st->class == 0)
		return r->code == 550 || r->code == 551 || r->code == 553;
	return st->class == 5 && (st->subject == 1 ||
	    (st->subject == 2 && st->detail == 1));
}

static enum callout_result
converse(struct callout *c, struct stream *s, struct smtp_reply *reply,
    const struct address *rcpt)
{
	char text[ADDRESS_TEXT_MAX];

	if (hear(c, s, reply) != 220)
		return CALLOUT_AWAY;
	stream_printf(s, "EHLO %s\r\n", c->settings->hostname);
	if (hear(c, s, reply) != 250) {
		stream_printf(s, "HELO %s\r\n", c->settings->hostname);
		if (hear(c, s, reply) != 250)
			return CALLOUT_AWAY;
	}
	stream_puts(s, "MAIL FROM:<>\r\n");
	if (hear(c, s, reply) != 250)
		return CALLOUT_AWAY;
	stream_printf(s, "RCPT TO:<%s>\r\n", address_text(rcpt, text));
	if (hear(c, s, reply) / 100 == 2)
		return CALLOUT_GOOD;
	if (reply->code == 0)
		return CALLOUT_AWAY;
	return speaks_of_mailbox(reply) ? CALLOUT_BAD : CALLOUT_UNSURE;
}

static enum callout_result
ask_place(struct callout *c, const struct dns_addr *addr,
    const struct address *rcpt)
{
	enum callout_result r;
	struct smtp_reply reply;
	struct stream *s;
	int fd;

	if ((fd = connect_place(c, addr)) == -1)
		return CALLOUT_AWAY;
	if ((s = stream_new(fd, fd)) == NULL) {
		close(fd);
		return CALLOUT_AWAY;
	}
	smtp_reply_init(&reply);
	stream_set_session(s, left_ms(c, CALLOUT_SECONDS * 1000));
	r = converse(c, s, &reply, rcpt);
	stream_puts(s, "QUIT\r\n");
	stream_set_timeout(s, 1000);
	(void)stream_close(s);
	smtp_reply_free(&reply);
	return r;
}

enum callout_result
callout_ask(struct callout *c, const struct address *rcpt)
{
	enum callout_result r = CALLOUT_AWAY;
	size_t i;

	c->end = clock_ms() + CALLOUT_SECONDS * 1000;
	if (c->fixed[0] == '\0')
		places_by_mx(c);
	else if (c->n == 0 && *c->settings->resolver != '\0')
		places_by_dns(c);
	for (i = 0; i < c->n && r == CALLOUT_AWAY &&
	    clock_ms() < c->end; i++)
		r = ask_place(c, &c->places[i], rcpt);
	return r;
}
