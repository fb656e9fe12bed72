/* SPDX-License-Identifier: ISC
 *
 * See mail/mbox_store.h: the file, the records, and changes of
 * them.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/mailbox_file.h"
#include "mail/mbox_store_local.h"
#include "mail/mbox_view.h"
#include "system/log.h"

#define TRIES	4	/* to open a message while others write */

enum mailbox_status
mbox_store_errno(const struct mbox_store *s, const char *what)
{
	int e = errno;

	switch (e) {
	case ENOENT:
		return MAILBOX_NONE;
	case EAGAIN:
		return MAILBOX_BUSY;
	case EILSEQ:
	case EINVAL:
		return MAILBOX_BAD_NAME;
	case E2BIG:
		return MAILBOX_LIMIT;
	default:
		break;
	}
	log_warn("mbox", "file=%s call=%s error=%s", log_str(s->name), what,
	    log_str(strerror(e)));
	switch (e) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return MAILBOX_FULL;
	case EACCES:
	case EPERM:
	case EROFS:
		return MAILBOX_NO_RIGHT;
	default:
		return MAILBOX_TEMPORARY;
	}
}

/* ---- the file ---- */

static void
close_file(struct mbox_store *s)
{
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
}

static int
open_file(struct mbox_store *s)
{
	int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY, saved;
	struct stat st;

	s->readonly_file = s->readonly;
	if (!s->readonly)
		s->fd = openat(s->dir, s->name, flags | O_RDWR);
	if (!s->readonly && s->fd == -1 && (errno == EACCES ||
	    errno == EPERM || errno == EROFS))
		s->readonly_file = true;
	if (s->readonly_file)
		s->fd = openat(s->dir, s->name, flags | O_RDONLY);
	if (s->fd == -1)
		return -1;
	if (fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	saved = S_ISREG(st.st_mode) ? errno : EINVAL;
	close_file(s);
	errno = saved;
	return -1;
}

int
mbox_follow_name(struct mbox_store *s)
{
	struct stat st, mine;

	if (s->fd == -1)
		return open_file(s);
	if (fstat(s->fd, &mine) == -1)
		return -1;
	if (fstatat(s->dir, s->name, &st, 0) == 0 &&
	    st.st_ino == mine.st_ino && st.st_dev == mine.st_dev)
		return 0;
	close_file(s);
	return open_file(s);
}

enum mailbox_status
mbox_store_open(int dir, const char *name, unsigned flags,
    struct mbox_store **out)
{
	struct mbox_store *s = calloc(1, sizeof(*s));
	enum mailbox_status status;
	int fd;

	*out = NULL;
	if (s == NULL || (s->name = strdup(name)) == NULL) {
		free(s);
		return MAILBOX_TEMPORARY;
	}
	s->dir = dir;
	s->fd = s->lock.fd = -1;
	s->readonly = (flags & MBOX_STORE_READONLY) != 0;
	s->journal = UINT64_MAX;
	if (open_file(s) == -1 && errno == ENOENT && !s->readonly &&
	    (flags & MBOX_STORE_CREATE)) {
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC |
		    O_NONBLOCK | O_NOCTTY, 0600);
		if (fd != -1)
			close(fd);
		if (fd != -1)
			(void)open_file(s);
	}
	if (s->fd != -1) {
		*out = s;
		return MAILBOX_OK;
	}
	status = mbox_store_errno(s, "open");
	mbox_store_close(s);
	return status;
}

void
mbox_store_close(struct mbox_store *s)
{
	int i;

	if (s == NULL)
		return;
	mbox_unlock(&s->lock);
	close_file(s);
	for (i = 0; i < s->nkeywords; i++)
		free(s->keywords[i]);
	free(s->view);
	free(s->v);
	free(s->name);
	free(s);
}

bool
mbox_store_readonly(const struct mbox_store *s)
{
	return s->readonly || s->readonly_file;
}

void
mbox_store_spare(struct mbox_store *s, int *fd)
{
	s->spare = fd;
}

enum mailbox_status
mbox_store_refresh(struct mbox_store *s, unsigned flags)
{
	bool take = (flags & MBOX_STORE_TAKE_NEW) != 0 &&
	    !mbox_store_readonly(s);
	enum mailbox_status status;
	struct stat st;
	size_t i;

	if (fstatat(s->dir, s->name, &st, 0) == 0 && mbox_unchanged(s, &st) &&
	    (flags & MBOX_STORE_ALL) == 0 && !(take && s->nrecent > 0))
		return MAILBOX_OK;
	status = mbox_store_begin(s, (flags & MBOX_STORE_ALL) != 0);
	if (status != MAILBOX_OK)
		return status;
	for (i = 0; i < s->nview && take; i++)
		if (!s->v[s->view[i]].old) {
			s->v[s->view[i]].old = true;
			s->v[s->view[i]].dirty = true;
		}
	status = mbox_store_end(s, MAILBOX_OK);
	if (status == MAILBOX_OK && s->fd != -1 && mbox_make_view(s) == -1)
		status = MAILBOX_TEMPORARY;
	return status;
}

