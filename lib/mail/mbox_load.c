/* SPDX-License-Identifier: ISC
 *
 * An mbox under its locks: what changed in it since it was read, and the end of
 * a change.  It must never show a UID that is not in the file, unless the file
 * may not be written.
 */
#include <sys/stat.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/mbox_store_local.h"
#include "system/fdio.h"

#define GRANULE_MS	20	/* of a file's time stamps, at most */
#define GRANULE_NET_MS	2000
#define TRIES		8	/* at a file that is replaced under us */
#define JOURNALS	4	/* in one file, at most */
#define FIRST_READ	65536	/* of the first message, to see whether it is
				 * as it was */

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

bool
mbox_unchanged(const struct mbox_store *s, const struct stat *st)
{
	return s->valid && s->clean && same_file(&s->st, st) &&
	    s->st.st_size == st->st_size &&
	    same_time(&s->st.st_mtim, &st->st_mtim) &&
	    same_time(&s->st.st_ctim, &st->st_ctim);
}

static bool
on_network(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) == -1)
		return true;
	switch ((unsigned long)fs.f_type & 0xffffffffu) {
	case 0x6969:		/* NFS */
	case 0xff534d42:	/* CIFS */
	case 0xfe534d42:	/* SMB2 */
	case 0x65735546:	/* FUSE: GlusterFS, sshfs */
	case 0x00c36400:	/* Ceph */
		return true;
	default:
		return false;
	}
}

/*
 * Remember the file as it is, and whether a later change must show.  A stamp a
 * little older than the kernel's is one that no later write can have again.
 */
static void
stamp(struct mbox_store *s, bool ours)
{
	struct timespec now, times[2] = { { 0, UTIME_OMIT } };
	bool network = on_network(s->fd);
	int64_t ms;

	s->clean = false;
	if (fstat(s->fd, &s->st) == -1 ||
	    clock_gettime(CLOCK_REALTIME, &now) == -1)
		return;
	times[1] = s->st.st_mtim;
	if (ours && !network && times[1].tv_nsec >= 1000) {
		times[1].tv_nsec -= 1000;
		s->clean = futimens(s->fd, times) == 0 &&
		    fstat(s->fd, &s->st) == 0 &&
		    same_time(&s->st.st_mtim, &times[1]);
	}
	ms = (int64_t)(now.tv_sec - s->st.st_mtim.tv_sec) * 1000 +
	    (now.tv_nsec - s->st.st_mtim.tv_nsec) / 1000000;
	if (ms > (network ? GRANULE_NET_MS : GRANULE_MS))
		s->clean = true;
}

/* Is the first message, in which we write of all others, what we know? */
static bool
first_as_before(struct mbox_store *s)
{
	const struct mbox_rec *r = &s->v[0];
	struct mbox_split *split = malloc(sizeof(*split));
	char *text = malloc(FIRST_READ);
	const char *p = text;
	bool same = false;
	size_t n = FIRST_READ;

	if (r->next - r->from < n)
		n = (size_t)(r->next - r->from);
	if (split != NULL && text != NULL && fd_pread_all(s->fd, text, n,
	    (off_t)r->from) == (ssize_t)n) {
		mbox_split_init(split, r->from);
		same = mbox_split(split, &p, text + n) == 0 &&
		    mbox_split_end(split) == 1 &&
		    split->done.hash == r->hash &&
		    split->done.uid == r->uid &&
		    mbox_flags_of(s, &split->done) == r->flags &&
		    ((split->done.flags & MBOX_OLD) != 0) == r->old &&
		    split->done.validity == s->base.validity &&
		    split->done.last == s->base.last &&
		    split->done.notes == r->notes &&
		    split->done.notes_len == r->notes_len;
	}
	free(split);
	free(text);
	return same;
}

/* The file grew behind what we know: read on from its last message. */
static int
load_tail(struct mbox_store *s, struct mbox_rec *last)
{
	const struct mbox_rec *now;

	*last = s->v[s->n - 1];
	if (!first_as_before(s) || mbox_scan(s, last->from) == -1)
		return -1;
	now = &s->v[s->fresh];
	return s->n > s->fresh && now->hash == last->hash &&
	    now->content == last->content && now->uid == last->uid ? 0 : -1;
}

/* All of it.  What was known goes to *old, the caller's to free. */
static int
load_all(struct mbox_store *s, struct mbox_rec **old, size_t *nold)
{
	int i;

	if (*old == NULL) {
		*old = s->v;
		*nold = s->n;
		s->v = NULL;
		s->cap = 0;
	}
	s->n = 0;
	for (i = 0; i < JOURNALS; i++) {
		if (mbox_scan(s, 0) == -1)
			return -1;
		if (s->journal == UINT64_MAX || mbox_store_readonly(s))
			return 0;
		if (mbox_journal_recover(s->fd, s->journal) == -1)
			return errno == EBADMSG ? 0 : -1;
		if (fstat(s->fd, &s->st) == -1)
			return -1;
	}
	errno = EIO;
	return -1;
}

