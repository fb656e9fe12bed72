/* SPDX-License-Identifier: ISC
 *
 * The session's half of the policy: at each stage it tells the monitor what a
 * stranger said, and says what the monitor answers.  It decides nothing.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "policy.h"
#include "system/clock.h"
#include "system/log.h"

#define ERRORS_FREE	3	/* errors of a session that cost nothing */
#define DENIED_MS	60000	/* for QUIT, RFC 5321 section 3.1 */
#define DELAY_MAX	5	/* seconds */

/* Ask, and say what the answer is.  true: refused. */
static bool
refuses(struct session *s, struct policy_request *q, uint32_t *pause)
{
	struct policy_reply answer;

	q->early = s->early;
	switch (server_ask(s->server, OP_POLICY, q, &answer, NULL, 0, NULL)) {
	case 0:
		break;
	case 1:
		return false;
	default:
		reply(s, REPLY_INTERNAL, NULL);
		session_end(s);
		return true;
	}
	if (pause != NULL)
		*pause = answer.pause;
	if (answer.reply == REPLY_NONE || answer.reply >= REPLIES)
		return false;
	answer.rule[sizeof(answer.rule) - 1] = '\0';
	answer.why[sizeof(answer.why) - 1] = '\0';
	log_info("refused", "rule=%s helo=%s from=%s to=%s reply=\"%.9s\" "
	    "why=%s", answer.rule, log_str(q->helo),
	    q->stage >= POLICY_MAIL ? log_address(&q->sender) : "-",
	    q->stage >= POLICY_RCPT ? log_address(&q->rcpt) : "-",
	    reply_text((enum reply)answer.reply), log_str(answer.why));
	reply(s, (enum reply)answer.reply, answer.why);
	return true;
}

/* Wait; does the client speak meanwhile, though it is our turn? */
static bool
speaks_early(struct session *s, uint32_t ms)
{
	struct pollfd p = { .fd = s->server->in, .events = POLLIN };
	long long end = clock_ms() + ms, left = ms;
	char byte;
	int n;

	while ((n = poll(&p, 1, (int)left)) == -1 && errno == EINTR &&
	    !server_stopping())
		if ((left = end - clock_ms()) < 0)
			left = 0;
	return n == 1 && recv(p.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

bool
policy_connect(struct session *s)
{
	struct policy_request q;
	uint32_t pause = 0;

	if (!policy_applies(&s->server->peer))
		return false;
	s->stranger = true;
	stream_set_session(s->stream, (int)smtpd.settings->session_time *
	    1000);
	memset(&q, 0, sizeof(q));
	q.stage = POLICY_CONNECT;
	if (refuses(s, &q, &pause)) {
		if (s->state == SESSION_END)
			return true;
		s->state = SESSION_DENIED;
		stream_set_session(s->stream, DENIED_MS);
		return true;
	}
	if (smtpd.tls_first)
		return false;
	s->early = speaks_early(s, pause);
	if (s->early)
		log_info("pregreet", "pause=%u", pause);
	return false;
}

static bool
is_exempt(const struct session *s)
{
	return !s->stranger || s->authenticated;
}

bool
policy_helo(struct session *s, const struct smtp_command *c)
{
	struct policy_request q;

	if (is_exempt(s))
		return false;
	memset(&q, 0, sizeof(q));
	q.stage = POLICY_HELO;
	strlcpy(q.helo, c->helo, sizeof(q.helo));
	return refuses(s, &q, NULL);
}

/* The name of the client is learnt here too. */
static bool
look_up(struct session *s, const struct address *sender)
{
	struct lookup_request q;
	struct lookup_reply answer;

	memset(&q, 0, sizeof(q));
	strlcpy(q.domain, sender->domain, sizeof(q.domain));
	switch (server_ask(s->server, OP_LOOKUP, &q, &answer, NULL, 0, NULL)) {
	case 0:
		strlcpy(s->reverse, answer.lookup.reverse,
		    sizeof(s->reverse));
		s->reverse_known = true;
		return true;
	case 1:
		return true;	/* no opinion */
	}
	reply(s, REPLY_INTERNAL, NULL);
	session_end(s);
	return false;
}

bool
policy_mail(struct session *s, const struct smtp_command *c)
{
	struct policy_request q;

	if (is_exempt(s))
		return false;
	memset(&q, 0, sizeof(q));
	q.stage = POLICY_MAIL;
	strlcpy(q.helo, s->helo, sizeof(q.helo));
	q.sender = c->path;
	if (refuses(s, &q, NULL) || !look_up(s, &c->path))
		return true;
	q.stage = POLICY_SENDER;
	return refuses(s, &q, NULL);
}

bool
policy_rcpt(struct session *s, const struct smtp_command *c)
{
	struct policy_request q;

	if (is_exempt(s))
		return false;
	memset(&q, 0, sizeof(q));
	q.stage = POLICY_RCPT;
	strlcpy(q.helo, s->helo, sizeof(q.helo));
	q.sender = s->sender;
	q.rcpt = c->path;
	return refuses(s, &q, NULL);
}

/* Who guesses at recipients waits longer for each answer. */
void
policy_delay(struct session *s)
{
	unsigned n = s->errors - s->delayed;
	long long end, left;

	if (is_exempt(s) || n == 0)
		return;
	s->delayed = s->errors;
	if (s->errors <= ERRORS_FREE)
		return;
	n = s->errors - ERRORS_FREE;
	left = 1000 * (n > DELAY_MAX ? DELAY_MAX : n);
	for (end = clock_ms() + left; left > 0 && !server_stopping();
	    left = end - clock_ms())
		(void)poll(NULL, 0, (int)left);
}
