/* SPDX-License-Identifier: ISC
 *
 * Annotations that change (RFC 5465 section 5.6 and 5.7): the names of those
 * that are others than at the last look.  What is noted of one is a line with
 * its name and a checksum of its value.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes/crc32.h"
#include "grammar/imap_write.h"
#include "mail/metadata.h"
#include "notify.h"

enum { NOTED_MAX = METADATA_ENTRIES_MAX * (METADATA_NAME_MAX + 16) };

/* A mailbox's, or with "" the tree's; NULL: nothing can be noted. */
static char *
note(struct mailbox_root *root, const char *mailbox)
{
	struct metadata *all = calloc(1, sizeof(*all));
	char *noted = NULL;
	struct buf b;
	size_t i;

	if (all == NULL)
		return NULL;
	buf_init(&b, NOTED_MAX);
	if (metadata_read(root, mailbox, all) == MAILBOX_OK) {
		for (i = 0; i < all->n; i++)
			buf_addf(&b, "%.*s %08x\n", (int)all->v[i].name_len,
			    all->v[i].name, crc32_add(0, all->v[i].value,
			    all->v[i].n));
		if (!buf_failed(&b))
			noted = strdup(buf_str(&b));
	}
	buf_free(&b);
	metadata_free(all);
	free(all);
	return noted;
}

void
notify_metadata_note(struct session *s, const struct notify *n,
    struct notify_tree *t)
{
	size_t i;

	if (n->what.server)
		t->noted = note(s->root, "");
	for (i = 0; i < t->n; i++) {
		if (t->v[i].id == 0 ||
		    !(notify_events(n, &t->v[i]) & IMAP_NOTIFY_METADATA))
			continue;
		mailbox_root_watch_annotations(s->root, t->v[i].name);
		t->v[i].noted = note(s->root, t->v[i].name);
	}
}

/* Whether these n octets are a line, or the beginning of one. */
static bool
has(const char *noted, const char *line, size_t n)
{
	for (; *noted != '\0'; noted += strcspn(noted, "\n") + 1)
		if (strncmp(noted, line, n) == 0)
			return true;
	return false;
}

/* The names of lines that are not in the other; by_name: whose names are
 * not. */
static void
add_names(struct buf *b, const char *noted, const char *other, bool by_name)
{
	size_t line, name;

	for (; *noted != '\0'; noted += line) {
		line = strcspn(noted, "\n") + 1;
		name = strcspn(noted, " ");
		if (has(other, noted, by_name ? name + 1 : line))
			continue;
		buf_addc(b, ' ');
		imap_write_astring(b, noted, name);
	}
}

static void
tell(struct session *s, const char *mailbox, const char *now,
    const char *before)
{
	struct buf b, names;

	if (now == NULL || before == NULL || strcmp(now, before) == 0)
		return;
	buf_init(&b, STREAM_BUFFER);
	buf_init(&names, 2 * NOTED_MAX);
	add_names(&names, now, before, false);
	add_names(&names, before, now, true);
	buf_adds(&b, "* METADATA ");
	if (*mailbox == '\0')
		buf_adds(&b, "\"\"");
	else
		reply_mailbox_name(s, &b, mailbox);
	stream_write(s->io, b.data, b.len);
	stream_write(s->io, names.data, names.len);
	stream_puts(s->io, "\r\n");
	buf_free(&names);
	buf_free(&b);
}

void
notify_metadata_tell(struct session *s, const struct notify_tree *now)
{
	const struct notify_tree *old = &s->notify->tree;
	const struct notify_name *was;
	size_t i;

	tell(s, "", now->noted, old->noted);
	for (i = 0; i < now->n; i++) {
		was = notify_tree_find(old, now->v[i].name);
		/* Of one that came, LIST was told. */
		if (was != NULL && was->id == now->v[i].id)
			tell(s, now->v[i].name, now->v[i].noted, was->noted);
	}
}
