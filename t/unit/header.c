/* SPDX-License-Identifier: ISC
 *
 * Proves how a header comes apart, in memory and in pieces, with both kinds
 * of line ends, and where it ends.
 */
#include "grammar/header.h"
#include "tap.h"

/* want: name=value| of each field, unfolded; then the body. */
static const struct {
	const char	*in, *want, *body;
} rows[] = {
	{ "", "", "" },
	{ "\nbody", "", "body" },
	{ "\r\nbody", "", "body" },
	{ "A: b\n\nbody\n", "A=b|", "body\n" },
	{ "A: b\r\n\r\nbody\r\n", "A=b|", "body\r\n" },
	{ "A: b\r\nC:d\n\r\nbody", "A=b|C=d|", "body" },
	{ "A: b", "A=b|", "" },
	{ "A: b\r\n", "A=b|", "" },
	{ "A:\n\n", "A=|", "" },
	{ "A:\n b\n\tc \n\n", "A=b\tc|", "" },
	{ "A: b\r\n  c\r\nD: e\n\n", "A=b  c|D=e|", "" },
	{ "A: b\n \nC: d\n\n", "A=b|C=d|", "" },
	{ "A : b\n\n", "A=b|", "" },
	{ "A \t: b\n\n", "A=b|", "" },
	{ "no colon\nA: b\n\nbody", "=no colon|A=b|", "body" },
	{ ": b\n\nx", "=: b|", "x" },
	{ " first\nA: b\n\nx", "=first|A=b|", "x" },
	{ ">From x\nA: b\n\nx", "=>From x|A=b|", "x" },
	{ "A\rB: c\n\nx", "=A\rB: c|", "x" },
	{ "A: b\r\n\rC: d\n\nx", "A=b|=C: d|", "x" },
	{ "A: b:c\n\n\nx", "A=b:c|", "\nx" },
	{ "\303\251: b\n\nx", "=\303\251: b|", "x" }
};

static void
check(size_t i)
{
	const char *in = rows[i].in, *end = in + strlen(in);
	struct header_field f;
	struct header h;
	struct buf b;

	buf_init(&b, 500);
	header_init(&h, in, (size_t)(end - in));
	while (header_next(&h, &f)) {
		buf_add(&b, f.name, f.name_len);
		buf_addc(&b, '=');
		header_unfold(&b, &f);
		buf_addc(&b, '|');
	}
	is_str(buf_str(&b), rows[i].want, in);
	is_mem(h.p, strlen(h.p), rows[i].body, strlen(rows[i].body),
	    "the body");
	is_int(header_next(&h, &f), 0, "it stays over");
	is_int((long long)header_length(in, (size_t)(end - in)),
	    (long long)(h.p - in), "its length");
	buf_free(&b);
}

/* The same names by header_scan(), in pieces. */
static void
check_scan(size_t i, size_t step)
{
	const char *in = rows[i].in, *p = in, *part, *end = in + strlen(in);
	struct header_scan s = { 0 };
	struct header_field f;
	struct header h;
	int r = 0, same = 1;

	header_init(&h, in, (size_t)(end - in));
	while (p < end && r != 2) {
		part = (size_t)(end - p) < step ? end : p + step;
		while ((r = header_scan(&s, &p, part)) == 1) {
			do
				same &= header_next(&h, &f);
			while (same && f.name_len == 0);
			same &= header_is(&f, s.name);
		}
	}
	while (header_next(&h, &f))
		same &= f.name_len == 0;
	ok(same, "the same names, pieces of %zu", step);
	is_int((long long)s.taken, (long long)(strlen(in) -
	    strlen(rows[i].body)), "the same end");
}

int
main(void)
{
	static const char big[] = "X-0123456789012345678901234567890123456789: "
	    "y\n\n";
	struct header_scan s = { 0 };
	struct header_field f;
	const char *p = big;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check(i);
		check_scan(i, 1000);
		check_scan(i, 1);
		check_scan(i, 3);
	}
	is_int(header_find("A: 1\nb: 2\nB: 3\n\nC: 4\n", 21, "B", &f), 1,
	    "found in any letter case");
	is_mem(f.value, f.value_len, " 2", 2, "the first");
	is_int(header_find("A: 1\nb: 2\nB: 3\n\nC: 4\n", 21, "C", &f), 0,
	    "not in the body");
	is_int(header_scan(&s, &p, big + sizeof(big) - 1), 1, "a long name");
	is_int((long long)s.name_len, 42, "its length");
	is_int((long long)strlen(s.name), HEADER_NAME_KEPT - 1, "is cut");
	buf_init(&b, 3);
	header_find("A: 1234\n", 8, "A", &f);
	is_int(header_unfold(&b, &f), -1, "a value obeys the maximum");
	buf_reset(&b);
	header_find("A: \0x\0\n", 7, "A", &f);
	header_unfold(&b, &f);
	is_str(buf_str(&b), " x ", "a NUL becomes a space");
	buf_free(&b);
	return done();
}
