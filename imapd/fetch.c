/* SPDX-License-Identifier: ISC
 *
 * FETCH and UID FETCH (RFC 3501 6.4.5).  One message after the other; what is
 * known without opening it is answered without opening it.
 */
#include <string.h>

#include "commands.h"
#include "fetch.h"
#include "grammar/imap_write.h"

enum { ITEMS_MAX = 64 << 20 };		/* of one answer but for sections */

static int
write_size(struct buf *b, struct fetch_message *m,
    const struct summary_view *v)
{
	uint64_t size;
	time_t date;

	if (!summary_meta(v, &size, &date)) {
		m->failed = mailbox_size(m->session->box, m->seq, &size);
		if (m->failed != MAILBOX_OK)
			return -1;
	}
	return buf_addf(b, "RFC822.SIZE %llu ", (unsigned long long)size);
}

static int
write_date(struct buf *b, struct fetch_message *m,
    const struct summary_view *v)
{
	uint64_t size;
	time_t date;

	if (!summary_meta(v, &size, &date)) {
		m->failed = mailbox_date(m->session->box, m->seq, &date);
		if (m->failed != MAILBOX_OK)
			return -1;
	}
	buf_adds(b, "INTERNALDATE ");
	imap_write_date_time(b, date);
	return buf_addc(b, ' ');
}

static void
write_item(struct buf *b, const char *name, const struct summary_view *v,
    enum summary_kind kind)
{
	buf_adds(b, name);
	buf_add(b, v->item[kind].p, v->item[kind].n);
	buf_addc(b, ' ');
}

static void
write_flags(struct buf *b, const struct session *s, uint32_t seq)
{
	struct mailbox_msg msg;

	mailbox_msg(s->box, seq, &msg);
	buf_adds(b, "FLAGS (");
	sync_write_flags(s, b, &msg);
	buf_adds(b, ") ");
}

/* All items but sections, each with a space behind it. */
static int
write_items(struct buf *b, struct fetch_message *m, unsigned items,
    const struct summary_view *v)
{
	struct mailbox_msg msg;

	if (items & IMAP_FETCH_UID) {
		mailbox_msg(m->session->box, m->seq, &msg);
		buf_addf(b, "UID %u ", msg.uid);
	}
	if (items & IMAP_FETCH_FLAGS)
		write_flags(b, m->session, m->seq);
	if (items & IMAP_FETCH_INTERNALDATE && write_date(b, m, v) == -1)
		return -1;
	if (items & IMAP_FETCH_SIZE && write_size(b, m, v) == -1)
		return -1;
	if (items & IMAP_FETCH_ENVELOPE)
		write_item(b, "ENVELOPE ", v, SUMMARY_ENVELOPE);
	if (items & IMAP_FETCH_BODY)
		write_item(b, "BODY ", v, SUMMARY_BODY);
	if (items & IMAP_FETCH_BODYSTRUCTURE)
		write_item(b, "BODYSTRUCTURE ", v, SUMMARY_STRUCTURE);
	return 0;
}

/* What the items need of the summary.  Size and date are taken from there when
 * it is at hand; for them alone no message is read. */
static int
have_summary(struct fetch_message *m, const struct fetch_plan *plan,
    struct summary_view *v)
{
	const unsigned meta = plan->items & (IMAP_FETCH_INTERNALDATE |
	    IMAP_FETCH_SIZE) ? SUMMARY(SUMMARY_META) : 0;

	v->have = 0;
	if ((plan->summary | meta) == 0)
		return 0;
	return fetch_summary(m, plan->summary, meta, v);
}

static int
send_section(struct fetch_message *m, const struct fetch_plan *plan, size_t i,
    const struct summary_view *v, const struct buf *head)
{
	const struct imap_section *sec = &plan->fetch->section[i];
	int r = 1;

	if (plan->section[i].fields != 0)
		r = fetch_fields(m->session, sec, &plan->section[i], v, head);
	return r == 1 ? fetch_section(m, sec, head) : r;
}

/* Send "* n FETCH (...)" of one message, b is scratch.  0, -1 it cannot be
 * had, -2 the session is over. */
