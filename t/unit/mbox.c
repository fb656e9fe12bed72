/* SPDX-License-Identifier: ISC
 *
 * Proves that an mbox is cut where its From_ lines are and nowhere else, whole
 * or a byte at a time, that what mail programs note in headers is found, and
 * that a message comes out of an mbox with the octets it went in with,
 * whatever its lines look like: all rows here and all real messages.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "grammar/mbox.h"
#include "grammar/mbox_quote.h"
#include "mail/mbox.h"
#include "mail/mbox_view.h"
#include "mail/message.h"
#include "tap.h"

#define D	"Thu Jan  1 00:00:00 1970"
#define F	"From a@b.test " D "\n"

/* ---- From_ lines ---- */

static const struct {
	const char	*line;
	long long	 time;		/* -1: none */
} from_rows[] = {
	{ "From a@b.test Sun Sep  9 01:46:40 2001", 1000000000 },
	{ "From a@b.test Sun Sep  9 01:46:40 2001\n", 1000000000 },
	{ "From a@b.test Sun Sep  9 01:46:40 2001\r\n", 1000000000 },
	{ "From a@b.test  Sun Sep 9 01:46 2001", 999999960 },
	{ "From a@b.test Sun Sep  9 03:46:40 +0200 2001", 1000000000 },
	{ "From a@b.test Sun Sep  9 03:46:40 2001 +0200", 1000000000 },
	{ "From a@b.test Sun Sep  9 01:46:40 GMT 2001", 1000000000 },
	{ "From a@b.test Sun, 9 Sep 2001 01:46:40 +0000", 1000000000 },
	{ "From a@b.test 9 Sep 2001 01:46:40", 1000000000 },
	{ "From Sun Sep  9 01:46:40 2001", 1000000000 },
	{ "From \"a b\"@c Sun Sep  9 01:46:40 2001 remote from x",
	  1000000000 },
	{ "From May@b.test May x Sun Sep  9 01:46:40 2001", 1000000000 },
	{ "From - Sun Sep  9 01:46:40 2001", 1000000000 },
	{ "From here on", -1 },
	{ "From a@b.test", -1 },
	{ "From a Sun Sep  9 25:46:40 2001", -1 },
	{ "From a Sun Sep 32 01:46:40 2001", -1 },
	{ "From a Sun Sep  9 01:46:40 01", -1 },
	{ "From a Sun Foo  9 01:46:40 2001", -1 },
	{ "From: a Sun Sep  9 01:46:40 2001", -1 },
	{ "from a Sun Sep  9 01:46:40 2001", -1 },
	{ "From ", -1 },
	{ "From", -1 },
};

static void
test_from(void)
{
	int64_t t;
	size_t i;

	for (i = 0; i < sizeof(from_rows) / sizeof(from_rows[0]); i++) {
		t = -1;
		if (mbox_from_parse(from_rows[i].line,
		    strlen(from_rows[i].line), &t) != 1)
			t = -1;
		is_int(t, from_rows[i].time, from_rows[i].line);
	}
}

/* ---- splitting ---- */

/* What was found, as text: for each message [content], its wire size, and
 * what was noted. */
static void
describe(const char *text, const struct mbox_message *m, char *to, size_t size)
{
	size_t n = strlen(to), i;

	snprintf(to + n, size - n, "[%.*s]%llu", (int)(m->end - m->content),
	    text + m->content, (unsigned long long)m->wire);
	n += strlen(to + n);
	if (m->flags != 0 || m->uid != 0)
		snprintf(to + n, size - n, " f%02x u%u", m->flags, m->uid);
	n += strlen(to + n);
	for (i = 0; i < m->keywords_len; i += strlen(m->keywords + i) + 1) {
		snprintf(to + n, size - n, " k=%s", m->keywords + i);
		n += strlen(to + n);
	}
	if (m->based)
		snprintf(to + n, size - n, " v%u l%u", m->validity, m->last);
	n += strlen(to + n);
	for (i = 0; i < m->base_len; i += strlen(m->base + i) + 1) {
		snprintf(to + n, size - n, " b=%s", m->base + i);
		n += strlen(to + n);
	}
	if (m->internal)
		snprintf(to + n, size - n, " internal");
	if (m->scattered)
		snprintf(to + n, size - n, " scattered");
}

