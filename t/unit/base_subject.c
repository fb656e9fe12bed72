/* SPDX-License-Identifier: ISC
 *
 * Proves that base subjects are those of RFC 5256, section 2.1, step by step and
 * together, that it is told whether a message is a reply or forward, and that no
 * subject takes more than linear time.
 */
#include <stdlib.h>
#include <time.h>

#include "tap.h"
#include "grammar/base_subject.h"

static const struct {
	const char	*in, *want;
	int		 reply;
} rows[] = {
	{ "", "", 0 },
	{ "hello", "hello", 0 },
	/* (1) words, tabs, continuations, spaces */
	{ "=?utf-8?Q?Re=3A_?= =?utf-8?B?w6Q=?=", "\303\244", 1 },
	{ "a \t b\t\tc  d", "a b c d", 0 },
	{ "a\r\n b", "a b", 0 },
	/* (2) trailers */
	{ "hello  ", "hello", 0 },
	{ "hello (fwd)", "hello", 1 },
	{ "hello (FWD) (fwd) ", "hello", 1 },
	{ "hello(fwd)", "hello", 1 },
	{ "hello (fwd) x", "hello (fwd) x", 0 },
	{ "(fwd)", "", 1 },
	/* (3) leaders */
	{ " hello", "hello", 0 },
	{ "Re: hello", "hello", 1 },
	{ "re:hello", "hello", 1 },
	{ "RE : hello", "hello", 1 },
	{ "Fw: hello", "hello", 1 },
	{ "FWD: hello", "hello", 1 },
	{ "Re: Fwd: re: hello", "hello", 1 },
	{ "Re[4]: hello", "hello", 1 },
	{ "Re [x y] : hello", "hello", 1 },
	{ "re[a][b]: hello", "re[a][b]: hello", 0 },
	{ "[a] [b]Re: hello", "hello", 1 },
	{ "Re: [a] Re: hello", "hello", 1 },
	{ "Res: hello", "Res: hello", 0 },
	{ "Re hello", "Re hello", 0 },
	{ "Ref: hello", "Ref: hello", 0 },
	{ "Re:", "", 1 },
	{ "Re: Re:", "", 1 },
	/* (4) blobs go unless nothing is left */
	{ "[list] hello", "hello", 0 },
	{ "[list][other]  hello", "hello", 0 },
	{ "[list]", "[list]", 0 },
	{ "[a] [b]", "[b]", 0 },
	{ "Re: [list]", "[list]", 1 },
	{ "[]hello", "hello", 0 },
	{ "[a[b] hello", "[a[b] hello", 0 },
	{ "[list hello", "[list hello", 0 },
	{ "hello [list]", "hello [list]", 0 },
	/* (6) [fwd: ...] */
	{ "[Fwd: hello]", "hello", 1 },
	{ "[fwd: Re: hello (fwd)]", "hello", 1 },
	{ "[Fwd: [fwd: hello]]", "hello", 1 },
	{ "Re: [Fwd: [list] hello]", "hello", 1 },
	{ "[fwd: hello] (fwd)", "hello", 1 },
	{ "[fwd: [list] hello", "[fwd: [list] hello", 0 },
	{ "[fwd:]", "", 1 },
	{ "[fwd: ]", "", 1 },
	{ "[fwd:] hello", "hello", 0 },
};

static void
test_rows(void)
{
	struct buf b, again;
	int reply;
	size_t i;

	buf_init(&b, 10000);
	buf_init(&again, 10000);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		buf_reset(&again);
		buf_adds(&b, "before");
		is_int(base_subject(&b, rows[i].in, strlen(rows[i].in),
		    &reply), 0, rows[i].in);
		is_str(buf_str(&b) + 6, rows[i].want, rows[i].in);
		is_int(reply, rows[i].reply, "a reply or not");
		(void)base_subject(&again, b.data + 6, b.len - 6, &reply);
		is_str(buf_str(&again), rows[i].want, "and stays so");
		is_int(reply, 0, "and no reply");
	}
	buf_free(&b);
	buf_free(&again);
}

/* Seconds of this process for a subject of so many units. */
static double
seconds(const char *unit, size_t n)
{
	struct timespec from, to;
	struct buf in, out;
	int reply;
	size_t i;

	buf_init(&in, 64 << 20);
	buf_init(&out, 64 << 20);
	for (i = 0; i < n; i++)
		buf_adds(&in, unit);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	(void)base_subject(&out, in.data, in.len, &reply);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	buf_free(&in);
	buf_free(&out);
	return (double)(to.tv_sec - from.tv_sec) +
	    (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static void
test_time(void)
{
	static const char *const units[] = { "re: ", "[a]", "[", "]", "[fwd:",
	    "[fwd: re[", "re[x", "re [x] ", "(fwd)", "\t", "[a] re: ", "=?" };
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		ok(seconds(units[i], 200000) < 5, "200000 times \"%s\"",
		    units[i]);
}

int
main(void)
{
	test_rows();
	test_time();
	return done();
}
