/* SPDX-License-Identifier: ISC
 *
 * Proves what the MIME parser makes of good, odd and broken messages: the
 * tree, the places on disk, sizes and lines on the wire; each row fed whole
 * and one byte at a time, with LF and with CRLF; and that its limits hold.
 */
#include <stdlib.h>

#include "grammar/mime.h"
#include "tap.h"

/* Write a part and what is below as "type/subtype wire:lines(children)". */
static void
tree(struct buf *b, const struct mime *m, uint32_t i)
{
	const struct mime_part *p = &m->part[i];
	uint32_t c;

	buf_addf(b, "%.*s/%.*s %llu+%llu:%llu", (int)p->type.len,
	    mime_str(m, p->type), (int)p->subtype.len,
	    mime_str(m, p->subtype), (unsigned long long)p->header_wire,
	    (unsigned long long)p->body_wire,
	    (unsigned long long)p->body_lines);
	if (p->child == MIME_NONE)
		return;
	buf_addc(b, '(');
	for (c = p->child; c != MIME_NONE; c = m->part[c].next) {
		if (c != p->child)
			buf_adds(b, ", ");
		tree(b, m, c);
	}
	buf_addc(b, ')');
}

static int
parse_pieces(struct mime *m, const char *s, size_t n)
{
	struct mime_parser *p = mime_parser_new();
	size_t i;
	int r = 0;

	for (i = 0; i < n; i++)
		r |= mime_feed(p, s + i, 1);
	r |= mime_end(p, m);
	mime_parser_free(p);
	return r;
}

/* LF to CRLF. */
static char *
to_crlf(const char *s)
{
	char *out = malloc(strlen(s) * 2 + 1), *o = out;

	for (; *s != '\0'; s++) {
		if (*s == '\n')
			*o++ = '\r';
		*o++ = *s;
	}
	*o = '\0';
	return out;
}

static void
check_tree(const struct mime *m, const char *want, const char *how,
    const char *what)
{
	char name[200];
	struct buf b;

	buf_init(&b, 1 << 16);
	tree(&b, m, 0);
	snprintf(name, sizeof(name), "%s (%s)", what, how);
	is_str(buf_str(&b), want, name);
	buf_free(&b);
}

