/* SPDX-License-Identifier: ISC
 *
 * The one table of configuration keys.  A key stands here only when some
 * program uses it, and stdmail.conf(5) has an entry for each.
 */
#include <arpa/inet.h>

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "grammar/address.h"
#include "grammar/pop3.h"
#include "mail/dkim_names.h"
#include "mail/settings.h"
#include "mail/special_use.h"
#include "system/dns.h"
#include "system/log.h"

static const char *rule_host(const char *);
static const char *rule_host_port(const char *);
static const char *rule_send_as(const char *);
static const char *rule_tls_policy(const char *);
static const char *rule_resolver(const char *);
static const char *rule_users(const char *);
static const char *rule_mechanism(const char *);
static const char *rule_mail(const char *);
static const char *rule_home(const char *);
static const char *rule_delimiter(const char *);
static const char *rule_uidl(const char *);
static const char *rule_expire(const char *);
static const char *rule_milter(const char *);
static const char *rule_milter_default(const char *);
static const char *rule_address(const char *);
static const char *rule_ip(const char *);
static const char *rule_ipv6(const char *);
static const char *rule_separator(const char *);
static const char *rule_prefix(const char *);
static const char *rule_zone(const char *);
static const char *rule_key_file(const char *);

#define AT(field)	offsetof(struct settings, field)
#define ANY		0, 0
#define PREFIX_MAX	100
#define MILTER_PATH_MAX	108	/* of sockaddr_un */

