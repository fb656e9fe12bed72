/* SPDX-License-Identifier: ISC
 *
 * Proves that hostile messages cost no more than long ones: for each way to
 * build one, four times the octets take at most eight times the time (twice
 * what linear is), and memory stays below a bound that does not grow with
 * them.  Structure, ENVELOPE and BODYSTRUCTURE are made from each; values of
 * fields go to their own parsers.
 *
 * Time is that of this process alone, the best of some runs.  Memory is the
 * peak of a child.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include <malloc.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "grammar/address.h"
#include "grammar/addrlist.h"
#include "grammar/date.h"
#include "grammar/header.h"
#include "grammar/imap_write.h"
#include "grammar/message_id.h"
#include "grammar/mime.h"
#include "grammar/mime_words.h"
#include "tap.h"

#define FACTOR	4
#define ALLOWED	8		/* times the time, for FACTOR times more */
#define TRIES	4
#define SHORT	0.002		/* seconds in which noise is all */
#define MEMORY	(48 << 10)	/* kB beyond the input: the text kept and what
				 * is written of it, doubling */
#define OUTPUT	(256u << 20)

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED	1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED	1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED	0
#endif

enum reader { MESSAGE, ADDRESSES, WORDS, IDS, DATE, FIELDS };

/* before, n octets made of unit (in it %u is a number that rises, ~ a NUL),
 * after. */
static const struct row {
	const char	*what;
	enum reader	 reader;
	size_t		 n;	/* and FACTOR times that */
	const char	*before, *unit, *after;
} rows[] = {
	{ "lines of a header", MESSAGE, 2 << 20, "", "X-%u: y\n", "\n" },
	{ "the same field", MESSAGE, 2 << 20, "", "Subject: y\n", "\n" },
	{ "the same type", MESSAGE, 2 << 20, "",
	    "Content-Type: text/plain; a=b; c=d (e)\n", "\n" },
	{ "types that are none", MESSAGE, 2 << 20, "",
	    "Content-Type: ;;;(((\n", "\n" },
	{ "one line of a header", MESSAGE, 3 << 20, "Subject: ", "x", "\n\n" },
	{ "a folded field", MESSAGE, 2 << 20, "To: a@b", ",\n c@d", "\n\n" },
	{ "a header of blanks", MESSAGE, 2 << 20, "Subject:", " \n ", "\n" },
	{ "no line at all", MESSAGE, 3 << 20, "", "x", "" },
	{ "NULs", MESSAGE, 3 << 20, "", "Subject: ~\n", "" },
	{ "lines of a body", MESSAGE, 3 << 20, "a: b\n\n", "\n", "" },
	{ "CRs", MESSAGE, 3 << 20, "a: b\r\n\r\n", "\r", "" },
	{ "nested multiparts", MESSAGE, 1 << 20, "", "Content-Type: "
	    "multipart/mixed; boundary=b%u\n\n--b%u\n", "" },
	{ "nested messages", MESSAGE, 1 << 20, "",
	    "Content-Type: message/rfc822\n\n", "" },
	{ "parts", MESSAGE, 1 << 20, "Content-Type: multipart/mixed; "
	    "boundary=b\n\n", "--b\nA: b\n\nx\n", "--b--\n" },
	{ "empty parts", MESSAGE, 1 << 20, "Content-Type: multipart/digest; "
	    "boundary=b\n\n", "--b\n", "" },
	{ "parts with parameters", MESSAGE, 1 << 20, "Content-Type: "
	    "multipart/mixed; boundary=b\n\n", "--b\nContent-Type: a/b; c=d;"
	    "e=f; g=\"h\"\n\n", "" },
	{ "closed multiparts", MESSAGE, 1 << 20, "Content-Type: "
	    "multipart/mixed; boundary=a\n\n", "--a\nContent-Type: multipart/"
	    "mixed; boundary=b%u\n\n--b%u\n\n--b%u--\n", "" },
	{ "continued parameters", MESSAGE, 1 << 20, "Content-Type: a/b",
	    ";\n n*%u*=x", "\n\n" },
	{ "comments in a type", MESSAGE, 1 << 20, "Content-Type: a/b",
	    "(c)", "\n\n" },
	{ "deep comments in a type", MESSAGE, 1 << 20, "Content-Type: a/b",
	    "(", "\n\n" },
	{ "languages", MESSAGE, 1 << 20, "Content-Language: a", ", b",
	    "\n\n" },
	{ "addresses of a message", MESSAGE, 60000, "From: a@b",
	    ", \"c\\d\" <e@f>", "\n\n" },
	{ "nested messages with addresses", MESSAGE, 1 << 20, "",
	    "From: a@b,c@d,<@e (f;<@g h (i;\n"
	    "Content-Type: message/rfc822\n\n", "" },
	{ "addresses", ADDRESSES, 1 << 20, "", "a b <c@d>, ", "" },
	{ "addresses in groups", ADDRESSES, 1 << 20, "", "a: b@c;", "" },
	{ "deep comments", ADDRESSES, 1 << 20, "a@b ", "(", "" },
	{ "comments", ADDRESSES, 1 << 20, "a", " (b)", "@c" },
	{ "domains", ADDRESSES, 1 << 20, "a", "@b", "" },
	{ "routes", ADDRESSES, 1 << 20, "<", "@b,", ":c@d>" },
	{ "routes without an end", ADDRESSES, 100000, "", "<@a,", "" },
	{ "routes in a comment", ADDRESSES, 100000, "", "<@a b (c;", "" },
	{ "routes in a literal", ADDRESSES, 100000, "", "<@[(];", "" },
	{ "routes behind a quote", ADDRESSES, 100000, "", "<@a \"(\";",
	    ")))" },
	{ "literals", ADDRESSES, 1 << 20, "", "a@[", "" },
	{ "quotes", ADDRESSES, 1 << 20, "", "\"a\\", "" },
	{ "angles", ADDRESSES, 1 << 20, "", "<", "" },
	{ "colons", ADDRESSES, 1 << 20, "", ":", "" },
	{ "words", ADDRESSES, 1 << 20, "", "a.b c ", "@d" },
	{ "encoded words", WORDS, 1 << 20, "", "=?utf-8?q?a=20?= ", "" },
	{ "encoded words in base64", WORDS, 1 << 20, "", "=?x?b?YQ==?=\t",
	    "" },
	{ "begun encoded words", WORDS, 1 << 20, "", "=?a?q?", "" },
	{ "begun charsets", WORDS, 1 << 20, "", "=?a", "" },
	{ "one charset", WORDS, 1 << 20, "=?", "a*", "?q?x?=" },
	{ "one encoded word", WORDS, 1 << 20, "=?utf-8?b?", "YQ", "?=" },
	{ "encoded words far apart", WORDS, 1 << 20, "",
	    "=?utf-8?q?a?=        =?", "" },
	{ "References", IDS, 1 << 20, "", "<a%u@b>\n ", "" },
	{ "begun ids", IDS, 1 << 20, "", "<a ", "" },
	{ "quoted ids", IDS, 1 << 20, "", "<\"", "" },
	{ "comments between ids", IDS, 1 << 20, "", "(<", "" },
	{ "comments in a date", DATE, 1 << 20, "1 Jan 2000 ", "(a)",
	    "00:00" },
	{ "deep comments in a date", DATE, 1 << 20, "1 Jan 2000 ", "(", "" },
	{ "digits of a date", DATE, 1 << 20, "1 Jan ", "1", "" },
	{ "fields", FIELDS, 1 << 20, "", "a: b\n", "" },
	{ "fields without a colon", FIELDS, 1 << 20, "", "a\n", "" },
	{ "fields of blanks", FIELDS, 1 << 20, "a:", "\n ", "" },
	{ "names of fields", FIELDS, 1 << 20, "", "a ", "" },
};

