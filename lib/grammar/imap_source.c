/* SPDX-License-Identifier: ISC
 *
 * Lists of mailboxes named by kind.
 */
#include <stdlib.h>
#include <string.h>

#include "grammar/imap_source.h"

static const struct row {
	const char	*name;
	enum imap_source_kind kind;
	int		 named;
} rows[] = {
	{ "selected", IMAP_SOURCE_SELECTED, 0 },
	{ "inboxes", IMAP_SOURCE_INBOXES, 0 },
	{ "personal", IMAP_SOURCE_PERSONAL, 0 },
	{ "subscribed", IMAP_SOURCE_SUBSCRIBED, 0 },
	{ "subtree", IMAP_SOURCE_SUBTREE, 1 },
	{ "subtree-one", IMAP_SOURCE_SUBTREE_ONE, 1 },
	{ "mailboxes", IMAP_SOURCE_MAILBOXES, 1 },
};

void
imap_sources_init(struct imap_sources *s)
{
	memset(s, 0, sizeof(*s));
}

void
imap_sources_free(struct imap_sources *s)
{
	free(s->v);
	imap_sources_init(s);
}

int
imap_sources_add(struct imap_sources *s, const struct imap_source *one)
{
	struct imap_source *v;
	size_t cap;

	if (s->n == IMAP_MAX_SOURCES)
		return -1;
	if (s->n == s->cap) {
		cap = s->cap == 0 ? 4 : s->cap * 2;
		if ((v = reallocarray(s->v, cap, sizeof(*v))) == NULL)
			return -1;
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n++] = *one;
	return 0;
}

static int
add(struct imap_lex *l, struct imap_sources *s, enum imap_source_kind kind,
    const struct imap_string *name)
{
	struct imap_source one = { kind, *name };

	return imap_sources_add(s, &one) == 0 ? 1 :
	    imap_lex_fail(l, "too many mailboxes");
}

static int
add_mailbox(struct imap_lex *l, struct imap_sources *s,
    enum imap_source_kind kind)
{
	struct imap_string name;
	int r;

	if ((r = imap_lex_mailbox(l, &name)) == 0)
		return imap_lex_fail(l, "a mailbox name is missing");
	return r == 1 ? add(l, s, kind, &name) : -1;
}

/*
 * one-or-more-mailbox = mailbox / many-mailboxes
 * many-mailboxes = "(" mailbox *(SP mailbox) ")"
 */
static int
lex_mailboxes(struct imap_lex *l, struct imap_sources *s,
    enum imap_source_kind kind)
{
	if (!imap_lex_char(l, '('))
		return add_mailbox(l, s, kind);
	do {
		if (add_mailbox(l, s, kind) == -1)
			return -1;
	} while (imap_lex_sp(l));
	if (!imap_lex_char(l, ')'))
		return imap_lex_fail(l, "a list is not closed");
	return 1;
}

int
imap_lex_filter(struct imap_lex *l, struct imap_sources *s)
{
	const struct imap_string none = { "", 0 };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!imap_lex_word(l, rows[i].name))
			continue;
		if (!rows[i].named)
			return add(l, s, rows[i].kind, &none);
		if (imap_lex_need_sp(l) == -1)
			return -1;
		return lex_mailboxes(l, s, rows[i].kind);
	}
	return imap_lex_fail(l, "unknown choice of mailboxes");
}

/*
 * esearch-source-opts = "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")"
 * source-mbox = filter-mailboxes *(SP filter-mailboxes)
 * No scope-options are defined: none is known.
 */
int
imap_lex_sources(struct imap_lex *l, struct imap_sources *s)
{
	if (!imap_lex_word(l, "IN"))
		return 0;
	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (!imap_lex_char(l, '('))
		return imap_lex_fail(l, "a list of mailboxes is missing");
	do {
		if (imap_lex_filter(l, s) == -1)
			return -1;
	} while (imap_lex_sp(l));
	if (!imap_lex_char(l, ')'))
		return imap_lex_fail(l, "a list is not closed");
	return imap_lex_need_sp(l);
}
