/* SPDX-License-Identifier: ISC
 *
 * What smtpd's monitor answers: one table.  Requests come from processes that
 * talk to strangers, so each byte of them is checked here again: strings end,
 * numbers are within bounds, and nobody gets a file of a queue for which no
 * recipient was accepted.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "filter.h"
#include "mail/auth.h"
#include "mail/resolver.h"
#include "monitor.h"
#include "policy.h"
#include "system/log.h"
#include "system/sandbox.h"

/* A UNIX socket with a name was made for submission; what a relay program
 * made with socketpair(2) says nothing of who is behind it.  NOTE: submission
 * wants a login from everybody else, relay_from included (RFC 6409). */
bool
client_is_trusted(const struct peer *peer)
{
	if (smtpd.mode == MODE_LMTP)
		return false;		/* nobody sends on */
	if (peer->kind == PEER_UNIX)
		return peer->named;
	return smtpd.mode == MODE_MX && peer->kind == PEER_INET &&
	    conf_nets_match(&smtpd.settings->relay_from,
	    (const struct sockaddr *)&peer->addr);
}

bool
client_may_lmtp(const struct peer *peer)
{
	return peer->kind != PEER_INET ||
	    (peer->loopback && !peer->proxied) ||
	    conf_nets_match(&smtpd.settings->lmtp_from,
	    (const struct sockaddr *)&peer->addr);
}

/*
 * auth
 */

void
monitor_judge_scram(void)
{
	const struct conf_list *list = &smtpd.settings->auth_mechanisms;
	bool ready;

	if (conf_list_has(list, "SCRAM-SHA-256"))
		users_refresh(smtpd.users);
	ready = login_scram_ready(list, smtpd.users);
	if (ready != smtpd.scram)
		server_changed();	/* doors that were forked ahead */
	smtpd.scram = ready;
}

static int
check_auth(struct server_call *call)
{
	const struct auth_request *request = call->request;
	struct auth_reply *answer = call->reply;

	if (!monitor_string(request->login, sizeof(request->login)) ||
	    request->password_len >= sizeof(request->password)) {
		server_violation(call, "auth strings");
		return 0;
	}
	if (call->locked) {
		answer->verdict = LOGIN_LOCKED;
		return 0;
	}
	users_refresh(smtpd.users);	/* the helper may not read the file */
	return 1;
}

/* In a helper.  The hashes of a file are in memory, so it needs no rights; the
 * system's need root's. */
static void
run_auth(struct server_call *call)
{
	static struct user user;
	const struct auth_request *request = call->request;
	struct auth_reply *answer = call->reply;
	char error[CONF_ERROR_MAX] = "";

	if (!users_blocking(smtpd.users) && server_become_door() == -1) {
		answer->verdict = LOGIN_LATER;
		return;
	}
	switch (auth_check(smtpd.users, request->login, request->password,
	    request->password_len, call->peer->ip, &user, error)) {
	case AUTH_OK:
		answer->verdict = LOGIN_GOOD;
		strlcpy(answer->account, user.name, sizeof(answer->account));
		break;
	case AUTH_WRONG:
	case AUTH_DISABLED:
		answer->verdict = LOGIN_WRONG;
		break;
	case AUTH_TEMPORARY:
		log_error("auth", "error=%s", log_str(error));
		answer->verdict = LOGIN_LATER;
		break;
	}
}

/* Who has logged in is for the monitor alone. */
static void
logged_in(struct server_call *call, enum login_verdict v,
    char account[USERS_NAME_MAX])
{
	struct memory *m = call->data;

	if (v == LOGIN_GOOD) {
		call->state = STATE_AUTHENTICATED;
		account[USERS_NAME_MAX - 1] = '\0';
		strlcpy(m->account, account, sizeof(m->account));
	}
	memset(account, 0, USERS_NAME_MAX);
	server_login(call, v != LOGIN_WRONG);
}

static void
done_auth(struct server_call *call)
{
	struct auth_reply *answer = call->reply;

	logged_in(call, answer->verdict, answer->account);
}

/*
 * scram-first, scram-final
 */

static int
check_first(struct server_call *call)
{
	monitor_judge_scram();
	return login_scram_check_first(call, smtpd.scram);
}

