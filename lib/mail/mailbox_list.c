/* SPDX-License-Identifier: ISC
 *
 * The UID list of an open mailbox: loading it, and loading it anew when
 * another program replaced the file while the session goes on.  It must never
 * let a UID of the session's view mean another message.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mail/mailbox_local.h"
#include "system/log.h"

/* What the session knows of a record, to the same record read again. */
static void
carry(struct uidlist_rec *to, const struct uidlist_rec *from)
{
	to->listing = from->listing;
	to->info = from->info;
	to->flags = from->flags;
	to->told = from->told;
	to->size = from->size;
	to->where = from->where;
	to->visible = from->visible;
	to->gone = from->gone;
	to->recent = from->recent;
}

/* A record of the view that the new file does not have: the message is gone
 * for this session; its place stays until the session can be told. */
static int
keep_gone(struct uidlist *fresh, struct uidlist_rec *to,
    const struct uidlist_rec *from)
{
	const char *name = uidlist_string(fresh, from->name,
	    strlen(from->name));

	if (name == NULL)
		return -1;
	*to = *from;
	to->name = name;
	to->ext = "";
	to->info = "";
	to->where = UIDLIST_NOWHERE;
	to->gone = to->superseded = true;
	return 0;
}

/* The same UID, in the view and in the new file. */
static void
meet(struct uidlist_rec *to, const struct uidlist_rec *from)
{
	if (!to->superseded && strcmp(to->name, from->name) == 0) {
		carry(to, from);
	} else if (from->visible) {
		/* Someone restored an old list.  The session must not see
		 * another message under this UID: that gets a new one. */
		log_warn("mailbox-uidlist", "changed=%u", from->uid);
		to->told = from->told;
		to->visible = true;
		to->gone = true;
	}
}

/* Both lists in one array by uid: the new file's records, and those that the
 * session sees and the file has lost. */
static int
merge(struct mailbox *mb, struct uidlist *fresh)
{
	const struct uidlist *old = &mb->list;
	struct uidlist_rec *v;
	size_t i, j = 0, n = 0;

	v = reallocarray(NULL, old->n + fresh->n + 1, sizeof(*v));
	if (v == NULL)
		return -1;
	for (i = 0; i < old->n; i++) {
		while (j < fresh->n && fresh->v[j].uid < old->v[i].uid)
			v[n++] = fresh->v[j++];
		if (j < fresh->n && fresh->v[j].uid == old->v[i].uid) {
			v[n] = fresh->v[j++];
			meet(&v[n++], &old->v[i]);
		} else if (old->v[i].visible) {
			if (keep_gone(fresh, &v[n++], &old->v[i]) == -1)
				goto fail;
		}
	}
	while (j < fresh->n)
		v[n++] = fresh->v[j++];
	if (fresh->next < old->next)
		fresh->next = old->next;
	if (uidlist_take(fresh, v, n) == -1)
		goto fail;
	return 0;
fail:
	free(v);
	return -1;
}

static void
rebuild_view(struct mailbox *mb)
{
	size_t i, n = 0;

	for (i = 0; i < mb->list.n; i++)
		if (mb->list.v[i].visible)
			mb->view[n++] = (uint32_t)i;
	mb->nview = n;
}

/* Another file has taken the place of the one we know. */
static enum mailbox_status
reload(struct mailbox *mb)
{
	enum mailbox_status status = MAILBOX_OK;
	struct uidlist fresh;

	uidlist_init(&fresh);
	switch (uidlist_read(&fresh, mb->dir)) {
	case UIDLIST_MORE:
	case UIDLIST_SAME:	/* an empty file */
		break;
	case UIDLIST_MISSING:
		uidlist_free(&fresh);
		return MAILBOX_OK;
	case UIDLIST_REPLACED:
	case UIDLIST_FAILED:
		status = mailbox_errno("uidlist");
		goto fail;
	}
	if (fresh.validity == 0) {
		/* Nothing of use in it: ours will be written over it. */
		log_warn("mailbox-uidlist", "damaged=header");
		uidlist_free(&fresh);
		mb->list.damaged = true;
		return MAILBOX_OK;
	}
	if (mb->list.validity != 0 && fresh.validity != mb->list.validity) {
		status = MAILBOX_RESET;
		goto fail;
	}
	if (merge(mb, &fresh) == -1) {
		status = MAILBOX_TEMPORARY;
		goto fail;
	}
	uidlist_free(&mb->list);
	mb->list = fresh;
	rebuild_view(mb);
	return MAILBOX_OK;
fail:
	uidlist_free(&fresh);
	return status;
}

enum mailbox_status
mailbox_load(struct mailbox *mb)
{
	bool damaged = mb->list.damaged;
	enum mailbox_status status = MAILBOX_OK;

	switch (uidlist_read(&mb->list, mb->dir)) {
	case UIDLIST_SAME:
		break;
	case UIDLIST_MORE:
		if (mb->list.damaged && !damaged)
			log_warn("mailbox-uidlist", "damaged=lines");
		break;
	case UIDLIST_MISSING:
		/* Removed under us: ours is written again. */
		if (mb->list.validity != 0)
			mb->list.damaged = true;
		break;
	case UIDLIST_REPLACED:
		status = reload(mb);
		break;
	case UIDLIST_FAILED:
		status = mailbox_errno("uidlist");
		break;
	}
	if (status == MAILBOX_OK)
		mb->loaded = true;
	return status == MAILBOX_NONE ? MAILBOX_TEMPORARY : status;
}

enum mailbox_status
mailbox_load_locked(struct mailbox *mb)
{
	enum mailbox_status status = mailbox_load(mb);

	if (status != MAILBOX_OK || mb->list.validity != 0)
		return status;
	if ((mb->list.validity = mailbox_new_uidvalidity(mb->root)) == 0)
		return MAILBOX_TEMPORARY;
	mb->list.damaged = true;
	return MAILBOX_OK;
}

enum mailbox_status
mailbox_lock_list(struct mailbox *mb, struct mailbox_lock *lock)
{
	enum mailbox_status status;

	if (mb->root->flags & MAILBOX_READONLY)
		return MAILBOX_NO_RIGHT;
	status = mailbox_lock(lock, mb->dir, UIDLIST_FILE,
	    mb->root->file_mode);
	return status == MAILBOX_NONE ? MAILBOX_RESET : status;
}
