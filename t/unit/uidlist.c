/* SPDX-License-Identifier: ISC
 *
 * Proves that a dovecot-uidlist is read as Dovecot means it, whole and cut
 * anywhere, that damage costs no more than the damaged lines, and that what
 * is written keeps what nobody here understands.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"
#include "bytes/buf.h"
#include "mail/keywords.h"
#include "mail/mailbox_file.h"
#include "mail/uidlist.h"

/* What is expected: "validity next damaged|uid name ext;..." */
static const struct {
	const char	*what;
	const char	*text;
	const char	*want;
} rows[] = {
	{ "version 3, as documented",
	  "3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1\n"
	  "25006 :1276528487.M364837P9451.kurkku,S=1355,W=1394:2,\n"
	  "25017 W2481 :1276533073.M242911P3632.kurkku:2,F\n",
	  "1275660208 25022 0|25006 1276528487.M364837P9451.kurkku,S=1355,"
	  "W=1394 ;25017 1276533073.M242911P3632.kurkku W2481;" },
	{ "several fields", "3 V1 N9\n3 W12 Pabc O7 Gxx :a\n",
	  "1 9 0|3 a W12 Pabc O7 Gxx;" },
	{ "a name with blanks and a comma", "3 V1 N2\n1 :a b,S=3 c\n",
	  "1 2 0|1 a b,S=3 c ;" },
	{ "version 1", "1 77 5\n1 a\n4 b:2,S\n", "77 5 1|1 a ;4 b ;" },
	{ "nextuid behind the records", "3 V7 N2\n1 :a\n5 :b\n",
	  "7 6 0|1 a ;5 b ;" },
	{ "no records", "3 V7 N12\n", "7 12 0|" },
	{ "no line end yet", "3 V7 N2\n1 :a\n2 :b", "7 2 0|1 a ;" },
	{ "nothing", "", "0 1 0|" },
	{ "another version", "4 V7 N2\n1 :a\n", "0 1 1|" },
	{ "no header", "1 :a\n", "0 1 1|" },
	{ "UIDVALIDITY 0", "3 V0 N2\n1 :a\n", "0 2 1|" },
	{ "UIDVALIDITY too large", "3 V4294967296 N2\n1 :a\n", "0 2 1|" },
	{ "UIDs not in order", "3 V7 N9\n5 :a\n4 :b\n6 :c\n",
	  "7 9 1|5 a ;6 c ;" },
	{ "a UID twice", "3 V7 N9\n5 :a\n5 :b\n", "7 9 1|5 a ;" },
	{ "a name twice", "3 V7 N9\n5 :a\n6 :b\n7 :a\n",
	  "7 9 0|5 a ;6 b ;7 a ;" },
	{ "UID 0", "3 V7 N9\n0 :a\n5 :b\n", "7 9 1|5 b ;" },
	{ "UID too large", "3 V7 N9\n4294967295 :a\n5 :b\n", "7 9 1|5 b ;" },
	{ "a slash in a name", "3 V7 N9\n4 :../a\n5 :b\n", "7 9 1|5 b ;" },
	{ "no name", "3 V7 N9\n4 :\n5 W1\n6 :b\n", "7 9 1|6 b ;" },
	{ "an empty line", "3 V7 N9\n\n6 :b\n", "7 9 1|6 b ;" },
};

static int
take(void *arg, uint32_t uid, const char *name, const char *ext)
{
	buf_addf(arg, "%u %s %s;", uid, name, ext);
	return 0;
}

/* Give the text in pieces that end at cut and at the end, as a file grows; b
 * becomes what was understood. */
static void
parse(struct buf *b, const char *text, size_t n, size_t cut)
{
	size_t at = 0, ends[2] = { cut, n }, i, len;
	char hold[256], head[64];
	struct uidlist l;
	ssize_t got;

	uidlist_init(&l);
	buf_reset(b);
	for (i = 0; i < 2; i++) {
		len = ends[i] - at;
		memcpy(hold, text + at, len);
		got = uidlist_parse(&l, hold, len, at == 0, take, b);
		at += got > 0 ? (size_t)got : 0;
	}
	snprintf(head, sizeof(head), "%u %u %d|", l.validity, l.next,
	    l.damaged);
	len = b->len;
	buf_adds(b, head);
	/* The head in front. */
	memmove(b->data + strlen(head), b->data, len);
	memcpy(b->data, head, strlen(head));
	uidlist_free(&l);
}

