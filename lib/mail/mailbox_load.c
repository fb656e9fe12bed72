/* SPDX-License-Identifier: ISC
 *
 * What is written of a mailbox's messages, brought into memory: the index, and
 * what came to the UID list and the journal since it was made.  A session's
 * view outlives all of that being replaced by other programs.  It must never
 * let a UID of the view mean another message.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mail/mailbox_local.h"
#include "system/log.h"

#define RELOADS	4	/* others may replace files while we read them */

/* ---- records of the journal ---- */

/* The journal tells of a change in a folder.  Stamps from before it are good
 * for nothing: a power cut may leave the folder as it was then, and the journal
 * as it is. */
static void
hear(struct mailbox *mb, const struct journal_rec *r, unsigned char where)
{
	off_t end = mb->journal.end + (off_t)r->end;

	if (where == WHERE_NEW) {
		mb->heard_new = end;
		mb->stamp_new.clean = false;
	} else if (where == WHERE_CUR) {
		mb->heard_cur = end;
		mb->stamp_cur.clean = false;
	}
}

static int
apply_state(struct mailbox *mb, const struct journal_rec *r)
{
	uint32_t place = mailbox_place_of_uid(mb, r->uid);
	struct mailbox_own *o;
	const char *info;

	if (place == MAILBOX_NOPLACE || r->where > WHERE_CUR)
		return 0;
	if ((o = mailbox_own(mb, place)) == NULL ||
	    (info = mailbox_info(mb, r->text)) == NULL)
		return -1;
	if (o->gone)
		return 0;
	hear(mb, r, o->where);
	hear(mb, r, r->where);
	o->flags = (o->flags & MAILBOX_FILE_FLAGS) |
	    (r->keywords & ~MAILBOX_FILE_FLAGS);
	o->saved = r->saved;
	if (r->done)
		o->add = o->remove = 0;
	o->tail = mb->tail;
	if (o->modseq < r->modseq)
		o->modseq = r->modseq;
	return mailbox_moved(mb, place, r->where, info);
}

static int
apply_pending(struct mailbox *mb, const struct journal_rec *r)
{
	uint32_t place = mailbox_place_of_uid(mb, r->uid);
	struct mailbox_own *o;

	if (place == MAILBOX_NOPLACE)
		return 0;
	if ((o = mailbox_own(mb, place)) == NULL)
		return -1;
	if (o->gone)
		return 0;
	if (o->modseq < r->modseq)
		o->modseq = r->modseq;
	return mailbox_set_pending(mb, place, r->add, r->remove);
}

static int
apply_gone(struct mailbox *mb, const struct journal_rec *r)
{
	uint32_t place = mailbox_place_of_uid(mb, r->uid);
	struct mailbox_rec rec;

	if (place == MAILBOX_NOPLACE)
		return 0;
	mailbox_rec(mb, place, &rec);
	hear(mb, r, rec.where);
	if (mailbox_lost(mb, place) == -1)
		return -1;
	mailbox_has_own(mb, place)->modseq = r->modseq;
	return 0;
}

/* Another session came cold, and no record tells how it found the messages. All
 * have this number for it, with flags that are others by now, or again. */
static void
hear_floor(struct mailbox *mb, uint64_t floor)
{
	if (mb->journal.floor < floor)
		mb->journal.floor = floor;
	if (mb->floored >= floor)
		return;
	mb->floored = floor;
	mb->overtaken |= !mb->cold &&
	    (mb->root->flags & MAILBOX_READONLY) == 0;
}

static int
take_record(void *arg, const struct journal_rec *r)
{
	struct mailbox *mb = arg;
	int got;

	if (mb->modseq < r->modseq)
		mb->modseq = r->modseq;
	switch (r->type) {
	case JOURNAL_STATE:
		return apply_state(mb, r);
	case JOURNAL_GONE:
		return apply_gone(mb, r);
	case JOURNAL_KEYWORD:
		got = keywords_extra(&mb->keywords, (int)r->uid, r->text);
		if (got == 1)
			mailbox_reflag(mb);
		return got == -1 ? -1 : 0;
	case JOURNAL_FLOOR:
		hear_floor(mb, r->modseq);
		return 0;
	case JOURNAL_PENDING:
		return apply_pending(mb, r);
	}
	return 0;
}