static const struct conf_key keys[] = {
	{ "hostname", CONF_STRING, AT(hostname), "", ANY, rule_host },
	{ "domains", CONF_LIST, AT(domains), "", ANY, rule_host },
	{ "users", CONF_PATH, AT(users), SETTINGS_USERS, ANY,
	    rule_users },
	{ "mail", CONF_PATH, AT(mail), "", ANY, rule_mail },
	{ "cache_dir", CONF_PATH, AT(cache_dir), "", ANY, NULL },
	{ "spool", CONF_PATH, AT(spool), "/var/spool/stdmail", ANY, NULL },
	{ "postmaster", CONF_STRING, AT(postmaster), "", ANY, NULL },
	{ "aliases", CONF_PATH, AT(aliases), SETTINGS_ALIASES, ANY, NULL },
	{ "default_user", CONF_STRING, AT(default_user), "nobody", ANY, NULL },
	{ "virtual", CONF_PATH, AT(virtual), "", ANY, NULL },
	{ "recipient_delimiter", CONF_STRING, AT(recipient_delimiter), "+",
	    ANY, rule_delimiter },

	{ "tls_cert", CONF_PATH, AT(tls_cert), "", ANY, NULL },
	{ "tls_key", CONF_PATH, AT(tls_key), "", ANY, NULL },
	{ "tls_ca", CONF_PATH, AT(tls_ca), "", ANY, NULL },
	{ "allow_plaintext", CONF_BOOL, AT(allow_plaintext), "no", ANY, NULL },
	{ "auth_mechanisms", CONF_LIST, AT(auth_mechanisms), "PLAIN LOGIN",
	    ANY, rule_mechanism },

	{ "resolver", CONF_WORDS, AT(resolver), "", ANY, rule_resolver },
	{ "resolver_trusted", CONF_BOOL, AT(resolver_trusted), "no", ANY,
	    NULL },
	{ "dnssec_anchor", CONF_PATH, AT(dnssec_anchor), "", ANY, NULL },

	{ "relay", CONF_STRING, AT(relay), "", ANY, rule_host_port },
	{ "relay_from", CONF_NETS, AT(relay_from), "127.0.0.1 ::1", ANY,
	    NULL },
	{ "relay_domains", CONF_LIST, AT(relay_domains), "", ANY,
	    rule_host },
	{ "relay_recipients", CONF_PATH, AT(relay_recipients), "", ANY,
	    NULL },
	{ "relay_verify", CONF_BOOL, AT(relay_verify), "no", ANY, NULL },
	{ "vrfy", CONF_BOOL, AT(vrfy), "no", ANY, NULL },
	{ "srs_secret", CONF_PATH, AT(srs_secret), "", ANY, NULL },
	{ "srs_domain", CONF_STRING, AT(srs_domain), "", ANY, rule_host },
	{ "route", CONF_PAIRS, AT(route), "", ANY, rule_host_port },
	{ "relay_by_sender", CONF_PAIRS, AT(relay_by_sender), "", ANY,
	    rule_host_port },
	{ "relay_login", CONF_PATH, AT(relay_login), "", ANY, NULL },
	{ "tls_policy", CONF_PAIRS, AT(tls_policy), "", ANY,
	    rule_tls_policy },
	{ "tlsrpt_from", CONF_STRING, AT(tlsrpt_from), "", ANY, rule_address },
	{ "smtp_port", CONF_INT, AT(smtp_port), "25", 1, 65535, NULL },
	{ "smtp_source", CONF_LIST, AT(smtp_source), "", ANY, rule_ip },
	{ "smtp_helo", CONF_STRING, AT(smtp_helo), "", ANY, rule_host },
	{ "smtp_ipv6", CONF_STRING, AT(smtp_ipv6), "named", ANY, rule_ipv6 },
	{ "https_port", CONF_INT, AT(https_port), "443", 1, 65535, NULL },
	{ "queue_lifetime", CONF_DURATION, AT(queue_lifetime), "5d", ANY,
	    NULL },
	{ "bounce_lifetime", CONF_DURATION, AT(bounce_lifetime), "1d", ANY,
	    NULL },
	{ "max_workers", CONF_INT, AT(max_workers), "100", 1, 1000, NULL },
	{ "destination_concurrency", CONF_INT, AT(destination_concurrency),
	    "20", 1, 1000, NULL },
	{ "delay_warning", CONF_DURATION, AT(delay_warning), "4h", ANY,
	    NULL },
	{ "dkim", CONF_PAIRS, AT(dkim), "", ANY, rule_key_file },
	{ "submit_socket", CONF_PATH, AT(submit_socket),
	    "/run/stdmail/submit", ANY, NULL },
	{ "list_socket", CONF_PATH, AT(list_socket), "/run/stdmail/mailq", ANY,
	    NULL },

	{ "lmtp_from", CONF_NETS, AT(lmtp_from), "", ANY, NULL },
	{ "send_as", CONF_PAIRS, AT(send_as), "", ANY, rule_send_as },
	{ "submission_hide_client", CONF_BOOL, AT(submission_hide_client),
	    "no", ANY, NULL },
	{ "submission_rate", CONF_INT, AT(submission_rate), "2000", 0,
	    LONG_MAX, NULL },

	{ "sieve", CONF_STRING, AT(sieve), "%h/.dovecot.sieve", ANY,
	    rule_home },
	{ "sieve_dir", CONF_STRING, AT(sieve_dir), "%h/sieve", ANY,
	    rule_home },
	{ "sieve_global", CONF_PATH, AT(sieve_global), "", ANY, NULL },
	{ "sieve_default", CONF_PATH, AT(sieve_default), "", ANY, NULL },
	{ "sieve_redirects", CONF_INT, AT(sieve_redirects), "4", 0, 100,
	    NULL },
	{ "forward", CONF_BOOL, AT(forward), "yes", ANY, NULL },
	{ "qmail", CONF_BOOL, AT(qmail), "no", ANY, NULL },
	{ "program_timeout", CONF_DURATION, AT(program_timeout), "1000", 1,
	    86400, NULL },

	{ "quota", CONF_SIZE, AT(quota), "0", 0, LLONG_MAX / 4, NULL },
	{ "quota_messages", CONF_INT, AT(quota_messages), "0", 0,
	    LLONG_MAX / 4, NULL },
	{ "quota_tempfail", CONF_BOOL, AT(quota_tempfail), "no", ANY, NULL },
	{ "quota_warning", CONF_INT, AT(quota_warning), "90", 0, 100, NULL },
	{ "folder_create", CONF_BOOL, AT(folder_create), "no", ANY, NULL },
	{ "sendmail", CONF_PATH, AT(sendmail), "/usr/sbin/sendmail", ANY,
	    NULL },

	{ "max_size", CONF_SIZE, AT(max_size), "50M", 1, LLONG_MAX / 4,
	    NULL },
	{ "max_recipients", CONF_INT, AT(max_recipients), "1000", 1, 100000,
	    NULL },
	{ "max_sessions", CONF_INT, AT(max_sessions), "1000", 1, 100000,
	    NULL },
	{ "max_per_address", CONF_INT, AT(max_per_address), "200", 1, 100000,
	    NULL },
	{ "max_login_failures", CONF_INT, AT(max_login_failures), "20", 1,
	    1000000, NULL },
	{ "timeout", CONF_DURATION, AT(timeout), "0", 0, 86400, NULL },
	{ "idle_notify", CONF_DURATION, AT(idle_notify), "2m", 0, 86400,
	    NULL },
	{ "idle_exit", CONF_DURATION, AT(idle_exit), "10m", 0, 604800, NULL },
	{ "proxy_from", CONF_NETS, AT(proxy_from), "", ANY, NULL },

	{ "milter", CONF_LIST, AT(milter), "", ANY, rule_milter },
	{ "milter_timeout", CONF_DURATION, AT(milter_timeout), "1m", 1, 3600,
	    NULL },
	{ "milter_default", CONF_STRING, AT(milter_default), "tempfail", ANY,
	    rule_milter_default },
	{ "filter", CONF_LIST, AT(filter), "", ANY, NULL },
	{ "filter_timeout", CONF_DURATION, AT(filter_timeout), "1m", 1, 3600,
	    NULL },
	{ "filter_user", CONF_STRING, AT(filter_user), "", ANY, NULL },
	{ "filter_network", CONF_BOOL, AT(filter_network), "no", ANY, NULL },
	{ "quarantine", CONF_STRING, AT(quarantine), "", ANY, rule_address },
	{ "deny", CONF_PATH, AT(deny), "", ANY, NULL },
	{ "allow", CONF_PATH, AT(allow), "", ANY, NULL },
	{ "policy_state", CONF_PATH, AT(policy_state), "", ANY, NULL },
	{ "connection_rate", CONF_INT, AT(connection_rate), "1000", 0,
	    1000000, NULL },
	{ "connection_rate_network", CONF_INT, AT(connection_rate_network),
	    "4000", 0, 1000000, NULL },
	{ "message_rate", CONF_INT, AT(message_rate), "3000", 0, 1000000,
	    NULL },
	{ "message_rate_network", CONF_INT, AT(message_rate_network), "12000",
	    0, 1000000, NULL },
	{ "sender_rate", CONF_INT, AT(sender_rate), "0", 0, 1000000, NULL },
	{ "unknown_rate", CONF_INT, AT(unknown_rate), "1000", 0, 1000000,
	    NULL },
	{ "session_time", CONF_DURATION, AT(session_time), "4h", 0, 604800,
	    NULL },
	{ "greet_pause", CONF_DURATION, AT(greet_pause), "0", 0, 60, NULL },
	{ "greet_refuse", CONF_BOOL, AT(greet_refuse), "no", ANY, NULL },
	{ "helo_check", CONF_BOOL, AT(helo_check), "no", ANY, NULL },
	{ "sender_check", CONF_BOOL, AT(sender_check), "yes", ANY, NULL },
	{ "dnsbl", CONF_LIST, AT(dnsbl), "", ANY, rule_zone },
	{ "dnswl", CONF_LIST, AT(dnswl), "", ANY, rule_zone },
	{ "dnsbl_threshold", CONF_INT, AT(dnsbl_threshold), "1", 1, 1000000,
	    NULL },
	{ "greylist", CONF_BOOL, AT(greylist), "no", ANY, NULL },
	{ "greylist_delay", CONF_DURATION, AT(greylist_delay), "5m", 1, 86400,
	    NULL },
	{ "greylist_keep", CONF_DURATION, AT(greylist_keep), "35d", 60,
	    LLONG_MAX / 4000, NULL },

	{ "separator", CONF_STRING, AT(separator), ".", ANY, rule_separator },
	{ "prefix", CONF_STRING, AT(prefix), "", ANY, rule_prefix },
	{ "folders", CONF_LIST, AT(folders), "Drafts=\\Drafts Sent=\\Sent "
	    "Trash=\\Trash Junk=\\Junk Archive=\\Archive", ANY,
	    special_use_rule },
	{ "imap_hide", CONF_LIST, AT(imap_hide), "", ANY, NULL },
	{ "compress", CONF_BOOL, AT(compress), "no", ANY, NULL },

	{ "pop3_uidl", CONF_STRING, AT(pop3_uidl), POP3_UIDL_DEFAULT, ANY,
	    rule_uidl },
	{ "pop3_expire", CONF_STRING, AT(pop3_expire), "NEVER", ANY,
	    rule_expire },
	{ "pop3_login_delay", CONF_DURATION, AT(pop3_login_delay), "0", 0,
	    86400, NULL },
	{ "pop3_utf8", CONF_BOOL, AT(pop3_utf8), "yes", ANY, NULL },
	{ "imap_uidonly", CONF_BOOL, AT(imap_uidonly), "no", ANY, NULL },

	{ "door_user", CONF_STRING, AT(door_user), "stdmail-door", ANY,
	    NULL },
	{ "mail_user", CONF_STRING, AT(mail_user), "vmail", ANY, NULL },
	{ "spool_user", CONF_STRING, AT(spool_user), "stdmail", ANY, NULL },
};
#define NKEYS	(sizeof(keys) / sizeof(keys[0]))

