/* SPDX-License-Identifier: ISC
 *
 * Modification sequences as a client is told them, and what was expunged since
 * one of them (RFC 7162).  No client may keep one that a power cut makes the
 * mailbox forget.
 */
#include <errno.h>

#include "mail/mailbox_local.h"

uint64_t
mailbox_modseq(const struct mailbox *mb)
{
	return mb->modseq < mb->journal.floor ? mb->journal.floor :
	    mb->modseq;
}

int
mailbox_modseq_sync(struct mailbox *mb)
{
	/* What no journal has cannot be kept. */
	if (mb->unlogged || mb->mbox != NULL) {
		errno = EIO;
		return -1;
	}
	if (mb->journal.end <= mb->journal.synced)
		return 0;
	if (journal_sync(&mb->journal) == -1)
		return -1;
	/* So that the next who opens it need not. */
	mailbox_slot_write(mb);
	return 0;
}

uint64_t
mailbox_modseq_told(const struct mailbox *mb)
{
	uint64_t told = mailbox_modseq(mb);
	const struct mailbox_own *o;
	size_t i;

	for (i = 0; i < mb->ntouched; i++) {
		o = mailbox_has_own(mb, mb->touched[i]);
		if (o != NULL && o->gone && o->visible && o->modseq > 0 &&
		    told >= o->modseq)
			told = o->modseq - 1;
	}
	return told;
}

struct vanished {
	struct mailbox	*mb;
	uint64_t	 since;
	int		(*take)(void *, uint32_t);
	void		*arg;
};

static int
take_gone(void *arg, const struct journal_rec *r)
{
	const struct vanished *v = arg;

	if (r->type != JOURNAL_GONE || r->modseq <= v->since ||
	    mailbox_seq(v->mb, r->uid) != 0)
		return 0;
	return v->take(v->arg, r->uid);
}

enum mailbox_status
mailbox_vanished(struct mailbox *mb, uint64_t modseq,
    int (*take)(void *, uint32_t), void *arg)
{
	struct vanished v = { mb, modseq, take, arg };
	struct journal *j = &mb->journal;
	off_t end = j->end;
	enum journal_read r;

	if (j->fd == -1 || modseq < j->floor)
		return MAILBOX_NONE;
	if (modseq >= mailbox_modseq(mb))
		return MAILBOX_OK;
	j->end = JOURNAL_START;
	r = journal_read(j, mb->dir, end, take_gone, &v);
	j->end = end;
	return r == JOURNAL_FAILED ? mailbox_errno("journal") : MAILBOX_OK;
}
