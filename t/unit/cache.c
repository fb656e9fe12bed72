/* SPDX-License-Identifier: ISC
 *
 * Proves that the cache gives back what was put there and nothing else: a file
 * cut at any octet or with any bit of it turned gives the truth or nothing; two
 * sessions may write at once, the file may be deleted, be replaced or be full,
 * and another UIDVALIDITY or version sees nothing of the old facts; that the
 * file stays as small as is promised and the work of opening it does, too.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"
#include "mail/cache_local.h"

enum { A, B, KINDS };

static const uint16_t versions[CACHE_KINDS] = { [A] = 1, [B] = 3 };
static int dir;
static char path[64];

static struct cache *
new(uint32_t validity)
{
	return cache_new(dir, CACHE_FILE, validity, versions, 0600, false);
}

static void
clean(void)
{
	unlinkat(dir, CACHE_FILE, 0);
	unlinkat(dir, CACHE_FILE CACHE_NEW, 0);
}

/* The one true fact of a kind of a message. */
static size_t
fact(char *to, uint32_t uid, int kind)
{
	size_t n = (uid * 7 + (uint32_t)kind * 3) % 400 + 1, i;

	for (i = 0; i < n; i++)
		to[i] = (char)(uid * 31 + (uint32_t)kind * 17 + i);
	return n;
}

static void
put(struct cache *c, uint32_t uid, unsigned kinds)
{
	struct cache_item items[CACHE_KINDS] = { { NULL, 0 } };
	char text[KINDS][500];
	int k;

	for (k = 0; k < KINDS; k++)
		if (kinds & 1u << k) {
			items[k].n = fact(text[k], uid, k);
			items[k].p = text[k];
		}
	cache_put(c, uid, items);
}

/* 1 the truth, 0 nothing, -1 a lie. */
static int
get(struct cache *c, uint32_t uid, int kind)
{
	struct cache_item item;
	char want[500];
	size_t n = fact(want, uid, kind);

	if (!cache_get(c, uid, (unsigned)kind, &item))
		return 0;
	return item.n == n && memcmp(item.p, want, n) == 0 ? 1 : -1;
}

/* How many of the facts from 1 to n are there; lies are counted in *lies. */
static int
count(struct cache *c, uint32_t n, int *lies)
{
	int found = 0, r, k;
	uint32_t uid;

	for (uid = 1; uid <= n; uid++)
		for (k = 0; k < KINDS; k++) {
			r = get(c, uid, k);
			found += r == 1;
			*lies += r == -1;
		}
	return found;
}

static off_t
size(void)
{
	struct stat st;

	return fstatat(dir, CACHE_FILE, &st, 0) == -1 ? -1 : st.st_size;
}

static void
test_put(void)
{
	struct cache *c = new(1), *other = new(1);
	int lies = 0;
	uint32_t uid;

	clean();
	is_int(get(c, 1, A), 0, "nothing at first");
	put(c, 5, 3);
	is_int(get(c, 5, B), 1, "what is held is known");
	ok(cache_pending(c), "and is to be written");
	is_int(size(), -1, "nothing is written yet");
	cache_flush(c);
	ok(!cache_pending(c) && size() > 0, "written");
	is_int(get(c, 5, A) + get(c, 5, B), 2, "and read");
	is_int(get(c, 4, A) + get(c, 6, A), 0, "the neighbours are not there");
	is_int(get(other, 5, A), 0, "another session has not looked");
	cache_refresh(other);
	is_int(get(other, 5, A), 1, "it has");
	put(c, 6, 1u << A);
	put(c, 6, 1u << B);
	cache_flush(c);
	is_int(get(c, 6, A) + get(c, 6, B), 2, "facts that come in pieces");
	for (uid = 7; uid <= 2000; uid++)
		put(c, uid, 3);
	cache_free(c);
	c = new(1);
	is_int(count(c, 2000, &lies), 1996 * 2, "many, opened anew");
	is_int(lies, 0, "and all true");
	cache_free(c);
	cache_free(other);
}

