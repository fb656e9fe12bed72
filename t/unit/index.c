/* SPDX-License-Identifier: ISC
 *
 * Proves that an index gives back what was put into it, by place, UID and
 * name; that a file which is cut or has a damaged head is refused, and one
 * damaged elsewhere hurts nobody (with ASan); that of the two slots the later
 * good one counts; and that a file which cannot be made leaves the old one.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"
#include "mail/index.h"

#define MANY	5000
#define HEAD	4096
#define SLOTS	512		/* where they are, and how far apart */
#define SUMMED	(32 + sizeof(struct index_mark))	/* of the head */

static char name250[251], name255[256], name256[257];
static int dir = -1;
static char top[] = "/tmp/stdmail-index.XXXXXX";

static const struct {
	const char	*what, *base, *info, *ext;
	struct index_rec rec;
} rows[] = {
	{ "a message", "1000.a", ":2,S", "",
	  { .uid = 1, .flags = 8, .modseq = 1700000000000000, .size = 3,
	    .where = 2 } },
	{ "in new", "1001.b,S=10,W=13", "", "",
	  { .uid = 2, .size = UINT64_MAX, .where = 1 } },
	{ "fields of the UID list", "1002.c", ":2,", "W2481 Gabc X~",
	  { .uid = 7, .flags = UINT64_MAX, .where = 2, .saved = 5 } },
	{ "odd octets", "10\n \377\1:03", ":2,\n\200", "P\377",
	  { .uid = 8, .where = 2 } },
	{ "one octet", "x", "", "", { .uid = 9, .where = 2 } },
	{ "a prefix of another", "1000", ":2,S", "",
	  { .uid = 10, .where = 2 } },
	{ "a long name", name250, ":2,FS", "", { .uid = 4000000000u,
	  .where = 2 } },
	{ "the longest", name255, "", "", { .uid = UINT32_MAX - 1,
	  .where = 2 } },
};
#define ROWS	(sizeof(rows) / sizeof(rows[0]))

static const struct index_mark mark = { .journal = 11, .at = 56,
    .modseq = 1700000000000001, .list = { .ino = 3, .end = 400, .crc = 9,
    .last = 8, .lines = 6, .next = 12 }, .validity = 5, .nnew = 1 };

static struct index_slot
slot_of(uint64_t at)
{
	return (struct index_slot){ .journal = 11, .at = at, .new_sec = 1,
	    .cur_sec = 2, .new_nsec = 3, .cur_nsec = 4 };
}

static int
put_file(uint64_t at)
{
	struct index_slot slot = slot_of(at);
	struct index_writer w;
	struct index_rec r;
	size_t i;

	if (index_begin(&w, ROWS, 4096) == -1)
		return -1;
	for (i = 0; i < ROWS; i++) {
		r = rows[i].rec;
		r.base_len = (uint8_t)strlen(rows[i].base);
		index_put(&w, &r, rows[i].base, rows[i].info, rows[i].ext);
	}
	return index_end(&w, dir, 0600, &mark, &slot);
}

static size_t
slurp(char *data, size_t size)
{
	int fd = openat(dir, INDEX_FILE, O_RDONLY);
	ssize_t n = read(fd, data, size);

	close(fd);
	return n < 0 ? 0 : (size_t)n;
}

static void
spew(const char *data, size_t n)
{
	int fd = openat(dir, INDEX_FILE, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, data, n) != (ssize_t)n)
		printf("# cannot write\n");
	close(fd);
}

static bool
has_tmp(void)
{
	struct stat st;

	return fstatat(dir, INDEX_FILE ".tmp", &st, 0) == 0;
}

/* ---- what was put ---- */

static bool
is_row(const struct index *ix, uint32_t at, size_t i)
{
	char name[512];
	const struct index_rec *r = &ix->v[at], *want = &rows[i].rec;

	snprintf(name, sizeof(name), "%s%s", rows[i].base, rows[i].info);
	return r->uid == want->uid && r->flags == want->flags &&
	    r->modseq == want->modseq && r->size == want->size &&
	    r->where == want->where && r->saved == want->saved &&
	    r->base_len == strlen(rows[i].base) &&
	    strcmp(index_name(ix, at), name) == 0 &&
	    strcmp(index_ext(ix, at), rows[i].ext) == 0;
}

static void
test_rows(void)
{
	struct index ix;
	size_t i, n;

	ok(index_open(&ix, dir) == 0 && ix.n == 0, "there is none");
	ok(index_find(&ix, "a", 1) == INDEX_NONE &&
	    index_uid(&ix, 1) == INDEX_NONE && !index_current(&ix, dir),
	    "in which nothing is");
	is_int(put_file(1), 0, "one is made");
	ok(!has_tmp(), "under its name");
	if (index_open(&ix, dir) != 1)
		return;
	is_int(ix.n, ROWS, "with as many records");
	is_mem(&ix.mark, sizeof(mark), &mark, sizeof(mark), "and its mark");
	for (i = 0; i < ROWS; i++) {
		n = strlen(rows[i].base);
		ok(is_row(&ix, (uint32_t)i, i) &&
		    index_uid(&ix, rows[i].rec.uid) == i &&
		    index_find(&ix, rows[i].base, n) == i, "%s",
		    rows[i].what);
	}
	ok(index_uid(&ix, 0) == INDEX_NONE && index_uid(&ix, 3) ==
	    INDEX_NONE && index_uid(&ix, UINT32_MAX) == INDEX_NONE,
	    "UIDs that nobody has");
	ok(index_find(&ix, "1000.b", 6) == INDEX_NONE &&
	    index_find(&ix, "1000.a:2,S", 10) == INDEX_NONE &&
	    index_find(&ix, "", 0) == INDEX_NONE, "names that nobody has");
	ok(index_find(&ix, "1000.abc", 4) == 5, "a name is as long as it is");
	index_close(&ix);
}

