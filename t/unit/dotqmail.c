/* SPDX-License-Identifier: ISC
 *
 * Proves what the lines of a .qmail are, and that the file may be cut at any
 * octet without harm.
 */
#include <stdlib.h>

#include "grammar/dotqmail.h"
#include "tap.h"

static const struct row {
	const char *text;
	bool executable;
	const char *want;	/* "kind:text" with ";" between */
	unsigned line;		/* of a fault, or 0 */
	const char *why;	/* a part of its words */
	bool wait;
} rows[] = {
	{ "", false, "" },
	{ "# nothing\n", false, "" },
	{ "#", false, "" },
	{ "|prog a 'b c'  \n", false, "P:prog a 'b c'" },
	{ "| prog\n|", false, "P: prog;P:" },
	{ "./Maildir/\n./Mailbox\n/var/x\n.x\n/\n", false,
	    "M:./Maildir/;M:./Mailbox;M:/var/x;M:.x;M:/" },
	{ "&me@x.test\nme@X.test\t \nbob\n&bob\n9@x.test", false,
	    "F:me@x.test;F:me@X.test;F:bob;F:bob;F:9@x.test" },
	{ "a@x.test\n\n  \nb@x.test\r\n\r\n", false,
	    "F:a@x.test;F:b@x.test" },
	{ "\na@x.test\n", false, "", 1, "first line is blank", true },
	{ " \n", false, "", 1, "first line is blank", true },
	{ "\r\na\n", false, "", 1, "first line is blank", true },
	{ "+list\na@x.test\n|p\n", false, "F:a@x.test", 3, "only addr",
	    true },
	{ "./x\n+list\n./y\n", false, "M:./x", 3, "only addresses", true },
	{ "+lists\n+\n./y\n", false, "M:./y" },
	{ "+list \n/y\n", false, "", 2, "only addresses", true },
	{ "a@x.test\n./y\n", true, "F:a@x.test", 2, "only addresses", true },
	{ "#\n\n|p\n", true, "", 3, "only addresses", true },
	{ "&\n", false, "", 1, "null address" },
	{ "&<>\n", false, "", 1, "null address" },
	{ "& a@x.test\n", false, "", 1, "no local part" },
	{ "a@x.test (A)\n", false, "", 1, "not allowed" },
	{ "  |p\n", false, "", 1, "no local part" },
	{ "a@x.test\n\xff\n", false, "F:a@x.test", 2, "" },
};

struct result {
	struct buf	 text;
	unsigned	 line;
	bool		 wait;
	const char	*why;
};

static void
read_all(struct result *to, const char *text, size_t n, bool executable)
{
	struct dotqmail_reader r;
	struct dotqmail_target t;
	int found;

	buf_init(&to->text, 8192);
	to->why = "";
	dotqmail_init(&r, text, n, executable);
	while ((found = dotqmail_next(&r, &t, &to->why)) == 1)
		buf_addf(&to->text, "%s%c:%.*s", to->text.len > 0 ? ";" : "",
		    "PMF"[t.kind], (int)t.len, t.text);
	to->line = found == -1 ? r.line : 0;
	to->wait = r.wait;
}

static void
test_rows(void)
{
	const struct row *row;
	struct result got;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row = &rows[i];
		read_all(&got, row->text, strlen(row->text), row->executable);
		is_str(buf_str(&got.text), row->want, "targets");
		if (!ok(got.line == row->line && got.wait == row->wait &&
		    (row->why == NULL || strstr(got.why, row->why) != NULL),
		    "... and the fault"))
			printf("# line %u: %s\n", got.line, got.why);
		buf_free(&got.text);
	}
}

/* A part of a file gives the targets of its whole lines, as the whole does. */
static void
test_cut(void)
{
	static const char text[] = "a@x.test\n|prog x\n./M/\n+list\n&b\n";
	static const char whole[] = "F:a@x.test;P:prog x;M:./M/;F:b";
	const char *got, *last;
	char copy[sizeof(text)];
	size_t n, same = 0;
	struct result r;

	for (n = 0; n < sizeof(text); n++) {
		memcpy(copy, text, n);
		read_all(&r, copy, n, false);
		got = buf_str(&r.text);
		last = strrchr(got, ';');
		same += strncmp(got, whole, last == NULL ? 0 :
		    (size_t)(last - got)) == 0;
		buf_free(&r.text);
	}
	is_int((long long)same, sizeof(text), "cut at each octet");
}

static void
test_bounds(void)
{
	char *text = malloc(DOTQMAIL_LINE_MAX + 2);
	struct result r;

	memset(text, 'x', DOTQMAIL_LINE_MAX + 2);
	text[0] = '|';
	read_all(&r, text, 4000, false);
	is_int((long long)r.text.len, 4001, "a long line");
	buf_free(&r.text);
	read_all(&r, text, DOTQMAIL_LINE_MAX + 1, false);
	is_str(r.why, "the line is too long", "one that is too long");
	buf_free(&r.text);
	free(text);
	read_all(&r, "|a\0b\n", 5, false);
	is_str(r.why, "there is a NUL in it", "a NUL");
	buf_free(&r.text);
}

int
main(void)
{
	test_rows();
	test_cut();
	test_bounds();
	return done();
}
