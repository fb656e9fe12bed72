/* SPDX-License-Identifier: ISC
 *
 * Events of a mailbox's folders: they wake a session that waits, and spare it
 * listing a folder of which they tell all that happened.  One inotify instance
 * serves a root; each mailbox has its two watches.
 */
#include <sys/inotify.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/mailbox_local.h"
#include "mail/mailbox_mbox.h"

#define EVENTS_MAX	(1u << 20)	/* octets of names kept */
#define FOUND_MAX	1000	/* then a listing costs less */

#define CAME	(IN_CREATE | IN_MOVED_TO)
#define WENT	(IN_DELETE | IN_MOVED_FROM)

/* The kernel gives a user only so many instances. */
int
mailbox_watch_instance(struct mailbox_root *root)
{
	if (root->inotify == -1 && !root->no_inotify && !root->network)
		root->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	root->no_inotify = root->inotify == -1;
	return root->inotify;
}

void
mailbox_watch_end(struct mailbox *mb)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (mb->watches[i] != -1)
			(void)inotify_rm_watch(mb->root->inotify,
			    mb->watches[i]);
		mb->watches[i] = -1;
	}
	mb->watching = mb->lost_events = false;
	mb->nevents = 0;
	mailbox_signals_end(mb);
}

/* The folders by the root's path: a sandbox has no /proc to name an open
 * descriptor by. */
