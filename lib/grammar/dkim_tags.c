/* SPDX-License-Identifier: ISC
 *
 * Tag lists of DKIM: RFC 6376, sections 3.2, 3.5 and 3.6.1.  It must never
 * take a list for good of which a strict reader would see another one: what
 * is malformed anywhere is so as a whole.
 */
#include <string.h>

#include "bytes/base64.h"
#include "grammar/chars.h"
#include "grammar/dkim_tags.h"

const char *
dkim_algorithm_name(enum dkim_algorithm algorithm)
{
	return algorithm == DKIM_RSA_SHA256 ? "rsa-sha256" :
	    "ed25519-sha256";
}

const char *
dkim_key_name(enum dkim_algorithm algorithm)
{
	return algorithm == DKIM_RSA_SHA256 ? "rsa" : "ed25519";
}

const char *
dkim_fault_text(enum dkim_fault fault)
{
	switch (fault) {
	case DKIM_GOOD:
		break;
	case DKIM_MALFORMED:
		return "malformed";
	case DKIM_VERSION:
		return "another version";
	case DKIM_ALGORITHM:
		return "an algorithm that is not used";
	case DKIM_CANON:
		return "an unknown canonicalisation";
	case DKIM_DOMAIN:
		return "a domain that it may not have";
	case DKIM_NO_FROM:
		return "From is not signed";
	case DKIM_QUERY:
		return "no query by DNS";
	case DKIM_REVOKED:
		return "the key is revoked";
	case DKIM_OTHER_KEY:
		return "a key for something else";
	case DKIM_MEMORY:
		return "out of memory";
	}
	return "good";
}

/* ---- lists ---- */

/* FWS, and what comes of it when a header was cut out of a message with other
 * line ends: a lone LF. */
static int
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
trim(struct dkim_text *t)
{
	while (t->len > 0 && is_space(*t->p)) {
		t->p++;
		t->len--;
	}
	while (t->len > 0 && is_space(t->p[t->len - 1]))
		t->len--;
}

/*
 * tag-value = [ tval *( 1*(WSP / FWS) tval ) ]
 * tval      = 1*VALCHAR		; printable, without ";"
 *
 * NOTE: octets above 127 are let through, as the note of section 3.2 asks of
 * who looks ahead: an unknown tag may hold them.
 */
static int
is_value(const struct dkim_text *t)
{
	size_t i;

	for (i = 0; i < t->len; i++)
		if (!is_space(t->p[i]) && ((unsigned char)t->p[i] < 0x21 ||
		    t->p[i] == 0x7f))
			return 0;
	return 1;
}

/*
 * tag-spec = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
 * tag-name = ALPHA *( ALPHA / DIGIT / "_" )
 */
int
dkim_tag_next(const char **p, const char *end, struct dkim_tag *tag)
{
	const char *s = *p, *stop;

	while (s < end && is_space(*s))
		s++;
	if (s == end)
		return 0;
	if ((stop = memchr(s, ';', (size_t)(end - s))) == NULL)
		stop = end;
	tag->name.p = s;
	while (s < stop && (char_is(*s, CHAR_ALNUM) || *s == '_'))
		s++;
	tag->name.len = (size_t)(s - tag->name.p);
	if (tag->name.len == 0 || !char_is(*tag->name.p, CHAR_ALPHA))
		return -1;
	while (s < stop && is_space(*s))
		s++;
	if (s == stop || *s != '=')
		return -1;
	tag->value.p = s + 1;
	tag->value.len = (size_t)(stop - tag->value.p);
	trim(&tag->value);
	if (!is_value(&tag->value))
		return -1;
	*p = stop == end ? end : stop + 1;
	return 1;
}

