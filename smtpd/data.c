/* SPDX-License-Identifier: ISC
 *
 * DATA: the message goes into the spool through descriptors that can only
 * write.  It must never answer 250 before the monitor said that the message
 * is in its queue, nor leave anything of a message it did not answer so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "grammar/date.h"
#include "grammar/message_id.h"
#include "grammar/trace.h"
#include "reply.h"
#include "smtpd.h"
#include "system/clock.h"
#include "system/log.h"

#define RECEIVED_MAX	100	/* RFC 5321 section 6.3 */
#define TRACE_MAX	16384
#define CHUNK		8192
#define RECORD_TIMEOUTS	2	/* for each CHUNK; 10 minutes by default, as
				 * RFC 5321 section 4.5.3.2.6 has it */

/* A file in the making, one for each queue. */
struct part {
	bool		    used;
	bool		    lines;	/* its envelope is its first lines */
	int		    fd, env;
	char		    id[SPOOL_ID_MAX];
	struct spool_writer w;
};

struct incoming {
	struct session	*s;
	struct part	 part[SPOOL_QUEUES];
	struct smtp_data data;
	time_t		 now;
	int		 zone;
	int		 error;		/* errno, of the spool */
	bool		 gone;		/* the client or the monitor is */
	bool		 fields_done;	/* of submission */
};

static const enum spool_queue queues[] = { SPOOL_LOCAL, SPOOL_REMOTE };

#define EACH_PART(in, p)						\
	for (p = in->part; p < in->part + SPOOL_QUEUES; p++)		\
		if (!p->used) {} else

/* Ask; an error of the spool or the monitor's end is remembered. */
static bool
ask(struct incoming *in, enum op op, const void *request, void *reply_to,
    int *fd)
{
	int r = server_ask(in->s->server, op, request, reply_to, NULL, 0, fd);

	if (r == -1)
		in->gone = true;
	if (r != 0 && in->error == 0)
		in->error = EIO;
	return r == 0;
}

static bool
ask_status(struct incoming *in, enum op op, const void *request)
{
	struct status_reply status;

	if (!ask(in, op, request, &status, NULL))
		return false;
	if (status.error != 0 && in->error == 0)
		in->error = status.error;
	return status.error == 0;
}

/* The monitor takes away what there is. */
static void
forget(struct incoming *in)
{
	struct begin_request none = { 0 };
	struct status_reply status;

	if (!in->gone)
		(void)ask(in, OP_BEGIN, &none, &status, NULL);
}

/* The peer's name for the Received field, once in a session. */
static void
learn_reverse(struct session *s)
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

/*
 * The files.
 */

static bool
part_open(struct incoming *in, enum spool_queue queue)
{
	struct part *p = &in->part[queue];
	struct queue_request request = { queue };
	struct create_reply answer;

	if (!ask(in, OP_CREATE, &request, &answer, &p->fd))
		return false;
	if (answer.error != 0 || p->fd == -1) {
		in->error = answer.error != 0 ? answer.error : EIO;
		return false;
	}
	p->used = true;
	memcpy(p->id, answer.id, sizeof(p->id));
	p->id[sizeof(p->id) - 1] = '\0';
	p->lines = queue == SPOOL_LOCAL && in->s->nrcpts == 1;
	spool_writer_init(&p->w, p->fd);
	if (p->lines)
		return true;
	if (!ask(in, OP_ENVELOPE, &request, &answer, &p->env))
		return false;
	if (p->env == -1)
		in->error = answer.error != 0 ? answer.error : EIO;
	return p->env != -1;
}

static void
parts_close(struct incoming *in)
{
	struct part *p;

	EACH_PART(in, p) {
		close(p->fd);
		if (p->env != -1)
			close(p->env);
	}
}

static unsigned
with_flags(const struct session *s)
{
	return (s->esmtp ? TRACE_ESMTP : 0) | (s->tls ? TRACE_TLS : 0) |
	    (s->authenticated ? TRACE_AUTH : 0);
}

/* RFC 5321 section 4.4; "for" only when there is exactly one recipient, so
 * that no recipient learns of another. */
static int
trace_write(struct incoming *in, struct part *p, struct buf *b)
{
	struct session *s = in->s;
	char who[40];
	struct trace_received t = {
		.helo = s->helo, .name = s->reverse,
		.ip = s->server->peer.ip, .by = smtpd.settings->hostname,
		.with = trace_with(with_flags(s)), .id = p->id,
		.rcpt = s->nrcpts == 1 ? &s->rcpts[0].addr : NULL,
		.time = in->now, .zone = in->zone
	};

	if (s->server->peer.kind != PEER_INET) {
		snprintf(who, sizeof(who), "uid %u", s->server->peer.uid);
		t.who = who;
	}
	if (p->lines && (trace_return_path(b, &s->sender) == -1 ||
	    trace_delivered_to(b, &s->rcpts[0].addr) == -1))
		return -1;
	if (trace_received(b, &t) == -1)
		return -1;
	return spool_write(&p->w, b->data, b->len);
}

