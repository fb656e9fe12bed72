/* SPDX-License-Identifier: ISC
 *
 * Proves that only CRLF.CRLF ends the data, whatever comes in whatever pieces;
 * what reaches the disk; which facts are recorded; that what goes out again is
 * what came in.
 */
#include "grammar/smtp_data.h"
#include "tap.h"

#define STR(s) s, sizeof(s) - 1
#define CR_ SMTP_DATA_BARE_CR
#define LF_ SMTP_DATA_BARE_LF

/* rest: octets behind the end; -1: there is no end. */
static const struct {
	int		 lenient;
	const char	*in;
	size_t		 nin;
	const char	*out;
	size_t		 nout;
	int		 rest;
	unsigned	 facts;		/* without those of fields */
} rows[] = {
	{ 0, STR(".\r\n"), STR(""), 0, 0 },
	{ 0, STR("\r\n.\r\n"), STR("\n"), 0, 0 },
	{ 0, STR("a\r\nb\r\n.\r\n"), STR("a\nb\n"), 0, 0 },
	{ 0, STR("a\r\n.\r\nQUIT\r\n"), STR("a\n"), 6, 0 },
	{ 0, STR("a\r\n..\r\n.\r\n"), STR("a\n.\n"), 0, 0 },
	{ 0, STR("..a\r\n...\r\n.b\r\n.\r\n"), STR(".a\n..\nb\n"), 0, 0 },
	{ 0, STR("a.\r\n.\r\n"), STR("a.\n"), 0, 0 },
	{ 0, STR("a\0b\r\n.\r\n"), STR("a\0b\n"), 0, SMTP_DATA_NUL },
	{ 0, STR("\303\251\r\n.\r\n"), STR("\303\251\n"), 0,
	    SMTP_DATA_8BIT },
	/* nothing else ends it */
	{ 0, STR("a\n.\nb\r\n.\r\n"), STR("a\n.\nb\n"), 0, LF_ },
	{ 0, STR("a\n.\r\nb\r\n.\r\n"), STR("a\n.\nb\n"), 0, LF_ },
	{ 0, STR("a\r\n.\nb\r\n.\r\n"), STR("a\n\nb\n"), 0, LF_ },
	{ 0, STR("a\r.\rb\r\n.\r\n"), STR("a\r.\rb\n"), 0, CR_ },
	{ 0, STR("a\r\n.\rb\r\n.\r\n"), STR("a\n\rb\n"), 0, CR_ },
	{ 0, STR("a\r.\r\nb\r\n.\r\n"), STR("a\r.\nb\n"), 0, CR_ },
	{ 0, STR("a\n\r.\r\nb\r\n.\r\n"), STR("a\n\r.\nb\n"), 0, CR_ | LF_ },
	{ 0, STR("a\r\n\0.\r\nb\r\n.\r\n"), STR("a\n\0.\nb\n"), 0,
	    SMTP_DATA_NUL },
	{ 0, STR("a\r\n.\0\r\nb\r\n.\r\n"), STR("a\n\0\nb\n"), 0,
	    SMTP_DATA_NUL },
	{ 0, STR("a\r\n.\r\r\nb\r\n.\r\n"), STR("a\n\r\r\nb\n"), 0, CR_ },
	{ 0, STR("a\r\r\n.\r\n"), STR("a\r\r\n"), 0, CR_ },
	{ 0, STR("a\r\n.\r"), STR("a\n"), -1, 0 },
	{ 0, STR("a\r\n."), STR("a\n"), -1, 0 },
	{ 0, STR("a\n.\n"), STR("a\n.\n"), -1, LF_ },
	/* typed */
	{ 2, STR("a\n.\nQ"), STR("a\n"), 1, LF_ },
	{ 2, STR(".\nQ"), STR(""), 1, LF_ },
	{ 2, STR("a\n..\nb\n.\n"), STR("a\n.\nb\n"), 0, LF_ },
	{ 2, STR("a\n\n.b\n.\n"), STR("a\n\nb\n"), 0, LF_ },
	{ 2, STR("a\r\n.\r\nQ"), STR("a\n"), 1, 0 },
	{ 2, STR("a\r\n.\nQ"), STR("a\n"), 1, LF_ },
	/* lenient */
	{ 1, STR("a\r\n.\r\nQ"), STR("a\n"), 1, 0 },
	{ 1, STR(".\r\n"), STR(""), 0, 0 },
	{ 1, STR("a\nb\n\r\n.\r\n"), STR("a\nb\n\n"), 0, LF_ },
	{ 1, STR("a\rb\r\n.\r\n"), STR("a\nb\n"), 0, CR_ },
	{ 1, STR("a\r\rb\r\n.\r\n"), STR("a\n\nb\n"), 0, CR_ },
	{ 1, STR("a\r\r\rb\r\n.\r\n"), STR("a\n\n\nb\n"), 0, CR_ },
	{ 1, STR("a\r\r\nb\r\n.\r\n"), STR("a\nb\n"), 0, CR_ },
	{ 1, STR("a\r\r\r\nb\r\n.\r\n"), STR("a\n\nb\n"), 0, CR_ },
	{ 1, STR("a\n.\nb\r\n.\r\n"), STR("a\n.\nb\n"), 0, LF_ },
	{ 1, STR("a\n.\r\nb\r\n.\r\n"), STR("a\n.\nb\n"), 0, LF_ },
	{ 1, STR("a\r\n.\nb\r\n.\r\n"), STR("a\n.\nb\n"), 0, LF_ },
	{ 1, STR("a\r.\r\nb\r\n.\r\n"), STR("a\n.\nb\n"), 0, CR_ },
	{ 1, STR("a\r\n.\rb\r\n.\r\n"), STR("a\n.\nb\n"), 0, CR_ },
	{ 1, STR("a\n..b\r\n.\r\n"), STR("a\n.b\n"), 0, LF_ },
	{ 1, STR("a\n.\rb\r\n.\r\n"), STR("a\n.\nb\n"), 0, LF_ | CR_ },
	{ 1, STR("a\r\n.\r\r\nb\r\n.\r\n"), STR("a\n.\nb\n"), 0, CR_ },
	{ 1, STR("a\n.\n"), STR("a\n.\n"), -1, LF_ },
	{ 1, STR("a\0\r\n.\r\n"), STR("a\0\n"), 0, SMTP_DATA_NUL }
};