static void
run_first(struct server_call *call)
{
	login_scram_run_first(call, smtpd.users);
}

static void
done_first(struct server_call *call)
{
	struct memory *m = call->data;

	call->state = login_scram_done_first(call, &m->scram) ? STATE_SCRAM :
	    STATE_ANYBODY;
}

static int
check_final(struct server_call *call)
{
	call->state = STATE_ANYBODY;	/* one proof for a nonce */
	monitor_judge_scram();
	return login_scram_check_final(call, smtpd.scram);
}

static void
run_final(struct server_call *call)
{
	static struct user user;
	const struct memory *m = call->data;
	struct proof_reply *answer = call->reply;

	if (login_scram_run_final(call, smtpd.users, &m->scram, &user))
		strlcpy(answer->account, user.name, sizeof(answer->account));
}

static void
done_final(struct server_call *call)
{
	struct proof_reply *answer = call->reply;
	struct memory *m = call->data;

	memset(&m->scram, 0, sizeof(m->scram));
	logged_in(call, answer->scram.verdict, answer->account);
}

/*
 * begin
 */

static void
forget(struct memory *m)
{
	size_t i;

	for (i = 0; i < SPOOL_QUEUES; i++) {
		if (m->file[i].id[0] != '\0')
			spool_abort(&smtpd.spool, &m->file[i]);
		memset(&m->file[i], 0, sizeof(m->file[i]));
		m->nrcpts[i] = 0;
	}
	m->counted = 0;
	m->again = false;
}

/* The spool may come later than we did. */
static int
spool_there(void)
{
	char error[CONF_ERROR_MAX];

	if (smtpd.spool_open)
		return 0;
	if (spool_open(&smtpd.spool, smtpd.settings, error) == -1) {
		log_error("spool", "error=%s", log_str(error));
		return -1;
	}
	smtpd.spool_open = true;
	return 0;
}

static void
run_begin(struct server_call *call)
{
	const struct begin_request *request = call->request;
	struct status_reply *answer = call->reply;
	struct memory *m = call->data;
	unsigned long counted = m->counted;

	forget(m);
	m->size = request->size;
	if (request->again) {
		m->counted = counted;
		m->again = true;
	}
	if (request->size > (uint64_t)smtpd.settings->max_size)
		answer->error = EFBIG;
	else if (spool_there() == 0 &&
	    spool_room(&smtpd.spool, request->size) == 0)
		answer->error = ENOSPC;
}

/*
 * reverse
 */

static void
run_reverse(struct server_call *call)
{
	struct reverse_reply *answer = call->reply;
	struct dns_addr addr;
	char error[CONF_ERROR_MAX];
	struct dns *dns;

	if (call->peer->kind != PEER_INET || dns_addr_get(&addr,
	    (const struct sockaddr *)&call->peer->addr) == -1)
		return;
	if ((dns = resolver_open(smtpd.settings, NULL, error)) == NULL)
		return;
	dns_set_timeout(dns, 1000, 2);
	if (server_become_door() == 0 && sandbox_client() == 0)
		(void)dns_reverse(dns, &addr, answer->name,
		    sizeof(answer->name));
	dns_free(dns);
}

/*
 * create, envelope, seal, commit
 */

static struct spool_new *
file_of(struct server_call *call, uint32_t queue, bool there)
{
	struct memory *m = call->data;

	if (queue >= SPOOL_QUEUES) {
		server_violation(call, "queue");
		return NULL;
	}
	if (there && m->file[queue].id[0] == '\0') {
		server_violation(call, "no file");
		return NULL;
	}
	return &m->file[queue];
}

/* The session's own descriptor of a file that stays ours. */
static int
lend(int fd, int32_t *error)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy == -1)
		*error = errno;
	return copy;
}

static void
run_draft(struct server_call *call)
{
	struct status_reply *answer = call->reply;

	if (spool_there() == -1)
		answer->error = EIO;
	else if ((call->fd = spool_draft(&smtpd.spool)) == -1)
		answer->error = errno;
}

/* Who may hold a message back, and how long: FUTURERELEASE. */
static bool
may_hold(const struct server_call *call, int64_t due)
{
	return smtpd.mode == MODE_SUBMISSION &&
	    call->state == STATE_AUTHENTICATED && due > 0 &&
	    due <= (int64_t)time(NULL) + HOLD_MAX;
}

