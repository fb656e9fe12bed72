/* SPDX-License-Identifier: ISC
 *
 * What clients ask of messages without reading them: size, date, ENVELOPE,
 * BODY, BODYSTRUCTURE and some header fields, made in one pass over a message
 * and kept in the form of the wire, so that an answer is a copy.  These are
 * the facts that mail/cache.h remembers.
 */
#ifndef MAIL_SUMMARY_H
#define MAIL_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "bytes/buf.h"
#include "mail/cache.h"
#include "mail/message.h"

/* A row of versions[] in summary.c for each: it must rise whenever what is
 * written there changes. */
enum summary_kind {
	SUMMARY_META,		/* size on the wire, and date */
	SUMMARY_ENVELOPE,
	SUMMARY_STRUCTURE,	/* BODYSTRUCTURE */
	SUMMARY_BODY,
	SUMMARY_FIELDS,		/* header fields that are often asked for */
	SUMMARY_TRACE,		/* and those that are long and seldom are */
	SUMMARY_SORT,		/* for SORT and THREAD: summary_sort() */
	SUMMARY_PREVIEW,	/* RFC 8970, as a string of the wire; made only
				 * when it is wanted */
	SUMMARY_DATE,		/* the date alone */
	SUMMARY_SENT,		/* that of the Date field: summary_sent() */
	SUMMARY_KINDS
};

#define SUMMARY(kind)	(1u << (kind))
#define SUMMARY_ALL	(SUMMARY(SUMMARY_KINDS) - 1)
/* What the header alone tells. */
#define SUMMARY_HEADER	(SUMMARY(SUMMARY_ENVELOPE) | \
			SUMMARY(SUMMARY_FIELDS) | SUMMARY(SUMMARY_TRACE) | \
			SUMMARY(SUMMARY_DATE) | SUMMARY(SUMMARY_SORT) | \
			SUMMARY(SUMMARY_SENT))

extern const uint16_t summary_versions[CACHE_KINDS];

/* What is known of a message: bits of have say which items are set. */
struct summary_view {
	unsigned	  have;
	struct cache_item item[CACHE_KINDS];
};

/* Room for one message after another; all zero is none yet. */
struct summary {
	struct buf	buf[SUMMARY_KINDS];
	struct buf	header;
	uint64_t	size;		/* on the wire, when META is there */
};

void	 summary_free(struct summary *);

/*
 * Read a message, no further than it takes, and make what is wanted (SUMMARY
 * bits); with more also what others will want and costs nearly nothing now.  Of
 * fields that are too many or too long it is known that summary_fields() cannot
 * tell them.  The items are good until the next call.  0, or -1: no memory, or
 * it cannot be read.
 */
int	 summary_make(struct summary *, struct message *, time_t date,
	    unsigned want, bool more, struct summary_view *);

/* Make SUMMARY_FIELDS alone, of a whole header as it is on disk, with its blank
 * line if it has one. */
void	 summary_make_fields(struct summary *, const char *header, size_t n,
	    struct summary_view *v);

/* The date alone, which needs no message. */
void	 summary_make_date(struct summary *, time_t date,
	    struct summary_view *);

/* Size and date, where the view has them: 1, or 0. */
int	 summary_size(const struct summary_view *, uint64_t *size);
int	 summary_date(const struct summary_view *, time_t *date);

/*
 * A header field's name (any letter case) as a bit, or 0: it is none of those
 * that are kept.  SUMMARY_FIELD_ALWAYS is the blank line, and what is told with
 * any set of fields.
 */
#define SUMMARY_FIELD_ALWAYS	((uint64_t)1 << 63)
uint64_t summary_field(const char *, size_t);

/* The kinds that hold these fields. */
unsigned summary_fields_kinds(uint64_t fields);

/*
 * Append the fields chosen, in their order, with their line ends, as
 * BODY[HEADER.FIELDS (...)] has them (RFC 3501, section 6.4.5); with
 * SUMMARY_FIELD_ALWAYS the blank line too.  Their kinds must be in the view.
 * 0; -1 as buf_add(), or they are not to be had from a summary.
 */
int	 summary_fields(struct buf *, const struct summary_view *,
	    uint64_t fields);

#endif
