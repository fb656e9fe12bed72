/* SPDX-License-Identifier: ISC
 *
 * New messages in a mailbox, from the wire, staged in its tmp.  It must never
 * leave a file there.
 *
 * Syncs are what a message costs, so those of many are shared: all are on their
 * way to the disk before the first is waited for.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes/crlf.h"
#include "mail/mailbox_save.h"
#include "mail/mailbox_mbox.h"
#include "system/fdio.h"
#include "system/log.h"

enum mailbox_status
mailbox_save_begin(struct mailbox *mb, struct mailbox_save **savep)
{
	struct mailbox_save *save;
	enum mailbox_status status;

	*savep = NULL;
	if (mailbox_readonly(mb))
		return MAILBOX_NOT_PERMITTED;
	if ((save = calloc(1, sizeof(*save))) == NULL)
		return MAILBOX_TEMPORARY;
	save->mb = mb;
	save->fd = save->tmp = save->batch = -1;
	if (mb->mbox != NULL) {
		status = mbox_save_begin(mb->mbox, &save->mbox);
		if (status != MAILBOX_OK)
			free(save);
		else
			*savep = save;
		return status;
	}
	save->tmp = openat(mb->dir, "tmp", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC | O_NOFOLLOW);
	if (save->tmp == -1) {
		free(save);
		return mailbox_errno("open");
	}
	*savep = save;
	return MAILBOX_OK;
}

void
mailbox_save_moves(struct mailbox_save *save)
{
	save->moves = true;
}

void
mailbox_save_instead(struct mailbox_save *save, struct mailbox *from,
    uint32_t seq)
{
	char name[MAILBOX_FILE_MAX + 1];
	struct mailbox_rec r;
	int dir;

	if (save->mbox != NULL || from->mbox != NULL ||
	    !mailbox_has_quota(save->mb->root))
		return;
	mailbox_rec(from, from->view[seq - 1], &r);
	if (r.gone || (dir = mailbox_rec_file(from, &r, name)) == -1)
		return;
	save->credits = 1;
	mailbox_quota_size(dir, name, &save->credit);
}

int
mailbox_scratch(struct mailbox *mb)
{
	char name[MAILBOX_FILE_MAX + 1], path[MAILBOX_FILE_MAX + 8];
	int fd;

	if (mb->mbox != NULL || mailbox_readonly(mb))
		return -1;
	fd = openat(mb->dir, "tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd != -1 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	/* A file system that has no such thing, as NFS. */
	mailbox_file_unique(name);
	snprintf(path, sizeof(path), "tmp/%s", name);
	fd = openat(mb->dir, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (fd != -1)
		(void)unlinkat(mb->dir, path, 0);
	return fd;
}

/* The letters of flags, as the mailbox's names have them. */
struct mailbox_staged *
mailbox_stage(struct mailbox_save *save, mailbox_flags flags)
{
	struct mailbox_staged *s;

	if (mailbox_grow(&save->v, &save->cap, save->n + 1, sizeof(*save->v))
	    == -1) {
		save->status = MAILBOX_TEMPORARY;
		return NULL;
	}
	s = &save->v[save->n];
	s->dir = save->tmp;
	s->seq = s->saved = 0;
	s->tmp[0] = s->base[0] = s->info[0] = s->ext[0] = '\0';
	s->placed = false;
	if (flags != 0)
		mailbox_file_info(s->info, "", flags);
	s->keywords = flags & ~MAILBOX_FILE_FLAGS;
	return s;
}

/* ---- from the wire ---- */

