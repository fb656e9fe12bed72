/* SPDX-License-Identifier: ISC
 *
 * SEARCH and UID SEARCH (RFC 3501 6.4.4): for each message the tree is asked,
 * what is cheap first; a message is opened only when its flags, dates and sizes
 * leave the question open.
 */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "grammar/chars.h"
#include "grammar/date.h"
#include "keywords.h"
#include "search.h"

/* What asking a key costs. */
enum cost { COST_MEMORY, COST_STAT, COST_HEADER, COST_BODY, COSTS };

static bool ask(struct search *, uint32_t);

static enum cost
cost_of(const struct imap_search *q, uint32_t at)
{
	const struct imap_key *k = &q->key[at];
	enum cost cost = COST_MEMORY, c;
	uint32_t i;

	switch (k->kind) {
	case IMAP_KEY_AND:
	case IMAP_KEY_OR:
	case IMAP_KEY_NOT:
		for (i = k->child; i != IMAP_KEY_NONE; i = q->key[i].next)
			if ((c = cost_of(q, i)) > cost)
				cost = c;
		return cost;
	case IMAP_KEY_ALL:
	case IMAP_KEY_FLAG:
	case IMAP_KEY_KEYWORD:
	case IMAP_KEY_SEQUENCE:
	case IMAP_KEY_UID:
		return COST_MEMORY;
	case IMAP_KEY_BEFORE:
	case IMAP_KEY_ON:
	case IMAP_KEY_SINCE:
	case IMAP_KEY_LARGER:
	case IMAP_KEY_SMALLER:
		return COST_STAT;
	case IMAP_KEY_SENTBEFORE:
	case IMAP_KEY_SENTON:
	case IMAP_KEY_SENTSINCE:
	case IMAP_KEY_HEADER:
		return COST_HEADER;
	case IMAP_KEY_BODY:
	case IMAP_KEY_TEXT:
		return COST_BODY;
	}
	return COST_BODY;
}

/* Days, compared as the kind of key says. */
static bool
compare_day(enum imap_key_kind kind, int64_t day, int64_t wanted)
{
	switch (kind) {
	case IMAP_KEY_BEFORE:
	case IMAP_KEY_SENTBEFORE:
		return day < wanted;
	case IMAP_KEY_ON:
	case IMAP_KEY_SENTON:
		return day == wanted;
	default:
		return day >= wanted;
	}
}

static int64_t
day_of(int64_t t)
{
	return t >= 0 ? t / 86400 : -((86399 - t) / 86400);
}

static bool
ask_internal_date(struct search *q, const struct imap_key *k)
{
	time_t date;

	q->m.failed = mailbox_date(q->session->box, q->m.seq, &date);
	if (q->m.failed != MAILBOX_OK)
		return false;
	return compare_day(k->kind, day_of(date), day_of(k->date));
}

/* RFC 3501 6.4.4: the day of the Date field, without its time and zone. */
static bool
ask_sent_date(struct search *q, const struct imap_key *k)
{
	struct mime_ref ref;
	struct date date;
	int r;

	if ((r = search_date(q, &date)) == -1) {
		if (fetch_message_parse(&q->m, false) == -1)
			return false;
		ref = q->m.mime.env[0].field[MIME_DATE];
		r = ref.off != MIME_NONE && date_parse(&date,
		    mime_str(&q->m.mime, ref), ref.len) == 1;
	}
	if (r != 1)
		return false;
	return compare_day(k->kind, day_of(date.time + date.zone * 60),
	    day_of(k->date));
}

static bool
ask_size(struct search *q, const struct imap_key *k)
{
	uint64_t size;

	q->m.failed = mailbox_size(q->session->box, q->m.seq, &size);
	if (q->m.failed != MAILBOX_OK)
		return false;
	return k->kind == IMAP_KEY_LARGER ? size > k->size : size < k->size;
}

static bool
ask_keyword(struct search *q, const struct imap_key *k)
{
	int i = mailbox_keyword(q->session->box, k->text.s, false);

	return i != -1 && q->msg.flags & MAILBOX_KEYWORD(i);
}

/* All children of an AND, those that cost less first. */
static bool
ask_all(struct search *q, const struct imap_key *k)
{
	enum cost cost;
	uint32_t i;

	for (cost = COST_MEMORY; cost < COSTS; cost++)
		for (i = k->child; i != IMAP_KEY_NONE; i = q->q.key[i].next)
			if (q->cost[i] == cost && !ask(q, i))
				return false;
	return true;
}

static bool
ask_or(struct search *q, const struct imap_key *k)
{
	uint32_t a = k->child, b = q->q.key[a].next, t;

	if (q->cost[b] < q->cost[a]) {
		t = a;
		a = b;
		b = t;
	}
	return ask(q, a) || ask(q, b);
}

