/* SPDX-License-Identifier: ISC
 *
 * A message on its way in, from its first octet to the reply.  It must never
 * answer 250 before the monitor said that the message is in its queue, nor
 * leave anything of a message it did not answer so.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "grammar/milter.h"
#include "incoming.h"
#include "review.h"
#include "system/clock.h"
#include "system/log.h"

#define RECEIVED_MAX	100	/* RFC 5321 section 6.3 */
#define CHUNK		8192

/*
 * Beginning.
 */

void
session_learn_reverse(struct session *s)
{
	struct reverse_reply answer;

	if (s->reverse_known || s->server->peer.kind != PEER_INET ||
	    s->server->peer.loopback)
		return;
	s->reverse_known = true;
	if (server_ask(s->server, OP_REVERSE, NULL, &answer, NULL, 0,
	    NULL) != 0)
		return;
	answer.name[sizeof(answer.name) - 1] = '\0';
	strlcpy(s->reverse, answer.name, sizeof(s->reverse));
}

static bool
draft_open(struct incoming *in)
{
	struct status_reply answer;

	if (!intake_ask(in, OP_DRAFT, NULL, &answer, &in->draft))
		return false;
	if (in->draft == -1)
		in->error = answer.error != 0 ? answer.error : EIO;
	spool_writer_init(&in->draft_w, in->draft);
	return in->draft != -1;
}

static enum reply
error_reply(const struct incoming *in)
{
	log_error("spool", "error=%s", log_str(strerror(in->error)));
	return in->error == ENOSPC || in->error == EDQUOT ?
	    REPLY_SPOOL_FULL : REPLY_SPOOL;
}

static void
end(struct incoming *in)
{
	if (in->draft != -1)
		close(in->draft);
	in->draft = -1;
	buf_free(&in->header);
	buf_free(&in->words);
	text_free(&in->text);
	intake_close(in);
	in->open = false;
	if (in->gone)
		session_end(in->s);
}

void
incoming_drop(struct incoming *in)
{
	if (!in->open)
		return;
	intake_forget(in);
	end(in);
}

bool
incoming_begin(struct incoming *in, struct session *s)
{
	memset(in, 0, sizeof(*in));
	in->s = s;
	in->open = true;
	in->draft = -1;
	in->now = time(NULL);
	in->zone = clock_zone(in->now);
	buf_init(&in->header, INCOMING_HEADER_MAX);
	buf_init(&in->words, MILTER_REPLY_MAX);
	in->header_held = smtpd.mode == MODE_SUBMISSION || s->authenticated;
	smtp_data_init(&in->data, s->server->peer.terminal ?
	    SMTP_DATA_TYPED : s->lenient);
	session_learn_reverse(s);
	if (review_wanted() ? draft_open(in) : intake_open(in))
		return true;
	reply(s, error_reply(in), NULL);
	incoming_drop(in);
	return false;
}

/*
 * The text.
 */

void
incoming_write(struct incoming *in, const char *data, size_t n)
{
	if (in->error != 0 ||
	    in->data.wire > (uint64_t)smtpd.settings->max_size)
		return;		/* read to its end, kept no more */
	if (in->draft == -1)
		intake_write(in, data, n);
	else if (spool_write(&in->draft_w, data, n) == -1)
		in->error = in->draft_w.error;
}

/* The header is whole: what becomes of it goes on. */
static void
header_pass(struct incoming *in)
{
	in->header_held = false;
	if (in->fault == REPLY_NONE)
		in->fault = submission_header(in, &in->header);
	if (buf_failed(&in->header) && in->fault == REPLY_NONE)
		in->fault = REPLY_HEADER_TOO_BIG;
	if (in->fault == REPLY_NONE)
		incoming_write(in, in->header.data, in->header.len);
	buf_free(&in->header);
}

/* Octets in disk form that begin at this one of the message: the header's are
 * held back up to its blank line, which begins what follows. */
