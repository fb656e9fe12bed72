/* SPDX-License-Identifier: ISC
 *
 * From a domain to a conversation: the hosts that take its mail, in order,
 * each connected to until the recipients are decided.  It runs in the process
 * that speaks to the network and touches neither queue nor files.
 */
#ifndef SMTP_SEND_ROUTE_H
#define SMTP_SEND_ROUTE_H

#include "client.h"
#include "mail/settings.h"
#include "relay.h"

/* What all routes of a process share. */
struct route_set {
	const struct settings *settings;
	struct tls_client *tls;		/* NULL: never TLS */
	struct tls_client *trusting;	/* knows the authorities; NULL: what
					 * must be protected has to wait */
	const struct relay_logins *logins;	/* NULL: none */
};

struct route;

/*
 * Prepare for a domain (of addresses, without a NUL) while files may still be
 * read: the resolver, and the addresses of a host that -r or a key names.
 * host is -r's HOST[:PORT], or NULL: as the keys say for this sender (NULL:
 * any).  The set must outlive it.  NULL: no memory.
 */
struct route *route_new(const struct route_set *, const char *host,
	    const struct address *sender, const char *domain);

/*
 * Deliver.  Afterwards every report is SENT, TEMPORARY or PERMANENT; m->final
 * was called for those that are final, not for TEMPORARY.  The connection that
 * was used stays open for the next message of the same domain, and so do the
 * places that were found.
 */
void	 route_deliver(struct route *, struct client_message *);

/* End the connection that is open, if there is one. */
void	 route_close(struct route *);

void	 route_free(struct route *);

#endif
