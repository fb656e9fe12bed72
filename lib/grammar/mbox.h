/* SPDX-License-Identifier: ISC
 *
 * An mbox in pieces of any size: where its messages are and what mail programs
 * noted in their headers.  Linear in time, bounded in memory, and nothing is
 * refused.
 *
 * A message begins with a From_ line: "From " at the start of the file, or
 * behind an empty line and with a date in it (mbox_from_parse()).  It goes on
 * up to the empty line before the next one; what lies between is its content,
 * in the form of grammar/mbox_quote.h.
 *
 * NOTE: other readers split also without the empty line, or by Content-Length.
 * That is not done: all writers leave an empty line, and a length that a
 * sender or an editor got wrong would hide messages.
 *
 * NOTE: lines end in LF or CRLF.  Behind a From_ line that ends in LF, an empty
 * line that is CR LF says that the content has no line end of its own: so the
 * one before it is not part of it.  mail/mbox.h writes that.  When another
 * program then adds an LF of its own, as it wants two, the message without a
 * final line end has two of them.
 */
#ifndef GRAMMAR_MBOX_H
#define GRAMMAR_MBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MBOX_LINE_KEPT	4096	/* octets of a line that are looked at */
#define MBOX_WORDS_KEPT	4096	/* of keywords, with their separators */

/*
 * Is this a From_ line, with or without its line end: "From ", anything, and a
 * date in one of the forms
 *	Www Mmm dd hh:mm[:ss] [zone] yyyy [zone]
 *	[Www,] dd Mmm yyyy hh:mm[:ss] [zone]
 * with anything behind?  1, and its time; 0.
 * NOTE: a time without a numeric zone is UTC, which is how it should be
 * written, and how we write it; some programs write their local time.
 */
int	 mbox_from_parse(const char *, size_t n, int64_t *time);

/* Status and X-Status. */
#define MBOX_SEEN	0x01u	/* R */
#define MBOX_OLD	0x02u	/* O: not recent */
#define MBOX_ANSWERED	0x04u	/* A */
#define MBOX_FLAGGED	0x08u	/* F */
#define MBOX_DELETED	0x10u	/* D */
#define MBOX_DRAFT	0x20u	/* T */

/* Offsets are octets from the start of the input. */
struct mbox_message {
	uint64_t	from;		/* its From_ line */
	uint64_t	content;	/* behind it */
	uint64_t	end;		/* of the content */
	uint64_t	next;		/* behind the empty line */
	uint64_t	insert;		/* where in the header a field can be
					 * added */
	uint64_t	notes;		/* where the store's fields are ... */
	uint64_t	notes_len;	/* ... 0: there are none */
	bool		scattered;	/* other lines are between them, or
					 * one is there twice */
	uint64_t	plain;		/* octets of the content, unquoted,
					 * without the store's fields */
	uint64_t	wire;		/* the same with CRLF */
	uint64_t	hash;		/* of the From_ line and the header
					 * but the store's fields */
	int64_t		time;		/* of the From_ line; 0: it has none */
	unsigned	flags;
	uint32_t	uid;		/* X-UID, or 0 */
	bool		based;		/* X-IMAPbase or X-IMAP */
	bool		internal;	/* X-IMAP and the subject of UW's
					 * pseudo message: no message */
	bool		journal;	/* its From_ line ends as ours of a
					 * journal does: MBOX_JOURNAL */
	bool		separated;	/* an empty line ends it */
	uint32_t	validity, last;	/* of the base */
	/* Names of keywords, each with a NUL: of the message, of the base. */
	size_t		keywords_len, base_len;
	char		keywords[MBOX_WORDS_KEPT];
	char		base[MBOX_WORDS_KEPT];
};

#define MBOX_JOURNAL	" stdmail-journal "

struct mbox_split {
	uint64_t	at;		/* octets taken */
	bool		open;		/* a message has begun */
	bool		junk;		/* before the first From_ line there is
					 * something else */
	/* The line that is being taken. */
	uint64_t	line;		/* where it begins */
	uint64_t	line_len;
	bool		keep, gt;
	char		before_lf;
	size_t		len;
	char		text[MBOX_LINE_KEPT];	/* without leading ">" */
	/* The lines before it. */
	bool		header;
	bool		from_lf;	/* the From_ line ends in a bare LF */
	unsigned char	field;		/* enum mbox_field of the last field */
	unsigned	seen;		/* bits of those that were there */
	uint64_t	last_field;	/* where the last other one begins;
					 * UINT64_MAX: folded, without one */
	bool		empty, empty_crlf;	/* the last line was empty */
	unsigned	lf_cost, lf_cost_before;	/* what the LF of the
					 * last lines adds on the wire: 0, it
					 * does not count, 1 or 2 */
	struct mbox_message now, done;
};

/* Begin: at the start of the file, or at a From_ line at this offset. */
void	 mbox_split_init(struct mbox_split *, uint64_t offset);

/* Take input from *p, not past end, and move *p.  1: a message is complete, in
 * done; 0: the input is used up. */
int	 mbox_split(struct mbox_split *, const char **p, const char *end);

/* The input is over: 1: the last message is in done; 0: there is none. */
int	 mbox_split_end(struct mbox_split *);

#endif
