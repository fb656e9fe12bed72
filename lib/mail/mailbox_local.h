/* SPDX-License-Identifier: ISC
 *
 * What the files mailbox*.c share; nobody else includes it.
 *
 * The messages of a mailbox are the records of a mapped index, and beside them
 * in memory those that differ from it or came later.  A record is named by its
 * place: one number for all kinds.
 *
 *	0 .. index.n - 1	a record of the index, or what stands in its
 *				place in changed.v
 *	index.n + k		added.v[k]
 *	MAILBOX_GHOST + k	ghosts.v[k]: gone, but not yet told so, and no
 *				longer in the index
 *
 * Places are good until mailbox_reload().
 */
#ifndef MAIL_MAILBOX_LOCAL_H
#define MAIL_MAILBOX_LOCAL_H

#include <sys/stat.h>

#include "mail/index.h"
#include "mail/journal.h"
#include "mail/keywords.h"
#include "mail/mailbox.h"
#include "mail/mailbox_file.h"
#include "mail/mailbox_lock.h"
#include "mail/quota.h"
#include "mail/uidlist.h"

#define INBOX	"INBOX"

#define WHERE_NOWHERE	0
#define WHERE_NEW	1
#define WHERE_CUR	2

#define MAILBOX_GHOST	0x80000000u
#define MAILBOX_NOPLACE	UINT32_MAX
#define MAILBOX_RENAMED_MAX 2000	/* ms to follow a name that changes */

struct mailbox_root {
	char		*path;		/* from "/", for inotify */
	int		 fd;
	unsigned	 flags;
	mode_t		 dir_mode;	/* for folders and files made here: */
	mode_t		 file_mode;	/* as the root's own */
	bool		 made;		/* by MAILBOX_CREATE */
	bool		 network;	/* a network file system */
	bool		 ordered;	/* disk_order() */
	int		 cache;		/* then the caches' folder, -1 none */
	int		 inotify;	/* -1: none yet, or none to be had */
	bool		 no_inotify;
	int		 tree;		/* the watch of its own folder, -1 */
	bool		 tree_signalled;
	bool		 tree_changed;	/* a name or a subscription may have, */
	long long	 tree_again;	/* and at this clock_ms() one looks */
	int		 signals;	/* a signalfd for when there is none;
					 * -1: not made */
	struct mailbox	*open;		/* all opened from it */
	struct mailbox_mbox *mbox;	/* mailbox_mbox.h; NULL: a Maildir */
	struct quota	 quota;
};

/*
 * mailbox_since.c, with the journal locked and all read: of n messages that
 * changed after modseq those whose flags in mask did not are put into same,
 * which has room for n, and taken out of seqs.  How many.
 */
size_t	 mailbox_unchanged(struct mailbox *, uint32_t *seqs, size_t n,
	    uint64_t modseq, mailbox_flags mask, uint32_t *same);

/* mailbox_email.c: the name of a message's first copy. */
struct mailbox_rec;
void	 mailbox_origin(const struct mailbox_rec *,
	    char name[MAILBOX_FILE_MAX + 1]);

/* mailbox_cache.c: write what is held, close. */
void	 mailbox_cache_close(struct mailbox *);

/* When a folder was looked at.  clean: its stamp was older than the clock's
 * granule then, so that any later change gives it another. */
struct mailbox_stamp {
	struct timespec	mtime;
	bool		known;
	bool		clean;
};

/* A message that differs from the index, or is not in it. */
struct mailbox_own {
	uint32_t	 uid;
	uint32_t	 saved;
	const char	*base;		/* base_len octets of its name */
	const char	*info;		/* the rest, one copy of each */
	const char	*ext;		/* of the UID list */
	mailbox_flags	 flags;		/* of the file, and from the journal */
	mailbox_flags	 told;		/* as the session knows them */
	mailbox_flags	 add, remove;	/* the file is still to get these */
	uint64_t	 modseq;
	uint64_t	 size;
	uint32_t	 tail;		/* when the journal last spoke of it */
	unsigned char	 base_len, where, bits;
	bool		 visible;	/* in the session's view */
	bool		 gone;		/* removed, or its name has a later
					 * record */
	bool		 recent;
	bool		 touched;	/* among mb->touched */
	bool		 unsteady;	/* was other than told since: the
					 * session may have said it */
};

