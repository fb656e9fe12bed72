/* SPDX-License-Identifier: ISC
 *
 * Making a summary; see mail/summary.h.
 */
#include <string.h>

#include "bytes/crlf.h"
#include "grammar/imap_write.h"
#include "grammar/mime.h"
#include "mail/summary_local.h"

enum {
	ITEM_MAX = 64 << 20,		/* an answer may be that long */
	HEADER_MAX = 256 * 1024		/* of a header whose fields are kept */
};

const uint16_t summary_versions[CACHE_KINDS] = {
	[SUMMARY_META] = 1,
	[SUMMARY_ENVELOPE] = 1,
	[SUMMARY_STRUCTURE] = 1,
	[SUMMARY_BODY] = 1,
	[SUMMARY_FIELDS] = 1,
	[SUMMARY_TRACE] = 1,
	[SUMMARY_SORT] = 1,
	[SUMMARY_PREVIEW] = 1,
	[SUMMARY_DATE] = 1,
	[SUMMARY_SENT] = 1,
};

void
summary_free(struct summary *s)
{
	int i;

	for (i = 0; i < SUMMARY_KINDS; i++)
		buf_free(&s->buf[i]);
	buf_free(&s->header);
}

static void
begin(struct summary *s)
{
	int i;

	for (i = 0; i < SUMMARY_KINDS; i++) {
		if (s->buf[i].max == 0)
			buf_init(&s->buf[i], i >= SUMMARY_FIELDS ?
			    CACHE_ITEM_MAX : ITEM_MAX);
		buf_reset(&s->buf[i]);
	}
	if (s->header.max == 0)
		buf_init(&s->header, HEADER_MAX);
	buf_reset(&s->header);
}

/* ---- the pass ---- */

struct pass {
	struct summary	*s;
	struct mime_parser *parser;	/* NULL: nothing of it is wanted */
	bool		 whole;		/* read to the end */
	struct message_lines lines;	/* where the header ends */
	struct crlf	 crlf;
};

/* The header's octets, its blank line among them, in wire form: up to where
 * message_body() has the end of it. */
static void
take_header(struct pass *pass, const char *p, size_t n)
{
	struct buf *header = &pass->s->header;
	uint64_t added = pass->lines.added;
	size_t room;
	char *to;

	n = message_lines_feed(&pass->lines, p, n);
	room = n + (size_t)(pass->lines.added - added);
	if ((to = buf_reserve(header, room)) != NULL)
		buf_commit(header, crlf_to_wire(&pass->crlf, p, &n, to,
		    room));
}

/* Feed the parser, with the octets as they are on disk: it counts what they
 * are on the wire.  0, -1. */
static int
read_message(struct pass *pass, struct message *m)
{
	size_t want = pass->whole ? MESSAGE_BLOCK : MESSAGE_HEADER, n;
	uint64_t at = 0;
	const char *p;
	int r;

	message_lines_init(&pass->lines, 0);
	while ((r = message_disk(m, at, want, &p, &n)) == 1) {
		if (!pass->lines.done)
			take_header(pass, p, n);
		if (pass->parser != NULL && mime_feed(pass->parser, p, n) == -1)
			return -1;
		at += n;
		if (!pass->whole && pass->lines.done && (pass->parser == NULL ||
		    mime_header_done(pass->parser)))
			break;
	}
	return r == -1 ? -1 : 0;
}

/* ---- the items ---- */

static void
put64(struct buf *b, uint64_t n)
{
	char p[8];

	cache_put32(p, (uint32_t)n);
	cache_put32(p + 4, (uint32_t)(n >> 32));
	buf_add(b, p, sizeof(p));
}

static uint64_t
get64(const char *p)
{
	return cache_u32(p) | (uint64_t)cache_u32(p + 4) << 32;
}

int
summary_size(const struct summary_view *v, uint64_t *size)
{
	if (!(v->have & SUMMARY(SUMMARY_META)) ||
	    v->item[SUMMARY_META].n != 16)
		return 0;
	*size = get64(v->item[SUMMARY_META].p);
	return 1;
}

int
summary_date(const struct summary_view *v, time_t *date)
{
	if (v->have & SUMMARY(SUMMARY_META) && v->item[SUMMARY_META].n == 16)
		*date = (time_t)get64(v->item[SUMMARY_META].p + 8);
	else if (v->have & SUMMARY(SUMMARY_DATE) &&
	    v->item[SUMMARY_DATE].n == 8)
		*date = (time_t)get64(v->item[SUMMARY_DATE].p);
	else
		return 0;
	return 1;
}

