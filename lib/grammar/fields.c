/* SPDX-License-Identifier: ISC
 *
 * A header that can be changed.  It must never let a change end the header,
 * nor begin a field that it does not name.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes/buf.h"
#include "grammar/chars.h"
#include "grammar/fields.h"

void
fields_free(struct fields *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		free(f->v[i].own);
	free(f->v);
	memset(f, 0, sizeof(*f));
}

void
field_split(const struct field *f, struct header_field *h)
{
	struct header header;

	header_init(&header, f->text, f->len);
	(void)header_next(&header, h);
}

/* Room for one more at the place. */
static struct field *
place_new(struct fields *f, size_t at, size_t len)
{
	struct field *more;
	size_t cap;

	if (f->n == FIELDS_MAX || len > FIELDS_BYTES_MAX - f->bytes)
		return NULL;
	if (f->n == f->cap) {
		cap = f->cap == 0 ? 32 : f->cap * 2;
		if ((more = reallocarray(f->v, cap, sizeof(*more))) == NULL)
			return NULL;
		f->v = more;
		f->cap = cap;
	}
	memmove(f->v + at + 1, f->v + at, (f->n - at) * sizeof(*f->v));
	f->n++;
	f->bytes += len;
	return &f->v[at];
}

int
fields_parse(struct fields *f, const char *p, size_t n, size_t *len)
{
	struct header_field h;
	struct header header;
	struct field *v;

	header_init(&header, p, n);
	while (header_next(&header, &h)) {
		if ((v = place_new(f, f->n, h.len)) == NULL)
			return -1;
		*v = (struct field){ h.start, h.len, NULL };
	}
	*len = (size_t)(header.p - p);
	return 0;
}

static int
is_name(const char *s)
{
	if (*s == '\0')
		return 0;
	for (; *s != '\0'; s++)
		if (!char_is(*s, CHAR_FTEXT))
			return 0;
	return 1;
}

/* Line ends of any kind become LF and a continuation; those at the end go. */
static void
put_value(struct buf *b, const char *s)
{
	size_t n = strlen(s);

	while (n > 0 && (s[n - 1] == '\n' || s[n - 1] == '\r'))
		n--;
	for (; n > 0; s++, n--) {
		if (*s == '\r') {
			if (n < 2 || s[1] != '\n')
				(void)buf_addc(b, ' ');
			continue;
		}
		(void)buf_addc(b, *s);
		if (*s == '\n' && !char_is(s[1], CHAR_WSP))
			(void)buf_addc(b, '\t');
	}
}

/* 0 and v holds a field of its own, or -1. */
static int
make(struct field *v, const char *name, const char *value, bool leading)
{
	struct buf b;

	if (!is_name(name))
		return -1;
	buf_init(&b, FIELDS_BYTES_MAX);
	(void)buf_adds(&b, name);
	(void)buf_addc(&b, ':');
	if (!leading)
		(void)buf_addc(&b, ' ');
	put_value(&b, value);
	(void)buf_addc(&b, '\n');
	if (buf_failed(&b)) {
		buf_free(&b);
		return -1;
	}
	*v = (struct field){ b.data, b.len, b.data };
	return 0;
}

int
fields_insert(struct fields *f, size_t place, const char *name,
    const char *value, bool leading)
{
	size_t at = place == 0 ? 0 : place - 1;
	struct field made, *v;

	if (make(&made, name, value, leading) == -1)
		return -1;
	if ((v = place_new(f, at > f->n ? f->n : at, made.len)) == NULL) {
		free(made.own);
		return -1;
	}
	*v = made;
	return 0;
}

/* The index-th of this name, or NULL. */
static struct field *
find(struct fields *f, size_t index, const char *name)
{
	struct header_field h;
	size_t i;

	if (index == 0)
		index = 1;
	for (i = 0; i < f->n; i++) {
		field_split(&f->v[i], &h);
		if (header_is(&h, name) && --index == 0)
			return &f->v[i];
	}
	return NULL;
}

static void
take_away(struct fields *f, struct field *v)
{
	free(v->own);
	f->n--;
	memmove(v, v + 1, (size_t)(f->v + f->n - v) * sizeof(*v));
}

int
fields_change(struct fields *f, size_t index, const char *name,
    const char *value, bool leading)
{
	struct field *v = find(f, index, name), made;

	if (*value == '\0') {
		if (v != NULL)
			take_away(f, v);
		return 0;
	}
	if (v == NULL)
		return fields_insert(f, FIELDS_END, name, value, leading);
	if (make(&made, name, value, leading) == -1)
		return -1;
	if (made.len > FIELDS_BYTES_MAX - f->bytes) {
		free(made.own);
		return -1;
	}
	f->bytes += made.len;
	free(v->own);
	*v = made;
	return 0;
}

void
fields_remove(struct fields *f, const char *name)
{
	struct field *v;

	while ((v = find(f, 1, name)) != NULL)
		take_away(f, v);
}

/* A copy in disk form, where no CR may stand: CRLF is LF, another a space. */
static char *
copy(const char *p, size_t n, size_t *len)
{
	char *own = malloc(n);
	size_t i;

	*len = 0;
	for (i = 0; own != NULL && i < n; i++)
		if (p[i] != '\r')
			own[(*len)++] = p[i];
		else if (i + 1 == n || p[i + 1] != '\n')
			own[(*len)++] = ' ';
	return own;
}

int
fields_prepend(struct fields *f, const char *p, size_t n)
{
	struct header_field h;
	struct header header;
	struct field *v;
	size_t at = 0, len;
	char *own;

	header_init(&header, p, n);
	while (header_next(&header, &h)) {
		if (h.name_len == 0 || h.start[h.len - 1] != '\n' ||
		    (own = copy(h.start, h.len, &len)) == NULL)
			return -1;
		if ((v = place_new(f, at++, len)) == NULL) {
			free(own);
			return -1;
		}
		*v = (struct field){ own, len, own };
	}
	return header.p == p + n ? 0 : -1;
}
