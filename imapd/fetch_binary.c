/* SPDX-License-Identifier: ISC
 *
 * BINARY and BINARY.SIZE (RFC 3516; RFC 9051 6.4.5): parts without their
 * transfer encoding.  A part is decoded once to know its size, once to send
 * it, and never held in memory.
 */
#include <string.h>

#include "bytes/base64.h"
#include "bytes/qp.h"
#include "fetch.h"
#include "grammar/chars.h"
#include "system/log.h"

enum code { CODE_NONE, CODE_BASE64, CODE_QP, CODE_UNKNOWN };

struct decoder {
	enum code	 code;
	struct base64	 base64;
	struct qp	 qp;
	struct buf	 out;
	struct session	*session;	/* NULL: only count */
	uint64_t	 skip, left;	/* of what is sent */
	uint64_t	 total;
	bool		 nul;
	bool		 gone;		/* the client is */
};

bool
fetch_is_binary(const struct imap_section *sec)
{
	return sec->kind == IMAP_SECTION_BINARY ||
	    sec->kind == IMAP_SECTION_BINARY_SIZE;
}

/* RFC 2045 section 6.  Multipart and message have none but in error, and are
 * taken apart without it. */
static enum code
code_of(const struct mime *m, const struct mime_part *p)
{
	static const struct {
		const char	*name;
		enum code	 code;
	} codes[] = {
		{ "7bit", CODE_NONE },
		{ "8bit", CODE_NONE },
		{ "binary", CODE_NONE },
		{ "base64", CODE_BASE64 },
		{ "quoted-printable", CODE_QP },
	};
	const char *e = mime_str(m, p->encoding);
	size_t i;

	if (e == NULL || p->kind == MIME_MULTIPART || p->kind == MIME_MESSAGE)
		return CODE_NONE;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (chars_is(e, p->encoding.len, codes[i].name))
			return codes[i].code;
	return CODE_UNKNOWN;
}

/* Decoded octets: count them, or send those that are wanted. */
static int
pass(struct decoder *d, const char *p, size_t n)
{
	d->total += n;
	if (d->session == NULL) {
		d->nul |= n > 0 && memchr(p, '\0', n) != NULL;
		return 0;
	}
	if (d->skip >= n) {
		d->skip -= n;
		return 0;
	}
	p += d->skip;
	n -= (size_t)d->skip;
	d->skip = 0;
	if (n > d->left)
		n = (size_t)d->left;
	d->left -= n;
	d->gone = stream_write(d->session->io, p, n) == -1;
	return d->gone || d->left == 0;
}

static int
decode_piece(void *arg, const char *p, size_t n)
{
	struct decoder *d = arg;
	char *room;

	if (d->code == CODE_NONE)
		return pass(d, p, n);
	buf_reset(&d->out);
	if (d->code == CODE_QP) {
		if (qp_decode(&d->qp, &d->out, p, n) == -1)
			return -1;
	} else {
		room = buf_reserve(&d->out, BASE64_ROOM(n));
		if (room == NULL)
			return -1;
		buf_commit(&d->out, base64_feed(&d->base64, p, n, room));
	}
	return pass(d, d->out.data, d->out.len);
}

/* What a section names: a part, or the message as it stands, for what its
 * field says is the encoding of its body, not of its header. */
struct target {
	const struct mime_part *part;	/* NULL: there is none */
	bool		 whole;
	enum code	 code;
	uint32_t	 id;		/* for m->decoded */
};

static struct target
target_of(const struct fetch_message *m, const struct imap_section *sec)
{
	struct target t = { .code = CODE_NONE, .whole = sec->npath == 0 };

	t.part = mime_find(&m->mime, sec->path, sec->npath);
	if (t.part != NULL && !t.whole)
		t.code = code_of(&m->mime, t.part);
	if (t.part != NULL)
		t.id = t.whole ? MIME_NONE - 1 :
		    (uint32_t)(t.part - m->mime.part);
	return t;
}

/* All of it through the decoder: 0, or -1. */
static int
decode(struct fetch_message *m, const struct target *t, struct decoder *d)
{
	int r;

	d->code = t->code;
	buf_init(&d->out, 4 * MESSAGE_BLOCK);
	r = message_stream(m->message, t->whole ? 0 : t->part->body_off,
	    t->whole ? UINT64_MAX : t->part->body_len, decode_piece, d);
	buf_reset(&d->out);
	if (r == 0 && d->code == CODE_QP)
		r = qp_decode_end(&d->qp, &d->out) == -1 ? -1 :
		    pass(d, d->out.data, d->out.len);
	buf_free(&d->out);
	return r >= 0 && !d->gone ? 0 : -1;
}

/* Size and whether there is a NUL, into m->decoded. */
static int
measure(struct fetch_message *m, const struct target *t)
{
	struct decoder d = { .session = NULL };

	if (m->decoded.part == t->id)
		return 0;
	if (decode(m, t, &d) == -1) {
		m->failed = MAILBOX_TEMPORARY;
		return -1;
	}
	m->decoded.part = t->id;
	m->decoded.size = d.total;
	m->decoded.nul = d.nul;
	return 0;
}

int
fetch_binary_check(struct fetch_message *m, const struct imap_fetch *f)
{
	size_t i;

	for (i = 0; i < f->nsection; i++) {
		if (!fetch_is_binary(&f->section[i]))
			continue;
		if (fetch_message_parse(m, true) == -1)
			return -1;
		if (target_of(m, &f->section[i]).code == CODE_UNKNOWN) {
			m->unknown_cte = true;
			return -1;
		}
	}
	return 0;
}

/* What stands before the octets, or all there is. */
static void
write_head(struct buf *b, const struct fetch_message *m,
    const struct imap_section *sec, const struct target *t, uint64_t length)
{
	imap_section_write(b, sec);
	if (sec->kind == IMAP_SECTION_BINARY_SIZE)
		buf_addf(b, " %llu", t->part == NULL ? 0ULL :
		    (unsigned long long)m->decoded.size);
	else if (t->part == NULL)
		buf_adds(b, " NIL");
	else
		buf_addf(b, " %s{%llu}\r\n", m->decoded.nul ? "~" : "",
		    (unsigned long long)length);
}

int
fetch_binary(struct fetch_message *m, const struct imap_section *sec,
    const struct buf *head)
{
	struct decoder d = { .session = m->session };
	struct target t;
	struct buf b;

	if (fetch_message_parse(m, true) == -1)
		return -1;
	t = target_of(m, sec);
	if (t.part != NULL && measure(m, &t) == -1)
		return -1;
	if (t.part != NULL && sec->kind == IMAP_SECTION_BINARY)
		fetch_cut(sec, m->decoded.size, &d.skip, &d.left);
	buf_init(&b, 128 << 20);
	buf_add(&b, head->data, head->len);
	write_head(&b, m, sec, &t, d.left);
	stream_write(m->session->io, b.data, b.len);
	buf_free(&b);
	if (d.left == 0 || (decode(m, &t, &d) == 0 && d.left == 0))
		return 0;
	if (!d.gone)
		log_warn("fetch", "error=\"message changed while it was "
		    "sent\"");
	return -2;
}
