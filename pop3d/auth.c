/* SPDX-License-Identifier: ISC
 *
 * From AUTHORIZATION to TRANSACTION, in the door: USER and PASS, AUTH with
 * PLAIN and LOGIN (RFC 1734, RFC 2449 section 6.3), STLS.  No password is
 * taken where a stranger could listen.
 */
#include <string.h>

#include "pop3d.h"
#include "system/log.h"

#define OPENS_MAX	4	/* that fail, in one session */

/* Everything is right: the session goes on in the mailbox process. */
static void
open_drop(struct session *s)
{
	const struct hello hello = { .private = s->private, .utf8 = s->utf8 };
	enum mailbox_status status;

	status = login_open(s->door, s->io, &hello, sizeof(hello));
	switch (status) {
	case MAILBOX_OK:
		s->io = NULL;
		s->state = STATE_OVER;
		break;
	case MAILBOX_BUSY:
		reply_send(s->io, REPLY_IN_USE);
		break;
	case MAILBOX_NOT_PERMITTED:
		reply_send(s->io, REPLY_LOGIN_DELAY,
		    login.settings->pop3_login_delay);
		break;
	case MAILBOX_NONE:
	case MAILBOX_EXISTS:
	case MAILBOX_BAD_NAME:
	case MAILBOX_NO_RIGHT:
	case MAILBOX_LIMIT:
		/* Somebody has to do something (RFC 3206). */
		reply_send(s->io, REPLY_NEVER_OPENED,
		    mailbox_status_text(status));
		break;
	case MAILBOX_FULL:
	case MAILBOX_OVERQUOTA:
	case MAILBOX_RESET:
	case MAILBOX_TEMPORARY:
		reply_send(s->io, REPLY_NOT_OPENED,
		    mailbox_status_text(status));
		break;
	}
	/* The monitor takes only so many. */
	if (status != MAILBOX_OK && ++s->opens > OPENS_MAX) {
		reply_send(s->io, REPLY_ERRORS);
		s->state = STATE_OVER;
	}
}

/* Name and password are there; sasl is wiped. */
static void
log_in(struct session *s, struct sasl *sasl)
{
	switch (login_password(s->door, s->io, sasl)) {
	case LOGIN_GOOD:
		open_drop(s);
		break;
	case LOGIN_WRONG:
		session_error(s, REPLY_WRONG);
		break;
	case LOGIN_LATER:
		session_error(s, REPLY_LATER);
		break;
	case LOGIN_LOCKED:
		reply_send(s->io, REPLY_LOCKED_OUT);
		s->state = STATE_OVER;
		break;
	case LOGIN_GONE:
		reply_send(s->io, REPLY_STOPPING);
		s->state = STATE_OVER;
		break;
	}
}

void
do_user(struct session *s, const struct arguments *a)
{
	if (!s->private) {
		session_error(s, REPLY_TLS_FIRST);
		return;
	}
	/* A name too long is nobody's; the answer comes with PASS. */
	memset(s->user, 0, sizeof(s->user));
	memcpy(s->user, a->text, a->text_len < sizeof(s->user) ?
	    a->text_len : sizeof(s->user) - 1);
	reply_send(s->io, REPLY_USER);
}

/* NOTE: the password is all the rest of the line, spaces included (RFC 1939,
 * section 7, PASS). */
void
do_pass(struct session *s, const struct arguments *a)
{
	struct sasl sasl;

	if (!s->private) {
		session_error(s, REPLY_TLS_FIRST);
		return;
	}
	if (s->user[0] == '\0') {
		session_error(s, REPLY_USER_FIRST);
		return;
	}
	memset(&sasl, 0, sizeof(sasl));
	strlcpy(sasl.authcid, s->user, sizeof(sasl.authcid));
	memset(s->user, 0, sizeof(s->user));
	if (a->text_len > SASL_PASSWORD_MAX) {
		session_error(s, REPLY_WRONG);
		return;
	}
	memcpy(sasl.password, a->text, a->text_len);
	explicit_bzero(a->text, a->text_len);
	log_in(s, &sasl);
}

