/* SPDX-License-Identifier: ISC
 *
 * When a mailbox's index is made anew, and its journal with it when that grew
 * too much.  It must never hold what is not in the UID list, nor stamps of
 * folders in which anything could have changed unseen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mail/mailbox_local.h"
#include "system/log.h"

#define BEHIND_MIN	64	/* records beside the index before another */
#define BEHIND_PART	32	/* and this part of all */
#define JOURNAL_EACH	64	/* octets of the journal for a message */

off_t mailbox_journal_min = 65536;

/* ---- stamps ---- */

static void
set_stamp(struct mailbox_stamp *stamp, int64_t sec, uint32_t nsec)
{
	stamp->mtime.tv_sec = (time_t)sec;
	stamp->mtime.tv_nsec = (long)nsec;
	stamp->known = stamp->clean = true;
}

void
mailbox_slot_read(struct mailbox *mb)
{
	struct index_slot slot;

	index_slot(&mb->state.index, &slot);
	if (slot.number <= mb->slot_number || mb->journal.fd == -1 ||
	    slot.journal != mb->journal.id ||
	    slot.at > (uint64_t)mb->journal.end)
		return;
	mb->slot_number = slot.number;
	if (slot.synced && mb->journal.synced < (off_t)slot.at)
		mb->journal.synced = (off_t)slot.at;
	if (slot.at >= (uint64_t)mb->heard_new)
		set_stamp(&mb->stamp_new, slot.new_sec, slot.new_nsec);
	if (slot.at >= (uint64_t)mb->heard_cur)
		set_stamp(&mb->stamp_cur, slot.cur_sec, slot.cur_nsec);
}

static bool
fill_slot(const struct mailbox *mb, struct index_slot *slot)
{
	const struct mailbox_stamp *n = &mb->stamp_new, *c = &mb->stamp_cur;

	memset(slot, 0, sizeof(*slot));
	if (!n->known || !n->clean || !c->known || !c->clean || mb->unlogged ||
	    mb->nnowhere > 0 || mb->nunknown > 0 || mb->nfound > 0 ||
	    mb->journal.fd == -1)
		return false;
	slot->journal = mb->journal.id;
	slot->at = (uint64_t)mb->journal.end;
	slot->synced = mb->journal.synced >= mb->journal.end;
	slot->new_sec = n->mtime.tv_sec;
	slot->new_nsec = (uint32_t)n->mtime.tv_nsec;
	slot->cur_sec = c->mtime.tv_sec;
	slot->cur_nsec = (uint32_t)c->mtime.tv_nsec;
	return true;
}

void
mailbox_slot_write(struct mailbox *mb)
{
	struct index_slot slot, old;

	if (mb->state.index.map == NULL || mb->unindexed ||
	    (mb->root->flags & MAILBOX_READONLY) || !fill_slot(mb, &slot))
		return;
	index_slot(&mb->state.index, &old);
	if (old.journal == slot.journal && old.new_sec == slot.new_sec &&
	    old.new_nsec == slot.new_nsec && old.cur_sec == slot.cur_sec &&
	    old.cur_nsec == slot.cur_nsec && old.at <= slot.at &&
	    old.synced >= slot.synced)
		return;
	if (index_slot_write(&mb->state.index, mb->dir, &slot) == 0)
		mb->slot_number = old.number + 1;
}

/* ---- a shorter journal ---- */

struct shorter {
	struct buf	 buf;
	uint64_t	 id, floor;
	bool		 failed;
};

/* Expunged UIDs that a client may still ask for. */
static int
keep_gone(void *arg, const struct journal_rec *r)
{
	struct shorter *s = arg;

	if (r->type == JOURNAL_GONE && r->modseq > s->floor &&
	    journal_encode(&s->buf, s->id, r) == -1)
		s->failed = true;
	return s->failed;
}

