/* SPDX-License-Identifier: ISC
 *
 * One message's file: opening it, its size and date, and removal.  A name that
 * was right at the last listing may be another by now: every call here lists
 * again and tries once more before it believes that a message is gone.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/mailbox_local.h"
#include "mail/mailbox_mbox.h"
#include "system/clock.h"
#include "system/log.h"


enum mailbox_status
mailbox_with_file(struct mailbox *mb, uint32_t seq, const char *what,
    mailbox_file_call *call, void *arg)
{
	char name[MAILBOX_FILE_MAX + 1];
	enum mailbox_status status;
	long long end = 0;
	struct mailbox_rec r;
	int dir;

	for (;;) {
		mailbox_rec(mb, mb->view[seq - 1], &r);
		if (r.gone)
			return MAILBOX_NONE;
		dir = mailbox_rec_file(mb, &r, name);
		if (dir != -1 && call(mb, mb->view[seq - 1], dir, name, arg)
		    == 0)
			return MAILBOX_OK;
		if (dir != -1 && errno != ENOENT && errno != EEXIST)
			return mailbox_errno(what);
		/* Others may rename it all the time: not for ever. */
		if (end == 0)
			end = clock_ms() + MAILBOX_RENAMED_MAX;
		else if (clock_ms() >= end)
			break;
		if ((status = mailbox_find_files(mb)) != MAILBOX_OK)
			return status;
	}
	log_warn("mailbox-failed", "call=%s error=renamed", what);
	return MAILBOX_TEMPORARY;
}

/* ---- reading ---- */

static int
call_open(struct mailbox *mb, uint32_t place, int dir, const char *name,
    void *arg)
{
	(void)mb, (void)place;
	*(int *)arg = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	return *(int *)arg == -1 ? -1 : 0;
}

enum mailbox_status
mailbox_message(struct mailbox *mb, uint32_t seq, struct message **m)
{
	enum mailbox_status status;
	int fd;

	if (mb->mbox != NULL)
		return mailbox_mbox_message(mb, seq, m);
	*m = NULL;
	status = mailbox_with_file(mb, seq, "open", call_open, &fd);
	if (status != MAILBOX_OK)
		return status;
	*m = message_new(fd);
	return *m == NULL ? mailbox_errno("open") : MAILBOX_OK;
}

static int
call_date(struct mailbox *mb, uint32_t place, int dir, const char *name,
    void *arg)
{
	struct stat st;

	(void)mb, (void)place;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	*(time_t *)arg = st.st_mtime;
	return 0;
}

enum mailbox_status
mailbox_date(struct mailbox *mb, uint32_t seq, time_t *date)
{
	if (mb->mbox != NULL)
		return mailbox_mbox_date(mb, seq, date);
	return mailbox_with_file(mb, seq, "stat", call_date, date);
}

enum mailbox_status
mailbox_saved(struct mailbox *mb, uint32_t seq, time_t *date)
{
	struct mailbox_rec r;

	if (mb->mbox != NULL)
		return mailbox_mbox_date(mb, seq, date);
	mailbox_rec(mb, mb->view[seq - 1], &r);
	if (r.saved == 0)
		return mailbox_date(mb, seq, date);
	*date = (time_t)r.saved;
	return MAILBOX_OK;
}

bool
mailbox_has_saved(const struct mailbox *mb)
{
	return mb->mbox == NULL;
}

/* A number in decimal, the whole of s. */
static bool
is_number(const char *s, uint64_t *n)
{
	const char *error;
	long long v = strtonum(s, 0, INT64_MAX, &error);

	*n = (uint64_t)v;
	return error == NULL;
}

bool
mailbox_size_hint(const struct mailbox_rec *r, uint64_t *size)
{
	char value[24];

	if (r->size == UINT64_MAX)
		return mailbox_file_size(r->base, r->base_len, 'W', size) ||
		    (uidlist_ext(r->ext, 'W', value, sizeof(value)) &&
		    is_number(value, size));
	*size = r->size;
	return true;
}

bool
mailbox_size_known(const struct mailbox *mb, uint32_t seq)
{
	uint32_t place = mb->view[seq - 1];
	struct mailbox_rec r;
	uint64_t size;

	if (mailbox_index_size(mb, place) != UINT64_MAX)
		return true;
	mailbox_rec(mb, place, &r);
	return mailbox_size_hint(&r, &size);
}

