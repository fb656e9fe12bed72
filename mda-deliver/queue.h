/* SPDX-License-Identifier: ISC
 *
 * The agent of spool/local.
 */
#ifndef MDA_DELIVER_QUEUE_H
#define MDA_DELIVER_QUEUE_H

#include <stdbool.h>

#include "mail/settings.h"

/* Deliver what is due; with watch until SIGTERM.  SIGHUP reads the settings
 * again.  Returns the exit code. */
int	 queue_run(struct settings *, bool watch);

#endif
