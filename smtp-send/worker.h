/* SPDX-License-Identifier: ISC
 *
 * The process that speaks to the network for one delivery: forked,
 * unprivileged, inside sandbox_client(), it has the message open and nothing
 * else, and sends a report for each recipient up to its parent.
 */
#ifndef SMTP_SEND_WORKER_H
#define SMTP_SEND_WORKER_H

#include "delivery.h"
#include "news.h"
#include "mail/settings.h"
#include "route.h"

struct worker;

/* What all workers of a process share. */
struct worker_set {
	struct route_set route;
	struct relay_logins logins;
	const char	*host;		/* as in route_new() */
	/* Called from worker_read() with what a worker has to tell beside
	 * reports, made tidy; NULL: nobody wants to know. */
	void		(*news)(void *arg, const struct news *);
	void		*arg;
	uid_t		 uid;		/* they become this when we are root */
	gid_t		 gid;
};

/* Prepare, while files may be read.  0, or -1 with one line in
 * error[CONF_ERROR_MAX]. */
int	 worker_setup(struct worker_set *, const struct settings *,
	    const char *host, char *error);
/* Load the authorities too, for REQUIRETLS; without them (logged at debug) such
 * mail waits. */
void	 worker_trust(struct worker_set *);
void	 worker_set_free(struct worker_set *);

/*
 * Start one.  The delivery is copied by the fork and
 * may be changed or freed afterwards; the worker's own descriptor of the
 * message is delivery->fd, which the caller may close.  NULL with errno: no
 * process or memory now.
 */
struct worker *worker_start(const struct worker_set *,
	    const struct delivery *);

/* Readable when worker_read() has something. */
int	 worker_fd(const struct worker *);

/*
 * The next report, as soon as the recipient's fate is known.  1: *r is filled,
 * tidy, each recipient's once; 0: that was the last, every recipient has had
 * its report (a worker that died leaves the rest TEMPORARY); the worker is
 * then to be freed.  -1: nothing now, only with wait false.
 */
int	 worker_read(struct worker *, struct report *r, bool wait);

/* Ends the process if it still runs, and waits for it. */
void	 worker_free(struct worker *);

#endif
