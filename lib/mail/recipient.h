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

#include "grammar/address.h"
#include "mail/tables.h"
#include "mail/users.h"

#define RECIPIENT_DEPTH	20	/* entries that lead to one another */
#define RECIPIENT_MOST	2000	/* addresses that one stands for */

/* Where to look. */
struct directory {
	const struct settings	*settings;
	struct users		*users;
	struct tables		*tables;
};

enum recipient_kind {
	RECIPIENT_LOCAL,	/* one mailbox: user and folder are filled in */
	RECIPIENT_LIST,		/* several, or elsewhere: see the list */
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
	char			folder[ADDRESS_LOCAL_MAX + 1];	/* or "" */
	struct address		owner;	/* who gets bounces of a list; null:
					 * the sender */
	char			error[CONF_ERROR_MAX];
};

/* Addresses of users (with their folder) and elsewhere, each once.  One of
 * nobody may be among them: its sender is to be told. */
struct recipient_list {
	struct address	*v;
	size_t		 n, room;
};

/*
 * Find out.  May wait when users_blocking().  With a list (empty before, to
 * be freed) it is filled for RECIPIENT_LIST; NULL: the kind is enough, and
 * what is wrong behind the second address is not found.
 *
 * The address is completed first.  An address literal is remote.
 * Entries that lead back to themselves, or to a program or file, and what is
 * too long or too deep, are temporary: no mail is lost by an error in a file.
 */
enum recipient_kind recipient_find(const struct directory *,
	    const struct address *, struct recipient *,
	    struct recipient_list *);

/* The same for an address of such a list: LOCAL, REMOTE, UNKNOWN or
 * TEMPORARY; files are not asked again. */
enum recipient_kind recipient_user(const struct directory *,
	    const struct address *, struct recipient *);

/* A local part alone is at our first domain. */
void	 recipient_complete(const struct settings *, struct address *);

/* Add one, once.  0, or -1 no memory. */
int	 recipient_list_add(struct recipient_list *, const struct address *);
void	 recipient_list_free(struct recipient_list *);

/* The queue's file owner for it: see spool_create(). */
uid_t	 recipient_owner(const struct recipient *);

/*
 * For -n.  The tables can be read, their addresses are in domains of ours, and
 * what each entry says can be followed.
 */
settings_check recipient_check;
/* Somebody gets postmaster's mail; else a note. */
settings_check recipient_check_postmaster;
/* Who there is in relay_domains is known, or asked for; else a note. */
settings_check recipient_check_relay;

#endif
