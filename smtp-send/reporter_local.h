/* SPDX-License-Identifier: ISC
 *
 * Between reporter.c, the agent's side, and reporter_main.c, which speaks to
 * strangers.
 */
#ifndef SMTP_SEND_REPORTER_LOCAL_H
#define SMTP_SEND_REPORTER_LOCAL_H

#include "reporter.h"

/* A day of a domain that needs no further look: nobody wants it, or it was
 * posted, or it is to be mailed to these addresses, a space between two. */
struct reporter_answer {
	int64_t		 day;
	char		 domain[NEWS_DOMAIN_MAX];
	uint32_t	 posted;
	char		 to[2048];
};

/* The process; returns its exit code. */
int	 reporter_main(int up, pid_t parent, const struct settings *,
	    const struct tls_log *, struct tls_client *trusting, int64_t now);

#endif
