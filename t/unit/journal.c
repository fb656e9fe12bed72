/* SPDX-License-Identifier: ISC
 *
 * Proves that a journal gives back what was put into it and nothing else:
 * torn anywhere, with any bit flipped, read as another file's, written by two
 * processes, replaced while it is open, on a disk that is full.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"
#include "mail/journal.h"

#define ID	77
#define VALIDITY 5
#define BATCHES	50	/* of each process */
#define EACH	20	/* records in one */

static char long_name[JOURNAL_NAME_MAX + 1];
static int dir = -1;
static char top[] = "/tmp/stdmail-journal.XXXXXX";

static const struct {
	const char		*what;
	struct journal_rec	 rec;
} rows[] = {
	{ "a state", { JOURNAL_STATE, 7, 0, 100, 0, 0, 0, 2, ":2,FS" } },
	{ "a state after which nothing is pending", { .type = JOURNAL_STATE,
	  .uid = 7, .modseq = 100, .where = 2, .text = ":2,FS",
	  .done = true } },
	{ "in new, without an info", { JOURNAL_STATE, 8, 0, 101, 0, 0, 0, 1,
	  "" } },
	{ "keywords and when it was saved", { JOURNAL_STATE, 4294967294u,
	  1700000000, 102, 0xffffffff00000000ull, 0, 0, 2, ":2,abc" } },
	{ "an info with odd octets", { JOURNAL_STATE, 9, 0, 103, 0, 0, 0, 2,
	  ":2,S\n\377,\t" } },
	{ "gone", { JOURNAL_GONE, 7, 0, UINT64_MAX, 0, 0, 0, 0, "" } },
	{ "a keyword", { JOURNAL_KEYWORD, 26, 0, 0, 0, 0, 0, 0, "$Junk" } },
	{ "a long keyword", { JOURNAL_KEYWORD, 55, 0, 0, 0, 0, 0, 0,
	  long_name } },
	{ "a floor", { JOURNAL_FLOOR, 0, 0, 1700000000000000, 0, 0, 0, 0,
	  "" } },
	{ "pending flags", { JOURNAL_PENDING, 7, 0, 104, 0, 0x8, 0x4, 0,
	  "" } },
};
#define ROWS	(sizeof(rows) / sizeof(rows[0]))

static bool
is_equal(const struct journal_rec *a, const struct journal_rec *b)
{
	return a->type == b->type && a->uid == b->uid &&
	    a->saved == b->saved && a->modseq == b->modseq &&
	    a->keywords == b->keywords && a->add == b->add &&
	    a->remove == b->remove && a->where == b->where &&
	    a->done == b->done &&
	    strcmp(a->text, b->text) == 0;
}

/* What was taken: how many of the rows, in their order. */
struct taken {
	size_t	n;
	bool	wrong;
};

static int
take_rows(void *arg, const struct journal_rec *r)
{
	struct taken *t = arg;

	if (t->n >= ROWS || !is_equal(r, &rows[t->n].rec))
		t->wrong = true;
	t->n++;
	return 0;
}

static void
put_rows(struct buf *b, uint64_t id, size_t ends[ROWS + 1])
{
	size_t i;

	buf_init(b, 1 << 20);
	ends[0] = 0;
	for (i = 0; i < ROWS; i++) {
		if (journal_encode(b, id, &rows[i].rec) == -1)
			printf("# %s\n", rows[i].what);
		ends[i + 1] = b->len;
	}
}

/* ---- records ---- */

static void
test_rows(void)
{
	struct journal_rec r = { JOURNAL_KEYWORD, 0, 0, 0, 0, 0, 0, 0,
	    "x" };
	char too_long[300];
	struct buf b;
	size_t i, ends[ROWS + 1];
	struct taken t;
	int ended;
	bool bad;

	put_rows(&b, ID, ends);
	for (i = 0; i < ROWS; i++) {
		t = (struct taken){ i, false };
		ok(journal_decode(b.data + ends[i], ends[i + 1] - ends[i], ID,
		    take_rows, &t, &ended, &bad) == ends[i + 1] - ends[i] &&
		    !t.wrong && !bad && t.n == i + 1 && ends[i] % 8 == 0,
		    "%s", rows[i].what);
	}
	t = (struct taken){ 0, false };
	ok(journal_decode(b.data, b.len, ID + 1, take_rows, &t, &ended, &bad)
	    == 0 && t.n == 0 && bad, "nothing is taken of another file");
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	r.text = too_long;
	i = b.len;
	ok(journal_encode(&b, ID, &r) == -1 && b.len == i,
	    "a name too long is refused");
	buf_free(&b);
}

