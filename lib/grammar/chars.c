/* SPDX-License-Identifier: ISC
 *
 * The table of character classes.  Written out by rule with range
 * initialisers, so that it can be compared with the RFCs.
 */
#include <string.h>

#include "grammar/chars.h"

#define A	(CHAR_ALPHA | CHAR_ATEXT | CHAR_LABEL)
#define D	(CHAR_DIGIT | CHAR_HEX | CHAR_ATEXT | CHAR_LABEL)
#define Q	CHAR_QTEXT		/* %d32-33 / %d35-91 / %d93-126 */
#define T	CHAR_DTEXT		/* %d33-90 / %d94-126 */
#define C	CHAR_CTEXT		/* %d33-39 / %d42-91 / %d93-126 */
#define F	CHAR_FTEXT		/* %d33-57 / %d59-126 */
#define P	CHAR_PRINT
#define X	CHAR_XCHAR		/* %d33-126 but "+" and "=" */
#define ALL	(Q | T | C | F | P | X)

const unsigned short chars_class[256] = {
	['\t'] = CHAR_WSP,
	[' '] = CHAR_WSP | Q | P,
	['!'] = ALL | CHAR_ATEXT,
	['"'] = T | C | F | P | X,
	['#'] = ALL | CHAR_ATEXT,
	['$'] = ALL | CHAR_ATEXT,
	['%'] = ALL | CHAR_ATEXT,
	['&'] = ALL | CHAR_ATEXT,
	['\''] = ALL | CHAR_ATEXT,
	['('] = Q | T | F | P | X,
	[')'] = Q | T | F | P | X,
	['*'] = ALL | CHAR_ATEXT,
	['+'] = Q | T | C | F | P | CHAR_ATEXT,
	[','] = ALL,
	['-'] = ALL | CHAR_ATEXT | CHAR_LABEL,
	['.'] = ALL,
	['/'] = ALL | CHAR_ATEXT,
	['0' ... '9'] = ALL | D,
	[':'] = Q | T | C | P | X,
	[';'] = ALL,
	['<'] = ALL,
	['='] = Q | T | C | F | P | CHAR_ATEXT,
	['>'] = ALL,
	['?'] = ALL | CHAR_ATEXT,
	['@'] = ALL,
	['A' ... 'F'] = ALL | A | CHAR_HEX,
	['G' ... 'Z'] = ALL | A,
	['['] = Q | C | F | P | X,
	['\\'] = F | P | X,
	[']'] = Q | C | F | P | X,
	['^'] = ALL | CHAR_ATEXT,
	['_'] = ALL | CHAR_ATEXT | CHAR_LABEL,
	['`'] = ALL | CHAR_ATEXT,
	['a' ... 'f'] = ALL | A | CHAR_HEX,
	['g' ... 'z'] = ALL | A,
	['{'] = ALL | CHAR_ATEXT,
	['|'] = ALL | CHAR_ATEXT,
	['}'] = ALL | CHAR_ATEXT,
	['~'] = ALL | CHAR_ATEXT
};

int
char_hex(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = char_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
chars_equal(const char *a, size_t na, const char *b, size_t nb)
{
	size_t i;

	if (na != nb)
		return 0;
	for (i = 0; i < na; i++)
		if (char_lower(a[i]) != char_lower(b[i]))
			return 0;
	return 1;
}

int
chars_is(const char *a, size_t n, const char *b)
{
	return chars_equal(a, n, b, strlen(b));
}

int
chars_begin(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - p) >= n && chars_equal(p, n, word, n);
}

int
chars_ascii(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((s[i] & 0x80) != 0)
			return 0;
	return 1;
}

int
chars_add_lower(struct buf *b, const char *s, size_t n)
{
	char *to = buf_reserve(b, n + 1);
	size_t i;

	if (to == NULL)
		return -1;
	for (i = 0; i < n; i++)
		to[i] = (char)char_lower(s[i]);
	buf_commit(b, n);
	return 0;
}
