/* SPDX-License-Identifier: ISC
 *
 * The tree of a user's mailboxes on disk: opening it, the names of its
 * folders, and the numbers that make each UIDVALIDITY the first of its kind.
 */
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "grammar/imap_mailbox.h"
#include "mail/disk_order.h"
#include "mail/mailbox_local.h"
#include "mail/mailbox_mbox.h"
#include "system/log.h"

#define UIDVALIDITY_FILE	"dovecot-uidvalidity."	/* and 8 hex digits */

/* ---- names ---- */

/* A name that could stand for a folder: whole levels of printable octets. */
static bool
name_usable(const char *name)
{
	size_t n = strlen(name), level = 0, depth = 1, i;

	if (n > MAILBOX_NAME_MAX)
		return false;
	for (i = 0; i < n; i++) {
		if (name[i] < ' ' || name[i] > '~' || name[i] == '/')
			return false;
		if (name[i] != MAILBOX_DELIMITER) {
			level++;
		} else {
			if (level == 0 || ++depth > MAILBOX_DEPTH_MAX)
				return false;
			level = 0;
		}
	}
	return level > 0;
}

bool
mailbox_name_ok(const char *name)
{
	return name_usable(name) && imap_mailbox_utf7(name, strlen(name));
}

/* NOTE: a folder whose name is no modified UTF-7 ("R&D", made by hand) is
 * listed and opened all the same; none is made. */
enum mailbox_status
mailbox_path(const char *name, char *path)
{
	size_t n = strlen(INBOX);

	if (strcasecmp(name, INBOX) == 0) {
		strlcpy(path, ".", MAILBOX_NAME_MAX + 2);
		return MAILBOX_OK;
	}
	if (!name_usable(name))
		return MAILBOX_BAD_NAME;
	snprintf(path, MAILBOX_NAME_MAX + 2, ".%s", name);
	if (strncasecmp(name, INBOX, n) == 0 && name[n] == MAILBOX_DELIMITER)
		memcpy(path + 1, INBOX, n);
	return MAILBOX_OK;
}

/* ---- opening ---- */

static bool
on_network(int fd)
{
	struct statfs st;

	if (fstatfs(fd, &st) == -1)
		return true;
	switch ((unsigned long)st.f_type) {
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case AFS_SUPER_MAGIC:
	case V9FS_MAGIC:
	case 0xff534d42ul:	/* CIFS */
	case 0xfe534d42ul:	/* SMB2 */
	case 0x00c36400ul:	/* Ceph */
	case 0x65735546ul:	/* FUSE, Gluster among them */
		return true;
	default:
		return false;
	}
}

/* mkdir -p, for the owner alone. */
static int
make_path(char *path)
{
	char *p;

	for (p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		if (mkdir(path, 0700) == -1 && errno != EEXIST) {
			*p = '/';
			return -1;
		}
		*p = '/';
	}
	return mkdir(path, 0700) == -1 && errno != EEXIST ? -1 : 0;
}

enum mailbox_status
mailbox_make_folders(const struct mailbox_root *root, int dir)
{
	static const char *const folders[] = { "tmp", "new", "cur" };
	struct stat st;
	size_t i;

	for (i = 0; i < 3; i++)
		if (fstatat(dir, folders[i], &st, 0) == -1 &&
		    mkdirat(dir, folders[i], root->dir_mode) == -1 &&
		    errno != EEXIST)
			return mailbox_errno("mkdir");
	return MAILBOX_OK;
}

static bool
is_maildir(int dir)
{
	struct stat st;

	return (fstatat(dir, "cur", &st, 0) == 0 && S_ISDIR(st.st_mode)) ||
	    (fstatat(dir, "new", &st, 0) == 0 && S_ISDIR(st.st_mode));
}

/* The path from "/", for inotify; NULL no memory. */
static char *
whole_path(const char *path)
{
	char cwd[PATH_MAX], *whole;

	if (*path == '/')
		return strdup(path);
	if (getcwd(cwd, sizeof(cwd)) == NULL ||
	    asprintf(&whole, "%s/%s", cwd, path) == -1)
		return NULL;
	return whole;
}