static int
take_line(void *arg, uint32_t uid, const char *name, const char *ext)
{
	return mailbox_add(arg, uid, name, strlen(name), ext);
}

/* ---- the first time ---- */

/* The index and the journal it was made beside: 1; 0: there is none of use. */
static int
take_index(struct mailbox *mb)
{
	struct index *ix = &mb->state.index;
	int r = index_open(ix, mb->dir);

	if (r != 1)
		return r;
	if (mb->journal.fd != -1 && ix->mark.validity == mb->list.validity &&
	    ix->mark.journal == mb->journal.id &&
	    ix->mark.at <= (uint64_t)journal_size(&mb->journal) &&
	    ix->mark.modseq >= mb->floored &&
	    uidlist_resume(&mb->list, &ix->mark.list)) {
		mb->journal.end = mb->journal.synced = (off_t)ix->mark.at;
		if (mb->modseq < ix->mark.modseq)
			mb->modseq = ix->mark.modseq;
		mb->nnew = ix->mark.nnew;
		return 1;
	}
	index_close(ix);
	return 0;
}

static int
open_journal(struct mailbox *mb)
{
	int r;

	journal_close(&mb->journal);
	r = journal_open(&mb->journal, mb->dir, mb->list.validity);
	/* That of a message which is no more is in no record. */
	if (r == 1 && mb->modseq < mb->journal.top)
		mb->modseq = mb->journal.top;
	return r;
}

/* While the journal is being replaced its index does not fit it: who does that
 * holds its lock. */
static int
load_index(struct mailbox *mb)
{
	int r;

	if (open_journal(mb) == -1)
		return -1;
	if ((r = take_index(mb)) != 0 || mb->journal.fd == -1 ||
	    (mb->root->flags & MAILBOX_READONLY))
		return r;
	if (journal_lock(&mb->journal, mb->dir) == 0)
		journal_unlock(&mb->journal);
	return open_journal(mb) == -1 ? -1 : take_index(mb);
}

static int
show_all(struct mailbox *mb)
{
	uint32_t i;

	if (mailbox_grow(&mb->view, &mb->view_cap, mb->state.index.n,
	    sizeof(*mb->view)) == -1)
		return -1;
	for (i = 0; i < mb->state.index.n; i++)
		mb->view[i] = i;
	mb->nview = mb->state.index.n;
	return 0;
}

/* Messages in new are recent to those who find them there. */
static int
show_recent(struct mailbox *mb)
{
	struct mailbox_rec r;
	uint32_t i;

	for (i = 0; mb->nnew > 0 && i < mb->state.index.n; i++) {
		mailbox_rec(mb, i, &r);
		if (r.where != WHERE_NEW)
			continue;
		if (mailbox_own(mb, i) == NULL)
			return -1;
		mailbox_own(mb, i)->recent = true;
		mb->recent++;
	}
	return 0;
}

/* From nothing: the list's first line, the index if it is good. */
static enum mailbox_status
load_first(struct mailbox *mb)
{
	int r;

	mb->unindexed = false;
	switch (uidlist_open(&mb->list, mb->dir)) {
	case UIDLIST_SAME:
	case UIDLIST_MORE:
	case UIDLIST_REPLACED:
		break;
	case UIDLIST_MISSING:
		mb->cold = true;
		return MAILBOX_OK;
	case UIDLIST_FAILED:
		return mailbox_errno("uidlist");
	}
	if (mb->list.validity == 0) {
		log_warn("mailbox-uidlist", "damaged=header");
		mb->cold = true;
		return MAILBOX_OK;
	}
	if ((r = load_index(mb)) == -1)
		return mailbox_errno("index");
	mb->cold = r == 0;
	return MAILBOX_OK;
}

