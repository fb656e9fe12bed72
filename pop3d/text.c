/* SPDX-License-Identifier: ISC
 *
 * RETR and TOP (RFC 1939, sections 5 and 7).  A message goes from the file as
 * it is on disk to the wire in one step, in blocks: memory does not grow with
 * it.  A text that breaks off must not look complete.
 */
#include <errno.h>
#include <string.h>

#include "bytes/crlf.h"
#include "grammar/smtp_data.h"
#include "output.h"
#include "pop3d.h"
#include "system/log.h"
#include "text.h"

/* Less room than this is no use to a line. */
#define ROOM_LEAST	16

/* Append octets of a message in disk form. */
static void
send_octets(struct output *o, struct smtp_dot *dot, const char *p, size_t n)
{
	size_t taken;

	while (n > 0) {
		output_room(o, ROOM_LEAST);
		taken = n;
		o->n += smtp_dot_feed(dot, p, &taken, o->v + o->n,
		    sizeof(o->v) - o->n);
		p += taken;
		n -= taken;
	}
}

static void
send_end(struct output *o, struct smtp_dot *dot)
{
	output_room(o, SMTP_DOT_END);
	o->n += smtp_dot_end(dot, o->v + o->n);
}

/*
 * A whole message that is at hand.  How long it is on the wire shows when it
 * has been converted; the first line before it is as long as it would be with
 * the number of octets on disk, or one digit longer.
 */
static uint64_t
send_whole(struct output *o, const char *p, size_t n)
{
	struct smtp_dot dot = { 0 };
	char first[REPLY_MAX + 1];
	size_t at, len, guess;
	uint64_t size;

	output_room(o, REPLY_MAX + 2 * n + SMTP_DOT_END);
	at = o->n;
	guess = reply_put(first, REPLY_RETR, (unsigned long long)n);
	o->n += guess;
	send_octets(o, &dot, p, n);
	size = o->n - at - guess - dot.dots;
	send_end(o, &dot);
	len = reply_put(first, REPLY_RETR, (unsigned long long)size);
	if (len != guess) {
		memmove(o->v + at + len, o->v + at + guess,
		    o->n - at - guess);
		o->n += len - guess;
	}
	memcpy(o->v + at, first, len);
	return size;
}

/* The message in disk form as far as lines (NULL: all of it), behind the first
 * line of the answer. */
static void
send_blocks(struct session *s, struct output *o, struct text *t,
    struct message_lines *lines)
{
	struct smtp_dot dot = { 0 };
	uint64_t at = t->skip;
	const char *p;
	size_t n;
	int r = 0;

	if (t->header.len > 0) {
		send_octets(o, &dot, t->header.data, t->header.len);
		if (lines != NULL)
			message_lines_body(lines);
	}
	while ((lines == NULL || !lines->done) && (r = message_disk(t->m, at,
	    lines != NULL && at == 0 ? MESSAGE_HEADER : MESSAGE_BLOCK, &p,
	    &n)) == 1) {
		if (lines != NULL)
			n = message_lines_feed(lines, p, n);
		send_octets(o, &dot, p, n);
		at += n;
	}
	if (r == -1) {
		log_error("read", "error=%s", log_str(strerror(errno)));
		s->state = STATE_OVER;
	} else
		send_end(o, &dot);
}

static void
close_text(struct text *t)
{
	message_close(t->m);
	buf_free(&t->header);
}

/* ---- opening ---- */

/* Open a message and have so many octets of it at hand; false: why not has
 * been said. */
static bool
open_text(struct session *s, uint32_t number, size_t want, struct text *t)
{
	uint32_t seq;
	enum mailbox_status status;

	if (!drop_check(s, number))
		return false;
	seq = drop_seq(s->drop, number);
	memset(t, 0, sizeof(*t));
	t->p = "";
	status = mailbox_message(s->drop->box, seq, &t->m);
	if (status != MAILBOX_OK) {
		drop_failed(s, number, status);
		return false;
	}
	if (message_disk(t->m, 0, want, &t->p, &t->n) != -1)
		switch (s->utf8 ? TEXT_AS_IT_IS : text_surrogate(t)) {
		case TEXT_AS_IT_IS:
		case TEXT_SURROGATE:
			return true;
		case TEXT_TOO_LONG:
			reply_send(s->io, REPLY_NEEDS_UTF8, number);
			close_text(t);
			return false;
		case TEXT_FAILED:
			break;
		}
	drop_failed(s, number, MAILBOX_TEMPORARY);
	close_text(t);
	return false;
}

/* RETR of what is not at hand as a whole, or not sent as it is. */
static bool
send_long(struct session *s, struct output *o, struct text *t, uint64_t *size)
{
	struct crlf crlf = { 0 };
	uint64_t sent;

	if (message_size(t->m, size) == -1)
		return false;
	sent = *size;
	if (t->header.len > 0)
		sent += t->header.len + crlf_wire_extra(&crlf, t->header.data,
		    t->header.len) - t->skip_wire;
	output_room(o, REPLY_MAX + 1);
	o->n += reply_put(o->v + o->n, REPLY_RETR, (unsigned long long)sent);
	send_blocks(s, o, t, NULL);
	return true;
}

void
do_retr(struct session *s, const struct arguments *a)
{
	struct output *o = output_begin(s->io);
	struct text t;
	uint64_t size;
	bool good = true;

	if (!open_text(s, a->message, MESSAGE_BLOCK, &t))
		return;
	if (t.header.len == 0 && t.n == message_disk_size(t.m))
		size = send_whole(o, t.p, t.n);
	else
		good = send_long(s, o, &t, &size);
	close_text(&t);
	if (good) {
		drop_sized(s->drop, a->message, size);
		s->retrieved++;
	} else
		drop_failed(s, a->message, MAILBOX_TEMPORARY);
}

void
do_top(struct session *s, const struct arguments *a)
{
	struct output *o = output_begin(s->io);
	struct message_lines lines;
	struct text t;

	if (!open_text(s, a->message, MESSAGE_HEADER, &t))
		return;
	message_lines_init(&lines, a->lines);
	output_room(o, REPLY_MAX + 1);
	o->n += reply_put(o->v + o->n, REPLY_TOP);
	send_blocks(s, o, &t, &lines);
	close_text(&t);
}
