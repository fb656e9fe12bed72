/* SPDX-License-Identifier: ISC
 *
 * Proves that no filter breaks the reading of its packets: strings end inside
 * them, words for a client are short printable lines with one code, and what
 * is done to a header leaves a header.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/fields.h"
#include "grammar/milter.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_words(const char *p, size_t n)
{
	unsigned code;
	struct buf b;
	size_t i, start = 0;

	buf_init(&b, MILTER_REPLY_MAX);
	code = milter_reply_lines(&b, p, n);
	if (code != 0 && (code < 400 || code > 599 || b.len == 0))
		abort();
	for (i = 0; code != 0 && i < b.len; i++) {
		if (b.data[i] == '\n') {
			if (i - start >= 512 || b.data[i - 1] != '\r' ||
			    strtoul(b.data + start, NULL, 10) != code)
				abort();
			start = i + 1;
		} else if (b.data[i] != '\r' &&
		    (b.data[i] < ' ' || b.data[i] > '~'))
			abort();
	}
	buf_free(&b);
}

/* Still a header, with as many fields as the list has. */
static void
check_fields(const struct milter_reply *r)
{
	static const char text[] = "Received: a\nSubject: b\n\n";
	struct fields f = { 0 }, again = { 0 };
	struct buf b;
	size_t i, len;

	if (fields_parse(&f, text, sizeof(text) - 1, &len) == -1)
		abort();
	if (r->what == MILTER_CHANGE_HEADER)
		(void)fields_change(&f, r->index, r->name, r->text, true);
	else
		(void)fields_insert(&f, r->what == MILTER_ADD_HEADER ?
		    FIELDS_END : r->index, r->name, r->text, false);
	buf_init(&b, 2 * FIELDS_BYTES_MAX);
	for (i = 0; i < f.n; i++)
		buf_add(&b, f.v[i].text, f.v[i].len);
	buf_addc(&b, '\n');
	if (!buf_failed(&b) && (fields_parse(&again, b.data, b.len,
	    &len) == -1 || again.n != f.n || len != b.len))
		abort();
	fields_free(&again);
	fields_free(&f);
	buf_free(&b);
}

static void
check(char letter, const char *p, size_t n)
{
	const char *at, *end, *names;
	struct milter_reply r;
	uint32_t stage;

	if (milter_reply_parse(&r, letter, p, n) != 1)
		return;
	if ((r.text != NULL && r.text + strlen(r.text) >= p + n) ||
	    (r.name != NULL && r.name + strlen(r.name) >= p + n))
		abort();
	if (r.what == MILTER_OPTIONS)
		for (at = r.data, end = at + r.len; milter_symbols_next(&at,
		    end, &stage, &names) == 1; )
			if (names + strlen(names) >= end)
				abort();
	if (r.what == MILTER_REPLYCODE)
		check_words(r.data, r.len);
	if (r.name != NULL)
		check_fields(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size;
	char letter;
	char *own;
	size_t n;

	check_words(p, size);
	while (end - p >= MILTER_HEAD && milter_head((const uint8_t *)p,
	    &letter, &n) == 0) {
		p += MILTER_HEAD;
		if (n > (size_t)(end - p))
			n = (size_t)(end - p);
		/* of its very length, so that a step too far is seen */
		if ((own = malloc(n == 0 ? 1 : n)) == NULL)
			abort();
		memcpy(own, p, n);
		check(letter, own, n);
		free(own);
		p += n;
	}
	return 0;
}
