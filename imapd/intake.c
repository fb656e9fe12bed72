/* SPDX-License-Identifier: ISC
 *
 * A literal8 on its way in (RFC 3516 section 4.4).  What a mailbox cannot hold
 * to the octet, NULs and line ends that are none, is encoded in base64 where it
 * is a part of its own that may be; else it is refused.  It must never change
 * what is decoded, nor a part that need not be changed.
 */
#include <string.h>
#include <unistd.h>

#include "append.h"
#include "bytes/base64.h"
#include "fetch.h"
#include "grammar/chars.h"
#include "system/fdio.h"

enum {
	LINE = 57,			/* octets of a line of base64 */
	BLOCK = LINE * 512
};

static const char encoding[] = "Content-Transfer-Encoding";

void
intake_begin(struct append *a)
{
	struct intake *in = &a->intake;

	memset(in, 0, sizeof(*in));
	in->fd = mailbox_scratch(a->box);
	if (in->fd != -1 && (in->parser = mime_parser_new()) == NULL)
		in->failed = true;
}

void
intake_end(struct append *a)
{
	struct intake *in = &a->intake;

	mime_parser_free(in->parser);
	in->parser = NULL;
	if (in->fd != -1)
		close(in->fd);
	in->fd = -1;
}

static uint64_t
count_nuls(const char *p, size_t n)
{
	const char *end = p + n;
	uint64_t count = 0;

	while (p < end && (p = memchr(p, '\0', (size_t)(end - p))) != NULL) {
		count++;
		p++;
	}
	return count;
}

void
intake_write(struct append *a, const char *p, size_t n)
{
	struct intake *in = &a->intake;

	if (in->failed)
		return;
	in->size += n;
	in->nuls += count_nuls(p, n);
	if (mime_feed(in->parser, p, n) == -1 ||
	    fd_write_all(in->fd, p, n) == -1)
		in->failed = true;
}

/* ---- octets of the file ---- */

typedef enum reply take_block(void *, const char *, size_t);

static enum reply
each_block(struct append *a, uint64_t at, uint64_t length, take_block *take,
    void *arg)
{
	char block[BLOCK];
	enum reply r = REPLY_OK;
	size_t n;

	for (; length > 0 && r == REPLY_OK; length -= n, at += n) {
		n = length < BLOCK ? (size_t)length : BLOCK;
		if (fd_pread_all(a->intake.fd, block, n, (off_t)at) !=
		    (ssize_t)n)
			return REPLY_TEMPORARY;
		r = take(arg, block, n);
	}
	return r;
}

static enum reply
take_plain(void *arg, const char *p, size_t n)
{
	return append_write(arg, p, n);
}

struct look {
	uint64_t	nuls;
	bool		bare;		/* an LF without CR */
	char		last;
};

static enum reply
take_look(void *arg, const char *p, size_t n)
{
	struct look *look = arg;
	const char *end = p + n, *lf = p;

	look->nuls += count_nuls(p, n);
	while (lf < end && (lf = memchr(lf, '\n', (size_t)(end - lf))) !=
	    NULL) {
		look->bare |= (lf > p ? lf[-1] : look->last) != '\r';
		lf++;
	}
	look->last = end[-1];
	return REPLY_OK;
}

struct encode {
	struct append	*append;
	bool		 more;		/* a line stands before */
	struct buf	 text;		/* of a block */
};

/* Each block but the last is made of whole lines. */
static enum reply
take_encode(void *arg, const char *p, size_t n)
{
	struct encode *e = arg;
	size_t k;

	buf_reset(&e->text);
	for (; n > 0; p += k, n -= k) {
		k = n < LINE ? n : LINE;
		if (e->more)
			buf_adds(&e->text, "\r\n");
		base64_encode(&e->text, p, k);
		e->more = true;
	}
	return buf_failed(&e->text) ? REPLY_MEMORY :
	    append_write(e->append, e->text.data, e->text.len);
}

struct header {
	struct append	*append;
	struct fetch_filter filter;
	enum reply	 reply;
};

static int
emit_header(void *arg, const char *p, size_t n)
{
	struct header *h = arg;

	h->reply = append_write(h->append, p, n);
	return h->reply != REPLY_OK;
}

