/* SPDX-License-Identifier: ISC
 *
 * Proves the rules of single keys, what is implied when a key is absent, and
 * that a reread touches nothing of what was there.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/settings.h"
#include "mail/start.h"
#include "tap.h"

static const struct {
	const char	*assign;
	const char	*want;		/* NULL: good; else in the message */
} rows[] = {
	{ "hostname=mx.example.org", NULL },
	{ "hostname=mx..example.org", "is not a host name" },
	{ "hostname=.example.org", "is not a host name" },
	{ "hostname=mx example", "is not a host name" },
	{ "domains=example.org example.net.", NULL },
	{ "domains=example.org ex@mple.net", "is not a host name" },
	{ "relay=smtp.example.org", NULL },
	{ "relay=smtp.example.org:2525", NULL },
	{ "relay=192.0.2.1:25", NULL },
	{ "relay=[192.0.2.1]:25", NULL },
	{ "relay=[2001:db8::1]:25", NULL },
	{ "relay=2001:db8::1", NULL },
	{ "relay=", NULL },
	{ "relay=host:0", "has no good port" },
	{ "relay=host:65536", "has no good port" },
	{ "relay=host:", "has no good port" },
	{ "relay=[2001:db8::1]x", "is not HOST[:PORT]" },
	{ "relay=[2001:db8::1", "is not HOST[:PORT]" },
	{ "route=example.com 127.0.0.1:2525", NULL },
	{ "route=example.com host:x", "has no good port" },
	{ "route=example.com", "takes two words" },
	{ "resolver=127.0.0.1@5353", NULL },
	{ "dnssec_anchor=/usr/share/dns/root.key", NULL },
	{ "resolver=::1", NULL },
	{ "resolver=127.0.0.1@5353 ::1 192.0.2.1", NULL },
	{ "resolver=::1 x", "is not ADDR[@PORT]" },
	{ "resolver=::1 ::1@0", "has no good port" },
	{ "resolver=::1 ::2 ::3 ::4", NULL },
	{ "resolver=::1 ::2 ::3 ::4 ::5", "is more than four servers" },
	{ "resolver=localhost", "is not ADDR[@PORT]" },
	{ "resolver=127.0.0.1@x", "has no good port" },
	{ "users=system", NULL },
	{ "users=./users", NULL },
	{ "users=passwd", "is neither" },
	{ "users=", "must not be empty" },
	{ "mail=/m/%d/%u/%%", NULL },
	{ "mail=/m/%x", "has a %" },
	{ "mail=/m/%", "has a %" },
	{ "auth_mechanisms=plain", NULL },
	{ "auth_mechanisms=CRAM-MD5", "is not a mechanism" },
	{ "pop3_uidl=%f", NULL },
	{ "pop3_uidl=%v", "is no form of unique ids" },
	{ "pop3_uidl=", "must not be empty" },
	{ "pop3_expire=NEVER", NULL },
	{ "pop3_expire=0", NULL },
	{ "pop3_expire=never", "is neither NEVER nor" },
	{ "pop3_expire=+1", "is neither NEVER nor" },
	{ "pop3_expire=", "must not be empty" },
	{ "pop3_login_delay=15m", NULL },
	{ "pop3_login_delay=2d", "too large" },
	{ "max_size=0", "too small" },
	{ "smtp_port=70000", "too large" },
	{ "tls_key=/k", "tls_cert is not" },
	{ "relay_domain=example.org", "unknown key relay_domain" },
};

static const struct {
	const char	*text;
	const char	*host;		/* NULL: malformed */
	int		 port;		/* 7: none given */
} hosts[] = {
	{ "mx.example.org", "mx.example.org", 7 },
	{ "mx.example.org:2525", "mx.example.org", 2525 },
	{ "192.0.2.1:25", "192.0.2.1", 25 },
	{ "[192.0.2.1]", "192.0.2.1", 7 },
	{ "[2001:db8::1]:65535", "2001:db8::1", 65535 },
	{ "2001:db8::1", "2001:db8::1", 7 },
	{ "host:99999", NULL, 0 },
	{ "host:25x", NULL, 0 },
	{ "[2001:db8::1]25", NULL, 0 },
	{ ":25", NULL, 0 },
	{ "[]", NULL, 0 },
	{ "", NULL, 0 },
};

static void
test_hosts(void)
{
	char host[SETTINGS_HOST_MAX];
	unsigned short port;
	size_t i;
	int r;

	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		port = 7;
		r = settings_host_port(hosts[i].text, host, &port);
		ok(hosts[i].host == NULL ? r == -1 : r == 0 &&
		    strcmp(host, hosts[i].host) == 0 &&
		    port == hosts[i].port, "\"%s\" in two", hosts[i].text);
	}
}

static void
write_file(const char *file, const char *text)
{
	FILE *f = fopen(file, "w");

	if (f != NULL) {
		fputs(text, f);
		fclose(f);
	}
}