static void
split(const char *text, size_t step, char *to, size_t size)
{
	struct mbox_split s;
	const char *p = text, *end = p + strlen(p), *stop;

	*to = '\0';
	mbox_split_init(&s, 0);
	for (; p < end; ) {
		stop = (size_t)(end - p) < step ? end : p + step;
		while (mbox_split(&s, &p, stop) == 1)
			describe(text, &s.done, to, size);
	}
	if (mbox_split_end(&s) == 1)
		describe(text, &s.done, to, size);
	if (s.junk)
		strlcat(to, "junk", size);
}

static const struct {
	const char	*in;
	const char	*want;
} split_rows[] = {
	{ "", "" },
	{ "\n\n", "" },
	{ F, "[]0" },
	{ F "\n", "[]0" },
	{ F "\n\n", "[\n]2" },
	{ F "A: b\n\nx\n\n" F "A: c\n\ny\n\n",
	  "[A: b\n\nx\n]11[A: c\n\ny\n]11" },
	{ F "A: b\n\nx\n\n\n" F "A: c\n", "[A: b\n\nx\n\n]13[A: c\n]6" },
	{ "\n" F "A: b\n", "[A: b\n]6" },
	/* No empty line, no date: it is text. */
	{ F "A: b\n\nx\n" F "y\n\n", "[A: b\n\nx\n" F "y\n]54" },
	{ F "A: b\n\nx\n\nFrom here\ny\n\n",
	  "[A: b\n\nx\n\nFrom here\ny\n]27" },
	{ F "A: b\n\nx\n\n>" F "y\n\n", "[A: b\n\nx\n\n>" F "y\n]56" },
	/* Header and body of it. */
	{ F "A: b\nFrom x\n\nFrom x\n\n", "[A: b\nFrom x\n\nFrom x\n]24" },
	/* Without a date at the start of the file alone. */
	{ "From x\nA: b\n\n\nFrom x\nA: c\n", "[A: b\n\n\nFrom x\nA: c\n]24" },
	{ "A: b\n\nx\n\n" F "y\n", "[y\n]3junk" },
	{ "x\n" F "y\n", "junk" },
	/* Line ends. */
	{ "From a " D "\r\nA: b\r\n\r\nx\r\n\r\nFrom a " D "\r\ny\r\n\r\n",
	  "[A: b\r\n\r\nx\r\n]11[y\r\n]3" },
	{ F "A: b\n\nx", "[A: b\n\nx]9" },
	{ F "A: b\n\nx\n\r\n" F "y\n\r\n", "[A: b\n\nx]9[y]1" },
	{ F "x\r\n\r\n", "[x\r]2" },
	{ F "\r\n", "[]0" },
	{ F "A: b\n\nx\ry\r\n\n", "[A: b\n\nx\ry\r\n]13" },
	/* Notes. */
	{ F "X-IMAPbase: 1234567890 0000000012 foo bar \nX-UID: 12   \n"
	    "Status: RO\nX-Status: AF\nX-Keywords: foo $x   \nA: b\n\nx\n\n",
	  "[X-IMAPbase: 1234567890 0000000012 foo bar \nX-UID: 12   \n"
	    "Status: RO\nX-Status: AF\nX-Keywords: foo $x   \nA: b\n\nx\n]11"
	    " f0f u12 k=foo k=$x v1234567890 l12 b=foo b=bar" },
	{ F "A: b\nstatus : O\n\nStatus: R\n\n",
	  "[A: b\nstatus : O\n\nStatus: R\n]19 f02 u0" },
	{ F "Status: R\nA: b\nX-UID: 3\n\n",
	  "[Status: R\nA: b\nX-UID: 3\n]6 f01 u3 scattered" },
	{ F "Status: R\nStatus: O\n\n",
	  "[Status: R\nStatus: O\n]0 f03 u0 scattered" },
	{ F ">Status: R\n>>X-UID: 3\n>A: b\n\n>From x\n>>From x\n>x\n\n",
	  "[>Status: R\n>>X-UID: 3\n>A: b\n\n>From x\n>>From x\n>x\n]52" },
	{ F "X-Keywords: a\n b\nX-UID: 99999999999\n c\n d\n\n",
	  "[X-Keywords: a\n b\nX-UID: 99999999999\n c\n d\n]0 k=a k=b" },
	{ F "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n"
	    "X-IMAP: 7 0000000009\nStatus: RO\n\nx\n\n",
	  "[Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n"
	    "X-IMAP: 7 0000000009\nStatus: RO\n\nx\n]65 f03 u0 v7 l9 internal"
	},
	{ F "Content-Length: 3\n\n\n" F "x\n\n",
	  "[Content-Length: 3\n\n]2[x\n]3" },
};

