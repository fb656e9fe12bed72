/* SPDX-License-Identifier: ISC
 *
 * What SORT and THREAD (RFC 5256) compare messages by, as one item of a
 * summary: dates as numbers, texts ready to be compared octet by octet, ids as
 * hashes.
 */
#ifndef MAIL_SUMMARY_SORT_H
#define MAIL_SUMMARY_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/summary.h"

enum summary_text {
	SUMMARY_TEXT_SUBJECT,		/* the base subject */
	SUMMARY_TEXT_FROM,		/* addr-mailbox of the first one */
	SUMMARY_TEXT_TO,
	SUMMARY_TEXT_CC,
	SUMMARY_TEXT_DISPLAYFROM,	/* RFC 5957, section 3 */
	SUMMARY_TEXT_DISPLAYTO,
	SUMMARY_TEXTS
};

enum {
	/* NOTE: texts differ only by their first so many octets, and of
	 * references the first and the last so many count. */
	SUMMARY_TEXT_MAX = 500,
	SUMMARY_REFS_MAX = 1000
};

struct summary_sort {
	bool		 dated;		/* Date could be understood */
	bool		 reply;		/* a reply or forward, by its subject */
	int64_t		 sent;		/* UTC */
	uint64_t	 subject;	/* hash of the base subject, 0 empty */
	uint64_t	 id;		/* hash of Message-ID, 0 none */
	const char	*refs;		/* hashes, 8 octets each */
	size_t		 nrefs;
	/* By i;unicode-casemap (RFC 5255, section 4.6); those that are no
	 * UTF-8 behind all others. */
	struct cache_item text[SUMMARY_TEXTS];
};

/* Take it from a view that has SUMMARY_SORT: 1, 0 it is not there or not
 * whole. */
int	 summary_sort(const struct summary_view *, struct summary_sort *);

/* The same for dated and sent alone, from SUMMARY_SENT. */
int	 summary_sent(const struct summary_view *, struct summary_sort *);

#endif
