/* SPDX-License-Identifier: ISC
 *
 * Waiting for a mailbox to change: by inotify, else by the kernel's older
 * notices of folders, which are signals and have no limit of instances, else
 * by the clock.
 *
 * Of a thousand sessions that wait for one mailbox a few have events with
 * names (the kernel gives a user 128 inotify instances).  They take up what is
 * new and write it into the UID list and the journal.  The others know only
 * that something happened: they read these files a moment later, and list a
 * folder only when nobody has written down, by then, how it was found.
 */
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/mailbox_local.h"
#include "system/clock.h"
#include "system/log.h"

#define WATCHED		120000	/* ms, in case an event was lost */
#define POLLED		15000

/* ms from a sign to the first look of those who have no names, and between
 * looks while others are at work. */
#define SOON		4
#define SOON_SPREAD	4
#define SETTLE		13	/* a stamp is clean then: GRANULE_LOCAL */
#define SETTLE_SPREAD	12
#define CALM		150	/* others are at work: let them finish */
#define CALM_SPREAD	500

#define FRESH		100	/* until a folder is made with all in it */
#define NAMES	((int)(DN_CREATE | DN_DELETE | DN_RENAME | DN_MULTISHOT))

#define REFUSED_MAX	50	/* then a turn is not waited for */
#define LISTED_MAX	3	/* then it is too lively to be written down */

/* ---- signals ---- */

static int
make_signals(struct mailbox_root *root)
{
	sigset_t set;

	if (root->signals != -1)
		return 0;
	/* Blocked first: it would end us. */
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return -1;
	root->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return root->signals == -1 ? -1 : 0;
}

static int
notify(int dir, int what)
{
	return fcntl(dir, F_NOTIFY, what);
}

static void
give_turn(struct mailbox *mb)
{
	if (mb->turn)
		(void)flock(mb->cur, LOCK_UN);
	mb->turn = false;
}

static void
signals_begin(struct mailbox *mb)
{
	if (mb->signalled || mb->root->network || mb->mbox != NULL ||
	    make_signals(mb->root) == -1)
		return;
	if (notify(mb->new, NAMES) == -1 || notify(mb->cur, NAMES) == -1) {
		mailbox_signals_end(mb);
		log_once("mailbox-watch", "error=none-left");
		return;
	}
	/* What came before is not told. */
	mb->signalled = true;
	mb->unsettled = true;
	mb->tries = HASTY_MAX;
	mb->again = 0;
}

void
mailbox_signals_end(struct mailbox *mb)
{
	if (mb->new != -1)
		(void)notify(mb->new, 0);
	if (mb->cur != -1)
		(void)notify(mb->cur, 0);
	give_turn(mb);
	mb->signalled = mb->unsettled = false;
}

/* It leaves the mailbox to others, but for the last look. */
static bool
is_calm(const struct mailbox *mb)
{
	return mb->tries >= HASTY_MAX && !mb->turn && mb->refused == 0;
}

/* The signal does not say of which mailbox it is. */
static void
take_signals(struct mailbox_root *root)
{
	struct signalfd_siginfo si;
	struct mailbox *mb;

	if (root->signals == -1 ||
	    read(root->signals, &si, sizeof(si)) != sizeof(si))
		return;
	root->tree_changed |= root->tree_signalled;
	for (mb = root->open; mb != NULL; mb = mb->next) {
		/* Not those that will look anyway. */
		if (!mb->signalled || (mb->unsettled && !is_calm(mb)))
			continue;
		mb->unsettled = true;
		mb->tries = 0;
		mb->told_from = mb->journal.end;
		mb->again = SOON + (int)arc4random_uniform(SOON_SPREAD);
	}
}

/* ---- waiting ---- */

int
mailbox_watch(struct mailbox *mb, int *ms)
{
	mailbox_watch_begin(mb);
	if (mb->watches[1] != -1) {
		*ms = mb->unsettled ? mb->again : WATCHED;
		return mb->root->inotify;
	}
	signals_begin(mb);
	if (!mb->signalled) {
		*ms = POLLED;
		return -1;
	}
	*ms = mb->unsettled ? mb->again : WATCHED;
	/* Not to be woken by each of many changes. */
	return mb->unsettled && !is_calm(mb) ? -1 : mb->root->signals;
}

bool
mailbox_wait_begin(struct mailbox *mb)
{
	bool was = mb->unsettled && !is_calm(mb);

	take_signals(mb->root);
	if (mb->signalled && mb->unsettled && mb->tries == 0 && !was)
		return false;
	mb->hasty = (mb->watches[1] != -1 || mb->unsettled) &&
	    mb->tries < HASTY_MAX;
	return true;
}

