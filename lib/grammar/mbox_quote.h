/* SPDX-License-Identifier: ISC
 *
 * The lines of a message that stand in an mbox in another form than in the
 * message, both ways, in pieces of any size.
 *
 *	">"* "From "	anywhere: one ">" more in the file (mboxrd)
 *	">"* FIELD	in the header, FIELD being one of those that mail
 *			programs keep their own notes in: one ">" more as well
 *
 * A FIELD without ">" in a file is therefore a note of the store and no part
 * of the message: it goes on the way out, with its folded lines.  So what was
 * delivered comes out as it came in, and no sender can set flags.
 *
 * The fields are Status, X-Status, X-Keywords, X-UID, X-IMAPbase, X-IMAP and
 * Content-Length, in any letter case, with ":" or white space behind.  The
 * header ends at the first line that is LF or CR LF.
 *
 * NOTE: programs that deliver without this form leave a sender's FIELD as it
 * is; it is then believed, as by all other readers of such a file.
 */
#ifndef GRAMMAR_MBOX_QUOTE_H
#define GRAMMAR_MBOX_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

enum mbox_field {
	MBOX_NO_FIELD,
	MBOX_STATUS,
	MBOX_X_STATUS,
	MBOX_X_KEYWORDS,
	MBOX_X_UID,
	MBOX_X_IMAPBASE,
	MBOX_X_IMAP,
	MBOX_CONTENT_LENGTH
};

/* Which of the fields a line, without its ">", begins with. */
enum mbox_field mbox_field(const char *line, size_t n);

enum mbox_way {
	MBOX_QUOTE,		/* into the file */
	MBOX_UNQUOTE,		/* out of it */
	MBOX_STRIP		/* without the store's fields, else as it is */
};

#define MBOX_HELD	16	/* octets that may be held back */
#define MBOX_ROOM	32	/* the least room for output */

/* The state of one message on its way; plain data, may be copied. */
struct mbox_filter {
	unsigned char	way;
	unsigned char	state;		/* enum in mbox_quote.c */
	bool		body;
	bool		gt;		/* ">" before the line was seen */
	bool		note;		/* the last field was the store's */
	unsigned char	len;
	char		held[MBOX_HELD];	/* the beginning of a line */
};

void	 mbox_filter_init(struct mbox_filter *, enum mbox_way);

/*
 * Convert up to *n octets of in to at most size (size >= MBOX_ROOM) octets of
 * out, which do not overlap.  *n becomes how many of in were taken: less than
 * given only when out is full.  Returns how many were written: at most
 * MBOX_HELD more than taken (MBOX_QUOTE: and one for each line).
 */
size_t	 mbox_filter(struct mbox_filter *, const void *in, size_t *n,
	    void *out, size_t size);

/* The end of the message: what is held back goes to out (room for MBOX_ROOM).
 * Returns how many octets. */
size_t	 mbox_filter_end(struct mbox_filter *, void *out);

#endif
