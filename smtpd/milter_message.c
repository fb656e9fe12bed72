/* SPDX-License-Identifier: ISC
 *
 * A whole message told to milters, one after the other, and the changes each
 * asks for.  They are done when its last word has come, so that one that dies
 * in the middle has changed nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "milter.h"
#include "system/fdio.h"
#include "system/log.h"

#define BLOCK	(MILTER_CHUNK / 2)	/* each LF may become CRLF */

/* What one milter wants, packets behind each other. */
struct changes {
	struct buf	 packets;
	struct text_body body;
	char		*reason;	/* to hold it; REASON_MAX */
	bool		 envelope;
};

/* The right a change needs. */
static const struct {
	enum milter_answer what;
	uint32_t	 right;
} rights[] = {
	{ MILTER_ADD_HEADER, MILTER_CAN_ADD_HEADERS },
	{ MILTER_INSERT_HEADER, MILTER_CAN_ADD_HEADERS },
	{ MILTER_CHANGE_HEADER, MILTER_CAN_CHANGE_HEADERS },
	{ MILTER_REPLACE_BODY, MILTER_CAN_CHANGE_BODY },
	{ MILTER_ADD_RCPT, MILTER_CAN_ADD_RCPT },
	{ MILTER_ADD_RCPT_ARGS, MILTER_CAN_ADD_RCPT_ARGS },
	{ MILTER_DELETE_RCPT, MILTER_CAN_DELETE_RCPT },
	{ MILTER_CHANGE_FROM, MILTER_CAN_CHANGE_FROM },
	{ MILTER_QUARANTINE, MILTER_CAN_QUARANTINE },
};