/* A host or domain name as people write it: labels of letters, digits, "-"
 * and "_" (found in the wild), or 8-bit for names not yet in ACE form. */
static const char *
host_fault(const char *s, size_t n)
{
	size_t i, label = 0;
	unsigned char c;

	if (n > 0 && s[n - 1] == '.')
		n--;
	if (n == 0 || n > 253)
		return "is not a host name";
	for (i = 0; i < n; i++) {
		c = (unsigned char)s[i];
		if (c == '.') {
			if (label == 0)
				return "is not a host name";
			label = 0;
			continue;
		}
		if (++label > 63 || !((c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '_' || c >= 0x80))
			return "is not a host name";
	}
	return label == 0 ? "is not a host name" : NULL;
}

static const char *
rule_host(const char *s)
{
	return host_fault(s, strlen(s));
}

static const char *
port_fault(const char *s)
{
	const char *why;

	if (*s < '0' || *s > '9')
		return "has no good port";
	(void)strtonum(s, 1, 65535, &why);
	return why == NULL ? NULL : "has no good port";
}

/* host-port = ( name / IPv4 / "[" IPv6 "]" / IPv6 ) [ ":" port ]; a port only
 * where the colon is unambiguous.  Where both stand (port NULL: none), or what
 * is wrong. */
static const char *
find_host_port(const char *s, const char **host, size_t *n, const char **port)
{
	char ip[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	const char *end;

	*host = s;
	*port = NULL;
	*n = strlen(s);
	if (inet_pton(AF_INET6, s, &in6) == 1)
		return NULL;
	if (*s == '[') {
		*host = s + 1;
		*n = strcspn(s + 1, "]");
		if (s[1 + *n] != ']' || *n >= sizeof(ip))
			return "is not HOST[:PORT]";
		strlcpy(ip, *host, *n + 1);
		if (inet_pton(AF_INET6, ip, &in6) != 1 &&
		    inet_pton(AF_INET, ip, &in6) != 1)
			return "is not HOST[:PORT]";
		end = s + *n + 2;
	} else {
		*n = strcspn(s, ":");
		if (host_fault(s, *n) != NULL)
			return "is not HOST[:PORT]";
		end = s + *n;
	}
	if (*end == '\0')
		return NULL;
	if (*end != ':')
		return "is not HOST[:PORT]";
	*port = end + 1;
	return port_fault(*port);
}

static const char *
rule_host_port(const char *s)
{
	const char *host, *port;
	size_t n;

	return find_host_port(s, &host, &n, &port);
}

static const char *
rule_tls_policy(const char *s)
{
	static const char *const known[] = { "none", "may", "encrypt",
	    "verify", "dane" };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(s, known[i]) == 0)
			return NULL;
	return "is none of none, may, encrypt, verify, dane";
}

int
settings_host_port(const char *s, char host[SETTINGS_HOST_MAX],
    unsigned short *port)
{
	const char *h, *p;
	size_t n;

	if (find_host_port(s, &h, &n, &p) != NULL)
		return -1;
	strlcpy(host, h, n + 1);
	if (p != NULL)
		*port = (unsigned short)strtonum(p, 1, 65535, NULL);
	return 0;
}

/* server = address [ "@" port ] */
static const char *
server_fault(const char *s, size_t len)
{
	char text[INET6_ADDRSTRLEN + 6], *port;
	struct in6_addr in6;

	if (len >= sizeof(text))
		return "is not ADDR[@PORT]";
	memcpy(text, s, len);
	text[len] = '\0';
	if ((port = strchr(text, '@')) != NULL)
		*port++ = '\0';
	if (inet_pton(AF_INET, text, &in6) != 1 &&
	    inet_pton(AF_INET6, text, &in6) != 1)
		return "is not ADDR[@PORT]";
	return port == NULL ? NULL : port_fault(port);
}

/* resolver = server *( " " server ) */
static const char *
rule_resolver(const char *s)
{
	const char *why = NULL;
	size_t n, len;

	for (n = 0; *s != '\0' && why == NULL; n++) {
		len = strcspn(s, " ");
		why = n == DNS_SERVERS_MAX ? "is more than four servers" :
		    server_fault(s, len);
		s += len + (s[len] == ' ');
	}
	return why;
}

static const char *
rule_ip(const char *s)
{
	struct in6_addr in6;

	return inet_pton(AF_INET, s, &in6) == 1 ||
	    inet_pton(AF_INET6, s, &in6) == 1 ? NULL : "is not an address";
}

static const char *
rule_ipv6(const char *s)
{
	return strcmp(s, "named") == 0 || strcmp(s, "yes") == 0 ||
	    strcmp(s, "no") == 0 ? NULL : "is neither named, yes nor no";
}

static const char *
rule_users(const char *s)
{
	return strcmp(s, "system") == 0 || strchr(s, '/') != NULL ? NULL :
	    "is neither \"system\" nor a path";
}

static const char *
rule_mechanism(const char *s)
{
	return strcasecmp(s, "PLAIN") == 0 || strcasecmp(s, "LOGIN") == 0 ||
	    strcasecmp(s, "SCRAM-SHA-256") == 0 ? NULL :
	    "is not a mechanism we have (PLAIN, LOGIN, SCRAM-SHA-256)";
}

/* The letters users_expand() knows behind %. */
static const char *
rule_mail(const char *s)
{
	for (; (s = strchr(s, '%')) != NULL; s += 2)
		if (s[1] == '\0' || strchr("undh%", s[1]) == NULL)
			return "has a % that is not %u, %n, %d, %h or %%";
	return NULL;
}

/* A whole path of that kind, or "no". */
static const char *
rule_home(const char *s)
{
	if (strcmp(s, "no") == 0)
		return NULL;
	return *s == '/' || strncmp(s, "%h/", 3) == 0 ? rule_mail(s) :
	    "begins neither with / nor with %h/, and is not \"no\"";
}

/* One that may stand in a local part without quotes. */
static const char *
rule_delimiter(const char *s)
{
	return *s == '\0' || (strchr("+-_=#%&~!", *s) != NULL &&
	    s[1] == '\0') ? NULL : "is not one of + - _ = # % & ~ !";
}

/* "*", "@domain", or an address with its domain. */
static const char *
rule_send_as(const char *s)
{
	struct address a;

	if (strcmp(s, "*") == 0)
		return NULL;
	if (*s == '@')
		return host_fault(s + 1, strlen(s + 1));
	return address_parse(&a, s, strlen(s), NULL) == 1 &&
	    a.domain[0] != '\0' ? NULL : "is no address, @domain or *";
}

static const char *
rule_uidl(const char *s)
{
	return pop3_uidl_form(s) == 1 ? NULL : "is no form of unique ids: it "
	    "has %u or %f, may have %v, and no blanks";
}

/* RFC 2449, section 6.7 */
static const char *
rule_expire(const char *s)
{
	const char *why;

	if (strcmp(s, "NEVER") == 0)
		return NULL;
	(void)strtonum(s, 0, 36500, &why);
	return why == NULL && *s >= '0' && *s <= '9' ? NULL :
	    "is neither NEVER nor a number of days";
}

/* milter = "inet:" host ":" port / "unix:" path */
static const char *
rule_milter(const char *s)
{
	const char *host, *port = NULL;
	size_t n;

	if (strncmp(s, "unix:/", 6) == 0)
		return strlen(s + 5) < MILTER_PATH_MAX ? NULL :
		    "has too long a path";
	if (strncmp(s, "inet:", 5) == 0 &&
	    find_host_port(s + 5, &host, &n, &port) == NULL && port != NULL)
		return NULL;
	return "is neither inet:HOST:PORT nor unix:/PATH";
}

static const char *
rule_milter_default(const char *s)
{
	return strcmp(s, "accept") == 0 || strcmp(s, "tempfail") == 0 ? NULL :
	    "is neither accept nor tempfail";
}

static const char *
rule_address(const char *s)
{
	struct address a;

	return address_parse(&a, s, strlen(s), NULL) == 1 ? NULL :
	    "is no address";
}

static const char *
rule_separator(const char *s)
{
	return strcmp(s, ".") == 0 || strcmp(s, "/") == 0 ? NULL :
	    "is neither . nor /";
}

/* Of names that need no quotes anywhere: how it ends is not said by it alone
 * (check_prefix()). */
static const char *
rule_prefix(const char *s)
{
	if (strlen(s) > PREFIX_MAX)
		return "is too long";
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~' || strchr("(){%*\"\\]&", *s) != NULL)
			return "has an octet that cannot be in a prefix";
	return NULL;
}

/* A zone, or the weight of the one before it. */
static const char *
rule_zone(const char *s)
{
	const char *why;

	if (s[strspn(s, "0123456789")] != '\0')
		return rule_host(s);
	(void)strtonum(s, 1, 1000, &why);
	return why == NULL ? NULL : "is no weight of 1 to 1000";
}

static const char *
rule_key_file(const char *s)
{
	return *s == '\0' ? "is no file" : NULL;
}

/* A list of zones does not begin with a weight. */
static int
check_zones(const char *key, const struct conf_list *list, char *error)
{
	size_t i;
	bool zone = false, digits;

	for (i = 0; i < list->n; i++) {
		digits = list->v[i][strspn(list->v[i], "0123456789")] == '\0';
		if (digits && !zone) {
			snprintf(error, CONF_ERROR_MAX, "%s: the weight %s "
			    "has no zone before it", key, list->v[i]);
			return -1;
		}
		zone = !digits;
	}
	return 0;
}

/* The prefix is whole levels, each with its separator. */
static int
check_prefix(const struct settings *s, char *error)
{
	char twice[3] = { *s->separator, *s->separator, '\0' };
	size_t n = strlen(s->prefix);

	if (n == 0 || (n > 1 && s->prefix[n - 1] == *s->separator &&
	    *s->prefix != *s->separator && strstr(s->prefix, twice) == NULL))
		return 0;
	snprintf(error, CONF_ERROR_MAX, "prefix %s is not a name with the "
	    "separator %s behind it", log_str(s->prefix), s->separator);
	return -1;
}

/* What the table cannot say: our own name, and the domains it implies. */
static int
settings_complete(struct settings *s, char *error)
{
	char name[HOST_NAME_MAX + 1];
	const char *fault;
	char *copy;

	if (*s->hostname == '\0') {
		if (gethostname(name, sizeof(name)) == -1)
			strlcpy(name, "localhost", sizeof(name));
		name[sizeof(name) - 1] = '\0';
		if ((fault = rule_host(name)) != NULL) {
			snprintf(error, CONF_ERROR_MAX, "hostname is not set "
			    "and the system's %s %s", log_str(name), fault);
			return -1;
		}
		if ((copy = strdup(name)) == NULL)
			goto memory;
		free(s->hostname);
		s->hostname = copy;
	}
	if (s->domains.n == 0) {
		free(s->domains.v);
		if ((s->domains.v = malloc(sizeof(char *))) == NULL ||
		    (s->domains.v[0] = strdup(s->hostname)) == NULL)
			goto memory;
		s->domains.n = 1;
	}
	if (*s->tls_key != '\0' && *s->tls_cert == '\0') {
		strlcpy(error, "tls_key is set and tls_cert is not",
		    CONF_ERROR_MAX);
		return -1;
	}
	if (s->filter.n > 0 && *s->filter.v[0] != '/') {
		strlcpy(error, "filter is no absolute path of a program",
		    CONF_ERROR_MAX);
		return -1;
	}
	if (s->milter.n > MILTERS_MAX) {
		strlcpy(error, "more than 16 milters", CONF_ERROR_MAX);
		return -1;
	}
	if (dkim_names_check(&s->dkim, error) == -1 ||
	    check_zones("dnsbl", &s->dnsbl, error) == -1 ||
	    check_zones("dnswl", &s->dnswl, error) == -1)
		return -1;
	return check_prefix(s, error);
memory:
	strlcpy(error, "out of memory", CONF_ERROR_MAX);
	return -1;
}

int
settings_load(struct settings *s, const char *file,
    const char *const *assignments, size_t n, char *error)
{
	bool may_miss = file == NULL;
	int r;

	if (may_miss)
		file = SETTINGS_FILE;
	if (conf_defaults(keys, NKEYS, s) == -1) {
		strlcpy(error, "out of memory", CONF_ERROR_MAX);
		goto fail;
	}
	r = conf_read(keys, NKEYS, s, file, error);
	if (r == 1 && !may_miss)
		snprintf(error, CONF_ERROR_MAX, "%.200s: %s", file,
		    strerror(ENOENT));
	if (r == -1 || (r == 1 && !may_miss))
		goto fail;
	s->unwritten = r == 1;
	if (conf_override(keys, NKEYS, s, assignments, n, error) == -1)
		goto fail;
	if (settings_complete(s, error) == -1)
		goto fail;
	return 0;
fail:
	settings_free(s);
	return -1;
}

void
settings_free(struct settings *s)
{
	conf_free(keys, NKEYS, s);
}
