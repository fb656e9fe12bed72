/* SPDX-License-Identifier: ISC
 *
 * See mail/keywords.h.  It must never give a letter another meaning.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes/buf.h"
#include "grammar/chars.h"
#include "mail/keywords.h"
#include "mail/mailbox_lock.h"
#include "system/fdio.h"

#define FILE_MAX_SIZE	65536

void
keywords_free(struct keywords *k)
{
	int i;

	for (i = 0; i < MAILBOX_KEYWORDS_MAX; i++)
		free(k->names[i]);
	memset(k, 0, sizeof(*k));
}

/* Whether a name is a keyword IMAP can say: an atom (RFC 3501, section 9). */
static bool
name_ok(const char *s, size_t n)
{
	size_t i;

	if (n == 0 || n > KEYWORDS_NAME_MAX)
		return false;
	for (i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f ||
		    memchr("(){%*\"\\]", s[i], 8) != NULL)
			return false;
	return true;
}

/* line = index SP name; 0, or -1 no memory. */
static int
parse_line(struct keywords *k, const char *p, const char *end)
{
	int index = 0;

	if (p == end || *p < '0' || *p > '9')
		return 0;
	for (; p < end && *p >= '0' && *p <= '9'; p++)
		if ((index = index * 10 + (*p - '0')) >= KEYWORDS_LETTERS)
			return 0;
	if (p == end || *p++ != ' ' || !name_ok(p, (size_t)(end - p)) ||
	    k->names[index] != NULL)
		return 0;
	k->names[index] = strndup(p, (size_t)(end - p));
	return k->names[index] == NULL ? -1 : 0;
}

int
keywords_parse(struct keywords *k, const char *p, size_t n)
{
	const char *end = p + n, *nl;

	for (; (nl = memchr(p, '\n', (size_t)(end - p))) != NULL; p = nl + 1)
		if (parse_line(k, p, nl) == -1)
			return -1;
	return 0;
}

bool
keywords_name_ok(const char *name)
{
	return name_ok(name, strlen(name));
}

int
keywords_extra(struct keywords *k, int i, const char *name)
{
	if (i < KEYWORDS_LETTERS || i >= MAILBOX_KEYWORDS_MAX ||
	    k->names[i] != NULL || !keywords_name_ok(name))
		return 0;
	return (k->names[i] = strdup(name)) == NULL ? -1 : 1;
}

const char *
keywords_name(const struct keywords *k, int i)
{
	return i >= 0 && i < MAILBOX_KEYWORDS_MAX ? k->names[i] : NULL;
}

int
keywords_find(const struct keywords *k, const char *name)
{
	size_t n = strlen(name);
	int i;

	for (i = 0; i < MAILBOX_KEYWORDS_MAX; i++)
		if (k->names[i] != NULL && chars_is(name, n, k->names[i]))
			return i;
	return -1;
}

static bool
is_same(const struct keywords *k, const struct stat *st)
{
	return st->st_ino == k->ino &&
	    st->st_mtim.tv_sec == k->mtime.tv_sec &&
	    st->st_mtim.tv_nsec == k->mtime.tv_nsec;
}

static int
read_file(struct keywords *fresh, int fd, struct stat *st)
{
	char *text;
	ssize_t n;
	int r = -1;

	if ((text = malloc(FILE_MAX_SIZE)) == NULL)
		return -1;
	if (fstat(fd, st) == 0 &&
	    (n = fd_pread_all(fd, text, FILE_MAX_SIZE, 0)) != -1)
		r = keywords_parse(fresh, text, (size_t)n);
	free(text);
	return r;
}

int
keywords_read(struct keywords *k, int dir)
{
	struct keywords fresh = { 0 };
	struct stat st;
	int fd, r, i;

	if (fstatat(dir, KEYWORDS_FILE, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	if (is_same(k, &st))
		return 0;
	fd = openat(dir, KEYWORDS_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	r = read_file(&fresh, fd, &st);
	close(fd);
	if (r == -1) {
		keywords_free(&fresh);
		return -1;
	}
	for (i = KEYWORDS_LETTERS; i < MAILBOX_KEYWORDS_MAX; i++) {
		fresh.names[i] = k->names[i];
		k->names[i] = NULL;
	}
	keywords_free(k);
	*k = fresh;
	k->ino = st.st_ino;
	k->mtime = st.st_mtim;
	return 1;
}

/* A free letter: first among those that no file uses. */
static int
free_letter(const struct keywords *k, unsigned avoid)
{
	int i;

	for (i = 0; i < KEYWORDS_LETTERS; i++)
		if (k->names[i] == NULL && (avoid & 1u << i) == 0)
			return i;
	for (i = 0; i < KEYWORDS_LETTERS; i++)
		if (k->names[i] == NULL)
			return i;
	return -1;
}

/* All lines, with the new name at i. */
static int
make_file(const struct keywords *k, struct buf *b, int i, const char *name)
{
	int j;

	for (j = 0; j < KEYWORDS_LETTERS; j++)
		if (j == i || k->names[j] != NULL)
			buf_addf(b, "%d %s\n", j, j == i ? name :
			    k->names[j]);
	return buf_failed(b) ? -1 : 0;
}

enum mailbox_status
keywords_add(struct keywords *k, int dir, mode_t mode, const char *name,
    unsigned avoid, int *index)
{
	struct mailbox_lock lock;
	enum mailbox_status status;
	struct buf b;

	if (!keywords_name_ok(name))
		return MAILBOX_BAD_NAME;
	status = mailbox_lock(&lock, dir, KEYWORDS_FILE, mode);
	if (status != MAILBOX_OK)
		return status;
	if (keywords_read(k, dir) == -1) {
		status = mailbox_errno("read");
		goto out;
	}
	if ((*index = keywords_find(k, name)) != -1)
		goto out;
	if ((*index = free_letter(k, avoid)) == -1) {
		status = MAILBOX_LIMIT;
		goto out;
	}
	buf_init(&b, FILE_MAX_SIZE);
	if (make_file(k, &b, *index, name) == -1) {
		buf_free(&b);
		status = MAILBOX_LIMIT;
		goto out;
	}
	status = mailbox_lock_replace(&lock, b.data, b.len);
	buf_free(&b);
	if (status == MAILBOX_OK && keywords_read(k, dir) == -1)
		status = mailbox_errno("read");
	return status;
out:
	mailbox_unlock(&lock);
	return status;
}