static void
test_start(const char *file)
{
	static int flag;
	static const char *value;
	static const struct start_option options[] = {
		{ 'T', "tls", NULL, "TLS first", &flag, NULL },
		{ 'm', "mode", "MODE", "which", NULL, &value },
		{ 0 }
	};
	static const struct start st = { "prog", "[-T]", "tests", options,
	    NULL };
	char *argv[] = { (char[]){ "prog" }, (char[]){ "--tls" },
	    (char[]){ "-m" }, (char[]){ "mx" }, (char[]){ "-c" },
	    strdup(file), (char[]){ "-omax_size=2K" }, (char[]){ "left" },
	    NULL };
	struct settings s, fresh;
	int operand = 0;

	is_int(start(&st, 8, argv, &s, &operand), START_GO, "a good start");
	ok(flag == 1 && value != NULL && strcmp(value, "mx") == 0,
	    "own options, short and long");
	is_int(operand, 7, "the operand behind them");
	is_str(s.hostname, "a.example.org", "the file is read");
	is_int(s.max_size, 2048, "-o wins");
	write_file(file, "hostname b.example.org\nnonsense\n");
	is_int(start_reread(&fresh), -1, "a reread with a fault");
	write_file(file, "hostname b.example.org\n");
	is_int(start_reread(&fresh), 0, "a good reread");
	is_str(fresh.hostname, "b.example.org", "has the new");
	is_int(fresh.max_size, 2048, "and -o again");
	is_str(s.hostname, "a.example.org", "the old is as it was");
	settings_free(&fresh);
	settings_free(&s);
	free(argv[5]);
}

/* Where mail for a domain goes, whatever form its name has. */
static void
test_next_host(const char *file)
{
	static const struct {
		const char	*local, *from, *domain, *want;
	} routes[] = {
		{ "", "", "b.test", "one.test" },
		{ "", "", "B.Test.", "one.test" },
		{ "", "", "xn--bcher-kva.test", "two.test:26" },
		{ "", "", "b\xc3\xbc" "cher.test", "two.test:26" },
		{ "", "", "other.test", "relay.test" },
		{ "", "", "a.b.test", "relay.test" },
		{ "", "", "\xff.test", "relay.test" },
		{ "", "", "a.below.test", "three.test" },
		{ "", "", "a.b.Below.Test", "three.test" },
		{ "", "", "below.test", "relay.test" },
		{ "", "", "notbelow.test", "relay.test" },
		{ "alice", "mine.test", "other.test", "hers.test:587" },
		{ "Alice", "MINE.test", "other.test", "hers.test:587" },
		{ "bob", "mine.test", "other.test", "ours.test" },
		{ "alice", "mine.test", "b.test", "one.test" },
		{ "alice", "b.mine.test", "other.test", "relay.test" },
	};
	struct address sender = { 0 };
	char error[CONF_ERROR_MAX];
	struct settings s;
	size_t i;

	write_file(file, "hostname a.test\nrelay relay.test\n"
	    "route b.test one.test\nroute xn--bcher-kva.test two.test:26\n"
	    "route .below.test three.test\n"
	    "relay_by_sender alice@mine.test hers.test:587\n"
	    "relay_by_sender @mine.test ours.test\n");
	is_int(settings_load(&s, file, NULL, 0, error), 0, "routes");
	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		strlcpy(sender.local, routes[i].local, sizeof(sender.local));
		strlcpy(sender.domain, routes[i].from, sizeof(sender.domain));
		is_str(settings_next_host(&s, &sender, routes[i].domain),
		    routes[i].want, routes[i].domain);
	}
	is_str(settings_next_host(&s, NULL, "other.test"), "relay.test",
	    "any sender");
	settings_free(&s);
}

int
main(void)
{
	char file[] = "/tmp/stdmail-settings.XXXXXX", error[CONF_ERROR_MAX];
	struct settings s;
	size_t i;
	int r;

	close(mkstemp(file));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = settings_load(&s, file, &rows[i].assign, 1, error);
		if (rows[i].want == NULL) {
			is_int(r, 0, rows[i].assign);
			if (r == 0)
				settings_free(&s);
			else
				printf("# %s\n", error);
		} else if (!ok(r == -1 && strstr(error, rows[i].want) != NULL,
		    "%s: %s", rows[i].assign, rows[i].want))
			printf("# %s\n", r == 0 ? "accepted" : error);
	}
	write_file(file, "hostname mx.Example.org\n");
	is_int(settings_load(&s, file, NULL, 0, error), 0, "only a name");
	ok(settings_is_local(&s, "MX.example.ORG.", 15),
	    "without domains our name is the domain");
	ok(!settings_is_local(&s, "example.org", 11), "and no other");
	is_int(settings_check_hostname(&s, error), 0, "a full name is good");
	settings_free(&s);
	write_file(file, "hostname mx.a.test\ndomains b\303\274cher.test "
	    "xn--caf-dma.test\nrelay_domains xn--bcher-kva.org\n"
	    "route b\303\274cher.net one\nroute xn--caf-dma.net two\n");
	is_int(settings_load(&s, file, NULL, 0, error), 0, "UTF-8");
	ok(settings_is_local(&s, "xn--bcher-kva.TEST.", 19) &&
	    settings_is_local(&s, "b\303\274cher.test", 12) &&
	    settings_is_local(&s, "caf\303\251.test", 10) &&
	    !settings_is_local(&s, "b\303\266cher.test", 12),
	    "a domain is ours in both forms");
	ok(settings_is_relay(&s, "b\303\274cher.org", 11), "so relay_domains");
	is_str(settings_next_host(&s, NULL, "xn--bcher-kva.net"), "one",
	    "so route");
	is_str(settings_next_host(&s, NULL, "CAF\303\251.net"), "two",
	    "both ways");
	is_str(settings_next_host(&s, NULL, "cafe.net"), "", "and no other");
	settings_free(&s);
	write_file(file, "hostname mail\n");
	settings_load(&s, file, NULL, 0, error);
	is_int(settings_check_hostname(&s, error), -1, "a short one is not");
	is_str(error, "hostname mail is not a full name such as "
	    "mx.example.org", "and is named");
	settings_free(&s);
	write_file(file, "hostname a.example.org\n");
	test_start(file);
	test_hosts();
	test_next_host(file);
	unlink(file);
	is_int(settings_load(&s, file, NULL, 0, error), -1,
	    "a file that was named must be there");
	return done();
}
