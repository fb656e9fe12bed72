/* SPDX-License-Identifier: ISC
 *
 * Proves that fields and bodies which we write of other people's texts are
 * good, are understood again, and that no text begins a field of its own.
 */
#include "grammar/compose.h"
#include "grammar/header.h"
#include "grammar/mime_words.h"
#include "tap.h"

#define UE	"\xc3\xbc"
#define FIFTY	"12345678901234567890123456789012345678901234567890"

static const struct {
	const char	*in, *out;
} texts[] = {
	{ "", "S: \n" },
	{ "plain words", "S: plain words\n" },
	{ "  trimmed \r\n\r\n", "S: trimmed\n" },
	{ UE, "S: =?utf-8?B?w7w=?=\n" },
	{ "a\r\nBcc: x@y", "S: a Bcc: x@y\n" },
	{ "a\nBcc: x@y", "S: a Bcc: x@y\n" },
	{ "a\rBcc: x@y", "S: a Bcc: x@y\n" },
	{ "a\r\n folded", "S: a folded\n" },
	{ "a\r\n\r\nbody", "S: a  body\n" },
	{ UE "\nBcc: x@y", "S: =?utf-8?B?w7wgQmNjOiB4QHk=?=\n" },
	{ "=?utf-8?q?a?=", "S: =?utf-8?B?PT91dGYtOD9xP2E/PQ==?=\n" },
	{ "x = ?", "S: x = ?\n" },
	{ "\xff", "S: =?unknown-8bit?B?/w==?=\n" },
	{ FIFTY " 123456789012345678901234 ab",
	  "S: " FIFTY "\n 123456789012345678901234 ab\n" },
	{ FIFTY FIFTY " a", "S: " FIFTY FIFTY "\n a\n" },
};

static const struct {
	const char	*in, *out;		/* NULL: none */
} lists[] = {
	{ "bob@a.test", "F: bob@a.test\n" },
	{ "<bob@a.test>", "F: bob@a.test\n" },
	{ "Bob B <bob@a.test>", "F: Bob B <bob@a.test>\n" },
	{ "\"B, ob\" <bob@a.test>", "F: \"B, ob\" <bob@a.test>\n" },
	{ "\"B\\\"ob\" <bob@a.test>", "F: \"B\\\"ob\" <bob@a.test>\n" },
	{ "B" UE " <bob@a.test>", "F: =?utf-8?B?QsO8?= <bob@a.test>\n" },
	{ "=?utf-8?Q?B?= <bob@a.test>", "F: =?utf-8?Q?B?= <bob@a.test>\n" },
	{ "a@a.test, B <b@b.test>", "F: a@a.test,\n B <b@b.test>\n" },
	{ "j" UE "rgen@a.test", "F: j" UE "rgen@a.test\n" },
	{ "\"a b\"@a.test", "F: \"a b\"@a.test\n" },
	{ "", NULL },
	{ "bob", NULL },
	{ "bob@", NULL },
	{ "@a.test", NULL },
	{ "bob@a..test", NULL },
	{ "bob@a.test\r\nBcc: x@y.test", NULL },
	{ "\"Bob\r\nBcc: x@y.test\" <bob@a.test>",
	  "F: \"BobBcc: x@y.test\" <bob@a.test>\n" },
	{ "\"Bob\r\n\r\nbody\" <bob@a.test>", "F: Bobbody <bob@a.test>\n" },
	{ "friends: a@a.test;", NULL },
	{ "a@a.test, rubbish", NULL },
};

static const struct {
	const char	*in, *out;
} answers[] = {
	{ "Subject: x\n\n", "" },
	{ "Message-ID: <1@a>\n\n", "In-Reply-To: <1@a>\nReferences: <1@a>\n" },
	{ "References: <0@a> <00@a>\nMessage-ID: <1@a>\n\n", "In-Reply-To: "
	  "<1@a>\nReferences: <0@a>\n <00@a>\n <1@a>\n" },
	{ "In-Reply-To: <0@a>\nMessage-ID: <1@a>\n\n", "In-Reply-To: <1@a>\n"
	  "References: <0@a>\n <1@a>\n" },
	{ "In-Reply-To: <0@a> <00@a>\nMessage-ID: <1@a>\n\n",
	  "In-Reply-To: <1@a>\nReferences: <1@a>\n" },
	{ "Message-ID: <1@a\r\n b>\r\n\r\n", "" },
};

static const struct {
	const char	*in, *out;		/* NULL: 8 bits in the header */
} entities[] = {
	{ "Content-Type: text/html\r\n\r\n<p>\r\n", "MIME-Version: 1.0\n"
	  "Content-Type: text/html\n\n<p>\n" },
	{ "Content-Type: a/b;\r\n x=y\r\nBcc: x@y\r\nFrom: me\r\n\r\nb",
	  "MIME-Version: 1.0\nContent-Type: a/b;\n x=y\n\nb\n" },
	{ "no header", "MIME-Version: 1.0\n\nno header\n" },
	{ "Content-Type: a/b\r\nno field\r\n", "MIME-Version: 1.0\n"
	  "Content-Type: a/b\n\nno field\n" },
	{ "Content-Type: a/b\r\n\r\n" UE, "MIME-Version: 1.0\n"
	  "Content-Type: a/b\nContent-Transfer-Encoding: 8bit\n\n" UE "\n" },
	{ "Content-Type: " UE "\r\n\r\nx", NULL },
	{ "Content-Type: a\rBcc: x@y\r\n\r\nx\ry", "MIME-Version: 1.0\n"
	  "Content-Type: aBcc: x@y\n\nxy\n" },
	{ "", "MIME-Version: 1.0\n\n" },
};

