/* SPDX-License-Identifier: ISC
 *
 * The test body (RFC 5173).  Its values have CRLF line ends, as on the wire,
 * and text is UTF-8; :text is what readers of HTML see.  The message is taken
 * apart once, and what was decoded is kept for the next test, up to a limit.
 * NOTE: the structure is that of the message as it came, also where its header
 * was edited (RFC 5293, section 7, leaves that open).
 */
#include <stdlib.h>
#include <string.h>

#include "bytes/base64.h"
#include "bytes/charset.h"
#include "bytes/crlf.h"
#include "bytes/qp.h"
#include "grammar/chars.h"
#include "grammar/header.h"
#include "grammar/mime.h"
#include "grammar/preview.h"
#include "sieve_local.h"

#define KEPT_MAX	(32u << 20)	/* octets of decoded parts */

/* A part as it is, and the text of one in HTML as its readers see it. */
struct kept {
	struct buf	octets, seen;
	bool		has_octets, has_seen;
};

struct sieve_body {
	struct mime	 mime;
	struct kept	*part;		/* of each */
	size_t		 kept;		/* octets of them all */
	struct buf	 raw;		/* the whole body, when has_raw */
	bool		 has_raw;
	struct buf	 piece;		/* what is not kept */
};

enum { GROUP_TRANSFORM = 30 };

static const struct sieve_tag body_rows[] = {
	{ "raw", NULL, 0, GROUP_TRANSFORM },
	{ "content", NULL, 'S', GROUP_TRANSFORM },
	{ "text", NULL, 0, GROUP_TRANSFORM },
};

static const struct sieve_tags body_tags = {
	body_rows, sizeof(body_rows) / sizeof(body_rows[0])
};

struct body_test {
	struct sieve_matching	 m;
	struct sieve_run	*run;
	struct sieve_body	*body;
	const char		*text;	/* the message */
	size_t			 n;
	struct buf		 types;	/* of :content: each with a NUL */
	bool			 seen;	/* :text */
};

/* ---- the message ---- */

void
sieve_body_free(struct sieve_body *b)
{
	size_t i;

	if (b == NULL)
		return;
	for (i = 0; b->part != NULL && i < b->mime.nparts; i++) {
		buf_free(&b->part[i].octets);
		buf_free(&b->part[i].seen);
	}
	free(b->part);
	buf_free(&b->raw);
	buf_free(&b->piece);
	mime_free(&b->mime);
	free(b);
}

static struct sieve_body *
take_apart(const struct sieve_mail *mail)
{
	struct sieve_body *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	if (mime_parse(&b->mime, mail->text, mail->size) == 0)
		b->part = calloc(b->mime.nparts + 1, sizeof(*b->part));
	if (b->part == NULL) {
		sieve_body_free(b);
		return NULL;
	}
	return b;
}

/* Where the body begins; false: the header ends with the message, and there is
 * none (RFC 5173, section 4). */
static bool
find_body(const struct sieve_mail *mail, size_t *at)
{
	size_t n = header_length(mail->text, mail->size);
	const char *s = mail->text;

	*at = n;
	return n > 0 && s[n - 1] == '\n' && (n == 1 || s[n - 2] == '\n' ||
	    (s[n - 2] == '\r' && (n == 2 || s[n - 3] == '\n')));
}

/* ---- texts ---- */

/* Append octets with the line ends of the wire. */
static int
add_wire(struct buf *to, const char *s, size_t n)
{
	struct crlf count = { 0 }, crlf = { 0 };
	size_t size = n + (size_t)crlf_wire_extra(&count, s, n) + 2;
	char *out;

	to->max = to->len + size + 2;
	if ((out = buf_reserve(to, size)) == NULL)
		return -1;
	buf_commit(to, crlf_to_wire(&crlf, s, &n, out, size));
	return 0;
}

