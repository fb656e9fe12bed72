/* SPDX-License-Identifier: ISC
 *
 * SEARCH and UID SEARCH: the command, and what it answers (RFC 3501 7.2.5,
 * RFC 4731, RFC 5182, RFC 9394; RFC 9051 7.3.4).  Sets are written as they are
 * found, and never held as a text.
 */
#include "commands.h"
#include "search.h"

/* What is told of n results: which of them a response names, by their
 * places from 0 on. */
struct told {
	unsigned	 options;
	size_t		 n;
	uint32_t	 lo, hi;	/* of PARTIAL, from 1; 0: none */
};

static void
told_init(struct told *t, const struct search *q, const struct numbers *found)
{
	t->options = q->ret.options;
	t->n = found->n;
	t->lo = t->hi = 0;
	if (t->options & IMAP_RETURN_PARTIAL)
		(void)imap_partial_range(&q->ret.partial, (uint32_t)t->n,
		    &t->lo, &t->hi);
}

/* RFC 5182 2.4, RFC 9394 3.2: with MIN, MAX and PARTIAL alone it is about
 * those messages and no others; also RFC 4731 3.2 for MODSEQ. */
static bool
told_has(const struct told *t, size_t i)
{
	const unsigned few = IMAP_RETURN_MIN | IMAP_RETURN_MAX |
	    IMAP_RETURN_PARTIAL;

	if (t->options & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT) ||
	    !(t->options & few))
		return true;
	return (t->options & IMAP_RETURN_MIN && i == 0) ||
	    (t->options & IMAP_RETURN_MAX && i == t->n - 1) ||
	    (i + 1 >= t->lo && i + 1 <= t->hi);
}

static uint32_t
number(const struct session *s, uint32_t seq, bool uid)
{
	struct mailbox_msg m;

	if (!uid)
		return seq;
	mailbox_msg(s->box, seq, &m);
	return m.uid;
}

/* The results from place lo to hi, counted from 1, as a sequence-set. */
static void
tell_set(struct session *s, const struct numbers *found, bool uid,
    size_t lo, size_t hi)
{
	const char *comma = "";
	uint32_t first, last;

	while (lo <= hi) {
		first = last = number(s, found->v[lo++ - 1], uid);
		for (; lo <= hi && number(s, found->v[lo - 1], uid) ==
		    last + 1; lo++)
			last++;
		if (first == last)
			stream_printf(s->io, "%s%u", comma, first);
		else
			stream_printf(s->io, "%s%u:%u", comma, first, last);
		comma = ",";
	}
}

static void
tell_partial(const struct search *q, const struct numbers *found, bool uid,
    const struct told *t)
{
	const struct imap_partial *p = &q->ret.partial;
	struct session *s = q->session;
	const char *minus = p->last ? "-" : "";

	stream_printf(s->io, " PARTIAL (%s%u:%s%u ", minus, p->a, minus, p->b);
	if (t->lo == 0)
		stream_puts(s->io, "NIL");
	else
		tell_set(s, found, uid, t->lo, t->hi);
	stream_puts(s->io, ")");
}

/* The highest of what is told, or 0: it is not known to last, or nothing is
 * told. */
static uint64_t
highest_modseq(const struct search *q, const struct numbers *found,
    const struct told *t)
{
	struct mailbox_msg m;
	uint64_t top = 0;
	size_t i;

	for (i = 0; i < found->n; i++) {
		if (!told_has(t, i))
			continue;
		mailbox_msg(q->session->box, found->v[i], &m);
		if (m.modseq > top)
			top = m.modseq;
	}
	return top > 0 && mailbox_modseq_sync(q->session->box) == -1 ? 0 : top;
}

static void
tell_correlator(struct session *s, const char *mailbox)
{
	struct buf b;

	stream_printf(s->io, "* ESEARCH (TAG \"%s\"", s->tag);
	if (mailbox != NULL) {
		buf_init(&b, STREAM_BUFFER);
		reply_mailbox_name(s, &b, mailbox);
		stream_puts(s->io, " MAILBOX ");
		stream_puts(s->io, buf_str(&b));
		stream_printf(s->io, " UIDVALIDITY %u",
		    mailbox_uidvalidity(s->box));
		buf_free(&b);
	}
	stream_puts(s->io, ")");
}

