/* SPDX-License-Identifier: ISC
 *
 * The policies of MTA-STS that are known here, by domain, and their file in the
 * spool, remote/tls/policies, so that a restart forgets none (RFC 8461, section
 * 3.3): a line for each, "DOMAIN ID FETCHED MAX_AGE MODE [PATTERN ...]".
 */
#ifndef SMTP_SEND_STS_CACHE_H
#define SMTP_SEND_STS_CACHE_H

#include "news.h"

#define STS_CACHE_MAX	5000	/* domains; the one fetched first goes */

struct sts_cache;

/* Read the file of a spool, which may be missing.  What is malformed in it is
 * left out.  NULL: no memory. */
struct sts_cache *sts_cache_open(const char *spool);
void	 sts_cache_free(struct sts_cache *);

/* What is known of a domain (as A-labels), or NULL; until the next put. */
const struct sts_record *sts_cache_get(const struct sts_cache *,
	    const char *domain);

/* Keep one in the place of the domain's earlier one.  Without memory it is
 * not kept. */
void	 sts_cache_put(struct sts_cache *, const struct sts_record *);

/* Write the file anew, if something changed: by another name first.  0, or -1
 * with errno. */
int	 sts_cache_write(struct sts_cache *, int64_t now);

#endif
