/* SPDX-License-Identifier: ISC
 *
 * Proves that a header comes apart without a gap, that header_scan() finds the
 * same names and end in pieces, that dates in it round-trip, that an envelope
 * read from its start is one that could have been written, and that no blind
 * copy stays in it, nor is an author made or lost by taking it out.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/date.h"
#include "grammar/header.h"
#include "grammar/submit.h"
#include "grammar/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
dates(const char *p, size_t n)
{
	char out[DATE_MAX];
	struct date d, e;
	int64_t t;

	if (date_parse(&d, p, n) == 1) {
		date_format(out, d.time, d.zone);
		if (d.zone > -1440 && d.zone < 1440 &&
		    d.time > -62000000000 && d.time < 253000000000 &&
		    (date_parse(&e, out, strlen(out)) != 1 ||
		    e.time != d.time || e.zone != d.zone))
			abort();
		date_imap_format(out, d.time, d.zone);
		date_imap_parse(&e, out, strlen(out));
	}
	date_imap_parse(&d, p, n);
	date_imap_day_parse(&t, p, n);
}

static void
fields(const char *p, size_t size)
{
	struct header_field f;
	struct header h;
	struct header_scan s = { 0 };
	const char *at = p, *scan = p, *end = p + size, *part;
	struct buf b;
	int r;

	buf_init(&b, size + 1);
	header_init(&h, p, size);
	while (header_next(&h, &f)) {
		if (f.start != at || f.len == 0 ||
		    f.value + f.value_len > f.start + f.len)
			abort();
		at = f.start + f.len;
		buf_reset(&b);
		if (header_unfold(&b, &f) != 0)
			abort();
		dates(f.value, f.value_len);
		if (f.name_len == 0)
			continue;
		for (r = 0; r == 0 && scan < end;) {
			part = scan + 1;
			r = header_scan(&s, &scan, part);
		}
		if (r != 1 || s.name_len != f.name_len)
			abort();
	}
	for (r = 0; r == 0 && scan < end;)
		r = header_scan(&s, &scan, scan + 1);
	if (r == 1 || (r == 2 && s.taken != header_length(p, size)))
		abort();
	if (h.p != p + header_length(p, size))
		abort();
	buf_free(&b);
}

static void
envelope(const char *p, size_t size)
{
	struct address from, to, from2, to2;
	struct buf b;
	size_t len;

	if (trace_read_envelope(p, size, &from, &to, &len) != 1)
		return;
	if (len > size)
		abort();
	buf_init(&b, TRACE_ENVELOPE_MAX);
	trace_return_path(&b, &from);
	trace_delivered_to(&b, &to);
	if (buf_failed(&b) || trace_read_envelope(b.data, b.len, &from2, &to2,
	    &len) != 1 || len != b.len || !address_equal(&from, &from2) ||
	    !address_equal(&to, &to2))
		abort();
	buf_free(&b);
}

static void
blind(const char *p, size_t size)
{
	struct submit_authors before, after;
	enum submit_from from = submit_authors(&before, p, size);
	struct header_field f;
	char *text;
	size_t n;

	if ((text = malloc(size + 1)) == NULL)
		return;
	memcpy(text, p, size);
	n = submit_strip(text, size);
	if (n > size || header_find(text, n, "Bcc", &f) ||
	    header_find(text, n, "Resent-Bcc", &f))
		abort();
	if (submit_authors(&after, text, n) != from ||
	    before.n != after.n || before.n > SUBMIT_AUTHORS ||
	    memcmp(before.v, after.v, before.n * sizeof(before.v[0])) != 0)
		abort();
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	blind((const char *)data, size);
	fields((const char *)data, size);
	envelope((const char *)data, size);
	dates((const char *)data, size);
	return 0;
}
