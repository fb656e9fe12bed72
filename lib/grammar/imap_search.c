/* SPDX-License-Identifier: ISC
 *
 * SEARCH's keys.  The tree is one array of bounded length, built by a
 * recursion of bounded depth.
 */
#include <stdlib.h>
#include <string.h>

#include "grammar/chars.h"
#include "grammar/imap_search.h"

static int lex_key(struct imap_lex *, struct imap_search *, uint32_t *,
    int);

void
imap_search_init(struct imap_search *s)
{
	memset(s, 0, sizeof(*s));
	s->charset.s = "";
}

void
imap_search_free(struct imap_search *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		imap_set_free(&s->key[i].set);
	free(s->key);
	imap_search_init(s);
}

/* A new key; indexes, not pointers, survive the growth of the array. */
static int
new_key(struct imap_lex *l, struct imap_search *s, enum imap_key_kind kind,
    uint32_t *at)
{
	struct imap_key *k;
	size_t cap;

	if (s->n == IMAP_MAX_SEARCH_KEYS)
		return imap_lex_fail(l, "too many search keys");
	if (s->n == s->cap) {
		cap = s->cap == 0 ? 8 : s->cap * 2;
		if ((k = reallocarray(s->key, cap, sizeof(*k))) == NULL)
			return imap_lex_fail(l, "out of memory");
		s->key = k;
		s->cap = cap;
	}
	*at = (uint32_t)s->n;
	k = &s->key[s->n++];
	memset(k, 0, sizeof(*k));
	k->kind = kind;
	k->child = k->next = IMAP_KEY_NONE;
	return 1;
}

/* What stands behind the name of a key. */
enum form {
	FORM_NONE, FORM_FLAG, FORM_NOT_FLAG, FORM_NEW, FORM_KEYWORD,
	FORM_NOT_KEYWORD, FORM_ASTRING, FORM_FIELD, FORM_HEADER, FORM_DATE,
	FORM_SIZE, FORM_INTERVAL, FORM_MODSEQ, FORM_UID, FORM_NOT, FORM_OR
};

static const struct row {
	const char	*name;
	enum form	 form;
	enum imap_key_kind kind;
	unsigned	 flag;
} rows[] = {
	{ "ALL", FORM_NONE, IMAP_KEY_ALL, 0 },
	{ "ANSWERED", FORM_FLAG, IMAP_KEY_FLAG, IMAP_ANSWERED },
	{ "BCC", FORM_FIELD, IMAP_KEY_HEADER, 0 },
	{ "BEFORE", FORM_DATE, IMAP_KEY_BEFORE, 0 },
	{ "BODY", FORM_ASTRING, IMAP_KEY_BODY, 0 },
	{ "CC", FORM_FIELD, IMAP_KEY_HEADER, 0 },
	{ "DELETED", FORM_FLAG, IMAP_KEY_FLAG, IMAP_DELETED },
	{ "DRAFT", FORM_FLAG, IMAP_KEY_FLAG, IMAP_DRAFT },
	{ "EMAILID", FORM_ASTRING, IMAP_KEY_EMAILID, 0 },
	{ "FLAGGED", FORM_FLAG, IMAP_KEY_FLAG, IMAP_FLAGGED },
	{ "FROM", FORM_FIELD, IMAP_KEY_HEADER, 0 },
	{ "HEADER", FORM_HEADER, IMAP_KEY_HEADER, 0 },
	{ "KEYWORD", FORM_KEYWORD, IMAP_KEY_KEYWORD, 0 },
	{ "LARGER", FORM_SIZE, IMAP_KEY_LARGER, 0 },
	{ "MODSEQ", FORM_MODSEQ, IMAP_KEY_MODSEQ, 0 },
	{ "NEW", FORM_NEW, IMAP_KEY_AND, 0 },
	{ "NOT", FORM_NOT, IMAP_KEY_NOT, 0 },
	{ "OLD", FORM_NOT_FLAG, IMAP_KEY_FLAG, IMAP_RECENT },
	{ "OLDER", FORM_INTERVAL, IMAP_KEY_OLDER, 0 },
	{ "ON", FORM_DATE, IMAP_KEY_ON, 0 },
	{ "OR", FORM_OR, IMAP_KEY_OR, 0 },
	{ "RECENT", FORM_FLAG, IMAP_KEY_FLAG, IMAP_RECENT },
	{ "SAVEDATESUPPORTED", FORM_NONE, IMAP_KEY_SAVEDATESUPPORTED, 0 },
	{ "SAVEDBEFORE", FORM_DATE, IMAP_KEY_SAVEDBEFORE, 0 },
	{ "SAVEDON", FORM_DATE, IMAP_KEY_SAVEDON, 0 },
	{ "SAVEDSINCE", FORM_DATE, IMAP_KEY_SAVEDSINCE, 0 },
	{ "SEEN", FORM_FLAG, IMAP_KEY_FLAG, IMAP_SEEN },
	{ "SENTBEFORE", FORM_DATE, IMAP_KEY_SENTBEFORE, 0 },
	{ "SENTON", FORM_DATE, IMAP_KEY_SENTON, 0 },
	{ "SENTSINCE", FORM_DATE, IMAP_KEY_SENTSINCE, 0 },
	{ "SINCE", FORM_DATE, IMAP_KEY_SINCE, 0 },
	{ "SMALLER", FORM_SIZE, IMAP_KEY_SMALLER, 0 },
	{ "SUBJECT", FORM_FIELD, IMAP_KEY_HEADER, 0 },
	{ "TEXT", FORM_ASTRING, IMAP_KEY_TEXT, 0 },
	{ "THREADID", FORM_ASTRING, IMAP_KEY_THREADID, 0 },
	{ "TO", FORM_FIELD, IMAP_KEY_HEADER, 0 },
	{ "UID", FORM_UID, IMAP_KEY_UID, 0 },
	{ "UNANSWERED", FORM_NOT_FLAG, IMAP_KEY_FLAG, IMAP_ANSWERED },
	{ "UNDELETED", FORM_NOT_FLAG, IMAP_KEY_FLAG, IMAP_DELETED },
	{ "UNDRAFT", FORM_NOT_FLAG, IMAP_KEY_FLAG, IMAP_DRAFT },
	{ "UNFLAGGED", FORM_NOT_FLAG, IMAP_KEY_FLAG, IMAP_FLAGGED },
	{ "UNKEYWORD", FORM_NOT_KEYWORD, IMAP_KEY_KEYWORD, 0 },
	{ "UNSEEN", FORM_NOT_FLAG, IMAP_KEY_FLAG, IMAP_SEEN },
	{ "YOUNGER", FORM_INTERVAL, IMAP_KEY_YOUNGER, 0 },
};