static void
keep_messages(struct mailbox *mb, struct shorter *s)
{
	uint32_t i, places = mailbox_places(mb);
	const struct mailbox_own *o;
	struct journal_rec r;
	struct mailbox_rec m;
	mailbox_flags raw;

	for (i = 0; i < places && !s->failed; i++) {
		mailbox_rec(mb, i, &m);
		o = mailbox_has_own(mb, i);
		raw = o != NULL ? o->flags : mb->state.index.v[i].flags;
		raw &= ~MAILBOX_FILE_FLAGS;
		if (m.gone || (m.modseq <= s->floor && raw == 0 &&
		    m.saved == 0))
			continue;
		memset(&r, 0, sizeof(r));
		r.type = JOURNAL_STATE;
		r.uid = m.uid;
		r.saved = m.saved;
		r.modseq = m.modseq;
		r.keywords = raw;
		r.where = m.where;
		r.text = m.info;
		s->failed = journal_encode(&s->buf, s->id, &r) == -1;
	}
}

static void
keep_keywords(const struct mailbox *mb, struct shorter *s)
{
	struct journal_rec r = { .type = JOURNAL_KEYWORD };
	int i;

	for (i = KEYWORDS_LETTERS; i < MAILBOX_KEYWORDS_MAX; i++) {
		r.uid = (uint32_t)i;
		if ((r.text = keywords_name(&mb->keywords, i)) != NULL &&
		    journal_encode(&s->buf, s->id, &r) == -1)
			s->failed = true;
	}
}

/*
 * With the journal's lock held and all of it read.  What changed before the
 * last time the journal was made is forgotten: those messages have the
 * modification sequence that was the highest then.
 */
static void
shorten(struct mailbox *mb)
{
	struct journal *j = &mb->journal;
	off_t size = j->end, most = mailbox_journal_min +
	    (off_t)JOURNAL_EACH * mailbox_places(mb);
	struct shorter s = { .id = journal_new_id(), .floor = j->top };

	if (size <= most || size - (off_t)j->live < most / 2)
		return;
	if (s.floor < j->floor)
		s.floor = j->floor;
	buf_init(&s.buf, (size_t)size + 4096);
	keep_keywords(mb, &s);
	keep_messages(mb, &s);
	j->end = JOURNAL_START;
	if (journal_read(j, mb->dir, size, keep_gone, &s) != JOURNAL_READ)
		s.failed = true;
	j->end = size;
	if (s.failed || journal_replace(j, mb->dir, mb->root->file_mode,
	    mb->list.validity, s.id, s.floor, mb->modseq, &s.buf) == -1)
		log_warn("mailbox-journal", "error=\"not made shorter\"");
	buf_free(&s.buf);
}

/* ---- another index ---- */

static bool
is_behind(const struct mailbox *mb)
{
	const struct index *ix = &mb->state.index;
	size_t beside = mb->state.changed.n + mb->state.added.n;

	if (mb->cold || mb->unindexed || ix->map == NULL ||
	    ix->mark.journal != mb->journal.id ||
	    ix->mark.list.ino != (uint64_t)mb->list.ino)
		return true;
	/* A few messages may have changed very often. */
	if (mb->journal.end - (off_t)ix->mark.at > mailbox_journal_min +
	    (off_t)ix->n / BEHIND_PART * JOURNAL_EACH)
		return true;
	return beside > BEHIND_MIN + ix->n / BEHIND_PART;
}

bool
mailbox_index_pending(const struct mailbox *mb)
{
	return mb->index_later && is_behind(mb);
}

void
mailbox_index_make(struct mailbox *mb)
{
	if (mb->index_later)
		mailbox_index_update(mb, true);
	mb->index_later = false;
}

static void
put_record(struct index_writer *w, const struct mailbox *mb, uint32_t place,
    const struct mailbox_rec *m)
{
	const struct mailbox_own *o = mailbox_has_own(mb, place);
	struct index_rec r = { .uid = m->uid, .modseq = m->modseq,
	    .size = m->size, .base_len = m->base_len, .where = m->where,
	    .bits = m->bits, .saved = m->saved };

	(void)mailbox_size_hint(m, &r.size);
	r.flags = o != NULL ? o->flags : mb->state.index.v[place].flags;
	index_put(w, &r, m->base, m->info, m->ext);
}

