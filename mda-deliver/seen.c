/* SPDX-License-Identifier: ISC
 *
 * The memory of what was seen: see seen.h.  A line is added under the file's
 * lock, or the file is replaced by one without what has expired; who only
 * reads takes no lock.  A line that is torn or damaged is none; it must never
 * hide another.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bytes/buf.h"
#include "grammar/chars.h"
#include "seen.h"
#include "system/fdio.h"

#define ID_SIZE		16
#define HEX_SIZE	(2 * ID_SIZE)
#define LINE_SIZE	64		/* room for any line */
#define LOCK_WAIT	5000		/* milliseconds */
#define LOCK_STEP	10
#define FEW_LINES	64		/* never replaced for their sake */

static bool
is_folder(const char *path)
{
	struct stat st;

	return *path != '\0' && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

const char *
seen_dir(const char *home, const char *mailbox)
{
	if (is_folder(home))
		return home;
	return is_folder(mailbox) ? mailbox : NULL;
}

void
seen_id(unsigned char id[16], const char *const words[], size_t n)
{
	unsigned char digest[SHA256_DIGEST_LENGTH], len[8];
	SHA2_CTX ctx;
	uint64_t octets;
	size_t i, k;

	SHA256Init(&ctx);
	for (i = 0; i < n; i++) {
		octets = strlen(words[i]);
		for (k = 0; k < sizeof(len); k++)
			len[k] = (unsigned char)(octets >> 8 * k);
		SHA256Update(&ctx, len, sizeof(len));
		SHA256Update(&ctx, (const uint8_t *)words[i], octets);
	}
	SHA256Final(digest, &ctx);
	memcpy(id, digest, ID_SIZE);
}

/*
 * The text of the file: lines of "EXPIRY HASH".
 */

struct line {
	int64_t		 expires;
	unsigned char	 id[ID_SIZE];
	const char	*text;
	size_t		 len;		/* with its LF */
};

/* What stands in n octets, without the LF: 1, or 0: it is no such line. */
static int
parse_line(struct line *line, const char *p, size_t n)
{
	const char *end = p + n;
	size_t i;
	int hi, lo;

	line->expires = 0;
	for (; p < end && char_is(*p, CHAR_DIGIT); p++) {
		if (line->expires > INT64_MAX / 10 - 1)
			return 0;
		line->expires = line->expires * 10 + (*p - '0');
	}
	if (end - p != 1 + HEX_SIZE || *p++ != ' ')
		return 0;
	for (i = 0; i < ID_SIZE; i++) {
		hi = char_hex(p[2 * i]);
		lo = char_hex(p[2 * i + 1]);
		if (hi == -1 || lo == -1)
			return 0;
		line->id[i] = (unsigned char)(hi << 4 | lo);
	}
	return 1;
}

/* The next whole and good line at *p: 1, 0 there is none. */
static int
next_line(const char **p, const char *end, struct line *line)
{
	const char *lf;

	while ((lf = memchr(*p, '\n', (size_t)(end - *p))) != NULL) {
		line->text = *p;
		line->len = (size_t)(lf - *p) + 1;
		*p = lf + 1;
		if (parse_line(line, line->text, line->len - 1))
			return 1;
	}
	return 0;
}

/*
 * The file.
 */

static int
open_file(const char *dir, int flags)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	if (snprintf(path, sizeof(path), "%s/" SEEN_FILE, dir) >=
	    (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

/* Its last octets, and how many it has in all: 0, -1 errno. */
static int
read_file(int fd, struct buf *text, off_t *size)
{
	struct stat st;
	off_t from;
	ssize_t got;
	size_t n;
	char *to;

	if (fstat(fd, &st) == -1)
		return -1;
	*size = st.st_size;
	from = st.st_size > SEEN_FILE_MAX ? st.st_size - SEEN_FILE_MAX : 0;
	n = (size_t)(st.st_size - from);
	if (n == 0)
		return 0;
	if ((to = buf_reserve(text, n)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if ((got = fd_pread_all(fd, to, n, from)) == -1)
		return -1;
	buf_commit(text, (size_t)got);
	return 0;
}

int
seen_test(const char *dir, const unsigned char id[16], int64_t now)
{
	int fd = open_file(dir, O_RDONLY), r = -1, error;
	const char *p, *end;
	struct line line;
	struct buf text;
	off_t size;

	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	buf_init(&text, SEEN_FILE_MAX);
	if (read_file(fd, &text, &size) == 0) {
		r = 0;
		p = buf_str(&text);
		end = p + text.len;
		while (r == 0 && next_line(&p, end, &line))
			r = line.expires > now &&
			    memcmp(line.id, id, ID_SIZE) == 0;
	}
	error = errno;
	buf_free(&text);
	close(fd);
	errno = error;
	return r;
}

/* Lock what is open: 0; -1 errno. */
static int
lock_file(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	const struct timespec step = { 0, LOCK_STEP * 1000000L };
	int waited;

	for (waited = 0; fcntl(fd, F_OFD_SETLK, &lock) == -1;
	    waited += LOCK_STEP) {
		if ((errno != EAGAIN && errno != EACCES && errno != EINTR) ||
		    waited >= LOCK_WAIT)
			return -1;
		nanosleep(&step, NULL);
	}
	return 0;
}

/* Is the file that is open still the one of this name? */
static bool
is_current(const char *dir, int fd)
{
	struct stat mine, other;
	int now = open_file(dir, O_RDONLY);
	bool same = now != -1 && fstat(fd, &mine) == 0 &&
	    fstat(now, &other) == 0 && mine.st_dev == other.st_dev &&
	    mine.st_ino == other.st_ino;

	if (now != -1)
		close(now);
	return same;
}

/* Open it to be written, locked, made if it is missing. */
static int
open_locked(const char *dir)
{
	int fd, error, tries;

	for (tries = 0; tries < 100; tries++) {
		fd = open_file(dir, O_RDWR | O_APPEND | O_CREAT);
		if (fd == -1)
			return -1;
		if (lock_file(fd) == -1) {
			error = errno;
			close(fd);
			errno = error;
			return -1;
		}
		if (is_current(dir, fd))
			return fd;
		close(fd);
	}
	errno = EAGAIN;
	return -1;
}

static void
write_line(char to[LINE_SIZE], const struct plan_mark *mark)
{
	int n = snprintf(to, LINE_SIZE, "%" PRId64 " ",
	    mark->expires < 0 ? 0 : mark->expires);
	size_t i;

	for (i = 0; i < ID_SIZE; i++)
		n += snprintf(to + n, LINE_SIZE - (size_t)n, "%02x",
		    mark->id[i]);
	snprintf(to + n, LINE_SIZE - (size_t)n, "\n");
}

/* A new file with what is worth to be kept, of what is too much the newest
 * half.  0, -1 errno: the old one stays. */
static int
replace_file(const char *dir, struct buf *text, int64_t now, const char *line)
{
	const char *p = buf_str(text), *end = p + text->len;
	char path[PATH_MAX], temp[PATH_MAX];
	struct line old;
	struct buf new;
	int fd, r = -1, error;

	if (snprintf(path, sizeof(path), "%s/" SEEN_FILE, dir) >=
	    (int)sizeof(path) || snprintf(temp, sizeof(temp),
	    "%s.%ld.%08x", path, (long)getpid(), arc4random()) >=
	    (int)sizeof(temp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	buf_init(&new, SEEN_FILE_MAX);
	if (text->len > SEEN_FILE_MAX - LINE_SIZE)
		p += text->len / 2;
	while (next_line(&p, end, &old))
		if (old.expires > now)
			buf_add(&new, old.text, old.len);
	buf_adds(&new, line);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd != -1 && buf_failed(&new))
		errno = ENOMEM;
	else if (fd != -1 && fd_write_all(fd, new.data, new.len) == 0 &&
	    fsync(fd) == 0)
		r = rename(temp, path);
	error = errno;
	if (fd != -1) {
		close(fd);
		if (r == -1)
			(void)unlink(temp);
	}
	buf_free(&new);
	errno = error;
	return r;
}

/* Behind a line that was torn begins a new one.  What is written in part goes
 * again. */
static int
append_line(int fd, const struct buf *text, off_t size, const char *line)
{
	bool torn = text->len > 0 && text->data[text->len - 1] != '\n';
	char both[LINE_SIZE + 1];
	int error;

	snprintf(both, sizeof(both), "%s%s", torn ? "\n" : "", line);
	if (fd_write_all(fd, both, strlen(both)) == 0)
		return 0;
	error = errno;
	/* If that fails too, the next line begins behind it. */
	errno = ftruncate(fd, size) == -1 ? errno : error;
	return -1;
}

/* Is the file so large, or so old, that a new one is worth it? */
static bool
is_stale(struct buf *text, off_t size, int64_t now)
{
	const char *p = buf_str(text), *end = p + text->len;
	size_t lines = 0, expired = 0;
	struct line line;

	if (size > SEEN_FILE_MAX - LINE_SIZE)
		return true;
	while (next_line(&p, end, &line)) {
		lines++;
		expired += line.expires <= now;
	}
	return lines > FEW_LINES && expired > lines / 2;
}

int
seen_mark(const char *dir, const struct plan_mark *mark, int64_t now)
{
	int fd = open_locked(dir), r = -1, error;
	char line[LINE_SIZE];
	struct buf text;
	off_t size;

	if (fd == -1)
		return -1;
	write_line(line, mark);
	buf_init(&text, SEEN_FILE_MAX);
	if (read_file(fd, &text, &size) == 0)
		r = is_stale(&text, size, now) ?
		    replace_file(dir, &text, now, line) :
		    append_line(fd, &text, size, line);
	error = errno;
	buf_free(&text);
	close(fd);
	errno = error;
	return r;
}
