/* SPDX-License-Identifier: ISC
 *
 * The names of the keys that the configuration names (key dkim).
 */
#ifndef MAIL_DKIM_NAMES_H
#define MAIL_DKIM_NAMES_H

#include "grammar/dkim_tags.h"
#include "system/conf.h"

#define DKIM_KEYS_MAX	4		/* of one domain: as many signatures */

/* A key's name in the DNS, "SELECTOR._domainkey.DOMAIN", which may be in
 * UTF-8, as its two parts, in ASCII and lower case.  0, or -1: it is none. */
struct dkim_name {
	char	selector[DKIM_NAME_MAX];
	char	domain[DKIM_NAME_MAX];
};
int	 dkim_name_parse(struct dkim_name *, const char *);

/* The configured names, for settings_load(): each is one, stands there once,
 * and no domain has more than DKIM_KEYS_MAX.  0, or -1 with one line in
 * error[CONF_ERROR_MAX]. */
int	 dkim_names_check(const struct conf_pairs *, char *error);

#endif
