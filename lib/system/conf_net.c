/* SPDX-License-Identifier: ISC
 *
 * Networks and addresses of the configuration.  IPv4 is kept as IPv4-mapped
 * IPv6, so that one comparison serves both and a dual-stack socket's
 * ::ffff:192.0.2.1 is the address people write.
 */
#include <arpa/inet.h>
#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>

#include "system/conf.h"

static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
	0xff };

static int
address_parse(unsigned char addr[16], int *width, const char *s)
{
	if (inet_pton(AF_INET, s, addr + 12) == 1) {
		memcpy(addr, mapped, sizeof(mapped));
		*width = 32;
		return 0;
	}
	*width = 128;
	return inet_pton(AF_INET6, s, addr) == 1 ? 0 : -1;
}

static bool
net_has(const struct conf_net *net, const unsigned char addr[16])
{
	int whole = net->bits / 8, rest = net->bits % 8;

	if (memcmp(net->addr, addr, (size_t)whole) != 0)
		return false;
	return rest == 0 ||
	    ((net->addr[whole] ^ addr[whole]) >> (8 - rest)) == 0;
}

/* network = address [ "/" bits ]; bits behind the mask must be zero. */
int
conf_net_parse(struct conf_net *net, const char *s)
{
	char text[INET6_ADDRSTRLEN];
	const char *slash = strchr(s, '/'), *why;
	size_t n = slash == NULL ? strlen(s) : (size_t)(slash - s);
	struct conf_net own;
	int width, i;

	if (n >= sizeof(text))
		return -1;
	memcpy(text, s, n);
	text[n] = '\0';
	if (address_parse(own.addr, &width, text) == -1)
		return -1;
	own.bits = width;
	if (slash != NULL) {
		if (slash[1] < '0' || slash[1] > '9')
			return -1;
		own.bits = (int)strtonum(slash + 1, 0, width, &why);
		if (why != NULL)
			return -1;
	}
	own.bits += 128 - width;
	for (i = own.bits; i < 128; i++)
		if (own.addr[i / 8] & (0x80 >> i % 8))
			return -1;
	*net = own;
	return 0;
}

static bool
nets_have(const struct conf_nets *nets, const unsigned char addr[16])
{
	size_t i;

	for (i = 0; i < nets->n; i++)
		if (net_has(&nets->v[i], addr))
			return true;
	return false;
}

bool
conf_nets_match(const struct conf_nets *nets, const struct sockaddr *sa)
{
	unsigned char addr[16];

	if (nets == NULL || sa == NULL)
		return false;
	if (sa->sa_family == AF_INET) {
		memcpy(addr, mapped, sizeof(mapped));
		memcpy(addr + 12,
		    &((const struct sockaddr_in *)sa)->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6)
		memcpy(addr, &((const struct sockaddr_in6 *)sa)->sin6_addr,
		    sizeof(addr));
	else
		return false;
	return nets_have(nets, addr);
}

bool
conf_nets_match_ip(const struct conf_nets *nets, const char *ip)
{
	unsigned char addr[16];
	int width;

	return nets != NULL && address_parse(addr, &width, ip) == 0 &&
	    nets_have(nets, addr);
}
