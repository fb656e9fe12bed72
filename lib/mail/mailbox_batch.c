/* SPDX-License-Identifier: ISC
 *
 * Many files cannot be renamed at once.  So that a batch appears whole though
 * its writer dies among them, all names are in a file first, synced; who takes
 * the UID list's lock next and finds that file does what is left of it, or for
 * copies that were not staged removes those that are there.  It must never
 * remove a message.
 *
 *	written, not ended	no name was given yet: nothing is to be done
 *	ended			all files are synced, some have their names
 *	gone			all have, and their UIDs are on disk
 *
 * Its writer has it locked: of one who lives, whatever became of his lock on
 * the list, no copy is removed.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/mailbox_save.h"
#include "system/fdio.h"
#include "system/log.h"

#define BATCH_FILE	"stdmail.batch"
#define BATCH_END	"end\n"
#define BATCH_UNDO	"undo "
#define BLOCK		65536

static int
flush(int fd, struct buf *b, size_t least)
{
	int r;

	if (b->len < least)
		return 0;
	r = buf_failed(b) ? -1 : fd_write_all(fd, b->data, b->len);
	buf_reset(b);
	return r;
}

/* A line for each: where it goes, its name in tmp, the one it will have. */
static int
write_names(int fd, const struct mailbox_save *save)
{
	const struct mailbox_staged *s;
	struct buf b;
	size_t i;
	int r = 0;

	buf_init(&b, 2 * BLOCK);
	for (i = 0; i < save->n && r == 0; i++) {
		s = &save->v[i];
		buf_addf(&b, "%s %s %s%s\n", s->info[0] == '\0' ? "new" :
		    "cur", s->tmp, s->base, s->info);
		r = flush(fd, &b, BLOCK);
	}
	buf_adds(&b, BATCH_END);
	if (r == 0)
		r = flush(fd, &b, 0);
	buf_free(&b);
	return r == 0 ? mailbox_save_sync_file(save, fd) : -1;
}

/* Which list they would be in (0, none yet), and their names: they are to be
 * undone until they are in it. */
static int
write_series(int fd, const struct mailbox_save *save)
{
	char text[200];
	int n = snprintf(text, sizeof(text), BATCH_UNDO "%u %u %u %s\n"
	    BATCH_END, save->mb->list.fd == -1 ? 0 : save->mb->list.validity,
	    save->first, save->last, save->series);

	if (fd_write_all(fd, text, (size_t)n) == -1 ||
	    mailbox_save_sync_file(save, fd) == -1)
		return -1;
	/* Copies that outlive a power cut without it would stay. */
	return save->mb->root->ordered ? 0 : fsync(save->mb->dir);
}

static int
lock_whole(int fd, short type)
{
	struct flock whole = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &whole);
}

enum mailbox_status
mailbox_batch_begin(struct mailbox_save *save)
{
	int r, saved;

	/* What is taken is always in one of two places. */
	if (save->n < 2 || save->taking)
		return MAILBOX_OK;
	save->batch = openat(save->mb->dir, BATCH_FILE, O_WRONLY | O_CREAT |
	    O_EXCL | O_CLOEXEC | O_NOFOLLOW, save->mb->root->file_mode);
	if (save->batch == -1)
		return mailbox_errno("batch");
	(void)lock_whole(save->batch, F_WRLCK);
	r = save->from != NULL ? write_series(save->batch, save) :
	    write_names(save->batch, save);
	if (r == 0)
		return MAILBOX_OK;
	saved = errno;
	mailbox_batch_end(save);
	errno = saved;
	return mailbox_errno("batch");
}

void
mailbox_batch_end(struct mailbox_save *save)
{
	if (save->batch == -1)
		return;
	(void)unlinkat(save->mb->dir, BATCH_FILE, 0);
	close(save->batch);
	save->batch = -1;
}

/* ---- what another left ---- */

static bool
good_name(const char *name)
{
	return name != NULL && name[0] != '\0' && name[0] != '.' &&
	    strchr(name, '/') == NULL;
}

/* One line: false when it is none. */
static bool
place(const struct mailbox *mb, int tmp, char *line)
{
	char *rest = line, *where, *from, *to;
	int dir;

	where = strsep(&rest, " ");
	from = strsep(&rest, " ");
	to = strsep(&rest, "\n");
	if (!good_name(from) || !good_name(to))
		return false;
	dir = strcmp(where, "cur") == 0 ? mb->cur : mb->new;
	if (mailbox_rename_file(tmp, from, dir, to) == -1 && errno != ENOENT &&
	    errno != EEXIST)
		(void)mailbox_errno("batch");
	return true;
}

