/* SPDX-License-Identifier: ISC
 *
 * Names of mailboxes and subscriptions that change (RFC 5465 section 5.4 and
 * 5.5): told by LIST, from two looks at the tree.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/subscriptions.h"
#include "notify.h"

static int
compare(const void *a, const void *b)
{
	const struct notify_name *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void
notify_tree_free(struct notify_tree *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		free(t->v[i].name);
	free(t->v);
	t->v = NULL;
	t->n = 0;
}

const struct notify_name *
notify_tree_find(const struct notify_tree *t, const char *name)
{
	const struct notify_name key = { .name = (char *)(uintptr_t)name };

	return t->n == 0 ? NULL :
	    bsearch(&key, t->v, t->n, sizeof(*t->v), compare);
}

/* Add the names, which t takes over. */
static enum mailbox_status
add(struct notify_tree *t, struct mailbox_root *root,
    struct mailbox_names *names, bool subscribed)
{
	struct notify_name *more, *v;
	size_t i, old = t->n;

	more = reallocarray(t->v, t->n + names->n + 1, sizeof(*more));
	if (more == NULL)
		return MAILBOX_TEMPORARY;
	t->v = more;
	for (i = 0; i < names->n; i++) {
		struct notify_tree before = { t->v, old };

		v = (struct notify_name *)(uintptr_t)notify_tree_find(&before,
		    names->v[i]);
		if (v != NULL) {
			v->subscribed |= subscribed;
			continue;
		}
		v = &t->v[t->n++];
		v->name = names->v[i];
		v->id = subscribed ? 0 : mailbox_folder_id(root, v->name);
		/* An mbox has no folder. */
		if (!subscribed && v->id == 0)
			v->id = UINT64_MAX;
		v->subscribed = subscribed;
		names->v[i] = NULL;
	}
	qsort(t->v, t->n, sizeof(*t->v), compare);
	return MAILBOX_OK;
}

enum mailbox_status
notify_tree_read(struct mailbox_root *root, struct notify_tree *t)
{
	struct mailbox_names names = { NULL, 0 };
	enum mailbox_status status;

	memset(t, 0, sizeof(*t));
	status = mailbox_list(root, &names);
	if (status == MAILBOX_OK)
		status = add(t, root, &names, false);
	mailbox_names_free(&names);
	if (status == MAILBOX_OK &&
	    subscriptions_read(root, &names) == MAILBOX_OK) {
		status = add(t, root, &names, true);
		mailbox_names_free(&names);
	}
	if (status != MAILBOX_OK)
		notify_tree_free(t);
	return status;
}

static bool
is_below(const char *name, const char *parent)
{
	size_t n = strlen(parent);

	return strncmp(name, parent, n) == 0 && name[n] == MAILBOX_DELIMITER;
}

static bool
has_children(const struct notify_tree *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->v[i].id != 0 && is_below(t->v[i].name, name))
			return true;
	return false;
}

/* One LIST response; old: the name it had before (RFC 5258's extended data
 * item OLDNAME), or NULL. */
static void
tell(struct session *s, const struct notify_tree *now, const char *name,
    const char *old)
{
	const struct notify_name *n = notify_tree_find(now, name);
	bool exists = n != NULL && n->id != 0;
	bool children = has_children(now, name);
	struct buf b;

	buf_init(&b, STREAM_BUFFER);
	buf_addf(&b, "* LIST (%s%s%s) \"%c\" ", exists ? "" : "\\NonExistent",
	    children ? exists ? "\\HasChildren" : " \\HasChildren" :
	    exists ? "\\HasNoChildren" : "",
	    n != NULL && n->subscribed ? " \\Subscribed" : "",
	    *s->settings->separator);
	reply_mailbox_name(s, &b, name);
	if (old != NULL) {
		buf_adds(&b, " (\"OLDNAME\" (");
		reply_mailbox_name(s, &b, old);
		buf_adds(&b, "))");
	}
	buf_adds(&b, "\r\n");
	stream_write(s->io, b.data, b.len);
	buf_free(&b);
}

static bool
wants(const struct session *s, const struct notify_tree *now,
    const char *name, unsigned event)
{
	struct notify_name any = { .name = (char *)(uintptr_t)name };
	const struct notify_name *n = notify_tree_find(now, name);

	return (notify_events(s->notify, n != NULL ? n : &any) & event) != 0;
}

/* The name it had, when it was there and is not under that name any more. */
static const struct notify_name *
renamed_from(const struct notify_tree *old, const struct notify_tree *now,
    const struct notify_name *name)
{
	const struct notify_name *other;
	size_t i;

	for (i = 0; i < old->n; i++) {
		if (old->v[i].id != name->id)
			continue;
		other = notify_tree_find(now, old->v[i].name);
		if (other == NULL || other->id == 0)
			return &old->v[i];
	}
	return NULL;
}

