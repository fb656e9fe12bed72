/* SPDX-License-Identifier: ISC
 *
 * What route.c and route_places.c share, and nobody else sees.
 */
#ifndef SMTP_SEND_ROUTE_LOCAL_H
#define SMTP_SEND_ROUTE_LOCAL_H

#include "mail/mx.h"
#include "route.h"
#include "secure.h"
#include "system/dns.h"

#define PLACES_MAX	32		/* addresses tried in one run */

struct place {
	struct secure_place host;	/* names of mx or fixed */
	struct dns_addr	 addr;
};

struct route {
	const struct route_set *set;
	struct dns	*dns;
	struct secure	*secure;
	const char	*domain;
	char		 fixed[SETTINGS_HOST_MAX];	/* "": by MX */
	unsigned short	 port;
	struct mx_list	 mx;
	bool		 have_mx;
	struct place	 places[PLACES_MAX];
	size_t		 nplaces;
	struct client	 client;	/* open while it has a stream */
	size_t		 at;		/* the place it is connected to */
	bool		 unchunked;	/* BDAT was not known there */
	bool		 reached;	/* a host, in this delivery */
	bool		 second;	/* as if nothing were published */
	struct hosts	*hosts;		/* NULL: none are known */
	bool		 anyway;	/* also to those that are */
};

void	 route_add_fixed(struct route *, const struct dns_addr *,
	    enum dns_security);

/* Is the way to the host that was given the system's own (/etc/hosts counts)?
 * And its places by that. */
bool	 route_is_system(const struct route *);
void	 route_by_system(struct route *);

/* Find the places, unless they are known; 0, or -1 and the reports say why
 * there are none. */
int	 route_find_places(struct route *, struct client_message *);

#endif
