/* SPDX-License-Identifier: ISC
 *
 * The file stdmail.index of a mailbox: the state of all its messages at one
 * moment, so that opening an unchanged mailbox reads nothing else.  It is
 * derived from the UID list, the journal and the folders' listings, and may be
 * removed at any time.
 *
 *	head	 how many, the marks of the UID list and the journal up to
 *		 which it was made, two slots for stamps
 *	records	 by rising UID
 *	hash	 of the names: a record's index + 1, or 0
 *	strings	 the files' names, each with a NUL behind it, and the UID
 *		 list's other fields where there are any
 *
 * A file is written whole, synced and renamed into place, and never changed
 * but for the slots; all sessions map it read-only.  What happened since lies
 * behind the marks.  A slot says which stamps the folders had when the journal
 * stood where: while they are so, nothing need be listed.
 */
#ifndef MAIL_INDEX_H
#define MAIL_INDEX_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "mail/uidlist.h"

#define INDEX_FILE	"stdmail.index"
#define INDEX_MAX	(1u << 30)	/* messages */
#define INDEX_NONE	UINT32_MAX

struct index_rec {
	uint32_t	 uid;
	uint32_t	 name;		/* where in the strings */
	uint64_t	 flags;		/* as the name says, and keywords
					 * without a letter */
	uint64_t	 modseq;
	uint64_t	 size;		/* on the wire; UINT64_MAX unknown */
	uint8_t		 base_len, name_len;
	uint8_t		 where;
	uint8_t		 bits;
	uint32_t	 saved;		/* seconds since 1970, 0: see date */
};

#define INDEX_EXT	0x1	/* fields of the UID list behind the name */

struct index_mark {
	uint64_t	 journal;	/* the id of the file, 0: none */
	uint64_t	 at;		/* octets of it that are in here */
	uint64_t	 modseq;	/* the highest */
	struct uidlist_mark list;
	uint32_t	 validity;
	uint32_t	 nnew;		/* messages in new */
};

/* The folders' stamps, and where the journal stood. */
struct index_slot {
	uint64_t	 number;	/* of two the greater counts */
	uint64_t	 journal, at;
	int64_t		 new_sec, cur_sec;
	uint32_t	 new_nsec, cur_nsec;
	uint32_t	 synced;	/* the journal is on disk up to at */
	uint32_t	 crc;
};

struct index {
	const struct index_rec *v;
	uint32_t	 n;
	const uint32_t	*hash;
	uint32_t	 nhash;		/* a power of two, or 0 */
	const char	*strings;
	size_t		 nstrings;
	struct index_mark mark;
	/* The mapping: */
	void		*map;		/* NULL: none */
	size_t		 size;
	dev_t		 dev;
	ino_t		 ino;
};

/* All zero is an index of nothing.  Map the file in the folder dir: 1, 0 there
 * is none that is good, -1 errno. */
int	 index_open(struct index *, int dir);
void	 index_close(struct index *);
/* Whether the name still is this file. */
bool	 index_current(const struct index *, int dir);

/* A record's name (base and info), and its fields of the UID list or "". */
const char *index_name(const struct index *, uint32_t i);
const char *index_ext(const struct index *, uint32_t i);

/* The record with this base name, or of this UID; INDEX_NONE. */
uint32_t index_find(const struct index *, const char *base, size_t n);
uint32_t index_uid(const struct index *, uint32_t uid);

/* The hash of the index and of whatever is to be looked up beside it. */
uint32_t index_hash(const char *, size_t);

/* The later of the two slots, all zero when none is good. */
void	 index_slot(const struct index *, struct index_slot *);
/* Write one in the place of the older.  0, or -1 errno. */
int	 index_slot_write(const struct index *, int dir,
	    const struct index_slot *);

/*
 * Make a file: begin with the most records and octets of strings there can be,
 * put them by rising UID, end.  0, or -1 with errno, and the old file stays.
 * NULL name fields are not allowed; rec's name and bits are set here.
 */
struct index_writer {
	char		*data;
	struct index_rec *v;
	uint32_t	 n, nmax;
	uint32_t	*hash;
	uint32_t	 nhash;
	char		*strings;
	size_t		 used, max;
	bool		 failed;
};
int	 index_begin(struct index_writer *, uint32_t n, size_t strings);
void	 index_put(struct index_writer *, const struct index_rec *,
	    const char *base, const char *info, const char *ext);
int	 index_end(struct index_writer *, int dir, mode_t,
	    const struct index_mark *, const struct index_slot *);
void	 index_abort(struct index_writer *);

#endif
