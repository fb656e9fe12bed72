/* SPDX-License-Identifier: ISC
 *
 * The header of a part: which of its fields are kept, and what they make of
 * the part.  The first field of a name counts; later ones are ignored.
 */
#include <stdlib.h>
#include <string.h>

#include "grammar/chars.h"
#include "grammar/mime_field.h"
#include "grammar/mime_local.h"

static const char *const envelope_fields[MIME_FIELDS] = {
	"Date", "Subject", "From", "Sender", "Reply-To", "To", "Cc", "Bcc",
	"In-Reply-To", "Message-ID"
};

void
mime_keep(struct mime_parser *p, const char *s, size_t n, struct mime_ref *r)
{
	size_t room = p->m.text.max - p->m.text.len;

	if (n > room) {
		p->m.limited |= MIME_LIMIT_TEXT;
		n = room;
	}
	r->off = (uint32_t)p->m.text.len;
	r->len = (uint32_t)n;
	if (buf_add(&p->m.text, s, n) == -1)
		p->failed = 1;
}

static int
grow_params(struct mime_parser *p)
{
	struct mime_param *a;
	size_t cap;

	if (p->m.nparams < p->m.param_cap)
		return 0;
	cap = p->m.param_cap == 0 ? 16 : p->m.param_cap * 2;
	if ((a = reallocarray(p->m.param, cap, sizeof(*a))) == NULL) {
		p->failed = 1;
		return -1;
	}
	p->m.param = a;
	p->m.param_cap = cap;
	return 0;
}

/* All parameters of a field behind its first word: *n of them at *first. */
static void
keep_params(struct mime_parser *p, const char *s, const char *end,
    uint32_t *first, uint32_t *n)
{
	struct mime_word name;
	struct mime_param *a;

	*first = (uint32_t)p->m.nparams;
	*n = 0;
	while (mime_next_param(&s, end, &name, &p->value)) {
		if (*n == MIME_MAX_PART_PARAMS ||
		    p->m.nparams == MIME_MAX_PARAMS) {
			p->m.limited |= MIME_LIMIT_PARAMS;
			return;
		}
		if (buf_failed(&p->value)) {
			p->failed = 1;
			return;
		}
		if (grow_params(p) == -1)
			return;
		a = &p->m.param[p->m.nparams++];
		mime_keep(p, name.s, name.len, &a->name);
		mime_keep(p, p->value.data, p->value.len, &a->value);
		++*n;
	}
}

static void
content_type(struct mime_parser *p, struct mime_part *part, const char *s,
    const char *end)
{
	struct mime_word type, subtype;

	if (part->type.off != MIME_NONE ||
	    !mime_media_type(&s, end, &type, &subtype))
		return;
	mime_keep(p, type.s, type.len, &part->type);
	mime_keep(p, subtype.s, subtype.len, &part->subtype);
	keep_params(p, s, end, &part->params, &part->nparams);
}

static void
content_disposition(struct mime_parser *p, struct mime_part *part,
    const char *s, const char *end)
{
	struct mime_word w;

	mime_skip(&s, end);
	if (part->disposition.off != MIME_NONE || !mime_token(&s, end, &w))
		return;
	mime_keep(p, w.s, w.len, &part->disposition);
	keep_params(p, s, end, &part->disp_params, &part->disp_nparams);
}

static void
content_encoding(struct mime_parser *p, struct mime_part *part,
    const char *s, const char *end)
{
	struct mime_word w;

	mime_skip(&s, end);
	if (part->encoding.off == MIME_NONE && mime_token(&s, end, &w))
		mime_keep(p, w.s, w.len, &part->encoding);
}

