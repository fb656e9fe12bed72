/* SPDX-License-Identifier: ISC
 *
 * The folder that an address "user+folder" names.
 */
#ifndef MDA_DELIVER_FOLDER_H
#define MDA_DELIVER_FOLDER_H

#include <limits.h>

/* The path of this folder of a Maildir, in any letter case, when it exists
 * and its name is harmless; else the Maildir itself.  With the owner's rights:
 * what he may not see is not there.  Returns path. */
const char *folder_find(const char *maildir, const char *folder,
	    char path[PATH_MAX]);

#endif
