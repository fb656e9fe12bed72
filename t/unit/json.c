/* SPDX-License-Identifier: ISC
 *
 * Proves that any octets become one JSON string, and what each becomes.
 */
#include "bytes/json.h"
#include "tap.h"

static const struct {
	const char	*text;
	size_t		 n;
	const char	*want;
} rows[] = {
	{ "", 0, "\"\"" },
	{ "plain", 5, "\"plain\"" },
	{ "a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\"" },
	{ "\n\r\t\b\x1b\x7f", 6,
	    "\"\\u000a\\u000d\\u0009\\u0008\\u001b\\u007f\"" },
	{ "a\0b", 3, "\"a\\u0000b\"" },
	{ "\xc3\xa9\xf0\x9f\x98\x80", 6, "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
	{ "\xc3", 1, "\"\xef\xbf\xbd\"" },
	{ "\xff" "a\xc3(", 4, "\"\xef\xbf\xbd" "a\xef\xbf\xbd(\"" },
	{ "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ NULL, 0, "null" },
};

int
main(void)
{
	struct buf b;
	size_t i;

	buf_init(&b, 100);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		is_int(json_add(&b, rows[i].text, rows[i].n), 0, "written");
		is_str(buf_str(&b), rows[i].want, "as");
	}
	buf_reset(&b);
	json_adds(&b, NULL);
	json_adds(&b, "x");
	is_str(buf_str(&b), "null\"x\"", "C strings");
	buf_free(&b);
	buf_init(&b, 4);
	is_int(json_adds(&b, "too long"), -1, "no room is said");
	buf_free(&b);
	return done();
}
