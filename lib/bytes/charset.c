/* SPDX-License-Identifier: ISC
 *
 * Single-octet character sets to UTF-8.  All of them keep US-ASCII.
 */
#include <stdint.h>
#include <strings.h>

#include "bytes/charset.h"
#include "bytes/utf8.h"

static const struct {
	const char	*name;
	enum charset	 charset;
} names[] = {
	{ "utf-8", CHARSET_UTF8 }, { "utf8", CHARSET_UTF8 },
	{ "us-ascii", CHARSET_UTF8 }, { "ascii", CHARSET_UTF8 },
	{ "iso-8859-1", CHARSET_LATIN1 }, { "latin1", CHARSET_LATIN1 },
	{ "iso-8859-15", CHARSET_LATIN9 }, { "latin9", CHARSET_LATIN9 },
	{ "windows-1252", CHARSET_CP1252 }, { "cp1252", CHARSET_CP1252 },
};

/* 0x80 to 0x9f; 0: no character. */
static const uint16_t cp1252[32] = {
	0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
	0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0,
	0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
	0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178
};

static const struct {
	unsigned char	octet;
	uint16_t	c;
} latin9[] = {
	{ 0xa4, 0x20ac }, { 0xa6, 0x0160 }, { 0xa8, 0x0161 },
	{ 0xb4, 0x017d }, { 0xb8, 0x017e }, { 0xbc, 0x0152 },
	{ 0xbd, 0x0153 }, { 0xbe, 0x0178 },
};

enum charset
charset_find(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncasecmp(names[i].name, s, n) == 0 &&
		    names[i].name[n] == '\0')
			return names[i].charset;
	return CHARSET_UNKNOWN;
}

static uint32_t
decode_octet(enum charset charset, unsigned char c)
{
	size_t i;

	if (charset == CHARSET_CP1252 && c >= 0x80 && c <= 0x9f)
		return cp1252[c - 0x80] != 0 ? cp1252[c - 0x80] : 0xfffd;
	if (charset == CHARSET_LATIN9)
		for (i = 0; i < sizeof(latin9) / sizeof(latin9[0]); i++)
			if (latin9[i].octet == c)
				return latin9[i].c;
	return c;
}

int
charset_decode(enum charset charset, struct buf *b, const char *s, size_t n)
{
	char utf8[4];
	size_t i, start = 0;

	if (charset == CHARSET_UTF8 || charset == CHARSET_UNKNOWN)
		return buf_add(b, s, n);
	for (i = 0; i < n; i++) {
		if ((unsigned char)s[i] < 0x80)
			continue;
		buf_add(b, s + start, i - start);
		buf_add(b, utf8, utf8_put(utf8, decode_octet(charset,
		    (unsigned char)s[i])));
		start = i + 1;
	}
	return buf_add(b, s + start, n - start);
}
