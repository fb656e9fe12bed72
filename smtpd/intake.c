/* SPDX-License-Identifier: ISC
 *
 * A message's files in the spool, seen from the door: descriptors that can
 * only write, and requests to the monitor in mail/spool.h's order.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "grammar/trace.h"
#include "incoming.h"

#define TRACE_MAX	16384

static const enum spool_queue queues[] = { SPOOL_LOCAL, SPOOL_REMOTE };

bool
intake_ask(struct incoming *in, enum op op, const void *request,
    void *reply_to, int *fd)
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

	if (!intake_ask(in, op, request, &status, NULL))
		return false;
	if (status.error != 0 && in->error == 0)
		in->error = status.error;
	return status.error == 0;
}

void
intake_forget(struct incoming *in)
{
	struct begin_request none = { 0 };
	struct status_reply status;

	if (!in->gone)
		(void)intake_ask(in, OP_BEGIN, &none, &status, NULL);
}

/*
 * The files.
 */

/* What needs an envelope file to be kept in; so does an address that is no
 * mailbox, since what is done for it must be recorded. */
#define WITH_FILE	(SMTP_WITH_UTF8 | SMTP_WITH_REQUIRETLS | \
			SMTP_WITH_RET | SMTP_WITH_ENVID | SMTP_WITH_HOLD | \
			SMTP_WITH_BY)

static bool
fits_lines(const struct session *s)
{
	return s->nqueue[SPOOL_LOCAL] == 1 && s->nrcpts == 1 &&
	    !(s->mail.given & WITH_FILE) && s->rcpts[0].notify == 0 &&
	    s->rcpts[0].orcpt == NULL && !s->rcpts[0].list;
}

/* Somebody who may speak for this host. */
static bool
is_own(const struct session *s)
{
	return s->authenticated || s->trusted;
}

static bool
part_open(struct incoming *in, enum spool_queue queue)
{
	struct part *p = &in->part[queue];
	struct create_request create = { .queue = queue,
	    .lines = fits_lines(in->s), .due = in->s->due };
	struct queue_request request = { queue };
	struct create_reply answer;

	create.own = create.lines && is_own(in->s);
	if (!intake_ask(in, OP_CREATE, &create, &answer, &p->fd))
		return false;
	if (answer.error != 0 || p->fd == -1) {
		in->error = answer.error != 0 ? answer.error : EIO;
		return false;
	}
	p->used = true;
	memcpy(p->id, answer.id, sizeof(p->id));
	p->id[sizeof(p->id) - 1] = '\0';
	p->lines = create.lines;
	p->w = &in->w[queue];
	spool_writer_init(p->w, p->fd);
	if (p->lines)
		return true;
	if (!intake_ask(in, OP_ENVELOPE, &request, &answer, &p->env))
		return false;
	if (p->env == -1)
		in->error = answer.error != 0 ? answer.error : EIO;
	return p->env != -1;
}

void
intake_close(struct incoming *in)
{
	struct part *p;

	EACH_PART(in, p) {
		close(p->fd);
		if (p->env != -1)
			close(p->env);
		p->used = false;
	}
}

/* RFC 5321 section 4.4; "for" only when there is exactly one recipient, so
 * that no recipient learns of another. */
static int
received_write(struct incoming *in, const char *id, struct buf *b)
{
	struct session *s = in->s;
	char who[40];
	struct trace_received t = {
		.helo = s->helo, .name = s->reverse,
		.ip = s->server->peer.ip, .by = smtpd.settings->hostname,
		.with = session_with(s), .id = id,
		.rcpt = s->nrcpts == 1 ? &s->rcpts[0].addr : NULL,
		.time = in->now, .zone = in->zone
	};

	if (s->authenticated && smtpd.settings->submission_hide_client) {
		t.helo = "unknown";
		t.name = t.ip = NULL;
		t.who = "authenticated";
	} else if (s->server->peer.kind != PEER_INET) {
		snprintf(who, sizeof(who), "uid %u", s->server->peer.uid);
		t.who = who;
	}
	return trace_received(b, &t);
}

