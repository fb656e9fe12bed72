/* SPDX-License-Identifier: ISC
 *
 * A user's own rules: see rules.h.
 */
#include <string.h>

#include "rules.h"

unsigned
rules_look(const struct settings *s, const struct user *u)
{
	(void)s;
	(void)u;
	return 0;
}

size_t
rules_places(const struct settings *s, const struct user *u,
    char path[RULES_PLACES][PATH_MAX])
{
	(void)s;
	if (*u->home == '\0')
		return 0;
	strlcpy(path[0], u->home, PATH_MAX);
	return 1;
}

void
rules_decide(const struct settings *s, const struct user *u, unsigned rules,
    const struct rules_mail *mail, struct plan *p)
{
	(void)s;
	(void)u;
	(void)rules;
	(void)mail;
	(void)p;
}