struct mailbox_owns {
	struct mailbox_own *v;
	size_t		 n, cap;
};

/* A record as whoever looks at it sees it. */
struct mailbox_rec {
	uint32_t	 uid, saved;
	const char	*base, *info, *ext;
	mailbox_flags	 flags;		/* those with a meaning here */
	uint64_t	 modseq, size;
	unsigned char	 base_len, where, bits;
	bool		 visible, gone, recent;
};

/* What a listing found other than it was known. */
struct mailbox_found {
	uint32_t	 place;
	const char	*info;
	unsigned char	 where;
	bool		 recent;
};

/* A file without a record yet. */
struct mailbox_unknown {
	size_t		 name;		/* the base, in mb->names */
	const char	*info;
	mailbox_flags	 keywords;	/* of a record it had before: those */
	uint32_t	 saved;		/* without a letter, and when */
	unsigned char	 where;
	bool		 recent;
};

struct mailbox_chunk;

/* All that is known of the messages, to be thrown away as one. */
struct mailbox_state {
	struct index	 index;
	uint32_t	*over;		/* of the index's records: place in
					 * changed.v + 1, or 0; NULL: none */
	struct mailbox_owns changed, added, ghosts;
	uint32_t	*hash;		/* of added names: index + 1, 0 free */
	size_t		 nhash;		/* a power of two, or 0 */
	struct mailbox_chunk *chunks;	/* where strings are */
};

struct mailbox {
	struct mailbox_root *root;
	struct mailbox	*next;		/* of root->open */
	char		*name;
	unsigned	 flags;
	int		 dir, cur, new;	/* folders */

	struct uidlist	 list;
	struct journal	 journal;
	struct mailbox_state state;
	bool		 loaded, refreshed;
	bool		 cold;		/* made from the UID list: nothing is
					 * known of files, nor of what changed
					 * before */
	bool		 overtaken;	/* another session came cold: what it
					 * found and told is in its index */
	bool		 relog;		/* cold, since there is none: to be
					 * told to all by the journal */
	uint64_t	 floored;	/* an index from before this cold
					 * start is of no use */
	bool		 unindexed;	/* it was so, and the index that tells
					 * others is still to be made */
	bool		 unlogged;	/* the journal lacks what we know */
	bool		 removed;	/* files, since the last sync of it */
	bool		 index_later;	/* mailbox_index_make() */
	uint64_t	 modseq;	/* the highest */
	uint32_t	 tail;		/* readings of the journal */
	uint32_t	 scan_tail;	/* of these before the last scan */
	uint32_t	 generation;	/* of places: reloads */

	struct keywords	 keywords;
	mailbox_flags	 known;		/* flags with a meaning here */
	bool		 new_keywords;	/* since the last diff */

	uint32_t	*view;		/* places, by uid */
	size_t		 nview, view_cap;
	uint32_t	 uidnext;	/* above all that it shows */
	uint32_t	 recent, recent_told;
	uint32_t	 nnew;		/* records in new */
	uint32_t	 nnowhere;	/* records whose file is still to be
					 * found */
	uint32_t	*touched;	/* places that may have something to
					 * tell */
	size_t		 ntouched, touched_cap;

	uint32_t	*pending;	/* UIDs of messages whose files are
					 * still to get their flags */
	size_t		 npending, pending_cap;

	struct mailbox_stamp stamp_new, stamp_cur;
	off_t		 heard_new, heard_cur;	/* up to where the journal told
					 * of changes there, 0 it did not */
	uint64_t	 slot_number;	/* the last one looked at */
	bool		 too_lively;	/* the last scan saw no end of it */
	bool		 skipped;	/* not all that it found is known */
	unsigned char	*seen;		/* bits, during a listing */
	struct mailbox_found *found;
	size_t		 nfound, found_cap;
	struct mailbox_unknown *unknown;
	size_t		 nunknown, unknown_cap;
	char		*names;		/* of these, one behind another */
	size_t		 nnames, names_cap;
	char		**infos;	/* each info string once: a hash */
	size_t		 ninfos, infos_cap;