static void
test_split(void)
{
	char got[4096];
	size_t i, step;

	for (i = 0; i < sizeof(split_rows) / sizeof(split_rows[0]); i++)
		for (step = 1; step < 5000; step = step * 3 + 1) {
			split(split_rows[i].in, step, got, sizeof(got));
			is_str(got, split_rows[i].want, split_rows[i].in);
		}
}

/* ---- in and out again ---- */

static const struct {
	const char	*text;
	size_t		 n;
} messages[] = {
#define M(text)	{ text, sizeof(text) - 1 }
	M(""),
	M("\n"),
	M("\n\n\n"),
	M("A: b\n"),
	M("A: b"),
	M("A"),
	M("A: b\n\n"),
	M("A: b\n\nx"),
	M("A: b\n\nx\n"),
	M("A: b\n\nx\n\n\n"),
	M("A: b\r\n\r\nx\r\n"),
	M("A: b\r\n\r\nx\r\n\r\n"),
	M("A: b\n\nx\n\r\n"),
	M("A: b\n\nx\r"),
	M("\r"),
	M("\r\n"),
	M("A: b\n\n\r"),
	M("A: b\n\nx\ry\n\r\n\rz\n"),
	M("A: \0b\n\nx\0\n\0"),
	M("From x\nA: b\nFrom " D "\n\nx\n\nFrom y " D "\n\nFrom z\n"),
	M(F "A: b\n\nx\n\n" F "\n" F),
	M(">From x\n>>From x\n\n>From x\n>>>From x"),
	M("Status: RO\nX-Status: AF\nX-UID: 3\nx-keywords: a\n b\nA: b\n\nx\n"),
	M("X-IMAPbase: 1 2\nX-IMAP: 1 2\nContent-Length: 12\n\nStatus: x\n"),
	M(">Status: RO\n>>status: x\n>X-UID\t: y\nX-UID\n\n>Status: x\n"),
	M("Status : x\nStatus\n: y\nStatusx: z\nX-Status-: q\n\n"),
	M("Status:\n folded\n\tmore\n\nx\n"),
	M(" folded\nA: b\n\n"),
	M("Status"), M("Status:"), M("X-"), M(">"), M(">F"), M(">>From"),
	M("A: b\n\n>"), M("A: b\n\nFrom"), M("A: b\n\nFrom "), M("F"),
	M("A: b\n\r\nStatus: x\nFrom x\n"),
	M("A: b\n>\nStatus: x\n>\r\nStatus: y\n"),
	M("X-UID: 1\n\r\n\r\n"),
#undef M
};

#define NMESSAGES	(sizeof(messages) / sizeof(messages[0]))

static char dir[] = "/tmp/stdmail-mbox.XXXXXX";

static char *
read_file(const char *path, size_t *n)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	char *p = NULL;

	if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (p = malloc((size_t)st.st_size + 1)) != NULL)
		*n = (size_t)read(fd, p, (size_t)st.st_size);
	if (fd != -1)
		close(fd);
	return p;
}

static int
deliver(const char *text, size_t n, size_t step)
{
	struct mbox_file m;
	size_t k;

	if (mbox_begin(&m, "mbox", "a@b.test", 1000000000) == -1)
		return -1;
	for (; n > 0; text += k, n -= k) {
		k = n < step ? n : step;
		if (mbox_write(&m, text, k) == -1)
			return -1;
	}
	return mbox_end(&m);
}

