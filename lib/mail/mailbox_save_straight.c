/* SPDX-License-Identifier: ISC
 *
 * Many messages of one mailbox go into another without being staged: each is
 * linked, or moved, from the name it has to the one it will have, which is one
 * system call, while the UID list of the target is locked.  It must never
 * remove the last name of a message.
 *
 * A copy is undone by whoever takes that lock after a crash (mailbox_batch.c).
 * A message that is moved is in one of the two at any time, and so none need
 * be undone: "a MOVE [...] might fail partway through the set", but each is
 * "either [...] moved or unaffected" (RFC 6851, section 3.3).  What cannot be
 * done so, as when a file has got another name meanwhile, is taken back and
 * staged.
 */
#include <string.h>

#include "mail/mailbox_save.h"

void
mailbox_save_straight(struct mailbox_save *save, bool take)
{
	if (save->mbox != NULL || save->n > 0)
		return;
	save->straight = true;
	save->take = take;
	mailbox_file_series(save->series);
}

static bool
is_near(const struct mailbox *a, const struct mailbox *b)
{
	struct stat x, y;

	return fstat(a->cur, &x) == 0 && fstat(b->cur, &y) == 0 &&
	    x.st_dev == y.st_dev;
}

/* The names it has and will have. */
static enum mailbox_status
add(struct mailbox_save *save, const struct mailbox_rec *r, uint32_t seq)
{
	struct mailbox_staged *s;

	s = mailbox_stage(save, mailbox_translate(save->from, save->mb,
	    r->flags));
	if (s == NULL)
		return save->status;
	s->dir = mailbox_rec_file(save->from, r, s->tmp);
	s->seq = seq;
	save->last = mailbox_file_next(s->base, save->series);
	if (save->n++ == 0)
		save->first = save->last;
	mailbox_keep(s, r);
	return MAILBOX_OK;
}

enum mailbox_status
mailbox_straight_add(struct mailbox_save *save, struct mailbox *from,
    uint32_t seq)
{
	enum mailbox_status status;
	struct mailbox_rec r;

	if (save->n == 0)
		save->from = from;
	/* Of another file system, octets are to be copied. */
	mailbox_rec(from, from->view[seq - 1], &r);
	if (r.gone)
		return MAILBOX_NONE;
	/* And one whose name changes is to be followed. */
	if (save->from != from || r.where == WHERE_NOWHERE ||
	    (save->n == 0 && !is_near(from, save->mb))) {
		status = mailbox_straight_stage(save);
		return status != MAILBOX_OK ? status :
		    mailbox_save_copy(save, from, seq);
	}
	return save->status != MAILBOX_OK ? save->status : add(save, &r, seq);
}

enum mailbox_status
mailbox_straight_stage(struct mailbox_save *save)
{
	struct mailbox *from = save->from;
	size_t i, n = save->n;

	save->n = 0;
	save->from = NULL;
	save->straight = save->taking = save->refused = false;
	for (i = 0; i < n && save->status == MAILBOX_OK; i++)
		save->status = mailbox_save_copy(save, from, save->v[i].seq);
	return save->status;
}

/* A file is taken where a power cut leaves it one of its names, and when that
 * says all of its flags: the rest is in the journal, after the move. */
void
mailbox_straight_ready(struct mailbox_save *save)
{
	size_t i;

	save->taking = save->from != NULL && save->take &&
	    save->mb->root->ordered && !mailbox_readonly(save->from);
	for (i = 0; i < save->n && save->taking; i++)
		save->taking = save->v[i].keywords == 0;
}

void
mailbox_straight_taken(struct mailbox_save *save)
{
	struct mailbox *from = save->from;
	struct mailbox_log log;
	size_t i;

	for (i = 0; i < save->n; i++)
		if (mailbox_lost(from, from->view[save->v[i].seq - 1]) == -1)
			mailbox_distrust(from);
	from->stamp_cur.known = from->stamp_cur.clean = false;
	(void)mailbox_log_begin(from, &log);
	for (i = 0; i < save->n; i++)
		mailbox_log_state(from, &log,
		    from->view[save->v[i].seq - 1]);
	(void)mailbox_log_end(from, &log);
}
