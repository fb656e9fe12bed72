/* SPDX-License-Identifier: ISC
 *
 * The special uses of a mailbox as one of its annotations (RFC 6154, section 4).
 */
#ifndef IMAPD_METADATA_H
#define IMAPD_METADATA_H

#include "mail/metadata.h"
#include "session.h"

bool	 metadata_is_use(const char *entry, size_t n);

/* Make the entry say what LIST says of the mailbox; what it points to is put
 * into the buffer. */
enum mailbox_status metadata_use_get(struct session *, const char *mailbox,
	    struct metadata *, struct buf *);

/* Whether the uses can be had, or none is meant. */
bool	 metadata_use_ok(const struct metadata_entry *);
enum mailbox_status metadata_use_set(struct session *, const char *mailbox,
	    const struct metadata_entry *);

#endif
