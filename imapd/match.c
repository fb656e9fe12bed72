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

/* The run of US-ASCII at p: its length. */
static size_t
fold_ascii(struct buf *b, const char *p, const char *end)
{
	const char *start = p;
	size_t n, i;
	char *to;

	while (p < end && (unsigned char)*p < 0x80)
		p++;
	n = (size_t)(p - start);
	if ((to = buf_reserve(b, n)) == NULL)
		return n;
	for (i = 0; i < n; i++)
		to[i] = (char)(start[i] - (start[i] >= 'a' &&
		    start[i] <= 'z' ? 32 : 0));
	buf_commit(b, n);
	return n;
}

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
		if ((unsigned char)*p < 0x80)
			p += fold_ascii(b, p, end);
		else if ((k = utf8_next(p, end, &c)) > 0) {
			buf_add(b, out, casemap_char(out, c));
			p += k;
		} else if (end - p < 4 && (unsigned char)*p >= 0xc0)
			break;		/* maybe cut here */
		else
			buf_addc(b, *p++);
	}
	return (size_t)(p - s);
}

/* Whether a byte of a header can be cut from the next, or made of others, when
 * its field is unfolded and written anew. */
static bool
cuts(char c)
{
	return c == ' ' || c == '\t' || c == ':';
}

/* Look at the needle: can it be found in octets as they are stored? */
static void
set_plain(struct match *m)
{
	const char *s = m->needle.data;
	size_t i, n = m->needle.len, start = 0, best = 0, len = 0;

	for (i = 0; i < n; i++)
		if (s[i] <= 0 || s[i] == '\r' || s[i] == '\n')
			return;
	if (n == 0)
		return;
	buf_init(&m->small, NEEDLE_MAX);
	for (i = 0; i < n; i++)
		buf_addc(&m->small, s[i] >= 'A' && s[i] <= 'Z' ?
		    (char)(s[i] + 32) : s[i]);
	if (buf_failed(&m->small))
		return;
	s = m->small.data;
	m->plain = true;
	casefind_init(&m->all, s, n);
	for (i = 0; i <= n; i++) {
		if (i < n && !cuts(s[i]))
			continue;
		if (i - start > len) {
			best = start;
			len = i - start;
		}
		start = i + 1;
	}
	if (len > 0)
		casefind_init(&m->run, s + best, len);
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
	if (buf_failed(&m->needle))
		return -1;
	set_plain(m);
	return 0;
}

void
match_free(struct match *m)
{
	buf_free(&m->needle);
	buf_free(&m->window);
	buf_free(&m->small);
}

void
match_reset(struct match *m)
{
	buf_reset(&m->window);
	m->ncut = 0;
	m->found = m->needle.len == 0;
}

static void
look(struct match *m)
{
	size_t keep = m->needle.len - 1;

	if (m->window.len >= m->needle.len && memmem(m->window.data,
	    m->window.len, m->needle.data, m->needle.len) != NULL)
		m->found = true;
	if (m->window.len > keep)
		buf_consume(&m->window, m->window.len - keep);
}

static void
feed_piece(struct match *m, const char *s, size_t n)
{
	size_t taken;

	taken = fold_to(&m->window, s, n);
	m->ncut = n - taken;
	memcpy(m->cut, s + taken, m->ncut);
	look(m);
}

bool
match_end(struct match *m)
{
	size_t i;

	/* What began as a character is none: its octets match themselves. */
	while (m->ncut > 0 && !m->found) {
		buf_addc(&m->window, m->cut[0]);
		m->ncut--;
		memmove(m->cut, m->cut + 1, m->ncut);
		i = fold_to(&m->window, m->cut, m->ncut);
		m->ncut -= i;
		memmove(m->cut, m->cut + i, m->ncut);
	}
	if (!m->found)
		look(m);
	return m->found;
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
