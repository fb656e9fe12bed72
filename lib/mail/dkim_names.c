/* SPDX-License-Identifier: ISC
 *
 * The names of the configured keys, which every program checks that reads the
 * configuration: it must need no key, and no library that knows what one is.
 */
#include <stdio.h>
#include <string.h>

#include "grammar/chars.h"
#include "grammar/idna.h"
#include "mail/dkim_names.h"
#include "mail/settings.h"
#include "system/log.h"

int
dkim_name_parse(struct dkim_name *name, const char *text)
{
	static const char middle[] = "._domainkey.";
	char ascii[IDNA_MAX], *at;
	size_t n;

	if (settings_idna(ascii, text, strlen(text)) == -1)
		return -1;
	n = strlen(ascii);
	if (n > 0 && ascii[n - 1] == '.')
		ascii[n - 1] = '\0';
	for (n = 0; ascii[n] != '\0'; n++)
		ascii[n] = (char)char_lower(ascii[n]);
	if ((at = strstr(ascii, middle)) == NULL)
		return -1;
	*at = '\0';
	strlcpy(name->selector, ascii, sizeof(name->selector));
	strlcpy(name->domain, at + strlen(middle), sizeof(name->domain));
	return dkim_is_selector(name->selector, strlen(name->selector)) &&
	    dkim_is_domain(name->domain, strlen(name->domain)) ? 0 : -1;
}

/* What is wrong with name i besides its form, or NULL. */
static const char *
name_fault(const struct conf_pairs *pairs, size_t i,
    const struct dkim_name *name)
{
	struct dkim_name other;
	size_t k, same = 0;

	for (k = 0; k < i; k++) {
		(void)dkim_name_parse(&other, pairs->v[k].name);
		if (strcmp(other.domain, name->domain) != 0)
			continue;
		if (strcmp(other.selector, name->selector) == 0)
			return "stands there twice";
		same++;
	}
	return same < DKIM_KEYS_MAX ? NULL :
	    "is one key too many for its domain";
}

int
dkim_names_check(const struct conf_pairs *pairs, char *error)
{
	struct dkim_name name;
	const char *fault;
	size_t i;

	for (i = 0; i < pairs->n; i++) {
		fault = dkim_name_parse(&name, pairs->v[i].name) == -1 ?
		    "is not SELECTOR._domainkey.DOMAIN" :
		    name_fault(pairs, i, &name);
		if (fault == NULL)
			continue;
		snprintf(error, CONF_ERROR_MAX, "dkim: %s %s",
		    log_str(pairs->v[i].name), fault);
		return -1;
	}
	return 0;
}
