/* SPDX-License-Identifier: ISC
 *
 * A message on its way: taken from the queue, given to workers for each of its
 * destinations that has a place, and what they report written down before
 * anything follows from it.
 */
#ifndef SMTP_SEND_FLIGHT_H
#define SMTP_SEND_FLIGHT_H

#include "keeper.h"
#include "pool.h"

#define FLIGHT_FIRST	(5 * 60)	/* seconds until the second try */
#define FLIGHT_MOST	(4 * 60 * 60)

struct flight {
	struct spool_message msg;
	struct entry	*entry;
	struct dest	*rest;		/* where somebody waits for a place */
	size_t		 loads;		/* that workers have */
};

/* What the agent knows. */
struct books {
	struct settings	*settings;
	struct spool	 spool;
	struct dests	 dests;
	struct hosts	 hosts;
	struct pool	 pool;
	struct keeper	*keeper;
	size_t		 flights, flights_max;
	size_t		 worked;	/* messages that found their end or
					 * were moved */
	size_t		 vanished;	/* not yet on disk */
	long long	 vanished_ms;	/* the first of them */
	int64_t		 due;		/* the next name in later/; 0 none */
	bool		 trouble;	/* something was not recorded */
};

/*
 * Launch the message: all of it for which there are places.  The entry is the
 * flight's from then on, and freed with its message; or it waits again at a
 * destination that has no place.
 */
void	 flight_launch(struct books *, struct entry *);

/* Find the destination of a message that has not been opened yet and let it
 * wait there. */
void	 flight_park(struct books *, struct entry *);

/* A record of the worker of a post. */
void	 flight_record(struct books *, struct post *, const struct record *);

/* Let go of those still on their way, as they are: ENVELOPE_TRYING stays. */
void	 flight_abandon(struct books *);

/* Have what vanished vanish for good; force: now, else when there is much or
 * it has waited. */
void	 flight_sync(struct books *, bool force);

#endif
