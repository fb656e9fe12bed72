/* SPDX-License-Identifier: ISC
 *
 * Waking an agent when something comes into its queue.  It must never sleep
 * for long where the kernel will not wake it.
 */
#include <sys/inotify.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/spool_local.h"
#include "system/log.h"

void
spool_watch_open(struct spool_watch *w, const struct spool *sp,
    enum spool_queue queue)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/%s/now", sp->path,
	    spool_queue_name(queue));
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd != -1 && inotify_add_watch(w->fd, path, IN_MOVED_TO |
	    IN_CREATE | IN_ONLYDIR) != -1)
		return;
	log_once("watch", "error=%s instead=\"looks every %d s\"",
	    log_str(strerror(errno)), SPOOL_POLL);
	spool_watch_close(w);
}

void
spool_watch_drain(struct spool_watch *w)
{
	char events[4096]
	    __attribute__((aligned(__alignof__(struct inotify_event))));

	while (w->fd != -1 && read(w->fd, events, sizeof(events)) > 0)
		;
}

int
spool_watch_wait(struct spool_watch *w, int64_t until, const void *sigmask)
{
	struct pollfd pfd = { .fd = w->fd, .events = POLLIN };
	int64_t now = (int64_t)time(NULL);
	struct timespec ts = { .tv_sec = SPOOL_POLL };
	bool timed = until != 0;
	int r;

	if (timed && until <= now)
		return 0;
	if (timed && (w->fd != -1 || until - now < SPOOL_POLL))
		ts.tv_sec = until - now;
	/* A name stays until someone acts; a wait need not be longer than a
	 * clock can jump. */
	if (ts.tv_sec > 3600)
		ts.tv_sec = 3600;
	r = ppoll(&pfd, 1, timed || w->fd == -1 ? &ts : NULL, sigmask);
	if (r == -1)
		return -1;
	if (r == 0)
		return timed && (int64_t)time(NULL) >= until ? 0 : 1;
	spool_watch_drain(w);
	return 1;
}

void
spool_watch_close(struct spool_watch *w)
{
	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
}

/* Names with a dot are no work: walks and path units go past them, so that it
 * does no harm when we are killed between the two calls. */
#define NUDGE	".nudge"

int
spool_nudge(const struct spool *sp, enum spool_queue queue)
{
	struct spool_as as;
	int r;

	if (spool_as_queue(sp, &as, queue) == -1)
		return -1;
	r = mkdirat(sp->now[queue], NUDGE, 0700);
	if (unlinkat(sp->now[queue], NUDGE, AT_REMOVEDIR) == 0)
		r = 0;
	spool_as_end(&as);
	return r;
}
