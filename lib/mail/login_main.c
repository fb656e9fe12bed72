/* SPDX-License-Identifier: ISC
 *
 * The start of a program with logins: options, settings, certificate, users,
 * then the server.  Here everything is prepared that a door must not be able
 * to do itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "mail/auth.h"
#include "mail/login.h"
#include "mail/start.h"
#include "system/activate.h"
#include "system/log.h"

static const char *mailbox;

static const struct start_option options[] = {
	{ 'T', "tls", NULL, "TLS from the first byte", &login.tls_first,
	    NULL },
	{ 'p', "preauth", "MAILBOX", "one session, without login, on this "
	    "Maildir", NULL, &mailbox },
	{ 0 }
};

static settings_check *const checks[] = {
	settings_check_hostname, settings_check_accounts, users_check,
	auth_check_users, settings_check_tls, NULL
};

/* The certificate is looked at before each session. */
static void
prepare(void)
{
	char error[TLS_ERROR_MAX];

	if (login.tls == NULL)
		return;
	switch (tls_server_refresh(login.tls, error, sizeof(error))) {
	case 1:
		log_info("certificate", "state=renewed");
		break;
	case -1:
		log_error("certificate", "kept=old error=%s", log_str(error));
		break;
	}
}

/* The certificate of s; *tls stays NULL when there is none to load. */
static int
load_tls(const struct settings *s, struct tls_server **tls)
{
	char error[TLS_ERROR_MAX];

	*tls = NULL;
	if (*s->tls_cert == '\0')
		return 0;
	if ((*tls = tls_server_new()) == NULL)
		return -1;
	if (tls_server_load(*tls, s->tls_cert, *s->tls_key == '\0' ?
	    s->tls_cert : s->tls_key, error, sizeof(error)) == 0)
		return 0;
	log_error("certificate", "error=%s", log_str(error));
	tls_server_free(*tls);
	*tls = NULL;
	return -1;
}

static int
load_users(const struct settings *s, struct users **users)
{
	char error[CONF_ERROR_MAX];

	if (users_open(users, s, error) == 0)
		return 0;
	*users = NULL;
	log_error("users", "error=%s", log_str(error));
	return -1;
}

/* Everything anew, or nothing. */
static void
reload(struct server *server)
{
	struct settings *fresh = calloc(1, sizeof(*fresh));
	struct settings *old = login.settings;
	struct tls_server *tls = NULL;
	struct users *users = NULL;

	if (fresh == NULL || start_reread(fresh) == -1) {
		free(fresh);
		return;
	}
	if (load_users(fresh, &users) == -1 ||
	    load_tls(fresh, &tls) == -1 ||
	    (login.tls_first && tls == NULL) ||
	    start_server(server, fresh) == -1) {
		log_error("reload", "kept=old");
		tls_server_free(tls);
		users_close(users);
		(void)start_server(server, old);
		settings_free(fresh);
		free(fresh);
		return;
	}
	users_close(login.users);
	login.users = users;
	tls_server_free(login.tls);
	login.tls = tls;
	login.settings = fresh;
	settings_free(old);
	free(old);
	log_info("reload", NULL);
}

/* In the door: it has no business with anybody's hash. */
static void
forget_users(void)
{
	users_close(login.users);
	login.users = NULL;
}

static int
serve(const struct activate *activate, char **argv)
{
	struct server server = {
		.name = login.name, .ops = login_ops, .nops = LOGIN_NOPS,
		.data_size = sizeof(struct login_memory),
		.prepare = prepare, .forget = forget_users,
		.session = login.door,
		.refuse = login.refuse, .reload = reload
	};
	struct activate found = *activate;

	if (load_users(login.settings, &login.users) == -1 ||
	    start_server(&server, login.settings) == -1)
		return EX_CONFIG;
	return server_run(&server, &found, argv);
}

int
login_main(int argc, char **argv)
{
	const struct start me = {
		login.name, "[-T] [-p MAILBOX]", login.summary, options,
		checks
	};
	struct activate activate;
	char error[200];
	int r, operand;

	login.settings = calloc(1, sizeof(*login.settings));
	if (login.settings == NULL)
		return EX_OSERR;
	r = start(&me, argc, argv, login.settings, &operand);
	if (r != START_GO)
		return r;
	if (operand != argc) {
		fprintf(stderr, "usage: %s %s\n", me.name, me.usage);
		return EX_USAGE;
	}
	if (activate_detect(&activate, error, sizeof(error)) == -1) {
		log_error("start", "error=%s", log_str(error));
		return EX_USAGE;
	}
	if (mailbox != NULL && activate.kind != ACTIVATE_ONE) {
		log_error("start", "error=\"-p is for one session, and this "
		    "is a listening socket\"");
		return EX_USAGE;
	}
	/* A pipe without -T needs no certificate. */
	if ((mailbox == NULL || login.tls_first) &&
	    load_tls(login.settings, &login.tls) == -1)
		return EX_CONFIG;
	if (login.tls_first && login.tls == NULL) {
		log_error("config", "error=\"-T without tls_cert\"");
		return EX_CONFIG;
	}
	return mailbox == NULL ? serve(&activate, argv) :
	    login_local(mailbox, activate.in, activate.out);
}
