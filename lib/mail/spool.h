/* SPDX-License-Identifier: ISC
 *
 * The spool: how a message gets in so that it is never lost, and how an agent
 * gets it out.  stdmail-spool(5) has the tables of folders, owners, states and
 * what a crash leaves in each.
 *
 *	tmp/ID			being written: mode 0200
 *	tmp/ID,S=n,W=m,C=x	sealed: readable; complete when x is the CRC-32
 *				of its n octets; ,D=DUE behind it when it is to
 *				be held
 *	QUEUE/env/ID		the envelope, when it has a file
 *	QUEUE/now/ID,S=n,W=m	committed
 *	QUEUE/later/B/DUE-ID,S=n,W=m	deferred; B is the minute of DUE
 *	QUEUE/held/SINCE-ID,S=n,W=m	kept back by a person: no agent looks
 *				there
 *
 * A message gets in by these steps, and only in this order:
 *
 *	spool_create	monitor   files exist, locked, mode 0200
 *	write		session
 *	spool_seal_envelope  monitor, fsync  session   (with an envelope file)
 *	spool_seal	monitor   readable, its size and sum in its name
 *	fsync		session
 *	spool_commit	monitor   renamed into the queue (later/ when it is
 *			to be held)
 *	answer 250
 *
 * The monitor's calls touch metadata alone and never wait for data.  What
 * fsync refused once is aborted and answered 451, never synced again.  Between
 * the fsync and the rename a crash loses nothing: spool_recover() moves what
 * is complete.
 *
 * All return 0, or -1 with errno (EDQUOT, ENOSPC: 452; others: 451), unless
 * they say more.  Descriptors are close-on-exec.
 */
#ifndef MAIL_SPOOL_H
#define MAIL_SPOOL_H

#include <sys/types.h>

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/envelope.h"
#include "mail/settings.h"

#define SPOOL_ID_MAX	160	/* of an ID, NUL included */
#define SPOOL_NAME_MAX	(NAME_MAX + 1)

enum spool_queue {
	SPOOL_LOCAL,		/* for mda-deliver */
	SPOOL_REMOTE,		/* for smtp-send */
	SPOOL_QUEUES
};

/* How the envelope is kept; with the queue it is the letter in the ID. */
enum spool_form {
	SPOOL_LINES,		/* L, S: SPOOL_LOCAL, one recipient: the first
				 * two lines, trace_return_path() and
				 * trace_delivered_to(), are the envelope; S
				 * says that it is our own (struct envelope) */
	SPOOL_FILE		/* M local, R remote: QUEUE/env/ID; the message
				 * starts at Received, or behind what its
				 * envelope says is skipped */
};

struct spool {
	int	root, tmp;			/* O_PATH */
	int	now[SPOOL_QUEUES];
	int	later[SPOOL_QUEUES];
	int	env[SPOOL_QUEUES];
	int	held[SPOOL_QUEUES];		/* -1: there is none, and we
						 * may not make it */
	char	path[PATH_MAX];			/* as configured */
	char	host[100];			/* as it stands in IDs */
	uid_t	uid;				/* ours at spool_open() */
	uid_t	owner[SPOOL_QUEUES];		/* as root: mail_user and */
	gid_t	group;				/* spool_user, its group */
	bool	sync_names;			/* the folder of a new name
						 * must be synced too */
};

/*
 * Open the spool of the settings.  Below a top folder that exists, missing
 * folders are made, with their owners when we are root.  0, or -1 with one
 * line in error[CONF_ERROR_MAX].  Asks NSS when we are root: call it before
 * the sandbox.
 */
int	 spool_open(struct spool *, const struct settings *, char *error);
void	 spool_close(struct spool *);

/* For -n: are all folders there, with the right owners and modes? */
settings_check spool_check;

/* Is there room for n more octets, a reserve and inodes?  1, 0; -1 errno.
 * Asks the file system (statvfs), which does not wait. */
int	 spool_room(const struct spool *, uint64_t n);

/*
 * The creator's side: the monitor.
 */

/* Plain data; may be copied, e.g. live in server_call.data. */
struct spool_new {
	char		 id[SPOOL_ID_MAX];
	char		 tmp[SPOOL_NAME_MAX];	/* its name in tmp/ */
	char		 name[SPOOL_NAME_MAX];	/* in its queue; "" before
						 * it is sealed */
	enum spool_queue queue;
	enum spool_form	 form;
	int		 msg;		/* write-only, with the lock */
	int		 env;		/* the same for SPOOL_FILE, else -1 */
	uid_t		 owner;
	int64_t		 due;		/* not before then; 0: now.  May be
					 * set up to the seal, of SPOOL_FILE */
};

