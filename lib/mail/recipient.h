/* SPDX-License-Identifier: ISC
 *
 * What an address is to us: a mailbox here, nobody here, or somewhere else.
 * The one place where smtpd (at RCPT) and mda-deliver (at delivery) ask, so
 * that they never disagree.  Whether a client may relay is smtpd's to decide.
 */
#ifndef MAIL_RECIPIENT_H
#define MAIL_RECIPIENT_H

#include "grammar/address.h"
#include "mail/users.h"

enum recipient_kind {
	RECIPIENT_LOCAL,	/* user is filled in */
	RECIPIENT_UNKNOWN,	/* a domain of ours, and nobody of that name */
	RECIPIENT_REMOTE,	/* not our domain */
	RECIPIENT_TEMPORARY	/* the users cannot be asked now */
};

/* Plain data; it may go through a socket. */
struct recipient {
	enum recipient_kind	kind;
	struct user		user;
	char			error[CONF_ERROR_MAX];	/* TEMPORARY: for the
							 * log */
};

/*
 * Find out.  May wait when users_blocking().
 *
 * A local part alone is at our first domain.  postmaster, in any letter case,
 * at any domain of ours or alone, is the user of that name, else of the key
 * postmaster (RFC 5321, section 4.5.1); so is root, who has no mailbox.  An
 * address literal is remote.
 */
enum recipient_kind recipient_find(const struct settings *, struct users *,
	    const struct address *, struct recipient *);

/* The queue's file owner for it: see spool_create(). */
uid_t	 recipient_owner(const struct recipient *);

#endif