/* Feed a row in pieces of step octets; returns how many were written. */
static size_t
feed(struct smtp_data *d, const char *in, size_t n, size_t step, char *out,
    size_t *taken)
{
	size_t part, want, len = 0;

	for (*taken = 0; *taken < n; *taken += part) {
		want = part = n - *taken < step ? n - *taken : step;
		len += smtp_data_feed(d, in + *taken, &part, out + len);
		if (part < want)
			ok(smtp_data_done(d), "stops only at the end");
		if (part == 0)
			break;
	}
	return len;
}

static uint64_t
wire_size(const char *p, size_t n)
{
	uint64_t w = n;
	size_t i;

	for (i = 0; i < n; i++)
		w += p[i] == '\n' && (i == 0 || p[i - 1] != '\r');
	return w;
}

static void
check(size_t i, size_t step)
{
	struct smtp_data d;
	char out[200], what[64];
	size_t n, taken;

	snprintf(what, sizeof(what), "row %zu, pieces of %zu", i, step);
	smtp_data_init(&d, rows[i].lenient);
	n = feed(&d, rows[i].in, rows[i].nin, step, out, &taken);
	is_mem(out, n, rows[i].out, rows[i].nout, what);
	is_int(smtp_data_done(&d) ? (int)(rows[i].nin - taken) : -1,
	    rows[i].rest, "the end, and what is left");
	is_int(d.facts, rows[i].facts, "facts");
	is_int((long long)d.disk, (long long)n, "size on disk");
	is_int((long long)d.wire, (long long)wire_size(out, n), "on the wire");
}

