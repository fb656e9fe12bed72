/* SPDX-License-Identifier: ISC
 *
 * JSON strings, one character after the other.  Whatever the octets are, what
 * comes out is a string, and ends where it should.
 */
#include <string.h>

#include "bytes/json.h"
#include "bytes/utf8.h"

int
json_add(struct buf *b, const char *s, size_t n)
{
	const char *end = s + n;
	size_t len;
	uint32_t c;

	if (s == NULL)
		return buf_adds(b, "null");
	buf_addc(b, '"');
	while (s < end) {
		if ((len = utf8_next(s, end, &c)) == 0) {
			buf_adds(b, "\xef\xbf\xbd");
			s++;
			continue;
		}
		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", (int)c);
		else if (c < 0x20 || c == 0x7f)
			buf_addf(b, "\\u%04x", (unsigned)c);
		else
			buf_add(b, s, len);
		s += len;
	}
	return buf_addc(b, '"');
}

int
json_adds(struct buf *b, const char *s)
{
	return json_add(b, s, s == NULL ? 0 : strlen(s));
}
