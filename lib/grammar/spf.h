/* SPDX-License-Identifier: ISC
 *
 * The record of SPF (RFC 7208), term by term.  It says what a record means; it
 * asks nobody and expands no macro.
 */
#ifndef GRAMMAR_SPF_H
#define GRAMMAR_SPF_H

#include <stddef.h>

enum spf_kind {
	/* mechanisms */
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	/* modifiers */
	SPF_REDIRECT,
	SPF_EXP,
	SPF_UNKNOWN		/* another modifier, to be ignored */
};

struct spf_term {
	enum spf_kind	 kind;
	char		 qualifier;	/* '+' (also when none stands there),
					 * '-', '~', '?'; of mechanisms */
	const char	*text;		/* all of the term, in the record */
	size_t		 len;
	const char	*domain;	/* its domain-spec; NULL: none, the
					 * domain itself is meant */
	size_t		 ndomain;
	int		 macros;	/* it holds macros */
	unsigned	 cidr4, cidr6;	/* of A, MX, IP4, IP6: 32 and 128 when
					 * none is given */
	unsigned char	 ip[16];	/* of IP4 (4 used) and IP6 */
};

struct spf {
	const char	*text, *p, *end;
	int		 redirects, exps;	/* seen so far */
	const char	*why;		/* of -1, in words */
	size_t		 at;		/* of -1: the place in the record */
};

/* Begin with a TXT record, its strings joined; it must outlive s and all
 * terms.  1; 0: it is another kind of record. */
int	 spf_begin(struct spf *, const char *, size_t);

/* The next term: 1; 0: that was all; -1: malformed, which makes all of the
 * record a permanent error, however good its other terms. */
int	 spf_next(struct spf *, struct spf_term *);

/* All of it: 1, 0 as spf_begin(), or -1 with why and at. */
int	 spf_check(struct spf *, const char *, size_t);

/* Whether evaluating the term asks the DNS, as section 4.6.4 counts. */
int	 spf_asks(enum spf_kind);

/* "all", "include" ...; "modifier" for SPF_UNKNOWN. */
const char *spf_kind_name(enum spf_kind);

#endif
