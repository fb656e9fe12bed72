/* SPDX-License-Identifier: ISC
 *
 * Asking the next host of a domain whether it would take mail for an address:
 * a conversation up to RCPT, with the null sender.  For a backup MX, which
 * must not take what its primary will refuse.
 */
#ifndef MAIL_CALLOUT_H
#define MAIL_CALLOUT_H

#include "grammar/address.h"
#include "mail/settings.h"

enum callout_result {
	CALLOUT_GOOD,		/* it would */
	CALLOUT_BAD,		/* there is no such mailbox there */
	CALLOUT_UNSURE,		/* it would not: for now, or not from us */
	CALLOUT_AWAY		/* no host could be asked */
};

struct callout;

/* Prepare for a domain while files may still be read.  NULL: no memory. */
struct callout *callout_new(const struct settings *, const char *domain);

/* Ask.  Opens sockets and no file, and ends within CALLOUT_SECONDS or a
 * little more. */
#define CALLOUT_SECONDS	30
enum callout_result callout_ask(struct callout *, const struct address *);

void	 callout_free(struct callout *);

#endif