enum mailbox_status
mailbox_size(struct mailbox *mb, uint32_t seq, uint64_t *size)
{
	enum mailbox_status status;
	struct mailbox_rec r;
	struct message *m;

	/* Mostly it is in the index, and no name need be touched. */
	if ((*size = mailbox_index_size(mb, mb->view[seq - 1])) != UINT64_MAX)
		return MAILBOX_OK;
	mailbox_rec(mb, mb->view[seq - 1], &r);
	if (mailbox_size_hint(&r, size))
		return MAILBOX_OK;
	if ((status = mailbox_message(mb, seq, &m)) != MAILBOX_OK)
		return status;
	if (message_size(m, size) == -1)
		status = mailbox_errno("read");
	else
		mailbox_sized(mb, seq, *size);
	message_close(m);
	return status;
}

void
mailbox_sized(struct mailbox *mb, uint32_t seq, uint64_t size)
{
	struct mailbox_own *o;
	struct mailbox_rec r;
	uint64_t said;

	if (mailbox_index_size(mb, mb->view[seq - 1]) == size)
		return;
	mailbox_rec(mb, mb->view[seq - 1], &r);
	if (mailbox_size_hint(&r, &said)) {
		if (said == size)
			return;
		log_warn("mailbox-size", "uid=%u said=%llu is=%llu", r.uid,
		    (unsigned long long)said, (unsigned long long)size);
	}
	if ((o = mailbox_own(mb, mb->view[seq - 1])) != NULL)
		o->size = size;
}

/* ---- removal ---- */

struct removal {
	bool	only_deleted;
	bool	removed;
	bool	counted;		/* there is a quota */
	uint64_t bytes;			/* removed, by it */
	int64_t	messages;
};

static int
call_remove(struct mailbox *mb, uint32_t place, int dir, const char *name,
    void *arg)
{
	struct removal *removal = arg;
	struct mailbox_rec r;
	uint64_t size = 0;

	mailbox_rec(mb, place, &r);
	removal->removed = false;
	if (removal->only_deleted && (r.flags & MAILBOX_DELETED) == 0)
		return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW);
	if (removal->counted)
		mailbox_quota_size(dir, name, &size);
	if (unlinkat(dir, name, 0) == -1)
		return -1;
	removal->removed = true;
	removal->bytes += size;
	removal->messages++;
	if (dir == mb->cur)
		mb->stamp_cur.known = mb->stamp_cur.clean = false;
	return mailbox_lost(mb, place);
}

static void
log_removed(struct mailbox *mb, const uint32_t *seqs, size_t n)
{
	struct mailbox_log log;
	size_t i;

	if (n == 0)
		return;
	(void)mailbox_log_begin(mb, &log);
	for (i = 0; i < n; i++)
		mailbox_log_state(mb, &log, mb->view[seqs[i] - 1]);
	(void)mailbox_log_end(mb, &log);
}

enum mailbox_status
mailbox_expunge(struct mailbox *mb, const uint32_t *seqs, size_t n,
    bool only_deleted)
{
	struct removal removal = { .only_deleted = only_deleted };
	enum mailbox_status status, first = MAILBOX_OK;
	size_t i, nremoved = 0;
	uint32_t *removed;

	if (mailbox_readonly(mb))
		return MAILBOX_NOT_PERMITTED;
	if (n == 0)
		return MAILBOX_OK;
	if (mb->mbox != NULL)
		return mailbox_mbox_expunge(mb, seqs, n, only_deleted);
	if ((removed = reallocarray(NULL, n, sizeof(*removed))) == NULL)
		return MAILBOX_TEMPORARY;
	removal.counted = mailbox_has_quota(mb->root);
	mailbox_watch_begin(mb);
	for (i = 0; i < n; i++) {
		status = mailbox_with_file(mb, seqs[i], "unlink",
		    call_remove, &removal);
		if (status == MAILBOX_OK && removal.removed)
			removed[nremoved++] = seqs[i];
		if (first == MAILBOX_OK && status != MAILBOX_NONE)
			first = status;
		if (i % MAILBOX_EVENTS_EACH == MAILBOX_EVENTS_EACH - 1)
			(void)mailbox_take_events(mb);
	}
	log_removed(mb, removed, nremoved);
	free(removed);
	if (removal.counted)
		mailbox_quota_add(mb->root, -(int64_t)removal.bytes,
		    -removal.messages);
	mb->removed |= nremoved > 0;
	return first;
}
