/* SPDX-License-Identifier: ISC
 *
 * What the configuration says of a domain.  Its names are as the DNS has them,
 * in ASCII; a domain that is asked for may be in UTF-8.
 */
#include <string.h>
#include <strings.h>

#include "grammar/idna.h"
#include "mail/settings.h"

static size_t
without_dot(const char *s, size_t n)
{
	return n > 0 && s[n - 1] == '.' ? n - 1 : n;
}

static bool
is_named(const char *name, const char ascii[IDNA_MAX])
{
	size_t n = without_dot(name, strlen(name));

	return n == without_dot(ascii, strlen(ascii)) &&
	    strncasecmp(name, ascii, n) == 0;
}

static bool
has_domain(const struct conf_list *list, const char *domain, size_t len)
{
	char ascii[IDNA_MAX];
	size_t i;

	if (idna_ascii(ascii, domain, len) == -1)
		return false;
	for (i = 0; i < list->n; i++)
		if (is_named(list->v[i], ascii))
			return true;
	return false;
}

bool
settings_is_local(const struct settings *s, const char *domain, size_t len)
{
	return has_domain(&s->domains, domain, len);
}

bool
settings_is_relay(const struct settings *s, const char *domain, size_t len)
{
	return has_domain(&s->relay_domains, domain, len);
}

const char *
settings_next_host(const struct settings *s, const char *domain)
{
	char ascii[IDNA_MAX];
	size_t i;

	if (s->route.n > 0 && idna_ascii(ascii, domain, strlen(domain)) == 0)
		for (i = 0; i < s->route.n; i++)
			if (is_named(s->route.v[i].name, ascii))
				return s->route.v[i].value;
	return s->relay;
}
