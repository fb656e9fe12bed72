/* SPDX-License-Identifier: ISC
 *
 * A connection to a server from the client's side: from the greeting to where
 * a message may be sent, and its end.  Nothing of the server's words is
 * believed but codes and the offers that EHLO lists.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "client_local.h"

#define WAIT_GREETING	(5 * 60 * 1000)		/* ms; RFC 5321, section
						 * 4.5.3.2.1 */
#define WAIT_QUIT	1000			/* to be rid of a QUIT */

/* ---- reports ---- */

/* The reply as one line: code, status, words. */
static void
reply_words(struct talk *t, char *to, size_t size)
{
	char status[SMTP_STATUS_MAX];
	const char *text = buf_str(&t->c->reply.text);

	smtp_status_text(&t->c->reply.status, status);
	snprintf(to, size, "%u%s%s %s", t->c->reply.code,
	    status[0] == '\0' ? "" : " ", status, text == NULL ? "" : text);
}

enum outcome
client_reply_outcome(const struct talk *t)
{
	switch (t->c->reply.code / 100) {
	case 2:
		return OUTCOME_SENT;
	case 5:
		return OUTCOME_PERMANENT;
	}
	return OUTCOME_TEMPORARY;
}

/* Report from the last reply.  A status whose class contradicts the code is
 * replaced, as is a missing one, by x.0.0. */
void
client_report_reply(struct talk *t, size_t i, enum outcome outcome)
{
	char status[SMTP_STATUS_MAX], words[DELIVERY_REPLY_MAX];
	unsigned class = outcome == OUTCOME_SENT ? 2 :
	    outcome == OUTCOME_PERMANENT ? 5 : 4;

	if (t->c->reply.status.class == class)
		smtp_status_text(&t->c->reply.status, status);
	else
		snprintf(status, sizeof(status), "%u.0.0", class);
	reply_words(t, words, sizeof(words));
	t->m->reports[i].dsn = (t->c->ehlo.can & SMTP_CAN_DSN) != 0;
	client_report(t->m, i, outcome, status, t->c->place, words);
}

void
client_report_reply_all(struct talk *t, enum outcome outcome)
{
	size_t i;

	for (i = 0; i < t->m->n; i++)
		if (client_is_open(t->m, i))
			client_report_reply(t, i, outcome);
}

/* ---- commands and replies ---- */

/* Read one reply.  421 at any time means that the server closes. */
enum heard
client_hear(struct talk *t, int ms)
{
	struct stream_line line;
	enum stream_status st = STREAM_OK;
	int done = 0;

	if (t->c->lost)
		return HEARD_LOST;
	smtp_reply_reset(&t->c->reply);
	stream_set_timeout(t->c->stream, ms);
	stream_record_begin(t->c->stream, ms);	/* for all its lines */
	while (done == 0) {
		st = stream_line(t->c->stream, SMTP_REPLY_LINE_MAX, &line);
		if (st != STREAM_OK && st != STREAM_TOOLONG)
			break;
		done = smtp_reply_line(&t->c->reply, line.data, line.len);
	}
	stream_record_end(t->c->stream);
	if (done == 1) {
		if (t->c->reply.code == 421)
			t->c->lost = true;
		return HEARD_REPLY;
	}
	t->c->lost = true;
	t->c->why = done == -1 ? "what came is no reply" :
	    st == STREAM_TIMEOUT ? "no answer in time" :
	    stream_error(t->c->stream);
	return HEARD_LOST;
}

bool
client_in_turn(struct talk *t)
{
	if (t->c->lost || stream_input_empty(t->c->stream))
		return !t->c->lost;
	t->c->lost = true;
	t->c->why = "it answered what it was not asked";
	return false;
}

/* Say why there was no reply, for all who wait for one. */
void
client_report_lost(struct talk *t, const char *when)
{
	char words[DELIVERY_REPLY_MAX];
	const char *why = t->c->why != NULL ? t->c->why :
	    stream_error(t->c->stream);

	if (t->c->reply.code == 421) {
		client_report_reply_all(t, OUTCOME_TEMPORARY);
		return;
	}
	snprintf(words, sizeof(words), "the connection was lost %s%s%s", when,
	    *why == '\0' ? "" : ": ", why);
	client_report_all(t->m, OUTCOME_TEMPORARY, "4.4.2", t->c->place,
	    words);
}