enum mailbox_status
mailbox_save_start(struct mailbox_save *save, mailbox_flags flags, time_t date)
{
	struct mailbox_staged *s;

	if (save->mbox != NULL)
		return save->status = mbox_save_start(save->mbox, flags, date);
	if (save->status != MAILBOX_OK ||
	    (s = mailbox_stage(save, flags)) == NULL)
		return save->status;
	mailbox_file_unique(s->tmp);
	strlcpy(s->base, s->tmp, sizeof(s->base));
	if (save->credits == 0 && mailbox_has_quota(save->mb->root) &&
	    !mailbox_quota_room(save->mb->root, 1, save->n + 1))
		return save->status = MAILBOX_OVERQUOTA;
	save->fd = openat(save->tmp, s->tmp, O_WRONLY | O_CREAT | O_EXCL |
	    O_CLOEXEC, save->mb->root->file_mode);
	if (save->fd == -1)
		return save->status = mailbox_errno("create");
	save->n++;
	save->date = date;
	if (date != (time_t)-1)
		s->saved = (uint32_t)time(NULL);
	save->disk = save->wire = 0;
	memset(&save->to_disk, 0, sizeof(save->to_disk));
	memset(&save->to_wire, 0, sizeof(save->to_wire));
	return MAILBOX_OK;
}

static enum mailbox_status
write_block(struct mailbox_save *save, size_t n)
{
	save->disk += n;
	save->wire += n + crlf_wire_extra(&save->to_wire, save->block, n);
	if (fd_write_all(save->fd, save->block, n) == -1)
		save->status = mailbox_errno("write");
	return save->status;
}

enum mailbox_status
mailbox_save_write(struct mailbox_save *save, const void *data, size_t n)
{
	const char *p = data;
	size_t taken, made;

	if (save->mbox != NULL)
		return save->status = mbox_save_write(save->mbox, data, n);
	while (n > 0 && save->status == MAILBOX_OK) {
		taken = n;
		made = crlf_to_disk(&save->to_disk, p, &taken, save->block,
		    sizeof(save->block));
		p += taken;
		n -= taken;
		(void)write_block(save, made);
	}
	return save->status;
}

/* Where changes are kept in order the octets are enough: size and place,
 * changed by writing them out, come before the file's name and the UID list. */
int
mailbox_save_sync_file(const struct mailbox_save *save, int fd)
{
	if (!save->mb->root->ordered)
		return fsync(fd);
	return sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE |
	    SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}

/* A file whose sync has failed is never synced again and believed. */
void
mailbox_save_sync(struct mailbox_save *save)
{
	size_t i;
	int fd;

	for (i = 0; i < save->nunsynced; i++) {
		fd = save->unsynced[i];
		if (save->status == MAILBOX_OK && mailbox_save_sync_file(save,
		    fd) == -1)
			save->status = mailbox_errno("fsync");
		if (close(fd) == -1 && save->status == MAILBOX_OK)
			save->status = mailbox_errno("close");
	}
	save->nunsynced = 0;
}

/* The file is written.  When it is not the only one, begin to bring it to the
 * disk, so that one sync finds the places of all in one transaction. */
static void
sync_later(struct mailbox_save *save)
{
	if (save->n > 1)
		(void)sync_file_range(save->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	save->unsynced[save->nunsynced++] = save->fd;
	save->fd = -1;
	if (save->nunsynced == MAILBOX_UNSYNCED_MAX)
		mailbox_save_sync(save);
}

enum mailbox_status
mailbox_save_finish(struct mailbox_save *save)
{
	struct timespec times[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };

	if (save->mbox != NULL)
		return save->status = mbox_save_finish(save->mbox);
	if (save->status != MAILBOX_OK)
		return save->status;
	(void)write_block(save, crlf_to_disk_end(&save->to_disk,
	    save->block));
	if (save->date != (time_t)-1) {
		times[1].tv_sec = save->date;
		times[1].tv_nsec = 0;
	}
	if (save->status == MAILBOX_OK && futimens(save->fd, times) == -1)
		save->status = mailbox_errno("futimens");
	sync_later(save);
	mailbox_file_add_sizes(save->v[save->n - 1].base, save->disk,
	    save->wire);
	return save->status;
}
