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

struct sending {
	struct output	*o;
	struct smtp_dot	 dot;
};

static void
send_octets(struct sending *to, const char *p, size_t n)
{
	struct output *o = to->o;
	size_t taken;

	while (n > 0) {
		output_room(o, ROOM_LEAST);
		taken = n;
		o->n += smtp_dot_feed(&to->dot, p, &taken, o->v + o->n,
		    sizeof(o->v) - o->n);
		p += taken;
		n -= taken;
	}
}

/* The message in disk form as far as lines (NULL: all of it), behind the first
 * line of the answer. */
static void
send_text(struct session *s, struct output *o, struct message *m,
    struct message_lines *lines)
{
	struct sending to = { .o = o };
	uint64_t at = 0;
	const char *p;
	size_t n;
	int r = 0;

	while ((lines == NULL || !lines->done) &&
	    (r = message_disk(m, at, &p, &n)) == 1) {
		if (lines != NULL)
			n = message_lines_feed(lines, p, n);
		send_octets(&to, p, n);
		at += n;
	}
	if (r == -1) {
		log_error("read", "error=%s", log_str(strerror(errno)));
		s->state = STATE_OVER;
	} else {
		output_room(o, SMTP_DOT_END);
		o->n += smtp_dot_end(&to.dot, o->v + o->n);
	}
	output_end(o);
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
	while (!lines.done &&
	    (r = message_disk(m, lines.taken, &p, &n)) != 0) {
		if (r == -1)
			return -1;
		if (has_utf8(p, message_lines_feed(&lines, p, n)))
			return 1;
	}
	return 0;
}

/* Open a message that may be sent; NULL: why not has been said. */
static struct message *
open_message(struct session *s, uint32_t number)
{
	enum mailbox_status status;
	struct message *m;

	if (!drop_check(s, number))
		return NULL;
	status = mailbox_message(s->drop->box, drop_seq(s->drop, number), &m);
	if (status != MAILBOX_OK) {
		drop_failed(s, number, status);
		return NULL;
	}
	switch (s->utf8 ? 0 : needs_utf8(m)) {
	case 0:
		return m;
	case 1:
		reply_send(s->io, REPLY_NEEDS_UTF8, number);
		break;
	default:
		drop_failed(s, number, MAILBOX_TEMPORARY);
		break;
	}
	message_close(m);
	return NULL;
}

void
do_retr(struct session *s, const struct arguments *a)
{
	struct message *m = open_message(s, a->message);
	struct output *o;
	uint64_t size;

	if (m == NULL)
		return;
	if (message_size(m, &size) == -1) {
		drop_failed(s, a->message, MAILBOX_TEMPORARY);
	} else {
		drop_sized(s->drop, a->message, size);
		o = output_begin(s->io);
		o->n = reply_put(o->v, REPLY_RETR, (unsigned long long)size);
		send_text(s, o, m, NULL);
		s->retrieved++;
	}
	message_close(m);
}

void
do_top(struct session *s, const struct arguments *a)
{
	struct message *m = open_message(s, a->message);
	struct message_lines lines;
	struct output *o;
	const char *p;
	size_t n;

	if (m == NULL)
		return;
	if (message_disk(m, 0, &p, &n) == -1) {
		drop_failed(s, a->message, MAILBOX_TEMPORARY);
	} else {
		message_lines_init(&lines, a->lines);
		o = output_begin(s->io);
		o->n = reply_put(o->v, REPLY_TOP);
		send_text(s, o, m, &lines);
	}
	message_close(m);
}
