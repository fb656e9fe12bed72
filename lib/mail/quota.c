/* SPDX-License-Identifier: ISC
 *
 * See mail/quota.h.  The file is anybody's: no octets in it may do more harm
 * than a count.  It must never lose the limits that only the file knows, nor
 * leave a file in tmp.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/mailbox_file.h"
#include "mail/quota.h"
#include "system/fdio.h"

#define COUNTS_MAX	3	/* while others change the tree */

/* ---- the text ---- */

/* The first line: "NNNS,NNNC", as much of it as can be read. */
static void
parse_limits(struct quota_limits *l, const char *p, const char *end)
{
	uint64_t n;

	memset(l, 0, sizeof(*l));
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			continue;
		for (n = 0; p < end && *p >= '0' && *p <= '9'; p++)
			n = n > (INT64_MAX - 9) / 10 ? INT64_MAX :
			    n * 10 + (uint64_t)(*p - '0');
		if (p == end)
			return;
		if (*p == 'S')
			l->bytes = n;
		else if (*p == 'C')
			l->messages = n;
		else
			continue;
		l->set = true;
	}
}

/* Blanks and a number with or without a sign: behind it; NULL none. */
static const char *
parse_number(const char *p, const char *end, int64_t *n)
{
	bool negative = false;
	const char *digits;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p < end && (*p == '-' || *p == '+'))
		negative = *p++ == '-';
	digits = p;
	for (*n = 0; p < end && *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(*n, 10, n) ||
		    __builtin_add_overflow(*n, *p - '0', n))
			return NULL;
	if (negative)
		*n = -*n;
	return p == digits ? NULL : p;
}

static int
parse_line(const char *p, const char *end, int64_t *bytes, int64_t *messages)
{
	int64_t b, m;

	if ((p = parse_number(p, end, &b)) == NULL || p == end ||
	    (*p != ' ' && *p != '\t') ||
	    (p = parse_number(p, end, &m)) == NULL)
		return -1;
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	return p != end || __builtin_add_overflow(*bytes, b, bytes) ||
	    __builtin_add_overflow(*messages, m, messages) ? -1 : 0;
}

int
quota_parse(struct quota_text *t, const char *p, size_t n)
{
	const char *end = p + n, *nl;
	int64_t bytes = 0, messages = 0;

	memset(t, 0, sizeof(*t));
	if (n == 0 || (nl = memchr(p, '\n', n)) == NULL)
		return -1;
	parse_limits(&t->limits, p, nl);
	for (p = nl + 1; p < end; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			break;
		if (parse_line(p, nl, &bytes, &messages) == -1)
			return -1;
		t->lines++;
	}
	if (t->lines == 0 || bytes < 0 || messages < 0)
		return -1;
	t->bytes = (uint64_t)bytes;
	t->messages = (uint64_t)messages;
	return 0;
}

/* ---- the file ---- */

void
quota_init(struct quota *q, int root, const struct quota_limits *rule)
{
	memset(q, 0, sizeof(*q));
	q->root = root;
	if (rule == NULL || !rule->set)
		return;
	q->rule = *rule;
	if (q->rule.bytes > INT64_MAX)
		q->rule.bytes = INT64_MAX;
	if (q->rule.messages > INT64_MAX)
		q->rule.messages = INT64_MAX;
}

/* Open it: its descriptor; -1 with errno, ENOENT when there is none that is a
 * file. */
static int
open_file(const struct quota *q, int flags, struct stat *st)
{
	int fd;

	fd = openat(q->root, QUOTA_FILE, flags | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	if (fd == -1 && (errno == ELOOP || errno == ENXIO))
		errno = ENOENT;
	if (fd == -1)
		return -1;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	errno = ENOENT;
	return -1;
}

static bool
same_limits(const struct quota_limits *a, const struct quota_limits *b)
{
	return a->bytes == b->bytes && a->messages == b->messages;
}

/* What of the limits holds, a rule or the file's; whether there is a quota. */
static bool
choose_limits(struct quota *q, const struct quota_limits *file)
{
	memset(&q->limits, 0, sizeof(q->limits));
	if (q->rule.set)
		q->limits = q->rule;
	else if (file != NULL)
		q->limits = *file;
	q->limits.set = q->rule.set || file != NULL;
	return q->limits.set;
}

static bool
is_over(const struct quota_limits *l, uint64_t bytes, uint64_t messages)
{
	return (l->bytes != 0 && bytes > l->bytes) ||
	    (l->messages != 0 && messages > l->messages);
}

static int
write_temporary(const struct quota *q, const char *path, mode_t mode)
{
	const struct quota_limits *l = &q->limits;
	char text[128];
	int fd, n = 0, r;

	if (l->bytes != 0 || l->messages == 0)
		n = snprintf(text, sizeof(text), "%" PRIu64 "S", l->bytes);
	if (l->messages != 0)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
		    "%s%" PRIu64 "C", n > 0 ? "," : "", l->messages);
	n += snprintf(text + n, sizeof(text) - (size_t)n, "\n%" PRIu64 " %"
	    PRIu64 "\n", q->bytes, q->messages);
	fd = openat(q->root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    mode);
	if (fd == -1)
		return -1;
	r = fd_write_all(fd, text, (size_t)n);
	if (r == 0)
		r = fsync(fd);
	if (close(fd) == -1)
		r = -1;
	return r;
}

/* A new file in the place of the old one. */
static int
replace_file(const struct quota *q)
{
	char path[MAILBOX_FILE_MAX + 8] = "tmp/";
	struct stat st;
	int saved;

	mailbox_file_unique(path + 4);
	if (fstat(q->root, &st) == 0 &&
	    write_temporary(q, path, st.st_mode & 0666) == 0 &&
	    renameat(q->root, path, q->root, QUOTA_FILE) == 0)
		return 0;
	saved = errno;
	(void)unlinkat(q->root, path, 0);
	errno = saved;
	return -1;
}

