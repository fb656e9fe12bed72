/* SPDX-License-Identifier: ISC
 *
 * A user's mail as IMAP and POP3 see it: a tree of Maildir folders, each a
 * numbered list of messages with UIDs and flags.  The Maildir is the truth and
 * stays everyone's: other programs may add, flag, move and remove messages at
 * any moment.  No session ever sees a UID change its message.  Or a single
 * mbox (mail/mbox_store.h), of which the same holds: a tree that has INBOX
 * alone, where no folder can be made and no subscription is kept.
 *
 *	root	 the tree: INBOX is the Maildir itself, other folders are
 *		 Maildir++ folders (".Sent", ".Lists.foo") in it
 *	mailbox	 one folder opened: its messages, numbered from 1 by rising
 *		 UID; the numbers change only in mailbox_refresh()
 *	save	 messages on their way into a folder, all of them or none
 *
 * A struct mailbox is one session's view.  What others do meanwhile appears
 * in it at mailbox_refresh() and not before, so that a session decides when a
 * sequence number may change (RFC 3501, section 7.4.1).
 *
 * UIDs are kept in dovecot-uidlist, keywords in dovecot-keywords, in Dovecot's
 * formats and under its locks.  No lock is held between calls.  Every file is
 * opened relative to the root's descriptor: all works inside a sandbox of that
 * one tree.  Nothing here prints; what an administrator should know of is
 * logged.
 *
 * All strings a caller gives are C strings; names of mailboxes are as in the
 * protocol (modified UTF-7), the hierarchy delimiter is MAILBOX_DELIMITER.
 */
#ifndef MAIL_MAILBOX_H
#define MAIL_MAILBOX_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/message.h"

struct quota;			/* mail/quota.h */
struct quota_limits;
struct summary_view;		/* mail/summary.h */

#define MAILBOX_DELIMITER	'.'
#define MAILBOX_NAME_MAX	254	/* octets; with its dot a file name */
#define MAILBOX_DEPTH_MAX	50	/* levels of hierarchy */

/* How an operation ended.  MAILBOX_OK alone is success. */
enum mailbox_status {
	MAILBOX_OK = 0,
	MAILBOX_NONE,		/* there is no such mailbox or message */
	MAILBOX_EXISTS,		/* there is one already */
	MAILBOX_BAD_NAME,	/* no mailbox can have this name */
	MAILBOX_NOT_PERMITTED,	/* by rule (delete INBOX), or read-only */
	MAILBOX_NO_RIGHT,	/* the file system refuses: EACCES, EROFS */
	MAILBOX_FULL,		/* no space, quota of the file system */
	MAILBOX_OVERQUOTA,	/* more than the tree's maildirsize allows */
	MAILBOX_LIMIT,		/* too many messages, keywords, levels */
	MAILBOX_BUSY,		/* a lock was not free in time: try again */
	MAILBOX_RESET,		/* UIDVALIDITY changed or the folder is gone
				 * under an open mailbox: it must be closed */
	MAILBOX_TEMPORARY	/* memory, I/O: logged; try again */
};

/* "no such mailbox" and the like, for a reply; never NULL. */
const char *mailbox_status_text(enum mailbox_status);

/*
 * Flags and keywords of a message in one word: the flags of the file name, and
 * from MAILBOX_KEYWORD(0) on the folder's keywords by their index.
 */
typedef uint64_t mailbox_flags;

#define MAILBOX_ANSWERED	0x01u	/* R */
#define MAILBOX_FLAGGED		0x02u	/* F */
#define MAILBOX_DELETED		0x04u	/* T */
#define MAILBOX_SEEN		0x08u	/* S */
#define MAILBOX_DRAFT		0x10u	/* D */
#define MAILBOX_SYSTEM_FLAGS	0x1fu
#define MAILBOX_KEYWORDS_MAX	56	/* indexes are below this */
#define MAILBOX_KEYWORD(i)	((mailbox_flags)1 << (8 + (i)))
#define MAILBOX_KEYWORD_FLAGS	(~(mailbox_flags)0 << 8)

