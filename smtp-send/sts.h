/* SPDX-License-Identifier: ISC
 *
 * MTA-STS (RFC 8461) for one domain: what of its policy is known, whether that
 * is still what it says, and the new one.
 */
#ifndef SMTP_SEND_STS_H
#define SMTP_SEND_STS_H

#include "mail/settings.h"
#include "news.h"
#include "system/dns.h"
#include "system/tls.h"

struct sts {
	struct sts_record record;	/* what counts; fetched 0: nothing */
	bool		 changed;	/* it is to be kept */
	enum tls_result	 result;	/* GOOD, or why no new one came */
	char		 why[NEWS_WHY_MAX];
};

/*
 * Find out.  known is what was kept, or NULL.  trusting knows the authorities,
 * or is NULL: nothing new is believed then.  It asks the DNS each time, and
 * fetches when the DNS names another policy than is known, when that was
 * fetched a day ago, and not again within minutes of a failure.  No other
 * question may be under way in dns.
 */
void	 sts_look(struct sts *, struct dns *, struct tls_client *trusting,
	    const struct settings *, const char *domain,
	    const struct sts_record *known, int64_t now);

/* Is this a policy that counts now?  One of the future does: a clock that was
 * set back takes no protection away. */
bool	 sts_is_live(const struct sts_record *, int64_t now);

/* What it asks for, and whether it names the host. */
enum policy_sts sts_mode(const struct sts_record *, const char *host,
	    bool *match);

/* Its lines, as a TLS report has them, LF between two. */
void	 sts_lines(const struct sts_record *, char *to, size_t size);

#endif