void
search_tell(struct search *q, const struct numbers *found, bool uid,
    const char *mailbox)
{
	struct session *s = q->session;
	struct told t;
	uint64_t top;

	told_init(&t, q, found);
	tell_correlator(s, mailbox);
	if (uid)
		stream_puts(s->io, " UID");
	if (t.options & IMAP_RETURN_MIN && t.n > 0)
		stream_printf(s->io, " MIN %u", number(s, found->v[0], uid));
	if (t.options & IMAP_RETURN_MAX && t.n > 0)
		stream_printf(s->io, " MAX %u", number(s, found->v[t.n - 1],
		    uid));
	if (t.options & IMAP_RETURN_COUNT)
		stream_printf(s->io, " COUNT %zu", t.n);
	if (t.options & IMAP_RETURN_PARTIAL)
		tell_partial(q, found, uid, &t);
	if (t.options & IMAP_RETURN_ALL && t.n > 0) {
		stream_puts(s->io, " ALL ");
		tell_set(s, found, uid, 1, t.n);
	}
	if (q->modseq && (top = highest_modseq(q, found, &t)) > 0)
		stream_printf(s->io, " MODSEQ %llu", (unsigned long long)top);
	stream_puts(s->io, "\r\n");
}

void
search_tell_end(struct search *q, const struct numbers *found)
{
	struct session *s = q->session;
	struct told t;
	uint64_t top;

	told_init(&t, q, found);
	if (q->modseq && (top = highest_modseq(q, found, &t)) > 0)
		stream_printf(s->io, " (MODSEQ %llu)",
		    (unsigned long long)top);
	stream_puts(s->io, "\r\n");
}

/* The response of IMAP4rev1. */
static void
tell_plain(struct search *q, const struct numbers *found)
{
	struct session *s = q->session;
	size_t i;

	stream_puts(s->io, "* SEARCH");
	for (i = 0; i < found->n; i++)
		stream_printf(s->io, " %u", number(s, found->v[i], s->uid));
	search_tell_end(q, found);
}

enum reply
search_save(struct search *q, const struct numbers *found)
{
	struct session *s = q->session;
	struct told t;
	size_t i;

	told_init(&t, q, found);
	imap_set_free(&s->saved);
	for (i = 0; i < found->n; i++)
		if (told_has(&t, i) && imap_set_add(&s->saved,
		    number(s, found->v[i], true)) == -1) {
			imap_set_free(&s->saved);
			return REPLY_NOT_SAVED;
		}
	return REPLY_OK;
}

enum reply
search_parse(struct search *q, struct imap_lex *l)
{
	struct session *s = q->session;
	enum reply r;

	if (imap_lex_return(l, &q->ret) == -1 ||
	    imap_lex_search(l, &q->q) == -1 || imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	/* RFC 9051 6.4.4: without options it is ALL. */
	if (!q->ret.given && s->enabled & ENABLED_REV2)
		q->ret.options = IMAP_RETURN_ALL;
	if ((r = search_prepare(q)) == REPLY_OK && q->modseq)
		r = modseq_enable(s);
	return r;
}

/* What was found, told and kept as the command wants it. */
static enum reply
answer(struct search *q, const struct numbers *found)
{
	struct session *s = q->session;

	if (q->ret.options == 0)
		tell_plain(q, found);
	else if (q->ret.options != IMAP_RETURN_SAVE)
		search_tell(q, found, s->uid, NULL);
	return q->ret.options & IMAP_RETURN_SAVE ? search_save(q, found) :
	    REPLY_OK;
}

enum reply
cmd_search(struct session *s, struct imap_lex *l)
{
	struct numbers found = { NULL, 0 };
	enum reply r, saved = REPLY_OK;
	struct search q;

	search_init(&q, s);
	r = imap_lex_need_sp(l) == -1 ? reply_bad(s, l) : search_parse(&q, l);
	if (r == REPLY_OK) {
		r = search_run(&q, &found);
		if (found.v != NULL)
			saved = answer(&q, &found);
		if (r == REPLY_OK)
			r = saved;
	}
	/* RFC 5182 2.1: NO empties it, BAD does not. */
	if (q.ret.options & IMAP_RETURN_SAVE && reply_is_no(r))
		imap_set_free(&s->saved);
	numbers_free(&found);
	search_free(&q);
	return r;
}
