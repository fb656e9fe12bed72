/* SPDX-License-Identifier: ISC
 *
 * Telling the client that a long command is not dead (RFC 9585).
 */
#ifndef IMAPD_PROGRESS_H
#define IMAPD_PROGRESS_H

#include <stdint.h>
#include <time.h>

struct session;

struct progress {
	struct session	*session;
	uint32_t	 goal;
	struct timespec	 told;
};

/* A command begins; it has goal things to do, 0: nobody knows how many. */
void	 progress_begin(struct progress *, struct session *, uint32_t goal);

/* So many are done.  May be called for each: every ten seconds the client is
 * told.  Not between the pieces of a response. */
void	 progress_step(struct progress *, uint32_t done);

#endif
