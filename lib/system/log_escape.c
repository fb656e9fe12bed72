/* SPDX-License-Identifier: ISC
 *
 * Makes a value that came from anywhere safe to stand in a log line.  It must
 * never let a control character, an invalid byte or an unbalanced quote
 * through, nor write past its buffer.
 */
#include <stdbool.h>
#include <string.h>

#include "system/log.h"

#define VALUE_MAX	200	/* bytes of a value that are shown */
#define RING		8

/* Length of the UTF-8 character at p (RFC 3629 section 4), 0 when it is not
 * one, or a C1 control that a terminal might obey. */
static size_t
utf8_length(const unsigned char *p, const unsigned char *end)
{
	size_t n, i;
	unsigned char low = 0x80, high = 0xbf;

	if (*p < 0x80)
		return 1;
	if (*p >= 0xc2 && *p <= 0xdf)
		n = 2;
	else if (*p >= 0xe0 && *p <= 0xef)
		n = 3;
	else if (*p >= 0xf0 && *p <= 0xf4)
		n = 4;
	else
		return 0;
	if ((size_t)(end - p) < n)
		return 0;
	switch (*p) {
	case 0xc2:
		low = 0xa0;	/* U+0080 to U+009F are controls */
		break;
	case 0xe0:
		low = 0xa0;
		break;
	case 0xed:
		high = 0x9f;
		break;
	case 0xf0:
		low = 0x90;
		break;
	case 0xf4:
		high = 0x8f;
		break;
	}
	if (p[1] < low || p[1] > high)
		return 0;
	for (i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* Can the value stand without quotes? */
static bool
is_plain(const unsigned char *p, size_t n)
{
	const unsigned char *end = p + n;
	size_t step;

	if (n == 0)
		return false;
	for (; p < end; p += step) {
		step = utf8_length(p, end);
		if (step == 0 || *p <= ' ' || *p == 0x7f || *p == '"' ||
		    *p == '\\' || *p == '=')
			return false;
	}
	return true;
}

/* One character as it stands between quotes; returns bytes taken. */
static size_t
escape_one(char *to, size_t *len, const unsigned char *p,
    const unsigned char *end)
{
	static const char hex[] = "0123456789abcdef";
	const char *short_form;
	size_t n = utf8_length(p, end);

	*len = 0;
	if (n > 1 || (n == 1 && *p >= ' ' && *p != 0x7f && *p != '"' &&
	    *p != '\\')) {
		memcpy(to, p, n);
		*len = n;
		return n;
	}
	to[(*len)++] = '\\';
	if (*p != '\0' && (short_form = strchr("\"\"\\\\\nn\rr\tt", *p)) !=
	    NULL) {
		to[(*len)++] = short_form[1];
		return 1;
	}
	to[(*len)++] = 'x';
	to[(*len)++] = hex[*p >> 4];
	to[(*len)++] = hex[*p & 0xf];
	return 1;
}

char *
log_escape(char *to, size_t tosize, const void *value, size_t n)
{
	const unsigned char *p = value, *end = p + n;
	char one[8];
	size_t len, used = 0, step;

	if (is_plain(p, n) && n < tosize) {
		memcpy(to, p, n);
		to[n] = '\0';
		return to;
	}
	to[used++] = '"';
	for (; p < end; p += step) {
		step = escape_one(one, &len, p, end);
		if (used + len + 5 > tosize) {	/* ..." and the NUL */
			memcpy(to + used, "...", 3);
			used += 3;
			break;
		}
		memcpy(to + used, one, len);
		used += len;
	}
	to[used++] = '"';
	to[used] = '\0';
	return to;
}

const char *
log_bytes(const void *p, size_t n)
{
	static char ring[RING][VALUE_MAX + 6];
	static unsigned next;
	char *to = ring[next++ % RING];

	return log_escape(to, sizeof(ring[0]), p, n);
}

const char *
log_str(const char *s)
{
	return s == NULL ? "-" : log_bytes(s, strlen(s));
}
