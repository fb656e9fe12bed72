/* SPDX-License-Identifier: ISC
 *
 * Proves that domain names in UTF-8 become what the DNS has: by the library,
 * which maps and checks, and without, which does neither.
 */
#include "grammar/idna.h"
#include "tap.h"

/* NULL: it is none. */
static const struct {
	const char	*in, *out;
	const char	*strict;	/* without the library */
} rows[] = {
	{ "mx.example.org", "mx.example.org", "mx.example.org" },
	{ "MX.example.org", "MX.example.org", "MX.example.org" },
	{ "b\303\274cher.example", "xn--bcher-kva.example",
	    "xn--bcher-kva.example" },
	{ "m\303\274nchen.b\303\274cher", "xn--mnchen-3ya.xn--bcher-kva",
	    "xn--mnchen-3ya.xn--bcher-kva" },
	{ "\303\274.test", "xn--tda.test", "xn--tda.test" },
	{ "\303\274.test.", "xn--tda.test.", "xn--tda.test." },
	{ "stra\303\237e.de", "xn--strae-oqa.de", "xn--strae-oqa.de" },
	{ "\344\276\213\343\201\210.\343\203\206\343\202\271"
	    "\343\203\210", "xn--r8jz45g.xn--zckzah",
	    "xn--r8jz45g.xn--zckzah" },
	{ "\320\277\321\200\320\265\320\267\320\270\320\264\320\265"
	    "\320\275\321\202.\321\200\321\204",
	    "xn--d1abbgf6aiiy.xn--p1ai", "xn--d1abbgf6aiiy.xn--p1ai" },
	/* mapped: case, composition, width, another full stop */
	{ "B\303\234CHER.Example", "xn--bcher-kva.Example",
	    "xn--BCHER-2pa.Example" },
	{ "bu\314\210cher.example", "xn--bcher-kva.example",
	    "xn--bucher-xyd.example" },
	{ "\357\275\215\357\275\230.test", "mx.test", "xn--yi7cwa.test" },
	{ "b\303\274cher\343\200\202de", "xn--bcher-kva.de",
	    "xn--bcherde-n2a0649h" },
	/* not allowed: a symbol, a hyphen at the end, what becomes a slash
	 * or an at, a joiner alone */
	{ "\360\237\222\251.la", NULL, "xn--ls8h.la" },
	{ "\303\274-.de", NULL, "xn----dha.de" },
	{ "a\357\274\217b.de", NULL, "xn--ab-1u3n.de" },
	{ "a\357\274\240b.de", NULL, "xn--ab-iw3n.de" },
	{ "\342\200\215\303\274.de", NULL, "xn--tda910n.de" },
	/* already in ASCII */
	{ "xn--bcher-kva.example", "xn--bcher-kva.example",
	    "xn--bcher-kva.example" },
	{ "xn--zzzzzz.example", NULL, "xn--zzzzzz.example" },
	{ "xn--ls8h.la", "xn--ls8h.la", "xn--ls8h.la" },
	{ "r1---sn.example", "r1---sn.example", "r1---sn.example" },
	{ "_dmarc.b\303\274cher.de", "_dmarc.xn--bcher-kva.de",
	    "_dmarc.xn--bcher-kva.de" },
	{ "", "", "" },
	{ "a..b", "a..b", "a..b" },
	/* malformed, too long */
	{ "\303", NULL, NULL },
	{ "\303\274\377", NULL, NULL },
	{ "\303\274123456789012345678901234567890123456789012345678901234567"
	    "8901234567890.test", NULL, NULL }
};

static void
test_length(int (*convert)(char *, const char *, size_t))
{
	char out[IDNA_MAX], name[600];
	size_t i;

	memset(name, 'a', sizeof(name));
	for (i = 60; i < sizeof(name); i += 61)
		name[i] = '.';
	is_int(convert(out, name, 255), 0, "255 octets");
	is_int(convert(out, name, 256), -1, "one more");
	memset(name, 'a', sizeof(name));
	is_int(convert(out, name, 63), 0, "a label of 63");
	is_int(convert(out, name, 64), -1, "one of 64");
	for (i = 0; i < sizeof(name); i += 2)
		memcpy(name + i, "\303\274", 2);
	is_int(convert(out, name, 252), -1, "too many characters");
	is_int(convert(out, name, 254), -1, "far too many");
}

int
main(void)
{
	char out[IDNA_MAX];
	size_t i, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = strlen(rows[i].in);
		is_int(idna_ascii(out, rows[i].in, n), rows[i].out == NULL ?
		    -1 : 0, rows[i].in);
		if (rows[i].out != NULL)
			is_str(out, rows[i].out, "as the DNS has it");
		is_int(idna_strict(out, rows[i].in, n), rows[i].strict ==
		    NULL ? -1 : 0, "without the library");
		if (rows[i].strict != NULL)
			is_str(out, rows[i].strict, "its name");
	}
	test_length(idna_ascii);
	test_length(idna_strict);
	is_int(idna_ascii(out, "\303\274\0.de", 6), -1, "a NUL in a label");
	return done();
}
