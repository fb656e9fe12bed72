/* SPDX-License-Identifier: ISC
 *
 * The header of the PROXY protocol, as HAProxy's proxy-protocol.txt has it:
 * version 1, a line, and version 2, binary.  It must never ask for an octet
 * that may belong to what comes behind the header.
 */
#include <arpa/inet.h>

#include <string.h>

#include "grammar/chars.h"
#include "grammar/proxy.h"

static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";

#define SIGNATURE	(sizeof(signature) - 1)

/* Version 2: the octets behind the signature. */
enum {
	V2_COMMAND = 12,	/* 0x20 LOCAL, 0x21 PROXY */
	V2_FAMILY = 13,		/* 0x11 TCP over IPv4, 0x21 over IPv6 */
	V2_LENGTH = 14
};

static uint16_t
get16(const char *p)
{
	return (uint16_t)((unsigned char)p[0] << 8 | (unsigned char)p[1]);
}

/* The whole header is there.  TLVs behind the addresses are skipped. */
static int
parse_v2(struct proxy_header *h, const char *p, size_t len)
{
	unsigned family = (unsigned char)p[V2_FAMILY];
	size_t ip = family == 0x11 ? 4 : 16;

	h->len = PROXY_V2_MIN + len;
	switch ((unsigned char)p[V2_COMMAND]) {
	case 0x20:
		return 1;
	case 0x21:
		break;
	default:
		return -1;
	}
	if (family != 0x11 && family != 0x21)
		return 1;	/* UDP, UNIX, unspecified: not an address */
	if (len < 2 * ip + 4)
		return -1;
	p += PROXY_V2_MIN;
	memcpy(h->src, p, ip);
	memcpy(h->dst, p + ip, ip);
	h->src_port = get16(p + 2 * ip);
	h->dst_port = get16(p + 2 * ip + 2);
	h->family = ip == 4 ? PROXY_IPV4 : PROXY_IPV6;
	return 1;
}

static int
need(size_t *want, size_t n)
{
	*want = n;
	return 0;
}

static int
look_v2(struct proxy_header *h, const char *p, size_t n, size_t *want)
{
	size_t len;

	if (n < PROXY_V2_MIN)
		return need(want, PROXY_V2_MIN);
	len = get16(p + V2_LENGTH);
	if (PROXY_V2_MIN + len > PROXY_V2_MAX)
		return -1;
	if (n < PROXY_V2_MIN + len)
		return need(want, PROXY_V2_MIN + len);
	return parse_v2(h, p, len);
}

/* The next word, behind exactly one space: 1 and copied, or -1. */
static int
word(const char **p, const char *end, char *to, size_t size)
{
	const char *start;
	size_t n;

	if (*p >= end || **p != ' ')
		return -1;
	for (start = ++(*p); *p < end && **p != ' '; (*p)++)
		;
	n = (size_t)(*p - start);
	if (n == 0 || n >= size || memchr(start, '\0', n) != NULL)
		return -1;
	memcpy(to, start, n);
	to[n] = '\0';
	return 1;
}

/* A port: 0 to 65535, without leading zeros. */
static int
port(const char **p, const char *end, uint16_t *value)
{
	char text[6];
	unsigned v = 0;
	size_t i;

	if (word(p, end, text, sizeof(text)) < 0 ||
	    (text[0] == '0' && text[1] != '\0'))
		return -1;
	for (i = 0; text[i] != '\0'; i++) {
		if (!char_is(text[i], CHAR_DIGIT))
			return -1;
		v = v * 10 + (unsigned)(text[i] - '0');
	}
	if (v > 65535)
		return -1;
	*value = (uint16_t)v;
	return 1;
}

static int
address(const char **p, const char *end, int family, unsigned char ip[16])
{
	char text[INET6_ADDRSTRLEN];

	if (word(p, end, text, sizeof(text)) < 0)
		return -1;
	return inet_pton(family, text, ip) == 1 ? 1 : -1;
}

/* "PROXY" SP ( "UNKNOWN" ... / ( "TCP4" / "TCP6" ) SP source SP destination
 * SP source port SP destination port ) CRLF; end is at the CR. */
static int
parse_v1(struct proxy_header *h, const char *p, const char *end)
{
	char protocol[8];
	int family;

	if (word(&p, end, protocol, sizeof(protocol)) < 0)
		return -1;
	if (strcmp(protocol, "UNKNOWN") == 0)
		return 1;
	if (strcmp(protocol, "TCP4") == 0)
		family = AF_INET;
	else if (strcmp(protocol, "TCP6") == 0)
		family = AF_INET6;
	else
		return -1;
	if (address(&p, end, family, h->src) < 0 ||
	    address(&p, end, family, h->dst) < 0 ||
	    port(&p, end, &h->src_port) < 0 ||
	    port(&p, end, &h->dst_port) < 0 || p != end)
		return -1;
	h->family = family == AF_INET ? PROXY_IPV4 : PROXY_IPV6;
	return 1;
}

static int
look_v1(struct proxy_header *h, const char *p, size_t n, size_t *want)
{
	const char *lf = memchr(p, '\n', n);

	if (lf == NULL) {
		if (n >= PROXY_V1_MAX)
			return -1;
		/* "PROXY UNKNOWN\r\n" is the shortest. */
		if (n < 15)
			return need(want, 15);
		if (p[n - 1] == '\r' || n + 1 == PROXY_V1_MAX)
			return need(want, n + 1);
		return need(want, n + 2);
	}
	if (lf - p >= PROXY_V1_MAX || lf[-1] != '\r')
		return -1;
	h->len = (size_t)(lf - p) + 1;
	return parse_v1(h, p + 5, lf - 1);
}

/* 1: n octets of p are the beginning of the word, or all of it. */
static int
begins(const char *p, size_t n, const char *word, size_t len)
{
	return memcmp(p, word, n < len ? n : len) == 0;
}

int
proxy_parse(struct proxy_header *h, const char *p, size_t n, size_t *want)
{
	memset(h, 0, sizeof(*h));
	*want = 0;
	if (n == 0)
		return need(want, 6);
	if (begins(p, n, signature, SIGNATURE))
		return n < SIGNATURE ? need(want, PROXY_V2_MIN) :
		    look_v2(h, p, n, want);
	if (begins(p, n, "PROXY ", 6))
		return n < 6 ? need(want, 15) : look_v1(h, p, n, want);
	return -1;
}
