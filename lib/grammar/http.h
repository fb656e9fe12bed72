/* SPDX-License-Identifier: ISC
 *
 * The lines of an HTTP/1.1 answer (RFC 9112) that a small client needs.  Lines
 * come without their ends.
 */
#ifndef GRAMMAR_HTTP_H
#define GRAMMAR_HTTP_H

#include <stddef.h>
#include <stdint.h>

/* "HTTP/1.1 200 OK": the code, 100 to 599; or -1: malformed. */
int	 http_status_line(const char *, size_t);

struct http_field {
	const char	*name, *value;	/* in the line */
	size_t		 nname, nvalue;	/* without white space around */
};

/* "Name: value"; 1, or -1: malformed. */
int	 http_field(struct http_field *, const char *, size_t);

/* The value of Content-Length; 1, or -1: malformed. */
int	 http_length(const char *, size_t, uint64_t *);

/* The size line of a chunk, its extensions ignored; 1, or -1: malformed. */
int	 http_chunk(const char *, size_t, uint64_t *);

/* Is the value of Content-Type this type ("text/plain"), its parameters apart?
 * 1 or 0. */
int	 http_type_is(const char *, size_t, const char *type);

#endif
