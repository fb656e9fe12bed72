/* SPDX-License-Identifier: ISC
 *
 * Proves that the file maildirsize is read as its text and its other writers
 * mean it, whatever octets it has; that a change is one line; that what cannot
 * be believed is counted, with all folders, and that limits known to the file
 * alone are never lost.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "mail/quota.h"
#include "tap.h"

static char dir[] = "/tmp/stdmail-quota.XXXXXX";
static int root;

static const struct {
	const char	*text;
	int		 want;
	bool		 set;
	long long	 max_bytes, max_messages, bytes, messages;
} rows[] = {
	{ "10000000S,1000C\n10 1\n", 0, true, 10000000, 1000, 10, 1 },
	{ "1000C\n10 1\n-4 0\n5 2\n", 0, true, 0, 1000, 11, 3 },
	{ "5S\n0 0\n", 0, true, 5, 0, 0, 0 },
	{ "0S\n1 1\n", 0, true, 0, 0, 1, 1 },
	/* Courier's padding, and a CR that an editor left. */
	{ "5S\n         10 1 \n        -3 0\r\n", 0, true, 5, 0, 7, 1 },
	{ "7S,9X,3C\n1 1\n", 0, true, 7, 3, 1, 1 },
	{ "NOQUOTA\n1 1\n", 0, false, 0, 0, 1, 1 },
	{ "99999999999999999999999S\n1 1\n", 0, true, INT64_MAX, 0, 1, 1 },
	/* A line that is still being written. */
	{ "5S\n10 1\n77", 0, true, 5, 0, 10, 1 },
	{ "5S\n10 1\n77 1", 0, true, 5, 0, 10, 1 },
	/* Not to be believed; the limits are. */
	{ "", -1, false, 0, 0, 0, 0 },
	{ "5S", -1, false, 0, 0, 0, 0 },
	{ "5S\n", -1, true, 5, 0, 0, 0 },
	{ "5S\n10\n", -1, true, 5, 0, 0, 0 },
	{ "5S\n10 1 1\n", -1, true, 5, 0, 0, 0 },
	{ "5S\n10 x\n", -1, true, 5, 0, 0, 0 },
	{ "5S\n10-1\n", -1, true, 5, 0, 0, 0 },
	{ "5S\n10 1\n\n", -1, true, 5, 0, 0, 0 },
	{ "5S\n1 1\n-2 0\n", -1, true, 5, 0, 0, 0 },
	{ "5S\n1 1\n0 -2\n", -1, true, 5, 0, 0, 0 },
	{ "5S\n9223372036854775807 1\n1 1\n", -1, true, 5, 0, 0, 0 },
	{ "5S\n9223372036854775808 1\n", -1, true, 5, 0, 0, 0 },
	{ "5S\n-9223372036854775807 1\n-9 1\n", -1, true, 5, 0, 0, 0 },
};

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static void
spew(const char *path, const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, text, n) != (ssize_t)n)
		printf("Bail out! %s\n", path);
	close(fd);
}

static void
put(const char *path, size_t n)
{
	static char zeros[10000];

	spew(path, zeros, n);
}

static const char *
file(void)
{
	static char text[8192];
	int fd = open(QUOTA_FILE, O_RDONLY);
	ssize_t n = fd == -1 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd != -1)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return fd == -1 ? "none" : text;
}

static void
set_file(const char *text)
{
	spew(QUOTA_FILE, text, strlen(text));
}

/* As old as that. */
static void
age(const char *path, int seconds)
{
	struct timespec times[2];

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= seconds;
	times[1] = times[0];
	utimensat(root, path, times, 0);
}

/* Wait for a second's first moment, which time(3) does not know yet. */
static void
wait_second(void)
{
	struct timespec now, tick;

	do {
		clock_gettime(CLOCK_REALTIME_COARSE, &tick);
		clock_gettime(CLOCK_REALTIME, &now);
		if (now.tv_nsec < 950000000 && now.tv_sec == tick.tv_sec)
			usleep((unsigned)(960000000 - now.tv_nsec) / 1000);
	} while (now.tv_sec == tick.tv_sec);
}

static void
test_parse(void)
{
	struct quota_text t;
	size_t i;
	int r;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = quota_parse(&t, rows[i].text, strlen(rows[i].text));
		ok(r == rows[i].want && t.limits.set == rows[i].set &&
		    t.limits.bytes == (uint64_t)rows[i].max_bytes &&
		    t.limits.messages == (uint64_t)rows[i].max_messages &&
		    t.bytes == (uint64_t)rows[i].bytes &&
		    t.messages == (uint64_t)rows[i].messages, "row %zu", i);
	}
	is_int(quota_parse(&t, "5S\n1 1\0\n", 8), -1, "a NUL");
}

