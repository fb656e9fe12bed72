/* SPDX-License-Identifier: ISC
 *
 * Which servers are asked: given one by one, or by a file in the form of
 * resolv.conf(5).  Addresses only: no name is ever looked up here.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netdb.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/clock.h"
#include "system/dns_local.h"

#define PORT		"53"
#define FAILS_MAX	3	/* in sequence; then it is dead */
#define DEAD_MS		10000	/* asked last for so long; doubled up to */
#define DEAD_MAX_MS	80000

struct dns *
dns_new(void)
{
	struct dns *dns = calloc(1, sizeof(*dns));
	size_t i;

	if (dns == NULL)
		return NULL;
	dns->ms = 1500;
	dns->tries = 3;
	dns->epoll = -1;
	for (i = 0; i < sizeof(dns->ports) / sizeof(dns->ports[0]); i++) {
		dns->ports[i].fd = -1;
		LIST_INIT(&dns->ports[i].asks);
	}
	TAILQ_INIT(&dns->done);
	TAILQ_INIT(&dns->waiting);
	dns_window_init(&dns->window);
	return dns;
}

int
dns_open(struct dns *dns)
{
	if (dns->keyed == NULL)
		dns->keyed = calloc(DNS_JOBS, sizeof(*dns->keyed));
	if (dns->ids == NULL)
		dns->ids = calloc(DNS_IDS, sizeof(*dns->ids));
	if (dns->buffer == NULL)
		dns->buffer = malloc((size_t)DNS_BATCH * DNS_PACKET_MAX);
	if (dns->keyed == NULL || dns->ids == NULL || dns->buffer == NULL)
		return -1;
	if (dns->epoll == -1)
		dns->epoll = epoll_create1(EPOLL_CLOEXEC);
	return dns->epoll == -1 ? -1 : 0;
}

int
dns_add_server(struct dns *dns, const char *text)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_DGRAM
	};
	struct addrinfo *ai;
	char host[128];
	const char *port = strchr(text, '@'), *p;
	size_t n = port == NULL ? strlen(text) : (size_t)(port - text);

	if (n == 0 || n >= sizeof(host))
		return -1;
	memcpy(host, text, n);
	host[n] = '\0';
	port = port == NULL ? PORT : port + 1;
	for (p = port; isdigit((unsigned char)*p); p++)
		;
	if (*p != '\0' || p - port < 1 || p - port > 5 ||
	    strtol(port, NULL, 10) < 1 || strtol(port, NULL, 10) > 65535)
		return -1;
	if (getaddrinfo(host, port, &hints, &ai) != 0)
		return -1;
	if (dns->nservers == DNS_SERVERS_MAX) {
		freeaddrinfo(ai);
		return 0;
	}
	memset(&dns->servers[dns->nservers], 0, sizeof(dns->servers[0]));
	memcpy(&dns->servers[dns->nservers].addr, ai->ai_addr, ai->ai_addrlen);
	dns->servers[dns->nservers++].len = ai->ai_addrlen;
	freeaddrinfo(ai);
	return 1;
}

/* One word of an "options" line. */
static void
take_option(struct dns *dns, const char *word)
{
	int v;

	if (sscanf(word, "timeout:%2d", &v) == 1 && v >= 1 && v <= 30)
		dns->ms = v * 1000;
	if (sscanf(word, "attempts:%1d", &v) == 1 && v >= 1 && v <= 5)
		dns->tries = v;
	/* resolv.conf(5): without it the AD bit proves nothing. */
	if (strcmp(word, "trust-ad") == 0)
		dns->trusted = 1;
}

static void
take_line(struct dns *dns, char *line)
{
	char *word = strsep(&line, " \t\n"), *arg;

	while (line != NULL && (arg = strsep(&line, " \t\n")) != NULL) {
		if (*arg == '\0')
			continue;
		if (strcmp(word, "options") == 0)
			take_option(dns, arg);
		if (strcmp(word, "nameserver") == 0) {
			dns_add_server(dns, arg);
			break;
		}
	}
}

int
dns_read_resolvconf(struct dns *dns, const char *path)
{
	char line[512];
	FILE *f;
	int r = 0;

	if ((f = fopen(path == NULL ? "/etc/resolv.conf" : path,
	    "re")) != NULL) {
		while (fgets(line, sizeof(line), f) != NULL)
			take_line(dns, line);
		r = ferror(f) ? -1 : 0;
		fclose(f);
	} else if (errno != ENOENT)
		return -1;
	if (dns->nservers == 0)
		dns_add_server(dns, "127.0.0.1");
	return r;
}

void
dns_set_trusted(struct dns *dns, int on)
{
	dns->trusted = on;
}

void
dns_set_timeout(struct dns *dns, int ms, int tries)
{
	dns->ms = ms;
	dns->tries = tries;
}

void
dns_set_0x20(struct dns *dns, int on)
{
	dns->mixed = on;
}

/* ---- which is asked ---- */

void
dns_server_good(struct dns_server *s)
{
	s->fails = 0;
	s->until = 0;
}

void
dns_server_silent(struct dns_server *s)
{
	long long ms = DEAD_MS;
	unsigned i;

	if (++s->fails < FAILS_MAX)
		return;
	for (i = FAILS_MAX; i < s->fails && ms < DEAD_MAX_MS; i += FAILS_MAX)
		ms *= 2;
	s->until = clock_ms() + ms;
}

void
dns_server_gone(struct dns_server *s)
{
	if (s->fails < FAILS_MAX - 1)
		s->fails = FAILS_MAX - 1;
	dns_server_silent(s);
}

int
dns_server_choose(struct dns *dns, unsigned skip)
{
	struct dns_server *s;
	long long t = clock_ms();
	size_t i;

	for (i = 0; i < dns->nservers; i++) {
		s = &dns->servers[i];
		if ((skip & 1u << i) != 0 || s->until > t)
			continue;
		/* One question tries whether it lives again. */
		if (s->fails >= FAILS_MAX)
			s->until = t + dns->ms;
		return (int)i;
	}
	for (i = 0; i < dns->nservers; i++)
		if ((skip & 1u << i) == 0)
			return (int)i;
	return -1;
}