/* How many records end at or before n. */
static size_t
before(const size_t ends[ROWS + 1], size_t n)
{
	size_t i = 0;

	while (i < ROWS && ends[i + 1] <= n)
		i++;
	return i;
}

static void
test_torn(void)
{
	size_t n, i, ends[ROWS + 1];
	struct taken t;
	struct buf b;
	char *copy;
	int ended;
	bool bad, good = true;

	put_rows(&b, ID, ends);
	for (n = 0; good && n <= b.len; n++) {
		/* Of this size alone, so that ASan sees who reads on. */
		copy = malloc(n + 1);
		memcpy(copy, b.data, n);
		t = (struct taken){ 0, false };
		i = journal_decode(copy, n, ID, take_rows, &t, &ended, &bad);
		good = t.n == before(ends, n) && i == ends[t.n] && !t.wrong &&
		    !bad;
		free(copy);
	}
	ok(good, "torn at any length: what is whole is taken (%zu)", n - 1);

	good = true;
	for (n = 0; good && n < b.len * 8; n++) {
		b.data[n / 8] ^= (char)(1 << n % 8);
		t = (struct taken){ 0, false };
		i = journal_decode(b.data, b.len, ID, take_rows, &t, &ended,
		    &bad);
		good = t.n == before(ends, n / 8) && i == ends[t.n] &&
		    !t.wrong;
		b.data[n / 8] ^= (char)(1 << n % 8);
	}
	ok(good, "any bit flipped: nothing from there on is taken (%zu)", n);
	buf_free(&b);
}

/* ---- the file ---- */

static void
spew(const char *data, size_t n, int flags)
{
	int fd = openat(dir, JOURNAL_FILE, O_WRONLY | O_CREAT | flags, 0600);

	if (fd == -1 || write(fd, data, n) != (ssize_t)n)
		printf("# cannot write\n");
	close(fd);
}

static size_t
slurp(char *data, size_t size)
{
	int fd = openat(dir, JOURNAL_FILE, O_RDONLY);
	ssize_t n = read(fd, data, size);

	close(fd);
	return n < 0 ? 0 : (size_t)n;
}

static bool
has_tmp(void)
{
	struct stat st;

	return fstatat(dir, JOURNAL_FILE ".tmp", &st, 0) == 0;
}

/* A new file with the rows in it. */
static void
make(struct journal *j)
{
	size_t ends[ROWS + 1];
	struct buf b;

	journal_close(j);
	(void)unlinkat(dir, JOURNAL_FILE, 0);
	if (journal_create(j, dir, 0600, VALIDITY, 99) == -1)
		printf("# cannot create\n");
	put_rows(&b, j->id, ends);
	if (journal_append(j, &b) == -1)
		printf("# cannot append\n");
	journal_unlock(j);
	buf_free(&b);
}

