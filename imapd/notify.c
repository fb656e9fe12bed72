/* SPDX-License-Identifier: ISC
 *
 * NOTIFY (RFC 5465): the command, and what follows from it for the session.
 * What is told of the selected mailbox is in sync.c, of others in
 * notify_box.c, of names in notify_tree.c.
 */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "notify.h"

static void
forget(struct notify *n)
{
	if (n == NULL)
		return;
	notify_boxes_free(n);
	notify_tree_free(&n->tree);
	imap_notify_free(&n->what);
	imap_lex_free(&n->lex);
	free(n->text);
	free(n);
}

void
notify_free(struct session *s)
{
	forget(s->notify);
	s->notify = NULL;
}

/* The arguments, kept as long as what was made of them. */
static struct notify *
keep(struct session *s, struct imap_lex *l, enum reply *r)
{
	size_t len = (size_t)(l->end - l->p);
	struct notify *n = calloc(1, sizeof(*n));

	*r = REPLY_MEMORY;
	if (n == NULL || (n->text = malloc(len + 1)) == NULL)
		goto fail;
	memcpy(n->text, l->p, len);
	if (imap_lex_init(&n->lex, n->text, len) == -1)
		goto fail;
	n->lex.names = session_names(s);
	if (imap_lex_notify(&n->lex, &n->what) == -1) {
		*r = reply_bad(s, &n->lex);
		goto fail;
	}
	*r = n->what.unknown ? REPLY_BADEVENT : REPLY_OK;
	if (*r == REPLY_OK)
		return n;
fail:
	forget(n);
	return NULL;
}

/* Begin to watch what it asks for. */
static enum reply
begin(struct session *s, struct notify *n)
{
	enum mailbox_status status;
	int ms;

	if (!n->what.set)
		return REPLY_OK;
	/* First the watch: what comes after is told. */
	(void)mailbox_root_watch(s->root, &ms);
	(void)mailbox_root_changed(s->root, true);
	if ((status = notify_tree_read(s->root, &n->tree)) != MAILBOX_OK)
		return reply_mailbox(status);
	return notify_boxes(s, n, false) == -1 ? REPLY_NOTIFY_OVERFLOW :
	    REPLY_OK;
}

enum reply
cmd_notify(struct session *s, struct imap_lex *l)
{
	struct notify *n, *old = s->notify;
	enum reply r;

	if ((n = keep(s, l, &r)) == NULL)
		return r;
	/* Two of one mailbox cannot be watched: the old ones go first. */
	s->notify = NULL;
	if (old != NULL)
		notify_boxes_free(old);
	if ((r = begin(s, n)) != REPLY_OK) {
		forget(n);
		s->notify = old;
		if (old != NULL)
			(void)notify_boxes(s, old, false);
		return r;
	}
	forget(old);
	/* Section 3.1: an implicit NOOP. */
	if (s->state == STATE_SELECTED)
		sync_mailbox(s, true);
	s->notify = n;
	if (n->what.status)
		notify_boxes_status(s);
	return REPLY_OK;
}

unsigned
notify_events(const struct notify *n, const struct notify_name *name)
{
	const struct imap_notify_group *g;
	const struct imap_string *m;
	unsigned events = 0;
	bool in;
	size_t i, k;

	for (i = 0; i < n->what.ngroup; i++) {
		g = &n->what.group[i];
		in = g->filter == IMAP_NOTIFY_INBOXES ||
		    g->filter == IMAP_NOTIFY_PERSONAL ||
		    (g->filter == IMAP_NOTIFY_SUBSCRIBED && name->subscribed);
		for (k = 0; k < g->n; k++) {
			m = &n->what.name[g->first + k];
			in |= strcmp(name->name, m->s) == 0 ||
			    (g->filter == IMAP_NOTIFY_SUBTREE &&
			    strncmp(name->name, m->s, m->len) == 0 &&
			    name->name[m->len] == MAILBOX_DELIMITER);
		}
		if (in)
			events |= g->events;
	}
	return events;
}

