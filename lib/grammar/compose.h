/* SPDX-License-Identifier: ISC
 *
 * Fields and bodies of messages that we make ourselves of what strangers and
 * users say: answers, notifications.  Whatever the texts hold, each call writes
 * the fields it is asked for and no other.  In disk form (LF).
 */
#ifndef GRAMMAR_COMPOSE_H
#define GRAMMAR_COMPOSE_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"

/*
 * A field of text (RFC 5322, section 3.6.5): folded, as encoded words
 * (RFC 2047) when it is not ASCII, or would be read as such, or has a word too
 * long for a line.  Control characters become blanks, those at both ends go.
 * name is a good one.  0, or -1 as buf_add().
 */
int	 compose_text(struct buf *, const char *name, const char *, size_t n);

/* The value alone, without the blank before it, for a line that has columns
 * already; lines end in LF between, not at the end. */
int	 compose_value(struct buf *, size_t columns, const char *, size_t n);

/*
 * A field of addresses from a mailbox-list (RFC 5322, section 3.4): names
 * encoded where they must be, addresses as they are, also in UTF-8 (RFC 6532).
 * 1; 0: the list is none, or one of them is no address, and nothing was
 * written; -1 as buf_add().
 */
int	 compose_addresses(struct buf *, const char *name, const char *,
	    size_t n);

/*
 * In-Reply-To and References (RFC 5322, section 3.6.4) of an answer to the
 * message with this header; nothing when it has no Message-ID.  Of very many
 * references the middle is left out.  0, or -1 as buf_add().
 */
int	 compose_ids(struct buf *, const char *header, size_t n);

/* Date and Message-ID; random: 64 bits.  0, or -1 as buf_add(). */
int	 compose_begin(struct buf *, int64_t time, int zone, uint64_t random,
	    const char *host);

/* MIME's fields, the empty line, and a text in UTF-8, encoded when it must be;
 * and the same for a part of a multipart.  0, or -1 as buf_add(). */
int	 compose_body(struct buf *, const char *, size_t n);
int	 compose_part(struct buf *, const char *, size_t n);

/*
 * The same of a MIME entity with its own header, of which the Content- fields
 * are taken; the entity's line ends become LF.  1; 0: its header is not in
 * ASCII (RFC 2045, section 2.4: it must be), and nothing was written; -1 as
 * buf_add().
 */
int	 compose_entity(struct buf *, const char *, size_t n);

#endif
