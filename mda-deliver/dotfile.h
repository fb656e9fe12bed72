/* SPDX-License-Identifier: ISC
 *
 * What a user wrote in his home about his mail: ~/.forward, or ~/.qmail.
 * stdmail-forward(5) says which file counts and what may stand there.
 */
#ifndef MDA_DELIVER_DOTFILE_H
#define MDA_DELIVER_DOTFILE_H

#include "grammar/address.h"
#include "mail/settings.h"
#include "mail/users.h"
#include "plan.h"

#define DOTFILE_MAX		(1u << 20)	/* octets of a file */
#define DOTFILE_INCLUDES	20		/* files, in all */

struct dotfile {
	/* Whose, and for whom. */
	const struct settings	*settings;	/* keys forward and qmail */
	const struct user	*user;
	const struct address	*to;		/* complete, as it was asked
						 * for */
	const char		*extension;	/* of it, as it is; or "" */
	/* Found with qmail's names, for the programs and the forwards. */
	struct address		 owner;		/* their sender; null: as it
						 * is */
	char			 rest[ADDRESS_LOCAL_MAX + 1];	/* DEFAULT */
};

/*
 * Find and read it, with the user's rights: the process must be him.  The
 * plan, which must be empty, becomes
 *
 *	NONE		no such file, or one that leaves it to us
 *	GOOD		its destinations, each once; none: nothing happens
 *	TEMPORARY	no home, a file that others may write in, or that
 *			cannot be read; a program or file of a user who may
 *			have none; a .qmail whose first line is blank
 *	BROKEN		a line that nobody understands; then one keep
 *
 * with its error as "file:line: what".  0, or -1 no memory.
 */
int	 dotfile_plan(struct dotfile *, struct plan *);

/* Is there one, or may there be?  With the user's rights; reads none, and
 * needs no address. */
bool	 dotfile_look(struct dotfile *);

#endif
