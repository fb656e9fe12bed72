/* SPDX-License-Identifier: ISC
 *
 * Listing a mailbox's folders.  Others rename files while they are listed, and
 * a file renamed during readdir(3) may not be seen at all: a message is
 * believed gone only when a second, undisturbed listing lacks it too.  What is
 * found here becomes known in mailbox_commit().
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
#define SECOND		1000000000LL
#define BOTH		(1u << WHERE_NEW | 1u << WHERE_CUR)

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

long long mailbox_coarse_stamps;

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
	u->keywords = 0;
	u->saved = 0;
	memcpy(mb->names + mb->nnames, name, n);
	mb->names[mb->nnames + n] = '\0';
	mb->nnames += n + 1;
	return 0;
}

static bool
is_seen(const struct mailbox *mb, uint32_t place)
{
	return mb->seen != NULL &&
	    (mb->seen[place / 8] & 1u << place % 8) != 0;
}

/* What this scan has found of a record already, or NULL: it is as known. */
static struct mailbox_found *
find_found(const struct mailbox *mb, uint32_t place)
{
	size_t i;

	for (i = mb->nfound; i > 0; i--)
		if (mb->found[i - 1].place == place)
			return &mb->found[i - 1];
	return NULL;
}

static int
add_found(struct mailbox *mb, uint32_t place, unsigned char where,
    const char *info, bool recent)
{
	struct mailbox_found *f;

	if (mailbox_grow(&mb->found, &mb->found_cap, mb->nfound + 1,
	    sizeof(*mb->found)) == -1)
		return -1;
	f = &mb->found[mb->nfound++];
	f->place = place;
	f->info = info;
	f->where = where;
	f->recent = recent;
	return 0;
}

int
mailbox_note_gone(struct mailbox *mb, uint32_t place)
{
	return add_found(mb, place, WHERE_NOWHERE, "", false);
}

/*
 * Two names of one base in cur.  Mostly it was renamed while we listed; two
 * files can only be a copy made by hand, which gets a name of its own.
 * Returns true when the second is the message's name.
 */
