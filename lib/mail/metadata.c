/* SPDX-License-Identifier: ISC
 *
 * See mail/metadata.h.  The file is
 *
 *	stdmail-metadata 1 LF
 *	*( name SP length LF octets LF )
 *	crc SP 8HEXDIG LF
 *
 * where the sum is over all lines before its own.  It must never be believed
 * in part: an entry that a client was told is set is there as it was set.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes/crc32.h"
#include "grammar/chars.h"
#include "mail/mailbox_local.h"
#include "mail/metadata.h"
#include "system/fdio.h"
#include "system/log.h"

#define MAGIC		"stdmail-metadata 1\n"
#define DAMAGED		".damaged"
enum { CRC_LINE = 13 };		/* "crc 01234567\n" */

/* ---- names ---- */

/* Levels of a name, or 0: it is none. */
static size_t
levels(const char *s, size_t n)
{
	size_t i, count = 0;

	if (n == 0 || n > METADATA_NAME_MAX || s[0] != '/' || s[n - 1] == '/')
		return 0;
	for (i = 0; i < n; i++) {
		if (s[i] < ' ' || s[i] > '~' || s[i] == '*' || s[i] == '%' ||
		    (s[i] == '/' && s[i + 1] == '/'))
			return 0;
		count += s[i] == '/';
	}
	return count;
}

bool
metadata_name_ok(const char *s, size_t n)
{
	static const struct {
		const char	*prefix;
		size_t		 levels;
	} rows[] = {
		/* What is longer stands first. */
		{ "/private/vendor", 4 }, { "/shared/vendor", 4 },
		{ "/private", 2 }, { "/shared", 2 },
	};
	size_t i, len, count = levels(s, n);

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		len = strlen(rows[i].prefix);
		if (n >= len && chars_is(s, len, rows[i].prefix) &&
		    (n == len || s[len] == '/'))
			return count >= rows[i].levels;
	}
	return false;
}

const struct metadata_entry *
metadata_find(const struct metadata *m, const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (chars_equal(m->v[i].name, m->v[i].name_len, name, n))
			return &m->v[i];
	return NULL;
}

/* ---- the file as octets ---- */

/* number = 1*5DIGIT, all of it. */
static int
get_number(const char *p, const char *end, size_t *to)
{
	*to = 0;
	if (p == end || end - p > 5)
		return -1;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return -1;
		*to = *to * 10 + (size_t)(*p - '0');
	}
	return *to > METADATA_VALUE_MAX ? -1 : 1;
}

/* name SP length LF octets LF; moves *p. */
static int
get_entry(const char **p, const char *end, struct metadata_entry *e)
{
	const char *nl = memchr(*p, '\n', (size_t)(end - *p)), *sp;

	if (nl == NULL || (sp = memrchr(*p, ' ', (size_t)(nl - *p))) == NULL)
		return -1;
	e->name = *p;
	e->name_len = (size_t)(sp - *p);
	e->value = nl + 1;
	if (!metadata_name_ok(e->name, e->name_len) ||
	    get_number(sp + 1, nl, &e->n) != 1 ||
	    e->n >= (size_t)(end - e->value) || e->value[e->n] != '\n')
		return -1;
	*p = e->value + e->n + 1;
	return 1;
}

static void
crc_line(const char *p, size_t n, char line[CRC_LINE + 1])
{
	snprintf(line, CRC_LINE + 1, "crc %08x\n", crc32_add(0, p, n));
}

static int
parse(struct metadata *m)
{
	const char *p = m->file.data, *end;
	char line[CRC_LINE + 1];

	if (m->file.len < strlen(MAGIC) + CRC_LINE ||
	    memcmp(p, MAGIC, strlen(MAGIC)) != 0)
		return -1;
	end = p + m->file.len - CRC_LINE;
	crc_line(p, (size_t)(end - p), line);
	if (memcmp(end, line, CRC_LINE) != 0)
		return -1;
	for (p += strlen(MAGIC); p < end; m->n++)
		if (m->n == METADATA_ENTRIES_MAX ||
		    get_entry(&p, end, &m->v[m->n]) != 1)
			return -1;
	return 1;
}

static void
put_entry(struct buf *b, const struct metadata_entry *e)
{
	buf_add(b, e->name, e->name_len);
	buf_addf(b, " %zu\n", e->n);
	buf_add(b, e->value, e->n);
	buf_addc(b, '\n');
}

/* ---- the file ---- */

