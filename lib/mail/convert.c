/* SPDX-License-Identifier: ISC
 *
 * From 8-bit to 7-bit.  A part is encoded as a whole or copied octet for
 * octet; what holds other parts is copied around them, as it may have no
 * encoding but 7bit itself (RFC 2045, section 6.4).
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "bytes/base64.h"
#include "bytes/qp.h"
#include "bytes/utf8.h"
#include "grammar/header.h"
#include "grammar/mime.h"
#include "mail/convert.h"
#include "system/fdio.h"

#define PIECE		49152		/* encoded at once, and written */
#define BASE64_LINE	57		/* octets that fill 76 characters */

/* Of octets in a text: from this share of 8-bit ones on base64 is shorter, and
 * no less readable. */
#define MANY_8BIT(n)	((n) / 6)

struct conversion {
	const char	*text;
	size_t		 len;
	struct mime	 mime;
	struct buf	 out;
	int		 fd;
	int		 error;		/* errno of the first failure */
	const char	*why;		/* not to be converted */
};

static size_t
count_8bit(const char *p, size_t n)
{
	size_t i, k = 0;

	for (i = 0; i < n; i++)
		k += (p[i] & 0x80) != 0;
	return k;
}

static void
flush(struct conversion *v)
{
	if (v->error == 0 && buf_failed(&v->out))
		v->error = ENOMEM;
	if (v->error == 0 && fd_write_all(v->fd, v->out.data, v->out.len) ==
	    -1)
		v->error = errno;
	buf_reset(&v->out);
}

static void
put(struct conversion *v, const char *p, size_t n)
{
	size_t k;

	for (; n > 0; p += k, n -= k) {
		k = n < PIECE ? n : PIECE;
		buf_add(&v->out, p, k);
		if (v->out.len >= PIECE)
			flush(v);
	}
}

/* What stands between parts is for nobody to read. */
static void
put_between(struct conversion *v, size_t from, size_t to)
{
	size_t i;

	for (i = from; i < to; i++) {
		buf_addc(&v->out, v->text[i] & 0x80 ? '?' : v->text[i]);
		if (v->out.len >= PIECE)
			flush(v);
	}
}

/* ---- encoding ---- */

static void
put_qp(struct conversion *v, const char *p, size_t n)
{
	struct qp_encoder qp = { 0 };
	size_t k;

	for (; n > 0; p += k, n -= k) {
		k = n < PIECE / 4 ? n : PIECE / 4;
		qp_encode(&qp, &v->out, p, k);
		flush(v);
	}
	qp_encode_end(&qp, &v->out);
}

/* A text in base64 has its line ends as CRLF (RFC 2045, section 6.8). */
static void
put_base64(struct conversion *v, const char *p, size_t n)
{
	char line[BASE64_LINE];
	size_t i, k = 0;

	for (i = 0; i < n; i++) {
		if (p[i] == '\n' && (i == 0 || p[i - 1] != '\r'))
			line[k++] = '\r';
		if (k == sizeof(line)) {
			base64_encode(&v->out, line, k);
			buf_addc(&v->out, '\n');
			k = 0;
		}
		line[k++] = p[i];
		if (k == sizeof(line)) {
			base64_encode(&v->out, line, k);
			buf_addc(&v->out, '\n');
			k = 0;
		}
		if (v->out.len >= PIECE)
			flush(v);
	}
	base64_encode(&v->out, line, k);
}

/* ---- parts ---- */

static bool
ref_is(const struct mime *m, struct mime_ref r, const char *word)
{
	return r.off != MIME_NONE && r.len == strlen(word) &&
	    strncasecmp(mime_str(m, r), word, r.len) == 0;
}

/* May the content of this part be given another encoding? */
static bool
is_plain(const struct mime *m, const struct mime_part *p)
{
	return p->encoding.off == MIME_NONE ||
	    ref_is(m, p->encoding, "8bit") || ref_is(m, p->encoding, "7bit") ||
	    ref_is(m, p->encoding, "binary");
}

/* What a message without MIME becomes. */
static void
put_missing(struct conversion *v, const struct mime_part *p)
{
	struct header_field f;
	const char *head = v->text + p->header_off;

	if (p != v->mime.part || header_find(head, p->header_len,
	    "MIME-Version", &f))
		return;
	buf_adds(&v->out, "MIME-Version: 1.0\n");
	if (!header_find(head, p->header_len, "Content-Type", &f))
		buf_addf(&v->out, "Content-Type: text/plain; charset=%s\n",
		    utf8_valid(v->text + p->body_off, p->body_len) ?
		    "utf-8" : "unknown-8bit");
}

