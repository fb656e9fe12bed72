/* SPDX-License-Identifier: ISC
 *
 * Proves that a summary says what the grammar's writers say of the whole
 * message, that header fields come out of it octet for octet in their order,
 * and what is left out when a message is long or its header too large.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"
#include "grammar/header.h"
#include "grammar/imap_write.h"
#include "mail/summary.h"
#include "mail/summary_sort.h"

static struct message *
message(const char *text, size_t n)
{
	char path[] = "/tmp/stdmail-summary.XXXXXX";
	int fd = mkstemp(path);

	unlink(path);
	if (write(fd, text, n) != (ssize_t)n)
		perror(path);
	return message_new(fd);
}

/* What is made with what is wanted of the header, and of the body. */
#define LIGHT	(SUMMARY(SUMMARY_ENVELOPE) | SUMMARY(SUMMARY_FIELDS) | \
		SUMMARY(SUMMARY_DATE) | SUMMARY(SUMMARY_SENT))
#define FEW	(SUMMARY(SUMMARY_FIELDS) | SUMMARY(SUMMARY_DATE))
#define FULL	(SUMMARY(SUMMARY_META) | SUMMARY(SUMMARY_ENVELOPE) | \
		SUMMARY(SUMMARY_STRUCTURE) | SUMMARY(SUMMARY_FIELDS) | \
		SUMMARY(SUMMARY_SENT))

#define RECEIVED	"Received: by a;\n\tMon\n"
#define BLANK		"\r\n"

static const struct {
	const char	*what, *text, *fields, *want;
} rows[] = {
	{ "one", "Subject: a\nTo: b\n\nx\n", "Subject",
	  "Subject: a\r\n" BLANK },
	{ "any case", "sUBJECT: a\n\n", "Subject", "sUBJECT: a\r\n" BLANK },
	{ "their order", "To: b\nSubject: a\nTo: c\n\n", "Subject To",
	  "To: b\r\nSubject: a\r\nTo: c\r\n" BLANK },
	{ "folded", "Subject: a\n b\n\tc\nTo: d\n\n", "Subject",
	  "Subject: a\r\n b\r\n\tc\r\n" BLANK },
	{ "the folds of another", "X: a\n b\nTo: d\n\n", "To",
	  "To: d\r\n" BLANK },
	{ "none", "X: a\n\n", "Subject", BLANK },
	{ "no blank line", "Subject: a\n", "Subject", "Subject: a\r\n" },
	{ "no line end", "Subject: a", "Subject", "Subject: a" },
	{ "no header", "\nSubject: a\n", "Subject", BLANK },
	{ "nothing", "", "Subject", "" },
	{ "white space before the colon", "Subject \t: a\n\n", "Subject",
	  "Subject \t: a\r\n" BLANK },
	{ "no colon", "Subject\n: a\n\n", "Subject", BLANK },
	{ "a name that goes on", "Subjects: a\nSubjec: b\n\n", "Subject",
	  BLANK },
	{ "a fold of nothing", " Subject: a\nTo: b\n\n", "Subject To",
	  "To: b\r\n" BLANK },
	{ "a CR alone in a line", "To: b\n\rx\n y\nTo: c\n\n", "To",
	  "To: b\r\n\rx\r\n y\r\nTo: c\r\n" BLANK },
	{ "Received among others", RECEIVED "To: a\n" RECEIVED "Cc: b\n\n",
	  "To Received", "Received: by a;\r\n\tMon\r\nTo: a\r\n"
	  "Received: by a;\r\n\tMon\r\n" BLANK },
	{ "CRLF", "To: a\r\nCc: b\r\n\r\n", "Cc", "Cc: b\r\n" BLANK },
	{ "not of the body", "To: a\n\nTo: b\n", "To", "To: a\r\n" BLANK },
};

static uint64_t
bits(const char *names)
{
	uint64_t all = SUMMARY_FIELD_ALWAYS;
	size_t n;

	for (; *names != '\0'; names += n + (names[n] == ' ')) {
		n = strcspn(names, " ");
		all |= summary_field(names, n);
	}
	return all;
}

/* A header alone gives the same. */
static void
test_fields(const char *text, const struct cache_item *want)
{
	struct summary s = { 0 };
	struct summary_view v;

	summary_make_fields(&s, text, header_length(text, strlen(text)), &v);
	is_int(v.have, SUMMARY(SUMMARY_FIELDS), "of the header alone");
	is_mem(v.item[SUMMARY_FIELDS].p, v.item[SUMMARY_FIELDS].n, want->p,
	    want->n, "the same");
	summary_free(&s);
}