/* ---- what came since ---- */

static enum mailbox_status
read_list(struct mailbox *mb)
{
	bool damaged = mb->list.damaged;

	switch (uidlist_read(&mb->list, mb->dir, take_line, mb)) {
	case UIDLIST_SAME:
	case UIDLIST_MORE:
		if (mb->list.damaged && !damaged)
			log_warn("mailbox-uidlist", "damaged=lines");
		break;
	case UIDLIST_MISSING:
		/* Removed under us: ours is written again. */
		if (mb->list.validity != 0)
			mb->list.damaged = true;
		break;
	case UIDLIST_REPLACED:
		return MAILBOX_RESET;
	case UIDLIST_FAILED:
		return mailbox_errno("uidlist");
	}
	return MAILBOX_OK;
}

static enum mailbox_status
read_journal(struct mailbox *mb, off_t limit)
{
	uint64_t id = mb->journal.id;

	if (mb->journal.fd == -1)
		return MAILBOX_OK;
	switch (journal_read(&mb->journal, mb->dir, limit, take_record, mb)) {
	case JOURNAL_READ:
		return MAILBOX_OK;
	case JOURNAL_REPLACED:
		break;
	case JOURNAL_FAILED:
		return mailbox_errno("journal");
	}
	if (open_journal(mb) == -1)
		return mailbox_errno("journal");
	/* Removed: the next who writes makes one, with a higher floor. */
	if (mb->journal.fd == -1)
		return MAILBOX_OK;
	if (mb->journal.before != id)
		return MAILBOX_RESET;
	mb->journal.end = (off_t)mb->journal.live;
	mb->heard_new = mb->heard_cur = 0;
	return MAILBOX_OK;
}

enum mailbox_status
mailbox_load_tails(struct mailbox *mb)
{
	enum mailbox_status status;
	off_t limit;

	mb->tail++;
	if (mb->journal.fd == -1 && mb->list.validity != 0 &&
	    open_journal(mb) == -1)
		return mailbox_errno("journal");
	/* A record comes after its UID: all that we read have theirs. */
	limit = journal_size(&mb->journal);
	if ((status = read_list(mb)) != MAILBOX_OK)
		return status;
	if (limit == 0 && mb->journal.fd != -1)
		return MAILBOX_RESET;
	status = read_journal(mb, limit);
	return status == MAILBOX_OK && mb->overtaken ? MAILBOX_RESET : status;
}

/* ---- the view meets another state ---- */

static int
add_ghost(struct mailbox *mb, const struct mailbox_own *from, uint32_t *place)
{
	struct mailbox_owns *ghosts = &mb->state.ghosts;
	struct mailbox_own *o;

	if (mailbox_grow(&ghosts->v, &ghosts->cap, ghosts->n + 1,
	    sizeof(*ghosts->v)) == -1)
		return -1;
	o = &ghosts->v[ghosts->n];
	memset(o, 0, sizeof(*o));
	o->uid = from->uid;
	o->told = from->told;
	o->modseq = from->modseq;
	o->size = UINT64_MAX;
	o->base = o->info = o->ext = "";
	o->recent = from->recent;
	o->visible = o->gone = true;
	*place = MAILBOX_GHOST + (uint32_t)ghosts->n++;
	return mailbox_touch(mb, *place);
}

/* What the session knows of a message, to its record in the new state. */
static int
meet(struct mailbox *mb, const struct mailbox_own *from, uint32_t *place)
{
	struct mailbox_own *o;
	struct mailbox_rec r;

	*place = mailbox_place_of_uid(mb, from->uid);
	if (from->gone || *place == MAILBOX_NOPLACE)
		return add_ghost(mb, from, place);
	mailbox_rec(mb, *place, &r);
	if (r.base_len != from->base_len ||
	    memcmp(r.base, from->base, r.base_len) != 0) {
		/* Someone restored an old list.  The session must not see
		 * another message under this UID: that gets a new one. */
		log_warn("mailbox-uidlist", "changed=%u", from->uid);
		return mailbox_lost(mb, *place) == -1 ? -1 :
		    add_ghost(mb, from, place);
	}
	if (*place < mb->state.index.n && r.flags == from->told &&
	    !from->recent && !from->unsteady && !r.gone)
		return 0;
	if ((o = mailbox_own(mb, *place)) == NULL)
		return -1;
	o->told = from->told;
	o->recent = from->recent;
	o->unsteady = from->unsteady;
	o->visible = true;
	return mailbox_touch(mb, *place);
}

