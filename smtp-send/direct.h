/* SPDX-License-Identifier: ISC
 *
 * smtp-send in a pipeline: the message on standard input, delivered now.
 */
#ifndef SMTP_SEND_DIRECT_H
#define SMTP_SEND_DIRECT_H

#include "mail/settings.h"

/*
 * Deliver standard input to the recipients, a line of TSV for each on
 * standard output in their order.  sender NULL: this user at `hostname`; host
 * as in route_new().  Returns the exit code: 0 all taken, 75 any temporary,
 * else 69; 64, 65, 74 when nothing was tried (said on standard error).
 */
int	 direct(const struct settings *, const char *sender, const char *host,
	    char *const *rcpts, size_t n);

#endif
