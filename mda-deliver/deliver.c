/* SPDX-License-Identifier: ISC
 *
 * One message into one mailbox, and what its failure means.  It must never
 * leave a part of a message behind.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "deliver.h"
#include "flags.h"
#include "grammar/header.h"
#include "grammar/trace.h"
#include "mail/disk_order.h"
#include "mail/mailbox.h"
#include "mail/special_use.h"
#include "system/log.h"
#include "warning.h"

/*
 * A failure of the machine or of its set-up is tried again.  Only by hand is
 * a path that cannot be a mailbox worth another exit code.
 */
void
outcome_errno(struct outcome *o, const char *mailbox, int error)
{
	const char *status = "4.3.0";

	o->kind = OUTCOME_TEMPORARY;
	o->code = EX_TEMPFAIL;
	switch (error) {
	case ENOSPC:
		status = "4.3.1";
		break;
	case EDQUOT:
		status = "4.2.2";
		break;
	case EAGAIN:
		status = "4.2.1";
		break;
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case EINVAL:
	case ELOOP:
	case ENAMETOOLONG:
		o->code = EX_CANTCREAT;
		break;
	}
	snprintf(o->text, sizeof(o->text), "%s %.300s: %s", status, mailbox,
	    error == EINVAL ? "neither a Maildir nor an mbox" :
	    error == EAGAIN ? "locked by another program" : strerror(error));
}

void
outcome_measure(struct outcome *o)
{
	if ((unsigned)o->kind > OUTCOME_BEFORE)
		o->kind = OUTCOME_TEMPORARY;
	o->text[sizeof(o->text) - 1] = '\0';
	o->warn = o->begun = false;
}

static void
outcome_full(struct outcome *o, bool tempfail)
{
	o->kind = tempfail ? OUTCOME_TEMPORARY : OUTCOME_PERMANENT;
	o->code = tempfail ? EX_TEMPFAIL : EX_CANTCREAT;
	snprintf(o->text, sizeof(o->text), "%s the mailbox is full: its owner "
	    "must delete mail before it takes more",
	    tempfail ? "4.2.2" : "5.2.2");
}

static void
close_folders(struct deliver *d)
{
	if (d->root != -1 && d->root != d->dir)
		close(d->root);
	if (d->dir != -1)
		close(d->dir);
	d->root = d->dir = -1;
}

static int
failed(struct deliver *d, struct outcome *o)
{
	int error = errno;

	deliver_abort(d);
	if (d->full)
		outcome_full(o, d->how->tempfail);
	else
		outcome_errno(o, d->how->mailbox, error);
	return -1;
}

/* ---- quota ---- */

