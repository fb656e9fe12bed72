/* SPDX-License-Identifier: ISC
 *
 * What is to become of a message by its user's rules (.forward, .qmail, a
 * Sieve script): a list of destinations.  Rules only decide; each destination
 * is carried out by itself, and what is done is not done again.
 */
#ifndef MDA_DELIVER_PLAN_H
#define MDA_DELIVER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"
#include "grammar/address.h"
#include "mail/envelope.h"

#define PLAN_MOST	100		/* destinations of one message */
#define PLAN_TEXT_MAX	(66u << 10)	/* octets of a text: a string of Sieve,
					 * and what is put before it */
#define PLAN_REPLY_MAX	4000		/* octets and lines of a refusal that */
#define PLAN_REPLY_LINES 100		/* whoever delivers can hear */
#define PLAN_ERROR_MAX	400
#define PLAN_PACKED_MAX	(16u << 20)	/* octets of all of it */

enum dest_kind {
	DEST_KEEP,	/* the user's mailbox, or the folder that the address
			 * named */
	DEST_FOLDER,	/* text: a folder of that mailbox, as a Maildir++ name
			 * without its first dot; UTF-7 as on disk */
	DEST_MAILBOX,	/* text: a path, as deliver_begin() */
	DEST_PROGRAM,	/* text: a command, as program.h */
	DEST_FORWARD,	/* text: an address */
	DEST_DISCARD,	/* nothing more */
	DEST_REJECT,	/* text: "D.S.N words" for the sender; LF between
			 * their lines */
	DEST_REPLY	/* a message of our own making to address text; its
			 * sender is null */
};

/* Keep in mind that a message was seen, or answered, until then. */
struct plan_mark {
	unsigned char	 id[16];	/* as seen.h; all zero: none */
	int64_t		 expires;
};

struct dest {
	enum dest_kind	 kind;
	char		*text;		/* or NULL */
	char		*flags;		/* IMAP flags and keywords, blanks
					 * between them; NULL: none */
	bool		 create;	/* the folder, if it is missing */
	bool		 qmail;		/* of a .qmail: done in its order, and
					 * a program has qmail's exit codes */
	size_t		 edit;		/* its header: edits[edit - 1]; 0: as
					 * it came */
	struct buf	 reply;		/* DEST_REPLY: the message, lines with
					 * LF */
	struct plan_mark mark;		/* when this is done */
	const char	*file;		/* who says so, for the log; static or
					 * the plan's */
	unsigned	 line;
};

enum plan_kind {
	PLAN_NONE,	/* no rules: keep */
	PLAN_GOOD,	/* the list, which may be empty: nothing happens */
	PLAN_BROKEN,	/* error says why; the mail is kept, and its owner is
			 * told in his log */
	PLAN_TEMPORARY	/* error says why; later */
};

struct plan {
	enum plan_kind	 kind;
	struct dest	*v;
	size_t		 n;
	struct buf	*edits;		/* whole headers, with the empty line */
	size_t		 nedits;
	size_t		 edit_from;	/* where the body begins in the message
					 * that they belong to */
	struct plan_mark *marks;	/* when all is done */
	size_t		 nmarks;
	struct address	 forwarder;	/* the sender of what is sent on; null:
					 * as it is */
	char		 rest[ADDRESS_LOCAL_MAX + 1];	/* qmail: what a
					 * .qmail-...default stands for */
	char		**files;	/* names that dest.file is one of */
	size_t		 nfiles;
	char		 error[PLAN_ERROR_MAX];
};

void	 plan_init(struct plan *);
void	 plan_free(struct plan *);

/* Add a destination; text is copied, the rest is for the caller to fill in.
 * NULL: no memory, too many, or too long (errno ENOMEM, E2BIG). */
struct dest *plan_add(struct plan *, enum dest_kind, const char *text);

/* A copy of a file's name that lives as long as the plan; NULL no memory. */
const char *plan_file(struct plan *, const char *name);

/* What tells this destination of the plan from others, the same at each try:
 * kind, text, flags, and which header; not what time puts into that or into a
 * reply.  It begins with no bit: those that do are of place.h. */
void	 plan_key(const struct plan *, const struct dest *,
	    char key[ENVELOPE_KEY]);

/* Of equal ones the first stays. */
void	 plan_unique(struct plan *);

/*
 * plan_pack.c: append it, for another process of this host.  With one not NULL
 * that destination alone.  0, or -1 as buf_add().
 */
int	 plan_pack(struct buf *, const struct plan *, const struct dest *one);

/* Read it from whom nobody trusts: what is bounded here is bounded there.
 * 1, 0 it is none, -1 no memory; after 0 and -1 the plan is empty. */
int	 plan_unpack(struct plan *, const void *, size_t n);

#endif
