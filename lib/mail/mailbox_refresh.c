/* SPDX-License-Identifier: ISC
 *
 * Bringing a session's view up to date: what is new gets a UID and a place at
 * the end, and what changed is put into words.  No UID leaves here that is
 * not on disk.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mail/mailbox_local.h"
#include "system/log.h"

static uint32_t
last_uid(const struct mailbox *mb)
{
	return mb->nview == 0 ? 0 : mb->list.v[mb->view[mb->nview - 1]].uid;
}

/*
 * A file that has a UID below one the session was told already (its file was
 * not to be seen until now): it cannot get a place in the middle.
 */
static bool
is_late(const struct mailbox *mb, const struct uidlist_rec *rec)
{
	return !rec->visible && rec->uid <= last_uid(mb);
}

static const char *sort_names;

static int
compare_unknown(const void *a, const void *b)
{
	const struct mailbox_unknown *x = a, *y = b;
	int r = mailbox_file_compare(sort_names + x->name,
	    sort_names + y->name);

	if (r != 0)
		return r;
	return x->name < y->name ? -1 : x->name > y->name;
}

static enum mailbox_status
give_uid(struct mailbox *mb, const struct mailbox_unknown *u)
{
	const char *base = mb->names + u->name, *name;
	struct uidlist_rec *rec = uidlist_find(&mb->list, base, strlen(base));

	if (rec == NULL || rec->gone || is_late(mb, rec)) {
		name = uidlist_string(&mb->list, base, strlen(base));
		if (name == NULL)
			return MAILBOX_TEMPORARY;
		/* A line with the old UID must not stay beside the new. */
		if (rec != NULL)
			mb->list.damaged = true;
		if ((rec = uidlist_add(&mb->list, name, "")) == NULL)
			return mb->list.next > UIDLIST_UID_MAX ?
			    MAILBOX_LIMIT : MAILBOX_TEMPORARY;
	} else if (rec->listing == mb->listing &&
	    rec->where == UIDLIST_CUR) {
		rec->recent |= u->recent;
		return MAILBOX_OK;
	}
	rec->listing = mb->listing;
	rec->where = u->where;
	rec->info = u->info;
	rec->flags = mailbox_file_flags(u->info) & mb->known;
	rec->recent |= u->recent;
	return MAILBOX_OK;
}

/* Files that were seen, but whose record cannot be shown. */
static enum mailbox_status
find_late(struct mailbox *mb)
{
	char name[MAILBOX_FILE_MAX + 1];
	struct uidlist_rec *rec;
	enum mailbox_status status;
	unsigned char where;
	size_t i;
	bool recent;

	for (i = 0; i < mb->list.n; i++) {
		rec = &mb->list.v[i];
		if (rec->gone || rec->superseded || !is_late(mb, rec) ||
		    rec->listing != mb->listing)
			continue;
		if (mailbox_rec_file(mb, rec, name) == -1)
			continue;
		where = rec->where;
		recent = rec->recent;
		rec->gone = true;
		status = mailbox_note(mb, name, where, recent);
		if (status != MAILBOX_OK)
			return status;
	}
	return MAILBOX_OK;
}

static enum mailbox_status
give_uids(struct mailbox *mb)
{
	enum mailbox_status status;
	struct mailbox_lock lock;
	size_t i;

	status = mailbox_lock_list(mb, &lock);
	if (status != MAILBOX_OK)
		return status;
	if ((status = mailbox_load_locked(mb)) != MAILBOX_OK)
		goto out;
	sort_names = mb->names;
	if (mb->nunknown > 0)
		qsort(mb->unknown, mb->nunknown, sizeof(*mb->unknown),
		    compare_unknown);
	for (i = 0; i < mb->nunknown && status == MAILBOX_OK; i++)
		status = give_uid(mb, &mb->unknown[i]);
	if ((mb->list.written < mb->list.n || mb->list.damaged) &&
	    uidlist_write(&mb->list, mb->dir, mb->root->file_mode) == -1)
		status = mailbox_errno("uidlist");
	mb->nunknown = 0;
out:
	mailbox_unlock(&lock);
	return status;
}

/* New messages that have a UID on disk take their places. */
static int
extend_view(struct mailbox *mb)
{
	struct uidlist_rec *rec;
	uint32_t last = last_uid(mb);
	size_t i;

	if (mailbox_grow(&mb->view, &mb->view_cap, mb->list.n,
	    sizeof(*mb->view)) == -1)
		return -1;
	for (i = uidlist_at(&mb->list, last + 1); i < mb->list.written; i++) {
		rec = &mb->list.v[i];
		if (rec->visible || rec->gone || rec->superseded ||
		    rec->listing != mb->listing)
			continue;
		rec->visible = true;
		rec->told = rec->flags;
		mb->view[mb->nview++] = (uint32_t)i;
	}
	return 0;
}

