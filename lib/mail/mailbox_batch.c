/* SPDX-License-Identifier: ISC
 *
 * Many files cannot be renamed at once.  So that a batch appears whole though
 * its writer dies among them, all names are in a file first, synced; who takes
 * the UID list's lock next and finds that file does what is left of it.  It
 * must never remove a message.
 *
 *	written, not ended	no name was given yet: nothing is to be done
 *	ended			all files are synced, some have their names
 *	gone			all have, and their UIDs are on disk
 */
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

enum mailbox_status
mailbox_batch_begin(const struct mailbox_save *save)
{
	int fd, r, saved;

	if (save->n < 2)
		return MAILBOX_OK;
	fd = openat(save->mb->dir, BATCH_FILE, O_WRONLY | O_CREAT | O_EXCL |
	    O_CLOEXEC | O_NOFOLLOW, save->mb->root->file_mode);
	if (fd == -1)
		return mailbox_errno("batch");
	r = write_names(fd, save);
	saved = errno;
	if (close(fd) == -1 && r == 0)
		r = -1;
	else
		errno = saved;
	if (r == 0)
		return MAILBOX_OK;
	saved = errno;
	mailbox_batch_end(save);
	errno = saved;
	return mailbox_errno("batch");
}

void
mailbox_batch_end(const struct mailbox_save *save)
{
	if (save->n >= 2)
		(void)unlinkat(save->mb->dir, BATCH_FILE, 0);
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
	if (is_ended(f)) {
		log_info("mailbox-batch", "finished=yes");
		place_all(mb, f);
	}
	fclose(f);
	(void)unlinkat(mb->dir, BATCH_FILE, 0);
	mailbox_distrust(mb);
	return true;
}