/* The names of keywords without a letter stand behind every index's mark: who
 * begins there needs them. */
static int
repeat_keywords(struct mailbox *mb)
{
	struct shorter s = { .id = mb->journal.id };
	int r = 0;

	buf_init(&s.buf, MAILBOX_KEYWORDS_MAX * 512);
	keep_keywords(mb, &s);
	if (s.failed)
		r = -1;
	else if (s.buf.len > 0)
		r = journal_append(&mb->journal, &s.buf);
	buf_free(&s.buf);
	return r;
}

/* With the journal's lock held, and all that others wrote read. */
static int
write_index(struct mailbox *mb)
{
	struct index_mark mark = { .journal = mb->journal.id,
	    .at = (uint64_t)mb->journal.end, .modseq = mb->modseq,
	    .validity = mb->list.validity, .nnew = mb->nnew };
	uint32_t i, n = 0, places = mailbox_places(mb);
	struct index_slot slot;
	struct index_writer w;
	struct mailbox_rec m;
	size_t strings = 0;

	/* A mark beyond what a power cut leaves of the journal would be met
	 * again by what is written there later. */
	if (repeat_keywords(mb) == -1 || journal_sync(&mb->journal) == -1 ||
	    uidlist_mark(&mb->list, &mark.list) == -1)
		return -1;
	for (i = 0; i < places; i++) {
		mailbox_rec(mb, i, &m);
		if (m.gone || m.where == WHERE_NOWHERE)
			continue;
		n++;
		strings += m.base_len + strlen(m.info) + strlen(m.ext) + 2;
	}
	if (index_begin(&w, n, strings) == -1)
		return -1;
	for (i = 0; i < places; i++) {
		mailbox_rec(mb, i, &m);
		if (!m.gone && m.where != WHERE_NOWHERE)
			put_record(&w, mb, i, &m);
	}
	(void)fill_slot(mb, &slot);
	return index_end(&w, mb->dir, mb->root->file_mode, &mark, &slot);
}

void
mailbox_index_update(struct mailbox *mb, bool take)
{
	struct mailbox_stamp stamp_new, stamp_cur;
	uint64_t id = mb->journal.id;
	bool watching = mb->watching;
	int r;

	if ((mb->root->flags & MAILBOX_READONLY) || mb->list.validity == 0 ||
	    mb->list.damaged || mb->list.courier || mb->nnowhere > 0 ||
	    mb->nunknown > 0 || mb->npending > 0 || mb->journal.fd == -1 ||
	    !is_behind(mb) ||
	    journal_lock(&mb->journal, mb->dir) == -1)
		return;
	if (mailbox_load_tails(mb) != MAILBOX_OK || mb->nnowhere > 0 ||
	    mb->npending > 0 || mb->journal.id != id) {
		journal_unlock(&mb->journal);
		return;
	}
	shorten(mb);
	r = write_index(mb);
	journal_unlock(&mb->journal);
	if (r == -1) {
		log_once("mailbox-index", "error=%s", log_str(strerror(errno)));
		return;
	}
	mb->cold = mb->unindexed = mb->unlogged = false;
	if (!take)
		return;
	stamp_new = mb->stamp_new;
	stamp_cur = mb->stamp_cur;
	if (mailbox_reload(mb) != MAILBOX_OK)
		return;
	/* What was known of the folders is so still, but for what was read
	 * beyond the index. */
	if (mb->heard_new == 0)
		mb->stamp_new = stamp_new;
	if (mb->heard_cur == 0)
		mb->stamp_cur = stamp_cur;
	mb->watching = watching;
	mailbox_slot_read(mb);
}
