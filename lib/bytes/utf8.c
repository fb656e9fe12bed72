/* SPDX-License-Identifier: ISC
 *
 * UTF-8: RFC 3629, section 4.
 *
 *	UTF8-2 = %xC2-DF UTF8-tail
 *	UTF8-3 = %xE0 %xA0-BF UTF8-tail / %xE1-EC 2( UTF8-tail ) /
 *	         %xED %x80-9F UTF8-tail / %xEE-EF 2( UTF8-tail )
 *	UTF8-4 = %xF0 %x90-BF 2( UTF8-tail ) / %xF1-F3 3( UTF8-tail ) /
 *	         %xF4 %x80-8F 2( UTF8-tail )
 */
#include <string.h>

#include "bytes/utf8.h"

/* How many octets follow this first one, and the bounds of the next; -1: no
 * character begins so. */
static int
lead(unsigned char c, unsigned char *lo, unsigned char *hi)
{
	*lo = 0x80;
	*hi = 0xbf;
	if (c < 0x80)
		return 0;
	if (c >= 0xc2 && c <= 0xdf)
		return 1;
	if (c >= 0xe0 && c <= 0xef) {
		if (c == 0xe0)
			*lo = 0xa0;
		else if (c == 0xed)
			*hi = 0x9f;
		return 2;
	}
	if (c >= 0xf0 && c <= 0xf4) {
		if (c == 0xf0)
			*lo = 0x90;
		else if (c == 0xf4)
			*hi = 0x8f;
		return 3;
	}
	return -1;
}

size_t
utf8_next(const char *p, const char *end, uint32_t *c)
{
	static const unsigned char mask[4] = { 0x7f, 0x1f, 0x0f, 0x07 };
	const unsigned char *s = (const unsigned char *)p;
	unsigned char lo, hi;
	int i, more;

	if (p >= end || (more = lead(*s, &lo, &hi)) < 0 || end - p <= more)
		return 0;
	*c = *s & mask[more];
	for (i = 1; i <= more; i++) {
		if (s[i] < lo || s[i] > hi)
			return 0;
		lo = 0x80;
		hi = 0xbf;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	return (size_t)more + 1;
}

void
utf8_feed(struct utf8 *u, const char *p, size_t n)
{
	const unsigned char *s = (const unsigned char *)p;
	const unsigned char *end = n > 0 ? s + n : s;
	uint64_t w;
	int more;

	while (s < end && !u->bad) {
		if (u->left == 0) {
			while (end - s >= 8) {
				memcpy(&w, s, 8);
				if (w & 0x8080808080808080ULL)
					break;
				s += 8;
			}
			if (s == end)
				break;
			if ((more = lead(*s++, &u->lo, &u->hi)) < 0)
				u->bad = 1;
			else
				u->left = (unsigned char)more;
			continue;
		}
		if (*s < u->lo || *s > u->hi)
			u->bad = 1;
		u->lo = 0x80;
		u->hi = 0xbf;
		u->left--;
		s++;
	}
}

int
utf8_end(const struct utf8 *u)
{
	return !u->bad && u->left == 0;
}

int
utf8_valid(const char *p, size_t n)
{
	struct utf8 u = { 0 };

	utf8_feed(&u, p, n);
	return utf8_end(&u);
}

size_t
utf8_put(char *out, uint32_t c)
{
	unsigned char *o = (unsigned char *)out;

	if (c < 0x80) {
		o[0] = (unsigned char)c;
		return 1;
	}
	if (c < 0x800) {
		o[0] = (unsigned char)(0xc0 | c >> 6);
		o[1] = (unsigned char)(0x80 | (c & 0x3f));
		return 2;
	}
	if ((c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return 0;
	if (c < 0x10000) {
		o[0] = (unsigned char)(0xe0 | c >> 12);
		o[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		o[2] = (unsigned char)(0x80 | (c & 0x3f));
		return 3;
	}
	o[0] = (unsigned char)(0xf0 | c >> 18);
	o[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
	o[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
	o[3] = (unsigned char)(0x80 | (c & 0x3f));
	return 4;
}
