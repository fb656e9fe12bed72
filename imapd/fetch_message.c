/* SPDX-License-Identifier: ISC
 *
 * Opening and parsing a message for FETCH and SEARCH.  The parser is fed the
 * wire form, so that its offsets are those of the wire.
 */
#include <stdlib.h>
#include <string.h>

#include "fetch.h"

void
fetch_message_init(struct fetch_message *m, struct session *s, uint32_t seq)
{
	memset(m, 0, sizeof(*m));
	m->session = s;
	m->box = s->box;
	m->decoded.part = MIME_NONE;
	m->seq = seq;
}

void
fetch_message_free(struct fetch_message *m)
{
	message_close(m->message);
	mime_free(&m->mime);
	memset(m, 0, sizeof(*m));
}

void
fetch_forget(struct session *s)
{
	if (s->kept == NULL)
		return;
	fetch_message_free(s->kept);
	free(s->kept);
	s->kept = NULL;
}

void
fetch_message_resume(struct fetch_message *m, struct session *s,
    uint32_t seq)
{
	struct mailbox_msg msg;

	mailbox_msg(s->box, seq, &msg);
	if (s->kept != NULL && s->kept->uid == msg.uid &&
	    message_here(s->kept->message)) {
		*m = *s->kept;
		m->seq = seq;
		free(s->kept);
		s->kept = NULL;
		return;
	}
	fetch_message_init(m, s, seq);
	m->uid = msg.uid;
}

void
fetch_message_keep(struct fetch_message *m)
{
	struct session *s = m->session;

	if (m->message == NULL && m->parsed == 0)
		return;
	fetch_forget(s);
	if (m->message == NULL || m->failed != MAILBOX_OK || m->unknown_cte ||
	    (s->kept = malloc(sizeof(*s->kept))) == NULL) {
		fetch_message_free(m);
		return;
	}
	*s->kept = *m;
	memset(m, 0, sizeof(*m));
}

int
fetch_message_open(struct fetch_message *m)
{
	if (m->message != NULL)
		return 0;
	if (m->failed == MAILBOX_OK)
		m->failed = mailbox_message(m->box, m->seq,
		    &m->message);
	return m->message != NULL ? 0 : -1;
}

struct feed {
	struct mime_parser *parser;
	bool		 whole;
};

static int
feed(void *arg, const char *p, size_t n)
{
	struct feed *f = arg;

	if (mime_feed(f->parser, p, n) == -1)
		return -2;
	return !f->whole && mime_header_done(f->parser);
}

int
fetch_message_parse(struct fetch_message *m, bool whole)
{
	struct feed f = { .whole = whole };
	int r;

	if (m->parsed > whole)
		return 0;
	if (fetch_message_open(m) == -1)
		return -1;
	mime_free(&m->mime);
	m->decoded.part = MIME_NONE;
	m->parsed = 0;
	m->failed = MAILBOX_TEMPORARY;
	if ((f.parser = mime_parser_new()) == NULL)
		return -1;
	r = message_stream(m->message, 0, UINT64_MAX, feed, &f);
	if (r >= 0 && mime_end(f.parser, &m->mime) == 0) {
		m->parsed = whole ? 2 : 1;
		m->failed = MAILBOX_OK;
	}
	mime_parser_free(f.parser);
	return m->parsed > 0 ? 0 : -1;
}

int
fetch_summary(struct fetch_message *m, unsigned need, unsigned more,
    struct summary_view *v)
{
	struct mailbox *box = m->box;

	if ((mailbox_summary(box, m->seq, need | more, v) & need) == need)
		return 0;
	if (fetch_message_open(m) == -1)
		return -1;
	m->failed = mailbox_summary_read(box, m->seq, m->message, need, v);
	return m->failed == MAILBOX_OK ? 0 : -1;
}
