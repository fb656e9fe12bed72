/* SPDX-License-Identifier: ISC
 *
 * AUTH with PLAIN and LOGIN, as SMTP carries them.  Passwords go to the
 * monitor and are wiped here; they are never asked for where a stranger could
 * listen, nor logged.
 */
#include <string.h>

#include "reply.h"
#include "smtpd.h"
#include "system/log.h"

/* SCRAM, which the other servers have, is not one of ours. */
bool
auth_mechanism_ours(const char *name)
{
	return !sasl_is_scram(sasl_mechanism(name, strlen(name)));
}

static bool
have_mechanism(void)
{
	const struct conf_list *list = &smtpd.settings->auth_mechanisms;
	size_t i;

	for (i = 0; i < list->n; i++)
		if (auth_mechanism_ours(list->v[i]))
			return true;
	return false;
}

/* Without TLS only where nobody can listen, or where the administrator says
 * so. */
bool
auth_offered(const struct session *s)
{
	if (s->authenticated || smtpd.mode == MODE_LMTP || !have_mechanism())
		return false;
	return s->tls || smtpd.settings->allow_plaintext ||
	    (s->server->peer.loopback && !s->server->peer.proxied);
}

/* Ask the monitor whether this is the password. */
static enum auth_verdict
auth_ask(struct session *s, const struct sasl *sasl)
{
	struct auth_request request;
	struct auth_reply answer;
	int r;

	/* acting for somebody else is not offered */
	if (sasl->authzid[0] != '\0' &&
	    strcmp(sasl->authzid, sasl->authcid) != 0)
		return AUTH_IS_WRONG;
	memset(&request, 0, sizeof(request));
	strlcpy(request.login, sasl->authcid, sizeof(request.login));
	strlcpy(request.password, sasl->password, sizeof(request.password));
	request.password_len = (uint32_t)strlen(request.password);
	r = server_ask(s->server, OP_AUTH, &request, &answer, NULL, 0, NULL);
	explicit_bzero(&request, sizeof(request));
	if (r != 0) {
		if (r == -1)
			session_end(s);
		return AUTH_IS_LATER;
	}
	return answer.verdict;
}

static void
auth_finish(struct session *s, struct sasl *sasl)
{
	static const char *const name[] = { "", "good", "wrong", "later",
	    "locked" };
	enum auth_verdict v = auth_ask(s, sasl);

	log_info("auth", "user=%s result=%s tls=%s", log_str(sasl->authcid),
	    v <= AUTH_IS_LOCKED ? name[v] : "", s->tls ? "yes" : "no");
	switch (v) {
	case AUTH_IS_GOOD:
		s->authenticated = true;
		s->lenient = true;
		strlcpy(s->login, sasl->authcid, sizeof(s->login));
		strlcpy(s->mechanism, sasl->mechanism == SASL_LOGIN ?
		    "LOGIN" : "PLAIN", sizeof(s->mechanism));
		reply(s, REPLY_AUTHENTICATED, NULL);
		break;
	case AUTH_IS_WRONG:
		reply(s, REPLY_AUTH_WRONG, NULL);
		break;
	case AUTH_IS_LOCKED:
		reply(s, REPLY_LOCKED, NULL);
		session_end(s);
		break;
	case AUTH_IS_LATER:
		reply(s, s->state == SESSION_END ? REPLY_INTERNAL :
		    REPLY_AUTH_LATER, NULL);
		break;
	}
	sasl_wipe(sasl);
}

static bool
mechanism_offered(const char *name)
{
	return auth_mechanism_ours(name) &&
	    conf_list_has(&smtpd.settings->auth_mechanisms, name);
}

void
auth_run(struct session *s, const struct smtp_command *c)
{
	enum sasl_mechanism mechanism = sasl_mechanism(c->mechanism,
	    strlen(c->mechanism));
	enum sasl_result r;
	struct stream_line line;
	struct sasl sasl;

	if (mechanism == SASL_UNKNOWN || !mechanism_offered(c->mechanism)) {
		reply(s, REPLY_AUTH_MECHANISM, NULL);
		return;
	}
	r = sasl_begin(&sasl, mechanism, c->initial, c->initial_len);
	if (c->initial != NULL)		/* it stays in the stream's buffer */
		explicit_bzero((void *)(uintptr_t)c->initial, c->initial_len);
	while (r == SASL_CONTINUE) {
		reply_challenge(s, sasl.challenge);
		if (session_line(s, SMTP_AUTH_LINE_MAX, &line) != 1) {
			sasl_wipe(&sasl);
			return;
		}
		r = sasl_step(&sasl, line.data, line.len);
		explicit_bzero(line.data, line.len);
	}
	switch (r) {
	case SASL_DONE:
		auth_finish(s, &sasl);
		break;
	case SASL_CANCELLED:
		reply(s, REPLY_AUTH_CANCELLED, NULL);
		break;
	case SASL_CONTINUE:
	case SASL_ASK_FIRST:	/* no SCRAM here */
	case SASL_ASK_FINAL:
	case SASL_WRONG_CHANNEL:
	case SASL_BAD_BASE64:
	case SASL_BAD_MESSAGE:
		reply(s, REPLY_AUTH_BASE64, NULL);
		break;
	case SASL_TOO_LONG:
		reply(s, REPLY_LINE_TOO_LONG, NULL);
		break;
	}
}
