/* SPDX-License-Identifier: ISC
 *
 * Single-octet character sets to UTF-8.  All of them keep US-ASCII.
 */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "bytes/charset_table.h"
#include "bytes/utf8.h"

/* Preferred MIME names, in the order of the enum, and then others in use. */
static const struct {
	const char	*name;
	enum charset	 charset;
} names[] = {
	{ "UTF-8", CHARSET_UTF8 },
	{ "ISO-8859-1", CHARSET_LATIN1 },
	{ "ISO-8859-15", CHARSET_LATIN9 },
	{ "windows-1252", CHARSET_CP1252 },
	{ "ISO-8859-2", CHARSET_ISO8859_2 },
	{ "ISO-8859-3", CHARSET_ISO8859_3 },
	{ "ISO-8859-4", CHARSET_ISO8859_4 },
	{ "ISO-8859-5", CHARSET_ISO8859_5 },
	{ "ISO-8859-6", CHARSET_ISO8859_6 },
	{ "ISO-8859-7", CHARSET_ISO8859_7 },
	{ "ISO-8859-8", CHARSET_ISO8859_8 },
	{ "ISO-8859-9", CHARSET_ISO8859_9 },
	{ "ISO-8859-10", CHARSET_ISO8859_10 },
	{ "ISO-8859-13", CHARSET_ISO8859_13 },
	{ "ISO-8859-14", CHARSET_ISO8859_14 },
	{ "ISO-8859-16", CHARSET_ISO8859_16 },
	{ "windows-1250", CHARSET_CP1250 },
	{ "windows-1251", CHARSET_CP1251 },
	{ "windows-1253", CHARSET_CP1253 },
	{ "windows-1254", CHARSET_CP1254 },
	{ "windows-1255", CHARSET_CP1255 },
	{ "windows-1256", CHARSET_CP1256 },
	{ "windows-1257", CHARSET_CP1257 },
	{ "windows-1258", CHARSET_CP1258 },
	{ "KOI8-R", CHARSET_KOI8_R },
	{ "KOI8-U", CHARSET_KOI8_U },
	{ "TIS-620", CHARSET_TIS620 },
	{ "IBM850", CHARSET_IBM850 },
	{ "IBM866", CHARSET_IBM866 },
	{ "us-ascii", CHARSET_UTF8 }, { "ascii", CHARSET_UTF8 },
	{ "utf8", CHARSET_UTF8 }, { "latin1", CHARSET_LATIN1 },
	{ "latin2", CHARSET_ISO8859_2 }, { "latin9", CHARSET_LATIN9 },
	{ "iso-8859-8-i", CHARSET_ISO8859_8 }, { "cp1250", CHARSET_CP1250 },
	{ "cp1251", CHARSET_CP1251 }, { "cp1252", CHARSET_CP1252 },
	{ "cp850", CHARSET_IBM850 }, { "cp866", CHARSET_IBM866 },
	{ "iso-8859-11", CHARSET_TIS620 }, { "windows-874", CHARSET_TIS620 },
};

enum charset
charset_find(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].name) == n &&
		    strncasecmp(names[i].name, s, n) == 0)
			return names[i].charset;
	return CHARSET_UNKNOWN;
}

const char *
charset_name(size_t i)
{
	return i < CHARSET_UNKNOWN ? names[i].name : NULL;
}

int
charset_decode(enum charset charset, struct buf *b, const char *s, size_t n)
{
	const uint16_t *table;
	char utf8[4];
	size_t i, start = 0;
	uint32_t c;

	if (n == 0 || charset == CHARSET_UTF8 || charset == CHARSET_UNKNOWN)
		return buf_add(b, s, n);
	table = charset_table[charset - CHARSET_LATIN1];
	for (i = 0; i < n; i++) {
		if ((unsigned char)s[i] < 0x80)
			continue;
		buf_add(b, s + start, i - start);
		c = table[(unsigned char)s[i] - 0x80];
		buf_add(b, utf8, utf8_put(utf8, c != 0 ? c : 0xfffd));
		start = i + 1;
	}
	return buf_add(b, s + start, n - start);
}
