/* SPDX-License-Identifier: ISC
 *
 * SORT and UID SORT (RFC 5256, RFC 5957), with the return options that SEARCH
 * has (RFC 5267, section 3; RFC 5182, section 1).
 */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "sort.h"

enum {
	CRITERIA_MAX = 9,		/* there are no more */
	TEXTS_MAX = 256 << 20		/* octets of all that is compared */
};

/* ---- what the command says ---- */

/* sort-key: a text of the summary, or a number. */
enum { KEY_ARRIVAL = SUMMARY_TEXTS, KEY_DATE, KEY_SIZE };

static const struct {
	const char	*name;
	int		 key;
	unsigned	 want;		/* of sort_message() */
} keys[] = {
	{ "ARRIVAL", KEY_ARRIVAL, SORT_ARRIVED },
	{ "CC", SUMMARY_TEXT_CC, SORT_WHOLE },
	{ "DATE", KEY_DATE, SORT_SENT },
	{ "DISPLAYFROM", SUMMARY_TEXT_DISPLAYFROM, SORT_WHOLE },
	{ "DISPLAYTO", SUMMARY_TEXT_DISPLAYTO, SORT_WHOLE },
	{ "FROM", SUMMARY_TEXT_FROM, SORT_WHOLE },
	{ "SIZE", KEY_SIZE, SORT_SIZE },
	{ "SUBJECT", SUMMARY_TEXT_SUBJECT, SORT_WHOLE },
	{ "TO", SUMMARY_TEXT_TO, SORT_WHOLE },
};
#define NKEYS	(sizeof(keys) / sizeof(keys[0]))

struct sort {
	struct session	*session;
	struct search	 search;
	struct imap_return ret;
	struct {
		int	 key;
		bool	 reverse;
	} criterion[CRITERIA_MAX];
	size_t		 n;
	unsigned	 want;		/* of all of them */
	struct buf	 texts;
};

/* sort-criterion = ["REVERSE" SP] sort-key
 * One that was given before says nothing new. */
static int
lex_criterion(struct imap_lex *l, struct sort *q)
{
	bool reverse = false;
	size_t i, j;

	if (imap_lex_word(l, "REVERSE")) {
		reverse = true;
		if (imap_lex_need_sp(l) == -1)
			return -1;
	}
	for (i = 0; i < NKEYS && !imap_lex_word(l, keys[i].name); i++)
		;
	if (i == NKEYS)
		return imap_lex_fail(l, "unknown sort criterion");
	for (j = 0; j < q->n; j++)
		if (q->criterion[j].key == keys[i].key)
			return 1;
	q->criterion[q->n].key = keys[i].key;
	q->criterion[q->n++].reverse = reverse;
	q->want |= keys[i].want;
	return 1;
}

/* sort-criteria = "(" sort-criterion *(SP sort-criterion) ")" */
static int
lex_criteria(struct imap_lex *l, struct sort *q)
{
	if (!imap_lex_char(l, '('))
		return imap_lex_fail(l, "sort criteria are missing");
	do {
		if (lex_criterion(l, q) == -1)
			return -1;
	} while (imap_lex_sp(l));
	if (!imap_lex_char(l, ')'))
		return imap_lex_fail(l, "sort criteria are not closed");
	return 1;
}

/* ---- sorting ---- */

/* A message and its criteria as numbers: of a text the first 8 octets, and
 * where the rest is. */
struct key {
	uint64_t	 v;
	uint32_t	 at, n;		/* in texts: what is behind them */
};

struct item {
	uint32_t	 number, order;
	struct key	 key[];
};

static int
make_text_key(struct sort *q, const struct cache_item *text, bool reverse,
    struct key *k)
{
	size_t i;

	k->v = 0;
	k->at = k->n = 0;
	for (i = 0; i < 8; i++)
		k->v = k->v << 8 | (i < text->n ? (unsigned char)text->p[i] :
		    0);
	if (reverse)
		k->v = ~k->v;
	if (text->n <= 8)
		return 0;
	k->at = (uint32_t)q->texts.len;
	k->n = (uint32_t)text->n - 8;
	return buf_add(&q->texts, text->p + 8, text->n - 8);
}

static int
make_key(struct sort *q, size_t i, const struct sort_message *m,
    struct key *k)
{
	const uint64_t sign = (uint64_t)1 << 63;
	uint64_t v;

	switch (q->criterion[i].key) {
	case KEY_ARRIVAL:
		v = (uint64_t)m->arrived ^ sign;
		break;
	case KEY_DATE:
		v = (uint64_t)m->s.sent ^ sign;
		break;
	case KEY_SIZE:
		v = m->size;
		break;
	default:
		return make_text_key(q, &m->s.text[q->criterion[i].key],
		    q->criterion[i].reverse, k);
	}
	*k = (struct key){ .v = q->criterion[i].reverse ? ~v : v };
	return 0;
}

