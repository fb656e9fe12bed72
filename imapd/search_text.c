/* SPDX-License-Identifier: ISC
 *
 * Looking for a text in a message: transfer encodings, encoded words and
 * character sets undone before comparing (RFC 3501 6.4.4).  Bodies of any size
 * go through in pieces.
 */
#include <string.h>

#include "bytes/base64.h"
#include "bytes/charset.h"
#include "bytes/qp.h"
#include "grammar/chars.h"
#include "grammar/header.h"
#include "grammar/mime_words.h"
#include "search.h"

#define NAME_MOST	128	/* octets of a field's name, with blanks */

/* Octets of a header, up to the limit, into a buffer. */
static int
read_header(struct search *q, uint64_t offset, uint64_t length, struct buf *b)
{
	char *to;
	size_t n = length < SEARCH_HEADER_MAX ? (size_t)length :
	    SEARCH_HEADER_MAX;

	buf_reset(b);
	if ((to = buf_reserve(b, n)) == NULL ||
	    message_read(q->m.message, offset, to, n, &n) == -1) {
		q->m.failed = MAILBOX_TEMPORARY;
		return -1;
	}
	buf_commit(b, n);
	return 0;
}

/* The header of the message as it is on disk, up to the limit, once.  Most are
 * in the first block, and one call has them. */
static int
need_header(struct search *q)
{
	size_t want, n, length;
	char *to;

	if (q->header_read)
		return 0;
	if (fetch_message_open(&q->m) == -1)
		return -1;
	for (want = SEARCH_HEADER_FIRST;; want *= 4) {
		buf_reset(&q->header);
		if ((to = buf_reserve(&q->header, want)) == NULL ||
		    message_disk_read(q->m.message, to, want, &n) == -1) {
			q->m.failed = MAILBOX_TEMPORARY;
			return -1;
		}
		length = header_length(to, n);
		if (length < n || n < want || want >= SEARCH_HEADER_MAX)
			break;
	}
	buf_commit(&q->header, length);
	q->header_read = true;
	return 0;
}

/* Does this field's value, as a person sees it, have the text? */
static bool
field_has(struct search *q, const struct header_field *f, struct match *m,
    bool with_name)
{
	struct buf value;
	bool found;

	buf_init(&value, SEARCH_HEADER_MAX);
	buf_reset(&q->text);
	header_unfold(&value, f);
	if (with_name) {
		buf_add(&q->text, f->name, f->name_len);
		buf_adds(&q->text, ": ");
	}
	mime_words_decode(&q->text, value.data, value.len);
	buf_free(&value);
	match_reset(m);
	found = match_feed(m, q->text.data, q->text.len) || match_end(m);
	return found;
}

/* The fields of a name, from the summary, into q->few: 0; -1 it has not got
 * them. */
static int
few_fields(struct search *q, const char *name, size_t n)
{
	uint64_t fields = summary_field(name, n);
	struct summary_view v;

	unsigned kinds = summary_fields_kinds(fields);

	buf_reset(&q->few);
	if (fields == 0 || q->header_read || (mailbox_summary(
	    q->session->box, q->m.seq, kinds, &v) & kinds) != kinds)
		return -1;
	return summary_fields(&q->few, &v, fields);
}

/* The fields of a name are in this header, maybe among others: NULL, and
 * q->m.failed says why. */
static const struct buf *
fields_of(struct search *q, const char *name, size_t n)
{
	bool known;

	if (few_fields(q, name, n) == 0)
		return &q->few;
	known = q->header_read;
	if (need_header(q) == -1)
		return NULL;
	/* A long one is left to those who want it by itself. */
	if (!known && q->header.len < SEARCH_HEADER_FIRST)
		mailbox_summary_header(q->session->box, q->m.seq,
		    q->header.data, q->header.len);
	return &q->header;
}

/* As FETCH of HEADER.FIELDS and the summaries have it: what is too long before
 * its colon is no name. */
static bool
is_named(const struct header_field *f, const char *name, size_t n)
{
	return chars_equal(f->name, f->name_len, name, n) &&
	    f->value - f->name <= NAME_MOST + 1;
}

bool
search_date(struct search *q, struct date *date)
{
	const struct buf *header = fields_of(q, "Date", strlen("Date"));
	struct header_field f;
	struct buf value;
	struct header h;
	bool r;

	if (header == NULL || header->len == 0)
		return false;
	header_init(&h, header->data, header->len);
	do {
		if (header_next(&h, &f) != 1)
			return false;
	} while (!is_named(&f, "Date", strlen("Date")));
	buf_init(&value, SEARCH_HEADER_MAX);
	header_unfold(&value, &f);
	r = date_parse(date, value.data, value.len) == 1;
	buf_free(&value);
	return r;
}

bool
search_ascii(const char *p, size_t n)
{
	uint64_t word, all = 0;

	for (; n >= sizeof(word); p += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		all |= word;
	}
	for (; n > 0; n--)
		all |= (unsigned char)*p++;
	return (all & 0x8080808080808080ULL) == 0;
}

static bool
encoded_words(const char *p, size_t n)
{
	const char *at = p, *end = p + n;

	/* "?" is rarer than "=". */
	while ((at = memchr(at, '?', (size_t)(end - at))) != NULL) {
		if (at > p && at[-1] == '=')
			return true;
		at++;
	}
	return false;
}

