/* SPDX-License-Identifier: ISC
 *
 * Proves the memory that smtpd's processes share: rates to the message, the
 * wait of the greylist, the oldest entry making room, and that a file which is
 * missing, cut, nonsense or from a clock ahead of ours is no memory at all.
 * And the hash behind it, by the vectors of its authors.
 */
#include <sys/wait.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mail/tally.h"
#include "tap.h"

#define MINUTE	60000

static char dir[] = "/tmp/tally.XXXXXX", path[64];

static void
hashes(void)
{
	static const struct {
		size_t	 n;
		uint64_t want;
	} rows[] = {
		{ 0, 0x726fdb47dd0e0e31u }, { 1, 0x74f839c593dc67fdu },
		{ 7, 0xab0200f58b01d137u }, { 8, 0x93f5f5799a932462u },
		{ 15, 0xa129ca6149be45e5u },
	};
	unsigned char key[SIPHASH_KEY], text[16];
	size_t i;

	for (i = 0; i < 16; i++)
		key[i] = text[i] = (unsigned char)i;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ok(siphash(key, text, rows[i].n) == rows[i].want,
		    "siphash of %zu octets", rows[i].n);
}

static int
rate(struct tally *t, const char *key, int64_t now)
{
	return tally_rate(t, "r", key, strlen(key), 3, MINUTE, now, true);
}

static void
rates(struct tally *t)
{
	int64_t now = 1700000000000;

	is_int(rate(t, "a", now), 1, "1 of 3");
	is_int(rate(t, "a", now), 1, "2 of 3");
	is_int(tally_rate(t, "r", "a", 1, 3, MINUTE, now, false), 1,
	    "a look does not count");
	is_int(rate(t, "a", now), 1, "3 of 3");
	is_int(rate(t, "a", now), 0, "4 is too many");
	is_int(tally_rate(t, "r", "a", 1, 3, MINUTE, now, false), 0,
	    "and is seen to be");
	is_int(rate(t, "b", now), 1, "another key");
	is_int(tally_rate(t, "s", "a", 1, 3, MINUTE, now, true), 1,
	    "another word");
	is_int(rate(t, "a", now + MINUTE / 3 - 1), 0, "too early");
	is_int(rate(t, "a", now + MINUTE / 3), 1, "one more in time");
	is_int(rate(t, "a", now + MINUTE / 3), 0, "and no more");
	is_int(rate(t, "a", now + 2 * MINUTE), 1, "all again: 1");
	is_int(rate(t, "a", now + 2 * MINUTE), 1, "all again: 2");
	is_int(rate(t, "a", now + 2 * MINUTE), 1, "all again: 3");
	is_int(rate(t, "a", now + 2 * MINUTE), 0, "all again: 4");
	is_int(rate(t, "a", now + 2 * MINUTE - 500), 0,
	    "nor to one whose clock is behind");
	is_int(rate(t, "a", now - 5 * MINUTE), 1, "a clock that went back");
}

static int
grey(struct tally *t, int64_t now, int64_t *left)
{
	return tally_wait(t, "g", 1, 1000, 10000, now, true, left);
}

static void
greys(struct tally *t)
{
	int64_t now = 1700000000000, left;

	is_int(tally_wait(t, "g", 1, 1000, 10000, now, false, &left), 0,
	    "a look");
	is_int(grey(t, now + 5, &left), 0, "the first time");
	is_int(left, 1000, "all of it is left");
	is_int(grey(t, now + 905, &left), 0, "too early");
	is_int(left, 100, "some is left");
	is_int(grey(t, now + 1005, &left), 1, "in time");
	is_int(grey(t, now + 10006, &left), 0, "too late: anew");
	is_int(grey(t, now, &left), 0, "a clock that went back");
	is_int(left, 1000, "begins anew");
	is_int(tally_known(t, TALLY_GOOD, "x", 1, 100, now), 0, "unknown");
	is_int(tally_touch(t, TALLY_GOOD, "x", 1, now), 0, "touched");
	is_int(tally_known(t, TALLY_GOOD, "x", 1, 100, now + 100), 1, "known");
	is_int(tally_known(t, TALLY_GOOD, "x", 1, 100, now + 101), 0,
	    "for a while");
	is_int(tally_known(t, TALLY_GOOD, "x", 1, 100, now - 1000), 1,
	    "also to one whose clock is behind");
	is_int(tally_known(t, TALLY_GOOD, "x", 1, 100, now - 2 * 24 * 60 *
	    MINUTE), 0, "but not by days");
	is_int(tally_known(t, TALLY_PASSED, "x", 1, 100, now), 0,
	    "in one table");
}