/* The wire form of a text by itself. */
static char *
wire_alone(const char *text, size_t n, uint64_t *size)
{
	struct message *m;
	char *wire = NULL;
	size_t got;
	int fd = open("alone", O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (write(fd, text, n) != (ssize_t)n ||
	    (m = message_new(fd)) == NULL)
		return NULL;
	if (message_size(m, size) == 0 && (wire = malloc(*size + 1)) != NULL)
		message_read(m, 0, wire, *size, &got);
	message_close(m);
	return wire;
}

/* Is message d of the mbox this text?  NULL, or what is wrong. */
static const char *
compare(const struct mbox_message *d, const char *text, size_t n)
{
	struct mbox_place place = { d->from, d->content, d->end, 0 };
	uint64_t size, want_size = 0, at;
	char *want = wire_alone(text, n, &want_size), *got;
	const char *wrong = NULL;
	struct message *m;
	size_t k, len;

	m = message_new_mbox(open("mbox", O_RDONLY), &place, d->plain);
	if (m == NULL || want == NULL) {
		free(want);
		return "cannot be opened";
	}
	got = malloc(want_size + 100);
	if (got == NULL)
		wrong = "no memory";
	else if (message_size(m, &size) == -1 || size != want_size)
		wrong = "another size";
	else if (d->wire != want_size || d->plain != n)
		wrong = "sizes counted wrong";
	else if (message_read(m, 0, got, want_size + 100, &k) == -1 ||
	    k != want_size || memcmp(got, want, k) != 0)
		wrong = "other octets";
	for (at = 0; wrong == NULL && at < want_size; at += 1 + want_size / 7) {
		len = want_size - at < 50 ? (size_t)(want_size - at) : 50;
		if (message_read(m, at, got, len, &k) == -1 || k != len ||
		    memcmp(got, want + at, k) != 0)
			wrong = "a range differs";
	}
	if (wrong == NULL && (d->flags != 0 || d->uid != 0 || d->based))
		wrong = "believed as notes";
	message_close(m);
	free(want);
	free(got);
	return wrong;
}

static struct mbox_message *found;
static size_t nfound, found_cap;

static void
note(const struct mbox_message *m)
{
	if (nfound == found_cap) {
		found_cap = 2 * found_cap + 64;
		found = reallocarray(found, found_cap, sizeof(*found));
		if (found == NULL)
			exit(1);
	}
	found[nfound++] = *m;
}

static void
split_file(size_t step)
{
	struct mbox_split s;
	size_t n = 0;
	char *text = read_file("mbox", &n);
	const char *p = text, *end = p + n, *stop;

	nfound = 0;
	mbox_split_init(&s, 0);
	while (p < end) {
		stop = (size_t)(end - p) < step ? end : p + step;
		while (mbox_split(&s, &p, stop) == 1)
			note(&s.done);
	}
	if (mbox_split_end(&s) == 1)
		note(&s.done);
	free(text);
}

static void
test_rows(void)
{
	static const size_t steps[] = { 1, 3, 100000 };
	const char *wrong;
	size_t i, k;

	for (k = 0; k < 3; k++) {
		unlink("mbox");
		for (i = 0; i < NMESSAGES; i++)
			is_int(deliver(messages[i].text, messages[i].n,
			    steps[k]), 0, "delivered");
		split_file(steps[k]);
		is_int((long long)nfound, NMESSAGES, "as many messages");
		for (i = 0; i < nfound && i < NMESSAGES; i++) {
			wrong = compare(&found[i], messages[i].text,
			    messages[i].n);
			ok(wrong == NULL, "message %zu comes out: %s", i,
			    wrong == NULL ? "same" : wrong);
		}
	}
}

static struct {
	char	*text;
	size_t	 n;
} corpus[1000];
static size_t ncorpus;

static int
add_corpus(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)f;
	if (type == FTW_F && st->st_size < 10000000 && ncorpus < 1000) {
		corpus[ncorpus].text = read_file(path, &corpus[ncorpus].n);
		ncorpus += corpus[ncorpus].text != NULL;
	}
	return 0;
}

static void
test_corpus(const char *shared)
{
	char path[4096];
	const char *wrong;
	size_t i, bad = 0;

	snprintf(path, sizeof(path), "%s/corpus", shared);
	if (nftw(path, add_corpus, 16, FTW_PHYS) == -1 || ncorpus == 0) {
		ok(1, "real messages # SKIP no corpus in the shared folder");
		return;
	}
	unlink("mbox");
	for (i = 0; i < ncorpus; i++)
		bad += deliver(corpus[i].text, corpus[i].n, 8192) == -1;
	is_int((long long)bad, 0, "the corpus is delivered");
	split_file(4096);
	is_int((long long)nfound, (long long)ncorpus, "as many messages");
	for (i = 0; i < nfound && i < ncorpus; i++)
		if ((wrong = compare(&found[i], corpus[i].text, corpus[i].n))
		    != NULL && ++bad < 5)
			printf("# message %zu: %s\n", i, wrong);
	is_int((long long)bad, 0, "and comes out as it came in");
}

