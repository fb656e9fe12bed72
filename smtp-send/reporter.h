/* SPDX-License-Identifier: ISC
 *
 * The daily reports on TLS (RFC 8460).  A process of its own, without files,
 * asks the DNS who wants them and posts those that go by HTTPS; those that go
 * by mail it leaves to the agent, which puts them into the spool.
 */
#ifndef SMTP_SEND_REPORTER_H
#define SMTP_SEND_REPORTER_H

#include "mail/settings.h"
#include "mail/spool.h"
#include "system/tls.h"
#include "tls_log.h"

struct reporter {
	pid_t		 pid;		/* 0: none runs */
	int		 fd;
	int64_t		 next;		/* no other before then */
};

/* Is a day of this policy over, and its hour come?  Hosts do not all report in
 * the same one. */
bool	 reporter_is_due(const struct tls_policy *, const char *hostname,
	    int64_t now);

/* Start one, if something is due and none runs.  trusting knows the
 * authorities, or is NULL: nothing is posted. */
void	 reporter_start(struct reporter *, const struct settings *,
	    const struct tls_log *, struct tls_client *trusting, int64_t now);

/* Take what it has to say: mail goes into the spool, and what is reported, or
 * wanted by nobody, is forgotten.  wait: until it has ended. */
void	 reporter_collect(struct reporter *, const struct settings *,
	    const struct spool *, struct tls_log *, bool wait);

/* Fill in a report's names, by the settings. */
void	 reporter_name(struct tls_report *, const struct settings *,
	    int64_t day, const char *domain);

/* End one that runs. */
void	 reporter_stop(struct reporter *);

#endif
