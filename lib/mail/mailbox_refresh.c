/* SPDX-License-Identifier: ISC
 *
 * Bringing a session's view up to date: what is new gets a place at the end,
 * and what changed is put into words.  Cost follows what changed: records that
 * may have something to tell are in mb->touched.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mail/mailbox_local.h"
#include "mail/mailbox_mbox.h"
#include "system/log.h"

#define TRIES	4	/* the state may be loaded anew while we look */
#define NEW	(1u << WHERE_NEW)
#define CUR	(1u << WHERE_CUR)

/* All that is new is beyond this: the last message, and what was below the
 * UIDNEXT that was told and is not there. */
static uint32_t
last_uid(const struct mailbox *mb)
{
	uint32_t told = mb->uidnext > 0 ? mb->uidnext - 1 : 0;
	struct mailbox_rec r;

	if (mb->nview == 0)
		return told;
	mailbox_rec(mb, mb->view[mb->nview - 1], &r);
	return r.uid > told ? r.uid : told;
}

/*
 * Files with a UID below one the session was told already (they were not to be
 * seen until now): they cannot get a place in the middle, but a new UID.
 */
static enum mailbox_status
take_late(struct mailbox *mb)
{
	char name[MAILBOX_FILE_MAX + 1];
	uint32_t last = last_uid(mb);
	struct mailbox_rec r;
	size_t i;

	for (i = 0; i < mb->ntouched; i++) {
		mailbox_rec(mb, mb->touched[i], &r);
		if (r.visible || r.gone || r.uid > last ||
		    mailbox_rec_file(mb, &r, name) == -1)
			continue;
		if (mailbox_lost(mb, mb->touched[i]) == -1 ||
		    mailbox_note_gone(mb, mb->touched[i]) == -1 ||
		    mailbox_note(mb, name, r.where, r.recent) != MAILBOX_OK)
			return MAILBOX_TEMPORARY;
	}
	return mb->nunknown == 0 ? MAILBOX_OK : mailbox_commit(mb);
}

