/* SPDX-License-Identifier: ISC
 *
 * What SORT and THREAD have in common: messages that a search found, and what
 * they are compared by.
 */
#ifndef IMAPD_SORT_H
#define IMAPD_SORT_H

#include "mail/summary_sort.h"
#include "search.h"

/* search-criteria = charset 1*(SP search-key) (RFC 5256, section 5), with the
 * space before it, up to the end of the command; and search for them, all of
 * them.  The search is the caller's, from search_init() on, and found to
 * numbers_free(). */
enum reply sort_search(struct search *, struct imap_lex *,
	    struct numbers *found);

/* What a message is compared by, as far as it was wanted; good until the next
 * call.  sent is a date in any case (RFC 5256, section 2.2).  MAILBOX_NONE: it
 * is gone. */
struct sort_message {
	uint32_t	 number;	/* sequence number, or UID */
	int64_t		 arrived;
	uint64_t	 size;
	struct summary_sort s;
};

#define SORT_ARRIVED	1		/* what is wanted */
#define SORT_SIZE	2
#define SORT_SENT	4
#define SORT_WHOLE	8		/* all of s, sent too */

enum mailbox_status sort_message(struct session *, uint32_t seq,
	    unsigned want, struct sort_message *);

/* Append an octet and a number. */
void	 sort_add_number(struct buf *, char, uint32_t);

/* What is answered after messages failed so. */
enum reply sort_reply(enum mailbox_status);

#endif
