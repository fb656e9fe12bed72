/* SPDX-License-Identifier: ISC
 *
 * Proves which addresses of the envelope are taken, and what they become:
 * by rows, and by the cases of the isemail test suite where they apply.
 */
#include <stdlib.h>

#include "grammar/address.h"
#include "tap.h"
#include "isemail.h"

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A64 "a" A63
#define A255 A64 A64 A64 A63

static const struct {
	const char	*in;
	const char	*local, *domain;	/* NULL: malformed */
	const char	*text;			/* NULL: as in, no brackets */
} rows[] = {
	{ "a@b.example", "a", "b.example", NULL },
	{ "<a@b.example>", "a", "b.example", "a@b.example" },
	{ "", "", "", NULL },
	{ "<>", "", "", "" },
	{ "<Postmaster>", "Postmaster", "", "Postmaster" },
	{ "root", "root", "", NULL },
	{ "a.b+c@x", "a.b+c", "x", NULL },
	{ "\"a b\"@x", "a b", "x", NULL },
	{ "\"a.b\"@x", "a.b", "x", "a.b@x" },
	{ "\"a\\b\"@x", "ab", "x", "ab@x" },
	{ "\"a\\\"b\\\\\"@x", "a\"b\\", "x", NULL },
	{ "\"\"@x", "", "x", NULL },
	{ "\"a..b\"@x", "a..b", "x", NULL },
	{ "\"<>\"@x", "<>", "x", NULL },
	{ "a@[192.0.2.1]", "a", "[192.0.2.1]", NULL },
	{ "a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]", NULL },
	{ "a@[ipv6:::1]", "a", "[ipv6:::1]", NULL },
	{ "<@r.example:a@b>", "a", "b", "a@b" },
	{ "<@r.example,@s.example:a@b>", "a", "b", "a@b" },
	{ "a@my_host.example", "a", "my_host.example", NULL },
	{ A255 "@b", A255, "b", NULL },
	{ "a@" A63 "." A63 "." A63 "." A63, "a", A63 "." A63 "." A63 "." A63,
	    NULL },
	{ "a" A255 "@b", NULL, NULL, NULL },
	{ "\"a" A255 "\"@b", NULL, NULL, NULL },
	{ "a@" A64, NULL, NULL, NULL },
	{ "a@" A63 "." A63 "." A63 "." A63 ".a", NULL, NULL, NULL },
	{ "@b", NULL, NULL, NULL },
	{ "a@", NULL, NULL, NULL },
	{ "a b@c", NULL, NULL, NULL },
	{ "a@b c", NULL, NULL, NULL },
	{ "a@b@c", NULL, NULL, NULL },
	{ ".a@b", NULL, NULL, NULL },
	{ "a.@b", NULL, NULL, NULL },
	{ "a..b@c", NULL, NULL, NULL },
	{ "a@.b", NULL, NULL, NULL },
	{ "a@b.", NULL, NULL, NULL },
	{ "a@b..c", NULL, NULL, NULL },
	{ "a@-b", NULL, NULL, NULL },
	{ "a@b-", NULL, NULL, NULL },
	{ "\"\"", NULL, NULL, NULL },
	{ "\"a@b", NULL, NULL, NULL },
	{ "\"a\\", NULL, NULL, NULL },
	{ "\"a\tb\"@c", NULL, NULL, NULL },
	{ "\"a\\\tb\"@c", NULL, NULL, NULL },
	{ "<a@b", NULL, NULL, NULL },
	{ "<a@b>x", NULL, NULL, NULL },
	{ "< a@b>", NULL, NULL, NULL },
	{ "<@r:a>", NULL, NULL, NULL },
	{ "<@r,s:a@b>", NULL, NULL, NULL },
	{ "<@r>", NULL, NULL, NULL },
	{ "<@>", NULL, NULL, NULL },
	{ "<@:a@b>", NULL, NULL, NULL },
	{ "\xc3\xa9@b", NULL, NULL, NULL },
	{ "a@\xc3\xa9", NULL, NULL, NULL },
	{ "a@[192.0.2]", NULL, NULL, NULL },
	{ "a@[192.0.2.256]", NULL, NULL, NULL },
	{ "a@[192.0.2.1", NULL, NULL, NULL },
	{ "a@[2001:db8::1]", NULL, NULL, NULL },
	{ "a@[IPv6:192.0.2.1]", NULL, NULL, NULL },
	{ "a@[x400:whatever]", NULL, NULL, NULL },
	{ "a@[]", NULL, NULL, NULL }
};