static void
test_rows(void)
{
	struct summary s = { 0 };
	struct summary_view v;
	struct message *m;
	struct buf b;
	size_t i;

	buf_init(&b, 1 << 20);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		m = message(rows[i].text, strlen(rows[i].text));
		is_int(summary_make(&s, m, 1, SUMMARY_ALL, true, &v), 0,
		    rows[i].what);
		buf_reset(&b);
		is_int(summary_fields(&b, &v, bits(rows[i].fields)), 0,
		    "fields");
		is_mem(b.data, b.len, rows[i].want, strlen(rows[i].want),
		    "octets");
		message_close(m);
		test_fields(rows[i].text, &v.item[SUMMARY_FIELDS]);
	}
	buf_free(&b);
	summary_free(&s);
}

static void
test_names(void)
{
	ok(summary_field("subject", 7) == summary_field("SUBJECT", 7) &&
	    summary_field("Subject", 7) != 0, "a name in any case");
	ok(summary_field("Subject", 6) == 0 && summary_field("", 0) == 0 &&
	    summary_field("Subject:", 8) == 0 &&
	    summary_field("X-Unheard-Of", 12) == 0, "no other name");
	is_int(summary_fields_kinds(bits("To")), SUMMARY(SUMMARY_FIELDS),
	    "the usual kind");
	is_int(summary_fields_kinds(bits("To Received")),
	    SUMMARY(SUMMARY_FIELDS) | SUMMARY(SUMMARY_TRACE), "and the other");
}

static const char mixed[] =
    "From: Ann <ann@a.test>\nSubject: =?utf-8?q?x?=\n"
    "Date: Mon, 1 Jan 2024 10:00:00 +0100\n"
    "Content-Type: multipart/mixed; boundary=b\n\n"
    "--b\n\none\n--b\nContent-Type: message/rfc822\n\nSubject: in\n\nx\n"
    "--b--\n";

/* The wire form of mixed. */
static size_t
wire(char *to)
{
	size_t n = 0;
	const char *p;

	for (p = mixed; *p != '\0'; p++) {
		if (*p == '\n')
			to[n++] = '\r';
		to[n++] = *p;
	}
	return n;
}

static void
test_items(void)
{
	struct summary s = { 0 };
	struct summary_view v;
	struct message *m = message(mixed, strlen(mixed));
	char text[2 * sizeof(mixed)];
	size_t n = wire(text);
	struct mime mime;
	struct buf b;
	uint64_t size;
	time_t date;

	mime_parse(&mime, text, n);
	is_int(summary_make(&s, m, 1234567890, SUMMARY_ALL, false, &v), 0,
	    "all that is wanted");
	is_int(v.have, SUMMARY_ALL, "is there");
	is_int(summary_size(&v, &size), 1, "size");
	is_int(summary_date(&v, &date), 1, "and date");
	ok(size == n && date == 1234567890, "are right");
	buf_init(&b, 1 << 20);
	imap_write_envelope(&b, &mime, &mime.part[0]);
	is_mem(v.item[SUMMARY_ENVELOPE].p, v.item[SUMMARY_ENVELOPE].n,
	    b.data, b.len, "ENVELOPE");
	buf_reset(&b);
	imap_write_body(&b, &mime, &mime.part[0], 1);
	is_mem(v.item[SUMMARY_STRUCTURE].p, v.item[SUMMARY_STRUCTURE].n,
	    b.data, b.len, "BODYSTRUCTURE");
	buf_reset(&b);
	imap_write_body(&b, &mime, &mime.part[0], 0);
	is_mem(v.item[SUMMARY_BODY].p, v.item[SUMMARY_BODY].n, b.data, b.len,
	    "BODY");
	is_int(summary_make(&s, m, 1, SUMMARY(SUMMARY_ENVELOPE), false, &v),
	    0, "one alone");
	is_int(v.have, SUMMARY(SUMMARY_ENVELOPE), "and no more");
	is_int(summary_make(&s, m, 1, SUMMARY(SUMMARY_ENVELOPE), true, &v),
	    0, "one, and more");
	is_int(v.have, LIGHT, "what the header tells");
	is_int(summary_size(&v, &size), 0, "which is not the size");
	is_int(summary_date(&v, &date), 1, "but the date");
	is_int(date, 1, "is known");
	is_int(summary_make(&s, m, 1, SUMMARY(SUMMARY_BODY), true, &v),
	    0, "one of the body, and more");
	is_int(v.have, FULL | SUMMARY(SUMMARY_BODY),
	    "what all of the message tells");
	buf_free(&b);
	mime_free(&mime);
	message_close(m);
	summary_free(&s);
}

