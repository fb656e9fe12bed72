/* SPDX-License-Identifier: ISC
 *
 * The inside of the MIME parser, shared by mime.c and mime_header.c and by
 * nobody else.
 */
#ifndef GRAMMAR_MIME_LOCAL_H
#define GRAMMAR_MIME_LOCAL_H

#include "grammar/mime.h"

/* A place in the message, always the start of a line or the end. */
struct mime_place {
	uint64_t	disk, wire, lines;
};

/* A multipart whose boundary is looked for. */
struct mime_open {
	uint32_t	part;
	uint32_t	last;		/* its last child, or MIME_NONE */
	struct mime_ref	boundary;
};

struct mime_parser {
	struct mime	 m;
	int		 failed;	/* no memory */

	struct mime_place start;	/* of the line being read */
	unsigned	 prev_eol;	/* octets that ended the line before */
	struct buf	 line;		/* its first octets */
	uint64_t	 line_len;	/* all of its octets so far */
	char		 last;		/* the octet before the next */

	uint32_t	 cur;		/* the part being read */
	int		 in_header;
	struct mime_open open[MIME_MAX_DEPTH + 1];
	size_t		 nopen;

	struct buf	 field;		/* the field being read, unfolded */
	int		 in_field;
	int		 field_cut;
	struct buf	 value;		/* scratch for a parameter */
	struct mime_place *begin;	/* of each part: its header, then its
					 * body */
	size_t		 begin_cap;
	struct mime_ref	 text, plain, message, rfc822, application, octets;
};

/* Keep a string: *r, cut where the limit is. */
void	 mime_keep(struct mime_parser *, const char *, size_t,
	    struct mime_ref *);

/* One line of a header without its line end; the header's end. */
void	 mime_header_line(struct mime_parser *, const char *, size_t, int cut);
void	 mime_header_end(struct mime_parser *);

#endif
