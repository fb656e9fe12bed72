/* SPDX-License-Identifier: ISC
 *
 * The spool's folders: open, make, check.  It must never make the top folder
 * itself: a spool that is not mounted would be filled behind the mount.
 */
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mail/spool_local.h"
#include "system/log.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC	0x58465342
#endif

#define NODE_RESERVE	16	/* inodes and */
#define ROOM_RESERVE	(1u << 20)	/* octets that stay free */

/* Who a folder belongs to, when we are root. */
enum folder_owner { BY_ROOT, BY_MAIL, BY_SPOOL };

struct folder {
	const char		*name;
	size_t			 offset;	/* of its descriptor; 0: none */
	enum folder_owner	 owner;
	mode_t			 mode;		/* as root; else 0700 */
	bool			 late;		/* older spools lack it */
};

#define AT(field)	offsetof(struct spool, field)

static const struct folder folders[] = {
	{ "tmp", AT(tmp), BY_ROOT, 03770 },
	{ "local", 0, BY_ROOT, 0750 },
	{ "local/now", AT(now[SPOOL_LOCAL]), BY_MAIL, 02770 },
	{ "local/later", AT(later[SPOOL_LOCAL]), BY_MAIL, 02770 },
	{ "local/env", AT(env[SPOOL_LOCAL]), BY_MAIL, 02770 },
	{ "local/held", AT(held[SPOOL_LOCAL]), BY_MAIL, 02770, true },
	{ "remote", 0, BY_ROOT, 0750 },
	{ "remote/now", AT(now[SPOOL_REMOTE]), BY_SPOOL, 02770 },
	{ "remote/later", AT(later[SPOOL_REMOTE]), BY_SPOOL, 02770 },
	{ "remote/env", AT(env[SPOOL_REMOTE]), BY_SPOOL, 02770 },
	{ "remote/held", AT(held[SPOOL_REMOTE]), BY_SPOOL, 02770, true },
	{ "remote/tls", 0, BY_SPOOL, 02750, true },
};
#define NFOLDERS	(sizeof(folders) / sizeof(folders[0]))

static int *
descriptor(struct spool *sp, const struct folder *f)
{
	return (int *)(void *)((char *)sp + f->offset);
}

static uid_t
folder_uid(const struct spool *sp, const struct folder *f)
{
	switch (f->owner) {
	case BY_ROOT:
		return 0;
	case BY_MAIL:
		return sp->owner[SPOOL_LOCAL];
	case BY_SPOOL:
		return sp->owner[SPOOL_REMOTE];
	}
	return 0;
}

/* The accounts, which matter only to root; else all of them are us. */
static int
find_owners(struct spool *sp, const struct settings *s, char *error)
{
	const char *name[SPOOL_QUEUES] = { s->mail_user, s->spool_user };
	struct passwd *pw;
	int q;

	sp->uid = geteuid();
	sp->owner[SPOOL_LOCAL] = sp->owner[SPOOL_REMOTE] = sp->uid;
	sp->group = getegid();
	if (sp->uid != 0)
		return 0;
	for (q = 0; q < SPOOL_QUEUES; q++) {
		if ((pw = getpwnam(name[q])) == NULL) {
			snprintf(error, CONF_ERROR_MAX, "%s: there is no "
			    "account %s", q == SPOOL_LOCAL ? "mail_user" :
			    "spool_user", log_str(name[q]));
			return -1;
		}
		sp->owner[q] = pw->pw_uid;
		if (q == SPOOL_REMOTE)
			sp->group = pw->pw_gid;
	}
	return 0;
}

/* Make a folder; another process may do so at the same time. */
static int
make_folder(const struct spool *sp, const struct folder *f)
{
	if (mkdirat(sp->root, f->name, 0700) == -1)
		return errno == EEXIST ? 0 : -1;
	if (sp->uid != 0)
		return 0;
	if (fchownat(sp->root, f->name, folder_uid(sp, f), sp->group,
	    AT_SYMLINK_NOFOLLOW) == -1 ||
	    fchmodat(sp->root, f->name, f->mode, 0) == -1)
		return -1;
	return 0;
}

static int
open_folder(const struct spool *sp, const struct folder *f)
{
	int fd, flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

	fd = openat(sp->root, f->name, flags);
	if (fd == -1 && errno == ENOENT && make_folder(sp, f) == 0)
		fd = openat(sp->root, f->name, flags);
	return fd;
}

/* Must a folder be synced too, to carry a new name in it, besides the file?
 * Not on those known to write both (ext4, xfs, btrfs), or the name at once
 * (NFS), or nothing ever (tmpfs). */
static bool
syncs_names(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) == -1)
		return true;
	switch ((unsigned long)fs.f_type) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case NFS_SUPER_MAGIC:
	case TMPFS_MAGIC:
	case RAMFS_MAGIC:
		return false;
	}
	return true;
}

