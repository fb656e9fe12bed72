/* SPDX-License-Identifier: ISC
 *
 * What the agent keeps of TLS from one connection to the next: the policies of
 * MTA-STS, and how sessions went.  Both are in files of the spool.
 */
#ifndef SMTP_SEND_KEEPER_H
#define SMTP_SEND_KEEPER_H

#include "mail/settings.h"
#include "mail/spool.h"
#include "news.h"
#include "system/tls.h"

struct keeper;

/* Read what is there.  What is given outlives it; trusting knows the
 * authorities, or is NULL.  NULL: no memory. */
struct keeper *keeper_open(const struct settings *, const struct spool *,
	    struct tls_client *trusting);
/* Write what is new, and forget.  Reports that are under way are waited for,
 * unless hurry.  NULL is allowed. */
void	 keeper_close(struct keeper *, bool hurry);

/* For worker_set.news: arg is the keeper. */
void	 keeper_news(void *arg, const struct news *);

/* What is known of a domain's policy, or NULL; until the next news. */
const struct sts_record *keeper_sts(const struct keeper *,
	    const char *domain);

/* Write what is new, if that was not done just now, and send reports on days
 * that are over.  To be called every few minutes, and every second or so while
 * reports are under way. */
void	 keeper_tick(struct keeper *);
bool	 keeper_is_busy(const struct keeper *);

/* Print the results that are kept, a report for each day and domain as one
 * line of JSON.  An exit code. */
int	 keeper_print(const struct settings *);

#endif
