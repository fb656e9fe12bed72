/* SPDX-License-Identifier: ISC
 *
 * A connection to one host that has several addresses, from the address that
 * the settings name.
 */
#ifndef SMTP_SEND_DIAL_H
#define SMTP_SEND_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "mail/settings.h"
#include "system/dns.h"

#define DIAL_MAX	10	/* addresses tried in one call */

/*
 * Connect to the first of n <= DIAL_MAX addresses that answers, in their order:
 * the next is tried when the one before has failed or been silent for a quarter
 * of a second, and both are then waited for, as RFC 8305 has it.  The socket,
 * non-blocking and close-on-exec, *which is its address; or -1 with errno of
 * the last that failed, *which it.  failed[i] is set for each that was tried
 * and will not do.
 */
int	 dial(const struct settings *, const struct dns_addr *, size_t n,
	    uint16_t port, size_t *which, bool *failed);

/*
 * Would mail by IPv6 to this address come from one that has a name?  Many
 * hosts refuse it otherwise.  1; 0 it has none; -1 cannot be said now.  Always
 * 1 for an address of this host or its own network, and as key smtp_ipv6 says.
 */
int	 dial_has_name(const struct settings *, struct dns *,
	    const struct dns_addr *to);

/* For -n: the addresses of smtp_source are this host's, and the name that is
 * said with EHLO is theirs. */
settings_check dial_check;

#endif