static bool
traces_write(struct incoming *in)
{
	struct part *p;
	struct buf b;
	bool good = true;

	buf_init(&b, TRACE_MAX);
	EACH_PART(in, p) {
		buf_reset(&b);
		if (trace_write(in, p, &b) == -1) {
			in->error = p->w.error != 0 ? p->w.error : ENOMEM;
			good = false;
		}
	}
	buf_free(&b);
	return good;
}

static bool
open_parts(struct incoming *in)
{
	size_t i;

	in->now = time(NULL);
	in->zone = clock_zone(in->now);
	for (i = 0; i < SPOOL_QUEUES; i++)
		if (in->s->nqueue[queues[i]] > 0 &&
		    !part_open(in, queues[i]))
			return false;
	return traces_write(in);
}

/*
 * The text.
 */

static void
parts_write(struct incoming *in, const char *data, size_t n)
{
	struct part *p;

	if (in->error != 0 ||
	    in->data.wire > (uint64_t)smtpd.settings->max_size)
		return;		/* read to its end, kept no more */
	EACH_PART(in, p)
		if (spool_write(&p->w, data, n) == -1)
			in->error = p->w.error;
}

/* Fields that a submitted message lacks (RFC 6409 lets us add
 * them). */
static void
missing_fields(struct incoming *in)
{
	char id[MESSAGE_ID_MAX], date[DATE_MAX], line[MESSAGE_ID_MAX + 20];
	uint64_t random;

	in->fields_done = true;
	if (smtpd.mode != MODE_SUBMISSION)
		return;
	if (!(in->data.facts & SMTP_DATA_HAS_DATE)) {
		snprintf(line, sizeof(line), "Date: %s\n",
		    date_format(date, in->now, in->zone));
		parts_write(in, line, strlen(line));
	}
	if (!(in->data.facts & SMTP_DATA_HAS_MESSAGE_ID)) {
		arc4random_buf(&random, sizeof(random));
		snprintf(line, sizeof(line), "Message-ID: %s\n",
		    message_id_make(id, (uint64_t)in->now, random,
		    smtpd.settings->hostname));
		parts_write(in, line, strlen(line));
	}
}

/* Write a chunk that began at this octet of the message; where the header
 * ends in it, the missing fields go before the blank line. */
static void
text_write(struct incoming *in, const char *out, size_t n, uint64_t at)
{
	size_t blank;

	if (in->fields_done || !in->data.body ||
	    in->data.header_disk == 0 || in->data.header_disk - 1 < at) {
		parts_write(in, out, n);
		return;
	}
	blank = (size_t)(in->data.header_disk - 1 - at);
	if (blank >= n || out[blank] != '\n') {
		in->fields_done = true;
		parts_write(in, out, n);
		return;
	}
	parts_write(in, out, blank);
	missing_fields(in);
	parts_write(in, out + blank, n - blank);
}

/* Read up to CRLF.CRLF.  false: the client is gone before it. */
static bool
receive(struct incoming *in)
{
	static char out[CHUNK + SMTP_DATA_ROOM];
	struct stream *st = in->s->stream;
	enum stream_status status;
	const char *p;
	uint64_t at;
	size_t n, written, taken = CHUNK;

	smtp_data_init(&in->data, in->s->server->peer.terminal ?
	    SMTP_DATA_TYPED : in->s->lenient);
	while (!smtp_data_done(&in->data)) {
		/* A new term only for a whole chunk, not for each octet. */
		if (taken >= CHUNK) {
			stream_record_begin(st, RECORD_TIMEOUTS *
			    session_timeout());
			taken = 0;
		}
		status = stream_peek(st, 1, &p, &n);
		if (status != STREAM_OK) {
			stream_record_end(st);
			log_info("gone", "in=data how=%s bytes=%llu",
			    stream_status_name(status),
			    (unsigned long long)in->data.wire);
			if (status == STREAM_TIMEOUT ||
			    status == STREAM_EXPIRED)
				reply(in->s, REPLY_TIMEOUT, NULL);
			return false;
		}
		if (n > CHUNK)
			n = CHUNK;
		at = in->data.disk;
		written = smtp_data_feed(&in->data, p, &n, out);
		text_write(in, out, written, at);
		stream_consume(st, n);
		taken += n;
	}
	stream_record_end(st);
	if (!in->fields_done && !in->data.body)
		missing_fields(in);	/* all of it was header */
	return true;
}

/* What is wrong with the message itself. */
static enum reply
message_fault(const struct incoming *in)
{
	if (in->data.wire > (uint64_t)smtpd.settings->max_size)
		return REPLY_TOO_BIG;
	if (in->data.received > RECEIVED_MAX)
		return REPLY_LOOP;
	if (in->s->lenient)
		return REPLY_NONE;
	if (in->data.facts & (SMTP_DATA_BARE_CR | SMTP_DATA_BARE_LF))
		return REPLY_DATA_BARE;
	if (in->data.facts & SMTP_DATA_NUL)
		return REPLY_DATA_NUL;
	return REPLY_NONE;
}

