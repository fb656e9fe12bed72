/* SPDX-License-Identifier: ISC
 *
 * One client, from banner to end.  It runs in the door: no file, no rights,
 * only the connection and the monitor.  It must never answer 250 to a message
 * whose commit was not confirmed.
 */
#include <stdlib.h>
#include <string.h>

#include "grammar/chars.h"
#include "grammar/trace.h"
#include "milter.h"
#include "policy.h"
#include "reply.h"
#include "smtpd.h"
#include "system/log.h"

#define TIMEOUT		300	/* seconds; RFC 5321 section 4.5.3.2.7 */
#define LAST_WORD	5000	/* ms, when the session's time is over */
#define ERRORS_MAX	20	/* then the client is shown out */

void
session_reset(struct session *s)
{
	size_t i;

	bdat_drop();
	milter_reset(s);
	s->rcpts_again = false;
	memset(&s->sender, 0, sizeof(s->sender));
	memset(s->nqueue, 0, sizeof(s->nqueue));
	memset(&s->mail, 0, sizeof(s->mail));
	s->due = s->by = 0;
	for (i = 0; i < s->nrcpts; i++)
		free(s->rcpts[i].orcpt);
	s->nrcpts = 0;
	if (s->state == SESSION_MAIL || s->state == SESSION_RCPT ||
	    s->state == SESSION_BDAT)
		s->state = SESSION_GREETED;
}

void
session_end(struct session *s)
{
	s->state = SESSION_END;
}

enum reply
session_ask(struct session *s, enum op op, const void *request, void *answer)
{
	switch (server_ask(s->server, op, request, answer, NULL, 0, NULL)) {
	case 0:
		return REPLY_NONE;
	case 1:
		return REPLY_USERS_LATER;
	}
	session_end(s);
	return REPLY_INTERNAL;
}

const char *
log_address(const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	return address_is_null(a) ? "<>" : log_str(address_text(a, text));
}

bool
session_late(struct session *s, enum stream_status status)
{
	if (status == STREAM_EXPIRED) {
		stream_set_session(s->stream, LAST_WORD);
		reply(s, REPLY_SESSION_LONG, NULL);
	} else if (status == STREAM_TIMEOUT)
		reply(s, REPLY_TIMEOUT, NULL);
	else
		return false;
	return true;
}

bool
session_busy(struct session *s)
{
	server_busy(true);
	if (!server_stopping())
		return true;
	reply(s, REPLY_STOPPING, NULL);
	session_end(s);
	return false;
}

/* Why there is no line, said to the client where it can still hear. */
static void
say_end(struct session *s, enum stream_status status)
{
	if (server_stopping())
		reply(s, REPLY_STOPPING, NULL);
	else if (!session_late(s, status) &&
	    (s->state != SESSION_START || status != STREAM_EOF))
		log_info("gone", "how=%s %s", stream_status_name(status),
		    stream_error(s->stream));
	session_end(s);
}

/* What follows such a line is octets of a message, and nobody knows how
 * many. */
static bool
is_bdat(const struct stream_line *line)
{
	const char *p = line->data, *end = p + line->len;

	while (p < end && char_is(*p, CHAR_WSP))
		p++;
	return chars_begin(p, end, "BDAT");
}

/*
 * A client that is trusted may end its lines with LF alone, as people do who
 * type into a pipe.  NOTE: everybody else gets an error for such a line, and
 * what stands behind its LF is thrown away up to CRLF: it is no command.
 */
int
session_line(struct session *s, size_t max, struct stream_line *line)
{
	enum stream_status status = stream_line(s->stream, max, line);
	bool bare = line->flags & LINE_BARE_LF && !s->lenient;
	bool behind = s->swallow;

	if (status != STREAM_OK && status != STREAM_TOOLONG) {
		say_end(s, status);
		return 0;
	}
	s->swallow = bare;
	if (!bare && !behind && status == STREAM_OK)
		return 1;
	if (bare)
		reply(s, REPLY_BARE_LF, NULL);
	else if (!behind)
		reply(s, REPLY_LINE_TOO_LONG, NULL);
	if (is_bdat(line))
		session_end(s);
	return -1;
}