unsigned
notify_selected(const struct session *s, bool *delayed)
{
	const struct imap_notify *what;
	size_t i;

	*delayed = false;
	if (s->notify == NULL)
		return IMAP_NOTIFY_MESSAGES;
	what = &s->notify->what;
	for (i = 0; i < what->ngroup; i++) {
		*delayed = what->group[i].filter ==
		    IMAP_NOTIFY_SELECTED_DELAYED;
		if (*delayed ||
		    what->group[i].filter == IMAP_NOTIFY_SELECTED)
			return what->group[i].events;
	}
	*delayed = false;
	return 0;
}

const struct imap_fetch *
notify_fetch(const struct session *s)
{
	return s->notify != NULL && s->notify->what.has_fetch ?
	    &s->notify->what.fetch : NULL;
}

/* Section 5.8: more than can be watched.  As if NOTIFY NONE had come. */
static void
overflow(struct session *s)
{
	struct imap_notify *what = &s->notify->what;

	stream_puts(s->io, "* OK [NOTIFICATIONOVERFLOW] There are more "
	    "mailboxes than can be watched: nothing more is told\r\n");
	notify_boxes_free(s->notify);
	what->set = false;
	what->ngroup = 0;
}

static void
put_right(struct session *s)
{
	struct notify *n = s->notify;
	const char *selected = s->box == NULL ? "" : mailbox_name(s->box);

	if (strcmp(selected, n->selected) != 0 &&
	    notify_boxes(s, n, false) == -1)
		overflow(s);
}

/* Names may have changed: by us, which is not told, or by others. */
static void
look_at_names(struct session *s, bool tell)
{
	struct notify *n = s->notify;
	struct notify_tree now, old;

	if (notify_tree_read(s->root, &now) != MAILBOX_OK)
		return;
	if (tell)
		notify_tree_tell(s, &now);
	old = n->tree;
	n->tree = now;
	notify_tree_free(&old);
	if (notify_boxes(s, n, tell) == -1)
		overflow(s);
}

static void
tell(struct session *s, bool at_once)
{
	if (s->notify == NULL || !s->notify->what.set)
		return;
	put_right(s);
	if (s->notify->what.set && mailbox_root_changed(s->root, at_once))
		look_at_names(s, true);
	notify_boxes_tell(s);
}

void
notify_tell(struct session *s)
{
	tell(s, false);
}

void
notify_before_own(struct session *s)
{
	tell(s, true);
}

void
notify_own(struct session *s)
{
	if (s->notify == NULL || !s->notify->what.set)
		return;
	(void)mailbox_root_changed(s->root, true);
	look_at_names(s, false);
}

static void
add_watch(struct notify_watch *w, int fd, int ms)
{
	size_t i;

	if (ms < w->ms)
		w->ms = ms;
	for (i = 0; i < w->n; i++)
		if (w->fd[i] == fd)
			return;
	if (fd != -1 && w->n < sizeof(w->fd) / sizeof(w->fd[0]))
		w->fd[w->n++] = fd;
}

void
notify_watch(struct session *s, struct notify_watch *w)
{
	struct notify *n = s->notify;
	bool delayed;
	int fd, ms;
	size_t i;

	w->n = 0;
	w->ms = session_silence(s);
	/* Of what is not looked at no sign would ever be taken. */
	if (s->state == STATE_SELECTED && notify_selected(s, &delayed) != 0) {
		fd = mailbox_watch(s->box, &ms);
		add_watch(w, fd, ms);
	}
	if (n == NULL || !n->what.set)
		return;
	fd = mailbox_root_watch(s->root, &ms);
	add_watch(w, fd, ms);
	for (i = 0; i < n->nbox; i++)
		if (n->box[i].box != NULL) {
			fd = mailbox_watch(n->box[i].box, &ms);
			add_watch(w, fd, ms);
		}
}