/* Where the entries are: a descriptor of the folder, the caller's to close, and
 * the file's name there. */
static enum mailbox_status
open_folder(struct mailbox_root *root, const char *mailbox, int *dir,
    const char **name)
{
	bool server = mailbox == NULL || *mailbox == '\0';
	char path[MAILBOX_NAME_MAX + 2] = ".";
	enum mailbox_status status = MAILBOX_OK;

	*name = server ? METADATA_SERVER_FILE : METADATA_FILE;
	*dir = -1;
	if (!server && (status = mailbox_exists(root, mailbox)) == MAILBOX_OK)
		status = mailbox_path(mailbox, path);
	if (status != MAILBOX_OK)
		return status;
	/* The folder of an mbox is not the user's alone. */
	if (root->mbox != NULL)
		return MAILBOX_NOT_PERMITTED;
	*dir = openat(root->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *dir == -1 ? mailbox_errno("open") : MAILBOX_OK;
}

static enum mailbox_status
read_octets(int fd, struct buf *b)
{
	struct stat st;
	ssize_t n;
	char *p;

	if (fstat(fd, &st) == -1)
		return mailbox_errno("stat");
	if (!S_ISREG(st.st_mode) || st.st_size > METADATA_FILE_MAX)
		return MAILBOX_OK;	/* it will be found damaged */
	if ((p = buf_reserve(b, (size_t)st.st_size)) == NULL)
		return MAILBOX_TEMPORARY;
	if ((n = fd_read_all(fd, p, (size_t)st.st_size)) == -1)
		return mailbox_errno("read");
	buf_commit(b, (size_t)n);
	return MAILBOX_OK;
}

/* MAILBOX_EXISTS: there is a file, and it is damaged. */
static enum mailbox_status
read_file(int dir, const char *name, struct metadata *m)
{
	enum mailbox_status status;
	int fd;

	m->n = 0;
	buf_init(&m->file, METADATA_FILE_MAX);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1) {
		status = mailbox_errno("open");
		return status == MAILBOX_NONE ? MAILBOX_OK : status;
	}
	status = read_octets(fd, &m->file);
	close(fd);
	if (status == MAILBOX_OK && parse(m) == -1) {
		log_error("metadata-damaged", "file=%s", name);
		m->n = 0;
		status = MAILBOX_EXISTS;
	}
	return status;
}

enum mailbox_status
metadata_read(struct mailbox_root *root, const char *mailbox,
    struct metadata *m)
{
	enum mailbox_status status;
	const char *name;
	int dir;

	m->n = 0;
	buf_init(&m->file, METADATA_FILE_MAX);
	status = open_folder(root, mailbox, &dir, &name);
	if (status == MAILBOX_NOT_PERMITTED)
		return MAILBOX_OK;	/* an mbox has none */
	if (status != MAILBOX_OK)
		return status;
	status = read_file(dir, name, m);
	close(dir);
	return status == MAILBOX_EXISTS ? MAILBOX_OK : status;
}

void
metadata_free(struct metadata *m)
{
	buf_free(&m->file);
	m->n = 0;
}

/* ---- changes ---- */

/* Whether one of n changes is of the same name. */
static bool
among(const struct metadata_entry *e, const struct metadata_entry *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (chars_equal(v[i].name, v[i].name_len, e->name,
		    e->name_len))
			return true;
	return false;
}

static enum mailbox_status
check_change(const struct metadata_entry *v, size_t n)
{
	size_t i;

	/* More are no use, and each is compared with each. */
	if (n > METADATA_ENTRIES_MAX)
		return MAILBOX_LIMIT;
	for (i = 0; i < n; i++) {
		if (!metadata_name_ok(v[i].name, v[i].name_len))
			return MAILBOX_BAD_NAME;
		if (v[i].value != NULL && v[i].n > METADATA_VALUE_MAX)
			return MAILBOX_LIMIT;
	}
	return MAILBOX_OK;
}

/* The new file; how many entries it has. */
static size_t
make_new(const struct metadata *old, const struct metadata_entry *v, size_t n,
    struct buf *b)
{
	char line[CRC_LINE + 1];
	size_t i, count = 0;

	buf_adds(b, MAGIC);
	for (i = 0; i < old->n; i++)
		if (!among(&old->v[i], v, n)) {
			put_entry(b, &old->v[i]);
			count++;
		}
	for (i = 0; i < n; i++)
		if (v[i].value != NULL && !among(&v[i], v + i + 1,
		    n - i - 1)) {
			put_entry(b, &v[i]);
			count++;
		}
	crc_line(b->data, b->len, line);
	buf_add(b, line, CRC_LINE);
	return count;
}

