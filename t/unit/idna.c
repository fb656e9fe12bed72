/* SPDX-License-Identifier: ISC
 *
 * Proves that domain names in UTF-8 become what the DNS has.
 */
#include "grammar/idna.h"
#include "tap.h"

/* out NULL: it is none. */
static const struct {
	const char	*in, *out;
} rows[] = {
	{ "mx.example.org", "mx.example.org" },
	{ "b\303\274cher.example", "xn--bcher-kva.example" },
	{ "m\303\274nchen.b\303\274cher", "xn--mnchen-3ya.xn--bcher-kva" },
	{ "\303\274.test", "xn--tda.test" },
	{ "stra\303\237e.de", "xn--strae-oqa.de" },
	{ "\344\276\213\343\201\210.\343\203\206\343\202\271\343\203\210",
	    "xn--r8jz45g.xn--zckzah" },
	{ "\320\277\321\200\320\265\320\267\320\270\320\264\320\265\320\275"
	    "\321\202.\321\200\321\204", "xn--d1abbgf6aiiy.xn--p1ai" },
	{ "\360\237\222\251.la", "xn--ls8h.la" },
	{ "", "" },
	{ "a..b", "a..b" },
	{ "\303", NULL },
	{ "\303\274\377", NULL },
	{ "\303\274123456789012345678901234567890123456789012345678901234567"
	    "8901234567890.test", NULL }
};

int
main(void)
{
	char out[IDNA_MAX], name[600];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		is_int(idna_ascii(out, rows[i].in, strlen(rows[i].in)),
		    rows[i].out == NULL ? -1 : 0, rows[i].in);
		if (rows[i].out != NULL)
			is_str(out, rows[i].out, "as the DNS has it");
	}
	memset(name, 'a', sizeof(name));
	for (i = 60; i < sizeof(name); i += 61)
		name[i] = '.';
	is_int(idna_ascii(out, name, 255), 0, "255 octets");
	is_int(idna_ascii(out, name, 256), -1, "one more");
	memset(name, 'a', sizeof(name));
	is_int(idna_ascii(out, name, 63), 0, "a label of 63");
	is_int(idna_ascii(out, name, 64), -1, "one of 64");
	return done();
}
