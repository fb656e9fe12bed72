/* SPDX-License-Identifier: ISC
 *
 * The resolver of the settings.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mail/resolver.h"

struct dns *
resolver_open(const struct settings *s, const char *server, char *error)
{
	const char *addr = server != NULL ? server : s->resolver;
	char why[DNS_WHY_MAX];
	struct dns *dns;

	if ((dns = dns_new()) == NULL) {
		snprintf(error, CONF_ERROR_MAX, "%s", strerror(ENOMEM));
		return NULL;
	}
	dns_set_trusted(dns, s->resolver_trusted);
	if (*addr != '\0' && dns_add_server(dns, addr) != 1)
		snprintf(error, CONF_ERROR_MAX, "resolver: %s: not "
		    "ADDR[@PORT]", addr);
	else if (*addr == '\0' && dns_read_resolvconf(dns, NULL) == -1)
		snprintf(error, CONF_ERROR_MAX, "/etc/resolv.conf: %s",
		    strerror(errno));
	else if (*s->dnssec_anchor != '\0' && dns_read_anchor(dns,
	    s->dnssec_anchor, why) == -1)
		snprintf(error, CONF_ERROR_MAX, "dnssec_anchor: %s: %s",
		    s->dnssec_anchor, why);
	else
		return dns;
	dns_free(dns);
	return NULL;
}
