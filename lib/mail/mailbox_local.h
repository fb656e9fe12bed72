/* SPDX-License-Identifier: ISC
 *
 * What the files mailbox*.c share; nobody else includes it.
 */
#ifndef MAIL_MAILBOX_LOCAL_H
#define MAIL_MAILBOX_LOCAL_H

#include <sys/stat.h>

#include "mail/keywords.h"
#include "mail/mailbox.h"
#include "mail/mailbox_file.h"
#include "mail/mailbox_lock.h"
#include "mail/uidlist.h"

#define INBOX	"INBOX"

struct mailbox_root {
	char		*path;		/* from "/", for inotify */
	int		 fd;
	unsigned	 flags;
	mode_t		 dir_mode;	/* for folders and files made here: */
	mode_t		 file_mode;	/* as the root's own */
	bool		 network;	/* a network file system */
	int		 cache;		/* then the caches' folder, -1 none */
	int		 inotify;	/* -1: none yet, or none to be had */
	bool		 no_inotify;
	int		 watches[2];	/* -1: none */
	const struct mailbox *watched;
};

/* mailbox_cache.c: write what is held, close. */
void	 mailbox_cache_close(struct mailbox *);

/* When a folder was looked at.  clean: its stamp was older than the clock's
 * granule then, so that any later change gives it another. */
struct mailbox_stamp {
	struct timespec	mtime;
	bool		clean;
};

/* A file without a record yet. */
struct mailbox_unknown {
	size_t		 name;		/* the base, in mb->names */
	const char	*info;
	unsigned char	 where;
	bool		 recent;
};

struct mailbox {
	struct mailbox_root *root;
	char		*name;
	unsigned	 flags;
	int		 dir, cur, new;	/* folders */

	struct uidlist	 list;
	bool		 loaded;	/* the list was read */
	struct keywords	 keywords;
	mailbox_flags	 known;		/* flags with a meaning here */
	bool		 new_keywords;	/* since the last diff */
	bool		 untold;	/* records may differ from what the
					 * session was told */

	uint32_t	*view;		/* indexes into list.v, by uid */
	size_t		 nview, view_cap;
	uint32_t	 recent;

	uint32_t	 listing;	/* number of the last one */
	struct mailbox_stamp stamp_new, stamp_cur;
	struct mailbox_unknown *unknown;
	size_t		 nunknown, unknown_cap;
	char		*names;		/* of these, one behind another */
	size_t		 nnames, names_cap;
	char		**infos;	/* each info string once: a hash */
	size_t		 ninfos, infos_cap;

	uint32_t	*expunged;	/* of the last diff */
	uint32_t	*changed;
	size_t		 expunged_cap, changed_cap;

	struct mailbox_cache *cache;	/* mailbox_cache.c; NULL: none yet */
};

/* mailbox_root.c: the folder of a mailbox as a name in the root ("." for
 * INBOX), into path[MAILBOX_NAME_MAX + 2]. */
enum mailbox_status mailbox_path(const char *name, char *path);
/* Make cur, new and tmp where they are missing. */
enum mailbox_status mailbox_make_folders(const struct mailbox_root *, int dir);
/* mailbox_root.c: a UIDVALIDITY above all given in this tree. */
uint32_t mailbox_new_uidvalidity(const struct mailbox_root *);

/* mailbox_list.c: load the list if need be, without a lock; then it may
 * still be missing (validity 0). */
enum mailbox_status mailbox_load(struct mailbox *);
/* With the lock held: as the file now is; a missing one gets a UIDVALIDITY. */
enum mailbox_status mailbox_load_locked(struct mailbox *);
/* Take and let go of the list's lock. */
enum mailbox_status mailbox_lock_list(struct mailbox *, struct mailbox_lock *);

/* mailbox_scan.c: list the folders and say in the records what is there.
 * Files without a record go to mb->unknown; what vanished is .gone. */
enum mailbox_status mailbox_scan(struct mailbox *, bool move_new);
/* Write down what is in hand of one file: its record, or an unknown. */
enum mailbox_status mailbox_note(struct mailbox *, const char *name,
	    unsigned char where, bool recent);
/* Whether nothing can have changed since the last scan. */
bool	 mailbox_unchanged(const struct mailbox *);
/* One copy of each info string. */
const char *mailbox_info(struct mailbox *, const char *);
/* Set the flags of all records anew: the keywords changed. */
void	 mailbox_reflag(struct mailbox *);
/* Rename, but never over another file. */
int	 mailbox_rename_file(int fromdir, const char *from, int todir,
	    const char *to);

/* mailbox_watch.c: take what inotify has to say. */
void	 mailbox_take_events(const struct mailbox *);

/* mailbox_change.c: the record behind a number. */
struct uidlist_rec *mailbox_rec(const struct mailbox *, uint32_t seq);
/* Its file: the folder's descriptor, and the name into MAILBOX_FILE_MAX + 1;
 * -1 when it is nowhere. */
int	 mailbox_rec_file(const struct mailbox *, const struct uidlist_rec *,
	    char *name);

/* Make room for n elements: 0, -1 no memory. */
int	 mailbox_grow(void *arrayp, size_t *cap, size_t n, size_t size);

#endif
