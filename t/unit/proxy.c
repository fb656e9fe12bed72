/* SPDX-License-Identifier: ISC
 *
 * Proves which PROXY headers are taken, that each may come octet by octet,
 * and that no octet behind it is asked for.
 */
#include <arpa/inet.h>

#include "grammar/proxy.h"
#include "tap.h"

#define STR(s) s, sizeof(s) - 1
#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\300\0\2\1" "\300\0\2\2" "\1\2" "\0\31"
#define IP6 "\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0"
#define V6 IP6 "\1" IP6 "\2" "\1\2" "\0\31"

/* rest: octets behind the header, part of the row. */
static const struct {
	const char	*in;
	size_t		 n;
	int		 r;
	size_t		 rest;
	const char	*src;		/* NULL: PROXY_NONE */
	unsigned	 port;
} rows[] = {
	{ STR("PROXY TCP4 192.0.2.1 192.0.2.2 258 25\r\nEHLO"), 1, 4,
	    "192.0.2.1", 258 },
	{ STR("PROXY TCP6 2001:db8::1 2001:db8::2 258 25\r\n"), 1, 0,
	    "2001:db8::1", 258 },
	{ STR("PROXY UNKNOWN\r\nEHLO"), 1, 4, NULL, 0 },
	{ STR("PROXY UNKNOWN anything at all\r\n"), 1, 0, NULL, 0 },
	{ STR("PROXY TCP4 192.0.2.1 192.0.2.2 0 65535\r\n"), 1, 0,
	    "192.0.2.1", 0 },
	{ STR("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n"), -1, 0, NULL, 0 },
	{ STR("PROXY TCP4 192.0.2.1 192.0.2.2 01 25\r\n"), -1, 0, NULL, 0 },
	{ STR("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"), -1, 0, NULL, 0 },
	{ STR("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"), -1, 0, NULL, 0 },
	{ STR("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n"), -1, 0, NULL, 0 },
	{ STR("PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n"), -1, 0, NULL, 0 },
	{ STR("PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n"), -1, 0, NULL, 0 },
	{ STR("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n"), -1, 0, NULL, 0 },
	{ STR("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n"), -1, 0, NULL, 0 },
	{ STR("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n"), -1, 0, NULL, 0 },
	{ STR("proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), -1, 0, NULL, 0 },
	{ STR("EHLO client\r\n"), -1, 0, NULL, 0 },
	{ STR("PROXYTCP4"), -1, 0, NULL, 0 },
	{ STR("PROXY TCP4 192.0.2.1 192.0.2"), 0, 0, NULL, 0 },
	{ STR("PROXY UNKNOWN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"), 1, 0, NULL, 0 },
	{ STR("PROXY UNKNOWN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"), -1, 0, NULL,
	    0 },
	{ STR(SIG "\x21\x11\0\14" V4 "EHLO"), 1, 4, "192.0.2.1", 258 },
	{ STR(SIG "\x21\x21\0\44" V6), 1, 0, "2001:db8::1", 258 },
	{ STR(SIG "\x21\x11\0\20" V4 "\4\0\1x" "EHLO"), 1, 4, "192.0.2.1",
	    258 },
	{ STR(SIG "\x20\0\0\0"), 1, 0, NULL, 0 },
	{ STR(SIG "\x20\x11\0\14" V4), 1, 0, NULL, 0 },
	{ STR(SIG "\x21\0\0\0"), 1, 0, NULL, 0 },
	{ STR(SIG "\x21\x31\0\1x"), 1, 0, NULL, 0 },
	{ STR(SIG "\x21\x12\0\14" V4), 1, 0, NULL, 0 },
	{ STR(SIG "\x21\x11\0\13" "123456789ab"), -1, 0, NULL, 0 },
	{ STR(SIG "\x21\x21\0\14" V4), -1, 0, NULL, 0 },
	{ STR(SIG "\x22\x11\0\14" V4), -1, 0, NULL, 0 },
	{ STR(SIG "\x11\x11\0\14" V4), -1, 0, NULL, 0 },
	{ STR(SIG "\x21\x11\377\377"), -1, 0, NULL, 0 },
	{ STR(SIG "\x21\x11\0\14" "short"), 0, 0, NULL, 0 },
	{ STR("\r\n\r\n\0\r\nQUIX\n\x21\x11\0\14" V4), -1, 0, NULL, 0 }
};

static void
check(size_t i)
{
	struct proxy_header h;
	char text[INET6_ADDRSTRLEN];
	size_t n = 0, want = 0, asked = 0;
	int r = 0;

	is_int(proxy_parse(&h, rows[i].in, rows[i].n, &want), rows[i].r,
	    rows[i].in);
	/* Again, with what is asked for. */
	while ((r = proxy_parse(&h, rows[i].in, n, &want)) == 0) {
		if (want <= n || want > rows[i].n)
			break;
		n = asked = want;
	}
	is_int(r, rows[i].r, "step by step");
	if (r == 0)
		ok(want > n, "it asks for more");
	if (r != 1)
		return;
	is_int((long long)h.len, (long long)(rows[i].n - rows[i].rest),
	    "its length");
	is_int((long long)asked, (long long)h.len,
	    "what is behind was not asked for");
	is_int(h.family != PROXY_NONE, rows[i].src != NULL, "an address?");
	if (rows[i].src == NULL)
		return;
	inet_ntop(h.family == PROXY_IPV4 ? AF_INET : AF_INET6, h.src, text,
	    sizeof(text));
	is_str(text, rows[i].src, "source");
	is_int(h.src_port, rows[i].port, "its port");
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(i);
	return done();
}