static enum mailbox_status
update(struct mailbox *mb)
{
	enum mailbox_status status, later = MAILBOX_OK;
	bool move_new = (mb->flags & (MAILBOX_KEEP_NEW | MAILBOX_READONLY)) ==
	    0;

	if ((status = mailbox_load(mb)) != MAILBOX_OK ||
	    (status = mailbox_scan(mb, move_new)) != MAILBOX_OK ||
	    (status = find_late(mb)) != MAILBOX_OK)
		return status;
	if (mb->list.validity == 0 || ((mb->nunknown > 0 ||
	    mb->list.damaged) && (mb->root->flags & MAILBOX_READONLY) == 0)) {
		later = give_uids(mb);
		if (later == MAILBOX_RESET || later == MAILBOX_TEMPORARY)
			return later;
		if (later != MAILBOX_OK)
			mb->stamp_cur.clean = false;
	}
	return extend_view(mb) == -1 ? MAILBOX_TEMPORARY : later;
}

/* Take what is gone out of the view: numbers from the end, each right when
 * it is told. */
static int
diff_expunged(struct mailbox *mb, struct mailbox_diff *diff)
{
	size_t i, n = 0, kept = 0;

	for (i = 0; i < mb->nview; i++)
		n += mb->list.v[mb->view[i]].gone;
	if (mailbox_grow(&mb->expunged, &mb->expunged_cap, n,
	    sizeof(*mb->expunged)) == -1)
		return -1;
	diff->expunged = mb->expunged;
	diff->nexpunged = n;
	for (i = 0; i < mb->nview; i++) {
		if (mb->list.v[mb->view[i]].gone) {
			mb->expunged[--n] = (uint32_t)i + 1;
			mb->list.v[mb->view[i]].visible = false;
		} else {
			mb->view[kept++] = mb->view[i];
		}
	}
	mb->nview = kept;
	return 0;
}

static int
diff_changed(struct mailbox *mb, struct mailbox_diff *diff)
{
	struct uidlist_rec *rec;
	uint32_t seq;
	size_t n = 0;

	for (seq = 1; seq <= mb->nview; seq++) {
		rec = mailbox_rec(mb, seq);
		n += rec->flags != rec->told && !rec->gone;
	}
	if (mailbox_grow(&mb->changed, &mb->changed_cap, n,
	    sizeof(*mb->changed)) == -1)
		return -1;
	diff->changed = mb->changed;
	for (seq = 1; seq <= mb->nview; seq++) {
		rec = mailbox_rec(mb, seq);
		if (rec->flags == rec->told || rec->gone)
			continue;
		rec->told = rec->flags;
		mb->changed[diff->nchanged++] = seq;
	}
	return 0;
}

static int
make_diff(struct mailbox *mb, unsigned flags, struct mailbox_diff *diff,
    size_t before)
{
	uint32_t seq, recent = 0;

	diff->exists = mb->nview > before;
	if (((flags & MAILBOX_NO_EXPUNGE) == 0 &&
	    diff_expunged(mb, diff) == -1) || diff_changed(mb, diff) == -1)
		return -1;
	for (seq = 1; seq <= mb->nview; seq++)
		recent += mailbox_rec(mb, seq)->recent;
	diff->recent = recent != mb->recent;
	mb->recent = recent;
	diff->keywords = mb->new_keywords;
	mb->new_keywords = false;
	mb->untold = (flags & MAILBOX_NO_EXPUNGE) != 0;
	return 0;
}

enum mailbox_status
mailbox_refresh(struct mailbox *mb, unsigned flags, struct mailbox_diff *diff)
{
	enum mailbox_status status = MAILBOX_OK;
	struct mailbox_diff unwanted;
	size_t before = mb->nview;
	bool first = mb->listing == 0;

	if (diff == NULL)
		diff = &unwanted;
	memset(diff, 0, sizeof(*diff));
	mailbox_take_events(mb);
	if (keywords_read(&mb->keywords, mb->dir) == 1)
		mailbox_reflag(mb);
	if ((flags & MAILBOX_RELIST) || !mailbox_unchanged(mb)) {
		status = update(mb);
		if (status == MAILBOX_NONE)
			status = MAILBOX_RESET;
		if (status == MAILBOX_RESET || status == MAILBOX_TEMPORARY)
			return status;
	}
	if (mb->untold && make_diff(mb, flags, diff, before) == -1)
		return MAILBOX_TEMPORARY;
	if (first)
		diff->exists = true;
	return status;
}
