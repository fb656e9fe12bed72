/* SPDX-License-Identifier: ISC
 *
 * A name of a mailbox as it is stored, and as a client writes and reads it.
 * Stored are Maildir++ names: levels in modified UTF-7 (RFC 3501 5.1.3) with
 * "." between them.  A client may see another separator, a prefix before all
 * but INBOX, and UTF-8 (RFC 6855 section 3, RFC 9051 5.1).  What a level of a
 * Maildir++ name cannot hold stands there as Dovecot's listescape has it,
 * "\2e" for ".", "\2f" for "/"; and "\5c" for a "\" that would else begin one
 * of these three.
 */
#ifndef GRAMMAR_IMAP_NAMES_H
#define GRAMMAR_IMAP_NAMES_H

#include <stddef.h>

#include "bytes/buf.h"

enum {
	IMAP_STORED_SIZE = 256,		/* of a stored name, with its NUL */
	IMAP_SHOWN_MAX = 1024		/* of a prefix and such a name */
};

struct imap_names {
	char		 separator;	/* "." or "/" */
	const char	*prefix;	/* "" or "INBOX.": ends in separator */
	int		 utf8;
	/* Whether a mailbox is stored under this name; NULL: none is. */
	int		(*stored)(void *arg, const char *name);
	void		*arg;
};

/*
 * From the wire: 1, and the stored name; 0: no mailbox can have this name, and
 * the result is one that no mailbox can have.  INBOX may be in any letter
 * case.  Where no mailbox has the name in the form it would be made with, the
 * one is meant that was stored as it is shown, by hand or by others ("R&D",
 * "a\2f").
 */
int	 imap_names_store(const struct imap_names *, const char *wire,
	    char stored[IMAP_STORED_SIZE]);

/* To the wire: append it, neither quoted nor ended by a NUL.  A level that is
 * no modified UTF-7, or has control characters, which UTF-8 may not have here,
 * is shown as it is stored.  0, or -1 as buf_add(). */
int	 imap_names_show(const struct imap_names *, const char *stored,
	    struct buf *);

#endif
