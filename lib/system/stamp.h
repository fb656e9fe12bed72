/* SPDX-License-Identifier: ISC
 *
 * Is a file still the one that was read?  For small files that people edit
 * while programs run.
 */
#ifndef SYSTEM_STAMP_H
#define SYSTEM_STAMP_H

#include <sys/stat.h>

#include <stdbool.h>

struct stamp {
	struct stat	st;
	bool		clean;	/* it was old when it was read */
};

/* Remember the file that is read now. */
void	 stamp_set(struct stamp *, const struct stat *);

/* Is what stat(2) says now another file, or one that may have changed since?
 * A file that was young when it was read may have changed within the same
 * tick of its clock: once it is old it counts as changed. */
bool	 stamp_changed(const struct stamp *, const struct stat *now);

#endif
