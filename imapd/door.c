/* SPDX-License-Identifier: ISC
 *
 * The door: TLS, greeting, STARTTLS, LOGIN and AUTHENTICATE (RFC 3501 6.2).  It
 * has no files; passwords go to the monitor and are wiped.  After login another
 * process has the session: in the clear it takes the connection over, under
 * TLS the door relays.
 */
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "imapd.h"
#include "system/log.h"

enum {
	FAILURES_MAX = 5,
	SASL_LINE_MAX = 8192,		/* of a response in base64 */
	RELAY_SECONDS = 300		/* without taking any output */
};

/*
 * Handing over.
 */

/* Octets the client sent behind the login; they stay here as well until it is
 * certain that they are handed over.  false: too many. */
static bool
copy_input(struct session *s, struct open_request *q)
{
	const char *p;
	size_t n = stream_pending(s->io);

	if (n == 0)
		return true;
	if (n > sizeof(q->input) ||
	    stream_peek(s->io, 1, &p, &n) != STREAM_OK ||
	    n > sizeof(q->input))
		return false;
	memcpy(q->input, p, n);
	q->input_len = (uint32_t)n;
	return true;
}

/* Ask for the mailbox process.  fd: -1 when it has the connection, else what
 * to relay to. */
static int
ask_open(struct session *s, int *fd)
{
	static struct open_request q;
	struct open_reply answer = { 0 };
	int fds[2] = { stream_rfd(s->io), stream_wfd(s->io) };
	size_t nfds = fds[0] == fds[1] ? 1 : 2;
	int r;

	memset(&q, 0, sizeof(q));
	strlcpy(q.tag, s->tag, sizeof(q.tag));
	q.tls = tls_on(s->io) != 0;
	*fd = -1;
	/* The challenge and what was answered before come first. */
	if (stream_flush(s->io) != STREAM_OK)
		return -1;
	if (!q.tls && copy_input(s, &q))
		r = server_ask(s->door, OP_OPEN, &q, &answer, fds, nfds, NULL);
	else
		r = server_ask(s->door, OP_RELAY, &q, &answer, NULL, 0, fd);
	explicit_bzero(&q, sizeof(q));
	return r != 0 ? r : answer.good ? 0 : 1;
}

/* The login was good: give the session away, or say why not. */
static enum reply
hand_over(struct session *s)
{
	int fd, r;

	if ((r = ask_open(s, &fd)) == 1)
		return REPLY_MAILBOX_TEMPORARY;
	if (r == -1) {
		reply_bye(s, BYE_INTERNAL);
		return REPLY_DONE;
	}
	s->state = STATE_OVER;
	if (fd != -1) {
		stream_set_timeout(s->io, RELAY_SECONDS * 1000);
		stream_set_session(s->io, 0);
		(void)stream_relay(s->io, fd);
		close(fd);
	} else {
		/* The connection is another process's now. */
		stream_free(s->io);
		s->io = NULL;
	}
	return REPLY_DONE;
}

/*
 * Logging in.
 */

static enum verdict
ask_auth(struct session *s, const char *login, const char *password,
    size_t n)
{
	struct auth_request q;
	struct auth_reply answer = { VERDICT_LATER };
	int r;

	memset(&q, 0, sizeof(q));
	if (strlcpy(q.login, login, sizeof(q.login)) >= sizeof(q.login) ||
	    n >= sizeof(q.password))
		return VERDICT_WRONG;
	memcpy(q.password, password, n);
	q.password_len = (uint32_t)n;
	/* While a wrong password is being delayed, what was answered before
	 * is not. */
	(void)stream_flush(s->io);
	r = server_ask(s->door, OP_AUTH, &q, &answer, NULL, 0, NULL);
	explicit_bzero(&q, sizeof(q));
	if (r == -1)
		reply_bye(s, BYE_INTERNAL);
	return r == 0 ? answer.verdict : VERDICT_LATER;
}

static enum reply
do_login(struct session *s, const char *login, const char *password,
    size_t n)
{
	static const char *const name[] = { "later", "good", "wrong",
	    "locked" };
	enum verdict v = ask_auth(s, login, password, n);

	log_info("login", "user=%s result=%s tls=%s", log_str(login),
	    v <= VERDICT_LOCKED ? name[v] : "-",
	    tls_on(s->io) ? "yes" : "no");
	if (s->state == STATE_OVER)
		return REPLY_DONE;
	switch (v) {
	case VERDICT_GOOD:
		return hand_over(s);
	case VERDICT_WRONG:
		if (++s->failures < FAILURES_MAX)
			return REPLY_LOGIN_WRONG;
		reply_send(s, REPLY_LOGIN_WRONG);
		reply_bye(s, BYE_FAILURES);
		return REPLY_DONE;
	case VERDICT_LOCKED:
		reply_send(s, REPLY_LOGIN_LOCKED);
		reply_bye(s, BYE_FAILURES);
		return REPLY_DONE;
	case VERDICT_LATER:
		break;
	}
	return REPLY_LOGIN_TEMPORARY;
}

/* login = "LOGIN" SP userid SP password */
enum reply
cmd_login(struct session *s, struct imap_lex *l)
{
	struct imap_string user, password;

	if (imap_lex_need_sp(l) == -1)
		return reply_bad(s, l);
	if (imap_lex_astring(l, &user) != 1 || imap_lex_need_sp(l) == -1 ||
	    imap_lex_astring(l, &password) != 1 ||
	    imap_lex_need_end(l) == -1) {
		if (l->error == NULL)
			imap_lex_fail(l, "a name and a password are wanted");
		return reply_bad(s, l);
	}
	if (!session_privacy(s))
		return REPLY_LOGIN_PRIVACY;
	return do_login(s, user.s, password.s, password.len);
}

