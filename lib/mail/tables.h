/* SPDX-License-Identifier: ISC
 *
 * The files that say what an address is here, beside the users: aliases,
 * virtual addresses, the recipients of domains we relay for, the secrets of
 * SRS.  They are read when they are opened, and again when they changed.
 */
#ifndef MAIL_TABLES_H
#define MAIL_TABLES_H

#include <stdbool.h>

#include "mail/settings.h"
#include "mail/srs.h"
#include "mail/table.h"

struct tables {
	struct table	aliases;
	struct table	virtual;
	struct table	relay;		/* key relay_recipients */
	struct srs	srs;
	struct stamp	srs_stamp;
	bool		has_srs;
	const struct settings *settings;
};

/* Settings must outlive it.  0, or -1 with one line in error[CONF_ERROR_MAX],
 * and *t is NULL. */
int	 tables_open(struct tables **t, const struct settings *,
	    char *error);
void	 tables_close(struct tables *);

/* Read again what changed; a fault is logged, and the old stays.  In a parent
 * before it forks, and before each search. */
void	 tables_refresh(struct tables *);

#endif
