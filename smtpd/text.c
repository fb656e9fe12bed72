/* SPDX-License-Identifier: ISC
 *
 * A message under the hands of filters.  It must never hold a body in memory,
 * nor change an octet that no filter changed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/crlf.h"
#include "system/fdio.h"
#include "text.h"

#define BLOCK	16384

void
text_free(struct text *t)
{
	fields_free(&t->fields);
	free(t->header);
	memset(t, 0, sizeof(*t));
}

/* Read n octets from the start. */
static int
read_start(struct text *t, size_t n)
{
	char *more = realloc(t->header, n + 1);
	ssize_t got;

	if (more == NULL)
		return -1;
	t->header = more;
	if ((got = fd_pread_all(t->fd, more, n, 0)) == (ssize_t)n)
		return 0;
	errno = got == -1 ? errno : EIO;
	return -1;
}

/* Read as much as has the header: its octets in *n. */
static int
read_header(struct text *t, uint64_t size, size_t *n)
{
	for (*n = BLOCK; ; *n *= 2) {
		if (*n > size)
			*n = (size_t)size;
		if (read_start(t, *n) == -1)
			return -1;
		if (*n == size || header_length(t->header, *n) < *n)
			return 0;
		if (*n >= TEXT_HEADER_MAX)
			break;
	}
	errno = EMSGSIZE;
	return -1;
}

int
text_load(struct text *t, int fd, uint64_t size)
{
	size_t n, len = 0;
	int saved;

	memset(t, 0, sizeof(*t));
	t->fd = fd;
	if (read_header(t, size, &n) == -1)
		goto fail;
	if (fields_parse(&t->fields, t->header, n, &len) == -1) {
		errno = EMSGSIZE;
		goto fail;
	}
	t->loaded = true;
	t->blank = size > len || (len > 0 && t->header[len - 1] == '\n' &&
	    (len == 1 || t->header[len - 2] == '\n'));
	t->body = len;
	t->body_len = size - len;
	return 0;
fail:
	saved = errno;
	text_free(t);
	errno = saved;
	return -1;
}

static int
send_body(const struct text *t, text_put *put, void *arg)
{
	static char block[BLOCK];
	uint64_t at = t->body, end = t->body + t->body_len;
	ssize_t n;

	while (at < end) {
		n = fd_pread_all(t->fd, block, end - at > BLOCK ? BLOCK :
		    (size_t)(end - at), (off_t)at);
		if (n <= 0) {
			errno = n == 0 ? EIO : errno;
			return -1;
		}
		if (!put(arg, block, (size_t)n)) {
			errno = 0;
			return -1;
		}
		at += (uint64_t)n;
	}
	return 0;
}

int
text_send(const struct text *t, text_put *put, void *arg)
{
	size_t i;

	for (i = 0; i < t->fields.n; i++)
		if (!put(arg, t->fields.v[i].text, t->fields.v[i].len))
			goto stop;
	if ((t->blank || t->body_len > 0) && !put(arg, "\n", 1))
		goto stop;
	return send_body(t, put, arg);
stop:
	errno = 0;
	return -1;
}

static int
body_write(struct text_body *b, const char *data, size_t n)
{
	if (b->w->size - b->body + n > b->max) {
		errno = EFBIG;
		return -1;
	}
	if (spool_write(b->w, data, n) == 0)
		return 0;
	errno = b->w->error;
	return -1;
}

static void
body_begin(struct text_body *b)
{
	if (b->begun)
		return;
	b->begun = true;
	b->body = b->w->size;
	memset(&b->ends, 0, sizeof(b->ends));
}

int
text_body_add(struct text_body *b, const char *data, size_t n)
{
	static char block[BLOCK];
	size_t done, written;

	for (body_begin(b); n > 0; data += done, n -= done) {
		done = n;
		written = crlf_to_disk(&b->ends, data, &done, block,
		    sizeof(block));
		if (body_write(b, block, written) == -1)
			return -1;
	}
	return 0;
}

int
text_body_end(struct text_body *b)
{
	char last;

	if (!b->begun)
		return 0;
	if (crlf_to_disk_end(&b->ends, &last) == 1 &&
	    body_write(b, &last, 1) == -1)
		return -1;
	if (spool_flush(b->w) == -1) {
		errno = b->w->error;
		return -1;
	}
	b->text->body = b->body;
	b->text->body_len = b->w->size - b->body;
	return 0;
}