static void
check(size_t i)
{
	char text[ADDRESS_TEXT_MAX];
	struct address a, again;
	const char *why = NULL, *want;
	int good = rows[i].local != NULL;

	is_int(address_parse(&a, rows[i].in, strlen(rows[i].in), &why),
	    good ? 1 : -1, rows[i].in);
	if (!good) {
		ok(why != NULL, "there is a reason: %s", why ? why : "");
		return;
	}
	is_str(a.local, rows[i].local, "local part");
	is_str(a.domain, rows[i].domain, "domain");
	want = rows[i].text != NULL ? rows[i].text : rows[i].in;
	is_str(address_text(&a, text), want, "as text");
	address_parse(&again, text, strlen(text), NULL);
	ok(address_equal(&a, &again), "and the text is the same address");
}

/* RFC 5321 wants none of what only RFC 5322 allows; and the limits here are
 * wider than the suite's. */
static int
suite_takes(const struct isemail *c)
{
	static const char *const wider[] = {
		"ISEMAIL_RFC5322_LOCAL_TOOLONG", "ISEMAIL_RFC5322_TOOLONG",
		"ISEMAIL_RFC5321_IPV6DEPRECATED"
	};
	size_t i;

	for (i = 0; i < 3; i++)
		if (strcmp(c->diagnosis, wider[i]) == 0)
			return 1;
	return strcmp(c->category, "ISEMAIL_VALID_CATEGORY") == 0 ||
	    strcmp(c->category, "ISEMAIL_DNSWARN") == 0 ||
	    strcmp(c->category, "ISEMAIL_RFC5321") == 0;
}

static void
check_suite(const struct isemail *c)
{
	struct address a;
	int good;

	good = address_parse(&a, c->address, c->len, NULL) == 1 &&
	    (a.domain[0] != '\0');
	ok(good == suite_takes(c), "isemail %s: %s", c->id, c->diagnosis);
}

static void
check_utf8(void)
{
	char text[ADDRESS_TEXT_MAX];
	const char *why = "";
	struct address a;

	is_int(address_parse(&a, "\303\251@b", 4, &why), -1,
	    "not ASCII is malformed");
	ok(why[0] != '\0', "why: %s", why);
	is_int(address_parse_utf8(&a, "\303\251@b\303\274.x", 8, NULL), 1,
	    "but where UTF-8 may be");
	is_int(address_is_ascii(&a), 0, "it is not ASCII");
	is_str(address_text(&a, text), "\303\251@b\303\274.x",
	    "and needs no quotes");
	is_int(address_parse_utf8(&a, "\"\303\251 x\"@b", 8, NULL), 1,
	    "quoted too");
	is_str(a.local, "\303\251 x", "its local part");
	is_int(address_parse_utf8(&a, "\303@b", 3, NULL), -1, "cut");
	is_int(address_parse_utf8(&a, "\302\205@b", 4, NULL), -1, "a control");
	is_int(address_parse_utf8(&a, "a@\302\205", 4, NULL), -1,
	    "and in a domain");
	address_parse_utf8(&a, "a@b", 3, NULL);
	is_int(address_is_ascii(&a), 1, "ASCII");
	is_int(address_is_host("m\303\274.x", 5), 0, "no host for the DNS");
}

int
main(void)
{
	unsigned char ip[16];
	struct address a, b;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(i);
	address_parse(&a, "a@B.Example", 11, NULL);
	address_parse(&b, "\"a\"@b.eXAMPLE", 13, NULL);
	ok(address_equal(&a, &b), "domains have no letter case");
	address_parse(&b, "A@b.example", 11, NULL);
	ok(!address_equal(&a, &b), "local parts have");
	is_int(address_parse(&a, "a\0b@c", 5, NULL), -1, "NUL");
	is_int(address_parse(&a, "a@b\0", 4, NULL), -1, "NUL at the end");
	is_int(address_literal_ip("[192.0.2.1]", 11, ip), 4, "IPv4 literal");
	is_mem(ip, 4, "\300\0\2\1", 4, "its octets");
	is_int(address_literal_ip("[IPv6:::1]", 10, ip), 6, "IPv6 literal");
	is_int(ip[15], 1, "its last octet");
	is_int(address_literal_ip("192.0.2.1", 9, ip), 0, "no brackets");
	check_utf8();
	is_int(address_is_host("mx.example", 10), 1, "a host");
	is_int(address_is_host("[192.0.2.1]", 11), 1, "a literal");
	is_int(address_is_host("mx example", 10), 0, "not a host");
	isemail_each(check_suite);
	return done();
}
