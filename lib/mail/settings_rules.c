/* SPDX-License-Identifier: ISC
 *
 * What the value of a key must be: see settings_rules.h.
 */
#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "grammar/address.h"
#include "grammar/pop3.h"
#include "mail/dkim_names.h"
#include "mail/settings.h"
#include "mail/settings_rules.h"
#include "mail/special_use.h"
#include "system/dns.h"

#define PREFIX_MAX	100
#define MILTER_PATH_MAX	108	/* of sockaddr_un */

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

const char *
settings_rule_host(const char *s)
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

const char *
settings_rule_host_port(const char *s)
{
	const char *host, *port;
	size_t n;

	return find_host_port(s, &host, &n, &port);
}

const char *
settings_rule_tls_policy(const char *s)
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
const char *
settings_rule_resolver(const char *s)
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

const char *
settings_rule_ip(const char *s)
{
	struct in6_addr in6;

	return inet_pton(AF_INET, s, &in6) == 1 ||
	    inet_pton(AF_INET6, s, &in6) == 1 ? NULL : "is not an address";
}

const char *
settings_rule_ipv6(const char *s)
{
	return strcmp(s, "named") == 0 || strcmp(s, "yes") == 0 ||
	    strcmp(s, "no") == 0 ? NULL : "is neither named, yes nor no";
}

const char *
settings_rule_users(const char *s)
{
	return strcmp(s, "system") == 0 || strchr(s, '/') != NULL ? NULL :
	    "is neither \"system\" nor a path";
}

const char *
settings_rule_mechanism(const char *s)
{
	return strcasecmp(s, "PLAIN") == 0 || strcasecmp(s, "LOGIN") == 0 ||
	    strcasecmp(s, "SCRAM-SHA-256") == 0 ? NULL :
	    "is not a mechanism we have (PLAIN, LOGIN, SCRAM-SHA-256)";
}

/* The letters users_expand() knows behind %. */
const char *
settings_rule_mail(const char *s)
{
	for (; (s = strchr(s, '%')) != NULL; s += 2)
		if (s[1] == '\0' || strchr("undh%", s[1]) == NULL)
			return "has a % that is not %u, %n, %d, %h or %%";
	return NULL;
}

/* A whole path of that kind, or "no". */
const char *
settings_rule_home(const char *s)
{
	if (strcmp(s, "no") == 0)
		return NULL;
	return *s == '/' || strncmp(s, "%h/", 3) == 0 ? settings_rule_mail(s) :
	    "begins neither with / nor with %h/, and is not \"no\"";
}

/* One that may stand in a local part without quotes. */
const char *
settings_rule_delimiter(const char *s)
{
	return *s == '\0' || (strchr("+-_=#%&~!", *s) != NULL &&
	    s[1] == '\0') ? NULL : "is not one of + - _ = # % & ~ !";
}

/* "*", "@domain", or an address with its domain. */
const char *
settings_rule_send_as(const char *s)
{
	struct address a;

	if (strcmp(s, "*") == 0)
		return NULL;
	if (*s == '@')
		return host_fault(s + 1, strlen(s + 1));
	return address_parse(&a, s, strlen(s), NULL) == 1 &&
	    a.domain[0] != '\0' ? NULL : "is no address, @domain or *";
}

const char *
settings_rule_uidl(const char *s)
{
	return pop3_uidl_form(s) == 1 ? NULL : "is no form of unique ids: it "
	    "has %u or %f, may have %v, and no blanks";
}

/* RFC 2449, section 6.7 */
const char *
settings_rule_expire(const char *s)
{
	const char *why;

	if (strcmp(s, "NEVER") == 0)
		return NULL;
	(void)strtonum(s, 0, 36500, &why);
	return why == NULL && *s >= '0' && *s <= '9' ? NULL :
	    "is neither NEVER nor a number of days";
}

/* milter = "inet:" host ":" port / "unix:" path */
const char *
settings_rule_milter(const char *s)
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

const char *
settings_rule_milter_default(const char *s)
{
	return strcmp(s, "accept") == 0 || strcmp(s, "tempfail") == 0 ? NULL :
	    "is neither accept nor tempfail";
}

const char *
settings_rule_address(const char *s)
{
	struct address a;

	return address_parse(&a, s, strlen(s), NULL) == 1 ? NULL :
	    "is no address";
}

const char *
settings_rule_separator(const char *s)
{
	return strcmp(s, ".") == 0 || strcmp(s, "/") == 0 ? NULL :
	    "is neither . nor /";
}

/* Of names that need no quotes anywhere: how it ends is not said by it alone
 * (check_prefix()). */
const char *
settings_rule_prefix(const char *s)
{
	if (strlen(s) > PREFIX_MAX)
		return "is too long";
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~' || strchr("(){%*\"\\]&", *s) != NULL)
			return "has an octet that cannot be in a prefix";
	return NULL;
}

/* A zone, or the weight of the one before it. */
const char *
settings_rule_zone(const char *s)
{
	const char *why;

	if (s[strspn(s, "0123456789")] != '\0')
		return settings_rule_host(s);
	(void)strtonum(s, 1, 1000, &why);
	return why == NULL ? NULL : "is no weight of 1 to 1000";
}

const char *
settings_rule_key_file(const char *s)
{
	return *s == '\0' ? "is no file" : NULL;
}
