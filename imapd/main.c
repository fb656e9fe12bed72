/* SPDX-License-Identifier: ISC
 *
 * imapd: gives people their mail by IMAP.  Here everything is prepared that a
 * session must not be able to do itself: the certificate and the users; or,
 * with -p, the one mailbox of whoever started it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "imapd.h"
#include "mail/auth.h"
#include "mail/start.h"
#include "system/activate.h"
#include "system/log.h"
#include "system/sandbox.h"

struct imapd imapd;

static const char *preauth;

static const struct start_option options[] = {
	{ 'T', "tls", NULL, "TLS from the first byte", &imapd.tls_first,
	    NULL },
	{ 'p', "preauth", "MAILBOX", "begin logged in, on this mailbox",
	    NULL, &preauth },
	{ 0 }
};

static settings_check *const checks[] = {
	settings_check_hostname, settings_check_accounts, users_check,
	auth_check_users, settings_check_tls, NULL
};

static const struct start me = {
	"imapd", "[-T] [-p MAILBOX]",
	"one IMAP session on standard input, or a server on a socket there",
	options, checks
};

/* The certificate and the users are looked at before each session. */
static void
prepare(void)
{
	char error[TLS_ERROR_MAX];

	users_refresh(imapd.users);
	if (imapd.tls == NULL)
		return;
	switch (tls_server_refresh(imapd.tls, error, sizeof(error))) {
	case 1:
		log_info("certificate", "state=renewed");
		break;
	case -1:
		log_error("certificate", "kept=old error=%s", log_str(error));
		break;
	}
}

static const char *
refuse(enum server_refusal why)
{
	return imapd.tls_first ? NULL : reply_refusal((int)why);
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

/* Everything anew, or nothing. */
static void
reload(struct server *server)
{
	struct settings *fresh = calloc(1, sizeof(*fresh));
	struct settings *old = imapd.settings;
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
	users_close(imapd.users);
	imapd.users = users;
	tls_server_free(imapd.tls);
	imapd.tls = tls;
	imapd.settings = fresh;
	settings_free(old);
	free(old);
	log_info("reload", NULL);
	return;
keep:
	tls_server_free(tls);
	users_close(users);
	(void)start_server(server, old);
	settings_free(fresh);
	free(fresh);
}

/*
 * -p
 */

/* Open the mailbox named by -p: a trailing slash creates it. */
static int
open_preauth(struct mailbox_root **root)
{
	struct sandbox_path path = { preauth, SANDBOX_WRITE };
	size_t n = strlen(preauth);
	enum mailbox_status status;

	status = mailbox_root_open(preauth, n > 0 && preauth[n - 1] == '/' ?
	    MAILBOX_CREATE : 0, root);
	if (status != MAILBOX_OK) {
		fprintf(stderr, "imapd: %s: %s\n", preauth,
		    status == MAILBOX_NONE ? "is no Maildir" :
		    mailbox_status_text(status));
		return status == MAILBOX_NONE ? EX_NOINPUT : EX_TEMPFAIL;
	}
	if (sandbox_mailbox(&path, 1) == -1) {
		fprintf(stderr, "imapd: sandbox: %s\n", strerror(errno));
		return EX_OSERR;
	}
	return 0;
}

/* One session, authenticated by being started. */
static int
serve_preauth(const struct activate *a)
{
	struct session s;
	struct stream *io;
	struct mailbox_root *root;
	int r;

	if (a->kind != ACTIVATE_ONE) {
		fprintf(stderr, "imapd: -p serves no listening socket\n");
		return EX_USAGE;
	}
	server_stop_fd(a->in);		/* opens what a sandbox refuses */
	if ((r = open_preauth(&root)) != 0)
		return r;
	if ((io = stream_new(a->in, a->out)) == NULL) {
		fprintf(stderr, "imapd: %s\n", strerror(errno));
		return EX_OSERR;
	}
	session_init(&s, io, imapd.settings, STATE_AUTH);
	s.root = root;
	if (imapd.tls_first && tls_accept(io, imapd.tls, TLS_DIRECT) !=
	    STREAM_OK) {
		log_info("tls", "error=%s", log_str(stream_error(io)));
		return EX_PROTOCOL;
	}
	tls_server_free(imapd.tls);
	reply_greeting(&s, true);
	session_mailbox(&s);
	return 0;
}

/*
 * The start.
 */

static int
load(void)
{
	char error[CONF_ERROR_MAX];

	if (preauth == NULL &&
	    users_open(&imapd.users, imapd.settings, error) == -1) {
		log_error("users", "error=%s", log_str(error));
		return EX_CONFIG;
	}
	if ((preauth == NULL || imapd.tls_first) &&
	    load_tls(imapd.settings, &imapd.tls) == -1)
		return EX_CONFIG;
	if (imapd.tls_first && imapd.tls == NULL) {
		log_error("config", "error=\"-T without tls_cert\"");
		return EX_CONFIG;
	}
	return 0;
}

/* In the door: it has no business with anybody's hash. */
static void
forget_users(void)
{
	users_close(imapd.users);
	imapd.users = NULL;
}

int
main(int argc, char **argv)
{
	struct server server = {
		.name = "imapd", .ops = monitor_ops, .nops = OPS,
		.prepare = prepare, .forget = forget_users,
		.session = door_session,
		.reload = reload, .refuse = refuse
	};
	struct activate activate;
	char error[200];
	int r, operand;

	if ((imapd.settings = calloc(1, sizeof(*imapd.settings))) == NULL)
		return EX_OSERR;
	if ((r = start(&me, argc, argv, imapd.settings, &operand)) !=
	    START_GO)
		return r;
	if (operand != argc) {
		fprintf(stderr, "usage: imapd %s\n", me.usage);
		return EX_USAGE;
	}
	if (activate_detect(&activate, error, sizeof(error)) == -1) {
		log_error("start", "error=%s", log_str(error));
		return EX_USAGE;
	}
	if ((r = load()) != 0)
		return r;
	if (preauth != NULL)
		return serve_preauth(&activate);
	if (start_server(&server, imapd.settings) == -1)
		return EX_CONFIG;
	server.data_size = monitor_data_size();
	return server_run(&server, &activate, argv);
}
