/* SPDX-License-Identifier: ISC
 *
 * What a place of a route is held to: the facts for policy.h are gathered here
 * from the DNS, the cache of MTA-STS policies and the settings, and the
 * decision is put into the client.
 */
#ifndef SMTP_SEND_SECURE_H
#define SMTP_SEND_SECURE_H

#include "client.h"
#include "route.h"

struct secure;

/* A host of the domain. */
struct secure_place {
	const char	*name;
	const char	*target;	/* where CNAMEs lead; NULL the same */
	enum dns_security security;	/* of the MX answer and the addresses */
	bool		 signed_mx;	/* the MX answer alone is secure */
	bool		 given;		/* the administrator, or the domain
					 * itself, is the name */
	bool		 by_mx;		/* what a domain publishes for its
					 * exchangers counts */
	unsigned short	 port;
};

/* For a domain.  What is borrowed outlives it.  NULL: no memory. */
struct secure *secure_new(const struct route_set *, struct dns *,
	    const char *domain);
void	 secure_free(struct secure *);

/* From now on for another domain. */
void	 secure_turn(struct secure *, const char *domain);

/*
 * Decide about a host for a message: fills policy, tls, demand and strict of
 * the client.  second: it is the turn in which TLS-Required: No counts.  No
 * question may be under way in the struct dns.
 */
void	 secure_decide(struct secure *, const struct secure_place *,
	    struct client_message *, bool second, struct client *);

/* Tell, by m->news, how TLS went with a host: after client_open(), or when it
 * was not gone to. */
void	 secure_note(struct secure *, const struct secure_place *,
	    struct client_message *, const struct client *);

/* REQUIRETLS, of a message that is no report (RFC 8689, section 5)? */
bool	 secure_is_strict(const struct client_message *);

#endif
