/* SPDX-License-Identifier: ISC
 *
 * What was found in the folders becomes known to all: new messages get UIDs, on
 * disk before anyone is told, and what changed gets a modification sequence
 * and a record in the journal.  The order of locks is the UID list's, then the
 * journal's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mail/mailbox_local.h"
#include "system/log.h"

#define LOG_BLOCK	(1u << 20)	/* octets of records held back */
#define LOG_TRIES	4
#define UNWANTED_MIN	64	/* lines, before a list is written anew */

/* ---- the list ---- */

enum mailbox_status
mailbox_lock_list(struct mailbox *mb, struct mailbox_lock *lock)
{
	enum mailbox_status status;

	if (mb->root->flags & MAILBOX_READONLY)
		return MAILBOX_NO_RIGHT;
	status = mb->hasty ? mailbox_lock_now(lock, mb->dir, UIDLIST_FILE,
	    mb->root->file_mode) : mailbox_lock(lock, mb->dir, UIDLIST_FILE,
	    mb->root->file_mode);
	return status == MAILBOX_NONE ? MAILBOX_RESET : status;
}

bool
mailbox_list_whole(const struct mailbox *mb)
{
	uint32_t i, places = mailbox_places(mb), live = 0;
	struct mailbox_rec r;

	if (mb->list.damaged || mb->list.fd == -1 || mb->list.ino == 0)
		return true;
	if (mb->list.lines < UNWANTED_MIN)
		return false;
	for (i = 0; i < places; i++) {
		mailbox_rec(mb, i, &r);
		live += !r.gone;
	}
	return mb->list.lines > live + UNWANTED_MIN &&
	    mb->list.lines - live > live / 4;
}

void
mailbox_list_begin(struct mailbox *mb, struct uidlist_writer *w)
{
	bool whole = mailbox_list_whole(mb);
	uint32_t i, places = mailbox_places(mb);
	struct mailbox_rec r;

	uidlist_begin(&mb->list, w, mb->dir, mb->root->file_mode, whole);
	for (i = 0; whole && i < places; i++) {
		mailbox_rec(mb, i, &r);
		if (!r.gone && r.base_len > 0)
			uidlist_put(w, r.uid, r.ext, r.base, r.base_len);
	}
}

/* ---- the journal ---- */

uint64_t
mailbox_next_modseq(const struct mailbox *mb)
{
	uint64_t now, last = mb->modseq < mb->journal.floor ?
	    mb->journal.floor : mb->modseq;
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	now = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
	return now > last ? now : last + 1;
}

bool
mailbox_log_begin(struct mailbox *mb, struct mailbox_log *log)
{
	uint64_t id;
	int i;

	buf_init(&log->buf, LOG_BLOCK + 4096);
	log->open = log->reset = false;
	for (i = 0; i < LOG_TRIES && !log->open && !log->reset &&
	    mb->journal.fd != -1 && (mb->root->flags & MAILBOX_READONLY) == 0;
	    i++) {
		if (journal_lock(&mb->journal, mb->dir) == 0)
			log->open = true;
		else if (errno != ESTALE) {
			/* EBADF: it may only be read, and was opened so. */
			if (errno != EBADF)
				(void)mailbox_errno("journal");
			break;
		}
		id = mb->journal.id;
		log->reset = mailbox_load_tails(mb) != MAILBOX_OK;
		/* Another one took its place while we waited. */
		if (log->open && (log->reset || mb->journal.id != id)) {
			journal_unlock(&mb->journal);
			log->open = false;
		}
	}
	/* The mailbox's only when it is put: one that no other session can
	 * find may not be told. */
	log->modseq = mailbox_next_modseq(mb);
	/* What is loaded anew is listed, and found and logged then. */
	if (!log->open && !log->reset)
		mb->unlogged = true;
	if (log->reset)
		mailbox_distrust(mb);
	return log->open;
}

static void
log_flush(struct mailbox *mb, struct mailbox_log *log)
{
	if (!log->open)
		return;
	if (buf_failed(&log->buf) ||
	    journal_append(&mb->journal, &log->buf) == -1) {
		(void)mailbox_errno("journal");
		mb->unlogged = true;
		journal_unlock(&mb->journal);
		log->open = false;
	}
	buf_reset(&log->buf);
}

