/* SPDX-License-Identifier: ISC
 *
 * See metadata.h.  Uses are never stored as a client writes them: what sets
 * them for CREATE sets them here, and takes them from other mailboxes.
 */
#include <stdlib.h>
#include <string.h>

#include "grammar/chars.h"
#include "mail/special_use.h"
#include "metadata.h"

bool
metadata_is_use(const char *entry, size_t n)
{
	return chars_is(entry, n, SPECIAL_USE_ENTRY);
}

/* The uses of one mailbox: some come of the names of all. */
static enum mailbox_status
uses_of(struct session *s, const char *mailbox, unsigned *found)
{
	struct mailbox_names names;
	enum mailbox_status status;
	unsigned *uses;
	size_t i;

	*found = 0;
	if ((status = mailbox_list(s->root, &names)) != MAILBOX_OK)
		return status;
	if ((uses = calloc(names.n + 1, sizeof(*uses))) == NULL) {
		mailbox_names_free(&names);
		return MAILBOX_TEMPORARY;
	}
	special_use_find(s->root, &names, &s->settings->folders,
	    *s->settings->separator, uses);
	for (i = 0; i < names.n; i++)
		if (strcmp(names.v[i], mailbox) == 0)
			*found = uses[i];
	free(uses);
	mailbox_names_free(&names);
	return MAILBOX_OK;
}

enum mailbox_status
metadata_use_get(struct session *s, const char *mailbox, struct metadata *m,
    struct buf *b)
{
	const size_t len = strlen(SPECIAL_USE_ENTRY);
	const struct metadata_entry *had;
	enum mailbox_status status;
	unsigned uses;
	size_t at = m->n;

	if ((status = uses_of(s, mailbox, &uses)) != MAILBOX_OK)
		return status;
	if (special_use_write(b, uses) == -1)
		return MAILBOX_TEMPORARY;
	if ((had = metadata_find(m, SPECIAL_USE_ENTRY, len)) != NULL)
		at = (size_t)(had - m->v);
	else if (at == METADATA_ENTRIES_MAX || b->len == 0)
		return MAILBOX_OK;
	else
		m->n++;
	m->v[at] = (struct metadata_entry){ SPECIAL_USE_ENTRY, len, b->data,
	    b->len };
	/* The value is NIL if there are none. */
	if (b->len == 0)
		m->v[at] = m->v[--m->n];
	return MAILBOX_OK;
}

bool
metadata_use_ok(const struct metadata_entry *e)
{
	unsigned uses;

	return e->value == NULL ||
	    special_use_parse(e->value, e->n, &uses) == 0;
}

enum mailbox_status
metadata_use_set(struct session *s, const char *mailbox,
    const struct metadata_entry *e)
{
	unsigned uses = 0;

	if (e->value != NULL && special_use_parse(e->value, e->n, &uses) == -1)
		return MAILBOX_NOT_PERMITTED;
	return special_use_set(s->root, mailbox, uses);
}
