/* SPDX-License-Identifier: ISC
 *
 * The monitor's side of a login: see mail/login.h.  What becomes a mailbox
 * process must have nothing of the monitor left: no key, no password, no
 * right but to one mailbox.
 */
#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "mail/auth.h"
#include "mail/login.h"
#include "mail/special_use.h"
#include "system/log.h"
#include "system/privilege.h"
#include "system/sandbox.h"

struct login login;

void
login_refresh(void)
{
	unsigned before = users_version(login.users);

	users_refresh(login.users);
	if (users_version(login.users) != before)
		server_changed();
}

/*
 * password
 */

static int
check_password(struct server_call *call)
{
	const struct login_password_request *request = call->request;
	struct login_password_reply *reply = call->reply;

	if (memchr(request->login, '\0', sizeof(request->login)) == NULL ||
	    request->password_len >= sizeof(request->password)) {
		server_violation(call, "password strings");
		return 0;
	}
	if (call->locked) {
		reply->verdict = LOGIN_LOCKED;
		return 0;
	}
	login_refresh();	/* the helper may not read the file */
	return 1;
}

static void
remember(struct login_owner *o, const struct user *u)
{
	strlcpy(o->name, u->name, sizeof(o->name));
	strlcpy(o->mailbox, u->mailbox, sizeof(o->mailbox));
	strlcpy(o->imap_hide, u->imap_hide, sizeof(o->imap_hide));
	o->uid = u->uid;
	o->gid = u->gid;
	o->quota = u->quota;
}

/* In a helper.  The hashes of a file are in memory, so it needs no rights; the
 * system's need root's. */
static void
run_password(struct server_call *call)
{
	static struct user user;
	const struct login_password_request *request = call->request;
	struct login_password_reply *reply = call->reply;
	char error[CONF_ERROR_MAX] = "";

	reply->verdict = LOGIN_LATER;
	if (!users_blocking(login.users) && server_become_door() == -1)
		return;
	switch (auth_check(login.users, request->login, request->password,
	    request->password_len, call->peer->ip, &user, error)) {
	case AUTH_OK:
		reply->verdict = LOGIN_GOOD;
		remember(&reply->owner, &user);
		break;
	case AUTH_WRONG:
	case AUTH_DISABLED:
		reply->verdict = LOGIN_WRONG;
		break;
	case AUTH_TEMPORARY:
		log_error("auth", "error=%s", log_str(error));
		break;
	}
}

static void
done_password(struct server_call *call)
{
	struct login_password_reply *reply = call->reply;
	struct login_memory *memory = call->data;

	call->state = LOGIN_STATE_FRESH;
	if (reply->verdict == LOGIN_GOOD) {
		memory->owner = reply->owner;
		call->state = LOGIN_STATE_KNOWN;
	}
	/* The door has no use for where mail lies and whose it is. */
	memset(&reply->owner, 0, sizeof(reply->owner));
	server_login(call, reply->verdict != LOGIN_WRONG);
}

/*
 * open
 */

static int
check_open(struct server_call *call)
{
	const struct login_open_request *request = call->request;

	if (request->hello_len > sizeof(request->hello) ||
	    request->input_len > sizeof(request->input)) {
		server_violation(call, "open sizes");
		return 0;
	}
	return 1;
}

/* What a mailbox process must not have: the key, and other people's hashes.
 * tls: it shook hands, and goes on under TLS. */
static void
forget(bool tls)
{
	if (tls)
		tls_server_forget(login.tls);
	else
		tls_server_abandon(login.tls);
	login.tls = NULL;
	users_close(login.users);
	login.users = NULL;
}

/* Why the tree cannot be opened, for who called us with it. */
static void
log_unopened(const char *path, unsigned flags, enum mailbox_status status)
{
	const char *text = mailbox_status_text(status);
	struct stat st;

	if (status == MAILBOX_NONE && stat(path, &st) == 0)
		text = S_ISDIR(st.st_mode) ? "it is no Maildir: neither cur "
		    "nor new is in it" : "it is neither a Maildir nor an mbox";
	else if (status == MAILBOX_NONE && (flags & MAILBOX_CREATE) == 0)
		text = "it does not exist; with a slash behind its name it is "
		    "made";
	log_error("mailbox", "path=%s error=%s", log_str(path),
	    log_str(text));
}