bool
mailbox_log_put(struct mailbox *mb, struct mailbox_log *log,
    const struct journal_rec *r)
{
	/* Nothing is written that is to be found and logged anew, and so
	 * nothing told: the next number may be a lesser one. */
	if (!log->reset && mb->modseq < r->modseq)
		mb->modseq = r->modseq;
	if (log->open && log->buf.len >= LOG_BLOCK)
		log_flush(mb, log);
	return log->open && journal_encode(&log->buf, mb->journal.id, r) == 0;
}

static void
log_record(struct mailbox *mb, struct mailbox_log *log, uint32_t place,
    uint64_t modseq, bool done)
{
	struct mailbox_own *o = mailbox_own(mb, place);
	struct journal_rec r = { .modseq = modseq, .done = done };

	if (o == NULL) {
		mb->unlogged = true;
		return;
	}
	if (!log->reset)
		o->modseq = modseq;
	r.type = o->gone ? JOURNAL_GONE : JOURNAL_STATE;
	r.uid = o->uid;
	r.saved = o->saved;
	r.keywords = o->flags & ~MAILBOX_FILE_FLAGS;
	r.where = o->where;
	r.text = o->gone ? "" : o->info;
	(void)mailbox_log_put(mb, log, &r);
}

void
mailbox_log_state(struct mailbox *mb, struct mailbox_log *log, uint32_t place)
{
	log_record(mb, log, place, log->modseq, false);
}

void
mailbox_log_done(struct mailbox *mb, struct mailbox_log *log, uint32_t place,
    uint64_t modseq)
{
	log_record(mb, log, place, modseq, true);
}

bool
mailbox_log_end(struct mailbox *mb, struct mailbox_log *log)
{
	bool good;

	if (log->buf.len > 0)
		log_flush(mb, log);
	if ((good = log->open))
		journal_unlock(&mb->journal);
	log->open = false;
	buf_free(&log->buf);
	return good;
}

/* ---- what is known already ---- */

/* What a cold start finds is in the index that it makes, and has the floor. */
static void
log_found(struct mailbox *mb, struct mailbox_log *log, uint32_t place)
{
	const struct mailbox_own *o = mailbox_has_own(mb, place);

	if (!mb->cold || o->gone)
		mailbox_log_state(mb, log, place);
}

/* One record as it was found.  False: no memory. */
static bool
apply_found(struct mailbox *mb, const struct mailbox_found *f,
    struct mailbox_log *log)
{
	struct mailbox_own *o = mailbox_own(mb, f->place);

	if (o == NULL)
		return false;
	if (o->gone) {
		if (f->where == WHERE_NOWHERE)
			log_found(mb, log, f->place);
		return true;
	}
	if (f->recent && !o->recent) {
		o->recent = true;
		if (o->visible)
			mb->recent++;
	}
	if (o->tail > mb->scan_tail) {
		/* Another session told of it meanwhile, ... */
		if (o->where == f->where && o->info == f->info)
			return true;
		/* ... and otherwise than we saw it: look again. */
		mb->skipped = true;
		mailbox_distrust(mb);
		return true;
	}
	if (f->where == WHERE_NOWHERE ? mailbox_lost(mb, f->place) == -1 :
	    o->where == f->where && o->info == f->info ? false :
	    mailbox_moved(mb, f->place, f->where, f->info) == -1)
		return false;
	log_found(mb, log, f->place);
	return true;
}

static enum mailbox_status
apply_all(struct mailbox *mb, struct mailbox_log *log)
{
	size_t i;

	for (i = 0; i < mb->nfound; i++)
		if (!apply_found(mb, &mb->found[i], log))
			return MAILBOX_TEMPORARY;
	mb->nfound = 0;
	return MAILBOX_OK;
}

/* ---- new messages ---- */

static const char *sort_names;

