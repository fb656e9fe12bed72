/* SPDX-License-Identifier: ISC
 *
 * Proves what UTF-8 is: whole, byte by byte and character by character.
 */
#include "bytes/utf8.h"
#include "tap.h"

static const struct {
	const char	*s;
	uint32_t	 c;		/* the character, 0: malformed */
} rows[] = {
	{ "a", 'a' }, { "\x7f", 0x7f },
	{ "\xc2\x80", 0x80 }, { "\xdf\xbf", 0x7ff },
	{ "\xe0\xa0\x80", 0x800 }, { "\xed\x9f\xbf", 0xd7ff },
	{ "\xee\x80\x80", 0xe000 }, { "\xef\xbf\xbf", 0xffff },
	{ "\xf0\x90\x80\x80", 0x10000 }, { "\xf4\x8f\xbf\xbf", 0x10ffff },
	{ "\x80", 0 }, { "\xbf", 0 },		/* a tail alone */
	{ "\xc0\xaf", 0 }, { "\xc1\xbf", 0 },	/* overlong */
	{ "\xe0\x9f\xbf", 0 }, { "\xf0\x8f\xbf\xbf", 0 },
	{ "\xed\xa0\x80", 0 }, { "\xed\xbf\xbf", 0 },	/* surrogates */
	{ "\xf4\x90\x80\x80", 0 }, { "\xf5\x80\x80\x80", 0 },
	{ "\xfe", 0 }, { "\xff", 0 },
	/* cut */
	{ "\xc2", 0 }, { "\xe2\x82", 0 }, { "\xf0\x9f\x98", 0 },
	{ "\xc2g", 0 }, { "\xe2\x82g", 0 }
};

int
main(void)
{
	struct utf8 u;
	uint32_t c;
	char out[4];
	size_t i, j, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = strlen(rows[i].s);
		is_int(utf8_valid(rows[i].s, n), rows[i].c != 0, "whole");
		memset(&u, 0, sizeof(u));
		for (j = 0; j < n; j++)
			utf8_feed(&u, rows[i].s + j, 1);
		is_int(utf8_end(&u), rows[i].c != 0, "byte by byte");
		c = 0;
		is_int((long long)utf8_next(rows[i].s, rows[i].s + n, &c),
		    rows[i].c != 0 ? (long long)n : 0, "its length");
		if (rows[i].c == 0)
			continue;
		is_int(c, rows[i].c, "the character");
		is_mem(out, utf8_put(out, c), rows[i].s, n, "and back");
	}
	is_int(utf8_valid("", 0), 1, "nothing is UTF-8");
	is_int(utf8_valid("a\0b", 3), 1, "NUL is a character");
	is_int(utf8_valid("long ascii, then \xff", 18), 0, "late");
	is_int((long long)utf8_put(out, 0xd800), 0, "a surrogate");
	is_int((long long)utf8_put(out, 0x110000), 0, "beyond the last");
	return done();
}
