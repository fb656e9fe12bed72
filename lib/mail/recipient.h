/* SPDX-License-Identifier: ISC
 *
 * What an address is to us: a mailbox here, several places, nobody, or
 * somewhere else.  The one place where smtpd (at RCPT) and mda-deliver (at
 * delivery) ask, so that they never disagree.  Whether a client may relay is
 * smtpd's to decide.
 *
 * At a domain of ours an address is the first of these that there is:
 *
 *	1. an entry of the table `virtual`
 *	2. an entry of the file `aliases`
 *	3. a user
 *	4. an address of SRS that we made
 *	5. 1 to 3 again, without its "+folder" (key recipient_delimiter)
 *	6. for postmaster and the like, who gets their mail (RFC 5321,
 *	   section 4.5.1; RFC 2142)
 *	7. the entry "@domain" of the table
 *
 * A name within its own entry means the user.
 */
#ifndef MAIL_RECIPIENT_H
#define MAIL_RECIPIENT_H

#include <limits.h>

#include "grammar/address.h"
#include "mail/tables.h"
#include "mail/users.h"

#define RECIPIENT_DEPTH		20	/* entries that lead to one another */
#define RECIPIENT_MOST		20000	/* addresses that one stands for */
#define RECIPIENT_INCLUDES	100	/* files that are included for it */
#define RECIPIENT_SPECIALS	50	/* programs and files */

/* Where to look. */
struct directory {
	const struct settings	*settings;
	struct users		*users;
	struct tables		*tables;
};

enum recipient_kind {
	RECIPIENT_LOCAL,	/* one mailbox: user and folder are filled in */
	RECIPIENT_LIST,		/* several, elsewhere, or programs and files:
				 * see the list */
	RECIPIENT_UNKNOWN,	/* a domain of ours, and nobody of that name */
	RECIPIENT_NOBODY,	/* likewise, but it must be taken: mail waits
				 * until somebody gets it */
	RECIPIENT_REMOTE,	/* not our domain */
	RECIPIENT_RELAY,	/* the same, in relay_domains: anyone may send
				 * there */
	RECIPIENT_TEMPORARY	/* cannot be told now: error says why */
};

/* Plain data; it may go through a socket. */
struct recipient {
	enum recipient_kind	kind;
	struct user		user;
	struct address		address;	/* of LOCAL: the user's own, as
					 * a list would have it */
	char			folder[ADDRESS_LOCAL_MAX + 1];	/* or "" */
	char			extension[ADDRESS_LOCAL_MAX + 1]; /* behind the
					 * name of an entry: "" or "folder" */
	struct address		owner;	/* who gets bounces of a list; null:
					 * the sender */
	char			error[CONF_ERROR_MAX];
};

enum recipient_special_kind {
	RECIPIENT_PROGRAM,	/* text: a command */
	RECIPIENT_FILE,		/* text: the path of a mailbox */
	RECIPIENT_DISCARD	/* nowhere */
};

/* What an entry of the file `aliases` names that is no address. */
struct recipient_special {
	enum recipient_special_kind kind;
	char		*text;		/* owned by the list */
	uid_t		 owner;		/* of that file */
	const char	*file;		/* where it stands, for the log; lives
					 * as long as the settings */
	unsigned	 line;
};

/*
 * Addresses of users (with their folder) and elsewhere, each once.  One of
 * nobody may be among them: its sender is to be told.  Beside them programs
 * and files, each once: they belong to the address that was asked for, and can
 * be named by no other.
 */
struct recipient_list {
	struct address	*v;
	size_t		 n, room;
	unsigned	*slots;		/* a table that finds them: 1 + where
					 * in v; 0 none */
	size_t		 nslots;	/* a power of two */
	struct recipient_special *specials;	/* NULL or as many as there
						 * may be */
	size_t		 nspecials;
};

/*
 * Find out.  May wait when users_blocking().  With a list (empty before, to
 * be freed) it is filled for RECIPIENT_LIST; NULL: the kind is enough, and
 * what is wrong behind the second target is not found, nor in a file to
 * include that this process may not read.
 *
 * The address is completed first.  An address literal is remote.
 * Entries that lead back to themselves, that stand in a file which others may
 * write in, and what cannot be read, is too long or too deep, are temporary:
 * no mail is lost by an error in a file.
 */
enum recipient_kind recipient_find(const struct directory *,
	    const struct address *, struct recipient *,
	    struct recipient_list *);

/* The same for an address of such a list: LOCAL, REMOTE, UNKNOWN or
 * TEMPORARY; files are not asked again.  It is never a program. */
enum recipient_kind recipient_user(const struct directory *,
	    const struct address *, struct recipient *);

/* A local part alone is at our first domain. */
void	 recipient_complete(const struct settings *, struct address *);

/* recipient_list.c: the same to us, in any letter case? */
bool	 recipient_same(const struct address *, const struct address *);

/* Add one, once.  0, or -1 no memory. */
int	 recipient_list_add(struct recipient_list *, const struct address *);
/* Where it is in v; n when it is not there. */
size_t	 recipient_list_find(const struct recipient_list *,
	    const struct address *);
/* Add a special, whose text is copied; -1 also when there are too
 * many: errno ENOMEM, E2BIG. */
int	 recipient_list_add_special(struct recipient_list *,
	    const struct recipient_special *);
void	 recipient_list_free(struct recipient_list *);

/* recipient_account.c: who runs a program, or writes a file. */
struct recipient_account {
	uid_t	 uid;
	gid_t	 gid;
	char	 name[LOGIN_NAME_MAX];
	char	 home[PATH_MAX];	/* that is there: else "/" */
};

/*
 * Find out: the owner of the file that names it, and for root's key
 * default_user.  Never uid 0; without root it is who we are, for a file of
 * root's or our own.  May wait (NSS).  0, or -1 with one line in
 * error[CONF_ERROR_MAX]: its mail waits.
 */
int	 recipient_account(const struct settings *,
	    const struct recipient_special *, struct recipient_account *,
	    char *error);

/* The queue's file owner for it: see spool_create(). */
uid_t	 recipient_owner(const struct recipient *);

/*
 * For -n.  The tables can be read, and only by their owners written; their
 * addresses are in domains of ours, and what each entry says can be followed:
 * files to include are there, and programs that somebody can run.
 */
settings_check recipient_check;
/* Somebody gets postmaster's mail; else a note. */
settings_check recipient_check_postmaster;
/* Who there is in relay_domains is known, or asked for; else a note. */
settings_check recipient_check_relay;

#endif
