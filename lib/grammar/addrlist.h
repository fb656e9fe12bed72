/* SPDX-License-Identifier: ISC
 *
 * Address lists of header fields (RFC 5322, sections 3.4 and 4.4), one
 * address after the other, as ENVELOPE and searches need them.
 *
 * Everything is accepted: what breaks the rules gives the nearest thing that
 * makes sense, so that no recipient a person can see is left out.  Time is
 * linear, memory at most twice the field.
 */
#ifndef GRAMMAR_ADDRLIST_H
#define GRAMMAR_ADDRLIST_H

#include <stddef.h>

#include "bytes/buf.h"
#include "grammar/address.h"

enum addrlist_kind {
	ADDRLIST_MAILBOX,	/* all four fields */
	ADDRLIST_GROUP,		/* a group begins; its name is mailbox */
	ADDRLIST_GROUP_END	/* no field at all */
};

/* A string of an item; s NULL when absent.  Not NUL-terminated. */
struct addrlist_string {
	const char	*s;
	size_t		 len;
};

struct addrlist_item {
	enum addrlist_kind	kind;
	struct addrlist_string	name;	/* phrase, else the comments;
					 * unquoted, encoded words left */
	struct addrlist_string	route;	/* "@a,@b" of obs-route */
	struct addrlist_string	mailbox; /* local part, unquoted */
	struct addrlist_string	host;	/* with the brackets of a literal;
					 * absent: there was no "@" */
};

struct addrlist {
	const char	*p, *end;
	int		 in_group, in_angle;
	int		 loose;		/* no comma since the last item */
	size_t		 size, ahead;	/* of the value; looked at in vain */
	struct buf	 phrase, comment, route, local, host;
};

/* Begin on the value of a field, folded or not; it must outlive the list. */
void	 addrlist_init(struct addrlist *, const char *, size_t);

/* The next item, whose strings live until the next call: 1, 0 at the end
 * (every group has been ended), -1 no memory. */
int	 addrlist_next(struct addrlist *, struct addrlist_item *);

void	 addrlist_free(struct addrlist *);

/* What an item is for the envelope: 1; 0: it is no mailbox, or none that mail
 * could be sent to. */
int	 addrlist_address(const struct addrlist_item *, struct address *);

#endif
