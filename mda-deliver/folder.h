/* SPDX-License-Identifier: ISC
 *
 * The folder that an address "user+folder" names, or a user's rules: with the
 * owner's rights, so that what he may not see is not there.  Names are those of
 * Maildir++, without their first dot.
 */
#ifndef MDA_DELIVER_FOLDER_H
#define MDA_DELIVER_FOLDER_H

#include <limits.h>
#include <stdbool.h>

/* Can it be the name of a folder, and lead nowhere else?  Of a stranger only
 * letters, digits and "-_." are taken. */
bool	 folder_is_name(const char *name, bool stranger);

/* Its path in the Maildir, in any letter case, when there is such a folder. */
bool	 folder_find(const char *maildir, const char *name,
	    char path[PATH_MAX]);

/* Make it, and subscribe to it.  Where that fails (it is logged), or there is
 * no Maildir, path stays. */
void	 folder_make(const char *maildir, const char *name,
	    char path[PATH_MAX]);

#endif
