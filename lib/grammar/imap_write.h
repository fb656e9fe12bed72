/* SPDX-License-Identifier: ISC
 *
 * What an IMAP server writes (RFC 3501 sections 4, 7 and 9): strings in the
 * form that holds them, flags, dates, ENVELOPE, BODY and BODYSTRUCTURE.
 * All append to a buffer and return 0, or -1 as buf_add() does.
 */
#ifndef GRAMMAR_IMAP_WRITE_H
#define GRAMMAR_IMAP_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"
#include "grammar/mime.h"

/* A string: quoted when it may be, else a literal, in which a NUL, which IMAP
 * can not carry, becomes 0x80.  imap_write_nstring() writes NIL for NULL. */
int	 imap_write_string(struct buf *, const char *, size_t);
int	 imap_write_nstring(struct buf *, const char *, size_t);
/* An atom when it may be, else a string: mailbox names. */
int	 imap_write_astring(struct buf *, const char *, size_t);

/* System flags (enum imap_flag), separated by spaces, without parentheses. */
int	 imap_write_flags(struct buf *, unsigned);

/* date-time in UTC, with its quotes; t is seconds since 1970. */
int	 imap_write_date_time(struct buf *, int64_t t);

/* The response code INPROGRESS (RFC 9585), without brackets: so much of goal is
 * done; a goal of 0 is not known.  A tag that has the bracket which ends a code
 * is not told. */
int	 imap_write_progress(struct buf *, const char *tag, uint32_t done,
	    uint32_t goal);

/* ENVELOPE of a part that is a message. */
int	 imap_write_envelope(struct buf *, const struct mime *,
	    const struct mime_part *);

/* BODYSTRUCTURE, or BODY when extended is 0, of a part and all below. */
int	 imap_write_body(struct buf *, const struct mime *,
	    const struct mime_part *, int extended);

#endif