static int
same_name(const struct dkim_text *a, const struct dkim_text *b)
{
	return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

/* tag-list = tag-spec *( ";" tag-spec ) [ ";" ] */
size_t
dkim_tags(struct dkim_tag tags[DKIM_TAGS_MAX], const char *s, size_t len)
{
	const char *end = s + len;
	struct dkim_tag tag;
	size_t n = 0, i;
	int got;

	if (len > DKIM_LIST_MAX)
		return 0;
	while ((got = dkim_tag_next(&s, end, &tag)) == 1) {
		if (n == DKIM_TAGS_MAX)
			return 0;
		for (i = 0; i < n; i++)
			if (same_name(&tags[i].name, &tag.name))
				return 0;
		tags[n++] = tag;
	}
	return got == 0 ? n : 0;
}

const struct dkim_text *
dkim_tags_find(const struct dkim_tag *tags, size_t n, const char *name)
{
	const struct dkim_text want = { name, strlen(name) };
	size_t i;

	for (i = 0; i < n; i++)
		if (same_name(&tags[i].name, &want))
			return &tags[i].value;
	return NULL;
}

int
dkim_word(struct dkim_text *t, struct dkim_text *word)
{
	const char *colon;

	if (t->p == NULL)
		return 0;
	*word = *t;
	if ((colon = memchr(t->p, ':', t->len)) == NULL)
		t->p = NULL;
	else {
		word->len = (size_t)(colon - t->p);
		t->p = colon + 1;
		t->len -= word->len + 1;
	}
	trim(word);
	return 1;
}

int
dkim_has_word(const struct dkim_text *list, const char *want)
{
	struct dkim_text t = *list, word;

	while (dkim_word(&t, &word))
		if (chars_is(word.p, word.len, want))
			return 1;
	return 0;
}

int
dkim_base64(struct buf *b, const struct dkim_text *t)
{
	struct buf packed;
	size_t i;
	int r;

	buf_init(&packed, DKIM_LIST_MAX);
	for (i = 0; i < t->len; i++)
		if (!is_space(t->p[i]))
			(void)buf_addc(&packed, t->p[i]);
	r = buf_failed(&packed) ? -1 :
	    base64_decode(b, packed.len == 0 ? "" : packed.data, packed.len);
	buf_free(&packed);
	return r;
}

/* sub-domain *( "." sub-domain ) */
static int
is_name(const char *s, size_t n, unsigned least)
{
	unsigned labels = 1;
	size_t i, label = 0;

	if (n == 0 || n >= DKIM_NAME_MAX)
		return 0;
	for (i = 0; i < n; i++) {
		if (s[i] != '.') {
			if (!char_is(s[i], CHAR_LABEL) || ++label > 63)
				return 0;
			continue;
		}
		if (label == 0)
			return 0;
		label = 0;
		labels++;
	}
	return label > 0 && labels >= least;
}

int
dkim_is_domain(const char *s, size_t n)
{
	return is_name(s, n, 2);
}

int
dkim_is_selector(const char *s, size_t n)
{
	return is_name(s, n, 1);
}

/* ---- a signature ---- */

/* 1*12DIGIT (of l=: 1*76DIGIT): 0, or -1.  What is longer than most digits is
 * as good as infinite. */
static int
take_number(const struct dkim_text *t, size_t most, uint64_t infinite,
    uint64_t *to)
{
	uint64_t v = 0;
	size_t i;

	if (t->len == 0 || t->len > 76)
		return -1;
	for (i = 0; i < t->len; i++) {
		if (!char_is(t->p[i], CHAR_DIGIT))
			return -1;
		if (i < most)
			v = v * 10 + (uint64_t)(t->p[i] - '0');
	}
	*to = t->len > most ? infinite : v;
	return 0;
}

static int
take_time(const struct dkim_text *t, int64_t *to)
{
	uint64_t v;

	*to = -1;
	if (t == NULL)
		return 0;
	if (take_number(t, 12, INT64_MAX, &v) == -1)
		return -1;
	*to = (int64_t)v;
	return 0;
}

static int
take_canon_word(const char *p, size_t n, enum dkim_canon *to)
{
	*to = DKIM_SIMPLE;
	if (chars_is(p, n, "simple"))
		return 0;
	*to = DKIM_RELAXED;
	return chars_is(p, n, "relaxed") ? 0 : -1;
}

/* sig-c-tag-alg [ "/" sig-c-tag-alg ] */
static int
take_canon(const struct dkim_text *t, struct dkim_signature *s)
{
	const char *slash;
	size_t n;

	s->header = s->body = DKIM_SIMPLE;
	if (t == NULL)
		return 0;
	slash = memchr(t->p, '/', t->len);
	n = slash == NULL ? t->len : (size_t)(slash - t->p);
	if (take_canon_word(t->p, n, &s->header) == -1)
		return -1;
	return slash == NULL ? 0 :
	    take_canon_word(slash + 1, t->len - n - 1, &s->body);
}

/* i= = [ Local-part ] "@" domain-name, that of d= or one below it */
static int
is_identity(const struct dkim_text *i, const struct dkim_text *d)
{
	const char *at = i->p + i->len;
	size_t n;

	while (at > i->p && at[-1] != '@')
		at--;
	if (at == i->p)
		return 0;
	n = (size_t)(i->p + i->len - at);
	if (n < d->len || !chars_equal(at + n - d->len, d->len, d->p, d->len))
		return 0;
	return n == d->len || at[n - d->len - 1] == '.';
}

static enum dkim_fault
take_hashes(struct dkim_signature *s, const struct dkim_text *b,
    const struct dkim_text *bh)
{
	enum dkim_fault fault = DKIM_MALFORMED;
	struct buf raw;
	int r;

	buf_init(&raw, sizeof(s->data));
	if ((r = dkim_base64(&raw, bh)) == 1 && raw.len == DKIM_HASH) {
		memcpy(s->body_hash, raw.data, raw.len);
		buf_reset(&raw);
		if ((r = dkim_base64(&raw, b)) == 1 && raw.len > 0) {
			memcpy(s->data, raw.data, raw.len);
			s->ndata = raw.len;
			fault = DKIM_GOOD;
		}
	}
	buf_free(&raw);
	return fault;
}

/* From "=" to ";": the white space on both sides goes too (section 3.7). */
static struct dkim_text
find_hole(const struct dkim_text *b, const char *begin, const char *end)
{
	struct dkim_text hole = *b;

	while (hole.p > begin && hole.p[-1] != '=') {
		hole.p--;
		hole.len++;
	}
	while (hole.p + hole.len < end && hole.p[hole.len] != ';')
		hole.len++;
	return hole;
}

static enum dkim_fault
take_names(struct dkim_signature *s, const struct dkim_tag *tags, size_t n)
{
	const struct dkim_text *d = dkim_tags_find(tags, n, "d");
	const struct dkim_text *sel = dkim_tags_find(tags, n, "s");
	const struct dkim_text *h = dkim_tags_find(tags, n, "h");
	const struct dkim_text *i = dkim_tags_find(tags, n, "i");

	if (d == NULL || sel == NULL || h == NULL)
		return DKIM_MALFORMED;
	if (!dkim_is_domain(d->p, d->len) ||
	    !dkim_is_selector(sel->p, sel->len) ||
	    (i != NULL && !is_identity(i, d)))
		return DKIM_DOMAIN;
	s->domain = *d;
	s->selector = *sel;
	s->fields = *h;
	if (i != NULL)
		s->identity = *i;
	return dkim_has_word(h, "from") ? DKIM_GOOD : DKIM_NO_FROM;
}

static enum dkim_fault
take_numbers(struct dkim_signature *s, const struct dkim_tag *tags, size_t n)
{
	const struct dkim_text *l = dkim_tags_find(tags, n, "l");

	s->length = UINT64_MAX;
	if (take_time(dkim_tags_find(tags, n, "t"), &s->time) == -1 ||
	    take_time(dkim_tags_find(tags, n, "x"), &s->expires) == -1 ||
	    (s->expires != -1 && s->time != -1 && s->expires <= s->time) ||
	    (l != NULL && take_number(l, 18, UINT64_MAX, &s->length) == -1))
		return DKIM_MALFORMED;
	return DKIM_GOOD;
}

enum dkim_fault
dkim_signature_parse(struct dkim_signature *s, const char *text, size_t len)
{
	struct dkim_tag tags[DKIM_TAGS_MAX];
	const struct dkim_text *v, *a, *q, *b, *bh;
	size_t n = dkim_tags(tags, text, len);
	enum dkim_fault fault;

	memset(s, 0, sizeof(*s));
	v = dkim_tags_find(tags, n, "v");
	a = dkim_tags_find(tags, n, "a");
	q = dkim_tags_find(tags, n, "q");
	b = dkim_tags_find(tags, n, "b");
	bh = dkim_tags_find(tags, n, "bh");
	if (v == NULL || a == NULL || b == NULL || bh == NULL)
		return DKIM_MALFORMED;
	if (v->len != 1 || *v->p != '1')
		return DKIM_VERSION;
	if (chars_is(a->p, a->len, "ed25519-sha256"))
		s->algorithm = DKIM_ED25519_SHA256;
	else if (!chars_is(a->p, a->len, "rsa-sha256"))
		return DKIM_ALGORITHM;
	if (take_canon(dkim_tags_find(tags, n, "c"), s) == -1)
		return DKIM_CANON;
	if (q != NULL && !dkim_has_word(q, "dns/txt"))
		return DKIM_QUERY;
	if ((fault = take_names(s, tags, n)) != DKIM_GOOD ||
	    (fault = take_numbers(s, tags, n)) != DKIM_GOOD)
		return fault;
	s->hole = find_hole(b, text, text + len);
	return take_hashes(s, b, bh);
}

/* ---- a key's record ---- */

enum dkim_fault
dkim_record_parse(struct dkim_record *r, const char *text, size_t len)
{
	struct dkim_tag tags[DKIM_TAGS_MAX];
	const struct dkim_text *v, *k, *h, *s, *t, *p;
	size_t n = dkim_tags(tags, text, len);

	memset(r, 0, sizeof(*r));
	v = dkim_tags_find(tags, n, "v");
	k = dkim_tags_find(tags, n, "k");
	h = dkim_tags_find(tags, n, "h");
	s = dkim_tags_find(tags, n, "s");
	t = dkim_tags_find(tags, n, "t");
	p = dkim_tags_find(tags, n, "p");
	if (p == NULL)
		return DKIM_MALFORMED;
	if (v != NULL && (v != &tags[0].value || v->len != 5 ||
	    memcmp(v->p, "DKIM1", 5) != 0))
		return DKIM_VERSION;
	if (k != NULL && chars_is(k->p, k->len, "ed25519"))
		r->algorithm = DKIM_ED25519_SHA256;
	else if (k != NULL && !chars_is(k->p, k->len, "rsa"))
		return DKIM_OTHER_KEY;
	if ((h != NULL && !dkim_has_word(h, "sha256")) || (s != NULL &&
	    !dkim_has_word(s, "email") && !dkim_has_word(s, "*")))
		return DKIM_OTHER_KEY;
	if (p->len == 0)
		return DKIM_REVOKED;
	r->testing = t != NULL && dkim_has_word(t, "y");
	r->strict = t != NULL && dkim_has_word(t, "s");
	r->key = *p;
	return DKIM_GOOD;
}
