/* SPDX-License-Identifier: ISC
 *
 * The beginning of a text as a person wants to see it in a list of messages
 * (RFC 8970, section 3.3): plain or HTML, in pieces of any size, to a few
 * characters of UTF-8 on one line.
 */
#ifndef GRAMMAR_PREVIEW_H
#define GRAMMAR_PREVIEW_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"

enum {
	PREVIEW_CHARS = 200,		/* RFC 8970 allows 256 */
	PREVIEW_SIZE = 4 * PREVIEW_CHARS
};

struct preview_text {
	char		 s[PREVIEW_SIZE];
	size_t		 n, chars;
	int		 space;		/* one is due before the next */
	struct buf	*whole;		/* set by the caller who wants all of
					 * it: it goes there, not to s */
};

/* All zero but html and text.whole is the start. */
struct preview {
	int		 html;		/* set by the caller */
	struct preview_text text, quoted;	/* quoted: lines with ">" */
	int		 in_line, in_quote;
	char		 cut[4];	/* of a character */
	size_t		 ncut;
	/* HTML */
	enum {
		PREVIEW_TEXT, PREVIEW_TAG, PREVIEW_VALUE, PREVIEW_COMMENT,
		PREVIEW_ENTITY
	} state;
	char		 word[16];	/* a tag's name, an entity's */
	size_t		 nword;
	int		 in_word;
	char		 quote;		/* around a value */
	char		 skip[8];	/* within this element nothing counts */
};

/* More of the text, in UTF-8; 1: no more is wanted. */
int	 preview_feed(struct preview *, const char *, size_t);

/* The end: the text is what is returned, *n octets; or it is in text.whole, as
 * far as that takes it. */
const char *preview_end(struct preview *, size_t *n);

#endif
