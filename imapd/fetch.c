/* SPDX-License-Identifier: ISC
 *
 * FETCH and UID FETCH (RFC 3501 6.4.5; RFC 7162 3.1.4, 3.2.6).  One message
 * after the other; what is known without opening it is answered without
 * opening it.
 */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "fetch.h"
#include "grammar/imap_modseq.h"
#include "grammar/imap_write.h"

enum { ITEMS_MAX = 64 << 20 };		/* of one answer but for sections */

static int
write_size(struct buf *b, struct fetch_message *m,
    const struct summary_view *v)
{
	uint64_t size;

	if (!summary_size(v, &size)) {
		m->failed = mailbox_size(m->session->box, m->seq, &size);
		if (m->failed != MAILBOX_OK)
			return -1;
	}
	buf_adds(b, "RFC822.SIZE ");
	buf_addu(b, size);
	return buf_addc(b, ' ');
}

static int
write_date(struct buf *b, struct fetch_message *m,
    const struct summary_view *v)
{
	time_t date;

	if (!summary_date(v, &date)) {
		m->failed = mailbox_date(m->session->box, m->seq, &date);
		if (m->failed != MAILBOX_OK)
			return -1;
	}
	buf_adds(b, "INTERNALDATE ");
	imap_write_date_time(b, date);
	return buf_addc(b, ' ');
}

