/* SPDX-License-Identifier: ISC
 *
 * From a domain to a conversation: the hosts that take its mail, in order,
 * each connected to until the recipients are decided.  It runs in the process
 * that speaks to the network and touches neither queue nor files.
 */
#ifndef SMTP_SEND_ROUTE_H
#define SMTP_SEND_ROUTE_H

#include "client.h"
#include "hosts.h"
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
 * host is that HOST[:PORT], or "": as the domain's MX records say.  The set
 * and the domain must outlive it.  NULL: no memory.
 */
struct route *route_new(const struct route_set *, const char *host,
	    const char *domain);

/* Lead elsewhere from now on; reads no file.  0; -1 errno ENOENT: the host is
 * one that only the system can find. */
int	 route_turn(struct route *, const char *host, const char *domain);

/*
 * Deliver.  Afterwards every report is SENT, TEMPORARY or PERMANENT; m->final
 * was called for those that are final, not for TEMPORARY.  The connection that
 * was used stays open for the next message of the same domain, and so do the
 * places that were found.
 */
void	 route_deliver(struct route *, struct client_message *);

/* Heed and add to what is known of addresses that do not answer; anyway: they
 * are tried all the same.  hosts must outlive it; NULL: nothing is known. */
void	 route_heed(struct route *, struct hosts *, bool anyway);

/* Was a host spoken to, as far as EHLO, in the last route_deliver()? */
bool	 route_reached(const struct route *);

/* End the connection that is open, if there is one. */
void	 route_close(struct route *);

void	 route_free(struct route *);

#endif
