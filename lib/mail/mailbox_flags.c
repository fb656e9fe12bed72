/* SPDX-License-Identifier: ISC
 *
 * New flags.  A few messages are renamed at once.  Of many the journal is told
 * first, which is quick, and the files follow when the client has its answer:
 * what the journal says is a difference, so that a flag which another program
 * sets meanwhile is never undone, and it survives us: who opens the mailbox
 * next does what a dead session left.  Renames of ours are made with the
 * journal locked, so that of two sessions the later one has the last word.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/mailbox_local.h"
#include "system/clock.h"
#include "mail/mailbox_mbox.h"
#include "system/log.h"

#define PENDING_MIN	32	/* messages in one change */
#define PENDING_AGE	1000000	/* microseconds; then whoever made it is dead
				 * or busy */
#define FLUSH_EACH	256	/* renames with the journal locked */

struct store {
	enum mailbox_change	change;
	mailbox_flags		flags;
	bool			changed;	/* it made a difference */
	uint64_t		since;		/* not one changed after it */
	uint32_t		*failed;	/* those; or NULL */
	size_t			nfailed;
};

/* With the journal locked: one that changed since is left alone. */
static bool
is_later(const struct mailbox *mb, uint32_t seq, struct store *store)
{
	struct mailbox_rec r;

	if (store->failed == NULL)
		return false;
	mailbox_rec(mb, mb->view[seq - 1], &r);
	if (r.gone || r.modseq <= store->since)
		return false;
	/* RFC 7162 3.1.3: 0 is for keywords that must not be there. */
	if (store->since == 0 && store->change != MAILBOX_REPLACE &&
	    (store->flags & (MAILBOX_SYSTEM_FLAGS | r.flags)) == 0)
		return false;
	store->failed[store->nfailed++] = seq;
	return true;
}

/* ---- one file ---- */

/* The file's flags become now, and nothing is pending any more. */
static int
rename_to(struct mailbox *mb, uint32_t place, int dir, const char *name,
    mailbox_flags now)
{
	char to[2 * MAILBOX_FILE_MAX], letters[MAILBOX_INFO_MAX + 1];
	struct mailbox_own *o = mailbox_own(mb, place);
	unsigned char where = o->where;
	const char *info = o->info;

	/* No rename when there is nothing to change; the file must be there
	 * all the same. */
	if (((now ^ o->flags) & MAILBOX_FILE_FLAGS) == 0) {
		if (faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == -1)
			return -1;
	} else {
		mailbox_file_info(letters, o->info, now);
		if ((info = mailbox_info(mb, letters)) == NULL) {
			errno = ENOMEM;
			return -1;
		}
		snprintf(to, sizeof(to), "%.*s%s", o->base_len, o->base, info);
		if (mailbox_rename_file(dir, name, mb->cur, to) == -1)
			return -1;
		mb->stamp_cur.known = mb->stamp_cur.clean = false;
		where = WHERE_CUR;
	}
	o->flags = now;
	o->add = o->remove = 0;
	return mailbox_moved(mb, place, where, info);
}

/* As all see it, with letters whose keyword nobody knows. */
static mailbox_flags
all_flags(const struct mailbox_own *o)
{
	return (o->flags & ~o->remove) | o->add;
}

static int
call_store(struct mailbox *mb, uint32_t place, int dir, const char *name,
    void *arg)
{
	struct mailbox_own *o = mailbox_own(mb, place);
	struct store *store = arg;
	mailbox_flags was, now, told;

	if (o == NULL)
		return -1;
	was = all_flags(o);
	now = (was & ~mb->known) | mailbox_file_change(was & mb->known,
	    store->change, store->flags & mb->known);
	store->changed = now != was || was != o->flags;
	/* The session knows it; what others changed at the same time is told
	 * later. */
	told = o->told;
	o->told = mailbox_file_change(told, store->change,
	    store->flags & mb->known);
	if (rename_to(mb, place, dir, name, now) == 0)
		return 0;
	o->told = told;
	return -1;
}

/* With the journal locked: under the name that is known. */
static int
store_here(struct mailbox *mb, uint32_t seq, struct store *store)
{
	char name[MAILBOX_FILE_MAX + 1];
	struct mailbox_rec r;
	int dir;

	mailbox_rec(mb, mb->view[seq - 1], &r);
	if (r.gone || (dir = mailbox_rec_file(mb, &r, name)) == -1)
		return -1;
	return call_store(mb, mb->view[seq - 1], dir, name, store);
}

/* One whose name was not right is looked for, and stored with the journal
 * locked as the others: what it says of keywords is the last word on them. */
