/* SPDX-License-Identifier: ISC
 *
 * One message into one mailbox.
 */
#ifndef MDA_DELIVER_DELIVER_H
#define MDA_DELIVER_DELIVER_H

#include "grammar/address.h"
#include "grammar/header.h"
#include "mail/maildir.h"
#include "mail/mbox.h"
#include "mail/quota.h"
#include "mail/settings.h"

enum outcome_kind {
	OUTCOME_TEMPORARY,	/* try again; what nobody set is this */
	OUTCOME_PERMANENT,	/* never */
	OUTCOME_DELIVERED,	/* file and name on disk */
	OUTCOME_BEFORE		/* it was there already: a run before this
				 * delivered it and was killed */
};

struct outcome {
	enum outcome_kind kind;
	int	code;		/* the exit code that says it */
	bool	begun;		/* none yet: see bundle.h */
	bool	warn;		/* delivered, and the mailbox comes to be full:
				 * warning_send() */
	char	text[400];	/* "D.S.N words", for sender and log */
};

/* Where and how. */
struct delivery {
	const char		*mailbox;	/* path; see deliver_begin() */
	bool			 create;
	bool			 there;	/* it must be a Maildir, and whole */
	const struct settings	*folders; /* whose folders a Maildir that is
					 * created has; NULL: none */
	const struct address	*from;	/* Return-Path; NULL none */
	const struct address	*to;	/* Delivered-To; NULL none */
	const char		*id;	/* as maildir_begin() */
	const char		*host;
	const struct timespec	*mtime;	/* NULL: now */
	uint64_t		 size;	/* at least; 0 unknown */
	const char		*flags;	/* of IMAP, and keywords, blanks between
					 * them; only a Maildir has them; NULL:
					 * none */
	const struct quota_limits *quota; /* a rule, or NULL */
	bool			 tempfail; /* a full mailbox is no refusal */
	const struct settings	*warn;	/* whose key quota_warning counts, or
					 * NULL */
};

struct deliver {
	const struct delivery *how;
	int	dir;			/* Maildir, or -1 */
	int	root;			/* whose quota it has: dir, the folder
					 * above it, or -1 */
	struct quota quota;
	bool	full;			/* for it */
	union {
		struct maildir_file maildir;
		struct mbox_file    mbox;
	} u;
};

/*
 * Begin: a folder is a Maildir, and one with a slash behind it, or with
 * create, is made; any other path is an mbox.  Writes Return-Path and
 * Delivered-To.  0; or -1 with the outcome filled in.
 */
int	 deliver_begin(struct deliver *, const struct delivery *,
	    struct outcome *);
/* Octets in disk form. */
int	 deliver_write(struct deliver *, const void *, size_t,
	    struct outcome *);
void	 deliver_end(struct deliver *, struct outcome *);

/*
 * The end in a Maildir in steps, as maildir_ready() and the like.  0, or -1
 * with the outcome filled in, and it is over.  Behind the name the outcome is
 * that of the whole, if the sync brings no other.
 */
int	 deliver_ready(struct deliver *, struct outcome *);
int	 deliver_name(struct deliver *, struct outcome *);
int	 deliver_sync(struct deliver *);	/* -1 errno: to be undone */
void	 deliver_undo(struct deliver *, struct outcome *, int error);
void	 deliver_close(struct deliver *);

void	 deliver_abort(struct deliver *);

/* The Maildir that a Maildir++ folder is in: a descriptor; dir itself when it
 * is no such folder; -1 errno. */
int	 deliver_root(int dir);

/* Fill in an outcome for an errno of a mailbox. */
void	 outcome_errno(struct outcome *, const char *mailbox, int error);

/* One that a user's process filled in: it becomes what we could have said. */
void	 outcome_measure(struct outcome *);

/* Does the header (or its beginning) say that this address (NULL: any) has had
 * the message before, or that it went through too many hosts (RFC 5321,
 * section 6.3) or addresses?  Why it is a loop, in a few words, or NULL. */
const char *deliver_loops(const char *text, size_t n,
	    const struct address *to);
/* Is this field such a mark?  Then whose. */
bool	 deliver_marked(const struct header_field *, struct address *had);
#define LOOP_HOPS	100
#define LOOP_HEADER_MAX	(256u << 10)	/* of a header that is looked at */

/* The nearest folder above (or at) path that exists, to path[PATH_MAX]: what
 * the sandbox must leave open.  What has to be known of its file system is
 * found out, as that cannot be done behind the sandbox.  Returns anchor. */
char	*deliver_anchor(char anchor[PATH_MAX], const char *path);

#endif
