/* SPDX-License-Identifier: ISC
 *
 * See mail/subscriptions.h.  Lines that cannot be names here are kept in the
 * file and not told.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "bytes/buf.h"
#include "mail/mailbox_local.h"
#include "mail/subscriptions.h"
#include "system/fdio.h"

#define FILE_NAME	"subscriptions"
#define COURIER_NAME	"courierimapsubscribed"
#define COURIER_PREFIX	"INBOX."
#define VERSION_2	"V\t2\n\n"
#define SIZE_LIMIT	(1u << 20)

/* A file's contents; absent is MAILBOX_NONE. */
static enum mailbox_status
read_named(struct mailbox_root *root, const char *name, struct buf *b)
{
	enum mailbox_status status = MAILBOX_OK;
	ssize_t n;
	char *p;
	int fd;

	fd = openat(root->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	if (fd == -1)
		return mailbox_errno("open");
	for (;;) {
		if ((p = buf_reserve(b, 4096)) == NULL) {
			status = MAILBOX_LIMIT;
			break;
		}
		if ((n = fd_read_all(fd, p, 4096)) == -1)
			status = mailbox_errno("read");
		if (n <= 0)
			break;
		buf_commit(b, (size_t)n);
	}
	close(fd);
	return status;
}

/* Courier's form to our own: "INBOX.Sent" is Sent.  What is neither INBOX nor
 * in it is in another tree. */
static void
from_courier(const struct buf *courier, struct buf *b)
{
	const char *p = courier->data, *end = p + courier->len, *nl;
	const size_t prefix = strlen(COURIER_PREFIX);
	size_t n;

	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		n = (size_t)(nl - p);
		if (n > 0 && p[n - 1] == '\r')
			n--;
		if (n > prefix && strncasecmp(p, COURIER_PREFIX, prefix) == 0)
			buf_add(b, p + prefix, n - prefix);
		else if (n == prefix - 1 && strncasecmp(p, INBOX, n) == 0)
			buf_adds(b, INBOX);
		else
			continue;
		buf_addc(b, '\n');
	}
}

/* The names there are: without a file of our own Courier's, which is left as
 * it is.  None is empty. */
static enum mailbox_status
read_file(struct mailbox_root *root, struct buf *b)
{
	enum mailbox_status status = read_named(root, FILE_NAME, b);
	struct buf courier;

	if (status != MAILBOX_NONE)
		return status;
	buf_init(&courier, SIZE_LIMIT);
	status = read_named(root, COURIER_NAME, &courier);
	if (status == MAILBOX_OK && courier.len > 0)
		from_courier(&courier, b);
	buf_free(&courier);
	return status == MAILBOX_NONE ? MAILBOX_OK : status;
}

static bool
is_version2(const struct buf *b)
{
	return b->len >= strlen(VERSION_2) &&
	    memcmp(b->data, VERSION_2, strlen(VERSION_2)) == 0;
}

/* A line as a name into name[MAILBOX_NAME_MAX + 1]; false when it is none.  In
 * version 2 levels are separated by TAB, and octets that no name of ours can
 * have are escaped by \001. */
static bool
line_name(const char *p, size_t n, bool version2, char *name)
{
	char path[MAILBOX_NAME_MAX + 2];
	size_t i;

	if (n > MAILBOX_NAME_MAX || memchr(p, '\0', n) != NULL)
		return false;
	for (i = 0; i < n; i++)
		name[i] = version2 && p[i] == '\t' ? MAILBOX_DELIMITER : p[i];
	name[n] = '\0';
	if (mailbox_path(name, path) != MAILBOX_OK)
		return false;
	if (strcmp(path, ".") == 0)
		strlcpy(name, INBOX, MAILBOX_NAME_MAX + 1);
	return true;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
drop_doubles(struct mailbox_names *names)
{
	size_t i, n = 0;

	for (i = 0; i < names->n; i++) {
		if (n > 0 && strcmp(names->v[n - 1], names->v[i]) == 0)
			free(names->v[i]);
		else
			names->v[n++] = names->v[i];
	}
	names->n = n;
}

static int
parse(const struct buf *b, struct mailbox_names *names)
{
	bool version2 = is_version2(b);
	const char *p = b->data, *end = p + b->len, *nl;
	char name[MAILBOX_NAME_MAX + 1];
	size_t cap = 0;

	if (version2)
		p += strlen(VERSION_2);
	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		if (!line_name(p, (size_t)(nl - p), version2, name))
			continue;
		if (mailbox_grow(&names->v, &cap, names->n + 1,
		    sizeof(*names->v)) == -1 ||
		    (names->v[names->n] = strdup(name)) == NULL)
			return -1;
		names->n++;
	}
	if (names->n > 0)
		qsort(names->v, names->n, sizeof(*names->v), compare);
	drop_doubles(names);
	return 0;
}

