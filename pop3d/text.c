/* SPDX-License-Identifier: ISC
 *
 * RETR and TOP (RFC 1939, sections 5 and 7).  A message goes from the file as
 * it is on disk to the wire in one step, in blocks: memory does not grow with
 * it.  A text that breaks off must not look complete.
 */
#include <errno.h>
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/smtp_data.h"
#include "output.h"
#include "pop3d.h"
#include "system/log.h"

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
send_blocks(struct session *s, struct output *o, struct message *m,
    struct message_lines *lines)
{
	struct smtp_dot dot = { 0 };
	uint64_t at = 0;
	const char *p;
	size_t n;
	int r = 0;

	while ((lines == NULL || !lines->done) && (r = message_disk(m, at,
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

/* Whether there is UTF-8 other than US-ASCII.  No octet of such a character is
 * in that range, so each stands in a run of octets outside it. */
static bool
has_utf8(const char *p, size_t n)
{
	const char *end = p + n, *run;

	while (p < end) {
		if ((*p & 0x80) == 0) {
			p++;
			continue;
		}
		for (run = p; p < end && *p & 0x80; p++)
			;
		if (utf8_valid(run, (size_t)(p - run)))
			return true;
	}
	return false;
}

/*
 * Whether the header is one of RFC 6532, which RFC 6856, section 2.1, keeps
 * from clients that did not ask for UTF-8: 1, 0, -1 it cannot be read.
 * NOTE: octets that are no UTF-8 no mode can help; and what a body has is
 * 8bit, which was always sent.
 */
static int
needs_utf8(struct message *m)
{
	struct message_lines lines;
	const char *p;
	size_t n;
	int r;

	message_lines_init(&lines, 0);
	while (!lines.done && (r = message_disk(m, lines.taken,
	    lines.taken == 0 ? MESSAGE_HEADER : MESSAGE_BLOCK, &p, &n)) != 0) {
		if (r == -1)
			return -1;
		if (has_utf8(p, message_lines_feed(&lines, p, n)))
			return 1;
	}
	return 0;
}

/* Open a message that may be sent, and have so many octets of it at hand;
 * NULL: why not has been said. */
static struct message *
open_message(struct session *s, uint32_t number, size_t want, const char **p,
    size_t *n)
{
	enum mailbox_status status;
	struct message *m;
	int r;

	if (!drop_check(s, number))
		return NULL;
	status = mailbox_message(s->drop->box, drop_seq(s->drop, number), &m);
	if (status != MAILBOX_OK) {
		drop_failed(s, number, status);
		return NULL;
	}
	*p = "";
	*n = 0;
	r = message_disk(m, 0, want, p, n) == -1 ? -1 :
	    s->utf8 ? 0 : needs_utf8(m);
	if (r == 0)
		return m;
	if (r == 1)
		reply_send(s->io, REPLY_NEEDS_UTF8, number);
	else
		drop_failed(s, number, MAILBOX_TEMPORARY);
	message_close(m);
	return NULL;
}

void
do_retr(struct session *s, const struct arguments *a)
{
	struct output *o = output_begin(s->io);
	struct message *m;
	uint64_t size;
	const char *p;
	size_t n;

	m = open_message(s, a->message, MESSAGE_BLOCK, &p, &n);
	if (m == NULL)
		return;
	if (n == message_disk_size(m)) {
		size = send_whole(o, p, n);
	} else if (message_size(m, &size) == 0) {
		output_room(o, REPLY_MAX + 1);
		o->n += reply_put(o->v + o->n, REPLY_RETR,
		    (unsigned long long)size);
		send_blocks(s, o, m, NULL);
	} else {
		drop_failed(s, a->message, MAILBOX_TEMPORARY);
		message_close(m);
		return;
	}
	message_close(m);
	drop_sized(s->drop, a->message, size);
	s->retrieved++;
}

void
do_top(struct session *s, const struct arguments *a)
{
	struct output *o = output_begin(s->io);
	struct message_lines lines;
	struct message *m;
	const char *p;
	size_t n;

	m = open_message(s, a->message, MESSAGE_HEADER, &p, &n);
	if (m == NULL)
		return;
	message_lines_init(&lines, a->lines);
	output_room(o, REPLY_MAX + 1);
	o->n += reply_put(o->v + o->n, REPLY_TOP);
	send_blocks(s, o, m, &lines);
	message_close(m);
}
