/* SPDX-License-Identifier: ISC
 *
 * Proves which servers the resolver of the settings asks, and when it is
 * trusted.
 */
#include <string.h>

#include "mail/resolver.h"
#include "system/dns_local.h"
#include "tap.h"

static const struct {
	const char	*key, *given;	/* given NULL: by the key */
	int		 trusted;
	long long	 n;		/* servers; -1: refused */
} rows[] = {
	{ "127.0.0.1@5353", NULL, 0, 1 },
	{ "127.0.0.1@5353 ::1 192.0.2.1@53", NULL, 1, 3 },
	{ "127.0.0.1@5353 ::1", "192.0.2.7", 0, 1 },
	{ "127.0.0.1", "192.0.2.7 192.0.2.8@54", 1, 2 },
	{ "127.0.0.1", "resolver.test", 0, -1 },
	{ "127.0.0.1", "192.0.2.7 x", 0, -1 },
	{ "127.0.0.1", "::1 ::2 ::3 ::4 ::5", 0, -1 }
};

int
main(void)
{
	struct settings s;
	char error[CONF_ERROR_MAX], key[200];
	struct dns *dns;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&s, 0, sizeof(s));
		strlcpy(key, rows[i].key, sizeof(key));
		s.resolver = key;
		s.dnssec_anchor = (char[]){ "" };
		s.resolver_trusted = rows[i].trusted;
		*error = '\0';
		dns = resolver_open(&s, rows[i].given, error);
		is_int(dns == NULL ? -1 : (long long)dns->nservers, rows[i].n,
		    rows[i].given != NULL ? rows[i].given : key);
		if (dns != NULL)
			is_int(dns->trusted, rows[i].trusted, "its trust");
		else
			ok(strstr(error, "is not") != NULL ||
			    strstr(error, "not ADDR") != NULL, "%s", error);
		dns_free(dns);
	}
	return done();
}
