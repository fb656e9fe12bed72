/* SPDX-License-Identifier: ISC
 *
 * A stored message as the octets the wire has: LF on disk goes out as CRLF,
 * CRLF files that others left go out as they are (see bytes/crlf.h).  Memory
 * is constant whatever the size; offsets are those of the wire form.  It never
 * changes a file, and a file that is cut short under it is a status, never a
 * signal.
 */
#ifndef MAIL_MESSAGE_H
#define MAIL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct message;
struct mbox_place;

#define MESSAGE_BLOCK	65536	/* octets emitted at once at most */

/* Take the descriptor of a regular file (closed by message_close(), on failure
 * at once).  NULL with errno: no memory, not a regular file. */
struct message *message_new(int fd);

/* A message in an mbox (mail/mbox_view.h), of so many octets in the form of a
 * file of its own.  As message_new(); ESTALE also when the mbox was changed
 * and the message is not where it was. */
struct message *message_new_mbox(int fd, const struct mbox_place *,
	    uint64_t plain);

void	 message_close(struct message *);

/* Whether a message that was kept open is as it was: false when its mbox was
 * changed; it can be opened anew then. */
bool	 message_here(const struct message *);

/*
 * Octets on the wire, exact: reads the whole file the first time and remembers
 * where which octet is.  0, or -1 with errno (EIO, or ESTALE: it became
 * shorter).
 */
int	 message_size(struct message *, uint64_t *size);

/*
 * Where the body begins: behind the empty line that ends the header, or the
 * size when there is none.  As message_size().
 */
int	 message_body(struct message *, uint64_t *offset);

/*
 * The length of the header, the empty line, and n lines of the body (POP3's
 * TOP: RFC 1939, section 7).  Reads no further than needed.
 */
int	 message_top(struct message *, uint64_t n, uint64_t *length);

/*
 * Give the octets from offset on, length of them or less at the end of the
 * message, in order, to emit in pieces of 1 to MESSAGE_BLOCK octets, each good
 * during the call.  emit returns 0 to go on; any other value ends it and is
 * returned.  0: done.  -1 with errno as message_size().
 * Any range is found without reading what lies far before it, once
 * message_size() has been called; without it the file is read from its start.
 */
typedef int message_emit(void *arg, const char *, size_t);
int	 message_stream(struct message *, uint64_t offset, uint64_t length,
	    message_emit *emit, void *arg);

/* The same into memory: at most size octets, *n becomes how many. */
int	 message_read(struct message *, uint64_t offset, void *to, size_t size,
	    size_t *n);

/*
 * For who converts line ends himself (POP3's dots): octets of the file as they
 * are on disk, from offset `at` of the file on, good until the next call.  At
 * least want of them are shown, or all up to the end of the file or of a block
 * (half of MESSAGE_BLOCK).  1; 0: the end; -1 with errno as message_size().
 */
int	 message_disk(struct message *, uint64_t at, size_t want,
	    const char **, size_t *n);

/* How large the file is. */
uint64_t message_disk_size(const struct message *);

/* When the file was written: the date of the message, but for an mbox. */
time_t	 message_time(const struct message *);

/* Octets of the file from its start: at most size, *n becomes how many.  0, or
 * -1 with errno. */
int	 message_disk_read(struct message *, void *to, size_t size,
	    size_t *n);

/* Of a message's start, enough to hold most headers. */
#define MESSAGE_HEADER	4096

/*
 * Where the header, the empty line and so many lines of the body end, looked
 * for in disk form.  Feed the octets in order, in pieces of any size.
 */
struct message_lines {
	uint64_t	taken;	/* octets so far, or up to that place */
	uint64_t	added;	/* CRs that the wire has and these not */
	bool		body;	/* the header has ended */
	bool		done;	/* found: takes no more */

	uint64_t	left;	/* lines of the body still wanted */
	uint64_t	line;	/* octets of this line */
	char		last;	/* of them */
};

void	 message_lines_init(struct message_lines *, uint64_t n);
/* The header is not fed, only what is behind it. */
void	 message_lines_body(struct message_lines *);
/* How many of n octets belong to it: all, until it is done. */
size_t	 message_lines_feed(struct message_lines *, const char *, size_t n);

#endif