static void
test_header(void)
{
	char text[1024];
	struct journal j, again;
	struct taken t = { 0, false };
	bool good = true;
	size_t n, i;
	int r;

	journal_init(&j);
	journal_init(&again);
	ok(journal_open(&j, dir, VALIDITY) == 0, "there is none");
	is_int(journal_size(&j), 0, "so it has no octets");
	make(&j);
	ok(journal_open(&again, dir, VALIDITY) == 1 && again.id == j.id &&
	    again.floor == 99 && again.top == 99 && again.before == 0 &&
	    again.live == JOURNAL_START && again.end == JOURNAL_START,
	    "it is opened");
	ok(journal_read(&again, dir, 0, take_rows, &t) == JOURNAL_READ &&
	    t.n == ROWS && !t.wrong && !again.torn, "and read");
	journal_close(&again);
	ok(journal_open(&again, dir, VALIDITY + 1) == 0 && again.fd == -1,
	    "another UIDVALIDITY's is none");

	n = slurp(text, sizeof(text));
	for (i = 0; good && i < JOURNAL_START * 8; i++) {
		text[i / 8] ^= (char)(1 << i % 8);
		spew(text, n, O_TRUNC);
		good = (r = journal_open(&again, dir, VALIDITY)) == 0;
		journal_close(&again);
		text[i / 8] ^= (char)(1 << i % 8);
	}
	ok(good, "any bit of its header flipped: none");
	for (i = 0; good && i < JOURNAL_START; i++) {
		spew(text, i, O_TRUNC);
		good = journal_open(&again, dir, VALIDITY) == 0;
		journal_close(&again);
	}
	ok(good, "its header cut: none");
	spew(text, n, O_TRUNC);

	(void)unlinkat(dir, JOURNAL_FILE, 0);
	ok(symlinkat("/etc/passwd", dir, JOURNAL_FILE) == 0 &&
	    journal_open(&again, dir, VALIDITY) == -1 && errno == ELOOP,
	    "a symbolic link is not followed");
	ok(journal_read(&j, dir, 0, take_rows, &t) == JOURNAL_REPLACED,
	    "and it is another file");
	(void)unlinkat(dir, JOURNAL_FILE, 0);
	journal_close(&j);
}

static void
test_torn_file(void)
{
	struct journal j, later;
	struct taken t = { 0, false };
	size_t ends[ROWS + 1] = { 0 }, n;
	bool good = true;
	struct buf b, one;
	off_t end;

	journal_init(&j);
	journal_init(&later);
	for (n = 1; good && (n == 1 || n < ends[3]); n++) {
		make(&j);
		put_rows(&b, j.id, ends);
		buf_init(&one, 1000);
		(void)journal_encode(&one, j.id, &rows[4].rec);
		/* A writer died in the middle, or a disk lost its end. */
		spew(b.data, n, O_APPEND);
		t.n = 0;
		good = journal_open(&later, dir, VALIDITY) == 1 &&
		    journal_read(&later, dir, 0, take_rows, &t) ==
		    JOURNAL_READ && t.n >= ROWS;
		/* The next who writes cuts it off. */
		end = later.end;
		good = good && later.torn ==
		    (n != ends[1] && n != ends[2]) &&
		    journal_lock(&later, dir) == 0 &&
		    journal_append(&later, &one) == 0 && !later.torn &&
		    journal_size(&later) == end + (off_t)one.len;
		journal_close(&later);
		buf_free(&one);
		buf_free(&b);
	}
	ok(good, "a torn tail is cut off by the next who writes (%zu)", n - 1);
	journal_close(&j);
}

static int
stop_third(void *arg, const struct journal_rec *r)
{
	struct taken *t = arg;

	(void)r;
	return ++t->n == 3 ? 1 : 0;
}

static void
test_reading(void)
{
	struct journal j;
	struct taken t = { 0, false };
	size_t ends[ROWS + 1];
	struct buf b;

	journal_init(&j);
	make(&j);
	put_rows(&b, j.id, ends);
	j.end = JOURNAL_START;
	ok(journal_read(&j, dir, JOURNAL_START + (off_t)ends[2], take_rows,
	    &t) == JOURNAL_READ && t.n == 2, "not beyond the limit");
	ok(journal_read(&j, dir, 0, take_rows, &t) == JOURNAL_READ &&
	    t.n == ROWS && !t.wrong, "and on from there");
	j.end = JOURNAL_START;
	t.n = 0;
	ok(journal_read(&j, dir, 0, stop_third, &t) == JOURNAL_FAILED &&
	    j.end == JOURNAL_START + (off_t)ends[2],
	    "it stops before what could not be taken");
	j.end = journal_size(&j);
	ok(ftruncate(j.fd, j.end - 8) == 0 && journal_read(&j, dir, 0,
	    take_rows, &t) == JOURNAL_REPLACED,
	    "a file made shorter is another");
	buf_free(&b);
	journal_close(&j);
}

/* ---- two at once ---- */

/* Batches of one process: records of the UIDs from first on, each batch with a
 * modification sequence of its own. */
