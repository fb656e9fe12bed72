/* SPDX-License-Identifier: ISC
 *
 * Listing a mailbox's folders.  Others rename files while they are listed, and
 * a file renamed during readdir(3) may not be seen at all: a message is
 * believed gone only when a second, undisturbed listing lacks it too.
 */
#include <sys/stat.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/mailbox_local.h"
#include "system/log.h"

#define LISTINGS_MAX	5	/* in one scan; then nothing is believed gone */
#define GRANULE_LOCAL	10000000LL	/* ns */
#define GRANULE_NETWORK	2000000000LL

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

int
mailbox_rename_file(int fromdir, const char *from, int todir, const char *to)
{
	struct stat st;

	if (renameat2(fromdir, from, todir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* Not on every network file system.  Names are unique, so only a
	 * copy made by hand could be in the way. */
	if (fstatat(todir, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(fromdir, from, todir, to);
}

/* ---- info strings ---- */

static size_t
info_place(char *const *infos, size_t cap, const char *info)
{
	size_t i, h = 5381;
	const char *p;

	for (p = info; *p != '\0'; p++)
		h = h * 33 + (unsigned char)*p;
	for (i = h & (cap - 1); infos[i] != NULL; i = (i + 1) & (cap - 1))
		if (strcmp(infos[i], info) == 0)
			break;
	return i;
}

static int
infos_grow(struct mailbox *mb)
{
	size_t i, cap = mb->infos_cap == 0 ? 64 : mb->infos_cap * 2;
	char **infos = calloc(cap, sizeof(*infos));

	if (infos == NULL)
		return -1;
	for (i = 0; i < mb->infos_cap; i++)
		if (mb->infos[i] != NULL)
			infos[info_place(infos, cap, mb->infos[i])] =
			    mb->infos[i];
	free(mb->infos);
	mb->infos = infos;
	mb->infos_cap = cap;
	return 0;
}

const char *
mailbox_info(struct mailbox *mb, const char *info)
{
	size_t at;

	if (*info == '\0')
		return "";
	if (mb->ninfos * 2 >= mb->infos_cap && infos_grow(mb) == -1)
		return NULL;
	at = info_place(mb->infos, mb->infos_cap, info);
	if (mb->infos[at] == NULL) {
		if ((mb->infos[at] = strdup(info)) == NULL)
			return NULL;
		mb->ninfos++;
	}
	return mb->infos[at];
}

void
mailbox_reflag(struct mailbox *mb)
{
	size_t i;
	int c;

	mb->known = MAILBOX_SYSTEM_FLAGS;
	for (c = 0; c < KEYWORDS_LETTERS; c++)
		if (mb->keywords.names[c] != NULL)
			mb->known |= MAILBOX_KEYWORD(c);
	for (i = 0; i < mb->list.n; i++)
		mb->list.v[i].flags = mb->known &
		    mailbox_file_flags(mb->list.v[i].info);
	mb->new_keywords = mb->untold = true;
}

/* ---- one file ---- */

static int
add_unknown(struct mailbox *mb, const char *name, size_t n, const char *info,
    unsigned char where, bool recent)
{
	struct mailbox_unknown *u;

	if (mailbox_grow(&mb->unknown, &mb->unknown_cap, mb->nunknown + 1,
	    sizeof(*mb->unknown)) == -1 ||
	    mailbox_grow(&mb->names, &mb->names_cap, mb->nnames + n + 1, 1) ==
	    -1)
		return -1;
	u = &mb->unknown[mb->nunknown++];
	u->name = mb->nnames;
	u->info = info;
	u->where = where;
	u->recent = recent;
	memcpy(mb->names + mb->nnames, name, n);
	mb->names[mb->nnames + n] = '\0';
	mb->nnames += n + 1;
	return 0;
}

/*
 * Two names of one base in cur.  Mostly it was renamed while we listed; two
 * files can only be a copy made by hand, which gets a name of its own.
 * Returns true when the second is the message's name.
 */
static bool
second_name(struct mailbox *mb, const struct uidlist_rec *rec,
    const char *name)
{
	char first[MAILBOX_FILE_MAX + 1], fresh[2 * MAILBOX_FILE_MAX];
	struct stat a, b;
	int dir = mailbox_rec_file(mb, rec, first);

	if (dir == -1 || fstatat(dir, first, &a, AT_SYMLINK_NOFOLLOW) == -1)
		return true;
	if (fstatat(mb->cur, name, &b, AT_SYMLINK_NOFOLLOW) == -1)
		return false;
	if ((a.st_ino == b.st_ino && a.st_dev == b.st_dev) ||
	    (mb->root->flags & MAILBOX_READONLY))
		return strcmp(name, first) > 0;
	mailbox_file_unique(fresh);
	strlcat(fresh, name + mailbox_file_base(name), sizeof(fresh));
	if (mailbox_rename_file(mb->cur, name, mb->cur, fresh) == 0)
		log_warn("mailbox-duplicate", "name=%s renamed=%s",
		    log_str(name), log_str(fresh));
	return false;
}

enum mailbox_status
mailbox_note(struct mailbox *mb, const char *name, unsigned char where,
    bool recent)
{
	size_t n = mailbox_file_base(name);
	const char *info = mailbox_info(mb, name + n);
	struct uidlist_rec *rec;

	if (info == NULL)
		return MAILBOX_TEMPORARY;
	rec = uidlist_find(&mb->list, name, n);
	if (rec == NULL || rec->gone)
		return add_unknown(mb, name, n, info, where, recent) == -1 ?
		    MAILBOX_TEMPORARY : MAILBOX_OK;
	if (rec->listing == mb->listing && rec->where == UIDLIST_CUR) {
		/* One in new with this name waits until it is moved. */
		if (where == UIDLIST_NEW)
			return MAILBOX_OK;
		if (rec->info != info && !second_name(mb, rec, name))
			return MAILBOX_OK;
	}
	rec->listing = mb->listing;
	rec->where = where;
	rec->recent |= recent;
	if (rec->info != info) {
		rec->info = info;
		rec->flags = mailbox_file_flags(info) & mb->known;
	}
	return MAILBOX_OK;
}

/* A new message becomes ours: into cur, with an info.  *name is replaced by
 * its new name.  False when another was faster. */
static bool
move_to_cur(struct mailbox *mb, const char *name, char *moved)
{
	strlcpy(moved, name, 2 * MAILBOX_FILE_MAX);
	if (name[mailbox_file_base(name)] == '\0')
		strlcat(moved, ":2,", 2 * MAILBOX_FILE_MAX);
	if (mailbox_rename_file(mb->new, name, mb->cur, moved) == 0)
		return true;
	if (errno != EEXIST && errno != ENAMETOOLONG)
		return false;
	mailbox_file_unique(moved);
	strlcat(moved, ":2,", 2 * MAILBOX_FILE_MAX);
	return mailbox_rename_file(mb->new, name, mb->cur, moved) == 0;
}

/* ---- folders ---- */

static bool
is_message(int dir, const struct dirent *e)
{
	struct stat st;

	if (!mailbox_file_ok(e->d_name)) {
		if (e->d_name[0] != '.')
			log_once("mailbox-name", "ignored=%s",
			    log_str(e->d_name));
		return false;
	}
	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_REG;
	return fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode);
}

static enum mailbox_status
note_entry(struct mailbox *mb, const char *name, unsigned char where,
    bool move_new)
{
	char moved[2 * MAILBOX_FILE_MAX];

	if (where == UIDLIST_CUR)
		return mailbox_note(mb, name, where, false);
	if (!move_new)
		return mailbox_note(mb, name, where, true);
	if (move_to_cur(mb, name, moved))
		return mailbox_note(mb, moved, UIDLIST_CUR, true);
	/* Gone already, or it has to stay where it is. */
	return errno == ENOENT ? MAILBOX_OK :
	    mailbox_note(mb, name, where, true);
}

static enum mailbox_status
list_folder(struct mailbox *mb, int dir, unsigned char where, bool move_new)
{
	enum mailbox_status status = MAILBOX_OK;
	struct dirent *e;
	DIR *d;
	int fd;

	if ((fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return mailbox_errno("opendir");
	if ((d = fdopendir(fd)) == NULL) {
		close(fd);
		return mailbox_errno("opendir");
	}
	while (status == MAILBOX_OK) {
		errno = 0;
		if ((e = readdir(d)) == NULL)
			break;
		if (is_message(dir, e))
			status = note_entry(mb, e->d_name, where, move_new);
	}
	if (status == MAILBOX_OK && errno != 0)
		status = mailbox_errno("readdir");
	closedir(d);
	return status;
}

/* ---- stamps ---- */

static void
take_stamp(const struct mailbox *mb, int dir, struct mailbox_stamp *stamp)
{
	long long granule = mb->root->network ? GRANULE_NETWORK :
	    GRANULE_LOCAL, age;
	struct timespec now;
	struct stat st;

	memset(stamp, 0, sizeof(*stamp));
	if (fstat(dir, &st) == -1)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	stamp->mtime = st.st_mtim;
	age = (long long)(now.tv_sec - st.st_mtim.tv_sec);
	if (age < 10)
		stamp->clean = age >= 0 && age * 1000000000LL + now.tv_nsec -
		    st.st_mtim.tv_nsec > granule;
	else
		stamp->clean = true;
}

static bool
stamp_holds(int dir, const struct mailbox_stamp *stamp)
{
	struct stat st;

	return fstat(dir, &st) == 0 && st.st_nlink != 0 &&
	    st.st_mtim.tv_sec == stamp->mtime.tv_sec &&
	    st.st_mtim.tv_nsec == stamp->mtime.tv_nsec;
}

bool
mailbox_unchanged(const struct mailbox *mb)
{
	return mb->loaded && mb->stamp_new.clean && mb->stamp_cur.clean &&
	    stamp_holds(mb->new, &mb->stamp_new) &&
	    stamp_holds(mb->cur, &mb->stamp_cur) &&
	    !uidlist_changed(&mb->list, mb->dir);
}

/* ---- the scan ---- */

/* A record whose file this scan has not met. */
static bool
is_missing(const struct mailbox *mb, const struct uidlist_rec *rec)
{
	return !rec->gone && !rec->superseded && rec->listing != mb->listing;
}

static size_t
count_missing(const struct mailbox *mb)
{
	size_t i, n = 0;

	for (i = 0; i < mb->list.n; i++)
		n += is_missing(mb, &mb->list.v[i]);
	return n;
}

static void
believe_gone(struct mailbox *mb)
{
	char name[MAILBOX_FILE_MAX + 1];
	struct uidlist_rec *rec;
	struct stat st;
	size_t i;
	int dir;

	for (i = 0; i < mb->list.n; i++) {
		rec = &mb->list.v[i];
		if (!is_missing(mb, rec))
			continue;
		dir = mailbox_rec_file(mb, rec, name);
		if (dir != -1 && fstatat(dir, name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		rec->gone = true;
		rec->where = UIDLIST_NOWHERE;
	}
}

enum mailbox_status
mailbox_scan(struct mailbox *mb, bool move_new)
{
	enum mailbox_status status;
	struct stat st;
	int i;

	if (fstat(mb->cur, &st) == -1 || st.st_nlink == 0)
		return MAILBOX_RESET;
	mb->nunknown = mb->nnames = 0;
	mb->untold = true;
	mb->listing++;
	for (i = 0; i < LISTINGS_MAX; i++) {
		take_stamp(mb, mb->new, &mb->stamp_new);
		status = list_folder(mb, mb->new, UIDLIST_NEW, move_new);
		if (status != MAILBOX_OK)
			return status;
		/* Taken after our own moves into it. */
		take_stamp(mb, mb->cur, &mb->stamp_cur);
		status = list_folder(mb, mb->cur, UIDLIST_CUR, false);
		if (status != MAILBOX_OK)
			return status;
		if (count_missing(mb) == 0)
			return MAILBOX_OK;
		if (i > 0 && stamp_holds(mb->new, &mb->stamp_new) &&
		    stamp_holds(mb->cur, &mb->stamp_cur)) {
			believe_gone(mb);
			return MAILBOX_OK;
		}
	}
	/* Too lively to tell what is gone: the next refresh looks again. */
	mb->stamp_cur.clean = false;
	return MAILBOX_OK;
}
