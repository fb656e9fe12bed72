/* SPDX-License-Identifier: ISC
 *
 * The process that speaks to the network for one delivery: forked,
 * unprivileged, inside sandbox_client(), it has the message open and nothing
 * else, and sends a report for each recipient up to its parent.
 */
#ifndef SMTP_SEND_WORKER_H
#define SMTP_SEND_WORKER_H

#include "delivery.h"
#include "mail/settings.h"
#include "system/tls.h"

struct worker;

/*
 * Start one.  host as in route_new().  The delivery is copied by the fork and
 * may be changed or freed afterwards; the worker's own descriptor of the
 * message is delivery->fd, which the caller may close.  NULL with errno: no
 * process or memory now.
 */
struct worker *worker_start(const struct settings *, const char *host,
	    const struct delivery *, struct tls_client *);

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
