/* SPDX-License-Identifier: ISC
 *
 * What -n looks at beyond the grammar of the file: our name, and accounts.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mail/settings.h"
#include "system/log.h"

int
settings_check_hostname(const struct settings *s, char *error)
{
	size_t n = strlen(s->hostname);

	if (n > 0 && s->hostname[n - 1] == '.')
		n--;
	if (memchr(s->hostname, '.', n) != NULL)
		return 0;
	snprintf(error, CONF_ERROR_MAX, "hostname %s is not a full name such "
	    "as mx.example.org", s->hostname);
	return -1;
}

int
settings_check_accounts(const struct settings *s, char *error)
{
	const struct {
		const char	*key;
		const char	*user;
	} rows[] = {
		{ "door_user", s->door_user },
		{ "mail_user", s->mail_user },
		{ "spool_user", s->spool_user },
		{ "filter_user", *s->filter_user == '\0' ? s->door_user :
		    s->filter_user },
	};
	size_t i;

	if (geteuid() != 0)
		return 0;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (getpwnam(rows[i].user) != NULL)
			continue;
		snprintf(error, CONF_ERROR_MAX, "%s: there is no account %s",
		    rows[i].key, log_str(rows[i].user));
		return -1;
	}
	return 0;
}

int
settings_check_filter(const struct settings *s, char *error)
{
	if (s->filter.n == 0 || access(s->filter.v[0], X_OK) == 0)
		return 0;
	snprintf(error, CONF_ERROR_MAX, "filter %s: %s",
	    log_str(s->filter.v[0]), strerror(errno));
	return -1;
}
