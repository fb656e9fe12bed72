/* SPDX-License-Identifier: ISC
 *
 * The agent of spool/remote: takes what is due, sends it, and lets go of a
 * recipient only when a host has it or its bounce is in the spool.
 */
#ifndef SMTP_SEND_QUEUE_H
#define SMTP_SEND_QUEUE_H

#include <stdbool.h>

#include "mail/settings.h"

/*
 * Deliver what is due; with watch, go on until SIGTERM, woken by new messages
 * and by the next due time, and SIGHUP rereads the settings.  Returns the exit
 * code: 0; 75 when the spool could not be worked on; 78 when it cannot be
 * opened.
 */
int	 queue_run(struct settings *, bool watch);

#endif
