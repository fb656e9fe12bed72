/* SPDX-License-Identifier: ISC
 *
 * The lines of an HTTP/1.1 answer.  Whatever is not exactly of its form is
 * malformed: a length read in two ways is how answers are smuggled.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/http.h"

static int
is_tchar(char c)
{
	return char_is(c, CHAR_ATEXT) ? c != '=' && c != '/' && c != '?' &&
	    c != '{' && c != '}' : c == '.';
}

/*
 * status-line  = HTTP-version SP status-code SP [ reason-phrase ]
 * HTTP-version = HTTP-name "/" DIGIT "." DIGIT
 * NOTE: the space behind the code may be missing with the reason.
 */
int
http_status_line(const char *p, size_t n)
{
	int code;

	if (n < 12 || memcmp(p, "HTTP/1.", 7) != 0 ||
	    !char_is(p[7], CHAR_DIGIT) || p[8] != ' ' ||
	    !char_is(p[9], CHAR_DIGIT) || !char_is(p[10], CHAR_DIGIT) ||
	    !char_is(p[11], CHAR_DIGIT) || (n > 12 && p[12] != ' '))
		return -1;
	code = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
	return code >= 100 && code < 600 ? code : -1;
}

/* field-line = field-name ":" OWS field-value OWS */
int
http_field(struct http_field *f, const char *p, size_t n)
{
	const char *end = p + n;

	f->name = p;
	while (p < end && is_tchar(*p))
		p++;
	f->nname = (size_t)(p - f->name);
	if (f->nname == 0 || p == end || *p != ':')
		return -1;
	for (p++; p < end && char_is(*p, CHAR_WSP); p++)
		;
	while (end > p && char_is(end[-1], CHAR_WSP))
		end--;
	f->value = p;
	f->nvalue = (size_t)(end - p);
	for (; p < end; p++)
		if (*p == '\0' || *p == '\r' || *p == '\n')
			return -1;
	return 1;
}

/* Content-Length = 1*DIGIT */
int
http_length(const char *p, size_t n, uint64_t *len)
{
	size_t i;

	*len = 0;
	if (n == 0 || n > 18)
		return -1;
	for (i = 0; i < n; i++) {
		if (!char_is(p[i], CHAR_DIGIT))
			return -1;
		*len = *len * 10 + (uint64_t)(p[i] - '0');
	}
	return 1;
}

/* chunk-size [ chunk-ext ]; chunk-size = 1*HEXDIG */
int
http_chunk(const char *p, size_t n, uint64_t *len)
{
	size_t i;

	*len = 0;
	for (i = 0; i < n && char_is(p[i], CHAR_HEX); i++) {
		if (i == 15)
			return -1;
		*len = *len << 4 | (uint64_t)char_hex(p[i]);
	}
	if (i == 0)
		return -1;
	while (i < n && char_is(p[i], CHAR_WSP))
		i++;
	return i == n || p[i] == ';' ? 1 : -1;
}

/* media-type = type "/" subtype parameters */
int
http_type_is(const char *p, size_t n, const char *type)
{
	size_t len = strlen(type);

	if (n < len || !chars_is(p, len, type))
		return 0;
	return n == len || p[len] == ';' || char_is(p[len], CHAR_WSP);
}