static void
test_parse(void)
{
	struct buf b;
	size_t i, cut, n, bad;

	buf_init(&b, 4096);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = strlen(rows[i].text);
		parse(&b, rows[i].text, n, n);
		is_str(buf_str(&b), rows[i].want, rows[i].what);
		for (cut = bad = 0; cut < n; cut++) {
			parse(&b, rows[i].text, n, cut);
			bad += strcmp(buf_str(&b), rows[i].want) != 0;
		}
		is_int((long long)bad, 0, "the same in two pieces");
	}
	buf_free(&b);
}

static void
put(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		perror(name);
	close(fd);
}

static const char *
get(int dir, const char *name)
{
	static char text[4096];
	int fd = openat(dir, name, O_RDONLY);
	ssize_t n = fd == -1 ? 0 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	close(fd);
	return text;
}

static const char *
lines(struct buf *b)
{
	return b->len == 0 ? "" : buf_str(b);
}

/* Open and read all. */
static enum uidlist_read
open_all(struct uidlist *l, int dir, struct buf *b)
{
	uidlist_init(l);
	buf_reset(b);
	if (uidlist_open(l, dir) != UIDLIST_MORE)
		return UIDLIST_MISSING;
	return uidlist_read(l, dir, take, b);
}

static int
add_line(struct uidlist *l, int dir, const char *name)
{
	struct uidlist_writer w;

	uidlist_begin(l, &w, dir, 0600, false);
	uidlist_put(&w, l->next, "", name, strlen(name));
	return uidlist_end(l, &w, dir);
}

static void
test_file(int dir)
{
	struct uidlist_writer w;
	struct uidlist l;
	struct buf b;

	buf_init(&b, 4096);
	is_int(open_all(&l, dir, &b), UIDLIST_MISSING, "no file");
	put(dir, UIDLIST_FILE, "3 V7 N3 Gabc Xyz\n1 :a\n2 W5 :b\n");
	is_int(open_all(&l, dir, &b), UIDLIST_MORE, "a file");
	is_str(lines(&b), "1 a ;2 b W5;", "its lines");
	is_int(uidlist_read(&l, dir, take, &b), UIDLIST_SAME, "the same file");
	is_int(add_line(&l, dir, "c"), 0, "append");
	is_str(get(dir, UIDLIST_FILE),
	    "3 V7 N3 Gabc Xyz\n1 :a\n2 W5 :b\n3 :c\n", "a line more");
	is_int(l.next, 4, "the next UID");
	is_int(uidlist_read(&l, dir, take, &b), UIDLIST_SAME,
	    "nothing new for us");
	put(dir, UIDLIST_FILE, "3 V7 N3 Gabc Xyz\n1 :a\n2 W5 :b\n3 :c\n4 :d\n");
	buf_reset(&b);
	is_int(uidlist_read(&l, dir, take, &b), UIDLIST_MORE,
	    "another one appended");
	is_str(lines(&b), "4 d ;", "its line");
	uidlist_begin(&l, &w, dir, 0600, true);
	uidlist_put(&w, 2, "W5", "b", 1);
	uidlist_put(&w, 3, "", "cXX", 1);
	is_int(uidlist_end(&l, &w, dir), 0, "replace");
	is_str(get(dir, UIDLIST_FILE), "3 V7 N5 Gabc Xyz\n2 W5 :b\n3 :c\n",
	    "unknown fields stay");
	is_int(uidlist_read(&l, dir, take, &b), UIDLIST_SAME, "it is ours");
	put(dir, "other", "3 V7 N9\n4 :d\n");
	renameat(dir, "other", dir, UIDLIST_FILE);
	is_int(uidlist_read(&l, dir, take, &b), UIDLIST_REPLACED,
	    "replaced by another");
	uidlist_free(&l);

	put(dir, UIDLIST_FILE, "3 V7 N2\n1 :a\n2 :torn");
	is_int(open_all(&l, dir, &b), UIDLIST_MORE, "a torn line");
	is_str(lines(&b), "1 a ;", "is none");
	uidlist_free(&l);

	uidlist_init(&l);
	l.validity = 9;
	l.next = 301;
	uidlist_begin(&l, &w, dir, 0600, true);
	is_int(uidlist_end(&l, &w, dir), 0, "a list of our own");
	ok(strncmp(get(dir, UIDLIST_FILE), "3 V9 N301 G", 11) == 0,
	    "has a GUID");
	uidlist_free(&l);
	unlinkat(dir, UIDLIST_FILE, 0);

	put(dir, UIDLIST_COURIER, "1 77 5\n1 a\n4 b:2,S\n");
	is_int(open_all(&l, dir, &b), UIDLIST_MORE, "Courier's");
	is_str(lines(&b), "1 a ;4 b ;", "is read");
	ok(l.validity == 77 && l.next == 5 && l.courier && l.damaged,
	    "to be written as ours");
	put(dir, UIDLIST_FILE, "3 V7 N2\n1 :a\n");
	is_int(uidlist_read(&l, dir, take, &b), UIDLIST_REPLACED,
	    "which another may have done");
	uidlist_free(&l);
	unlinkat(dir, UIDLIST_FILE, 0);
	unlinkat(dir, UIDLIST_COURIER, 0);
	buf_free(&b);
}

