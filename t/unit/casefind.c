/* SPDX-License-Identifier: ISC
 *
 * Proves that the fast search finds what a slow one finds, at every place of
 * short and long texts, and reads nothing behind them (under a sanitizer).
 */
#include <stdlib.h>

#include "bytes/casefind.h"
#include "tap.h"

static int
slow(const char *needle, size_t k, const char *s, size_t n)
{
	size_t i, j;
	char c;

	for (i = 0; i + k <= n; i++) {
		for (j = 0; j < k; j++) {
			c = s[i + j];
			if (c >= 'A' && c <= 'Z')
				c = (char)(c + 32);
			if (c != needle[j])
				break;
		}
		if (j == k)
			return 1;
	}
	return 0;
}

static const char *const needles[] = {
	"a", "z", "@", "`", "[", " ", "ab", "aa", "a b", "zebra", "1:2", "\t",
	"e e e e e e e e e e e e e", "abcdefghijklmnopqrstuvwxyz0123456789",
	"x{", "\x7f", "~~",
};

/* A needle at each place, in small letters and capitals. */
static int
places(const char *needle)
{
	size_t k = strlen(needle), n, at, i;
	struct casefind f;
	char *s;
	int bad = 0;

	casefind_init(&f, needle, k);
	for (n = 0; n < 100; n++)
		for (at = 0; at + k <= n; at++) {
			s = malloc(n);
			memset(s, '.', n);
			for (i = 0; i < k; i++)
				s[at + i] = needle[i] >= 'a' &&
				    needle[i] <= 'z' && i % 2 == 0 ?
				    (char)(needle[i] - 32) : needle[i];
			bad += !casefind(&f, s, n);
			/* And not when one octet is another. */
			s[at + (at + n) % k] ^= (char)0x80;
			bad += casefind(&f, s, n) != slow(needle, k, s, n);
			free(s);
		}
	return bad;
}

/* Random texts of few letters, so that much nearly matches; also octets that
 * differ from letters by the bit of their case. */
static int
random_texts(void)
{
	static const char few[] = "aAbB @`{[zZ\xc1\xe1";
	unsigned seed = 1;
	struct casefind f;
	char needle[8], *s;
	size_t n, k, i;
	int bad = 0, round;

	for (round = 0; round < 20000; round++) {
		n = (size_t)(rand_r(&seed) % 120);
		k = 1 + (size_t)(rand_r(&seed) % 5);
		s = malloc(n + 1);
		for (i = 0; i < n; i++)
			s[i] = few[rand_r(&seed) % (int)(sizeof(few) - 1)];
		for (i = 0; i < k; i++)
			needle[i] = "ab @`{[z"[rand_r(&seed) % 8];
		casefind_init(&f, needle, k);
		bad += casefind(&f, s, n) != slow(needle, k, s, n);
		free(s);
	}
	return bad;
}

int
main(void)
{
	struct casefind f;
	size_t i;

	for (i = 0; i < sizeof(needles) / sizeof(needles[0]); i++)
		is_int(places(needles[i]), 0, needles[i]);
	is_int(random_texts(), 0, "random texts");
	casefind_init(&f, "quaternary", 10);
	is_int((long long)(f.a + f.b), 0 + 9, "q and y come first");
	return done();
}
