/* SPDX-License-Identifier: ISC
 *
 * One mbox as a store of numbered messages with UIDs and flags, which stays
 * everyone's: what programs such as mutt, pine and Dovecot note in the headers
 * (Status, X-Status, X-Keywords, X-UID, X-IMAPbase) is read and written as
 * they do, under the locks of mail/mbox_lock.h, which are never held between
 * calls.
 *
 * Every call that looks at the file may bring the records up to date, so that
 * an index is good until the next one: messages are named by UID.
 *
 * Flags are changed in place where the header has the room that this program
 * and others leave there.  Anything else is one replacement of the end of the
 * file by another, through a journal behind the old end (mbox_journal.h), so
 * that a crash at any moment leaves the old state or the new one.  The file
 * stays the same file, with its owner, mode and links: who waits for its lock
 * waits for the right one.  That takes room for a copy of what is replaced.
 *
 * NOTE: UIDVALIDITY is in the first message: when a program that knows
 * nothing of it removes that message, a later session gives all UIDs anew; one
 * that is open writes it again.
 *
 * NOTE: when a file grew, what was known of its older messages is believed,
 * as their place is the same, until MBOX_STORE_ALL or a change.
 */
#ifndef MAIL_MBOX_STORE_H
#define MAIL_MBOX_STORE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "mail/mailbox.h"
#include "mail/message.h"

#define MBOX_STORE_MAX		4000000u	/* messages */
#define MBOX_STORE_LOCK_SECONDS	10

struct mbox_store;

#define MBOX_STORE_READONLY	0x1	/* change nothing: UIDs that are not in
					 * the file last for the session */
#define MBOX_STORE_CREATE	0x2	/* make it (0600) if it is not there */

/*
 * Open the mbox called name in the folder dir (the caller's, which stays open,
 * or AT_FDCWD).  A file that may not be written is as READONLY.  It is empty
 * until the first refresh.  MAILBOX_NONE: there is none; MAILBOX_BAD_NAME: it
 * is no regular file.
 */
enum mailbox_status mbox_store_open(int dir, const char *name, unsigned flags,
	    struct mbox_store **);
/* NULL is allowed. */
void	 mbox_store_close(struct mbox_store *);
bool	 mbox_store_readonly(const struct mbox_store *);
/* A file without a name for messages on their way in, taken from *fd (which is
 * -1 meanwhile) and put back there: for a sandbox in which none can be made. */
void	 mbox_store_spare(struct mbox_store *, int *fd);

#define MBOX_STORE_TAKE_NEW	0x1	/* new messages get "O": they are
					 * recent to this session alone */
#define MBOX_STORE_ALL		0x2	/* read the whole file when it was
					 * changed at all */

/*
 * Bring the records up to date; give UIDs to new messages and have them on
 * disk before this returns.  A few stat calls when nothing changed.
 *
 * MAILBOX_FULL, MAILBOX_NO_RIGHT: messages without a UID stay out of sight.
 * MAILBOX_BUSY: a lock was not free, and all is as before.  After any other
 * failure there are no records until a refresh succeeds: MAILBOX_BAD_NAME: it
 * is no mbox, something stands before the first From_ line; MAILBOX_RESET:
 * UIDVALIDITY is another, and it must be closed; MAILBOX_LIMIT;
 * MAILBOX_TEMPORARY.  An mbox that was removed is an empty one.
 */
enum mailbox_status mbox_store_refresh(struct mbox_store *, unsigned flags);

/* Valid after a refresh. */
uint32_t mbox_store_uidvalidity(const struct mbox_store *);
uint32_t mbox_store_uidnext(const struct mbox_store *);

/* Another number when messages may have come, gone or got other flags. */
uint64_t mbox_store_generation(const struct mbox_store *);

/* The messages, by rising UID, which is their order in the file. */
struct mbox_item {
	uint32_t	uid;
	mailbox_flags	flags;
	bool		recent;		/* without "O" before this session
					 * took it */
	uint64_t	size;		/* on the wire, exact */
	time_t		date;		/* of the From_ line, or 0 */
};
size_t	 mbox_store_count(const struct mbox_store *);
void	 mbox_store_item(const struct mbox_store *, size_t i,
	    struct mbox_item *);
/* The index of a UID, or (size_t)-1. */
size_t	 mbox_store_find(const struct mbox_store *, uint32_t uid);

/* Open a message; MAILBOX_NONE: it is gone, or not where it was (refresh). */
enum mailbox_status mbox_store_message(struct mbox_store *, uint32_t uid,
	    struct message **);

/* Keywords as in mailbox.h: the index of a name, or -1; the name, or NULL.  One
 * that is created is in the file with the first message that has it. */
int	 mbox_store_keyword(struct mbox_store *, const char *name, bool create);
const char *mbox_store_keyword_name(const struct mbox_store *, int i);
bool	 mbox_store_keyword_room(const struct mbox_store *);

/*
 * Change the flags of n messages, as they are in the file by then.  UIDs that
 * are gone are passed over.  After a failure, as after a crash, each message
 * has its old flags or the new ones, and the records say which.
 */
enum mailbox_status mbox_store_flags(struct mbox_store *,
	    const uint32_t *uids, size_t n, enum mailbox_change,
	    mailbox_flags);

/* Remove n messages (with only_deleted those that still are deleted): all of
 * them or, on failure, none. */
enum mailbox_status mbox_store_remove(struct mbox_store *,
	    const uint32_t *uids, size_t n, bool only_deleted);

/* Messages on their way in; as in mailbox.h.  They are kept in a file without
 * a name, in the mbox's folder or, where nothing may be made there, in memory;
 * no lock is held meanwhile. */
struct mbox_save;

enum mailbox_status mbox_save_begin(struct mbox_store *, struct mbox_save **);
enum mailbox_status mbox_save_start(struct mbox_save *, mailbox_flags,
	    time_t date);
enum mailbox_status mbox_save_write(struct mbox_save *, const void *, size_t);
enum mailbox_status mbox_save_finish(struct mbox_save *);
/* All of them, with UIDs *first and on, or none. */
enum mailbox_status mbox_save_commit(struct mbox_save *, uint32_t *first);
void	 mbox_save_abort(struct mbox_save *);

#endif
