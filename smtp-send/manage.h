/* SPDX-License-Identifier: ISC
 *
 * -R, -H, -U, -D: what a person does to messages that wait.  Each is safe
 * against agents at work, and against a crash: stdmail-spool(5) says what one
 * leaves.
 */
#ifndef SMTP_SEND_MANAGE_H
#define SMTP_SEND_MANAGE_H

#include <stdbool.h>

#include "mail/settings.h"
#include "select.h"

enum manage_act {
	MANAGE_RETRY,		/* due now */
	MANAGE_HOLD,		/* kept back until it is released */
	MANAGE_RELEASE,
	MANAGE_DROP,		/* out of the queue, and nobody is told */
	MANAGE_BOUNCE		/* the same, and its sender is told */
};

/*
 * Do it to all that are meant; a line for each on standard output.  A message
 * that an agent delivers just now is waited for, MANAGE_WAIT seconds in all.
 * An exit code: 0; 1 nothing is meant, or an id is not there, or not in a
 * state for it; 74; 75 some message was under way, or could not be changed;
 * 77; 78.
 */
#define MANAGE_WAIT	5

int	 manage(const struct settings *, struct select *, enum manage_act,
	    bool json);

/* The same as MANAGE_RETRY, in silence and whatever becomes of it, with what
 * this process does next in its own hands: for `sendmail -q'. */
void	 manage_retry(const struct settings *, struct select *);

#endif
