/* SPDX-License-Identifier: ISC
 *
 * Proves that no octets in an mbox break the splitter or the filter, that where
 * a piece is cut makes no difference, that the sizes it counts are those of
 * what comes out, and that what is quoted comes out as it went in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/crlf.h"
#include "grammar/mbox.h"
#include "grammar/mbox_quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* All of in through a filter, step octets at once, into out (room for it). */
static size_t
filter(enum mbox_way way, const char *in, size_t n, size_t step, char *out)
{
	struct mbox_filter f;
	size_t done = 0, k, len = 0;

	mbox_filter_init(&f, way);
	for (; done < n; done += k) {
		k = n - done < step ? n - done : step;
		len += mbox_filter(&f, in + done, &k, out + len, MBOX_ROOM +
		    (n + 1) * 2 - len);
	}
	return len + mbox_filter_end(&f, out + len);
}

/* One message is as its sizes say. */
static void
check(const struct mbox_message *m, const char *text, size_t n, char *out)
{
	struct crlf crlf = { 0 };
	size_t len;

	if (m->from >= m->content || m->content > m->end || m->end > m->next ||
	    m->next > n || m->insert < m->content || m->insert > m->next ||
	    memcmp(text + m->from, "From ", 5) != 0 ||
	    m->notes + m->notes_len > n)
		__builtin_trap();
	len = filter(MBOX_UNQUOTE, text + m->content,
	    (size_t)(m->end - m->content), 7, out);
	if (len != m->plain ||
	    len + crlf_wire_extra(&crlf, out, len) != m->wire)
		__builtin_trap();
}

static uint64_t
split(const char *text, size_t n, size_t step, char *out)
{
	static struct mbox_split s;
	const char *p = text, *end = text + n, *stop;
	uint64_t sum = 0, last = 0;

	mbox_split_init(&s, 0);
	while (p < end) {
		stop = (size_t)(end - p) < step ? end : p + step;
		while (mbox_split(&s, &p, stop) == 1) {
			check(&s.done, text, n, out);
			if (s.done.from < last)
				__builtin_trap();
			last = s.done.next;
			sum = sum * 31 + s.done.hash + s.done.wire +
			    s.done.flags + s.done.uid + s.done.insert +
			    s.done.keywords_len + s.done.base_len;
		}
	}
	if (mbox_split_end(&s) == 1) {
		check(&s.done, text, n, out);
		if (s.done.next != n)
			__builtin_trap();
		sum = sum * 31 + s.done.hash + s.done.wire;
	}
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	char *out = malloc(2 * size + 2 * MBOX_ROOM + 2);
	char *back = malloc(6 * size + 4 * MBOX_ROOM + 8);
	size_t n, k;

	if (out != NULL && back != NULL) {
		if (split(text, size, SIZE_MAX, out) !=
		    split(text, size, 1, out))
			__builtin_trap();
		n = filter(MBOX_QUOTE, text, size, 5, out);
		k = filter(MBOX_UNQUOTE, out, n, 3, back);
		if (k != size || (size > 0 && memcmp(back, text, size) != 0))
			__builtin_trap();
		(void)filter(MBOX_STRIP, text, size, 11, out);
	}
	free(out);
	free(back);
	return 0;
}
