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
#include "mail/auth_scram.h"
#include "mail/login.h"
#include "mail/start.h"
#include "system/activate.h"
#include "system/log.h"

static const char *mailbox;

static const struct start_option options[] = {
	{ 'T', "tls", NULL, "TLS from the first byte", &login.tls_first,
	    NULL },
	{ 'p', "preauth", "MAILBOX", "one session, without login, on this "
	    "Maildir or mbox", NULL, &mailbox },
	{ 0 }
};

static settings_check *const checks[] = {
	settings_check_hostname, settings_check_accounts, users_check,
	auth_check_users, auth_check_scram, settings_check_tls, NULL
};

static void
judge_scram(void)
{
	const struct conf_list *list = &login.settings->auth_mechanisms;

	if (conf_list_has(list, "SCRAM-SHA-256"))
		login_refresh();
	login.scram = login_scram_ready(list, login.users);
}

static void
prepare(void)
{
	start_tls_refresh(login.tls);
	judge_scram();
}

static void
reload(struct server *server)
{
	struct start_parts p = { login.settings, login.users, login.tls };

	if (start_anew(server, login.tls_first, &p) == -1)
		return;
	login.settings = p.settings;
	login.users = p.users;
	login.tls = p.tls;
	judge_scram();
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
		/* a handshake takes longer than what it would save */
		.ahead = login.tls_first ? 0 :
		    SERVER_AHEAD_DOORS | SERVER_AHEAD_HELPERS,
		.prepare = prepare, .forget = forget_users,
		.session = login.door,
		.refuse = login.refuse, .reload = reload
	};
	struct activate found = *activate;

	if (start_users(login.settings, &login.users) == -1 ||
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
		fprintf(stderr, "%s: %s: only options are taken; a mailbox "
		    "is named by -p\nusage: %s [-nVh] [-c FILE] "
		    "[-o KEY=VALUE]... %s\n", me.name, argv[operand],
		    me.name, me.usage);
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
	    start_tls(login.settings, login.tls_first, &login.tls) == -1)
		return EX_CONFIG;
	return mailbox == NULL ? serve(&activate, argv) :
	    login_local(mailbox, activate.in, activate.out);
}
