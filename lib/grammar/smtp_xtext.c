/* SPDX-License-Identifier: ISC
 *
 * Octets that a parameter of SMTP has no place for: xtext (RFC 3461, section
 * 4) and the encoding of UTF-8 addresses (RFC 6533, section 3).
 */
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "grammar/smtp_command.h"

/*
 * xtext   = *( xchar / hexchar )
 * hexchar = ASCII "+" immediately followed by two upper case hex digits
 *
 * NOTE: small hex digits are taken.
 */
int
smtp_xtext_decode(struct buf *b, const char *p, size_t n)
{
	size_t i, before = b->len;

	for (i = 0; i < n; i++) {
		if (char_is(p[i], CHAR_XCHAR)) {
			buf_addc(b, p[i]);
		} else if (p[i] == '+' && i + 2 < n &&
		    char_hex(p[i + 1]) >= 0 && char_hex(p[i + 2]) >= 0) {
			buf_addc(b, (char)(char_hex(p[i + 1]) << 4 |
			    char_hex(p[i + 2])));
			i += 2;
		} else {
			b->len = before;
			return 0;
		}
	}
	return buf_failed(b) ? -1 : 1;
}

int
smtp_xtext_encode(struct buf *b, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (char_is(p[i], CHAR_XCHAR))
			buf_addc(b, p[i]);
		else
			buf_addf(b, "+%02X", (unsigned char)p[i]);
	}
	return buf_failed(b) ? -1 : 0;
}

/*
 * EmbeddedUnicodeChar = "\x" "{" HEXPOINT "}"
 *
 * How many octets it has, and its character; 0: it is none.  NOTE: any 2 to 6
 * hex digits are taken, also for what needs no encoding.
 */
static size_t
embedded(const char *p, const char *end, uint32_t *c)
{
	size_t i;

	if (end - p < 4 || memcmp(p, "\\x{", 3) != 0)
		return 0;
	*c = 0;
	for (i = 3; i < 9 && p + i < end && char_hex(p[i]) >= 0; i++)
		*c = *c << 4 | (uint32_t)char_hex(p[i]);
	return i >= 5 && p + i < end && p[i] == '}' ? i + 1 : 0;
}

/*
 * utf-8-enc-addr     = utf-8-addr-xtext / utf-8-addr-unitext / utf-8-address
 * utf-8-addr-unitext = 1*(QUCHAR / EmbeddedUnicodeChar)
 *
 * The other two are subsets of it, but for a "+" in utf-8-address.
 */
int
smtp_unitext_decode(struct buf *b, const char *p, size_t n)
{
	const char *end = p + n;
	size_t some, before = b->len;
	char out[4];
	uint32_t c;

	for (; p < end; p += some) {
		if ((some = embedded(p, end, &c)) == 0 && *p != '\\')
			some = utf8_next(p, end, &c);
		if (some == 0 || (n = utf8_put(out, c)) == 0) {
			b->len = before;
			return 0;
		}
		buf_add(b, out, n);
	}
	return buf_failed(b) ? -1 : 1;
}