static bool
is_ended(FILE *f)
{
	char end[sizeof(BATCH_END)];

	return fseek(f, -(long)strlen(BATCH_END), SEEK_END) == 0 &&
	    fgets(end, sizeof(end), f) != NULL &&
	    strcmp(end, BATCH_END) == 0 && fseek(f, 0, SEEK_SET) == 0;
}

static void
place_all(const struct mailbox *mb, FILE *f)
{
	char line[2 * MAILBOX_FILE_MAX + 100];
	int tmp;

	tmp = openat(mb->dir, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    O_NOFOLLOW);
	if (tmp == -1)
		return;
	while (fgets(line, sizeof(line), f) != NULL &&
	    strcmp(line, BATCH_END) != 0 && place(mb, tmp, line))
		;
	if (fsync(mb->new) == -1 || fsync(mb->cur) == -1)
		(void)mailbox_errno("fsync");
	close(tmp);
}

/* ---- copies of another ---- */

struct undo {
	char	 series[MAILBOX_SERIES_MAX];
	unsigned validity, first, last;
	bool	 remove;	/* them; else see whether one is listed */
	bool	 listed;
};

static bool
is_of(const struct undo *u, const char *name)
{
	size_t n = strlen(u->series);
	unsigned long number;
	char *end;

	if (strncmp(name, u->series, n) != 0 || name[n] < '0' || name[n] > '9')
		return false;
	number = strtoul(name + n, &end, 10);
	return *end == '.' && number >= u->first && number <= u->last;
}

/* One that has no other name may be all that there is of its message. */
static void
remove_copy(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) && st.st_nlink > 1)
		(void)unlinkat(dir, name, 0);
}

/* False: not all were seen. */
static bool
each_copy(struct mailbox *mb, int folder, struct undo *u)
{
	struct dirent *e;
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);

	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return false;
	}
	while ((errno = 0, e = readdir(d)) != NULL) {
		if (!is_of(u, e->d_name))
			continue;
		if (u->remove)
			remove_copy(folder, e->d_name);
		else if (mailbox_place_of_name(mb, e->d_name,
		    mailbox_file_base(e->d_name)) != MAILBOX_NOPLACE)
			u->listed = true;
	}
	u->listed |= errno != 0;
	closedir(d);
	return true;
}

/*
 * The first line in the list is written when all have their names.  Where one
 * is there, or that cannot be known, or the writer lives, all stay.
 */
static void
undo(struct mailbox *mb, int fd, const char *line)
{
	struct undo u = { .remove = false };

	if (sscanf(line, BATCH_UNDO "%u %u %u %63s", &u.validity, &u.first,
	    &u.last, u.series) != 4 || lock_whole(fd, F_RDLCK) == -1 ||
	    mailbox_load(mb) != MAILBOX_OK || mb->list.damaged ||
	    mb->list.validity != u.validity ||
	    !each_copy(mb, mb->cur, &u) || !each_copy(mb, mb->new, &u) ||
	    u.listed)
		return;
	log_info("mailbox-batch", "undone=yes");
	u.remove = true;
	(void)each_copy(mb, mb->cur, &u);
	(void)each_copy(mb, mb->new, &u);
	if (fsync(mb->new) == -1 || fsync(mb->cur) == -1)
		(void)mailbox_errno("fsync");
}

/* ---- all of it ---- */

static void
recover(struct mailbox *mb, FILE *f)
{
	char line[200];

	if (!is_ended(f) || fgets(line, sizeof(line), f) == NULL)
		return;
	if (strncmp(line, BATCH_UNDO, strlen(BATCH_UNDO)) == 0) {
		undo(mb, fileno(f), line);
	} else if (fseek(f, 0, SEEK_SET) == 0) {
		log_info("mailbox-batch", "finished=yes");
		place_all(mb, f);
	}
}

bool
mailbox_batch_recover(struct mailbox *mb)
{
	FILE *f;
	int fd;

	fd = openat(mb->dir, BATCH_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	if (fd == -1)
		return false;
	if ((f = fdopen(fd, "r")) == NULL) {
		close(fd);
		return false;
	}
	recover(mb, f);
	fclose(f);
	(void)unlinkat(mb->dir, BATCH_FILE, 0);
	mailbox_distrust(mb);
	return true;
}
