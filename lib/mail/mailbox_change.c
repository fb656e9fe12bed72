/* SPDX-License-Identifier: ISC
 *
 * One message's file: opening it, its size and date, new flags by a rename,
 * and removal.  A name that was right at the last listing may be another by
 * now: every call here lists again and tries once more before it believes
 * that a message is gone.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/mailbox_local.h"
#include "system/log.h"

#define TRIES	4

struct uidlist_rec *
mailbox_rec(const struct mailbox *mb, uint32_t seq)
{
	return &mb->list.v[mb->view[seq - 1]];
}

int
mailbox_rec_file(const struct mailbox *mb, const struct uidlist_rec *rec,
    char *name)
{
	int n;

	if (rec->where == UIDLIST_NOWHERE)
		return -1;
	n = snprintf(name, MAILBOX_FILE_MAX + 1, "%s%s", rec->name,
	    rec->info);
	if (n > MAILBOX_FILE_MAX)
		return -1;
	return rec->where == UIDLIST_NEW ? mb->new : mb->cur;
}

/* A call on a message's file, which has this name in dir now: 0, or -1 with
 * errno. */
typedef int file_call(struct mailbox *, struct uidlist_rec *, int dir,
	    const char *name, void *arg);

/* Do call on the message, under whatever name it has. */
static enum mailbox_status
with_file(struct mailbox *mb, uint32_t seq, const char *what, file_call *call,
    void *arg)
{
	char name[MAILBOX_FILE_MAX + 1];
	enum mailbox_status status;
	struct uidlist_rec *rec;
	int dir, i;

	for (i = 0; i < TRIES; i++) {
		rec = mailbox_rec(mb, seq);
		if (rec->gone)
			return MAILBOX_NONE;
		dir = mailbox_rec_file(mb, rec, name);
		if (dir != -1 && call(mb, rec, dir, name, arg) == 0)
			return MAILBOX_OK;
		if (dir != -1 && errno != ENOENT && errno != EEXIST)
			return mailbox_errno(what);
		/* Files without a record stay for the next refresh, which
		 * has to list again for them. */
		status = mailbox_scan(mb, false);
		mb->stamp_cur.clean = false;
		if (status != MAILBOX_OK)
			return status;
	}
	log_warn("mailbox-failed", "call=%s error=renamed", what);
	return MAILBOX_TEMPORARY;
}

/* ---- reading ---- */

static int
call_open(struct mailbox *mb, struct uidlist_rec *rec, int dir,
    const char *name, void *arg)
{
	(void)mb, (void)rec;
	*(int *)arg = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	return *(int *)arg == -1 ? -1 : 0;
}

enum mailbox_status
mailbox_message(struct mailbox *mb, uint32_t seq, struct message **m)
{
	enum mailbox_status status;
	int fd;

	*m = NULL;
	status = with_file(mb, seq, "open", call_open, &fd);
	if (status != MAILBOX_OK)
		return status;
	*m = message_new(fd);
	return *m == NULL ? mailbox_errno("open") : MAILBOX_OK;
}

static int
call_date(struct mailbox *mb, struct uidlist_rec *rec, int dir,
    const char *name, void *arg)
{
	struct stat st;

	(void)mb, (void)rec;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	*(time_t *)arg = st.st_mtime;
	return 0;
}

