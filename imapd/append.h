/* SPDX-License-Identifier: ISC
 *
 * APPEND and REPLACE: messages on their way in, which are never held in
 * memory, and what the reader of commands must know of them.
 */
#ifndef IMAPD_APPEND_H
#define IMAPD_APPEND_H

#include <stdbool.h>

#include "bytes/crlf.h"
#include "grammar/imap_append.h"
#include "reply.h"
#include "session.h"

/* A literal8 that may have to be encoded: it waits in a file without a name
 * until all of it is known. */
struct intake {
	int		 fd;		/* -1: there is none */
	struct mime_parser *parser;
	uint64_t	 size, nuls;
	bool		 failed;	/* no memory, no space */
};

struct append {
	struct session	*session;
	struct imap_append parse;
	const char	*name;		/* of the mailbox */
	struct mailbox	*box;		/* it; NULL until it is open */
	struct mailbox_save *save;	/* NULL until there is a message */
	uint32_t	 replaces;	/* a message's number, or 0 */
	bool		 taken;		/* octets were, what is behind them was
					 * not read yet */
	unsigned	 parts;		/* in the command */
	/* the message: */
	uint64_t	 size;		/* so far */
	uint32_t	 unseen;	/* of the messages */
	struct intake	 intake;
	/* CATENATE: */
	struct mailbox	*source;	/* the last one read from; or NULL */
};

/* Whether the command so far, up to the announcement of a literal, is one that
 * takes it itself, as octets of a message. */
bool	 append_announced(const struct session *);

/* The mailbox of one APPEND stays open for the next that follows at once; now
 * something else comes. */
void	 append_forget(struct session *);

/* Octets of the message into the mailbox: REPLY_OK, or what to answer. */
enum reply append_write(struct append *, const char *, size_t);

/* Add what a URL names (RFC 4469); close what was open for that. */
enum reply catenate_url(struct append *, const struct imap_string *);
void	 catenate_end(struct append *);

/* A literal8 begins; octets of it; it is complete and goes on to
 * append_write(), parts of it in base64 where they must be; it is over. */
void	 intake_begin(struct append *);
void	 intake_write(struct append *, const char *, size_t);
enum reply intake_finish(struct append *);
void	 intake_end(struct append *);

#endif
