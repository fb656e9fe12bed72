/* SPDX-License-Identifier: ISC
 *
 * What the two files that read a user's own file share: dotfile_find.c (which
 * one it is, and may it be believed), dotfile.c (what its lines become).
 */
#ifndef MDA_DELIVER_DOTFILE_LOCAL_H
#define MDA_DELIVER_DOTFILE_LOCAL_H

#include <limits.h>

#include "dotfile.h"

/* What has been read of one user's. */
struct reading {
	struct dotfile	*d;
	struct plan	*plan;
	const char	*name;		/* for the log: static */
	char		 path[PATH_MAX];	/* of the file at hand */
	char		*text;
	size_t		 n;
	bool		 executable;
	bool		 looking;	/* whether it is there, and no more */
	unsigned	 line;		/* in it */
	unsigned	 includes;
};

/* What most of these return; of a FAULT the plan says why, or it is NONE when
 * there is no memory. */
enum { MISSING, FOUND, FAULT = -1 };

/* End it with this kind of plan, and the file and line before the words.
 * Returns FAULT. */
int	 dotfile_stop(struct reading *, enum plan_kind, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
int	 dotfile_no_memory(struct reading *);

/* Begin to look for one: is there a home? */
int	 dotfile_begin(struct reading *, struct dotfile *, struct plan *);

/* Read the file r->path, whose owner must be the user or root. */
int	 dotfile_read(struct reading *);

/* Find the one that counts, and read it. */
int	 dotfile_find_forward(struct reading *);
int	 dotfile_find_qmail(struct reading *);
/* With a file .qmail-EXT-owner the forwards come from that address. */
void	 dotfile_find_owner(struct reading *);

#endif
