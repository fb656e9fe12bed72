/* SPDX-License-Identifier: ISC
 *
 * A message on its way in, from its first octet to the reply.  It must never
 * answer 250 before the monitor said that the message is in its queue, nor
 * leave anything of a message it did not answer so.
 */
#include <errno.h>
#include <stddef.h>
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

/* Has something to see all of it before it is taken? */
static bool
wants_draft(void)
{
	return smtpd.mode == MODE_LMTP || review_wanted();
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
	return in->draft != -1 &&
	    (smtpd.mode != MODE_LMTP || intake_draft(in));
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

/* It is not taken.  LMTP says so for each recipient when all of it is here. */
static void
refuse(struct incoming *in, enum reply r, bool all)
{
	char size[24];
	const char *detail = in->detail;

	intake_forget(in);
	log_info(r == REPLY_DISCARDED ? "discarded" : "refused",
	    "reply=\"%.9s\" bytes=%llu", r == REPLY_OWN_WORDS ?
	    buf_str(&in->words) : reply_text(r),
	    (unsigned long long)in->data.wire);
	if (r == REPLY_TOO_BIG) {
		snprintf(size, sizeof(size), "%lld", smtpd.settings->max_size);
		detail = size;
	}
	if (smtpd.mode == MODE_LMTP && all)
		lmtp_end(in, r, detail);
	else if (r == REPLY_OWN_WORDS)
		reply_words(in->s, buf_str(&in->words));
	else
		reply(in->s, r, detail);
	end(in);
}

bool
incoming_begin(struct incoming *in, struct session *s, bool all)
{
	memset(in, 0, offsetof(struct incoming, draft_w));
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
	if (wants_draft() ? draft_open(in) : intake_open(in))
		return true;
	refuse(in, error_reply(in), all);
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
	if (in->fault != REPLY_NONE)
		return in->fault;
	if (!in->s->lenient &&
	    in->data.facts & (SMTP_DATA_BARE_CR | SMTP_DATA_BARE_LF))
		return REPLY_DATA_BARE;
	return in->data.facts & SMTP_DATA_NUL ? REPLY_DATA_NUL : REPLY_NONE;
}

static bool
draft_flush(struct incoming *in)
{
	if (in->error == 0 && spool_flush(&in->draft_w) == -1)
		in->error = in->draft_w.error;
	return in->error == 0;
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

/* Judged and stored; LMTP does that for each recipient. */
static enum reply
take(struct incoming *in)
{
	enum reply r = REPLY_NONE;

	if (in->draft != -1 && !draft_flush(in))
		return error_reply(in);
	if (smtpd.mode == MODE_LMTP)
		return REPLY_NONE;
	if (in->draft != -1 && (r = review(in)) != REPLY_NONE)
		return r;
	return compose(in) && intake_store(in) ? REPLY_NONE :
	    error_reply(in);
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

bool
incoming_goes_on(struct incoming *in)
{
	enum reply r = message_fault(in);

	if (r == REPLY_NONE && in->error != 0)
		r = error_reply(in);
	if (r != REPLY_NONE)
		refuse(in, r, false);
	return r == REPLY_NONE;
}

void
incoming_end(struct incoming *in)
{
	char last[SMTP_DATA_ROOM];
	uint64_t at = in->data.disk;
	const char *id = "";
	const struct part *p;
	enum reply r;

	if (!smtp_data_done(&in->data))
		text_take(in, last, smtp_data_end(&in->data, last), at);
	if (in->header_held)
		header_pass(in);	/* all of it was header */
	if ((r = message_fault(in)) == REPLY_NONE)
		r = take(in);
	if (r == REPLY_OWN_WORDS && buf_str(&in->words) == NULL)
		r = REPLY_FILTER_FAILED;
	if (r != REPLY_NONE) {
		refuse(in, r, true);
		return;
	}
	if (smtpd.mode == MODE_LMTP)
		lmtp_end(in, r, "");
	else {
		in->s->messages++;
		log_message(in);
		EACH_PART(in, p)
			id = p->id;
		reply(in->s, REPLY_QUEUED, id);
	}
	end(in);
}