/* BDAT: in, and what is on disk behind its end. */
static const struct {
	int		 lenient;
	const char	*in;
	size_t		 nin;
	const char	*out;
	size_t		 nout;
	unsigned	 facts;
} raws[] = {
	{ 0, STR(""), STR(""), 0 },
	{ 0, STR("a\r\n"), STR("a\n"), 0 },
	{ 0, STR("a"), STR("a\n"), 0 },
	{ 0, STR(".a\r\n..\r\n.\r\nb"), STR(".a\n..\n.\nb\n"), 0 },
	{ 0, STR("a\r"), STR("a\r\n"), CR_ },
	{ 0, STR("a\r\r"), STR("a\r\r\n"), CR_ },
	{ 0, STR("a\rb\r\n"), STR("a\rb\n"), CR_ },
	{ 0, STR("a\n"), STR("a\n\n"), LF_ },
	{ 0, STR("a\0b"), STR("a\0b\n"), SMTP_DATA_NUL },
	{ 1, STR("a\n.b\n"), STR("a\n.b\n"), LF_ },
	{ 1, STR("a\r.\r"), STR("a\n.\n"), CR_ },
	{ 1, STR("a\r\r"), STR("a\n\n"), CR_ },
	{ 1, STR("a\r\r\n"), STR("a\n"), CR_ },
	{ 1, STR(".\r\n."), STR(".\n.\n"), 0 },
	{ 2, STR("a\n.\nb\n"), STR("a\n.\nb\n"), LF_ }
};

static void
check_raw(size_t i, size_t step)
{
	char out[64], name[32];
	struct smtp_data d;
	size_t n, taken;

	smtp_data_init(&d, raws[i].lenient);
	d.raw = 1;
	n = feed(&d, raws[i].in, raws[i].nin, step, out, &taken);
	ok(!smtp_data_done(&d) && taken == raws[i].nin, "raw: no end");
	n += smtp_data_end(&d, out + n);
	snprintf(name, sizeof(name), "raw %zu by %zu", i, step);
	is_mem(out, n, raws[i].out, raws[i].nout, name);
	is_int(d.facts, raws[i].facts, "its facts");
	ok(smtp_data_done(&d) && d.disk == n, "and its size");
}

static const char message[] =
    "Received: from a\r\n\tby b\r\nreceived : from c\r\n"
    "X-Received: d\r\nDATE: x\r\nfrom: a@b\r\n Received: folded\r\n"
    "Received-SPF: pass\r\nMessage-Id: <x@y>\r\n\r\n"
    "Received: in the body\r\n.\r\n";

static void
check_header(size_t step)
{
	struct smtp_data d;
	char out[sizeof(message) + SMTP_DATA_ROOM];
	size_t n, taken;

	smtp_data_init(&d, 0);
	n = feed(&d, STR(message), step, out, &taken);
	is_int(d.received, 2, "Received fields, not what looks like them");
	is_int(d.facts, SMTP_DATA_HAS_DATE | SMTP_DATA_HAS_FROM |
	    SMTP_DATA_HAS_MESSAGE_ID, "fields that are there");
	ok(d.body, "there is a body");
	is_mem(out + d.header_disk, n - d.header_disk,
	    STR("Received: in the body\n"), "where the header ends");
}

