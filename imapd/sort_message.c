/* SPDX-License-Identifier: ISC
 *
 * See sort.h.  A message is read only when its summary is not there.
 */
#include <string.h>

#include "sort.h"

enum reply
sort_search(struct search *q, struct imap_lex *l, struct numbers *found)
{
	enum reply r;

	if (imap_lex_need_sp(l) == -1 ||
	    imap_lex_astring(l, &q->q.charset) != 1 ||
	    imap_lex_need_sp(l) == -1 ||
	    imap_lex_search_keys(l, &q->q) == -1 || imap_lex_need_end(l) == -1)
		return reply_bad(q->session, l);
	if (q->q.charset.len == 0)
		return REPLY_CHARSET;
	r = search_prepare(q);
	if (r == REPLY_OK && q->modseq)
		r = modseq_enable(q->session);
	return r == REPLY_OK ? search_run(q, found) : r;
}

/* Internal date and size: from the summary, else of the file. */
static enum mailbox_status
have_meta(struct session *s, uint32_t seq, const struct summary_view *v,
    unsigned want, struct sort_message *m)
{
	enum mailbox_status status = MAILBOX_OK;
	time_t date = 0;

	if (want & SORT_ARRIVED && !summary_date(v, &date))
		status = mailbox_date(s->box, seq, &date);
	if (status == MAILBOX_OK && want & SORT_SIZE &&
	    !summary_size(v, &m->size))
		status = mailbox_size(s->box, seq, &m->size);
	m->arrived = date;
	return status;
}

static unsigned
needed(unsigned want)
{
	if (want & SORT_WHOLE)
		return SUMMARY(SUMMARY_SORT);
	return want & SORT_SENT ? SUMMARY(SUMMARY_SENT) : 0;
}

/* What the summary says of the Date field: 0, -1 it is not whole. */
static int
have_sent(const struct summary_view *v, unsigned *want, struct sort_message *m)
{
	if (*want & SORT_WHOLE ? !summary_sort(v, &m->s) :
	    *want & SORT_SENT && !summary_sent(v, &m->s))
		return -1;
	if (*want & (SORT_WHOLE | SORT_SENT) && !m->s.dated)
		*want |= SORT_ARRIVED;
	return 0;
}

enum mailbox_status
sort_message(struct session *s, uint32_t seq, unsigned want,
    struct sort_message *m)
{
	enum mailbox_status status;
	struct mailbox_msg msg;
	struct fetch_message f;
	struct summary_view v;
	unsigned more = 0;

	mailbox_msg(s->box, seq, &msg);
	m->number = s->uid ? msg.uid : seq;
	m->arrived = 0;
	m->size = 0;
	m->s.dated = false;
	fetch_message_init(&f, s, seq);
	if (want & (SORT_ARRIVED | SORT_SIZE))
		more = SUMMARY(SUMMARY_META) | SUMMARY(SUMMARY_DATE);
	status = fetch_summary(&f, needed(want), more, &v) == -1 ? f.failed :
	    MAILBOX_OK;
	fetch_message_free(&f);
	if (status == MAILBOX_OK && have_sent(&v, &want, m) == -1)
		status = MAILBOX_TEMPORARY;
	if (status != MAILBOX_OK)
		return status;
	if (want & (SORT_ARRIVED | SORT_SIZE))
		status = have_meta(s, seq, &v, want, m);
	if (!m->s.dated)
		m->s.sent = m->arrived;
	return status;
}

void
sort_add_number(struct buf *b, char before, uint32_t number)
{
	char text[11];
	size_t i = sizeof(text);

	do
		text[--i] = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	text[--i] = before;
	buf_add(b, text + i, sizeof(text) - i);
}

enum reply
sort_reply(enum mailbox_status status)
{
	return status == MAILBOX_NONE ? REPLY_SEARCH_GONE :
	    reply_mailbox(status);
}
