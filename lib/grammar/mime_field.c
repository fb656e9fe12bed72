/* SPDX-License-Identifier: ISC
 *
 * Values of Content-Type, Content-Disposition and their like.  It must never
 * go back in its input: time is linear.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/mime_field.h"

/* comment = "(" *(ctext / quoted-pair / comment) ")"; an unclosed one ends
 * with the field. */
static const char *
skip_comment(const char *p, const char *end)
{
	size_t depth = 0;

	for (; p < end; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p + 1;
	}
	return end;
}

void
mime_skip(const char **pp, const char *end)
{
	const char *p = *pp;

	while (p < end) {
		if (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
			p++;
		else if (*p == '(')
			p = skip_comment(p, end);
		else
			break;
	}
	*pp = p;
}

/* tspecials of RFC 2045 section 5.1 */
static int
is_token_char(int c)
{
	unsigned char u = (unsigned char)c;

	return u > 0x20 && u < 0x7f && strchr("()<>@,;:\\\"/[]?=", u) == NULL;
}

int
mime_token(const char **pp, const char *end, struct mime_word *w)
{
	const char *p = *pp;

	while (p < end && is_token_char(*p))
		p++;
	w->s = *pp;
	w->len = (size_t)(p - *pp);
	*pp = p;
	return w->len > 0;
}

static int
default_subtype(const struct mime_word *type, struct mime_word *subtype)
{
	if (chars_is(type->s, type->len, "text"))
		subtype->s = "plain";
	else if (chars_is(type->s, type->len, "multipart"))
		subtype->s = "mixed";
	else
		return 0;
	subtype->len = strlen(subtype->s);
	return 1;
}

int
mime_media_type(const char **pp, const char *end, struct mime_word *type,
    struct mime_word *subtype)
{
	mime_skip(pp, end);
	if (!mime_token(pp, end, type))
		return 0;
	mime_skip(pp, end);
	if (*pp == end || **pp != '/')
		return default_subtype(type, subtype);
	++*pp;
	mime_skip(pp, end);
	return mime_token(pp, end, subtype) || default_subtype(type, subtype);
}

/* quoted-string, its quote taken */
static void
quoted_value(const char **pp, const char *end, struct buf *value)
{
	const char *p = *pp;

	for (; p < end && *p != '"'; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		buf_addc(value, *p);
	}
	*pp = p < end ? p + 1 : end;
}

/* value = token / quoted-string */
static void
param_value(const char **pp, const char *end, struct buf *value)
{
	const char *p;

	mime_skip(pp, end);
	p = *pp;
	if (p < end && *p == '"') {
		*pp = p + 1;
		quoted_value(pp, end, value);
		return;
	}
	while (p < end && *p != ';' && *p != '(' && (unsigned char)*p > 0x20)
		p++;
	buf_add(value, *pp, (size_t)(p - *pp));
	*pp = p;
}

int
mime_next_param(const char **pp, const char *end, struct mime_word *name,
    struct buf *value)
{
	buf_reset(value);
	for (;;) {
		mime_skip(pp, end);
		if (*pp == end)
			return 0;
		if (!mime_token(pp, end, name)) {
			++*pp;		/* ";" or something unexpected */
			continue;
		}
		mime_skip(pp, end);
		if (*pp == end)
			return 0;
		if (**pp != '=')
			continue;
		++*pp;
		param_value(pp, end, value);
		return 1;
	}
}
