/* SPDX-License-Identifier: ISC
 *
 * Mailboxes that are not selected and watched for messages (RFC 5465 section
 * 5.1 to 5.3): what happens there is told by STATUS.
 */
#include <stdlib.h>
#include <string.h>

#include "notify.h"

enum {
	TELL_MESSAGES = 1,
	TELL_UIDNEXT = 2,
	TELL_VALIDITY = 4,
	TELL_UNSEEN = 8,
	TELL_MODSEQ = 16
};

static uint32_t
count_unseen(const struct mailbox *box)
{
	uint32_t i, count = mailbox_count(box), n = 0;
	struct mailbox_msg m;

	for (i = 1; i <= count; i++) {
		mailbox_msg(box, i, &m);
		n += !(m.flags & MAILBOX_SEEN);
	}
	return n;
}

static void
remember(struct notify_box *b)
{
	b->validity = mailbox_uidvalidity(b->box);
	b->uidnext = mailbox_uidnext(b->box);
	b->messages = mailbox_count(b->box);
	b->unseen = b->events & IMAP_NOTIFY_FLAGS ? count_unseen(b->box) : 0;
}

static void
tell_status(struct session *s, struct notify_box *n, unsigned items)
{
	struct buf b;

	if (n->strange)
		items |= TELL_VALIDITY;
	n->strange = false;
	buf_init(&b, STREAM_BUFFER);
	buf_adds(&b, "* STATUS ");
	reply_mailbox_name(s, &b, n->name);
	buf_adds(&b, " (");
	if (items & TELL_MESSAGES)
		buf_addf(&b, "MESSAGES %u ", n->messages);
	if (items & TELL_UIDNEXT)
		buf_addf(&b, "UIDNEXT %u ", n->uidnext);
	if (items & TELL_VALIDITY)
		buf_addf(&b, "UIDVALIDITY %u ", n->validity);
	if (items & TELL_UNSEEN)
		buf_addf(&b, "UNSEEN %u ", n->unseen);
	if (items & TELL_MODSEQ && mailbox_modseq_sync(n->box) == 0)
		buf_addf(&b, "HIGHESTMODSEQ %llu ",
		    (unsigned long long)mailbox_modseq_told(n->box));
	b.data[b.len - 1] = ')';
	buf_adds(&b, "\r\n");
	stream_write(s->io, b.data, b.len);
	buf_free(&b);
}

/* ---- which ---- */

static void
free_box(struct notify_box *b)
{
	mailbox_close(b->box);
	free(b->name);
	memset(b, 0, sizeof(*b));
}

void
notify_boxes_free(struct notify *n)
{
	size_t i;

	for (i = 0; i < n->nbox; i++)
		free_box(&n->box[i]);
	free(n->box);
	n->box = NULL;
	n->nbox = 0;
	n->selected[0] = '\0';
}

/* Section 3.1: what may be listed and not read is told as such. */
static void
tell_denied(struct session *s, struct notify_box *n)
{
	struct buf b;

	if (n->denied)
		return;
	n->denied = true;
	buf_init(&b, STREAM_BUFFER);
	buf_addf(&b, "* LIST (\\NoAccess) \"%c\" ",
	    *s->settings->separator);
	reply_mailbox_name(s, &b, n->name);
	buf_adds(&b, "\r\n");
	stream_write(s->io, b.data, b.len);
	buf_free(&b);
}

static void
open_box(struct session *s, struct notify_box *b)
{
	enum mailbox_status status;
	int ms;

	/* Before: when it is another by then, that is seen at the next look. */
	b->id = mailbox_folder_id(s->root, b->name);
	status = mailbox_open(s->root, b->name, MAILBOX_KEEP_NEW, &b->box);
	if (status == MAILBOX_OK) {
		(void)mailbox_watch(b->box, &ms);
		status = mailbox_refresh(b->box, 0, NULL);
	}
	if (status == MAILBOX_OK || (b->box != NULL && status !=
	    MAILBOX_RESET && status != MAILBOX_TEMPORARY &&
	    mailbox_uidvalidity(b->box) != 0)) {
		b->denied = false;
		remember(b);
		return;
	}
	if (status == MAILBOX_NO_RIGHT)
		tell_denied(s, b);
	mailbox_close(b->box);
	b->box = NULL;
}

static struct notify_box *
find_box(const struct notify *n, const char *name)
{
	size_t i;

	for (i = 0; i < n->nbox; i++)
		if (n->box[i].name != NULL &&
		    strcmp(n->box[i].name, name) == 0)
			return &n->box[i];
	return NULL;
}

/* Take it over from the old ones: 0; or open it: 1, or 2 in the place of one
 * that was told of; -1 no memory.  What is open is still there under this name
 * when it has the same folder: the number of an open one is given to no
 * other. */
static int
want_box(struct session *s, struct notify *old, struct notify_box *b,
    const struct notify_name *name, unsigned events)
{
	struct notify_box *had = find_box(old, name->name);

	if (had != NULL && had->box != NULL &&
	    had->id == mailbox_folder_id(s->root, had->name)) {
		*b = *had;
		memset(had, 0, sizeof(*had));
		b->events = events;
		return 0;
	}
	if ((b->name = strdup(name->name)) == NULL)
		return -1;
	b->events = events;
	b->denied = had != NULL && had->denied;
	if (had != NULL) {
		b->validity = had->validity;
		mailbox_close(had->box);
		had->box = NULL;
	}
	open_box(s, b);
	return had != NULL && had->validity != 0 ? 2 : 1;
}