enum mailbox_status
mailbox_date(struct mailbox *mb, uint32_t seq, time_t *date)
{
	return with_file(mb, seq, "stat", call_date, date);
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

enum mailbox_status
mailbox_size(struct mailbox *mb, uint32_t seq, uint64_t *size)
{
	struct uidlist_rec *rec = mailbox_rec(mb, seq);
	enum mailbox_status status;
	struct message *m;
	char value[24];

	if (rec->size != UINT64_MAX ||
	    mailbox_file_size(rec->name, strlen(rec->name), 'W', &rec->size) ||
	    (uidlist_ext(rec, 'W', value, sizeof(value)) &&
	    is_number(value, &rec->size))) {
		*size = rec->size;
		return MAILBOX_OK;
	}
	if ((status = mailbox_message(mb, seq, &m)) != MAILBOX_OK)
		return status;
	if (message_size(m, size) == -1)
		status = mailbox_errno("read");
	else
		mailbox_rec(mb, seq)->size = *size;
	message_close(m);
	return status;
}

void
mailbox_sized(struct mailbox *mb, uint32_t seq, uint64_t size)
{
	struct uidlist_rec *rec = mailbox_rec(mb, seq);

	if (rec->size != UINT64_MAX && rec->size != size)
		log_warn("mailbox-size", "uid=%u said=%llu is=%llu", rec->uid,
		    (unsigned long long)rec->size, (unsigned long long)size);
	rec->size = size;
}

/* ---- flags ---- */

struct store {
	enum mailbox_change	change;
	mailbox_flags		flags;
	mailbox_flags		now;	/* as they have become */
};

static mailbox_flags
apply(mailbox_flags to, enum mailbox_change change, mailbox_flags flags)
{
	switch (change) {
	case MAILBOX_ADD:
		return to | flags;
	case MAILBOX_REMOVE:
		return to & ~flags;
	case MAILBOX_REPLACE:
		return flags;
	}
	return to;
}

static int
call_store(struct mailbox *mb, struct uidlist_rec *rec, int dir,
    const char *name, void *arg)
{
	char to[2 * MAILBOX_FILE_MAX], letters[MAILBOX_INFO_MAX + 1];
	struct store *store = arg;
	mailbox_flags unnamed, now;
	const char *info;

	/* Letters whose keyword nobody knows stay as they are. */
	unnamed = mailbox_file_flags(rec->info) & ~mb->known;
	now = apply(rec->flags, store->change, store->flags & mb->known);
	store->now = now;
	/* No rename when there is nothing to change; the file must be there
	 * all the same. */
	if (now == rec->flags)
		return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW);
	mailbox_file_info(letters, rec->info, now | unnamed);
	if ((info = mailbox_info(mb, letters)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	snprintf(to, sizeof(to), "%s%s", rec->name, info);
	if (mailbox_rename_file(dir, name, mb->cur, to) == -1)
		return -1;
	rec->info = info;
	rec->where = UIDLIST_CUR;
	rec->flags = now;
	return 0;
}

enum mailbox_status
mailbox_store(struct mailbox *mb, const uint32_t *seqs, size_t n,
    enum mailbox_change change, mailbox_flags flags)
{
	struct store store = { change, flags, 0 };
	enum mailbox_status status;
	struct uidlist_rec *rec;
	size_t i;

	if (mailbox_readonly(mb))
		return MAILBOX_NOT_PERMITTED;
	for (i = 0; i < n; i++) {
		status = with_file(mb, seqs[i], "rename", call_store, &store);
		if (status == MAILBOX_NONE)
			continue;
		if (status != MAILBOX_OK)
			return status;
		/* What others changed at the same time is told later. */
		rec = mailbox_rec(mb, seqs[i]);
		rec->told = apply(rec->told, change, flags & mb->known);
	}
	return MAILBOX_OK;
}

/* ---- removal ---- */

static int
call_remove(struct mailbox *mb, struct uidlist_rec *rec, int dir,
    const char *name, void *arg)
{
	const bool *only_deleted = arg;

	if (*only_deleted && (rec->flags & MAILBOX_DELETED) == 0)
		return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW);
	if (unlinkat(dir, name, 0) == -1)
		return -1;
	rec->gone = mb->untold = true;
	rec->where = UIDLIST_NOWHERE;
	return 0;
}

enum mailbox_status
mailbox_expunge(struct mailbox *mb, const uint32_t *seqs, size_t n,
    bool only_deleted)
{
	enum mailbox_status status, first = MAILBOX_OK;
	size_t i;

	if (mailbox_readonly(mb))
		return MAILBOX_NOT_PERMITTED;
	for (i = 0; i < n; i++) {
		status = with_file(mb, seqs[i], "unlink", call_remove,
		    &only_deleted);
		if (first == MAILBOX_OK && status != MAILBOX_NONE)
			first = status;
	}
	if (n > 0 && (fsync(mb->cur) == -1 || fsync(mb->new) == -1) &&
	    first == MAILBOX_OK)
		first = mailbox_errno("fsync");
	return first;
}