static void
text_take(struct incoming *in, const char *out, size_t n, uint64_t at)
{
	size_t held;

	if (in->header_held) {
		held = !in->data.body ? n :
		    (size_t)(in->data.header_disk - at) - 1;
		(void)buf_add(&in->header, out, held);
		if (!in->data.body)
			return;
		header_pass(in);
		out += held;
		n -= held;
	}
	incoming_write(in, out, n);
}

void
incoming_text(struct incoming *in, const char *p, size_t *n)
{
	static char out[CHUNK + SMTP_DATA_ROOM];
	size_t done = 0, some, written;
	uint64_t at;

	while (done < *n && !smtp_data_done(&in->data)) {
		some = *n - done > CHUNK ? CHUNK : *n - done;
		at = in->data.disk;
		written = smtp_data_feed(&in->data, p + done, &some, out);
		text_take(in, out, written, at);
		done += some;
	}
	*n = done;
}

/*
 * The end.
 */

/* What is wrong with the message itself. */
static enum reply
message_fault(const struct incoming *in)
{
	if (in->data.wire > (uint64_t)smtpd.settings->max_size)
		return REPLY_TOO_BIG;
	if (in->data.received > RECEIVED_MAX)
		return REPLY_LOOP;
	if (in->fault != REPLY_NONE || in->s->lenient)
		return in->fault;
	if (in->data.facts & (SMTP_DATA_BARE_CR | SMTP_DATA_BARE_LF))
		return REPLY_DATA_BARE;
	if (in->data.facts & SMTP_DATA_NUL)
		return REPLY_DATA_NUL;
	return REPLY_NONE;
}

static bool
put_text(void *arg, const char *data, size_t n)
{
	struct incoming *in = arg;

	intake_write(in, data, n);
	return in->error == 0;
}

/* From the draft to the files. */
static bool
compose(struct incoming *in)
{
	if (in->draft == -1)
		return true;
	if (in->error != 0 || !intake_open(in))
		return false;
	if (text_send(&in->text, put_text, in) == -1 && in->error == 0)
		in->error = errno;
	return in->error == 0;
}

static void
log_message(const struct incoming *in)
{
	const struct session *s = in->s;
	const struct part *p;

	EACH_PART(in, p)
		log_info("message", "id=%s from=%s to=%s rcpts=%zu "
		    "size=%llu with=%s helo=%s", p->id,
		    log_address(&s->sender), log_address(&s->rcpts[0].addr),
		    s->nqueue[p - in->part],
		    (unsigned long long)in->data.wire, session_with(s),
		    log_str(s->helo));
}

void
incoming_end(struct incoming *in)
{
	struct session *s = in->s;
	char detail[ADDRESS_TEXT_MAX + SPOOL_ID_MAX];
	const struct part *p;
	enum reply r;

	if (in->header_held)
		header_pass(in);	/* all of it was header */
	r = message_fault(in);
	if (r == REPLY_NONE && in->draft != -1)
		r = review(in);
	if (r == REPLY_NONE && (!compose(in) || !intake_store(in)))
		r = error_reply(in);
	if (r != REPLY_NONE) {
		intake_forget(in);
		log_info(r == REPLY_DISCARDED ? "discarded" : "refused",
		    "reply=\"%.9s\" bytes=%llu", r == REPLY_OWN_WORDS ?
		    in->words.data : reply_text(r),
		    (unsigned long long)in->data.wire);
		if (r == REPLY_TOO_BIG)
			snprintf(detail, sizeof(detail), "%lld",
			    smtpd.settings->max_size);
		else
			strlcpy(detail, in->detail, sizeof(detail));
	} else {
		r = REPLY_QUEUED;
		s->messages++;
		log_message(in);
		EACH_PART(in, p)
			strlcpy(detail, p->id, sizeof(detail));
	}
	if (r == REPLY_OWN_WORDS && buf_str(&in->words) != NULL)
		reply_words(s, buf_str(&in->words));
	else
		reply(s, r, detail);
	end(in);
}