/* Records of the index that the session has not seen so far: they may have
 * come, or be late. */
static int
find_unseen(struct mailbox *mb)
{
	struct mailbox_own *o;
	size_t at = 0;
	uint32_t i;

	for (i = 0; i < mb->state.index.n; i++) {
		while (at < mb->nview && mb->view[at] >= MAILBOX_GHOST)
			at++;
		if (at < mb->nview && mb->view[at] == i) {
			at++;
			continue;
		}
		if ((o = mailbox_own(mb, i)) == NULL)
			return -1;
		o->visible = false;
		o->recent = o->where == WHERE_NEW;
		if (mailbox_touch(mb, i) == -1)
			return -1;
	}
	return 0;
}

/* What the session knows of a message in the old state. */
static void
remember(const struct mailbox *mb, uint32_t place, struct mailbox_own *to)
{
	const struct mailbox_own *o = mailbox_has_own(mb, place);
	struct mailbox_rec r;

	mailbox_rec(mb, place, &r);
	memset(to, 0, sizeof(*to));
	to->uid = r.uid;
	to->base = r.base;
	to->base_len = r.base_len;
	to->modseq = r.modseq;
	to->told = o == NULL ? r.flags : o->told;
	to->unsteady = o != NULL && o->unsteady;
	to->recent = r.recent;
	to->gone = r.gone;
}

static enum mailbox_status
restore_view(struct mailbox *mb, const struct mailbox *old)
{
	struct mailbox_own from;
	size_t i;

	for (i = 0; i < mb->nview; i++) {
		remember(old, mb->view[i], &from);
		if (meet(mb, &from, &mb->view[i]) == -1)
			return MAILBOX_TEMPORARY;
	}
	return find_unseen(mb) == -1 ? MAILBOX_TEMPORARY : MAILBOX_OK;
}

/* Has anyone heard of our UIDVALIDITY?  One that was chosen for a list that
 * could not be written then is in no file. */
static bool
is_known(const struct mailbox *mb)
{
	return mb->list.validity != 0 && (mb->list.end > 0 || mb->refreshed);
}

/* May the list that is there now take the place of ours? */
static enum mailbox_status
check_list(struct mailbox *mb)
{
	enum mailbox_status status = MAILBOX_OK;
	struct uidlist fresh;

	uidlist_init(&fresh);
	if (uidlist_open(&fresh, mb->dir) == UIDLIST_FAILED)
		status = mailbox_errno("uidlist");
	else if (fresh.validity == 0)
		/* Nothing of use in it: ours will be written over it. */
		status = MAILBOX_EXISTS;
	else if (is_known(mb) && fresh.validity != mb->list.validity)
		status = MAILBOX_RESET;
	uidlist_free(&fresh);
	return status;
}

/* Of a first listing these are megabytes. */
static void
empty(void *arrayp, size_t *n, size_t *cap)
{
	void **array = arrayp;

	free(*array);
	*array = NULL;
	*n = *cap = 0;
}

