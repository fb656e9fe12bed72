/* SPDX-License-Identifier: ISC
 *
 * AUTH (RFC 4954) as SMTP carries it.  Passwords and proofs go to the monitor,
 * passwords are wiped here; they are never asked for where a stranger could
 * listen, nor logged.
 */
#include <string.h>

#include "reply.h"
#include "smtpd.h"
#include "system/log.h"

void
auth_mechanisms(const struct session *s, void (*fn)(const char *, void *),
    void *arg)
{
	login_way_mechanisms(&smtpd.settings->auth_mechanisms, smtpd.scram,
	    s->stream, fn, arg);
}

static void
count(const char *name, void *n)
{
	(void)name;
	++*(unsigned *)n;
}

static bool
have_mechanism(const struct session *s)
{
	unsigned n = 0;

	auth_mechanisms(s, count, &n);
	return n > 0;
}

/* Without TLS only where nobody can listen, or where the administrator says
 * so. */
bool
auth_offered(const struct session *s)
{
	if (s->authenticated || smtpd.mode == MODE_LMTP || !have_mechanism(s))
		return false;
	return s->tls || smtpd.settings->allow_plaintext ||
	    (s->server->peer.loopback && !s->server->peer.proxied);
}

/* Ask the monitor whether this is the password. */
static enum login_verdict
auth_ask(struct session *s, const struct sasl *sasl)
{
	struct auth_request request;
	struct auth_reply answer;
	int r;

	/* acting for somebody else is not offered */
	if (sasl->authzid[0] != '\0' &&
	    strcmp(sasl->authzid, sasl->authcid) != 0)
		return LOGIN_WRONG;
	if (sasl_is_scram(sasl->mechanism))
		return (enum login_verdict)sasl->verdict;
	memset(&request, 0, sizeof(request));
	strlcpy(request.login, sasl->authcid, sizeof(request.login));
	strlcpy(request.password, sasl->password, sizeof(request.password));
	request.password_len = (uint32_t)strlen(request.password);
	r = server_ask(s->server, OP_AUTH, &request, &answer, NULL, 0, NULL);
	explicit_bzero(&request, sizeof(request));
	if (r != 0)
		return r == 1 ? LOGIN_LATER : LOGIN_GONE;
	return answer.verdict >= LOGIN_GOOD && answer.verdict <= LOGIN_LOCKED ?
	    answer.verdict : LOGIN_LATER;
}

static void
auth_finish(struct session *s, const struct smtp_command *c,
    struct sasl *sasl)
{
	enum login_verdict v = auth_ask(s, sasl);

	log_info("auth", "user=%s result=%s tls=%s", log_str(sasl->authcid),
	    login_verdict_name(v), s->tls ? "yes" : "no");
	switch (v) {
	case LOGIN_GOOD:
		s->authenticated = true;
		s->lenient = true;
		strlcpy(s->login, sasl->authcid, sizeof(s->login));
		strlcpy(s->mechanism, c->mechanism, sizeof(s->mechanism));
		reply(s, REPLY_AUTHENTICATED, NULL);
		break;
	case LOGIN_WRONG:
		reply(s, REPLY_AUTH_WRONG, NULL);
		break;
	case LOGIN_LOCKED:
		reply(s, REPLY_LOCKED, NULL);
		session_end(s);
		break;
	case LOGIN_LATER:
		reply(s, REPLY_AUTH_LATER, NULL);
		break;
	case LOGIN_GONE:
		reply(s, REPLY_INTERNAL, NULL);
		session_end(s);
		break;
	}
	sasl_wipe(sasl);
}

/* The dialogue of a mechanism, to the end.  False: the client is gone. */
static bool
converse(struct session *s, const struct smtp_command *c,
    enum sasl_mechanism mechanism, struct sasl *sasl, enum sasl_result *r)
{
	struct proof_reply proof;
	struct login_way way = { s->server, s->stream, OP_SCRAM_FIRST,
	    OP_SCRAM_FINAL, &proof.scram };
	struct stream_line line;

	*r = login_way_begin(&way, sasl, mechanism, c->initial,
	    c->initial_len);
	if (c->initial != NULL)		/* it stays in the stream's buffer */
		explicit_bzero((void *)(uintptr_t)c->initial, c->initial_len);
	while (*r == SASL_CONTINUE) {
		reply_challenge(s, sasl->challenge);
		if (session_line(s, SMTP_AUTH_LINE_MAX, &line) != 1) {
			sasl_wipe(sasl);
			return false;
		}
		*r = login_way_step(&way, sasl, line.data, line.len);
		explicit_bzero(line.data, line.len);
	}
	return true;
}

void
auth_run(struct session *s, const struct smtp_command *c)
{
	enum sasl_mechanism mechanism = sasl_mechanism(c->mechanism,
	    strlen(c->mechanism));
	enum sasl_result r;
	struct sasl sasl;

	if (!login_way_offers(&smtpd.settings->auth_mechanisms, smtpd.scram,
	    s->stream, mechanism)) {
		reply(s, REPLY_AUTH_MECHANISM, NULL);
		return;
	}
	if (!converse(s, c, mechanism, &sasl, &r))
		return;
	switch (r) {
	case SASL_DONE:
		auth_finish(s, c, &sasl);
		break;
	case SASL_CANCELLED:
		reply(s, REPLY_AUTH_CANCELLED, NULL);
		break;
	case SASL_WRONG_CHANNEL:
		reply(s, REPLY_AUTH_CHANNEL, NULL);
		break;
	case SASL_CONTINUE:
	case SASL_ASK_FIRST:
	case SASL_ASK_FINAL:
	case SASL_BAD_BASE64:
	case SASL_BAD_MESSAGE:
		reply(s, REPLY_AUTH_BASE64, NULL);
		break;
	case SASL_TOO_LONG:
		reply(s, REPLY_LINE_TOO_LONG, NULL);
		break;
	}
}
