/* SPDX-License-Identifier: ISC
 *
 * See casefind.h.  Two octets of the needle are compared with all places of a
 * block at once; only where both are is the rest looked at.  The vectors are
 * those of the compiler, which makes of them what the processor has.
 */
#include <stdint.h>
#include <string.h>

#include "bytes/casefind.h"

enum { BLOCK = 16 };

typedef unsigned char block __attribute__((vector_size(BLOCK)));
typedef uint64_t halves __attribute__((vector_size(BLOCK)));

static int
is_letter(unsigned char c)
{
	return c >= 'a' && c <= 'z';
}

/* How often an octet is seen in texts, roughly. */
static int
frequency(unsigned char c)
{
	static const char often[] = "zqxjkvbgpwyfmculdhrsnioate ";
	const char *at = c == '\0' ? NULL : strchr(often, c);

	return at == NULL ? 0 : (int)(at - often) + 1;
}

void
casefind_init(struct casefind *f, const char *needle, size_t n)
{
	size_t i, best = 0, second = n > 1 ? 1 : 0, t;

	f->needle = needle;
	f->n = n;
	for (i = 1; i < n && i < 64; i++) {
		t = i;
		if (frequency((unsigned char)needle[t]) <
		    frequency((unsigned char)needle[best])) {
			second = best;
			best = t;
		} else if (frequency((unsigned char)needle[t]) <
		    frequency((unsigned char)needle[second]))
			second = t;
	}
	f->a = best < second ? best : second;
	f->b = best < second ? second : best;
}

static int
fold(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static int
is_here(const struct casefind *f, const char *s)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (fold((unsigned char)s[i]) != f->needle[i])
			return 0;
	return 1;
}

static block
load(const char *s)
{
	block v;

	memcpy(&v, s, sizeof(v));
	return v;
}

/* Which places of the block begin with both octets: their marks, or all
 * zero. */
static int
candidates(const struct casefind *f, const char *s, block *marks)
{
	const unsigned char ca = (unsigned char)f->needle[f->a];
	const unsigned char cb = (unsigned char)f->needle[f->b];
	const block none = { 0 };
	block a = load(s + f->a), b = load(s + f->b);
	halves h;

	/* A letter is the same in both cases but for one bit; with it set no
	 * other octet becomes one. */
	a |= none + (unsigned char)(is_letter(ca) ? 0x20 : 0);
	b |= none + (unsigned char)(is_letter(cb) ? 0x20 : 0);
	*marks = (block)((a == none + ca) & (b == none + cb));
	memcpy(&h, marks, sizeof(h));
	return (h[0] | h[1]) != 0;
}

int
casefind(const struct casefind *f, const char *s, size_t n)
{
	size_t at = 0, i;
	block marks;

	if (n < f->n)
		return 0;
	/* The block at the second octet's place must lie within. */
	for (; at + f->n + BLOCK - 1 <= n; at += BLOCK) {
		if (!candidates(f, s + at, &marks))
			continue;
		for (i = 0; i < BLOCK; i++)
			if (marks[i] && is_here(f, s + at + i))
				return 1;
	}
	for (; at + f->n <= n; at++)
		if (is_here(f, s + at))
			return 1;
	return 0;
}
