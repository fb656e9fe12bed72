/* SPDX-License-Identifier: ISC
 *
 * What the files that act share: how an action comes into the plan, which of
 * them do not go together, who the owner of the script is, and his folders.
 */
#ifndef MDA_DELIVER_SIEVE_ACTIONS_H
#define MDA_DELIVER_SIEVE_ACTIONS_H

#include "grammar/imap_names.h"
#include "sieve_local.h"

#define SIEVE_ACTIONS_MAX	32	/* of one run, all together */
#define SIEVE_EDITS_MAX	(8u << 20)	/* octets of edited headers in a plan */
#define SIEVE_SENT_MAX	(4u << 20)	/* of the messages that it sends */

enum sieve_act {
	SIEVE_ACT_DELIVERS,	/* keep, fileinto, redirect */
	SIEVE_ACT_REJECTS,
	SIEVE_ACT_ANSWERS,	/* vacation */
	SIEVE_ACT_OTHER
};

struct sieve_actions {
	unsigned	 n;
	long long	 redirects, notifies;
	size_t		 sent;		/* octets */
	const char	*delivers, *rejects, *answers;	/* the last word of
							 * each kind */
	struct address	*notified;
	size_t		 nnotified;
};

/* An action is about to be done: 0; -1 as run: they are too many, or it does
 * not go together with one before it. */
int	 sieve_act(struct sieve_run *, const char *word, enum sieve_act);

/* A place in the plan for it, with script, line and edited header: that of the
 * same destination before, or a new one.  NULL: as run's -1. */
struct dest *sieve_dest(struct sieve_run *, enum dest_kind,
	    const char *text);

/* A message of ours to this address; the buffer becomes the plan's, and empty.
 * NULL as above; then the buffer is as it was. */
struct dest *sieve_send(struct sieve_run *, const struct address *,
	    struct buf *message);

/* An address in a string, with or without "<" and ">".  1, 0 it is none. */
int	 sieve_address(struct address *, const char *, size_t);
/* The same, or with a name before "<" (RFC 5228, section 2.4.2.3); no route, no
 * group.  1, 0 it is none, -1 no memory. */
int	 sieve_address_named(struct address *, const char *, size_t);

/* The field's value as a test sees it: unfolded, decoded, trimmed; appended,
 * cut at a character to what the buffer takes.  0, -1 no memory. */
struct header_field;
int	 sieve_value(struct buf *, const struct header_field *);

/* Words of other files: sieve_reject.c. */
int	 sieve_run_reject(struct sieve_run *, const struct sieve_call *);
int	 sieve_run_ereject(struct sieve_run *, const struct sieve_call *);

/* ---- the owner: sieve_owner.c ---- */

/* His address, without its detail. */
void	 sieve_owner(const struct sieve_run *, struct address *);
/* Is it his, as far as we know? */
bool	 sieve_is_owner(const struct sieve_run *, const struct address *);
/* Is the message one that nobody wrote (RFC 5230, section 4.6; RFC 5436,
 * section 2.7): has it an Auto-Submitted other than "no"? */
bool	 sieve_is_automatic(const struct sieve_run *);
/* Date, Message-ID. */
int	 sieve_compose_begin(const struct sieve_run *, struct buf *);
/* From: what the action's :from says, or else the owner.  0, or -1 the run
 * has failed; what the buffer has no room for is for its owner to see. */
int	 sieve_compose_from(struct sieve_run *, const struct sieve_call *,
	    struct buf *);
/* Subject: what this tag of the action says, or else the text, which is
 * overwritten.  Likewise. */
int	 sieve_compose_subject(struct sieve_run *, const struct sieve_call *,
	    const char *tag, struct buf *text, struct buf *);

/* ---- folders: sieve_folder.c ---- */

/*
 * The name that a script says as it is stored: "" the INBOX, else a Maildir++
 * name without its first dot.  1; 0: no mailbox can have it.  Whoever comes
 * from another server may say it as there: with "/" or "." between levels, and
 * below INBOX.
 */
int	 sieve_folder(const struct sieve_run *, const char *name, size_t n,
	    char stored[IMAP_STORED_SIZE]);
/* Is it there, and may he write to it? */
bool	 sieve_folder_exists(const struct sieve_run *, const char *stored);
/* The folder with this special use ("\Junk"; one that is not known is nobody's)
 * or object identifier (RFC 8474, section 4): 1, 0 there is none. */
int	 sieve_folder_by_use(const struct sieve_run *, const char *use,
	    char stored[IMAP_STORED_SIZE]);
int	 sieve_folder_by_id(const struct sieve_run *, const char *id,
	    char stored[IMAP_STORED_SIZE]);

#endif