static bool
is(const struct mime *m, struct mime_ref ref, const char *word)
{
	const char *s = mime_str(m, ref);

	return s != NULL && chars_is(s, ref.len, word);
}

/* Take the transfer encoding off: to out.  0, -1. */
static int
decode(const struct mime *m, const struct mime_part *p, struct buf *out,
    const char *s, size_t n)
{
	struct base64 base64 = { 0 };
	struct qp qp = { 0 };
	char *to;

	if (is(m, p->encoding, "base64")) {
		out->max = BASE64_ROOM(n) + 2;
		if ((to = buf_reserve(out, BASE64_ROOM(n))) == NULL)
			return -1;
		buf_commit(out, base64_feed(&base64, s, n, to));
		return 0;
	}
	out->max = 2 * n + 2;
	qp_decode(&qp, out, s, n);
	return qp_decode_end(&qp, out);
}

/* A part as its readers have it, to out. */
static int
decode_part(const struct mime *m, const struct mime_part *p,
    const char *message, struct buf *out)
{
	const char *s = message + p->body_off, *charset;
	struct mime_ref name = mime_param(m, p, "charset");
	size_t n = (size_t)p->body_len;
	bool base64 = is(m, p->encoding, "base64");
	struct buf plain, text;
	int r = 0;

	buf_init(&plain, 0);
	buf_init(&text, 0);
	if (base64 || is(m, p->encoding, "quoted-printable")) {
		r = decode(m, p, &plain, s, n);
		s = plain.data;
		n = plain.len;
	}
	charset = mime_str(m, name);
	if (r == 0 && p->kind == MIME_TEXT && charset != NULL && n > 0) {
		text.max = 4 * n + 4;
		r = charset_decode(charset_find(charset, name.len), &text, s,
		    n);
		s = text.data;
		n = text.len;
	}
	out->max = n + 2;
	if (r == 0)
		r = base64 && p->kind != MIME_TEXT ? buf_add(out, s, n) :
		    add_wire(out, s, n);
	buf_free(&plain);
	buf_free(&text);
	return r;
}

/* ---- values ---- */

/* Octets of the message as a value. */
static int
match_piece(struct body_test *t, uint64_t from, uint64_t to)
{
	struct buf *b = &t->body->piece;

	buf_reset(b);
	if (to < from || to > t->n)
		return 0;
	if (add_wire(b, t->text + from, (size_t)(to - from)) == -1)
		return sieve_nomem(t->run);
	return sieve_match_value(&t->m, b->data, b->len);
}

/* Without the line end that the line before a place has. */
static uint64_t
before_line(const struct body_test *t, uint64_t least, uint64_t at)
{
	if (at > least && t->text[at - 1] == '\n')
		at--;
	if (at > least && t->text[at - 1] == '\r')
		at--;
	return at;
}

/* The line before the one at a place begins here. */
static uint64_t
line_before(const struct body_test *t, uint64_t least, uint64_t at)
{
	if (at > least)
		at--;
	while (at > least && t->text[at - 1] != '\n')
		at--;
	return at;
}

static bool
is_boundary(const struct body_test *t, uint64_t at, uint64_t end)
{
	return end - at >= 2 && t->text[at] == '-' && t->text[at + 1] == '-';
}

/* What stands before the first part of a multipart, whose delimiter is no part
 * of it. */
static int
match_prologue(struct body_test *t, const struct mime_part *p)
{
	const struct mime_part *first = &t->body->mime.part[p->child];
	uint64_t end = p->body_off + p->body_len, at;

	at = line_before(t, p->body_off, first->header_off);
	if (is_boundary(t, at, end))
		end = before_line(t, p->body_off, at);
	return match_piece(t, p->body_off, end);
}

