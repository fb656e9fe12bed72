/* SPDX-License-Identifier: ISC
 *
 * A copy of a message in a mailbox, with its owner's rights.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "carry.h"
#include "folder.h"
#include "system/fdio.h"
#include "warning.h"

bool
copy_folder(const struct work *w, size_t i, const struct dest *d, bool make,
    char path[PATH_MAX])
{
	const struct target *t = &w->targets[i];
	bool by_rules = d != NULL && d->kind == DEST_FOLDER;
	const char *name = by_rules ? d->text : t->folder;
	bool create = by_rules ? d->create : w->settings->folder_create;

	strlcpy(path, t->user->mailbox, PATH_MAX);
	if (name == NULL || !folder_is_name(name, !by_rules) ||
	    folder_find(t->user->mailbox, name, path) || !create)
		return true;
	if (make)
		folder_make(t->user->mailbox, name, path);
	return make;
}

int
copy_path(const struct user *u, const char *text, char path[PATH_MAX])
{
	bool whole = *text == '/' || *u->home == '\0';
	int n = snprintf(path, PATH_MAX, "%s%s%s", whole ? "" : u->home,
	    whole ? "" : "/", text);

	if (n >= 0 && n < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/*
 * The name of a copy: the message's ID; of several recipients, with its number
 * behind the letter, and in another place than the mailbox with a part of that
 * one's key.  The same at each try.  NULL: there is none, or it would be too
 * long.
 */
static const char *
copy_id(const struct work *w, size_t i, const struct dest *d,
    char id[SPOOL_ID_MAX])
{
	const struct spool_message *m = w->m;
	char number[32] = "", place[32] = "", key[ENVELOPE_KEY];
	const char *p = strchr(m->item.id, 'Q');
	char letter;

	if (p == NULL)
		return NULL;
	p += 1 + strspn(p + 1, "0123456789");
	letter = *p;
	if (m->env.skip != 0)		/* which had two lines, and this ID */
		letter = m->env.own ? 'S' : 'L';
	else if (m->item.form != SPOOL_LINES)
		snprintf(number, sizeof(number), "%zu", i);
	if (d != NULL && d->kind != DEST_KEEP) {
		plan_key(&w->targets[i].plan, d, key);
		snprintf(place, sizeof(place), "K%.8s", key);
	}
	return snprintf(id, SPOOL_ID_MAX, "%.*s%c%s%s%s",
	    (int)(p - m->item.id), m->item.id, letter, number, place, p + 1)
	    < SPOOL_ID_MAX ? id : NULL;
}

const struct buf *
copy_header(const struct work *w, size_t i, const struct dest *d,
    uint64_t *start)
{
	const struct plan *p = &w->targets[i].plan;

	*start = w->m->start;
	if (d == NULL || d->edit == 0 || d->edit > p->nedits)
		return NULL;
	*start += p->edit_from < w->m->size - w->m->start ? p->edit_from :
	    w->m->size - w->m->start;
	return &p->edits[d->edit - 1];
}

/* All of it, but for the end: 0, -1. */
static int
copy_message(const struct work *w, size_t i, const struct dest *dest,
    struct deliver *d, struct outcome *o)
{
	const struct spool_message *m = w->m;
	uint64_t at;
	const struct buf *header = copy_header(w, i, dest, &at);
	char data[32768];
	ssize_t got;

	if (header != NULL &&
	    deliver_write(d, header->data, header->len, o) == -1)
		return -1;
	if (header == NULL && w->text != NULL && w->ntext == m->size - at)
		return deliver_write(d, w->text, w->ntext, o);
	while ((got = fd_pread_all(m->fd, data, sizeof(data), (off_t)at)) >
	    0) {
		if (deliver_write(d, data, (size_t)got, o) == -1)
			return -1;
		at += (uint64_t)got;
	}
	if (got == 0)
		return 0;
	outcome_errno(o, "the spool", errno);
	deliver_abort(d);
	return -1;
}

int
copy_begin(struct work *w, size_t i, const struct dest *dest, bool there,
    struct copy *c, struct outcome *o)
{
	const struct spool_message *m = w->m;
	const struct user *u = w->targets[i].user;
	bool elsewhere = dest != NULL && dest->kind == DEST_MAILBOX;
	bool plain = dest == NULL && w->targets[i].folder == NULL;

	c->i = i;
	c->how = (struct delivery){
		.mailbox = plain ? u->mailbox : c->box,
		.create = !elsewhere && !there,
		.there = there,
		.folders = elsewhere ? NULL : w->settings,
		.from = &m->env.sender,
		.to = &m->env.rcpts[i].addr,
		.id = copy_id(w, i, dest, c->id),
		.host = w->settings->hostname,
		.mtime = &m->mtime,
		.size = m->size - m->start,
		.flags = dest == NULL ? NULL : dest->flags,
		.quota = elsewhere ? NULL : &u->quota,
		.tempfail = w->settings->quota_tempfail,
		.warn = elsewhere ? NULL : w->settings,
	};
	if (elsewhere && copy_path(u, dest->text, c->box) == -1) {
		outcome_errno(o, dest->text, errno);
		return -1;
	}
	if (!elsewhere && !plain && !copy_folder(w, i, dest, !there, c->box))
		return -1;
	return deliver_begin(&c->d, &c->how, o) == -1 ||
	    copy_message(w, i, dest, &c->d, o) == -1 ? -1 : 0;
}

void
copy_write(struct work *w, size_t i, const struct dest *dest,
    struct outcome *o)
{
	struct copy c;

	if (copy_begin(w, i, dest, false, &c, o) == 0)
		deliver_end(&c.d, o);
	if (o->warn)
		warning_send(w->settings, w->targets[i].user);
	o->warn = false;
}
