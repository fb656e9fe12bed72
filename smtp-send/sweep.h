/* SPDX-License-Identifier: ISC
 *
 * What is left of messages that are gone: their last descriptors.  To close one
 * frees its blocks, which a file system may make us wait for (ext4 with
 * "discard" and no journal does, a millisecond each), and one sync is to make
 * many of them gone for good, which takes its time on ext4 and xfs with a
 * journal: without this, half to two thirds of the messages a second.
 * While much is sent, processes of their own do both; what is little the agent
 * does itself.
 */
#ifndef SMTP_SEND_SWEEP_H
#define SMTP_SEND_SWEEP_H

#include "mail/spool.h"

#define SWEEPERS	4	/* processes */
#define SWEEP_FDS	64	/* descriptors at once: of 32 messages */
#define SWEEP_MS	200	/* how long they are kept */

struct sweep {
	const struct spool *spool;
	int		 socks[SWEEPERS];
	pid_t		 pids[SWEEPERS];	/* 0: not started */
	unsigned	 next;		/* whose turn it is */
	int		 fds[SWEEP_FDS];
	size_t		 n;
	long long	 since;		/* ms; of the first of them */
};

void	 sweep_init(struct sweep *, const struct spool *);

/* The message has vanished (spool_vanish()): its descriptors are the sweep's,
 * and -1 in m. */
void	 sweep_add(struct sweep *, struct spool_message *);

/* Close and sync, when they are many or old; force: whatever they are. */
void	 sweep_run(struct sweep *, bool force);

/* The same, and wait until all is done. */
void	 sweep_end(struct sweep *);

#endif
