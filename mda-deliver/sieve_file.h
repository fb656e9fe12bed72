/* SPDX-License-Identifier: ISC
 *
 * Where a user's scripts lie, as Dovecot and ManageSieve servers keep them:
 * the active one is ~/.dovecot.sieve, mostly a symbolic link to one of those
 * in ~/sieve; errors are told in ~/.dovecot.sieve.log.
 */
#ifndef MDA_DELIVER_SIEVE_FILE_H
#define MDA_DELIVER_SIEVE_FILE_H

#include <limits.h>

#include "mail/users.h"
#include "plan.h"
#include "sieve.h"

#define SIEVE_LOG_MAX	10240		/* octets, before it begins anew */

struct sieve_files {
	char	active[PATH_MAX];	/* "": the user can have none */
	char	scripts[PATH_MAX];	/* personal ones; "": nowhere */
};

#define SIEVE_PLACES	4

/* Folders and files that scripts are read from, as the user's include and log
 * need them: how many are in path. */
size_t	 sieve_places(const struct settings *, const struct user *,
	    char path[SIEVE_PLACES][PATH_MAX]);

/* By the keys of stdmail.conf(5). */
void	 sieve_files(struct sieve_files *, const struct settings *,
	    const char *name, const char *home);

enum sieve_file_result {
	SIEVE_FILE_READ,
	SIEVE_FILE_NONE,		/* there is none of this name */
	SIEVE_FILE_FAULT,		/* not to be used: error */
	SIEVE_FILE_TEMPORARY		/* cannot be read now, or others may
					 * write it: error */
};

/*
 * Read a script: a regular file of us or of root, that nobody else may write,
 * nor put another in its place.  Its text is the caller's to free.  Otherwise
 * error[SIEVE_ERROR_MAX] says what is wrong.
 */
enum sieve_file_result sieve_file_read(const char *path, char **text,
	    size_t *n, char *error);

/* A cheap look, with the user's rights: may there be a script for him? */
bool	 sieve_file_may_be(const struct settings *, const struct user *);

/*
 * What the user's own script, or else that of key sieve_default, says of a
 * message: to a plan that is empty.  NONE: there is no script.  What is broken
 * is told in the user's log too.  As the user.  Never fails but by
 * PLAN_TEMPORARY.
 */
void	 sieve_plan(const struct settings *, const struct user *,
	    const struct sieve_mail *, struct plan *);

/* The keys sieve_default and sieve_global: are they there, and is the script
 * without a fault? */
settings_check sieve_file_check;

/* May a script have this name?  RFC 5804, section 1.6, and here no slash and
 * no dot before it. */
bool	 sieve_file_is_name(const char *, size_t n);

#endif
