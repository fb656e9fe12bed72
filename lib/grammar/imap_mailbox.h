/* SPDX-License-Identifier: ISC
 *
 * Mailbox names (RFC 3501 5.1): their encoding, and the patterns of LIST.
 * Names here are what the protocol says, not what a file system holds.
 */
#ifndef GRAMMAR_IMAP_MAILBOX_H
#define GRAMMAR_IMAP_MAILBOX_H

#include <stddef.h>

enum { IMAP_MAX_MAILBOX = 1000 };	/* octets of a name or a pattern */

/* Whether a name is valid modified UTF-7 (RFC 3501 5.1.3): 1 or 0.  Only
 * printable US-ASCII, "&" only as "&-" or a canonical shift. */
int	 imap_mailbox_utf7(const char *, size_t);

/* Whether name matches pattern with "*" and "%" (RFC 3501 6.3.8), sep being
 * the hierarchy delimiter.  A name's leading INBOX matches in any letter
 * case.  Time is bounded by the product of the lengths; a pattern longer than
 * IMAP_MAX_MAILBOX matches nothing. */
int	 imap_mailbox_match(const char *pattern, const char *name, char sep);

#endif