/* What stands behind the last one, and its closing delimiter. */
static int
match_epilogue(struct body_test *t, const struct mime_part *p)
{
	const struct mime *m = &t->body->mime;
	uint64_t end = p->body_off + p->body_len, at;
	const struct mime_part *last;
	uint32_t i;
	const char *lf;

	for (i = p->child; m->part[i].next != MIME_NONE; i = m->part[i].next)
		;
	last = &m->part[i];
	at = last->body_off + last->body_len;
	if (at < end && t->text[at] == '\r')
		at++;
	if (at < end && t->text[at] == '\n')
		at++;
	if (at >= end || !is_boundary(t, at, end) ||
	    (lf = memchr(t->text + at, '\n', (size_t)(end - at))) == NULL)
		return 0;
	return match_piece(t, (uint64_t)(lf + 1 - t->text), end);
}

/* The header of the message in a message/rfc822, without its empty line. */
static int
match_nested(struct body_test *t, const struct mime_part *p)
{
	const struct mime_part *inner;
	uint64_t from, to, last;

	if (p->child == MIME_NONE)
		return 0;
	inner = &t->body->mime.part[p->child];
	from = inner->header_off;
	to = from + inner->header_len;
	last = before_line(t, from, to);
	if (last == from || t->text[last - 1] == '\n')
		to = last;
	return match_piece(t, from, to);
}

/* Decode a part, unless it was. */
static int
keep_octets(struct body_test *t, size_t i)
{
	struct kept *k = &t->body->part[i];
	const struct mime *m = &t->body->mime;

	if (k->has_octets)
		return 0;
	if (sieve_work(t->run, m->part[i].body_len) == -1)
		return -1;
	if (decode_part(m, &m->part[i], t->text, &k->octets) == -1)
		return sieve_nomem(t->run);
	k->has_octets = true;
	t->body->kept += k->octets.len;
	return 0;
}

/* The same without its tags. */
static int
keep_seen(struct body_test *t, size_t i)
{
	struct kept *k = &t->body->part[i];
	struct preview p = { .html = 1, .text.whole = &k->seen };
	size_t n;

	if (k->has_seen)
		return 0;
	if (keep_octets(t, i) == -1 ||
	    sieve_work(t->run, k->octets.len) == -1)
		return -1;
	k->seen.max = 4 * k->octets.len + 4;
	(void)preview_feed(&p, k->octets.data, k->octets.len);
	(void)preview_end(&p, &n);
	if (buf_failed(&k->seen))
		return sieve_nomem(t->run);
	k->has_seen = true;
	t->body->kept += k->seen.len;
	return 0;
}

static void
forget(struct sieve_body *b, struct kept *k)
{
	b->kept -= k->octets.len + k->seen.len;
	buf_free(&k->octets);
	buf_free(&k->seen);
	k->has_octets = k->has_seen = false;
}

static int
match_leaf(struct body_test *t, size_t i)
{
	struct kept *k = &t->body->part[i];
	bool html = t->seen && is(&t->body->mime,
	    t->body->mime.part[i].subtype, "html");
	const struct buf *value = html ? &k->seen : &k->octets;
	int r;

	if ((html ? keep_seen(t, i) : keep_octets(t, i)) == -1)
		return -1;
	r = sieve_match_value(&t->m, value->data, value->len);
	if (t->body->kept > KEPT_MAX)
		forget(t->body, k);
	return r;
}

static int
match_part(struct body_test *t, size_t i)
{
	const struct mime_part *p = &t->body->mime.part[i];
	int r;

	switch (p->kind) {
	case MIME_MULTIPART:
		if (p->child == MIME_NONE)
			return 0;
		r = match_prologue(t, p);
		return r != 0 ? r : match_epilogue(t, p);
	case MIME_MESSAGE:
		return match_nested(t, p);
	case MIME_LEAF:
	case MIME_TEXT:
		break;
	}
	return match_leaf(t, i);
}

/* ---- which parts ---- */