/* A place in a file is known again only while it is that file. */
static void
test_mark(int dir)
{
	struct uidlist_mark mark;
	struct uidlist l;
	struct buf b;

	buf_init(&b, 4096);
	put(dir, UIDLIST_FILE, "3 V7 N3\n1 :a\n2 :b\n");
	open_all(&l, dir, &b);
	is_int(uidlist_mark(&l, &mark), 0, "a mark");
	uidlist_free(&l);
	put(dir, UIDLIST_FILE, "3 V7 N3\n1 :a\n2 :b\n3 :c\n");
	uidlist_init(&l);
	uidlist_open(&l, dir);
	ok(uidlist_resume(&l, &mark), "the file has grown");
	buf_reset(&b);
	uidlist_read(&l, dir, take, &b);
	is_str(lines(&b), "3 c ;", "what came since");
	is_int(l.lines, 3, "all lines are counted");
	uidlist_free(&l);
	put(dir, UIDLIST_FILE, "3 V7 N3\n1 :a\n2 :X\n3 :c\n");
	uidlist_init(&l);
	uidlist_open(&l, dir);
	ok(!uidlist_resume(&l, &mark), "other octets before it");
	uidlist_free(&l);
	put(dir, UIDLIST_FILE, "3 V7 N3\n1 :a\n");
	uidlist_init(&l);
	uidlist_open(&l, dir);
	ok(!uidlist_resume(&l, &mark), "a shorter one");
	uidlist_free(&l);
	put(dir, "other", "3 V7 N3\n1 :a\n2 :b\n");
	renameat(dir, "other", dir, UIDLIST_FILE);
	uidlist_init(&l);
	uidlist_open(&l, dir);
	ok(!uidlist_resume(&l, &mark), "a copy");
	uidlist_free(&l);
	unlinkat(dir, UIDLIST_FILE, 0);
	buf_free(&b);
}

static void
test_ext(void)
{
	const char *ext = "W12 Pa-b O P";
	char v[5];

	is_int(uidlist_ext(ext, 'W', v, sizeof(v)), 1, "W");
	is_str(v, "12", "its value");
	is_int(uidlist_ext(ext, 'P', v, sizeof(v)), 1, "P");
	is_str(v, "a-b", "its value");
	is_int(uidlist_ext(ext, 'O', v, sizeof(v)), 1, "O");
	is_str(v, "", "empty");
	is_int(uidlist_ext(ext, 'X', v, sizeof(v)), 0, "no X");
	is_int(uidlist_ext(ext, 'P', v, 3), 0, "no room");
}

static const struct {
	const char	*text;
	const char	*want;		/* index name; ... */
} keyword_rows[] = {
	{ "0 $Label1\n1 Junk\n25 z\n", "0 $Label1;1 Junk;25 z;" },
	{ "", "" },
	{ "0 a\n0 b\n", "0 a;" },
	{ "26 a\n99999999999 b\n-1 c\n x\n1\n2 \n3 c\n", "3 c;" },
	{ "0 a b\n1 (x\n2 ok\n3 torn", "2 ok;" },
	{ "1 \xc3\xa4\n2 x\n", "2 x;" },
};