static uint32_t
right_of(enum milter_answer what)
{
	size_t i;

	for (i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
		if (rights[i].what == what)
			return rights[i].right;
	return 0;
}

/*
 * Telling.
 */

static enum milter_verdict
tell_fields(struct incoming *in, struct milter *m)
{
	struct session *s = in->s;
	struct header_field h;
	enum milter_verdict v;
	struct milter_reply r;
	size_t i;

	if (m->protocol & MILTER_NO_HEADERS)
		return MILTER_GOOD;
	for (i = 0; i < in->text.fields.n && milter_wants(s, m,
	    MILTER_AT_END); i++) {
		field_split(&in->text.fields.v[i], &h);
		if (h.name_len == 0)
			continue;
		milter_put_header(&s->milters->out, h.name, h.name_len,
		    h.value, h.value_len, m->protocol & MILTER_LEADING_SPACE);
		if (!milter_say(s, m))
			break;
		if (m->protocol & MILTER_MUTE_HEADERS)
			continue;
		if (!milter_hear(s, m, &r))
			break;
		v = milter_judge(s, m, &r, MILTER_AT_EOH);
		if (v != MILTER_GOOD)
			return v;
	}
	return m->failed ? MILTER_BROKEN : MILTER_GOOD;
}

static enum milter_verdict
tell_stage(struct incoming *in, struct milter *m, enum milter_stage stage)
{
	struct session *s = in->s;

	if (!milter_wants(s, m, stage))
		return m->failed ? MILTER_BROKEN : MILTER_GOOD;
	milter_macros(s, m, stage);
	milter_put(&s->milters->out, milter_steps[stage].command);
	return milter_tell(s, m, stage);
}

/* A chunk.  skip: it wants no more of them. */
static enum milter_verdict
tell_chunk(struct incoming *in, struct milter *m, const char *data, size_t n,
    bool *skip)
{
	struct buf *out = &in->s->milters->out;
	struct milter_reply r;
	size_t begun = milter_begin(out, MILTER_BODY);

	(void)buf_add(out, data, n);
	milter_end(out, begun);
	if (!milter_say(in->s, m))
		return m->failed ? MILTER_BROKEN : MILTER_GOOD;
	if (m->protocol & MILTER_MUTE_BODY)
		return MILTER_GOOD;
	if (!milter_hear(in->s, m, &r))
		return m->failed ? MILTER_BROKEN : MILTER_GOOD;
	*skip = r.what == MILTER_SKIP && m->protocol & MILTER_CAN_SKIP;
	return *skip ? MILTER_GOOD : milter_judge(in->s, m, &r,
	    MILTER_AT_END);
}

static enum milter_verdict
tell_body(struct incoming *in, struct milter *m)
{
	static char block[BLOCK], wire[MILTER_CHUNK];
	uint64_t at = in->text.body, end = at + in->text.body_len;
	enum milter_verdict v = MILTER_GOOD;
	struct crlf ends = { 0 };
	bool skip = false;
	size_t some, written;
	ssize_t n;

	if (m->protocol & MILTER_NO_BODY)
		return MILTER_GOOD;
	while (at < end && !skip && v == MILTER_GOOD && milter_wants(in->s,
	    m, MILTER_AT_END)) {
		n = fd_pread_all(in->text.fd, block, end - at > BLOCK ?
		    BLOCK : (size_t)(end - at), (off_t)at);
		if (n <= 0) {
			in->error = n == 0 ? EIO : errno;
			return MILTER_GOOD;
		}
		some = (size_t)n;
		written = crlf_to_wire(&ends, block, &some, wire,
		    sizeof(wire));
		at += some;
		v = tell_chunk(in, m, wire, written, &skip);
	}
	return v == MILTER_GOOD && m->failed ? MILTER_BROKEN : v;
}

/*
 * Hearing.
 */

/* Keep a change for later.  What is wrong with it, or NULL. */
static const char *
keep(struct incoming *in, struct milter *m, struct changes *c,
    const struct milter_reply *r)
{
	const struct buf *packet = &in->s->milters->in;
	uint32_t right = right_of(r->what);

	if (right == 0)
		return "an answer that does not belong here";
	if (!(m->actions & right))
		return "a change it did not ask for in the beginning";
	if (r->what == MILTER_REPLACE_BODY)
		return text_body_add(&c->body, r->data, r->len) == 0 ? NULL :
		    strerror(errno);
	milter_put32(&c->packets, (uint32_t)packet->len + 1);
	(void)buf_addc(&c->packets, (char)r->what);
	(void)buf_add(&c->packets, packet->data, packet->len);
	return buf_failed(&c->packets) ? "too many changes" : NULL;
}

/* Its answers to the end of the message.  Changes are kept. */
static enum milter_verdict
hear_end(struct incoming *in, struct milter *m, struct changes *c)
{
	struct milter_reply r;
	const char *why = NULL;

	if (!milter_wants(in->s, m, MILTER_AT_END))
		return m->failed ? MILTER_BROKEN : MILTER_GOOD;
	milter_macros(in->s, m, MILTER_AT_END);
	milter_put(&in->s->milters->out, MILTER_END);
	if (!milter_say(in->s, m))
		return m->failed ? MILTER_BROKEN : MILTER_GOOD;
	while (milter_hear(in->s, m, &r)) {
		switch (r.what) {
		case MILTER_ADD_HEADER:
		case MILTER_INSERT_HEADER:
		case MILTER_CHANGE_HEADER:
		case MILTER_REPLACE_BODY:
		case MILTER_ADD_RCPT:
		case MILTER_ADD_RCPT_ARGS:
		case MILTER_DELETE_RCPT:
		case MILTER_CHANGE_FROM:
		case MILTER_QUARANTINE:
			if ((why = keep(in, m, c, &r)) == NULL)
				continue;
			milter_failed(in->s, m, why);
			break;
		default:
			m->telling = false;	/* that was its last word */
			return milter_judge(in->s, m, &r, MILTER_AT_END);
		}
		break;
	}
	return m->failed ? MILTER_BROKEN : MILTER_GOOD;
}

/*
 * Doing.
 */

static int
address_of(struct address *a, const char *text)
{
	return address_parse(a, text, strlen(text), NULL) == 1 ? 0 : -1;
}

static int
delete_rcpt(struct session *s, const char *text)
{
	struct address a;
	size_t i;

	if (address_of(&a, text) == -1)
		return -1;
	for (i = 0; i < s->nrcpts; i++)
		if (address_equal(&s->rcpts[i].addr, &a))
			break;
	if (i < s->nrcpts)
		session_rcpt_drop(s, i);
	return 0;
}

/* What is wrong, or NULL. */
static const char *
change(struct incoming *in, struct milter *m, struct changes *c,
    const struct milter_reply *r)
{
	bool leading = m->protocol & MILTER_LEADING_SPACE;
	struct fields *f = &in->text.fields;
	struct address a;
	int bad = 0;

	switch (r->what) {
	case MILTER_ADD_HEADER:
		bad = fields_insert(f, FIELDS_END, r->name, r->text, leading);
		break;
	case MILTER_INSERT_HEADER:
		bad = fields_insert(f, r->index, r->name, r->text, leading);
		break;
	case MILTER_CHANGE_HEADER:
		bad = fields_change(f, r->index, r->name, r->text, leading);
		break;
	case MILTER_ADD_RCPT:
	case MILTER_ADD_RCPT_ARGS:
		bad = address_of(&a, r->text) == -1 || address_is_null(&a) ||
		    session_rcpt_add(in->s, &a) == -1;
		c->envelope = true;
		break;
	case MILTER_DELETE_RCPT:
		bad = delete_rcpt(in->s, r->text);
		c->envelope = true;
		break;
	case MILTER_CHANGE_FROM:
		bad = address_of(&in->s->sender, r->text);
		break;
	case MILTER_QUARANTINE:
		(void)strlcpy(c->reason, *r->text == '\0' ? "a filter says so"
		    : r->text, REASON_MAX);
		break;
	default:
		break;
	}
	return bad == 0 ? NULL : log_str(r->text);
}

/* All that it wanted.  REPLY_NONE, or it cannot be done. */
static enum reply
change_all(struct incoming *in, struct milter *m, struct changes *c)
{
	const char *p = c->packets.data, *end, *what;
	struct milter_reply r;
	unsigned done = 0;
	char letter;
	size_t n;

	if (text_body_end(&c->body) == -1) {
		in->error = errno;
		return REPLY_FILTER_FAILED;
	}
	for (end = p + (p == NULL ? 0 : c->packets.len); p != end; p += n) {
		(void)milter_head((const unsigned char *)p, &letter, &n);
		p += MILTER_HEAD;
		(void)milter_reply_parse(&r, letter, p, n);
		if ((what = change(in, m, c, &r)) == NULL) {
			done++;
			continue;
		}
		log_error("milter", "name=%s job=%s error=\"cannot do\" "
		    "action=%c of=%s", log_str(m->name), in->s->milters->job,
		    letter, what);
		return REPLY_FILTER_FAILED;
	}
	log_info("milter", "name=%s job=%s changes=%u body=%s",
	    log_str(m->name), in->s->milters->job, done, c->body.begun ?
	    "new" : "same");
	return REPLY_NONE;
}

/* The whole message to one of them. */
static enum reply
one(struct incoming *in, struct milter *m, struct changes *c)
{
	enum milter_verdict v = MILTER_GOOD;

	buf_reset(&c->packets);
	c->body = (struct text_body){ .text = &in->text, .w = &in->draft_w,
	    .max = (uint64_t)smtpd.settings->max_size };
	buf_reset(&in->s->milters->out);
	m->telling = m->stream != NULL && !m->done;
	milter_hurry(m, true);
	v = tell_fields(in, m);
	if (v == MILTER_GOOD)
		v = tell_stage(in, m, MILTER_AT_EOH);
	if (v == MILTER_GOOD)
		v = tell_body(in, m);
	if (v == MILTER_GOOD && in->error == 0)
		v = hear_end(in, m, c);
	milter_hurry(m, false);
	if (in->error != 0 || v == MILTER_BROKEN)
		return REPLY_FILTER_FAILED;
	if (v == MILTER_REFUSED) {
		log_info("milter", "name=%s job=%s says=%.3s",
		    log_str(m->name), in->s->milters->job,
		    buf_str(&in->s->milters->words));
		return REPLY_OWN_WORDS;
	}
	/* one that failed, and may, has changed nothing */
	return m->stream == NULL ? REPLY_NONE : change_all(in, m, c);
}

enum reply
milter_message(struct incoming *in, char reason[REASON_MAX])
{
	struct milters *all = in->s->milters;
	struct changes c = { .reason = reason };
	enum reply r = REPLY_NONE;
	struct milter *m;

	if (all == NULL || all->discard)
		return all == NULL ? REPLY_NONE : REPLY_DISCARDED;
	buf_init(&c.packets, FIELDS_BYTES_MAX);
	for (m = all->v; m < all->v + all->n && r == REPLY_NONE; m++) {
		if (m->failed)
			r = REPLY_FILTER_FAILED;
		else if (m->stream != NULL && !m->done)
			r = one(in, m, &c);
		if (r == REPLY_NONE && all->discard)
			r = REPLY_DISCARDED;
	}
	buf_free(&c.packets);
	if (r == REPLY_NONE && c.envelope)
		r = session_rcpts_again(in->s);
	return r;
}
