/* SPDX-License-Identifier: ISC
 *
 * Proves encoded words and the character sets behind them.
 */
#include "bytes/charset.h"
#include "grammar/mime_words.h"
#include "tap.h"

static const struct {
	const char	*in, *want;
} rows[] = {
	{ "plain text", "plain text" },
	{ "", "" },
	{ "=?utf-8?Q?caf=C3=A9?=", "caf\xc3\xa9" },
	{ "=?ISO-8859-1?q?caf=E9_x?= y", "caf\xc3\xa9 x y" },
	{ "=?us-ascii*en?Q?a?=", "a" },
	{ "=?ISO-8859-1?q?\?=", "" },
	{ "=?utf-8?b?aGVsbG8=?=", "hello" },
	{ "=?utf-8?B?aGVs?= =?utf-8?B?bG8=?=", "hello" },
	{ "=?utf-8?Q?a?=\t  =?utf-8?Q?b?= c", "ab c" },
	{ "=?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c" },
	{ "=?iso-8859-15?Q?=A4?=", "\xe2\x82\xac" },
	{ "=?windows-1252?Q?=80=81?=", "\xe2\x82\xac\xef\xbf\xbd" },
	{ "\"=?utf-8?Q?quoted?=\"", "\"quoted\"" },
	/* No encoded words. */
	{ "=?utf-8?X?a?=", "=?utf-8?X?a?=" },
	{ "=?utf-8?Q?a", "=?utf-8?Q?a" },
	{ "=?utf-8?Q?a?b?=", "=?utf-8?Q?a?b?=" },
	{ "=?" "?Q?a?=", "=?" "?Q?a?=" },
	{ "=?=?utf-8?Q?a?=", "=?a" },
	{ "a = b =", "a = b =" }, { "=?", "=?" },
	{ "=?utf-8?Q?=4?=", "=4" }, { "=?utf-8?Q?" "?=", "" },
	{ "=?x-unknown?Q?=E9?=", "\xe9" },
};

static const struct {
	const char	*name, *in, *want;
} octets[] = {
	{ "iso-8859-15", "\xa4\xbe", "\u20ac\u0178" },
	{ "cp1252", "\x80\x81\xe4", "\u20ac\ufffd\u00e4" },
	{ "ISO-8859-2", "\xb3\xf3" "d\xbc", "\u0142\u00f3d\u017a" },
	{ "iso-8859-5", "\xbf\xe0\xd8", "\u041f\u0440\u0438" },
	{ "windows-1251", "\xcf\xf0\xe8", "\u041f\u0440\u0438" },
	{ "KOI8-R", "\xf0\xd2\xc9", "\u041f\u0440\u0438" },
	{ "koi8-u", "\xa4", "\u0454" },
	{ "ibm866", "\x8f\xe0\xa8", "\u041f\u0440\u0438" },
	{ "iso-8859-7", "\xc1\xe1", "\u0391\u03b1" },
	{ "windows-1255", "\xf9", "\u05e9" },
	{ "windows-874", "\xa1", "\u0e01" },
};

int
main(void)
{
	struct buf b;
	size_t i;

	buf_init(&b, 1000);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		is_int(mime_words_decode(&b, rows[i].in, strlen(rows[i].in)),
		    0, rows[i].in);
		is_str(buf_str(&b), rows[i].want, "decoded");
	}
	is_int(charset_find("Utf-8", 5), CHARSET_UTF8, "a name in any case");
	is_int(charset_find("utf-80", 6), CHARSET_UNKNOWN, "a whole name");
	is_int(charset_find("utf-", 4), CHARSET_UNKNOWN, "no part of one");
	is_int(charset_find("", 0), CHARSET_UNKNOWN, "no name");
	is_int(charset_find("utf-8\0\0\0\0x", 10), CHARSET_UNKNOWN,
	    "a name with NULs behind it");
	buf_reset(&b);
	charset_decode(CHARSET_LATIN1, &b, "a\xe9" "b\xff", 4);
	is_str(buf_str(&b), "a\xc3\xa9" "b\xc3\xbf", "Latin-1");
	for (i = 0; i < sizeof(octets) / sizeof(octets[0]); i++) {
		buf_reset(&b);
		charset_decode(charset_find(octets[i].name,
		    strlen(octets[i].name)), &b, octets[i].in,
		    strlen(octets[i].in));
		is_str(buf_str(&b), octets[i].want, octets[i].name);
	}
	for (i = 0; charset_name(i) != NULL; i++)
		is_int(charset_find(charset_name(i), strlen(charset_name(i))),
		    i, charset_name(i));
	is_int(i, CHARSET_UNKNOWN, "all have a name");
	buf_reset(&b);
	charset_decode(CHARSET_UTF8, &b, "\xff", 1);
	is_str(buf_str(&b), "\xff", "UTF-8 passes");
	buf_free(&b);
	return done();
}