/* Boundaries that begin with each other, each 10 octets longer, opened one in
 * the other, and lines that begin like all of them. */
static void
prefixes(struct buf *b, size_t n)
{
	static char a[2000];
	int i;

	memset(a, 'a', sizeof(a));
	for (i = 1; i <= 90; i++) {
		buf_adds(b, "Content-Type: multipart/mixed; boundary=");
		buf_add(b, a, (size_t)(10 * i));
		buf_adds(b, "\n\n--");
		buf_add(b, a, (size_t)(10 * i));
		buf_addc(b, '\n');
	}
	buf_addc(b, '\n');
	while (b->len < n && !buf_failed(b)) {
		buf_adds(b, "--");
		buf_add(b, a, 9 + b->len % 1000);
		buf_adds(b, "b\n");
	}
}

static void
build(struct buf *b, const struct row *r, size_t n)
{
	char unit[200];
	size_t len;
	unsigned i;
	const char *p;

	buf_adds(b, r->before);
	for (i = 0; b->len < n && !buf_failed(b); i++) {
		for (p = r->unit, len = 0; *p != '\0'; p++) {
			if (p[0] == '%' && p[1] == 'u') {
				len += (size_t)snprintf(unit + len,
				    sizeof(unit) - len, "%u", i);
				p++;
			} else
				unit[len++] = *p == '~' ? '\0' : *p;
		}
		buf_add(b, unit, len);
	}
	buf_adds(b, r->after);
}

static void
read_message(struct buf *out, const char *p, size_t n)
{
	struct mime m;

	if (mime_parse(&m, p, n) == -1)
		return;
	imap_write_envelope(out, &m, &m.part[0]);
	imap_write_body(out, &m, &m.part[0], 1);
	mime_free(&m);
}

