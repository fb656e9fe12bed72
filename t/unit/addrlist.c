/* SPDX-License-Identifier: ISC
 *
 * Proves how address lists of header fields come apart: well-formed, obsolete
 * and broken ones; that every case of the isemail suite with an address in it
 * gives one; and that hostile input costs linear time.
 */
#include <stdlib.h>
#include <time.h>

#include "grammar/addrlist.h"
#include "isemail.h"
#include "tap.h"

/*
 * want has an item for each address, "|" behind each: name/route/mailbox/host
 * with "-" for absent; "{name" begins a group, "}" ends it.
 */
static const struct {
	const char	*in, *want;
} rows[] = {
	{ "", "" },
	{ " \r\n ", "" },
	{ ",,;,", "" },
	{ "a@b", "-/-/a/b|" },
	{ "a@b, c@d", "-/-/a/b|-/-/c/d|" },
	{ "A B <a@b>", "A B/-/a/b|" },
	{ "\"B, A\" <a@b>", "B, A/-/a/b|" },
	{ "\"A \\\"x\\\" B\"<a@b>", "A \"x\" B/-/a/b|" },
	{ "A. B. Cee <a@b>", "A. B. Cee/-/a/b|" },
	{ "=?utf-8?q?=C3=A9?= <a@b>", "=?utf-8?q?=C3=A9?=/-/a/b|" },
	{ "<a@b>", "-/-/a/b|" },
	{ "a@b (A B)", "A B/-/a/b|" },
	{ "(x) a@b (A (B) \\) C)", "A (B) ) C/-/a/b|" },
	{ "N <a@b> (comment)", "N/-/a/b|" },
	{ "\"a b\"@c", "-/-/a b/c|" },
	{ "\"a\".\"b\"@c", "-/-/a.b/c|" },
	{ "a . b @ c . d", "-/-/a.b/c.d|" },
	{ "a(x)@(y)b(z)", "x y z/-/a/b|" },
	{ "a@[192.0.2.1]", "-/-/a/[192.0.2.1]|" },
	{ "a@[x \\] y]", "-/-/a/[x]y]|" },
	{ "N <@r,@s:a@b>", "N/@r,@s/a/b|" },
	{ "N\r\n <a@b>,\r\n\tM <c@d>", "N/-/a/b|M/-/c/d|" },
	{ "G:;", "{G}" },
	{ "G: a@b, N <c@d>;, e@f", "{G-/-/a/b|N/-/c/d|}-/-/e/f|" },
	{ "undisclosed recipients:;", "{undisclosed recipients}" },
	{ "G: a@b", "{G-/-/a/b|}" },
	{ "G: a@b; H: c@d;", "{G-/-/a/b|}{H-/-/c/d|}" },
	/* broken */
	{ "a", "-/-/a/-|" },
	{ "A B", "-/-/A B/-|" },
	{ "a@b c@d", "-/-/a/b|-/-/c/d|" },
	{ "N <a@b> <c@d>", "N/-/a/b|-/-/c/d|" },
	{ "N <a@b> litter, c@d", "N/-/a/b|-/-/c/d|" },
	{ "a@b <a@b>", "a@b/-/a/b|" },
	{ "N a@b <c@d>", "N a@b/-/c/d|" },
	{ "N a@b", "N/-/a/b|" },
	{ "N <a@b", "N/-/a/b|" },
	{ "N <a@b, c@d", "N/-/a/b|-/-/c/d|" },
	{ "N <a@b x>, c@d", "N/-/a/b|-/-/c/d|" },
	{ "N <a>", "N/-/a/-|" },
	{ "N <>", "N/-//-|" },
	{ "<@b>", "-/-//b|" },
	{ "@b", "-/-//b|" },
	{ "a@", "-/-/a/|" },
	{ "a@b@c", "-/-/a@b/c|" },
	{ "<a@b@c>", "-/-/a@b/c|" },
	{ "<a b@c>", "-/-/a b/c|" },
	{ "a..b@c", "-/-/a..b/c|" },
	{ "a@b..c", "-/-/a/b..c|" },
	{ "\"A <a@b>", "-/-/A <a@b>/-|" },
	{ "(A <a@b>", "" },
	{ "a@b)", "-/-/a/b)|" },
	{ "]a[\\ <a@b>", "]a[\\/-/a/b|" },
	{ "\xc3\xa9 <\xc3\xa9@\xc3\xa9>", "\xc3\xa9/-/\xc3\xa9/\xc3\xa9|" },
	{ "G: a:b@c;", "{G-/-/a:b/c|}" },
	{ "mailto:a@b", "{mailto-/-/a/b|}" },
	{ "<mailto:a@b>", "-/-/mailto:a/b|" }
};

static void
add(struct buf *b, struct addrlist_string s)
{
	if (s.s == NULL)
		buf_addc(b, '-');
	else
		buf_add(b, s.s, s.len);
}

static int
take_apart(const char *in, size_t n, struct buf *b)
{
	struct addrlist_item item;
	struct addrlist l;
	int count = 0, r;

	addrlist_init(&l, in, n);
	while ((r = addrlist_next(&l, &item)) == 1) {
		switch (item.kind) {
		case ADDRLIST_MAILBOX:
			add(b, item.name);
			buf_addc(b, '/');
			add(b, item.route);
			buf_addc(b, '/');
			add(b, item.mailbox);
			buf_addc(b, '/');
			add(b, item.host);
			buf_addc(b, '|');
			count += item.host.s != NULL;
			break;
		case ADDRLIST_GROUP:
			buf_addc(b, '{');
			add(b, item.mailbox);
			break;
		case ADDRLIST_GROUP_END:
			buf_addc(b, '}');
			break;
		}
	}
	addrlist_free(&l);
	return r == 0 ? count : -1;
}

static void
check_suite(const struct isemail *c)
{
	struct buf b;
	int n;

	if (strcmp(c->category, "ISEMAIL_ERR") == 0)
		return;
	buf_init(&b, 10000);
	n = take_apart(c->address, c->len, &b);
	if (!ok(n == 1, "isemail %s: one address", c->id))
		printf("# %d: %s\n", n, buf_str(&b));
	buf_free(&b);
}

/* Repeat a piece to 1 MB and take it apart in no time to speak of. */
static void
check_long(const char *piece)
{
	size_t n = strlen(piece), size = 1000000, i;
	char *text = malloc(size);
	struct addrlist_item item;
	struct addrlist l;
	clock_t start = clock();

	for (i = 0; i < size; i++)
		text[i] = piece[i % n];
	addrlist_init(&l, text, size);
	while (addrlist_next(&l, &item) == 1)
		;
	addrlist_free(&l);
	free(text);
	ok((clock() - start) / CLOCKS_PER_SEC < 5, "1 MB of %s", piece);
}

int
main(void)
{
	static const char *const pieces[] = {
		"(", "<@", "<@a,", "\"", "a@b,", "@", "<", ":", "G:;", "a b ",
		".", "[", "a@[", "\\", "<a", "()", "a@b <", "a@b@"
	};
	struct buf b;
	size_t i;

	buf_init(&b, 10000);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		take_apart(rows[i].in, strlen(rows[i].in), &b);
		is_str(buf_str(&b), rows[i].want, rows[i].in);
	}
	buf_free(&b);
	isemail_each(check_suite);
	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		check_long(pieces[i]);
	return done();
}
