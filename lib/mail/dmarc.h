/* SPDX-License-Identifier: ISC
 *
 * Which DMARC policy stands for a domain: policy discovery with the tree walk
 * (RFC 9989).
 */
#ifndef MAIL_DMARC_H
#define MAIL_DMARC_H

#include "grammar/dmarc.h"
#include "mail/ask.h"

struct dmarc_found {
	enum dns_status	 status;	/* DNS_FOUND; DNS_NODATA: there is
					 * none; DNS_TEMPORARY, DNS_BOGUS: it
					 * cannot be said */
	const char	*domain;	/* whose record, in the domain asked
					 * for */
	const struct dns_record *rr;	/* the record as it is */
	struct dmarc_record record;
	int		 sub;		/* it is another's than the domain's */
	int		 several;	/* the domain itself has several,
					 * of which none counts */
	const char	*org;		/* the organizational domain, in the
					 * domain asked for; NULL: it cannot
					 * be said */
	enum dmarc_policy policy;	/* what follows for the domain;
					 * DMARC_UNSET: DMARC is not applied */
};

/*
 * Find it; domain in ASCII without a dot at its end; exists: it is there in
 * the DNS (else np= counts).  All names are asked at once.  What is found lives
 * as long as the questions and the domain.
 */
void	 dmarc_find(struct ask *, const char *domain, int exists,
	    struct dmarc_found *);

#endif