static int
trace_write(struct incoming *in, struct part *p, struct buf *b)
{
	const struct session *s = in->s;

	if (p->lines && (trace_return_path(b, &s->sender) == -1 ||
	    trace_delivered_to(b, &s->rcpts[0].addr) == -1))
		return -1;
	if (received_write(in, p->id, b) == -1)
		return -1;
	return spool_write(p->w, b->data, b->len);
}

bool
intake_draft(struct incoming *in)
{
	struct spool_writer *w = &in->draft_w;
	struct buf b;

	buf_init(&b, TRACE_MAX);
	if (received_write(in, "", &b) == -1)
		in->error = ENOMEM;
	else if (spool_write(w, b.data, b.len) == -1)
		in->error = w->error;
	buf_free(&b);
	return in->error == 0;
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
			in->error = p->w->error != 0 ? p->w->error : ENOMEM;
			good = false;
		}
	}
	buf_free(&b);
	return good;
}

bool
intake_open(struct incoming *in)
{
	size_t i;

	for (i = 0; i < SPOOL_QUEUES; i++)
		in->part[i].fd = in->part[i].env = -1;
	for (i = 0; i < SPOOL_QUEUES; i++)
		if (in->s->nqueue[queues[i]] > 0 &&
		    !part_open(in, queues[i]))
			return false;
	return traces_write(in);
}

void
intake_write(struct incoming *in, const char *data, size_t n)
{
	struct part *p;

	EACH_PART(in, p)
		if (in->error == 0 && spool_write(p->w, data, n) == -1)
			in->error = p->w->error;
}

/*
 * Envelopes, seals, syncs, commit.
 */

/* Add a recipient with what was said of it. */
static int
envelope_rcpt(struct envelope *e, const struct rcpt *r)
{
	struct envelope_rcpt *to;

	if (envelope_add(e, &r->addr) == -1)
		return -1;
	to = &e->rcpts[e->nrcpts - 1];
	to->notify = r->notify;
	return envelope_set(&to->orcpt, r->orcpt);
}

static int
envelope_fill(struct incoming *in, enum spool_queue queue,
    struct envelope *e)
{
	const struct session *s = in->s;
	char uid[24];
	size_t i;

	e->sender = s->sender;
	e->arrived = in->now;
	e->own = is_own(s);
	e->body = s->mail.body;
	e->utf8 = (s->mail.given & SMTP_WITH_UTF8) != 0;
	e->requiretls = (s->mail.given & SMTP_WITH_REQUIRETLS) != 0;
	e->ret = (enum envelope_ret)s->mail.ret;
	e->hold = s->due;
	e->by = s->by;
	e->by_mode = s->mail.by_mode;
	e->by_trace = s->mail.by_trace;
	if (s->mail.envid[0] != '\0' &&
	    envelope_set(&e->envid, s->mail.envid) == -1)
		return -1;
	if (s->authenticated && envelope_set(&e->auth, s->login) == -1)
		return -1;
	if (s->server->peer.kind == PEER_INET &&
	    envelope_set(&e->ip, s->server->peer.ip) == -1)
		return -1;
	snprintf(uid, sizeof(uid), "%u", s->server->peer.uid);
	if (s->server->peer.kind == PEER_UNIX &&
	    envelope_set(&e->uid, uid) == -1)
		return -1;
	if (envelope_set(&e->with, session_with(s)) == -1)
		return -1;
	for (i = 0; i < s->nrcpts; i++)
		if (s->rcpts[i].queue == queue &&
		    envelope_rcpt(e, &s->rcpts[i]) == -1)
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
	if (spool_flush(p->w) == -1) {
		in->error = p->w->error;
		return false;
	}
	seal.size = p->w->size;
	seal.wire = p->w->wire;
	seal.crc = p->w->crc;
	if (!ask_status(in, OP_SEAL, &seal))
		return false;
	if (spool_sync(p->w) == 0)
		return true;
	in->error = p->w->error;
	return false;
}

bool
intake_store(struct incoming *in)
{
	size_t i;

	if (in->error != 0)
		return false;
	for (i = 0; i < SPOOL_QUEUES; i++)
		if (!part_store(in, queues[i]))
			return false;
	return ask_status(in, OP_COMMIT, NULL);
}