static int
compare_places(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The first UID that cannot be shown: the next to be given, or one that a line
 * has whose file is still to be found. */
static uint32_t
first_hidden(const struct mailbox *mb, uint32_t last)
{
	const struct mailbox_own *o;
	size_t i;

	for (i = 0; mb->nnowhere > 0 && i < mb->state.added.n; i++) {
		o = &mb->state.added.v[i];
		if (!o->gone && o->where == WHERE_NOWHERE && o->uid > last)
			return o->uid;
	}
	return mb->list.next;
}

int
mailbox_extend_view(struct mailbox *mb)
{
	size_t i, from = mb->nview;
	struct mailbox_own *o;
	uint32_t last = last_uid(mb);

	if (mailbox_grow(&mb->view, &mb->view_cap, mb->nview + mb->ntouched,
	    sizeof(*mb->view)) == -1)
		return -1;
	mb->uidnext = first_hidden(mb, last);
	for (i = 0; i < mb->ntouched; i++) {
		o = mailbox_has_own(mb, mb->touched[i]);
		if (o->visible || o->gone || o->where == WHERE_NOWHERE ||
		    o->uid <= last || o->uid >= mb->uidnext)
			continue;
		o->visible = true;
		o->recent |= o->where == WHERE_NEW;
		o->told = ((o->flags & ~o->remove) | o->add) & mb->known;
		mb->recent += o->recent;
		mb->view[mb->nview++] = mb->touched[i];
	}
	if (mb->nview > from)
		qsort(mb->view + from, mb->nview - from, sizeof(*mb->view),
		    compare_places);
	return 0;
}

/* Which folders have to be listed, going by what is known of them. */
static unsigned
to_list(struct mailbox *mb, unsigned flags, bool move_new)
{
	unsigned which = 0;

	if ((flags & MAILBOX_RELIST) || mb->cold || mb->nnowhere > 0)
		return NEW | CUR;
	if (!mb->watching) {
		if (!mb->stamp_new.clean ||
		    !mailbox_stamp_holds(mb->new, &mb->stamp_new))
			which |= NEW;
		if (!mb->stamp_cur.clean ||
		    !mailbox_stamp_holds(mb->cur, &mb->stamp_cur))
			which |= CUR;
	}
	if (move_new && mb->nnew > 0)
		which |= NEW;
	return which;
}

/* A session that waits leaves it to whoever has the events or gave the UID:
 * that is read in the journal in a moment. */
static bool
may_wait(const struct mailbox *mb)
{
	return mb->hasty && !mb->cold && (mb->watching || (mb->signalled &&
	    (mb->tries < HASTY_ALONE || mb->journal.end != mb->told_from)));
}

/* Others are at work, and nothing is in the journal yet: without it a UID has
 * no file, and what they just wrote into the list they sync themselves. */
static bool
too_soon(const struct mailbox *mb)
{
	return mb->hasty && !mb->cold && mb->mbox == NULL && mb->signalled &&
	    mb->tries < HASTY_ALONE && mb->refreshed &&
	    mb->journal.fd != -1 &&
	    journal_size(&mb->journal) == mb->journal.end;
}

static enum mailbox_status
look(struct mailbox *mb, unsigned flags)
{
	bool move_new = (mb->flags & (MAILBOX_KEEP_NEW | MAILBOX_READONLY)) ==
	    0, covered;
	enum mailbox_status status;
	unsigned which;

	if ((status = mailbox_load(mb)) != MAILBOX_OK)
		return status;
	mb->scan_tail = mb->tail;
	(void)mailbox_take_events(mb);
	mb->too_lively = mb->skipped = false;
	which = to_list(mb, flags, move_new);
	if (which != 0 && !mb->watching) {
		mailbox_slot_read(mb);
		which = to_list(mb, flags, move_new);
	}
	if (which != 0 && (flags & MAILBOX_WAITING) && mb->refreshed &&
	    (may_wait(mb) || !mailbox_wait_turn(mb)))
		which = 0;
	if (which != 0) {
		if (move_new && (which & NEW))
			mailbox_watch_begin(mb);
		/* What is listed, or was unchanged when the watch began, is
		 * told by events from there on. */
		covered = mb->watches[1] != -1 && ((which & CUR) ||
		    (mb->stamp_cur.clean &&
		    mailbox_stamp_holds(mb->cur, &mb->stamp_cur)));
		status = mailbox_scan(mb, which, move_new);
		if (status != MAILBOX_OK)
			return status;
		mb->watching = covered && !mb->too_lively;
	}
	if ((status = mailbox_commit(mb)) != MAILBOX_OK)
		return status;
	return take_late(mb);
}

enum mailbox_status
mailbox_find_files(struct mailbox *mb)
{
	enum mailbox_status status;

	if ((status = mailbox_load(mb)) != MAILBOX_OK)
		return status;
	mb->scan_tail = mb->tail;
	/* Often the event of its new name is there. */
	if ((!mailbox_take_events(mb) || mb->nfound == 0) &&
	    (status = mailbox_scan(mb, NEW | CUR, false)) != MAILBOX_OK)
		return status;
	status = mailbox_commit(mb);
	if (keywords_read(&mb->keywords, mb->dir) == 1)
		mailbox_reflag(mb);
	/* New ones may wait. */
	return status == MAILBOX_FULL || status == MAILBOX_BUSY ||
	    status == MAILBOX_NO_RIGHT || status == MAILBOX_EXISTS ?
	    MAILBOX_OK : status;
}

static enum mailbox_status
update(struct mailbox *mb, unsigned flags)
{
	enum mailbox_status status = MAILBOX_BUSY;
	int i;

	for (i = 0; i < TRIES; i++) {
		status = look(mb, flags);
		/* Lines that came while we looked have files to be found, and
		 * what others told of may be otherwise by now. */
		if (status != MAILBOX_EXISTS && (status != MAILBOX_OK ||
		    (!mb->skipped && (mb->nnowhere == 0 || mb->too_lively ||
		    may_wait(mb)))))
			break;
	}
	if (status == MAILBOX_EXISTS)
		status = MAILBOX_BUSY;
	if (status == MAILBOX_RESET || status == MAILBOX_TEMPORARY)
		return status;
	if (mailbox_extend_view(mb) == -1)
		return MAILBOX_TEMPORARY;
	if (status == MAILBOX_OK) {
		mailbox_flush_old(mb);
		mb->index_later = (mb->flags & MAILBOX_LATER) != 0;
		if (!mb->index_later)
			mailbox_index_update(mb, true);
		/* It may have read what others wrote meanwhile. */
		if (mailbox_extend_view(mb) == -1)
			return MAILBOX_TEMPORARY;
	}
	mailbox_slot_write(mb);
	return status;
}

/* ---- what to tell ---- */

/* Take what is gone out of the view: numbers from the end, each right when
 * it is told.  Those beyond before were never told, and go without a word. */
static int
diff_expunged(struct mailbox *mb, struct mailbox_diff *diff, size_t before)
{
	const struct mailbox_own *o;
	size_t i, n = 0, total, kept = 0;
	bool any = false;

	for (i = 0; i < mb->ntouched; i++) {
		o = mailbox_has_own(mb, mb->touched[i]);
		any |= o->visible && o->gone;
	}
	if (!any)
		return 0;
	/* Counted where they are taken out: a damaged index may have put one
	 * message into the view twice. */
	for (i = 0; i < before; i++) {
		o = mailbox_has_own(mb, mb->view[i]);
		n += o != NULL && o->gone;
	}
	if (mailbox_grow(&mb->expunged, &mb->expunged_cap, 2 * n,
	    sizeof(*mb->expunged)) == -1)
		return -1;
	total = n;
	diff->expunged = mb->expunged;
	diff->expunged_uids = n > 0 ? mb->expunged + n : NULL;
	diff->nexpunged = n;
	for (i = 0; i < mb->nview; i++) {
		o = mailbox_has_own(mb, mb->view[i]);
		if (o == NULL || !o->gone) {
			mb->view[kept++] = mb->view[i];
			continue;
		}
		if (i < before) {
			mb->expunged[--n] = (uint32_t)i + 1;
			mb->expunged[total + n] = o->uid;
		}
		mb->recent -= o->recent;
	}
	mb->nview = kept;
	return 0;
}

/* Those with a UID beyond last have just come, and are not known otherwise. */
static int
diff_changed(struct mailbox *mb, struct mailbox_diff *diff, uint32_t last)
{
	struct mailbox_own *o;
	struct mailbox_rec r;
	uint32_t seq;
	size_t i;

	if (mailbox_grow(&mb->changed, &mb->changed_cap, mb->ntouched,
	    sizeof(*mb->changed)) == -1)
		return -1;
	diff->changed = mb->changed;
	for (i = 0; i < mb->ntouched; i++) {
		o = mailbox_has_own(mb, mb->touched[i]);
		mailbox_rec(mb, mb->touched[i], &r);
		if (!r.visible || r.gone ||
		    (r.flags == o->told && !o->unsteady))
			continue;
		o->told = r.flags;
		o->unsteady = false;
		if (r.uid > last)
			continue;
		/* In a damaged index UIDs need not rise. */
		if ((seq = mailbox_seq(mb, r.uid)) != 0)
			mb->changed[diff->nchanged++] = seq;
	}
	if (diff->nchanged > 1)
		qsort(mb->changed, diff->nchanged, sizeof(*mb->changed),
		    compare_places);
	return 0;
}

/* Keep only those that still have to be told: gone, but not to be said now; or
 * not to be shown yet. */
static void
forget_told(struct mailbox *mb, bool keep_gone)
{
	struct mailbox_own *o;
	size_t i, n = 0;

	for (i = 0; i < mb->ntouched; i++) {
		o = mailbox_has_own(mb, mb->touched[i]);
		if ((o->gone && o->visible && keep_gone) ||
		    (!o->visible && !o->gone)) {
			mb->touched[n++] = mb->touched[i];
			continue;
		}
		o->touched = false;
		if (o->gone)
			o->visible = false;
	}
	mb->ntouched = n;
}

static int
make_diff(struct mailbox *mb, unsigned flags, struct mailbox_diff *diff,
    size_t before, uint32_t last)
{
	bool keep_gone = (flags & MAILBOX_NO_EXPUNGE) != 0;

	if ((!keep_gone && diff_expunged(mb, diff, before) == -1) ||
	    diff_changed(mb, diff, last) == -1)
		return -1;
	forget_told(mb, keep_gone);
	diff->exists = mb->nview + diff->nexpunged > before;
	diff->recent = mb->recent != mb->recent_told;
	mb->recent_told = mb->recent;
	diff->keywords = mb->new_keywords;
	mb->new_keywords = false;
	return 0;
}

enum mailbox_status
mailbox_refresh(struct mailbox *mb, unsigned flags, struct mailbox_diff *diff)
{
	enum mailbox_status status;
	struct mailbox_diff unwanted;
	bool first = !mb->refreshed;
	uint32_t last = last_uid(mb);
	size_t before = mb->nview;

	if (diff == NULL)
		diff = &unwanted;
	memset(diff, 0, sizeof(*diff));
	mb->hasty = false;
	if ((flags & MAILBOX_WAITING) && !mailbox_wait_begin(mb))
		return MAILBOX_OK;
	if (too_soon(mb)) {
		mailbox_wait_end(mb);
		return MAILBOX_OK;
	}
	if (mb->mbox == NULL && keywords_read(&mb->keywords, mb->dir) == 1)
		mailbox_reflag(mb);
	status = mb->mbox != NULL ? mailbox_mbox_refresh(mb, flags) :
	    update(mb, flags);
	mailbox_wait_end(mb);
	if (status == MAILBOX_NONE)
		status = MAILBOX_RESET;
	if (status == MAILBOX_RESET || status == MAILBOX_TEMPORARY)
		return status;
	/* A keyword is written down before the first name that has its letter:
	 * what we saw is told with it, under one modification sequence. */
	if (keywords_read(&mb->keywords, mb->dir) == 1)
		mailbox_reflag(mb);
	if (make_diff(mb, flags, diff, before, last) == -1)
		return MAILBOX_TEMPORARY;
	/* What a session was never told of is no change to it. */
	if (first) {
		diff->exists = mb->refreshed = true;
		diff->nexpunged = diff->nchanged = 0;
	}
	return status;
}
