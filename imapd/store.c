/* SPDX-License-Identifier: ISC
 *
 * Changing flags: STORE and UID STORE (RFC 3501 6.4.6).
 */
#include <stdlib.h>

#include "commands.h"
#include "keywords.h"

struct store {
	struct numbers	 numbers;
	enum mailbox_change change;
	bool		 silent;
	struct imap_flags flags;
};

static const struct {
	const char	*name;
	enum mailbox_change change;
	bool		 silent;
} forms[] = {
	{ "FLAGS", MAILBOX_REPLACE, false },
	{ "FLAGS.SILENT", MAILBOX_REPLACE, true },
	{ "+FLAGS", MAILBOX_ADD, false },
	{ "+FLAGS.SILENT", MAILBOX_ADD, true },
	{ "-FLAGS", MAILBOX_REMOVE, false },
	{ "-FLAGS.SILENT", MAILBOX_REMOVE, true },
};

/* SP store-att-flags: (["+" / "-"] "FLAGS" [".SILENT"]) SP
 *                     (flag-list / (flag *(SP flag))) */
static int
lex_store(struct imap_lex *l, struct store *st)
{
	size_t i;

	if (imap_lex_need_sp(l) == -1)
		return -1;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (imap_lex_word(l, forms[i].name))
			break;
	if (i == sizeof(forms) / sizeof(forms[0]))
		return imap_lex_fail(l, "unknown data item");
	st->change = forms[i].change;
	st->silent = forms[i].silent;
	if (imap_lex_need_sp(l) == -1 ||
	    imap_lex_store_flags(l, &st->flags) == -1)
		return -1;
	return imap_lex_need_end(l);
}

/* Make the keywords known, to the mailbox and, before they are used in an
 * answer, to the client (RFC 3501 7.2.6). */
static enum reply
take_flags(struct session *s, const struct store *st, mailbox_flags *flags)
{
	bool create = st->change != MAILBOX_REMOVE, added = false;
	enum reply r;
	size_t i;

	for (i = 0; create && i < st->flags.nkeywords; i++)
		if (mailbox_keyword(s->box, st->flags.keyword[i].s, false) ==
		    -1)
			added = true;
	r = keywords_flags(s->box, &st->flags, create, flags);
	if (added)
		sync_mailbox(s, false);
	return s->state == STATE_OVER ? REPLY_DONE : r;
}

static enum reply
do_store(struct session *s, const struct store *st)
{
	enum mailbox_status status;
	struct mailbox_msg m;
	mailbox_flags flags;
	enum reply r;
	size_t i, gone = 0;

	if (mailbox_readonly(s->box))
		return REPLY_READ_ONLY;
	if ((r = take_flags(s, st, &flags)) != REPLY_OK)
		return r;
	if (st->numbers.n == 0)
		return REPLY_OK;
	status = mailbox_store(s->box, st->numbers.v, st->numbers.n,
	    st->change, flags);
	for (i = 0; i < st->numbers.n; i++) {
		mailbox_msg(s->box, st->numbers.v[i], &m);
		if (m.gone)
			gone++;
		else if (!st->silent)
			sync_flags(s, st->numbers.v[i]);
	}
	if (status != MAILBOX_OK)
		return reply_mailbox(status);
	return gone > 0 ? REPLY_GONE : REPLY_OK;
}

enum reply
cmd_store(struct session *s, struct imap_lex *l)
{
	struct store st;
	enum reply r;

	r = numbers_parse(s, l, &st.numbers);
	if (r == REPLY_OK && lex_store(l, &st) == -1)
		r = reply_bad(s, l);
	if (r == REPLY_OK)
		r = do_store(s, &st);
	numbers_free(&st.numbers);
	return r;
}
