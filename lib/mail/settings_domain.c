/* SPDX-License-Identifier: ISC
 *
 * What the configuration says of a domain.  Its names, and a domain that is
 * asked for, may be in UTF-8, and are compared as the DNS has them.
 */
#include <string.h>
#include <strings.h>

#include "grammar/idna.h"
#include "mail/settings.h"

int	(*settings_idna)(char *, const char *, size_t) = idna_strict;

static size_t
without_dot(const char *s, size_t n)
{
	return n > 0 && s[n - 1] == '.' ? n - 1 : n;
}

static bool
is_named(const char *name, const char ascii[IDNA_MAX])
{
	const char *p = name;
	char own[IDNA_MAX];
	size_t n;

	while (*p != '\0' && (unsigned char)*p < 128)
		p++;
	if (*p != '\0') {
		if (settings_idna(own, name, strlen(name)) == -1)
			return false;
		name = own;
	}
	n = without_dot(name, strlen(name));
	return n == without_dot(ascii, strlen(ascii)) &&
	    strncasecmp(name, ascii, n) == 0;
}

static bool
has_domain(const struct conf_list *list, const char *domain, size_t len)
{
	char ascii[IDNA_MAX];
	size_t i;

	if (settings_idna(ascii, domain, len) == -1)
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

bool
settings_is_sender(const char *name, const struct address *sender)
{
	const char *at = strrchr(name, '@');
	char ascii[IDNA_MAX];

	return at != NULL &&
	    settings_idna(ascii, sender->domain, strlen(sender->domain)) == 0 &&
	    is_named(at + 1, ascii) && (at == name ||
	    (strlen(sender->local) == (size_t)(at - name) &&
	    strncasecmp(name, sender->local, (size_t)(at - name)) == 0));
}

/* Is the domain the one that is named, or below it (".example.net")? */
static bool
is_routed(const char *name, const char *ascii)
{
	const char *p;

	if (*name != '.')
		return is_named(name, ascii);
	for (p = strchr(ascii, '.'); p != NULL; p = strchr(p + 1, '.'))
		if (is_named(name + 1, p + 1))
			return true;
	return false;
}

const char *
settings_next_host(const struct settings *s, const struct address *sender,
    const char *domain)
{
	const struct conf_pairs *by = &s->relay_by_sender;
	char ascii[IDNA_MAX];
	size_t i;

	if (s->route.n > 0 && settings_idna(ascii, domain, strlen(domain)) == 0)
		for (i = 0; i < s->route.n; i++)
			if (is_routed(s->route.v[i].name, ascii))
				return s->route.v[i].value;
	for (i = 0; i < by->n && sender != NULL; i++)
		if (settings_is_sender(by->v[i].name, sender))
			return by->v[i].value;
	return s->relay;
}

/* The value of a name's pair, or NULL. */
static const char *
find_pair(const struct conf_pairs *pairs, const char *name)
{
	char ascii[IDNA_MAX];
	size_t i;

	if (settings_idna(ascii, name, strlen(name)) == -1)
		return NULL;
	for (i = 0; i < pairs->n; i++)
		if (is_named(pairs->v[i].name, ascii))
			return pairs->v[i].value;
	return NULL;
}

const char *
settings_tls_policy(const struct settings *s, const char *name)
{
	const char *value = NULL;
	size_t i;

	if (s->tls_policy.n > 0)
		value = find_pair(&s->tls_policy, name);
	for (i = 0; value == NULL && i < s->tls_policy.n; i++)
		if (strcmp(s->tls_policy.v[i].name, "*") == 0)
			value = s->tls_policy.v[i].value;
	return value == NULL ? "" : value;
}
