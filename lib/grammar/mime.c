/* SPDX-License-Identifier: ISC
 *
 * The MIME parser: it goes through a message line by line, keeps only the
 * first octets of a line outside headers, and looks for boundaries only where
 * a line begins with "--".
 *
 * The line end before a delimiter belongs to the delimiter (RFC 2046 5.1.1).
 * A boundary matches as the beginning of a line; of several that match, the
 * longest counts, then the innermost, so that a boundary that begins with
 * another one is told apart from it.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes/lines.h"
#include "grammar/mime_local.h"

enum { BODY_KEPT = MIME_MAX_BOUNDARY + 4 };	/* of a line: "--" ... "--" */

static uint32_t
new_envelope(struct mime_parser *p)
{
	struct mime_envelope *e;
	size_t cap, i;

	if (p->m.nenv == p->m.env_cap) {
		cap = p->m.env_cap == 0 ? 1 : p->m.env_cap * 2;
		if ((e = reallocarray(p->m.env, cap, sizeof(*e))) == NULL) {
			p->failed = 1;
			return MIME_NONE;
		}
		p->m.env = e;
		p->m.env_cap = cap;
	}
	e = &p->m.env[p->m.nenv];
	for (i = 0; i < MIME_FIELDS; i++)
		e->field[i] = (struct mime_ref){ MIME_NONE, 0 };
	return (uint32_t)p->m.nenv++;
}

static int
grow_parts(struct mime_parser *p)
{
	struct mime_part *part;
	struct mime_place *place;
	size_t cap;

	if (p->m.nparts < p->m.part_cap)
		return 0;
	cap = p->m.part_cap == 0 ? 4 : p->m.part_cap * 2;
	if ((part = reallocarray(p->m.part, cap, sizeof(*part))) == NULL)
		return -1;
	p->m.part = part;
	if ((place = reallocarray(p->begin, cap, sizeof(*place))) == NULL)
		return -1;
	p->begin = place;
	p->m.part_cap = cap;
	return 0;
}

/* A new part below parent whose header begins at a place. */
static uint32_t
new_part(struct mime_parser *p, uint32_t parent, struct mime_place at)
{
	const struct mime_ref none = { MIME_NONE, 0 };
	struct mime_part *part;

	if (grow_parts(p) == -1) {
		p->failed = 1;
		return MIME_NONE;
	}
	part = &p->m.part[p->m.nparts];
	memset(part, 0, sizeof(*part));
	part->parent = parent;
	part->child = part->next = part->envelope = MIME_NONE;
	part->type = part->subtype = part->encoding = none;
	part->disposition = part->md5 = part->language = none;
	part->location = part->id = part->description = none;
	part->header_off = at.disk;
	if (parent != MIME_NONE)
		part->depth = p->m.part[parent].depth + 1;
	p->begin[p->m.nparts] = at;
	return (uint32_t)p->m.nparts++;
}

static void
keep_constant(struct mime_parser *p, const char *s, struct mime_ref *r)
{
	mime_keep(p, s, strlen(s), r);
}

struct mime_parser *
mime_parser_new(void)
{
	struct mime_parser *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	buf_init(&p->m.text, MIME_MAX_TEXT);
	buf_init(&p->line, MIME_MAX_FIELD);
	buf_init(&p->field, MIME_MAX_FIELD);
	buf_init(&p->value, MIME_MAX_FIELD);
	keep_constant(p, "TEXT", &p->text);
	keep_constant(p, "PLAIN", &p->plain);
	keep_constant(p, "MESSAGE", &p->message);
	keep_constant(p, "RFC822", &p->rfc822);
	keep_constant(p, "APPLICATION", &p->application);
	keep_constant(p, "OCTET-STREAM", &p->octets);
	p->cur = new_part(p, MIME_NONE, p->start);
	if (!p->failed)
		p->m.part[0].envelope = new_envelope(p);
	p->in_header = 1;
	if (p->failed) {
		mime_parser_free(p);
		return NULL;
	}
	return p;
}

void
mime_parser_free(struct mime_parser *p)
{
	if (p == NULL)
		return;
	mime_free(&p->m);
	buf_free(&p->line);
	buf_free(&p->field);
	buf_free(&p->value);
	free(p->begin);
	free(p);
}

void
mime_free(struct mime *m)
{
	if (m == NULL)
		return;
	free(m->part);
	free(m->param);
	free(m->env);
	buf_free(&m->text);
	memset(m, 0, sizeof(*m));
}