static enum mailbox_status
open_root(struct mailbox_root *root, const char *given)
{
	enum mailbox_status status;
	struct stat st;

	root->fd = open(root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root->fd == -1 && errno == ENOENT &&
	    (root->flags & MAILBOX_CREATE)) {
		if (make_path(root->path) == -1)
			return mailbox_errno("mkdir");
		root->fd = open(root->path, O_RDONLY | O_DIRECTORY |
		    O_CLOEXEC);
	}
	if (root->fd == -1 && errno == ENOTDIR) {
		/* With a slash behind it a file is not meant. */
		if (stat(given, &st) == -1)
			return MAILBOX_NONE;
		status = mailbox_mbox_root(root);
		root->network = root->fd == -1 || on_network(root->fd);
		return status;
	}
	if (root->fd == -1)
		return mailbox_errno("open");
	if (fstat(root->fd, &st) == -1)
		return mailbox_errno("stat");
	root->dir_mode = st.st_mode & 0777;
	root->file_mode = st.st_mode & 0666;
	root->network = on_network(root->fd);
	root->ordered = disk_order(root->fd);
	if (is_maildir(root->fd))
		return MAILBOX_OK;
	if ((root->flags & MAILBOX_CREATE) == 0)
		return MAILBOX_NONE;
	root->made = true;
	return mailbox_make_folders(root, root->fd);
}

bool
mailbox_root_made(const struct mailbox_root *root)
{
	return root->made;
}

enum mailbox_status
mailbox_root_open(const char *path, unsigned flags,
    struct mailbox_root **rootp)
{
	enum mailbox_status status;
	struct mailbox_root *root;
	size_t n;

	*rootp = NULL;
	if ((root = calloc(1, sizeof(*root))) == NULL)
		return MAILBOX_TEMPORARY;
	root->fd = root->inotify = root->signals = root->tree = -1;
	root->flags = flags;
	root->cache = -1;
	quota_init(&root->quota, -1, NULL);
	if ((root->path = whole_path(path)) == NULL) {
		status = MAILBOX_TEMPORARY;
	} else {
		n = strlen(root->path);
		while (n > 1 && root->path[n - 1] == '/')
			root->path[--n] = '\0';
		status = open_root(root, path);
	}
	if (status != MAILBOX_OK) {
		mailbox_root_close(root);
		return status;
	}
	quota_init(&root->quota, root->fd, NULL);
	*rootp = root;
	return MAILBOX_OK;
}

void
mailbox_root_close(struct mailbox_root *root)
{
	if (root == NULL)
		return;
	if (root->fd != -1)
		close(root->fd);
	if (root->inotify != -1)
		close(root->inotify);
	if (root->signals != -1)
		close(root->signals);
	if (root->cache != -1)
		close(root->cache);
	mailbox_mbox_root_close(root);
	free(root->path);
	free(root);
}

int
mailbox_root_fd(const struct mailbox_root *root)
{
	return root->fd;
}

/* ---- UIDVALIDITY ---- */

/* The greatest number among the files dovecot-uidvalidity.XXXXXXXX, 0 when
 * there is none. */
static uint32_t
last_uidvalidity(DIR *d)
{
	size_t n = strlen(UIDVALIDITY_FILE);
	uint32_t last = 0, v;
	struct dirent *e;
	char *end;

	while ((e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, UIDVALIDITY_FILE, n) != 0 ||
		    strlen(e->d_name) != n + 8)
			continue;
		v = (uint32_t)strtoul(e->d_name + n, &end, 16);
		if (*end == '\0' && v > last)
			last = v;
	}
	return last;
}

static void
uidvalidity_name(char *name, size_t size, uint32_t v)
{
	snprintf(name, size, UIDVALIDITY_FILE "%08x", v);
}

/* Take the number v: only one of many gets it. */
static int
take_uidvalidity(const struct mailbox_root *root, uint32_t last, uint32_t v)
{
	char from[40], to[40];
	int fd;

	uidvalidity_name(from, sizeof(from), last);
	uidvalidity_name(to, sizeof(to), v);
	if (last != 0)
		return mailbox_rename_file(root->fd, from, root->fd, to);
	fd = openat(root->fd, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    root->file_mode);
	return fd == -1 ? -1 : close(fd);
}

uint32_t
mailbox_new_uidvalidity(const struct mailbox_root *root)
{
	uint32_t last, v;
	DIR *d;
	int fd;

	for (;;) {
		fd = openat(root->fd, ".", O_RDONLY | O_DIRECTORY |
		    O_CLOEXEC);
		if (fd == -1 || (d = fdopendir(fd)) == NULL) {
			(void)mailbox_errno("opendir");
			if (fd != -1)
				close(fd);
			return 0;
		}
		last = last_uidvalidity(d);
		closedir(d);
		v = (uint32_t)time(NULL);
		if (v <= last)
			v = last + 1;
		if (take_uidvalidity(root, last, v) == 0)
			return v;
		/* Another was faster. */
		if (errno != ENOENT && errno != EEXIST) {
			(void)mailbox_errno("uidvalidity");
			return 0;
		}
	}
}
