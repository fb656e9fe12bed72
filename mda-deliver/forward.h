/* SPDX-License-Identifier: ISC
 *
 * What an address stands for becomes a message of its own in the spool, on
 * disk before the one that was for that address lets go of it: each of the
 * new recipients is then owed by itself.
 */
#ifndef MDA_DELIVER_FORWARD_H
#define MDA_DELIVER_FORWARD_H

#include "deliver.h"
#include "mail/recipient.h"
#include "mail/spool.h"

struct forward {
	const struct directory	*dir;
	const struct spool	*spool;
	const struct envelope	*env;		/* of the message before */
	const struct envelope_rcpt *given;	/* the address */
	const struct address	*owner;		/* who gets bounces; null: the
						 * sender */
	const struct recipient_list *list;
	bool			 fresh;		/* a user's rules made the list:
						 * each is looked up as if it
						 * had come from outside; all
						 * here, or all elsewhere */
	bool			 several;	/* and it goes to more places */
	const struct buf	*header;	/* instead of the message's own,
						 * or NULL; */
	uint64_t		 body;		/* behind which it goes on there
						 */
};

/*
 * Begin the message for a list: in the local queue, its recipients marked as
 * being what they are; or in the remote one when nobody in it is here, with a
 * sender of ours when SRS is set up.  0, or -1 with errno.  Then
 * spool_put_write() and _end().
 */
int	 forward_begin(const struct forward *, struct spool_put *);

/*
 * Begin a message for the address itself, from its owner when there is one:
 * its programs and files are still owed, and with them all of it.  It is not
 * marked, since it was not there yet.  As forward_begin().
 */
int	 forward_begin_same(const struct forward *, struct spool_put *);

/* Is a message of the spool to be sent so, since bounces of the address's
 * programs and files belong to its owner? */
bool	 forward_needs_owner(const struct forward *);

/* Send one so. */
void	 forward_send_same(const struct forward *,
	    const struct spool_message *, struct outcome *);

/* Send a message of the spool to all of the list. */
void	 forward_send(const struct forward *, const struct spool_message *,
	    struct outcome *);

#endif
