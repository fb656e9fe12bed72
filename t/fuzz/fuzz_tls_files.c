/* SPDX-License-Identifier: ISC
 *
 * Proves that no octets in the files that smtp-send keeps of TLS (policies of
 * MTA-STS, results of sessions) break their readers, that what was read is
 * bounded, is written and read again as the same, and makes a report; and that
 * news from a worker that a stranger has taken over is refused or becomes text
 * that these files can hold.  The first octet says which it is.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../smtp-send/sts_cache.h"
#include "../../smtp-send/tls_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define NOW	1800000000

static char dir[] = "/dev/shm/stdmail-fuzz.XXXXXX";
static char policies[64], results[64];

static void
remove_all(void)
{
	char path[64];

	(void)unlink(policies);
	(void)unlink(results);
	(void)snprintf(path, sizeof(path), "%s/remote/tls", dir);
	(void)rmdir(path);
	(void)snprintf(path, sizeof(path), "%s/remote", dir);
	(void)rmdir(path);
	(void)rmdir(dir);
}

static void
make_dirs(void)
{
	char path[64];

	if (mkdtemp(dir) == NULL)
		abort();
	(void)snprintf(path, sizeof(path), "%s/remote", dir);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof(path), "%s/remote/tls", dir);
	(void)mkdir(path, 0700);
	(void)snprintf(policies, sizeof(policies), "%s/policies", path);
	(void)snprintf(results, sizeof(results), "%s/results", path);
	atexit(remove_all);
}

static void
spew(const char *path, const char *head, const uint8_t *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, head, strlen(head)) == -1 ||
	    write(fd, p, n) != (ssize_t)n)
		abort();
	close(fd);
}

static size_t
slurp(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd == -1 ? 0 : read(fd, to, size);

	if (fd != -1)
		close(fd);
	return n < 0 ? 0 : (size_t)n;
}

/* A file that was written is read again as the same. */
static void
same(const char *path, const char *was, size_t n)
{
	static char is[1 << 20];

	if (slurp(path, is, sizeof(is)) != n || memcmp(is, was, n) != 0)
		abort();
}

static void
try_policies(const uint8_t *p, size_t n, const struct sts_record *extra)
{
	static char text[1 << 20];
	struct sts_record touch = { .domain = "zz.test", .id = "1",
	    .fetched = NOW, .max_age = 10 };
	struct sts_cache *c;
	size_t len;

	spew(policies, "stdmail-sts 1\n", p, n);
	if ((c = sts_cache_open(dir)) == NULL)
		abort();
	sts_cache_put(c, extra == NULL ? &touch : extra);
	if (sts_cache_write(c, NOW) == -1)
		abort();
	sts_cache_free(c);
	len = slurp(policies, text, sizeof(text));
	c = sts_cache_open(dir);
	if (extra != NULL && extra->fetched != 0 && NOW - extra->fetched <
	    (int64_t)extra->max_age && (sts_cache_get(c, extra->domain) ==
	    NULL || strcmp(sts_cache_get(c, extra->domain)->patterns,
	    extra->patterns) != 0))
		abort();
	sts_cache_put(c, extra == NULL ? &touch : extra);
	if (sts_cache_write(c, NOW) == -1)
		abort();
	sts_cache_free(c);
	same(policies, text, len);
}

static void
report(const struct tls_log *log)
{
	struct tls_report r = { .contact = "x@b.test", .submitter = "b.test" };
	struct buf b;
	size_t i;

	buf_init(&b, 16u << 20);
	for (i = 0; i < log->n && i < 3; i++) {
		r.day = log->v[i].day;
		r.domain = log->v[i].domain;
		tls_report_id(&r);
		buf_reset(&b);
		if (tls_report_json(&b, log, &r) == -1 ||
		    memchr(b.data, '\n', b.len - 1) != NULL)
			abort();
	}
	buf_free(&b);
}

static void
try_results(const uint8_t *p, size_t n, const struct tls_note *note)
{
	static char text[1 << 20];
	struct tls_log log;
	size_t len;

	spew(results, "stdmail-tls 1\n", p, n);
	if (tls_log_open(&log, dir) == -1)
		abort();
	if (note != NULL)
		tls_log_note(&log, note, NOW);
	report(&log);
	log.changed = true;
	if (tls_log_write(&log) == -1)
		abort();
	tls_log_free(&log);
	len = slurp(results, text, sizeof(text));
	if (tls_log_open(&log, dir) == -1)
		abort();
	log.changed = true;
	if (tls_log_write(&log) == -1)
		abort();
	tls_log_free(&log);
	same(results, text, len);
}

static void
try_news(const uint8_t *p, size_t n)
{
	static struct news news;

	memset(&news, 0, sizeof(news));
	memcpy(&news, p, n > sizeof(news) ? sizeof(news) : n);
	if (news_tidy(&news, NULL, NOW) == -1)
		return;
	if (news.type == NEWS_STS)
		try_policies(p, 0, &news.u.sts);
	else
		try_results(p, 0, &news.u.tls);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int ready;

	if (!ready)
		make_dirs();
	ready = 1;
	if (n == 0 || n > 1 << 16)
		return 0;
	switch (data[0] % 3) {
	case 0:
		try_policies(data + 1, n - 1, NULL);
		break;
	case 1:
		try_results(data + 1, n - 1, NULL);
		break;
	default:
		try_news(data + 1, n - 1);
	}
	return 0;
}
