/* SPDX-License-Identifier: ISC
 *
 * The logins at hosts that relay our mail: a file of lines
 *
 *	[SENDER] HOST[:PORT] USER PASSWORD
 *
 * where SENDER is an address or @domain, and the password is all that is left
 * of the line.  Blank lines and lines that begin with # are nothing.
 */
#ifndef SMTP_SEND_RELAY_H
#define SMTP_SEND_RELAY_H

#include "mail/settings.h"

#define RELAY_FILE_MAX	(1u << 20)

/* Into the file's text, which relay_logins_free() wipes. */
struct relay_login {
	const char	*sender;	/* "": any */
	const char	*host;		/* as settings_host_port() takes it */
	const char	*user, *password;
};

struct relay_logins {
	char		*text;
	size_t		 len;
	struct relay_login *v;
	size_t		 n;
};

/* Read the file of key relay_login, if there is one.  0; -1 with one line in
 * error[CONF_ERROR_MAX]: also when others may read it. */
int	 relay_logins_load(struct relay_logins *, const struct settings *,
	    char *error);
void	 relay_logins_free(struct relay_logins *);

/* The login at a host and port for a sender: one of his own, else one for any;
 * NULL: there is none. */
const struct relay_login *relay_login_find(const struct relay_logins *,
	    const char *host, unsigned short port, const struct address *);

/* For -n. */
settings_check relay_check;

#endif
