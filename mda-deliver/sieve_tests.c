/* SPDX-License-Identifier: ISC
 *
 * The tests of the base language that look at a message: header, exists, size
 * (RFC 5228, section 5).  Those of addresses are in sieve_address.c.
 */
#include <stdio.h>
#include <string.h>

#include "bytes/crlf.h"
#include "bytes/utf8.h"
#include "grammar/mime_words.h"
#include "sieve_address.h"
#include "sieve_fields.h"

/* ---- header ---- */

struct header_test {
	struct sieve_matching	 m;
	struct buf		 plain, decoded, valid;
	char			 what[SIEVE_WHAT];
};

static int
check_header(struct sieve_call *c, const char **why)
{
	if (sieve_fields_check(c, why) == -1)
		return -1;
	return sieve_match_check(c, 1, why);
}

/* What is no UTF-8 becomes U+FFFD, one for all that stand together: what a
 * match takes from a value may get into a name. */
static int
make_valid(struct buf *to, const char *s, size_t n)
{
	const char *end = s + n;
	bool bad = false;
	uint32_t c;
	size_t k;

	for (; s < end; s += k) {
		if ((k = utf8_next(s, end, &c)) > 0)
			buf_add(to, s, k);
		else {
			k = 1;
			if (!bad)
				buf_adds(to, "\xef\xbf\xbd");
			bad = true;
			continue;
		}
		bad = false;
	}
	return buf_failed(to) ? -1 : 0;
}

/* The value unfolded, its encoded words in UTF-8 (RFC 5228, section 2.7.2), in
 * one of the buffers; NULL: no memory. */
static struct buf *
value_of(struct header_test *t, const struct header_field *f)
{
	struct buf *value = &t->plain;

	buf_reset(&t->plain);
	buf_reset(&t->decoded);
	buf_reset(&t->valid);
	/* An octet may become three. */
	t->plain.max = f->value_len + 1;
	t->decoded.max = 4 * f->value_len + 16;
	t->valid.max = 3 * t->decoded.max;
	if (header_unfold(&t->plain, f) == -1)
		return NULL;
	if (t->plain.len > 0 && memmem(t->plain.data, t->plain.len, "=?",
	    2) != NULL) {
		value = &t->decoded;
		if (mime_words_decode(value, t->plain.data, t->plain.len) ==
		    -1)
			return NULL;
	}
	if (value->len == 0 || utf8_valid(value->data, value->len))
		return value;
	return make_valid(&t->valid, value->data, value->len) == -1 ? NULL :
	    &t->valid;
}

static int
match_header(void *arg, const char *name, const struct header_field *f)
{
	struct header_test *t = arg;
	const struct buf *value = value_of(t, f);

	if (value == NULL)
		return sieve_nomem(t->m.run);
	if (t->m.run->watch != NULL)
		snprintf(t->what, sizeof(t->what), "header \"%.60s\"", name);
	return sieve_match_value(&t->m, value->data, value->len);
}

static int
run_header(struct sieve_run *run, const struct sieve_call *c)
{
	struct header_test t;
	int r;

	sieve_match_begin(&t.m, run, c, c->arg[1]);
	buf_init(&t.plain, 0);
	buf_init(&t.decoded, 0);
	buf_init(&t.valid, 0);
	t.m.what = sieve_what(t.what, "header", c->arg[0]);
	(void)sieve_fields(run, c, c->arg[0], match_header, &t);
	if (!t.m.matched)
		sieve_what(t.what, "header", c->arg[0]);
	r = sieve_match_end(&t.m);
	buf_free(&t.plain);
	buf_free(&t.decoded);
	buf_free(&t.valid);
	return r;
}

/* ---- exists ---- */

static int
run_exists(struct sieve_run *run, const struct sieve_call *c)
{
	const struct sieve_arg *names = c->arg[0];
	char shown[SIEVE_SHOWN];
	struct header_field f;
	const char *text, *name;
	struct buf b;
	size_t i, n;
	int r = 1;

	text = sieve_header_text(run, &n);
	buf_init(&b, SIEVE_VALUE_MAX);
	for (i = 0; i < names->n && r == 1; i++) {
		if (sieve_work(run, n) == -1 ||
		    sieve_expand(run, &names->strings[i], &b) == -1 ||
		    (name = buf_str(&b)) == NULL) {
			r = -1;
			break;
		}
		r = strlen(name) == b.len && header_find(text, n, name, &f);
		if (run->watch != NULL)
			sieve_say(run, "exists \"%s\": %s", sieve_shown(shown,
			    name, b.len), r ? "yes" : "no");
	}
	buf_free(&b);
	return r;
}

/* ---- size ---- */

static const struct sieve_tag size_rows[] = {
	{ "over", NULL, 0, 1 },
	{ "under", NULL, 0, 1 },
};

static const struct sieve_tags size_tags = {
	size_rows, sizeof(size_rows) / sizeof(size_rows[0])
};

static int
check_size(struct sieve_call *c, const char **why)
{
	*why = "it takes \":over\" or \":under\"";
	return sieve_tag(c, "over", NULL) || sieve_tag(c, "under", NULL) ? 0 :
	    -1;
}

/* As it came: with the line ends of the wire. */
static uint64_t
wire_size(struct sieve_run *run)
{
	struct crlf crlf = { 0 };

	if (run->wire_size == 0)
		run->wire_size = run->mail->size + crlf_wire_extra(&crlf,
		    run->mail->text, run->mail->size);
	return run->wire_size;
}

static int
run_size(struct sieve_run *run, const struct sieve_call *c)
{
	uint64_t size = wire_size(run), limit = c->arg[0]->number;
	bool over = sieve_tag(c, "over", NULL);
	int r = over ? size > limit : size < limit;

	sieve_say(run, "size %llu :%s %llu: %s", (unsigned long long)size,
	    over ? "over" : "under", (unsigned long long)limit,
	    r ? "yes" : "no");
	return r;
}

const struct sieve_word sieve_test_words[] = {
	{ "address", NULL, SIEVE_TEST, "SS", { &sieve_match_tags,
	    &sieve_part_tags, &sieve_index_tags }, sieve_address_check,
	    sieve_address_run },
	{ "envelope", "envelope", SIEVE_TEST, "SS", { &sieve_match_tags,
	    &sieve_part_tags }, sieve_envelope_check, sieve_envelope_run },
	{ "exists", NULL, SIEVE_TEST, "S", { NULL }, NULL, run_exists },
	{ "header", NULL, SIEVE_TEST, "SS", { &sieve_match_tags,
	    &sieve_index_tags }, check_header, run_header },
	{ "size", NULL, SIEVE_TEST, "n", { &size_tags }, check_size,
	    run_size },
	{ NULL }
};