/* How many there are to be. */
static size_t
count_wanted(const struct notify *n, const char *selected)
{
	size_t i, wanted = 0;

	for (i = 0; i < n->tree.n; i++)
		wanted += n->tree.v[i].id != 0 &&
		    strcmp(n->tree.v[i].name, selected) != 0 &&
		    (notify_events(n, &n->tree.v[i]) & IMAP_NOTIFY_MESSAGES);
	return wanted;
}

int
notify_boxes(struct session *s, struct notify *n, bool came)
{
	const char *selected = s->box == NULL ? "" : mailbox_name(s->box);
	struct notify old = *n;
	const struct notify_name *name;
	struct notify_box *b;
	size_t i, wanted = count_wanted(n, selected);
	unsigned events;
	int r = 0;

	if (wanted > NOTIFY_BOXES_MAX)
		return -1;
	n->nbox = 0;
	if ((n->box = calloc(wanted + 1, sizeof(*n->box))) == NULL)
		r = -1;
	for (i = 0; i < n->tree.n && r != -1; i++) {
		name = &n->tree.v[i];
		events = notify_events(n, name) & IMAP_NOTIFY_MESSAGES;
		if (name->id == 0 || events == 0 ||
		    strcmp(name->name, selected) == 0)
			continue;
		b = &n->box[n->nbox++];
		r = want_box(s, &old, b, name, events);
		if (r < 1 || !came || b->box == NULL)
			continue;
		b->strange = true;
		if (r == 2 || b->messages > 0)
			tell_status(s, b, TELL_MESSAGES | TELL_UIDNEXT |
			    TELL_VALIDITY);
	}
	notify_boxes_free(&old);
	strlcpy(n->selected, selected, sizeof(n->selected));
	return r == -1 ? -1 : 0;
}

void
notify_own_messages(struct session *s, const char *name, uint32_t first,
    uint32_t n, uint32_t unseen)
{
	struct notify_box *b = s->notify == NULL ? NULL :
	    find_box(s->notify, name);

	/* Behind those of others ours are told with them. */
	if (b == NULL || b->box == NULL || b->uidnext != first)
		return;
	b->uidnext += n;
	b->messages += n;
	if (b->events & IMAP_NOTIFY_FLAGS)
		b->unseen += unseen;
}

/* ---- what ---- */

void
notify_boxes_status(struct session *s)
{
	struct notify *n = s->notify;
	unsigned items;
	size_t i;

	for (i = 0; i < n->nbox; i++) {
		if (n->box[i].box == NULL)
			continue;
		items = TELL_MESSAGES | TELL_UIDNEXT | TELL_VALIDITY;
		if (n->box[i].events & IMAP_NOTIFY_FLAGS ||
		    s->enabled & ENABLED_CONDSTORE)
			items |= TELL_MODSEQ;
		tell_status(s, &n->box[i], items);
	}
}

/* What is told, it having been so before and its flags having changed. */
static unsigned
items_of(const struct session *s, const struct notify_box *b,
    const struct notify_box *before, bool flags)
{
	unsigned items = 0, modseq;

	modseq = s->enabled & ENABLED_CONDSTORE ? TELL_MODSEQ : 0;
	if (b->validity != before->validity)
		items |= TELL_MESSAGES | TELL_UIDNEXT | TELL_VALIDITY |
		    modseq;
	if (b->events & IMAP_NOTIFY_NEW && (b->messages != before->messages ||
	    b->uidnext != before->uidnext))
		items |= TELL_MESSAGES | TELL_UIDNEXT | modseq;
	if (!(b->events & IMAP_NOTIFY_FLAGS))
		return items;
	if (flags && modseq != 0)
		items |= TELL_VALIDITY | modseq;
	/* Others learn of flags only by the number of those unseen. */
	if (b->unseen != before->unseen)
		items |= TELL_VALIDITY | TELL_UNSEEN;
	return items;
}

static void
look(struct session *s, struct notify_box *b)
{
	struct notify_box before = *b;
	struct mailbox_diff diff = { 0 };
	enum mailbox_status status;
	unsigned items;

	if (b->box != NULL) {
		status = mailbox_refresh(b->box, MAILBOX_WAITING, &diff);
		if (status == MAILBOX_TEMPORARY)
			return;
		if (status == MAILBOX_RESET) {
			mailbox_close(b->box);
			b->box = NULL;
		}
	}
	if (b->box == NULL) {
		open_box(s, b);
		if (b->box == NULL)
			return;
	}
	remember(b);
	if ((items = items_of(s, b, &before, diff.nchanged > 0)) != 0)
		tell_status(s, b, items);
}

void
notify_boxes_tell(struct session *s)
{
	struct notify *n = s->notify;
	size_t i;

	for (i = 0; i < n->nbox; i++)
		if (n->box[i].box != NULL && mailbox_stirred(n->box[i].box))
			look(s, &n->box[i]);
}
