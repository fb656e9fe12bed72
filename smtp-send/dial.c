/* SPDX-License-Identifier: ISC
 *
 * Connecting.  A host whose IPv6 leads nowhere costs a quarter of a second,
 * not half a minute.
 */
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "dial.h"
#include "mail/resolver.h"
#include "system/clock.h"

#define WAIT_NEXT	250		/* ms, until the next address is tried
					 * too */
#define WAIT_ALL	(30 * 1000)	/* ms, for the last one */
#define PROBE_PORT	25

struct attempt {
	int	fd;			/* -1: not under way */
	bool	over;			/* has failed */
};

/* The address that we come from in this family, if the settings name one. */
static bool
source(const struct settings *s, int family, struct dns_addr *from)
{
	size_t i;

	for (i = 0; i < s->smtp_source.n; i++)
		if (dns_addr_parse(s->smtp_source.v[i], from) == 0 &&
		    from->family == family)
			return true;
	return false;
}

/* A socket that is bound as configured, or -1 with errno. */
static int
open_socket(const struct settings *s, int family, int type)
{
	struct sockaddr_storage ss;
	struct dns_addr from;
	socklen_t len;
	int fd, keep;

	if ((fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) ==
	    -1)
		return -1;
	if (!source(s, family, &from))
		return fd;
	len = dns_addr_put(&from, 0, &ss);
	if (bind(fd, (struct sockaddr *)&ss, len) == 0)
		return fd;
	keep = errno;
	close(fd);
	errno = keep;
	return -1;
}

/* Begin to connect: 1 it is done, 0 under way, -1 with errno. */
static int
begin(const struct settings *s, struct attempt *a, const struct dns_addr *to,
    uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len = dns_addr_put(to, port, &ss);
	int one = 1;

	if ((a->fd = open_socket(s, ss.ss_family, SOCK_STREAM)) == -1) {
		a->over = true;
		return -1;
	}
	(void)setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(a->fd, (struct sockaddr *)&ss, len) == 0)
		return 1;
	return errno == EINPROGRESS ? 0 : -1;
}

static void
give_up(struct attempt *a)
{
	int keep = errno;

	if (a->fd != -1)
		close(a->fd);
	a->fd = -1;
	a->over = true;
	errno = keep;
}

/* Has one of those under way been connected, or failed, within ms?  1 with
 * *which; 0 nothing; -1 the one of *which failed, with errno. */
static int
look(struct attempt *a, size_t n, int ms, size_t *which)
{
	struct pollfd p[DIAL_MAX];
	socklen_t len = sizeof(int);
	int fault = 0;
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = a[i].fd, .events = POLLOUT };
	if (poll(p, (nfds_t)n, ms) <= 0)
		return 0;
	for (i = 0; p[i].revents == 0; i++)
		;
	*which = i;
	if (getsockopt(a[i].fd, SOL_SOCKET, SO_ERROR, &fault, &len) == -1)
		return -1;
	errno = fault;
	return fault == 0 ? 1 : -1;
}

/* Begin the next attempts until one is under way; 1 when it is done at once.
 * *begun counts. */
static int
next(const struct settings *s, struct attempt *a, const struct dns_addr *to,
    size_t n, uint16_t port, size_t *begun, size_t *which, int *why)
{
	int done;

	while (*begun < n) {
		*which = (*begun)++;
		if ((done = begin(s, &a[*which], &to[*which], port)) != -1)
			return done;
		*why = errno;
		give_up(&a[*which]);
	}
	return 0;
}

static size_t
under_way(const struct attempt *a, size_t n)
{
	size_t i, k = 0;

	for (i = 0; i < n; i++)
		k += a[i].fd != -1;
	return k;
}

/* Race them.  1 with *which; or -1 with *why, the last failure. */
static int
race(const struct settings *s, struct attempt *a, const struct dns_addr *to,
    size_t n, uint16_t port, size_t *which, int *why)
{
	long long end = 0, left;
	size_t begun = 0;
	int done = 0;

	while (done != 1) {
		if (begun < n) {
			done = next(s, a, to, n, port, &begun, which, why);
			end = clock_ms() + WAIT_ALL;
			if (done == 1)
				break;
		}
		left = begun < n ? WAIT_NEXT : end - clock_ms();
		if (under_way(a, n) == 0)
			return -1;
		if (left <= 0) {
			*why = ETIMEDOUT;
			return -1;
		}
		if ((done = look(a, n, (int)left, which)) == -1) {
			*why = errno;
			give_up(&a[*which]);
		}
	}
	return 1;
}

