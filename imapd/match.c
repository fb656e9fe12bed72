/* SPDX-License-Identifier: ISC
 *
 * Folding and finding, by i;unicode-casemap (RFC 5255, section 4.3); octets
 * that are not UTF-8 match themselves.
 */
#include <stdint.h>
#include <string.h>

#include "bytes/casemap.h"
#include "bytes/utf8.h"
#include "match.h"

enum { NEEDLE_MAX = 4 << 20, PIECE = 32768 };

/* Fold what is whole; how many octets of s were taken (all but the beginning
 * of a character at the end). */
static size_t
fold_to(struct buf *b, const char *s, size_t n)
{
	const char *p = s, *end = s + n;
	char out[CASEMAP_MAX];
	uint32_t c;
	size_t k;

	while (p < end) {
		if ((unsigned char)*p < 0x80) {
			buf_addc(b, *p >= 'a' && *p <= 'z' ?
			    (char)(*p - 32) : *p);
			p++;
		} else if ((k = utf8_next(p, end, &c)) > 0) {
			buf_add(b, out, casemap_char(out, c));
			p += k;
		} else if (end - p < 4 && (unsigned char)*p >= 0xc0)
			break;		/* maybe cut here */
		else
			buf_addc(b, *p++);
	}
	return (size_t)(p - s);
}

int
match_init(struct match *m, const char *s, size_t n)
{
	size_t taken;

	memset(m, 0, sizeof(*m));
	buf_init(&m->needle, NEEDLE_MAX);
	taken = fold_to(&m->needle, s, n);
	buf_add(&m->needle, s + taken, n - taken);
	buf_init(&m->window, NEEDLE_MAX + 12 * PIECE);
	match_reset(m);
	return buf_failed(&m->needle) ? -1 : 0;
}

void
match_free(struct match *m)
{
	buf_free(&m->needle);
	buf_free(&m->window);
}

void
match_reset(struct match *m)
{
	buf_reset(&m->window);
	m->ncut = 0;
	m->found = m->needle.len == 0;
}

static void
feed_piece(struct match *m, const char *s, size_t n)
{
	size_t keep = m->needle.len - 1, taken;

	taken = fold_to(&m->window, s, n);
	m->ncut = n - taken;
	memcpy(m->cut, s + taken, m->ncut);
	if (m->window.len >= m->needle.len && memmem(m->window.data,
	    m->window.len, m->needle.data, m->needle.len) != NULL)
		m->found = true;
	if (m->window.len > keep)
		buf_consume(&m->window, m->window.len - keep);
}

bool
match_feed(struct match *m, const char *s, size_t n)
{
	char joined[sizeof(m->cut) + 4];
	size_t k;

	while (n > 0 && !m->found) {
		if (m->ncut > 0) {
			/* Finish the cut character with a few octets more. */
			k = n < 4 ? n : 4;
			memcpy(joined, m->cut, m->ncut);
			memcpy(joined + m->ncut, s, k);
			feed_piece(m, joined, m->ncut + k);
		} else {
			k = n < PIECE ? n : PIECE;
			feed_piece(m, s, k);
		}
		s += k;
		n -= k;
	}
	return m->found;
}
