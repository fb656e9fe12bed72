/* SPDX-License-Identifier: ISC
 *
 * Listing, making, removing and renaming mailboxes.  A mailbox is removed by
 * one rename to a name no mailbox has; its files follow.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "mail/mailbox_local.h"
#include "mail/mailbox_mbox.h"
#include "mail/metadata.h"
#include "system/log.h"

#define DELETED		"..stdmail-deleted."	/* and a unique name */
#define DELETED_DEPTH	4

/* ---- list ---- */

static DIR *
open_list(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    O_NOFOLLOW);
	DIR *d;

	if (fd == -1)
		return NULL;
	if ((d = fdopendir(fd)) == NULL)
		close(fd);
	return d;
}

static bool
has_messages(int dir, const char *folder, const char *sub)
{
	char path[MAILBOX_NAME_MAX + 8];
	struct stat st;

	snprintf(path, sizeof(path), "%.*s/%s", MAILBOX_NAME_MAX + 1, folder,
	    sub);
	return fstatat(dir, path, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static bool
folder_exists(const struct mailbox_root *root, const char *path)
{
	return has_messages(root->fd, path, "cur") ||
	    has_messages(root->fd, path, "new");
}

enum mailbox_status
mailbox_exists(struct mailbox_root *root, const char *name)
{
	char path[MAILBOX_NAME_MAX + 2];
	enum mailbox_status status = mailbox_path(name, path);

	if (root->mbox != NULL)
		return mailbox_mbox_exists(name);
	if (status == MAILBOX_OK && !folder_exists(root, path))
		status = MAILBOX_NONE;
	return status;
}

static int
add_name(struct mailbox_names *names, size_t *cap, const char *name)
{
	if (mailbox_grow(&names->v, cap, names->n + 1, sizeof(*names->v)) ==
	    -1 || (names->v[names->n] = strdup(name)) == NULL)
		return -1;
	names->n++;
	return 0;
}

static int
compare_names(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	bool inbox_x = strcmp(x, INBOX) == 0, inbox_y = strcmp(y, INBOX) == 0;

	if (inbox_x != inbox_y)
		return inbox_x ? -1 : 1;
	return strcmp(x, y);
}

/* The name of the mailbox that a folder of the root is, or NULL. */
static const char *
folder_name(const struct mailbox_root *root, const char *folder)
{
	char path[MAILBOX_NAME_MAX + 2];

	if (folder[0] != '.' || folder[1] == '.' || folder[1] == '\0')
		return NULL;
	if (mailbox_path(folder + 1, path) != MAILBOX_OK) {
		log_once("mailbox-name", "folder=%s", log_str(folder));
		return NULL;
	}
	/* ".inbox", ".Inbox.x": names that stand for another folder. */
	if (strcmp(path, folder) != 0 || !folder_exists(root, folder))
		return NULL;
	return folder + 1;
}

enum mailbox_status
mailbox_list(struct mailbox_root *root, struct mailbox_names *names)
{
	enum mailbox_status status = MAILBOX_TEMPORARY;
	struct dirent *e;
	const char *name;
	size_t cap = 0;
	DIR *d;

	names->v = NULL;
	names->n = 0;
	if (root->mbox != NULL)
		return mailbox_mbox_list(names);
	if ((d = open_list(root->fd, ".")) == NULL)
		return mailbox_errno("opendir");
	if (add_name(names, &cap, INBOX) == -1)
		goto fail;
	for (errno = 0; (e = readdir(d)) != NULL; errno = 0) {
		name = folder_name(root, e->d_name);
		if (name != NULL && add_name(names, &cap, name) == -1)
			goto fail;
	}
	if (errno != 0) {
		status = mailbox_errno("readdir");
		goto fail;
	}
	closedir(d);
	qsort(names->v, names->n, sizeof(*names->v), compare_names);
	return MAILBOX_OK;
fail:
	closedir(d);
	mailbox_names_free(names);
	return status;
}

void
mailbox_names_free(struct mailbox_names *names)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
	names->v = NULL;
	names->n = 0;
}

/* ---- create ---- */

static enum mailbox_status
make_mailbox(struct mailbox_root *root, const char *path)
{
	enum mailbox_status status;
	int dir, fd;

	if (mkdirat(root->fd, path, root->dir_mode) == -1 && errno != EEXIST)
		return mailbox_errno("mkdir");
	dir = openat(root->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return mailbox_errno("open");
	/* The sign of a Maildir++ folder, for delivery agents. */
	fd = openat(dir, "maildirfolder", O_WRONLY | O_CREAT | O_CLOEXEC,
	    root->file_mode);
	if (fd == -1) {
		status = mailbox_errno("create");
	} else {
		close(fd);
		status = mailbox_make_folders(root, dir);
	}
	close(dir);
	return status;
}

enum mailbox_status
mailbox_create(struct mailbox_root *root, const char *given)
{
	char name[MAILBOX_NAME_MAX + 2], path[MAILBOX_NAME_MAX + 2];
	enum mailbox_status status;
	size_t n = strlcpy(name, given, sizeof(name));

	if (n == 0 || n >= sizeof(name))
		return MAILBOX_BAD_NAME;
	/* RFC 3501, section 6.3.3: it says that children will follow. */
	if (name[n - 1] == MAILBOX_DELIMITER)
		name[n - 1] = '\0';
	if (!mailbox_name_ok(name) ||
	    (status = mailbox_path(name, path)) != MAILBOX_OK)
		return MAILBOX_BAD_NAME;
	if (root->mbox != NULL || (root->flags & MAILBOX_READONLY) != 0)
		return MAILBOX_NOT_PERMITTED;
	if (folder_exists(root, path))
		return MAILBOX_EXISTS;
	return make_mailbox(root, path);
}

/* ---- delete ---- */

static int
remove_tree(int at, const char *name, int depth)
{
	struct dirent *e;
	int r = 0;
	DIR *d;

	if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
		return 0;
	if ((errno != EISDIR && errno != EPERM) || depth == 0)
		return -1;
	if ((d = open_list(at, name)) == NULL)
		return -1;
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 &&
		    remove_tree(dirfd(d), e->d_name, depth - 1) == -1)
			r = -1;
	closedir(d);
	return unlinkat(at, name, AT_REMOVEDIR) == -1 ? -1 : r;
}

/* Ours, and what a crash left of others. */
static void
remove_deleted(struct mailbox_root *root)
{
	struct dirent *e;
	DIR *d = open_list(root->fd, ".");

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, DELETED, strlen(DELETED)) == 0 &&
		    remove_tree(root->fd, e->d_name, DELETED_DEPTH) == -1)
			(void)mailbox_errno("remove");
	closedir(d);
}