static const struct {
	const char	*what, *in, *want;
} rows[] = {
	{ "nothing at all", "", "TEXT/PLAIN 0+0:0" },
	{ "a header alone", "Subject: x\n", "TEXT/PLAIN 12+0:0" },
	{ "a body alone", "\nhello\n", "TEXT/PLAIN 2+7:1" },
	{ "no last line end", "A: b\n\nhello", "TEXT/PLAIN 8+5:0" },
	{ "a type", "Content-Type: image/gif\n\nx\n", "image/gif 27+3:1" },
	{ "text without subtype", "Content-Type: text\n\nx\n",
	    "text/plain 22+3:1" },
	{ "a type that is none", "Content-Type: ;;\n\nx\n",
	    "TEXT/PLAIN 20+3:1" },
	{ "the first type counts",
	    "Content-Type: a/b\nContent-Type: c/d\n\n", "a/b 40+0:0" },
	{ "a folded field, in any letter case",
	    "cOnTent-tYpe:\n (why) image\n\t/ (not) png\n\nx",
	    "image/png 45+1:0" },
	{ "comments within comments", "Content-Type: (a(b)c) x/(d)y\n\n",
	    "x/y 32+0:0" },
	{ "white space before the colon",
	    "Content-Type : a/b\n\n", "a/b 22+0:0" },
	{ "a line that is no field does not end the header",
	    "oops\n more\nContent-Type: a/b\n\n", "a/b 34+0:0" },
	{ "two parts",
	    "Content-Type: multipart/mixed; boundary=b\n\npre\n--b\n\none\n"
	    "--b\nContent-Type: a/b\n\ntwo\n\n--b--\nepilogue\n",
	    "multipart/mixed 45+67:11(TEXT/PLAIN 2+3:0, a/b 21+5:1)" },
	{ "no closing delimiter",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\ntwo\n",
	    "multipart/mixed 45+17:4(TEXT/PLAIN 2+10:2)" },
	{ "padding behind a delimiter",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b \t\n\none\n"
	    "--b-- \n",
	    "multipart/mixed 45+22:4(TEXT/PLAIN 2+3:0)" },
	{ "a part without header and body",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b--\n",
	    "multipart/mixed 45+12:2(TEXT/PLAIN 0+0:0)" },
	{ "a part with a header only",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
	    "Content-Type: a/b\n--b--\n",
	    "multipart/mixed 45+31:3(a/b 19+0:0)" },
	{ "a part with an empty body",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--b--\n",
	    "multipart/mixed 45+14:3(TEXT/PLAIN 2+0:0)" },
	{ "a multipart without a part",
	    "Content-Type: multipart/mixed; boundary=b\n\nnone\n",
	    "multipart/mixed 45+6:1(TEXT/PLAIN 0+0:0)" },
	{ "a multipart without a boundary",
	    "Content-Type: multipart/mixed\n\n--b\n\nx\n",
	    "multipart/mixed 33+10:3(TEXT/PLAIN 0+0:0)" },
	{ "the outer boundary ends the inner multipart",
	    "Content-Type: multipart/mixed; boundary=o\n\n--o\n"
	    "Content-Type: multipart/x; boundary=i\n\n--i\n\nin\n--o\n\n"
	    "out\n--o--\n",
	    "multipart/mixed 45+76:10(multipart/x 41+9:2(TEXT/PLAIN 2+2:0), "
	    "TEXT/PLAIN 2+3:0)" },
	{ "of two boundaries that match, the longer counts",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
	    "Content-Type: multipart/x; boundary=bb\n\n--bb\n\nin\n--bb--\n"
	    "--b--\n",
	    "multipart/mixed 45+74:8(multipart/x 42+18:3(TEXT/PLAIN 2+2:0))" },
	{ "the inner boundary in the epilogue is text",
	    "Content-Type: multipart/mixed; boundary=o\n\n--o\n"
	    "Content-Type: multipart/x; boundary=i\n\n--i\n\nin\n--i--\n"
	    "--i\n\nno part\n--o--\n",
	    "multipart/mixed 45+87:11(multipart/x 41+32:6"
	    "(TEXT/PLAIN 2+2:0))" },
	{ "a message within",
	    "Content-Type: message/rfc822\n\nSubject: in\n\nbody\n",
	    "message/rfc822 32+21:3(TEXT/PLAIN 15+6:1)" },
	{ "a digest's parts are messages",
	    "Content-Type: multipart/digest; boundary=b\n\n--b\n\nA: b\n\n"
	    "one\n--b\nContent-Type: text/plain\n\ntwo\n--b--\n",
	    "multipart/digest 46+65:10(MESSAGE/RFC822 2+11:2"
	    "(TEXT/PLAIN 8+3:0), text/plain 28+3:0)" },
	{ "a digest cut after a delimiter",
	    "Content-Type: multipart/digest; boundary=b\n\n--b\n",
	    "multipart/digest 46+5:1(MESSAGE/RFC822 0+0:0"
	    "(TEXT/PLAIN 0+0:0))" },
	{ "a quoted boundary with odd characters",
	    "Content-Type: multipart/mixed; boundary=\"a b:(c)\"\n\n"
	    "--a b:(c)\n\nx\n--a b:(c)--\n",
	    "multipart/mixed 53+29:4(TEXT/PLAIN 2+1:0)" },
	{ "empty parameters and no semicolon",
	    "Content-Type: multipart/mixed;; x boundary=b;;\n\n--b\n\nx\n"
	    "--b--\n",
	    "multipart/mixed 50+17:4(TEXT/PLAIN 2+1:0)" },
	{ "a dash line that is no boundary",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n-- \n--\nx\n"
	    "--b--\n",
	    "multipart/mixed 45+26:6(TEXT/PLAIN 2+10:2)" },
};