/* ---- the tree ---- */

struct mailbox_root;

#define MAILBOX_CREATE		0x1	/* make the Maildir (0700) if absent */
#define MAILBOX_READONLY	0x2	/* change nothing on disk (no UIDs are
					 * given to new messages then: they
					 * stay out of sight) */

/*
 * Open the tree at path (absolute or relative), a folder with cur or new in
 * it, with a trailing slash or without, or a file that is an mbox.
 * MAILBOX_NONE: it does not exist or is neither.  On success *root is the
 * caller's to close.
 */
enum mailbox_status mailbox_root_open(const char *path, unsigned flags,
	    struct mailbox_root **root);
/* Whether MAILBOX_CREATE made it just now. */
bool	 mailbox_root_made(const struct mailbox_root *);
/* Mailboxes opened from it must have been closed.  NULL is allowed. */
void	 mailbox_root_close(struct mailbox_root *);

/*
 * The user's quota goes above that of the file maildirsize; unset, and without
 * this call, the file's holds.  Use is counted in any case, if there is a
 * quota: by commits, expunges and deleted mailboxes.
 */
void	 mailbox_root_quota(struct mailbox_root *, const struct quota_limits *);

/* What is used of it now, and its limits; false: there is no quota, or it
 * cannot be known. */
bool	 mailbox_root_use(struct mailbox_root *, struct quota *);

/* The descriptor of the root folder, for locks; of an mbox that of the folder
 * it is in, which is not the user's alone. */
int	 mailbox_root_fd(const struct mailbox_root *);

/* The path of the folder that an mbox is in, where its lock is made; NULL: it
 * is a Maildir. */
const char *mailbox_root_folder(const struct mailbox_root *);

/*
 * Keep others who call this, on this host, away from an mbox until the root is
 * closed or the process ends.  Before the sandbox, since that takes a socket:
 * a name outside of the file system, for nothing may be made beside the mbox,
 * and a lock on the mbox would stop deliveries.  MAILBOX_BUSY: another has it,
 * still after a second.  A Maildir has files for that: nothing is done.
 */
enum mailbox_status mailbox_root_alone(struct mailbox_root *);

/* Whether the name is one a mailbox could have: modified UTF-7, no empty
 * level, no "/", no control or 8-bit octets, within the limits. */
bool	 mailbox_name_ok(const char *name);

/* Names of mailboxes, sorted by octets, INBOX first. */
struct mailbox_names {
	char	**v;		/* owned */
	size_t	  n;
};

/* All mailboxes that exist (a parent that only its children imply is not
 * among them).  Folders with names that IMAP cannot say are left out. */
enum mailbox_status mailbox_list(struct mailbox_root *,
	    struct mailbox_names *);
void	 mailbox_names_free(struct mailbox_names *);

/* MAILBOX_OK when it exists, else MAILBOX_NONE or MAILBOX_BAD_NAME. */
enum mailbox_status mailbox_exists(struct mailbox_root *, const char *name);

/*
 * RFC 3501, sections 6.3.3 to 6.3.5.  Parents need not exist.  INBOX exists
 * always and cannot be deleted; renaming it moves its messages to a new
 * mailbox and leaves it empty, its children stay.  Any other rename takes the
 * children along.  A deleted mailbox with children leaves them.  A mailbox
 * made again never has an earlier UIDVALIDITY.  A final delimiter in create
 * is ignored.
 */
enum mailbox_status mailbox_create(struct mailbox_root *, const char *name);
enum mailbox_status mailbox_delete(struct mailbox_root *, const char *name);
enum mailbox_status mailbox_rename(struct mailbox_root *, const char *from,
	    const char *to);

/* ---- one mailbox ---- */

struct mailbox;

#define MAILBOX_KEEP_NEW	0x4	/* leave messages in new/ where they
					 * are: EXAMINE, STATUS, POP3 */