enum mailbox_status
mailbox_delete(struct mailbox_root *root, const char *name)
{
	char path[MAILBOX_NAME_MAX + 2], unique[MAILBOX_FILE_MAX + 1];
	char trash[MAILBOX_FILE_MAX + sizeof(DELETED)];
	enum mailbox_status status = mailbox_path(name, path);

	if (status != MAILBOX_OK)
		return MAILBOX_NONE;
	if (strcmp(path, ".") == 0 || root->mbox != NULL ||
	    (root->flags & MAILBOX_READONLY) != 0)
		return MAILBOX_NOT_PERMITTED;
	if (!folder_exists(root, path))
		return MAILBOX_NONE;
	mailbox_file_unique(unique);
	snprintf(trash, sizeof(trash), DELETED "%s", unique);
	if (renameat(root->fd, path, root->fd, trash) == -1)
		return mailbox_errno("rename");
	remove_deleted(root);
	mailbox_quota_recount(root);
	return MAILBOX_OK;
}

/* ---- rename ---- */

/* The new name of a mailbox of the tree `from`, or NULL when it is not in it;
 * to has room for 2 * MAILBOX_NAME_MAX. */
static const char *
renamed(const char *name, const char *from, const char *to, char *result)
{
	size_t n = strlen(from);

	if (strncmp(name, from, n) != 0 ||
	    (name[n] != '\0' && name[n] != MAILBOX_DELIMITER))
		return NULL;
	snprintf(result, 2 * MAILBOX_NAME_MAX, "%s%s", to, name + n);
	return result;
}

static enum mailbox_status
rename_one(struct mailbox_root *root, const char *from, const char *to)
{
	char a[MAILBOX_NAME_MAX + 2], b[MAILBOX_NAME_MAX + 2];

	if (mailbox_path(from, a) != MAILBOX_OK ||
	    mailbox_path(to, b) != MAILBOX_OK)
		return MAILBOX_BAD_NAME;
	return mailbox_rename_file(root->fd, a, root->fd, b) == -1 ?
	    mailbox_errno("rename") : MAILBOX_OK;
}

