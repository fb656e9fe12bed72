/* SPDX-License-Identifier: ISC
 *
 * Which of the messages that changed since a modification sequence changed in
 * flags that matter (RFC 7162, section 3.1.12): a message has one sequence for
 * all its flags, and the journal tells which of them it was.  It must never
 * call a flag unchanged that was another for a moment, or of which the journal
 * does not know how it was.
 */
#include <stdlib.h>

#include "mail/mailbox_local.h"

struct history {
	uint32_t	 uid, seq;
	mailbox_flags	 base;		/* at that time */
	bool		 known;		/* base is */
	bool		 differs;	/* it was another since, or may have */
};

struct since {
	struct history	*v;		/* by rising UID */
	size_t		 n;
	uint64_t	 modseq;
	mailbox_flags	 mask;		/* the flags that matter */
};

static int
compare_uids(const void *a, const void *b)
{
	const struct history *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static int
take_record(void *arg, const struct journal_rec *r)
{
	struct history key = { .uid = r->uid }, *h;
	const struct since *s = arg;
	mailbox_flags flags;

	if (r->type != JOURNAL_STATE && r->type != JOURNAL_PENDING)
		return 0;
	h = bsearch(&key, s->v, s->n, sizeof(*s->v), compare_uids);
	if (h == NULL)
		return 0;
	if (r->type == JOURNAL_PENDING) {
		/* A difference, of which the file is told later. */
		if (r->modseq <= s->modseq)
			h->known = false;
		else if ((r->add | r->remove) & s->mask)
			h->differs = true;
		return 0;
	}
	flags = (mailbox_file_flags(r->text) |
	    (r->keywords & ~MAILBOX_FILE_FLAGS)) & s->mask;
	if (r->modseq <= s->modseq) {
		h->base = flags;
		h->known = true;
	} else if (!h->known || flags != h->base) {
		h->differs = true;
	}
	return 0;
}

size_t
mailbox_unchanged(struct mailbox *mb, uint32_t *seqs, size_t n,
    uint64_t modseq, mailbox_flags mask, uint32_t *same)
{
	struct since s = { .n = n, .modseq = modseq, .mask = mask };
	struct journal *j = &mb->journal;
	struct mailbox_msg m;
	off_t end = j->end;
	size_t i, nsame = 0, kept = 0;

	if ((s.v = calloc(n, sizeof(*s.v))) == NULL)
		return 0;
	for (i = 0; i < n; i++) {
		mailbox_msg(mb, seqs[i], &m);
		s.v[i].uid = m.uid;
		s.v[i].seq = seqs[i];
	}
	qsort(s.v, n, sizeof(*s.v), compare_uids);
	j->end = JOURNAL_START;
	if (journal_read(j, mb->dir, end, take_record, &s) != JOURNAL_FAILED)
		for (i = 0; i < n; i++) {
			if (s.v[i].known && !s.v[i].differs)
				same[nsame++] = s.v[i].seq;
			else
				seqs[kept++] = s.v[i].seq;
		}
	j->end = end;
	free(s.v);
	return nsame;
}
