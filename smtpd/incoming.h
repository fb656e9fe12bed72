/* SPDX-License-Identifier: ISC
 *
 * A message on its way in.  The same steps for every command that brings one:
 *
 *	incoming_begin	room for it: files in the spool, or a draft
 *	incoming_text	octets of the wire, as often as they come
 *	incoming_end	all of it is here: judge it, store it, reply
 *	incoming_drop	or nothing of it stays
 *
 * In between the text goes from the wire through smtp_data (its line ends and
 * its end), its header through submission's hands when a user submits it, and
 * then to the files (intake.c).  When something has to see all of it before it
 * is judged, it goes to a draft first: an unnamed file, in disk form.
 */
#ifndef SMTPD_INCOMING_H
#define SMTPD_INCOMING_H

#include <time.h>

#include "reply.h"
#include "smtpd.h"
#include "text.h"

#define INCOMING_HEADER_MAX	(1u << 20)	/* that is held back */

/* A file in the making, one for each queue. */
struct part {
	bool		    used;
	bool		    lines;	/* its envelope is its first lines */
	int		    fd, env;
	char		    id[SPOOL_ID_MAX];
	struct spool_writer *w;
};

struct incoming {
	struct session	*s;
	bool		 open;		/* between begin and end or drop */
	struct smtp_data data;
	struct buf	 header;	/* of a submission: not yet passed on */
	bool		 header_held;
	int		 draft;		/* descriptor, or -1 */
	struct text	 text;		/* of the draft, after review() */
	struct buf	 words;		/* a reply that is not ours */
	struct part	 part[SPOOL_QUEUES];
	time_t		 now;
	int		 zone;
	enum reply	 fault;		/* found while it came */
	char		 detail[ADDRESS_TEXT_MAX];	/* of that */
	int		 error;		/* errno, of the spool */
	bool		 gone;		/* the client or the monitor is */
	/* Behind what is cleared at the begin: pages that nobody touches. */
	struct spool_writer draft_w;
	struct spool_writer w[SPOOL_QUEUES];
};

#define EACH_PART(in, p)						\
	for (p = in->part; p < in->part + SPOOL_QUEUES; p++)		\
		if (!p->used) {} else

/* incoming.c */

/* False: it was replied why, and nothing is open; by LMTP for each recipient,
 * when all of it is here with the command that begins it. */
bool	 incoming_begin(struct incoming *, struct session *, bool all);
/* Take octets: *n becomes how many, all but when the message ended there. */
void	 incoming_text(struct incoming *, const char *, size_t *n);
/* Between two chunks: is all well so far?  False: it was refused, and nothing
 * is open. */
bool	 incoming_goes_on(struct incoming *);
/* Judge, store, reply. */
void	 incoming_end(struct incoming *);
/* Nothing is replied. */
void	 incoming_drop(struct incoming *);
/* Octets in disk form, behind what came: to the draft, or to the files. */
void	 incoming_write(struct incoming *, const char *, size_t);

/* data.c: read up to the end of the message, at most so many octets; without
 * one they are thrown away.  False: the client is gone before that. */
bool	 data_read(struct session *, struct incoming *, uint64_t most);

/* intake.c: the files of the spool.  False: in->error or in->gone says why. */

/* A request to the monitor; its failure is remembered. */
bool	 intake_ask(struct incoming *, enum op, const void *request,
	    void *reply_to, int *fd);
/* Make them, each with its first lines. */
bool	 intake_open(struct incoming *);
/* Only the Received field, at the top of the draft. */
bool	 intake_draft(struct incoming *);
void	 intake_write(struct incoming *, const char *, size_t);
/* Into their queues, all on disk. */
bool	 intake_store(struct incoming *);
/* The monitor takes away what there is. */
void	 intake_forget(struct incoming *);
void	 intake_close(struct incoming *);

/* lmtp.c: a reply for each recipient, to a draft that has this fault, or to
 * what became of its delivery. */
void	 lmtp_end(struct incoming *, enum reply fault, const char *detail);

/* submission.c: the header a user's program sent, in disk form without its
 * blank line, made what RFC 6409 wants.  What is wrong with it, or
 * REPLY_NONE. */
enum reply submission_header(struct incoming *, struct buf *);

#endif