/* May the tree be renamed?  Looked at as a whole before anything is done. */
static enum mailbox_status
check_rename(struct mailbox_root *root, const struct mailbox_names *names,
    const char *from, const char *to)
{
	char result[2 * MAILBOX_NAME_MAX];
	enum mailbox_status status;
	size_t i, found = 0;

	for (i = 0; i < names->n; i++) {
		if (strcmp(names->v[i], INBOX) == 0 ||
		    renamed(names->v[i], from, to, result) == NULL)
			continue;
		found++;
		status = mailbox_exists(root, result);
		if (status != MAILBOX_NONE)
			return status == MAILBOX_OK ? MAILBOX_EXISTS : status;
	}
	return found == 0 ? MAILBOX_NONE : MAILBOX_OK;
}

static enum mailbox_status
rename_tree(struct mailbox_root *root, const struct mailbox_names *names,
    const char *from, const char *to)
{
	char result[2 * MAILBOX_NAME_MAX];
	enum mailbox_status status = MAILBOX_OK;
	size_t i;

	for (i = 0; i < names->n && status == MAILBOX_OK; i++)
		if (strcmp(names->v[i], INBOX) != 0 &&
		    renamed(names->v[i], from, to, result) != NULL)
			status = rename_one(root, names->v[i], result);
	if (status == MAILBOX_OK)
		return status;
	/* The last one failed: those before go back. */
	for (i--; i-- > 0;)
		if (strcmp(names->v[i], INBOX) != 0 &&
		    renamed(names->v[i], from, to, result) != NULL)
			(void)rename_one(root, result, names->v[i]);
	return status;
}

/* RFC 3501, section 6.3.5: its messages move, it stays; so do its annotations,
 * which the other gets as well (RFC 5464, section 4.1). */
static enum mailbox_status
rename_inbox(struct mailbox_root *root, const char *to)
{
	struct mailbox *inbox = NULL, *target = NULL;
	struct mailbox_save *save = NULL;
	enum mailbox_status status;
	uint32_t seq, *seqs = NULL;

	if ((status = mailbox_create(root, to)) != MAILBOX_OK)
		return status;
	if ((status = metadata_copy(root, INBOX, to)) != MAILBOX_OK ||
	    (status = mailbox_open(root, INBOX, 0, &inbox)) != MAILBOX_OK ||
	    (status = mailbox_open(root, to, 0, &target)) != MAILBOX_OK ||
	    (status = mailbox_refresh(inbox, 0, NULL)) != MAILBOX_OK)
		goto out;
	seqs = calloc((size_t)mailbox_count(inbox) + 1, sizeof(*seqs));
	if (seqs == NULL) {
		status = MAILBOX_TEMPORARY;
		goto out;
	}
	if ((status = mailbox_save_begin(target, &save)) != MAILBOX_OK)
		goto out;
	mailbox_save_moves(save);
	for (seq = 1; seq <= mailbox_count(inbox); seq++) {
		seqs[seq - 1] = seq;
		status = mailbox_save_copy(save, inbox, seq);
		if (status != MAILBOX_OK && status != MAILBOX_NONE) {
			mailbox_save_abort(save);
			goto out;
		}
	}
	if ((status = mailbox_save_commit(save, NULL)) != MAILBOX_OK)
		goto out;
	(void)mailbox_expunge(inbox, seqs, mailbox_count(inbox), false);
out:
	free(seqs);
	mailbox_close(inbox);
	mailbox_close(target);
	if (status != MAILBOX_OK)
		(void)mailbox_delete(root, to);
	return status;
}

enum mailbox_status
mailbox_rename(struct mailbox_root *root, const char *from, const char *to)
{
	struct mailbox_names names;
	enum mailbox_status status;
	char result[2 * MAILBOX_NAME_MAX];

	if (!mailbox_name_ok(to) || strlen(from) > MAILBOX_NAME_MAX)
		return MAILBOX_BAD_NAME;
	if (root->mbox != NULL || (root->flags & MAILBOX_READONLY) != 0)
		return MAILBOX_NOT_PERMITTED;
	if (mailbox_exists(root, to) == MAILBOX_OK)
		return MAILBOX_EXISTS;
	if (strcasecmp(from, INBOX) == 0)
		return rename_inbox(root, to);
	/* Into itself. */
	if (renamed(to, from, from, result) != NULL)
		return MAILBOX_NOT_PERMITTED;
	if ((status = mailbox_list(root, &names)) != MAILBOX_OK)
		return status;
	status = check_rename(root, &names, from, to);
	if (status == MAILBOX_OK)
		status = rename_tree(root, &names, from, to);
	mailbox_names_free(&names);
	return status;
}