static enum reply
take_header(void *arg, const char *p, size_t n)
{
	struct header *h = arg;

	(void)fetch_filter(&h->filter, p, n);
	return h->reply;
}

/* ---- the parts ---- */

/* Whether a part's octets are its content, and may be encoded instead
 * (RFC 2045 6.4: not those of multipart and message). */
static bool
may_encode(const struct mime *m, const struct mime_part *p)
{
	static const char *const identity[] = { "7bit", "8bit", "binary" };
	const char *e = mime_str(m, p->encoding);
	size_t i;

	if ((p->kind != MIME_LEAF && p->kind != MIME_TEXT) ||
	    p->header_len == 0 || chars_is(mime_str(m, p->type), p->type.len,
	    "message") || chars_is(mime_str(m, p->type), p->type.len,
	    "multipart"))
		return false;
	/* Without such a field the message may not be MIME at all. */
	if (e == NULL)
		return p->parent != MIME_NONE;
	for (i = 0; i < sizeof(identity) / sizeof(identity[0]); i++)
		if (chars_is(e, p->encoding.len, identity[i]))
			return true;
	return false;
}

/* Whether it must be: *nuls becomes how many it has. */
static enum reply
must_encode(struct append *a, const struct mime *m, const struct mime_part *p,
    bool *must, uint64_t *nuls)
{
	const char *e = mime_str(m, p->encoding);
	struct look look = { 0, false, '\0' };
	enum reply r;

	*must = false;
	*nuls = 0;
	if (!may_encode(m, p))
		return REPLY_OK;
	r = each_block(a, p->body_off, p->body_len, take_look, &look);
	*nuls = look.nuls;
	*must = look.nuls > 0 || (look.bare && e != NULL &&
	    chars_is(e, p->encoding.len, "binary"));
	return r;
}

/* A part in base64: its header with another field, its body. */
static enum reply
encode_part(struct append *a, const struct mime_part *p)
{
	struct imap_string name = { encoding, sizeof(encoding) - 1 };
	struct imap_section others = { .kind = IMAP_SECTION_FIELDS_NOT,
	    .field = &name, .nfield = 1 };
	struct header h = { .append = a, .reply = REPLY_OK };
	struct encode e = { .append = a };
	const char *field = "Content-Transfer-Encoding: base64\r\n";
	enum reply r;

	buf_init(&e.text, 2 * BLOCK);
	fetch_filter_init(&h.filter, &others, emit_header, &h);
	r = append_write(a, field, strlen(field));
	if (r == REPLY_OK)
		r = each_block(a, p->header_off, p->header_len, take_header,
		    &h);
	if (r == REPLY_OK)
		r = each_block(a, p->body_off, p->body_len, take_encode, &e);
	if (r == REPLY_OK && p->parent == MIME_NONE)
		r = append_write(a, "\r\n", 2);
	buf_free(&e.text);
	return r;
}

/* Parts do not overlap but with those they are in, and stand in order. */
static enum reply
write_parts(struct append *a, const struct mime *m)
{
	uint64_t at = 0, nuls = 0, here;
	enum reply r = REPLY_OK;
	const struct mime_part *p;
	bool must;
	size_t i;

	for (i = 0; i < m->nparts && r == REPLY_OK; i++) {
		p = &m->part[i];
		r = must_encode(a, m, p, &must, &here);
		if (r != REPLY_OK || !must)
			continue;
		nuls += here;
		r = each_block(a, at, p->header_off - at, take_plain, a);
		if (r == REPLY_OK)
			r = encode_part(a, p);
		at = p->body_off + p->body_len;
	}
	if (r == REPLY_OK && nuls != a->intake.nuls)
		return REPLY_UNKNOWN_CTE;
	return r != REPLY_OK ? r :
	    each_block(a, at, a->intake.size - at, take_plain, a);
}

enum reply
intake_finish(struct append *a)
{
	struct intake *in = &a->intake;
	struct mime m;
	enum reply r;

	if (in->failed || mime_end(in->parser, &m) == -1)
		return REPLY_TEMPORARY;
	r = write_parts(a, &m);
	mime_free(&m);
	return r;
}