static void
forget_all(struct mbox_store *s)
{
	s->n = s->nview = s->nrecent = 0;
	s->generation++;
	s->valid = false;
}

/* Have the records as the file is, of which the locks are held. */
static enum mailbox_status
load(struct mbox_store *s, bool all)
{
	struct mbox_rec last, *old = NULL;
	enum mailbox_status status;
	size_t nold = 0;
	struct stat st;
	bool tail;

	if (fstat(s->fd, &st) == -1)
		return mbox_store_errno(s, "stat");
	if (mbox_unchanged(s, &st) && !(all && s->believed))
		return MAILBOX_OK;
	tail = s->valid && !all && s->n > 0 && same_file(&s->st, &st) &&
	    st.st_size > s->st.st_size;
	s->st = st;
	s->valid = false;
	if (tail && load_tail(s, &last) == 0 && s->journal == UINT64_MAX) {
		s->believed = true;
		status = mbox_number(s, &last, 1);
	} else {
		if (load_all(s, &old, &nold) == -1)
			status = mbox_store_errno(s, "read");
		else
			status = mbox_number(s, old, nold);
		s->believed = false;
	}
	free(old);
	s->valid = status == MAILBOX_OK;
	if (!s->valid)
		forget_all(s);
	return status;
}

enum mailbox_status
mbox_store_begin(struct mbox_store *s, bool all)
{
	enum mailbox_status status;
	int tries, r = -1;

	for (tries = 0; tries < TRIES; tries++) {
		if ((r = mbox_follow_name(s)) == -1 && errno == ENOENT) {
			forget_all(s);
			if (s->validity == 0)
				s->validity = (uint32_t)time(NULL);
			return MAILBOX_OK;
		}
		if (r == -1)
			return mbox_store_errno(s, "open");
		r = mbox_lock(&s->lock, s->dir, s->name, s->fd,
		    mbox_store_readonly(s), MBOX_STORE_LOCK_SECONDS);
		if (r == 0 || errno != ESTALE)
			break;
	}
	if (r == -1)
		return mbox_store_errno(s, "lock");
	status = load(s, all);
	if (status != MAILBOX_OK)
		mbox_unlock(&s->lock);
	return status;
}

/*
 * Programs that tell of new mail compare the times of reading and writing: as
 * long as a message is new, the file stays newly written.
 */
static void
set_times(const struct mbox_store *s)
{
	struct timespec times[2] = { { 0, UTIME_NOW }, { 0, UTIME_OMIT } };
	struct stat st;
	size_t i;
	bool new = false;

	for (i = 0; i < s->nview && !new; i++)
		new = !s->v[s->view[i]].old &&
		    (s->v[s->view[i]].flags & MAILBOX_SEEN) == 0;
	if (new && fstat(s->fd, &st) == 0) {
		times[0] = st.st_mtim;
		times[0].tv_sec--;
	}
	(void)futimens(s->fd, times);
}

/* After a change that failed: what is in the file, and no UID that is not. */
static void
show_file(struct mbox_store *s)
{
	uint32_t prev = 0;
	size_t i;

	s->valid = false;
	if (fstat(s->fd, &s->st) == -1 || mbox_scan(s, 0) == -1) {
		forget_all(s);
		return;
	}
	for (i = 0; i < s->n; i++) {
		if (!s->base.there || s->v[i].uid <= prev ||
		    s->v[i].uid > s->base.last)
			s->v[i].uid = 0;
		else
			prev = s->v[i].uid;
		s->v[i].recent = !s->v[i].old;
	}
	if (mbox_make_view(s) == -1)
		forget_all(s);
}

enum mailbox_status
mbox_store_changed(struct mbox_store *s, enum mailbox_status status)
{
	if (status == MAILBOX_OK)
		set_times(s);
	else
		show_file(s);
	stamp(s, true);
	mbox_unlock(&s->lock);
	return status;
}

bool
mbox_dirty(const struct mbox_store *s)
{
	size_t i;

	if (mbox_store_readonly(s))
		return false;
	for (i = 0; i < s->n; i++)
		if (s->v[i].dirty || s->v[i].removed)
			return true;
	return false;
}

enum mailbox_status
mbox_store_end(struct mbox_store *s, enum mailbox_status status)
{
	if (s->fd == -1)
		return status;
	if (mbox_dirty(s)) {
		if (status == MAILBOX_OK && mbox_flush(s) == -1)
			status = mbox_store_errno(s, "write");
		return mbox_store_changed(s, status);
	}
	stamp(s, false);
	mbox_unlock(&s->lock);
	return status;
}
