/* SPDX-License-Identifier: ISC
 *
 * Proves what a header in UTF-8 becomes for a client that knows US-ASCII, that
 * fields in US-ASCII stay to the octet, and that no other octet comes out.
 */
#include "tap.h"
#include "grammar/surrogate.h"

#define UE	"\xc3\xbc"

static const struct {
	const char	*what, *in, *out;
} rows[] = {
	{ "ASCII alone", "A: b\r\nC: d\n e\n\n", "A: b\r\nC: d\n e\n\n" },
	{ "nothing", "", "" },
	{ "no empty line", "A: b", "A: b" },
	{ "the empty line as it was", "A: b\r\n\r\n", "A: b\r\n\r\n" },
	{ "text", "Subject: " UE "\n", "Subject: =?utf-8?B?w7w=?=\n" },
	{ "any letter case", "SUBJECT:" UE "\n",
	  "SUBJECT: =?utf-8?B?w7w=?=\n" },
	{ "folded text", "Subject: a\n " UE "\n\n",
	  "Subject: =?utf-8?B?YSDDvA==?=\n\n" },
	{ "cut between characters",
	  "Subject: " UE UE UE UE UE UE UE UE UE UE UE UE UE UE "\n",
	  "Subject: =?utf-8?B?w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7w=?=\n"
	  " =?utf-8?B?w7w=?=\n" },
	{ "octets of no known set", "Subject: \xfc\n",
	  "Subject: =?unknown-8bit?B?/A==?=\n" },
	{ "a name", "From: J" UE " M <j@a.test>\n",
	  "From: =?utf-8?B?SsO8IE0=?= <j@a.test>\n" },
	{ "a name in quotes", "From: \"" UE ", x\" <j@a.test>\n",
	  "From: =?utf-8?B?w7wsIHg=?= <j@a.test>\n" },
	{ "another name as it was said", "To: \"A, B\" <a@a.test>, " UE
	  " <j@a.test>\n", "To: \"A, B\" <a@a.test>,\n"
	  " =?utf-8?B?w7w=?= <j@a.test>\n" },
	{ "an address", "To: " UE "@a.test\n", "To: =?utf-8?B?w7xAYS50ZXN0?=\n"
	  " <" SURROGATE_ADDRESS ">\n" },
	{ "a domain", "To: X <b@" UE ".test>\n",
	  "To: =?utf-8?B?WCBiQMO8LnRlc3Q=?=\n <" SURROGATE_ADDRESS ">\n" },
	{ "a group", "To: " UE ": a@a.test, b@a.test;, c@a.test\n",
	  "To: =?utf-8?B?w7w=?=: a@a.test,\n b@a.test;,\n c@a.test\n" },
	{ "a local part in quotes", "To: \"a b\"@a.test, " UE " <c@d>\n",
	  "To: \"a b\"@a.test,\n =?utf-8?B?w7w=?= <c@d>\n" },
	{ "parameters", "Content-Type: text/plain; charset=x; name=\"" UE
	  "\"; a=\"b c\"\n",
	  "Content-Type: text/plain;\n charset=x;\n a=\"b c\"\n" },
	{ "no parameter is left", "Content-Disposition: attachment; filename="
	  UE "\n", "Content-Disposition: attachment\n" },
	{ "others go", "A: b\nX: " UE "\nC: d\n\n", "A: b\nC: d\n\n" },
	{ "no field at all", "A: b\n" UE "\nC: d\n\n", "A: b\nC: d\n\n" },
	{ "a name in UTF-8", UE ": b\nC: d\n", "C: d\n" },
};

/* Every text of these pieces, up to five of them. */
static void
test_all(void)
{
	static const char *const pieces[] = { "To:", "Content-Type:", "\n", " ",
	    "\xc3\xbc", "<", ";a=", "@", "\"", "\xff", ",", "b" };
	const size_t n = sizeof(pieces) / sizeof(pieces[0]);
	size_t i, j, k, bad = 0;
	char text[80];
	struct buf out;

	buf_init(&out, 4096);
	for (i = 0; i < n * n * n * n * n; i++) {
		text[0] = '\0';
		for (j = 0, k = i; j < 5; j++, k /= n)
			strlcat(text, pieces[k % n], sizeof(text));
		buf_reset(&out);
		bad += surrogate_header(&out, text, strlen(text)) != 0;
		for (j = 0; j < out.len; j++)
			bad += (out.data[j] & 0x80) != 0;
	}
	is_int((long long)bad, 0, "no octet above 127");
	buf_free(&out);
}

int
main(void)
{
	struct buf out;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_init(&out, 4096);
		is_int(surrogate_header(&out, rows[i].in, strlen(rows[i].in)),
		    0, rows[i].what);
		is_mem(out.len > 0 ? out.data : "", out.len, rows[i].out,
		    strlen(rows[i].out), "its octets");
		buf_free(&out);
	}
	buf_init(&out, 10);
	is_int(surrogate_header(&out, "Subject: " UE "\n", 12), -1,
	    "no room");
	buf_free(&out);
	test_all();
	return done();
}
