/* SPDX-License-Identifier: ISC
 *
 * What the files that handle messages share: message.c (the flow), target.c
 * (who it is for), confine.c, decide.c (what his rules want), carry.c (one
 * place that it goes to), bundle.c (many mailboxes), launch.c (what a confined
 * process cannot do), direct.c.
 */
#ifndef MDA_DELIVER_MESSAGE_LOCAL_H
#define MDA_DELIVER_MESSAGE_LOCAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "deliver.h"
#include "mail/quota.h"
#include "mail/recipient.h"
#include "mail/spool.h"
#include "plan.h"

struct bundle;
struct launch;
struct once;

/* A recipient, and what is to become of his mail. */
struct target {
	bool		 local;		/* a mailbox here */
	bool		 forward;	/* list says where else; neither:
					 * outcome says why not */
	bool		 precious;	/* a report, or postmaster's: no fault
					 * of rules or programs keeps it */
	struct user	*user;		/* of a local one */
	struct address	 address;	/* ... likewise */
	char		*folder;	/* that the address names, or NULL */
	unsigned	 rules;		/* rules_look() */
	bool		 alone;		/* his copy is in no bundle */
	struct plan	 plan;
	struct recipient_list list;
	struct user	*specials;	/* who has the programs and files of
					 * the list; the plan begins with
					 * these */
	struct address	 owner;		/* who gets its bounces */
	bool		 shared;	/* another recipient may lead to his
					 * mailbox or programs */
	struct outcome	 outcome;
	char		*reason;	/* all words about that when its text
					 * has not all: lines, the first with
					 * the status; or NULL */
};

struct work {
	const struct directory	*dir;
	const struct settings	*settings;
	struct spool		*spool;		/* NULL: there is none */
	struct spool_message	*m;
	struct target		*targets;	/* one for each recipient */
	struct recipient_list	 others;	/* of an expanded message: all
						 * who are elsewhere */
	struct outcome		 sent;		/* what became of them */
	struct once		*once;		/* NULL: no lists, or one */
	bool			 gone;	/* the message itself is delivered */
	char			*text;	/* the message, or its beginning: what
					 * loops are looked for in; or NULL */
	size_t			 ntext;
	struct bundle		*bundle;	/* NULL: each copy has a sync
						 * of its own */
	size_t			 index;	/* among those of this process */
	struct launch		*launch;	/* NULL: nothing needs it */
};

/* message.c: fill in an outcome.  Returns 0. */
int	 refuse(struct target *, enum outcome_kind, const char *, ...)
	    __attribute__((format(printf, 3, 4)));

/* target.c: who are the recipients?  0, or -1 no memory. */
int	 find_targets(struct work *);
/* The same of one that is known. */
int	 target_set_local(struct work *, struct target *,
	    const struct recipient *);
/* Must it come through, whatever the user's rules say? */
bool	 target_is_precious(const struct work *, const struct address *);
/* The address before aliases, where there was another, to *room; or NULL. */
const struct address *target_original(const struct work *,
	    struct address *room);

/* confine.c: less rights, for the messages that this process has.  0, -1. */
int	 confine_to_owner(const struct work *, size_t n);
int	 confine_to_mailboxes(const struct work *, size_t n);
/* In a child that is to be a user: of what is open it keeps its message, one
 * more (-1: none) and the log; not the messages of others, the spool, or what
 * starts programs.  0, -1 errno. */
int	 confine_open(const struct work *, int more);

/* decide.c: what the rules of recipient i want, to its plan.  Never fails but
 * by PLAN_TEMPORARY. */
void	 decide(struct work *, size_t i);

/*
 * carry.c: bring the message of recipient i to one place of its plan.  Returns
 * 1 when what follows in the plan is to be left out.
 */
int	 carry(struct work *, size_t i, const struct dest *,
	    struct outcome *);
/* The fast way to the mailbox: the spool's file becomes the Maildir's.  1 done,
 * 0 it has to be carried. */
int	 carry_whole(struct work *, size_t i);
/* To a mailbox, in a process that is its owner. */
void	 carry_copy(struct work *, size_t i, const struct dest *,
	    struct outcome *);
/* To all that an address stands for. */
void	 carry_list(struct work *, size_t i, struct outcome *);

/* Wait for the end of a child that is a user, who must not be able to put it
 * off by stopping it.  Returns its status; -1 when there is none. */
int	 wait_child(pid_t);
/* Do so (pid -1: there is no child), then take the n octets that it left in a
 * pipe.  Who else holds the other end is not waited for.  0, -1. */
int	 hear_child(pid_t, int fd, void *, size_t n);
/* The outcome of a process that was killed: it may have done its work. */
void	 outcome_ended(struct outcome *);

#endif
