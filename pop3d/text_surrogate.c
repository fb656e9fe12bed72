/* SPDX-License-Identifier: ISC
 *
 * What a client gets that did not ask for UTF-8: RFC 6856, section 2.1, allows
 * an error or a surrogate.  After an error some clients never come to the
 * messages behind it, so there is an error only where nothing else helps.
 */
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/surrogate.h"
#include "text.h"

#define HEADER_MAX	(256u << 10)

/* Whether there is UTF-8 other than US-ASCII.  No octet of such a character is
 * in that range, so each stands in a run of octets outside it. */
static int
has_utf8(const char *p, size_t n)
{
	const char *end = p + n, *run;
	uint64_t eight;

	while (p < end) {
		if (end - p >= (ptrdiff_t)sizeof(eight)) {
			memcpy(&eight, p, sizeof(eight));
			if ((eight & 0x8080808080808080) == 0) {
				p += sizeof(eight);
				continue;
			}
		}
		if ((*p & 0x80) == 0) {
			p++;
			continue;
		}
		for (run = p; p < end && *p & 0x80; p++)
			;
		if (utf8_valid(run, (size_t)(p - run)))
			return 1;
	}
	return 0;
}

/* Go through the header: 1 it has UTF-8, 0, -1 it cannot be read. */
static int
look(struct message *m, struct message_lines *lines)
{
	const char *p;
	size_t n;
	int r, found = 0;

	message_lines_init(lines, 0);
	while (!lines->done && (r = message_disk(m, lines->taken,
	    lines->taken == 0 ? MESSAGE_HEADER : MESSAGE_BLOCK, &p, &n)) != 0) {
		if (r == -1)
			return -1;
		n = message_lines_feed(lines, p, n);
		found |= has_utf8(p, n);
	}
	return found;
}

/* The first n octets of the file. */
static int
take(struct message *m, uint64_t n, struct buf *to)
{
	const char *p;
	size_t got;

	while (to->len < n) {
		if (message_disk(m, to->len, MESSAGE_BLOCK, &p, &got) != 1)
			return -1;
		if (got > n - to->len)
			got = (size_t)(n - to->len);
		if (buf_add(to, p, got) == -1)
			return -1;
	}
	return 0;
}

/*
 * NOTE: octets that are no UTF-8 no mode can help, so they go out as they are;
 * and so does the body, which is 8bit and was always sent.
 */
enum text_surrogate
text_surrogate(struct text *t)
{
	enum text_surrogate result = TEXT_FAILED;
	struct message_lines lines;
	struct buf header;
	int r = look(t->m, &lines);

	if (r != 1)
		return r == 0 ? TEXT_AS_IT_IS : TEXT_FAILED;
	if (lines.taken > HEADER_MAX)
		return TEXT_TOO_LONG;
	buf_init(&header, HEADER_MAX);
	/* Many short addresses become far longer. */
	buf_init(&t->header, 4 * HEADER_MAX);
	if (take(t->m, lines.taken, &header) == 0)
		result = surrogate_header(&t->header, header.data,
		    header.len) == 0 ? TEXT_SURROGATE : TEXT_TOO_LONG;
	buf_free(&header);
	t->skip = lines.taken;
	t->skip_wire = lines.taken + lines.added;
	/* A header of nothing that can be said is still one. */
	if (result == TEXT_SURROGATE && t->header.len == 0 &&
	    buf_addc(&t->header, '\n') == -1)
		result = TEXT_FAILED;
	return result;
}