static void
make_tree(void)
{
	static const char *const folders[] = {
		"cur", "new", "tmp", ".Sent", ".Sent/cur", ".Sent/new",
		".Trash", ".Trash/cur", "..gone", "..gone/cur", "cur/folder",
		".empty"
	};
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		mkdir(folders[i], 0700);
	put("cur/1.a,S=1000,W=1100:2,S", 5);	/* believed */
	put("cur/2.a:2,", 20);
	put("new/3.a,S=99999999999999999999", 300);
	put("new/.hidden", 4000);
	put("tmp/4.a", 5000);
	put(".Sent/cur/5.a,S=7x", 4);
	put(".Trash/cur/6.a,S=50000", 1);
	put("..gone/cur/7.a", 600);
	put(".file", 700);
	if (symlink("..gone", ".link") == -1)
		printf("Bail out! symlink\n");
}
#define TREE_BYTES	(1000 + 20 + 300 + 4 + 50000)
#define TREE_MESSAGES	6	/* and the folder in cur */

static void
test_count(void)
{
	uint64_t bytes, messages, a, b;
	struct stat st;

	age("cur", 9);
	stat("cur/folder", &st);
	is_int(quota_count(root, &bytes, &messages, &a), 0, "count");
	is_int((long long)bytes, TREE_BYTES + (long long)st.st_size,
	    "octets of all folders");
	is_int((long long)messages, TREE_MESSAGES, "messages");
	is_int(quota_count(root, NULL, NULL, &b), 0, "stamps");
	ok(a == b, "the same stamps");
	rmdir("cur/folder");
	is_int(quota_count(root, NULL, NULL, &b), 0, "stamps");
	ok(a != b, "other stamps");
}

static void
test_none(void)
{
	const struct quota_limits nothing = { .set = true };
	struct quota q;

	quota_init(&q, root, NULL);
	is_int(quota_read(&q), 0, "no file, no rule");
	ok(!q.limits.set, "no quota");
	is_int(quota_fits(&q, UINT64_MAX, UINT64_MAX), 1, "all fits");
	is_int(quota_add(&q, 5, 1), 0, "nothing to add to");
	is_str(file(), "none", "and none is made");
	quota_init(&q, root, &nothing);
	is_int(quota_read(&q) + quota_add(&q, 5, 1), 0, "no limit by rule");
	is_int(quota_fits(&q, UINT64_MAX, UINT64_MAX), 1, "all fits");
	is_str(file(), "none", "none is made");
	quota_init(&q, -1, NULL);
	is_int(quota_read(&q), -1, "no Maildir");
	is_int(errno, EBADF, "is an error");
	is_int(quota_fits(&q, 1, 1), 1, "and refuses nothing");
}

/* Without a rule the file says what may be. */
static void
test_file(void)
{
	struct quota q;

	set_file("60000S,20C\n100 5\n");
	quota_init(&q, root, NULL);
	is_int(quota_read(&q), 0, "a file");
	ok(q.limits.bytes == 60000 && q.limits.messages == 20, "its limits");
	ok(q.bytes == 100 && q.messages == 5, "its use, uncounted");
	is_int(quota_add(&q, 30, 1) + quota_add(&q, -10, -1), 0, "changes");
	is_str(file(), "60000S,20C\n100 5\n30 1\n-10 -1\n", "a line each");
	is_int(quota_read(&q), 0, "read");
	ok(q.bytes == 120 && q.messages == 5, "the sum");
	is_int(quota_fits(&q, 59880, 15), 1, "to the brim");
	ok(!q.counted, "not counted for that");
	is_int(quota_fits(&q, 59881, 1), 0, "an octet too many");
	ok(q.counted && q.bytes == TREE_BYTES && q.messages == 5,
	    "made sure of by counting");
	is_str(file(), "60000S,20C\n51324 5\n", "written");
	is_int(quota_fits(&q, 1, 16), 0, "a message too many");
	is_int(quota_fits(&q, UINT64_MAX, 1), 0, "no overflow");
	is_int(quota_fits(&q, 8676, 1), 1, "what is free");

	/* A full one is believed for a time. */
	set_file("100S\n101 1\n");
	is_int(quota_read(&q), 0, "full");
	is_int(quota_fits(&q, 0, 1), 0, "full");
	is_str(file(), "100S\n101 1\n", "not counted again");
	wait_second();
	age(QUOTA_FILE, 0);
	is_int(quota_read(&q), 0, "full a moment ago");
	is_str(file(), "100S\n101 1\n", "is not old");
	age(QUOTA_FILE, QUOTA_STALE + 1);
	is_int(quota_read(&q), 0, "full long ago");
	is_str(file(), "100S\n51324 5\n", "counted");
	set_file("100S\n99 1\n2 0\n");
	is_int(quota_read(&q), 0, "full by changes");
	is_str(file(), "100S\n51324 5\n", "counted");

	set_file("100S\njunk\n");
	is_int(quota_read(&q), 0, "damaged");
	is_str(file(), "100S\n51324 5\n", "counted, with its limits");
	set_file("100S\n5 1\n77");
	is_int(quota_add(&q, 1, 1), 0, "behind half a line");
	is_str(file(), "100S\n51324 5\n", "counted");
	set_file("");
	is_int(quota_add(&q, 1, 1), 0, "an empty file");
	is_str(file(), "0S\n51324 5\n", "counted, without a limit");
	set_file("7C\n1 1\n");
	is_int(quota_recount(&q), 0, "recount");
	is_str(file(), "7C\n51324 5\n", "counted");
}

