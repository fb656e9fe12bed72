/* SPDX-License-Identifier: ISC
 *
 * What time alone decides about a message that waits: when it is looked at
 * again, when its sender hears of the delay, when it is given up.  The same for
 * both queues.
 */
#ifndef MAIL_LATE_H
#define MAIL_LATE_H

#include "mail/settings.h"
#include "mail/spool.h"

/*
 * The moment that the sender named (DELIVERBY), when it is over: mode R gives
 * up those that are ENVELOPE_QUEUED, mode N tells the sender, once.  Before a
 * try and after it.  0; -1 errno: something was not recorded, or not told.
 */
int	 late_by(const struct spool *, const struct settings *,
	    struct spool_message *, int64_t now);

/* After a try: queue_lifetime, for the null sender also bounce_lifetime, gives
 * up those that are QUEUED, delay_warning
 * tells the sender, once.  0, -1 likewise. */
int	 late_age(const struct spool *, const struct settings *,
	    struct spool_message *, int64_t now);

/* When it is to be tried again: as spool_wait(), but no later than the moment
 * that the sender named. */
int64_t	 late_next(const struct spool_message *, int64_t now, int64_t first,
	    int64_t most);

#endif