bool
mailbox_wait_turn(struct mailbox *mb)
{
	if (mb->turn || mb->refused > REFUSED_MAX || mb->root->network)
		return true;
	if (flock(mb->cur, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK) {
		mb->refused++;
		return false;
	}
	mb->turn = true;
	return true;
}

/* Whether all is told that there is, and written down for others. */
static bool
is_settled(const struct mailbox *mb)
{
	if (mb->nunknown > 0 || mb->nfound > 0 || mb->nnowhere > 0)
		return false;
	if (mb->watches[1] == -1 && !mb->signalled)
		return true;
	if (!mb->watching && !(mailbox_stamp_holds(mb->new, &mb->stamp_new) &&
	    mailbox_stamp_holds(mb->cur, &mb->stamp_cur)))
		return false;
	return mb->root->network || (mb->stamp_new.clean &&
	    mb->stamp_cur.clean);
}

/* The next look when the folders were left to others. */
static void
look_again(struct mailbox *mb)
{
	bool watched = mb->watches[1] != -1;

	mb->tries++;
	if (watched && mb->nunknown + mb->nfound + mb->nnowhere > 0) {
		mb->again = SOON << mb->tries;
	} else if (watched || (mb->tries < HASTY_MAX &&
	    mb->journal.end == mb->told_from)) {
		mb->again = SETTLE + (int)arc4random_uniform(SETTLE_SPREAD);
	} else {
		mb->tries = HASTY_MAX;
		mb->again = CALM + (int)arc4random_uniform(CALM_SPREAD);
	}
}

void
mailbox_wait_end(struct mailbox *mb)
{
	unsigned refused = mb->refused;

	if (mb->mbox != NULL)
		return;
	mb->listed += mb->turn;
	mb->unsettled = !is_settled(mb) && mb->listed < LISTED_MAX &&
	    (mb->tries <= HASTY_MAX || mb->turn || refused > 0);
	if (!mb->unsettled) {
		give_turn(mb);
		mb->tries = mb->listed = mb->refused = 0;
	} else if (mb->turn) {
		mb->tries = HASTY_MAX;
		mb->again = SETTLE;
	} else if (refused > 0 && refused <= REFUSED_MAX) {
		/* Or it would wait for others for ever, and ask no more. */
		if (mb->tries < HASTY_MAX)
			mb->tries++;
		mb->again = SETTLE + (int)arc4random_uniform(SETTLE_SPREAD);
	} else {
		look_again(mb);
	}
}

bool
mailbox_stirred(struct mailbox *mb)
{
	if (mb->mbox != NULL || mb->unsettled)
		return true;
	if (mb->watches[1] != -1) {
		mailbox_read_events(mb->root);
		return mb->nevents > 0 || mb->lost_events || !mb->watching;
	}
	take_signals(mb->root);
	return mb->unsettled || !mb->signalled;
}

static void
let_go(void *arrayp, size_t n, size_t *cap)
{
	void **array = arrayp;

	if (n > 0)
		return;
	free(*array);
	*array = NULL;
	*cap = 0;
}

void
mailbox_rest(struct mailbox *mb)
{
	struct index *ix = &mb->state.index;

	let_go(&mb->touched, mb->ntouched, &mb->touched_cap);
	let_go(&mb->found, mb->nfound, &mb->found_cap);
	let_go(&mb->unknown, mb->nunknown, &mb->unknown_cap);
	let_go(&mb->names, mb->nnames, &mb->names_cap);
	let_go(&mb->events, mb->nevents, &mb->events_cap);
	let_go(&mb->expunged, 0, &mb->expunged_cap);
	let_go(&mb->changed, 0, &mb->changed_cap);
	/* Its pages stay in the kernel's cache of the file. */
	if (ix->map != NULL)
		(void)madvise(ix->map, ix->size, MADV_DONTNEED);
}

/* ---- the tree ---- */

int
mailbox_root_watch(struct mailbox_root *root, int *ms)
{
	*ms = root->tree_again != 0 ? FRESH : WATCHED;
	if (root->mbox != NULL)
		return -1;
	if (root->tree == -1 && mailbox_watch_instance(root) != -1)
		root->tree = inotify_add_watch(root->inotify, root->path,
		    IN_CREATE | IN_DELETE | IN_MOVE | IN_ONLYDIR);
	if (root->tree != -1)
		return root->inotify;
	if (!root->tree_signalled && !root->network)
		root->tree_signalled = make_signals(root) == 0 &&
		    notify(root->fd, NAMES) != -1;
	if (root->tree_signalled)
		return root->signals;
	*ms = POLLED;
	return -1;
}

/* A folder that was just made may be no mailbox yet, and of a tree that is
 * renamed only the first folder may be: they are looked at a moment later. */
bool
mailbox_root_changed(struct mailbox_root *root, bool at_once)
{
	long long now = clock_ms();

	if (root->mbox != NULL)
		return false;
	if (root->tree != -1)
		mailbox_read_events(root);
	else
		take_signals(root);
	if (root->tree_changed && root->tree_again == 0)
		root->tree_again = now + FRESH;
	root->tree_changed = false;
	if (root->tree_again == 0 || (!at_once && now < root->tree_again))
		return root->tree == -1 && !root->tree_signalled;
	root->tree_again = 0;
	return true;
}

void
mailbox_root_watch_annotations(struct mailbox_root *root, const char *name)
{
	char folder[MAILBOX_NAME_MAX + 2], path[PATH_MAX];
	int n;

	/* The root's own folder, INBOX, is watched as the tree's. */
	if (root->inotify == -1 || root->mbox != NULL ||
	    mailbox_path(name, folder) != MAILBOX_OK ||
	    strcmp(folder, ".") == 0)
		return;
	n = snprintf(path, sizeof(path), "%s/%s", root->path, folder);
	if (n > 0 && (size_t)n < sizeof(path))
		(void)inotify_add_watch(root->inotify, path, IN_MOVED_TO |
		    IN_DELETE | IN_ONLYDIR);
}

uint64_t
mailbox_folder_id(struct mailbox_root *root, const char *name)
{
	char path[MAILBOX_NAME_MAX + 2];
	struct stat st;

	if (root->mbox != NULL || mailbox_path(name, path) != MAILBOX_OK ||
	    fstatat(root->fd, path, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	return st.st_ino;
}
