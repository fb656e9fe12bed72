/* SPDX-License-Identifier: ISC
 *
 * The resolver of the settings.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mail/resolver.h"

/* Each of the words; 0, or -1: one is none, or too many. */
static int
add_servers(struct dns *dns, const char *words)
{
	char one[128];
	size_t len;

	for (; *words != '\0'; words += len + (words[len] == ' ')) {
		len = strcspn(words, " ");
		if (len >= sizeof(one))
			return -1;
		memcpy(one, words, len);
		one[len] = '\0';
		if (dns_add_server(dns, one) != 1)
			return -1;
	}
	return 0;
}

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
	if (*addr != '\0' && add_servers(dns, addr) == -1)
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
