/* SPDX-License-Identifier: ISC
 *
 * A file of addresses that an alias names, ":include:/path": targets with
 * commas or lines between (grammar/alias.h).  It is read each time, so that a
 * change is seen at once.
 */
#ifndef MAIL_INCLUDE_H
#define MAIL_INCLUDE_H

#include <sys/types.h>

#include <stddef.h>

#include "bytes/buf.h"
#include "grammar/alias.h"

#define INCLUDE_MAX	(1u << 20)	/* octets of it */

struct include {
	const char		*path;
	uid_t			 owner;	/* of the file */
	unsigned		 line;	/* where the target stands */
	char			*text;
	struct alias_reader	 reader;
	struct buf		 entry;
	const char		*at;
};

/*
 * Read it, for a file that belongs to by; path must outlive it.  0, to be
 * closed; or -1 with *why in a few words, static or strerror(3)'s, and errno.
 *
 * The path is absolute.  Others than its owner must not be able to write in
 * it (system/trust.h), and by must be able to read it: root all, others their
 * own and what everybody may.
 */
int	 include_open(struct include *, const char *path, uid_t by,
	    const char **why);

/* The next target: 1, 0 the end, -1 malformed, *why says it. */
int	 include_next(struct include *, const char **target,
	    const char **why);

void	 include_close(struct include *);

#endif