static void
test_rows(void)
{
	struct mime m;
	size_t i;
	char *crlf;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		crlf = to_crlf(rows[i].in);
		mime_parse(&m, rows[i].in, strlen(rows[i].in));
		check_tree(&m, rows[i].want, "LF", rows[i].what);
		mime_free(&m);
		mime_parse(&m, crlf, strlen(crlf));
		check_tree(&m, rows[i].want, "CRLF", rows[i].what);
		mime_free(&m);
		parse_pieces(&m, rows[i].in, strlen(rows[i].in));
		check_tree(&m, rows[i].want, "LF by bytes", rows[i].what);
		mime_free(&m);
		parse_pieces(&m, crlf, strlen(crlf));
		check_tree(&m, rows[i].want, "CRLF by bytes", rows[i].what);
		mime_free(&m);
		free(crlf);
	}
}

/* Each section cut out by its disk numbers is what it should be. */
static void
test_places(void)
{
	static const char in[] =
	    "Content-Type: multipart/mixed; boundary=b\n\n"
	    "--b\nContent-ID: <1>\n\none\r\ntwo\n--b\n"
	    "Content-Type: message/rfc822\n\nSubject: s\n\nin\n--b--\n";
	const struct mime_part *p;
	uint32_t one[] = { 1 }, two[] = { 2 }, two_one[] = { 2, 1 };
	uint32_t bad[] = { 3 }, deep[] = { 1, 1 }, zero[] = { 0 };
	struct mime m;

	mime_parse(&m, in, sizeof(in) - 1);
	p = mime_find(&m, one, 1);
	is_mem(in + p->header_off, p->header_len, "Content-ID: <1>\n\n", 17,
	    "the header of part 1");
	is_mem(in + p->body_off, p->body_len, "one\r\ntwo", 8,
	    "the body of part 1 keeps its mixed line ends");
	is_int((long long)p->body_wire, 8, "a CRLF is not counted twice");
	p = mime_find(&m, two, 1);
	is_mem(in + p->body_off, p->body_len, "Subject: s\n\nin", 14,
	    "part 2 is a message");
	p = mime_find(&m, two_one, 2);
	is_mem(in + p->body_off, p->body_len, "in", 2, "2.1 is its text");
	ok(mime_find(&m, bad, 1) == NULL, "there is no part 3");
	ok(mime_find(&m, deep, 2) == NULL, "there is no part 1.1");
	ok(mime_find(&m, zero, 1) == NULL, "there is no part 0");
	mime_free(&m);

	mime_parse(&m, "A: b\n\ntext", 10);
	p = mime_find(&m, one, 1);
	ok(p == &m.part[0], "a plain message is its own part 1");
	ok(mime_find(&m, deep, 2) == NULL, "and has no part 1.1");
	mime_free(&m);

	/* RFC 3501 6.4.5: the numbers below an enclosed message. */
	mime_parse(&m, "Content-Type: message/rfc822\n\nB: c\n\nx", 37);
	p = mime_find(&m, one, 1);
	ok(p == &m.part[0], "part 1 of a message that is a message");
	p = mime_find(&m, deep, 2);
	ok(p == &m.part[1], "part 1.1 is the text in it");
	mime_free(&m);
}

static void
test_fields(void)
{
	static const char in[] =
	    "From: a@b.c\nFROM: second@b.c\nSubject:  a\n folded\t\n"
	    "Content-Type: Text/HTML; Charset=\"us\\\"x\" ; name*0=a;\n"
	    "\tname*1=\"b c\n d\"; bare\n"
	    "Content-Disposition: attachment; filename=my file.txt\n"
	    "Content-Transfer-Encoding: base64 (always)\nContent-ID: <x@y>\n"
	    "\n";
	struct mime m;
	const struct mime_part *p;
	struct mime_ref r;
	const struct mime_envelope *e;

	parse_pieces(&m, in, sizeof(in) - 1);
	p = &m.part[0];
	e = &m.env[p->envelope];
	is_mem(mime_str(&m, e->field[MIME_FROM]), e->field[MIME_FROM].len,
	    "a@b.c", 5, "the first From counts");
	is_mem(mime_str(&m, e->field[MIME_SUBJECT]),
	    e->field[MIME_SUBJECT].len, "a folded", 8, "a Subject unfolded");
	ok(mime_str(&m, e->field[MIME_TO]) == NULL, "an absent To is absent");
	r = mime_param(&m, p, "charset");
	is_mem(mime_str(&m, r), r.len, "us\"x", 4, "a quoted parameter");
	r = mime_param(&m, p, "NAME*1");
	is_mem(mime_str(&m, r), r.len, "b c d", 5, "a folded one");
	is_int(p->nparams, 3, "what has no = is no parameter");
	r = m.param[p->disp_params].value;
	is_mem(mime_str(&m, r), r.len, "my", 2, "an unquoted value ends");
	is_mem(mime_str(&m, p->encoding), p->encoding.len, "base64", 6,
	    "the encoding without its comment");
	is_mem(mime_str(&m, p->id), p->id.len, "<x@y>", 5, "the id");
	ok(p->md5.off == MIME_NONE && p->location.off == MIME_NONE,
	    "absent fields are absent");
	mime_free(&m);
}

