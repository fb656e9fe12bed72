/* SPDX-License-Identifier: ISC
 *
 * Comparators (RFC 4790, section 9; bytes/casemap.h): what is equal, less, or
 * in another text.  It must never be asked for what a comparator has not; that
 * is checked when a script is compiled.
 */
#include <string.h>

#include "bytes/casefind.h"
#include "bytes/casemap.h"
#include "grammar/chars.h"
#include "sieve_match.h"

/* Longer needles are looked for in another way, whose time does not grow with
 * them. */
#define NEEDLE_SHORT	32

static const char *const comparators[] = {
	[SIEVE_ASCII_CASEMAP] = "i;ascii-casemap",
	[SIEVE_OCTET] = "i;octet",
	[SIEVE_ASCII_NUMERIC] = "i;ascii-numeric",
	[SIEVE_UNICODE_CASEMAP] = "i;unicode-casemap",
};

static const char *const relations[] = {
	[SIEVE_GT] = "gt", [SIEVE_GE] = "ge", [SIEVE_LT] = "lt",
	[SIEVE_LE] = "le", [SIEVE_EQ] = "eq", [SIEVE_NE] = "ne",
};

int
sieve_comparator_find(const struct sieve_string *s, enum sieve_comparator *c)
{
	size_t i;

	for (i = 0; i < sizeof(comparators) / sizeof(comparators[0]); i++)
		if (chars_is(s->text, s->len, comparators[i])) {
			*c = (enum sieve_comparator)i;
			return 0;
		}
	return -1;
}

int
sieve_relation_find(const struct sieve_string *s, enum sieve_relation *r)
{
	size_t i;

	for (i = 0; i < sizeof(relations) / sizeof(relations[0]); i++)
		if (chars_is(s->text, s->len, relations[i])) {
			*r = (enum sieve_relation)i;
			return 0;
		}
	return -1;
}

const char *
sieve_relation_name(enum sieve_relation r)
{
	return relations[r];
}

/* ---- texts as comparators see them ---- */

static int
map(struct buf *b, enum sieve_comparator c, const char *s, size_t n)
{
	if (c == SIEVE_UNICODE_CASEMAP)
		return casemap_add(b, s, n) == -1 ? -1 : 0;
	return chars_add_lower(b, s, n);
}

int
sieve_key_map(struct sieve_key *k, const struct sieve_match *how)
{
	if (how->comparator != SIEVE_UNICODE_CASEMAP &&
	    (how->kind != SIEVE_CONTAINS ||
	    how->comparator != SIEVE_ASCII_CASEMAP))
		return 0;
	k->mapped.max = CASEMAP_MAX * (k->len + 1);
	return map(&k->mapped, how->comparator, k->text, k->len);
}

static int
map_value(struct sieve_value *v, enum sieve_comparator c)
{
	if (v->is_mapped)
		return 0;
	buf_reset(v->mapped);
	v->mapped->max = CASEMAP_MAX * (v->len + 1);
	v->is_mapped = true;
	return map(v->mapped, c, v->text, v->len);
}

/* ---- equal and in order ---- */

static int
sign(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int
order_octets(const char *a, size_t na, const char *b, size_t nb)
{
	size_t n = na < nb ? na : nb;
	int r = n == 0 ? 0 : memcmp(a, b, n);

	return r != 0 ? r : sign(na, nb);
}

static int
upper(char c)
{
	return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : (unsigned char)c;
}

static int
order_ascii(const char *a, size_t na, const char *b, size_t nb)
{
	size_t i;

	for (i = 0; i < na && i < nb; i++)
		if (upper(a[i]) != upper(b[i]))
			return upper(a[i]) - upper(b[i]);
	return sign(na, nb);
}

/* The digits that a text begins with, without zeroes before them; false when
 * there are none: it is larger than any number. */
static bool
digits(const char **s, size_t *n)
{
	const char *p = *s, *end = p + *n, *first;

	if (p == end || !char_is(*p, CHAR_DIGIT))
		return false;
	while (p < end && *p == '0')
		p++;
	for (first = p; p < end && char_is(*p, CHAR_DIGIT); p++)
		;
	*s = first;
	*n = (size_t)(p - first);
	return true;
}

static int
order_numbers(const char *a, size_t na, const char *b, size_t nb)
{
	bool is_a = digits(&a, &na), is_b = digits(&b, &nb);

	if (!is_a || !is_b)
		return is_b - is_a;
	return na != nb ? sign(na, nb) : order_octets(a, na, b, nb);
}

static int
order(enum sieve_comparator c, struct sieve_value *v, const struct sieve_key *k)
{
	switch (c) {
	case SIEVE_ASCII_CASEMAP:
		return order_ascii(v->text, v->len, k->text, k->len);
	case SIEVE_OCTET:
		return order_octets(v->text, v->len, k->text, k->len);
	case SIEVE_ASCII_NUMERIC:
		return order_numbers(v->text, v->len, k->text, k->len);
	case SIEVE_UNICODE_CASEMAP:
		break;
	}
	return order_octets(v->mapped->data, v->mapped->len, k->mapped.data,
	    k->mapped.len);
}

static bool
has_relation(enum sieve_relation r, int found)
{
	switch (r) {
	case SIEVE_GT:
		return found > 0;
	case SIEVE_GE:
		return found >= 0;
	case SIEVE_LT:
		return found < 0;
	case SIEVE_LE:
		return found <= 0;
	case SIEVE_EQ:
		return found == 0;
	case SIEVE_NE:
		break;
	}
	return found != 0;
}

/* ---- in another text ---- */

static bool
is_in(const char *s, size_t n, const char *needle, size_t k)
{
	return k == 0 || (k <= n && memmem(s, n, needle, k) != NULL);
}

static int
contains_ascii(struct sieve_value *v, const struct sieve_key *k)
{
	struct casefind f;

	if (k->len == 0 || k->len > v->len)
		return k->len == 0;
	if (k->len <= NEEDLE_SHORT && chars_ascii(k->mapped.data,
	    k->mapped.len)) {
		casefind_init(&f, k->mapped.data, k->mapped.len);
		return casefind(&f, v->text, v->len);
	}
	if (map_value(v, SIEVE_ASCII_CASEMAP) == -1)
		return -1;
	return is_in(v->mapped->data, v->mapped->len, k->mapped.data, k->len);
}

static int
contains(enum sieve_comparator c, struct sieve_value *v,
    const struct sieve_key *k)
{
	if (c == SIEVE_ASCII_CASEMAP)
		return contains_ascii(v, k);
	if (c == SIEVE_UNICODE_CASEMAP)
		return is_in(v->mapped->data, v->mapped->len, k->mapped.data,
		    k->mapped.len);
	return is_in(v->text, v->len, k->text, k->len);
}

int
sieve_compare(const struct sieve_match *how, struct sieve_value *v,
    const struct sieve_key *k)
{
	if (how->comparator == SIEVE_UNICODE_CASEMAP &&
	    map_value(v, how->comparator) == -1)
		return -1;
	switch (how->kind) {
	case SIEVE_CONTAINS:
		return contains(how->comparator, v, k);
	case SIEVE_VALUE:
	case SIEVE_COUNT:
		return has_relation(how->relation, order(how->comparator, v,
		    k));
	case SIEVE_IS:
	case SIEVE_MATCHES:
	case SIEVE_REGEX:
		break;
	}
	return order(how->comparator, v, k) == 0;
}
