/* SPDX-License-Identifier: ISC
 *
 * Opening a mailbox, and what is known of its messages without touching them;
 * see mail/mailbox.h.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "mail/mailbox_local.h"
#include "mail/mailbox_mbox.h"
#include "system/log.h"

#define EXTRA_TRIES	4	/* the journal may be replaced meanwhile */

const char *
mailbox_status_text(enum mailbox_status status)
{
	switch (status) {
	case MAILBOX_OK:
		return "done";
	case MAILBOX_NONE:
		return "it does not exist";
	case MAILBOX_EXISTS:
		return "it exists already";
	case MAILBOX_BAD_NAME:
		return "this name cannot be used";
	case MAILBOX_NOT_PERMITTED:
		return "this is not permitted";
	case MAILBOX_NO_RIGHT:
		return "the file system does not permit it";
	case MAILBOX_FULL:
		return "no space is left";
	case MAILBOX_OVERQUOTA:
		return "the mailbox is over its quota";
	case MAILBOX_LIMIT:
		return "a limit is reached";
	case MAILBOX_BUSY:
		return "the mailbox is locked, try again";
	case MAILBOX_RESET:
		return "the mailbox was replaced, open it again";
	case MAILBOX_TEMPORARY:
		return "a temporary failure, try again";
	}
	return "";
}

static int
open_dir(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    O_NOFOLLOW);
}

/* Open the folders; a mailbox has at least cur or new, what else is missing
 * is made. */