/* Show a client out that makes too many errors. */
static void
count_errors(struct session *s)
{
	policy_delay(s);
	if (smtpd.mode == MODE_LMTP || s->errors <= ERRORS_MAX ||
	    s->state == SESSION_END)
		return;
	log_info("errors", "count=%u", s->errors);
	reply(s, REPLY_TOO_MANY_ERRORS, NULL);
	session_end(s);
}

int
session_timeout(void)
{
	long long seconds = smtpd.settings->timeout;

	return (int)(1000 * (seconds == 0 ? TIMEOUT : seconds));
}

const char *
session_with(const struct session *s)
{
	return trace_with((smtpd.mode == MODE_LMTP ? TRACE_LMTP : 0) |
	    (s->esmtp ? TRACE_ESMTP : 0) |
	    (s->tls ? TRACE_TLS : 0) | (s->authenticated ? TRACE_AUTH : 0) |
	    (s->mail.given & SMTP_WITH_UTF8 ? TRACE_UTF8 : 0));
}

static int
begin(struct session *s)
{
	s->stream = stream_new(s->server->in, s->server->out);
	if (s->stream == NULL)
		return -1;
	stream_set_timeout(s->stream, session_timeout());
	if (!smtpd.tls_first)
		return 0;
	if (smtpd.tls == NULL || tls_accept(s->stream, smtpd.tls,
	    TLS_DIRECT) != STREAM_OK) {
		log_info("tls", "error=%s", smtpd.tls == NULL ?
		    "no-certificate" : log_str(stream_error(s->stream)));
		return -1;
	}
	tls_server_free(smtpd.tls);	/* the key is no longer needed */
	smtpd.tls = NULL;
	s->tls = true;
	return 0;
}

/* Who must not come at all: what he is told. */
static enum reply
turned_away(const struct server_session *server)
{
	if (smtpd.mode != MODE_LMTP)
		return REPLY_NONE;
	/* RFC 2033: never on the port of SMTP */
	if (server->local.kind == PEER_INET && server->local.port == 25)
		return REPLY_LMTP_PORT;
	return client_may_lmtp(&server->peer) ? REPLY_NONE : REPLY_LMTP_PEER;
}

static void
welcome(struct session *s)
{
	enum reply r = turned_away(s->server);

	if (r == REPLY_NONE) {
		reply(s, smtpd.mode == MODE_LMTP ? REPLY_BANNER_LMTP :
		    REPLY_BANNER, smtpd.settings->hostname);
		return;
	}
	log_info("refused", "reply=\"%.9s\"", reply_text(r));
	reply(s, r, NULL);
	session_end(s);
}

void
session_run(struct server_session *server)
{
	struct session s = { .server = server };
	struct stream_line line;

	s.trusted = client_is_trusted(&server->peer);
	s.lenient = s.trusted || server->peer.kind != PEER_INET ||
	    smtpd.mode == MODE_LMTP;
	if (server->peer.kind == PEER_UNIX)
		log_info("connect", "uid=%u pid=%d", server->peer.uid,
		    (int)server->peer.pid);
	else
		log_info("connect", NULL);
	if (begin(&s) == 0) {
		if (!policy_connect(&s) && milter_connect(&s))
			welcome(&s);
		while (s.state != SESSION_END) {
			if (session_line(&s, SMTP_LINE_MAX, &line) == 1)
				command_line(&s, &line);
			count_errors(&s);
		}
		log_info("disconnect", "messages=%u errors=%u", s.messages,
		    s.errors);
		milter_close(&s);
		stream_close(s.stream);
	} else if (s.stream != NULL)
		stream_free(s.stream);
	session_reset(&s);
	free(s.rcpts);
}
