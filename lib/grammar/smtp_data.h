/* SPDX-License-Identifier: ISC
 *
 * The text of a message as DATA carries it (RFC 5321, section 4.5.2), both
 * ways and in pieces: from the wire to the disk without its dots, to the
 * first CRLF.CRLF and to nothing else; and from the disk to the wire with
 * them.  POP3 uses the second too (RFC 1939, section 3).
 */
#ifndef GRAMMAR_SMTP_DATA_H
#define GRAMMAR_SMTP_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/crlf.h"
#include "grammar/header.h"

/* Facts about a message. */
#define SMTP_DATA_BARE_CR	0x01u	/* a CR that no LF follows */
#define SMTP_DATA_BARE_LF	0x02u	/* an LF that no CR precedes */
#define SMTP_DATA_NUL		0x04u
#define SMTP_DATA_8BIT		0x08u
#define SMTP_DATA_HAS_DATE	0x10u	/* these fields are in its header */
#define SMTP_DATA_HAS_FROM	0x20u
#define SMTP_DATA_HAS_MESSAGE_ID 0x40u

struct smtp_data {
	int		lenient;
	int		raw;		/* BDAT: no dots and no end; may be set
					 * behind smtp_data_init() */
	int		state;		/* enum in smtp_data.c */
	struct crlf	ends;		/* for counting wire */
	struct header_scan header;
	/* To be read at any time, final at the end: */
	unsigned	facts;		/* SMTP_DATA_* */
	unsigned	received;	/* Received fields in the header */
	uint64_t	disk;		/* octets written: ,S= */
	uint64_t	wire;		/* octets with CRLF: SIZE, ,W= */
	uint64_t	header_disk;	/* of these, in the header and the blank
					 * line; meaningful when a body began */
	int		body;		/* the blank line was seen */
};

/*
 * Begin, right behind the CRLF of the DATA command.
 *
 * strict (lenient 0): bare CR and bare LF are octets like any other, and
 * recorded; the server refuses the message at its end.
 * lenient: bare LF and bare CR are line ends, CR CR LF is one.  A leading dot
 * is removed after any line end, but a lone dot that no CRLF precedes and
 * follows is a line of the message, never its end.
 * typed: the same, but a lone dot between line ends of any kind is the end.
 * Only for a terminal: behind a person's fingers nothing can be smuggled.
 */
enum { SMTP_DATA_STRICT, SMTP_DATA_LENIENT, SMTP_DATA_TYPED };
void	 smtp_data_init(struct smtp_data *, int lenient);

/*
 * Take input.  *n becomes how many octets were taken: all but when the end
 * was found in it; what follows the end is the next command.  Writes disk form
 * to out, which has room for *n + SMTP_DATA_ROOM and does not overlap; returns
 * how many.  After the end nothing more is taken.
 */
#define SMTP_DATA_ROOM	4
size_t	 smtp_data_feed(struct smtp_data *, const char *in, size_t *n,
	    char *out);

/* The end of a raw one: writes what was held back, and a line end when the
 * last line has none, to out[SMTP_DATA_ROOM]; returns how many. */
size_t	 smtp_data_end(struct smtp_data *, char *out);

/* Whether CRLF.CRLF was seen, or the end said. */
int	 smtp_data_done(const struct smtp_data *);

/* The way out; all zero is the start. */
struct smtp_dot {
	int	 state;
	uint64_t dots;		/* that were doubled so far */
};

/*
 * Take up to *n octets in disk form (LF, or CRLF as others left it), write at
 * most size octets (size >= 3) to out, which does not overlap; *n becomes how
 * many were taken.  Returns how many were written.
 */
size_t	 smtp_dot_feed(struct smtp_dot *, const char *in, size_t *n,
	    char *out, size_t size);

/* The end: CRLF when the last line has none, and the lone dot.  Returns how
 * many octets were written to out, at most SMTP_DOT_END. */
#define SMTP_DOT_END	5
size_t	 smtp_dot_end(struct smtp_dot *, char out[SMTP_DOT_END]);

#endif