/*
 * Make the file or files.  As root, they are made under the owner's uid, so
 * that quota and rights are the owner's: for SPOOL_LINES the mailbox owner's,
 * (uid_t)-1 for the queue's own; otherwise they are ours, and readable for
 * the agent's group.  own is for SPOOL_LINES, which has no other place for
 * it.  The session gets a dup() of msg (and of env): the monitor keeps its own
 * until commit or abort.
 */
int	 spool_create(const struct spool *, struct spool_new *,
	    enum spool_queue, enum spool_form, uid_t owner, bool own);

/* The envelope file is written; makes it readable.  Then fsync it, and only
 * then go on with the message. */
int	 spool_seal_envelope(const struct spool *, struct spool_new *);

/* The message is written: size octets, wire octets with CRLF, their sum.
 * EINVAL when the file has another size, or wire is impossible.  Then fsync
 * it. */
int	 spool_seal(const struct spool *, struct spool_new *, uint64_t size,
	    uint64_t wire, uint32_t crc);

/* All is on disk: into the queue.  Closes the descriptors when it returns 0;
 * after -1 call spool_abort().  With sync_names it also waits for the
 * folders. */
int	 spool_commit(const struct spool *, struct spool_new *);

/* Take it all away again, at any step before commit returned 0; closes the
 * descriptors.  Does nothing when n->id is "". */
void	 spool_abort(const struct spool *, struct spool_new *);

/* An unnamed file in tmp/, to read and write: it is gone with its last
 * descriptor.  Its descriptor, or -1. */
int	 spool_draft(const struct spool *);

/*
 * The writer's side: the session.
 */

struct spool_writer {
	int		fd;
	int		error;		/* errno of the first failure, or 0 */
	uint64_t	size;		/* octets so far: ,S= */
	uint64_t	wire;		/* the same with CRLF: ,W= */
	uint32_t	crc;		/* CRC-32 of them */
	bool		unsummed;	/* ... which nobody asks for */
	int		crlf;
	size_t		len;
	char		data[16384];
};

/* fd: of the message or of the envelope; stays the caller's. */
void	 spool_writer_init(struct spool_writer *, int fd);
/* Write octets in disk form.  Failure is sticky. */
int	 spool_write(struct spool_writer *, const void *, size_t);
/* Write what is held back.  Before seal. */
int	 spool_flush(struct spool_writer *);
/* fsync, once.  After seal. */
int	 spool_sync(struct spool_writer *);

/*
 * All of it in one process, for bounces and forwards.
 */

struct spool_put {
	const struct spool *spool;
	struct spool_new    file;
	struct spool_writer writer;
};

/*
 * Begin.  e is written to the envelope file, or, when the queue is local and
 * envelope_is_plain(), as the first two lines.  owner as spool_create().
 */
int	 spool_put_begin(struct spool_put *, const struct spool *,
	    enum spool_queue, struct envelope *e, uid_t owner);
int	 spool_put_write(struct spool_put *, const void *, size_t);
/* Seal, sync, commit: 0, and it is safe and p->file.id says its ID; or -1 and
 * all is gone again. */
int	 spool_put_end(struct spool_put *);
void	 spool_put_abort(struct spool_put *);

/*
 * Recovery, at the start of agents and of a server that listens (not for each
 * connection): complete files in tmp/ without a living writer go to their
 * queue, incomplete ones are deleted, envelopes whose message is gone too.
 * Under a lock; when another process is at it, returns at once.  Only what our
 * rights reach is touched.  Each step is logged.  Returns how many messages
 * were moved, or -1 with errno.
 */
int	 spool_recover(const struct spool *);

/*
 * The agent's side.
 */

#define SPOOL_NOW	(-1)	/* as a bucket: now/ */
#define SPOOL_HELD	(-2)	/* ... held/ */

/* A name found in a queue. */
struct spool_item {
	char		 name[SPOOL_NAME_MAX];	/* without DUE- : base name in
						 * the Maildir */
	char		 id[SPOOL_ID_MAX];
	enum spool_queue queue;
	enum spool_form	 form;
	bool		 own;		/* of SPOOL_LINES */
	int64_t		 bucket;	/* its folder in later/; or the next
					 * two */
	int64_t		 due;		/* 0 in now/ and held/ */
	int64_t		 held;		/* since when; 0 not in held/ */
	int64_t		 arrived;	/* seconds since 1970, from the ID */
	uint64_t	 size, wire;	/* ,S= and ,W= */
};

