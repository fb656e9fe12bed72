/* SPDX-License-Identifier: ISC
 *
 * One SMTP conversation from the client's side.  Commands are grouped where
 * the server allows it (RFC 2920), replies are read in the order of the
 * commands, and each recipient's report is written from the reply that
 * decided about it.  Nothing of the server's words is believed but codes and
 * the offers that EHLO lists.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "grammar/smtp_data.h"
#include "wish.h"

/* RFC 5321, section 4.5.3.2: the least that a client must wait, in ms. */
#define WAIT_GREETING	(5 * 60 * 1000)		/* .1 */
#define WAIT_COMMAND	(5 * 60 * 1000)		/* .2, .3 */
#define WAIT_DATA	(2 * 60 * 1000)		/* .4 */
#define WAIT_BLOCK	(3 * 60 * 1000)		/* .5 */
#define WAIT_END	(10 * 60 * 1000)	/* .6 */
#define WAIT_QUIT	(10 * 1000)		/* nothing depends on it */

/* Recipients of one transaction: the least a server must take is 100
 * (section 4.5.3.1.8); their commands in one group must not fill both
 * directions of a connection. */
#define RCPT_GROUP	50

enum heard {
	HEARD_REPLY,	/* c->reply is complete */
	HEARD_LOST	/* the connection is of no use any more */
};

struct talk {
	struct client		*c;
	struct client_message	*m;
	struct smtp_reply	 reply;
	struct smtp_ehlo	 ehlo;
	bool			 lost;
	bool			 crowded;	/* "too many recipients" */
};

/* ---- reports ---- */

/* The reply as one line: code, status, words. */
static void
reply_words(struct talk *t, char *to, size_t size)
{
	char status[SMTP_STATUS_MAX];
	const char *text = buf_str(&t->reply.text);

	smtp_status_text(&t->reply.status, status);
	snprintf(to, size, "%u%s%s %s", t->reply.code,
	    status[0] == '\0' ? "" : " ", status, text == NULL ? "" : text);
}

static enum outcome
reply_outcome(const struct talk *t)
{
	switch (t->reply.code / 100) {
	case 2:
		return OUTCOME_SENT;
	case 5:
		return OUTCOME_PERMANENT;
	}
	return OUTCOME_TEMPORARY;
}

/* Report from the last reply.  A status whose class contradicts the code is
 * replaced, as is a missing one, by x.0.0. */
static void
report_reply(struct talk *t, size_t i, enum outcome outcome)
{
	char status[SMTP_STATUS_MAX], words[DELIVERY_REPLY_MAX];
	unsigned class = outcome == OUTCOME_SENT ? 2 :
	    outcome == OUTCOME_PERMANENT ? 5 : 4;

	if (t->reply.status.class == class)
		smtp_status_text(&t->reply.status, status);
	else
		snprintf(status, sizeof(status), "%u.0.0", class);
	reply_words(t, words, sizeof(words));
	t->m->reports[i].dsn = (t->ehlo.can & SMTP_CAN_DSN) != 0;
	client_report(t->m, i, outcome, status, t->c->place, words);
}

static void
report_reply_all(struct talk *t, enum outcome outcome)
{
	size_t i;

	for (i = 0; i < t->m->n; i++)
		if (client_is_open(t->m, i))
			report_reply(t, i, outcome);
}

/* ---- commands and replies ---- */

/* Read one reply.  421 at any time means that the server closes. */
static enum heard
hear(struct talk *t, int ms)
{
	struct stream_line line;
	enum stream_status st;
	int done = 0;

	if (t->lost)
		return HEARD_LOST;
	smtp_reply_reset(&t->reply);
	stream_set_timeout(t->c->stream, ms);
	while (done == 0) {
		st = stream_line(t->c->stream, SMTP_REPLY_LINE_MAX, &line);
		if (st != STREAM_OK && st != STREAM_TOOLONG)
			break;
		done = smtp_reply_line(&t->reply, line.data, line.len);
	}
	if (done == 1) {
		if (t->reply.code == 421)
			t->lost = true;
		return HEARD_REPLY;
	}
	t->lost = true;
	return HEARD_LOST;
}

