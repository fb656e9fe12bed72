/* SPDX-License-Identifier: ISC
 *
 * What STATUS tells of a mailbox (RFC 3501 6.3.10, RFC 9051 6.3.11), for the
 * command itself, LIST with STATUS (RFC 5819) and whoever announces mailboxes
 * that are not selected (RFC 5465).
 */
#ifndef IMAPD_STATUS_H
#define IMAPD_STATUS_H

#include "session.h"

/* A set of items. */
enum {
	STATUS_MESSAGES = 1,
	STATUS_RECENT = 2,
	STATUS_UIDNEXT = 4,
	STATUS_UIDVALIDITY = 8,
	STATUS_UNSEEN = 16,
	STATUS_DELETED = 32,		/* RFC 9051 6.3.11 */
	STATUS_SIZE = 64,		/* RFC 8438 */
	STATUS_HIGHESTMODSEQ = 128,	/* RFC 7162 3.1.7 */
	STATUS_APPENDLIMIT = 256,	/* RFC 7889 */
	STATUS_MAILBOXID = 512,		/* RFC 8474 4.3 */
	STATUS_DELETED_STORAGE = 1024	/* RFC 9208 4.1.4 */
};

/* "(" status-att *(SP status-att) ")": 1, or -1. */
int	 status_lex(struct imap_lex *, unsigned *items);

/* Asking for HIGHESTMODSEQ says that the client knows CONDSTORE (RFC 7162 3.1):
 * to be called once for a command that has these items. */
void	 status_asked(struct session *, unsigned items);

/* Append "* STATUS name (...)" and its CRLF.  Anything but MAILBOX_OK: what is
 * in the buffer is of no use. */
enum mailbox_status status_write(struct session *, const char *name,
	    unsigned items, struct buf *);

/* The same of a mailbox that is open and has been refreshed. */
enum mailbox_status status_write_open(struct session *, struct mailbox *,
	    unsigned items, struct buf *);

#endif