/* Keep a damaged file for whoever wants to look at it. */
static void
put_aside(int dir, const char *name)
{
	char to[64];

	snprintf(to, sizeof(to), "%.50s" DAMAGED, name);
	(void)renameat(dir, name, dir, to);
}

/* Write the new file, or none when there is no entry; lets go of the lock. */
static enum mailbox_status
replace(struct mailbox_lock *lock, int dir, const char *name,
    const struct buf *b, size_t count)
{
	enum mailbox_status status = MAILBOX_OK;

	if (count > 0)
		return mailbox_lock_replace(lock, b->data, b->len);
	if ((unlinkat(dir, name, 0) == -1 && errno != ENOENT) ||
	    fsync(dir) == -1)
		status = mailbox_errno("unlink");
	mailbox_unlock(lock);
	return status;
}

/* With the folder open. */
static enum mailbox_status
change(struct mailbox_root *root, int dir, const char *name,
    const struct metadata_entry *v, size_t n)
{
	enum mailbox_status status;
	struct mailbox_lock lock;
	struct metadata *old;
	struct buf b;
	size_t count;

	if ((old = malloc(sizeof(*old))) == NULL)
		return MAILBOX_TEMPORARY;
	status = mailbox_lock(&lock, dir, name, root->file_mode);
	if (status != MAILBOX_OK) {
		free(old);
		return status;
	}
	buf_init(&b, METADATA_FILE_MAX);
	status = read_file(dir, name, old);
	if (status == MAILBOX_EXISTS) {
		put_aside(dir, name);
		status = MAILBOX_OK;
	}
	if (status == MAILBOX_OK) {
		count = make_new(old, v, n, &b);
		if (count > METADATA_ENTRIES_MAX || buf_failed(&b))
			status = MAILBOX_LIMIT;
	}
	if (status == MAILBOX_OK)
		status = replace(&lock, dir, name, &b, count);
	else
		mailbox_unlock(&lock);
	buf_free(&b);
	metadata_free(old);
	free(old);
	return status;
}

enum mailbox_status
metadata_change(struct mailbox_root *root, const char *mailbox,
    const struct metadata_entry *v, size_t n)
{
	enum mailbox_status status;
	const char *name;
	int dir;

	if ((status = check_change(v, n)) != MAILBOX_OK)
		return status;
	status = open_folder(root, mailbox, &dir, &name);
	if (status == MAILBOX_OK && (root->flags & MAILBOX_READONLY) != 0)
		status = MAILBOX_NOT_PERMITTED;
	if (status == MAILBOX_OK)
		status = change(root, dir, name, v, n);
	if (dir != -1)
		close(dir);
	return status;
}

/* ---- one entry ---- */

enum mailbox_status
metadata_get(struct mailbox_root *root, const char *mailbox,
    const char *entry, struct buf *value)
{
	const struct metadata_entry *e = NULL;
	enum mailbox_status status;
	struct metadata *m;

	if ((m = malloc(sizeof(*m))) == NULL)
		return MAILBOX_TEMPORARY;
	status = metadata_read(root, mailbox, m);
	if (status == MAILBOX_OK &&
	    (e = metadata_find(m, entry, strlen(entry))) == NULL)
		status = MAILBOX_NONE;
	if (e != NULL && buf_add(value, e->value, e->n) == -1)
		status = MAILBOX_TEMPORARY;
	metadata_free(m);
	free(m);
	return status;
}

enum mailbox_status
metadata_set(struct mailbox_root *root, const char *mailbox,
    const char *entry, const char *value)
{
	struct metadata_entry e = { .name = entry, .name_len = strlen(entry),
	    .value = value, .n = value == NULL ? 0 : strlen(value) };

	return metadata_change(root, mailbox, &e, 1);
}

enum mailbox_status
metadata_copy(struct mailbox_root *root, const char *from, const char *to)
{
	enum mailbox_status status;
	struct metadata *m;

	if ((m = malloc(sizeof(*m))) == NULL)
		return MAILBOX_TEMPORARY;
	status = metadata_read(root, from, m);
	if (status == MAILBOX_OK && m->n > 0)
		status = metadata_change(root, to, m->v, m->n);
	metadata_free(m);
	free(m);
	return status;
}