static enum mailbox_status
store_found(struct mailbox *mb, uint32_t seq, struct store *store)
{
	long long end = clock_ms() + MAILBOX_RENAMED_MAX;
	enum mailbox_status status;
	struct mailbox_log log;
	struct mailbox_rec rec;
	int r, error;

	do {
		if ((status = mailbox_find_files(mb)) != MAILBOX_OK)
			return status;
		mailbox_rec(mb, mb->view[seq - 1], &rec);
		if (rec.gone)
			return MAILBOX_NONE;
		if (!mailbox_log_begin(mb, &log)) {
			(void)mailbox_log_end(mb, &log);
			return mailbox_with_file(mb, seq, "rename", call_store,
			    store);
		}
		if (is_later(mb, seq, store)) {
			(void)mailbox_log_end(mb, &log);
			return MAILBOX_OK;
		}
		errno = ENOENT;
		r = store_here(mb, seq, store);
		error = errno;
		if (r == 0 && store->changed)
			mailbox_log_done(mb, &log, mb->view[seq - 1],
			    log.modseq);
		(void)mailbox_log_end(mb, &log);
		if (r == 0)
			return MAILBOX_OK;
		errno = error;
		if (error != ENOENT && error != EEXIST)
			return mailbox_errno("rename");
	} while (clock_ms() < end);
	log_warn("mailbox-failed", "call=rename error=renamed");
	return MAILBOX_TEMPORARY;
}

static enum mailbox_status
store_again(struct mailbox *mb, const uint32_t *seqs, size_t n,
    struct store *store)
{
	enum mailbox_status status;
	size_t i;

	for (i = 0; i < n; i++) {
		status = store_found(mb, seqs[i], store);
		if (status != MAILBOX_OK && status != MAILBOX_NONE)
			return status;
	}
	return MAILBOX_OK;
}

/* ---- many ---- */

/* Tell the journal alone.  -1: it cannot be told. */
static int
store_pending(struct mailbox *mb, uint32_t seq, const struct store *store,
    struct mailbox_log *log)
{
	struct mailbox_own *o = mailbox_own(mb, mb->view[seq - 1]);
	struct journal_rec r = { .type = JOURNAL_PENDING,
	    .modseq = log->modseq };
	mailbox_flags was, now;

	if (o == NULL)
		return -1;
	was = all_flags(o) & mb->known;
	now = mailbox_file_change(was, store->change,
	    store->flags & mb->known);
	if (o->gone || now == was)
		return 0;
	r.uid = o->uid;
	r.add = now & ~was;
	r.remove = was & ~now;
	if (!mailbox_log_put(mb, log, &r))
		return -1;
	o->modseq = log->modseq;
	o->told = mailbox_file_change(o->told, store->change,
	    store->flags & mb->known);
	return mailbox_set_pending(mb, mb->view[seq - 1], r.add, r.remove);
}

/* Whether a change may be told to the journal first. */
static bool
can_wait(const struct mailbox *mb, const struct store *store, size_t n)
{
	mailbox_flags touched = store->change == MAILBOX_REPLACE ? mb->known :
	    store->flags & mb->known;

	return n >= PENDING_MIN && (touched & ~MAILBOX_FILE_FLAGS) == 0;
}

/* One message, with the journal locked unless it cannot be.  False: it has to
 * be looked for. */
static bool
store_one(struct mailbox *mb, uint32_t seq, struct store *store, bool wait,
    struct mailbox_log *log)
{
	if (!log->open)
		return false;
	if (is_later(mb, seq, store))
		return true;
	if (wait)
		return store_pending(mb, seq, store, log) == 0;
	if (store_here(mb, seq, store) == -1)
		return false;
	if (store->changed)
		mailbox_log_done(mb, log, mb->view[seq - 1], log->modseq);
	return true;
}

/* Of those left alone some changed in other flags only.  0 is before any change
 * and asks whether there is such a flag (RFC 7162 3.1.3). */
static size_t
spare(struct mailbox *mb, struct store *store, uint32_t *again)
{
	size_t n = 0;

	if (store->nfailed > 0 && store->since > 0 &&
	    store->change != MAILBOX_REPLACE)
		n = mailbox_unchanged(mb, store->failed, store->nfailed,
		    store->since, store->flags, again);
	store->nfailed -= n;
	return n;
}

static enum mailbox_status
store_all(struct mailbox *mb, const uint32_t *seqs, size_t n,
    struct store *store)
{
	enum mailbox_status status;
	struct mailbox_log log;
	uint32_t *again, *spared;
	size_t i, nagain = 0, nspared = 0;
	bool wait;

	/* Letters that have got a name meanwhile are keywords as any. */
	if (keywords_read(&mb->keywords, mb->dir) == 1)
		mailbox_reflag(mb);
	if ((again = reallocarray(NULL, n, 2 * sizeof(*again))) == NULL)
		return MAILBOX_TEMPORARY;
	spared = again + n;
	mailbox_watch_begin(mb);
	(void)mailbox_log_begin(mb, &log);
	wait = log.open && can_wait(mb, store, n);
	for (i = 0; i < n; i++) {
		if (!store_one(mb, seqs[i], store, wait, &log))
			again[nagain++] = seqs[i];
		if (!wait && i % MAILBOX_EVENTS_EACH ==
		    MAILBOX_EVENTS_EACH - 1)
			(void)mailbox_take_events(mb);
	}
	if (log.open)
		nspared = spare(mb, store, spared);
	(void)mailbox_log_end(mb, &log);
	status = store_again(mb, again, nagain, store);
	if (status == MAILBOX_OK && nspared > 0) {
		store->since = UINT64_MAX;
		status = store_again(mb, spared, nspared, store);
	}
	free(again);
	return status;
}

