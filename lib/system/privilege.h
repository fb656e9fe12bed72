/* SPDX-License-Identifier: ISC
 *
 * Giving up root, for good or for a while.
 */
#ifndef SYSTEM_PRIVILEGE_H
#define SYSTEM_PRIVILEGE_H

#include <sys/types.h>

/*
 * Become this user and group, with no further groups, real, effective and
 * saved.  Who is not root stays who it is, and that is success.  0, or -1
 * with errno, also for uid 0: the caller must then end.
 */
int	 privilege_drop(uid_t, gid_t);

/*
 * For a while: root, who has no further groups (setgroups(2)), acts with this
 * user's rights and no capability.  As the real and the saved uid stay root's,
 * the user can neither signal nor trace the process.  0, or -1 with errno, also
 * for uid 0 and for who is not root: then nothing has changed.
 */
int	 privilege_lend(uid_t, gid_t);
/* Root again, or the process ends.  errno stays. */
void	 privilege_back(void);

#endif
