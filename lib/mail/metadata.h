/* SPDX-License-Identifier: ISC
 *
 * Annotations of mailboxes and of the tree as a whole (RFC 5464): named values,
 * in a small checked file in the mailbox's own folder, so that RENAME and DELETE
 * take them along.  All of it is one owner's: that an entry is private is said
 * by its name alone.
 */
#ifndef MAIL_METADATA_H
#define MAIL_METADATA_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes/buf.h"
#include "mail/mailbox.h"

#define METADATA_FILE		"stdmail.metadata"
#define METADATA_SERVER_FILE	"stdmail.metadata.server"

enum {
	METADATA_ENTRIES_MAX = 100,	/* of a mailbox, or of the tree */
	METADATA_NAME_MAX = 255,	/* octets */
	METADATA_VALUE_MAX = 65536,
	METADATA_FILE_MAX = 1 << 20
};

/*
 * RFC 5464, section 3.2: whether a name is one that an entry can have: below
 * /private/ or /shared/, and below their vendor/ at least four levels.
 */
bool	 metadata_name_ok(const char *, size_t n);

/* One entry; a value of NULL (not one of length 0) is none. */
struct metadata_entry {
	const char	*name;
	size_t		 name_len;
	const char	*value;
	size_t		 n;
};

/* All entries of a mailbox, or of the tree, in the order they were made. */
struct metadata {
	struct metadata_entry v[METADATA_ENTRIES_MAX];
	size_t		 n;
	struct buf	 file;		/* what they point to; owned */
};

/*
 * Read all; mailbox NULL or "" is the tree.  MAILBOX_NONE: there is no such
 * mailbox.  Having no entries is MAILBOX_OK; a damaged file is logged, and has
 * none.  To be freed in any case.
 */
enum mailbox_status metadata_read(struct mailbox_root *, const char *mailbox,
	    struct metadata *);
void	 metadata_free(struct metadata *);

/* The entry of a name, in any letter case, or NULL. */
const struct metadata_entry *metadata_find(const struct metadata *,
	    const char *name, size_t n);

/*
 * Set n entries, all or none: those with a value of NULL are removed, of two
 * for one name the last counts.  MAILBOX_BAD_NAME: no entry can have such a
 * name; MAILBOX_LIMIT: a value is longer than METADATA_VALUE_MAX, or they would
 * be too many, or too much altogether.  The file is replaced by rename, under
 * its lock, synced.
 */
enum mailbox_status metadata_change(struct mailbox_root *, const char *mailbox,
	    const struct metadata_entry *, size_t n);

/* One value, appended to the buffer: MAILBOX_NONE: there is no such mailbox, or
 * it has none. */
enum mailbox_status metadata_get(struct mailbox_root *, const char *mailbox,
	    const char *entry, struct buf *value);

/* Set one, or remove it (value NULL). */
enum mailbox_status metadata_set(struct mailbox_root *, const char *mailbox,
	    const char *entry, const char *value);

/* The entries of a mailbox become those of another, which has none of its own:
 * INBOX keeps its own when it is renamed (RFC 5464, section 4.1). */
enum mailbox_status metadata_copy(struct mailbox_root *, const char *from,
	    const char *to);

#endif
