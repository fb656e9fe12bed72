/* SPDX-License-Identifier: ISC
 *
 * See list.h.  Names are converted once and compared as the client sees them,
 * so that a prefix is a level like any other.  Cost is that of sorting.
 */
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "mail/special_use.h"
#include "mail/subscriptions.h"

#define INBOX	"INBOX"

static int
compare_wire(const char *x, const char *y)
{
	bool inbox_x = strcmp(x, INBOX) == 0, inbox_y = strcmp(y, INBOX) == 0;

	if (inbox_x != inbox_y)
		return inbox_x ? -1 : 1;
	return strcmp(x, y);
}

static int
compare_names(const void *a, const void *b)
{
	const struct list_name *x = a, *y = b;

	return compare_wire(x->wire, y->wire);
}

static struct list_name *
add(struct list_tree *t, char *wire, unsigned flags)
{
	struct list_name *v;
	size_t cap = t->cap == 0 ? 64 : 2 * t->cap;

	if (wire == NULL)
		return NULL;
	if (t->n == t->cap) {
		v = reallocarray(t->v, cap, sizeof(*v));
		if (v == NULL) {
			free(wire);
			return NULL;
		}
		t->v = v;
		t->cap = cap;
	}
	v = &t->v[t->n++];
	memset(v, 0, sizeof(*v));
	v->wire = wire;
	v->flags = flags;
	return v;
}

static int
add_stored(struct session *s, struct list_tree *t, const char *stored,
    unsigned flags, unsigned uses)
{
	struct list_name *name = NULL;
	struct buf wire;

	buf_init(&wire, IMAP_SHOWN_MAX);
	if (imap_names_show(session_names(s), stored, &wire) == 0)
		name = add(t, strdup(buf_str(&wire)), flags);
	buf_free(&wire);
	if (name == NULL || (name->stored = strdup(stored)) == NULL)
		return -1;
	name->uses = uses;
	return 0;
}

/* One of each name, with the flags of all. */
static void
unite(struct list_tree *t)
{
	struct list_name *last;
	size_t i, n = 0;

	if (t->n > 0)
		qsort(t->v, t->n, sizeof(*t->v), compare_names);
	for (i = 0; i < t->n; i++) {
		last = n > 0 ? &t->v[n - 1] : NULL;
		if (last == NULL || strcmp(last->wire, t->v[i].wire) != 0) {
			t->v[n++] = t->v[i];
			continue;
		}
		last->flags |= t->v[i].flags;
		last->uses |= t->v[i].uses;
		free(t->v[i].wire);
		if (last->stored == NULL)
			last->stored = t->v[i].stored;
		else
			free(t->v[i].stored);
	}
	t->n = n;
}

static struct list_name *
find(const struct list_tree *t, const char *wire)
{
	const struct list_name key = { .wire = (char *)(uintptr_t)wire };

	return t->n == 0 ? NULL : bsearch(&key, t->v, t->n, sizeof(*t->v),
	    compare_names);
}

/* The next level above a name, which is cut to it; false: there is none. */
static bool
go_up(const struct list_tree *t, char *name)
{
	char *p = strrchr(name, t->separator);

	if (p == NULL || p == name)
		return false;
	*p = '\0';
	return true;
}

/* Add the levels above all names where they are not. */
static int
add_parents(struct list_tree *t)
{
	char last[IMAP_SHOWN_MAX + 1] = "", name[IMAP_SHOWN_MAX + 1];
	size_t i, n = t->n, len;

	for (i = 0; i < n; i++) {
		strlcpy(name, t->v[i].wire, sizeof(name));
		while (go_up(t, name)) {
			/* Those below one name mostly follow each other. */
			len = strlen(name);
			if (strncmp(last, name, len) == 0 &&
			    (last[len] == '\0' || last[len] == t->separator))
				break;
			if (add(t, strdup(name), 0) == NULL)
				return -1;
		}
		strlcpy(last, t->v[i].wire, sizeof(last));
		(void)go_up(t, last);
	}
	unite(t);
	return 0;
}

static enum mailbox_status
add_existing(struct session *s, struct list_tree *t, unsigned what)
{
	struct mailbox_names names;
	enum mailbox_status status;
	unsigned *uses = NULL;
	size_t i;

	if ((status = mailbox_list(s->root, &names)) != MAILBOX_OK)
		return status;
	if (what & TREE_SPECIAL_USE) {
		if ((uses = calloc(names.n + 1, sizeof(*uses))) == NULL)
			status = MAILBOX_TEMPORARY;
		else
			special_use_find(s->root, &names,
			    &s->settings->folders, *s->settings->separator,
			    uses);
	}
	for (i = 0; i < names.n && status == MAILBOX_OK; i++)
		if (add_stored(s, t, names.v[i], NAME_EXISTS,
		    uses == NULL ? 0 : uses[i]) == -1)
			status = MAILBOX_TEMPORARY;
	free(uses);
	mailbox_names_free(&names);
	return status;
}

static enum mailbox_status
add_subscribed(struct session *s, struct list_tree *t)
{
	struct mailbox_names names;
	enum mailbox_status status;
	size_t i;

	if ((status = subscriptions_read(s->root, &names)) != MAILBOX_OK)
		return status;
	for (i = 0; i < names.n && status == MAILBOX_OK; i++)
		if (add_stored(s, t, names.v[i], NAME_SUBSCRIBED, 0) == -1)
			status = MAILBOX_TEMPORARY;
	mailbox_names_free(&names);
	return status;
}

enum mailbox_status
list_tree_read(struct session *s, struct list_tree *t, unsigned what)
{
	enum mailbox_status status;

	memset(t, 0, sizeof(*t));
	t->separator = session_names(s)->separator;
	status = add_existing(s, t, what);
	if (status == MAILBOX_OK && (what & TREE_SUBSCRIBED))
		status = add_subscribed(s, t);
	unite(t);
	if (status == MAILBOX_OK && add_parents(t) == -1)
		status = MAILBOX_TEMPORARY;
	if (status != MAILBOX_OK)
		list_tree_free(t);
	return status;
}

void
list_tree_free(struct list_tree *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		free(t->v[i].wire);
		free(t->v[i].stored);
	}
	free(t->v);
	memset(t, 0, sizeof(*t));
}

static unsigned
below(unsigned flags)
{
	unsigned b = 0;

	if (flags & NAME_EXISTS)
		b |= NAME_BELOW_EXISTS;
	if (flags & NAME_SUBSCRIBED)
		b |= NAME_BELOW_SUBSCRIBED;
	if (flags & NAME_SELECTED)
		b |= NAME_BELOW_SELECTED;
	if ((flags & (NAME_SELECTED | NAME_MATCHED)) == NAME_SELECTED)
		b |= NAME_BELOW_UNTOLD;
	return b;
}

void
list_tree_relate(struct list_tree *t)
{
	char name[IMAP_SHOWN_MAX + 1];
	struct list_name *parent;
	unsigned flags;
	size_t i;

	for (i = 0; i < t->n; i++) {
		if ((flags = below(t->v[i].flags)) == 0)
			continue;
		strlcpy(name, t->v[i].wire, sizeof(name));
		/* A level that knows has told those above it. */
		while (go_up(t, name) && (parent = find(t, name)) != NULL &&
		    (parent->flags & flags) != flags)
			parent->flags |= flags;
	}
}
