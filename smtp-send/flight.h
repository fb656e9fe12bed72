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
#include "signer.h"
#include "sweep.h"

#define FLIGHT_FIRST	(5 * 60)	/* seconds until the second try */
#define FLIGHT_MOST	(4 * 60 * 60)

struct flight {
	struct spool_message msg;
	struct entry	*entry;
	struct dest	*rest;		/* where somebody waits for a place */
	size_t		 loads;		/* that workers have */
	char		*prefix;	/* these three as in struct delivery */
	char		*prefix_7bit;
	int		 fd_7bit;
};

/* What the agent knows. */
struct books {
	struct settings	*settings;
	struct spool	 spool;
	struct dests	 dests;
	struct hosts	 hosts;
	struct pool	 pool;
	struct keeper	*keeper;
	struct signer	*signer;	/* NULL: nothing is signed */
	size_t		 kept;		/* entries with signatures */
	size_t		 flights, flights_max;
	size_t		 worked;	/* messages that found their end or
					 * were moved */
	struct sweep	 sweep;
	int64_t		 due;		/* the next name in later/; 0 none */
	bool		 trouble;	/* something was not recorded */
};

/*
 * Launch the message, when it is signed if it is to be: all of it for which
 * there are places.  The entry is the flight's from then on, and freed with its
 * message; or it waits again at a destination that has no place.
 */
void	 flight_launch(struct books *, struct entry *);

/* Find the destination of a message that has not been opened yet and let it
 * wait there. */
void	 flight_park(struct books *, struct entry *);

/* A record of the worker of a post. */
void	 flight_record(struct books *, struct post *, const struct record *);

/* Let go of those still on their way, as they are: ENVELOPE_TRYING stays. */
void	 flight_abandon(struct books *);

/*
 * flight.c, for flight_sign.c: give the message to workers; put all who have
 * their turn off, for this reason; let go of the flight and leave all else as
 * it is, its entry too.
 */
void	 flight_go(struct books *, struct flight *);
void	 flight_put_off(struct books *, struct flight *, const char *why);
void	 flight_drop(struct books *, struct flight *);

/* flight_sign.c */

/* Is it to be signed?  Then flight_go() follows when it is, or it is put off.
 * False: it is signed already, or not to be. */
bool	 flight_sign(struct books *, struct flight *);
/* The answer of the signer. */
void	 flight_signed(struct books *, const struct signature *);
/* Those being signed are let go of, as they are; their entries are to be parked
 * anew. */
void	 flight_recall(struct books *, struct entry_queue *);
/* It waits for a place: its entry keeps the signatures, if that is cheap. */
void	 flight_keep(struct books *, struct flight *);
void	 flight_unsign(struct flight *);

#endif
