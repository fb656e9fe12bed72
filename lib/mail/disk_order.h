/* SPDX-License-Identifier: ISC
 *
 * Whether a file system keeps what changes in order.
 */
#ifndef MAIL_DISK_ORDER_H
#define MAIL_DISK_ORDER_H

#include <stdbool.h>

/*
 * True where all changes of names and sizes are in one journal, in the order
 * they were made (ext4 with a journal, xfs; on tmpfs nothing outlives a power
 * cut): the sync of one file makes all that changed before it last as well,
 * names in any folder, and files whose octets have been written out.  Looks at
 * /sys: before the sandbox.
 */
bool	 disk_order(int fd);

/* Find that out for the file system of a folder, if it is there and may be
 * read, and remember it: disk_order() then knows behind the sandbox too. */
void	 disk_order_note(const char *folder);

#endif
