/* SPDX-License-Identifier: ISC
 *
 * The messages of a mailbox that is an mbox: what its store knows becomes the
 * session's records, and the session's changes the store's.  Messages are
 * named by UID: their place in the file may be another by now.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/mailbox_file.h"
#include "mail/mailbox_mbox.h"

/* ---- the records ---- */

static void
take_keywords(struct mailbox *mb)
{
	mailbox_flags known = MAILBOX_SYSTEM_FLAGS;
	int i;

	for (i = 0; mbox_store_keyword_name(mb->mbox, i) != NULL; i++)
		known |= MAILBOX_KEYWORD(i);
	if (known != mb->known)
		mb->new_keywords = true;
	mb->known = known;
}

static int
add_record(struct mailbox *mb, const struct mbox_item *item)
{
	struct mailbox_owns *added = &mb->state.added;
	struct mailbox_own *o;

	if (mailbox_grow(&added->v, &added->cap, added->n + 1,
	    sizeof(*added->v)) == -1)
		return -1;
	o = &added->v[added->n];
	memset(o, 0, sizeof(*o));
	o->uid = item->uid;
	o->base = o->info = o->ext = "";
	o->flags = item->flags;
	o->size = item->size;
	o->modseq = mb->modseq;
	o->recent = item->recent;
	o->where = WHERE_CUR;
	return mailbox_touch(mb, (uint32_t)added->n++);
}

/* The record of a message that is there. */
static int
update_record(struct mailbox *mb, uint32_t place, const struct mbox_item *item)
{
	struct mailbox_own *o = mailbox_has_own(mb, place);

	/* What was told to be gone cannot get its number back. */
	if (o->gone && !o->visible)
		return 0;
	if (!o->gone && o->flags == item->flags)
		return 0;
	o->gone = false;
	o->flags = item->flags;
	o->size = item->size;
	o->modseq = mb->modseq;
	return mailbox_touch(mb, place);
}

static int
lose_record(struct mailbox *mb, uint32_t place)
{
	struct mailbox_own *o = mailbox_has_own(mb, place);

	if (o->gone)
		return 0;
	o->gone = true;
	return mailbox_touch(mb, place);
}

/*
 * Both are sorted by UID.  NOTE: a message that comes again with a UID below
 * the greatest (another program put it back) is not shown to this session.
 */
int
mailbox_mbox_merge(struct mailbox *mb)
{
	size_t n = mbox_store_count(mb->mbox), nknown = mb->state.added.n;
	uint32_t last = nknown == 0 ? 0 : mb->state.added.v[nknown - 1].uid;
	struct mbox_item item = { 0 };
	size_t i, k = 0;

	if (mb->mbox_known == mbox_store_generation(mb->mbox))
		return 0;
	take_keywords(mb);
	mb->list.validity = mbox_store_uidvalidity(mb->mbox);
	mb->list.next = mbox_store_uidnext(mb->mbox);
	mb->modseq++;
	for (i = 0; i < n; i++) {
		mbox_store_item(mb->mbox, i, &item);
		for (; k < nknown && mb->state.added.v[k].uid < item.uid; k++)
			if (lose_record(mb, (uint32_t)k) == -1)
				return -1;
		if (k < nknown && mb->state.added.v[k].uid == item.uid) {
			if (update_record(mb, (uint32_t)k++, &item) == -1)
				return -1;
		} else if (item.uid > last && add_record(mb, &item) == -1)
			return -1;
	}
	for (; k < nknown; k++)
		if (lose_record(mb, (uint32_t)k) == -1)
			return -1;
	mb->mbox_known = mbox_store_generation(mb->mbox);
	return 0;
}

/* ---- messages ---- */

/* The UID of a message in the view, 0: it is gone. */
static uint32_t
uid_of(const struct mailbox *mb, uint32_t seq)
{
	const struct mailbox_own *o = mailbox_has_own(mb, mb->view[seq - 1]);

	return o->gone ? 0 : o->uid;
}

/* The store's records may be newer: these become ours. */
static enum mailbox_status
done(struct mailbox *mb, enum mailbox_status status)
{
	/* Without a file, or after a failure, there may be none. */
	if (status != MAILBOX_OK && status != MAILBOX_FULL &&
	    status != MAILBOX_NO_RIGHT)
		return status == MAILBOX_BAD_NAME ? MAILBOX_TEMPORARY : status;
	return mailbox_mbox_merge(mb) == -1 ? MAILBOX_TEMPORARY : status;
}

