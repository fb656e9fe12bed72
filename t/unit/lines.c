/* SPDX-License-Identifier: ISC
 *
 * Proves that lines are counted as one by one, in texts of any length and with
 * any line ends, and nothing behind them is read (under a sanitizer).
 */
#include <stdlib.h>

#include "bytes/lines.h"
#include "tap.h"

static const char *
slow(const char *s, const char *end, char c, uint64_t *lines, uint64_t *crs)
{
	const char *p;

	for (*lines = *crs = 0; s < end && *s != c; s = p + 1) {
		for (p = s; p < end && *p != '\n'; p++)
			;
		if (p == end)
			break;
		++*lines;
		*crs += p > s && p[-1] == '\r';
	}
	return s;
}

/* How many of so many random texts are counted otherwise. */
static int
random_texts(const char *few, size_t max, int rounds)
{
	uint64_t a, b, c, d;
	const char *got;
	unsigned seed = 1;
	size_t n, i;
	int bad = 0;
	char *s;

	while (rounds-- > 0) {
		n = (size_t)rand_r(&seed) % max;
		s = malloc(n + 1);
		for (i = 0; i < n; i++)
			s[i] = few[(size_t)rand_r(&seed) % strlen(few)];
		s[n] = '-';
		got = lines_until(s, s + n, '-', &a, &b);
		bad += got != slow(s, s + n, '-', &c, &d) || a != c || b != d;
		s = realloc(s, n == 0 ? 1 : n);
		(void)lines_until(s, s + n, '-', &a, &b);
		free(s);
	}
	return bad;
}

int
main(void)
{
	uint64_t lines, crs;
	const char *s = "a\nb\r\n\n-c\n";
	char *many;
	int i;

	ok(lines_until(s, s + strlen(s), '-', &lines, &crs) == s + 6, "where");
	is_int((long long)lines, 3, "lines");
	is_int((long long)crs, 1, "with a CR");
	is_int(random_texts("aaaaaaab\n\r-", 200, 20000), 0, "short texts");
	is_int(random_texts("aaaaaa\n\r", 2000, 2000), 0, "without the octet");
	is_int(random_texts("\n\r", 9000, 500), 0, "line ends only");
	is_int(random_texts("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n-",
	    400, 20000), 0, "long lines");
	/* More in one lane than an octet can count. */
	many = malloc(16 * 600);
	for (i = 0; i < 16 * 600; i++)
		many[i] = '\n';
	many[0] = 'x';
	(void)lines_until(many, many + 16 * 600, '-', &lines, &crs);
	is_int((long long)lines, 16 * 600 - 1, "many");
	free(many);
	return done();
}
