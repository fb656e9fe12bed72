/* SPDX-License-Identifier: ISC
 *
 * What an address is to us.  smtpd at RCPT and mda-deliver at delivery both
 * ask here, so that what was taken can be delivered.
 */
#include <string.h>
#include <strings.h>

#include "mail/recipient.h"

static enum recipient_kind
kind_of(enum users_result found)
{
	switch (found) {
	case USERS_FOUND:
		return RECIPIENT_LOCAL;
	case USERS_NONE:
		return RECIPIENT_UNKNOWN;
	case USERS_TEMPORARY:
		break;
	}
	return RECIPIENT_TEMPORARY;
}

enum recipient_kind
recipient_find(const struct settings *s, struct users *us,
    const struct address *a, struct recipient *r)
{
	memset(r, 0, sizeof(*r));
	if (a->domain[0] != '\0' && !settings_is_local(s, a->domain,
	    strlen(a->domain))) {
		r->kind = RECIPIENT_REMOTE;
		return r->kind;
	}
	r->kind = kind_of(users_find(us, a->local, a->domain, &r->user,
	    r->error));
	if (r->kind == RECIPIENT_UNKNOWN && s->postmaster[0] != '\0' &&
	    (strcasecmp(a->local, "postmaster") == 0 ||
	    strcasecmp(a->local, "root") == 0))
		r->kind = kind_of(strchr(s->postmaster, '@') != NULL ?
		    users_login(us, s->postmaster, &r->user, r->error) :
		    users_find(us, s->postmaster, a->domain, &r->user,
		    r->error));
	explicit_bzero(r->user.hash, sizeof(r->user.hash));
	return r->kind;
}

uid_t
recipient_owner(const struct recipient *r)
{
	return r->kind == RECIPIENT_LOCAL ? r->user.uid : (uid_t)-1;
}
