/* SPDX-License-Identifier: ISC
 *
 * Quoted-printable: RFC 2045, section 6.7.  It must never lose text: what
 * breaks the rules passes as it stands.
 */
#include <string.h>

#include "bytes/qp.h"

/*
 * TEXT; CR: one came and waits for its LF; EQ: behind "="; EQ_HEX: behind "="
 * and one digit; EQ_SPACE: behind "=" and white space, which transport may
 * have added to a soft line break; EQ_CR: behind "=", white space and CR.
 */
enum { TEXT, CR, EQ, EQ_HEX, EQ_SPACE, EQ_CR };

static int
hex(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	/* NOTE: small digits are not allowed, and common. */
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static int
is_space(int c)
{
	return c == ' ' || c == '\t';
}

static void
flush_space(struct qp *q, struct buf *b)
{
	buf_add(b, q->hold, q->space);
	q->space = 0;
}

static void
hold_space(struct qp *q, struct buf *b, char c)
{
	if (q->space == sizeof(q->hold))
		flush_space(q, b);
	q->hold[q->space++] = c;
}

/* What began with "=" turned out to be nothing: it passes. */
static void
pass(struct qp *q, struct buf *b)
{
	buf_addc(b, '=');
	if (q->state == EQ_HEX)
		buf_addc(b, q->hex);
	flush_space(q, b);
	if (q->state == EQ_CR)
		buf_addc(b, '\r');
	q->state = TEXT;
	q->dirt = 1;
}

/* The run of octets that stand for themselves: white space too, unless it may
 * be the end of a line.  Looks no further than a line is long, so that a text
 * without lines is not gone through again and again. */
static size_t
plain_run(const char *p, const char *end)
{
	static const char stops[] = { '\n', '=', '\r' };
	size_t n = (size_t)(end - p), i;
	const char *stop;

	if (n > 2 * QP_LINE_MAX)
		n = 2 * QP_LINE_MAX;
	for (i = 0; i < sizeof(stops); i++)
		if ((stop = memchr(p, stops[i], n)) != NULL)
			n = (size_t)(stop - p);
	while (n > 0 && is_space(p[n - 1]))
		n--;
	return n;
}

/* In TEXT: take some of p, at least one octet. */
static size_t
text(struct qp *q, struct buf *b, const char *p, const char *end)
{
	size_t n;

	if ((n = plain_run(p, end)) > 0) {
		flush_space(q, b);
		buf_add(b, p, n);
		return n;
	}
	if (is_space(*p))
		hold_space(q, b, *p);
	else if (*p == '\r')
		q->state = CR;
	else if (*p == '\n') {
		q->space = 0;
		buf_addc(b, '\n');
	} else {
		flush_space(q, b);
		q->state = EQ;
	}
	return 1;
}

/* Behind "=": whether c was taken. */
static int
behind_equal(struct qp *q, struct buf *b, char c)
{
	if (c == '\n' && q->state != EQ_HEX) {
		q->space = 0;
		q->state = TEXT;
		return 1;
	}
	if (q->state == EQ_HEX && hex(c) >= 0) {
		buf_addc(b, (char)(hex(q->hex) << 4 | hex(c)));
		q->state = TEXT;
		return 1;
	}
	if (q->state == EQ && hex(c) >= 0) {
		q->hex = c;
		q->state = EQ_HEX;
		return 1;
	}
	if (q->state == EQ || q->state == EQ_SPACE) {
		if (c == '\r') {
			q->state = EQ_CR;
			return 1;
		}
		if (is_space(c) && q->space < sizeof(q->hold)) {
			hold_space(q, b, c);
			q->state = EQ_SPACE;
			return 1;
		}
	}
	pass(q, b);
	return 0;
}

int
qp_decode(struct qp *q, struct buf *b, const void *from, size_t n)
{
	const char *p = from, *end = n > 0 ? p + n : p;

	while (p < end) {
		switch (q->state) {
		case TEXT:
			p += text(q, b, p, end);
			break;
		case CR:
			q->state = TEXT;
			if (*p == '\n') {
				q->space = 0;
				buf_add(b, "\r\n", 2);
				p++;
			} else {
				flush_space(q, b);
				buf_addc(b, '\r');
				q->dirt = 1;
			}
			break;
		default:
			p += behind_equal(q, b, *p);
			break;
		}
	}
	return buf_failed(b) ? -1 : 0;
}

int
qp_decode_end(struct qp *q, struct buf *b)
{
	if (q->state == CR) {
		flush_space(q, b);
		buf_addc(b, '\r');
	} else if (q->state == EQ_HEX)
		pass(q, b);
	q->space = 0;
	q->state = TEXT;
	return buf_failed(b) ? -1 : 0;
}

/* Append an octet, encoded or not, behind a soft line break if needed. */
static void
put(struct qp_encoder *e, struct buf *b, unsigned char c, int encode)
{
	static const char digit[] = "0123456789ABCDEF";
	char s[3] = { '=', digit[c >> 4], digit[c & 15] };
	size_t n = encode ? 3 : 1;

	if (e->column + n > QP_LINE_MAX - 1) {
		buf_add(b, "=\n", 2);
		e->column = 0;
	}
	buf_add(b, encode ? s : (char *)&c, n);
	e->column += n;
}

static void
put_space(struct qp_encoder *e, struct buf *b, int encode)
{
	if (e->space != 0)
		put(e, b, (unsigned char)e->space, encode);
	e->space = 0;
}

int
qp_encode(struct qp_encoder *e, struct buf *b, const void *from, size_t n)
{
	const unsigned char *p = from, *end = n > 0 ? p + n : p;

	for (; p < end; p++) {
		if (*p == '\n' && !e->binary) {
			put_space(e, b, 1);
			buf_addc(b, '\n');
			e->column = 0;
			e->cr = 0;
			continue;
		}
		if (e->cr) {
			put_space(e, b, 0);
			put(e, b, '\r', 1);
			e->cr = 0;
		}
		if (*p == '\r' && !e->binary) {
			e->cr = 1;
			continue;
		}
		put_space(e, b, 0);
		if (is_space(*p))
			e->space = (char)*p;
		else
			put(e, b, *p, *p < 33 || *p > 126 || *p == '=');
	}
	return buf_failed(b) ? -1 : 0;
}

int
qp_encode_end(struct qp_encoder *e, struct buf *b)
{
	put_space(e, b, !e->cr);
	if (e->cr)
		put(e, b, '\r', 1);
	e->cr = 0;
	return buf_failed(b) ? -1 : 0;
}
