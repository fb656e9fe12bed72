/* SPDX-License-Identifier: ISC
 *
 * Proves what is remembered of messages and answers (mda-deliver/seen.h): until
 * it expires and no longer, by several writers at once, behind torn and damaged
 * lines, in a file that stays bounded; and that a fault changes nothing.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../mda-deliver/seen.h"
#include "tap.h"

static char dir[] = "/tmp/seen.XXXXXX";
static char file[PATH_MAX];

static void
set_file(const char *text)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ok(fd != -1 && write(fd, text, strlen(text)) ==
	    (ssize_t)strlen(text), "file set");
	close(fd);
}

static long
size_of(void)
{
	struct stat st;

	return stat(file, &st) == 0 ? (long)st.st_size : -1;
}

static struct plan_mark
mark_of(const char *word, int64_t expires)
{
	const char *const words[] = { "t", word };
	struct plan_mark m = { .expires = expires };

	seen_id(m.id, words, 2);
	return m;
}

static int
is_seen(const char *word, int64_t now)
{
	struct plan_mark m = mark_of(word, 0);

	return seen_test(dir, m.id, now);
}

static void
test_ids(void)
{
	static const char *const a[] = { "ab", "c" }, *const b[] = { "a",
	    "bc" }, *const c[] = { "ab", "c", "" };
	unsigned char x[16], y[16];

	seen_id(x, a, 2);
	seen_id(y, b, 2);
	ok(memcmp(x, y, 16) != 0, "where words end counts");
	seen_id(y, c, 3);
	ok(memcmp(x, y, 16) != 0, "an empty word counts");
	seen_id(y, a, 2);
	ok(memcmp(x, y, 16) == 0, "the same words are the same");
}

static void
test_time(void)
{
	struct plan_mark m = mark_of("one", 1000);

	is_int(is_seen("one", 10), 0, "no file: not seen");
	is_int(seen_mark(dir, &m, 10), 0, "marked");
	is_int(is_seen("one", 999), 1, "seen before it expires");
	is_int(is_seen("one", 1000), 0, "not when it expires");
	is_int(is_seen("two", 10), 0, "another is not seen");
	m.expires = 2000;
	is_int(seen_mark(dir, &m, 1500), 0, "marked again");
	is_int(is_seen("one", 1999), 1, "the later one counts");
}

static void
test_damage(void)
{
	struct plan_mark m = mark_of("behind", 5000);

	set_file("99999 0123456789abcdef\nrubbish\n\n"
	    "99999999999999999999999 00112233445566778899aabbccddeeff\n"
	    "5000 00112233445566778899aabbccdd");
	is_int(seen_mark(dir, &m, 10), 0, "marked behind a torn line");
	is_int(is_seen("behind", 10), 1, "the torn line does not hide it");
	m = mark_of("third", 5000);
	is_int(seen_mark(dir, &m, 10), 0, "marked behind that");
	is_int(is_seen("third", 10), 1, "and is there");
	is_int(is_seen("behind", 10), 1, "as is the other");
}

/* Many expired lines go, the others stay. */
static void
test_replace(void)
{
	struct plan_mark m;
	char word[20];
	long before;
	int i, bad = 0;

	set_file("");
	for (i = 0; i < 300; i++) {
		snprintf(word, sizeof(word), "w%d", i);
		m = mark_of(word, i % 3 == 0 ? 9000 : 100);
		bad += seen_mark(dir, &m, 10) != 0;
	}
	is_int(bad, 0, "300 were marked");
	before = size_of();
	m = mark_of("last", 9000);
	is_int(seen_mark(dir, &m, 500), 0, "one more, later");
	ok(size_of() < before / 2, "what expired went");
	for (i = 0; i < 300; i += 3) {
		snprintf(word, sizeof(word), "w%d", i);
		bad += is_seen(word, 500) != 1;
	}
	is_int(bad, 0, "what did not is there");
	is_int(is_seen("last", 500), 1, "and the new one");
}

