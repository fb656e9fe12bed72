/* SPDX-License-Identifier: ISC
 *
 * The arguments of APPEND behind the mailbox (RFC 3501 6.3.11; RFC 3502,
 * RFC 4469, RFC 6855 section 4), which are read in between the messages: one
 * step after the other, from pieces of the command that each end in the
 * announcement of octets that belong to a message, or end the command.
 */
#ifndef GRAMMAR_IMAP_APPEND_H
#define GRAMMAR_IMAP_APPEND_H

#include <stdint.h>

#include "grammar/imap_lex.h"

enum imap_append_state {
	IMAP_APPEND_NEXT,		/* a message, or the end */
	IMAP_APPEND_DATA,		/* what it is made of */
	IMAP_APPEND_PART,		/* a part of CATENATE */
	IMAP_APPEND_MORE,		/* another, or the parenthesis */
	IMAP_APPEND_CLOSE,		/* the one of UTF8 */
	IMAP_APPEND_DONE		/* of a message all is there */
};

enum imap_append_step {
	IMAP_APPEND_BEGIN,	/* a message: flags and date are known */
	IMAP_APPEND_OCTETS,	/* size octets of it follow this piece */
	IMAP_APPEND_URL,	/* what url names belongs to it */
	IMAP_APPEND_FINISH,	/* it is complete */
	IMAP_APPEND_END		/* of the command */
};

struct imap_append {
	enum imap_append_state state;
	unsigned	 messages;	/* begun */
	/* of the message */
	struct imap_flags flags;	/* keywords are the piece's */
	int64_t		 date;
	int		 has_date;
	int		 catenate;
	/* of its part */
	uint64_t	 size;
	int		 sync;		/* the client waits to be asked */
	int		 literal8;	/* "~{": NUL may be among them */
	int		 utf8;		/* of UTF8 (...) */
	struct imap_string url;		/* the piece's */
};

/* All zero is the start.  1 and *step, or -1: malformed, or the piece ends
 * where it must not. */
int	 imap_append_next(struct imap_append *, struct imap_lex *,
	    enum imap_append_step *);

/* Whether a piece, read from where l stands, ends in the announcement of
 * octets of a message.  The state is not changed. */
int	 imap_append_announced(const struct imap_append *, struct imap_lex *);

#endif
