/* SPDX-License-Identifier: ISC
 *
 * The text of a user's .qmail, as dot-qmail(5) of qmail has it: a line for
 * each thing to do.
 *
 *	line	= ( blank / comment / program / mailbox / forward / "+list" )
 *		  *WSP LF
 *	blank	= ""			; never the first line
 *	comment	= "#" *any
 *	program	= "|" *any
 *	mailbox	= ( "/" / "." ) *any	; "/" at the end: a Maildir
 *	forward	= ["&"] address
 *	"+" and anything else says nothing
 *
 * Behind "+list", and in a file with the execute bit, only forwards may stand.
 */
#ifndef GRAMMAR_DOTQMAIL_H
#define GRAMMAR_DOTQMAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "grammar/address.h"

#define DOTQMAIL_LINE_MAX	65000	/* octets */

enum dotqmail_kind {
	DOTQMAIL_PROGRAM,	/* text: behind the "|", may be "" */
	DOTQMAIL_MAILBOX,	/* text: a path; not "/": from the home */
	DOTQMAIL_FORWARD	/* address */
};

struct dotqmail_target {
	enum dotqmail_kind	 kind;
	const char		*text;	/* in the file's text, and no NUL
					 * behind it */
	size_t			 len;
	struct address		 address;
};

struct dotqmail_reader {
	const char	*p, *end;
	unsigned	 line;		/* of the last target, or fault */
	bool		 list;		/* forwards alone */
	bool		 wait;		/* qmail would try later: its owner is
					 * not done with it */
};

/* executable: the file has the bit. */
void	 dotqmail_init(struct dotqmail_reader *, const char *text, size_t,
	    bool executable);

/* The next target: 1; 0 the end; -1 malformed, and *why says it. */
int	 dotqmail_next(struct dotqmail_reader *, struct dotqmail_target *,
	    const char **why);

#endif
