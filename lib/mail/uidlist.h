/* SPDX-License-Identifier: ISC
 *
 * The file dovecot-uidlist: which UID each message file has, in Dovecot's
 * documented format.  Version 3 is read and written, version 1 read.
 *
 *	3 V<uidvalidity> N<nextuid> G<guid>[ <key><value>...]
 *	<uid>[ <key><value>...] :<base name>
 *
 * Keys nobody here knows are kept.  A line whose name stands again further
 * down is superseded.  The file is appended to under its lock, or replaced by
 * rename; who reads takes no lock and ignores a line without its end.
 *
 * The array of records is what a mailbox works on: it finds them by name and
 * adds to the end.  A record never moves to another index until the whole is
 * loaded anew.
 */
#ifndef MAIL_UIDLIST_H
#define MAIL_UIDLIST_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UIDLIST_FILE		"dovecot-uidlist"
#define UIDLIST_UID_MAX		(UINT32_MAX - 1)
#define UIDLIST_SIZE_MAX	(1u << 30)	/* a file larger is damaged */

#define UIDLIST_NOWHERE	0
#define UIDLIST_NEW	1
#define UIDLIST_CUR	2

struct uidlist_rec {
	uint32_t	 uid;
	/* The mailbox's: what the folder says of it. */
	uint32_t	 listing;	/* in which it was last seen */
	const char	*name;		/* the base */
	const char	*ext;		/* "W123 Pid", or "" */
	const char	*info;		/* behind the base now */
	uint64_t	 flags;		/* now */
	uint64_t	 told;		/* as the session knows them */
	uint64_t	 size;		/* on the wire; UINT64_MAX unknown */
	unsigned char	 where;		/* UIDLIST_NOWHERE, NEW, CUR */
	bool		 visible;	/* in the session's view */
	bool		 gone;		/* believed removed */
	bool		 recent;
	bool		 superseded;	/* its name has a later record */
};

struct uidlist_chunk;

struct uidlist {
	uint32_t	 validity;	/* 0: none yet */
	uint32_t	 next;		/* the UID to give next */
	char		*header;	/* " Gguid Xfoo": all but V and N */
	struct uidlist_rec *v;		/* by rising uid */
	size_t		 n, cap;
	uint32_t	*hash;		/* of names: index + 1, 0 free */
	size_t		 nhash;		/* a power of two, or 0 */
	struct uidlist_chunk *chunks;	/* where strings are */
	size_t		 written;	/* records [0, written) are on disk */
	/* The file these came from: */
	int		 fd;		/* kept so that its inode number
					 * is not given again; -1: no file */
	dev_t		 dev;
	ino_t		 ino;
	off_t		 end;		/* read up to here */
	bool		 damaged;	/* to be replaced, not appended to */
};

void	 uidlist_init(struct uidlist *);
void	 uidlist_free(struct uidlist *);

/*
 * Take n octets of a file, its begin (header 1) or further lines.  text is
 * written to and must live as long as the list: uidlist_hold() it.  Returns
 * how many octets were understood, up to the last line end.  Lines that are
 * damaged or not in order are passed over and set .damaged; a header that
 * cannot be read leaves .validity 0.  -1: no memory.
 */
ssize_t	 uidlist_parse(struct uidlist *, char *text, size_t n, bool header);

/* Memory of n octets that lives as long as the list; NULL: none left. */
char	*uidlist_hold(struct uidlist *, size_t n);
/* A copy of a string there. */
const char *uidlist_string(struct uidlist *, const char *, size_t);

/* The record with this base name, or NULL. */
struct uidlist_rec *uidlist_find(struct uidlist *, const char *, size_t);
/* By UID: the index of the first with this UID or above; n when none. */
size_t	 uidlist_at(const struct uidlist *, uint32_t uid);

/*
 * Add a record at the end with the next UID; an earlier one of that name is
 * superseded.  name and ext must live as long as the list.  NULL: no memory,
 * or no UIDs left.
 */
struct uidlist_rec *uidlist_add(struct uidlist *, const char *name,
	    const char *ext);

/* Put an array (of malloc, by rising uid, whose strings the list holds) in the
 * place of the records, all of them written.  0; -1 no memory, nothing is
 * changed. */
int	 uidlist_take(struct uidlist *, struct uidlist_rec *, size_t n);

/* A field of a record by its key, into value[size], NUL at its end: 1, or 0
 * it has none or it does not fit. */
int	 uidlist_ext(const struct uidlist_rec *, char key, char *value,
	    size_t size);

/* The file, in the folder dir. */

enum uidlist_read {
	UIDLIST_SAME,		/* nothing new */
	UIDLIST_MORE,		/* records were added at the end */
	UIDLIST_REPLACED,	/* another file: load it into a new list */
	UIDLIST_MISSING,	/* no file */
	UIDLIST_FAILED		/* errno */
};
/* Bring a list up to date: the first time, or with what was appended. */
enum uidlist_read uidlist_read(struct uidlist *, int dir);

/*
 * With the lock held and the list up to date: write the records from .written
 * on and sync them.  The file is replaced when it is damaged, missing, or
 * when more than a quarter of it is not wanted any more.  .validity must have
 * been set.  0, or -1 with errno: .written stays, what the file holds is not
 * known, and uidlist_read() will say UIDLIST_REPLACED.
 */
int	 uidlist_write(struct uidlist *, int dir, mode_t mode);

/* Whether the file is other than it was read (a stat call). */
bool	 uidlist_changed(const struct uidlist *, int dir);

#endif
