/* SPDX-License-Identifier: ISC
 *
 * APPEND's arguments, step by step.  It must never take octets of a message
 * for a part of the command.
 */
#include <string.h>

#include "grammar/imap_append.h"

/* literal, or literal8 = "~{" number ["+"] "}" (RFC 4466 section 6), of which
 * only the announcement stands there: 1, 0 something else, -1. */
static int
announcement(struct imap_append *a, struct imap_lex *l)
{
	int tilde = imap_lex_char(l, '~'), r;

	a->literal8 = tilde;
	a->utf8 = 0;
	r = imap_lex_announce(l, &a->size, &a->sync);
	if (r == 0 && tilde)
		return imap_lex_fail(l, "bad literal");
	return r;
}

/* append-message = [SP flag-list] [SP date-time] SP append-data
 * (RFC 3502; RFC 4466 section 6) */
static int
begin(struct imap_append *a, struct imap_lex *l)
{
	int r;

	memset(&a->flags, 0, sizeof(a->flags));
	if (imap_lex_need_sp(l) == -1)
		return -1;
	if ((r = imap_lex_flag_list(l, &a->flags)) == -1 ||
	    (r == 1 && imap_lex_need_sp(l) == -1))
		return -1;
	if ((r = imap_lex_date_time(l, &a->date)) == -1 ||
	    (r == 1 && imap_lex_need_sp(l) == -1))
		return -1;
	a->has_date = r == 1;
	a->catenate = 0;
	a->messages++;
	a->state = IMAP_APPEND_DATA;
	return 1;
}

/* utf8-literal = "UTF8" SP "(" literal8 ")" (RFC 6855 section 4); the word
 * has been taken. */
static int
utf8_literal(struct imap_append *a, struct imap_lex *l)
{
	int r;

	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (!imap_lex_char(l, '('))
		return imap_lex_fail(l, "a parenthesis is missing");
	if ((r = announcement(a, l)) == -1)
		return -1;
	if (r == 0 || !a->literal8)
		return imap_lex_fail(l, "a literal8 is missing");
	a->utf8 = 1;
	a->state = IMAP_APPEND_CLOSE;
	return 1;
}

/* append-data = literal / literal8 / utf8-literal / "CATENATE" SP "("
 *               cat-part *(SP cat-part) ")": 1 octets follow, 2 parts do */
static int
data(struct imap_append *a, struct imap_lex *l)
{
	int r;

	if ((r = announcement(a, l)) != 0) {
		a->state = IMAP_APPEND_DONE;
		return r;
	}
	if (imap_lex_word(l, "UTF8"))
		return utf8_literal(a, l);
	if (!imap_lex_word(l, "CATENATE"))
		return imap_lex_fail(l, "the message must be a literal");
	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (!imap_lex_char(l, '('))
		return imap_lex_fail(l, "a list of parts is missing");
	a->catenate = 1;
	a->state = IMAP_APPEND_PART;
	return 2;
}

/* cat-part = "TEXT" SP literal / "URL" SP astring / utf8-literal
 * NOTE: TEXT takes a literal8 as well. */
static int
part(struct imap_append *a, struct imap_lex *l, enum imap_append_step *step)
{
	int r;

	*step = IMAP_APPEND_OCTETS;
	if (imap_lex_word(l, "UTF8"))
		return utf8_literal(a, l);
	a->state = IMAP_APPEND_MORE;
	if (imap_lex_word(l, "TEXT")) {
		if (imap_lex_need_sp(l) == -1)
			return -1;
		r = announcement(a, l);
		return r != 0 ? r : imap_lex_fail(l, "a literal is missing");
	}
	if (!imap_lex_word(l, "URL"))
		return imap_lex_fail(l, "a part is TEXT, URL or UTF8");
	*step = IMAP_APPEND_URL;
	if (imap_lex_need_sp(l) == -1)
		return -1;
	r = imap_lex_astring(l, &a->url);
	return r != 0 ? r : imap_lex_fail(l, "a URL is missing");
}

/* What stands behind a part: 2 and the next state, or -1. */
static int
more(struct imap_append *a, struct imap_lex *l)
{
	if (imap_lex_sp(l)) {
		a->state = IMAP_APPEND_PART;
		return 2;
	}
	a->state = IMAP_APPEND_DONE;
	return imap_lex_char(l, ')') ? 2 :
	    imap_lex_fail(l, "the list of parts is not closed");
}

static int
close_utf8(struct imap_append *a, struct imap_lex *l)
{
	a->state = a->catenate ? IMAP_APPEND_MORE : IMAP_APPEND_DONE;
	return imap_lex_char(l, ')') ? 2 :
	    imap_lex_fail(l, "UTF8 is not closed");
}

/* 2: nothing to tell, go on. */
static int
advance(struct imap_append *a, struct imap_lex *l,
    enum imap_append_step *step)
{
	switch (a->state) {
	case IMAP_APPEND_NEXT:
		*step = IMAP_APPEND_END;
		if (a->messages > 0 && imap_lex_end(l))
			return 1;
		*step = IMAP_APPEND_BEGIN;
		return begin(a, l);
	case IMAP_APPEND_DATA:
		*step = IMAP_APPEND_OCTETS;
		return data(a, l);
	case IMAP_APPEND_PART:
		return part(a, l, step);
	case IMAP_APPEND_MORE:
		return more(a, l);
	case IMAP_APPEND_CLOSE:
		return close_utf8(a, l);
	case IMAP_APPEND_DONE:
		*step = IMAP_APPEND_FINISH;
		a->state = IMAP_APPEND_NEXT;
		return 1;
	}
	return -1;
}

int
imap_append_next(struct imap_append *a, struct imap_lex *l,
    enum imap_append_step *step)
{
	int r;

	while ((r = advance(a, l, step)) == 2)
		;
	return r;
}

int
imap_append_announced(const struct imap_append *start, struct imap_lex *l)
{
	struct imap_append a = *start;
	enum imap_append_step step;

	while (imap_append_next(&a, l, &step) == 1) {
		if (step == IMAP_APPEND_OCTETS)
			return 1;
		if (step == IMAP_APPEND_END)
			break;
	}
	return 0;
}
