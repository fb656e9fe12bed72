/* SPDX-License-Identifier: ISC
 *
 * PREVIEW of a message (RFC 8970): the beginning of its first text, plain or
 * HTML.  A message whose text is encrypted, or that has none, has an empty one.
 */
#include <string.h>

#include "bytes/base64.h"
#include "bytes/charset.h"
#include "bytes/qp.h"
#include "grammar/chars.h"
#include "grammar/imap_write.h"
#include "grammar/mime.h"
#include "grammar/preview.h"
#include "mail/summary_local.h"

/* Octets of a part that are looked at: a style sheet may stand before it. */
enum { LOOK_MAX = 1 << 20 };

static bool
is(const struct mime *m, struct mime_ref ref, const char *word)
{
	const char *s = mime_str(m, ref);

	return s != NULL && chars_is(s, ref.len, word);
}

/* A text that a person reads: 1 plain, 2 HTML, 0 neither. */
static int
kind_of(const struct mime *m, const struct mime_part *p)
{
	if (p->kind != MIME_TEXT || is(m, p->disposition, "attachment"))
		return 0;
	return is(m, p->subtype, "plain") ? 1 : is(m, p->subtype, "html") ?
	    2 : 0;
}

/* The first of them, or NULL.  Parts lie in the order of the message. */
static const struct mime_part *
find_text(const struct mime *m, int *kind)
{
	size_t i;

	for (i = 0; i < m->nparts; i++)
		if ((*kind = kind_of(m, &m->part[i])) != 0)
			return &m->part[i];
	return NULL;
}

struct part {
	struct preview	 preview;
	enum { CODED_NOT, CODED_BASE64, CODED_QP } coded;
	struct base64	 base64;
	struct qp	 qp;
	enum charset	 charset;
	struct buf	 octets, text;
};

static int
feed_text(struct part *p, const char *s, size_t n)
{
	buf_reset(&p->text);
	if (n == 0 || charset_decode(p->charset, &p->text, s, n) == -1)
		return 0;
	return preview_feed(&p->preview, p->text.data, p->text.len);
}

static int
feed(void *arg, const char *s, size_t n)
{
	struct part *p = arg;
	char *to;

	buf_reset(&p->octets);
	switch (p->coded) {
	case CODED_NOT:
		return feed_text(p, s, n);
	case CODED_BASE64:
		if ((to = buf_reserve(&p->octets, BASE64_ROOM(n))) != NULL)
			buf_commit(&p->octets, base64_feed(&p->base64, s, n,
			    to));
		break;
	case CODED_QP:
		qp_decode(&p->qp, &p->octets, s, n);
		break;
	}
	return feed_text(p, p->octets.data, p->octets.len);
}

static void
begin(struct part *p, const struct mime *m, const struct mime_part *part,
    int kind)
{
	struct mime_ref charset = mime_param(m, part, "charset");

	memset(p, 0, sizeof(*p));
	p->preview.html = kind == 2;
	if (is(m, part->encoding, "base64"))
		p->coded = CODED_BASE64;
	else if (is(m, part->encoding, "quoted-printable"))
		p->coded = CODED_QP;
	p->charset = charset.off == MIME_NONE ? CHARSET_UTF8 :
	    charset_find(mime_str(m, charset), charset.len);
	buf_init(&p->octets, 4 * MESSAGE_BLOCK);
	buf_init(&p->text, 16 * MESSAGE_BLOCK);
}

/* The begin of a part, as it is on disk: 0, 1 enough of it, -1. */
static int
feed_part(struct part *p, struct message *message,
    const struct mime_part *part)
{
	uint64_t at = part->body_off, end = at + (part->body_len < LOOK_MAX ?
	    part->body_len : LOOK_MAX);
	const char *octets;
	int r = 0, got;
	size_t n;

	while (at < end && r == 0) {
		if ((got = message_disk(message, at, 1, &octets, &n)) != 1)
			return got;
		if (n > end - at)
			n = (size_t)(end - at);
		r = feed(p, octets, n);
		at += n;
	}
	return r;
}

int
summary_make_preview(struct buf *b, const struct mime *m,
    struct message *message)
{
	const struct mime_part *part;
	struct part p;
	const char *s;
	int kind, r;
	size_t n;

	if ((part = find_text(m, &kind)) == NULL)
		return buf_adds(b, "\"\"");
	begin(&p, m, part, kind);
	r = feed_part(&p, message, part);
	if (r != -1 && p.coded == CODED_QP && r == 0) {
		buf_reset(&p.octets);
		qp_decode_end(&p.qp, &p.octets);
		(void)feed_text(&p, p.octets.data, p.octets.len);
	}
	s = preview_end(&p.preview, &n);
	if (r != -1 && imap_write_string(b, s, n) == -1)
		r = -1;
	buf_free(&p.octets);
	buf_free(&p.text);
	return r == -1 ? -1 : 0;
}
