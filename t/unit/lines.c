/* SPDX-License-Identifier: ISC
 *
 * Proves that lines passed over at once are those that a look at each octet
 * finds, with the same line ends, wherever they lie.
 */
#include <stdlib.h>

#include "bytes/lines.h"
#include "tap.h"

enum { ROUNDS = 20000, LONGEST = 9000 };

static size_t
slowly(const char *s, size_t n, int dash, struct lines *l)
{
	size_t at = 0, i;

	for (i = 0; i < n; i++) {
		if (i == at && dash && s[i] == '-')
			break;
		if (s[i] != '\n')
			continue;
		l->ends++;
		l->crlf += i > at && s[i - 1] == '\r';
		at = i + 1;
	}
	return at;
}

/* Lines of all lengths: most octets end none. */
static void
fill(char *s, size_t n)
{
	static const char odd[] = "\n\n\r\n--\r-";
	unsigned often = 1 + (unsigned)rand() % 100;
	size_t i;

	for (i = 0; i < n; i++)
		s[i] = (unsigned)rand() % often == 0 ?
		    odd[(unsigned)rand() % (sizeof(odd) - 1)] : 'x';
}

int
main(void)
{
	struct lines fast = { 3, 2 }, slow = { 3, 2 };
	unsigned i, differ = 0, reached = 0;
	size_t n, a, b;
	char *s;
	int dash;

	srand(1);
	for (i = 0; i < ROUNDS; i++) {
		n = (size_t)rand() % (i % 50 == 0 ? LONGEST : 200);
		/* Its own, so that a sanitizer sees a look beyond it. */
		if ((s = malloc(n + 1)) == NULL)
			return 1;
		fill(s, n);
		s = realloc(s, n > 0 ? n : 1);
		dash = (int)(i & 1);
		a = lines_pass(s, n, dash, &fast);
		b = slowly(s, n, dash, &slow);
		differ += a != b || fast.ends != slow.ends ||
		    fast.crlf != slow.crlf;
		reached += dash && b < n && s[b] == '-';
		free(s);
	}
	is_int(differ, 0, "random texts");
	ok(reached > 300, "many stop at a dash");
	is_int((long long)lines_pass("", 0, 1, &fast), 0, "nothing");
	is_int((long long)lines_pass("a\r\nb", 4, 1, &fast), 3,
	    "a line without an end stays");
	is_int((long long)lines_pass("-\n", 2, 1, &fast), 0, "a dash first");
	is_int((long long)lines_pass("-\n", 2, 0, &fast), 2,
	    "which may not matter");
	return done();
}
