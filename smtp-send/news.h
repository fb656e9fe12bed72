/* SPDX-License-Identifier: ISC
 *
 * What the process that speaks to the network has to tell beside reports on
 * recipients: a policy of MTA-STS that it fetched, and how a session's TLS
 * went.  Of fixed size and without pointers: it crosses from process to
 * process, and news_tidy() makes it safe to believe.
 */
#ifndef SMTP_SEND_NEWS_H
#define SMTP_SEND_NEWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "grammar/mta_sts.h"
#include "policy.h"

#define NEWS_DOMAIN_MAX		256	/* a domain as A-labels, NUL included */
#define NEWS_ADDR_MAX		46
#define NEWS_WHY_MAX		128
#define NEWS_POLICY_MAX		1024	/* of a policy's lines */
#define STS_PATTERNS_MAX	4096	/* a policy with more of them is not
					 * applied */

/* A policy of MTA-STS as it is kept. */
struct sts_record {
	char		 domain[NEWS_DOMAIN_MAX];
	char		 id[MTA_STS_ID_MAX];
	int64_t		 fetched;	/* since 1970; 0: there is none, and
					 * only checked counts */
	int64_t		 failed;	/* the last fetch that failed; 0 none */
	uint32_t	 max_age;	/* seconds */
	uint32_t	 mode;		/* enum mta_sts_mode */
	char		 patterns[STS_PATTERNS_MAX]; /* a space between two */
};

/* As much of one as there is. */
static inline size_t
sts_record_size(const struct sts_record *r)
{
	return offsetof(struct sts_record, patterns) + strlen(r->patterns) +
	    1;
}

/* How a session's TLS went (RFC 8460). */
enum tls_result {
	TLS_RESULT_GOOD,
	TLS_RESULT_STARTTLS,	/* starttls-not-supported */
	TLS_RESULT_HOST,	/* certificate-host-mismatch */
	TLS_RESULT_EXPIRED,	/* certificate-expired */
	TLS_RESULT_TRUST,	/* certificate-not-trusted */
	TLS_RESULT_OTHER,	/* validation-failure */
	TLS_RESULT_TLSA,	/* tlsa-invalid */
	TLS_RESULT_DNSSEC,	/* dnssec-invalid */
	TLS_RESULT_DANE,	/* dane-required */
	TLS_RESULT_FETCH,	/* sts-policy-fetch-error */
	TLS_RESULT_INVALID,	/* sts-policy-invalid */
	TLS_RESULT_WEBPKI	/* sts-webpki-invalid */
};
#define TLS_RESULTS	(TLS_RESULT_WEBPKI + 1)

struct tls_note {
	char		 domain[NEWS_DOMAIN_MAX];	/* whose policy */
	uint32_t	 type;				/* enum policy_type */
	uint32_t	 result;			/* enum tls_result */
	char		 mx[NEWS_DOMAIN_MAX];		/* "" none */
	char		 from[NEWS_ADDR_MAX];		/* our address; "" */
	char		 to[NEWS_ADDR_MAX];		/* and its; "" */
	char		 why[NEWS_WHY_MAX];		/* in words; "" */
	char		 policy[NEWS_POLICY_MAX];	/* its lines, LF between
							 * two; "" */
};

enum news_type {
	NEWS_STS = 1,
	NEWS_TLS
};

struct news {
	uint32_t	 type;		/* enum news_type */
	union {
		struct sts_record sts;
		struct tls_note	 tls;
	} u;
};

/*
 * Make it safe to believe and to print.  key is the destination that its
 * sender is at (delivery.h): of another domain's policy, or of any where a
 * host is given, it has nothing to tell.  now is the time (since 1970), which
 * nothing may lie behind; NULL, 0: of a file, where both are open.  0, or -1
 * it makes no sense.
 */
int	 news_tidy(struct news *, const char *key, int64_t now);

#endif