int
dial(const struct settings *s, const struct dns_addr *to, size_t n,
    uint16_t port, size_t *which, bool *failed)
{
	struct attempt a[DIAL_MAX];
	int why = EADDRNOTAVAIL, fd = -1;
	size_t i;

	if (n > DIAL_MAX)
		n = DIAL_MAX;
	for (i = 0; i < n; i++)
		a[i] = (struct attempt){ .fd = -1 };
	*which = 0;
	if (race(s, a, to, n, port, which, &why) == 1)
		fd = a[*which].fd;
	for (i = 0; i < n; i++) {
		failed[i] = a[i].over || fd == -1;
		if (a[i].fd != -1 && a[i].fd != fd)
			close(a[i].fd);
	}
	errno = why;
	return fd;
}

/* ---- names ---- */

/* Would the kernel send to this address, and from which?  0, or -1. */
static int
own_address(const struct settings *s, const struct dns_addr *to,
    struct dns_addr *own)
{
	struct sockaddr_storage ss;
	socklen_t len = dns_addr_put(to, PROBE_PORT, &ss);
	int fd = open_socket(s, ss.ss_family, SOCK_DGRAM), done = -1;

	if (fd == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&ss, len) == 0) {
		len = sizeof(ss);
		if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
			done = dns_addr_get(own, (struct sockaddr *)&ss);
	}
	close(fd);
	return done;
}

/* Of the Internet's global unicast space (2000::/3)? */
static bool
is_global(const struct dns_addr *a)
{
	return a->family == AF_INET6 && (a->ip[0] & 0xe0) == 0x20;
}

int
dial_has_name(const struct settings *s, struct dns *dns,
    const struct dns_addr *to)
{
	char name[DNS_NAME_MAX];
	struct dns_addr own;

	if (strcmp(s->smtp_ipv6, "named") != 0)
		return strcmp(s->smtp_ipv6, "no") != 0;
	if (!is_global(to) || own_address(s, to, &own) == -1 ||
	    !is_global(&own))
		return 1;
	return dns_reverse(dns, &own, name, sizeof(name));
}

/* What the name of an address says of the one we use: 0; 1 and a warning. */
static int
check_name(const struct settings *s, struct dns *dns,
    const struct dns_addr *own, char *error)
{
	const char *helo = *s->smtp_helo != '\0' ? s->smtp_helo : s->hostname;
	char name[DNS_NAME_MAX], text[DNS_ADDR_TEXT];

	dns_addr_text(own, text, sizeof(text));
	switch (dns_reverse(dns, own, name, sizeof(name))) {
	case 1:
		if (strcasecmp(name, helo) == 0)
			return 0;
		snprintf(error, CONF_ERROR_MAX, "smtp_helo: %s, from which "
		    "mail leaves, has the name %.200s, not %.200s", text, name,
		    helo);
		return 1;
	case 0:
		snprintf(error, CONF_ERROR_MAX, "smtp_source: %s, from which "
		    "mail leaves, has no name (PTR) that leads back to it: "
		    "many hosts will refuse mail from it", text);
		return 1;
	}
	return 0;
}

int
dial_check(const struct settings *s, char *error)
{
	/* Addresses for documentation: nothing is sent to them. */
	static const char *const outside[] = { "2001:db8::1", "192.0.2.1" };
	struct dns_addr to, own;
	struct dns *dns;
	size_t i;
	int done = 0;

	if (s->smtp_source.n == 0 || (dns = resolver_open(s, NULL, error)) ==
	    NULL)
		return 0;
	dns_set_timeout(dns, 1000, 2);
	for (i = 0; i < 2 && done == 0; i++) {
		(void)dns_addr_parse(outside[i], &to);
		if (!source(s, to.family, &own))
			continue;
		if (own_address(s, &to, &own) == -1 && errno ==
		    EADDRNOTAVAIL) {
			snprintf(error, CONF_ERROR_MAX, "smtp_source: this "
			    "host has no such address");
			done = -1;
		} else
			done = check_name(s, dns, &own, error);
	}
	dns_free(dns);
	return done;
}
