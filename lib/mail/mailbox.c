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
#include "system/log.h"

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

int
mailbox_grow(void *arrayp, size_t *cap, size_t n, size_t size)
{
	size_t want = *cap == 0 ? 64 : *cap;
	void **array = arrayp, *p;

	if (n <= *cap)
		return 0;
	while (want < n)
		want *= 2;
	if ((p = reallocarray(*array, want, size)) == NULL)
		return -1;
	*array = p;
	*cap = want;
	return 0;
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
	mb->flags = flags | (root->flags & MAILBOX_READONLY);
	mb->dir = mb->cur = mb->new = -1;
	mb->known = MAILBOX_SYSTEM_FLAGS;
	uidlist_init(&mb->list);
	mb->name = strdup(strcmp(path, ".") == 0 ? INBOX : name);
	status = mb->name == NULL ? MAILBOX_TEMPORARY :
	    open_folders(mb, path);
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

void
mailbox_close(struct mailbox *mb)
{
	size_t i;

	if (mb == NULL)
		return;
	if (mb->root->watched == mb)
		mb->root->watched = NULL;
	uidlist_free(&mb->list);
	keywords_free(&mb->keywords);
	for (i = 0; i < mb->infos_cap; i++)
		free(mb->infos[i]);
	free(mb->infos);
	free(mb->view);
	free(mb->unknown);
	free(mb->names);
	free(mb->expunged);
	free(mb->changed);
	free(mb->name);
	mailbox_cache_close(mb);
	close_if(mb->dir);
	close_if(mb->cur);
	close_if(mb->new);
	free(mb);
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

uint32_t
mailbox_uidvalidity(const struct mailbox *mb)
{
	return mb->list.validity;
}

uint32_t
mailbox_uidnext(const struct mailbox *mb)
{
	return mb->list.next;
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
	const struct uidlist_rec *rec = mailbox_rec(mb, seq);

	m->uid = rec->uid;
	m->flags = rec->flags;
	m->recent = rec->recent;
	m->gone = rec->gone;
}

uint32_t
mailbox_seq_from(const struct mailbox *mb, uint32_t uid)
{
	size_t low = 0, high = mb->nview, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (mb->list.v[mb->view[mid]].uid < uid)
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

	return seq <= mb->nview && mailbox_rec(mb, seq)->uid == uid ? seq : 0;
}

/* NOTE: a migration may have left any octets; only what RFC 1939, section 7,
 * allows is said again: one to 70 in the range 0x21 to 0x7E. */
static bool
uidl_ok(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i] < 0x21 || s[i] > 0x7e)
			return false;
	return n > 0 && n <= MAILBOX_UIDL_MAX;
}

void
mailbox_uidl(const struct mailbox *mb, uint32_t seq, char *id)
{
	const struct uidlist_rec *rec = mailbox_rec(mb, seq);

	if (uidlist_ext(rec, 'P', id, MAILBOX_UIDL_MAX + 1)) {
		/* An empty one stands for the base name. */
		if (*id == '\0')
			strlcpy(id, rec->name, MAILBOX_UIDL_MAX + 1);
		if (uidl_ok(id, strlen(id)))
			return;
	}
	snprintf(id, MAILBOX_UIDL_MAX + 1, "%08x%08x", rec->uid,
	    mb->list.validity);
}

uint32_t
mailbox_pop3_order(const struct mailbox *mb, uint32_t seq)
{
	const char *error;
	char value[12];
	long long n;

	if (!uidlist_ext(mailbox_rec(mb, seq), 'O', value, sizeof(value)))
		return 0;
	n = strtonum(value, 0, UINT32_MAX, &error);
	return error == NULL ? (uint32_t)n : 0;
}

/* ---- keywords ---- */

int
mailbox_keyword(struct mailbox *mb, const char *name, bool create)
{
	unsigned used = 0;
	size_t i;
	int index, c;

	if (keywords_read(&mb->keywords, mb->dir) == 1)
		mailbox_reflag(mb);
	index = keywords_find(&mb->keywords, name);
	if (index != -1 || !create || mailbox_readonly(mb))
		return index;
	/* A letter that files carry without a name meant something once. */
	for (i = 0; i < mb->infos_cap; i++)
		for (c = 0; mb->infos[i] != NULL && c < KEYWORDS_LETTERS; c++)
			if (mailbox_file_flags(mb->infos[i]) &
			    MAILBOX_KEYWORD(c))
				used |= 1u << c;
	if (keywords_add(&mb->keywords, mb->dir, mb->root->file_mode, name,
	    used, &index) != MAILBOX_OK)
		return -1;
	mailbox_reflag(mb);
	return index;
}

const char *
mailbox_keyword_name(const struct mailbox *mb, int i)
{
	return i >= 0 && i < KEYWORDS_LETTERS ? mb->keywords.names[i] : NULL;
}

bool
mailbox_keyword_room(const struct mailbox *mb)
{
	int i;

	for (i = 0; i < KEYWORDS_LETTERS; i++)
		if (mb->keywords.names[i] == NULL)
			return !mailbox_readonly(mb);
	return false;
}
