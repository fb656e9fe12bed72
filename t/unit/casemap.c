/* SPDX-License-Identifier: ISC
 *
 * Proves that texts are mapped as i;unicode-casemap says (RFC 5051, section 2):
 * titlecase, then decomposition, until nothing changes; and that what is not
 * UTF-8 stays as it is.
 */
#include "tap.h"
#include "bytes/casemap.h"
#include "bytes/utf8.h"

static const struct {
	const char	*in, *want;
} rows[] = {
	{ "", "" },
	{ "az{AZ[09", "AZ{AZ[09" },
	{ "\303\244", "A\314\210" },			/* a umlaut */
	{ "\303\204", "A\314\210" },
	{ "\303\237", "\303\237" },			/* sharp s */
	{ "\303\277", "Y\314\210" },			/* y diaeresis */
	{ "\305\223", "\305\222" },			/* oe */
	{ "\307\206", "DZ\314\214" },			/* dz caron */
	{ "\320\260\320\257", "\320\220\320\257" },	/* Cyrillic a, Ya */
	{ "\320\271", "\320\230\314\206" },		/* short i */
	{ "\317\202", "\316\243" },			/* final sigma */
	{ "\341\274\200", "\316\221\314\223" },		/* alpha with psili */
	{ "\357\274\241\357\275\201", "AA" },		/* full width */
	{ "\357\254\201", "FI" },			/* ligature fi */
	{ "\302\262", "2" },				/* superscript */
	{ "\302\240", " " },				/* no-break space */
	{ "\343\201\214", "\343\201\213\343\202\231" },	/* Hiragana ga */
	{ "\346\227\245\346\234\254", "\346\227\245\346\234\254" },
	{ "\352\260\200", "\352\260\200" },		/* Hangul: as it is */
	{ "\360\220\220\250", "\360\220\220\200" },	/* Deseret */
	{ "\360\257\250\235", "\360\252\230\200" },	/* the last ideograph */
	{ "a\377b", "A\377B" },
	{ "a\303", "A\303" },
};

/* Whatever it becomes stays what it is: true of every character. */
static void
test_all(void)
{
	char once[CASEMAP_MAX], in[4];
	struct buf b, again;
	uint32_t c;
	size_t n, most = 0;
	int bad = 0;

	buf_init(&b, 4 * CASEMAP_MAX);
	buf_init(&again, 4 * CASEMAP_MAX);
	for (c = 0; c < 0x110000; c++) {
		if ((n = utf8_put(in, c)) == 0)
			continue;
		buf_reset(&b);
		buf_reset(&again);
		casemap_add(&b, in, n);
		casemap_add(&again, b.data, b.len);
		bad += b.len != again.len || memcmp(b.data, again.data,
		    b.len) != 0;
		n = casemap_char(once, c);
		bad += n != b.len || memcmp(once, b.data, n) != 0;
		if (n > most)
			most = n;
	}
	is_int(bad, 0, "mapping twice is mapping once");
	is_int((long long)most, 33, "the longest");
	buf_free(&b);
	buf_free(&again);
}

int
main(void)
{
	struct buf b;
	size_t i, n;

	buf_init(&b, 1000);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = strlen(rows[i].in);
		buf_reset(&b);
		is_int(casemap_add(&b, rows[i].in, n), utf8_valid(rows[i].in, n),
		    "valid");
		is_mem(b.data, b.len, rows[i].want, strlen(rows[i].want),
		    rows[i].in);
	}
	buf_free(&b);
	test_all();
	return done();
}
