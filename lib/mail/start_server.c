/* SPDX-License-Identifier: ISC
 *
 * What the daemons have in common at their start, besides options: limits
 * and accounts, and the check of the certificate.
 */
#include <pwd.h>
#include <unistd.h>

#include "mail/start.h"
#include "system/log.h"
#include "system/server.h"
#include "system/tls.h"

int
start_server(struct server *server, const struct settings *s)
{
	struct passwd *pw;

	if (geteuid() == 0) {
		if ((pw = getpwnam(s->door_user)) == NULL ||
		    pw->pw_uid == 0) {
			log_error("config", "door_user=%s error=\"%s\"",
			    log_str(s->door_user), pw == NULL ?
			    "there is no such account" : "it is root");
			return -1;
		}
		server->door_uid = pw->pw_uid;
		server->door_gid = pw->pw_gid;
	}
	server->max_sessions = (size_t)s->max_sessions;
	server->max_per_address = (size_t)s->max_per_address;
	server->max_login_failures = (size_t)s->max_login_failures;
	server->idle_exit = (unsigned)s->idle_exit;
	server->proxy_from = &s->proxy_from;
	return 0;
}

int
settings_check_tls(const struct settings *s, char *error)
{
	struct tls_server *tls;
	int r;

	if (*s->tls_cert == '\0')
		return 0;
	if ((tls = tls_server_new()) == NULL)
		return 0;
	r = tls_server_load(tls, s->tls_cert, *s->tls_key == '\0' ?
	    s->tls_cert : s->tls_key, error, CONF_ERROR_MAX);
	tls_server_free(tls);
	return r;
}