/*
 * The end: envelopes, seals, syncs, commit, in spool.h's order.
 */

static int
envelope_fill(struct incoming *in, enum spool_queue queue,
    struct envelope *e)
{
	struct session *s = in->s;
	size_t i;

	e->sender = s->sender;
	e->arrived = in->now;
	e->body = s->body;
	if (s->authenticated && envelope_set(&e->auth, s->login) == -1)
		return -1;
	if (s->server->peer.kind == PEER_INET &&
	    envelope_set(&e->ip, s->server->peer.ip) == -1)
		return -1;
	if (envelope_set(&e->with, trace_with(with_flags(s))) == -1)
		return -1;
	for (i = 0; i < s->nrcpts; i++)
		if (s->rcpts[i].queue == queue &&
		    envelope_add(e, &s->rcpts[i].addr) == -1)
			return -1;
	return 0;
}

static bool
envelope_store(struct incoming *in, enum spool_queue queue)
{
	static struct spool_writer w;
	struct part *p = &in->part[queue];
	struct queue_request request = { queue };
	struct envelope e;
	struct buf b;
	bool good;

	envelope_init(&e);
	buf_init(&b, ENVELOPE_MAX);
	spool_writer_init(&w, p->env);
	good = envelope_fill(in, queue, &e) == 0 &&
	    envelope_write(&b, &e) == 0;
	if (!good)
		in->error = ENOMEM;
	else if (spool_write(&w, b.data, b.len) == -1 ||
	    spool_flush(&w) == -1) {
		in->error = w.error;
		good = false;
	} else
		good = ask_status(in, OP_SEAL_ENVELOPE, &request);
	if (good && spool_sync(&w) == -1) {
		in->error = w.error;
		good = false;
	}
	envelope_free(&e);
	buf_free(&b);
	return good;
}

static bool
part_store(struct incoming *in, enum spool_queue queue)
{
	struct part *p = &in->part[queue];
	struct seal_request seal = { .queue = queue };

	if (!p->used)
		return true;
	if (!p->lines && !envelope_store(in, queue))
		return false;
	if (spool_flush(&p->w) == -1) {
		in->error = p->w.error;
		return false;
	}
	seal.size = p->w.size;
	seal.wire = p->w.wire;
	seal.crc = p->w.crc;
	if (!ask_status(in, OP_SEAL, &seal))
		return false;
	if (spool_sync(&p->w) == 0)
		return true;
	in->error = p->w.error;
	return false;
}

static bool
store(struct incoming *in)
{
	size_t i;

	if (in->error != 0)
		return false;
	for (i = 0; i < SPOOL_QUEUES; i++)
		if (!part_store(in, queues[i]))
			return false;
	return ask_status(in, OP_COMMIT, NULL);
}

static enum reply
error_reply(const struct incoming *in)
{
	log_error("spool", "error=%s", log_str(strerror(in->error)));
	return in->error == ENOSPC || in->error == EDQUOT ?
	    REPLY_SPOOL_FULL : REPLY_SPOOL;
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
		    (unsigned long long)in->data.wire,
		    trace_with(with_flags(s)), log_str(s->helo));
}

/* The message is there; what becomes of it? */
static void
finish(struct incoming *in)
{
	struct session *s = in->s;
	enum reply r = message_fault(in);
	char detail[SPOOL_ID_MAX];
	const struct part *p;

	if (r == REPLY_NONE && !store(in))
		r = error_reply(in);
	if (r != REPLY_NONE) {
		forget(in);
		log_info("refused", "reply=\"%.9s\" bytes=%llu", reply_text(r),
		    (unsigned long long)in->data.wire);
		snprintf(detail, sizeof(detail), "%lld",
		    smtpd.settings->max_size);
	} else {
		r = REPLY_QUEUED;
		s->messages++;
		log_message(in);
		EACH_PART(in, p)
			strlcpy(detail, p->id, sizeof(detail));
	}
	reply(s, r, detail);
	if (in->gone)
		session_end(s);
}

void
data_run(struct session *s)
{
	static struct incoming in;

	memset(&in, 0, sizeof(in));
	in.s = s;
	in.part[SPOOL_LOCAL].fd = in.part[SPOOL_LOCAL].env = -1;
	in.part[SPOOL_REMOTE].fd = in.part[SPOOL_REMOTE].env = -1;
	learn_reverse(s);
	server_busy(true);
	if (!open_parts(&in)) {
		reply(s, error_reply(&in), NULL);
		forget(&in);
		if (in.gone)
			session_end(s);
	} else {
		reply(s, REPLY_SEND_DATA, NULL);
		if (receive(&in))
			finish(&in);
		else
			session_end(s);
	}
	parts_close(&in);
	session_reset(s);
	(void)stream_flush(s->stream);	/* before SIGTERM is heard again */
	server_busy(false);
}
