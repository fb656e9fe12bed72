/* SPDX-License-Identifier: ISC
 *
 * See lines.h.  Blocks are counted as vectors as long as no line in them begins
 * with what is looked for; the rest line by line.
 */
#include <stddef.h>
#include <string.h>

#include "bytes/lines.h"

enum { BLOCK = 16, ROUNDS = 255 };

typedef unsigned char block __attribute__((vector_size(BLOCK)));
typedef uint64_t halves __attribute__((vector_size(BLOCK)));

static block
is(const char *s, char c)
{
	const block none = { 0 };
	block v;

	memcpy(&v, s, sizeof(v));
	return (block)(v == none + (unsigned char)c);
}

static int
any(block v)
{
	halves h;

	memcpy(&h, &v, sizeof(h));
	return (h[0] | h[1]) != 0;
}

static uint64_t
sum(block v)
{
	uint64_t n = 0;
	int i;

	for (i = 0; i < BLOCK; i++)
		n += v[i];
	return n;
}

/* Count in blocks: where it stopped, in the middle of a line maybe. */
static const char *
count_blocks(const char *s, const char *end, char c, uint64_t *lines,
    uint64_t *crs)
{
	block lf, nlf, ncr;
	int round, stop = 0;

	while (!stop && end - s > BLOCK) {
		nlf = ncr = (block){ 0 };
		for (round = 0; round < ROUNDS && end - s > BLOCK; round++) {
			lf = is(s, '\n');
			if ((stop = any(lf & is(s + 1, c))))
				break;
			/* A place that is one is all ones: minus one. */
			nlf -= lf;
			ncr -= lf & is(s - 1, '\r');
			s += BLOCK;
		}
		*lines += sum(nlf);
		*crs += sum(ncr);
	}
	return s;
}

const char *
lines_until(const char *s, const char *end, char c, uint64_t *lines,
    uint64_t *crs)
{
	const char *lf, *p;

	*lines = *crs = 0;
	if (end - s > 2 * BLOCK && *s != c && *s != '\n') {
		p = count_blocks(s + 1, end, c, lines, crs);
		if ((lf = memrchr(s, '\n', (size_t)(p - s))) != NULL)
			s = lf + 1;
	}
	while (s < end && *s != c &&
	    (lf = memchr(s, '\n', (size_t)(end - s))) != NULL) {
		++*lines;
		*crs += lf > s && lf[-1] == '\r';
		s = lf + 1;
	}
	return s;
}
