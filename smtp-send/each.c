/* SPDX-License-Identifier: ISC
 *
 * The walk through both queues.  A message may move while it goes on: it is
 * then met under its new name, or not at all, or twice.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "each.h"

static int
cannot_read(struct each *each, const struct spool_item *it)
{
	const char *why = strerror(errno);
	int r = 0;

	each->met++;
	select_seen(each->select, it->id);
	if (each->unreadable != NULL)
		r = each->unreadable(each, it, why);
	else
		warnx("%s cannot be read: %s", it->id, why);
	if (r != 1)
		each->trouble = true;
	return r == -1 ? -1 : 0;
}

/* 0; -1 the output fails. */
static int
look(struct each *each, const struct spool_item *it)
{
	struct spool_message m;
	int r = 0;

	switch (spool_look(each->spool, it, &m)) {
	case 1:
		select_seen(each->select, it->id);
		if (select_message(each->select, &m)) {
			each->met++;
			r = each->one(each, &m);
		}
		spool_release(&m);
		return r;
	case 0:
		each->gone++;
		return 0;
	default:
		return cannot_read(each, it);
	}
}

static int
walk_queue(struct each *each, enum spool_queue queue)
{
	struct spool_walk *walk = spool_walk_all(each->spool, queue);
	struct spool_item it;
	int got = -1, r = 0;

	while (walk != NULL && r == 0 &&
	    (got = spool_walk_next(walk, &it)) == 1)
		if (select_item(each->select, &it))
			r = look(each, &it);
	if (r == 0 && got == -1) {
		warn("%s", each->spool->path);
		each->trouble = true;
	}
	spool_walk_close(walk);
	return r;
}

int
each_message(struct each *each)
{
	each->now = each->select->now = (int64_t)time(NULL);
	if (walk_queue(each, SPOOL_LOCAL) == -1 ||
	    walk_queue(each, SPOOL_REMOTE) == -1)
		return EX_IOERR;
	return 0;
}

int
each_end(struct each *each, int code)
{
	const char *id;
	size_t at = 0;

	if (fflush(stdout) != 0)
		code = EX_IOERR;
	while ((id = select_unseen(each->select, &at)) != NULL) {
		warnx("%s: there is no such message", id);
		if (code == 0)
			code = 1;
	}
	return code == 0 && each->trouble ? EX_TEMPFAIL : code;
}
