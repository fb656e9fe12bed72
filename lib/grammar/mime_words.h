/* SPDX-License-Identifier: ISC
 *
 * Encoded words in header fields (RFC 2047): the text that a person sees, in
 * UTF-8, and the other way round.
 */
#ifndef GRAMMAR_MIME_WORDS_H
#define GRAMMAR_MIME_WORDS_H

#include <stddef.h>

#include "bytes/buf.h"

/*
 * Append the unfolded value of a field with its encoded words decoded; white
 * space between two of them goes (RFC 2047 section 6.2).  What is no encoded
 * word, or malformed, passes as it stands.
 * NOTE: words are decoded wherever they stand, also within quoted strings,
 * where RFC 2047 section 5 forbids them, as senders put them there.
 * 0, or -1 as buf_add().
 */
int	 mime_words_decode(struct buf *, const char *, size_t);

/*
 * Append n octets of text as encoded words (RFC 2047, section 2), base64, as
 * many as it takes, a line ("\n ") for each; nothing for no octets.
 * NOTE: what is not UTF-8 is of a character set that nobody knows, and is
 * called so.
 * 0, or -1 as buf_add().
 */
int	 mime_words_encode(struct buf *, const char *, size_t n);

#endif