static void __attribute__((noreturn))
write_batches(uint32_t first)
{
	struct journal_rec r = { .type = JOURNAL_GONE, .text = "" };
	struct taken t = { 0, false };
	struct journal j;
	struct buf b;
	int i, k;

	journal_init(&j);
	buf_init(&b, 1 << 20);
	if (journal_open(&j, dir, VALIDITY) != 1)
		_exit(1);
	for (i = 0; i < BATCHES; i++) {
		if (journal_lock(&j, dir) == -1 ||
		    journal_read(&j, dir, 0, take_rows, &t) != JOURNAL_READ)
			_exit(1);
		buf_reset(&b);
		for (k = 0; k < EACH; k++) {
			r.uid = first + (uint32_t)i;
			r.modseq = (uint64_t)k;
			(void)journal_encode(&b, j.id, &r);
		}
		if (journal_append(&j, &b) == -1)
			_exit(1);
		journal_unlock(&j);
	}
	_exit(0);
}

/* The records of a batch stand together, the batches of each in order. */
struct order {
	uint32_t	 uid[2];
	uint64_t	 next;
	int		 whose;
	size_t		 n;
	bool		 wrong;
};

static int
take_order(void *arg, const struct journal_rec *r)
{
	struct order *o = arg;
	int who = r->uid >= 1000;

	if (r->type != JOURNAL_GONE)
		return 0;
	if (o->next == 0)
		o->uid[o->whose = who]++;
	if (who != o->whose || r->modseq != o->next ||
	    r->uid % 1000 != o->uid[who])
		o->wrong = true;
	o->next = (o->next + 1) % EACH;
	o->n++;
	return 0;
}

static void
test_two(void)
{
	struct order o = { { 0, 0 }, 0, 0, 0, false };
	struct journal j;
	int i, status, failed = 0;

	journal_init(&j);
	(void)unlinkat(dir, JOURNAL_FILE, 0);
	if (journal_create(&j, dir, 0600, VALIDITY, 1) == -1)
		printf("# cannot create\n");
	journal_unlock(&j);
	fflush(stdout);
	for (i = 0; i < 2; i++)
		if (fork() == 0)
			write_batches(1 + 1000 * (uint32_t)i);
	for (i = 0; i < 2; i++)
		failed += wait(&status) == -1 || status != 0;
	is_int(failed, 0, "two processes add to it");
	ok(journal_read(&j, dir, 0, take_order, &o) == JOURNAL_READ &&
	    !o.wrong && o.n == 2 * BATCHES * EACH,
	    "every batch is there, whole and in order");
	journal_close(&j);
}

static void
test_lock(void)
{
	struct timespec pause = { 0, 300000000 }, begin, end;
	struct journal j, other;
	int pipes[2], status;
	char c = 0;

	journal_init(&j);
	journal_init(&other);
	make(&j);
	if (pipe(pipes) == -1)
		return;
	fflush(stdout);
	if (fork() == 0) {
		c = journal_open(&other, dir, VALIDITY) == 1 &&
		    journal_lock(&other, dir) == 0;
		(void)!write(pipes[1], &c, 1);
		(void)nanosleep(&pause, NULL);
		/* It dies with the lock. */
		_exit(0);
	}
	ok(read(pipes[0], &c, 1) == 1 && c, "another one has the lock");
	clock_gettime(CLOCK_MONOTONIC, &begin);
	ok(journal_lock(&j, dir) == 0, "it is got when he is dead");
	clock_gettime(CLOCK_MONOTONIC, &end);
	ok((end.tv_sec - begin.tv_sec) * 1000 +
	    (end.tv_nsec - begin.tv_nsec) / 1000000 >= 200,
	    "and not before");
	(void)wait(&status);
	ok(journal_open(&other, dir, VALIDITY) == 1 &&
	    journal_current(&other, dir), "who reads needs no lock");
	journal_close(&other);
	journal_close(&j);
	close(pipes[0]);
	close(pipes[1]);
}

/* ---- another file ---- */

