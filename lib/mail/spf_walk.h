/* SPDX-License-Identifier: ISC
 *
 * A domain's SPF record and those that it leads to, looked through for what
 * makes receivers answer with an error (RFC 7208).
 * It is no evaluation: nobody's address is asked for, every term is looked at.
 */
#ifndef MAIL_SPF_WALK_H
#define MAIL_SPF_WALK_H

#include "grammar/spf.h"
#include "mail/ask.h"

#define SPF_LOOKUPS_MAX	10	/* RFC 7208 */
#define SPF_VOIDS_MAX	2
#define SPF_MX_MAX	10

enum {
	/* permanent errors */
	SPF_SEVERAL = 0x01,	/* a domain has several records */
	SPF_MALFORMED = 0x02,
	SPF_NO_TARGET = 0x04,	/* include or redirect, and no record there */
	SPF_TOO_MANY = 0x08,	/* look-ups */
	SPF_LOOP = 0x10,
	SPF_MX_MANY = 0x20,	/* exchangers of one mx */
	SPF_PERMERROR = 0x3f,
	/* the rest */
	SPF_TOO_VOID = 0x40,	/* look-ups without an answer */
	SPF_USES_PTR = 0x80,
	SPF_MACROS = 0x100,	/* somewhere a macro could not be followed */
	SPF_DEAD_TERMS = 0x200,	/* terms behind "all", or redirect= beside it,
				 * in the domain's own record */
	SPF_UNSURE = 0x400	/* an answer is missing now */
};

struct spf_walk {
	size_t		 records;	/* of the domain itself */
	const struct dns_record *rr;	/* the first of them */
	unsigned	 faults;
	unsigned	 lookups;	/* in all; counting ends where it is
					 * far beyond SPF_LOOKUPS_MAX */
	unsigned	 voids;
	char		 all;		/* how "all" ends, redirect followed:
					 * a qualifier, or NUL: it does not */
	char		 where[256];	/* the first permanent error: whose
					 * record */
	char		 why[160];	/* and what, in words */
};

/* domain in ASCII without a dot at its end.  Lives as long as the questions. */
void	 spf_walk(struct ask *, const char *domain, struct spf_walk *);

#endif