static int
compare_text(const struct sort *q, const struct key *a, const struct key *b)
{
	size_t n = a->n < b->n ? a->n : b->n;
	int r = n == 0 ? 0 : memcmp(q->texts.data + a->at,
	    q->texts.data + b->at, n);

	return r != 0 ? r : a->n < b->n ? -1 : a->n > b->n;
}

static int
compare(const void *va, const void *vb, void *arg)
{
	const struct item *a = va, *b = vb;
	const struct sort *q = arg;
	size_t i;
	int r;

	for (i = 0; i < q->n; i++) {
		if (a->key[i].v != b->key[i].v)
			return a->key[i].v < b->key[i].v ? -1 : 1;
		if ((a->key[i].n | b->key[i].n) != 0 &&
		    (r = compare_text(q, &a->key[i], &b->key[i])) != 0)
			return q->criterion[i].reverse ? -r : r;
	}
	return a->order < b->order ? -1 : a->order > b->order;
}

/* Put the messages found in order. */
static enum reply
do_sort(struct sort *q, struct numbers *found)
{
	const size_t size = sizeof(struct item) + q->n * sizeof(struct key);
	enum mailbox_status status, failed = MAILBOX_OK;
	struct sort_message m;
	struct item *item;
	size_t i, j, n = 0;
	char *all;

	if ((all = reallocarray(NULL, found->n + 1, size)) == NULL)
		return REPLY_MEMORY;
	for (i = 0; i < found->n; i++) {
		status = sort_message(q->session, found->v[i], q->want, &m);
		if (status != MAILBOX_OK) {
			failed = status;
			continue;
		}
		item = (struct item *)(void *)(all + n++ * size);
		item->number = found->v[i];
		item->order = (uint32_t)n;
		for (j = 0; j < q->n; j++)
			(void)make_key(q, j, &m, &item->key[j]);
	}
	if (buf_failed(&q->texts)) {
		free(all);
		return REPLY_LIMIT;
	}
	qsort_r(all, n, size, compare, q);
	for (i = 0; i < n; i++)
		found->v[i] = ((struct item *)(void *)(all + i * size))->number;
	found->n = n;
	free(all);
	return failed == MAILBOX_OK ? REPLY_OK : sort_reply(failed);
}

/* ---- answering ---- */

static void
tell(struct sort *q, const struct numbers *found)
{
	struct session *s = q->session;
	struct mailbox_msg m = { 0 };
	struct buf b;
	size_t i;

	buf_init(&b, STREAM_BUFFER);
	buf_adds(&b, "* SORT");
	for (i = 0; i < found->n; i++) {
		if (s->uid)
			mailbox_msg(s->box, found->v[i], &m);
		sort_add_number(&b, ' ', s->uid ? m.uid : found->v[i]);
		if (b.len > STREAM_BUFFER - 32) {
			stream_write(s->io, b.data, b.len);
			buf_reset(&b);
		}
	}
	stream_write(s->io, b.data, b.len);
	buf_free(&b);
	search_tell_end(&q->search, found);
}

/* The answer as SEARCH has it, in this order: MIN and MAX are the first and the
 * last, and only what rises by one is a range (RFC 5267, sections 3.1, 3.2). */
static enum reply
answer(struct sort *q, const struct numbers *found)
{
	struct session *s = q->session;
	enum reply r;

	q->search.ret = q->ret;
	if (!q->ret.given)
		tell(q, found);
	else if (q->ret.options != IMAP_RETURN_SAVE)
		search_tell(&q->search, found, s->uid, NULL);
	if (!(q->ret.options & IMAP_RETURN_SAVE))
		return REPLY_OK;
	r = search_save(&q->search, found);
	imap_set_resolve(&s->saved, 0);
	return r;
}

static enum reply
run(struct sort *q, struct imap_lex *l)
{
	struct numbers found = { NULL, 0 };
	enum reply r, sorted;

	r = sort_search(&q->search, l, &found);
	if (found.v != NULL) {
		sorted = do_sort(q, &found);
		if (sorted != REPLY_OK)
			r = sorted;
		if (sorted == REPLY_OK || sorted == REPLY_SEARCH_GONE)
			sorted = answer(q, &found);
		if (r == REPLY_OK)
			r = sorted;
	}
	numbers_free(&found);
	return r;
}

enum reply
cmd_sort(struct session *s, struct imap_lex *l)
{
	struct sort q = { .session = s };
	enum reply r;

	if (imap_lex_need_sp(l) == -1 || imap_lex_return(l, &q.ret) == -1 ||
	    lex_criteria(l, &q) == -1)
		return reply_bad(s, l);
	search_init(&q.search, s);
	buf_init(&q.texts, TEXTS_MAX);
	r = run(&q, l);
	/* RFC 5182 2.1: NO empties it, BAD does not. */
	if (q.ret.options & IMAP_RETURN_SAVE && reply_is_no(r))
		imap_set_free(&s->saved);
	buf_free(&q.texts);
	search_free(&q.search);
	return r;
}