/* Begin the body of a multipart: its boundary is looked for from now on. */
static void
open_multipart(struct mime_parser *p)
{
	struct mime_ref b = mime_param(&p->m, &p->m.part[p->cur], "boundary");
	struct mime_open *o;

	if (b.off == MIME_NONE || b.len == 0)
		return;
	if (b.len > MIME_MAX_BOUNDARY) {
		p->m.limited |= MIME_LIMIT_BOUNDARY;
		return;
	}
	o = &p->open[p->nopen++];
	o->part = p->cur;
	o->last = MIME_NONE;
	o->boundary = b;
}

/* The header of the current part is over, its body begins at a place. */
static void
begin_body(struct mime_parser *p, struct mime_place at)
{
	struct mime_part *part = &p->m.part[p->cur];
	struct mime_place *begin = &p->begin[p->cur];
	uint32_t child;

	mime_header_end(p);
	part->header_len = at.disk - begin->disk;
	part->header_wire = at.wire - begin->wire;
	part->header_lines = at.lines - begin->lines;
	part->body_off = at.disk;
	*begin = at;
	p->in_header = 0;
	if (part->kind == MIME_MULTIPART)
		open_multipart(p);
	if (part->kind != MIME_MESSAGE)
		return;
	if ((child = new_part(p, p->cur, at)) == MIME_NONE)
		return;
	p->m.part[p->cur].child = child;
	p->m.part[child].envelope = new_envelope(p);
	p->cur = child;
	p->in_header = 1;
}

/* End all parts from the current one up to, not including, stop, at a place
 * before the line end of a delimiter; but a header keeps its last line end,
 * and the parts around it then end there too. */
static void
end_parts(struct mime_parser *p, uint32_t stop, struct mime_place end)
{
	struct mime_part *part;
	const struct mime_place *begin;

	while (p->cur != stop && !p->failed) {
		if (p->in_header) {
			begin_body(p, p->start);
			continue;	/* maybe an empty message in it now */
		}
		part = &p->m.part[p->cur];
		begin = &p->begin[p->cur];
		if (end.disk < begin->disk)
			end = *begin;
		part->body_len = end.disk - begin->disk;
		part->body_wire = end.wire - begin->wire;
		part->body_lines = end.lines - begin->lines;
		p->cur = part->parent;
	}
}

/* The open multipart whose boundary this line has, as an index behind it; 0
 * when it has none. */
static size_t
match_boundary(const struct mime_parser *p, const char *s, size_t n)
{
	size_t i, best = 0, len = 0;

	for (i = p->nopen; i > 0; i--) {
		const struct mime_ref *b = &p->open[i - 1].boundary;

		if (b->len > len && b->len <= n - 2 &&
		    memcmp(s + 2, mime_str(&p->m, *b), b->len) == 0) {
			best = i;
			len = b->len;
		}
	}
	return best;
}

/* A delimiter of the open multipart at level. */
static void
boundary(struct mime_parser *p, size_t level, int closing,
    struct mime_place next)
{
	struct mime_open *o = &p->open[level - 1];
	struct mime_place end = p->start;
	uint32_t part;

	if (p->prev_eol > 0) {
		end.disk -= p->prev_eol;
		end.wire -= 2;
		end.lines -= 1;
	}
	end_parts(p, o->part, end);
	p->nopen = level;
	p->in_header = 0;
	if (closing) {
		p->nopen--;
		return;
	}
	if (p->m.nparts >= MIME_MAX_PARTS) {
		p->m.limited |= MIME_LIMIT_PARTS;
		return;
	}
	if ((part = new_part(p, o->part, next)) == MIME_NONE)
		return;
	if (o->last == MIME_NONE)
		p->m.part[o->part].child = part;
	else
		p->m.part[o->last].next = part;
	o->last = part;
	p->cur = part;
	p->in_header = 1;
}

/* A whole line has been read, its first n octets are at s; eol of the line's
 * octets are its end. */
static void
end_line(struct mime_parser *p, const char *s, size_t n, unsigned eol)
{
	int cut = p->line_len > n;
	struct mime_place next = p->start;
	size_t level, len;

	next.disk += p->line_len;
	next.wire += p->line_len + (eol == 1);
	next.lines += eol > 0;
	if (!cut)
		n -= eol;
	if (n > 2 && s[0] == '-' && s[1] == '-' && p->nopen > 0 &&
	    (level = match_boundary(p, s, n)) > 0) {
		len = p->open[level - 1].boundary.len + 2;
		boundary(p, level, n >= len + 2 && s[len] == '-' &&
		    s[len + 1] == '-', next);
	} else if (p->in_header) {
		if (n == 0)
			begin_body(p, next);
		else
			mime_header_line(p, s, n, cut);
	}
	p->start = next;
	p->prev_eol = eol;
	p->line_len = 0;
	buf_reset(&p->line);
}

