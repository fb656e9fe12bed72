/* SPDX-License-Identifier: ISC
 *
 * RETURN (...) of SEARCH.
 */
#include <string.h>

#include "grammar/imap_return.h"

static const struct {
	const char	*name;
	unsigned	 option;
} options[] = {
	{ "MIN", IMAP_RETURN_MIN }, { "MAX", IMAP_RETURN_MAX },
	{ "ALL", IMAP_RETURN_ALL }, { "COUNT", IMAP_RETURN_COUNT },
	{ "SAVE", IMAP_RETURN_SAVE }, { "PARTIAL", IMAP_RETURN_PARTIAL },
};

#define NOPTIONS	(sizeof(options) / sizeof(options[0]))

/*
 * partial-range-first = nz-number ":" nz-number
 * partial-range-last = MINUS nz-number ":" MINUS nz-number
 */
int
imap_lex_partial(struct imap_lex *l, struct imap_partial *p)
{
	const char *bad = "bad range of results";

	p->last = imap_lex_char(l, '-');
	if (imap_lex_nz_number(l, &p->a) != 1 || !imap_lex_char(l, ':') ||
	    imap_lex_char(l, '-') != p->last ||
	    imap_lex_nz_number(l, &p->b) != 1)
		return imap_lex_fail(l, bad);
	return 1;
}

int
imap_partial_range(const struct imap_partial *p, uint32_t n, uint32_t *lo,
    uint32_t *hi)
{
	uint32_t first = p->a < p->b ? p->a : p->b;
	uint32_t last = p->a < p->b ? p->b : p->a;

	if (first > n)
		return 0;
	if (last > n)
		last = n;
	*lo = p->last ? n + 1 - last : first;
	*hi = p->last ? n + 1 - first : last;
	return 1;
}

static int
lex_option(struct imap_lex *l, struct imap_return *r)
{
	size_t i;

	for (i = 0; i < NOPTIONS && !imap_lex_word(l, options[i].name); i++)
		continue;
	if (i == NOPTIONS)
		return imap_lex_fail(l, "unknown result option");
	if (options[i].option == IMAP_RETURN_PARTIAL) {
		/* A single command has at most one (RFC 9394 3.1). */
		if (r->options & IMAP_RETURN_PARTIAL)
			return imap_lex_fail(l, "PARTIAL twice");
		if (imap_lex_need_sp(l) == -1 ||
		    imap_lex_partial(l, &r->partial) == -1)
			return -1;
	}
	r->options |= options[i].option;
	return 1;
}

int
imap_lex_return(struct imap_lex *l, struct imap_return *r)
{
	const unsigned one = IMAP_RETURN_ALL | IMAP_RETURN_PARTIAL;

	memset(r, 0, sizeof(*r));
	if (!imap_lex_word(l, "RETURN"))
		return 0;
	r->given = 1;
	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (!imap_lex_char(l, '('))
		return imap_lex_fail(l, "a list of result options is missing");
	while (!imap_lex_char(l, ')')) {
		if (r->options != 0 && imap_lex_need_sp(l) == -1)
			return -1;
		if (lex_option(l, r) == -1)
			return -1;
	}
	if ((r->options & one) == one)
		return imap_lex_fail(l, "either ALL or PARTIAL");
	if (r->options == 0)
		r->options = IMAP_RETURN_ALL;
	return imap_lex_need_sp(l);
}
