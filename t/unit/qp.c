/* SPDX-License-Identifier: ISC
 *
 * Proves quoted-printable both ways, whole and byte by byte, and that what
 * was encoded decodes to what it was.
 */
#include "bytes/qp.h"
#include "tap.h"

static const struct {
	const char	*in, *want;
	int		 dirt;
} decode[] = {
	{ "plain\n", "plain\n", 0 },
	{ "a=3Db=20\r\n", "a=b \r\n", 0 },
	{ "caf=C3=A9", "caf\xc3\xa9", 0 },
	{ "small =c3=a9", "small \xc3\xa9", 0 },
	{ "soft=\nbreak", "softbreak", 0 },
	{ "soft=\r\nbreak", "softbreak", 0 },
	{ "padded= \t\r\nbreak", "paddedbreak", 0 },
	{ "trailing  \t\nnext", "trailing\nnext", 0 },
	{ "trailing  \r\nnext", "trailing\r\nnext", 0 },
	{ "at the end  ", "at the end", 0 },
	{ "inner  space", "inner  space", 0 },
	{ "space =\nsoft", "space soft", 0 },
	{ "space  =41", "space  A", 0 },
	{ "not=ZZhex", "not=ZZhex", 1 },
	{ "half=4", "half=4", 1 },
	{ "half=4x", "half=4x", 1 },
	{ "twice==41", "twice=A", 1 },
	{ "= x", "= x", 1 },
	{ "=\rx", "=\rx", 1 },
	{ "= \rx", "= \rx", 1 },
	{ "bare\rCR", "bare\rCR", 1 },
	{ "space \rCR", "space \rCR", 1 },
	{ "CR CR\r\r\nLF", "CR CR\r\r\nLF", 1 },
	{ "end=", "end", 0 },
	{ "=41=42=43", "ABC", 0 },
	{ "raw \xe9", "raw \xe9", 0 }
};

static const struct {
	const char	*in, *want;
	int		 binary;
} encode[] = {
	{ "plain\n", "plain\n", 0 },
	{ "a=b", "a=3Db", 0 },
	{ "caf\xc3\xa9\r\n", "caf=C3=A9\n", 0 },
	{ "end \n", "end=20\n", 0 },
	{ "end\t\r\n", "end=09\n", 0 },
	{ "end ", "end=20", 0 },
	{ "two  \n", "two =20\n", 0 },
	{ "bare\rCR", "bare=0DCR", 0 },
	{ "CR\r\r\n", "CR=0D\n", 0 },
	{ "space \rx", "space =0Dx", 0 },
	{ "last\r", "last=0D", 0 },
	{ "last \r", "last =0D", 0 },
	{ "\x7f\x01", "=7F=01", 0 },
	{ "a\r\nb", "a=0D=0Ab", 1 },
	{ "12345678901234567890123456789012345678901234567890"
	  "12345678901234567890123456789",
	  "12345678901234567890123456789012345678901234567890"
	  "1234567890123456789012345=\n6789", 0 },
	{ "1234567890123456789012345678901234567890123456789012345678901234567"
	  "890123\xff",
	  "1234567890123456789012345678901234567890123456789012345678901234567"
	  "890123=\n=FF", 0 }
};

static void
do_decode(struct buf *b, const char *in, size_t n, size_t step, int *dirt)
{
	struct qp q = { 0 };
	size_t at, part;

	buf_reset(b);
	for (at = 0; at < n; at += part) {
		part = n - at < step ? n - at : step;
		qp_decode(&q, b, in + at, part);
	}
	qp_decode_end(&q, b);
	*dirt = q.dirt;
}

static void
do_encode(struct buf *b, const char *in, size_t n, size_t step, int binary)
{
	struct qp_encoder e = { 0 };
	size_t at, part;

	e.binary = binary;
	buf_reset(b);
	for (at = 0; at < n; at += part) {
		part = n - at < step ? n - at : step;
		qp_encode(&e, b, in + at, part);
	}
	qp_encode_end(&e, b);
}

int
main(void)
{
	char all[256], spaces[202];
	struct buf b, c;
	size_t i, step;
	int dirt;

	buf_init(&b, 4000);
	buf_init(&c, 4000);
	for (step = 100; step > 0; step /= 100) {
		for (i = 0; i < sizeof(decode) / sizeof(decode[0]); i++) {
			do_decode(&b, decode[i].in, strlen(decode[i].in), step,
			    &dirt);
			is_str(buf_str(&b), decode[i].want, decode[i].in);
			is_int(dirt, decode[i].dirt, "dirt?");
		}
		for (i = 0; i < sizeof(encode) / sizeof(encode[0]); i++) {
			do_encode(&b, encode[i].in, strlen(encode[i].in),
			    step, encode[i].binary);
			is_str(buf_str(&b), encode[i].want, encode[i].in);
		}
	}
	for (i = 0; i < 256; i++)
		all[i] = (char)i;
	do_encode(&b, all, 256, 100, 1);
	do_decode(&c, b.data, b.len, 7, &dirt);
	is_mem(c.data, c.len, all, 256, "all octets, there and back");
	memset(spaces, ' ', 200);
	spaces[200] = 'x';
	do_decode(&b, spaces, 201, 3, &dirt);
	is_mem(b.data, b.len, spaces, 201, "white space over a line's length");
	buf_free(&b);
	buf_free(&c);
	return done();
}
