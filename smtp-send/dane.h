/* SPDX-License-Identifier: ISC
 *
 * The TLSA records of a host (RFC 7672), and what they make of a
 * demand on its certificate.
 */
#ifndef SMTP_SEND_DANE_H
#define SMTP_SEND_DANE_H

#include "policy.h"
#include "system/dns.h"
#include "system/tls.h"

#define DANE_RECORDS_MAX	32	/* of one host; further ones are not
					 * looked at */

struct dane {
	enum policy_tlsa state;
	char		 base[DNS_NAME_MAX];	/* the TLSA base domain */
	struct dns_query *answer;		/* owns what tlsa points to */
	struct tls_tlsa	 tlsa[DANE_RECORDS_MAX];
	size_t		 n;			/* of those that can be used */
};

/*
 * Ask for the records of a host whose name and addresses are secure.  target is
 * where CNAMEs lead, or NULL: its records are preferred.  No
 * other question may be under way in dns.  To be freed with dane_free() in any
 * case.
 */
void	 dane_look(struct dane *, struct dns *, struct tls_client *,
	    const char *name, const char *target, unsigned short port);
void	 dane_free(struct dane *);

#endif
