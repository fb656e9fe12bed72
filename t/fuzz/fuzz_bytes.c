/* SPDX-License-Identifier: ISC
 *
 * Proves that line ends, base64, quoted-printable and UTF-8 give the same in
 * pieces as whole, and that each way out undoes the way in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/base64.h"
#include "bytes/crlf.h"
#include "bytes/json.h"
#include "bytes/qp.h"
#include "bytes/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
same(const void *a, size_t na, const void *b, size_t nb)
{
	if (na != nb || (na > 0 && memcmp(a, b, na) != 0))
		abort();
}

/* One string, that ends where it should: what is in it is not what ends it. */
static void
json(const char *p, size_t size)
{
	struct buf b;
	size_t i;

	buf_init(&b, 6 * size + 3);
	if (json_add(&b, p, size) == -1 || b.data[0] != '"' ||
	    b.data[b.len - 1] != '"' || !utf8_valid(b.data, b.len))
		abort();
	for (i = 1; i < b.len - 1; i++)
		if ((unsigned char)b.data[i] < ' ' || b.data[i] == '"' ||
		    (b.data[i] == '\\' && ++i == b.len - 1))
			abort();
	buf_free(&b);
}

static void
line_ends(const char *p, size_t size)
{
	char *wire = malloc(2 * size + 2), *again = malloc(2 * size + 2);
	char *disk = malloc(size + 2), *out = malloc(size + 2);
	struct crlf c = { 0 }, w = { 0 }, d = { 0 };
	size_t i, one, n = size, nwire, ndisk, nout = 0, nagain = 0;

	nwire = crlf_to_wire(&c, p, &n, wire, 2 * size + 2);
	memset(&c, 0, sizeof(c));
	if (nwire != size + crlf_wire_extra(&c, p, size) || n != size)
		abort();
	n = size;
	ndisk = crlf_to_disk(&d, p, &n, disk, size + 2);
	ndisk += crlf_to_disk_end(&d, disk + ndisk);
	memset(&d, 0, sizeof(d));
	for (i = 0; i < size; i++) {
		one = 1;
		nagain += crlf_to_wire(&w, p + i, &one, again + nagain, 2);
		one = 1;
		nout += crlf_to_disk(&d, p + i, &one, out + nout, 2);
	}
	nout += crlf_to_disk_end(&d, out + nout);
	same(wire, nwire, again, nagain);
	same(disk, ndisk, out, nout);
	/* What has only CRLF line ends comes back as it was. */
	memset(&w, 0, sizeof(w));
	memset(&d, 0, sizeof(d));
	n = nwire;
	disk = realloc(disk, nwire + 2);
	ndisk = crlf_to_disk(&d, wire, &n, disk, nwire + 2);
	ndisk += crlf_to_disk_end(&d, disk + ndisk);
	n = ndisk;
	nagain = crlf_to_wire(&w, disk, &n, again, 2 * size + 2);
	same(wire, nwire, again, nagain);
	free(wire);
	free(again);
	free(disk);
	free(out);
}

static void
encodings(const char *p, size_t size)
{
	struct qp q = { 0 }, q1 = { 0 };
	struct qp_encoder e = { 0 };
	struct buf a, b;
	size_t i;

	buf_init(&a, 8 * size + 64);
	buf_init(&b, 8 * size + 64);
	qp_decode(&q, &a, p, size);
	qp_decode_end(&q, &a);
	for (i = 0; i < size; i++)
		qp_decode(&q1, &b, p + i, 1);
	qp_decode_end(&q1, &b);
	same(a.data, a.len, b.data, b.len);
	if (q.dirt != q1.dirt || buf_failed(&a))
		abort();
	buf_reset(&a);
	buf_reset(&b);
	e.binary = 1;
	qp_encode(&e, &a, p, size);
	qp_encode_end(&e, &a);
	memset(&q, 0, sizeof(q));
	qp_decode(&q, &b, a.data, a.len);
	qp_decode_end(&q, &b);
	same(p, size, b.data, b.len);
	buf_reset(&a);
	buf_reset(&b);
	base64_encode(&a, p, size);
	if (base64_decode(&b, a.data, a.len) != 1)
		abort();
	same(p, size, b.data, b.len);
	buf_reset(&b);
	base64_decode(&b, p, size);
	buf_free(&a);
	buf_free(&b);
}

static void
bodies(const char *p, size_t size)
{
	char *a = malloc(BASE64_ROOM(size)), *b = malloc(size + 3);
	struct base64 d = { 0 }, d1 = { 0 };
	struct utf8 u = { 0 };
	size_t i, na, nb = 0, n;
	uint32_t c;

	na = base64_feed(&d, p, size, a);
	for (i = 0; i < size; i++)
		nb += base64_feed(&d1, p + i, 1, b + nb);
	same(a, na, b, nb);
	for (i = 0; i < size; i++)
		utf8_feed(&u, p + i, 1);
	for (i = 0; i < size && (n = utf8_next(p + i, p + size, &c)) > 0;
	    i += n)
		if (utf8_put(b, c) != n || memcmp(b, p + i, n) != 0)
			abort();
	if (utf8_end(&u) != utf8_valid(p, size) ||
	    utf8_end(&u) != (i == size))
		abort();
	free(a);
	free(b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json((const char *)data, size);
	line_ends((const char *)data, size);
	encodings((const char *)data, size);
	bodies((const char *)data, size);
	return 0;
}
