/* SPDX-License-Identifier: ISC
 *
 * A message on an open connection.  Commands are grouped where the server
 * allows it (RFC 2920), replies are read in the order of the commands, and
 * each recipient's report is written from the reply that decided about it.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client_local.h"
#include "grammar/smtp_data.h"
#include "wish.h"

/* RFC 5321, section 4.5.3.2: the least that a client must wait, in ms. */
#define WAIT_DATA	(2 * 60 * 1000)		/* .4 */
#define WAIT_BLOCK	(3 * 60 * 1000)		/* .5 */
#define WAIT_END	(10 * 60 * 1000)	/* .6 */

/* Recipients of one transaction: the least a server must take is 100
 * (section 4.5.3.1.8); their commands in one group must not fill both
 * directions of a connection. */
#define RCPT_GROUP	50

static void
send_mail(struct talk *t)
{
	char from[ADDRESS_TEXT_MAX];
	struct stream *s = t->c->stream;

	t->c->midway = true;
	stream_printf(s, "MAIL FROM:<%s>",
	    address_text(&t->m->env->sender, from));
	if (t->c->ehlo.can & SMTP_CAN_SIZE)
		stream_printf(s, " SIZE=%llu",
		    (unsigned long long)t->m->wire);
	if (t->m->eightbit)
		stream_puts(s, " BODY=8BITMIME");
	wish_mail(s, t->m, &t->c->ehlo, time(NULL));
	stream_puts(s, "\r\n");
}

static void
send_rcpt(struct talk *t, size_t i)
{
	char to[ADDRESS_TEXT_MAX];

	stream_printf(t->c->stream, "RCPT TO:<%s>",
	    address_text(&t->m->rcpts[i].addr, to));
	wish_rcpt(t->c->stream, &t->m->rcpts[i], &t->c->ehlo);
	stream_puts(t->c->stream, "\r\n");
}

/* A refusal of the sender concerns every recipient. */
static int
hear_mail(struct talk *t)
{
	if (client_hear(t, CLIENT_WAIT) == HEARD_LOST) {
		client_report_lost(t, "at MAIL");
		return -1;
	}
	if (t->c->reply.code / 100 == 2)
		return 1;
	client_report_reply_all(t, client_reply_outcome(t));
	return t->c->lost ? -1 : 0;
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

	if (client_hear(t, CLIENT_WAIT) == HEARD_LOST) {
		client_report_lost(t, "at RCPT");
		return -1;
	}
	if (t->c->reply.code / 100 == 2)
		return 1;
	outcome = client_reply_outcome(t);
	if (some && (t->c->reply.code == 452 || t->c->reply.code == 552)) {
		outcome = OUTCOME_TEMPORARY;
		t->crowded = true;
	}
	client_report_reply(t, i, outcome);
	return t->c->lost ? -1 : 0;
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
	(void)client_hear(t, WAIT_END);
}

/* DATA's 354 has been asked for: read it, send, read the verdict.  Recipients
 * taken are those of which[] with taken[] set. */
static enum client_result
transfer(struct talk *t, const size_t *which, const bool *taken, size_t n,
    size_t ntaken)
{
	enum outcome outcome;
	size_t i;

	if (client_hear(t, WAIT_DATA) == HEARD_LOST) {
		client_report_lost(t, "at DATA");
		return CLIENT_NEXT;
	}
	if (ntaken == 0) {
		if (t->c->reply.code == 354)
			send_nothing(t);
		return t->c->lost ? CLIENT_NEXT : CLIENT_DONE;
	}
	outcome = client_reply_outcome(t);
	if (t->c->reply.code == 354) {
		/* A message not sent to its end must not look complete: the
		 * connection is then cut, never ended with a dot. */
		if (send_body(t) == -1) {
			t->c->lost = true;
			client_report_lost(t, "while the message was sent");
			return CLIENT_NEXT;
		}
		if (client_hear(t, WAIT_END) == HEARD_LOST) {
			client_report_lost(t, "after the message was sent; it may "
			    "arrive twice");
			return CLIENT_STOP;
		}
		t->c->midway = false;
		outcome = client_reply_outcome(t);
	} else if (outcome == OUTCOME_SENT)
		outcome = OUTCOME_TEMPORARY;	/* 2xx is no answer to DATA */
	for (i = 0; i < n; i++)
		if (taken[i])
			client_report_reply(t, which[i], outcome);
	return t->c->lost && outcome == OUTCOME_TEMPORARY ? CLIENT_NEXT :
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
			if (client_hear(t, CLIENT_WAIT) == HEARD_LOST)
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
		lack = wish_lack(m, *from, &t->c->ehlo, t->c->strict,
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

	if ((t->c->ehlo.can & SMTP_CAN_SIZE) && t->c->ehlo.size != 0 &&
	    t->m->wire > t->c->ehlo.size) {
		snprintf(words, sizeof(words), "the message has %llu octets, "
		    "the host takes at most %llu",
		    (unsigned long long)t->m->wire,
		    (unsigned long long)t->c->ehlo.size);
		client_report_all(t->m, OUTCOME_PERMANENT, "5.3.4",
		    t->c->place, words);
		return false;
	}
	if (t->m->eightbit && !(t->c->ehlo.can & SMTP_CAN_8BITMIME)) {
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

/* What was begun on this connection is forgotten. */
static int
reset(struct talk *t)
{
	stream_puts(t->c->stream, "RSET\r\n");
	if (client_hear(t, CLIENT_WAIT) == HEARD_LOST || t->c->lost)
		return -1;
	t->c->midway = false;
	return 0;
}

enum client_result
client_send(struct client *c, struct client_message *m)
{
	struct talk talk = { .c = c, .m = m }, *t = &talk;
	size_t which[RCPT_GROUP], from = 0, n, sent = 0;
	enum client_result result = CLIENT_DONE;

	client_tls_text(c, m->tls);
	if (!message_fits(t))
		return CLIENT_DONE;
	if (c->midway && reset(t) == -1) {
		client_report_lost(t, "at RSET");
		return CLIENT_NEXT;
	}
	while (!t->c->lost && (n = choose(t, &from, which)) > 0) {
		result = (t->c->ehlo.can & SMTP_CAN_PIPELINING) ?
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
		if (!t->c->lost && from < t->m->n && reset(t) == -1)
			return CLIENT_NEXT;
	}
	return (t->c->lost && choose(t, &from, which) > 0) || is_unfit(t->m) ?
	    CLIENT_NEXT : CLIENT_DONE;
}
