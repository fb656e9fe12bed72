/* SPDX-License-Identifier: ISC
 *
 * The file stdmail.journal of a mailbox: what the Maildir and Dovecot's files
 * cannot hold, as checksummed records, only ever added to.
 *
 *	STATE	 a message is now so: its folder and info, its modification
 *		 sequence (RFC 7162), keywords beyond the letters, when it was
 *		 saved here if that is not its internal date (RFC 8514)
 *	GONE	 a UID was expunged, with its modification sequence
 *	KEYWORD	 the name of a keyword beyond the letters a to z
 *	FLOOR	 no message has a lesser modification sequence
 *	PENDING	 flags to add to and remove from a message whose file still
 *		 has its old name; a STATE of that UID which says so ends it
 *
 * The flags of a message are what its file's name says; a STATE tells other
 * sessions of a change and gives it a number.  A torn tail is ignored, and cut
 * off by the next who writes.  Modification sequences are microseconds since
 * 1970 or one more than the last, whichever is greater: a lost journal never
 * makes them fall.  The file is replaced by rename when it grew too much; who
 * had the old one open finds in the new one where to go on.
 *
 * Who writes holds the lock: an OFD lock of the file, never for long.
 */
#ifndef MAIL_JOURNAL_H
#define MAIL_JOURNAL_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"

#define JOURNAL_FILE		"stdmail.journal"
#define JOURNAL_NAME_MAX	255
#define JOURNAL_START	56	/* where records begin */

enum journal_type {
	JOURNAL_STATE = 1,
	JOURNAL_GONE,
	JOURNAL_KEYWORD,
	JOURNAL_FLOOR,
	JOURNAL_PENDING
};

/* A record as it is given and taken. */
struct journal_rec {
	enum journal_type type;
	uint32_t	 uid;		/* KEYWORD: its index */
	uint32_t	 saved;		/* STATE: seconds since 1970, or 0 */
	uint64_t	 modseq;
	uint64_t	 keywords;	/* STATE: those without a letter */
	uint64_t	 add, remove;	/* PENDING */
	unsigned char	 where;		/* STATE: WHERE_NEW and the like */
	const char	*text;		/* STATE: info; KEYWORD: name */
	bool		 done;		/* STATE: nothing is pending */
	size_t		 end;		/* taken: it ends so far behind where
					 * the octets begin, or .end was */
};

struct journal {
	int		 fd;		/* -1: none */
	dev_t		 dev;
	ino_t		 ino;
	uint64_t	 id, before;	/* of this one, of that it replaced */
	uint64_t	 floor;
	uint64_t	 top;		/* the highest when it was made */
	uint64_t	 live;		/* where its own records begin */
	off_t		 end;		/* read up to here */
	off_t		 synced;	/* on disk up to here, at least */
	bool		 torn;		/* behind end lies no whole record */
};

/* 0 to go on; any other value ends it. */
typedef int journal_take(void *arg, const struct journal_rec *);

/* ---- records: pure ---- */

/* Add a record in its form on disk to b, which is for the file with this id.
 * 0, or -1: no room. */
int	 journal_encode(struct buf *b, uint64_t id,
	    const struct journal_rec *);

/*
 * Take records from n octets.  Returns how many octets were whole, good
 * records; *bad becomes true when what follows can be none, however it goes on.
 * Ends early when take returns other than 0: *ended becomes that.
 */
size_t	 journal_decode(const char *p, size_t n, uint64_t id,
	    journal_take *take, void *arg, int *ended, bool *bad);

/* ---- the file, in the folder dir ---- */

void	 journal_init(struct journal *);
void	 journal_close(struct journal *);

/* Open it and read its header: 1, 0 there is none or none of this
 * UIDVALIDITY, -1 errno. */
int	 journal_open(struct journal *, int dir, uint32_t validity);

enum journal_read {
	JOURNAL_READ,		/* all there is has been taken */
	JOURNAL_REPLACED,	/* the same, and now there is another file */
	JOURNAL_FAILED		/* errno */
};
/* Take what was added behind .end; not beyond limit unless it is 0. */
enum journal_read journal_read(struct journal *, int dir, off_t limit,
	    journal_take *, void *arg);
/* How long the file is now; 0: there is none. */
off_t	 journal_size(const struct journal *);
/* Whether the name still is this file. */
bool	 journal_current(const struct journal *, int dir);

/* Make the file, locked, where there is none of use; its messages have the
 * floor.  Under the UID list's lock, since two must not.  0, or -1 errno. */
int	 journal_create(struct journal *, int dir, mode_t, uint32_t validity,
	    uint64_t floor);

/* Lock it: 0; -1 errno: EAGAIN not free in time, ESTALE it was replaced. */
int	 journal_lock(struct journal *, int dir);
void	 journal_unlock(struct journal *);

/* With the lock held and all read: add encoded records.  0; -1 errno, and
 * nothing was added. */
int	 journal_append(struct journal *, const struct buf *);
/* What was read and added is on disk: a system call only if it may not be. */
int	 journal_sync(struct journal *);

/*
 * With the lock held and all read: a new file with these records takes the
 * place of the old, synced, and the journal becomes it, locked.  id must be
 * what they were encoded for.  0, or -1 with errno: the old one stays.
 */
int	 journal_replace(struct journal *, int dir, mode_t, uint32_t validity,
	    uint64_t id, uint64_t floor, uint64_t top, const struct buf *);
uint64_t journal_new_id(void);

#endif