/* Open the tree and give up all the rest. */
static enum mailbox_status
confine(struct login_mailbox *m, const char *path, unsigned flags)
{
	static char cache[PATH_MAX];
	struct sandbox_path paths[3] = { { path, SANDBOX_WRITE } };
	enum mailbox_status status;
	size_t n = 1;

	status = mailbox_root_open(path, flags, &m->root);
	if (status == MAILBOX_OK && login.alone)
		status = mailbox_root_alone(m->root);
	if (status != MAILBOX_OK) {
		log_unopened(path, flags, status);
		return status;
	}
	mailbox_root_quota(m->root, &m->quota);
	if (mailbox_root_cache(m->root, login.settings->cache_dir, cache,
	    sizeof(cache)))
		paths[n++] = (struct sandbox_path){ cache, SANDBOX_WRITE };
	if (mailbox_root_folder(m->root) != NULL)
		paths[n++] = (struct sandbox_path){
		    mailbox_root_folder(m->root), SANDBOX_LOCK };
	if (sandbox_mailbox(paths, n) == -1) {
		log_error("sandbox", "error=%s", log_str(strerror(errno)));
		return MAILBOX_TEMPORARY;
	}
	if (mailbox_root_made(m->root))
		special_use_make(m->root, &login.settings->folders,
		    *login.settings->separator);
	return MAILBOX_OK;
}

static enum mailbox_status
take_over(struct login_mailbox *m, struct server_call *call)
{
	const struct login_open_request *request = call->request;
	int in = call->fds[0], out = call->fds[1];

	/* From here they are the stream's. */
	call->fds[0] = call->fds[1] = -1;
	m->stream = stream_new(in, out == -1 ? in : out);
	if (m->stream == NULL || (request->input_len > 0 &&
	    stream_give_input(m->stream, request->input,
	    request->input_len) == -1))
		return MAILBOX_TEMPORARY;
	memcpy(m->hello, request->hello, request->hello_len);
	m->hello_len = request->hello_len;
	return MAILBOX_OK;
}

static void
run_open(struct server_call *call)
{
	static struct login_mailbox m;
	const struct login_memory *memory = call->data;
	const struct login_owner *owner = &memory->owner;
	struct login_open_reply *reply = call->reply;

	reply->status = MAILBOX_TEMPORARY;
	forget(false);
	m.user = owner->name;
	m.imap_hide = owner->imap_hide;
	m.quota = owner->quota;
	m.peer = call->peer;
	if (privilege_drop(owner->uid, owner->gid) == -1) {
		log_error("mailbox", "user=%s error=%s", log_str(owner->name),
		    log_str(strerror(errno)));
		return;
	}
	reply->status = confine(&m, owner->mailbox, MAILBOX_CREATE);
	if (reply->status == MAILBOX_OK)
		reply->status = take_over(&m, call);
	if (reply->status == MAILBOX_OK && login.open != NULL)
		reply->status = login.open(&m);
	if (reply->status != MAILBOX_OK)
		return;
	if (server_answer(call) == 0)
		login.session(&m);
}

static void
done_open(struct server_call *call)
{
	const struct login_open_reply *reply = call->reply;

	if (reply->status == MAILBOX_OK)
		call->state = LOGIN_STATE_OPEN;
}

/* An honest door shows a client out long before these. */
#define PASSWORDS_MAX	32
#define OPENS_MAX	8

/*
 * SCRAM
 */

static int
check_first(struct server_call *call)
{
	login_refresh();
	return login_scram_check_first(call, login.scram);
}

static void
run_first(struct server_call *call)
{
	login_scram_run_first(call, login.users);
}

static void
done_first(struct server_call *call)
{
	struct login_memory *memory = call->data;

	call->state = login_scram_done_first(call, &memory->scram) ?
	    LOGIN_STATE_SCRAM : LOGIN_STATE_FRESH;
}

static int
check_final(struct server_call *call)
{
	call->state = LOGIN_STATE_FRESH;	/* one proof for a nonce */
	login_refresh();
	return login_scram_check_final(call, login.scram);
}