/* The dialogue of a mechanism; true: name and password are there. */
static bool
converse(struct session *s, struct sasl *sasl, enum sasl_result r)
{
	struct stream_line line;

	while (r == SASL_CONTINUE) {
		stream_printf(s->io, "+ %s\r\n", sasl->challenge);
		if (session_line(s, &line) != 1) {
			sasl_wipe(sasl);
			return false;
		}
		r = login_sasl_step(s->door, s->io, sasl, line.data,
		    line.len);
		explicit_bzero(line.data, line.len);
	}
	switch (r) {
	case SASL_DONE:
		return true;
	case SASL_CANCELLED:
		session_error(s, REPLY_CANCELLED);
		break;
	case SASL_TOO_LONG:
		session_error(s, REPLY_LINE_LONG);
		break;
	case SASL_WRONG_CHANNEL:
		session_error(s, REPLY_CHANNEL);
		break;
	case SASL_CONTINUE:
	case SASL_ASK_FIRST:
	case SASL_ASK_FINAL:
	case SASL_BAD_BASE64:
	case SASL_BAD_MESSAGE:
		session_error(s, REPLY_BASE64);
		break;
	}
	return false;
}

static void
write_mechanism(const char *name, void *arg)
{
	stream_printf(arg, "%s\r\n", name);
}

/* NOTE: without an argument clients from before CAPA ask which mechanisms
 * there are. */
static void
list_mechanisms(struct session *s)
{
	reply_send(s->io, REPLY_MECHANISMS);
	login_mechanisms(s->io, write_mechanism, s->io);
	stream_puts(s->io, ".\r\n");
}

/*
 * "AUTH" SP mechanism [SP initial-response]
 *
 * NOTE: an initial response that makes the line longer than the 255 octets of
 * RFC 2449, section 4, is taken: some clients do not ask first.
 */
void
do_auth(struct session *s, const struct arguments *a)
{
	const char *p = a->text, *end = p + a->text_len, *name, *initial, *more;
	enum sasl_mechanism mechanism;
	enum sasl_result r;
	struct sasl sasl;
	size_t n, len = 0, nmore;

	if (!s->private) {
		session_error(s, REPLY_TLS_FIRST);
		return;
	}
	if (!pop3_argument(&p, end, &name, &n)) {
		list_mechanisms(s);
		return;
	}
	mechanism = sasl_mechanism(name, n);
	if (!login_offers(s->io, mechanism)) {
		session_error(s, REPLY_MECHANISM);
		return;
	}
	if (!pop3_argument(&p, end, &initial, &len))
		initial = NULL;
	if (pop3_argument(&p, end, &more, &nmore)) {
		s->errors++;
		reply_send(s->io, REPLY_ARGUMENTS,
		    "AUTH mechanism [initial-response]");
		return;
	}
	r = login_sasl_begin(s->door, s->io, &sasl, mechanism, initial, len);
	explicit_bzero(a->text, a->text_len);
	if (converse(s, &sasl, r))
		log_in(s, &sasl);
}

void
do_stls(struct session *s, const struct arguments *a)
{
	(void)a;
	if (tls_on(s->io)) {
		session_error(s, REPLY_TLS_ALREADY);
		return;
	}
	if (login.tls == NULL) {
		session_error(s, REPLY_TLS_NONE);
		return;
	}
	/* Commands that came along in the clear could be anybody's. */
	if (!stream_input_empty(s->io)) {
		log_warn("stls", "error=\"input behind the command\"");
		reply_send(s->io, REPLY_TLS_INPUT);
		s->state = STATE_OVER;
		return;
	}
	reply_send(s->io, REPLY_TLS);
	if (login_starttls(s->io) == -1) {
		stream_free(s->io);
		s->io = NULL;
		s->state = STATE_OVER;
		return;
	}
	/* What was said in the clear could be anybody's, too. */
	memset(s->user, 0, sizeof(s->user));
	s->utf8 = !login.settings->pop3_utf8;
	s->private = true;
}

/* RFC 6856, section 2.1: texts go out as they are from now on. */
void
do_utf8(struct session *s, const struct arguments *a)
{
	(void)a;
	if (!login.settings->pop3_utf8) {
		session_error(s, REPLY_UNKNOWN);
		return;
	}
	s->utf8 = true;
	reply_send(s->io, REPLY_UTF8);
}