#define MAILBOX_LATER		0x20	/* what serves the next session alone
					 * is left to mailbox_index_make() */

/*
 * Open a mailbox; INBOX in any letter case.  flags: MAILBOX_READONLY (the
 * calls that change messages are refused; new ones are still given UIDs),
 * MAILBOX_KEEP_NEW, MAILBOX_LATER.  It is empty until the first
 * mailbox_refresh(); a target of saves alone needs none.
 */
enum mailbox_status mailbox_open(struct mailbox_root *, const char *name,
	    unsigned flags, struct mailbox **);
/* NULL is allowed. */
void	 mailbox_close(struct mailbox *);
/* At the end of a session, the client having been answered: wait some
 * milliseconds until what we changed can be told from what others may change,
 * so that the next who opens the mailbox need not list it. */
void	 mailbox_settle(struct mailbox *);

/* Its name as in mailbox_list(): "INBOX" in capitals. */
const char *mailbox_name(const struct mailbox *);
bool	 mailbox_readonly(const struct mailbox *);
/* To be told before it is used: a folder whose files cannot be renamed is
 * read-only from now on, as MAILBOX_READONLY has it. */
void	 mailbox_check_readonly(struct mailbox *);

/* Whether it still has its name in the tree; false for an mbox. */
bool	 mailbox_here(const struct mailbox *);

/* Valid after a refresh or a commit to it. */
uint32_t mailbox_uidvalidity(const struct mailbox *);
uint32_t mailbox_uidnext(const struct mailbox *);

/* Its object identifier (RFC 8474 section 4), which stays when it is renamed.
 * After a refresh. */
#define MAILBOX_ID_SIZE	256
void	 mailbox_id(struct mailbox *, char id[MAILBOX_ID_SIZE]);

/* What mailbox_refresh() found.  The arrays are the mailbox's, good until the
 * next call on it. */
struct mailbox_diff {
	/* Numbers to tell as EXPUNGE, in this order: each is right at its
	 * moment (RFC 3501, section 7.4.1).  They fall. */
	const uint32_t	*expunged;
	const uint32_t	*expunged_uids;	/* of the same messages */
	size_t		 nexpunged;
	/* Messages that were there before and whose flags changed from
	 * outside: numbers after the expunges, rising. */
	const uint32_t	*changed;
	size_t		 nchanged;
	bool		 exists;	/* their number grew: mailbox_count() */
	bool		 recent;	/* tell mailbox_recent() */
	bool		 keywords;	/* new keywords: tell FLAGS */
};

#define MAILBOX_NO_EXPUNGE	0x1	/* numbers must not fall: vanished
					 * messages stay, as .gone, until a
					 * refresh without this */
#define MAILBOX_RELIST		0x2	/* do not trust time stamps */
#define MAILBOX_WAITING		0x8	/* for a session that waits, and then
					 * comes again when mailbox_watch()
					 * says: what others are about to tell
					 * may be left for that */

/*
 * Look what changed, give UIDs to new messages and write them down (synced
 * before this returns), and without KEEP_NEW move new messages to cur: these
 * are recent to this session alone.  Cheap when nothing changed (a few stat
 * calls).  diff may be NULL.  The first call reports everything as exists.
 *
 * MAILBOX_FULL, MAILBOX_BUSY, MAILBOX_NO_RIGHT: the diff is good, but new
 * messages could not be given UIDs and stay out of sight until a later call:
 * the session goes on.  MAILBOX_RESET, MAILBOX_TEMPORARY: nothing changed.
 */
enum mailbox_status mailbox_refresh(struct mailbox *, unsigned flags,
	    struct mailbox_diff *);

/* How many messages; those that are .gone count. */
uint32_t mailbox_count(const struct mailbox *);
uint32_t mailbox_recent(const struct mailbox *);