/* Nothing is known any more but what the session was told. */
static void
forget(struct mailbox *mb, bool release)
{
	if (release) {
		mailbox_state_free(&mb->state);
		uidlist_free(&mb->list);
		journal_close(&mb->journal);
	}
	memset(&mb->state, 0, sizeof(mb->state));
	uidlist_init(&mb->list);
	journal_init(&mb->journal);
	mb->npending = 0;
	mb->nnew = mb->nnowhere = 0;
	empty(&mb->touched, &mb->ntouched, &mb->touched_cap);
	empty(&mb->found, &mb->nfound, &mb->found_cap);
	empty(&mb->unknown, &mb->nunknown, &mb->unknown_cap);
	empty(&mb->names, &mb->nnames, &mb->names_cap);
	mb->generation++;
	mb->stamp_cur.known = mb->stamp_new.known = false;
	mb->watching = mb->overtaken = false;
	mb->slot_number = 0;
	mb->heard_new = mb->heard_cur = 0;
}

enum mailbox_status
mailbox_reload(struct mailbox *mb)
{
	struct mailbox old = *mb;
	enum mailbox_status status = check_list(mb);
	bool overtaken = mb->overtaken || mb->relog;
	int i;

	if (status == MAILBOX_EXISTS) {
		log_warn("mailbox-uidlist", "damaged=header");
		mb->list.damaged = true;
		mb->overtaken = false;
		return MAILBOX_OK;
	}
	if (status != MAILBOX_OK)
		return status;
	/* The arrays live on: old only lends its records. */
	for (i = 0; i < RELOADS; i++) {
		forget(mb, i > 0);
		if ((status = load_first(mb)) != MAILBOX_OK ||
		    (status = mailbox_load_tails(mb)) != MAILBOX_RESET)
			break;
	}
	mb->relog = overtaken && mb->cold;
	if (status == MAILBOX_OK)
		status = restore_view(mb, &old);
	if (mb->list.next < old.list.next)
		mb->list.next = old.list.next;
	if (mb->modseq < old.modseq)
		mb->modseq = old.modseq;
	uidlist_free(&old.list);
	journal_close(&old.journal);
	mailbox_state_free(&old.state);
	/* A view without its records is of no use. */
	return status == MAILBOX_OK ? status : MAILBOX_RESET;
}

/* ---- all of it ---- */

enum mailbox_status
mailbox_load(struct mailbox *mb)
{
	enum mailbox_status status;
	bool first = !mb->loaded;

	if (first) {
		if ((status = load_first(mb)) != MAILBOX_OK)
			return status == MAILBOX_NONE ? MAILBOX_TEMPORARY :
			    status;
		if (show_all(mb) == -1)
			return MAILBOX_TEMPORARY;
		mb->loaded = true;
	}
	if ((status = mailbox_load_tails(mb)) == MAILBOX_RESET)
		status = mailbox_reload(mb);
	if (status == MAILBOX_OK && first && show_recent(mb) == -1)
		status = MAILBOX_TEMPORARY;
	return status == MAILBOX_NONE ? MAILBOX_TEMPORARY : status;
}

enum mailbox_status
mailbox_load_locked(struct mailbox *mb)
{
	enum mailbox_status status = mailbox_load(mb);

	if (status != MAILBOX_OK || mb->list.validity != 0)
		return status;
	if ((mb->list.validity = mailbox_new_uidvalidity(mb->root)) == 0)
		return MAILBOX_TEMPORARY;
	mb->list.damaged = true;
	return MAILBOX_OK;
}

/* The known letters are others now: who has one of those that changed may
 * look otherwise than it was told. */
void
mailbox_reflag(struct mailbox *mb)
{
	mailbox_flags known = MAILBOX_SYSTEM_FLAGS, changed;
	struct mailbox_rec r;
	uint32_t i;
	int c;

	for (c = 0; c < MAILBOX_KEYWORDS_MAX; c++)
		if (keywords_name(&mb->keywords, c) != NULL)
			known |= MAILBOX_KEYWORD(c);
	changed = known ^ mb->known;
	mb->new_keywords = true;
	for (i = 0; changed != 0 && i < mailbox_places(mb); i++) {
		if (mailbox_has_own(mb, i) == NULL &&
		    (mb->state.index.v[i].flags & changed) == 0)
			continue;
		mailbox_rec(mb, i, &r);
		if (!r.gone)
			(void)mailbox_touch(mb, i);
	}
	mb->known = known;
}