static enum reply
sasl_answer(struct session *s, const struct sasl *sasl, enum sasl_result r)
{
	switch (r) {
	case SASL_DONE:
		if (sasl->authzid[0] != '\0' &&
		    strcmp(sasl->authzid, sasl->authcid) != 0)
			return REPLY_LOGIN_AUTHZ;
		return do_login(s, sasl->authcid, sasl->password,
		    strlen(sasl->password));
	case SASL_CANCELLED:
		return REPLY_CANCELLED;
	case SASL_BAD_BASE64:
		return REPLY_SASL_BASE64;
	case SASL_TOO_LONG:
		return REPLY_LINE_LONG;
	case SASL_BAD_MESSAGE:
	case SASL_CONTINUE:
		break;
	}
	return REPLY_SASL_MESSAGE;
}

/* The exchange after its beginning. */
static enum reply
run_sasl(struct session *s, struct sasl *sasl, enum sasl_result r)
{
	enum stream_status status;
	struct stream_line line;

	while (r == SASL_CONTINUE) {
		stream_printf(s->io, "+ %s\r\n", sasl->challenge);
		status = stream_line(s->io, SASL_LINE_MAX, &line);
		if (status == STREAM_TOOLONG) {
			r = SASL_TOO_LONG;
			break;
		}
		if (status != STREAM_OK) {
			if (status == STREAM_TIMEOUT)
				reply_bye(s, BYE_TIMEOUT);
			s->state = STATE_OVER;
			return REPLY_DONE;
		}
		r = line.flags & (LINE_NUL | LINE_BARE_LF) ?
		    SASL_BAD_BASE64 : sasl_step(sasl, line.data, line.len);
		explicit_bzero(line.data, line.len);
	}
	return sasl_answer(s, sasl, r);
}

/* "AUTHENTICATE" SP auth-type [SP initial-resp]
 * initial-resp = base64 / "="			; RFC 4959 section 7 */
enum reply
cmd_authenticate(struct session *s, struct imap_lex *l)
{
	struct imap_string name;
	enum sasl_mechanism mechanism;
	const char *initial = NULL;
	struct sasl sasl;
	enum reply r;

	if (imap_lex_need_sp(l) == -1)
		return reply_bad(s, l);
	if (imap_lex_atom(l, &name) != 1) {
		imap_lex_fail(l, "a mechanism is missing");
		return reply_bad(s, l);
	}
	if (imap_lex_sp(l))
		initial = l->p;
	else if (imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	mechanism = sasl_mechanism(name.s, name.len);
	if (mechanism == SASL_UNKNOWN ||
	    !conf_list_has(&s->settings->auth_mechanisms, name.s))
		return REPLY_MECHANISM;
	if (!session_privacy(s))
		return REPLY_LOGIN_PRIVACY;
	r = run_sasl(s, &sasl, sasl_begin(&sasl, mechanism, initial,
	    initial == NULL ? 0 : (size_t)(l->end - initial)));
	sasl_wipe(&sasl);
	return r;
}

enum reply
cmd_starttls(struct session *s, struct imap_lex *l)
{
	enum stream_status status;

	if (imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	if (tls_on(s->io))
		return REPLY_TLS_ALREADY;
	if (s->tls == NULL)
		return REPLY_TLS_NONE;
	if (!stream_input_empty(s->io)) {
		/* Someone in the middle may have put it there. */
		reply_send(s, REPLY_TLS_PIPELINED);
		reply_bye(s, BYE_PIPELINED);
		return REPLY_DONE;
	}
	reply_send(s, REPLY_TLS_BEGIN);
	status = tls_accept(s->io, s->tls, TLS_STARTTLS);
	tls_server_free(s->tls);
	s->tls = NULL;
	imapd.tls = NULL;
	if (status != STREAM_OK) {
		log_info("tls", "error=%s", log_str(stream_error(s->io)));
		s->state = STATE_OVER;
		stream_free(s->io);
		s->io = NULL;
	}
	return REPLY_DONE;
}

/*
 * The session.
 */

/* TLS from the first octet, when that is wanted; the key goes when it is no
 * longer needed. */
static bool
begin_tls(struct session *s)
{
	enum stream_status status = STREAM_OK;

	if (!imapd.tls_first) {
		s->tls = imapd.tls;
		return true;
	}
	status = tls_accept(s->io, imapd.tls, TLS_DIRECT);
	tls_server_free(imapd.tls);
	imapd.tls = NULL;
	if (status == STREAM_OK)
		return true;
	log_info("tls", "error=%s", log_str(stream_error(s->io)));
	return false;
}

void
door_session(struct server_session *door)
{
	struct session s;
	struct stream *io;

	if ((io = stream_new(door->in, door->out)) == NULL)
		return;
	session_init(&s, io, imapd.settings, STATE_FRESH);
	s.door = door;
	log_info("connect", "port=%u", (unsigned)door->local.port);
	if (!begin_tls(&s)) {
		stream_free(io);
		return;
	}
	reply_greeting(&s, false);
	session_run(&s);
	session_free(&s);
	tls_server_free(imapd.tls);
}
