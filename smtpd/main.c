/* SPDX-License-Identifier: ISC
 *
 * smtpd: takes mail by SMTP from other servers (mx) and from users
 * (submission).  Here everything is prepared that a session must not be able
 * to do itself: the certificate, the users, the spool.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "mail/auth.h"
#include "mail/start.h"
#include "reply.h"
#include "smtpd.h"
#include "system/activate.h"
#include "system/log.h"

struct smtpd smtpd;

static const char *mode = "mx";

static const struct start_option options[] = {
	{ 'T', "tls", NULL, "TLS from the first byte", &smtpd.tls_first,
	    NULL },
	{ 'm', "mode", "MODE", "mx (default) or submission", NULL, &mode },
	{ 0 }
};

static settings_check *const checks[] = {
	settings_check_hostname, settings_check_accounts, users_check,
	auth_check_users, settings_check_tls, spool_check, NULL
};

static const struct start me = {
	"smtpd", "[-T] [-m mx|submission]",
	"one SMTP session on standard input, or a server on a socket there",
	options, checks
};

/* The certificate is looked at before each session. */
static void
prepare(void)
{
	char error[TLS_ERROR_MAX];

	if (smtpd.tls == NULL)
		return;
	switch (tls_server_refresh(smtpd.tls, error, sizeof(error))) {
	case 1:
		log_info("certificate", "state=renewed");
		break;
	case -1:
		log_error("certificate", "kept=old error=%s", log_str(error));
		break;
	}
}

/* A session has no business with anybody's hash. */
static void
forget(void)
{
	users_close(smtpd.users);
	smtpd.users = NULL;
}

static const char *
refuse(enum server_refusal why)
{
	if (smtpd.tls_first)
		return NULL;
	switch (why) {
	case SERVER_FULL:
	case SERVER_NO_FORK:
		return reply_text(REPLY_FULL);
	case SERVER_ADDRESS_FULL:
		return reply_text(REPLY_ADDRESS_FULL);
	case SERVER_STOPPING:
		return reply_text(REPLY_STOPPING);
	}
	return NULL;
}

/* A certificate for the settings; *tls stays NULL when none is configured. */
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

static void
open_spool(void)
{
	char error[CONF_ERROR_MAX];

	smtpd.spool_open = spool_open(&smtpd.spool, smtpd.settings,
	    error) == 0;
	if (!smtpd.spool_open)
		log_error("spool", "error=%s", log_str(error));
}

/* Everything anew, or nothing. */
static void
reload(struct server *server)
{
	struct settings *fresh = calloc(1, sizeof(*fresh));
	struct settings *old = smtpd.settings;
	struct tls_server *tls = NULL;
	struct users *users = NULL;
	char error[CONF_ERROR_MAX];

	if (fresh == NULL || start_reread(fresh) == -1) {
		free(fresh);
		return;
	}
	if (users_open(&users, fresh, error) == -1) {
		log_error("reload", "kept=old error=%s", log_str(error));
		goto keep;
	}
	if (load_tls(fresh, &tls) == -1 || start_server(server, fresh) == -1)
		goto keep;
	users_close(smtpd.users);
	smtpd.users = users;
	tls_server_free(smtpd.tls);
	smtpd.tls = tls;
	smtpd.settings = fresh;
	settings_free(old);
	free(old);
	server->ops = monitor_ops();
	log_info("reload", NULL);
	return;
keep:
	tls_server_free(tls);
	users_close(users);
	(void)start_server(server, old);
	settings_free(fresh);
	free(fresh);
}

static int
take_mode(void)
{
	if (strcmp(mode, "mx") == 0)
		smtpd.mode = MODE_MX;
	else if (strcmp(mode, "submission") == 0)
		smtpd.mode = MODE_SUBMISSION;
	else {
		fprintf(stderr, "smtpd: -m %s: want mx or submission\n",
		    mode);
		return -1;
	}
	return 0;
}

static int
load(void)
{
	char error[CONF_ERROR_MAX];

	if (users_open(&smtpd.users, smtpd.settings, error) == -1) {
		log_error("users", "error=%s", log_str(error));
		return EX_CONFIG;
	}
	if (load_tls(smtpd.settings, &smtpd.tls) == -1)
		return EX_CONFIG;
	if (smtpd.tls_first && smtpd.tls == NULL) {
		log_error("config", "error=\"-T without tls_cert\"");
		return EX_CONFIG;
	}
	open_spool();
	return 0;
}

int
main(int argc, char **argv)
{
	struct server server = {
		.name = "smtpd", .nops = OPS, .prepare = prepare,
		.forget = forget, .session = session_run,
		.ended = monitor_ended, .reload = reload, .refuse = refuse
	};
	struct activate activate;
	char error[200];
	int r, operand;

	if ((smtpd.settings = calloc(1, sizeof(*smtpd.settings))) == NULL)
		return EX_OSERR;
	if ((r = start(&me, argc, argv, smtpd.settings, &operand)) !=
	    START_GO)
		return r;
	if (take_mode() == -1 || operand != argc) {
		fprintf(stderr, "usage: smtpd %s\n", me.usage);
		return EX_USAGE;
	}
	if (activate_detect(&activate, error, sizeof(error)) == -1) {
		log_error("start", "error=%s", log_str(error));
		return EX_USAGE;
	}
	if ((r = load()) != 0)
		return r;
	if (start_server(&server, smtpd.settings) == -1)
		return EX_CONFIG;
	server.ops = monitor_ops();
	server.data_size = monitor_data_size();
	if (activate.kind == ACTIVATE_LISTEN && smtpd.spool_open)
		(void)spool_recover(&smtpd.spool);
	return server_run(&server, &activate, argv);
}