static void
test_replaced(void)
{
	struct journal_rec gone = { JOURNAL_GONE, 7, 0, 105, 0, 0, 0, 0,
	    "" };
	struct journal old, j;
	struct taken t = { 0, false };
	struct order o = { { 6, 0 }, 0, 0, 0, false };
	size_t ends[ROWS + 1];
	struct buf b;
	uint64_t id = journal_new_id();

	journal_init(&old);
	journal_init(&j);
	make(&old);
	(void)journal_open(&j, dir, VALIDITY);
	ok(journal_lock(&j, dir) == 0 && journal_read(&j, dir, 0, take_rows,
	    &t) == JOURNAL_READ && t.n == ROWS, "all is read under the lock");
	put_rows(&b, id, ends);
	ok(journal_replace(&j, dir, 0600, VALIDITY, id, 100, 104, &b) == 0,
	    "a new file takes its place");
	ok(j.id == id && j.before == old.id && j.floor == 100 && j.top == 104
	    && (uint64_t)j.end == j.live && !has_tmp(), "and is the journal");
	old.end = JOURNAL_START;
	t.n = 0;
	ok(journal_read(&old, dir, 0, take_rows, &t) == JOURNAL_REPLACED &&
	    t.n == ROWS && !t.wrong,
	    "who had the old one open reads it to its end");
	ok(journal_lock(&old, dir) == -1 && errno == ESTALE,
	    "and cannot write to it");

	buf_reset(&b);
	(void)journal_encode(&b, j.id, &gone);
	ok(journal_append(&j, &b) == 0, "the new one is locked");
	journal_unlock(&j);
	id = old.id;
	journal_close(&old);
	ok(journal_open(&old, dir, VALIDITY) == 1 && old.before == id &&
	    old.live == JOURNAL_START + ends[ROWS],
	    "it says what it replaced, and from where on");
	old.end = (off_t)old.live;
	ok(journal_read(&old, dir, 0, take_order, &o) == JOURNAL_READ &&
	    o.n == 1, "there is what came later and nothing else");
	old.end = JOURNAL_START;
	t.n = 0;
	ok(journal_read(&old, dir, JOURNAL_START + (off_t)ends[ROWS],
	    take_rows, &t) == JOURNAL_READ && t.n == ROWS && !t.wrong,
	    "before it is what was kept");
	buf_free(&b);
	journal_close(&old);
	journal_close(&j);
}

/* ---- a full disk ---- */

/* In a process of its own: files may have room octets. */
static void
limit(off_t room)
{
	struct rlimit r = { (rlim_t)room, (rlim_t)room };

	(void)signal(SIGXFSZ, SIG_IGN);
	(void)setrlimit(RLIMIT_FSIZE, &r);
}

static bool
try_full(struct journal *j, off_t room, bool replace)
{
	size_t ends[ROWS + 1];
	off_t end = j->end;
	uint64_t id = j->id;
	struct buf b;
	int r;

	limit(room);
	put_rows(&b, id, ends);
	r = replace ? journal_replace(j, dir, 0600, VALIDITY, id, 1, 1, &b) :
	    journal_append(j, &b);
	return r == -1 && errno == EFBIG && j->end == end && j->id == id &&
	    journal_size(j) == end && journal_current(j, dir) && !has_tmp();
}

static void
test_full(void)
{
	struct taken t = { 0, false };
	struct journal j;
	int replace, status;
	bool good = true;
	off_t more;

	journal_init(&j);
	make(&j);
	fflush(stdout);
	for (replace = 0; replace < 2; replace++)
		for (more = 0; good && more < 200; more += 7) {
			if (fork() == 0)
				_exit(!(journal_lock(&j, dir) == 0 &&
				    try_full(&j, replace ? more : j.end +
				    more, replace)));
			good = wait(&status) != -1 && status == 0;
		}
	ok(good, "a full disk: the old state stays, and no other file");
	j.end = JOURNAL_START;
	ok(journal_read(&j, dir, 0, take_rows, &t) == JOURNAL_READ &&
	    t.n == ROWS && !t.wrong && !j.torn, "and is read");
	journal_close(&j);
}

int
main(void)
{
	memset(long_name, 'k', sizeof(long_name) - 1);
	if (mkdtemp(top) == NULL ||
	    (dir = open(top, O_RDONLY | O_DIRECTORY)) == -1)
		return 1;
	test_rows();
	test_torn();
	test_header();
	test_torn_file();
	test_reading();
	test_two();
	test_lock();
	test_replaced();
	test_full();
	(void)unlinkat(dir, JOURNAL_FILE, 0);
	(void)rmdir(top);
	return done();
}