static int
send_message(struct fetch_message *m, const struct fetch_plan *plan,
    unsigned items, struct buf *b)
{
	struct stream *io = m->session->io;
	size_t i, n = plan->fetch->nsection;
	struct summary_view v;
	int r;

	buf_reset(b);
	buf_addf(b, "* %u FETCH (", m->seq);
	r = have_summary(m, plan, &v);
	if (r == 0)
		r = write_items(b, m, items, &v);
	if (r == 0 && buf_failed(b)) {
		m->failed = MAILBOX_TEMPORARY;
		r = -1;
	}
	if (r == 0)
		r = fetch_binary_check(m, plan->fetch);
	for (i = 0; r == 0 && i < n; i++) {
		/* What precedes the first section goes out with it. */
		r = send_section(m, plan, i, &v, b);
		if (r == -1 && i > 0)
			r = -2;
		buf_reset(b);
		buf_addc(b, ' ');
	}
	if (r == 0 && n == 0) {
		b->len--;		/* the last space */
		stream_write(io, b->data, b->len);
	}
	if (r == 0 && stream_puts(io, ")\r\n") == -1)
		r = -2;			/* the client is gone */
	return r;
}

static bool
sets_seen(const struct imap_fetch *f)
{
	size_t i;

	for (i = 0; i < f->nsection; i++)
		if (!f->section[i].peek)
			return true;
	return false;
}

/* Set \Seen where reading does that; whether the flags are to be told. */
static bool
set_seen(struct session *s, uint32_t seq)
{
	struct mailbox_msg msg;

	mailbox_msg(s->box, seq, &msg);
	if (msg.gone || msg.flags & MAILBOX_SEEN || mailbox_readonly(s->box))
		return false;
	return mailbox_store(s->box, &seq, 1, MAILBOX_ADD, MAILBOX_SEEN) ==
	    MAILBOX_OK;
}

static int
fetch_one(struct session *s, const struct fetch_plan *plan, uint32_t seq,
    struct buf *b, enum reply *failed)
{
	unsigned items = plan->items;
	struct fetch_message m;
	int r;

	fetch_message_resume(&m, s, seq);
	if (sets_seen(plan->fetch)) {
		if (fetch_message_open(&m) == 0 && set_seen(s, seq))
			items |= IMAP_FETCH_FLAGS;
	}
	r = send_message(&m, plan, items, b);
	if (r == -1)
		*failed = m.unknown_cte ? REPLY_UNKNOWN_CTE :
		    m.failed == MAILBOX_NONE ? REPLY_GONE :
		    reply_mailbox(m.failed);
	fetch_message_keep(&m);
	return r;
}

static enum reply
do_fetch(struct session *s, const struct fetch_plan *plan,
    const struct numbers *numbers)
{
	enum reply failed = REPLY_OK, reply = REPLY_OK;
	struct buf b;
	size_t i;

	buf_init(&b, ITEMS_MAX);
	mailbox_summary_begin(s->box);
	for (i = 0; i < numbers->n && reply == REPLY_OK; i++) {
		if (fetch_one(s, plan, numbers->v[i], &b, &failed) == -2) {
			/* In the middle of an answer nothing can be said. */
			s->state = STATE_OVER;
			reply = REPLY_DONE;
		}
	}
	buf_free(&b);
	return reply != REPLY_OK ? reply : failed;
}

enum reply
cmd_fetch(struct session *s, struct imap_lex *l)
{
	struct numbers numbers;
	struct fetch_plan plan;
	struct imap_fetch f;
	enum reply r;

	imap_fetch_init(&f);
	r = numbers_parse(s, l, &numbers);
	if (r == REPLY_OK && (imap_lex_need_sp(l) == -1 ||
	    imap_lex_fetch(l, &f) == -1 || imap_lex_need_end(l) == -1))
		r = reply_bad(s, l);
	if (r == REPLY_OK) {
		r = REPLY_MEMORY;
		if (fetch_plan_init(&plan, &f, f.items | (s->uid ?
		    IMAP_FETCH_UID : 0)) == 0)
			r = do_fetch(s, &plan, &numbers);
		fetch_plan_free(&plan);
	}
	imap_fetch_free(&f);
	numbers_free(&numbers);
	return r;
}
