/* SPDX-License-Identifier: ISC
 *
 * Giving up root, for good.
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

#endif