/* Octets of one line, maybe with its LF as the last. */
static void
feed_line(struct mime_parser *p, const char *s, size_t n)
{
	size_t keep = p->in_header ? MIME_MAX_FIELD : BODY_KEPT;
	size_t room = p->line.len < keep ? keep - p->line.len : 0;
	char before = n > 1 ? s[n - 2] : p->last;
	unsigned eol;

	/* Of a body only what may be a boundary is looked at again. */
	if (!p->in_header && (p->line_len == 0 ? *s != '-' :
	    p->line.len == 0))
		room = 0;
	p->last = s[n - 1];
	eol = p->last != '\n' ? 0 : before == '\r' && p->line_len + n > 1 ?
	    2 : 1;
	if (eol > 0 && p->line_len == 0) {
		/* Where it is, it is whole. */
		p->line_len = n;
		end_line(p, s, n < room ? n : room, eol);
		return;
	}
	if (room > 0 && buf_add(&p->line, s, n < room ? n : room) == -1)
		p->failed = 1;
	p->line_len += n;
	if (eol > 0)
		end_line(p, p->line.data, p->line.len, eol);
}

/* Lines of a body that nobody looks at: where the first is that may be. */
static const char *
pass_lines(struct mime_parser *p, const char *s, const char *end)
{
	struct lines l = { 0, 0 };
	size_t n = lines_pass(s, (size_t)(end - s), p->nopen > 0, &l);

	if (n == 0)
		return s;
	p->start.disk += n;
	p->start.wire += n + (l.ends - l.crlf);
	p->start.lines += l.ends;
	p->prev_eol = n > 1 && s[n - 2] == '\r' ? 2 : 1;
	p->last = '\n';
	return s + n;
}

int
mime_feed(struct mime_parser *p, const void *data, size_t n)
{
	const char *s = data, *end, *lf;

	if (n == 0)
		return p->failed ? -1 : 0;
	for (end = s + n; s < end && !p->failed; s = lf) {
		if (!p->in_header && p->line_len == 0 &&
		    (s = pass_lines(p, s, end)) == end)
			break;
		lf = memchr(s, '\n', (size_t)(end - s));
		lf = lf != NULL ? lf + 1 : end;
		feed_line(p, s, (size_t)(lf - s));
	}
	return p->failed ? -1 : 0;
}

int
mime_header_done(const struct mime_parser *p)
{
	return p->cur != 0 || !p->in_header;
}

/* multipart-body needs one part at least (RFC 3501 1*body): where a message
 * has none, an empty text stands. */
static void
fill_empty_multiparts(struct mime_parser *p)
{
	struct mime_place at;
	size_t i, n = p->m.nparts;
	uint32_t child;

	memset(&at, 0, sizeof(at));
	for (i = 0; i < n; i++) {
		if (p->m.part[i].kind != MIME_MULTIPART ||
		    p->m.part[i].child != MIME_NONE)
			continue;
		at.disk = p->m.part[i].body_off + p->m.part[i].body_len;
		if ((child = new_part(p, (uint32_t)i, at)) == MIME_NONE)
			return;
		p->m.part[i].child = child;
		p->m.part[child].kind = MIME_TEXT;
		p->m.part[child].type = p->text;
		p->m.part[child].subtype = p->plain;
		p->m.part[child].body_off = at.disk;
	}
}

int
mime_end(struct mime_parser *p, struct mime *out)
{
	memset(out, 0, sizeof(*out));
	if (p->line_len > 0)
		end_line(p, p->line.data, p->line.len, 0);
	end_parts(p, MIME_NONE, p->start);
	if (!p->failed)
		fill_empty_multiparts(p);
	if (p->failed)
		return -1;
	*out = p->m;
	memset(&p->m, 0, sizeof(p->m));
	return 0;
}

int
mime_parse(struct mime *out, const void *data, size_t n)
{
	struct mime_parser *p;
	int r;

	memset(out, 0, sizeof(*out));
	if ((p = mime_parser_new()) == NULL)
		return -1;
	r = mime_feed(p, data, n) == -1 ? -1 : mime_end(p, out);
	mime_parser_free(p);
	return r;
}