/* A message by its number, 1 to mailbox_count(). */
struct mailbox_msg {
	uint32_t	uid;
	mailbox_flags	flags;
	uint64_t	modseq;	/* RFC 7162, section 3: of its last change */
	bool		recent;
	bool		gone;	/* vanished, and not yet told so */
};
void	 mailbox_msg(const struct mailbox *, uint32_t seq,
	    struct mailbox_msg *);

/* The highest modification sequence (HIGHESTMODSEQ: RFC 7162, section 3.1.2.1).
 * Before it, or that of a message, is told to a client, it must be on disk: 0,
 * or -1 with errno. */
uint64_t mailbox_modseq(const struct mailbox *);
int	 mailbox_modseq_sync(struct mailbox *);

/* The same, but below that of any message that is .gone: what a client may
 * keep that was told all but those (RFC 7162, section 3.2). */
uint64_t mailbox_modseq_told(const struct mailbox *);

/*
 * UIDs that were expunged after modseq (RFC 7162, section 3.2.6), in no order
 * and maybe more than once; none that is in the view.  take returns 0 to go on.
 * MAILBOX_OK; MAILBOX_NONE: it is not known what was expunged that long ago,
 * any UID without a message may have been; else a failure.
 */
enum mailbox_status mailbox_vanished(struct mailbox *, uint64_t modseq,
	    int (*take)(void *, uint32_t uid), void *arg);

/* The number of the message with this UID, 0 if there is none; with
 * mailbox_seq_from() that of the first with this UID or a greater one, or
 * mailbox_count() + 1. */
uint32_t mailbox_seq(const struct mailbox *, uint32_t uid);
uint32_t mailbox_seq_from(const struct mailbox *, uint32_t uid);

/*
 * Size as the wire has it (RFC822.SIZE, LIST): from the name's ,W= or the
 * UID list, else counted by reading the message, once.  A hint that
 * turned out wrong when the message was read is not believed again.
 * MAILBOX_NONE: it vanished.  Known: it need not be read.
 */
bool	 mailbox_size_known(const struct mailbox *, uint32_t seq);
enum mailbox_status mailbox_size(struct mailbox *, uint32_t seq,
	    uint64_t *size);

/* When it arrived: INTERNALDATE, seconds since 1970. */
enum mailbox_status mailbox_date(struct mailbox *, uint32_t seq,
	    time_t *date);

/*
 * A name for what the message says, which its copies have as well (EMAILID: RFC
 * 8474, section 5.1): letters, digits, "-" and "_", NUL at its end.  It is made
 * of the file's first name; the UID list has that of a copy, in the field of
 * Dovecot's GUID.
 */
#define MAILBOX_EMAIL_ID	200
void	 mailbox_email_id(struct mailbox *, uint32_t seq,
	    char id[MAILBOX_EMAIL_ID]);

/* When it came into this mailbox (RFC 8514, section 3), which a COPY or an
 * APPEND with a date makes another moment; and whether this mailbox knows: an
 * mbox does not, and gives the internal date. */
enum mailbox_status mailbox_saved(struct mailbox *, uint32_t seq,
	    time_t *date);
bool	 mailbox_has_saved(const struct mailbox *);

/*
 * Open a message to be read, under whatever name it has now; the caller's to
 * message_close().  Tell mailbox_sized() its true size once message_size() is
 * known, so that a wrong hint is noticed.
 */
enum mailbox_status mailbox_message(struct mailbox *, uint32_t seq,
	    struct message **);
void	 mailbox_sized(struct mailbox *, uint32_t seq, uint64_t size);

/* ---- what is known of a message without its file: mailbox_cache.c ---- */

/*
 * Of a tree on a network file system the caches are in a folder of its own
 * below dir, which is on the host's own disk and may be shared by all users of
 * the host (mode 1777); without this call, or with dir "", there are none.
 * True when there is such a folder, made if need be: its path is in path[size],
 * for the sandbox.
 */
bool	 mailbox_root_cache(struct mailbox_root *, const char *dir,
	    char *path, size_t size);

