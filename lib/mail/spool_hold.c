/* SPDX-License-Identifier: ISC
 *
 * What a person wants tried at once, or kept back: held/, where no agent
 * looks; and what nobody can read any more.  It must never leave a message
 * where nobody finds it: one rename takes it there, and one back.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <string.h>

#include "mail/spool_local.h"

int
spool_retry(const struct spool *sp, const struct spool_item *it)
{
	struct spool_item to = *it;

	spool_item_due(&to, 0);
	return it->bucket == SPOOL_NOW ? 0 : spool_item_move(sp, it, &to);
}

int
spool_hold(struct spool_message *m, int64_t now)
{
	struct spool_item from = m->item, to = from;

	if (m->spool->held[from.queue] == -1) {
		errno = ENOTDIR;
		return -1;
	}
	to.bucket = SPOOL_HELD;
	to.held = now;
	to.due = 0;
	if (spool_item_move(m->spool, &from, &to) == -1)
		return -1;
	m->item = to;
	return 0;
}

/* Its age counts no day that it was held.  It is not worth a wait for the
 * disk: at worst a power cut makes the message older. */
static int
record(struct spool_message *m, int64_t now)
{
	struct buf b;
	int r;

	if (m->env_fd == -1)
		return 0;
	buf_init(&b, 64);
	buf_addc(&b, '\n');
	(void)envelope_held(&b, m->item.held, now);
	r = spool_append_line(m, &b);
	buf_free(&b);
	m->dirty = false;
	return r;
}

int
spool_unhold(struct spool_message *m, int64_t now)
{
	const struct spool *sp = m->spool;
	struct spool_item from = m->item, to = from;
	int r = record(m, now);

	spool_item_due(&to, m->env.hold > now ? m->env.hold : 0);
	spool_release(m);
	return r == -1 ? -1 : spool_item_move(sp, &from, &to);
}

int
spool_discard(const struct spool *sp, const struct spool_item *it)
{
	char path[SPOOL_NAME_MAX + 64];
	int dir = spool_item_path(sp, it, path), fd, r = -1;
	struct spool_as as;
	struct stat st;

	if (spool_stat(sp, it->queue, dir, path, &st) == -1 ||
	    spool_as(&as, st.st_uid, sp->group) == -1)
		return -1;
	fd = openat(dir, path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd != -1)
		r = spool_lock(fd);
	spool_as_end(&as);
	if (r == 0 && (r = spool_as_queue(sp, &as, it->queue)) == 0) {
		if ((r = unlinkat(dir, path, 0)) == 0 &&
		    it->form == SPOOL_FILE && unlinkat(sp->env[it->queue],
		    it->id, 0) == -1 && errno != ENOENT)
			r = -1;
		spool_as_end(&as);
	}
	if (fd != -1)
		close(fd);
	return r;
}