/* Say why there was no reply, for all who wait for one. */
static void
report_lost(struct talk *t, const char *when)
{
	char words[DELIVERY_REPLY_MAX];
	const char *why = stream_error(t->c->stream);

	if (t->reply.code == 421) {
		report_reply_all(t, OUTCOME_TEMPORARY);
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
	if (hear(t, WAIT_GREETING) == HEARD_LOST || t->lost) {
		report_lost(t, "before the greeting");
		return -1;
	}
	if (t->reply.code != 220) {
		/* A 5xx here speaks of this host, not of the recipients:
		 * another exchanger may serve them. */
		report_reply_all(t, OUTCOME_TEMPORARY);
		return -1;
	}
	return 0;
}

/* Has the host our own name?  The DNS of a stranger may lead back to us, by an
 * address of the loopback for one. */
static bool
is_self(struct talk *t)
{
	const char *text = buf_str(&t->reply.text);
	size_t n = strlen(t->c->hostname);

	return t->c->found && text != NULL &&
	    strncasecmp(text, t->c->hostname, n) == 0 &&
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
	memset(&t->ehlo, 0, sizeof(t->ehlo));
	stream_printf(t->c->stream, "EHLO %s\r\n", t->c->hostname);
	if (hear(t, WAIT_COMMAND) == HEARD_LOST || t->lost)
		goto lost;
	if (t->reply.code == 250) {
		if (is_self(t))
			return report_self(t);
		smtp_ehlo_parse(&t->ehlo, &t->reply);
		return 0;
	}
	if (t->reply.code / 100 == 5) {
		stream_printf(t->c->stream, "HELO %s\r\n", t->c->hostname);
		if (hear(t, WAIT_COMMAND) == HEARD_LOST || t->lost)
			goto lost;
		if (t->reply.code == 250)
			return 0;
	}
	report_reply_all(t, OUTCOME_TEMPORARY);
	return -1;
lost:
	report_lost(t, "at EHLO");
	return -1;
}

/* Under REQUIRETLS nothing but TLS will do, with a certificate that is good
 * (RFC 8689, section 4.2.1). */
static int
report_insecure(struct talk *t, const char *words)
{
	client_report_all(t->m, OUTCOME_UNFIT, "5.7.10", t->c->place, words);
	return -1;
}

/* STARTTLS where it is offered: opportunistic (RFC 3207, section 4).
 * 0 go on; -1 this host cannot be used; 1 the handshake failed. */
static int
starttls(struct talk *t)
{
	enum stream_status st;

	if (t->c->tls == NULL || !(t->ehlo.can & SMTP_CAN_STARTTLS))
		return !t->c->strict ? 0 : report_insecure(t,
		    "it must go protected, and the host offers no TLS");
	stream_puts(t->c->stream, "STARTTLS\r\n");
	if (hear(t, WAIT_COMMAND) == HEARD_LOST || t->lost) {
		report_lost(t, "at STARTTLS");
		return -1;
	}
	if (t->reply.code != 220)
		return !t->c->strict ? 0 : report_insecure(t,
		    "it must go protected, and the host refused STARTTLS");
	st = tls_connect(t->c->stream, t->c->tls, t->c->host,
	    t->c->strict ? TLS_VERIFY : TLS_ANY, TLS_STARTTLS);
	if (st == STREAM_ERROR && t->c->strict)
		return report_insecure(t, stream_error(t->c->stream));
	if (st != STREAM_OK) {
		report_lost(t, "in the TLS handshake");
		return t->c->strict ? -1 : 1;
	}
	/* What was said in the clear is forgotten (section 4.2). */
	return hello(t);
}

/* ---- one transaction ---- */

static void
send_mail(struct talk *t)
{
	char from[ADDRESS_TEXT_MAX];
	struct stream *s = t->c->stream;

	stream_printf(s, "MAIL FROM:<%s>",
	    address_text(&t->m->env->sender, from));
	if (t->ehlo.can & SMTP_CAN_SIZE)
		stream_printf(s, " SIZE=%llu",
		    (unsigned long long)t->m->wire);
	if (t->m->eightbit)
		stream_puts(s, " BODY=8BITMIME");
	wish_mail(s, t->m, &t->ehlo, time(NULL));
	stream_puts(s, "\r\n");
}

static void
send_rcpt(struct talk *t, size_t i)
{
	char to[ADDRESS_TEXT_MAX];

	stream_printf(t->c->stream, "RCPT TO:<%s>",
	    address_text(&t->m->rcpts[i].addr, to));
	wish_rcpt(t->c->stream, &t->m->rcpts[i], &t->ehlo);
	stream_puts(t->c->stream, "\r\n");
}

/* A refusal of the sender concerns every recipient. */
static int
hear_mail(struct talk *t)
{
	if (hear(t, WAIT_COMMAND) == HEARD_LOST) {
		report_lost(t, "at MAIL");
		return -1;
	}
	if (t->reply.code / 100 == 2)
		return 1;
	report_reply_all(t, reply_outcome(t));
	return t->lost ? -1 : 0;
}

/*
 * 1 taken; 0 not; -1 lost.  "Too many recipients" (452, and 552 as RFC 5321
 * section 4.5.3.1.10 says) leaves the recipient open for another transaction
 * on this connection.
 */
static int
hear_rcpt(struct talk *t, size_t i, bool some)
{
	enum outcome outcome;

	if (hear(t, WAIT_COMMAND) == HEARD_LOST) {
		report_lost(t, "at RCPT");
		return -1;
	}
	if (t->reply.code / 100 == 2)
		return 1;
	outcome = reply_outcome(t);
	if (some && (t->reply.code == 452 || t->reply.code == 552)) {
		outcome = OUTCOME_TEMPORARY;
		t->crowded = true;
	}
	report_reply(t, i, outcome);
	return t->lost ? -1 : 0;
}

/* The message, dots doubled, and its end. */
static int
send_body(struct talk *t)
{
	char in[16384], out[32768];
	struct smtp_dot dot = { 0 };
	off_t at = t->m->offset;
	ssize_t got;
	size_t used, n, left;

	stream_set_timeout(t->c->stream, WAIT_BLOCK);
	while ((got = pread(t->m->fd, in, sizeof(in), at)) > 0) {
		at += got;
		for (used = 0; used < (size_t)got; used += left) {
			left = (size_t)got - used;
			n = smtp_dot_feed(&dot, in + used, &left, out,
			    sizeof(out));
			if (stream_write(t->c->stream, out, n) == -1)
				return -1;
		}
	}
	if (got == -1)
		return -1;
	n = smtp_dot_end(&dot, out);
	if (stream_write(t->c->stream, out, n) == -1)
		return -1;
	return stream_flush(t->c->stream) == STREAM_OK ? 0 : -1;
}

/* Behind a 354 that came though nobody was taken: an empty message ends it
 * (RFC 2920, section 3.1). */
static void
send_nothing(struct talk *t)
{
	stream_puts(t->c->stream, ".\r\n");
	(void)hear(t, WAIT_END);
}

/* DATA's 354 has been asked for: read it, send, read the verdict.  Recipients
 * taken are those of which[] with taken[] set. */
static enum client_result
transfer(struct talk *t, const size_t *which, const bool *taken, size_t n,
    size_t ntaken)
{
	enum outcome outcome;
	size_t i;

	if (hear(t, WAIT_DATA) == HEARD_LOST) {
		report_lost(t, "at DATA");
		return CLIENT_NEXT;
	}
	if (ntaken == 0) {
		if (t->reply.code == 354)
			send_nothing(t);
		return t->lost ? CLIENT_NEXT : CLIENT_DONE;
	}
	outcome = reply_outcome(t);
	if (t->reply.code == 354) {
		/* A message not sent to its end must not look complete: the
		 * connection is then cut, never ended with a dot. */
		if (send_body(t) == -1) {
			t->lost = true;
			report_lost(t, "while the message was sent");
			return CLIENT_NEXT;
		}
		if (hear(t, WAIT_END) == HEARD_LOST) {
			report_lost(t, "after the message was sent; it may "
			    "arrive twice");
			return CLIENT_STOP;
		}
		outcome = reply_outcome(t);
	} else if (outcome == OUTCOME_SENT)
		outcome = OUTCOME_TEMPORARY;	/* 2xx is no answer to DATA */
	for (i = 0; i < n; i++)
		if (taken[i])
			report_reply(t, which[i], outcome);
	return t->lost && outcome == OUTCOME_TEMPORARY ? CLIENT_NEXT :
	    CLIENT_DONE;
}

/* MAIL, RCPTs and DATA as one group (RFC 2920, section 3.1). */
static enum client_result
transact_group(struct talk *t, const size_t *which, size_t n)
{
	bool taken[RCPT_GROUP] = { false };
	size_t i, ntaken = 0;
	int mail, got;

	send_mail(t);
	for (i = 0; i < n; i++)
		send_rcpt(t, which[i]);
	stream_puts(t->c->stream, "DATA\r\n");
	if ((mail = hear_mail(t)) == -1)
		return CLIENT_NEXT;
	for (i = 0; i < n; i++) {
		if (mail == 0) {	/* decided: the replies say nothing */
			if (hear(t, WAIT_COMMAND) == HEARD_LOST)
				return CLIENT_NEXT;
			continue;
		}
		if ((got = hear_rcpt(t, which[i], ntaken > 0)) == -1)
			return CLIENT_NEXT;
		taken[i] = got == 1;
		ntaken += taken[i];
	}
	return transfer(t, which, taken, n, ntaken);
}

static enum client_result
transact_single(struct talk *t, const size_t *which, size_t n)
{
	bool taken[RCPT_GROUP] = { false };
	size_t i, ntaken = 0;
	int got;

	send_mail(t);
	if ((got = hear_mail(t)) != 1)
		return got == -1 ? CLIENT_NEXT : CLIENT_DONE;
	for (i = 0; i < n; i++) {
		send_rcpt(t, which[i]);
		if ((got = hear_rcpt(t, which[i], ntaken > 0)) == -1)
			return CLIENT_NEXT;
		taken[i] = got == 1;
		ntaken += taken[i];
	}
	if (ntaken == 0)
		return CLIENT_DONE;
	stream_puts(t->c->stream, "DATA\r\n");
	return transfer(t, which, taken, n, ntaken);
}

/* Take up to RCPT_GROUP recipients that are open and that the host is fit for,
 * behind *from. */
static size_t
choose(struct talk *t, size_t *from, size_t *which)
{
	struct client_message *m = t->m;
	const struct wish_lack *lack;
	size_t n = 0;

	for (; *from < m->n && n < RCPT_GROUP; (*from)++) {
		if (!client_is_open(m, *from))
			continue;
		lack = wish_lack(m, *from, &t->ehlo, t->c->strict,
		    time(NULL));
		if (lack == NULL)
			which[n++] = *from;
		else
			client_report(m, *from, OUTCOME_UNFIT, lack->status,
			    t->c->place, lack->words);
	}
	return n;
}

static size_t
count_sent(const struct client_message *m)
{
	size_t i, n = 0;

	for (i = 0; i < m->n; i++)
		n += m->reports[i].outcome == OUTCOME_SENT;
	return n;
}

static bool
message_fits(struct talk *t)
{
	char words[DELIVERY_REPLY_MAX];

	if ((t->ehlo.can & SMTP_CAN_SIZE) && t->ehlo.size != 0 &&
	    t->m->wire > t->ehlo.size) {
		snprintf(words, sizeof(words), "the message has %llu octets, "
		    "the host takes at most %llu",
		    (unsigned long long)t->m->wire,
		    (unsigned long long)t->ehlo.size);
		client_report_all(t->m, OUTCOME_PERMANENT, "5.3.4",
		    t->c->place, words);
		return false;
	}
	if (t->m->eightbit && !(t->ehlo.can & SMTP_CAN_8BITMIME)) {
		/* A client that cannot convert has this one honest answer
		 * (RFC 1652, section 3). */
		client_report_all(t->m, OUTCOME_PERMANENT, "5.6.3",
		    t->c->place, "the message has 8-bit octets, which the "
		    "host does not take");
		return false;
	}
	return true;
}

/* Is another host to be asked for someone? */
static bool
is_unfit(const struct client_message *m)
{
	size_t i = 0;

	while (i < m->n && m->reports[i].outcome != OUTCOME_UNFIT)
		i++;
	return i < m->n;
}

static enum client_result
transactions(struct talk *t)
{
	size_t which[RCPT_GROUP], from = 0, n, sent = 0;
	enum client_result result = CLIENT_DONE;

	if (!message_fits(t))
		return CLIENT_DONE;
	while (!t->lost && (n = choose(t, &from, which)) > 0) {
		result = (t->ehlo.can & SMTP_CAN_PIPELINING) ?
		    transact_group(t, which, n) :
		    transact_single(t, which, n);
		if (result != CLIENT_DONE)
			return result;
		/* Those who were one too many have their turn again as long
		 * as each turn brings some further. */
		if (from == t->m->n && t->crowded && count_sent(t->m) > sent) {
			sent = count_sent(t->m);
			t->crowded = false;
			from = 0;
		}
		if (!t->lost && from < t->m->n) {
			stream_puts(t->c->stream, "RSET\r\n");
			if (hear(t, WAIT_COMMAND) == HEARD_LOST)
				return CLIENT_NEXT;
		}
	}
	return (t->lost && choose(t, &from, which) > 0) || is_unfit(t->m) ?
	    CLIENT_NEXT : CLIENT_DONE;
}

enum client_result
client_run(struct client *c, struct client_message *m)
{
	struct talk t = { .c = c, .m = m };
	enum client_result result = CLIENT_NEXT;
	int secure;

	smtp_reply_init(&t.reply);
	if (greeting(&t) == -1 || hello(&t) == -1)
		goto out;
	if ((secure = starttls(&t)) != 0) {
		result = secure == 1 ? CLIENT_CLEAR : CLIENT_NEXT;
		goto out;
	}
	result = transactions(&t);
	if (!t.lost) {
		stream_puts(c->stream, "QUIT\r\n");
		(void)hear(&t, WAIT_QUIT);
	}
out:
	smtp_reply_free(&t.reply);
	return result;
}