/* 0, or -1: an answer that must be had can not. */
static int
make_items(struct summary *s, const struct mime *m, unsigned want)
{
	const struct mime_part *top = &m->part[0];
	struct buf *b = s->buf;

	if (want & SUMMARY(SUMMARY_ENVELOPE) && imap_write_envelope(
	    &b[SUMMARY_ENVELOPE], m, top) == -1)
		return -1;
	if (want & SUMMARY(SUMMARY_STRUCTURE) && imap_write_body(
	    &b[SUMMARY_STRUCTURE], m, top, 1) == -1)
		return -1;
	if (want & SUMMARY(SUMMARY_BODY) && imap_write_body(
	    &b[SUMMARY_BODY], m, top, 0) == -1)
		return -1;
	return 0;
}

/* What was made; fields that found no room are said to be such. */
static void
show(const struct summary *s, unsigned made, struct summary_view *v)
{
	int i;

	memset(v, 0, sizeof(*v));
	for (i = 0; i < SUMMARY_KINDS; i++) {
		if (!(made & SUMMARY(i)))
			continue;
		v->have |= SUMMARY(i);
		v->item[i].p = s->buf[i].data;
		v->item[i].n = s->buf[i].len;
		if (buf_failed(&s->buf[i]))
			v->item[i] = (struct cache_item){ "\1", 1 };
	}
}

/* What needs no parser, which would cost as much again. */
#define UNPARSED	(SUMMARY(SUMMARY_FIELDS) | SUMMARY(SUMMARY_TRACE) | \
			SUMMARY(SUMMARY_DATE))

/* What to make where this is wanted: what comes for nearly nothing with it. */
static unsigned
to_make(unsigned want, bool more)
{
	if (!more)
		return want;
	if ((want & ~UNPARSED) == 0)
		return want | SUMMARY(SUMMARY_FIELDS) | SUMMARY(SUMMARY_DATE);
	if ((want & ~SUMMARY_HEADER) == 0)
		return want | SUMMARY(SUMMARY_ENVELOPE) |
		    SUMMARY(SUMMARY_FIELDS) | SUMMARY(SUMMARY_DATE) |
		    SUMMARY(SUMMARY_SENT);
	return want | SUMMARY(SUMMARY_META) | SUMMARY(SUMMARY_ENVELOPE) |
	    SUMMARY(SUMMARY_STRUCTURE) | SUMMARY(SUMMARY_FIELDS) |
	    SUMMARY(SUMMARY_SENT);
}

int
summary_make(struct summary *s, struct message *m, time_t date, unsigned want,
    bool more, struct summary_view *v)
{
	struct pass pass = { .s = s,
	    .whole = (want & ~SUMMARY_HEADER) != 0 };
	unsigned made = to_make(want, more);
	struct mime mime = { 0 };
	int failed = -1;

	begin(s);
	if ((made & ~UNPARSED) != 0 &&
	    (pass.parser = mime_parser_new()) == NULL)
		return -1;
	if (read_message(&pass, m) == -1 || (pass.parser != NULL &&
	    mime_end(pass.parser, &mime) == -1))
		goto out;
	if (made & SUMMARY(SUMMARY_META)) {
		s->size = mime.part[0].header_wire + mime.part[0].body_wire;
		put64(&s->buf[SUMMARY_META], s->size);
		put64(&s->buf[SUMMARY_META], (uint64_t)date);
	}
	if (made & SUMMARY(SUMMARY_PREVIEW) && summary_make_preview(
	    &s->buf[SUMMARY_PREVIEW], &mime, m) == -1)
		goto out;
	if (made & SUMMARY(SUMMARY_SORT)) {
		summary_make_sort(&s->buf[SUMMARY_SORT], &mime, &s->header);
		if (buf_failed(&s->buf[SUMMARY_SORT]))
			goto out;
	}
	if (made & SUMMARY(SUMMARY_SENT))
		summary_make_sent(&s->buf[SUMMARY_SENT], &mime);
	if (made & SUMMARY(SUMMARY_DATE))
		put64(&s->buf[SUMMARY_DATE], (uint64_t)date);
	if (made & (SUMMARY(SUMMARY_FIELDS) | SUMMARY(SUMMARY_TRACE)))
		summary_split(&s->header, &s->buf[SUMMARY_FIELDS],
		    made & SUMMARY(SUMMARY_TRACE) ? &s->buf[SUMMARY_TRACE] :
		    NULL);
	if (pass.parser != NULL && make_items(s, &mime, made) == -1)
		goto out;
	show(s, made, v);
	failed = 0;
out:
	mime_free(&mime);
	mime_parser_free(pass.parser);
	return failed;
}

void
summary_make_fields(struct summary *s, const char *header, size_t n,
    struct summary_view *v)
{
	begin(s);
	summary_split_disk(header, n, &s->buf[SUMMARY_FIELDS]);
	show(s, SUMMARY(SUMMARY_FIELDS), v);
}

void
summary_make_date(struct summary *s, time_t date, struct summary_view *v)
{
	begin(s);
	put64(&s->buf[SUMMARY_DATE], (uint64_t)date);
	show(s, SUMMARY(SUMMARY_DATE), v);
}