/* A message over many blocks, with lines of all kinds. */
static void
test_large(void)
{
	size_t room = 1200000, n = 0, i;
	char *text = malloc(room);
	const char *wrong;

	for (i = 0; i < 5000; i++)
		n += (size_t)snprintf(text + n, room - n, i % 3 == 0 ?
		    "Status: %zu\n" : i % 3 == 1 ? ">>X-UID: %zu\n" :
		    "A%zu: b\n", i);
	text[n++] = '\n';
	for (i = 0; n < room - 1000; i++)
		n += (size_t)snprintf(text + n, room - n, i % 5 == 0 ?
		    "From %zu\n\n" : i % 5 == 1 ? "\n>>From %zu\r\n" :
		    "line %zu of it\n", i);
	memset(text + n, '>', 900);
	n += 900;
	unlink("mbox");
	deliver(text, n, 1000);
	split_file(777);
	is_int((long long)nfound, 1, "large: one message");
	wrong = compare(&found[0], text, n);
	ok(wrong == NULL, "large: %s", wrong == NULL ? "same" : wrong);
	free(text);
}

/* Who moves a message under a reader ends its reading. */
static void
test_moved(void)
{
	char text[] = "A: b\n\nx\n", got[100];
	struct mbox_place place;
	struct message *m;
	size_t n;
	int fd;

	unlink("mbox");
	deliver(text, 8, 8);
	deliver(text, 8, 8);
	split_file(100);
	place = (struct mbox_place){ found[1].from, found[1].content,
	    found[1].end };
	fd = open("mbox", O_RDWR);
	m = message_new_mbox(open("mbox", O_RDONLY), &place, found[1].plain);
	ok(m != NULL, "opened");
	if (pwrite(fd, "x", 1, (off_t)place.from) != 1)
		ok(0, "written");
	is_int(message_read(m, 0, got, sizeof(got), &n), -1, "moved");
	message_close(m);
	place.from = 100000;
	place.content = place.end = 200000;
	ok(message_new_mbox(open("mbox", O_RDONLY), &place, 0) == NULL,
	    "not there");
	close(fd);
}

/* The next message, whose From_ line is the same, takes its place. */
static void
test_removed(void)
{
	char text[] = "A: b\n\nx\n", other[] = "A: c\n\ny\n", got[100];
	struct mbox_place place;
	struct message *m;
	size_t n, len;
	int fd;

	unlink("mbox");
	deliver(text, 8, 8);
	deliver(other, 8, 8);
	split_file(100);
	place = (struct mbox_place){ found[0].from, found[0].content,
	    found[0].end, found[0].insert };
	len = (size_t)(found[1].next - found[1].from);
	fd = open("mbox", O_RDWR);
	m = message_new_mbox(open("mbox", O_RDONLY), &place, found[0].plain);
	ok(m != NULL && message_here(m), "opened");
	if (pread(fd, got, len, (off_t)found[1].from) != (ssize_t)len ||
	    pwrite(fd, got, len, 0) != (ssize_t)len ||
	    ftruncate(fd, (off_t)len) == -1)
		ok(0, "removed");
	ok(!message_here(m), "it is not as it was");
	is_int(message_read(m, 0, got, sizeof(got), &n), -1, "removed");
	message_close(m);
	close(fd);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st, (void)type, (void)f;
	return remove(path);
}

int
main(void)
{
	const char *shared = getenv("STDMAIL_SHARED");
	char *path = realpath(shared == NULL ? "../shared" : shared, NULL);
	size_t i;

	if (mkdtemp(dir) == NULL || chdir(dir) == -1)
		return 1;
	test_from();
	test_split();
	test_rows();
	test_large();
	test_moved();
	test_removed();
	test_corpus(path == NULL ? "/nonexistent" : path);
	for (i = 0; i < ncorpus; i++)
		free(corpus[i].text);
	free(found);
	free(path);
	if (chdir("/") == -1)
		return 1;
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return done();
}
