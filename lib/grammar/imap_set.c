/* SPDX-License-Identifier: ISC
 *
 * Sequence sets: an array of ranges, never of numbers, so that 1:4294967295
 * costs as much as 1.
 */
#include <stdlib.h>
#include <string.h>

#include "grammar/imap_set.h"

void
imap_set_init(struct imap_set *s)
{
	memset(s, 0, sizeof(*s));
}

void
imap_set_free(struct imap_set *s)
{
	free(s->r);
	imap_set_init(s);
}

static int
append_range(struct imap_set *s, uint32_t lo, uint32_t hi)
{
	struct imap_range *r;
	size_t cap;

	if (s->n == s->cap) {
		cap = s->cap == 0 ? 4 : s->cap * 2;
		if ((r = reallocarray(s->r, cap, sizeof(*r))) == NULL)
			return -1;
		s->r = r;
		s->cap = cap;
	}
	s->r[s->n].lo = lo;
	s->r[s->n].hi = hi;
	s->n++;
	return 0;
}

/* seq-number = nz-number / "*" */
static int
lex_seq_number(struct imap_lex *l, uint32_t *n, int star)
{
	if (star && imap_lex_char(l, '*')) {
		*n = 0;
		return 1;
	}
	return imap_lex_nz_number(l, n);
}

/* seq-last-command = "$" ; RFC 5182 section 3 */
static int
lex_last_command(struct imap_lex *l)
{
	if (l->p == l->end || *l->p != '$' || (l->p + 1 < l->end &&
	    imap_is_atom_char((unsigned char)l->p[1])))
		return 0;
	l->p++;
	return 1;
}

/* sequence-set = (seq-number / seq-range) ["," sequence-set]
 * sequence-set =/ seq-last-command		; so "1,$", but not "$,1" */
int
imap_lex_set(struct imap_lex *l, struct imap_set *s, int star)
{
	uint32_t lo, hi;
	int r, first = 1;

	if (star && lex_last_command(l)) {
		s->saved = 1;
		return 1;
	}
	do {
		if (star && !first && lex_last_command(l)) {
			s->saved = 1;
			return 1;
		}
		if ((r = lex_seq_number(l, &lo, star)) == -1)
			return -1;
		if (r == 0)
			return first ? 0 :
			    imap_lex_fail(l, "bad sequence set");
		first = 0;
		hi = lo;
		if (imap_lex_char(l, ':') &&
		    lex_seq_number(l, &hi, star) != 1)
			return imap_lex_fail(l, "bad sequence set");
		if (append_range(s, lo, hi) == -1)
			return imap_lex_fail(l, "out of memory");
	} while (imap_lex_char(l, ','));
	return 1;
}

static int
by_lo(const void *a, const void *b)
{
	const struct imap_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

void
imap_set_resolve(struct imap_set *s, uint32_t max)
{
	struct imap_range *r = s->r;
	uint32_t lo, hi;
	size_t i, n = 0;

	for (i = 0; i < s->n; i++) {
		lo = r[i].lo != 0 ? r[i].lo : max;
		hi = r[i].hi != 0 ? r[i].hi : max;
		if (lo == 0 || hi == 0)
			continue;
		s->to_end |= (r[i].lo == 0) != (r[i].hi == 0);
		r[n].lo = lo < hi ? lo : hi;
		r[n].hi = lo < hi ? hi : lo;
		n++;
	}
	if (n > 1)
		qsort(r, n, sizeof(*r), by_lo);
	s->n = n;
	for (i = 1, n = n > 0; i < s->n; i++) {
		if (r[i].lo <= r[n - 1].hi || r[i].lo - 1 == r[n - 1].hi) {
			if (r[i].hi > r[n - 1].hi)
				r[n - 1].hi = r[i].hi;
		} else
			r[n++] = r[i];
	}
	s->n = n;
}

int
imap_set_has(const struct imap_set *s, uint32_t x)
{
	size_t lo = 0, hi = s->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (x > s->r[mid].hi)
			lo = mid + 1;
		else if (x < s->r[mid].lo)
			hi = mid;
		else
			return 1;
	}
	return 0;
}

uint32_t
imap_set_max(const struct imap_set *s)
{
	return s->n == 0 ? 0 : s->r[s->n - 1].hi;
}

int
imap_set_add(struct imap_set *s, uint32_t x)
{
	return imap_set_add_range(s, x, x);
}

int
imap_set_add_range(struct imap_set *s, uint32_t lo, uint32_t hi)
{
	if (s->n > 0 && lo != 0 && s->r[s->n - 1].hi == lo - 1) {
		s->r[s->n - 1].hi = hi;
		return 0;
	}
	return append_range(s, lo, hi);
}

int
imap_set_write(struct buf *b, const struct imap_set *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		buf_addf(b, "%s%u", i == 0 ? "" : ",", s->r[i].lo);
		if (s->r[i].hi != s->r[i].lo)
			buf_addf(b, ":%u", s->r[i].hi);
	}
	return buf_failed(b) ? -1 : 0;
}
