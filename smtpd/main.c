/* SPDX-License-Identifier: ISC
 *
 * smtpd: takes mail by SMTP from other servers (mx) and from users
 * (submission), and by LMTP.  Here everything is prepared that a session must
 * not be able to do itself: the certificate, the users, the spool.
 *
 * The way through the folder.  In the session, which talks to a stranger and
 * has no rights:
 *
 *	session		one client, line by line
 *	command		the table of commands; ehlo, auth and verify are some
 *	policy_door	what the policy says, asked at each stage
 *	data, bdat	the octets of a message, as they come
 *	incoming	a message from its first octet to the reply; intake: its
 *			files, submission: its header, lmtp: its replies
 *	review		what filter and milter_* say of it; text: its form
 *	reply		all that is said
 *
 * In the monitor, which answers the session's requests (smtpd.h) and never
 * reads a byte of a peer:
 *
 *	monitor		the table of requests; monitor_*: what is behind them
 *	policy		the table of rules; policy_rules, policy_lookup: each of
 *			them, and the DNS; policy_dry: smtpd -t
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bytes/crc32.h"
#include "grammar/idna.h"
#include "mail/auth_scram.h"
#include "mail/start.h"
#include "monitor.h"
#include "policy.h"
#include "reply.h"
#include "system/activate.h"
#include "system/log.h"

#define HELPER_SECONDS	60	/* without what a filter may take */

struct smtpd smtpd;

static const char *mode = "mx";
static int try;

static const struct start_option options[] = {
	{ 'T', "tls", NULL, "TLS from the first byte", &smtpd.tls_first,
	    NULL },
	{ 't', "try", NULL, "say what would happen, and take nothing", &try,
	    NULL },
	{ 'm', "mode", "MODE", "mx (default), submission or lmtp", NULL,
	    &mode },
	{ 0 }
};

static settings_check *const checks[] = {
	settings_check_hostname, settings_check_accounts, users_check,
	auth_check_users, auth_check_scram, settings_check_tls, spool_check,
	settings_check_filter, recipient_check, recipient_check_postmaster,
	recipient_check_relay, access_check, NULL
};

static const struct start me = {
	"smtpd", "[-T] [-m mx|submission|lmtp] [-t CLIENT HELO FROM TO]",
	"one SMTP session on standard input, or a server on a socket there",
	options, checks
};

static void
prepare(void)
{
	start_tls_refresh(smtpd.tls);
	monitor_judge_scram();
}

/* A session has no business with anybody's hash, nor with who is who. */
static void
forget(void)
{
	users_close(smtpd.users);
	smtpd.users = NULL;
	tables_close(smtpd.tables);
	smtpd.tables = NULL;
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
	case SERVER_TOO_FAST:
		return reply_text(REPLY_TOO_FAST);
	}
	return NULL;
}

static void
open_spool(void)
{
	char error[CONF_ERROR_MAX];

	/* its tables, which else each session would make for itself */
	(void)crc32_add(0, "", 0);
	smtpd.spool_open = spool_open(&smtpd.spool, smtpd.settings,
	    error) == 0;
	if (!smtpd.spool_open)
		log_error("spool", "error=%s", log_str(error));
}

/* A filter runs in a helper. */
static void
set_limits(struct server *server)
{
	const struct settings *s = smtpd.settings;

	server->helper_seconds = HELPER_SECONDS;
	if (s->filter.n > 0)
		server->helper_seconds += (unsigned)s->filter_timeout;
}

static void
reload(struct server *server)
{
	struct start_parts p = { smtpd.settings, smtpd.users, smtpd.tls,
	    smtpd.tables };

	if (start_anew(server, smtpd.tls_first, &p) == -1)
		return;
	smtpd.settings = p.settings;
	smtpd.users = p.users;
	smtpd.tables = p.tables;
	smtpd.tls = p.tls;
	server->ops = monitor_ops();
	set_limits(server);
	(void)policy_open(false);
}

static int
take_mode(void)
{
	static const char *const names[] = { [MODE_MX] = "mx",
	    [MODE_SUBMISSION] = "submission", [MODE_LMTP] = "lmtp" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(mode, names[i]) == 0) {
			smtpd.mode = (enum mode)i;
			return 0;
		}
	fprintf(stderr, "smtpd: -m %s: want mx, submission or lmtp\n", mode);
	return -1;
}

int
main(int argc, char **argv)
{
	struct server server = {
		.name = "smtpd", .nops = OPS, .prepare = prepare,
		.forget = forget, .session = session_run,
		.ended = monitor_ended, .admit = policy_admit,
		.reload = reload, .refuse = refuse
	};
	struct activate activate;
	char error[CONF_ERROR_MAX];
	int r, operand;

	settings_idna = idna_ascii;
	if ((smtpd.settings = calloc(1, sizeof(*smtpd.settings))) == NULL)
		return EX_OSERR;
	if ((r = start(&me, argc, argv, smtpd.settings, &operand)) !=
	    START_GO)
		return r;
	if (take_mode() == -1 || operand + (try > 0 ? 4 : 0) != argc) {
		fprintf(stderr, "usage: smtpd %s\n", me.usage);
		return EX_USAGE;
	}
	if (try > 0) {
		if (start_users(smtpd.settings, &smtpd.users) == -1 ||
		    start_tables(smtpd.settings, &smtpd.tables) == -1)
			return EX_CONFIG;
		return policy_dry(argv + operand);
	}
	if (activate_detect(&activate, error, sizeof(error)) == -1) {
		log_error("start", "error=%s", log_str(error));
		return EX_USAGE;
	}
	if (start_users(smtpd.settings, &smtpd.users) == -1 ||
	    start_tables(smtpd.settings, &smtpd.tables) == -1 ||
	    start_tls(smtpd.settings, smtpd.tls_first, &smtpd.tls) == -1 ||
	    start_server(&server, smtpd.settings) == -1)
		return EX_CONFIG;
	if (smtpd.mode == MODE_LMTP && deliver_find(error) == -1) {
		log_error("start", "error=%s", log_str(error));
		return EX_CONFIG;
	}
	if (policy_open(false) == -1)
		return EX_OSERR;
	if (recipient_check_relay(smtpd.settings, error) == 1)
		log_warn("relay", "note=%s", log_str(error));
	open_spool();
	/* A handshake takes longer than what it would save; helpers need the
	 * tables as they are. */
	server.ahead = smtpd.tls_first ? 0 : SERVER_AHEAD_DOORS;
	server.ops = monitor_ops();
	set_limits(&server);
	server.data_size = monitor_data_size();
	if (activate.kind == ACTIVATE_LISTEN && smtpd.spool_open)
		(void)spool_recover(&smtpd.spool);
	return server_run(&server, &activate, argv);
}