/* Whether it moved with a mailbox above it, of which alone is told. */
static bool
moved_along(const struct notify_tree *old, const struct notify_tree *now,
    const struct notify_name *name, const struct notify_name *from)
{
	const struct notify_name *up, *up_from;
	char parent[MAILBOX_NAME_MAX + 1], *dot;

	strlcpy(parent, name->name, sizeof(parent));
	while ((dot = strrchr(parent, MAILBOX_DELIMITER)) != NULL) {
		*dot = '\0';
		up = notify_tree_find(now, parent);
		if (up == NULL || up->id == 0)
			continue;
		up_from = renamed_from(old, now, up);
		if (up_from != NULL && is_below(from->name, up_from->name) &&
		    strcmp(from->name + strlen(up_from->name),
		    name->name + strlen(parent)) == 0)
			return true;
	}
	return false;
}

/* Of one that came or went its direct parent has other attributes. */
static void
tell_with_parent(struct session *s, const struct notify_tree *now,
    const char *name, char *told, size_t size)
{
	char parent[MAILBOX_NAME_MAX + 1], *dot;

	strlcpy(parent, name, sizeof(parent));
	dot = strrchr(parent, MAILBOX_DELIMITER);
	if (dot != NULL) {
		*dot = '\0';
		if (strcmp(parent, told) != 0 &&
		    wants(s, now, parent, IMAP_NOTIFY_NAME)) {
			tell(s, now, parent, NULL);
			strlcpy(told, parent, size);
		}
	}
	if (wants(s, now, name, IMAP_NOTIFY_NAME) && strcmp(told, name) != 0) {
		tell(s, now, name, NULL);
		strlcpy(told, name, size);
	}
}

static void
tell_came(struct session *s, const struct notify_tree *now, char *told,
    size_t size)
{
	const struct notify_tree *old = &s->notify->tree;
	const struct notify_name *name, *was, *from;
	size_t i;

	for (i = 0; i < now->n; i++) {
		name = &now->v[i];
		was = notify_tree_find(old, name->name);
		if (name->id == 0 || (was != NULL && was->id != 0))
			continue;
		if ((from = renamed_from(old, now, name)) == NULL)
			tell_with_parent(s, now, name->name, told, size);
		else if (!moved_along(old, now, name, from) &&
		    (wants(s, now, name->name, IMAP_NOTIFY_NAME) ||
		    wants(s, now, from->name, IMAP_NOTIFY_NAME)))
			tell(s, now, name->name, from->name);
	}
}

static bool
renamed_to(const struct notify_tree *now, const struct notify_tree *old,
    const struct notify_name *name)
{
	const struct notify_name *was;
	size_t i;

	for (i = 0; i < now->n; i++) {
		if (now->v[i].id != name->id)
			continue;
		was = notify_tree_find(old, now->v[i].name);
		if (was == NULL || was->id == 0)
			return true;
	}
	return false;
}

static void
tell_went(struct session *s, const struct notify_tree *now, char *told,
    size_t size)
{
	const struct notify_tree *old = &s->notify->tree;
	const struct notify_name *is;
	size_t i;

	for (i = 0; i < old->n; i++) {
		is = notify_tree_find(now, old->v[i].name);
		if (old->v[i].id != 0 && (is == NULL || is->id == 0) &&
		    !renamed_to(now, old, &old->v[i]))
			tell_with_parent(s, now, old->v[i].name, told, size);
	}
}

static void
tell_subscriptions(struct session *s, const struct notify_tree *now)
{
	const struct notify_tree *old = &s->notify->tree;
	const struct notify_name *other;
	size_t i;

	for (i = 0; i < now->n; i++) {
		other = notify_tree_find(old, now->v[i].name);
		if (now->v[i].subscribed != (other != NULL &&
		    other->subscribed) && wants(s, now, now->v[i].name,
		    IMAP_NOTIFY_SUBSCRIPTION))
			tell(s, now, now->v[i].name, NULL);
	}
	for (i = 0; i < old->n; i++)
		if (old->v[i].subscribed && notify_tree_find(now,
		    old->v[i].name) == NULL && wants(s, now, old->v[i].name,
		    IMAP_NOTIFY_SUBSCRIPTION))
			tell(s, now, old->v[i].name, NULL);
}

void
notify_tree_tell(struct session *s, const struct notify_tree *now)
{
	char told[MAILBOX_NAME_MAX + 1] = "";

	tell_went(s, now, told, sizeof(told));
	told[0] = '\0';
	tell_came(s, now, told, sizeof(told));
	tell_subscriptions(s, now);
}