static void
whole_value(struct mime_parser *p, struct mime_ref *r, const char *s,
    const char *end)
{
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	while (end > s && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (r->off == MIME_NONE)
		mime_keep(p, s, (size_t)(end - s), r);
}

/* The fields that all parts may have; 1 when it was one. */
static int
content_field(struct mime_parser *p, struct mime_part *part,
    const char *name, size_t n, const char *s, const char *end)
{
	if (n < 8 || !chars_begin(name, name + n, "content-"))
		return 0;
	name += 8;
	n -= 8;
	if (chars_is(name, n, "type"))
		content_type(p, part, s, end);
	else if (chars_is(name, n, "transfer-encoding"))
		content_encoding(p, part, s, end);
	else if (chars_is(name, n, "disposition"))
		content_disposition(p, part, s, end);
	else if (chars_is(name, n, "id"))
		whole_value(p, &part->id, s, end);
	else if (chars_is(name, n, "description"))
		whole_value(p, &part->description, s, end);
	else if (chars_is(name, n, "md5"))
		whole_value(p, &part->md5, s, end);
	else if (chars_is(name, n, "language"))
		whole_value(p, &part->language, s, end);
	else if (chars_is(name, n, "location"))
		whole_value(p, &part->location, s, end);
	else
		return 0;
	return 1;
}

/* The field read so far, "name: value" on one line, is complete. */
static void
flush_field(struct mime_parser *p)
{
	struct mime_part *part = &p->m.part[p->cur];
	const char *s = p->field.data, *end, *colon;
	size_t n, i, used = 0;

	if (!p->in_field)
		return;
	p->in_field = 0;
	end = s + p->field.len;
	if ((colon = memchr(s, ':', p->field.len)) == NULL)
		return;
	n = (size_t)(colon - s);
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;		/* NOTE: white space before the colon */
	used = (size_t)content_field(p, part, s, n, colon + 1, end);
	for (i = 0; !used && part->envelope != MIME_NONE && i < MIME_FIELDS;
	    i++)
		if (chars_is(s, n, envelope_fields[i])) {
			whole_value(p, &p->m.env[part->envelope].field[i],
			    colon + 1, end);
			used = 1;
		}
	if (used && p->field_cut)
		p->m.limited |= MIME_LIMIT_FIELD;
}

/* Whether a field that begins with this line may be one that is kept. */
static int
may_be_kept(const char *s, size_t n)
{
	const char *colon = memchr(s, ':', n);
	size_t i;

	if (colon == NULL)
		return 1;	/* its name may go on in the next line */
	while (colon > s && (colon[-1] == ' ' || colon[-1] == '\t'))
		colon--;
	if (chars_begin(s, colon, "content-"))
		return 1;
	for (i = 0; i < MIME_FIELDS; i++)
		if (char_lower(*s) == char_lower(*envelope_fields[i]) &&
		    chars_is(s, (size_t)(colon - s), envelope_fields[i]))
			return 1;
	return 0;
}

void
mime_header_line(struct mime_parser *p, const char *s, size_t n, int cut)
{
	size_t room;

	if (n > 0 && (*s == ' ' || *s == '\t')) {
		if (!p->in_field)
			return;
	} else {
		flush_field(p);
		buf_reset(&p->field);
		p->field_cut = 0;
		p->in_field = may_be_kept(s, n);
		if (!p->in_field)
			return;
	}
	room = p->field.max - p->field.len;
	if (n > room) {
		cut = 1;
		n = room;
	}
	p->field_cut |= cut;
	if (buf_add(&p->field, s, n) == -1)
		p->failed = 1;
}

/* The part's kind; unless its header says a type, that of its place. */
static void
set_type(struct mime_parser *p, struct mime_part *part)
{
	const struct mime_part *up;
	const char *type, *subtype;

	if (part->type.off == MIME_NONE) {
		up = part->parent == MIME_NONE ? NULL :
		    &p->m.part[part->parent];
		/* RFC 2046 5.1.5: a digest's parts are messages. */
		if (up != NULL && up->kind == MIME_MULTIPART &&
		    chars_is(mime_str(&p->m, up->subtype), up->subtype.len,
		    "digest")) {
			part->type = p->message;
			part->subtype = p->rfc822;
		} else {
			part->type = p->text;
			part->subtype = p->plain;
		}
	}
	type = mime_str(&p->m, part->type);
	subtype = mime_str(&p->m, part->subtype);
	if (chars_is(type, part->type.len, "multipart"))
		part->kind = MIME_MULTIPART;
	else if (chars_is(type, part->type.len, "message") &&
	    chars_is(subtype, part->subtype.len, "rfc822"))
		part->kind = MIME_MESSAGE;
	else if (chars_is(type, part->type.len, "text"))
		part->kind = MIME_TEXT;
	else
		part->kind = MIME_LEAF;
}

void
mime_header_end(struct mime_parser *p)
{
	struct mime_part *part = &p->m.part[p->cur];

	flush_field(p);
	set_type(p, part);
	if (part->depth >= MIME_MAX_DEPTH &&
	    (part->kind == MIME_MULTIPART || part->kind == MIME_MESSAGE)) {
		/* Too deep to be taken apart: its bytes are one leaf. */
		p->m.limited |= MIME_LIMIT_DEPTH;
		part->kind = MIME_LEAF;
		part->type = p->application;
		part->subtype = p->octets;
		part->nparams = 0;
	}
}