/* The last octet of a message is read when the structure is wanted, and only
 * then: it is not there. */
/* The Date field alone, in UTC, and that there is none. */
static void
test_sent(void)
{
	static const char undated[] = "Date: yesterday\n\nbody\n";
	struct message *m = message(mixed, strlen(mixed));
	struct summary s = { 0 };
	struct summary_sort sort;
	struct summary_view v;

	is_int(summary_make(&s, m, 1, SUMMARY(SUMMARY_SENT), false, &v), 0,
	    "the Date field");
	ok(summary_sent(&v, &sort) == 1 && sort.dated &&
	    sort.sent == 1704099600, "in UTC");
	message_close(m);
	m = message(undated, strlen(undated));
	(void)summary_make(&s, m, 1, SUMMARY(SUMMARY_SENT), false, &v);
	ok(summary_sent(&v, &sort) == 1 && !sort.dated, "not understood");
	(void)summary_make(&s, m, 1, SUMMARY(SUMMARY_SORT), false, &v);
	is_int(summary_sent(&v, &sort), 0, "not there");
	message_close(m);
	summary_free(&s);
}

static void
test_cut(void)
{
	char path[] = "/tmp/stdmail-summary.XXXXXX";
	int fd = mkstemp(path);
	struct summary s = { 0 };
	struct summary_view v;
	struct message *m;

	unlink(path);
	if (write(fd, mixed, strlen(mixed)) == -1 ||
	    ftruncate(fd, 100000) == -1)
		perror(path);
	m = message_new(fd);
	if (ftruncate(fd, 99999) == -1)
		perror(path);
	is_int(summary_make(&s, m, 1, SUMMARY(SUMMARY_ENVELOPE), true, &v),
	    0, "the header of a message cut meanwhile");
	is_int(summary_make(&s, m, 1, SUMMARY(SUMMARY_STRUCTURE), true, &v),
	    -1, "its structure is not to be had");
	message_close(m);
	summary_free(&s);
}

/* A header of so many octets and fields, a body of so many. */
static struct message *
made(size_t subject, size_t others, size_t body)
{
	size_t n = 0, i;
	char *p = malloc(subject + others * 2 + body + 100);
	struct message *m;

	memcpy(p, "Subject: ", 9);
	memset(p + 9, 's', subject);
	n = 9 + subject;
	p[n++] = '\n';
	for (i = 0; i < others; i++, n += 2)
		memcpy(p + n, "X\n", 2);
	memcpy(p + n, "To: t\n\n", 7);
	n += 7;
	memset(p + n, 'b', body);
	m = message(p, n + body);
	free(p);
	return m;
}

static void
test_large(void)
{
	static const struct {
		const char	*what;
		size_t		 subject, others, body;
		unsigned	 want, have;
		int		 fields;
	} large[] = {
		{ "a long body is left alone for the header", 1, 0, 400000,
		  SUMMARY(SUMMARY_ENVELOPE), LIGHT },
		{ "and read for the structure", 1, 0, 400000,
		  SUMMARY(SUMMARY_STRUCTURE), FULL },
		{ "and for the size", 1, 0, 10000,
		  SUMMARY(SUMMARY_META), FULL },
		{ "a header of some blocks", 50000, 0, 1,
		  SUMMARY(SUMMARY_FIELDS), FEW },
		{ "a field too long to be kept", 70000, 0, 1,
		  SUMMARY(SUMMARY_FIELDS), FEW, -1 },
		{ "a header too long", 300000, 0, 1,
		  SUMMARY(SUMMARY_STRUCTURE), FULL, -1 },
		{ "too many lines before a field", 1, 66000, 1,
		  SUMMARY(SUMMARY_STRUCTURE), FULL, -1 },
	};
	struct summary s = { 0 };
	struct summary_view v;
	struct message *m;
	struct buf b;
	size_t i;

	buf_init(&b, 1 << 20);
	for (i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
		m = made(large[i].subject, large[i].others, large[i].body);
		is_int(summary_make(&s, m, 1, large[i].want, true, &v), 0,
		    large[i].what);
		is_int(v.have, large[i].have, "has");
		buf_reset(&b);
		is_int(summary_fields(&b, &v, bits("To")), large[i].fields,
		    "and its fields");
		message_close(m);
	}
	buf_free(&b);
	summary_free(&s);
}

int
main(void)
{
	test_rows();
	test_names();
	test_items();
	test_sent();
	test_cut();
	test_large();
	return done();
}
