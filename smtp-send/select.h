/* SPDX-License-Identifier: ISC
 *
 * Which messages of the spool a person means: ids, and conditions on sender,
 * recipients, age and queue.
 */
#ifndef SMTP_SEND_SELECT_H
#define SMTP_SEND_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/spool.h"

struct select_term;

struct select {
	struct select_term *terms;
	size_t		 n;
	int64_t		 now;
	bool		 ids;		/* some are given */
	bool		 rcpts;		/* some to= is given */
};

/*
 * Take the words of a command line:
 *
 *	word = id / "all" / "from=" who / "to=" who / "older=" age /
 *	       "newer=" age / "queue=" ( "local" / "remote" )
 *	who  = address / "@" domain / "<>"
 *	age  = 1*( 1*DIGIT ( "s" / "m" / "h" / "d" / "w" ) )
 *
 * Of words of one kind any must hold, of different kinds all.  0; -1 and one
 * line in why[size]; -1 and why "" when there is no memory.
 */
int	 select_parse(struct select *, char *const *words, size_t n, char *why,
	    size_t size);
void	 select_free(struct select *);

/* Can it be meant, by what its name says? */
bool	 select_item(const struct select *, const struct spool_item *);

/* Is one that can be meant?  A recipient that is done with counts not. */
bool	 select_message(const struct select *, const struct spool_message *);

/* Is it one of the recipients that are meant: by to=, or without it any. */
bool	 select_rcpt(const struct select *, const struct envelope_rcpt *);

/* Remember that there is such a message; the next id that nobody has seen, or
 * NULL.  *at is 0 at first. */
void	 select_seen(struct select *, const char *id);
const char *select_unseen(const struct select *, size_t *at);

#endif