static void
test_many(void)
{
	struct index_slot slot = slot_of(1);
	struct index_writer w;
	struct index_rec r = { .where = 2 };
	struct index ix;
	char name[32];
	uint32_t i, wrong = 0;

	(void)index_begin(&w, MANY, MANY * 32);
	for (i = 0; i < MANY; i++) {
		r.uid = i * 3 + 1;
		r.base_len = (uint8_t)snprintf(name, sizeof(name), "%u.M%uP1",
		    i, i * 7);
		index_put(&w, &r, name, ":2,S", "");
	}
	is_int(index_end(&w, dir, 0600, &mark, &slot), 0, "many records");
	if (index_open(&ix, dir) != 1)
		return;
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%u.M%uP1", i, i * 7);
		wrong += index_find(&ix, name, strlen(name)) != i;
		wrong += index_uid(&ix, i * 3 + 1) != i;
		wrong += index_uid(&ix, i * 3 + 2) != INDEX_NONE;
	}
	is_int(wrong, 0, "each is found, and nothing between them");
	index_close(&ix);
	(void)index_begin(&w, 0, 0);
	ok(index_end(&w, dir, 0600, &mark, &slot) == 0 &&
	    index_open(&ix, dir) == 1 && ix.n == 0 &&
	    index_find(&ix, "x", 1) == INDEX_NONE, "and none at all");
	index_close(&ix);
}

static void
test_refused(void)
{
	struct index_slot slot = slot_of(1);
	struct index_writer w;
	struct index_rec r = { .uid = 1, .base_len = 255 };
	struct index ix;
	struct stat before, after;

	(void)put_file(1);
	(void)fstatat(dir, INDEX_FILE, &before, 0);
	(void)index_begin(&w, 1, 4096);
	index_put(&w, &r, name256, name256 + 255, "");
	ok(index_end(&w, dir, 0600, &mark, &slot) == -1 &&
	    errno == ENAMETOOLONG, "a name too long");
	(void)index_begin(&w, 1, 10);
	r.base_len = 11;
	index_put(&w, &r, name256, "", "");
	ok(index_end(&w, dir, 0600, &mark, &slot) == -1,
	    "more strings than were said");
	(void)index_begin(&w, 1, 100);
	r.base_len = 1;
	index_put(&w, &r, "a", "", "");
	index_put(&w, &r, "b", "", "");
	ok(index_end(&w, dir, 0600, &mark, &slot) == -1,
	    "more records than were said");
	ok(index_begin(&w, INDEX_MAX + 1u, 1) == -1 && errno == EFBIG,
	    "more than there can be");
	(void)index_begin(&w, 1, 100);
	index_abort(&w);
	ok(fstatat(dir, INDEX_FILE, &after, 0) == 0 && before.st_ino ==
	    after.st_ino && !has_tmp() && index_open(&ix, dir) == 1,
	    "the old one stays");
	index_close(&ix);
}

/* ---- slots ---- */

/* An octet of slot i (0 or 1) on disk is another. */
static void
damage_slot(int i)
{
	int fd = openat(dir, INDEX_FILE, O_RDWR);
	off_t at = SLOTS + i * SLOTS + 9;
	char c;

	if (pread(fd, &c, 1, at) == 1) {
		c ^= 1;
		(void)!pwrite(fd, &c, 1, at);
	}
	close(fd);
}

