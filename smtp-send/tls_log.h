/* SPDX-License-Identifier: ISC
 *
 * How sessions' TLS went, counted for each day (UTC), domain and policy, as
 * RFC 8460 reports it, and the file of it in the spool.
 */
#ifndef SMTP_SEND_TLS_LOG_H
#define SMTP_SEND_TLS_LOG_H

#include <stddef.h>

#include "bytes/buf.h"
#include "news.h"

#define TLS_LOG_MAX		2000	/* policies at once; what comes then is
					 * not counted */
#define TLS_LOG_FAILURES	50	/* kinds of failure of one */
#define TLS_LOG_KINDS		20000	/* of all; so the file has an end */
#define TLS_LOG_DAYS		3	/* that the results of a day are kept
					 * behind it */
#define DAY			86400

struct tls_failure {
	enum tls_result	 result;
	uint64_t	 count;
	char		 mx[NEWS_DOMAIN_MAX];
	char		 from[NEWS_ADDR_MAX];
	char		 to[NEWS_ADDR_MAX];
	char		 why[NEWS_WHY_MAX];
};

/* One policy of a domain on one day. */
struct tls_policy {
	int64_t		 day;		/* since 1970 */
	char		 domain[NEWS_DOMAIN_MAX];
	enum policy_type type;
	char		 text[NEWS_POLICY_MAX];	/* its lines, as first seen */
	uint64_t	 good, bad;	/* sessions */
	struct tls_failure *failures;
	size_t		 n;
};

struct tls_log {
	char		*file, *part;
	struct tls_policy *v;
	size_t		 n;
	size_t		 kinds;		/* of failure, of all */
	bool		 changed;
};

/* Read the file of a spool, which may be missing; what is malformed in it is
 * left out.  0, or -1 no memory. */
int	 tls_log_open(struct tls_log *, const char *spool);
void	 tls_log_free(struct tls_log *);

/* Count one session. */
void	 tls_log_note(struct tls_log *, const struct tls_note *, int64_t now);

/* Forget a domain's day, and days too long ago. */
void	 tls_log_drop(struct tls_log *, int64_t day, const char *domain);
void	 tls_log_expire(struct tls_log *, int64_t now);

/* Write the file anew, if something changed.  0, or -1 with errno. */
int	 tls_log_write(struct tls_log *);

/* Whose report it is. */
struct tls_report {
	int64_t		 day;
	const char	*domain;
	char		 contact[400];	/* an address */
	const char	*submitter;	/* its domain */
	char		 id[400];	/* of the report; tls_report_id() */
};

/* The same for the same day and domain. */
void	 tls_report_id(struct tls_report *);

/* Append the report as JSON (RFC 8460).  0, or -1 as buf_add(). */
int	 tls_report_json(struct buf *, const struct tls_log *,
	    const struct tls_report *);

/* Append it as a message in disk form: gzip is the JSON's.  to:
 * its recipients, for the header.  0, -1. */
int	 tls_report_mail(struct buf *, const struct tls_report *,
	    const char *to, const struct buf *gzip, int64_t now);

/* "starttls-not-supported" ...; "" of one that went well. */
const char *tls_result_name(enum tls_result);
/* "tlsa", "sts", "no-policy-found". */
const char *tls_type_name(enum policy_type);

#endif
