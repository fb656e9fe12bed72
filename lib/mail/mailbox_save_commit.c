/* SPDX-License-Identifier: ISC
 *
 * Messages staged in a mailbox's tmp, or still where they are copied from,
 * appear, all or none, under the UID list's lock.  A file is put in place
 * before its UID is written down: who sees it in between waits for the lock.
 * What fails leaves no file anywhere.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/mailbox_mbox.h"
#include "mail/mailbox_save.h"

/* What they come to, by the names they will have, or else by their files. */
static uint64_t
sum_of_sizes(const struct mailbox_save *save)
{
	const struct mailbox_staged *s;
	uint64_t sum = 0, size;
	size_t i;

	for (i = 0; i < save->n; i++) {
		s = &save->v[i];
		mailbox_quota_size(s->dir, mailbox_file_size(s->base,
		    strlen(s->base), 'S', &size) == 1 ? s->base : s->tmp,
		    &sum);
	}
	return sum;
}

/* Where a staged message goes, and under which name. */
static int
place_of(const struct mailbox_save *save, const struct mailbox_staged *s,
    char *name)
{
	snprintf(name, 2 * MAILBOX_FILE_MAX, "%s%s", s->base, s->info);
	return s->info[0] == '\0' ? save->mb->new : save->mb->cur;
}

/* Give it its name, but never that of another file. */
static int
place(const struct mailbox_save *save, const struct mailbox_staged *s, int dir,
    const char *name)
{
	if (save->from != NULL && !save->taking)
		return linkat(s->dir, s->tmp, dir, name, 0);
	return mailbox_rename_file(s->dir, s->tmp, dir, name);
}

static enum mailbox_status
place_failed(struct mailbox_save *save)
{
	if (save->from == NULL || errno == ENOSPC || errno == EDQUOT)
		return mailbox_errno("rename");
	save->refused = true;
	return MAILBOX_NONE;
}

static enum mailbox_status
place_files(struct mailbox_save *save)
{
	char name[2 * MAILBOX_FILE_MAX];
	bool to_new = false, to_cur = false;
	struct mailbox_staged *s;
	size_t i;
	int dir;

	for (i = 0; i < save->n; i++) {
		s = &save->v[i];
		dir = place_of(save, s, name);
		if (place(save, s, dir, name) == -1)
			return place_failed(save);
		s->placed = true;
		if (dir == save->mb->cur)
			save->mb->stamp_cur.known =
			    save->mb->stamp_cur.clean = false;
		to_new |= dir == save->mb->new;
		to_cur |= dir == save->mb->cur;
	}
	/* The sync of the UID list is still to come. */
	if (save->mb->root->ordered)
		return MAILBOX_OK;
	if ((to_new && fsync(save->mb->new) == -1) ||
	    (to_cur && fsync(save->mb->cur) == -1))
		return mailbox_errno("fsync");
	return MAILBOX_OK;
}

static enum mailbox_status
write_lines(struct mailbox_save *save)
{
	struct mailbox *mb = save->mb;
	struct uidlist_writer w;
	size_t i;

	if (UIDLIST_UID_MAX - mb->list.next < save->n)
		return MAILBOX_LIMIT;
	mailbox_list_begin(mb, &w);
	for (i = 0; i < save->n; i++)
		uidlist_put(&w, mb->list.next + (uint32_t)i,
		    save->v[i].ext, save->v[i].base,
		    strlen(save->v[i].base));
	return uidlist_end(&mb->list, &w, mb->dir) == -1 ?
	    mailbox_errno("uidlist") : MAILBOX_OK;
}

static int
add_record(struct mailbox *mb, const struct mailbox_staged *s, uint32_t uid,
    struct mailbox_log *log)
{
	const char *info = mailbox_info(mb, s->info);
	uint32_t place = mailbox_places(mb);
	struct mailbox_own *o;

	if (info == NULL ||
	    mailbox_add(mb, uid, s->base, strlen(s->base), s->ext) == -1 ||
	    mailbox_moved(mb, place, *info == '\0' ? WHERE_NEW : WHERE_CUR,
	    info) == -1)
		return -1;
	o = mailbox_has_own(mb, place);
	o->flags |= s->keywords;
	o->saved = s->saved;
	mailbox_log_state(mb, log, place);
	return 0;
}

/* Their records, in memory and in the journal.  What others, who have seen the
 * lines, say of them there has been read by then, and counts less. */
static enum mailbox_status
add_records(struct mailbox_save *save, uint32_t first)
{
	struct mailbox_log log;
	size_t i = 0;

	(void)mailbox_log_begin(save->mb, &log);
	/* When all is to be loaded anew, so are they. */
	while (!log.reset && i < save->n && add_record(save->mb, &save->v[i],
	    first + (uint32_t)i, &log) == 0)
		i++;
	(void)mailbox_log_end(save->mb, &log);
	return log.reset || i == save->n ? MAILBOX_OK : MAILBOX_TEMPORARY;
}