static void
run_final(struct server_call *call)
{
	static struct user user;
	const struct login_memory *memory = call->data;
	struct login_proof_reply *reply = call->reply;

	if (login_scram_run_final(call, login.users, &memory->scram, &user))
		remember(&reply->owner, &user);
}

static void
done_final(struct server_call *call)
{
	struct login_proof_reply *reply = call->reply;
	struct login_memory *memory = call->data;

	if (reply->scram.verdict == LOGIN_GOOD) {
		memory->owner = reply->owner;
		call->state = LOGIN_STATE_KNOWN;
	}
	memset(&reply->owner, 0, sizeof(reply->owner));
	memset(&memory->scram, 0, sizeof(memory->scram));
	server_login(call, reply->scram.verdict != LOGIN_WRONG);
}

/* Before there is a mailbox process. */
#define GUESSING	((1u << LOGIN_STATE_FRESH) | (1u << LOGIN_STATE_SCRAM) \
	| (1u << LOGIN_STATE_KNOWN))

_Static_assert(sizeof(struct login_memory) <= SERVER_AHEAD_DATA,
    "login_memory");

const struct server_op login_ops[LOGIN_NOPS] = {
	[LOGIN_OP_PASSWORD] = { "password",
	    sizeof(struct login_password_request),
	    sizeof(struct login_password_reply),
	    GUESSING, PASSWORDS_MAX,
	    SERVER_HELPER | SERVER_LOGIN, check_password, run_password,
	    done_password },
	[LOGIN_OP_OPEN] = { "open", sizeof(struct login_open_request),
	    sizeof(struct login_open_reply), 1u << LOGIN_STATE_KNOWN, OPENS_MAX,
	    SERVER_HELPER | SERVER_STAYS | SERVER_FD_IN, check_open,
	    run_open, done_open },
	[LOGIN_OP_SCRAM_FIRST] = { "scram-first",
	    sizeof(struct login_scram_first_request),
	    sizeof(struct login_scram_first_reply),
	    GUESSING, PASSWORDS_MAX, SERVER_HELPER | SERVER_LOGIN,
	    check_first, run_first, done_first },
	[LOGIN_OP_SCRAM_FINAL] = { "scram-final",
	    sizeof(struct login_scram_final_request),
	    sizeof(struct login_proof_reply),
	    1u << LOGIN_STATE_SCRAM, PASSWORDS_MAX,
	    SERVER_HELPER | SERVER_LOGIN, check_final, run_final,
	    done_final },
};

/*
 * -p
 */

static int
exit_code(enum mailbox_status status)
{
	switch (status) {
	case MAILBOX_OK:
		return 0;
	case MAILBOX_NONE:
	case MAILBOX_BAD_NAME:
		return EX_NOINPUT;
	case MAILBOX_NO_RIGHT:
	case MAILBOX_NOT_PERMITTED:
		return EX_NOPERM;
	case MAILBOX_EXISTS:
	case MAILBOX_FULL:
	case MAILBOX_OVERQUOTA:
	case MAILBOX_LIMIT:
	case MAILBOX_BUSY:
	case MAILBOX_RESET:
	case MAILBOX_TEMPORARY:
		return EX_TEMPFAIL;
	}
	return EX_TEMPFAIL;
}

int
login_local(const char *path, int in, int out)
{
	static struct login_mailbox m;
	enum mailbox_status status;
	size_t n = strlen(path);

	m.user = m.imap_hide = "";
	if ((m.stream = stream_new(in, out)) == NULL)
		return EX_OSERR;
	if (login.tls_first && tls_accept(m.stream, login.tls, TLS_DIRECT) !=
	    STREAM_OK) {
		log_info("tls", "error=%s", log_str(stream_error(m.stream)));
		return EX_PROTOCOL;
	}
	forget(login.tls_first);
	server_stop_fd(in);	/* opens what a sandbox refuses */
	status = confine(&m, path, n > 0 && path[n - 1] == '/' ?
	    MAILBOX_CREATE : 0);
	if (status == MAILBOX_OK && login.open != NULL) {
		status = login.open(&m);
		if (status != MAILBOX_OK)
			log_error("mailbox", "path=%s error=%s", log_str(path),
			    log_str(mailbox_status_text(status)));
	}
	if (status == MAILBOX_OK)
		login.session(&m);
	return exit_code(status);
}