	int		 watches[2];	/* on new and cur, -1: none */
	bool		 watching;	/* both, and what is known holds but
					 * for events not yet read */
	bool		 lost_events;
	bool		 signalled;	/* SIGIO comes of new and cur */
	bool		 hasty;		/* this refresh leaves to others what
					 * they are about to tell */
	bool		 unsettled;	/* and so another must follow, */
	int		 again;		/* after so many ms; */
	unsigned	 tries;		/* so many were made, */
	unsigned	 refused;	/* so many were not their turn, */
	unsigned	 listed;	/* so many were listings */
	bool		 turn;		/* cur is locked: others need not list
					 * what we do */
	off_t		 told_from;	/* the journal's end before these */
	char		*events;	/* a folder, what, and a name with its
					 * NUL, each */
	size_t		 nevents, events_cap;

	uint32_t	*expunged;	/* of the last diff */
	uint32_t	*changed;
	size_t		 expunged_cap, changed_cap;

	struct mailbox_cache *cache;	/* mailbox_cache.c; NULL: none yet */
	struct mbox_store *mbox;	/* mailbox_mbox.h; NULL: a Maildir */
	uint64_t	 mbox_known;	/* its generation that the records
					 * have */
};

/* ---- mailbox_root.c ---- */

/* The folder of a mailbox as a name in the root ("." for INBOX), into
 * path[MAILBOX_NAME_MAX + 2]. */
enum mailbox_status mailbox_path(const char *name, char *path);
/* Make cur, new and tmp where they are missing. */
enum mailbox_status mailbox_make_folders(const struct mailbox_root *, int dir);
/* A UIDVALIDITY above all given in this tree. */
uint32_t mailbox_new_uidvalidity(const struct mailbox_root *);

/* ---- mailbox_quota.c ---- */

/* Whether the tree's use is counted at all: without that nobody need know a
 * size. */
bool	 mailbox_has_quota(const struct mailbox_root *);
/* Do these fit? */
bool	 mailbox_quota_room(struct mailbox_root *, uint64_t bytes,
	    uint64_t messages);
/* These came, or went; a folder went. */
void	 mailbox_quota_add(struct mailbox_root *, int64_t bytes,
	    int64_t messages);
void	 mailbox_quota_recount(struct mailbox_root *);
/* Add a message's size; the sum stays within an int64_t. */
void	 mailbox_quota_size(int dir, const char *name, uint64_t *bytes);

/* ---- mailbox_record.c: records by their places ---- */

void	 mailbox_rec(const struct mailbox *, uint32_t place,
	    struct mailbox_rec *);
/* The record in memory, made if it was only in the index; NULL: no memory. */
struct mailbox_own *mailbox_own(struct mailbox *, uint32_t place);
/* The same if there is one. */
struct mailbox_own *mailbox_has_own(const struct mailbox *, uint32_t place);
uint32_t mailbox_place_of_uid(const struct mailbox *, uint32_t uid);
uint32_t mailbox_place_of_name(const struct mailbox *, const char *base,
	    size_t n);
/* All places but those of ghosts are below this. */
uint32_t mailbox_places(const struct mailbox *);
/* Add a record behind all others; one of the same name is gone.  0, -1. */
int	 mailbox_add(struct mailbox *, uint32_t uid, const char *base,
	    size_t n, const char *ext);
/* It may have something to tell, or be gone. */
int	 mailbox_touch(struct mailbox *, uint32_t place);
/* Its file is still to get these flags, and to lose those. */
int	 mailbox_set_pending(struct mailbox *, uint32_t place,
	    mailbox_flags add, mailbox_flags remove);
/* Its file has another name or place now; or is nowhere. */
int	 mailbox_moved(struct mailbox *, uint32_t place, unsigned char where,
	    const char *info);