/* Take a message out of its place: back to where it was, when it was taken from
 * there. */
static void
take_back(const struct mailbox_save *save, struct mailbox_staged *s)
{
	char name[2 * MAILBOX_FILE_MAX];
	int dir = place_of(save, s, name);

	if (!s->placed && save->from == NULL)
		(void)unlinkat(s->dir, s->tmp, 0);
	else if (s->placed && !save->taking)
		(void)unlinkat(dir, name, 0);
	else if (s->placed &&
	    mailbox_rename_file(dir, name, s->dir, s->tmp) == -1)
		(void)mailbox_errno("rename");
	s->placed = false;
}

static void
remove_files(struct mailbox_save *save)
{
	size_t i;

	for (i = 0; i < save->n; i++)
		take_back(save, &save->v[i]);
}

static enum mailbox_status
make_known(struct mailbox_save *save, uint32_t *first)
{
	struct mailbox *mb = save->mb;
	enum mailbox_status status;

	if ((status = mailbox_load_locked(mb)) != MAILBOX_OK)
		return status;
	mailbox_make_journal(mb);
	mailbox_watch_begin(mb);
	if ((status = mailbox_batch_begin(save)) != MAILBOX_OK)
		return status;
	status = place_files(save);
	*first = mb->list.next;
	if (status != MAILBOX_OK || (status = write_lines(save)) != MAILBOX_OK)
		*first = 0;
	/* Until the batch file goes, another would do it. */
	if (status != MAILBOX_OK && save->from != NULL)
		remove_files(save);
	mailbox_batch_end(save);
	/* From here they have UIDs that others may have seen. */
	if (status == MAILBOX_OK && add_records(save, *first) != MAILBOX_OK)
		mailbox_distrust(mb);
	return status;
}

/* Is there room for so much? */
static bool
has_room(const struct mailbox_save *save, uint64_t bytes)
{
	if (save->moves || (bytes <= save->credit && save->n <= save->credits))
		return true;
	return mailbox_quota_room(save->mb->root, bytes > save->credit ?
	    bytes - save->credit : 0, save->n - save->credits);
}

static void
save_free(struct mailbox_save *save)
{
	if (save->fd != -1)
		close(save->fd);
	if (save->tmp != -1)
		close(save->tmp);
	free(save->v);
	free(save);
}

static enum mailbox_status
commit(struct mailbox_save *save, uint32_t *first)
{
	enum mailbox_status status;
	struct mailbox_lock lock;

	mailbox_straight_ready(save);
	if ((status = mailbox_lock_list(save->mb, &lock)) == MAILBOX_OK) {
		(void)mailbox_batch_recover(save->mb);
		status = make_known(save, first);
		if (status != MAILBOX_OK)
			remove_files(save);
		mailbox_unlock(&lock);
	} else {
		remove_files(save);
	}
	return status;
}

static enum mailbox_status
commit_maildir(struct mailbox_save *save, uint32_t *first)
{
	struct mailbox_root *root = save->mb->root;
	enum mailbox_status status;
	uint64_t bytes = 0;
	bool counted;

	if ((counted = mailbox_has_quota(root))) {
		bytes = sum_of_sizes(save);
		if (!has_room(save, bytes)) {
			remove_files(save);
			return MAILBOX_OVERQUOTA;
		}
	}
	status = commit(save, first);
	if (save->refused) {
		if ((status = mailbox_straight_stage(save)) == MAILBOX_OK)
			status = commit(save, first);
		else
			remove_files(save);
	}
	if (status != MAILBOX_OK)
		return status;
	if (save->taking)
		mailbox_straight_taken(save);
	else if (counted)
		mailbox_quota_add(root, (int64_t)bytes, (int64_t)save->n);
	return status;
}

enum mailbox_status
mailbox_save_commit(struct mailbox_save *save, uint32_t *first)
{
	enum mailbox_status status;
	uint32_t unwanted;

	if (first == NULL)
		first = &unwanted;
	*first = 0;
	mailbox_save_sync(save);
	status = save->status;
	if (save->mbox == NULL && status == MAILBOX_OK)
		status = commit_maildir(save, first);
	else if (save->mbox == NULL)
		remove_files(save);
	else if (status != MAILBOX_OK)
		mbox_save_abort(save->mbox);
	else
		status = mailbox_mbox_commit(save->mb, save->mbox, first);
	save_free(save);
	return status;
}

void
mailbox_save_abort(struct mailbox_save *save)
{
	if (save == NULL)
		return;
	mbox_save_abort(save->mbox);
	save->status = MAILBOX_TEMPORARY;	/* nothing is to be synced */
	mailbox_save_sync(save);
	remove_files(save);
	save_free(save);
}
