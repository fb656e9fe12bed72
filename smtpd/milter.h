/* SPDX-License-Identifier: ISC
 *
 * Filters that speak the milter protocol, as a session sees them.  Each is
 * told of every step of the client, in the order of the configuration, and a
 * message goes through one after the other, each with what those before it
 * made of it.
 *
 *	milter.c	the steps of a session, and what an answer means
 *	milter_conn.c	one of them: packets, time limits, its failure
 *	milter_macro.c	what it is told beside
 *	milter_message.c  a whole message, and the changes it wants
 */
#ifndef SMTPD_MILTER_H
#define SMTPD_MILTER_H

#include "grammar/milter.h"
#include "incoming.h"
#include "smtpd.h"

#define REASON_MAX	200	/* why a message is held */

struct milter {
	const char	*name;		/* as the configuration has it */
	struct stream	*stream;	/* NULL: it is told no more */
	bool		 failed;	/* and milter_default is tempfail */
	bool		 telling;	/* it was told of this message */
	bool		 done;		/* and wants to hear no more of it */
	uint32_t	 version, actions, protocol;
	char		*macros[MILTER_STAGES];	/* it asked for; or NULL */
};

struct milters {
	struct milter	 v[MILTERS_MAX];
	size_t		 n;
	bool		 discard;	/* this message */
	char		 job[20];	/* macro i: of this message */
	const struct rcpt *rcpt;	/* being told */
	struct buf	 out, in;
	struct buf	 words;		/* a reply, in lines */
};

/*
 * For the session: false, it is refused, and was replied so.  What is told here
 * must have been found good before.
 */
bool	 milter_connect(struct session *);	/* and find them; the banner */
bool	 milter_helo(struct session *);
bool	 milter_mail(struct session *);
bool	 milter_rcpt(struct session *, const struct rcpt *);
bool	 milter_data(struct session *);
void	 milter_reset(struct session *);	/* no message any more */
void	 milter_close(struct session *);

/* The whole message, in in->text, which they may change, and the envelope.
 * REPLY_NONE: it is good; else what is to be replied (REPLY_OWN_WORDS:
 * milters->words).  *reason is set when it is to be held. */
enum reply milter_message(struct incoming *, char reason[REASON_MAX]);

/*
 * Between the files of it.
 */

/* What an answer means for the client. */
enum milter_verdict {
	MILTER_GOOD,
	MILTER_REFUSED,		/* milters->words says it */
	MILTER_BROKEN		/* it failed: refuse for now */
};

/* A step, for the table in milter.c. */
struct milter_step {
	enum milter_stage	 stage;
	enum milter_command	 command;
	uint32_t		 no, mute;	/* bits of the protocol */
	uint32_t		 version;	/* the first that has it */
};
extern const struct milter_step milter_steps[MILTER_STAGES];

/* milter_conn.c */

/* Connect and agree.  False: it failed, see milter_failed(). */
bool	 milter_meet(struct session *, struct milter *);
/* Say milters->out, and forget it.  False: it failed. */
bool	 milter_say(struct session *, struct milter *);
/* The next answer that is no PROGRESS.  False: it failed. */
bool	 milter_hear(struct session *, struct milter *, struct milter_reply *);
/* From here on, and until it is off, all it does has a time limit. */
void	 milter_hurry(struct milter *, bool on);
/* It failed: log why, and let go of it. */
void	 milter_failed(struct session *, struct milter *, const char *why);
/* In good order. */
void	 milter_leave(struct session *, struct milter *);

/* milter_macro.c: what this stage is told, into milters->out. */
void	 milter_macros(struct session *, const struct milter *,
	    enum milter_stage);

/* milter.c */

/* Must a message be refused because one failed? */
bool	 milter_broken(const struct session *);
/* The client's name, or its address in brackets. */
const char *milter_client_name(const struct session *);
/* Whether a stage is for this one; tell it: say milters->out and hear. */
bool	 milter_wants(const struct session *, const struct milter *,
	    enum milter_stage);
enum milter_verdict milter_tell(struct session *, struct milter *,
	    enum milter_stage);
/* What is said of this answer to a step of the message. */
enum milter_verdict milter_judge(struct session *, struct milter *,
	    const struct milter_reply *, enum milter_stage);

#endif
