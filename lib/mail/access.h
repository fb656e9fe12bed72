/* SPDX-License-Identifier: ISC
 *
 * Tables of clients and senders in plain files: the keys deny and allow.
 *
 *	# a comment
 *	client 192.0.2.1		an address
 *	client 2001:db8::/32		a network
 *	client mx.example.net		a confirmed name
 *	client .example.net		all names below it
 *	helo   .example.net		what the client calls itself
 *	sender bob@example.net		a reverse-path
 *	sender example.net		all of a domain; .example.net below it
 *	sender <>			the null one
 */
#ifndef MAIL_ACCESS_H
#define MAIL_ACCESS_H

#include <sys/socket.h>

#include <stdbool.h>

#include "grammar/address.h"
#include "mail/settings.h"
#include "system/stamp.h"

enum access_what { ACCESS_CLIENT, ACCESS_HELO, ACCESS_SENDER, ACCESS_WHATS };

struct access_entry;

struct access {
	char		*path;		/* "" or NULL: none */
	struct stamp	 stamp;		/* of what was read */
	struct access_entry *names;	/* sorted */
	size_t		 nnames;
	struct access_entry *nets;	/* sorted */
	size_t		 nnets;
	bool		 lengths[129];	/* that networks have */
};

/* Read the file when it has changed since.  What is wrong in it is logged
 * and left out; a file that cannot be read leaves what there was.  path may
 * differ from the one before; "" is an empty table. */
void	 access_refresh(struct access *, const char *path);
void	 access_free(struct access *);

/* The entry that matches, as its line has it, or NULL. */
const char *access_address(const struct access *, const struct sockaddr *);
const char *access_name(const struct access *, enum access_what,
	    const char *name);
const char *access_sender(const struct access *, const struct address *);

/* For smtpd -n: can the tables be read, and is every line good? */
int	 access_check(const struct settings *, char *error);

#endif
