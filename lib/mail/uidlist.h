/* SPDX-License-Identifier: ISC
 *
 * The file dovecot-uidlist: which UID each message file has, in Dovecot's
 * documented format.  Version 3 is read and written, version 1 read, which is
 * also the format of Courier's courierimapuiddb.
 *
 *	3 V<uidvalidity> N<nextuid> G<guid>[ <key><value>...]
 *	<uid>[ <key><value>...] :<base name>
 *
 * Keys nobody here knows are kept.  A line whose name stands again further
 * down is superseded.  The file is appended to under its lock, or replaced by
 * rename; who reads takes no lock and ignores a line without its end.
 *
 * Nothing here keeps the lines: each is given to the caller once.
 */
#ifndef MAIL_UIDLIST_H
#define MAIL_UIDLIST_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"

#define UIDLIST_FILE		"dovecot-uidlist"
#define UIDLIST_COURIER		"courierimapuiddb"
#define UIDLIST_UID_MAX		(UINT32_MAX - 1)
#define UIDLIST_SIZE_MAX	(1u << 30)	/* a file larger is damaged */
#define UIDLIST_HEADER_MAX	1024	/* octets of the first line */
#define UIDLIST_LINE_MAX	4096

/* A place in a file, known again by what stands before it. */
struct uidlist_mark {
	uint64_t	 ino;
	uint64_t	 end;
	uint32_t	 crc;		/* of the last octets before end */
	uint32_t	 last;		/* the last UID before it */
	uint32_t	 lines;		/* how many, superseded ones too */
	uint32_t	 next;
};

struct uidlist {
	uint32_t	 validity;	/* 0: none yet */
	uint32_t	 next;		/* the UID to give next */
	char		 header[UIDLIST_HEADER_MAX];	/* " Gguid Xfoo": all
					 * but V and N */
	bool		 version3;
	uint32_t	 last, lines;	/* of what was read */
	/* The file these came from: */
	int		 fd;		/* kept so that its inode number
					 * is not given again; -1: no file */
	dev_t		 dev;
	ino_t		 ino;
	off_t		 end;		/* read up to here */
	bool		 courier;	/* it is Courier's */
	bool		 damaged;	/* to be replaced, not appended to */
};

/* A line: name and ext ("W123 Pid", or "") are good during the call.  0 to go
 * on, -1: no memory. */
typedef int uidlist_take(void *arg, uint32_t uid, const char *name,
	    const char *ext);

void	 uidlist_init(struct uidlist *);
void	 uidlist_free(struct uidlist *);

/*
 * Take n octets of a file, its begin (header true) or further lines; text is
 * written to.  Returns how many octets were understood, up to the last line
 * end.  Lines that are damaged or not in order are passed over and set
 * .damaged; a header that cannot be read leaves .validity 0.  -1: no memory,
 * or take said so.
 */
ssize_t	 uidlist_parse(struct uidlist *, char *text, size_t n, bool header,
	    uidlist_take *, void *arg);

/* A field of an ext by its key, into value[size], NUL at its end: 1, or 0
 * it has none or it does not fit. */
int	 uidlist_ext(const char *ext, char key, char *value, size_t size);

/* The file, in the folder dir. */

enum uidlist_read {
	UIDLIST_SAME,		/* nothing new */
	UIDLIST_MORE,		/* lines were read */
	UIDLIST_REPLACED,	/* another file: load it into a new list */
	UIDLIST_MISSING,	/* no file */
	UIDLIST_FAILED		/* errno */
};

/* Open the file, or Courier's where there is none yet, and read its first line,
 * nothing else: MORE, MISSING, or FAILED. */
enum uidlist_read uidlist_open(struct uidlist *, int dir);

/* Behind uidlist_open(): go on from a mark of this very file.  False: it is
 * not what the mark was taken of. */
bool	 uidlist_resume(struct uidlist *, const struct uidlist_mark *);
/* The mark of where reading stands.  0, or -1 errno. */
int	 uidlist_mark(const struct uidlist *, struct uidlist_mark *);

/* Read what was added behind what is known. */
enum uidlist_read uidlist_read(struct uidlist *, int dir, uidlist_take *,
	    void *arg);

/*
 * Writing, with the lock held and the list up to date.  whole: a new file is
 * written with all lines, else lines are added.  .validity must have been set.
 * Lines rise; uidlist_end() syncs, and makes a new file the list.  0, or -1
 * with errno: nothing was changed, or what the file holds is not known and
 * uidlist_read() will say UIDLIST_REPLACED.
 */
struct uidlist_writer {
	struct buf	 buf;
	int		 fd;
	bool		 whole;
	int		 error;		/* errno of the first failure */
	uint32_t	 last, lines;
};
void	 uidlist_begin(struct uidlist *, struct uidlist_writer *, int dir,
	    mode_t, bool whole);
void	 uidlist_put(struct uidlist_writer *, uint32_t uid, const char *ext,
	    const char *name, size_t len);
int	 uidlist_end(struct uidlist *, struct uidlist_writer *, int dir);

#endif