enum mailbox_status
mailbox_mbox_message(struct mailbox *mb, uint32_t seq, struct message **m)
{
	uint32_t uid = uid_of(mb, seq);
	enum mailbox_status status;

	*m = NULL;
	if (uid == 0)
		return MAILBOX_NONE;
	status = mbox_store_message(mb->mbox, uid, m);
	if (status == MAILBOX_NONE &&
	    lose_record(mb, mb->view[seq - 1]) == -1)
		return MAILBOX_TEMPORARY;
	return status == MAILBOX_BAD_NAME ? MAILBOX_TEMPORARY : status;
}

enum mailbox_status
mailbox_mbox_date(struct mailbox *mb, uint32_t seq, time_t *date)
{
	uint32_t uid = uid_of(mb, seq);
	struct mbox_item item;
	size_t i;

	if (uid == 0 || (i = mbox_store_find(mb->mbox, uid)) == (size_t)-1)
		return MAILBOX_NONE;
	mbox_store_item(mb->mbox, i, &item);
	*date = item.date;
	return MAILBOX_OK;
}

/* The UIDs of those that are not known to be gone: how many. */
static size_t
uids_of(const struct mailbox *mb, const uint32_t *seqs, size_t n,
    uint32_t *uids)
{
	size_t i, k = 0;

	for (i = 0; i < n; i++)
		if ((uids[k] = uid_of(mb, seqs[i])) != 0)
			k++;
	return k;
}

enum mailbox_status
mailbox_mbox_flags(struct mailbox *mb, const uint32_t *seqs, size_t n,
    enum mailbox_change change, mailbox_flags flags)
{
	uint32_t *uids = reallocarray(NULL, n, sizeof(*uids));
	enum mailbox_status status;
	struct mailbox_own *o;
	size_t i;

	if (uids == NULL)
		return MAILBOX_TEMPORARY;
	flags &= mb->known;
	status = mbox_store_flags(mb->mbox, uids, uids_of(mb, seqs, n, uids),
	    change, flags);
	free(uids);
	/* The session knows it; what others changed at the same time is told
	 * later. */
	for (i = 0; i < n && status == MAILBOX_OK; i++) {
		o = mailbox_has_own(mb, mb->view[seqs[i] - 1]);
		o->told = mailbox_file_change(o->told, change, flags);
	}
	return done(mb, status);
}

enum mailbox_status
mailbox_mbox_expunge(struct mailbox *mb, const uint32_t *seqs, size_t n,
    bool only_deleted)
{
	uint32_t *uids = reallocarray(NULL, n, sizeof(*uids));
	enum mailbox_status status;

	if (uids == NULL)
		return MAILBOX_TEMPORARY;
	status = mbox_store_remove(mb->mbox, uids, uids_of(mb, seqs, n, uids),
	    only_deleted);
	free(uids);
	return done(mb, status);
}

/* ---- new messages ---- */

static int
copy_octets(void *arg, const char *p, size_t n)
{
	return mbox_save_write(arg, p, n) == MAILBOX_OK ? 0 : 1;
}

enum mailbox_status
mailbox_mbox_copy(struct mbox_save *save, struct mailbox *from, uint32_t seq,
    mailbox_flags flags)
{
	enum mailbox_status status;
	struct message *m = NULL;
	time_t date = 0;

	status = mailbox_mbox_message(from, seq, &m);
	if (status == MAILBOX_OK)
		status = mailbox_mbox_date(from, seq, &date);
	if (status == MAILBOX_OK)
		status = mbox_save_start(save, flags, date);
	/* A write that failed is known to finish. */
	if (status == MAILBOX_OK)
		status = message_stream(m, 0, UINT64_MAX, copy_octets, save)
		    == -1 ? mailbox_errno("read") : mbox_save_finish(save);
	message_close(m);
	return status;
}

enum mailbox_status
mailbox_mbox_commit(struct mailbox *mb, struct mbox_save *save,
    uint32_t *first)
{
	enum mailbox_status status = mbox_save_commit(save, first);

	return done(mb, status);
}
