/* SPDX-License-Identifier: ISC
 *
 * Flags in commands and answers (RFC 3501 sections 2.3.2 and 9).
 */
#include <string.h>

#include "grammar/imap_lex.h"
#include "grammar/imap_write.h"

static const struct {
	const char	*name;
	unsigned	 flag;
} system_flags[] = {
	{ "\\Answered", IMAP_ANSWERED },
	{ "\\Flagged", IMAP_FLAGGED },
	{ "\\Deleted", IMAP_DELETED },
	{ "\\Seen", IMAP_SEEN },
	{ "\\Draft", IMAP_DRAFT },
	{ "\\Recent", IMAP_RECENT },
};

#define NFLAGS	(sizeof(system_flags) / sizeof(system_flags[0]))

static int
add_keyword(struct imap_lex *l, struct imap_flags *f,
    const struct imap_string *k)
{
	size_t i;

	for (i = 0; i < f->nkeywords; i++)
		if (f->keyword[i].len == k->len &&
		    strcasecmp(f->keyword[i].s, k->s) == 0)
			return 1;
	if (f->nkeywords == IMAP_MAX_KEYWORDS)
		return imap_lex_fail(l, "too many keywords");
	f->keyword[f->nkeywords++] = *k;
	return 1;
}

/* flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" /
 *        flag-keyword / flag-extension		; not "\Recent" */
static int
lex_flag(struct imap_lex *l, struct imap_flags *f)
{
	struct imap_string k;
	size_t i;
	int r;

	if (l->p < l->end && *l->p == '\\') {
		for (i = 0; i < NFLAGS; i++)
			if (imap_lex_word(l, system_flags[i].name))
				break;
		if (i == NFLAGS)
			return imap_lex_fail(l, "unknown system flag");
		if (system_flags[i].flag == IMAP_RECENT)
			return imap_lex_fail(l, "\\Recent can not be set");
		f->system |= system_flags[i].flag;
		return 1;
	}
	if ((r = imap_lex_atom(l, &k)) != 1)
		return r;
	return add_keyword(l, f, &k);
}

/* flag-list = "(" [flag *(SP flag)] ")" */
int
imap_lex_flag_list(struct imap_lex *l, struct imap_flags *f)
{
	int r;

	memset(f, 0, sizeof(*f));
	if (!imap_lex_char(l, '('))
		return 0;
	if (imap_lex_char(l, ')'))
		return 1;
	do {
		if ((r = lex_flag(l, f)) == -1)
			return -1;
		if (r == 0)
			return imap_lex_fail(l, "a flag is missing");
	} while (imap_lex_sp(l));
	if (!imap_lex_char(l, ')'))
		return imap_lex_fail(l, "a flag list is not closed");
	return 1;
}

/* flag-list / (flag *(SP flag)) */
int
imap_lex_store_flags(struct imap_lex *l, struct imap_flags *f)
{
	int r;

	if ((r = imap_lex_flag_list(l, f)) != 0)
		return r;
	do {
		if ((r = lex_flag(l, f)) == -1)
			return -1;
		if (r == 0)
			return imap_lex_fail(l, "a flag is missing");
	} while (imap_lex_sp(l));
	return 1;
}

int
imap_write_flags(struct buf *b, unsigned flags)
{
	const char *sep = "";
	size_t i;

	for (i = 0; i < NFLAGS; i++)
		if (flags & system_flags[i].flag) {
			buf_adds(b, sep);
			buf_adds(b, system_flags[i].name);
			sep = " ";
		}
	return buf_failed(b) ? -1 : 0;
}
