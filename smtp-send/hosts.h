/* SPDX-License-Identifier: ISC
 *
 * Addresses that did not answer, whoever's mail they were tried for: many
 * domains may share one.  The agent keeps what all its workers found; each
 * worker has a copy that grows with its deliveries.
 */
#ifndef SMTP_SEND_HOSTS_H
#define SMTP_SEND_HOSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "system/dns.h"

#define HOSTS_MAX	256	/* kept at once; the oldest go */
#define HOST_WAIT	60	/* seconds without another try, doubled with
				 * each further failure */
#define HOST_WAIT_MAX	(30 * 60)

/* Without pointers: it crosses from process to process. */
struct host {
	struct dns_addr	 addr;
	uint16_t	 port;
	uint16_t	 failures;	/* in a row */
	int32_t		 error;		/* errno of the last try */
	int64_t		 at;		/* when that was, since 1970 */
	int64_t		 until;		/* not tried before */
};

struct hosts {
	struct host	 v[HOSTS_MAX];
	uint32_t	 serial[HOSTS_MAX];	/* of its last change */
	uint32_t	 last;			/* serial given so far */
	bool		 news[HOSTS_MAX];	/* to be told upwards */
};

/* The address could not be connected to now; an error of our own is none of
 * it. */
void	 hosts_fail(struct hosts *, const struct dns_addr *, uint16_t port,
	    int error, int64_t now);

/* It answered: what is known of it is forgotten. */
void	 hosts_good(struct hosts *, const struct dns_addr *, uint16_t port);

/* One that another process found. */
void	 hosts_take(struct hosts *, const struct host *);

/* What is known against it, or NULL: try it. */
const struct host *hosts_find(const struct hosts *, const struct dns_addr *,
	    uint16_t port, int64_t now);

#endif
