/* SPDX-License-Identifier: ISC
 *
 * The bounded buffer: the only place that grows memory for bytes.  It must
 * never pass its maximum and never lose what it already holds.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/buf.h"

void
buf_init(struct buf *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->max = max;
}

void
buf_free(struct buf *b)
{
	free(b->data);
	buf_init(b, b->max);
}

void
buf_wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = 0;
}

/* Room for n more bytes and the NUL of buf_str(). */
char *
buf_reserve(struct buf *b, size_t n)
{
	size_t cap;
	char *p;

	if (b->failed)
		return NULL;
	if (n > b->max - b->len)
		goto fail;
	if (b->len + n + 1 > b->cap) {
		cap = b->cap < 64 ? 64 : b->cap * 2;
		if (cap > b->max + 1)
			cap = b->max + 1;
		if (cap < b->len + n + 1)
			cap = b->len + n + 1;
		if ((p = realloc(b->data, cap)) == NULL)
			goto fail;
		b->data = p;
		b->cap = cap;
	}
	return b->data + b->len;
fail:
	b->failed = 1;
	return NULL;
}

void
buf_commit(struct buf *b, size_t n)
{
	b->len += n;
}

int
buf_add(struct buf *b, const void *p, size_t n)
{
	char *to;

	if ((to = buf_reserve(b, n)) == NULL)
		return -1;
	if (n > 0)
		memcpy(to, p, n);
	b->len += n;
	return 0;
}

int
buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

/* Mostly what is there already is room enough. */
int
buf_addf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->failed ? 0 : b->cap - b->len;
	va_list ap;
	char *to;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(room > 0 ? b->data + b->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n < 0)
		b->failed = 1;
	to = n < 0 ? NULL : buf_reserve(b, (size_t)n);
	if (to != NULL && (size_t)n >= room) {
		va_start(ap, fmt);
		vsnprintf(to, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	if (to == NULL)
		return -1;
	b->len += (size_t)n;
	return 0;
}

int
buf_addu(struct buf *b, uint64_t n)
{
	char digits[20], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	return buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}

const char *
buf_str(struct buf *b)
{
	if (b->failed)
		return NULL;
	if (b->data == NULL)
		return "";
	b->data[b->len] = '\0';
	return b->data;
}

int
buf_failed(const struct buf *b)
{
	return b->failed;
}
