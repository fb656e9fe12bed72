/* SPDX-License-Identifier: ISC
 *
 * Proves that no message breaks the MIME parser, that it gives the same in
 * pieces as whole, that parts lie within their parents, and that what is
 * written of them is within bounds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/imap_write.h"
#include "grammar/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const struct mime *m, size_t size)
{
	const struct mime_part *p, *up;
	size_t i;

	for (i = 0; i < m->nparts; i++) {
		p = &m->part[i];
		if (p->header_off + p->header_len > size ||
		    p->body_off + p->body_len > size ||
		    p->body_off < p->header_off + p->header_len ||
		    p->body_wire < p->body_len ||
		    p->body_wire > p->body_len + p->body_lines)
			abort();
		if (p->kind == MIME_MULTIPART && p->child == MIME_NONE)
			abort();
		if (p->parent == MIME_NONE)
			continue;
		up = &m->part[p->parent];
		if (p->header_off < up->body_off ||
		    p->body_off + p->body_len > up->body_off + up->body_len)
			abort();
	}
}

static void
structure(struct buf *b, const struct mime *m)
{
	imap_write_body(b, m, &m->part[0], 1);
	imap_write_envelope(b, m, &m->part[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mime_parser *p;
	struct mime m, n;
	struct buf b, c;
	size_t i, step;

	buf_init(&b, 256 << 20);
	buf_init(&c, 256 << 20);
	if (mime_parse(&m, data, size) == -1)
		abort();
	check(&m, size);
	structure(&b, &m);
	p = mime_parser_new();
	for (i = 0; i < size; i += step) {
		step = 1 + data[i] % 7;
		if (step > size - i)
			step = size - i;
		mime_feed(p, data + i, step);
	}
	mime_end(p, &n);
	mime_parser_free(p);
	structure(&c, &n);
	if (b.len != c.len || memcmp(b.data, c.data, b.len) != 0)
		abort();
	mime_free(&m);
	mime_free(&n);
	buf_free(&b);
	buf_free(&c);
	return 0;
}
