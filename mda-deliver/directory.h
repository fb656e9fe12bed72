/* SPDX-License-Identifier: ISC
 *
 * Users and tables of an agent, and what SIGHUP makes of them.
 */
#ifndef MDA_DELIVER_DIRECTORY_H
#define MDA_DELIVER_DIRECTORY_H

#include "mail/recipient.h"

/* Open those of these settings, whose address is kept.  0, or -1 with one line
 * in error[CONF_ERROR_MAX]. */
int	 directory_open(struct directory *, const struct settings *,
	    char *error);
void	 directory_close(struct directory *);

/* Read the settings again, and the files they name, or nothing: the old stay on
 * error, which is logged. */
void	 directory_reread(struct directory *, struct settings *);

#endif