static const struct {
	const char	*in;
	size_t		 nin;
	const char	*out;
	size_t		 nout;
} dots[] = {
	{ STR(""), STR(".\r\n") },
	{ STR("a\n"), STR("a\r\n.\r\n") },
	{ STR("a"), STR("a\r\n.\r\n") },
	{ STR("a\r\n"), STR("a\r\n.\r\n") },
	{ STR("a\r"), STR("a\r\n.\r\n") },
	{ STR("a\r\r\n"), STR("a\r\r\n.\r\n") },
	{ STR(".\n..\na.\n"), STR("..\r\n...\r\na.\r\n.\r\n") },
	{ STR("."), STR("..\r\n.\r\n") },
	{ STR("a\r\n.\r\n"), STR("a\r\n..\r\n.\r\n") },
	{ STR("a\r.\n"), STR("a\r.\r\n.\r\n") },
	{ STR("\n\n.\n"), STR("\r\n\r\n..\r\n.\r\n") },
	{ STR("a\0\n.\0"), STR("a\0\r\n..\0\r\n.\r\n") }
};

/* How many lines of what goes out begin with a dot, but the last. */
static long long
dots_doubled(size_t i)
{
	long long found = 0;
	size_t at;

	for (at = 0; at + 3 < dots[i].nout; at++)
		found += dots[i].out[at] == '.' &&
		    (at == 0 || dots[i].out[at - 1] == '\n');
	return found;
}

static void
check_dots(size_t i, size_t step, size_t size)
{
	struct smtp_dot d = { 0 };
	char out[64], what[64];
	size_t at = 0, part, len = 0;

	while (at < dots[i].nin) {
		part = dots[i].nin - at < step ? dots[i].nin - at : step;
		len += smtp_dot_feed(&d, dots[i].in + at, &part, out + len,
		    size);
		at += part;
	}
	is_int((long long)d.dots, dots_doubled(i), "dots");
	len += smtp_dot_end(&d, out + len);
	snprintf(what, sizeof(what), "out %zu, %zu into %zu", i, step, size);
	is_mem(out, len, dots[i].out, dots[i].nout, what);
}

/* Every text of five of these octets, out and in again. */
static void
check_round_trip(void)
{
	static const char octets[] = "a.\n\r";
	char text[6], wire[32], back[40], want[16];
	struct smtp_data d;
	struct smtp_dot dot;
	size_t i, j, k, n, part, len, bad = 0;

	for (i = 0; i < 1024; i++) {
		for (j = 0, k = i; j < 5; j++, k /= 4)
			text[j] = octets[k % 4];
		text[5] = '\n';
		memset(&dot, 0, sizeof(dot));
		part = 6;
		n = smtp_dot_feed(&dot, text, &part, wire, sizeof(wire));
		n += smtp_dot_end(&dot, wire + n);
		/* CRLF on disk that is not CR CR LF comes back as LF. */
		for (j = len = 0; j < 6; j++) {
			if (text[j] == '\r' && j < 5 && text[j + 1] == '\n' &&
			    (j == 0 || text[j - 1] != '\r'))
				continue;
			want[len++] = text[j];
		}
		smtp_data_init(&d, 0);
		part = n;
		k = smtp_data_feed(&d, wire, &part, back);
		bad += !smtp_data_done(&d) || part != n || k != len ||
		    memcmp(back, want, len) != 0 || (d.facts & LF_);
	}
	is_int((long long)bad, 0, "out and in again, 1024 texts");
}

int
main(void)
{
	static const size_t steps[] = { 1000, 1, 2, 3 };
	struct smtp_data d;
	char out[32];
	size_t i, j, n;

	for (j = 0; j < 4; j++) {
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			check(i, steps[j]);
		check_header(steps[j]);
		for (i = 0; i < sizeof(dots) / sizeof(dots[0]); i++) {
			check_dots(i, steps[j], 64);
			check_dots(i, steps[j], 3);
		}
	}
	for (i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
		check_raw(i, 1000);
		check_raw(i, 1);
	}
	check_round_trip();
	smtp_data_init(&d, 0);
	n = 3;
	smtp_data_feed(&d, ".\r\n", &n, out);
	n = 4;
	is_int((long long)smtp_data_feed(&d, "QUIT", &n, out), 0,
	    "behind the end nothing is written");
	is_int((long long)n, 0, "nor taken");
	return done();
}
