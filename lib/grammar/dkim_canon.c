/* SPDX-License-Identifier: ISC
 *
 * Canonicalisation for DKIM: RFC 6376, section 3.4.  It must give the same for
 * a text however it is cut, and whatever line ends it has.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/dkim_canon.h"

/* ---- body ---- */

void
dkim_body_init(struct dkim_body *b, enum dkim_canon how, uint64_t limit,
    dkim_sink *to, void *arg)
{
	memset(b, 0, offsetof(struct dkim_body, out));
	b->how = how;
	b->limit = limit;
	b->to = to;
	b->arg = arg;
}

static void
body_flush(struct dkim_body *b)
{
	size_t n = b->n > b->limit ? (size_t)b->limit : b->n;

	if (n > 0)
		b->to(b->arg, b->out, n);
	b->limit -= n;
	b->length += b->n;
	b->n = 0;
}

static inline void
body_put(struct dkim_body *b, char c)
{
	if (b->n == sizeof(b->out))
		body_flush(b);
	b->out[b->n++] = c;
}

/* Empty lines that turn out not to be the last. */
static void
body_lines(struct dkim_body *b)
{
	for (; b->empty > 0; b->empty--) {
		body_put(b, '\r');
		body_put(b, '\n');
	}
}

/* An octet of a line that is neither its end nor, in the relaxed form, white
 * space. */
static inline void
body_octet(struct dkim_body *b, char c)
{
	if (b->empty > 0)
		body_lines(b);
	if (b->space)
		body_put(b, ' ');
	b->space = 0;
	b->column = 1;
	body_put(b, c);
}

static void
body_line_end(struct dkim_body *b)
{
	b->space = 0;		/* white space at the end of a line */
	if (b->column) {
		body_put(b, '\r');
		body_put(b, '\n');
	} else
		b->empty++;
	b->column = 0;
}

void
dkim_body_feed(struct dkim_body *b, const char *p, size_t n)
{
	const char *end = p + n;

	for (; p < end; p++) {
		if (*p == '\n') {
			b->cr = 0;
			body_line_end(b);
			continue;
		}
		if (b->cr) {	/* one inside the line */
			b->cr = 0;
			body_octet(b, '\r');
		}
		if (*p == '\r')
			b->cr = 1;
		else if (b->how == DKIM_RELAXED && char_is(*p, CHAR_WSP))
			b->space = 1;
		else
			body_octet(b, *p);
	}
}

uint64_t
dkim_body_end(struct dkim_body *b)
{
	if (b->cr)
		body_octet(b, '\r');
	if (b->column)
		body_line_end(b);
	/* Nothing at all is one CRLF in the simple form, and nothing in the
	 * relaxed one (sections 3.4.3, 3.4.4). */
	if (b->how == DKIM_SIMPLE && b->length + b->n == 0) {
		body_put(b, '\r');
		body_put(b, '\n');
	}
	body_flush(b);
	return b->length;
}

/* ---- a field ---- */

void
dkim_field_init(struct dkim_field *f, enum dkim_canon how, dkim_sink *to,
    void *arg)
{
	memset(f, 0, offsetof(struct dkim_field, out));
	f->how = how;
	f->to = to;
	f->arg = arg;
}

static void
field_flush(struct dkim_field *f)
{
	if (f->n > 0)
		f->to(f->arg, f->out, f->n);
	f->n = 0;
}

static void
field_put(struct dkim_field *f, char c)
{
	if (f->n == sizeof(f->out))
		field_flush(f);
	f->out[f->n++] = c;
}

/* Name in lower case, ":", value with single spaces inside and none around. */
static void
field_relaxed(struct dkim_field *f, char c)
{
	if (char_is(c, CHAR_WSP)) {
		f->space = f->begun;
		return;
	}
	if (!f->value) {
		f->value = c == ':';
		field_put(f, (char)char_lower(c));
		return;
	}
	if (f->space)
		field_put(f, ' ');
	f->space = 0;
	f->begun = 1;
	field_put(f, c);
}

static void
field_octet(struct dkim_field *f, char c)
{
	if (f->how == DKIM_RELAXED)
		field_relaxed(f, c);
	else
		field_put(f, c);
}

/* A line end that turns out not to be the last. */
static void
field_fold(struct dkim_field *f)
{
	if (f->how == DKIM_SIMPLE) {
		field_put(f, '\r');
		field_put(f, '\n');
	}
	f->line = 0;
}

void
dkim_field_feed(struct dkim_field *f, const char *p, size_t n)
{
	const char *end = p + n;

	for (; p < end; p++) {
		if (f->line)
			field_fold(f);
		if (*p == '\n') {
			f->cr = 0;
			f->line = 1;
			continue;
		}
		if (f->cr)
			field_octet(f, '\r');
		f->cr = *p == '\r';
		if (!f->cr)
			field_octet(f, *p);
	}
}

void
dkim_field_end(struct dkim_field *f, int crlf)
{
	if (f->cr)
		field_octet(f, '\r');
	if (crlf) {
		field_put(f, '\r');
		field_put(f, '\n');
	}
	field_flush(f);
}
