/* SPDX-License-Identifier: ISC
 *
 * encoded-word = "=?" charset "?" encoding "?" encoded-text "?="
 * (RFC 2047 section 2).  A charset may carry a language behind "*" (RFC 2231
 * section 5).
 */
#include <string.h>

#include "bytes/base64.h"
#include "bytes/charset.h"
#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "grammar/mime_words.h"

struct word {
	const char	*charset, *text, *end;	/* end: behind "?=" */
	size_t		 charset_len, text_len;
	char		 encoding;		/* 'b' or 'q' */
};

/* An encoded word at p: 1, or 0. */
static int
parse_word(const char *p, const char *end, struct word *w)
{
	const char *q, *star;

	if (end - p < 6 || p[0] != '=' || p[1] != '?')
		return 0;
	p += 2;
	if ((q = memchr(p, '?', (size_t)(end - p))) == NULL || q == p ||
	    end - q < 4 || q[2] != '?')
		return 0;
	w->charset = p;
	w->charset_len = (size_t)(q - p);
	if ((star = memchr(p, '*', w->charset_len)) != NULL)
		w->charset_len = (size_t)(star - p);
	w->encoding = (char)char_lower(q[1]);
	w->text = q + 3;
	if (w->encoding != 'b' && w->encoding != 'q')
		return 0;
	q = memchr(w->text, '?', (size_t)(end - w->text));
	if (q == NULL || end - q < 2 || q[1] != '=')
		return 0;
	w->text_len = (size_t)(q - w->text);
	w->end = q + 2;
	return 1;
}

/* The "Q" encoding (RFC 2047 section 4.2). */
static void
decode_q(struct buf *b, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] == '_')
			buf_addc(b, ' ');
		else if (s[i] == '=' && n - i > 2 && char_hex(s[i + 1]) != -1 &&
		    char_hex(s[i + 2]) != -1) {
			buf_addc(b, (char)(char_hex(s[i + 1]) << 4 |
			    char_hex(s[i + 2])));
			i += 2;
		} else
			buf_addc(b, s[i]);
	}
}

static void
decode_word(struct buf *b, const struct word *w, struct buf *scratch)
{
	struct base64 state = { 0 };
	char *to;

	buf_reset(scratch);
	if (w->encoding == 'q')
		decode_q(scratch, w->text, w->text_len);
	else if ((to = buf_reserve(scratch, BASE64_ROOM(w->text_len))) !=
	    NULL)
		buf_commit(scratch, base64_feed(&state, w->text, w->text_len,
		    to));
	charset_decode(charset_find(w->charset, w->charset_len), b,
	    scratch->data, scratch->len);
}

int
mime_words_decode(struct buf *b, const char *s, size_t n)
{
	const char *end = s + n, *p, *next;
	struct buf scratch;
	struct word w;

	buf_init(&scratch, n + 4);
	while (s < end) {
		if ((p = memchr(s, '=', (size_t)(end - s))) == NULL)
			p = end;
		buf_add(b, s, (size_t)(p - s));
		s = p;
		if (s == end)
			break;
		if (!parse_word(s, end, &w)) {
			buf_addc(b, *s++);
			continue;
		}
		decode_word(b, &w, &scratch);
		s = w.end;
		for (next = s; next < end && char_is(*next, CHAR_WSP); next++)
			;
		if (next > s && parse_word(next, end, &w))
			s = next;
	}
	buf_free(&scratch);
	return buf_failed(b) ? -1 : 0;
}

#define WORD_OCTETS	27	/* keeps "Content-Description: " and one word
				 * within 76 columns */

int
mime_words_encode(struct buf *out, const char *p, size_t n)
{
	int utf8 = utf8_valid(p, n);
	const char *end = p + n, *q;
	uint32_t c;
	size_t len;

	while (p < end) {
		for (q = p; q < end; q += len) {
			len = utf8 ? utf8_next(q, end, &c) : 1;
			if ((size_t)(q - p) + len > WORD_OCTETS)
				break;
		}
		buf_adds(out, utf8 ? "=?utf-8?B?" : "=?unknown-8bit?B?");
		base64_encode(out, p, (size_t)(q - p));
		buf_adds(out, q < end ? "?=\n " : "?=");
		p = q;
	}
	return buf_failed(out) ? -1 : 0;
}