/*
 * Count, write, and look whether anything changed meanwhile: then again.
 * NOTE: the text on Maildir++ would have a file that cannot be made certain
 * removed, and its limits with it; in a busy mailbox everyone would count for
 * ever.  It stays, with the time of one that nobody believes when it says that
 * the mailbox is full.
 */
static int
count_anew(struct quota *q)
{
	const struct timespec old[2] = { { 0, UTIME_OMIT }, { 0, 0 } };
	uint64_t before, after;
	int i;

	for (i = 0; i < COUNTS_MAX; i++) {
		if (quota_count(q->root, &q->bytes, &q->messages, &before) ==
		    -1)
			return -1;
		q->counted = true;
		/* A full disk must not keep anyone from knowing. */
		if (replace_file(q) == -1) {
			q->unwritten = errno;
			return 0;
		}
		if (quota_count(q->root, NULL, NULL, &after) == -1)
			return -1;
		if (before == after)
			return 0;
	}
	(void)utimensat(q->root, QUOTA_FILE, old, AT_SYMLINK_NOFOLLOW);
	return 0;
}

/* Read the file into buf[QUOTA_FILE_MAX]: octets; -1 errno. */
static ssize_t
read_file(const struct quota *q, char *buf, struct stat *st)
{
	ssize_t n;
	int fd, saved;

	if ((fd = open_file(q, O_RDONLY, st)) == -1)
		return -1;
	n = fd_read_all(fd, buf, QUOTA_FILE_MAX);
	saved = errno;
	close(fd);
	errno = saved;
	return n;
}

static bool
is_stale(const struct stat *st)
{
	struct timespec now;

	/* NOTE: time(3) may be a tick behind the time that a file has got. */
	clock_gettime(CLOCK_REALTIME, &now);
	return st->st_mtime > now.tv_sec ||
	    now.tv_sec - st->st_mtime >= QUOTA_STALE;
}

/* With force the file is only asked for its limits. */
static int
look(struct quota *q, bool force)
{
	char buf[QUOTA_FILE_MAX];
	struct quota_text t = { 0 };
	struct stat st;
	ssize_t n;
	bool good;

	q->counted = false;
	q->unwritten = 0;
	n = read_file(q, buf, &st);
	if (n == -1 && errno != ENOENT) {
		memset(&q->limits, 0, sizeof(q->limits));
		return -1;
	}
	good = n != -1 && quota_parse(&t, buf, (size_t)n) == 0 &&
	    n < QUOTA_FILE_MAX && !force;
	if (!choose_limits(q, n == -1 ? NULL : &t.limits))
		return 0;
	if (good && same_limits(&q->limits, &t.limits)) {
		q->bytes = t.bytes;
		q->messages = t.messages;
		/* A sum of one line that is young was counted by someone. */
		q->counted = t.lines == 1 && !is_stale(&st);
		if (q->counted || !is_over(&q->limits, q->bytes, q->messages))
			return 0;
	}
	/* A rule that limits nothing is no reason to begin. */
	if (n == -1 && q->limits.bytes == 0 && q->limits.messages == 0)
		return 0;
	if (count_anew(q) == 0)
		return 0;
	memset(&q->limits, 0, sizeof(q->limits));
	return -1;
}

int
quota_read(struct quota *q)
{
	return look(q, false);
}

int
quota_recount(struct quota *q)
{
	if (look(q, true) == -1)
		return -1;
	if (q->unwritten == 0)
		return 0;
	errno = q->unwritten;
	return -1;
}

static bool
would_fit(const struct quota *q, uint64_t bytes, uint64_t messages)
{
	if (__builtin_add_overflow(q->bytes, bytes, &bytes) ||
	    __builtin_add_overflow(q->messages, messages, &messages))
		return false;
	return !is_over(&q->limits, bytes, messages);
}

int
quota_fits(struct quota *q, uint64_t bytes, uint64_t messages)
{
	if (!q->limits.set || would_fit(q, bytes, messages))
		return 1;
	if (q->counted)
		return 0;
	if (count_anew(q) == -1)
		return 1;
	return would_fit(q, bytes, messages);
}

/* ---- changes ---- */

/* Whether a line may be put behind what is there. */
static bool
is_open_ended(int fd, off_t size)
{
	char last;

	return size > 0 && size < QUOTA_FILE_MAX &&
	    fd_pread_all(fd, &last, 1, size - 1) == 1 && last == '\n';
}

/* 1 written; 0 it has to be counted; -1 errno. */
static int
append_line(const struct quota *q, int64_t bytes, int64_t messages)
{
	char line[64];
	struct stat st;
	ssize_t put;
	int fd, n, r = 0;

	n = snprintf(line, sizeof(line), "%" PRId64 " %" PRId64 "\n", bytes,
	    messages);
	if ((fd = open_file(q, O_RDWR | O_APPEND, &st)) == -1)
		return errno == ENOENT ? 0 : -1;
	if (is_open_ended(fd, st.st_size)) {
		do
			put = write(fd, line, (size_t)n);
		while (put == -1 && errno == EINTR);
		/* Whoever replaced it just now may have counted without us. */
		if (put == n && fstat(fd, &st) == 0 && st.st_nlink > 0)
			r = 1;
	}
	close(fd);
	return r;
}

int
quota_add(struct quota *q, int64_t bytes, int64_t messages)
{
	int r;

	if (bytes == 0 && messages == 0)
		return 0;
	if ((r = append_line(q, bytes, messages)) != 0)
		return r == 1 ? 0 : -1;
	return quota_recount(q);
}
