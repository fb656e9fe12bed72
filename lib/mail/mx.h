/* SPDX-License-Identifier: ISC
 *
 * Who takes mail for a domain: its MX records in order, or the domain itself,
 * with their addresses (RFC 5321, section 5.1).  It only asks; it never
 * connects and never decides about a message.
 */
#ifndef MAIL_MX_H
#define MAIL_MX_H

#include <stddef.h>

#include "system/dns.h"

#define MX_HOSTS_MAX	64	/* further exchangers are left out */
#define MX_ADDRS_MAX	16	/* of one exchanger; likewise */

enum mx_status {
	MX_FOUND,	/* from MX records; at least one address */
	MX_IMPLICIT,	/* no MX; the domain, or the literal, itself */
	MX_NULL,	/* a null MX: the domain takes no mail */
	MX_NXDOMAIN,	/* permanent: no such domain */
	MX_NODATA,	/* permanent: nobody there takes mail */
	MX_TEMPORARY,	/* ask again later */
	MX_BOGUS,	/* DNSSEC validation failed; ask again later */
	MX_INVALID	/* permanent: not a domain or address literal */
};

struct mx_host {
	unsigned	 preference;
	char		*name;		/* without the last dot */
	char		*target;	/* the name that CNAMEs lead to, where
					 * the addresses are; NULL: the same */
	enum mx_status	 status;	/* of its addresses: MX_FOUND,
					 * MX_NXDOMAIN, MX_NODATA,
					 * MX_TEMPORARY, MX_BOGUS, MX_INVALID */
	enum dns_security security;	/* of the MX and the addresses */
	size_t		 naddrs;	/* > 0 exactly with MX_FOUND, but for
					 * MX_NOADDRS */
	struct dns_addr	*addrs;		/* IPv6 and IPv4 taking turns, in the
					 * resolver's order, IPv6 first */
};

struct mx_list {
	enum mx_status	 status;
	enum dns_security security;	/* of the MX answer, or of there being
					 * none */
	size_t		 n;
	struct mx_host	*hosts;		/* best first; also those without an
					 * address, as their status says */
	char		 why[64];	/* words for a failure, else "" */
};

#define MX_SHUFFLE	0x1u	/* equal preferences in random order, as a
				 * sender must; else by name */
#define MX_IPV4		0x2u	/* addresses of this family only; */
#define MX_IPV6		0x4u	/* neither or both: both */
#define MX_NOADDRS	0x8u	/* the names of exchangers, status MX_FOUND
				 * and no address: one question a domain, but
				 * for one without MX records, whose addresses
				 * say whether it takes mail */

/*
 * Find the hosts for a domain, in UTF-8 too, or an address literal
 * ("[192.0.2.1]", "[IPv6:2001:db8::1]"); one dot at the end is allowed.  list
 * is filled in always and freed with mx_free().  Out of memory is
 * MX_TEMPORARY.  No other question may be under way in dns.
 * list->status is MX_TEMPORARY when no host has an address and one of them
 * may get one later.
 *
 * An exchanger that is an alias (CNAME) is followed and keeps its name; one
 * whose name is an address is that address; one whose name no host can have
 * has MX_INVALID.  A root among other exchangers is left out.
 */
void	 mx_lookup(struct dns *, const char *domain, unsigned flags,
	    struct mx_list *list);
void	 mx_free(struct mx_list *);

/*
 * The same for many domains at once: all questions of a struct dns belong to
 * its one pool.  A pool is begun before the first lookup, ended with all
 * lookups that were not freed, and does not own dns.  NULL: no memory.
 */
struct mx_pool;
struct mx_query;

struct mx_pool *mx_open(struct dns *);
void	 mx_close(struct mx_pool *);

/* Begin a lookup, as mx_lookup() does; arg is for the caller.  NULL: no memory.
 * Any number may be under way; what does not fit into dns now waits. */
struct mx_query *mx_submit(struct mx_pool *, const char *domain,
	    unsigned flags, void *arg);

/* Would the first question of a further lookup be asked at once? */
int	 mx_room(const struct mx_pool *);

/* The next lookup that is finished, waiting up to ms (-1: as long as dns
 * takes); NULL: none within ms, or none under way.  Each is returned once.
 * For a loop of one's own: dns_pollfds(), then mx_wait() with 0. */
struct mx_query *mx_wait(struct mx_pool *, int ms);

/* How many mx_wait() has not yet returned. */
size_t	 mx_under_way(const struct mx_pool *);

/* The list of a finished lookup, which lives as long as it. */
struct mx_list *mx_result(struct mx_query *);
void	*mx_arg(const struct mx_query *);

/* Forget a lookup; one under way is cancelled.  NULL is allowed. */
void	 mx_query_free(struct mx_query *);

/*
 * For a host that is itself among the exchangers: take away the host whose
 * name is self (any case), or, unless port is 0, that stands for this very
 * host on it: one of its addresses is this host's, not of the loopback, and
 * port is that of SMTP, where this host itself would answer; and all with its
 * or a higher preference (RFC 5321, section 5.1).  1: some were taken away
 * (list->n may now be 0: a loop, to be returned), 0: not listed.
 */
int	 mx_drop_self(struct mx_list *, const char *self, unsigned short port);

/* "mx", "implicit", "nullmx", "nxdomain", "nodata", "temporary", "bogus",
 * "invalid". */
const char *mx_status_name(enum mx_status);

#endif
