/* SPDX-License-Identifier: ISC
 *
 * Waiting for the client while mailboxes change.
 */
#ifndef IMAPD_WAITING_H
#define IMAPD_WAITING_H

#include "session.h"

enum waiting {
	WAITING_IDLE,		/* between IDLE and DONE */
	WAITING_COMMAND		/* between two commands, under NOTIFY */
};

/*
 * Tell what happens until the client says something (STREAM_OK: its line is
 * still to be read), is gone, or was silent for too long (STREAM_TIMEOUT).
 * STREAM_RESET with STATE_OVER: the session has said goodbye.
 */
enum stream_status waiting_for_input(struct session *, enum waiting);

/* Whether the client says nothing for so many milliseconds. */
bool	 waiting_quiet(struct session *, int ms);

/* Before a command is read: the same under NOTIFY, which may end the session.
 * What the client says is read by input_command(). */
void	 waiting_for_command(struct session *);

#endif