static void
read_addresses(const char *p, size_t n)
{
	struct addrlist_item item;
	struct addrlist list;
	struct address a;

	addrlist_init(&list, p, n);
	while (addrlist_next(&list, &item) == 1)
		;
	addrlist_free(&list);
	(void)address_parse(&a, p, n, NULL);
}

static void
read_fields(struct buf *out, const char *p, size_t n)
{
	struct header_field f;
	struct header h;

	header_init(&h, p, n);
	while (header_next(&h, &f)) {
		buf_reset(out);
		(void)header_unfold(out, &f);
	}
	(void)header_length(p, n);
}

static void
read_it(enum reader reader, struct buf *out, const char *p, size_t n)
{
	const char *end = p + n, *id;
	struct date date;
	size_t len;

	switch (reader) {
	case MESSAGE:
		read_message(out, p, n);
		break;
	case ADDRESSES:
		read_addresses(p, n);
		break;
	case WORDS:
		(void)mime_words_decode(out, p, n);
		break;
	case IDS:
		while (message_id_next(&p, end, &id, &len) == 1)
			;
		break;
	case DATE:
		(void)date_parse(&date, p, n);
		break;
	case FIELDS:
		read_fields(out, p, n);
		break;
	}
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds that it takes, the best of some. */
static double
seconds(enum reader reader, const struct buf *in)
{
	double best = 1e9, t;
	struct buf out;
	int i;

	for (i = 0; i < 2; i++) {
		buf_init(&out, OUTPUT);
		t = now();
		read_it(reader, &out, in->data, in->len);
		t = now() - t;
		buf_free(&out);
		if (t < best)
			best = t;
	}
	return best;
}

/* kB that a child had at most, more than one that does nothing; neither has
 * what this process freed. */
static long
memory(enum reader reader, const struct buf *in)
{
	struct rusage use;
	struct buf out;
	long kb[2] = { 0, 0 };
	int i, status;
	pid_t pid;

	(void)malloc_trim(0);
	for (i = 0; i < 2; i++) {
		(void)fflush(stdout);
		if ((pid = fork()) == 0) {
			buf_init(&out, OUTPUT);
			if (i == 1)
				read_it(reader, &out, in->data, in->len);
			_exit(0);
		}
		if (pid == -1 || wait4(pid, &status, 0, &use) != pid ||
		    status != 0)
			return -1;
		kb[i] = use.ru_maxrss;
	}
	return kb[1] > kb[0] ? kb[1] - kb[0] : 0;
}

static void
test(const char *what, enum reader reader, const struct buf *small,
    const struct buf *large)
{
	double a = 0, b = 0;
	long kb;
	int i;

	for (i = 0; i < TRIES; i++) {
		a = seconds(reader, small);
		b = seconds(reader, large);
		if (a < SHORT)
			a = SHORT;
		if (b <= ALLOWED * a)
			break;
	}
	ok(b <= ALLOWED * a, "%s: time", what);
	printf("# %zu octets %.4f s, %zu octets %.4f s\n", small->len, a,
	    large->len, b);
	if (SANITIZED)
		return;
	kb = memory(reader, large);
	/* What is decoded or unfolded is as long as the input, doubling. */
	ok(kb >= 0 && kb < (reader == MESSAGE ? MEMORY :
	    MEMORY + 4 * (long)(large->len >> 10)), "%s: memory", what);
	printf("# %ld kB\n", kb);
}

int
main(int argc, char **argv)
{
	const char *variant = getenv("STDMAIL_VARIANT");
	struct buf small, large;
	size_t i;

	if (variant != NULL && strcmp(variant, "memcheck") == 0) {
		puts("1..0 # SKIP under valgrind time and memory are its own");
		return 0;
	}
	/* Large blocks go back when they are freed. */
	(void)mallopt(M_MMAP_THRESHOLD, 128 << 10);
	for (i = 0; i <= sizeof(rows) / sizeof(rows[0]); i++) {
		buf_init(&small, OUTPUT);
		buf_init(&large, OUTPUT);
		if (i == sizeof(rows) / sizeof(rows[0])) {
			prefixes(&small, 1 << 20);
			prefixes(&large, FACTOR << 20);
			if (argc == 1)
				test("boundaries that begin with each other",
				    MESSAGE, &small, &large);
		} else if (argc == 1 || strcmp(argv[1], rows[i].what) == 0) {
			build(&small, &rows[i], rows[i].n);
			build(&large, &rows[i], FACTOR * rows[i].n);
			test(rows[i].what, rows[i].reader, &small, &large);
		}
		buf_free(&small);
		buf_free(&large);
	}
	return done();
}
