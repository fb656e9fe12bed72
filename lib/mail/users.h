/* SPDX-License-Identifier: ISC
 *
 * Who has a mailbox here: a passwd-file in Dovecot's format, or the system's
 * accounts.  It knows stored passwords as text and never judges one (see
 * mail/auth.h), so that programs without logins link no cryptography.
 *
 *	user:{SCHEME}hash:uid:gid:gecos:home:shell:extra_field extra_field
 *
 * user is a name, which serves every local domain, or name@domain, which is
 * found first.  Trailing fields may be missing.
 */
#ifndef MAIL_USERS_H
#define MAIL_USERS_H

#include <sys/types.h>

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/quota.h"
#include "mail/settings.h"

#define USERS_NAME_MAX	512	/* of user@domain, NUL included */
#define USERS_HASH_MAX	1024	/* of a stored password */
#define USERS_FILE_MAX	(64u << 20)

/* A user.  Plain data: it may go through a socket. */
struct user {
	char		 name[USERS_NAME_MAX];	/* as found: "bob", or
						 * "bob@example.org" */
	char		 hash[USERS_HASH_MAX];	/* with its {SCHEME}; "": no
						 * login; "shadow" is asked by
						 * auth for system users */
	uid_t		 uid;
	gid_t		 gid;
	char		 home[PATH_MAX];
	char		 mailbox[PATH_MAX];	/* a Maildir; by key mail or
						 * userdb_mail */
	char		 shell[128];		/* "": none is known */
	char		 allow_nets[512];	/* "": from everywhere */
	char		 imap_hide[256]; /* capabilities not to announce */
	bool		 nopassword;
	bool		 system;		/* of the system's accounts */
	struct quota_limits quota;		/* userdb_quota_rule, or keys
						 * quota and quota_messages */
	unsigned	 line;			/* in the file, for errors */
};

enum users_result {
	USERS_FOUND,
	USERS_NONE,
	USERS_TEMPORARY		/* the file or this line cannot be used */
};

struct users;

/*
 * Prepare.  The file is read now, and again when its stamp changed, by
 * users_refresh() and each search.  Settings must outlive it.  0, or -1 with
 * one line in error[CONF_ERROR_MAX]: no memory, or the file cannot be read.
 * With "system" nothing is read.
 */
int	 users_open(struct users **, const struct settings *, char *error);
/* Also for a door: its copy of everybody's hash is gone then. */
void	 users_close(struct users *);

/* Read the file again when it changed; what cannot be read is logged and the
 * old stays.  In a parent before it forks, so that children need not. */
void	 users_refresh(struct users *);

/* Another number each time the file has been read. */
unsigned users_version(const struct users *);

/* May a search wait (NSS)?  Then it belongs in a helper. */
bool	 users_blocking(const struct users *);

/*
 * Find who local@domain is: "local@domain", then "local"; each as written,
 * then in lower case.  domain is one of ours; "" asks for the name alone and
 * then at the first of our domains.  With USERS_TEMPORARY error[CONF_ERROR_MAX]
 * says "file:line: what".
 */
enum users_result users_find(struct users *, const char *local,
	    const char *domain, struct user *, char *error);

/* What someone types to log in: "bob" or "bob@example.org". */
enum users_result users_login(struct users *, const char *login,
	    struct user *, char *error);

/* Some stored password of the file, for work of equal length when there is no
 * such user; "" when there is none. */
const char *users_sample(const struct users *);

/* The file they are in, for errors; "system" for accounts. */
const char *users_file(const struct users *);

/* Call fn for every line of the file, in the order of names, until it returns
 * other than 0; returns that, or 0; -1 with error[CONF_ERROR_MAX] for a line
 * that cannot be used or a name that stands twice.  None with "system". */
int	 users_each(struct users *, int (*fn)(const struct user *, void *),
	    void *arg, char *error);

/* For -n: every line of the file can be used, and no name stands twice. */
settings_check users_check;

/* Fill in key mail (or a userdb_mail): %u the name without domain, %n the
 * same, %d the domain, %h home, %% a percent sign.  0; -1: a name that is
 * "", ".", ".." or has a slash, an unset %h, or too long. */
int	 users_expand(char path[PATH_MAX], const char *form, const char *local,
	    const char *domain, const char *home);

#endif