/* Ten times as many as there is room for. */
static void
bounded(struct tally *t)
{
	int64_t now = 1700000000000;
	struct stat st;
	uint32_t i, known = 0;

	for (i = 0; i < 10 * TALLY_SLOTS; i++)
		if (tally_touch(t, TALLY_GOOD, &i, sizeof(i), now + i) == -1)
			break;
	is_int(i, 10 * TALLY_SLOTS, "many are touched");
	ok(stat(path, &st) == 0 && st.st_size <= 9 * 1024 * 1024,
	    "the file stays small");
	for (i = 9 * TALLY_SLOTS; i < 10 * TALLY_SLOTS; i++)
		known += tally_known(t, TALLY_GOOD, &i, sizeof(i), MINUTE *
		    100LL, now + 10 * TALLY_SLOTS) == 1;
	ok(known > TALLY_SLOTS / 2, "most of the youngest are known: %u",
	    known);
	i = 10 * TALLY_SLOTS - 1;
	is_int(tally_known(t, TALLY_GOOD, &i, sizeof(i), MINUTE * 100LL,
	    now + i), 1, "the last is");
}

/* Two processes count to exactly what is allowed. */
static void
together(void)
{
	int64_t now = 1700000000000;
	struct tally t;
	int i, n = 0, status, r;
	pid_t pid[4];

	for (i = 0; i < 4; i++) {
		if ((pid[i] = fork()) != 0)
			continue;
		if (tally_init(&t, path, false) == -1)
			_exit(255);
		for (i = 0; i < 100; i++) {
			while ((r = tally_rate(&t, "t", "k", 1, 100, MINUTE,
			    now, true)) == -1)
				;	/* held by another */
			n += r;
		}
		_exit(n);
	}
	for (i = 0; i < 4; i++)
		n += waitpid(pid[i], &status, 0) == pid[i] &&
		    WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
	is_int(n, 100, "four processes count together");
}

static void
spoil(const char *text, size_t n, off_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, text, n) != (ssize_t)n ||
	    ftruncate(fd, size) == -1)
		perror(path);
	close(fd);
}

static void
damaged(struct tally *t)
{
	int64_t now = 1700000000000;
	struct tally dry;
	struct stat st;

	unlink(path);
	is_int(tally_init(&dry, path, true), 0, "a dry run");
	is_int(rate(&dry, "a", now), 1, "dry: no file is no memory");
	ok(stat(path, &st) == -1, "dry: and none is made");
	is_int(rate(t, "a", now), 1, "deleted under us: a new file");
	ok(stat(path, &st) == 0, "is there");
	is_int(rate(t, "a", now), 1, "2"), is_int(rate(t, "a", now), 1, "3");
	is_int(rate(t, "a", now), 0, "and counts");
	is_int(rate(&dry, "a", now), 0, "dry: sees it");
	spoil("nonsense", 8, 100000);
	is_int(rate(t, "a", now), 1, "nonsense is no memory");
	spoil("", 0, 0);
	is_int(rate(t, "a", now), 1, "nor is an empty file");
	is_int(rate(t, "a", now), 1, "2"), is_int(rate(t, "a", now), 1, "3");
	is_int(rate(t, "a", now), 0, "but it counts again");
	is_int(truncate(path, 4096 + 17), 0, "cut in a slot");
	is_int(rate(t, "a", now), 1, "which is no memory");
	unlink(path);
	is_int(mkdir(path, 0700), 0, "a folder in its place");
	is_int(rate(t, "a", now), -1, "cannot be told");
	is_int(rmdir(path), 0, "gone");
	is_int(symlink("/dev/zero", path), 0, "a link in its place");
	is_int(rate(t, "a", now), -1, "is not followed");
	unlink(path);
	tally_close(&dry);
}

int
main(void)
{
	struct tally t;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/state", dir);
	hashes();
	is_int(tally_init(&t, path, false), 0, "open");
	rates(&t);
	greys(&t);
	bounded(&t);
	together();
	damaged(&t);
	tally_close(&t);
	rmdir(dir);
	return done();
}
