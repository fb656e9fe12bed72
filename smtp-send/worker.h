/* SPDX-License-Identifier: ISC
 *
 * The process that speaks to the network: forked, unprivileged, inside
 * sandbox_client(), it is given one delivery after the other over a
 * socketpair, each with its message to read and nothing else, and sends up a
 * report for each recipient as soon as its fate is known.  It keeps its
 * connection for a while for what may follow to the same destination.  It
 * never ends by itself: who started it ends it when it has nothing to do.
 */
#ifndef SMTP_SEND_WORKER_H
#define SMTP_SEND_WORKER_H

#include "delivery.h"
#include "hosts.h"
#include "mail/settings.h"
#include "parcel.h"
#include "route.h"

#define WORKER_DEPTH	2	/* deliveries it may have: one at work, and
				 * the next, so that it never waits for us */
#define WORKER_IDLE	5	/* seconds that its connection is kept idle */
#define WORKER_MANY	1000	/* deliveries over it, at most, and */
#define WORKER_LONG	(5 * 60) /* seconds until it is made anew, and what the
				 * DNS says is asked again */

struct worker;

/* What all workers of a process share. */
struct worker_set {
	struct route_set route;
	struct relay_logins logins;
	uid_t		 uid;		/* they become this when we are root */
	gid_t		 gid;
};

/* Prepare, while files may be read.  0, or -1 with one line in
 * error[CONF_ERROR_MAX]. */
int	 worker_setup(struct worker_set *, const struct settings *,
	    char *error);
/* Load the authorities too, for REQUIRETLS; without them (logged at debug) such
 * mail waits. */
void	 worker_trust(struct worker_set *);
void	 worker_set_free(struct worker_set *);

/*
 * Start one, for this destination (key) and domain first: if its host is one
 * that only the system can find (/etc/hosts), the worker finds it now, before
 * its sandbox, and no other such host later.  The settings are copied by the
 * fork.  NULL with errno: no process or memory now.
 */
struct worker *worker_start(const struct worker_set *, const char *key,
	    const char *domain);

/* Readable when worker_read() has something. */
int	 worker_fd(const struct worker *);

/* Deliveries it was given and has not finished; at most WORKER_DEPTH. */
size_t	 worker_pending(const struct worker *);

/*
 * Give it one, of at most PARCEL_RCPTS recipients; all of it may be changed,
 * closed and freed afterwards.  *seq is its number, never 0.  0; -1 errno:
 * EAGAIN it has no room now, EPIPE it has died.
 */
int	 worker_give(struct worker *, const struct delivery *,
	    const struct hosts *, uint32_t *seq);

/*
 * The next record.  1: *r is filled, tidy, of a delivery that is pending, each
 * recipient reported on once; the delivery is finished with the last of them.
 * 0: the worker has died, everything was told (what it was at became
 * TEMPORARY, what it had not begun came BACK); it is to be freed.  -1: nothing
 * now, only with wait false.
 */
int	 worker_read(struct worker *, struct record *r, bool wait);

/* Let it end when it has finished; worker_read() then comes to 0. */
void	 worker_end(struct worker *);

/* Ends the process if it still runs, and waits for it.  Whether it died by a
 * signal that was not ours. */
bool	 worker_free(struct worker *);

#endif