int	 mailbox_lost(struct mailbox *, uint32_t place);
/* One copy of each info string; NULL: no memory. */
const char *mailbox_info(struct mailbox *, const char *);
/* A copy of a string that lives as long as the state. */
const char *mailbox_string(struct mailbox *, const char *, size_t);
void	 mailbox_state_free(struct mailbox_state *);
/* Its file: the folder's descriptor, and the name into MAILBOX_FILE_MAX + 1;
 * -1 when it is nowhere. */
int	 mailbox_rec_file(const struct mailbox *, const struct mailbox_rec *,
	    char *name);
/* The size that the record itself says, UINT64_MAX unknown. */
uint64_t mailbox_index_size(const struct mailbox *, uint32_t place);
/* The size that is known of it, by itself or by what its name and the UID list
 * say: true, *size becomes it. */
bool	 mailbox_size_hint(const struct mailbox_rec *, uint64_t *size);
/* Make room for n elements: 0, -1 no memory. */
int	 mailbox_grow(void *arrayp, size_t *cap, size_t n, size_t size);

/* ---- mailbox_load.c ---- */

/* What others wrote to the UID list and the journal since the last time, or
 * all; without a lock.  The list may still be missing (validity 0). */
enum mailbox_status mailbox_load(struct mailbox *);
/* Only what was added.  MAILBOX_RESET: another file has taken the place of one
 * that we know, or another session came cold, mailbox_load() takes it; not with
 * the journal's lock held, which that may want. */
enum mailbox_status mailbox_load_tails(struct mailbox *);
/* With the list's lock held; a missing list gets a UIDVALIDITY. */
enum mailbox_status mailbox_load_locked(struct mailbox *);
/* Forget the state and load it anew; the view stays what it was. */
enum mailbox_status mailbox_reload(struct mailbox *);
/* Set the meaning of the letters anew: the keywords changed. */
void	 mailbox_reflag(struct mailbox *);

/* ---- mailbox_scan.c ---- */

/* List folders (bits 1 << WHERE_*) and note what is otherwise than known in
 * found and unknown; records whose files are nowhere are lost. */
enum mailbox_status mailbox_scan(struct mailbox *, unsigned which,
	    bool move_new);
/* Note one file; with move_new one in new is moved to cur first. */
enum mailbox_status mailbox_note_entry(struct mailbox *, const char *name,
	    unsigned char where, bool move_new);
enum mailbox_status mailbox_note(struct mailbox *, const char *name,
	    unsigned char where, bool recent);
/* Note that a record has no file: 0, -1 no memory. */
int	 mailbox_note_gone(struct mailbox *, uint32_t place);
void	 mailbox_take_stamp(const struct mailbox *, int dir,
	    struct mailbox_stamp *);
bool	 mailbox_stamp_holds(int dir, const struct mailbox_stamp *);
/* The folders must be listed at the next refresh. */
void	 mailbox_distrust(struct mailbox *);
/* Rename, but never over another file. */
int	 mailbox_rename_file(int fromdir, const char *from, int todir,
	    const char *to);
/* Tests set this to make the stamps of a clock that ticks so many ns. */
extern long long mailbox_coarse_stamps;

/* ---- mailbox_batch.c ---- */

/* With the list's lock held: finish what a dead session left half done.  True:
 * there was something, the folders are to be listed. */
bool	 mailbox_batch_recover(struct mailbox *);

/* ---- mailbox_commit.c ---- */

/*
 * What a scan found becomes known: UIDs for unknown files, records in the
 * journal.  MAILBOX_EXISTS: the state was loaded anew meanwhile, look again.
 * MAILBOX_FULL, BUSY, NO_RIGHT: unknown files must wait.
 */
enum mailbox_status mailbox_commit(struct mailbox *);
/* The list is to be written with all lines: it is damaged, or has too many that
 * nobody wants. */
