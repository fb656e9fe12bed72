/* SPDX-License-Identifier: ISC
 *
 * A message in the form that DKIM hashes (RFC 6376, section 3.4), "simple" and
 * "relaxed", in pieces: the body, and one field of the header at a time.
 *
 * Input is in disk form or as on the wire: a line ends at LF, and one CR before
 * it belongs to the line end.  Output has CRLF.  Dots are not doubled on
 * either side.
 */
#ifndef GRAMMAR_DKIM_CANON_H
#define GRAMMAR_DKIM_CANON_H

#include <stddef.h>
#include <stdint.h>

#include "grammar/dkim_tags.h"

/* Takes what is to be hashed, in order, in pieces of any size. */
typedef void dkim_sink(void *arg, const void *, size_t);

/* A body on its way; to be begun by dkim_body_init(). */
struct dkim_body {
	enum dkim_canon	 how;
	dkim_sink	*to;
	void		*arg;
	uint64_t	 limit;		/* octets that may still go to the
					 * sink: l= */
	uint64_t	 length;	/* octets that the form has */
	uint64_t	 empty;		/* lines held back: the last ones go */
	int		 cr, space;	/* held back */
	int		 column;	/* the line has something */
	size_t		 n;
	char		 out[4096];
};

/* limit: at most so many octets of the form are given out; UINT64_MAX: all. */
void	 dkim_body_init(struct dkim_body *, enum dkim_canon, uint64_t limit,
	    dkim_sink *, void *arg);
void	 dkim_body_feed(struct dkim_body *, const char *, size_t);
/* The body is over.  How many octets the form has without the limit. */
uint64_t dkim_body_end(struct dkim_body *);

/* A field on its way: its name, colon and value as they stand, and with or
 * without its last line end. */
struct dkim_field {
	enum dkim_canon	 how;
	dkim_sink	*to;
	void		*arg;
	int		 value;		/* behind the colon */
	int		 begun;		/* the value has something */
	int		 cr, line, space;	/* held back */
	size_t		 n;
	char		 out[1024];
};

void	 dkim_field_init(struct dkim_field *, enum dkim_canon, dkim_sink *,
	    void *arg);
void	 dkim_field_feed(struct dkim_field *, const char *, size_t);
/* The field is over; crlf: its line end goes out too. */
void	 dkim_field_end(struct dkim_field *, int crlf);

#endif
