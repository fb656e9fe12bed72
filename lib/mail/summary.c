/* SPDX-License-Identifier: ISC
 *
 * Making a summary; see mail/summary.h.  The parser is fed the wire form, as
 * everything here is told to clients of the wire.
 */
#include <string.h>

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
	struct mime_parser *parser;
	bool		 whole;		/* read to the end */
	bool		 long_whole;	/* even a long one */
	uint64_t	 taken;
	/* the header: where in its line we are */
	bool		 over;
	uint64_t	 line;		/* octets of this line but its LF */
	char		 last;
};

/* The header's octets, its blank line among them: where message_body() has
 * the end of it. */
static void
take_header(struct pass *pass, const char *p, size_t n)
{
	const char *at = p, *end = p + n, *lf;

	while (at < end && !pass->over) {
		lf = memchr(at, '\n', (size_t)(end - at));
		if (lf == NULL)
			lf = end;
		pass->line += (uint64_t)(lf - at);
		if (lf > at)
			pass->last = lf[-1];
		at = lf;
		if (lf == end)
			break;
		at++;
		pass->over = pass->line == 1 && pass->last == '\r';
		pass->line = 0;
	}
	buf_add(&pass->s->header, p, (size_t)(at - p));
}

static int
take(void *arg, const char *p, size_t n)
{
	struct pass *pass = arg;

	if (!pass->over)
		take_header(pass, p, n);
	if (mime_feed(pass->parser, p, n) == -1)
		return -2;
	pass->taken += n;
	if (!pass->over || !mime_header_done(pass->parser))
		return 0;
	return !pass->whole || (!pass->long_whole &&
	    pass->taken >= SUMMARY_LONG);
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
summary_meta(const struct summary_view *v, uint64_t *size, time_t *date)
{
	if (!(v->have & SUMMARY(SUMMARY_META)) ||
	    v->item[SUMMARY_META].n != 16)
		return 0;
	*size = get64(v->item[SUMMARY_META].p);
	*date = (time_t)get64(v->item[SUMMARY_META].p + 8);
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

int
summary_make(struct summary *s, struct message *m, time_t date, unsigned want,
    bool all, struct summary_view *v)
{
	struct pass pass = { .s = s };
	struct mime mime = { 0 };
	unsigned made;
	int r, failed = -1;

	begin(s);
	pass.long_whole = (want & ~SUMMARY_HEADER) != 0;
	pass.whole = all || pass.long_whole;
	if ((pass.parser = mime_parser_new()) == NULL)
		return -1;
	r = message_stream(m, 0, UINT64_MAX, take, &pass);
	if (r < 0 || mime_end(pass.parser, &mime) == -1)
		goto out;
	made = r == 1 ? SUMMARY_HEADER : SUMMARY_ALL;
	made &= all ? (SUMMARY_ALL & ~SUMMARY(SUMMARY_PREVIEW)) | want : want;
	if (made & SUMMARY(SUMMARY_META)) {
		if (message_size(m, &s->size) == -1)
			goto out;
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
	if (made & (SUMMARY(SUMMARY_FIELDS) | SUMMARY(SUMMARY_TRACE)))
		summary_split(&s->header, &s->buf[SUMMARY_FIELDS],
		    &s->buf[SUMMARY_TRACE]);
	if (make_items(s, &mime, made) == -1)
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
