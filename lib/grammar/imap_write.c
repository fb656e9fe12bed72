/* SPDX-License-Identifier: ISC
 *
 * Strings and dates as an IMAP server writes them.  It must never write a
 * CR, LF, NUL or 8-bit octet into a quoted string.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/date.h"
#include "grammar/imap_lex.h"
#include "grammar/imap_write.h"

enum { QUOTED_MAX = 1000 };	/* longer ones are literals: lines stay short */

/* quoted = DQUOTE *QUOTED-CHAR DQUOTE, of printable octets only */
static int
can_quote(const char *s, size_t n)
{
	size_t i;

	if (n > QUOTED_MAX)
		return 0;
	for (i = 0; i < n; i++)
		if (!char_is(s[i], CHAR_PRINT) && s[i] != '\t')
			return 0;
	return 1;
}

static int
write_literal(struct buf *b, const char *s, size_t n)
{
	const char *p, *end = s + n;

	buf_addf(b, "{%zu}\r\n", n);
	while ((p = memchr(s, '\0', (size_t)(end - s))) != NULL) {
		buf_add(b, s, (size_t)(p - s));
		buf_addc(b, (char)0x80);
		s = p + 1;
	}
	return buf_add(b, s, (size_t)(end - s));
}

int
imap_write_string(struct buf *b, const char *s, size_t n)
{
	size_t i, from;

	if (!can_quote(s, n))
		return write_literal(b, s, n);
	buf_addc(b, '"');
	for (i = from = 0; i < n; i++)
		if (s[i] == '"' || s[i] == '\\') {
			buf_add(b, s + from, i - from);
			buf_addc(b, '\\');
			from = i;
		}
	buf_add(b, s + from, n - from);
	return buf_addc(b, '"');
}

int
imap_write_nstring(struct buf *b, const char *s, size_t n)
{
	return s == NULL ? buf_adds(b, "NIL") : imap_write_string(b, s, n);
}

int
imap_write_astring(struct buf *b, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!imap_is_atom_char(s[i]))
			break;
	if (n == 0 || i < n || chars_is(s, n, "NIL"))
		return imap_write_string(b, s, n);
	return buf_add(b, s, n);
}

int
imap_write_progress(struct buf *b, const char *tag, uint32_t done,
    uint32_t goal)
{
	int untold = *tag == '\0' || strchr(tag, ']') != NULL;

	buf_adds(b, "INPROGRESS (");
	imap_write_nstring(b, untold ? NULL : tag, strlen(tag));
	if (goal == 0)
		return buf_addf(b, " %u NIL)", done);
	/* What is done is less than the goal: else it would be over. */
	return buf_addf(b, " %u %u)", done < goal ? done : goal - 1, goal);
}

int
imap_write_date_time(struct buf *b, int64_t t)
{
	char text[DATE_MAX];

	buf_addc(b, '"');
	buf_adds(b, date_imap_format(text, t, 0));
	return buf_addc(b, '"');
}
