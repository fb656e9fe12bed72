/* SPDX-License-Identifier: ISC
 *
 * Changing flags: STORE and UID STORE (RFC 3501 6.4.6), also under a condition
 * (RFC 7162 3.1.3).
 */
#include <stdlib.h>

#include "commands.h"
#include "grammar/imap_modseq.h"
#include "keywords.h"

struct store {
	struct numbers	 numbers;
	enum mailbox_change change;
	bool		 silent;
	struct imap_flags flags;
	bool		 conditional;	/* UNCHANGEDSINCE since */
	uint64_t	 since;
	uint32_t	*failed;	/* numbers of those that changed */
	size_t		 nfailed;
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

/* [SP store-modifiers] SP (["+" / "-"] "FLAGS" [".SILENT"]) SP
 * (flag-list / (flag *(SP flag))) */
static int
lex_store(struct imap_lex *l, struct store *st)
{
	size_t i;
	int r;

	if ((r = imap_lex_unchangedsince(l, &st->since)) == -1 ||
	    imap_lex_need_sp(l) == -1)
		return -1;
	st->conditional = r == 1;
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
	if (s->state == STATE_OVER)
		return REPLY_DONE;
	return s->box == NULL ? REPLY_TEMPORARY : r;
}

/* What became of the messages; how many are gone. */
static size_t
tell_stored(struct session *s, const struct store *st)
{
	unsigned what = sync_what(s);
	struct mailbox_msg m;
	size_t i, gone = 0, failed = 0;

	if (st->silent)
		what &= ~(unsigned)SYNC_FLAGS;
	for (i = 0; i < st->numbers.n; i++) {
		mailbox_msg(s->box, st->numbers.v[i], &m);
		if (failed < st->nfailed &&
		    st->failed[failed] == st->numbers.v[i])
			failed++;	/* its state is told as a change */
		else if (m.gone)
			gone++;
		else if (!st->silent || what & SYNC_MODSEQ)
			sync_message(s, st->numbers.v[i], what);
	}
	return gone;
}

/* "MODIFIED" and the numbers, or the UIDs, of those that were left alone. */
static int
write_modified(struct session *s, const struct store *st)
{
	struct mailbox_msg m;
	struct imap_set set;
	int r = 0;
	size_t i;

	imap_set_init(&set);
	for (i = 0; i < st->nfailed && r == 0; i++) {
		mailbox_msg(s->box, st->failed[i], &m);
		r = imap_set_add(&set, s->uid ? m.uid : st->failed[i]);
	}
	buf_adds(&s->code, "MODIFIED ");
	if (r == 0)
		r = imap_set_write(&s->code, &set);
	imap_set_free(&set);
	return r;
}

static int
compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static enum reply
store_all(struct session *s, struct store *st, mailbox_flags flags)
{
	enum mailbox_status status;
	size_t gone;

	status = mailbox_store_since(s->box, st->numbers.v, st->numbers.n,
	    st->change, flags, st->since, st->failed, &st->nfailed);
	if (st->nfailed > 0)
		qsort(st->failed, st->nfailed, sizeof(*st->failed),
		    compare_numbers);
	gone = tell_stored(s, st);
	if (status != MAILBOX_OK)
		return reply_mailbox(status);
	if (st->nfailed > 0 && write_modified(s, st) == -1)
		return REPLY_MEMORY;
	if (gone > 0)
		return REPLY_GONE;
	return st->nfailed > 0 ? REPLY_MODIFIED : REPLY_OK;
}

static enum reply
do_store(struct session *s, struct store *st)
{
	mailbox_flags flags;
	enum reply r;

	if (mailbox_readonly(s->box))
		return REPLY_READ_ONLY;
	if (st->conditional && (r = modseq_enable(s)) != REPLY_OK)
		return r;
	if ((r = take_flags(s, st, &flags)) != REPLY_OK)
		return r;
	if (st->numbers.n == 0)
		return REPLY_OK;
	if (st->conditional) {
		st->failed = reallocarray(NULL, st->numbers.n,
		    sizeof(*st->failed));
		if (st->failed == NULL)
			return REPLY_MEMORY;
	}
	r = store_all(s, st, flags);
	free(st->failed);
	return r;
}

enum reply
cmd_store(struct session *s, struct imap_lex *l)
{
	struct store st = { .failed = NULL };
	enum reply r;

	r = numbers_parse(s, l, &st.numbers);
	if (r == REPLY_OK && lex_store(l, &st) == -1)
		r = reply_bad(s, l);
	if (r == REPLY_OK)
		r = do_store(s, &st);
	numbers_free(&st.numbers);
	return r;
}
