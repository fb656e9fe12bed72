/* SPDX-License-Identifier: ISC
 *
 * The fields of a header: RFC 5322, section 2.2.  It must never look into a
 * body, and never take longer than the header is long.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/header.h"

void
header_init(struct header *h, const char *p, size_t n)
{
	h->p = p;
	h->end = p + n;
}

/* Behind the line end of the line at p. */
static const char *
line_end(const char *p, const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));

	return lf == NULL ? end : lf + 1;
}

/* The octets of an empty line at p: 0, 1 or 2. */
static size_t
empty_line(const char *p, const char *end)
{
	if (p < end && *p == '\n')
		return 1;
	return end - p >= 2 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

static int
is_wsp(char c)
{
	return char_is(c, CHAR_WSP) != 0;
}

/*
 * optional-field = field-name ":" unstructured CRLF
 * field-name     = 1*ftext
 *
 * Obsolete syntax (section 4.5) has white space before the colon.  Sets name
 * and value of a field whose bounds are known.
 */
static void
split(struct header_field *f)
{
	const char *p = f->start, *end = p + f->len;

	while (p < end && char_is(*p, CHAR_FTEXT))
		p++;
	f->name = f->start;
	f->name_len = (size_t)(p - f->start);
	while (p < end && is_wsp(*p))
		p++;
	if (f->name_len == 0 || p == end || *p != ':') {
		f->name_len = 0;
		p = f->start;
	} else
		p++;
	if (end > p && end[-1] == '\n')
		end--;
	if (end > p && end[-1] == '\r')
		end--;
	f->value = p;
	f->value_len = (size_t)(end - p);
}

int
header_next(struct header *h, struct header_field *f)
{
	size_t n;

	if (h->p == h->end)
		return 0;
	if ((n = empty_line(h->p, h->end)) > 0) {
		h->p += n;
		h->end = h->p;	/* said again at every further call */
		return 0;
	}
	f->start = h->p;
	do
		h->p = line_end(h->p, h->end);
	while (h->p < h->end && is_wsp(*h->p));
	f->len = (size_t)(h->p - f->start);
	split(f);
	return 1;
}

int
header_find(const char *p, size_t n, const char *name,
    struct header_field *f)
{
	struct header h;

	header_init(&h, p, n);
	while (header_next(&h, f))
		if (header_is(f, name))
			return 1;
	return 0;
}

int
header_is(const struct header_field *f, const char *name)
{
	return f->name_len > 0 && chars_is(f->name, f->name_len, name);
}

int
header_unfold(struct buf *b, const struct header_field *f)
{
	const char *p = f->value, *end = p + f->value_len;

	while (end > p && (is_wsp(end[-1]) || end[-1] == '\r' ||
	    end[-1] == '\n'))
		end--;
	while (p < end && (is_wsp(*p) || *p == '\r' || *p == '\n'))
		p++;
	for (; p < end; p++) {
		if (*p == '\n' || (*p == '\r' && p + 1 < end && p[1] == '\n'))
			continue;
		buf_addc(b, *p == '\0' ? ' ' : *p);
	}
	return buf_failed(b) ? -1 : 0;
}

size_t
header_length(const char *text, size_t n)
{
	const char *p = text, *end = text + n;
	size_t empty;

	while (p < end) {
		if ((empty = empty_line(p, end)) > 0)
			return (size_t)(p - text) + empty;
		p = line_end(p, end);
	}
	return n;
}

/*
 * START: at the start of a line; START_CR: behind a CR there; NAME: in a
 * name; SPACE: behind a name, before its colon; REST: anywhere in a line
 * behind that; OVER: in the body.
 */
enum { START, START_CR, NAME, SPACE, REST, OVER };

/* Move to behind the next LF: 1, or 0 when the input has none. */
static int
skip_line(const char **p, const char *end)
{
	const char *lf = memchr(*p, '\n', (size_t)(end - *p));

	*p = lf == NULL ? end : lf + 1;
	return lf != NULL;
}

static void
add_name(struct header_scan *s, char c)
{
	if (s->name_len < sizeof(s->name) - 1) {
		s->name[s->name_len] = (char)char_lower(c);
		s->name[s->name_len + 1] = '\0';
	}
	s->name_len++;
}

/* One octet in START to SPACE: whether it was taken. */
static int
scan_octet(struct header_scan *s, char c)
{
	switch (s->state) {
	case START:
		s->name_len = 0;
		s->name[0] = '\0';
		s->state = c == '\n' ? OVER : c == '\r' ? START_CR :
		    char_is(c, CHAR_FTEXT) ? NAME : REST;
		return s->state == OVER || s->state == START_CR;
	case START_CR:
		s->state = c == '\n' ? OVER : REST;
		return s->state == OVER;
	case NAME:
		if (char_is(c, CHAR_FTEXT)) {
			add_name(s, c);
			return 1;
		}
		s->state = is_wsp(c) ? SPACE : REST;
		return s->state == SPACE;
	case SPACE:
		if (!is_wsp(c))
			s->state = REST;
		return s->state == SPACE;
	}
	return 0;
}

int
header_scan(struct header_scan *s, const char **p, const char *end)
{
	const char *start = *p;
	int before, found = 0;

	while (found == 0 && s->state != OVER && *p < end) {
		if (s->state == REST) {
			if (skip_line(p, end))
				s->state = START;
			continue;
		}
		before = s->state;
		if (scan_octet(s, **p))
			(*p)++;
		else if (s->state == REST && **p == ':' &&
		    (before == NAME || before == SPACE))
			found = 1;
	}
	s->taken += (uint64_t)(*p - start);
	if (found)
		return 1;
	return s->state == OVER ? 2 : 0;
}
