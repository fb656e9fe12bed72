/* SPDX-License-Identifier: ISC
 *
 * Is a file still the one that was read: see stamp.h.
 */
#include <time.h>

#include "system/stamp.h"

#define GRANULE	2	/* seconds in which a stamp need not change */

void
stamp_set(struct stamp *s, const struct stat *st)
{
	s->st = *st;
	s->clean = time(NULL) - st->st_mtime > GRANULE;
}

bool
stamp_changed(const struct stamp *s, const struct stat *now)
{
	const struct stat *a = &s->st;

	if (a->st_dev != now->st_dev || a->st_ino != now->st_ino ||
	    a->st_size != now->st_size ||
	    a->st_mtim.tv_sec != now->st_mtim.tv_sec ||
	    a->st_mtim.tv_nsec != now->st_mtim.tv_nsec ||
	    a->st_ctim.tv_sec != now->st_ctim.tv_sec ||
	    a->st_ctim.tv_nsec != now->st_ctim.tv_nsec)
		return true;
	return !s->clean && time(NULL) - now->st_mtime > GRANULE;
}
