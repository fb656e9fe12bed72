/* SPDX-License-Identifier: ISC
 *
 * What the monitor answers: whether a password is right, and, after that,
 * opening the mailbox of that user and no other.  It never reads what a peer
 * sent but for the name and password of a login, and those in a helper.
 *
 * The helper that opens becomes the owner of the mailbox, confines itself to
 * it, and only then reads the client: it is the mailbox process.
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#include "imapd.h"
#include "mail/auth.h"
#include "system/log.h"
#include "system/sandbox.h"

/* Of a session, as the monitor knows it. */
enum {
	STATE_STRANGER,
	STATE_KNOWN,		/* the password was right */
	STATE_GIVEN		/* the mailbox process has the session */
};

enum { AUTH_MAX = 10 };		/* guesses in one session */

struct known {
	char	login[SASL_NAME_MAX + 1];
};

size_t
monitor_data_size(void)
{
	return sizeof(struct known);
}

static bool
is_string(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

/*
 * auth
 */

static int
check_auth(struct server_call *call)
{
	const struct auth_request *q = call->request;
	struct auth_reply *answer = call->reply;

	if (!is_string(q->login, sizeof(q->login)) ||
	    q->password_len >= sizeof(q->password)) {
		server_violation(call, "auth strings");
		return 0;
	}
	if (call->locked) {
		answer->verdict = VERDICT_LOCKED;
		return 0;
	}
	users_refresh(imapd.users);	/* the helper may not read the file */
	return 1;
}

/* In a helper.  The hashes of a file are in memory, so it needs no rights; the
 * system's need root's. */
static void
run_auth(struct server_call *call)
{
	static struct user user;
	const struct auth_request *q = call->request;
	struct auth_reply *answer = call->reply;
	char error[CONF_ERROR_MAX] = "";

	answer->verdict = VERDICT_LATER;
	if (!users_blocking(imapd.users) && server_become_door() == -1)
		return;
	switch (auth_check(imapd.users, q->login, q->password,
	    q->password_len, call->peer->ip, &user, error)) {
	case AUTH_OK:
		answer->verdict = VERDICT_GOOD;
		break;
	case AUTH_WRONG:
	case AUTH_DISABLED:
		answer->verdict = VERDICT_WRONG;
		break;
	case AUTH_TEMPORARY:
		log_error("auth", "error=%s", log_str(error));
		answer->verdict = VERDICT_LATER;
		break;
	}
}

static void
done_auth(struct server_call *call)
{
	const struct auth_request *q = call->request;
	const struct auth_reply *answer = call->reply;
	struct known *known = call->data;

	if (answer->verdict == VERDICT_GOOD) {
		memcpy(known->login, q->login, sizeof(known->login));
		call->state = STATE_KNOWN;
	}
	server_login(call, answer->verdict != VERDICT_WRONG);
}

/*
 * open
 */

static int
check_open(struct server_call *call)
{
	const struct open_request *q = call->request;

	if (!is_string(q->tag, sizeof(q->tag)) ||
	    q->input_len > sizeof(q->input)) {
		server_violation(call, "open strings");
		return 0;
	}
	return 1;
}

/* Become the owner for good. */
static int
become(const struct user *u)
{
	if (geteuid() != 0)
		return 0;
	if (u->uid == 0 || u->gid == 0) {
		log_error("open", "user=%s error=\"is root's\"",
		    log_str(u->name));
		return -1;
	}
	if (setgroups(0, NULL) == -1 ||
	    setresgid(u->gid, u->gid, u->gid) == -1 ||
	    setresuid(u->uid, u->uid, u->uid) == -1 ||
	    geteuid() != u->uid || getegid() != u->gid) {
		log_error("open", "user=%s error=%s", log_str(u->name),
		    log_str(strerror(errno)));
		return -1;
	}
	return 0;
}

/* What a mailbox process must not have: other people's hashes, the key. */
static void
forget(void)
{
	users_close(imapd.users);
	imapd.users = NULL;
	tls_server_free(imapd.tls);
	imapd.tls = NULL;
}

/* Open the user's mailbox as its owner and shut everything else away. */
static int
open_root(const struct user *u, struct mailbox_root **root)
{
	struct sandbox_path path = { u->mailbox, SANDBOX_WRITE };
	enum mailbox_status status;

	if (become(u) == -1)
		return -1;
	status = mailbox_root_open(u->mailbox, MAILBOX_CREATE, root);
	if (status != MAILBOX_OK) {
		log_error("open", "user=%s mailbox=%s error=%s",
		    log_str(u->name), log_str(u->mailbox),
		    log_str(mailbox_status_text(status)));
		return -1;
	}
	if (sandbox_mailbox(&path, 1) == -1) {
		log_error("open", "user=%s error=%s", log_str(u->name),
		    log_str(strerror(errno)));
		return -1;
	}
	return 0;
}

static int
find_user(const char *login, struct user *u)
{
	char error[CONF_ERROR_MAX] = "";

	switch (users_login(imapd.users, login, u, error)) {
	case USERS_FOUND:
		return 0;
	case USERS_NONE:
		log_error("open", "user=%s error=\"is gone\"",
		    log_str(login));
		break;
	case USERS_TEMPORARY:
		log_error("open", "user=%s error=%s", log_str(login),
		    log_str(error));
		break;
	}
	return -1;
}

/* The mailbox process, over descriptors that are its own. */
static void
serve(struct server_call *call, int in, int out)
{
	static struct user user;
	const struct known *known = call->data;
	const struct open_request *q = call->request;
	struct open_reply *answer = call->reply;
	struct mailbox_root *root;
	struct session s;
	struct stream *io;
	int found = find_user(known->login, &user);

	forget();
	explicit_bzero(user.hash, sizeof(user.hash));
	if (found == -1 || open_root(&user, &root) == -1)
		return;
	if ((io = stream_new(in, out)) == NULL ||
	    (q->input_len > 0 &&
	    stream_give_input(io, q->input, q->input_len) == -1)) {
		stream_free(io);
		mailbox_root_close(root);
		return;
	}
	session_init(&s, io, imapd.settings, STATE_AUTH);
	s.root = root;
	s.user = strdup(user.name);
	strlcpy(s.tag, q->tag, sizeof(s.tag));
	buf_adds(&s.code, "CAPABILITY ");
	session_capabilities(&s, &s.code);
	reply_send(&s, REPLY_LOGIN_OK);
	answer->good = 1;
	if (server_answer(call) == -1) {
		session_free(&s);
		return;
	}
	session_mailbox(&s);
}

static void
run_open(struct server_call *call)
{
	int in, out;

	/* The server closes those of the request, a stream its own. */
	if ((in = fcntl(call->fds[0], F_DUPFD_CLOEXEC, 3)) == -1)
		return;
	out = call->fds[1] == -1 ? in :
	    fcntl(call->fds[1], F_DUPFD_CLOEXEC, 3);
	if (out != -1)
		serve(call, in, out);
}

static void
run_relay(struct server_call *call)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return;
	call->fd = pair[1];
	serve(call, pair[0], pair[0]);
}

static void
done_open(struct server_call *call)
{
	const struct open_reply *answer = call->reply;

	call->state = answer->good ? STATE_GIVEN : STATE_STRANGER;
}

const struct server_op monitor_ops[OPS] = {
	[OP_AUTH] = { "auth", sizeof(struct auth_request),
	    sizeof(struct auth_reply), 1u << STATE_STRANGER, AUTH_MAX,
	    SERVER_HELPER | SERVER_LOGIN, check_auth, run_auth, done_auth },
	[OP_OPEN] = { "open", sizeof(struct open_request),
	    sizeof(struct open_reply), 1u << STATE_KNOWN, AUTH_MAX,
	    SERVER_HELPER | SERVER_STAYS | SERVER_FD_IN, check_open,
	    run_open, done_open },
	[OP_RELAY] = { "relay", sizeof(struct open_request),
	    sizeof(struct open_reply), 1u << STATE_KNOWN, AUTH_MAX,
	    SERVER_HELPER | SERVER_STAYS | SERVER_FD_OUT, check_open,
	    run_relay, done_open },
};