static int
compare_unknown(const void *a, const void *b)
{
	const struct mailbox_unknown *x = a, *y = b;
	int r = mailbox_file_compare(sort_names + x->name,
	    sort_names + y->name);

	if (r != 0)
		return r;
	/* The file in cur is the message, when there are two. */
	if (x->where != y->where)
		return x->where == WHERE_CUR ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

static bool
known_now(struct mailbox *mb, const struct mailbox_unknown *u, uint32_t place)
{
	struct mailbox_found *f;

	if (mailbox_grow(&mb->found, &mb->found_cap, mb->nfound + 1,
	    sizeof(*mb->found)) == -1)
		return false;
	f = &mb->found[mb->nfound++];
	f->place = place;
	f->info = u->info;
	f->where = u->where;
	f->recent = u->recent;
	return true;
}

/* Files that another session has given a UID meanwhile, and second sights of
 * one file, are unknown no more. */
static enum mailbox_status
still_unknown(struct mailbox *mb)
{
	const char *base, *last = "";
	struct mailbox_unknown *u;
	struct mailbox_rec r;
	size_t i, n = 0;
	uint32_t place;

	sort_names = mb->names;
	if (mb->nunknown > 0)
		qsort(mb->unknown, mb->nunknown, sizeof(*mb->unknown),
		    compare_unknown);
	for (i = 0; i < mb->nunknown; i++) {
		u = &mb->unknown[i];
		base = mb->names + u->name;
		if (strcmp(base, last) == 0) {
			mb->unknown[n - 1].recent |= u->recent;
			/* Two files, or one seen twice: the next look tells. */
			if (mb->unknown[n - 1].info != u->info)
				mb->too_lively = true;
			continue;
		}
		place = mailbox_place_of_name(mb, base, strlen(base));
		if (place != MAILBOX_NOPLACE) {
			mailbox_rec(mb, place, &r);
			if (!r.gone) {
				if (!known_now(mb, u, place))
					return MAILBOX_TEMPORARY;
				continue;
			}
			/* The line with the old UID must not stay beside
			 * the new one. */
			mb->list.damaged = true;
		}
		mb->unknown[n++] = *u;
		last = base;
	}
	mb->nunknown = n;
	return MAILBOX_OK;
}

/* The lines are on disk: the records, with the UIDs from first on. */
static enum mailbox_status
add_records(struct mailbox *mb, uint32_t first, struct mailbox_log *log)
{
	const struct mailbox_unknown *u;
	struct mailbox_own *o;
	const char *base;
	uint32_t place;
	size_t i;

	for (i = 0; i < mb->nunknown; i++) {
		u = &mb->unknown[i];
		base = mb->names + u->name;
		place = mailbox_places(mb);
		if (mailbox_add(mb, first + (uint32_t)i, base, strlen(base),
		    "") == -1 || mailbox_moved(mb, place, u->where,
		    u->info) == -1)
			return MAILBOX_TEMPORARY;
		o = mailbox_has_own(mb, place);
		o->recent = u->recent;
		o->flags |= u->keywords;
		o->saved = u->saved;
		log_found(mb, log, place);
	}
	mb->nunknown = mb->nnames = 0;
	return MAILBOX_OK;
}

static enum mailbox_status
write_lines(struct mailbox *mb)
{
	struct uidlist_writer w;
	const char *base;
	size_t i;

	if (UIDLIST_UID_MAX - mb->list.next < mb->nunknown)
		return MAILBOX_LIMIT;
	mailbox_list_begin(mb, &w);
	for (i = 0; i < mb->nunknown; i++) {
		base = mb->names + mb->unknown[i].name;
		uidlist_put(&w, mb->list.next + (uint32_t)i, "", base,
		    strlen(base));
	}
	return uidlist_end(&mb->list, &w, mb->dir) == -1 ?
	    mailbox_errno("uidlist") : MAILBOX_OK;
}

/* Messages that were here before this journal have its floor. */
void
mailbox_make_journal(struct mailbox *mb)
{
	uint64_t floor = mailbox_next_modseq(mb);

	if (mb->journal.fd != -1)
		return;
	if (journal_create(&mb->journal, mb->dir, mb->root->file_mode,
	    mb->list.validity, floor) == -1) {
		(void)mailbox_errno("journal");
		mb->unlogged = true;
		return;
	}
	journal_unlock(&mb->journal);
	mb->modseq = floor;
}

/* How all are now, in the place of another floor: of two sessions that cannot
 * make an index each would hear one from the other for ever. */
static void
log_all(struct mailbox *mb, struct mailbox_log *log)
{
	uint32_t i, places = mailbox_places(mb);
	struct mailbox_rec r;

	for (i = 0; i < places; i++) {
		mailbox_rec(mb, i, &r);
		if (!r.gone && r.where != WHERE_NOWHERE &&
		    r.modseq < log->modseq)
			mailbox_log_state(mb, log, i);
	}
}

/* With the list's lock held, or without when no UIDs are to be given. */
static enum mailbox_status
commit(struct mailbox *mb, bool locked)
{
	enum mailbox_status status = MAILBOX_OK, later = MAILBOX_OK;
	uint32_t generation = mb->generation, first;
	struct mailbox_log log;
	bool fresh = false;		/* the journal's own floor is right */

	if (locked) {
		if ((status = mailbox_load_locked(mb)) != MAILBOX_OK)
			return status;
		if (mb->generation != generation)
			return MAILBOX_EXISTS;
		fresh = mb->journal.fd == -1;
		mailbox_make_journal(mb);
	}
	(void)mailbox_log_begin(mb, &log);
	if (log.reset) {
		(void)mailbox_log_end(mb, &log);
		status = mailbox_load(mb);
		return status == MAILBOX_OK ? MAILBOX_EXISTS : status;
	}
	/* Nobody saw what changed before a cold start. */
	if (mb->cold && log.open && !fresh && !mb->relog) {
		(void)mailbox_log_put(mb, &log, &(struct journal_rec){
		    .type = JOURNAL_FLOOR, .modseq = log.modseq });
		mb->journal.floor = mb->floored = log.modseq;
	}
	if (locked)
		status = still_unknown(mb);
	if (status == MAILBOX_OK)
		status = apply_all(mb, &log);
	first = mb->list.next;
	if (mb->too_lively)
		mailbox_distrust(mb);
	if (status == MAILBOX_OK && locked && (mb->nunknown > 0 ||
	    mailbox_list_whole(mb)) && (later = write_lines(mb)) == MAILBOX_OK)
		status = add_records(mb, first, &log);
	if (mb->relog)
		log_all(mb, &log);
	if (mailbox_log_end(mb, &log) && locked && mb->cold &&
	    status == MAILBOX_OK && later == MAILBOX_OK) {
		/* The index may come later: all is known now. */
		mb->cold = mb->relog = false;
		mb->unindexed = true;
	}
	return status != MAILBOX_OK ? status : later;
}

/* Of many sessions that wait one gives the UID: what the others have read of
 * that needs no lock. */
static void
drop_known(struct mailbox *mb)
{
	const struct mailbox_unknown *u;
	struct mailbox_rec r;
	size_t i, n = 0;
	uint32_t place;

	for (i = 0; i < mb->nunknown; i++) {
		u = &mb->unknown[i];
		place = mailbox_place_of_name(mb, mb->names + u->name,
		    strlen(mb->names + u->name));
		if (place != MAILBOX_NOPLACE && !u->recent) {
			mailbox_rec(mb, place, &r);
			if (!r.gone && r.where == u->where &&
			    strcmp(r.info, u->info) == 0)
				continue;
		}
		mb->unknown[n++] = *u;
	}
	mb->nunknown = n;
	if (n == 0)
		mb->nnames = 0;
}

/* Nothing may be written: what was found is known to us alone, and new
 * messages stay out of sight. */
static enum mailbox_status
commit_privately(struct mailbox *mb)
{
	struct mailbox_log log;
	enum mailbox_status status;

	(void)mailbox_log_begin(mb, &log);
	status = apply_all(mb, &log);
	(void)mailbox_log_end(mb, &log);
	mb->nunknown = mb->nnames = 0;
	return status;
}

enum mailbox_status
mailbox_commit(struct mailbox *mb)
{
	enum mailbox_status status, later;
	struct mailbox_lock lock;

	if (mb->root->flags & MAILBOX_READONLY) {
		if (mb->list.validity == 0)
			return MAILBOX_NO_RIGHT;
		return commit_privately(mb);
	}
	if (mb->hasty)
		drop_known(mb);
	if (mb->nunknown == 0 && mb->list.validity != 0 && !mb->list.damaged &&
	    !mb->cold && mb->journal.fd != -1)
		return mb->nfound == 0 ? MAILBOX_OK : commit(mb, false);
	later = mailbox_lock_list(mb, &lock);
	if (later == MAILBOX_OK) {
		status = mailbox_batch_recover(mb) ? MAILBOX_EXISTS :
		    commit(mb, true);
		mailbox_unlock(&lock);
	} else if (later == MAILBOX_BUSY && mb->hasty) {
		/* Kept, to be looked at again when the other is done. */
		return MAILBOX_OK;
	} else {
		if (later == MAILBOX_RESET || later == MAILBOX_TEMPORARY)
			return later;
		/* New ones wait; what is known can be told. */
		status = commit_privately(mb);
	}
	if (status != MAILBOX_OK || later != MAILBOX_OK) {
		mb->nunknown = mb->nnames = 0;
		mailbox_distrust(mb);
	}
	return status != MAILBOX_OK ? status : later;
}
