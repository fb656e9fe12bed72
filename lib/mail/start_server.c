/* SPDX-License-Identifier: ISC
 *
 * What the daemons have in common at their start and after SIGHUP, besides
 * options: limits and accounts, the users, the certificate.  A fault after
 * SIGHUP must never take away what served before.
 */
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "mail/start.h"
#include "mail/tables.h"
#include "mail/users.h"
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

/* Load the certificate the settings name. */
static int
load(struct tls_server *tls, const struct settings *s, char *error,
    size_t size)
{
	return tls_server_load(tls, s->tls_cert, *s->tls_key == '\0' ?
	    s->tls_cert : s->tls_key, error, size);
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
	r = load(tls, s, error, CONF_ERROR_MAX);
	tls_server_free(tls);
	return r;
}

int
start_tls(const struct settings *s, int needed, struct tls_server **tls)
{
	char error[TLS_ERROR_MAX] = "out of memory";

	*tls = NULL;
	if (*s->tls_cert == '\0') {
		if (!needed)
			return 0;
		log_error("config", "error=\"-T without tls_cert\"");
		return -1;
	}
	if ((*tls = tls_server_new()) != NULL &&
	    load(*tls, s, error, sizeof(error)) == 0)
		return 0;
	log_error("certificate", "error=%s", log_str(error));
	tls_server_free(*tls);
	*tls = NULL;
	return -1;
}

void
start_tls_refresh(struct tls_server *tls)
{
	char error[TLS_ERROR_MAX];

	if (tls == NULL)
		return;
	switch (tls_server_refresh(tls, error, sizeof(error))) {
	case 1:
		log_info("certificate", "state=renewed");
		server_changed();
		break;
	case -1:
		log_error("certificate", "kept=old error=%s", log_str(error));
		break;
	}
}

int
start_users(const struct settings *s, struct users **users)
{
	char error[CONF_ERROR_MAX];

	if (users_open(users, s, error) == 0)
		return 0;
	*users = NULL;
	log_error("users", "error=%s", log_str(error));
	return -1;
}

int
start_tables(const struct settings *s, struct tables **tables)
{
	char error[CONF_ERROR_MAX];

	if (tables_open(tables, s, error) == 0)
		return 0;
	log_error("tables", "error=%s", log_str(error));
	return -1;
}

static void
free_parts(struct start_parts *p)
{
	users_close(p->users);
	tables_close(p->tables);
	tls_server_free(p->tls);
	settings_free(p->settings);
	free(p->settings);
}

int
start_anew(struct server *server, int tls_needed, struct start_parts *now)
{
	struct start_parts fresh = { calloc(1, sizeof(*fresh.settings)) };

	if (fresh.settings == NULL || start_reread(fresh.settings) == -1) {
		free(fresh.settings);
		return -1;
	}
	if (start_users(fresh.settings, &fresh.users) == -1 ||
	    (now->tables != NULL &&
	    start_tables(fresh.settings, &fresh.tables) == -1) ||
	    start_tls(fresh.settings, tls_needed, &fresh.tls) == -1 ||
	    start_server(server, fresh.settings) == -1) {
		log_error("reload", "kept=old");
		(void)start_server(server, now->settings);
		free_parts(&fresh);
		return -1;
	}
	free_parts(now);
	*now = fresh;
	log_info("reload", NULL);
	return 0;
}
