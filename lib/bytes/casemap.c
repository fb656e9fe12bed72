/* SPDX-License-Identifier: ISC
 *
 * See bytes/casemap.h.  The table is read in its packed form, from the mark
 * before the character that is wanted; what was found last is remembered.
 */
#include <stdbool.h>
#include <string.h>

#include "bytes/casemap.h"
#include "bytes/utf8.h"

enum {
	ROWS_EACH = 32,		/* between two marks */
	MARKS = 160,
	KEPT = 512		/* characters remembered, by their low bits */
};

/* A place in the table: the row that begins at p counts from base. */
struct mark {
	const char	*p;
	uint32_t	 base, first;
};

static struct mark marks[MARKS];
static size_t nmarks;

static struct {
	uint32_t	c;
	unsigned char	n;
	char		out[7];
} kept[KEPT];

static uint32_t
number(const char **p)
{
	uint32_t v = 0;
	unsigned shift;
	char c;

	for (shift = 0; shift < 30; shift += 5) {
		c = *(*p)++;
		if (c >= 'A' && c <= 'Z')
			return v | (uint32_t)(c - 'A') << shift;
		if (c >= 'a' && c <= 'f')
			return v | (uint32_t)(c - 'a' + 26) << shift;
		if (c >= 'g' && c <= 'z')
			v |= (uint32_t)(c - 'g') << shift;
		else if (c >= '0' && c <= '9')
			v |= (uint32_t)(c - '0' + 20) << shift;
		else
			v |= (uint32_t)(c == '+' ? 30 : 31) << shift;
	}
	return v;
}

/* base changed by a difference. */
static uint32_t
changed(const char **p, uint32_t base)
{
	uint32_t v = number(p);

	return v & 1 ? base - (v + 1) / 2 : base + v / 2;
}

struct row {
	uint32_t	first, last;	/* characters */
	uint32_t	step;
	uint32_t	n;		/* 1: delta; else characters at text */
	uint32_t	delta;		/* to be added, mod 2^32 */
	const char	*text;
};

/* Take the row at *p, which counts from base. */
static void
take_row(const char **p, uint32_t base, struct row *r)
{
	uint32_t count = 1, i;

	r->first = base + number(p);
	r->step = 1;
	r->n = number(p);
	if (r->n == 0) {
		count = number(p);
		r->step = number(p);
		r->n = 1;
	}
	r->last = r->first + (count - 1) * r->step;
	r->text = *p;
	if (r->n == 1) {
		r->delta = changed(p, 0);
		return;
	}
	for (i = 0; i < r->n; i++)
		(void)number(p);
}

static void
make_marks(void)
{
	const char *p = casemap_data, *start;
	uint32_t base = 0;
	struct row r;
	size_t i;

	for (i = 0; *p != '\0' && nmarks < MARKS; i++, base = r.last) {
		start = p;
		take_row(&p, base, &r);
		if (i % ROWS_EACH == 0)
			marks[nmarks++] = (struct mark){ start, base,
			    r.first };
	}
}

static bool
find(uint32_t c, struct row *r)
{
	size_t low = 0, high, mid, i;
	uint32_t base;
	const char *p;

	if (nmarks == 0)
		make_marks();
	high = nmarks;
	while (high - low > 1) {
		mid = low + (high - low) / 2;
		if (marks[mid].first <= c)
			low = mid;
		else
			high = mid;
	}
	p = marks[low].p;
	base = marks[low].base;
	for (i = 0; i < ROWS_EACH && *p != '\0'; i++, base = r->last) {
		take_row(&p, base, r);
		if (c <= r->last)
			return c >= r->first &&
			    (c - r->first) % r->step == 0;
	}
	return false;
}

static size_t
look_up(char out[CASEMAP_MAX], uint32_t c)
{
	const char *p;
	struct row r;
	uint32_t i;
	size_t n;

	if (!find(c, &r))
		return utf8_put(out, c);
	if (r.n == 1)
		return utf8_put(out, c + r.delta);
	p = r.text;
	n = utf8_put(out, number(&p));
	for (i = 1; i < r.n && n + 4 <= CASEMAP_MAX; i++)
		n += utf8_put(out + n, changed(&p, 0x308));
	return n;
}

/* Ideographs and Hangul syllables are all of one case, and have no
 * decomposition property of their own. */
static bool
is_plain(uint32_t c)
{
	return (c >= 0x3400 && c <= 0xa63f) || (c >= 0xac00 && c <= 0xd7a3);
}

size_t
casemap_char(char out[CASEMAP_MAX], uint32_t c)
{
	size_t n;

	if (c < 0x80) {
		*out = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
		return 1;
	}
	if (is_plain(c))
		return utf8_put(out, c);
	if (kept[c % KEPT].c == c) {
		memcpy(out, kept[c % KEPT].out, kept[c % KEPT].n);
		return kept[c % KEPT].n;
	}
	n = look_up(out, c);
	if (n <= sizeof(kept[0].out)) {
		kept[c % KEPT].c = c;
		kept[c % KEPT].n = (unsigned char)n;
		memcpy(kept[c % KEPT].out, out, n);
	}
	return n;
}

int
casemap_add(struct buf *b, const char *s, size_t n)
{
	const char *end = n > 0 ? s + n : s;
	char out[CASEMAP_MAX];
	int valid = 1;
	uint32_t c;
	size_t k;

	while (s < end) {
		if ((unsigned char)*s < 0x80) {
			buf_addc(b, *s >= 'a' && *s <= 'z' ? (char)(*s - 32) :
			    *s);
			s++;
		} else if ((k = utf8_next(s, end, &c)) > 0) {
			buf_add(b, out, casemap_char(out, c));
			s += k;
		} else {
			buf_addc(b, *s++);
			valid = 0;
		}
	}
	return buf_failed(b) ? -1 : valid;
}