static int
greeting(struct talk *t)
{
	if (client_hear(t, WAIT_GREETING) == HEARD_LOST || t->c->lost) {
		client_report_lost(t, "before the greeting");
		return -1;
	}
	if (t->c->reply.code != 220) {
		/* A 5xx here speaks of this host, not of the recipients:
		 * another exchanger may serve them. */
		client_report_reply_all(t, OUTCOME_TEMPORARY);
		return -1;
	}
	if (client_in_turn(t))
		return 0;
	client_report_lost(t, "before EHLO");
	return -1;
}

/* Has the host our own name?  The DNS of a stranger may lead back to us, by an
 * address of the loopback for one. */
static bool
is_self(struct talk *t)
{
	const char *text = buf_str(&t->c->reply.text);
	size_t n;

	if (t->c->self == NULL || text == NULL)
		return false;
	n = strlen(t->c->self);
	return strncasecmp(text, t->c->self, n) == 0 &&
	    strchr(" \n", text[n]) != NULL;
}

static int
report_self(struct talk *t)
{
	client_report_all(t->m, OUTCOME_PERMANENT, "5.4.6", t->c->place,
	    "the domain's mail exchanger is this host, which does not know "
	    "the domain: a mail loop");
	return -1;
}

/* EHLO, or HELO where it is unknown (RFC 5321, section 3.2). */
static int
hello(struct talk *t)
{
	memset(&t->c->ehlo, 0, sizeof(t->c->ehlo));
	stream_printf(t->c->stream, "EHLO %s\r\n", t->c->hostname);
	if (client_hear(t, CLIENT_WAIT) == HEARD_LOST || t->c->lost)
		goto lost;
	if (t->c->reply.code == 250) {
		t->c->ehlo_heard = true;
		if (!client_in_turn(t))
			goto lost;
		if (is_self(t))
			return report_self(t);
		smtp_ehlo_parse(&t->c->ehlo, &t->c->reply);
		return 0;
	}
	if (t->c->reply.code / 100 == 5) {
		stream_printf(t->c->stream, "HELO %s\r\n", t->c->hostname);
		if (client_hear(t, CLIENT_WAIT) == HEARD_LOST || t->c->lost)
			goto lost;
		if (t->c->reply.code == 250) {
			t->c->ehlo_heard = true;
			return 0;
		}
	}
	client_report_reply_all(t, OUTCOME_TEMPORARY);
	return -1;
lost:
	client_report_lost(t, "at EHLO");
	return -1;
}

/* What is demanded cannot be had from this host: under REQUIRETLS (RFC 8689,
 * section 4.2.1) it is unfit for the message, else only for now. */
static int
report_insecure(struct talk *t, const char *status, const char *words)
{
	if (t->c->strict)
		client_report_all(t->m, OUTCOME_UNFIT, "5.7.10", t->c->place,
		    words);
	else
		client_report_all(t->m, OUTCOME_TEMPORARY, status,
		    t->c->place, words);
	return -1;
}

static int
report_absent(struct talk *t, const char *what)
{
	char words[DELIVERY_REPLY_MAX];

	t->c->shaken = CLIENT_TLS_ABSENT;
	if (t->c->policy.level <= LEVEL_MAY)
		return 0;
	snprintf(words, sizeof(words), "it must go protected, and the host %s",
	    what);
	return report_insecure(t, "4.7.4", words);
}

/* The handshake failed.  Only where nothing was promised may the mail go
 * without. */
static int
report_failed(struct talk *t, enum stream_status st)
{
	struct client *c = t->c;
	char words[DELIVERY_REPLY_MAX];

	c->shaken = st == STREAM_ERROR ? CLIENT_TLS_FAILED : CLIENT_TLS_LOST;
	c->lost = true;
	/* A connection that broke says nothing about the host's TLS. */
	if (c->policy.level <= LEVEL_MAY || st != STREAM_ERROR) {
		client_report_lost(t, "in the TLS handshake");
		return c->policy.level <= LEVEL_MAY ? 1 : -1;
	}
	snprintf(words, sizeof(words), "TLS failed: %s",
	    stream_error(c->stream));
	return report_insecure(t, "4.7.5", words);
}

