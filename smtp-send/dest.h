/* SPDX-License-Identifier: ISC
 *
 * What the agent remembers of each destination: the next host of the settings,
 * or else a domain.  How many workers it may have at once, which rises with
 * success and falls with failure; since when it does not answer, and what was
 * heard last; and the messages that wait for their turn there.  No system
 * call, no clock.
 */
#ifndef SMTP_SEND_DEST_H
#define SMTP_SEND_DEST_H

#include <sys/queue.h>

#include "delivery.h"
#include "mail/settings.h"
#include "mail/spool.h"

#define DEST_START	2	/* workers at a destination that is new */
#define DEST_WAIT	60	/* seconds without another try of one that does
				 * not answer, doubled with each failure */
#define DEST_WAIT_MAX	(30 * 60)
#define DEST_FRESH	60	/* seconds that a success counts */
#define DESTS_MAX	10000	/* remembered when nothing waits for them */

/* A message that the agent knows of. */
struct entry {
	SLIST_ENTRY(entry) chain;	/* of the same hash */
	STAILQ_ENTRY(entry) next;	/* behind it, at its destination */
	int64_t		 bucket, due;	/* where it is, as in spool_item */
	int64_t		 began;		/* the first launch that served
					 * somebody; 0 none yet */
	bool		 seen;		/* it was launched */
	bool		 manual;	/* a person asked for it */
	char		*prefix;	/* its signatures, while it waits; NULL
					 * none; owned */
	char		 name[];	/* as in spool_item */
};

STAILQ_HEAD(entry_queue, entry);

struct dest {
	SLIST_ENTRY(dest) chain;
	TAILQ_ENTRY(dest) turn;		/* among those that are ready, or of
					 * those that rest */
	enum { DEST_RESTS, DEST_READY, DEST_FULL } state;
	struct entry_queue waiting;
	size_t		 nwaiting;
	unsigned	 limit;		/* workers that it may have */
	unsigned	 workers;	/* that it has, each with something */
	unsigned	 failures;	/* in a row, in which no host of it was
					 * reached */
	int64_t		 dead_until;	/* 0: it is not */
	int64_t		 good_at;	/* the last success; 0 none */
	unsigned	 held;		/* by who remembers it */
	struct report	*last;		/* why it is dead; owned */
	const char	*domain;	/* one that it serves, behind the key */
	char		 key[];
};

TAILQ_HEAD(dest_list, dest);
SLIST_HEAD(dest_chain, dest);
SLIST_HEAD(entry_chain, entry);

#define DEST_HASH	4096	/* chains; a power of two */

struct dests {
	struct dest_chain  chains[DEST_HASH];
	struct entry_chain entries[DEST_HASH * 4];
	struct dest_list   ready, resting;
	size_t		   n, nresting, nentries;
};

void	 dests_init(struct dests *);
/* With all entries. */
void	 dests_free(struct dests *);

/* The key of the destination of a domain, for this sender. */
void	 dest_key(const struct settings *, const struct address *sender,
	    const char *domain, char key[DELIVERY_KEY_MAX]);

/* Find the destination of a domain, or make it.  It lives until the next
 * dests_trim() at least, and as long as it is held, has workers or is waited
 * for.  NULL: no memory. */
struct dest *dest_get(struct dests *, const struct settings *,
	    const struct address *sender, const char *domain);

/* Does a message wait there? */
bool	 dest_waits(struct dests *, const char *key);

/* Forget the oldest when they are too many. */
void	 dests_trim(struct dests *);

/* A worker begins with it, or has nothing of it any more. */
void	 dest_begin(struct dests *, struct dest *);
void	 dest_end(struct dests *, struct dest *);

/* A host was reached and has decided. */
void	 dest_good(struct dest *, unsigned most, int64_t now);
/* A host was reached, and put everybody off. */
void	 dest_busy(struct dest *);
/* No host could be reached; so it said. */
void	 dest_bad(struct dest *, const struct report *, int64_t now);
bool	 dest_is_dead(const struct dest *, int64_t now);

/* There may be a place again: it has its turn, behind the others. */
void	 dest_wake(struct dests *, struct dest *);
/* It has as many workers as it may: no turn until dest_wake(). */
void	 dest_full(struct dests *, struct dest *);
/* Its turn is over. */
void	 dest_rotate(struct dests *, struct dest *);

/* The entry of a message that was found; NULL it is known already, and its
 * place is now that, or (errno ENOMEM, else 0) no memory. */
struct entry *entry_new(struct dests *, const struct spool_item *);
/* The item that it stands for. */
int	 entry_item(const struct entry *, struct spool_item *);
/* It waits there, behind the others. */
void	 entry_wait(struct dests *, struct entry *, struct dest *);
/* The next one, taken out; there is one. */
struct entry *entry_next(struct dest *);
/* The agent is done with it. */
void	 entry_free(struct dests *, struct entry *);

#endif
