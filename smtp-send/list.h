/* SPDX-License-Identifier: ISC
 *
 * What waits in the spool, for a person to read: mailq, smtp-send -l.
 */
#ifndef SMTP_SEND_LIST_H
#define SMTP_SEND_LIST_H

#include "mail/settings.h"

/* Print it on standard output.  Returns the exit code: 0; 75 when some of it
 * could not be read; 77 when we may not; 78. */
int	 list_queue(const struct settings *);

#endif
