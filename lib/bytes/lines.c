/* SPDX-License-Identifier: ISC
 *
 * See bytes/lines.h.  Sixteen octets at a step where the machine has SSE2, as
 * every x86 of 64 bits; elsewhere a line at a step.  It must never read beyond
 * its n octets.
 */
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "bytes/lines.h"

/* Line by line, from a line's begin on. */
static const char *
by_line(const char *s, const char *end, int dash, struct lines *l)
{
	const char *lf;

	while (s < end && !(dash && *s == '-') &&
	    (lf = memchr(s, '\n', (size_t)(end - s))) != NULL) {
		l->ends++;
		l->crlf += lf > s && lf[-1] == '\r';
		s = lf + 1;
	}
	return s;
}

#ifdef __SSE2__
enum { STEP = 16, ROUNDS = 255 };	/* a count of ROUNDS fits an octet */

static uint64_t
sum(__m128i counts)
{
	__m128i both = _mm_sad_epu8(counts, _mm_setzero_si128());

	return (uint64_t)_mm_cvtsi128_si64(both) +
	    (uint64_t)_mm_cvtsi128_si64(_mm_srli_si128(both, 8));
}

/* At most ROUNDS steps from s, which is not the first octet; where it stopped:
 * before a step with an LF that a "-" follows, or fewer than STEP + 1 octets
 * before the end. */
static const char *
steps(const char *s, const char *end, int dash, struct lines *l)
{
	const __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
	const __m128i minus = _mm_set1_epi8((char)(dash ? '-' : '\n'));
	__m128i ends = _mm_setzero_si128(), crlf = ends, is, next, before;
	int i;

	for (i = 0; i < ROUNDS && end - s > STEP; i++, s += STEP) {
		is = _mm_cmpeq_epi8(lf, _mm_loadu_si128((const void *)s));
		next = _mm_loadu_si128((const void *)(s + 1));
		if (dash && _mm_movemask_epi8(_mm_and_si128(is,
		    _mm_cmpeq_epi8(minus, next))) != 0)
			break;
		before = _mm_loadu_si128((const void *)(s - 1));
		ends = _mm_sub_epi8(ends, is);
		crlf = _mm_sub_epi8(crlf, _mm_and_si128(is,
		    _mm_cmpeq_epi8(cr, before)));
	}
	l->ends += sum(ends);
	l->crlf += sum(crlf);
	return s;
}

/* From a line's begin on, to a line's begin near the end or a dash. */
static const char *
by_step(const char *s, const char *end, int dash, struct lines *l)
{
	const char *from = s + 1, *at = from, *lf;

	/* The first octet has nothing before it. */
	if (end - s < 4 * STEP || *s == '\n')
		return s;
	do {
		s = at;
		at = steps(s, end, dash, l);
	} while (at - s == ROUNDS * STEP);
	/* Back to the begin of the line; what was passed of it has no end. */
	lf = memrchr(from, '\n', (size_t)(at - from));
	return lf != NULL ? lf + 1 : from - 1;
}
#endif

size_t
lines_pass(const char *s, size_t n, int dash, struct lines *l)
{
	const char *at = s, *end = n > 0 ? s + n : s;

#ifdef __SSE2__
	if (n > 0 && !(dash && *s == '-'))
		at = by_step(s, end, dash, l);
#endif
	return (size_t)(by_line(at, end, dash, l) - s);
}
