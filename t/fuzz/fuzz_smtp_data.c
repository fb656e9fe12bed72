/* SPDX-License-Identifier: ISC
 *
 * Proves that data in pieces gives the same as whole, that it ends exactly at
 * the first CRLF.CRLF, that its output stays within its room, and that what
 * is dot-stuffed comes back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/smtp_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Behind the end of the data, found the slow way; 0: there is none. */
static size_t
find_end(const char *p, size_t size)
{
	if (size >= 3 && memcmp(p, ".\r\n", 3) == 0)
		return 3;
	for (size_t i = 0; i + 5 <= size; i++)
		if (memcmp(p + i, "\r\n.\r\n", 5) == 0)
			return i + 5;
	return 0;
}

static void
way_in(const char *p, size_t size, int lenient)
{
	char *a = malloc(size + SMTP_DATA_ROOM), *b = malloc(size + 8), *piece;
	struct smtp_data d, e;
	size_t na, nb = 0, n = size, i, part, got, end = find_end(p, size);

	smtp_data_init(&d, lenient);
	na = smtp_data_feed(&d, p, &n, a);
	if (smtp_data_done(&d) != (end > 0) || n != (end > 0 ? end : size))
		abort();
	smtp_data_init(&e, lenient);
	for (i = 0; i < size && !smtp_data_done(&e); i += part) {
		part = 1 + (size_t)(unsigned char)p[i] % 5;
		part = part > size - i ? size - i : part;
		piece = malloc(part + SMTP_DATA_ROOM);
		got = smtp_data_feed(&e, p + i, &part, piece);
		memcpy(b + nb, piece, got);
		nb += got;
		free(piece);
	}
	if (na != nb || memcmp(a, b, na) != 0 || i != n ||
	    d.facts != e.facts || d.received != e.received ||
	    d.disk != e.disk || d.wire != e.wire || d.body != e.body ||
	    d.header_disk != e.header_disk || d.disk != na)
		abort();
	if (header_length(a, na) != d.header_disk && d.body)
		abort();
	free(a);
	free(b);
}

static void
way_out(const char *p, size_t size)
{
	size_t max = 3 * size + 16, n = size, na, nb = 0, i, part, back;
	char *a = malloc(max), *b = malloc(max);
	struct smtp_dot d = { 0 }, e = { 0 };
	struct smtp_data in;

	na = smtp_dot_feed(&d, p, &n, a, max);
	if (n != size)
		abort();
	na += smtp_dot_end(&d, a + na);
	for (i = 0; i < size; i += part) {
		part = 1 + (size_t)(unsigned char)p[i] % 3;
		part = part > size - i ? size - i : part;
		nb += smtp_dot_feed(&e, p + i, &part, b + nb, 3);
	}
	nb += smtp_dot_end(&e, b + nb);
	if (na != nb || memcmp(a, b, na) != 0 || find_end(a, na) != na)
		abort();
	smtp_data_init(&in, 0);
	n = na;
	b = realloc(b, na + SMTP_DATA_ROOM);
	back = smtp_data_feed(&in, a, &n, b);
	if (!smtp_data_done(&in) || n != na ||
	    (in.facts & SMTP_DATA_BARE_LF) || back > size + 1)
		abort();
	free(a);
	free(b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	way_in((const char *)data, size, 0);
	way_in((const char *)data, size, 1);
	way_out((const char *)data, size);
	return 0;
}