static bool
ask(struct search *q, uint32_t at)
{
	const struct imap_key *k = &q->q.key[at];

	switch (k->kind) {
	case IMAP_KEY_AND:
		return ask_all(q, k);
	case IMAP_KEY_OR:
		return ask_or(q, k);
	case IMAP_KEY_NOT:
		return !ask(q, k->child);
	case IMAP_KEY_ALL:
		return true;
	case IMAP_KEY_FLAG:
		return (keywords_system(&q->msg) & k->flag) != 0;
	case IMAP_KEY_KEYWORD:
		return ask_keyword(q, k);
	case IMAP_KEY_SEQUENCE:
		return imap_set_has(&k->set, q->m.seq);
	case IMAP_KEY_UID:
		return imap_set_has(&k->set, q->msg.uid);
	case IMAP_KEY_BEFORE:
	case IMAP_KEY_ON:
	case IMAP_KEY_SINCE:
		return ask_internal_date(q, k);
	case IMAP_KEY_SENTBEFORE:
	case IMAP_KEY_SENTON:
	case IMAP_KEY_SENTSINCE:
		return ask_sent_date(q, k);
	case IMAP_KEY_LARGER:
	case IMAP_KEY_SMALLER:
		return ask_size(q, k);
	case IMAP_KEY_HEADER:
		return search_header(q, k, &q->match[at]);
	case IMAP_KEY_BODY:
		return search_text(q, &q->match[at], false);
	case IMAP_KEY_TEXT:
		return search_text(q, &q->match[at], true);
	}
	return false;
}

void
search_init(struct search *q, struct session *s)
{
	memset(q, 0, sizeof(*q));
	q->session = s;
	imap_search_init(&q->q);
	buf_init(&q->header, SEARCH_HEADER_MAX);
	buf_init(&q->text, SEARCH_HEADER_MAX);
	buf_init(&q->few, SEARCH_HEADER_MAX);
}

void
search_free(struct search *q)
{
	size_t i;

	for (i = 0; q->match != NULL && i < q->q.n; i++)
		match_free(&q->match[i]);
	free(q->match);
	free(q->cost);
	buf_free(&q->header);
	buf_free(&q->text);
	buf_free(&q->few);
	imap_search_free(&q->q);
}

enum reply
search_prepare(struct search *q)
{
	struct session *s = q->session;
	uint32_t count = mailbox_count(s->box), i;
	struct mailbox_msg last = { 0 };
	struct imap_key *k;

	if (q->q.charset.len > 0 &&
	    !chars_is(q->q.charset.s, q->q.charset.len, "US-ASCII") &&
	    !chars_is(q->q.charset.s, q->q.charset.len, "UTF-8"))
		return REPLY_CHARSET;
	q->cost = calloc(q->q.n, sizeof(*q->cost));
	q->match = calloc(q->q.n, sizeof(*q->match));
	if (q->cost == NULL || q->match == NULL)
		return REPLY_MEMORY;
	if (count > 0)
		mailbox_msg(s->box, count, &last);
	for (i = 0; i < q->q.n; i++) {
		k = &q->q.key[i];
		if (k->kind == IMAP_KEY_SEQUENCE &&
		    s->enabled & ENABLED_UIDONLY)
			return REPLY_UID_REQUIRED;
		imap_set_resolve(&k->set, k->kind == IMAP_KEY_UID ?
		    last.uid : count);
		q->cost[i] = (unsigned char)cost_of(&q->q, i);
		if (q->cost[i] >= COST_HEADER && k->text.s != NULL &&
		    match_init(&q->match[i], k->text.s, k->text.len) == -1)
			return REPLY_MEMORY;
	}
	return REPLY_OK;
}

/* Ask one message; *r is not REPLY_OK when it could not be told. */
static bool
ask_message(struct search *q, uint32_t seq, enum reply *r)
{
	bool found;

	mailbox_msg(q->session->box, seq, &q->msg);
	if (q->msg.gone)
		return false;
	fetch_message_init(&q->m, q->session, seq);
	found = ask(q, 0);
	if (q->m.failed == MAILBOX_NONE)
		*r = REPLY_SEARCH_GONE;
	else if (q->m.failed != MAILBOX_OK)
		*r = reply_mailbox(q->m.failed);
	found = found && q->m.failed == MAILBOX_OK;
	fetch_message_free(&q->m);
	buf_reset(&q->header);
	q->header_read = false;
	return found;
}

enum reply
search_run(struct search *q, struct numbers *found)
{
	struct session *s = q->session;
	uint32_t count = mailbox_count(s->box), seq;
	enum reply r = REPLY_OK;

	found->n = 0;
	found->v = reallocarray(NULL, (size_t)count + 1, sizeof(found->v[0]));
	if (found->v == NULL)
		return REPLY_MEMORY;
	mailbox_summary_begin(s->box);
	for (seq = 1; seq <= count; seq++)
		if (ask_message(q, seq, &r))
			found->v[found->n++] = seq;
	return r;
}

static void
tell(struct session *s, const struct numbers *found)
{
	struct mailbox_msg m;
	size_t i;

	stream_puts(s->io, "* SEARCH");
	for (i = 0; i < found->n; i++) {
		mailbox_msg(s->box, found->v[i], &m);
		stream_printf(s->io, " %u", s->uid ? m.uid : found->v[i]);
	}
	stream_puts(s->io, "\r\n");
}

enum reply
cmd_search(struct session *s, struct imap_lex *l)
{
	struct numbers found = { NULL, 0 };
	enum reply r = REPLY_OK;
	struct search q;

	search_init(&q, s);
	if (imap_lex_need_sp(l) == -1 || imap_lex_search(l, &q.q) == -1 ||
	    imap_lex_need_end(l) == -1)
		r = reply_bad(s, l);
	if (r == REPLY_OK)
		r = search_prepare(&q);
	if (r == REPLY_OK) {
		r = search_run(&q, &found);
		if (found.v != NULL)
			tell(s, &found);
	}
	numbers_free(&found);
	search_free(&q);
	return r;
}