static void
test_slots(void)
{
	struct index_slot slot, next;
	struct index ix, other;
	bool good = true;
	uint64_t i;

	(void)put_file(100);
	if (index_open(&ix, dir) != 1)
		return;
	index_slot(&ix, &slot);
	ok(slot.number == 1 && slot.at == 100 && slot.journal == 11 &&
	    slot.new_sec == 1 && slot.cur_sec == 2 && slot.new_nsec == 3 &&
	    slot.cur_nsec == 4, "the first slot is in the file");
	for (i = 2; i < 7; i++) {
		next = slot_of(100 + i);
		good &= index_slot_write(&ix, dir, &next) == 0;
		index_slot(&ix, &slot);
		good &= slot.number == i && slot.at == 100 + i;
	}
	ok(good, "the later counts, and is seen by who has it mapped");
	damage_slot(0);			/* number 6 */
	index_slot(&ix, &slot);
	ok(slot.number == 5 && slot.at == 105, "a torn one: the one before");
	next = slot_of(200);
	ok(index_slot_write(&ix, dir, &next) == 0, "the next is written");
	index_slot(&ix, &slot);
	ok(slot.number == 6 && slot.at == 200, "over the torn one");
	damage_slot(0);
	damage_slot(1);
	index_slot(&ix, &slot);
	ok(slot.number == 0 && slot.journal == 0 && slot.at == 0,
	    "both torn: none");

	(void)put_file(300);
	ok(!index_current(&ix, dir) && index_slot_write(&ix, dir, &next) ==
	    -1 && errno == ESTALE, "nothing is written to another file");
	ok(is_row(&ix, 0, 0) && is_row(&ix, 6, 6),
	    "who has the old one mapped reads on");
	ok(index_open(&other, dir) == 1 && index_current(&other, dir),
	    "and the new one can be had");
	index_slot(&other, &slot);
	ok(slot.at == 300, "with its own slot");
	(void)unlinkat(dir, INDEX_FILE, 0);
	ok(!index_current(&other, dir) &&
	    index_slot_write(&other, dir, &next) == -1,
	    "and may be removed at any time");
	index_close(&other);
	index_close(&ix);
}

/* ---- damage ---- */

static size_t
look_at_all(void)
{
	struct index_slot slot;
	struct index ix;
	const char *name;
	size_t sum = 0;
	uint32_t i;

	if (index_open(&ix, dir) != 1)
		return 0;
	for (i = 0; i < ix.n; i++) {
		name = index_name(&ix, i);
		sum += strlen(name) + strlen(index_ext(&ix, i)) + 1;
		sum += index_find(&ix, name, strlen(name)) == i;
		sum += index_uid(&ix, ix.v[i].uid) == i;
	}
	for (i = 0; i < ROWS; i++)
		sum += index_find(&ix, rows[i].base, strlen(rows[i].base)) ==
		    i;
	index_slot(&ix, &slot);
	index_close(&ix);
	return sum + 1;
}

static void
test_damage(void)
{
	static char text[1 << 16];
	size_t i, n;
	bool good = true;

	(void)put_file(1);
	n = slurp(text, sizeof(text));
	for (i = 0; good && i < n; i += i < HEAD - 1 ? 7 : 1) {
		spew(text, i);
		good = look_at_all() == 0;
	}
	ok(good, "cut anywhere: refused");
	text[n] = '\0';
	spew(text, n + 1);
	ok(look_at_all() == 0, "and with something behind it");
	for (i = 0; good && i < SUMMED * 8; i++) {
		text[i / 8] ^= (char)(1 << i % 8);
		spew(text, n);
		good = look_at_all() == 0;
		text[i / 8] ^= (char)(1 << i % 8);
	}
	ok(good, "any bit of its head flipped: refused");
	for (i = HEAD; i < n; i++) {
		text[i] ^= (char)0xff;
		spew(text, n);
		good = look_at_all() != 0 && good;
		text[i] ^= (char)0xff;
		text[i] ^= 0x01;
		spew(text, n);
		(void)look_at_all();
		text[i] ^= 0x01;
	}
	ok(true, "any octet behind it another: nobody is hurt");
	spew(text, n);
	ok(look_at_all() != 0, "and whole it is good again");
	spew(text, 0);
	ok(look_at_all() == 0, "an empty file is none");
	(void)unlinkat(dir, INDEX_FILE, 0);
	ok(mkdirat(dir, INDEX_FILE, 0700) == 0 && look_at_all() == 0,
	    "a folder is none");
	(void)unlinkat(dir, INDEX_FILE, AT_REMOVEDIR);
}

/* ---- a full disk ---- */

static void
test_full(void)
{
	struct rlimit r;
	struct stat before, after;
	bool good = true;
	int status;
	off_t room;

	(void)put_file(7);
	(void)fstatat(dir, INDEX_FILE, &before, 0);
	fflush(stdout);
	for (room = 0; good && room < before.st_size; room += 97) {
		if (fork() == 0) {
			r.rlim_cur = r.rlim_max = (rlim_t)room;
			(void)signal(SIGXFSZ, SIG_IGN);
			(void)setrlimit(RLIMIT_FSIZE, &r);
			_exit(!(put_file(8) == -1 && errno == EFBIG &&
			    !has_tmp()));
		}
		good = wait(&status) != -1 && status == 0;
	}
	ok(good && fstatat(dir, INDEX_FILE, &after, 0) == 0 &&
	    before.st_ino == after.st_ino && look_at_all() != 0,
	    "a full disk: the old one stays, and no other file");
}

int
main(void)
{
	memset(name250, 'a', sizeof(name250) - 1);
	memset(name255, 'b', sizeof(name255) - 1);
	memset(name256, 'c', sizeof(name256) - 1);
	if (mkdtemp(top) == NULL ||
	    (dir = open(top, O_RDONLY | O_DIRECTORY)) == -1)
		return 1;
	test_rows();
	test_many();
	test_refused();
	test_slots();
	test_damage();
	test_full();
	(void)unlinkat(dir, INDEX_FILE, 0);
	(void)rmdir(top);
	return done();
}