int
deliver_root(int dir)
{
	if (faccessat(dir, "maildirfolder", F_OK, AT_SYMLINK_NOFOLLOW) == -1)
		return dir;
	return openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A quota that cannot be known stops no mail. */
static void
quota_fault(const struct deliver *d)
{
	log_once("quota", "mailbox=%s error=%s", log_str(d->how->mailbox),
	    log_str(strerror(errno)));
}

static void
find_quota(struct deliver *d)
{
	d->root = deliver_root(d->dir);
	quota_init(&d->quota, d->root, d->how->quota);
	if (d->root == -1 || quota_read(&d->quota) == -1)
		quota_fault(d);
}

/* Is there room for a message that is this long, so far?  0, -1. */
static int
find_room(struct deliver *d, uint64_t size)
{
	if (quota_fits(&d->quota, size, 1))
		return 0;
	d->full = true;
	errno = EDQUOT;
	return -1;
}

/* ---- the message ---- */

static int
put(struct deliver *d, const void *data, size_t n)
{
	if (d->dir == -1)
		return mbox_write(&d->u.mbox, data, n);
	return find_room(d, d->u.maildir.writer.size + n) == -1 ? -1 :
	    maildir_write(&d->u.maildir, data, n);
}

/* In a Maildir that was just made.  What fails stops no mail. */
static void
make_folders(const struct delivery *how)
{
	struct mailbox_root *root;
	enum mailbox_status status;

	status = mailbox_root_open(how->mailbox, 0, &root);
	if (status != MAILBOX_OK) {
		log_warn("folders", "mailbox=%s error=%s",
		    log_str(how->mailbox),
		    log_str(mailbox_status_text(status)));
		return;
	}
	special_use_make(root, &how->folders->folders,
	    *how->folders->separator);
	mailbox_root_close(root);
}

/* Whether there is a Maildir. */
static bool
is_maildir(const char *path)
{
	char part[PATH_MAX];
	struct stat st;

	snprintf(part, sizeof(part), "%.*s/cur", PATH_MAX - 5, path);
	return stat(part, &st) == 0 || errno != ENOENT;
}

static int
open_maildir(struct deliver *d, bool make)
{
	const struct delivery *how = d->how;
	bool made = make && how->folders != NULL && !is_maildir(how->mailbox);

	d->dir = maildir_open(how->mailbox, make ? MAILDIR_CREATE : 0);
	if (d->dir == -1)
		return -1;
	if (made)
		make_folders(how);
	find_quota(d);
	if (find_room(d, how->size) == -1)
		return -1;
	if (maildir_begin(&d->u.maildir, d->dir, how->id, how->host) == -1)
		return -1;
	if (how->flags != NULL)
		flags_info(d->u.maildir.info, d->dir, how->flags);
	return 0;
}

static int
open_mailbox(struct deliver *d)
{
	const struct delivery *how = d->how;
	size_t n = strlen(how->mailbox);
	bool slash = n > 0 && how->mailbox[n - 1] == '/';
	char sender[ADDRESS_TEXT_MAX] = "";
	struct stat st;

	if (how->there)
		return open_maildir(d, false);
	/* Only what is not there is made. */
	if (slash || (stat(how->mailbox, &st) == 0 ? S_ISDIR(st.st_mode) :
	    how->create))
		return open_maildir(d, how->create || slash);
	if (how->from != NULL)
		address_text(how->from, sender);
	return mbox_begin(&d->u.mbox, how->mailbox, sender,
	    how->mtime != NULL ? how->mtime->tv_sec : time(NULL));
}

static int
put_lines(struct deliver *d)
{
	struct buf b;
	int r = 0;

	buf_init(&b, TRACE_ENVELOPE_MAX);
	if (d->how->from != NULL)
		r = trace_return_path(&b, d->how->from);
	if (r == 0 && d->how->to != NULL)
		r = trace_delivered_to(&b, d->how->to);
	if (r == -1)
		errno = ENOMEM;
	else
		r = put(d, b.data, b.len);
	buf_free(&b);
	return r;
}

int
deliver_begin(struct deliver *d, const struct delivery *how,
    struct outcome *o)
{
	memset(d, 0, offsetof(struct deliver, u));
	d->how = how;
	d->dir = d->root = -1;
	d->u.mbox.fd = -1;
	if (open_mailbox(d) == -1) {
		/* Nothing was begun that could be aborted. */
		if (d->full)
			outcome_full(o, how->tempfail);
		else
			outcome_errno(o, how->mailbox, errno);
		close_folders(d);
		return -1;
	}
	return put_lines(d) == -1 ? failed(d, o) : 0;
}

int
deliver_write(struct deliver *d, const void *data, size_t n,
    struct outcome *o)
{
	return put(d, data, n) == -1 ? failed(d, o) : 0;
}

int
deliver_ready(struct deliver *d, struct outcome *o)
{
	return maildir_ready(&d->u.maildir, d->how->mtime) == -1 ?
	    failed(d, o) : 0;
}

/* Others may have filled it while the message came. */
static int
name_it(struct deliver *d)
{
	uint64_t size = d->u.maildir.writer.size;

	if (d->quota.limits.set && quota_read(&d->quota) == -1)
		quota_fault(d);
	return find_room(d, size) == -1 ? -1 : maildir_name(&d->u.maildir);
}

static void
count_in(struct deliver *d, struct outcome *o)
{
	uint64_t size = d->u.maildir.writer.size;

	o->warn = d->how->warn != NULL &&
	    warning_is_due(d->how->warn, &d->quota, size);
	if (d->quota.limits.set && quota_add(&d->quota, (int64_t)size, 1) ==
	    -1)
		quota_fault(d);
}

static void
succeeded(struct outcome *o, int r)
{
	o->kind = r == 1 ? OUTCOME_BEFORE : OUTCOME_DELIVERED;
	o->code = 0;
	strlcpy(o->text, "2.0.0 delivered", sizeof(o->text));
}

int
deliver_name(struct deliver *d, struct outcome *o)
{
	int r = name_it(d);

	if (r == -1)
		return failed(d, o);
	if (r == 0)
		count_in(d, o);
	succeeded(o, r);
	return 0;
}

int
deliver_sync(struct deliver *d)
{
	return d->u.maildir.fd == -1 ? 0 : maildir_sync(&d->u.maildir);
}

void
deliver_undo(struct deliver *d, struct outcome *o, int error)
{
	o->warn = false;
	if (d->u.maildir.fd != -1) {
		maildir_undo(&d->u.maildir);
		if (d->quota.limits.set)
			(void)quota_add(&d->quota,
			    -(int64_t)d->u.maildir.writer.size, -1);
		outcome_errno(o, d->how->mailbox, error);
	}
	close_folders(d);
}

void
deliver_close(struct deliver *d)
{
	if (d->u.maildir.fd != -1)
		maildir_close(&d->u.maildir);
	close_folders(d);
}

void
deliver_end(struct deliver *d, struct outcome *o)
{
	int r;

	o->warn = o->begun = false;
	if (d->dir != -1) {
		if (deliver_ready(d, o) == -1 || deliver_name(d, o) == -1)
			return;
		if (deliver_sync(d) == -1)
			deliver_undo(d, o, errno);
		else
			deliver_close(d);
	} else if ((r = mbox_end(&d->u.mbox)) == -1)
		(void)failed(d, o);
	else
		succeeded(o, r);
}

void
deliver_abort(struct deliver *d)
{
	if (d->dir != -1) {
		maildir_abort(&d->u.maildir);
		close_folders(d);
	} else if (d->u.mbox.fd != -1)
		mbox_abort(&d->u.mbox);
}

bool
deliver_marked(const struct header_field *f, struct address *had)
{
	struct buf value;
	bool marked;

	if (!header_is(f, "Delivered-To"))
		return false;
	buf_init(&value, 4 * ADDRESS_TEXT_MAX);
	marked = header_unfold(&value, f) == 0 && value.len > 0 &&
	    address_parse_utf8(had, value.data, value.len, NULL) == 1;
	buf_free(&value);
	return marked;
}

const char *
deliver_loops(const char *text, size_t n, const struct address *to)
{
	struct header_field f;
	struct address had;
	struct header h;
	unsigned hops = 0, marks = 0;

	header_init(&h, text, n);
	while (header_next(&h, &f)) {
		if (header_is(&f, "Received") && ++hops > LOOP_HOPS)
			return "it went through more than 100 hosts";
		if (!deliver_marked(&f, &had))
			continue;
		if (to != NULL && address_equal(&had, to))
			return "it was delivered to this address before";
		if (++marks > LOOP_HOPS)
			return "it was delivered to more than 100 addresses";
	}
	return NULL;
}

char *
deliver_anchor(char anchor[PATH_MAX], const char *path)
{
	struct stat st;
	char *slash;

	strlcpy(anchor, path, PATH_MAX);
	while (stat(anchor, &st) == -1 || !S_ISDIR(st.st_mode)) {
		slash = strrchr(anchor, '/');
		if (slash == NULL) {
			strlcpy(anchor, ".", PATH_MAX);
			break;
		}
		if (slash == anchor) {
			anchor[1] = '\0';
			break;
		}
		*slash = '\0';
	}
	disk_order_note(anchor);
	return anchor;
}
