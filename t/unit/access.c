/* SPDX-License-Identifier: ISC
 *
 * Proves the tables of keys deny and allow: what each kind of line matches and
 * what not, that a bad line is named and takes no other away, and that a file
 * is read again when it has changed.
 */
#include <stdlib.h>
#include <unistd.h>

#include "mail/access.h"
#include "system/activate.h"
#include "tap.h"

static char dir[] = "/tmp/access.XXXXXX", path[64];

static void
write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) == EOF || fclose(f) == EOF)
		perror(path);
}

static const char *
of_ip(const struct access *t, const char *ip)
{
	struct peer p;

	return peer_set_ip(&p, ip, 0) == -1 ? "?" :
	    access_address(t, (const struct sockaddr *)&p.addr);
}

static const char *
of_sender(const struct access *t, const char *text)
{
	struct address a;

	return address_parse_utf8(&a, text, strlen(text), NULL) != 1 ? "?" :
	    access_sender(t, &a);
}

static void
addresses(void)
{
	static const struct { const char *ip, *want; } rows[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "192.0.2.2", "192.0.2.0/28" },
		{ "192.0.2.15", "192.0.2.0/28" },
		{ "192.0.2.16", NULL },
		{ "10.255.0.1", "10.0.0.0/8" },
		{ "11.0.0.0", NULL },
		{ "::ffff:10.0.0.1", "10.0.0.0/8" },
		{ "2001:db8::1", "2001:db8::/33" },
		{ "2001:db8:8000::1", NULL },
		{ "::1", NULL },
	};
	struct access t = { 0 };
	size_t i;

	write_file("client 10.0.0.0/8\nclient 192.0.2.0/28 # some\n"
	    "client 192.0.2.1\n\n  client\t2001:DB8::/33\r\n");
	access_refresh(&t, path);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_str(of_ip(&t, rows[i].ip), rows[i].want, rows[i].ip);
	access_free(&t);
	write_file("client 0.0.0.0/0\n");
	access_refresh(&t, path);
	is_str(of_ip(&t, "8.8.8.8"), "0.0.0.0/0", "everybody by IPv4");
	is_str(of_ip(&t, "2001:db8::1"), NULL, "is nobody by IPv6");
	access_free(&t);
}

static void
names(void)
{
	static const struct {
		enum access_what what;
		const char	*name, *want;
	} rows[] = {
		{ ACCESS_CLIENT, "mx.example.net", "mx.example.net" },
		{ ACCESS_CLIENT, "MX.Example.NET.", "mx.example.net" },
		{ ACCESS_CLIENT, "a.mx.example.net", NULL },
		{ ACCESS_CLIENT, "a.dyn.example", ".dyn.example" },
		{ ACCESS_CLIENT, "a.b.dyn.example", ".dyn.example" },
		{ ACCESS_CLIENT, "dyn.example", NULL },
		{ ACCESS_CLIENT, "notdyn.example", NULL },
		{ ACCESS_CLIENT, "", NULL },
		{ ACCESS_HELO, "mx.example.net", NULL },
		{ ACCESS_HELO, "[192.0.2.9]", "[192.0.2.9]" },
		{ ACCESS_HELO, "x", "x" },
		{ ACCESS_HELO, "a.b\303\274cher.org", ".xn--bcher-kva.org" },
	};
	static const struct { const char *from, *want; } senders[] = {
		{ "<>", "<>" }, { "Bob@Example.org", "bob@example.org" },
		{ "bo@example.org", NULL }, { "x@spam.example",
		"spam.example" }, { "x@a.spam.example", NULL },
		{ "x@a.all.example", ".all.example" },
		{ "x@all.example", NULL },
		{ "x@xn--bcher-kva.test", "xn--bcher-kva.test" },
		{ "J\303\266@B\303\274cher.test",
		"j\303\266@xn--bcher-kva.test" },
		{ "x@b\303\266cher.test", NULL },
	};
	struct access t = { 0 };
	size_t i;

	write_file("client mx.example.net.\nclient .dyn.example\n"
	    "helo [192.0.2.9]\nhelo X\nsender <>\nsender BOB@example.org\n"
	    "sender spam.example\nsender .all.example\n"
	    "helo .xn--bcher-kva.org\nsender b\303\274cher.test\n"
	    "sender j\303\266@b\303\274cher.test\n");
	access_refresh(&t, path);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_str(access_name(&t, rows[i].what, rows[i].name),
		    rows[i].want, rows[i].name);
	for (i = 0; i < sizeof(senders) / sizeof(senders[0]); i++)
		is_str(of_sender(&t, senders[i].from), senders[i].want,
		    senders[i].from);
	access_free(&t);
	access_refresh(&t, "");
	is_str(of_sender(&t, "<>"), NULL, "no table has nobody");
	is_str(of_ip(&t, "192.0.2.1"), NULL, "nor an address");
	access_free(&t);
}

static void
faults(void)
{
	static const struct { const char *text, *why; } rows[] = {
		{ "client\n", ":1: " }, { "# x\nclient # x\n", ":2: " },
		{ "from x@y\n", "begins with none" },
		{ "client a b\n", "more than two" },
		{ "client 192.0.2.1/24\n", "no address, network" },
		{ "client 192.0.2.0/33\n", "no address, network" },
		{ "client x@y\n", "no address, network" },
	};
	struct settings s = { .deny = path, .allow = (char *)"" };
	char error[CONF_ERROR_MAX];
	struct access t = { 0 };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file(rows[i].text);
		*error = '\0';
		ok(access_check(&s, error) == -1 &&
		    strstr(error, rows[i].why) != NULL, "%s: %s",
		    rows[i].why, error);
	}
	write_file("client 192.0.2.1\nnonsense\nclient 192.0.2.2\n");
	access_refresh(&t, path);
	is_str(of_ip(&t, "192.0.2.1"), "192.0.2.1", "before a bad line");
	is_str(of_ip(&t, "192.0.2.2"), "192.0.2.2", "and behind it");
	unlink(path);
	access_refresh(&t, path);
	is_str(of_ip(&t, "192.0.2.2"), "192.0.2.2", "gone, and kept");
	write_file("client 192.0.2.3\n");
	access_refresh(&t, path);
	is_str(of_ip(&t, "192.0.2.2"), NULL, "a new file");
	is_str(of_ip(&t, "192.0.2.3"), "192.0.2.3", "is read");
	s.deny = (char *)"";
	is_int(access_check(&s, error), 0, "no table is no fault");
	access_free(&t);
	unlink(path);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/table", dir);
	addresses();
	names();
	faults();
	rmdir(dir);
	return done();
}
