/* SPDX-License-Identifier: ISC
 *
 * The door: TLS, greeting, STARTTLS, LOGIN and AUTHENTICATE (RFC 3501 6.2).  It
 * has no files; passwords go to the monitor and are wiped.  After login another
 * process has the session: in the clear it takes the connection over, under
 * TLS the door relays.
 */
#include <string.h>

#include "commands.h"
#include "system/log.h"

enum {
	FAILURES_MAX = 5,
	SASL_LINE_MAX = 8192		/* of a response in base64 */
};

/*
 * Logging in.
 */

/* The login was good: give the session away, or say why not. */
static enum reply
hand_over(struct session *s)
{
	switch (login_open(s->door, s->io, s->tag, strlen(s->tag) + 1)) {
	case MAILBOX_OK:
		s->io = NULL;
		s->state = STATE_OVER;
		return REPLY_DONE;
	case MAILBOX_NONE:
	case MAILBOX_EXISTS:
	case MAILBOX_BAD_NAME:
	case MAILBOX_NOT_PERMITTED:
	case MAILBOX_NO_RIGHT:
	case MAILBOX_LIMIT:
		return REPLY_MAILBOX_NEVER;
	case MAILBOX_FULL:
	case MAILBOX_OVERQUOTA:
	case MAILBOX_BUSY:
	case MAILBOX_RESET:
	case MAILBOX_TEMPORARY:
		break;
	}
	return REPLY_MAILBOX_TEMPORARY;
}

static enum reply
wrong(struct session *s)
{
	if (++s->failures < FAILURES_MAX)
		return REPLY_LOGIN_WRONG;
	reply_send(s, REPLY_LOGIN_WRONG);
	reply_bye(s, BYE_FAILURES);
	return REPLY_DONE;
}

/* Name and password are in sasl, which is wiped. */
static enum reply
do_login(struct session *s, struct sasl *sasl)
{
	switch (login_password(s->door, s->io, sasl)) {
	case LOGIN_GOOD:
		return hand_over(s);
	case LOGIN_WRONG:
		return wrong(s);
	case LOGIN_LOCKED:
		reply_send(s, REPLY_LOGIN_LOCKED);
		reply_bye(s, BYE_FAILURES);
		return REPLY_DONE;
	case LOGIN_GONE:
		reply_bye(s, BYE_INTERNAL);
		return REPLY_DONE;
	case LOGIN_LATER:
		break;
	}
	return REPLY_LOGIN_TEMPORARY;
}

/* login = "LOGIN" SP userid SP password */
enum reply
cmd_login(struct session *s, struct imap_lex *l)
{
	struct imap_string user, password;
	struct sasl sasl = { .mechanism = SASL_PLAIN };

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
	/* What is longer is nobody's. */
	if (user.len >= sizeof(sasl.authcid) ||
	    password.len >= sizeof(sasl.password))
		return wrong(s);
	memcpy(sasl.authcid, user.s, user.len);
	memcpy(sasl.password, password.s, password.len);
	return do_login(s, &sasl);
}

static enum reply
sasl_answer(struct session *s, struct sasl *sasl, enum sasl_result r)
{
	switch (r) {
	case SASL_DONE:
		if ((sasl->verdict == 0 || sasl->verdict == LOGIN_GOOD) &&
		    sasl->authzid[0] != '\0' &&
		    strcmp(sasl->authzid, sasl->authcid) != 0)
			return REPLY_LOGIN_AUTHZ;
		return do_login(s, sasl);
	case SASL_WRONG_CHANNEL:
		return REPLY_SASL_CHANNEL;
	case SASL_CANCELLED:
		return REPLY_CANCELLED;
	case SASL_BAD_BASE64:
		return REPLY_SASL_BASE64;
	case SASL_TOO_LONG:
		return REPLY_LINE_LONG;
	case SASL_BAD_MESSAGE:
	case SASL_CONTINUE:
	case SASL_ASK_FIRST:
	case SASL_ASK_FINAL:
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
		    SASL_BAD_BASE64 : login_sasl_step(s->door, s->io, sasl,
		    line.data, line.len);
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
	if (!login_offers(s->io, mechanism))
		return REPLY_MECHANISM;
	if (!session_privacy(s))
		return REPLY_LOGIN_PRIVACY;
	r = run_sasl(s, &sasl, login_sasl_begin(s->door, s->io, &sasl,
	    mechanism, initial, initial == NULL ? 0 :
	    (size_t)(l->end - initial)));
	sasl_wipe(&sasl);
	return r;
}

enum reply
cmd_starttls(struct session *s, struct imap_lex *l)
{
	if (imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	if (tls_on(s->io))
		return REPLY_TLS_ALREADY;
	if (login.tls == NULL)
		return REPLY_TLS_NONE;
	if (!stream_input_empty(s->io)) {
		/* Someone in the middle may have put it there. */
		reply_send(s, REPLY_TLS_PIPELINED);
		reply_bye(s, BYE_PIPELINED);
		return REPLY_DONE;
	}
	reply_send(s, REPLY_TLS_BEGIN);
	if (login_starttls(s->io) == -1) {
		s->state = STATE_OVER;
		stream_free(s->io);
		s->io = NULL;
	}
	return REPLY_DONE;
}

/*
 * The session.
 */

void
door_session(struct server_session *door)
{
	struct session s;
	struct stream *io;

	log_info("connect", "port=%u", (unsigned)door->local.port);
	if ((io = login_stream(door)) == NULL)
		return;
	session_init(&s, io, login.settings, STATE_FRESH);
	s.door = door;
	reply_greeting(&s, false);
	session_run(&s);
	session_free(&s);
}
