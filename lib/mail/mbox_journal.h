/* SPDX-License-Identifier: ISC
 *
 * The end of an mbox replaced by another one, so that a crash at any moment
 * leaves the old or the new, and that what others append after a crash is
 * kept.  All under the locks of the file.
 *
 * The new end is first written behind the old one, in what looks like a
 * message whose From_ line says what it is: the journal.
 *
 *	file		old start, old end, journal, new end
 *	offsets		          ^to      ^end     ^data
 *
 *	state 0		the journal's line is there; NULs may follow
 *	state 1		room for the new end is there; it is being written
 *	state 2		the new end is there, whole: it is copied to its place
 *			and the file cut behind it
 *
 * A crash in state 0 or 1 is undone by taking the journal away, one in state
 * 2 is made good by doing it again.  Until then other programs see the
 * journal as a message, and messages twice; none is missing.  A full disk is
 * found in state 0 or 1.
 *
 * Nobody can send a journal: the line holds the file's inode number and ends
 * with it, where the line of a delivery ends with a date.
 */
#ifndef MAIL_MBOX_JOURNAL_H
#define MAIL_MBOX_JOURNAL_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

/* Octets on their way to the new end.  Failure is sticky. */
struct mbox_sink {
	int		fd;
	uint64_t	at;		/* where data[0] goes */
	uint64_t	total;
	uint64_t	room;		/* the most of total */
	uint32_t	crc;
	int		error;
	char		last[2];	/* octets; NULs before the first */
	size_t		len;
	char		data[65536];
};

void	 mbox_sink_put(struct mbox_sink *, const void *, size_t n);
/* The same from a file. */
void	 mbox_sink_copy(struct mbox_sink *, int fd, uint64_t from, uint64_t to);
/* End what was put with an empty line, in the form grammar/mbox.h wants for a
 * text with or without a final line end. */
void	 mbox_sink_separate(struct mbox_sink *);

typedef void mbox_emit(void *arg, struct mbox_sink *);

/*
 * Replace what is from `to' to the end of the file by what emit puts: at most
 * room octets.  0: it is on disk; -1 errno: the old state (or, after a failure
 * of the disk itself, a journal in state 2).  Nothing put: the file is cut.
 */
int	 mbox_journal_replace(int fd, uint64_t to, uint64_t room,
	    mbox_emit *emit, void *arg);

/* Is there a journal whose From_ line begins here?  1, 0; -1 errno. */
int	 mbox_journal_is(int fd, uint64_t from);

/* Undo or redo it.  0; -1 errno: EBADMSG: its new end is not what it should
 * be, and nothing was changed. */
int	 mbox_journal_recover(int fd, uint64_t from);

#endif