static void
test_size(void)
{
	char text[QUOTA_FILE_MAX + 100] = "9S\n";
	struct quota q;
	size_t n;

	while ((n = strlen(text)) + 4 < QUOTA_FILE_MAX)
		strlcat(text, "1 0\n", sizeof(text));
	set_file(text);
	quota_init(&q, root, NULL);
	is_int(quota_add(&q, 12345, 1), 0, "over the limit of the file");
	ok(strlen(file()) > QUOTA_FILE_MAX, "appended");
	is_int(quota_add(&q, 1, 1), 0, "the next");
	is_str(file(), "9S\n51324 5\n", "counts");
	strlcat(text, "0000 0\n", sizeof(text));
	set_file(text);
	is_int(quota_read(&q), 0, "a file too long");
	is_str(file(), "9S\n51324 5\n", "is counted");
}

static void
test_rule(void)
{
	struct quota_limits rule = { true, 100000, 0 };
	struct stat st;
	struct quota q;

	unlink(QUOTA_FILE);
	quota_init(&q, root, &rule);
	is_int(quota_read(&q), 0, "a rule and no file");
	is_str(file(), "100000S\n51324 5\n", "it is made");
	ok(stat(QUOTA_FILE, &st) == 0 && (st.st_mode & 0777) == 0600,
	    "for whom the Maildir is");
	rule.messages = 50;
	quota_init(&q, root, &rule);
	is_int(quota_read(&q), 0, "another rule");
	is_str(file(), "100000S,50C\n51324 5\n", "goes above the file");
	is_int(quota_add(&q, 6, 1), 0, "a change");
	is_str(file(), "100000S,50C\n51324 5\n6 1\n", "is added to it");
	rule.bytes = UINT64_MAX;
	quota_init(&q, root, &rule);
	is_int(quota_read(&q), 0, "a huge rule");
	is_str(file(), "9223372036854775807S,50C\n51324 5\n", "is cut");
}

/* What is no file of ours, or cannot be written. */
static void
test_odd(void)
{
	const struct quota_limits rule = { true, 100, 0 };
	struct quota q;

	unlink(QUOTA_FILE);
	put("victim", 10);
	if (symlink("victim", QUOTA_FILE) == -1)
		printf("Bail out! symlink\n");
	quota_init(&q, root, NULL);
	is_int(quota_add(&q, 5, 1), 0, "a link is no file");
	quota_init(&q, root, &rule);
	is_int(quota_read(&q), 0, "with a rule");
	is_str(file(), "100S\n51324 5\n", "it is replaced");
	unlink(QUOTA_FILE);
	mkfifo(QUOTA_FILE, 0600);
	is_int(quota_read(&q), 0, "a pipe hangs nobody");
	is_str(file(), "100S\n51324 5\n", "and is replaced");
	rename("tmp", "other");
	unlink(QUOTA_FILE);
	is_int(quota_read(&q), 0, "no tmp to write in");
	is_int(q.unwritten, ENOENT, "is said");
	ok(q.bytes == TREE_BYTES && !quota_fits(&q, 0, 1), "and it counts");
	is_int(quota_add(&q, 5, 1), -1, "a change cannot be written");
	rename("other", "tmp");
	is_int(rmdir("tmp"), -1, "tmp has its message");
	unlink("tmp/4.a");
	is_int(rmdir("tmp"), 0, "and nothing else was left there");
}

/* While others change the tree all the time. */
static void
test_busy(void)
{
	const struct quota_limits rule = { true, 1000000, 0 };
	struct stat st = { .st_mtime = 1 };
	struct quota q;
	pid_t pid;
	int i;

	mkdir("tmp", 0700);
	if ((pid = fork()) == 0)
		for (;;) {
			put("new/9.a", 9);
			unlink("new/9.a");
		}
	quota_init(&q, root, &rule);
	for (i = 0; i < 2000 && st.st_mtime != 0; i++)
		if (quota_recount(&q) == -1 || stat(QUOTA_FILE, &st) == -1)
			break;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	is_int(st.st_mtime, 0, "a count that was disturbed is written as old");
	ok(q.messages == 5 || q.messages == 6, "and it is a count");
	ok(strncmp(file(), "1000000S\n513", 12) == 0, "with its limits");
}

int
main(void)
{
	if (mkdtemp(dir) == NULL || chdir(dir) == -1 ||
	    (root = open(".", O_RDONLY | O_DIRECTORY)) == -1)
		return 1;
	test_parse();
	make_tree();
	test_count();
	test_none();
	test_file();
	test_size();
	test_rule();
	test_odd();
	test_busy();
	if (chdir("/") == 0)
		(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return done();
}
