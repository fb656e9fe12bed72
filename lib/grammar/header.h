/* SPDX-License-Identifier: ISC
 *
 * The header of a message (RFC 5322, section 2.2), in memory or in pieces.
 * Lines may end in LF or CRLF.  Nothing is refused: a line that is no field is
 * given as one without a name.
 */
#ifndef GRAMMAR_HEADER_H
#define GRAMMAR_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"

/* One field in the caller's memory, folds included. */
struct header_field {
	const char	*start;		/* of the field */
	size_t		 len;		/* with the line end of its last line */
	const char	*name;		/* without the colon; len 0: no field */
	size_t		 name_len;
	const char	*value;		/* behind the colon, without the last
					 * line end */
	size_t		 value_len;
};

struct header {
	const char	*p, *end;
};

/* Begin at the first octet of a message or a part. */
void	 header_init(struct header *, const char *, size_t);

/*
 * The next field: 1; 0: the header is over, and h->p is the first octet of
 * the body (== end when there is none).
 */
int	 header_next(struct header *, struct header_field *);

/* Find the first field of this name (any letter case) in a message: 1 or 0. */
int	 header_find(const char *, size_t, const char *name,
	    struct header_field *);

/* 1 when the field has this name. */
int	 header_is(const struct header_field *, const char *name);

/* Append the value unfolded: line ends go, the white space behind them stays,
 * white space at both ends goes; NUL becomes a space.  At most what the buffer
 * takes.  0, or -1 as buf_add(). */
int	 header_unfold(struct buf *, const struct header_field *);

/* The octets of the header with its blank line; n when there is no body.
 * A header that ends with the text has no blank line. */
size_t	 header_length(const char *, size_t n);

#define HEADER_NAME_KEPT	32	/* of a name, by header_scan() */

/* A header that comes in pieces: which fields it has and where it ends.  All
 * zero is the start. */
struct header_scan {
	int		state;		/* enum in header.c */
	char		name[HEADER_NAME_KEPT];	/* lower case, terminated */
	size_t		name_len;	/* its whole length, may be more */
	uint64_t	taken;		/* octets, at the end: the header's */
};

/*
 * Take input from *p, not past end, and move *p.  1: a field's name is
 * complete, in name; 0: the input is used up; 2: the header is over, *p is the
 * first octet of the body; said again at every further call.
 */
int	 header_scan(struct header_scan *, const char **p, const char *end);

#endif
