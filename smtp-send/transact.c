/* SPDX-License-Identifier: ISC
 *
 * A message on an open connection.  Commands are grouped where the server
 * allows it (RFC 2920), replies are read in the order of the commands, and
 * each recipient's report is written from the reply that decided about it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bytes/crlf.h"
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

/* The message on its way. */
struct body {
	bool		 chunk;
	struct smtp_dot	 dot;
	struct crlf	 crlf;
	uint64_t	 sent;
};

/* No end of DATA can be misread where there is none. */
static bool
is_chunked(const struct talk *t)
{
	return (t->c->ehlo.can & SMTP_CAN_CHUNKING) != 0 &&
	    !t->c->unchunked;
}

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
		    (unsigned long long)t->text->wire);
	if (t->text->eightbit)
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

/* "Not on this connection": a host that wants no further message on it says
 * so with any reply but one about the sender. */
static bool
is_weary(const struct talk *t)
{
	return t->c->used && (t->c->reply.code == 503 ||
	    t->c->reply.code / 100 == 4);
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
	if (is_weary(t)) {
		client_report_reply_all(t, OUTCOME_TEMPORARY);
		return -1;
	}
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
	if (!t->c->lost)
		return 0;
	client_report_lost(t, "at RCPT");	/* 421, for the others too */
	return -1;
}

/* Some octets of the message, in the form of DATA or of BDAT. */
static int
send_piece(struct talk *t, struct body *b, const char *p, size_t n)
{
	char out[32768];
	size_t used, left, got;

	for (used = 0; used < n; used += left) {
		left = n - used;
		got = b->chunk ? crlf_to_wire(&b->crlf, p + used, &left, out,
		    sizeof(out)) : smtp_dot_feed(&b->dot, p + used, &left,
		    out, sizeof(out));
		if (stream_write(t->c->stream, out, got) == -1)
			return -1;
		b->sent += got;
	}
	return 0;
}

/* The message, and its end: CRLF.CRLF, or that all octets of the chunk are
 * there.  0, or -1. */
static int
send_body(struct talk *t)
{
	char in[16384], end[SMTP_DOT_END];
	struct body b = { .chunk = is_chunked(t) };
	off_t at = t->text->offset;
	ssize_t got;

	stream_set_timeout(t->c->stream, WAIT_BLOCK);
	if (send_piece(t, &b, t->text->prefix, strlen(t->text->prefix)) == -1)
		return -1;
	while ((got = pread(t->text->fd, in, sizeof(in), at)) > 0) {
		at += got;
		if (send_piece(t, &b, in, (size_t)got) == -1)
			return -1;
	}
	if (got == -1 || (b.chunk && b.sent != t->text->wire))
		return -1;
	if (!b.chunk && stream_write(t->c->stream, end,
	    smtp_dot_end(&b.dot, end)) == -1)
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

/* Recipients of one transaction: which[i] of the message, and taken[i]. */
struct group {
	const size_t	*which;
	bool		 taken[RCPT_GROUP];
	size_t		 n, ntaken;
};

/* The last reply decides about those taken. */
static enum client_result
decide(struct talk *t, const struct group *g, enum outcome outcome)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		if (g->taken[i])
			client_report_reply(t, g->which[i], outcome);
	return t->c->lost && outcome == OUTCOME_TEMPORARY ? CLIENT_NEXT :
	    CLIENT_DONE;
}

/* Send the message and read the verdict. */
static enum client_result
send_message(struct talk *t, const struct group *g)
{
	if (!client_in_turn(t)) {
		client_report_lost(t, "before the message was sent");
		return CLIENT_NEXT;
	}
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
	if (is_chunked(t) && (t->c->reply.code == 500 ||
	    t->c->reply.code == 502)) {
		/* It may have taken the message for commands. */
		t->c->lost = true;
		client_report_reply_all(t, OUTCOME_TEMPORARY);
		return CLIENT_UNCHUNKED;
	}
	t->c->midway = client_reply_outcome(t) != OUTCOME_SENT;
	return decide(t, g, client_reply_outcome(t));
}

/* DATA has been said: read its answer, send. */
static enum client_result
transfer(struct talk *t, const struct group *g)
{
	enum outcome outcome;

	if (client_hear(t, WAIT_DATA) == HEARD_LOST) {
		client_report_lost(t, "at DATA");
		return CLIENT_NEXT;
	}
	if (g->ntaken == 0) {
		if (t->c->reply.code == 354)
			send_nothing(t);
		return t->c->lost ? CLIENT_NEXT : CLIENT_DONE;
	}
	if (t->c->reply.code == 354)
		return send_message(t, g);
	outcome = client_reply_outcome(t);
	/* 2xx is no answer to DATA. */
	return decide(t, g, outcome == OUTCOME_SENT ? OUTCOME_TEMPORARY :
	    outcome);
}

