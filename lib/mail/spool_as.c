/* SPDX-License-Identifier: ISC
 *
 * Acting on files as another user, by the uid and gid that Linux keeps for
 * files alone.  It must never return to a caller with rights other than it
 * promised.
 */
#include <sys/fsuid.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "mail/spool_local.h"

/* The calls do not report failure: asking with -1 changes nothing and says
 * what holds now. */
static int
set_group(gid_t gid)
{
	(void)setfsgid(gid);
	return (gid_t)setfsgid((gid_t)-1) == gid ? 0 : -1;
}

static int
set_user(uid_t uid)
{
	(void)setfsuid(uid);
	return (uid_t)setfsuid((uid_t)-1) == uid ? 0 : -1;
}

int
spool_as(struct spool_as *as, uid_t uid, gid_t gid)
{
	as->changed = false;
	as->uid = geteuid();
	as->gid = getegid();
	if (as->uid != 0 || uid == 0)
		return 0;
	as->changed = true;
	if (set_group(gid) == 0 && set_user(uid) == 0)
		return 0;
	spool_as_end(as);
	errno = EPERM;
	return -1;
}

void
spool_as_end(struct spool_as *as)
{
	int saved = errno;

	if (!as->changed)
		return;
	as->changed = false;
	if (set_user(as->uid) == -1 || set_group(as->gid) == -1)
		abort();
	errno = saved;
}

int
spool_as_queue(const struct spool *sp, struct spool_as *as,
    enum spool_queue queue)
{
	return spool_as(as, sp->owner[queue], sp->group);
}

int
spool_stat(const struct spool *sp, enum spool_queue queue, int dir,
    const char *path, struct stat *st)
{
	struct spool_as as;
	int r;

	if (spool_as_queue(sp, &as, queue) == -1)
		return -1;
	r = fstatat(dir, path, st, AT_SYMLINK_NOFOLLOW);
	spool_as_end(&as);
	return r;
}