/* As many kinds as there can be, in one segment. */
static void
test_kinds(void)
{
	struct cache_item items[CACHE_KINDS] = { { NULL, 0 } }, got;
	uint16_t all[CACHE_KINDS];
	struct cache *c;
	unsigned kind, found = 0;
	uint32_t uid;

	clean();
	for (kind = 0; kind < CACHE_KINDS; kind++) {
		all[kind] = (uint16_t)(kind + 1);
		items[kind] = (struct cache_item){ "abcdefghijkl", kind + 1 };
	}
	c = cache_new(dir, CACHE_FILE, 1, all, 0600, false);
	for (uid = 1; uid <= 3; uid++)
		cache_put(c, uid, items);
	cache_free(c);
	c = cache_new(dir, CACHE_FILE, 1, all, 0600, true);
	for (uid = 1; uid <= 3; uid++)
		for (kind = 0; kind < CACHE_KINDS; kind++)
			found += cache_get(c, uid, kind, &got) == 1 &&
			    got.n == kind + 1 &&
			    memcmp(got.p, "abcdefghijkl", got.n) == 0;
	is_int(found, 3 * CACHE_KINDS, "every kind that there can be");
	cache_free(c);
	clean();
}

/* Small writes: one segment each, put together. */
static void
test_small(void)
{
	struct cache *c = new(1);
	int lies = 0;
	uint32_t uid;

	clean();
	for (uid = 1; uid <= 3000; uid++) {
		put(c, uid, 3);
		cache_flush(c);
	}
	is_int(count(c, 3000, &lies), 6000, "3,000 writes of one message");
	is_int(lies, 0, "are true");
	ok(c->n < 20, "and few segments (%zu)", c->n);
	is_int((long long)c->records, 3000, "each message once");
	cache_free(c);
}

/* Octets of the file. */
static char *
load(size_t *n)
{
	int fd = openat(dir, CACHE_FILE, O_RDONLY);
	char *p = malloc(1 << 20);

	*n = (size_t)read(fd, p, 1 << 20);
	close(fd);
	return p;
}

static void
store(const char *p, size_t n)
{
	int fd;

	clean();
	fd = openat(dir, CACHE_FILE, O_WRONLY | O_CREAT, 0600);
	if (write(fd, p, n) != (ssize_t)n)
		perror("write");
	close(fd);
}

/* Three segments of a few messages. */
static char *
sample(size_t *n)
{
	struct cache *c;
	uint32_t uid;

	clean();
	c = new(1);
	for (uid = 1; uid <= 12; uid++) {
		put(c, uid, uid == 2 ? 1u << B : 3);
		if (uid == 9 || uid == 11)
			cache_flush(c);
	}
	cache_flush(c);
	is_int((long long)c->n, 3, "three segments");
	cache_free(c);
	return load(n);
}

static void
test_cut(void)
{
	size_t n, i;
	char *p = sample(&n);
	int lies = 0, before = 0, falls = 0, found, again = 0;
	struct cache *c;

	for (i = 0; i <= n; i++) {
		store(p, i);
		c = new(1);
		found = count(c, 12, &lies);
		falls += found < before;
		before = found;
		/* And it is made good by the next who writes. */
		put(c, 1, 3);
		cache_flush(c);
		again += get(c, 1, A) == 1;
		cache_free(c);
	}
	is_int(lies, 0, "a file cut at any octet tells no lie");
	is_int(falls, 0, "more of it tells no less");
	is_int(before, 23, "all of it tells all");
	is_int(again, (long long)n + 1, "and each takes what is new");
	free(p);
}

static void
test_flip(void)
{
	size_t n, i;
	char *p = sample(&n);
	int lies = 0, same = 0;
	struct cache *c;
	unsigned bit;

	for (i = 0; i < n; i++)
		for (bit = 0; bit < 8; bit++) {
			p[i] = (char)(p[i] ^ (1 << bit));
			store(p, n);
			c = new(1);
			same += count(c, 12, &lies) == 23;
			cache_free(c);
			p[i] = (char)(p[i] ^ (1 << bit));
		}
	is_int(lies, 0, "a bit turned anywhere tells no lie");
	is_int(same, 0, "and never goes unnoticed");
	free(p);
}