/* "text", "text/plain", or "" for all; no other text matches. */
static bool
has_type(const struct mime *m, const struct mime_part *p, const char *type)
{
	const char *slash = strchr(type, '/');

	if (*type == '\0')
		return true;
	if (slash == NULL)
		return is(m, p->type, type);
	return slash != type && slash[1] != '\0' &&
	    strchr(slash + 1, '/') == NULL && is(m, p->subtype, slash + 1) &&
	    chars_equal(mime_str(m, p->type), p->type.len, type,
	    (size_t)(slash - type));
}

static bool
is_wanted(const struct body_test *t, const struct mime_part *p)
{
	const char *s = t->types.data, *end = s + t->types.len;

	for (; s < end; s += strlen(s) + 1)
		if (has_type(&t->body->mime, p, s))
			return true;
	return false;
}

/* The types of :content to t->types; those of :text else. */
static int
take_types(struct body_test *t, const struct sieve_call *c)
{
	const struct sieve_arg *types;
	struct buf b;
	size_t i;
	int r = 0;

	t->seen = !sieve_tag(c, "content", &types);
	if (t->seen)
		return buf_add(&t->types, "text", 5) == -1 ?
		    sieve_nomem(t->run) : 0;
	buf_init(&b, SIEVE_VALUE_MAX);
	for (i = 0; i < types->n && r == 0; i++) {
		r = sieve_expand(t->run, &types->strings[i], &b);
		/* A type with a NUL is none. */
		if (r == 0 && (b.len == 0 || memchr(b.data, '\0', b.len) ==
		    NULL)) {
			buf_add(&t->types, b.data, b.len);
			buf_addc(&t->types, '\0');
		}
	}
	buf_free(&b);
	return r == 0 && buf_failed(&t->types) ? sieve_nomem(t->run) : r;
}

static int
match_parts(struct body_test *t, const struct sieve_call *c)
{
	size_t i;
	int r;

	if ((r = take_types(t, c)) != 0)
		return r;
	for (i = 0; i < t->body->mime.nparts && r == 0; i++)
		if (is_wanted(t, &t->body->mime.part[i]))
			r = match_part(t, i);
	return r;
}

static int
match_raw(struct body_test *t, size_t from)
{
	struct sieve_body *b = t->body;

	if (!b->has_raw && add_wire(&b->raw, t->text + from, t->n - from) ==
	    -1)
		return sieve_nomem(t->run);
	b->has_raw = true;
	return sieve_match_value(&t->m, b->raw.data, b->raw.len);
}

static int
match_body(struct body_test *t, const struct sieve_call *c)
{
	size_t from;

	if (!find_body(t->run->mail, &from))
		return 0;
	if (t->run->body == NULL) {
		if (sieve_work(t->run, t->n) == -1)
			return -1;
		if ((t->run->body = take_apart(t->run->mail)) == NULL)
			return sieve_nomem(t->run);
	}
	t->body = t->run->body;
	return sieve_tag(c, "raw", NULL) ? match_raw(t, from) :
	    match_parts(t, c);
}

static int
check_body(struct sieve_call *c, const char **why)
{
	return sieve_match_check(c, 0, why);
}

static int
run_body(struct sieve_run *run, const struct sieve_call *c)
{
	struct body_test t = { .run = run, .text = run->mail->text,
	    .n = run->mail->size };
	int r;

	buf_init(&t.types, SIEVE_SCRIPT_MAX);
	sieve_match_begin(&t.m, run, c, c->arg[0]);
	/* RFC 5173, section 6 */
	t.m.no_capture = true;
	t.m.what = sieve_tag(c, "raw", NULL) ? "body :raw" :
	    sieve_tag(c, "content", NULL) ? "body :content" : "body :text";
	(void)match_body(&t, c);
	r = sieve_match_end(&t.m);
	buf_free(&t.types);
	return r;
}

const struct sieve_word sieve_body_words[] = {
	{ "body", "body", SIEVE_TEST, "S", { &sieve_match_tags, &body_tags },
	    check_body, run_body },
	{ NULL }
};
