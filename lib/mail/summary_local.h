/* SPDX-License-Identifier: ISC
 *
 * What summary.c and summary_fields.c share; nobody else includes it but tests.
 */
#ifndef MAIL_SUMMARY_LOCAL_H
#define MAIL_SUMMARY_LOCAL_H

#include "mail/cache_local.h"
#include "mail/summary.h"

/*
 * The fields of a header (its blank line included) that are kept: an octet 0
 * and entries (an octet 1: they found no room)
 *
 *	field(1) zero(1) ordinal(2) length(4) octets
 *
 * in the order of the header; ordinal counts its lines without those that
 * continue one.  What does not fit makes a buffer fail.  Without a buffer for
 * it the trace is left out.
 */
enum { SUMMARY_ENTRY = 8 };
void	 summary_split(const struct buf *header, struct buf *fields,
	    struct buf *trace);

/* The common fields of a header as it is on disk. */
void	 summary_split_disk(const char *header, size_t n, struct buf *fields);
/* What SORT and THREAD want: see summary_sort.c. */
struct mime;
void	 summary_make_sort(struct buf *, const struct mime *,
	    const struct buf *header);
void	 summary_make_sent(struct buf *, const struct mime *);

/* PREVIEW, from the message, whose parts are known: see summary_preview.c.
 * 0, or -1: no memory, or it cannot be read. */
int	 summary_make_preview(struct buf *, const struct mime *,
	    struct message *);

#endif