/*
 * What the derived file stdmail.cache knows of a message; which SUMMARY bits,
 * none when it is .gone.  The items are good until the next call of these
 * two.  It may be deleted at any moment, and what cannot be written there is
 * forgotten: nothing here fails for it.
 */
unsigned mailbox_summary(struct mailbox *, uint32_t seq, unsigned want,
	    struct summary_view *);

/* Make what is wanted from the message, opened by mailbox_message(), and have
 * it remembered. */
enum mailbox_status mailbox_summary_read(struct mailbox *, uint32_t seq,
	    struct message *, unsigned want, struct summary_view *);

/* The header of a message was read, as it is on disk and to its end: have its
 * fields remembered, for the next who asks for them. */
void	 mailbox_summary_header(struct mailbox *, uint32_t seq,
	    const char *header, size_t n);

/* The internal date of a message was looked up: the same for that. */
void	 mailbox_summary_dated(struct mailbox *, uint32_t seq, time_t date);

/* A command begins: see what other sessions wrote.  It has been answered:
 * something is to be written; write it, and let go of memory. */
void	 mailbox_summary_begin(struct mailbox *);
bool	 mailbox_summary_pending(const struct mailbox *);
void	 mailbox_summary_rest(struct mailbox *);

/* ---- keywords ---- */

/* Index of a keyword (any letter case), or -1: unknown.  With create it is
 * added to the folder's file: -1 then also when all letters are taken or the
 * disk is full. */
int	 mailbox_keyword(struct mailbox *, const char *name, bool create);

/* Name of keyword i, or NULL: there is none with this index. */
const char *mailbox_keyword_name(const struct mailbox *, int i);

/* Whether another keyword could be added: PERMANENTFLAGS' \*. */
bool	 mailbox_keyword_room(const struct mailbox *);

/* ---- changes ---- */

enum mailbox_change { MAILBOX_ADD, MAILBOX_REMOVE, MAILBOX_REPLACE };

/*
 * Change the flags of n messages; those others set meanwhile are kept, but by
 * REPLACE.  The new state is in mailbox_msg() at once and is not reported by
 * the next refresh.  A message that vanished is passed over and becomes
 * .gone.  The first other failure ends it; what was done stays done.
 */
enum mailbox_status mailbox_store(struct mailbox *, const uint32_t *seqs,
	    size_t n, enum mailbox_change, mailbox_flags);

/*
 * The same, but for messages that changed after the modification sequence since
 * (RFC 7162, section 3.1.3): these are left alone and their numbers put into
 * failed, which has room for n, rising if seqs are.
 */
enum mailbox_status mailbox_store_since(struct mailbox *, const uint32_t *seqs,
	    size_t n, enum mailbox_change, mailbox_flags, uint64_t since,
	    uint32_t *failed, size_t *nfailed);

/*
 * Flags of many messages are written to the journal first; this renames their
 * files, and syncs what was removed.  To be called when the client has its
 * answer, within a second; mailbox_close() does it, and the next session what a
 * dead one left.
 */
void	 mailbox_flush(struct mailbox *);

/* Whether the index was left for later, and making it.  That has time;
 * mailbox_close() does it too. */
bool	 mailbox_index_pending(const struct mailbox *);
void	 mailbox_index_make(struct mailbox *);

/*
 * Remove n messages; they become .gone, and the next refresh reports them.
 * With only_deleted those whose file no longer says deleted are left alone.
 * One that had vanished already counts as removed.  On failure the rest is
 * still tried, and the first failure returned.  What was removed stays so
 * after a power cut when mailbox_flush() or mailbox_close() have returned: one
 * sync for the batch.
 */
enum mailbox_status mailbox_expunge(struct mailbox *, const uint32_t *seqs,
	    size_t n, bool only_deleted);

/* ---- new messages: APPEND, COPY, MOVE ---- */

struct mailbox_save;

/* Begin a batch into this mailbox (of its root's tree). */
enum mailbox_status mailbox_save_begin(struct mailbox *,
	    struct mailbox_save **);