static enum tls_verify
verify_of(enum policy_level level)
{
	switch (level) {
	case LEVEL_CLEAR:
	case LEVEL_MAY:
	case LEVEL_ENCRYPT:
		break;
	case LEVEL_PKIX:
		return TLS_VERIFY;
	case LEVEL_DANE:
		return TLS_DANE;
	}
	return TLS_ANY;
}

/* 0; -1 this host cannot be used; 1 it failed, and the clear may do. */
static int
handshake(struct talk *t)
{
	struct client *c = t->c;
	enum stream_status st;

	c->demand.verify = verify_of(c->policy.level);
	stream_set_timeout(c->stream, CLIENT_WAIT);
	st = tls_connect_to(c->stream, c->tls, &c->demand,
	    c->direct ? TLS_DIRECT : TLS_STARTTLS, &c->info);
	if (st != STREAM_OK)
		return report_failed(t, st);
	c->shaken = CLIENT_TLS_DONE;
	return 0;
}

/* STARTTLS (RFC 3207, section 4), as the level demands.
 * 0 go on; -1 this host cannot be used; 1 the handshake failed. */
static int
starttls(struct talk *t)
{
	struct client *c = t->c;
	int secure;

	if (c->policy.level == LEVEL_CLEAR)
		return 0;
	if (c->tls == NULL || !(c->ehlo.can & SMTP_CAN_STARTTLS))
		return report_absent(t, "offers no TLS");
	stream_puts(c->stream, "STARTTLS\r\n");
	if (client_hear(t, CLIENT_WAIT) == HEARD_LOST || c->lost) {
		client_report_lost(t, "at STARTTLS");
		return c->policy.level <= LEVEL_MAY && c->reply.code != 421 ?
		    1 : -1;
	}
	if (c->reply.code != 220)
		return report_absent(t, "refused STARTTLS");
	if ((secure = handshake(t)) != 0)
		return secure;
	/* What was said in the clear is forgotten (section 4.2). */
	return hello(t);
}

void
client_tls_text(const struct client *c, char text[REPORT_TLS_MAX])
{
	const struct tls_info *i = &c->info;

	if (c->shaken != CLIENT_TLS_DONE)
		strlcpy(text, "none", REPORT_TLS_MAX);
	else
		snprintf(text, REPORT_TLS_MAX, "%s/%s/%s", i->version,
		    i->cipher, i->dane ? "dane" : !i->verified ? "no" :
		    c->policy.type == POLICY_TYPE_STS ? "sts" : "pkix");
}

/* ---- the connection ---- */

enum client_result
client_open(struct client *c, struct client_message *m)
{
	struct talk t = { .c = c, .m = m };

	m->tls[0] = '\0';
	smtp_reply_init(&c->reply);
	if ((c->direct && handshake(&t) != 0) || greeting(&t) == -1 ||
	    hello(&t) == -1)
		return CLIENT_NEXT;
	switch (c->direct ? 0 : starttls(&t)) {
	case 0:
		client_tls_text(c, m->tls);
		break;
	case 1:
		return CLIENT_CLEAR;
	default:
		return CLIENT_NEXT;
	}
	return c->login == NULL || client_auth(&t) == 0 ? CLIENT_DONE :
	    CLIENT_NEXT;
}

void
client_close(struct client *c)
{
	if (!c->lost && c->ehlo_heard) {
		/* Nobody waits for the answer: nothing depends on it. */
		stream_set_timeout(c->stream, WAIT_QUIT);
		stream_puts(c->stream, "QUIT\r\n");
	}
	smtp_reply_free(&c->reply);
	(void)stream_close(c->stream);
	c->stream = NULL;
}

enum client_result
client_run(struct client *c, struct client_message *m)
{
	enum client_result result = client_open(c, m);

	if (result == CLIENT_DONE)
		result = client_send(c, m);
	client_close(c);
	return result;
}