enum mailbox_status
subscriptions_read(struct mailbox_root *root, struct mailbox_names *names)
{
	enum mailbox_status status;
	struct buf b;

	names->v = NULL;
	names->n = 0;
	if (root->mbox != NULL)
		return MAILBOX_OK;
	buf_init(&b, SIZE_LIMIT);
	status = read_file(root, &b);
	if (status == MAILBOX_OK && b.len > 0 && parse(&b, names) == -1) {
		mailbox_names_free(names);
		status = MAILBOX_TEMPORARY;
	}
	buf_free(&b);
	return status;
}

/* Copy old without the name's lines to new; whether there was one. */
static bool
copy_without(const struct buf *old, const char *name, struct buf *new)
{
	bool version2 = is_version2(old), found = false;
	const char *p = old->data, *end = p + old->len, *nl;
	char have[MAILBOX_NAME_MAX + 1];

	if (version2) {
		buf_adds(new, VERSION_2);
		p += strlen(VERSION_2);
	}
	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		if (line_name(p, (size_t)(nl - p), version2, have) &&
		    strcmp(have, name) == 0) {
			found = true;
			continue;
		}
		buf_add(new, p, (size_t)(nl - p));
		buf_addc(new, '\n');
	}
	return found;
}

static void
add_line(struct buf *b, const char *name, bool version2)
{
	for (; *name != '\0'; name++)
		buf_addc(b, version2 && *name == MAILBOX_DELIMITER ? '\t' :
		    *name);
	buf_addc(b, '\n');
}

/* What the file is to be; *changed tells whether it is anything new. */
static enum mailbox_status
make_new(struct mailbox_root *root, const char *name, bool subscribed,
    struct buf *new, bool *changed)
{
	enum mailbox_status status;
	struct buf old;
	bool found;

	buf_init(&old, SIZE_LIMIT);
	status = read_file(root, &old);
	if (status == MAILBOX_OK) {
		found = old.len > 0 && copy_without(&old, name, new);
		*changed = found != subscribed;
		if (subscribed)
			add_line(new, name, old.len > 0 &&
			    is_version2(&old));
		if (buf_failed(new))
			status = MAILBOX_LIMIT;
	}
	buf_free(&old);
	return status;
}

enum mailbox_status
subscriptions_set(struct mailbox_root *root, const char *given,
    bool subscribed)
{
	char name[MAILBOX_NAME_MAX + 1];
	struct mailbox_lock lock;
	enum mailbox_status status;
	bool changed = false;
	struct buf new;

	if (!line_name(given, strlen(given), false, name))
		return MAILBOX_BAD_NAME;
	if (root->mbox != NULL || (root->flags & MAILBOX_READONLY) != 0)
		return MAILBOX_NOT_PERMITTED;
	status = mailbox_lock(&lock, root->fd, FILE_NAME, root->file_mode);
	if (status != MAILBOX_OK)
		return status;
	buf_init(&new, SIZE_LIMIT);
	status = make_new(root, name, subscribed, &new, &changed);
	if (status == MAILBOX_OK && changed)
		status = mailbox_lock_replace(&lock, new.data, new.len);
	else
		mailbox_unlock(&lock);
	buf_free(&new);
	return status;
}