static int
add_watches(struct mailbox *mb)
{
	static const char *const folders[2] = { "new", "cur" };
	char folder[MAILBOX_NAME_MAX + 2], path[PATH_MAX];
	int i, n;

	if (mb->mbox != NULL) {
		mb->watches[0] = mb->watches[1] = inotify_add_watch(
		    mb->root->inotify, mb->root->path, IN_MODIFY | IN_ATTRIB |
		    IN_DELETE_SELF | IN_MOVE_SELF);
		return mb->watches[0] == -1 ? -1 : 0;
	}
	if (mailbox_path(mb->name, folder) != MAILBOX_OK)
		return -1;
	for (i = 0; i < 2; i++) {
		n = snprintf(path, sizeof(path), "%s/%s/%s", mb->root->path,
		    folder, folders[i]);
		if (n < 0 || (size_t)n >= sizeof(path))
			return -1;
		mb->watches[i] = inotify_add_watch(mb->root->inotify, path,
		    CAME | WENT | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
		if (mb->watches[i] == -1)
			return -1;
	}
	return 0;
}

/* The kernel has one watch for a folder: two mailboxes of one instance that
 * are the same would share it. */
static bool
is_watched_twice(const struct mailbox *mb)
{
	const struct mailbox *other;

	for (other = mb->root->open; other != NULL; other = other->next)
		if (other != mb && other->watches[0] != -1 &&
		    strcmp(other->name, mb->name) == 0)
			return true;
	return false;
}

void
mailbox_watch_begin(struct mailbox *mb)
{
	if (mb->watches[1] != -1)
		return;
	if (mailbox_watch_instance(mb->root) == -1 || is_watched_twice(mb))
		return;
	if (add_watches(mb) == -1) {
		mailbox_watch_end(mb);
		return;
	}
	/* What came before the watch is not told by it. */
	mb->watching = mb->stamp_new.clean && mb->stamp_cur.clean &&
	    mailbox_stamp_holds(mb->new, &mb->stamp_new) &&
	    mailbox_stamp_holds(mb->cur, &mb->stamp_cur);
}

/* ---- events ---- */

static void
queue_event(struct mailbox *mb, unsigned char where,
    const struct inotify_event *e)
{
	size_t n = strnlen(e->name, e->len) + 3;

	if ((e->mask & (CAME | WENT)) == 0 || mb->lost_events ||
	    mb->nevents + n > EVENTS_MAX || mailbox_grow(&mb->events,
	    &mb->events_cap, mb->nevents + n, 1) == -1) {
		mb->lost_events = true;
		return;
	}
	mb->events[mb->nevents] = (char)where;
	mb->events[mb->nevents + 1] = (e->mask & CAME) != 0;
	memcpy(mb->events + mb->nevents + 2, e->name, n - 3);
	mb->events[mb->nevents + n - 1] = '\0';
	mb->nevents += n;
}

static void
dispatch(struct mailbox_root *root, const struct inotify_event *e)
{
	struct mailbox *mb;

	/* Of what is in the root folders are mailboxes, and one file counts;
	 * annotations are beside each mailbox's messages. */
	if (e->len > 16 && strncmp(e->name, "stdmail.metadata", 16) == 0)
		root->tree_changed = true;
	if (e->mask & IN_Q_OVERFLOW || (e->wd == root->tree && (e->len == 0 ||
	    e->name[0] == '.' || strncmp(e->name, "subscriptions", e->len) ==
	    0)))
		root->tree_changed = true;
	for (mb = root->open; mb != NULL; mb = mb->next) {
		if (e->mask & IN_Q_OVERFLOW)
			mb->lost_events = true;
		else if (e->wd == mb->watches[0])
			queue_event(mb, WHERE_NEW, e);
		else if (e->wd == mb->watches[1])
			queue_event(mb, WHERE_CUR, e);
	}
}

void
mailbox_read_events(struct mailbox_root *root)
{
	char buf[16384] __attribute__((aligned(8)));
	const struct inotify_event *e;
	ssize_t n, at;

	while ((n = read(root->inotify, buf, sizeof(buf))) > 0)
		for (at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (const void *)(buf + at);
			dispatch(root, e);
		}
}

/* Whether the record of this name says that it is there: *place becomes it. */
static bool
is_known(const struct mailbox *mb, unsigned char where, const char *name,
    uint32_t *place)
{
	size_t n = mailbox_file_base(name);
	struct mailbox_rec r;

	*place = mailbox_place_of_name(mb, name, n);
	if (*place == MAILBOX_NOPLACE)
		return false;
	mailbox_rec(mb, *place, &r);
	return !r.gone && r.where == where && strcmp(r.info, name + n) == 0;
}

static bool
is_there(const struct mailbox *mb, unsigned char where, const char *name)
{
	struct stat st;

	return fstatat(where == WHERE_NEW ? mb->new : mb->cur, name, &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

/* What the events before told of the record, or NULL. */
static const struct mailbox_found *
was_found(const struct mailbox *mb, uint32_t place)
{
	size_t i;

	for (i = mb->nfound; i > 0; i--)
		if (mb->found[i - 1].place == place)
			return &mb->found[i - 1];
	return NULL;
}

/* Whether events before told of this very file. */
static bool
is_noted(const struct mailbox *mb, uint32_t place, unsigned char where,
    const char *name)
{
	const struct mailbox_found *f = place == MAILBOX_NOPLACE ? NULL :
	    was_found(mb, place);

	return f != NULL && f->where == where &&
	    strcmp(f->info, name + mailbox_file_base(name)) == 0;
}

/* Files that came, or have another name. */
static bool
note_came(struct mailbox *mb)
{
	bool move_new = (mb->flags & (MAILBOX_KEEP_NEW | MAILBOX_READONLY)) ==
	    0;
	const char *p, *name;
	uint32_t place;

	for (p = mb->events; p < mb->events + mb->nevents;
	    p = name + strlen(name) + 1) {
		name = p + 2;
		if (!p[1] || !mailbox_file_ok(name) || is_known(mb,
		    (unsigned char)*p, name, &place) || is_noted(mb, place,
		    (unsigned char)*p, name) ||
		    !is_there(mb, (unsigned char)*p, name))
			continue;
		if (mb->nfound > FOUND_MAX || mailbox_note_entry(mb, name,
		    (unsigned char)*p, move_new) != MAILBOX_OK)
			return false;
	}
	return true;
}

/* Whether all that went came again elsewhere, or was known to be gone. */
static bool
explain_went(const struct mailbox *mb)
{
	const char *p, *name;
	uint32_t place;

	for (p = mb->events; p < mb->events + mb->nevents;
	    p = name + strlen(name) + 1) {
		name = p + 2;
		if (p[1] || !is_known(mb, (unsigned char)*p, name, &place) ||
		    was_found(mb, place) != NULL)
			continue;
		if (!is_there(mb, (unsigned char)*p, name))
			return false;
	}
	return true;
}

/*
 * A folder has its new stamp before the event of the change is there, and on a
 * busy host long before.  Who changes a folder has it locked until then, and so
 * has who reads it: behind a short read, the events of all that the stamp
 * stands for have come.
 */
static void
wait_for_events(int dir, const struct mailbox_stamp *now,
    const struct mailbox_stamp *before)
{
	char entries[512];

	/* One that is not clean is written down by nobody. */
	if (!now->clean || (before->known &&
	    now->mtime.tv_sec == before->mtime.tv_sec &&
	    now->mtime.tv_nsec == before->mtime.tv_nsec))
		return;
	(void)lseek(dir, 0, SEEK_SET);
	(void)syscall(SYS_getdents64, dir, entries, sizeof(entries));
}

bool
mailbox_take_events(struct mailbox *mb)
{
	struct mailbox_stamp stamp_new, stamp_cur;
	bool good;

	if (mb->root->inotify == -1 || mb->watches[1] == -1)
		return false;
	/* Taken first: what happens later is in the next events. */
	mailbox_take_stamp(mb, mb->new, &stamp_new);
	mailbox_take_stamp(mb, mb->cur, &stamp_cur);
	wait_for_events(mb->new, &stamp_new, &mb->stamp_new);
	wait_for_events(mb->cur, &stamp_cur, &mb->stamp_cur);
	mailbox_read_events(mb->root);
	good = mb->watching && !mb->lost_events && (mb->nevents == 0 ||
	    (note_came(mb) && explain_went(mb)));
	mb->nevents = 0;
	mb->lost_events = false;
	mb->watching = good;
	if (good) {
		mb->stamp_new = stamp_new;
		mb->stamp_cur = stamp_cur;
	} else {
		/* A listing will find what is still there. */
		mb->nfound = mb->nunknown = mb->nnames = 0;
	}
	return good;
}
