/* SPDX-License-Identifier: ISC
 *
 * What the agent keeps of TLS from one connection to the next: the policies of
 * MTA-STS, and how sessions went.  Both are in files of the spool.
 */
#ifndef SMTP_SEND_KEEPER_H
#define SMTP_SEND_KEEPER_H

#include "mail/settings.h"
#include "news.h"

struct keeper;

/* Read what is there.  NULL: no memory. */
struct keeper *keeper_open(const struct settings *);
/* Write what is new, and forget.  NULL is allowed. */
void	 keeper_close(struct keeper *);

/* For worker_set.news: arg is the keeper. */
void	 keeper_news(void *arg, const struct news *);

/* What is known of a domain's policy, or NULL; until the next news. */
const struct sts_record *keeper_sts(const struct keeper *,
	    const char *domain);

/* Write what is new, if that was not done just now. */
void	 keeper_tick(struct keeper *);

#endif