/* RFC 8514 4.2 */
static int
write_saved(struct buf *b, struct fetch_message *m)
{
	time_t date;

	if (!mailbox_has_saved(m->session->box))
		return buf_adds(b, "SAVEDATE NIL ");
	m->failed = mailbox_saved(m->session->box, m->seq, &date);
	if (m->failed != MAILBOX_OK)
		return -1;
	buf_adds(b, "SAVEDATE ");
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

/* RFC 8970, section 4.1: LAZY gives what is there, else NIL. */
static void
write_preview(struct buf *b, const struct summary_view *v)
{
	if (v->have & SUMMARY(SUMMARY_PREVIEW))
		write_item(b, "PREVIEW ", v, SUMMARY_PREVIEW);
	else
		buf_adds(b, "PREVIEW NIL ");
}

/* What the mailbox knows without a look at the message. */
static void
write_known(struct buf *b, struct session *s, uint32_t seq, unsigned items)
{
	char id[MAILBOX_EMAIL_ID];
	struct mailbox_msg msg;

	mailbox_msg(s->box, seq, &msg);
	if (items & IMAP_FETCH_UID) {
		buf_adds(b, "UID ");
		buf_addu(b, msg.uid);
		buf_addc(b, ' ');
	}
	if (items & IMAP_FETCH_FLAGS) {
		buf_adds(b, "FLAGS (");
		sync_write_flags(s, b, &msg);
		buf_adds(b, ") ");
	}
	if (items & IMAP_FETCH_MODSEQ)
		buf_addf(b, "MODSEQ (%llu) ", (unsigned long long)msg.modseq);
	if (items & IMAP_FETCH_EMAILID) {
		mailbox_email_id(s->box, seq, id);
		buf_addf(b, "EMAILID (%s) ", id);
	}
	/* RFC 8474 5.2: no threads are kept. */
	if (items & IMAP_FETCH_THREADID)
		buf_adds(b, "THREADID NIL ");
}

/* All items but sections, each with a space behind it. */
static int
write_items(struct buf *b, struct fetch_message *m, unsigned items,
    const struct summary_view *v)
{
	write_known(b, m->session, m->seq, items);
	if (items & IMAP_FETCH_INTERNALDATE && write_date(b, m, v) == -1)
		return -1;
	if (items & IMAP_FETCH_SAVEDATE && write_saved(b, m) == -1)
		return -1;
	if (items & IMAP_FETCH_SIZE && write_size(b, m, v) == -1)
		return -1;
	if (items & IMAP_FETCH_ENVELOPE)
		write_item(b, "ENVELOPE ", v, SUMMARY_ENVELOPE);
	if (items & IMAP_FETCH_BODY)
		write_item(b, "BODY ", v, SUMMARY_BODY);
	if (items & IMAP_FETCH_BODYSTRUCTURE)
		write_item(b, "BODYSTRUCTURE ", v, SUMMARY_STRUCTURE);
	if (items & (IMAP_FETCH_PREVIEW | IMAP_FETCH_PREVIEW_LAZY))
		write_preview(b, v);
	return 0;
}

/* What the items need of the summary.  Size and date are taken from there when
 * it is at hand; for them alone no message is read, and for what else is
 * needed only once. */
static int
have_summary(struct fetch_message *m, const struct fetch_plan *plan,
    struct summary_view *v)
{
	unsigned need = plan->summary, more = 0;

	if (plan->items & IMAP_FETCH_INTERNALDATE)
		more |= SUMMARY(SUMMARY_META) | SUMMARY(SUMMARY_DATE);
	if (plan->items & IMAP_FETCH_SIZE)
		more |= SUMMARY(SUMMARY_META);
	if (plan->items & IMAP_FETCH_PREVIEW_LAZY)
		more |= SUMMARY(SUMMARY_PREVIEW);
	v->have = 0;
	if ((need | more) == 0)
		return 0;
	if (need != 0 && plan->items & IMAP_FETCH_SIZE &&
	    !mailbox_size_known(m->box, m->seq))
		need |= SUMMARY(SUMMARY_META);
	return fetch_summary(m, need, more, v);
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
	sync_begin(m->session, b, m->seq, m->uid);
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
	if (r != 0)
		return r;
	if (n == 0) {
		b->len--;		/* the last space */
		buf_adds(b, ")\r\n");
		r = buf_failed(b) ? -1 : stream_write(io, b->data, b->len);
	} else
		r = stream_puts(io, ")\r\n");
	return r == -1 ? -2 : 0;	/* the client is gone */
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

/*
 * One message.  A client aware of modification sequences is told of \Seen
 * behind all of them, when one sync has put the changes on disk (RFC 7162
 * 3.2.4): *seen becomes true.
 */
static int
fetch_one(struct session *s, const struct fetch_plan *plan, uint32_t seq,
    struct buf *b, enum reply *failed, bool *seen)
{
	unsigned items = plan->items;
	struct fetch_message m;
	int r;

	*seen = false;
	fetch_message_resume(&m, s, seq);
	if (plan->sets_seen && fetch_message_open(&m) == 0 &&
	    set_seen(s, seq)) {
		*seen = (s->enabled & ENABLED_CONDSTORE) != 0;
		if (!*seen)
			items |= IMAP_FETCH_FLAGS;
		else if (items & IMAP_FETCH_MODSEQ && !modseq_ready(s))
			items &= ~(unsigned)IMAP_FETCH_MODSEQ;
	}
	r = send_message(&m, plan, items, b);
	if (r == -1)
		*failed = m.unknown_cte ? REPLY_UNKNOWN_CTE :
		    m.failed == MAILBOX_NONE ? REPLY_GONE :
		    reply_mailbox(m.failed);
	fetch_message_keep(&m);
	return r;
}

/* All of them; those that became \Seen and are still to be told are the first
 * n of seen. */
static enum reply
fetch_all(struct session *s, const struct fetch_plan *plan,
    const struct numbers *numbers, uint32_t *seen, size_t *n)
{
	enum reply failed = REPLY_OK;
	struct buf b;
	int r = 0;
	size_t i;
	bool now;

	*n = 0;
	buf_init(&b, ITEMS_MAX);
	mailbox_summary_begin(s->box);
	for (i = 0; i < numbers->n && r != -2; i++) {
		r = fetch_one(s, plan, numbers->v[i], &b, &failed, &now);
		if (now && seen != NULL)
			seen[(*n)++] = numbers->v[i];
	}
	buf_free(&b);
	if (r == -2) {
		/* In the middle of an answer nothing can be said. */
		s->state = STATE_OVER;
		return REPLY_DONE;
	}
	return failed;
}

static enum reply
do_fetch(struct session *s, const struct fetch_plan *plan,
    const struct numbers *numbers)
{
	uint32_t *seen = NULL;
	enum reply r;
	unsigned what;
	size_t i, n;

	if (plan->sets_seen && s->enabled & ENABLED_CONDSTORE) {
		seen = reallocarray(NULL, numbers->n + 1, sizeof(*seen));
		if (seen == NULL)
			return REPLY_MEMORY;
	}
	r = fetch_all(s, plan, numbers, seen, &n);
	if (n > 0 && r != REPLY_DONE) {
		what = sync_what(s);
		for (i = 0; i < n; i++)
			sync_message(s, seen[i], what);
	}
	free(seen);
	return r;
}

/* RFC 7162 3.1.4.1 and 3.2.6, RFC 9394 3.3: of the messages named, a part,
 * and of these the ones that changed. */
static enum reply
modify(struct session *s, const struct imap_fetch_modifiers *m,
    struct imap_set *set, struct numbers *numbers)
{
	struct mailbox_msg msg;
	uint32_t first = 1, last = (uint32_t)numbers->n;
	size_t i, n = 0;
	enum reply r;

	if (m->partly && !imap_partial_range(&m->partial,
	    (uint32_t)numbers->n, &first, &last))
		last = 0;
	/* What went away behind the last message is in "1:*" as well. */
	if (m->vanished && set->to_end && imap_set_max(set) < UINT32_MAX)
		(void)imap_set_add_range(set, imap_set_max(set) + 1,
		    UINT32_MAX);
	if (m->vanished && (r = modseq_vanished(s, set, m->since, 0)) !=
	    REPLY_OK)
		return r;
	for (i = first - 1; i < last; i++) {
		mailbox_msg(s->box, numbers->v[i], &msg);
		if (!m->changedsince || msg.modseq > m->since)
			numbers->v[n++] = numbers->v[i];
	}
	numbers->n = n;
	return REPLY_OK;
}

/* What the command's words need of the session. */
static enum reply
check_modifiers(struct session *s, const struct imap_fetch_modifiers *m,
    unsigned *items)
{
	enum reply r;

	if ((m->vanished || m->partly) && !s->uid) {
		s->why = "Only UID FETCH has this modifier";
		return REPLY_BAD;
	}
	if (m->vanished && !(s->enabled & ENABLED_QRESYNC))
		return REPLY_QRESYNC;
	if (s->uid)
		*items |= IMAP_FETCH_UID;
	if (m->changedsince)
		*items |= IMAP_FETCH_MODSEQ;
	if (!(*items & IMAP_FETCH_MODSEQ))
		return REPLY_OK;
	if ((r = modseq_enable(s)) != REPLY_OK)
		return r;
	return modseq_ready(s) ? REPLY_OK : REPLY_TEMPORARY;
}

static enum reply
run(struct session *s, const struct imap_fetch *f,
    const struct imap_fetch_modifiers *m, struct imap_set *set,
    struct numbers *numbers)
{
	unsigned items = f->items;
	struct fetch_plan plan;
	enum reply r;

	if ((r = check_modifiers(s, m, &items)) != REPLY_OK ||
	    (r = modify(s, m, set, numbers)) != REPLY_OK)
		return r;
	r = REPLY_MEMORY;
	if (fetch_plan_init(&plan, f, items) == 0)
		r = do_fetch(s, &plan, numbers);
	fetch_plan_free(&plan);
	return r;
}

enum reply
cmd_fetch(struct session *s, struct imap_lex *l)
{
	struct numbers numbers = { NULL, 0 };
	struct imap_fetch_modifiers m;
	struct imap_fetch f;
	struct imap_set set;
	enum reply r;

	imap_fetch_init(&f);
	imap_set_init(&set);
	r = numbers_parse_set(s, l, &set, &numbers);
	if (r == REPLY_OK && (imap_lex_need_sp(l) == -1 ||
	    imap_lex_fetch(l, &f) == -1 ||
	    imap_lex_fetch_modifiers(l, &m) == -1 ||
	    imap_lex_need_end(l) == -1))
		r = reply_bad(s, l);
	if (r == REPLY_OK)
		r = run(s, &f, &m, &set, &numbers);
	imap_set_free(&set);
	imap_fetch_free(&f);
	numbers_free(&numbers);
	return r;
}

void
fetch_unasked(struct session *s, const struct imap_fetch *f, uint32_t from)
{
	uint32_t count = mailbox_count(s->box);
	struct numbers numbers = { NULL, 0 };
	unsigned items = f->items;
	struct fetch_plan plan;

	if (items & IMAP_FETCH_MODSEQ && !modseq_ready(s))
		items &= ~(unsigned)IMAP_FETCH_MODSEQ;
	numbers.v = reallocarray(NULL, (size_t)count + 1, sizeof(*numbers.v));
	if (numbers.v == NULL)
		return;
	for (; from <= count; from++)
		numbers.v[numbers.n++] = from;
	if (fetch_plan_init(&plan, f, items) == 0)
		(void)do_fetch(s, &plan, &numbers);
	fetch_plan_free(&plan);
	numbers_free(&numbers);
}