/* The message as one chunk (RFC 3030, section 2). */
static enum client_result
transfer_chunk(struct talk *t, const struct group *g)
{
	if (g->ntaken == 0)
		return CLIENT_DONE;
	stream_printf(t->c->stream, "BDAT %llu LAST\r\n",
	    (unsigned long long)t->text->wire);
	return send_message(t, g);
}

/* MAIL, RCPTs and DATA as one group (RFC 2920, section 3.1). */
static enum client_result
transact_group(struct talk *t, struct group *g)
{
	size_t i;
	int mail, got;

	send_mail(t);
	for (i = 0; i < g->n; i++)
		send_rcpt(t, g->which[i]);
	if (!is_chunked(t))
		stream_puts(t->c->stream, "DATA\r\n");
	if ((mail = hear_mail(t)) == -1)
		return CLIENT_NEXT;
	for (i = 0; i < g->n; i++) {
		if (mail == 0) {	/* decided: the replies say nothing */
			if (client_hear(t, CLIENT_WAIT) == HEARD_LOST)
				return CLIENT_NEXT;
			continue;
		}
		if ((got = hear_rcpt(t, g->which[i], g->ntaken > 0)) == -1)
			return CLIENT_NEXT;
		g->taken[i] = got == 1;
		g->ntaken += g->taken[i];
	}
	return is_chunked(t) ? transfer_chunk(t, g) : transfer(t, g);
}

static enum client_result
transact_single(struct talk *t, struct group *g)
{
	size_t i;
	int got;

	send_mail(t);
	if ((got = hear_mail(t)) != 1)
		return got == -1 ? CLIENT_NEXT : CLIENT_DONE;
	for (i = 0; i < g->n; i++) {
		send_rcpt(t, g->which[i]);
		if ((got = hear_rcpt(t, g->which[i], g->ntaken > 0)) == -1)
			return CLIENT_NEXT;
		g->taken[i] = got == 1;
		g->ntaken += g->taken[i];
	}
	if (g->ntaken == 0)
		return CLIENT_DONE;
	if (is_chunked(t))
		return transfer_chunk(t, g);
	stream_puts(t->c->stream, "DATA\r\n");
	return transfer(t, g);
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

/* The form of the message that the host takes; false: none. */
static bool
choose_text(struct talk *t)
{
	struct client_message *m = t->m;
	char words[DELIVERY_REPLY_MAX];
	const char *why = NULL;

	t->text = &m->text;
	if (!m->text.eightbit || (t->c->ehlo.can & SMTP_CAN_8BITMIME))
		return true;
	t->text = &m->seven;
	switch (client_text_seven(m, &why)) {
	case 1:
		return true;
	case 0:
		/* One honest answer is left (RFC 1652, section 3). */
		snprintf(words, sizeof(words), "the message has 8-bit octets, "
		    "which the host does not take, and cannot be converted: "
		    "%s", why);
		client_report_all(m, OUTCOME_UNFIT, "5.6.3", t->c->place,
		    words);
		return false;
	}
	client_report_all(m, OUTCOME_TEMPORARY, "4.3.0", t->c->place,
	    strerror(errno));
	return false;
}

static bool
message_fits(struct talk *t)
{
	char words[DELIVERY_REPLY_MAX];

	if (!choose_text(t))
		return false;
	if (!(t->c->ehlo.can & SMTP_CAN_SIZE) || t->c->ehlo.size == 0 ||
	    t->text->wire <= t->c->ehlo.size)
		return true;
	snprintf(words, sizeof(words), "the message has %llu octets, the host "
	    "takes at most %llu", (unsigned long long)t->text->wire,
	    (unsigned long long)t->c->ehlo.size);
	client_report_all(t->m, OUTCOME_PERMANENT, "5.3.4", t->c->place,
	    words);
	return false;
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
	if (client_hear(t, CLIENT_WAIT) == HEARD_LOST || t->c->lost ||
	    t->c->reply.code / 100 != 2)
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
	struct group g;

	client_tls_text(c, m->tls);
	if (!message_fits(t))
		return is_unfit(m) ? CLIENT_NEXT : CLIENT_DONE;
	if (!client_in_turn(t)) {
		client_report_lost(t, "before MAIL");
		return CLIENT_NEXT;
	}
	if (c->midway && reset(t) == -1) {
		client_report_lost(t, "at RSET");
		return CLIENT_NEXT;
	}
	while (!t->c->lost && (n = choose(t, &from, which)) > 0) {
		g = (struct group){ .which = which, .n = n };
		result = (t->c->ehlo.can & SMTP_CAN_PIPELINING) ?
		    transact_group(t, &g) : transact_single(t, &g);
		c->used = true;
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
