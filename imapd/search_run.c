/* SPDX-License-Identifier: ISC
 *
 * A search from its keys to the numbers found.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes/charset.h"
#include "progress.h"
#include "search.h"

void
search_init(struct search *q, struct session *s)
{
	memset(q, 0, sizeof(*q));
	q->session = s;
	imap_search_init(&q->q);
	buf_init(&q->header, SEARCH_HEADER_MAX);
	buf_init(&q->text, SEARCH_HEADER_MAX);
	buf_init(&q->few, SEARCH_HEADER_MAX);
	buf_init(&q->octets, SEARCH_RAW_MAX);
	buf_init(&q->decoded, SEARCH_RAW_MAX);
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
	buf_free(&q->octets);
	buf_free(&q->decoded);
	imap_search_free(&q->q);
}

/* RFC 3501 7.1: BADCHARSET may list the character sets there are. */
static enum reply
bad_charset(struct session *s)
{
	size_t i;

	buf_adds(&s->code, "BADCHARSET (US-ASCII");
	for (i = 0; charset_name(i) != NULL; i++)
		buf_addf(&s->code, " %s", charset_name(i));
	buf_addc(&s->code, ')');
	return REPLY_CHARSET;
}

/* Without CHARSET texts are UTF-8 (RFC 9051 6.4.4). */
static enum reply
find_charset(struct search *q, enum charset *charset)
{
	const struct imap_string *name = &q->q.charset;

	*charset = CHARSET_UTF8;
	if (name->len == 0)
		return REPLY_OK;
	if (q->session->enabled & ENABLED_UTF8) {
		/* RFC 6855 section 3. */
		q->session->why = "No CHARSET where all is UTF-8";
		return REPLY_BAD;
	}
	*charset = charset_find(name->s, name->len);
	return *charset == CHARSET_UNKNOWN ? bad_charset(q->session) :
	    REPLY_OK;
}

static enum reply
prepare_text(struct search *q, enum charset charset, const struct imap_key *k,
    struct match *m)
{
	enum reply r = REPLY_OK;

	buf_reset(&q->text);
	if (charset_decode(charset, &q->text, k->text.s, k->text.len) == -1 ||
	    match_init(m, buf_str(&q->text), q->text.len) == -1)
		r = REPLY_MEMORY;
	return r;
}

enum reply
search_prepare(struct search *q)
{
	enum reply r = REPLY_OK;
	enum charset charset;
	struct imap_key *k;
	uint32_t i;

	if ((r = find_charset(q, &charset)) != REPLY_OK)
		return r;
	q->now = time(NULL);
	q->cost = calloc(q->q.n, sizeof(*q->cost));
	q->match = calloc(q->q.n, sizeof(*q->match));
	if (q->cost == NULL || q->match == NULL)
		return REPLY_MEMORY;
	for (i = 0; i < q->q.n && r == REPLY_OK; i++) {
		k = &q->q.key[i];
		/* RFC 9586 section 3 */
		if (k->kind == IMAP_KEY_SEQUENCE && k->set.n > 0 &&
		    q->session->enabled & ENABLED_UIDONLY)
			return REPLY_UID_REQUIRED;
		q->modseq |= k->kind == IMAP_KEY_MODSEQ;
		q->saved |= k->set.saved;
		q->cost[i] = (unsigned char)search_cost(&q->q, i);
		if (q->cost[i] >= COST_HEADER && k->text.s != NULL)
			r = prepare_text(q, charset, k, &q->match[i]);
	}
	return r;
}

/* "*" is the last message of this mailbox. */
static enum reply
resolve_sets(struct search *q, uint32_t count)
{
	struct mailbox_msg last = { 0 };
	struct imap_key *k;
	uint32_t i;

	if (count > 0)
		mailbox_msg(q->session->box, count, &last);
	for (i = 0; i < q->q.n; i++) {
		k = &q->q.key[i];
		imap_set_resolve(&k->set, k->kind == IMAP_KEY_UID ?
		    last.uid : count);
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
	found = search_ask(q, 0);
	if (q->m.failed == MAILBOX_NONE)
		*r = REPLY_SEARCH_GONE;
	else if (q->m.failed != MAILBOX_OK)
		*r = reply_mailbox(q->m.failed);
	found = found && q->m.failed == MAILBOX_OK;
	fetch_message_free(&q->m);
	buf_reset(&q->header);
	q->header_read = false;
	search_raw_reset(q);
	return found;
}

/* How many results from the start and from the end are enough: false, all are
 * wanted. */
static bool
enough(const struct imap_return *ret, uint32_t *first, uint32_t *last)
{
	const struct imap_partial *p = &ret->partial;
	uint32_t n = p->a > p->b ? p->a : p->b;

	*first = ret->options & IMAP_RETURN_MIN ? 1 : 0;
	*last = ret->options & IMAP_RETURN_MAX ? 1 : 0;
	if (ret->options & IMAP_RETURN_PARTIAL)
		*(p->last ? last : first) = n;
	return (*first > 0 || *last > 0) &&
	    !(ret->options & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT));
}

static void
reverse(uint32_t *v, size_t n)
{
	uint32_t t;
	size_t i;

	for (i = 0; i < n / 2; i++) {
		t = v[i];
		v[i] = v[n - 1 - i];
		v[n - 1 - i] = t;
	}
}

static enum reply
run_ends(struct search *q, struct progress *p, uint32_t first, uint32_t last,
    struct numbers *found)
{
	uint32_t count = mailbox_count(q->session->box), seq, end, n;
	enum reply r = REPLY_OK;

	for (seq = 1; seq <= count && found->n < first; seq++) {
		if (ask_message(q, seq, &r))
			found->v[found->n++] = seq;
		progress_step(p, seq);
	}
	n = (uint32_t)found->n;
	for (end = count; end >= seq && found->n - n < last; end--) {
		if (ask_message(q, end, &r))
			found->v[found->n++] = end;
		progress_step(p, count - end + seq - 1);
	}
	reverse(found->v + n, found->n - n);
	return r;
}

enum reply
search_run(struct search *q, struct numbers *found)
{
	struct session *s = q->session;
	uint32_t count = mailbox_count(s->box), first, last;
	struct progress p;
	enum reply r;

	found->n = 0;
	found->v = reallocarray(NULL, (size_t)count + 1, sizeof(found->v[0]));
	if (found->v == NULL)
		return REPLY_MEMORY;
	if ((r = resolve_sets(q, count)) != REPLY_OK)
		return r;
	if (!enough(&q->ret, &first, &last)) {
		first = UINT32_MAX;
		last = 0;
	}
	progress_begin(&p, s, count);
	mailbox_summary_begin(s->box);
	return run_ends(q, &p, first, last, found);
}