bool	 mailbox_list_whole(const struct mailbox *);
/* Begin to write the list, behind all lines of before when it is whole. */
void	 mailbox_list_begin(struct mailbox *, struct uidlist_writer *);
/* With the list's lock held: make the journal if there is none. */
void	 mailbox_make_journal(struct mailbox *);
/* The modification sequence for a change now. */
uint64_t mailbox_next_modseq(const struct mailbox *);
/* Take and let go of the list's lock. */
enum mailbox_status mailbox_lock_list(struct mailbox *, struct mailbox_lock *);
/*
 * Between these, records may be put into the journal; begin loads what others
 * put there.  False: there is no journal that can be written, and puts do
 * nothing; with .reset the state has to be loaded anew before that is good,
 * and a listing will find what was not put.  End is true when all that was put
 * is in the file.
 */
struct mailbox_log {
	struct buf	 buf;
	uint64_t	 modseq;	/* of all that is put */
	bool		 open, reset;
};
bool	 mailbox_log_begin(struct mailbox *, struct mailbox_log *);
void	 mailbox_log_state(struct mailbox *, struct mailbox_log *,
	    uint32_t place);
/* The same, and the file has all flags that were pending. */
void	 mailbox_log_done(struct mailbox *, struct mailbox_log *,
	    uint32_t place, uint64_t modseq);
bool	 mailbox_log_put(struct mailbox *, struct mailbox_log *,
	    const struct journal_rec *);
bool	 mailbox_log_end(struct mailbox *, struct mailbox_log *);

/* ---- mailbox_index.c ---- */

/* Write a new index when the old one is far behind; with take, go on from
 * it. */
void	 mailbox_index_update(struct mailbox *, bool take);
/* The journal is made shorter when it has more than so many octets, and some
 * for each message; tests make it less. */
extern off_t mailbox_journal_min;
/* Believe the slot's stamps when the journal stands where it says. */
void	 mailbox_slot_read(struct mailbox *);
/* Write the stamps down when they are clean and news. */
void	 mailbox_slot_write(struct mailbox *);

/* ---- mailbox_change.c ---- */

/* A call on the file of the message at place, which has this name in dir now:
 * 0, or -1 with errno. */
typedef int mailbox_file_call(struct mailbox *, uint32_t place, int dir,
	    const char *name, void *arg);
/* Do call on the message, under whatever name it has. */
enum mailbox_status mailbox_with_file(struct mailbox *mb, uint32_t seq,
	    const char *what, mailbox_file_call *call, void *arg);
/* Changes after which events are taken: the kernel keeps only so many. */
#define MAILBOX_EVENTS_EACH	4096

/* ---- mailbox_flags.c ---- */

/* Rename the files of messages whose flags are in the journal alone: those of
 * this session, and those that another left so. */
void	 mailbox_flush_old(struct mailbox *);

/* ---- mailbox_refresh.c ---- */

/* New records take their places in the view, by rising UID: 0, -1 no
 * memory. */
int	 mailbox_extend_view(struct mailbox *);
/* A name was not there: find out where the messages are now, and what came,
 * without telling.  Places may be others then. */
enum mailbox_status mailbox_find_files(struct mailbox *);

/* ---- mailbox_watch.c ---- */

/* Take what inotify has to say, and note it as a scan does.  True when all is
 * known by it and nothing need be listed. */
bool	 mailbox_take_events(struct mailbox *);
/* The root's instance: -1, there is none to be had. */
int	 mailbox_watch_instance(struct mailbox_root *);
/* All the kernel has, to the mailboxes and the root they are of. */
void	 mailbox_read_events(struct mailbox_root *);
/* Begin to watch if that can be done. */
void	 mailbox_watch_begin(struct mailbox *);
void	 mailbox_watch_end(struct mailbox *);

/* ---- mailbox_wait.c ---- */

#define HASTY_ALONE	2	/* looks, then nobody else seems to be there */
#define HASTY_MAX	4	/* and then it is done without others */

/* A refresh of a session that waits begins: false, it is too early for it. */
bool	 mailbox_wait_begin(struct mailbox *);
/* May it list folders?  One after the other does, and writes down for all how
 * they were found. */
bool	 mailbox_wait_turn(struct mailbox *);
/* It was done: is there something left for the next? */
void	 mailbox_wait_end(struct mailbox *);
void	 mailbox_signals_end(struct mailbox *);

#endif