static bool
second_name(struct mailbox *mb, const struct mailbox_rec *rec,
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

static enum mailbox_status
note_known(struct mailbox *mb, uint32_t place, const char *name,
    unsigned char where, bool recent)
{
	struct mailbox_found *f = NULL;
	const char *info = name + mailbox_file_base(name);
	struct mailbox_rec r;

	mailbox_rec(mb, place, &r);
	/* Without a listing, by an event, any may be its second name. */
	if (mb->seen == NULL || is_seen(mb, place)) {
		if ((f = find_found(mb, place)) != NULL) {
			r.where = f->where;
			r.info = f->info;
		}
		/* One in new with this name waits until it is moved. */
		if (r.where == WHERE_CUR && where == WHERE_NEW &&
		    mb->seen != NULL)
			return MAILBOX_OK;
		if (r.where == WHERE_CUR && where == WHERE_CUR &&
		    strcmp(r.info, info) != 0 && !second_name(mb, &r, name))
			return MAILBOX_OK;
	} else {
		mb->seen[place / 8] |= (unsigned char)(1u << place % 8);
	}
	if (r.where == where && strcmp(r.info, info) == 0 &&
	    (!recent || r.recent))
		return MAILBOX_OK;
	if ((info = mailbox_info(mb, info)) == NULL)
		return MAILBOX_TEMPORARY;
	if (f == NULL)
		return add_found(mb, place, where, info, recent) == -1 ?
		    MAILBOX_TEMPORARY : MAILBOX_OK;
	f->where = where;
	f->info = info;
	f->recent |= recent;
	return MAILBOX_OK;
}

enum mailbox_status
mailbox_note(struct mailbox *mb, const char *name, unsigned char where,
    bool recent)
{
	size_t n = mailbox_file_base(name);
	uint32_t place = mailbox_place_of_name(mb, name, n);
	const struct mailbox_own *o;
	struct mailbox_rec r;
	const char *info;

	if (place != MAILBOX_NOPLACE) {
		mailbox_rec(mb, place, &r);
		if (!r.gone)
			return note_known(mb, place, name, where, recent);
	}
	info = mailbox_info(mb, name + n);
	if (info == NULL || add_unknown(mb, name, n, info, where, recent) ==
	    -1)
		return MAILBOX_TEMPORARY;
	/* What no name says of it is kept under its new UID. */
	if (place != MAILBOX_NOPLACE &&
	    (o = mailbox_has_own(mb, place)) != NULL) {
		mb->unknown[mb->nunknown - 1].keywords = o->flags &
		    ~MAILBOX_FILE_FLAGS;
		mb->unknown[mb->nunknown - 1].saved = o->saved;
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

enum mailbox_status
mailbox_note_entry(struct mailbox *mb, const char *name, unsigned char where,
    bool move_new)
{
	char moved[2 * MAILBOX_FILE_MAX];

	if (where == WHERE_CUR)
		return mailbox_note(mb, name, where, false);
	if (!move_new)
		return mailbox_note(mb, name, where, true);
	if (move_to_cur(mb, name, moved)) {
		mb->stamp_cur.known = mb->stamp_cur.clean = false;
		return mailbox_note(mb, moved, WHERE_CUR, true);
	}
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
			status = mailbox_note_entry(mb, e->d_name, where,
			    move_new);
	}
	if (status == MAILBOX_OK && errno != 0)
		status = mailbox_errno("readdir");
	closedir(d);
	return status;
}

/* ---- stamps ---- */

static struct timespec
stamp_of(const struct stat *st)
{
	struct timespec t = st->st_mtim;

	if (mailbox_coarse_stamps != 0) {
		long long ns = t.tv_sec * SECOND + t.tv_nsec;

		ns -= ns % mailbox_coarse_stamps;
		t.tv_sec = (time_t)(ns / SECOND);
		t.tv_nsec = (long)(ns % SECOND);
	}
	return t;
}

void
mailbox_take_stamp(const struct mailbox *mb, int dir,
    struct mailbox_stamp *stamp)
{
	long long granule = mb->root->network ? GRANULE_NETWORK :
	    GRANULE_LOCAL, age;
	struct timespec now;
	struct stat st;

	memset(stamp, 0, sizeof(*stamp));
	if (fstat(dir, &st) == -1)
		return;
	if (granule < mailbox_coarse_stamps)
		granule = mailbox_coarse_stamps;
	clock_gettime(CLOCK_REALTIME, &now);
	stamp->mtime = stamp_of(&st);
	stamp->known = true;
	age = (long long)(now.tv_sec - stamp->mtime.tv_sec);
	if (age < 10)
		stamp->clean = age >= 0 && age * SECOND + now.tv_nsec -
		    stamp->mtime.tv_nsec > granule;
	else
		stamp->clean = true;
}

bool
mailbox_stamp_holds(int dir, const struct mailbox_stamp *stamp)
{
	struct timespec t;
	struct stat st;

	if (!stamp->known || fstat(dir, &st) == -1 || st.st_nlink == 0)
		return false;
	t = stamp_of(&st);
	return t.tv_sec == stamp->mtime.tv_sec &&
	    t.tv_nsec == stamp->mtime.tv_nsec;
}

void
mailbox_distrust(struct mailbox *mb)
{
	mb->stamp_new.known = mb->stamp_new.clean = false;
	mb->stamp_cur.known = mb->stamp_cur.clean = false;
	mb->watching = false;
}

/* ---- the scan ---- */

/* A record whose file this scan should have met and has not. */
static bool
is_missing(const struct mailbox *mb, uint32_t place, unsigned which)
{
	struct mailbox_rec r;

	if (is_seen(mb, place))
		return false;
	mailbox_rec(mb, place, &r);
	return !r.gone && (r.where == WHERE_NOWHERE ||
	    (which & 1u << r.where) != 0);
}

static size_t
count_missing(const struct mailbox *mb, unsigned which)
{
	uint32_t i, places = mailbox_places(mb);
	size_t n = 0;

	for (i = 0; i < places; i++)
		n += is_missing(mb, i, which);
	return n;
}

static enum mailbox_status
believe_gone(struct mailbox *mb, unsigned which)
{
	char name[MAILBOX_FILE_MAX + 1];
	uint32_t i, places = mailbox_places(mb);
	struct mailbox_rec r;
	struct stat st;
	int dir;

	for (i = 0; i < places; i++) {
		if (!is_missing(mb, i, which))
			continue;
		mailbox_rec(mb, i, &r);
		dir = mailbox_rec_file(mb, &r, name);
		if (dir != -1 && fstatat(dir, name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		if (mailbox_note_gone(mb, i) == -1)
			return MAILBOX_TEMPORARY;
	}
	return MAILBOX_OK;
}

static enum mailbox_status
list_once(struct mailbox *mb, unsigned which, bool move_new)
{
	enum mailbox_status status = MAILBOX_OK;

	if (which & 1u << WHERE_NEW) {
		mailbox_take_stamp(mb, mb->new, &mb->stamp_new);
		status = list_folder(mb, mb->new, WHERE_NEW, move_new);
	}
	if (status == MAILBOX_OK && (which & 1u << WHERE_CUR)) {
		/* Taken after our own moves into it. */
		mailbox_take_stamp(mb, mb->cur, &mb->stamp_cur);
		status = list_folder(mb, mb->cur, WHERE_CUR, false);
	}
	/* What was not seen whole has to be listed again. */
	if (status != MAILBOX_OK)
		mailbox_distrust(mb);
	return status;
}

static enum mailbox_status
scan(struct mailbox *mb, unsigned which, bool move_new)
{
	enum mailbox_status status;
	int i;

	for (i = 0; i < LISTINGS_MAX; i++) {
		status = list_once(mb, which, move_new);
		if (status != MAILBOX_OK)
			return status;
		if (count_missing(mb, which) == 0)
			return MAILBOX_OK;
		if (i > 0 && which == BOTH &&
		    mailbox_stamp_holds(mb->new, &mb->stamp_new) &&
		    mailbox_stamp_holds(mb->cur, &mb->stamp_cur))
			return believe_gone(mb, which);
		/* It may have gone to the other folder. */
		which = BOTH;
	}
	/* What is gone cannot be told: the next refresh looks again. */
	mb->too_lively = true;
	mb->stamp_cur.known = mb->stamp_cur.clean = false;
	return MAILBOX_OK;
}

enum mailbox_status
mailbox_scan(struct mailbox *mb, unsigned which, bool move_new)
{
	enum mailbox_status status;
	struct stat st;

	if (fstat(mb->cur, &st) == -1 || st.st_nlink == 0)
		return MAILBOX_RESET;
	mb->too_lively = false;
	mb->seen = calloc((size_t)mailbox_places(mb) / 8 + 1, 1);
	if (mb->seen == NULL)
		return MAILBOX_TEMPORARY;
	status = scan(mb, which, move_new);
	free(mb->seen);
	mb->seen = NULL;
	return status;
}
