/* SPDX-License-Identifier: ISC
 *
 * Logging in by SCRAM-SHA-256 (RFC 5802, RFC 7677): as mail/auth.h, and like
 * it for a helper of the monitor alone.
 */
#ifndef MAIL_AUTH_SCRAM_H
#define MAIL_AUTH_SCRAM_H

#include "mail/auth.h"
#include "mail/password.h"

/* Salt and rounds for a name; nobody's look like somebody's.  AUTH_OK, or
 * AUTH_TEMPORARY with a line in error[CONF_ERROR_MAX]. */
enum auth_result auth_scram_first(struct users *, const char *login,
	    struct password_scram *, char *error);

struct auth_proof {
	const char		*login;
	const char		*message;	/* AuthMessage: section 3 */
	const unsigned char	*proof;		/* PASSWORD_SCRAM octets */
};

/* Is the proof right?  As auth_check(); AUTH_OK fills in ServerSignature. */
enum auth_result auth_scram_final(struct users *, const struct auth_proof *,
	    const char *ip, struct user *,
	    unsigned char signature[PASSWORD_SCRAM], char *error);

/* Can every user of the file log in so?  Clients take the strongest mechanism
 * and do not fall back.  0; -1: error[CONF_ERROR_MAX] names the first who
 * cannot, with file and line. */
int	 auth_scram_ready(struct users *, char *error);

/* For -n: the same, when auth_mechanisms has it. */
settings_check auth_check_scram;

#endif
