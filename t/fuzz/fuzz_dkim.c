/* SPDX-License-Identifier: ISC
 *
 * Tag lists, signatures, key records and the canonical forms of DKIM, from
 * anybody.  What is found lies inside the text; a form is the same however the
 * text is cut, and for both line ends; a form made again of itself stays.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes/crlf.h"
#include "grammar/dkim_header.h"

int	LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static void
need(int good)
{
	if (!good)
		abort();
}

static void
keep(void *arg, const void *p, size_t n)
{
	need(n > 0);
	(void)buf_add(arg, p, n);
}

static void
inside(const struct dkim_text *t, const char *p, size_t n)
{
	if (t->p != NULL)
		need(t->p >= p && t->p + t->len <= p + n);
}

static void
lists(const char *p, size_t n)
{
	struct dkim_tag tags[DKIM_TAGS_MAX];
	struct dkim_signature s;
	struct dkim_record r;
	struct dkim_text rest = { p, n }, word;
	size_t i, found = dkim_tags(tags, p, n);

	for (i = 0; i < found; i++) {
		inside(&tags[i].name, p, n);
		inside(&tags[i].value, p, n);
	}
	if (dkim_signature_parse(&s, p, n) == DKIM_GOOD) {
		inside(&s.fields, p, n);
		inside(&s.hole, p, n);
		inside(&s.identity, p, n);
		need(s.hole.p[-1] == '=' && s.ndata > 0);
		need(found > 0 && dkim_is_domain(s.domain.p, s.domain.len));
	}
	if (dkim_record_parse(&r, p, n) == DKIM_GOOD)
		inside(&r.key, p, n);
	for (i = 0; dkim_word(&rest, &word); i++)
		inside(&word, p, n);
	need(i >= 1 && i <= n + 1);
}

/* The body in pieces whose sizes the text itself says; step 0: whole. */
static uint64_t
body(struct buf *b, enum dkim_canon how, const char *p, size_t n, int cut)
{
	static struct dkim_body canon;
	size_t i, some;

	buf_reset(b);
	dkim_body_init(&canon, how, UINT64_MAX, keep, b);
	for (i = 0; i < n; i += some) {
		some = cut ? 1 + ((unsigned char)p[i] & 15) : n;
		if (some > n - i)
			some = n - i;
		dkim_body_feed(&canon, p + i, some);
	}
	return dkim_body_end(&canon);
}

static int
same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 ||
	    memcmp(a->data, b->data, a->len) == 0);
}

static void
bodies(const char *p, size_t n, const char *wire, size_t nwire)
{
	static const enum dkim_canon forms[] = { DKIM_SIMPLE, DKIM_RELAXED };
	struct buf whole, other;
	size_t i;

	buf_init(&whole, 1 << 24);
	buf_init(&other, 1 << 24);
	for (i = 0; i < 2; i++) {
		need(body(&whole, forms[i], p, n, 0) == whole.len);
		body(&other, forms[i], p, n, 1);
		need(same(&whole, &other));
		body(&other, forms[i], wire, nwire, 0);
		need(same(&whole, &other));
		body(&other, forms[i], whole.data, whole.len, 1);
		need(same(&whole, &other));
		need(whole.len < 4 || memcmp(whole.data + whole.len - 4,
		    "\r\n\r\n", 4) != 0);
	}
	buf_free(&whole);
	buf_free(&other);
}

/* Every field, in one form and the other, whole and octet by octet. */
static void
header(const char *p, size_t n)
{
	struct dkim_field canon;
	struct dkim_fields f;
	struct buf names, a, b;
	struct dkim_text h;
	size_t i, k;

	if (dkim_fields_read(&f, p, n) == -1)
		return;
	buf_init(&names, 1 << 16);
	buf_init(&a, 1 << 22);
	buf_init(&b, 1 << 22);
	for (i = 0; i < f.n && i < 50; i++) {
		buf_reset(&a);
		dkim_field_init(&canon, (enum dkim_canon)(i & 1), keep, &a);
		dkim_field_feed(&canon, f.v[i].start, f.v[i].len);
		dkim_field_end(&canon, 1);
		buf_reset(&b);
		dkim_field_init(&canon, (enum dkim_canon)(i & 1), keep, &b);
		for (k = 0; k < f.v[i].len; k++)
			dkim_field_feed(&canon, f.v[i].start + k, 1);
		dkim_field_end(&canon, 1);
		need(same(&a, &b));
		need(a.len >= 2 && a.data[a.len - 1] == '\n');
	}
	if (dkim_fields_choose(&f, &names) == 0) {
		h.p = names.data;
		h.len = names.len;
		buf_reset(&a);
		need(dkim_fields_hash(&f, &h, DKIM_RELAXED, keep, &a) == 0);
		need(dkim_fields_count(&f, "From") == 0);
	}
	buf_free(&names);
	buf_free(&a);
	buf_free(&b);
	dkim_fields_free(&f);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
	const char *p = (const char *)data;
	struct crlf c = { 0 };
	size_t taken = n, nwire;
	char *wire;

	if (n == 0 || n > 100000 || (wire = malloc(2 * n + 2)) == NULL)
		return 0;
	nwire = crlf_to_wire(&c, p, &taken, wire, 2 * n + 2);
	lists(p, n);
	bodies(p, n, wire, nwire);
	header(p, n);
	free(wire);
	return 0;
}