static void
test_keywords(void)
{
	struct keywords k;
	struct buf b;
	size_t i;
	int c;

	buf_init(&b, 4096);
	for (i = 0; i < sizeof(keyword_rows) / sizeof(keyword_rows[0]); i++) {
		memset(&k, 0, sizeof(k));
		keywords_parse(&k, keyword_rows[i].text,
		    strlen(keyword_rows[i].text));
		buf_reset(&b);
		for (c = 0; c < KEYWORDS_LETTERS; c++)
			if (k.names[c] != NULL)
				buf_addf(&b, "%d %s;", c, k.names[c]);
		is_str(buf_str(&b), keyword_rows[i].want, "keywords");
		if (i == 0) {
			is_int(keywords_find(&k, "JUNK"), 1, "any case");
			is_int(keywords_find(&k, "Jun"), -1, "not a part");
		}
		keywords_free(&k);
	}
	buf_free(&b);
}

static const struct {
	const char	*old;
	mailbox_flags	 flags;
	const char	*want;
} info_rows[] = {
	{ "", 0, ":2," },
	{ "", MAILBOX_SEEN, ":2,S" },
	{ ":2,S", 0, ":2," },
	{ ":2,PS", MAILBOX_FLAGGED | MAILBOX_DRAFT, ":2,DFP" },
	{ ":2,ST", 0x1f, ":2,DFRST" },
	{ ":2,a", MAILBOX_SEEN | MAILBOX_KEYWORD(1) | MAILBOX_KEYWORD(25),
	  ":2,Sbz" },
	{ ":2,", MAILBOX_KEYWORD(26), ":2," },
	{ ":1,xyz", MAILBOX_SEEN, ":2,S" },
};

static void
test_names(void)
{
	char to[MAILBOX_INFO_MAX + 1];
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < sizeof(info_rows) / sizeof(info_rows[0]); i++) {
		mailbox_file_info(to, info_rows[i].old, info_rows[i].flags);
		is_str(to, info_rows[i].want, "info");
	}
	is_int((long long)mailbox_file_flags(":2,RSTab"), MAILBOX_ANSWERED |
	    MAILBOX_SEEN | MAILBOX_DELETED | MAILBOX_KEYWORD(0) |
	    MAILBOX_KEYWORD(1), "flags");
	is_int((long long)mailbox_file_flags(":2,S,x"), MAILBOX_SEEN,
	    "something behind them");
	is_int((long long)mailbox_file_flags(":3,S"), 0, "another info");
	is_int(mailbox_file_size("1.a,S=12,W=345", 14, 'W', &n), 1, "W");
	is_int((long long)n, 345, "its number");
	is_int(mailbox_file_size("1.a,S=12,W=345", 14, 'S', &n), 1, "S");
	is_int((long long)n, 12, "its number");
	is_int(mailbox_file_size("1.a,S=", 6, 'S', &n), 0, "no digits");
	is_int(mailbox_file_size("1.a,S=1x", 8, 'S', &n), 0, "no number");
	is_int(mailbox_file_size("1.a,W=99999999999999999999", 26, 'W', &n),
	    0, "too large");
	ok(mailbox_file_compare("9.M1", "10.M1") < 0, "seconds");
	ok(mailbox_file_compare("10.M9P1", "10.M10P1") < 0, "microseconds");
	ok(mailbox_file_compare("10.a", "10.a") == 0, "equal");
	ok(mailbox_file_compare("10.a", "10.b") < 0, "letters");
	ok(mailbox_file_ok("1.a:2,S") && !mailbox_file_ok(".a") &&
	    !mailbox_file_ok("a\nb") && !mailbox_file_ok(":2,S"), "names");
}

int
main(void)
{
	char path[] = "/tmp/stdmail-uidlist.XXXXXX";
	int dir = open(mkdtemp(path), O_RDONLY | O_DIRECTORY);

	test_parse();
	test_file(dir);
	test_mark(dir);
	close(dir);
	rmdir(path);
	test_ext();
	test_keywords();
	test_names();
	return done();
}