static int
need_string(struct imap_lex *l, struct imap_string *out)
{
	int r;

	if (imap_lex_need_sp(l) == -1)
		return -1;
	if ((r = imap_lex_astring(l, out)) == 0)
		return imap_lex_fail(l, "a string is missing");
	return r;
}

/* Put a new NOT above the key *at. */
static int
negate(struct imap_lex *l, struct imap_search *s, uint32_t *at)
{
	uint32_t neg;

	if (new_key(l, s, IMAP_KEY_NOT, &neg) == -1)
		return -1;
	s->key[neg].child = *at;
	*at = neg;
	return 1;
}

/* NEW is (RECENT UNSEEN). */
static int
lex_new(struct imap_lex *l, struct imap_search *s, uint32_t *at)
{
	uint32_t recent, unseen;

	if (new_key(l, s, IMAP_KEY_AND, at) == -1 ||
	    new_key(l, s, IMAP_KEY_FLAG, &recent) == -1 ||
	    new_key(l, s, IMAP_KEY_FLAG, &unseen) == -1)
		return -1;
	s->key[recent].flag = IMAP_RECENT;
	s->key[unseen].flag = IMAP_SEEN;
	if (negate(l, s, &unseen) == -1)
		return -1;
	s->key[recent].next = unseen;
	s->key[*at].child = recent;
	return 1;
}

/* The one or two keys below NOT and OR. */
static int
lex_operands(struct imap_lex *l, struct imap_search *s,
    const struct row *row, uint32_t *at, int depth)
{
	uint32_t a, b;

	if (new_key(l, s, row->kind, at) == -1 ||
	    imap_lex_need_sp(l) == -1 || lex_key(l, s, &a, depth + 1) == -1)
		return -1;
	s->key[*at].child = a;
	if (row->form == FORM_NOT)
		return 1;
	if (imap_lex_need_sp(l) == -1 || lex_key(l, s, &b, depth + 1) == -1)
		return -1;
	s->key[a].next = b;
	return 1;
}

static int
lex_keyword(struct imap_lex *l, struct imap_key *k)
{
	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (imap_lex_atom(l, &k->text) != 1)
		return imap_lex_fail(l, "a keyword is missing");
	return 1;
}

/* nz-number of seconds (RFC 5032 section 3) */
static int
lex_interval(struct imap_lex *l, struct imap_key *k)
{
	uint32_t n;
	int r;

	if ((r = imap_lex_nz_number(l, &n)) == 1)
		k->number = n;
	return r == 0 ? imap_lex_fail(l, "a number of seconds is missing") : r;
}

/*
 * search-modsequence = "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer
 * search-modseq-ext = SP entry-name SP entry-type-req
 * entry-type-req = "priv" / "shared" / "all" ; RFC 7162 section 7
 * One sequence serves all of a message's metadata here, so that name and type
 * must be ignored (3.1.5).
 */
static int
lex_modseq(struct imap_lex *l, struct imap_key *k)
{
	struct imap_string entry;
	int r;

	if ((r = imap_lex_string(l, &entry)) == -1)
		return -1;
	if (r == 1) {
		if (imap_lex_need_sp(l) == -1)
			return -1;
		if (!imap_lex_word(l, "priv") && !imap_lex_word(l, "shared") &&
		    !imap_lex_word(l, "all"))
			return imap_lex_fail(l, "bad type of an entry");
		if (imap_lex_need_sp(l) == -1)
			return -1;
	}
	r = imap_lex_number64(l, &k->number);
	return r == 0 ? imap_lex_fail(l, "a modification sequence is missing") :
	    r;
}