static void
test_open_cut(void)
{
	size_t n;
	char *p = sample(&n);
	int lies = 0;
	struct cache *c = new(1), *o;

	is_int(count(c, 12, &lies), 23, "open");
	cache_flush(c);
	(void)!truncate(path, 100);
	is_int(count(c, 12, &lies), 0, "cut while it is open");
	put(c, 1, 3);
	cache_flush(c);
	is_int(get(c, 1, A), 1, "and begun anew");
	clean();
	is_int(get(c, 1, A), 1, "deleted while it is open: still known");
	put(c, 2, 3);
	cache_flush(c);
	is_int(get(c, 2, B), 1, "a new file");
	ok(size() > 0, "under the name");
	store("no cache", 8);
	cache_refresh(c);
	is_int(count(c, 12, &lies), 0, "another file is no cache");
	put(c, 3, 3);
	cache_flush(c);
	o = new(1);
	is_int(get(o, 3, A), 1, "and becomes one");
	is_int(lies, 0, "without a lie");
	cache_free(o);
	cache_free(c);
	clean();
	mkdirat(dir, CACHE_FILE, 0700);
	c = new(1);
	put(c, 3, 3);
	cache_flush(c);
	is_int(get(c, 3, A), 0, "a folder in its place: nothing is kept");
	cache_free(c);
	unlinkat(dir, CACHE_FILE, AT_REMOVEDIR);
	mkfifoat(dir, CACHE_FILE, 0600);
	c = new(1);
	put(c, 3, 3);
	cache_free(c);
	ok(1, "a FIFO holds nobody up");
	free(p);
}

static void
test_versions(void)
{
	uint16_t later[CACHE_KINDS] = { [A] = 2, [B] = 3, [4] = 1 };
	struct cache *c;

	clean();
	c = new(7);
	put(c, 1, 3);
	cache_free(c);
	c = new(8);
	is_int(get(c, 1, A), 0, "another UIDVALIDITY knows nothing");
	put(c, 1, 1u << B);
	cache_free(c);
	c = new(7);
	is_int(get(c, 1, B), 0, "nor the one before, then");
	cache_free(c);
	c = cache_new(dir, CACHE_FILE, 8, later, 0600, false);
	is_int(get(c, 1, A), 0, "another version of a kind is not seen");
	is_int(get(c, 1, B), 1, "the other kind is");
	put(c, 1, 1u << A);
	cache_flush(c);
	is_int(get(c, 1, A), 1, "and the new one is made");
	is_int((long long)cache_last_uid(c), 1, "the last UID");
	cache_free(c);
}

static void
test_limits(void)
{
	struct cache_item items[CACHE_KINDS] = { { NULL, 0 } }, got;
	char *large = calloc(1, CACHE_ITEM_MAX + 1);
	struct cache *c;

	clean();
	c = new(1);
	items[A].p = items[B].p = large;
	items[A].n = 10;
	items[B].n = CACHE_ITEM_MAX;
	cache_put(c, 1, items);
	items[A].n = CACHE_ITEM_MAX;
	items[B].n = 1;
	cache_put(c, 2, items);
	cache_flush(c);
	is_int(cache_get(c, 1, A, &got), 1, "what fits is kept");
	is_int(cache_get(c, 1, B, &got), 0, "what is too large with it not");
	is_int(cache_get(c, 2, A, &got), 1, "the largest");
	is_int((long long)got.n, CACHE_ITEM_MAX, "whole");
	cache_free(c);
	free(large);
}

static uint32_t
next_even(void *arg, uint32_t uid)
{
	uint32_t last = *(uint32_t *)arg;

	uid = (uid + 2) & ~1u;
	return uid <= last ? uid : 0;
}

static void
test_tidy(void)
{
	struct cache *v[4], *c, *other;
	uint32_t uid, last = 200;
	off_t before;
	int lies = 0, i;

	clean();
	for (i = 0; i < 4; i++)
		v[i] = new(1);
	for (i = 0; i < 4; i++) {
		for (uid = 1; uid <= 1000; uid++)
			put(v[i], uid, 3);
		cache_flush(v[i]);
	}
	c = v[0];
	cache_refresh(c);
	is_int((long long)c->records, 4000, "sessions that know nothing of "
	    "each other");
	before = size();
	put(c, 5, 3);
	cache_flush(c);
	is_int(size(), before, "what is there is not put again");
	before = size();
	cache_tidy(c, 100000, next_even, &last);
	is_int(size(), before, "small beside the messages: left alone");
	other = new(1);
	cache_tidy(c, 100, next_even, &last);
	ok(size() * 10 < before, "with few messages: written anew");
	is_int(count(c, 1000, &lies), 200, "with what lives");
	is_int((long long)c->records, 100, "once");
	is_int(count(other, 1000, &lies), 2000, "an old reader reads on");
	put(other, 4001, 3);
	cache_flush(other);
	cache_refresh(c);
	is_int(get(c, 4001, A), 1, "and writes to the new one");
	is_int(lies, 0, "no lie");
	for (i = 0; i < 4; i++)
		cache_free(v[i]);
	cache_free(other);
}

