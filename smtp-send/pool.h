/* SPDX-License-Identifier: ISC
 *
 * The agent's workers: who gets the next delivery, who is started, who ends.
 * A destination never has more of them than it may, and starting one is
 * tried no more often than it can succeed.
 */
#ifndef SMTP_SEND_POOL_H
#define SMTP_SEND_POOL_H

#include <poll.h>

#include "dest.h"
#include "worker.h"

#define POOL_SPARE	10	/* workers that keep their destination; beyond
				 * it one that is idle is given another */
#define POOL_RAMP	10	/* ms from one start to the next beyond these:
				 * others may be done by then */
#define POOL_STREAK	50	/* deliveries that a worker stays with those who
				 * wait where its connection leads */
#define POOL_KEEP	60	/* seconds that an idle worker stays */
#define POOL_AGE	(10 * 60) /* a worker older than that ends when it is
				 * idle: what it read of files is old too */

struct flight;

/* A delivery that a worker has. */
struct load {
	struct flight	*flight;
	struct dest	*dest;
	uint32_t	 seq;
	size_t		 n, done;
	bool		 reached;	/* a host was */
	bool		 decided;	/* somebody's fate is final */
	struct report	 last;		/* of one who was put off */
	size_t		 index[PARCEL_RCPTS];	/* in the envelope */
};

struct post {
	struct worker	*worker;	/* NULL: this place is free */
	struct dest	*dest;		/* where its connection may lead; only
					 * with loads it is sure to live */
	char		 key[DELIVERY_KEY_MAX];	/* the same as text */
	struct load	*loads[WORKER_DEPTH];
	size_t		 n;
	int64_t		 since, idle_since;
	unsigned	 streak;	/* deliveries there, one after the
					 * other */
	unsigned	 generation;
	bool		 ending;
};

struct pool {
	struct worker_set set;
	struct dests	*dests;
	struct post	*posts;
	size_t		 max, n;	/* places; workers that live */
	unsigned	 generation;	/* of the settings */
	unsigned	 faults;	/* in a row: no fork, or an early end */
	int64_t		 paused;	/* no start before then */
	long long	 started_ms;	/* the last start */
};

/* 0, or -1 no memory.  set is prepared already. */
int	 pool_init(struct pool *, struct dests *, size_t max);
/* Ends those that are left, by force where they do not within ms. */
void	 pool_free(struct pool *, int ms);

/* A worker that can take a delivery there now, started if need be; or NULL,
 * and *full says whether it has all that it may. */
struct post *pool_place(struct pool *, struct dest *, int64_t now,
	    bool *full);

/* Give it one.  The load is the post's from then on, until pool_done().  0; -1
 * errno, and the load stays the caller's. */
int	 pool_give(struct pool *, struct post *, struct load *,
	    const struct delivery *, const struct hosts *);

/* The load that a record speaks of, or NULL. */
struct load *pool_load(const struct post *, uint32_t seq);

/* The post has finished it; the load is the caller's again. */
void	 pool_done(struct pool *, struct post *, struct load *, int64_t now);

/* The worker has died or ended, and has no load. */
void	 pool_buried(struct pool *, struct post *, int64_t now);

/* End who has been idle for long, is old, or has old settings. */
void	 pool_tidy(struct pool *, int64_t now);

/* Fill p[] and of[], each for pool->max; how many. */
size_t	 pool_pollfds(const struct pool *, struct pollfd *, struct post **of);

/* How many have something to do. */
size_t	 pool_busy(const struct pool *);

#endif