static void
run_create(struct server_call *call)
{
	const struct create_request *request = call->request;
	struct create_reply *answer = call->reply;
	struct memory *m = call->data;
	struct spool_new *file = file_of(call, request->queue, false);
	bool lines;

	if (file == NULL)
		return;
	if (m->nrcpts[request->queue] == 0 || smtpd.mode == MODE_LMTP) {
		server_violation(call, "no recipient");
		return;
	}
	if ((request->due != 0 && !may_hold(call, request->due)) ||
	    (request->own && call->state != STATE_AUTHENTICATED &&
	    !client_is_trusted(call->peer))) {
		answer->error = EPERM;
		return;
	}
	if (spool_there() == -1) {
		answer->error = EIO;
		return;
	}
	if (file->id[0] != '\0')
		spool_abort(&smtpd.spool, file);
	memset(file, 0, sizeof(*file));
	lines = request->lines && request->due == 0 && !m->list &&
	    request->queue == SPOOL_LOCAL && m->nrcpts[SPOOL_LOCAL] == 1 &&
	    m->nrcpts[SPOOL_REMOTE] == 0;
	if (spool_create(&smtpd.spool, file, request->queue, lines ?
	    SPOOL_LINES : SPOOL_FILE, lines ? m->owner : (uid_t)-1,
	    request->own) == -1) {
		answer->error = errno;
		memset(file, 0, sizeof(*file));
		return;
	}
	file->due = request->due;
	strlcpy(answer->id, file->id, sizeof(answer->id));
	call->fd = lend(file->msg, &answer->error);
}

static void
run_envelope(struct server_call *call)
{
	const struct queue_request *request = call->request;
	struct create_reply *answer = call->reply;
	struct spool_new *file = file_of(call, request->queue, true);

	if (file == NULL)
		return;
	if (file->env == -1) {
		server_violation(call, "no envelope file");
		return;
	}
	call->fd = lend(file->env, &answer->error);
}

static void
run_seal_envelope(struct server_call *call)
{
	const struct queue_request *request = call->request;
	struct status_reply *answer = call->reply;
	struct spool_new *file = file_of(call, request->queue, true);

	if (file != NULL && spool_seal_envelope(&smtpd.spool, file) == -1)
		answer->error = errno;
}

static void
run_seal(struct server_call *call)
{
	const struct seal_request *request = call->request;
	struct status_reply *answer = call->reply;
	struct spool_new *file = file_of(call, request->queue, true);

	if (file != NULL && spool_seal(&smtpd.spool, file, request->size,
	    request->wire, request->crc) == -1)
		answer->error = errno;
}

/* Everything there is, the remote copy last. */
static void
run_commit(struct server_call *call)
{
	struct status_reply *answer = call->reply;
	struct memory *m = call->data;
	size_t i;

	for (i = 0; i < SPOOL_QUEUES && answer->error == 0; i++) {
		if (m->file[i].id[0] == '\0')
			continue;
		if (spool_commit(&smtpd.spool, &m->file[i]) == -1)
			answer->error = errno;
		else
			m->file[i].id[0] = '\0';
	}
	if (answer->error == 0)
		policy_taken(call);
	forget(m);
}

#define STRANGER ((1u << STATE_ANYBODY) | (1u << STATE_SCRAM))
#define ANYBODY	(STRANGER | (1u << STATE_AUTHENTICATED))

/* An honest door shows a client out long before. */
#define AUTHS_MAX	32