/* Whatever comes in, what is kept stays within the limits. */
static void
test_limits(void)
{
	struct buf b;
	struct mime m;
	struct mime_parser *p;
	int i;

	buf_init(&b, 64 << 20);
	for (i = 0; i < 10000; i++)
		buf_addf(&b, "Content-Type: multipart/mixed; boundary=b%dx\n\n"
		    "--b%dx\n", i, i);
	mime_parse(&m, b.data, b.len);
	ok(m.limited & MIME_LIMIT_DEPTH, "10,000 levels pass the limit");
	is_int((long long)m.nparts, MIME_MAX_DEPTH + 1,
	    "so many are taken apart");
	is_mem(mime_str(&m, m.part[MIME_MAX_DEPTH].subtype),
	    m.part[MIME_MAX_DEPTH].subtype.len, "OCTET-STREAM", 12,
	    "the rest is a leaf");
	mime_free(&m);

	buf_reset(&b);
	for (i = 0; i < 10000; i++)
		buf_adds(&b, "Content-Type: message/rfc822\n\n");
	mime_parse(&m, b.data, b.len);
	is_int((long long)m.nparts, MIME_MAX_DEPTH + 1, "messages as well");
	mime_free(&m);

	buf_reset(&b);
	buf_adds(&b, "Content-Type: multipart/mixed; boundary=b\n\n");
	for (i = 0; i < MIME_MAX_PARTS + 10; i++)
		buf_adds(&b, "--b\n\nx\n");
	mime_parse(&m, b.data, b.len);
	ok(m.limited & MIME_LIMIT_PARTS, "many parts pass the limit");
	is_int((long long)m.nparts, MIME_MAX_PARTS, "so many are listed");
	mime_free(&m);

	buf_reset(&b);
	buf_adds(&b, "Content-Type: a/b");
	for (i = 0; i < MIME_MAX_PART_PARAMS + 10; i++)
		buf_addf(&b, "; a%d=b", i);
	mime_parse(&m, b.data, b.len);
	is_int(m.part[0].nparams, MIME_MAX_PART_PARAMS,
	    "many parameters are cut");
	ok(m.limited & MIME_LIMIT_PARAMS, "which is known");
	mime_free(&m);

	buf_reset(&b);
	for (i = 0; i < 1 << 16; i++)
		buf_adds(&b, "aaaaaaaa");
	p = mime_parser_new();
	mime_feed(p, "Subject: ", 9);
	for (i = 0; i < 64; i++)
		mime_feed(p, b.data, b.len);
	ok(!mime_header_done(p), "a header that does not end is not done");
	mime_end(p, &m);
	ok(m.text.len <= MIME_MAX_FIELD + 100, "a field of 32 MB is cut");
	ok(m.limited & MIME_LIMIT_FIELD, "which is known too");
	is_int((long long)m.part[0].header_len, 9 + 64 * (8 << 16),
	    "its length is right");
	mime_free(&m);
	mime_parser_free(p);

	buf_reset(&b);
	buf_adds(&b, "Content-Type: multipart/mixed; boundary=");
	for (i = 0; i <= MIME_MAX_BOUNDARY; i++)
		buf_addc(&b, 'x');
	buf_adds(&b, "\n\n--x\n\nx\n");
	mime_parse(&m, b.data, b.len);
	ok(m.limited & MIME_LIMIT_BOUNDARY, "a boundary too long is no use");
	mime_free(&m);
	buf_free(&b);
}

int
main(void)
{
	test_rows();
	test_places();
	test_fields();
	test_limits();
	return done();
}