bool
search_lacks(const struct match *m, const char *header, size_t n)
{
	return m->plain && m->run.n > 0 && !casefind(&m->run, header, n) &&
	    search_ascii(header, n) && !encoded_words(header, n);
}

bool
search_header(struct search *q, const struct imap_key *k, struct match *m)
{
	const struct buf *header = fields_of(q, k->name.s, k->name.len);
	struct header_field f;
	struct header h;

	if (header == NULL || header->len == 0 ||
	    search_lacks(m, header->data, header->len))
		return false;
	header_init(&h, header->data, header->len);
	while (header_next(&h, &f) == 1)
		if (is_named(&f, k->name.s, k->name.len) &&
		    field_has(q, &f, m, false))
			return true;
	return false;
}

bool
search_fields(struct search *q, const char *header, size_t n, struct match *m)
{
	struct header_field f;
	struct header h;

	header_init(&h, header, n);
	while (header_next(&h, &f) == 1)
		if (field_has(q, &f, m, true))
			return true;
	return false;
}

/*
 * Bodies.
 */

struct body {
	struct match	*match;
	enum { ENCODING_NONE, ENCODING_BASE64, ENCODING_QP } encoding;
	struct base64	 base64;
	struct qp	 qp;
	enum charset	 charset;
	struct buf	 decoded, text;
};

static bool
feed_text(struct body *b, const char *p, size_t n)
{
	if (b->charset == CHARSET_UTF8 || b->charset == CHARSET_UNKNOWN)
		return match_feed(b->match, p, n);
	buf_reset(&b->text);
	charset_decode(b->charset, &b->text, p, n);
	return match_feed(b->match, b->text.data, b->text.len);
}

/* 1 ends the reading: it has been found. */
static int
feed_body(void *arg, const char *p, size_t n)
{
	struct body *b = arg;
	char *to;

	buf_reset(&b->decoded);
	switch (b->encoding) {
	case ENCODING_NONE:
		return feed_text(b, p, n);
	case ENCODING_BASE64:
		if ((to = buf_reserve(&b->decoded, BASE64_ROOM(n))) != NULL)
			buf_commit(&b->decoded, base64_feed(&b->base64, p, n,
			    to));
		break;
	case ENCODING_QP:
		qp_decode(&b->qp, &b->decoded, p, n);
		break;
	}
	return feed_text(b, b->decoded.data, b->decoded.len);
}

static void
body_init(struct body *b, const struct mime *m, const struct mime_part *p,
    struct match *match)
{
	struct mime_ref charset = mime_param(m, p, "charset");
	const char *encoding = mime_str(m, p->encoding);

	memset(b, 0, sizeof(*b));
	b->match = match;
	match_reset(match);
	buf_init(&b->decoded, 4 * MESSAGE_BLOCK);
	buf_init(&b->text, 16 * MESSAGE_BLOCK);
	if (encoding != NULL && chars_is(encoding, p->encoding.len, "base64"))
		b->encoding = ENCODING_BASE64;
	else if (encoding != NULL && chars_is(encoding, p->encoding.len,
	    "quoted-printable"))
		b->encoding = ENCODING_QP;
	b->charset = charset.off == MIME_NONE ? CHARSET_UTF8 :
	    charset_find(mime_str(m, charset), charset.len);
}

static bool
body_has(struct search *q, const struct mime_part *p, struct match *m)
{
	struct body b;

	body_init(&b, &q->m.mime, p, m);
	if (message_stream(q->m.message, p->body_off, p->body_len, feed_body,
	    &b) == -1)
		q->m.failed = MAILBOX_TEMPORARY;
	if (b.encoding == ENCODING_QP && !m->found) {
		buf_reset(&b.decoded);
		qp_decode_end(&b.qp, &b.decoded);
		feed_text(&b, b.decoded.data, b.decoded.len);
	}
	match_end(m);
	buf_free(&b.decoded);
	buf_free(&b.text);
	return m->found;
}

bool
search_text(struct search *q, struct match *m, bool with_header)
{
	int r;

	match_reset(m);
	if (m->found)
		return true;	/* the empty text is in every message */
	if ((r = search_raw(q, m, with_header)) != -1 ||
	    q->m.failed != MAILBOX_OK)
		return r == 1;
	return search_stream(q, m, with_header);
}

bool
search_stream(struct search *q, struct match *m, bool with_header)
{
	const struct mime_part *p;
	struct buf header;
	bool found = false;
	size_t i;

	if (fetch_message_parse(&q->m, true) == -1 || need_header(q) == -1)
		return false;
	if (with_header && search_fields(q, q->header.data, q->header.len, m))
		return true;
	buf_init(&header, SEARCH_HEADER_MAX);
	for (i = 0; i < q->m.mime.nparts && !found; i++) {
		p = &q->m.mime.part[i];
		if (i > 0 && read_header(q, p->header_off, p->header_len,
		    &header) == 0)
			found = search_fields(q, header.data, header.len, m);
		if (!found && p->kind == MIME_TEXT)
			found = body_has(q, p, m);
	}
	buf_free(&header);
	return found;
}
