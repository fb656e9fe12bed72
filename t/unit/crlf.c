/* SPDX-License-Identifier: ISC
 *
 * Proves the rule for line ends both ways, whole, byte by byte and into the
 * smallest output, and that wire, disk, wire gives the wire back.
 */
#include "bytes/crlf.h"
#include "tap.h"

typedef size_t convert(struct crlf *, const void *, size_t *, void *, size_t);

static const struct {
	const char	*name, *disk, *wire;
	size_t		 ndisk, nwire;
} rows[] = {
#define ROW(name, disk, wire) { name, disk, wire, sizeof(disk) - 1, \
	sizeof(wire) - 1 }
	ROW("nothing", "", ""),
	ROW("a line", "a\n", "a\r\n"),
	ROW("no line end", "a", "a"),
	ROW("empty lines", "\n\n\n", "\r\n\r\n\r\n"),
	ROW("a bare CR", "a\rb\n", "a\rb\r\n"),
	ROW("CR CR LF keeps its CRLF", "a\r\r\n", "a\r\r\n"),
	ROW("CR CR CR LF", "a\r\r\r\n", "a\r\r\r\n"),
	ROW("a CR at the end", "a\r", "a\r"),
	ROW("two CRs at the end", "a\r\r", "a\r\r"),
	ROW("NUL is an octet", "a\0b\n\0", "a\0b\r\n\0"),
	ROW("CR NUL LF", "\r\0\n", "\r\0\r\n"),
	ROW("CR CR x LF", "\r\rx\n", "\r\rx\r\n"),
#undef ROW
};

/* Feed step octets at a time, into an output of size. */
static size_t
run(convert *f, const char *in, size_t n, char *out, size_t step,
    size_t size)
{
	struct crlf c = { 0 };
	size_t len = 0, part;

	while (n > 0) {
		part = n < step ? n : step;
		len += f(&c, in, &part, out + len, size);
		in += part;
		n -= part;
	}
	if (f == crlf_to_disk)
		len += crlf_to_disk_end(&c, out + len);
	return len;
}

static void
check(const char *name, const char *how, convert *f, const char *in,
    size_t n, const char *want, size_t nwant)
{
	static const size_t sizes[][2] = {
		{ 64, 64 }, { 1, 64 }, { 64, 2 }, { 1, 2 }, { 3, 3 }
	};
	char out[80], what[100];
	size_t i, len;

	for (i = 0; i < 5; i++) {
		len = run(f, in, n, out, sizes[i][0], sizes[i][1]);
		snprintf(what, sizeof(what), "%s, %s, %zu into %zu", name,
		    how, sizes[i][0], sizes[i][1]);
		is_mem(out, len, want, nwant, what);
	}
}

int
main(void)
{
	struct crlf c;
	char out[8];
	size_t i, j, n;
	uint64_t extra;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check(rows[i].name, "to the wire", crlf_to_wire, rows[i].disk,
		    rows[i].ndisk, rows[i].wire, rows[i].nwire);
		check(rows[i].name, "to the disk", crlf_to_disk, rows[i].wire,
		    rows[i].nwire, rows[i].disk, rows[i].ndisk);
		memset(&c, 0, sizeof(c));
		is_int(crlf_is_disk(&c, rows[i].wire, rows[i].nwire),
		    memchr(rows[i].wire, '\r', rows[i].nwire) == NULL,
		    "taken as it is when it has no CR");
		is_int((long long)crlf_wire_extra(&c, rows[i].disk,
		    rows[i].ndisk), (long long)(rows[i].nwire -
		    rows[i].ndisk), "counted whole");
		memset(&c, 0, sizeof(c));
		for (j = 0, extra = 0; j < rows[i].ndisk; j++)
			extra += crlf_wire_extra(&c, rows[i].disk + j, 1);
		is_int((long long)extra, (long long)(rows[i].nwire -
		    rows[i].ndisk), "counted byte by byte");
	}
	memset(&c, 0, sizeof(c));
	n = 4;
	n = crlf_to_wire(&c, "a\r\nb", &n, out, sizeof(out));
	is_mem(out, n, "a\r\nb", 4, "CRLF that others left goes out as it is");
	memset(&c, 0, sizeof(c));
	n = 4;
	n = crlf_to_disk(&c, "a\nb\n", &n, out, sizeof(out));
	is_mem(out, n, "a\nb\n", 4, "a bare LF stays on its way in");
	n = 2;
	(void)crlf_to_disk(&c, "a\r", &n, out, sizeof(out));
	is_int(crlf_is_disk(&c, "\n", 1), 0, "a CR that is held meets its LF");
	return done();
}