#define PLAIN	"MIME-Version: 1.0\nContent-Type: text/plain; " \
		"charset=utf-8\nContent-Transfer-Encoding: "
static const struct {
	const char	*in, *out;
} bodies[] = {
	{ "", PLAIN "7bit\n\n" },
	{ "a", PLAIN "7bit\n\na\n" },
	{ "a\r\nb\r\n", PLAIN "7bit\n\na\nb\n" },
	{ "a" UE "\r\nb\r\n", PLAIN "quoted-printable\n\na=C3=BC\nb\n" },
	{ "a\rb", PLAIN "quoted-printable\n\na=0Db\n" },
	{ UE, PLAIN "quoted-printable\n\n=C3=BC\n" },
};

static void
test_rows(struct buf *b)
{
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_reset(b);
		compose_text(b, "S", texts[i].in, strlen(texts[i].in));
		is_str(buf_str(b), texts[i].out, "text");
	}
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		buf_reset(b);
		is_int(compose_addresses(b, "F", lists[i].in,
		    strlen(lists[i].in)), lists[i].out != NULL, "a list");
		is_str(buf_str(b), lists[i].out == NULL ? "" : lists[i].out,
		    "addresses");
	}
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		buf_reset(b);
		compose_ids(b, answers[i].in, strlen(answers[i].in));
		is_str(buf_str(b), answers[i].out, "what it answers");
	}
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		buf_reset(b);
		compose_body(b, bodies[i].in, strlen(bodies[i].in));
		is_str(buf_str(b), bodies[i].out, "body");
	}
	for (i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		buf_reset(b);
		is_int(compose_entity(b, entities[i].in,
		    strlen(entities[i].in)), entities[i].out != NULL,
		    "entity");
		is_str(buf_str(b), entities[i].out == NULL ? "" :
		    entities[i].out, "entity");
	}
}

/* Every value of four of these pieces is one field and no more. */
static void
test_injection(struct buf *b)
{
	static const char *const pieces[] = { "a", " ", "\r", "\n", "\t", UE,
	    "=?", "?=", "\"", "<b@c>", ",", "\xff", "B:", "\\" };
	const size_t n = sizeof(pieces) / sizeof(pieces[0]);
	struct header_field f;
	size_t i, k, left, bad = 0;
	struct header h;
	char text[64];

	for (i = 0; i < n * n * n * n; i++) {
		text[0] = '\0';
		for (k = 0, left = i; k < 4; k++, left /= n)
			strlcat(text, pieces[left % n], sizeof(text));
		buf_reset(b);
		if (compose_text(b, "S", text, strlen(text)) == -1 ||
		    buf_adds(b, "") == -1)
			bad++;
		(void)compose_addresses(b, "F", text, strlen(text));
		buf_adds(b, "E: e\n");
		header_init(&h, buf_str(b), b->len);
		bad += header_next(&h, &f) != 1 || !header_is(&f, "S") ||
		    header_next(&h, &f) != 1 || (header_is(&f, "F") &&
		    header_next(&h, &f) != 1) || !header_is(&f, "E") ||
		    memchr(b->data, '\r', b->len) != NULL;
	}
	is_int(bad, 0, "no text begins a field of its own");
}

/* What is encoded is read again. */
static void
test_again(struct buf *b)
{
	static const char want[] = UE UE " long and longer, with many words, "
	    UE " and all of them " UE UE UE "\xf0\x9f\x98\x80 there";
	struct header_field f;
	struct buf flat, text;

	buf_init(&flat, 4096);
	buf_init(&text, 4096);
	buf_reset(b);
	compose_text(b, "Subject", want, strlen(want));
	ok(header_find(buf_str(b), b->len, "Subject", &f) == 1 &&
	    header_unfold(&flat, &f) == 0 &&
	    mime_words_decode(&text, flat.data, flat.len) == 0, "read");
	is_str(buf_str(&text), want, "the same text");
	buf_free(&flat);
	buf_free(&text);
}

static void
test_many_references(struct buf *b)
{
	struct buf header;
	int i;

	buf_init(&header, 1u << 20);
	buf_adds(&header, "Message-ID: <me@a>\nReferences:");
	for (i = 0; i < 500; i++)
		buf_addf(&header, " <%d@a>\n", i);
	buf_adds(&header, "\n");
	buf_reset(b);
	is_int(compose_ids(b, header.data, header.len), 0, "500 references");
	ok(strstr(buf_str(b), "<0@a>") != NULL, "the first is there");
	ok(strstr(buf_str(b), "<499@a>\n <me@a>\n") != NULL,
	    "and the last");
	ok(strstr(buf_str(b), "<400@a>") == NULL, "others are not");
	ok(b->len < 1000, "few are left");
	buf_free(&header);
}

int
main(void)
{
	struct buf b;

	buf_init(&b, 1u << 20);
	test_rows(&b);
	test_injection(&b);
	test_again(&b);
	test_many_references(&b);
	buf_reset(&b);
	compose_begin(&b, 0, 60, 1, "a.test");
	is_str(buf_str(&b), "Date: Thu, 1 Jan 1970 01:00:00 +0100\n"
	    "Message-ID: <0.1@a.test>\n", "date and id");
	buf_free(&b);
	return done();
}
