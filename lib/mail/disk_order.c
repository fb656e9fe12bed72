/* SPDX-License-Identifier: ISC
 *
 * See mail/disk_order.h.  What cannot be found out is answered with no.
 */
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mail/disk_order.h"
#include "system/fdio.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC	0x58465342
#endif

#define NOTES_MAX	16	/* file systems of the mailboxes of a process */

/* ext2, and ext4 made without one, have the same number.  The kernel tells of
 * each ext4 which thread writes its journal. */
static bool
has_journal(int fd)
{
	char path[64], disk[256], task[300], said[16];
	const char *name;
	struct stat st;
	ssize_t n;
	int f;

	if (fstat(fd, &st) == -1)
		return false;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u",
	    major(st.st_dev), minor(st.st_dev));
	n = readlink(path, disk, sizeof(disk) - 1);
	if (n <= 0)
		return false;
	disk[n] = '\0';
	name = strrchr(disk, '/');
	snprintf(task, sizeof(task), "/sys/fs/ext4/%s/journal_task",
	    name == NULL ? disk : name + 1);
	if ((f = open(task, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	n = fd_read_all(f, said, sizeof(said));
	close(f);
	return n > 0 && said[0] >= '0' && said[0] <= '9';
}

static bool
find_order(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) == -1)
		return false;
	switch ((unsigned long)fs.f_type) {
	case EXT4_SUPER_MAGIC:
		return has_journal(fd);
	case XFS_SUPER_MAGIC:
	case TMPFS_MAGIC:
		return true;
	}
	return false;
}

/* What was found out before the sandbox: more are asked again, and then the
 * answer is no. */
static struct {
	dev_t	dev;
	bool	ordered;
} notes[NOTES_MAX];
static size_t nnotes;

bool
disk_order(int fd)
{
	struct stat st;
	size_t i;

	if (nnotes > 0 && fstat(fd, &st) == 0)
		for (i = 0; i < nnotes; i++)
			if (notes[i].dev == st.st_dev)
				return notes[i].ordered;
	return find_order(fd);
}

void
disk_order_note(const char *folder)
{
	struct stat st;
	size_t i;
	int fd;

	if (stat(folder, &st) == -1)
		return;
	for (i = 0; i < nnotes; i++)
		if (notes[i].dev == st.st_dev)
			return;
	fd = nnotes == NOTES_MAX ? -1 :
	    open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return;
	notes[nnotes].dev = st.st_dev;
	notes[nnotes++].ordered = find_order(fd);
	close(fd);
}
