/* SPDX-License-Identifier: ISC
 *
 * Going through the messages that a person means, while agents are at work on
 * them.
 */
#ifndef SMTP_SEND_EACH_H
#define SMTP_SEND_EACH_H

#include <stdbool.h>
#include <stdint.h>

#include "select.h"

struct each {
	/* Set by the caller: */
	const struct spool *spool;
	struct select	*select;	/* select_parse() */
	/* A message that is meant, without its lock.  0; -1 errno: the walk
	 * ends, of output that fails. */
	int		(*one)(struct each *, struct spool_message *);
	/* One whose envelope cannot be read: 1 that is no trouble any more; 0,
	 * -1 as above.  NULL: said on standard error. */
	int		(*unreadable)(struct each *, const struct spool_item *,
			    const char *why);
	void		*arg;
	/* Filled in: */
	int64_t		 now;
	unsigned long	 met;		/* messages that were meant */
	unsigned long	 gone;		/* names whose message went meanwhile */
	bool		 trouble;
};

/* Once through both queues; gives 0, or EX_IOERR when one() failed. */
int	 each_message(struct each *);

/* The end: flushes standard output and names the ids that nobody has seen.
 * The exit code, when all else gave code. */
int	 each_end(struct each *, int code);

#endif