static int
lex_keys_number(struct imap_lex *l, struct imap_key *k)
{
	int r = imap_lex_number64(l, &k->number);

	return r == 0 ? imap_lex_fail(l, "a number is missing") : r;
}

static int
lex_keys_set(struct imap_lex *l, struct imap_key *k)
{
	int r = imap_lex_set(l, &k->set, 1);

	return r == 0 ? imap_lex_fail(l, "a set is missing") : r;
}

/* The argument of a key that has no keys below. */
static int
lex_argument(struct imap_lex *l, const struct row *row, struct imap_key *k)
{
	switch (row->form) {
	case FORM_NONE:
	case FORM_NEW:
	case FORM_NOT:
	case FORM_OR:
		return 1;
	case FORM_FLAG:
	case FORM_NOT_FLAG:
		k->flag = row->flag;
		return 1;
	case FORM_KEYWORD:
	case FORM_NOT_KEYWORD:
		return lex_keyword(l, k);
	case FORM_FIELD:
		k->name.s = row->name;
		k->name.len = strlen(row->name);
		return need_string(l, &k->text);
	case FORM_HEADER:
		if (need_string(l, &k->name) == -1)
			return -1;
		return need_string(l, &k->text);
	case FORM_ASTRING:
		return need_string(l, &k->text);
	case FORM_DATE:
		return imap_lex_need_sp(l) == -1 ? -1 :
		    imap_lex_date(l, &k->date);
	case FORM_SIZE:
		return imap_lex_need_sp(l) == -1 ? -1 : lex_keys_number(l, k);
	case FORM_INTERVAL:
		return imap_lex_need_sp(l) == -1 ? -1 : lex_interval(l, k);
	case FORM_MODSEQ:
		return imap_lex_need_sp(l) == -1 ? -1 : lex_modseq(l, k);
	case FORM_UID:
		return imap_lex_need_sp(l) == -1 ? -1 : lex_keys_set(l, k);
	}
	return imap_lex_fail(l, "unknown search key");
}

static int
lex_row(struct imap_lex *l, struct imap_search *s, const struct row *row,
    uint32_t *at, int depth)
{
	if (row->form == FORM_NEW)
		return lex_new(l, s, at);
	if (row->form == FORM_NOT || row->form == FORM_OR)
		return lex_operands(l, s, row, at, depth);
	if (new_key(l, s, row->kind, at) == -1 ||
	    lex_argument(l, row, &s->key[*at]) == -1)
		return -1;
	if (row->form == FORM_NOT_FLAG || row->form == FORM_NOT_KEYWORD)
		return negate(l, s, at);
	return 1;
}

/* search-key *(SP search-key), all of which must hold: below one AND. */
static int
lex_keys(struct imap_lex *l, struct imap_search *s, uint32_t *at, int depth)
{
	uint32_t k, last = IMAP_KEY_NONE;

	if (new_key(l, s, IMAP_KEY_AND, at) == -1)
		return -1;
	do {
		if (lex_key(l, s, &k, depth) == -1)
			return -1;
		if (last == IMAP_KEY_NONE)
			s->key[*at].child = k;
		else
			s->key[last].next = k;
		last = k;
	} while (imap_lex_sp(l));
	return 1;
}

/* search-key: a named one, a sequence-set, or a parenthesized list. */
static int
lex_key(struct imap_lex *l, struct imap_search *s, uint32_t *at, int depth)
{
	size_t i;
	int r;

	if (depth > IMAP_MAX_SEARCH_DEPTH)
		return imap_lex_fail(l, "search keys are nested too deep");
	if (imap_lex_char(l, '(')) {
		if (lex_keys(l, s, at, depth + 1) == -1)
			return -1;
		if (!imap_lex_char(l, ')'))
			return imap_lex_fail(l, "a list is not closed");
		return 1;
	}
	if (l->p < l->end && (char_is(*l->p, CHAR_DIGIT) || *l->p == '*' ||
	    *l->p == '$')) {
		if (new_key(l, s, IMAP_KEY_SEQUENCE, at) == -1)
			return -1;
		r = imap_lex_set(l, &s->key[*at].set, 1);
		return r == 0 ? imap_lex_fail(l, "bad sequence set") : r;
	}
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (imap_lex_word(l, rows[i].name))
			return lex_row(l, s, &rows[i], at, depth);
	return imap_lex_fail(l, imap_lex_end(l) ? "a search key is missing" :
	    "unknown search key");
}

int
imap_lex_search_keys(struct imap_lex *l, struct imap_search *s)
{
	uint32_t top;

	return lex_keys(l, s, &top, 0);
}

int
imap_lex_search(struct imap_lex *l, struct imap_search *s)
{
	if (imap_lex_word(l, "CHARSET")) {
		if (need_string(l, &s->charset) == -1 ||
		    imap_lex_need_sp(l) == -1)
			return -1;
	}
	return imap_lex_search_keys(l, s);
}