/* The header of a part, its encoding said anew. */
static void
put_header(struct conversion *v, const struct mime_part *p,
    const char *encoding)
{
	struct header_field f;
	struct header h;
	bool said = false;

	header_init(&h, v->text + p->header_off, p->header_len);
	while (header_next(&h, &f)) {
		if (!header_is(&f, "Content-Transfer-Encoding"))
			put(v, f.start, f.len);
		else if (!said)
			buf_addf(&v->out, "Content-Transfer-Encoding: %s\n",
			    encoding);
		said = said || header_is(&f, "Content-Transfer-Encoding");
	}
	if (!said) {
		put_missing(v, p);
		buf_addf(&v->out, "Content-Transfer-Encoding: %s\n",
		    encoding);
	}
	buf_addc(&v->out, '\n');
	flush(v);
}

static void
put_leaf(struct conversion *v, const struct mime_part *p)
{
	const char *body = v->text + p->body_off;
	size_t n = p->body_len, high = count_8bit(body, n);
	bool base64 = high > MANY_8BIT(n);

	if (high == 0) {
		put(v, v->text + p->header_off, p->header_len + n);
		return;
	}
	if (!is_plain(&v->mime, p) || ref_is(&v->mime, p->type,
	    "multipart") || ref_is(&v->mime, p->type, "message")) {
		v->why = "a part of it has 8-bit octets where none may be";
		return;
	}
	put_header(v, p, base64 ? "base64" : "quoted-printable");
	if (base64)
		put_base64(v, body, n);
	else
		put_qp(v, body, n);
	flush(v);
}

static void
put_part(struct conversion *v, const struct mime_part *p)
{
	const struct mime *m = &v->mime;
	const struct mime_part *child;
	size_t at = p->body_off;
	uint32_t i;

	if (p->kind == MIME_LEAF || p->kind == MIME_TEXT) {
		put_leaf(v, p);
		return;
	}
	if (count_8bit(v->text + p->body_off, p->body_len) == 0) {
		put(v, v->text + p->header_off, p->header_len + p->body_len);
		return;
	}
	if (ref_is(m, p->subtype, "signed") || !is_plain(m, p)) {
		v->why = "its writer has signed it";
		return;
	}
	if (p->encoding.off == MIME_NONE)
		put(v, v->text + p->header_off, p->header_len);
	else
		put_header(v, p, "7bit");
	for (i = p->child; i != MIME_NONE; i = child->next) {
		child = &m->part[i];
		put_between(v, at, child->header_off);
		put_part(v, child);
		at = child->body_off + child->body_len;
	}
	put_between(v, at, p->body_off + p->body_len);
}

/* ---- the message ---- */

static int
load(struct conversion *v, int fd, off_t from)
{
	struct stat st;
	ssize_t got;
	char *text;

	if (fstat(fd, &st) == -1)
		return -1;
	if (st.st_size < from || st.st_size - from > (off_t)CONVERT_MAX) {
		errno = EFBIG;
		return -1;
	}
	v->len = (size_t)(st.st_size - from);
	if ((text = malloc(v->len + 1)) == NULL)
		return -1;
	v->text = text;
	if ((got = fd_pread_all(fd, text, v->len, from)) == -1)
		return -1;
	v->len = (size_t)got;
	if (mime_parse(&v->mime, text, v->len) == -1) {
		errno = ENOMEM;
		return -1;
	}
	return 0;
}

static void
convert(struct conversion *v)
{
	struct header_field f;

	if (header_find(v->text, v->len, "DKIM-Signature", &f))
		v->why = "its sender has signed it";
	else if (v->mime.limited & ~(unsigned)(MIME_LIMIT_TEXT |
	    MIME_LIMIT_PARAMS))
		v->why = "its structure is too large";
	else if ((v->fd = memfd_create("7bit", MFD_CLOEXEC |
	    MFD_ALLOW_SEALING)) == -1)
		v->error = errno;
	else
		put_part(v, v->mime.part);
	if (v->why == NULL)
		flush(v);
}

enum converted
convert_7bit(int fd, off_t from, int *to, const char **why)
{
	struct conversion v = { .fd = -1 };

	buf_init(&v.out, 4 * PIECE);
	if (load(&v, fd, from) == -1)
		v.error = errno;
	else
		convert(&v);
	mime_free(&v.mime);
	buf_free(&v.out);
	free((char *)v.text);
	if (v.error == 0 && v.why == NULL) {
		*to = v.fd;
		return CONVERTED;
	}
	if (v.fd != -1)
		close(v.fd);
	errno = v.error;
	*why = v.why;
	return v.why != NULL ? CONVERT_NEVER : CONVERT_FAILED;
}