static struct server_op ops[OPS] = {
	[OP_AUTH] = { "auth", sizeof(struct auth_request),
	    sizeof(struct auth_reply), STRANGER, AUTHS_MAX,
	    SERVER_HELPER | SERVER_LOGIN, check_auth, run_auth, done_auth },
	[OP_SCRAM_FIRST] = { "scram-first",
	    sizeof(struct login_scram_first_request),
	    sizeof(struct login_scram_first_reply), STRANGER, AUTHS_MAX,
	    SERVER_HELPER | SERVER_LOGIN, check_first, run_first,
	    done_first },
	[OP_SCRAM_FINAL] = { "scram-final",
	    sizeof(struct login_scram_final_request),
	    sizeof(struct proof_reply), 1u << STATE_SCRAM, AUTHS_MAX,
	    SERVER_HELPER | SERVER_LOGIN, check_final, run_final,
	    done_final },
	[OP_SENDER] = { "sender", sizeof(struct sender_request),
	    sizeof(struct sender_reply), 1u << STATE_AUTHENTICATED, 0,
	    SERVER_HELPER, sender_check, sender_run, NULL },
	[OP_BEGIN] = { "begin", sizeof(struct begin_request),
	    sizeof(struct status_reply), ANYBODY, 0, 0, NULL, run_begin,
	    NULL },
	[OP_RCPT] = { "rcpt", sizeof(struct rcpt_request),
	    sizeof(struct rcpt_reply), ANYBODY, 0, SERVER_HELPER,
	    recipient_check_rcpt, recipient_run_rcpt, recipient_done_rcpt },
	[OP_RCPT_ASK] = { "rcpt-ask", sizeof(struct rcpt_request),
	    sizeof(struct rcpt_reply), ANYBODY, 0, SERVER_HELPER,
	    recipient_check_ask, recipient_run_ask, recipient_done_ask },
	[OP_EXPAND] = { "expand", sizeof(struct expand_request),
	    sizeof(struct expand_reply), ANYBODY, 0, SERVER_HELPER,
	    recipient_check_expand, recipient_run_expand, NULL },
	[OP_REVERSE] = { "reverse", 0, sizeof(struct reverse_reply), ANYBODY,
	    1, SERVER_HELPER, NULL, run_reverse, NULL },
	[OP_MILTER] = { "milter", sizeof(struct milter_request),
	    sizeof(struct status_reply), ANYBODY, 64,
	    SERVER_HELPER | SERVER_FD_OUT, milter_check, milter_run, NULL },
	[OP_FILTER] = { "filter", sizeof(struct filter_request),
	    sizeof(struct filter_reply), ANYBODY, 0,
	    SERVER_HELPER | SERVER_FD_IN, filter_check, filter_run, NULL },
	[OP_POLICY] = { "policy", sizeof(struct policy_request),
	    sizeof(struct policy_reply), ANYBODY, 0, 0, policy_check,
	    policy_answer, NULL },
	[OP_LOOKUP] = { "lookup", sizeof(struct lookup_request),
	    sizeof(struct lookup_reply), ANYBODY, 0, SERVER_HELPER,
	    lookup_check, lookup_answer, lookup_done },
	[OP_DRAFT] = { "draft", 0, sizeof(struct status_reply), ANYBODY, 0,
	    SERVER_FD_OUT, NULL, run_draft, NULL },
	[OP_CREATE] = { "create", sizeof(struct create_request),
	    sizeof(struct create_reply), ANYBODY, 0, SERVER_FD_OUT, NULL,
	    run_create, NULL },
	[OP_ENVELOPE] = { "envelope", sizeof(struct queue_request),
	    sizeof(struct create_reply), ANYBODY, 0, SERVER_FD_OUT, NULL,
	    run_envelope, NULL },
	[OP_SEAL_ENVELOPE] = { "seal-envelope", sizeof(struct queue_request),
	    sizeof(struct status_reply), ANYBODY, 0, 0, NULL,
	    run_seal_envelope, NULL },
	[OP_SEAL] = { "seal", sizeof(struct seal_request),
	    sizeof(struct status_reply), ANYBODY, 0, 0, NULL, run_seal,
	    NULL },
	[OP_COMMIT] = { "commit", 0, sizeof(struct status_reply), ANYBODY, 0,
	    0, NULL, run_commit, NULL },
	[OP_DELIVER] = { "deliver", sizeof(struct deliver_request),
	    sizeof(struct deliver_reply), ANYBODY, 0,
	    SERVER_HELPER | SERVER_FD_IN, deliver_check, deliver_run, NULL },
};

struct server_op *
monitor_ops(void)
{
	unsigned helper = users_blocking(smtpd.users) ? SERVER_HELPER : 0;

	/* a passwd-file is in memory; NSS may wait */
	ops[OP_RCPT].flags = ops[OP_SENDER].flags = helper;
	return ops;
}

size_t
monitor_data_size(void)
{
	return sizeof(struct memory);
}

void
monitor_ended(struct server_call *call)
{
	forget(call->data);
}
