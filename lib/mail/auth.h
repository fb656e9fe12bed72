/* SPDX-License-Identifier: ISC
 *
 * May this login with this password, from this address, be let in; and who is
 * it then?  It hashes, and asks NSS and the shadow file: it belongs in a
 * helper of the monitor, never in the door.  It never logs a password, nor
 * says to a client which half was wrong.
 */
#ifndef MAIL_AUTH_H
#define MAIL_AUTH_H

#include <stddef.h>

#include "mail/users.h"

enum auth_result {
	AUTH_OK,
	AUTH_WRONG,		/* no such user, or not the password */
	AUTH_DISABLED,		/* right, but not from there (allow_nets), or
				 * the account has expired; a client is told
				 * the same as for AUTH_WRONG */
	AUTH_TEMPORARY		/* cannot tell; try later */
};

/*
 * login as typed; n octets of password; ip of the peer as struct peer's, ""
 * for a pipe or UNIX socket, which allow_nets calls "local".  AUTH_OK fills
 * the user.  AUTH_TEMPORARY fills error[CONF_ERROR_MAX] with a line for the
 * log ("file:line: unknown scheme {X}").  An unknown user takes as long as a
 * known one.
 */
enum auth_result auth_check(struct users *, const char *login,
	    const char *password, size_t n, const char *ip, struct user *,
	    char *error);

/* Is the user let in from this address (allow_nets)? */
bool	 auth_from_allowed(const struct user *, const char *ip);

/* For -n: every password of the users file can be checked. */
settings_check auth_check_users;

#endif