/* ---- the records ---- */

uint32_t
mbox_store_uidvalidity(const struct mbox_store *s)
{
	return s->validity;
}

uint32_t
mbox_store_uidnext(const struct mbox_store *s)
{
	return s->last + 1;
}

uint64_t
mbox_store_generation(const struct mbox_store *s)
{
	return s->generation;
}

size_t
mbox_store_count(const struct mbox_store *s)
{
	return s->nview;
}

void
mbox_store_item(const struct mbox_store *s, size_t i, struct mbox_item *item)
{
	const struct mbox_rec *r = &s->v[s->view[i]];

	item->uid = r->uid;
	item->flags = r->flags;
	item->recent = r->recent;
	item->size = r->wire;
	item->date = (time_t)r->time;
}

size_t
mbox_store_find(const struct mbox_store *s, uint32_t uid)
{
	size_t low = 0, high = s->nview, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (s->v[s->view[mid]].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->nview && s->v[s->view[low]].uid == uid ? low :
	    (size_t)-1;
}

/* Open record i where the file is as we know it. */
static enum mailbox_status
open_record(struct mbox_store *s, size_t i, struct message **m)
{
	const struct mbox_rec *r = &s->v[s->view[i]];
	struct mbox_place place = { r->from, r->content, r->end,
	    r->notes_len > 0 && r->notes < r->insert ? r->notes : r->insert };
	int fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);

	if (fd == -1)
		return mbox_store_errno(s, "open");
	if ((*m = message_new_mbox(fd, &place, r->plain)) != NULL)
		return MAILBOX_OK;
	return errno == ESTALE ? MAILBOX_NONE : mbox_store_errno(s, "open");
}

static bool
is_as_known(const struct mbox_store *s)
{
	struct stat st;

	return s->fd != -1 && fstatat(s->dir, s->name, &st, 0) == 0 &&
	    mbox_unchanged(s, &st);
}

enum mailbox_status
mbox_store_message(struct mbox_store *s, uint32_t uid, struct message **m)
{
	size_t i = mbox_store_find(s, uid);
	enum mailbox_status status, end;
	int tries;

	*m = NULL;
	if (i == (size_t)-1)
		return MAILBOX_NONE;
	/* What did not change meanwhile needs no lock. */
	if (is_as_known(s) && open_record(s, i, m) == MAILBOX_OK) {
		if (is_as_known(s))
			return MAILBOX_OK;
		message_close(*m);
		*m = NULL;
	}
	/* Where it stays, once all is written. */
	for (tries = 0; tries < TRIES; tries++) {
		if ((status = mbox_store_begin(s, false)) != MAILBOX_OK)
			return status;
		i = mbox_store_find(s, uid);
		if (s->fd == -1 || i == (size_t)-1)
			status = MAILBOX_NONE;
		else if (!mbox_dirty(s))
			status = open_record(s, i, m);
		else
			status = MAILBOX_BUSY;
		end = mbox_store_end(s, MAILBOX_OK);
		if (status != MAILBOX_BUSY || end != MAILBOX_OK)
			return status;
	}
	return MAILBOX_BUSY;
}

/* ---- changes ---- */

enum mailbox_status
mbox_store_flags(struct mbox_store *s, const uint32_t *uids, size_t n,
    enum mailbox_change change, mailbox_flags flags)
{
	enum mailbox_status status;
	struct mbox_rec *r;
	mailbox_flags now;
	size_t i, k;

	if (mbox_store_readonly(s))
		return MAILBOX_NOT_PERMITTED;
	if ((status = mbox_store_begin(s, true)) != MAILBOX_OK)
		return status;
	for (i = 0; i < n; i++) {
		if ((k = mbox_store_find(s, uids[i])) == (size_t)-1)
			continue;
		r = &s->v[s->view[k]];
		now = mailbox_file_change(r->flags, change, flags);
		s->generation += now != r->flags;
		r->dirty = r->dirty || now != r->flags;
		r->flags = now;
	}
	return mbox_store_end(s, MAILBOX_OK);
}

enum mailbox_status
mbox_store_remove(struct mbox_store *s, const uint32_t *uids, size_t n,
    bool only_deleted)
{
	enum mailbox_status status;
	struct mbox_rec *r;
	size_t i, k;

	if (mbox_store_readonly(s))
		return MAILBOX_NOT_PERMITTED;
	if ((status = mbox_store_begin(s, true)) != MAILBOX_OK)
		return status;
	for (i = 0; i < n; i++) {
		if ((k = mbox_store_find(s, uids[i])) == (size_t)-1)
			continue;
		r = &s->v[s->view[k]];
		if (!only_deleted || (r->flags & MAILBOX_DELETED) != 0)
			r->removed = true;
	}
	return mbox_store_end(s, MAILBOX_OK);
}
