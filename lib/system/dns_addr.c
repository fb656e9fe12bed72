/* SPDX-License-Identifier: ISC
 *
 * Addresses, and the confirmed name of one.  A name found in the DNS is
 * believed only if its addresses agree, and only if it is made of the letters
 * of host names: it goes into logs and header fields.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "system/dns.h"

#define NAMES_MAX	5	/* of one address that are looked at */

static size_t
ip_size(const struct dns_addr *a)
{
	return a->family == AF_INET ? 4 : 16;
}

int
dns_addr_parse(const char *text, struct dns_addr *a)
{
	memset(a, 0, sizeof(*a));
	a->family = AF_INET;
	if (inet_pton(AF_INET, text, a->ip) == 1)
		return 0;
	a->family = AF_INET6;
	return inet_pton(AF_INET6, text, a->ip) == 1 ? 0 : -1;
}

void
dns_addr_text(const struct dns_addr *a, char *to, size_t size)
{
	if (size > 0 && inet_ntop(a->family, a->ip, to,
	    (socklen_t)size) == NULL)
		*to = '\0';
}

int
dns_addr_is_loopback(const struct dns_addr *a)
{
	static const unsigned char one[16] = { [15] = 1 };

	return a->family == AF_INET ? a->ip[0] == 127 :
	    memcmp(a->ip, one, sizeof(one)) == 0;
}

static int
is_private4(const unsigned char *p)
{
	return p[0] == 0 || p[0] == 10 || p[0] == 127 || p[0] >= 224 ||
	    (p[0] == 100 && (p[1] & 0xc0) == 64) ||
	    (p[0] == 169 && p[1] == 254) ||
	    (p[0] == 172 && (p[1] & 0xf0) == 16) ||
	    (p[0] == 192 && p[1] == 168);
}

int
dns_addr_is_private(const struct dns_addr *a)
{
	static const unsigned char none[12];
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	const unsigned char *p = a->ip;

	if (a->family == AF_INET)
		return is_private4(p);
	/* ::, ::1, and what is left of an old form with an IPv4 address. */
	if (memcmp(p, none, sizeof(none)) == 0)
		return 1;
	if (memcmp(p, mapped, sizeof(mapped)) == 0)
		return is_private4(p + 12);
	return (p[0] & 0xfe) == 0xfc || p[0] == 0xff ||
	    (p[0] == 0xfe && (p[1] & 0xc0) == 0x80);
}

int
dns_addr_equal(const struct dns_addr *a, const struct dns_addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, ip_size(a)) == 0;
}

int
dns_addr_get(struct dns_addr *a, const struct sockaddr *sa)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	memset(a, 0, sizeof(*a));
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		a->family = AF_INET;
		memcpy(a->ip, &in.sin_addr, 4);
		return 0;
	}
	if (sa->sa_family != AF_INET6)
		return -1;
	memcpy(&in6, sa, sizeof(in6));
	if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
		a->family = AF_INET;
		memcpy(a->ip, in6.sin6_addr.s6_addr + 12, 4);
	} else {
		a->family = AF_INET6;
		memcpy(a->ip, in6.sin6_addr.s6_addr, 16);
	}
	return 0;
}

socklen_t
dns_addr_put(const struct dns_addr *a, uint16_t port,
    struct sockaddr_storage *ss)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	memset(ss, 0, sizeof(*ss));
	if (a->family == AF_INET) {
		in.sin_port = htons(port);
		memcpy(&in.sin_addr, a->ip, 4);
		memcpy(ss, &in, sizeof(in));
		return sizeof(in);
	}
	in6.sin6_port = htons(port);
	memcpy(&in6.sin6_addr, a->ip, 16);
	memcpy(ss, &in6, sizeof(in6));
	return sizeof(in6);
}

/* Can a socket be bound to it? */
static int
can_bind(const struct dns_addr *a)
{
	struct sockaddr_storage ss;
	socklen_t len = dns_addr_put(a, 0, &ss);
	int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), done;

	if (fd == -1)
		return 0;
	done = bind(fd, (struct sockaddr *)&ss, len) == 0;
	close(fd);
	return done;
}

/*
 * It needs no list of interfaces, which a sandboxed process cannot have.  A
 * system may allow to bind any address (net.ipv4.ip_nonlocal_bind): then it
 * allows that of a reserved one, too (240.0.0.1, 100::1), and tells nothing.
 */
int
dns_addr_is_own(const struct dns_addr *a)
{
	static const struct dns_addr nobody[2] = {
		{ .family = AF_INET, .ip = { 240, 0, 0, 1 } },
		{ .family = AF_INET6, .ip = { 1, [15] = 1 } }
	};

	return can_bind(a) && !can_bind(&nobody[a->family == AF_INET6]);
}

void
dns_addr_name(const struct dns_addr *a, const char *zone, char *to,
    size_t size)
{
	static const char hex[] = "0123456789abcdef";
	char digits[2 * 2 * 16 + 1], *p = digits;
	int i;

	if (a->family == AF_INET) {
		snprintf(to, size, "%d.%d.%d.%d.%s", a->ip[3], a->ip[2],
		    a->ip[1], a->ip[0], zone);
		return;
	}
	for (i = 15; i >= 0; i--) {
		*p++ = hex[a->ip[i] & 15];
		*p++ = '.';
		*p++ = hex[a->ip[i] >> 4];
		*p++ = '.';
	}
	*p = '\0';
	snprintf(to, size, "%s%s", digits, zone);
}

int
dns_is_host_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= 253 && strspn(name, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n;
}

/* Whether name has this address: 1, 0, or -1 not known now. */
static int
confirm(struct dns *dns, const char *name, const struct dns_addr *a)
{
	const struct dns_answer *r;
	struct dns_query *q;
	size_t i;
	int found;

	q = dns_lookup(dns, a->family == AF_INET ? DNS_A : DNS_AAAA, name);
	if (q == NULL)
		return -1;
	r = dns_result(q);
	found = r->status == DNS_TEMPORARY || r->status == DNS_BOGUS ? -1 : 0;
	for (i = 0; i < r->n && found != 1; i++)
		found = dns_addr_equal(&r->rr[i].addr, a);
	dns_query_free(q);
	return found;
}

int
dns_reverse(struct dns *dns, const struct dns_addr *a, char *name, size_t size)
{
	const struct dns_answer *r;
	struct dns_query *q;
	char question[80];
	size_t i;
	int one, found = 0;

	dns_addr_name(a, a->family == AF_INET ? "in-addr.arpa" : "ip6.arpa",
	    question, sizeof(question));
	if ((q = dns_lookup(dns, DNS_PTR, question)) == NULL)
		return -1;
	r = dns_result(q);
	if (r->status == DNS_TEMPORARY || r->status == DNS_BOGUS)
		found = -1;
	for (i = 0; i < r->n && i < NAMES_MAX && found != 1; i++) {
		if (!dns_is_host_name(r->rr[i].name))
			continue;
		if ((one = confirm(dns, r->rr[i].name, a)) != 0)
			found = one;
		if (one == 1)
			strlcpy(name, r->rr[i].name, size);
	}
	dns_query_free(q);
	return found;
}