static enum mailbox_status
open_folders(struct mailbox *mb, const char *path)
{
	enum mailbox_status status;
	struct stat st;

	if ((mb->dir = openat(mb->root->fd, path, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) == -1)
		return errno == ENOTDIR || errno == ELOOP ? MAILBOX_NONE :
		    mailbox_errno("open");
	if (fstatat(mb->dir, "cur", &st, 0) == -1 &&
	    fstatat(mb->dir, "new", &st, 0) == -1)
		return mailbox_errno("open");
	if ((mb->root->flags & MAILBOX_READONLY) == 0) {
		status = mailbox_make_folders(mb->root, mb->dir);
		if (status != MAILBOX_OK && status != MAILBOX_NO_RIGHT &&
		    status != MAILBOX_FULL)
			return status;
	}
	if ((mb->cur = open_dir(mb->dir, "cur")) == -1 ||
	    (mb->new = open_dir(mb->dir, "new")) == -1)
		return mailbox_errno("open");
	return MAILBOX_OK;
}

enum mailbox_status
mailbox_open(struct mailbox_root *root, const char *name, unsigned flags,
    struct mailbox **mbp)
{
	char path[MAILBOX_NAME_MAX + 2];
	enum mailbox_status status;
	struct mailbox *mb;

	*mbp = NULL;
	if ((status = mailbox_path(name, path)) != MAILBOX_OK)
		return status;
	if ((mb = calloc(1, sizeof(*mb))) == NULL)
		return MAILBOX_TEMPORARY;
	mb->root = root;
	mb->next = root->open;
	root->open = mb;
	mb->watches[0] = mb->watches[1] = -1;
	mb->flags = flags | (root->flags & MAILBOX_READONLY);
	mb->dir = mb->cur = mb->new = -1;
	mb->known = MAILBOX_SYSTEM_FLAGS;
	uidlist_init(&mb->list);
	journal_init(&mb->journal);
	mb->name = strdup(strcmp(path, ".") == 0 ? INBOX : name);
	if (mb->name == NULL)
		status = MAILBOX_TEMPORARY;
	else if (root->mbox != NULL)
		status = mailbox_mbox_open(mb, name);
	else
		status = open_folders(mb, path);
	if (status != MAILBOX_OK) {
		mailbox_close(mb);
		return status;
	}
	*mbp = mb;
	return MAILBOX_OK;
}

static void
close_if(int fd)
{
	if (fd != -1)
		close(fd);
}

static void
leave_root(struct mailbox *mb)
{
	struct mailbox **p;

	for (p = &mb->root->open; *p != mb; p = &(*p)->next)
		;
	*p = mb->next;
}

void
mailbox_close(struct mailbox *mb)
{
	size_t i;

	if (mb == NULL)
		return;
	/* Sizes that were counted, and the like, are for the next. */
	mailbox_flush(mb);
	if (mb->refreshed && mb->nfound == 0 && mb->mbox == NULL)
		mailbox_index_update(mb, false);
	mailbox_watch_end(mb);
	leave_root(mb);
	uidlist_free(&mb->list);
	journal_close(&mb->journal);
	mailbox_state_free(&mb->state);
	keywords_free(&mb->keywords);
	for (i = 0; i < mb->infos_cap; i++)
		free(mb->infos[i]);
	free(mb->infos);
	free(mb->view);
	free(mb->touched);
	free(mb->pending);
	free(mb->found);
	free(mb->unknown);
	free(mb->names);
	free(mb->events);
	free(mb->expunged);
	free(mb->changed);
	free(mb->name);
	mailbox_cache_close(mb);
	mbox_store_close(mb->mbox);
	close_if(mb->dir);
	close_if(mb->cur);
	close_if(mb->new);
	free(mb);
}

void
mailbox_settle(struct mailbox *mb)
{
	struct timespec pause = { 0, 12000000 };

	mailbox_flush(mb);
	mailbox_index_make(mb);
	if (!mb->watching || mb->root->network)
		return;
	/* So that the stamps of our own changes are older than a granule. */
	(void)nanosleep(&pause, NULL);
	if (mailbox_load(mb) != MAILBOX_OK)
		return;
	mb->scan_tail = mb->tail;
	if (mailbox_take_events(mb) && mb->nfound == 0 && mb->nunknown == 0)
		mailbox_slot_write(mb);
}

const char *
mailbox_name(const struct mailbox *mb)
{
	return mb->name;
}

bool
mailbox_readonly(const struct mailbox *mb)
{
	return mb->flags & MAILBOX_READONLY;
}

void
mailbox_check_readonly(struct mailbox *mb)
{
	if (mb->mbox == NULL && faccessat(mb->cur, ".", W_OK, 0) == -1 &&
	    (errno == EACCES || errno == EROFS))
		mb->flags |= MAILBOX_READONLY;
}

bool
mailbox_here(const struct mailbox *mb)
{
	char path[MAILBOX_NAME_MAX + 2];
	struct stat named, open;

	return mb->mbox == NULL && mailbox_path(mb->name, path) ==
	    MAILBOX_OK && fstatat(mb->root->fd, path, &named,
	    AT_SYMLINK_NOFOLLOW) == 0 && fstat(mb->dir, &open) == 0 &&
	    named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

uint32_t
mailbox_uidvalidity(const struct mailbox *mb)
{
	return mb->list.validity;
}

uint32_t
mailbox_uidnext(const struct mailbox *mb)
{
	return mb->refreshed ? mb->uidnext : mb->list.next;
}

uint32_t
mailbox_count(const struct mailbox *mb)
{
	return (uint32_t)mb->nview;
}

uint32_t
mailbox_recent(const struct mailbox *mb)
{
	return mb->recent;
}

void
mailbox_msg(const struct mailbox *mb, uint32_t seq, struct mailbox_msg *m)
{
	const struct index_rec *v;
	struct mailbox_rec r;

	if (mailbox_has_own(mb, mb->view[seq - 1]) != NULL) {
		mailbox_rec(mb, mb->view[seq - 1], &r);
		m->uid = r.uid;
		m->flags = r.flags;
		m->modseq = r.modseq;
		m->recent = r.recent;
		m->gone = r.gone;
		return;
	}
	/* As the index has it; its name need not be touched. */
	v = &mb->state.index.v[mb->view[seq - 1]];
	m->uid = v->uid;
	m->flags = v->flags & mb->known;
	m->modseq = v->modseq < mb->journal.floor ? mb->journal.floor :
	    v->modseq;
	m->recent = m->gone = false;
}

uint32_t
mailbox_seq_from(const struct mailbox *mb, uint32_t uid)
{
	size_t low = 0, high = mb->nview, mid;
	const struct mailbox_own *o;
	uint32_t at;

	while (low < high) {
		mid = low + (high - low) / 2;
		o = mailbox_has_own(mb, mb->view[mid]);
		at = o != NULL ? o->uid :
		    mb->state.index.v[mb->view[mid]].uid;
		if (at < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return (uint32_t)low + 1;
}

uint32_t
mailbox_seq(const struct mailbox *mb, uint32_t uid)
{
	uint32_t seq = mailbox_seq_from(mb, uid);
	struct mailbox_msg m;

	if (seq > mb->nview)
		return 0;
	mailbox_msg(mb, seq, &m);
	return m.uid == uid ? seq : 0;
}

/* ---- keywords ---- */

/* Letters that files carry without a name meant something once. */
static unsigned
used_letters(const struct mailbox *mb)
{
	uint32_t i, places = mailbox_places(mb);
	const struct mailbox_own *o;
	mailbox_flags all = 0;

	for (i = 0; i < places; i++) {
		o = mailbox_has_own(mb, i);
		all |= o != NULL ? o->flags : mb->state.index.v[i].flags;
	}
	return (unsigned)(all >> 8) & ((1u << KEYWORDS_LETTERS) - 1);
}

/* The index of a name that has no letter, put into the journal if it is not
 * there; -1: there is no room, or it could not be written. */
static int
log_extra(struct mailbox *mb, struct mailbox_log *log, const char *name)
{
	struct journal_rec r = { .type = JOURNAL_KEYWORD, .text = name };
	int i, index = keywords_find(&mb->keywords, name);

	if (index != -1)
		return index;
	for (i = KEYWORDS_LETTERS; i < MAILBOX_KEYWORDS_MAX; i++)
		if (keywords_name(&mb->keywords, i) == NULL)
			break;
	if (i == MAILBOX_KEYWORDS_MAX)
		return -1;
	r.uid = (uint32_t)i;
	return mailbox_log_put(mb, log, &r) ? i : -1;
}

/* A keyword without a letter, when all of these are taken. */
static int
add_extra(struct mailbox *mb, const char *name)
{
	struct mailbox_log log = { .reset = true };
	int i, index = -1;

	for (i = 0; i < EXTRA_TRIES && log.reset; i++) {
		if (mailbox_log_begin(mb, &log))
			index = log_extra(mb, &log, name);
		if (!mailbox_log_end(mb, &log))
			index = -1;
		/* It was replaced: the one that is there now may do. */
		if (log.reset && mailbox_load(mb) != MAILBOX_OK)
			break;
	}
	if (index == -1 || keywords_extra(&mb->keywords, index, name) == -1)
		return -1;
	mailbox_reflag(mb);
	return index;
}

int
mailbox_keyword(struct mailbox *mb, const char *name, bool create)
{
	enum mailbox_status status;
	int index;

	if (mb->mbox != NULL)
		return mailbox_mbox_keyword(mb, name, create);
	if (keywords_read(&mb->keywords, mb->dir) == 1)
		mailbox_reflag(mb);
	index = keywords_find(&mb->keywords, name);
	if (index != -1 || !create || mailbox_readonly(mb) ||
	    !keywords_name_ok(name))
		return index;
	/* What a folder's letters and its journal say has to be known. */
	if (!mb->loaded && mailbox_load(mb) != MAILBOX_OK)
		return -1;
	if ((index = keywords_find(&mb->keywords, name)) != -1)
		return index;
	status = keywords_add(&mb->keywords, mb->dir, mb->root->file_mode,
	    name, used_letters(mb), &index);
	if (status == MAILBOX_LIMIT)
		return add_extra(mb, name);
	if (status != MAILBOX_OK)
		return -1;
	mailbox_reflag(mb);
	return index;
}

const char *
mailbox_keyword_name(const struct mailbox *mb, int i)
{
	return mb->mbox != NULL ? mbox_store_keyword_name(mb->mbox, i) :
	    keywords_name(&mb->keywords, i);
}

bool
mailbox_keyword_room(const struct mailbox *mb)
{
	int i;

	if (mb->mbox != NULL)
		return !mailbox_readonly(mb) && mbox_store_keyword_room(
		    mb->mbox);
	for (i = 0; i < MAILBOX_KEYWORDS_MAX; i++)
		if (keywords_name(&mb->keywords, i) == NULL)
			return !mailbox_readonly(mb);
	return false;
}