static void
test_bound(void)
{
	struct plan_mark m = mark_of("first", 9000);
	size_t n = 0;
	char line[80];
	FILE *f;

	set_file("");
	is_int(seen_mark(dir, &m, 10), 0, "the oldest of many");
	f = fopen(file, "a");
	for (; f != NULL && n < SEEN_FILE_MAX; n += strlen(line)) {
		snprintf(line, sizeof(line), "9000 %032zx\n", n);
		fputs(line, f);
	}
	ok(f != NULL && fclose(f) == 0, "a file of more than its bound");
	m = mark_of("newest", 9000);
	is_int(seen_mark(dir, &m, 10), 0, "marked in it");
	ok(size_of() < SEEN_FILE_MAX, "it is below its bound");
	is_int(is_seen("newest", 10), 1, "the newest is there");
	is_int(is_seen("first", 10), 0, "the oldest went");
}

/* Four at once, while the file is replaced under them. */
static void
test_writers(void)
{
	enum { WRITERS = 4, EACH = 200 };
	struct plan_mark m;
	int i, k, bad = 0, status;
	char word[40];
	pid_t pid;

	set_file("");
	for (k = 0; k < WRITERS; k++) {
		if ((pid = fork()) != 0)
			continue;
		for (i = 0; i < EACH; i++) {
			snprintf(word, sizeof(word), "p%d.%d", k, i);
			m = mark_of(word, i % 4 == 0 ? 9000 : 20);
			bad |= seen_mark(dir, &m, 10 + i) != 0;
		}
		_exit(bad);
	}
	for (k = 0; k < WRITERS; k++)
		bad += wait(&status) == -1 || status != 0;
	is_int(bad, 0, "all writers ended well");
	for (k = 0; k < WRITERS; k++)
		for (i = 0; i < EACH; i += 4) {
			snprintf(word, sizeof(word), "p%d.%d", k, i);
			bad += is_seen(word, 500) != 1;
		}
	is_int(bad, 0, "nothing was lost among writers at once");
	ok(size_of() < WRITERS * EACH * 20, "and it was replaced meanwhile");
}

static void
test_faults(void)
{
	const struct rlimit most = { 20, RLIM_INFINITY }, all = {
	    RLIM_INFINITY, RLIM_INFINITY };
	struct plan_mark m = mark_of("full", 9000);
	char other[PATH_MAX + 8];

	set_file("");
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &most);
	is_int(seen_mark(dir, &m, 10), -1, "no room");
	is_int(errno, EFBIG, "is said");
	setrlimit(RLIMIT_FSIZE, &all);
	is_int(size_of(), 0, "nothing of the line stays");

	snprintf(other, sizeof(other), "%s.2", file);
	ok(rename(file, other) == 0 && symlink(other, file) == 0,
	    "a symbolic link");
	is_int(seen_mark(dir, &m, 10), -1, "is not followed");
	is_int(is_seen("full", 10), -1, "nor read");
	(void)unlink(file);
	ok(mkfifo(file, 0600) == 0, "a pipe");
	is_int(seen_mark(dir, &m, 10), -1, "is not written to");
	is_int(is_seen("full", 10), -1, "nor waited for");
	(void)unlink(file);
	(void)unlink(other);
	is_int(seen_mark("/nonexistent", &m, 10), -1, "no folder");
	is_int(errno, ENOENT, "is said");
}

static void
test_dir(void)
{
	is_str(seen_dir(dir, "/tmp"), dir, "the home first");
	is_str(seen_dir("", dir), dir, "then the Maildir");
	is_str(seen_dir("/nonexistent", dir), dir, "where there is no home");
	is_str(seen_dir("", "/dev/null"), NULL, "else nowhere");
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(file, sizeof(file), "%s/" SEEN_FILE, dir);
	test_ids();
	test_time();
	test_damage();
	test_replace();
	test_bound();
	test_writers();
	test_faults();
	test_dir();
	(void)unlink(file);
	ok(rmdir(dir) == 0, "nothing else is left");
	return done();
}
