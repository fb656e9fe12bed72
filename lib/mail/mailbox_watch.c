/* SPDX-License-Identifier: ISC
 *
 * Waking when a folder changes: one inotify instance for a root, on the folder
 * being watched.  It is only a sign to look; what changed is found by
 * looking.
 */
#include <sys/inotify.h>

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "mail/mailbox_local.h"
#include "system/log.h"

#define SECONDS_WATCHED	120	/* in case an event was lost */
#define SECONDS_POLLED	15

/* The kernel gives a user only so many instances: then we poll. */
static void
make_instance(struct mailbox_root *root)
{
	if (root->inotify != -1 || root->no_inotify)
		return;
	if (!root->network)
		root->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (root->inotify != -1)
		return;
	root->no_inotify = true;
	if (!root->network)
		log_once("mailbox-watch", "error=none-left");
}

static void
unwatch(struct mailbox_root *root)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (root->watches[i] != -1)
			(void)inotify_rm_watch(root->inotify,
			    root->watches[i]);
		root->watches[i] = -1;
	}
	root->watched = NULL;
}

/* The folders by the root's path: a sandbox has no /proc to name an open
 * descriptor by. */
static int
watch(struct mailbox_root *root, const struct mailbox *mb)
{
	static const char *const folders[2] = { "new", "cur" };
	const uint32_t events = IN_CREATE | IN_DELETE | IN_MOVED_FROM |
	    IN_MOVED_TO | IN_DELETE_SELF | IN_ONLYDIR;
	char folder[MAILBOX_NAME_MAX + 2], path[PATH_MAX];
	int i, n;

	if (mailbox_path(mb->name, folder) != MAILBOX_OK)
		return -1;
	for (i = 0; i < 2; i++) {
		n = snprintf(path, sizeof(path), "%s/%s/%s", root->path,
		    folder, folders[i]);
		if (n < 0 || (size_t)n >= sizeof(path))
			return -1;
		root->watches[i] = inotify_add_watch(root->inotify, path,
		    events);
		if (root->watches[i] == -1)
			return -1;
	}
	return 0;
}

int
mailbox_watch(struct mailbox *mb, int *seconds)
{
	struct mailbox_root *root = mb->root;

	*seconds = SECONDS_POLLED;
	make_instance(root);
	if (root->inotify == -1)
		return -1;
	if (root->watched != mb) {
		unwatch(root);
		if (watch(root, mb) == -1) {
			unwatch(root);
			return -1;
		}
		root->watched = mb;
		/* What came before the watch is not told by it. */
		mb->stamp_cur.clean = false;
	}
	*seconds = SECONDS_WATCHED;
	return root->inotify;
}

void
mailbox_take_events(const struct mailbox *mb)
{
	char buf[4096] __attribute__((aligned(8)));

	if (mb->root->watched != mb)
		return;
	while (read(mb->root->inotify, buf, sizeof(buf)) > 0)
		;
}
