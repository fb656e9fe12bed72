/* SPDX-License-Identifier: ISC
 *
 * The values of MIME's own header fields (RFC 2045 section 5.1, RFC 2183
 * section 2), read with a cursor.  Everything is accepted; comments and white
 * space between words are skipped.
 */
#ifndef GRAMMAR_MIME_FIELD_H
#define GRAMMAR_MIME_FIELD_H

#include <stddef.h>

#include "bytes/buf.h"

struct mime_word {
	const char	*s;
	size_t		 len;
};

/* Comments, white space and line ends. */
void	 mime_skip(const char **, const char *end);

/* token = 1*<any CHAR but SPACE, CTLs and tspecials>: 1 or 0 */
int	 mime_token(const char **, const char *end, struct mime_word *);

/* type "/" subtype: 1, or 0 when the field says no type that can be used.
 * NOTE: a missing subtype of text is plain, of multipart mixed. */
int	 mime_media_type(const char **, const char *end, struct mime_word *type,
	    struct mime_word *subtype);

/*
 * The next parameter: 1 with its name and its value, unquoted, in the buffer,
 * which is emptied first; 0: there is no further one.
 * NOTE: taken as well: empty parameters (";;"), a missing ";", a value with
 * tspecials outside quotes, a quoted string that is not closed.  What has no
 * "=" is skipped.
 */
int	 mime_next_param(const char **, const char *end, struct mime_word *name,
	    struct buf *value);

#endif
