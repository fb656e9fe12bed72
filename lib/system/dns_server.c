/* SPDX-License-Identifier: ISC
 *
 * Which servers are asked: given one by one, or by a file in the form of
 * resolv.conf(5).  Addresses only: no name is ever looked up here.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netdb.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/dns_local.h"

#define PORT		"53"

struct dns *
dns_new(void)
{
	struct dns *dns = calloc(1, sizeof(*dns));

	if (dns != NULL) {
		dns->ms = 1500;
		dns->tries = 3;
	}
	return dns;
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
