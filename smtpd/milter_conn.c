/* SPDX-License-Identifier: ISC
 *
 * One milter: the way to it, and packets.  The monitor connects, for this
 * process may not.  A milter is trusted by configuration, and still nothing it
 * says is longer, or takes longer, than is allowed here.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "milter.h"
#include "system/clock.h"
#include "system/log.h"

#define PATIENCE	9	/* terms of milter_timeout for a message */

static int
timeout(void)
{
	return (int)(1000 * smtpd.settings->milter_timeout);
}

void
milter_hurry(struct milter *m, bool on)
{
	if (m->stream != NULL)
		stream_set_session(m->stream, on ? PATIENCE * timeout() : 0);
}

static void
let_go(struct milter *m)
{
	size_t i;

	if (m->stream != NULL)
		(void)stream_close(m->stream);
	m->stream = NULL;
	m->telling = false;
	for (i = 0; i < MILTER_STAGES; i++) {
		free(m->macros[i]);
		m->macros[i] = NULL;
	}
}

void
milter_failed(struct session *s, struct milter *m, const char *why)
{
	m->failed = strcmp(smtpd.settings->milter_default, "accept") != 0;
	log_error("milter", "name=%s default=%s error=%s", log_str(m->name),
	    smtpd.settings->milter_default, log_str(why));
	let_go(m);
	buf_reset(&s->milters->out);
}

void
milter_leave(struct session *s, struct milter *m)
{
	if (m->stream == NULL)
		return;
	milter_put(&s->milters->out, MILTER_QUIT);
	if (milter_say(s, m))
		let_go(m);
}

bool
milter_say(struct session *s, struct milter *m)
{
	struct buf *out = &s->milters->out;
	bool good = !buf_failed(out);

	if (!good)
		milter_failed(s, m, "no memory for a packet");
	else if (stream_write(m->stream, out->data, out->len) == -1) {
		milter_failed(s, m, stream_error(m->stream));
		good = false;
	}
	buf_reset(out);
	return good;
}

/* n octets into milters->in. */
static enum stream_status
fetch(struct session *s, struct milter *m, size_t n)
{
	struct buf *in = &s->milters->in;
	enum stream_status status = STREAM_OK;
	const char *p;
	size_t some;

	buf_reset(in);
	while (in->len < n && status == STREAM_OK) {
		status = stream_peek(m->stream, 1, &p, &some);
		if (status != STREAM_OK)
			break;
		if (some > n - in->len)
			some = n - in->len;
		if (buf_add(in, p, some) == -1)
			return STREAM_ERROR;
		stream_consume(m->stream, some);
	}
	return status;
}

/* One packet.  What is wrong, or NULL. */
static const char *
packet(struct session *s, struct milter *m, struct milter_reply *r)
{
	struct buf *in = &s->milters->in;
	enum stream_status status;
	char letter;
	size_t n;

	stream_record_begin(m->stream, timeout());
	status = fetch(s, m, MILTER_HEAD);
	if (status == STREAM_OK) {
		if (milter_head((unsigned char *)in->data, &letter, &n) == -1)
			return "a packet too long or too short";
		status = fetch(s, m, n);
	}
	stream_record_end(m->stream);
	if (status != STREAM_OK)
		return stream_status_name(status);
	if (milter_reply_parse(r, letter, n == 0 ? "" : in->data, n) != 1)
		return "a packet that means nothing";
	return NULL;
}

bool
milter_hear(struct session *s, struct milter *m, struct milter_reply *r)
{
	int64_t last = clock_ms() + (int64_t)PATIENCE * timeout();
	const char *why;

	/* before a message nothing else bounds them */
	do
		why = packet(s, m, r);
	while (why == NULL && r->what == MILTER_PROGRESS &&
	    clock_ms() < last);
	if (why == NULL && r->what == MILTER_PROGRESS)
		why = "too late";
	if (why == NULL)
		return true;
	milter_failed(s, m, why);
	return false;
}

/* The lists of macros it asks for.  What is wrong, or NULL. */
static const char *
take_symbols(struct milter *m, const struct milter_reply *r)
{
	const char *p = r->data, *end = p + r->len, *names;
	uint32_t stage;
	int got;

	while ((got = milter_symbols_next(&p, end, &stage, &names)) == 1) {
		free(m->macros[stage]);
		if ((m->macros[stage] = strdup(names)) == NULL)
			return "no memory";
	}
	return got == 0 ? NULL : "malformed lists of macros";
}

/* What is wrong, or NULL. */
static const char *
agree(struct milter *m, const struct milter_reply *r)
{
	if (r->what != MILTER_OPTIONS)
		return "no answer to the offer";
	if (r->version < 2 || r->version > MILTER_VERSION)
		return "another version of the protocol";
	if (r->actions & ~MILTER_CAN_ALL)
		return "it wants an action that is not offered";
	if (r->protocol & ~MILTER_PROTOCOL_ALL)
		return "it wants a protocol that is not offered";
	m->version = r->version;
	m->actions = r->actions;
	m->protocol = r->protocol;
	return take_symbols(m, r);
}

bool
milter_meet(struct session *s, struct milter *m)
{
	struct milter_request request = { 0 };
	struct status_reply answer = { 0 };
	struct milter_reply r;
	const char *why;
	int fd = -1;

	request.index = (uint32_t)(m - s->milters->v);
	if (server_ask(s->server, OP_MILTER, &request, &answer, NULL, 0,
	    &fd) != 0 || fd == -1) {
		milter_failed(s, m, answer.error == 0 ? "no answer" :
		    strerror(answer.error));
		return false;
	}
	if ((m->stream = stream_new(fd, fd)) == NULL) {
		close(fd);
		milter_failed(s, m, "no memory");
		return false;
	}
	stream_set_timeout(m->stream, timeout());
	milter_put_negotiate(&s->milters->out);
	if (!milter_say(s, m) || !milter_hear(s, m, &r))
		return false;
	if ((why = agree(m, &r)) != NULL)
		milter_failed(s, m, why);
	return why == NULL;
}
