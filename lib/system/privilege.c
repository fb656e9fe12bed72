/* SPDX-License-Identifier: ISC
 *
 * Giving up root, for good or for a while.  It never succeeds by half: when
 * anything fails, so does the whole, and the caller ends.
 */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <unistd.h>

#include "system/privilege.h"

int
privilege_drop(uid_t uid, gid_t gid)
{
	if (geteuid() != 0)
		return 0;
	if (uid == 0) {
		errno = EPERM;
		return -1;
	}
	if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		return -1;
	if (setuid(0) != -1) {		/* must not be possible */
		errno = EPERM;
		return -1;
	}
	return 0;
}

int
privilege_lend(uid_t uid, gid_t gid)
{
	if (getuid() != 0 || uid == 0) {
		errno = EPERM;
		return -1;
	}
	if (setegid(gid) == 0 && seteuid(uid) == 0)
		return 0;
	privilege_back();
	return -1;
}

void
privilege_back(void)
{
	int saved = errno;

	if (seteuid(0) == -1 || setegid(getgid()) == -1)
		abort();
	errno = saved;
}
