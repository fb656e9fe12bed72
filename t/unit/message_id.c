/* SPDX-License-Identifier: ISC
 *
 * Proves that a Message-ID we make is one, and how they are found in fields.
 */
#include "grammar/message_id.h"
#include "tap.h"

/* want: each id and "|". */
static const struct {
	const char	*in, *want;
} rows[] = {
	{ "", "" },
	{ "<a@b>", "a@b|" },
	{ " <a@b>\r\n <c@d>\r\n\t<e@f>", "a@b|c@d|e@f|" },
	{ "<a@b><c@d>", "a@b|c@d|" },
	{ "Your message of Friday <a@b> (was: \"x\")", "a@b|" },
	{ "<no-at>", "no-at|" },
	{ "<a@[192.0.2.1]>", "a@[192.0.2.1]|" },
	{ "<\303\251@b>", "\303\251@b|" },
	{ "<>", "" },
	{ "<a b@c> <d@e>", "d@e|" },
	{ "<<a@b>>", "a@b|" },
	{ "<a@b <c@d>", "c@d|" },
	{ "<a@b", "" },
	{ "a@b>", "" },
	{ "\"unbalanced <a@b> (too", "a@b|" }
};

int
main(void)
{
	char out[MESSAGE_ID_MAX], other[MESSAGE_ID_MAX], got[100];
	char host[400];
	const char *p, *end, *id;
	size_t i, len;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		got[0] = '\0';
		p = rows[i].in;
		end = p + strlen(p);
		while (message_id_next(&p, end, &id, &len))
			snprintf(got + strlen(got), sizeof(got) - strlen(got),
			    "%.*s|", (int)len, id);
		is_str(got, rows[i].want, rows[i].in);
	}
	message_id_make(out, 1700000000000000, UINT64_MAX, "mx.example");
	p = out;
	is_int(message_id_next(&p, out + strlen(out), &id, &len), 1,
	    "one that was made is one");
	ok(p == out + strlen(out), "and nothing else: %s", out);
	message_id_make(other, 1700000000000001, UINT64_MAX, "mx.example");
	ok(strcmp(out, other) != 0, "another time is another id");
	message_id_make(other, 1700000000000000, 0, "mx.example");
	ok(strcmp(out, other) != 0, "another random number too");
	memset(host, 'x', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	message_id_make(out, UINT64_MAX, UINT64_MAX, host);
	ok(out[strlen(out) - 1] == '>', "it fits with the longest host");
	return done();
}
