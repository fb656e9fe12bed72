/* SPDX-License-Identifier: ISC
 *
 * Proves who a header is found to be from, and that of Bcc nothing stays,
 * however it is written.
 */
#include <string.h>

#include "grammar/submit.h"
#include "tap.h"

/* want: the addresses, a bar behind each; "!" and an enum name's number. */
static const struct {
	const char		*in;
	enum submit_from	 found;
	const char		*want;
} froms[] = {
	{ "From: bob@a.test\n", SUBMIT_GOOD, "bob@a.test|" },
	{ "FROM : Bob <bob@a.test>\n", SUBMIT_GOOD, "bob@a.test|" },
	{ "from: Bob\n <bob@a.test>\n", SUBMIT_GOOD, "bob@a.test|" },
	{ "From: bob\n", SUBMIT_GOOD, "bob|" },
	{ "From: bob (alice@a.test)\n", SUBMIT_GOOD, "bob|" },
	{ "From: \"alice@a.test\" <bob@a.test>\n", SUBMIT_GOOD,
	    "bob@a.test|" },
	{ "From: a@a.test, b@b.test\n", SUBMIT_GOOD, "a@a.test|b@b.test|" },
	{ "From: a@a.test b@b.test\n", SUBMIT_GOOD, "a@a.test|b@b.test|" },
	{ "From: a@a.test\nSender: c@c.test\n", SUBMIT_GOOD,
	    "a@a.test|c@c.test|" },
	{ "From: g: a@a.test, b@b.test;\n", SUBMIT_GOOD,
	    "a@a.test|b@b.test|" },
	{ "From: \"b b\"@a.test\n", SUBMIT_GOOD, "\"b b\"@a.test|" },
	{ "From: <@x.test:bob@a.test>\n", SUBMIT_GOOD, "bob@a.test|" },
	{ "From: j\303\266rg@b\303\274cher.test\n", SUBMIT_GOOD,
	    "j\303\266rg@b\303\274cher.test|" },
	{ "Subject: x\n", SUBMIT_NONE, "" },
	{ "", SUBMIT_NONE, "" },
	{ "Sender: c@c.test\n", SUBMIT_NONE, "c@c.test|" },
	{ "X-From: bob@a.test\nFromage: a@b.c\n", SUBMIT_NONE, "" },
	{ "To: x\n\nFrom: bob@a.test\n", SUBMIT_NONE, "" },
	{ "From: a@a.test\nfrom : b@b.test\n", SUBMIT_TWICE, "" },
	{ "Sender: a@a.test\nSender: b@b.test\n", SUBMIT_TWICE, "" },
	{ "From:\n", SUBMIT_MALFORMED, "" },
	{ "From: <>\n", SUBMIT_MALFORMED, "" },
	{ "From: none:;\n", SUBMIT_MALFORMED, "" },
	{ "From: bob@a..test\n", SUBMIT_MALFORMED, "" },
	{ "From: bob@\n", SUBMIT_MALFORMED, "" },
	{ "From: bob@a.test\nSender:\n", SUBMIT_MALFORMED, "" },
	{ "From: bob@a.test\001\n", SUBMIT_MALFORMED, "" },
	{ "From: j\366rg@a.test\n", SUBMIT_MALFORMED, "" }
};

static const struct {
	const char *in, *left;
} strips[] = {
	{ "", "" },
	{ "A: b\n", "A: b\n" },
	{ "Bcc: x@a.test\n", "" },
	{ "A: b\nbcc: x\nC: d\n", "A: b\nC: d\n" },
	{ "BCC :\n x,\n\ty\nC: d\n", "C: d\n" },
	{ "Resent-bcc: x\n y\nA: b\nBcc:\n", "A: b\n" },
	{ "Bcc: x", "" },
	{ "Bcc: x\nBcc: y\nA: b", "A: b" },
	{ "X-Bcc: x\nBccx: y\n", "X-Bcc: x\nBccx: y\n" },
	{ "A: b\n Bcc: not a field\n", "A: b\n Bcc: not a field\n" },
	{ "Bcc\nA: b\n", "Bcc\nA: b\n" },
	{ "A: b\nBcc: x\n\nBcc: y\n", "A: b\n\nBcc: y\n" }
};

static void
test_authors(void)
{
	struct submit_authors all;
	char text[ADDRESS_TEXT_MAX], got[2000];
	size_t i, j;

	for (i = 0; i < sizeof(froms) / sizeof(froms[0]); i++) {
		is_int(submit_authors(&all, froms[i].in,
		    strlen(froms[i].in)), froms[i].found, froms[i].in);
		if (froms[i].found != SUBMIT_GOOD &&
		    froms[i].found != SUBMIT_NONE)
			continue;
		got[0] = '\0';
		for (j = 0; j < all.n; j++) {
			strlcat(got, all.v[j].domain[0] == '\0' ?
			    all.v[j].local : address_text(&all.v[j], text),
			    sizeof(got));
			strlcat(got, "|", sizeof(got));
		}
		is_str(got, froms[i].want, "who it is from");
	}
}

static void
test_bounds(void)
{
	static char many[20 * (SUBMIT_AUTHORS + 2)];
	struct submit_authors all;
	size_t i;

	strlcpy(many, "From: a@a.test", sizeof(many));
	for (i = 1; i < SUBMIT_AUTHORS; i++)
		strlcat(many, ",a@a.test", sizeof(many));
	is_int(submit_authors(&all, many, strlen(many)), SUBMIT_GOOD,
	    "as many as can be");
	is_int((long long)all.n, SUBMIT_AUTHORS, "are all read");
	strlcat(many, "\nSender: a@a.test\n", sizeof(many));
	is_int(submit_authors(&all, many, strlen(many)), SUBMIT_MANY,
	    "and one more");
	memset(many, 'x', sizeof(many) - 1);
	memcpy(many, "From: ", 6);
	is_int(submit_authors(&all, many, 7 + ADDRESS_LOCAL_MAX),
	    SUBMIT_MALFORMED, "a local part that is too long");
	is_int(submit_authors(&all, "From: a@a.test\0,b@b.test", 24),
	    SUBMIT_MALFORMED, "a NUL hides nobody");
}

static void
test_strip(void)
{
	char text[200];
	size_t i, n;

	for (i = 0; i < sizeof(strips) / sizeof(strips[0]); i++) {
		strlcpy(text, strips[i].in, sizeof(text));
		n = submit_strip(text, strlen(text));
		is_mem(text, n, strips[i].left, strlen(strips[i].left),
		    strips[i].in);
	}
}

int
main(void)
{
	test_authors();
	test_bounds();
	test_strip();
	return done();
}
