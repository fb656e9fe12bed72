/* SPDX-License-Identifier: ISC
 *
 * Between mx.c, which knows what a list of hosts is, and mx_query.c, which asks
 * the DNS for one.
 */
#ifndef MAIL_MX_LOCAL_H
#define MAIL_MX_LOCAL_H

#include "grammar/idna.h"
#include "mail/mx.h"

void	 mx_fail(struct mx_list *, enum mx_status, const char *why);
enum mx_status mx_from_dns(enum dns_status);

/* Of two answers without an address: what may change counts first. */
enum mx_status mx_worse(enum mx_status, enum mx_status);

/* The name to ask the DNS for, in ASCII and without its last dot; 0, or -1
 * with what is wrong in *why. */
int	 mx_name(char name[IDNA_MAX], const char *domain, const char **why);

/* Is this family asked for? */
int	 mx_wants(unsigned flags, int family);

/* Fill an empty list: with an address literal; with one host, by its name; with
 * the exchangers of an MX answer.  The last two: 0, or -1: no memory. */
void	 mx_take_literal(struct mx_list *, const char *literal,
	    unsigned flags);
int	 mx_take_one(struct mx_list *, const char *name);
int	 mx_take_records(struct mx_list *, const struct dns_answer *,
	    unsigned flags);

/* A host whose addresses need not be asked for, because its name is one or
 * cannot be a host's: 1, and it is filled in; 0; -1: no memory. */
int	 mx_take_odd(struct mx_host *, unsigned flags);

/* Put the answers for AAAA and A into the host; NULL: not asked. */
void	 mx_take_addrs(struct mx_host *, const struct dns_answer *a[2]);

/* The status of the whole list from those of its hosts; good is MX_FOUND or
 * MX_IMPLICIT. */
void	 mx_conclude(struct mx_list *, enum mx_status good, unsigned flags);

#endif