enum mailbox_status
mailbox_store_since(struct mailbox *mb, const uint32_t *seqs, size_t n,
    enum mailbox_change change, mailbox_flags flags, uint64_t since,
    uint32_t *failed, size_t *nfailed)
{
	struct store store = { .change = change, .flags = flags,
	    .since = since, .failed = failed };
	enum mailbox_status status;

	if (nfailed != NULL)
		*nfailed = 0;
	if (mailbox_readonly(mb))
		return MAILBOX_NOT_PERMITTED;
	if (n == 0)
		return MAILBOX_OK;
	if (mb->mbox != NULL)
		return mailbox_mbox_flags(mb, seqs, n, change, flags);
	status = store_all(mb, seqs, n, &store);
	if (nfailed != NULL)
		*nfailed = store.nfailed;
	return status;
}

enum mailbox_status
mailbox_store(struct mailbox *mb, const uint32_t *seqs, size_t n,
    enum mailbox_change change, mailbox_flags flags)
{
	return mailbox_store_since(mb, seqs, n, change, flags, UINT64_MAX,
	    NULL, NULL);
}

/* ---- the files follow ---- */

/* Take the change to the file.  False: its name was not right. */
static bool
flush_one(struct mailbox *mb, uint32_t uid, struct mailbox_log *log)
{
	uint32_t place = mailbox_place_of_uid(mb, uid);
	char name[MAILBOX_FILE_MAX + 1];
	struct mailbox_own *o;
	struct mailbox_rec r;
	int dir;

	if (place == MAILBOX_NOPLACE ||
	    (o = mailbox_has_own(mb, place)) == NULL || o->gone ||
	    (o->add | o->remove) == 0)
		return true;
	mailbox_rec(mb, place, &r);
	dir = mailbox_rec_file(mb, &r, name);
	if (dir == -1 || rename_to(mb, place, dir, name, all_flags(o)) == -1)
		return false;
	mailbox_log_done(mb, log, place, o->modseq);
	return true;
}

/* All of them; those whose names were not right stay pending, in order. */
static void
flush_all(struct mailbox *mb)
{
	size_t i = 0, end, n = mb->npending, kept = 0;
	struct mailbox_log log;
	uint32_t *uids = mb->pending;

	/* The list is added to when the journal is read. */
	mb->pending = NULL;
	mb->npending = mb->pending_cap = 0;
	mailbox_watch_begin(mb);
	while (i < n && mailbox_log_begin(mb, &log)) {
		for (end = i + FLUSH_EACH; i < n && i < end; i++)
			if (!flush_one(mb, uids[i], &log))
				uids[kept++] = uids[i];
		(void)mailbox_log_end(mb, &log);
		if (end % MAILBOX_EVENTS_EACH == 0)
			(void)mailbox_take_events(mb);
	}
	if (i < n)
		(void)mailbox_log_end(mb, &log);
	for (; i < n; i++)
		uids[kept++] = uids[i];
	for (i = 0; i < kept; i++)
		if (mailbox_grow(&mb->pending, &mb->pending_cap,
		    mb->npending + 1, sizeof(*mb->pending)) == 0)
			mb->pending[mb->npending++] = uids[i];
	free(uids);
}

static void
flush_pending(struct mailbox *mb)
{
	if (mb->npending == 0 || (mb->root->flags & MAILBOX_READONLY))
		return;
	flush_all(mb);
	/* Others renamed some: once more, under the names they have now. */
	if (mb->npending > 0 && mailbox_find_files(mb) == MAILBOX_OK)
		flush_all(mb);
}

void
mailbox_flush(struct mailbox *mb)
{
	flush_pending(mb);
	if (mb->removed && (fsync(mb->cur) == -1 || fsync(mb->new) == -1))
		(void)mailbox_errno("fsync");
	mb->removed = false;
}

void
mailbox_flush_old(struct mailbox *mb)
{
	uint32_t place;
	struct mailbox_rec r;
	struct timespec now;

	if (mb->npending == 0)
		return;
	place = mailbox_place_of_uid(mb, mb->pending[0]);
	if (place == MAILBOX_NOPLACE) {
		flush_pending(mb);
		return;
	}
	mailbox_rec(mb, place, &r);
	clock_gettime(CLOCK_REALTIME, &now);
	if (r.modseq + PENDING_AGE < (uint64_t)now.tv_sec * 1000000 +
	    (uint64_t)now.tv_nsec / 1000)
		flush_pending(mb);
}