#define SPOOL_BUCKET	60	/* seconds of due time in one folder of later/;
				 * older versions made them of an hour, and
				 * these are read too */

/* Parse a name as it stands in now/, later/B/ or held/.  1, or 0 it is none of
 * ours. */
int	 spool_name_parse(struct spool_item *, const char *, enum spool_queue,
	    int64_t bucket);

struct spool_walk;

/* Go through now/, then what is due at the given time in later/, the oldest
 * first within some thousands; later_too 0 leaves later/ out.  What is held is
 * not among it.  NULL: errno. */
struct spool_walk *spool_walk_open(const struct spool *, enum spool_queue,
	    int64_t time, int later_too);
/* The same for people: now/, all of later/, and held/. */
struct spool_walk *spool_walk_all(const struct spool *, enum spool_queue);
/* 1 and an item; 0 the end; -1 errno.  Items may be gone already. */
int	 spool_walk_next(struct spool_walk *, struct spool_item *);
void	 spool_walk_close(struct spool_walk *);

/* The time of the next name in later/, or 0 when it is empty; -1 errno.
 * Removes empty buckets that are over. */
int64_t	 spool_next_due(const struct spool *, enum spool_queue);

/* A message that is ours alone now. */
struct spool_message {
	const struct spool *spool;
	struct spool_item item;
	int		  fd;		/* read and write, with the lock */
	int		  env_fd;	/* SPOOL_FILE, else -1 */
	struct envelope	  env;		/* from the file or the two lines */
	uint64_t	  start;	/* of the message in fd: behind the
					 * two lines, or 0, or skip */
	uint64_t	  size;		/* octets of the file */
	struct timespec	  mtime;	/* the arrival */
	uid_t		  uid;		/* of the file's owner */
	bool		  dirty;	/* marks not yet synced */
};

/*
 * Lock it and read its envelope.  1; 0 another agent has it, or it is gone;
 * -1 errno: EBADMSG when the envelope is missing or malformed (logged; no mail
 * is thrown away: spool_defer_item() it far ahead).
 */
int	 spool_take(const struct spool *, const struct spool_item *,
	    struct spool_message *);

/* The same only to read, without the lock: an agent may be at work on it.  To
 * be ended by spool_release(). */
int	 spool_look(const struct spool *, const struct spool_item *,
	    struct spool_message *);

/* Read its envelope alone, without a lock, as the queue's owner: where it
 * would go.  SPOOL_FILE.  1, *e is to be freed; 0 it is gone; -1 as
 * spool_take(). */
int	 spool_peek(const struct spool *, const struct spool_item *,
	    struct envelope *e);

/* Another descriptor of a message that is ours, to read only and without the
 * lock, for who is not to write to it.  The caller's; -1 errno. */
int	 spool_reader(const struct spool_message *);

/*
 * Overwrite the letter of recipient i, and keep a reply's words when text is
 * not NULL ("tried" line, at this time).  SPOOL_LINES has nothing on disk to
 * change, only the struct.  -1: it was not recorded.
 */
int	 spool_mark(struct spool_message *, size_t i, enum envelope_status,
	    int64_t time, const char *text);

/* Keep what became of one of the places that a recipient's mail goes to.
 * Without an envelope file only in the struct.  -1: it was not recorded. */
int	 spool_did(struct spool_message *, const struct envelope_did *);

/*
 * Give a message of SPOOL_LINES an envelope file, for that: its first two lines
 * stay in the file and are skipped, and it has another ID, which m->item says.
 * A kill before the rename leaves it as it was.  Nothing to do for others.  -1
 * errno, ENOENT when a person moved it: nothing has changed.
 */
int	 spool_add_envelope(struct spool_message *);

/* Keep that the sender was told of a delay.  -1: it was not recorded; EINVAL
 * with SPOOL_LINES, which have no place for it. */
int	 spool_warned(struct spool_message *, int64_t time);

/* fdatasync the marks, when there are new ones. */
int	 spool_marks_sync(struct spool_message *);

/* Move to later/.  The lock stays.  m->item says the new place. */
int	 spool_defer(struct spool_message *, int64_t due);
/* The same for one that could not be taken. */
int	 spool_defer_item(const struct spool *, const struct spool_item *,
	    int64_t due);

/*
 * Move to now/, for a retry.  Without the lock, so that the agent that the
 * rename wakes can take it; one that has it already finds it there when it is
 * done (spool_defer(), spool_give(), spool_drop() follow a message to now/).
 * An agent tries what is in now/ with "tried" lines whatever it remembers of
 * the hosts: a person wants it.
 */
int	 spool_retry(const struct spool *, const struct spool_item *);

