/* SPDX-License-Identifier: ISC
 *
 * A mailto URI (RFC 2368) as the method of a notification (RFC 5436): whom it
 * goes to, and which fields it brings along.
 */
#ifndef MDA_DELIVER_SIEVE_MAILTO_H
#define MDA_DELIVER_SIEVE_MAILTO_H

#include "bytes/buf.h"
#include "grammar/address.h"

#define MAILTO_ADDRESSES_MAX	8
#define MAILTO_FIELDS_MAX	16

struct mailto_field {
	const char	*name, *value;	/* decoded */
};

struct mailto {
	struct address	 to[MAILTO_ADDRESSES_MAX];
	size_t		 n, ncc;	/* the last ncc of them are Cc */
	struct mailto_field fields[MAILTO_FIELDS_MAX];
	size_t		 nfields;	/* none that must not be set */
	const char	*subject, *body; /* NULL: none */
	char		*text;		/* owned: what they point to */
};

/* Read a URI of n octets: 1; 0 it is none of this kind, or malformed, or has
 * too many addresses or fields; -1 no memory.  To be freed if it is 1. */
int	 mailto_parse(struct mailto *, const char *, size_t n);
void	 mailto_free(struct mailto *);

#endif
