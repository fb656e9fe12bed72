/* SPDX-License-Identifier: ISC
 *
 * Asking a message the keys of a search (RFC 3501 6.4.4), what is cheap first:
 * it is opened only when its flags, dates and sizes leave the question open.
 */
#include <string.h>

#include "grammar/date.h"
#include "keywords.h"
#include "search.h"

enum { UNDATED_MAX = 32 };	/* dates not in the cache, before it is given
				 * up */

enum cost
search_cost(const struct imap_search *q, uint32_t at)
{
	const struct imap_key *k = &q->key[at];
	enum cost cost = COST_MEMORY, c;
	uint32_t i;

	switch (k->kind) {
	case IMAP_KEY_AND:
	case IMAP_KEY_OR:
	case IMAP_KEY_NOT:
		for (i = k->child; i != IMAP_KEY_NONE; i = q->key[i].next)
			if ((c = search_cost(q, i)) > cost)
				cost = c;
		return cost;
	case IMAP_KEY_ALL:
	case IMAP_KEY_FLAG:
	case IMAP_KEY_KEYWORD:
	case IMAP_KEY_SEQUENCE:
	case IMAP_KEY_UID:
	case IMAP_KEY_MODSEQ:
	case IMAP_KEY_SAVEDATESUPPORTED:
	case IMAP_KEY_EMAILID:
	case IMAP_KEY_THREADID:
		return COST_MEMORY;
	case IMAP_KEY_SAVEDBEFORE:
	case IMAP_KEY_SAVEDON:
	case IMAP_KEY_SAVEDSINCE:
	case IMAP_KEY_OLDER:
	case IMAP_KEY_YOUNGER:
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
	case IMAP_KEY_SAVEDBEFORE:
		return day < wanted;
	case IMAP_KEY_ON:
	case IMAP_KEY_SENTON:
	case IMAP_KEY_SAVEDON:
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

/* The internal date: from the cache, as FETCH has it, as long as the cache has
 * most of them. */
static enum mailbox_status
internal_date(struct search *q, time_t *date)
{
	const unsigned known = SUMMARY(SUMMARY_META) | SUMMARY(SUMMARY_DATE);
	struct mailbox *box = q->session->box;
	enum mailbox_status status;
	struct summary_view v;

	if (q->undated <= UNDATED_MAX + q->dated / 4) {
		if (mailbox_summary(box, q->m.seq, known, &v) != 0 &&
		    summary_date(&v, date)) {
			q->dated++;
			return MAILBOX_OK;
		}
		q->undated++;
	}
	status = mailbox_date(box, q->m.seq, date);
	if (status == MAILBOX_OK)
		mailbox_summary_dated(box, q->m.seq, *date);
	return status;
}

static bool
ask_internal_date(struct search *q, const struct imap_key *k)
{
	time_t date;

	q->m.failed = internal_date(q, &date);
	if (q->m.failed != MAILBOX_OK)
		return false;
	return compare_day(k->kind, day_of(date), day_of(k->date));
}

/* RFC 8514 4.3; a mailbox that does not know gives the internal date. */
static bool
ask_saved_date(struct search *q, const struct imap_key *k)
{
	time_t date;

	q->m.failed = mailbox_saved(q->session->box, q->m.seq, &date);
	if (q->m.failed != MAILBOX_OK)
		return false;
	return compare_day(k->kind, day_of(date), day_of(k->date));
}

/* RFC 5032 section 2: to the second, and both include it. */
static bool
ask_within(struct search *q, const struct imap_key *k)
{
	time_t date, target = q->now - (time_t)k->number;

	q->m.failed = internal_date(q, &date);
	if (q->m.failed != MAILBOX_OK)
		return false;
	return k->kind == IMAP_KEY_OLDER ? date <= target : date >= target;
}

/* RFC 3501 6.4.4: the day of the Date field, without its time and zone. */
static bool
ask_sent_date(struct search *q, const struct imap_key *k)
{
	struct date date;

	if (!search_date(q, &date))
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
	return k->kind == IMAP_KEY_LARGER ? size > k->number :
	    size < k->number;
}

static bool
ask_keyword(struct search *q, const struct imap_key *k)
{
	int i = mailbox_keyword(q->session->box, k->text.s, false);

	return i != -1 && q->msg.flags & MAILBOX_KEYWORD(i);
}

static bool
ask_email_id(struct search *q, const struct imap_key *k)
{
	char id[MAILBOX_EMAIL_ID];

	mailbox_email_id(q->session->box, q->m.seq, id);
	return strcmp(id, k->text.s) == 0;
}

/* All children of an AND, those that cost less first. */
static bool
ask_all(struct search *q, const struct imap_key *k)
{
	enum cost cost;
	uint32_t i;

	for (cost = COST_MEMORY; cost < COSTS; cost++)
		for (i = k->child; i != IMAP_KEY_NONE; i = q->q.key[i].next)
			if (q->cost[i] == cost && !search_ask(q, i))
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
	return search_ask(q, a) || search_ask(q, b);
}

static bool
ask_set(const struct search *q, const struct imap_key *k)
{
	/* RFC 5182: "$" is a list of messages, whatever key it stands in. */
	if (k->set.saved && imap_set_has(&q->session->saved, q->msg.uid))
		return true;
	return imap_set_has(&k->set, k->kind == IMAP_KEY_UID ? q->msg.uid :
	    q->m.seq);
}

bool
search_ask(struct search *q, uint32_t at)
{
	const struct imap_key *k = &q->q.key[at];

	switch (k->kind) {
	case IMAP_KEY_AND:
		return ask_all(q, k);
	case IMAP_KEY_OR:
		return ask_or(q, k);
	case IMAP_KEY_NOT:
		return !search_ask(q, k->child);
	case IMAP_KEY_ALL:
		return true;
	case IMAP_KEY_FLAG:
		return (keywords_system(&q->msg) & k->flag) != 0;
	case IMAP_KEY_KEYWORD:
		return ask_keyword(q, k);
	case IMAP_KEY_SEQUENCE:
	case IMAP_KEY_UID:
		return ask_set(q, k);
	case IMAP_KEY_MODSEQ:
		return q->msg.modseq >= k->number;
	case IMAP_KEY_SAVEDATESUPPORTED:
		return mailbox_has_saved(q->session->box);
	case IMAP_KEY_SAVEDBEFORE:
	case IMAP_KEY_SAVEDON:
	case IMAP_KEY_SAVEDSINCE:
		return ask_saved_date(q, k);
	case IMAP_KEY_OLDER:
	case IMAP_KEY_YOUNGER:
		return ask_within(q, k);
	case IMAP_KEY_EMAILID:
		return ask_email_id(q, k);
	case IMAP_KEY_THREADID:
		return false;
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
