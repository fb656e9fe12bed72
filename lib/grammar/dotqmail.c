/* SPDX-License-Identifier: ISC
 *
 * What a .qmail says: see dotqmail.h.  It must never take a line for something
 * that qmail would not.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/dotqmail.h"

static int
fail(const char **why, const char *what)
{
	*why = what;
	return -1;
}

void
dotqmail_init(struct dotqmail_reader *r, const char *text, size_t n,
    bool executable)
{
	r->p = text;
	r->end = text + n;
	r->line = 0;
	r->list = executable;
	r->wait = false;
}

/*
 * The next line, without its end and the blanks before that: its octets from
 * *s.
 * NOTE: a CR before the LF counts as a blank; no path or program ends in one.
 */
static size_t
take_line(struct dotqmail_reader *r, const char **s)
{
	const char *nl = memchr(r->p, '\n', (size_t)(r->end - r->p));
	size_t n = (size_t)((nl == NULL ? r->end : nl) - r->p);

	*s = r->p;
	r->p = nl == NULL ? r->end : nl + 1;
	r->line++;
	while (n > 0 && (char_is((*s)[n - 1], CHAR_WSP) ||
	    (*s)[n - 1] == '\r'))
		n--;
	return n;
}

static int
take_forward(const char *s, size_t n, struct dotqmail_target *t,
    const char **why)
{
	if (n > 0 && *s == '&') {
		s++;
		n--;
	}
	t->kind = DOTQMAIL_FORWARD;
	t->text = s;
	t->len = n;
	if (address_parse_utf8(&t->address, s, n, why) != 1)
		return -1;
	return address_is_null(&t->address) ?
	    fail(why, "the null address is no target") : 1;
}

static int
take_other(struct dotqmail_reader *r, const char *s, size_t n,
    struct dotqmail_target *t, const char **why)
{
	bool program = *s == '|';

	if (r->list) {
		r->wait = true;
		return fail(why, "only addresses may stand in a list");
	}
	t->kind = program ? DOTQMAIL_PROGRAM : DOTQMAIL_MAILBOX;
	t->text = s + program;
	t->len = n - program;
	return 1;
}

/* 1 a target, 0 a line that has none, -1. */
static int
take_target(struct dotqmail_reader *r, const char *s, size_t n,
    struct dotqmail_target *t, const char **why)
{
	if (n == 0 && r->line == 1) {
		r->wait = true;
		return fail(why, "the first line is blank");
	}
	if (n == 0)
		return 0;
	if (n > DOTQMAIL_LINE_MAX)
		return fail(why, "the line is too long");
	if (memchr(s, '\0', n) != NULL)
		return fail(why, "there is a NUL in it");
	switch (*s) {
	case '#':
		return 0;
	case '+':
		if (n == 5 && memcmp(s, "+list", 5) == 0)
			r->list = true;
		return 0;
	case '|':
	case '/':
	case '.':
		return take_other(r, s, n, t, why);
	default:
		return take_forward(s, n, t, why);
	}
}

int
dotqmail_next(struct dotqmail_reader *r, struct dotqmail_target *t,
    const char **why)
{
	const char *s;
	size_t n;
	int found = 0;

	while (found == 0 && r->p < r->end) {
		n = take_line(r, &s);
		found = take_target(r, s, n, t, why);
	}
	return found;
}