/* Move to held/, where no agent looks.  The lock stays; it stays there after a
 * power cut when spool_sync_all() was called.  ENOTDIR: there is no held/. */
int	 spool_hold(struct spool_message *, int64_t now);

/* From held/ back: to now/, or to later/ when its sender named a later time.
 * What was held is written to its envelope, so that its age does not count it
 * (SPOOL_LINES have no place for it).  Ends with spool_release(),
 * whatever it returns: the lock is gone before an agent is woken. */
int	 spool_unhold(struct spool_message *, int64_t now);

/* Remove one whose envelope cannot be read, so that spool_take() does not take
 * it, and what there is of the envelope: for a person who knows what is lost.
 * EAGAIN: an agent is at it. */
int	 spool_discard(const struct spool *, const struct spool_item *);

/* The text of the envelope file as it is now, for its history: malloc'd, *n
 * octets; NULL errno, EINVAL there is none. */
char	*spool_envelope_text(const struct spool_message *, size_t *n);

/* The file itself becomes the mailbox's: one rename under its own name, that
 * never overwrites, into a folder (open to read) of this owner.  Of
 * SPOOL_FILE only what has its two lines, and then its envelope goes behind
 * it.  0; -1 and nothing changed: EXDEV, EEXIST. */
int	 spool_give(struct spool_message *, uid_t owner, int dir);

/* All recipients are done: sync the marks, unlink message, then envelope.
 * After -1 nothing may be believed gone. */
int	 spool_drop(struct spool_message *);

/*
 * The same, of SPOOL_FILE as the queue's owner, without waiting for the disk:
 * a power cut before the next spool_vanish_sync() may bring it back as it was
 * when its letters were last synced, and never less of it.  The letters must
 * say that all is done: a kill between the unlinks leaves the envelope alone.
 * 0; -1 errno: nothing may be believed gone.
 */
int	 spool_vanish(struct spool_message *);
/* All that has vanished so far is gone for good. */
int	 spool_vanish_sync(const struct spool *, enum spool_queue);

/* The same for many, whose senders need not be told: nothing is on disk before
 * spool_sync_all(), and no mark is synced.  That one waits for all that was
 * written to the file system.  Or for one whose copies are on the same disk,
 * which keeps its order (mail/disk_order.h). */
int	 spool_drop_unsynced(struct spool_message *);
int	 spool_sync_all(const struct spool *);

/* Of one that was looked at: has an agent its lock now? */
bool	 spool_is_taken(const struct spool_message *);

/* Let go of the lock, and forget it. */
void	 spool_release(struct spool_message *);

/* When to try again: waits grow with the age, from first seconds to at most
 * most (e.g. 4 hours), some at random so that a heap does not come at once. */
int64_t	 spool_wait(int64_t arrived, int64_t now, int64_t first,
	    int64_t most);

/* Wake agents that wait for something to come into now/: one may have gone
 * past a message there while a person had its lock. */
int	 spool_nudge(const struct spool *, enum spool_queue);

/*
 * Waiting for work.
 */
struct spool_watch {
	int	fd;		/* inotify, non-blocking; -1: there is none */
};

/* Open before the first scan and before the sandbox.  Never fails: without
 * inotify (128 instances for a user; network file systems) fd is -1, and the
 * agent looks every SPOOL_POLL seconds. */
#define SPOOL_POLL	5
void	 spool_watch_open(struct spool_watch *, const struct spool *,
	    enum spool_queue);
/* Wait until something came, at most until the given time (0: no end).
 * 1 scan now, 0 that time is here, -1 a signal came.  A signal that arrives
 * between the caller's test of its flag and this call is not lost when it is
 * blocked but inside: mask as in ppoll(2), NULL leaves the mask. */
int	 spool_watch_wait(struct spool_watch *, int64_t until,
	    const void *sigmask);
/* For a loop of one's own, behind a poll(2) of fd: forget what came. */
void	 spool_watch_drain(struct spool_watch *);
void	 spool_watch_close(struct spool_watch *);

/*
 * Rights.
 */

/*
 * Act on files as another uid and group, when we are root and it is not ours;
 * else nothing happens.  The process stays root in all else, so no signal or
 * ptrace of that user reaches it.  Metadata calls only stand between the two.
 * spool_as() 0, or -1 errno; spool_as_end() keeps errno and ends the process
 * should the kernel not give root back.  They do not nest.
 */
struct spool_as {
	bool	changed;
	uid_t	uid;
	gid_t	gid;
};
int	 spool_as(struct spool_as *, uid_t, gid_t);
void	 spool_as_end(struct spool_as *);

#endif