/* Four processes fill, read and tidy the same file. */
static void
test_fight(void)
{
	uint32_t uid, last = 1 << 20;
	int lies = 0, i, k, status, bad = 0;
	struct cache *c;

	clean();
	for (i = 0; i < 4; i++)
		if (fork() == 0) {
			c = new(1);
			for (k = 0; k < 200; k++) {
				for (uid = 1; uid < 20; uid++)
					put(c, (uint32_t)(k * 13 + i * 7) %
					    3000 + uid, 3);
				if (k % 3 == i % 3)
					cache_flush(c);
				if (k % 50 == 10 * i)
					cache_tidy(c, 1, next_even, &last);
				cache_refresh(c);
				(void)count(c, 100, &lies);
			}
			cache_free(c);
			_exit(lies > 0);
		}
	for (i = 0; i < 4; i++) {
		wait(&status);
		bad += status != 0;
	}
	is_int(bad, 0, "four processes at once see no lie");
	c = new(1);
	ok(count(c, 3100, &lies) > 0 && lies == 0, "nor does who comes after");
	cache_free(c);
}

/* The disk takes no more after so many octets, in any place. */
static void
test_full(void)
{
	struct rlimit old, limit;
	int lies = 0, i, good = 0;
	struct cache *c;
	uint32_t uid;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	for (i = 0; i < 6000; i += 37) {
		clean();
		limit.rlim_cur = (rlim_t)i;
		setrlimit(RLIMIT_FSIZE, &limit);
		c = new(1);
		for (uid = 1; uid <= 8; uid++) {
			put(c, uid, 3);
			if (uid % 2 == 0)
				cache_flush(c);
		}
		(void)count(c, 8, &lies);
		limit.rlim_cur = old.rlim_cur;
		setrlimit(RLIMIT_FSIZE, &limit);
		put(c, 9, 3);
		cache_flush(c);
		good += get(c, 9, A) == 1;
		(void)count(c, 8, &lies);
		cache_free(c);
	}
	is_int(lies, 0, "a full disk tells no lie");
	is_int(good, 163, "and when there is room, work goes on");
}

/* As root a process of nobody looks, who may not write there. */
static void
test_forbidden(void)
{
	struct cache *c;
	int status = -1;
	pid_t pid;

	fflush(stdout);
	fchmod(dir, 0555);
	if ((pid = fork()) == 0) {
		if (geteuid() == 0 && (setgid(65534) == -1 ||
		    setuid(65534) == -1))
			_exit(1);
		c = new(1);
		put(c, 1, 3);
		cache_free(c);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	fchmod(dir, 0700);
	is_int(status, 0, "a folder that may not be written to");
	is_int(size(), -1, "stays as it is");
}

static void
test_readonly(void)
{
	struct cache *c;

	clean();
	c = cache_new(dir, CACHE_FILE, 1, versions, 0600, true);
	put(c, 1, 3);
	cache_flush(c);
	is_int(size(), -1, "read-only: nothing is made");
	is_int(get(c, 1, A), 0, "nor held");
	cache_free(c);
	c = new(1);
	put(c, 1, 3);
	cache_free(c);
	c = cache_new(dir, CACHE_FILE, 1, versions, 0600, true);
	is_int(get(c, 1, A), 1, "but what is there is read");
	cache_discard(c);
	ok(size() > 0, "and not deleted");
	cache_free(c);
	clean();
	test_forbidden();
}

int
main(void)
{
	char name[] = "/tmp/stdmail-cache.XXXXXX";

	if (mkdtemp(name) == NULL || (dir = open(name, O_RDONLY)) == -1) {
		perror(name);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/%s", name, CACHE_FILE);
	test_put();
	test_kinds();
	test_small();
	test_cut();
	test_flip();
	test_open_cut();
	test_versions();
	test_limits();
	test_tidy();
	test_fight();
	test_full();
	test_readonly();
	clean();
	rmdir(name);
	return done();
}