int
spool_open(struct spool *sp, const struct settings *s, char *error)
{
	const char *folder = "";
	size_t i;
	int fd;

	memset(sp, 0, sizeof(*sp));
	sp->root = -1;
	for (i = 0; i < NFOLDERS; i++)
		if (folders[i].offset != 0)
			*descriptor(sp, &folders[i]) = -1;
	if (find_owners(sp, s, error) == -1)
		return -1;
	spool_safe_host(sp->host, sizeof(sp->host), s->hostname);
	if (strlcpy(sp->path, s->spool, sizeof(sp->path)) >=
	    sizeof(sp->path)) {
		errno = ENAMETOOLONG;
		goto fail;
	}
	sp->root = open(s->spool, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (sp->root == -1)
		goto fail;
	sp->sync_names = syncs_names(sp->root);
	for (i = 0; i < NFOLDERS; i++) {
		if ((fd = open_folder(sp, &folders[i])) == -1 &&
		    !folders[i].late) {
			folder = folders[i].name;
			goto fail;
		}
		if (folders[i].offset != 0)
			*descriptor(sp, &folders[i]) = fd;
		else
			close(fd);
	}
	return 0;
fail:
	snprintf(error, CONF_ERROR_MAX, "spool %.300s%s%s: %s", s->spool,
	    *folder == '\0' ? "" : "/", folder, strerror(errno));
	spool_close(sp);
	return -1;
}

void
spool_close(struct spool *sp)
{
	size_t i;

	for (i = 0; i < NFOLDERS; i++)
		if (folders[i].offset != 0 &&
		    *descriptor(sp, &folders[i]) != -1) {
			close(*descriptor(sp, &folders[i]));
			*descriptor(sp, &folders[i]) = -1;
		}
	if (sp->root != -1)
		close(sp->root);
	sp->root = -1;
}

/* What is wrong with a folder that is there; NULL nothing. */
static const char *
folder_fault(const struct spool *sp, const struct folder *f,
    const struct stat *st)
{
	if (!S_ISDIR(st->st_mode))
		return "is not a folder";
	if (sp->uid != 0)
		return faccessat(sp->root, f->name, f->offset == 0 ? X_OK :
		    W_OK | X_OK, AT_EACCESS) == -1 ? "is not writable" : NULL;
	if (st->st_uid != folder_uid(sp, f))
		return "has the wrong owner";
	if (st->st_gid != sp->group)
		return "has the wrong group";
	if ((st->st_mode & 07777) != f->mode)
		return "has the wrong mode";
	return NULL;
}

int
spool_check(const struct settings *s, char *error)
{
	struct spool sp = { .root = -1 };
	const char *fault, *folder = "";
	struct stat st;
	size_t i;
	int r = -1;

	if (find_owners(&sp, s, error) == -1)
		return -1;
	sp.root = open(s->spool, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (sp.root == -1) {
		fault = strerror(errno);
		goto out;
	}
	for (i = 0; i < NFOLDERS; i++) {
		folder = folders[i].name;
		if (fstatat(sp.root, folder, &st, AT_SYMLINK_NOFOLLOW) == 0)
			fault = folder_fault(&sp, &folders[i], &st);
		else if (errno == ENOENT && (folders[i].late ||
		    faccessat(sp.root, ".", W_OK | X_OK, AT_EACCESS) == 0))
			fault = NULL;	/* spool_open() will make it */
		else
			fault = strerror(errno);
		if (fault != NULL)
			goto out;
	}
	r = 0;
out:
	if (r == -1)
		snprintf(error, CONF_ERROR_MAX, "spool %.300s%s%s: %s",
		    s->spool, *folder == '\0' ? "" : "/", folder, fault);
	if (sp.root != -1)
		close(sp.root);
	return r;
}

int
spool_room(const struct spool *sp, uint64_t n)
{
	struct statvfs v;

	if (fstatvfs(sp->tmp, &v) == -1)
		return -1;
	/* A file system without a fixed number of inodes says 0 of 0. */
	if (v.f_files != 0 && v.f_favail < NODE_RESERVE)
		return 0;
	return v.f_frsize == 0 ||
	    v.f_bavail >= (n + ROOM_RESERVE) / v.f_frsize + 1;
}

DIR *
spool_opendir(const struct spool *sp, int fd, const char *path)
{
	struct spool_as as;
	struct stat st;
	DIR *dir;
	int real;

	if (fstat(fd, &st) == -1 || spool_as(&as, st.st_uid, sp->group) == -1)
		return NULL;
	real = openat(fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	spool_as_end(&as);
	if (real == -1)
		return NULL;
	if ((dir = fdopendir(real)) == NULL)
		close(real);
	return dir;
}

int
spool_sync_dir(int fd, const char *path)
{
	int real, r;

	real = openat(fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (real == -1)
		return -1;
	r = fsync(real);
	close(real);
	return r;
}