/*
 * A message from the wire: start, write any number of times in pieces of any
 * size, finish.  CRLF becomes LF on disk.  flags' keywords are those of the
 * mailbox saved to; date (time_t)-1 is now.  A failure of write need not be
 * looked at: finish and commit return it.  Gone from disk on abort.  start
 * returns MAILBOX_OVERQUOTA when not even a message of one octet had room.
 */
enum mailbox_status mailbox_save_start(struct mailbox_save *, mailbox_flags,
	    time_t date);
enum mailbox_status mailbox_save_write(struct mailbox_save *, const void *,
	    size_t);
enum mailbox_status mailbox_save_finish(struct mailbox_save *);

/*
 * A copy of a message of another (or the same) mailbox of the same tree, with
 * flags, keywords (by name) and date.  It is a hard link under a new unique
 * name, since no one may write to a message that was delivered; where
 * the file system has none, a copy of the bytes.
 */
enum mailbox_status mailbox_save_copy(struct mailbox_save *,
	    struct mailbox *from, uint32_t seq);

/*
 * Make all of them appear, in order, with UIDs *first, *first + 1, ... (first
 * may be NULL; *first is 0 on failure), on disk before this returns; or none,
 * MAILBOX_OVERQUOTA among others.  The batch is freed either way.  A session
 * that has the mailbox open sees them at its next refresh.  For MOVE:
 * save_moves, save_copy, commit, then mailbox_expunge() of the originals: a
 * crash between leaves both, never neither.
 */
enum mailbox_status mailbox_save_commit(struct mailbox_save *,
	    uint32_t *first);
void	 mailbox_save_abort(struct mailbox_save *);

/*
 * Before the first: all are copies of messages of one mailbox, made at commit
 * as fast as can be, which returns MAILBOX_NONE when one is gone by then.  With
 * take, for MOVE, it may take the messages themselves: mailbox_expunge() finds
 * them gone; a crash leaves each in one of the two, with others or without.
 */
void	 mailbox_save_straight(struct mailbox_save *, bool take);

/* What is saved is moved within the tree: a full one has room for it. */
void	 mailbox_save_moves(struct mailbox_save *);

/* What is saved takes the place of a message of the tree, which will be
 * removed: its room counts as free. */
void	 mailbox_save_instead(struct mailbox_save *, struct mailbox *,
	    uint32_t seq);

/* A file without a name, to keep octets in that are on their way: its
 * descriptor, or -1: there can be none, as beside an mbox. */
int	 mailbox_scratch(struct mailbox *);

/* ---- waiting ---- */

/* Nothing has happened for a while: let go of memory that a wait does not
 * need. */
void	 mailbox_rest(struct mailbox *);

/*
 * A descriptor that becomes readable when the mailbox may have changed (for
 * stream_wait()), or -1: a file system without events, or one look follows
 * another.  *ms is when to refresh without a sign: seldom with a descriptor,
 * often on a network.  mailbox_refresh() takes the events.  One descriptor
 * serves all mailboxes of the root: it tells of any that was asked for and is
 * open.
 */
int	 mailbox_watch(struct mailbox *, int *ms);

/* After the descriptor woke us: whether this one may have changed.  It then
 * wants a refresh, others do not. */
bool	 mailbox_stirred(struct mailbox *);

/* The same for names of mailboxes and the subscriptions: whether they may be
 * others than when this was last asked; they are asked for a moment after the
 * event, unless at_once. */
int	 mailbox_root_watch(struct mailbox_root *, int *ms);
bool	 mailbox_root_changed(struct mailbox_root *, bool at_once);

/* Have changes of a mailbox's annotations count among these; without inotify
 * they are seen with the next other change. */
void	 mailbox_root_watch_annotations(struct mailbox_root *,
	    const char *name);

/* What stays when a mailbox is renamed, as long as it exists; 0: it does
 * not. */
uint64_t mailbox_folder_id(struct mailbox_root *, const char *name);

#endif
