/* SPDX-License-Identifier: ISC
 *
 * What smtp-send's parts tell each other: a delivery (one message, the
 * recipients of one domain) and the report on each of its recipients.
 */
#ifndef SMTP_SEND_DELIVERY_H
#define SMTP_SEND_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "grammar/smtp_reply.h"
#include "mail/envelope.h"

#define DELIVERY_HOST_MAX	320	/* "mx.example.net[192.0.2.1]" */
#define DELIVERY_REPLY_MAX	512	/* kept of a host's words */
#define REPORT_TLS_MAX		128
#define DELIVERY_KEY_MAX	272	/* a domain, or HOST:PORT */

enum outcome {
	OUTCOME_PENDING = 0,	/* not tried, or no host has decided */
	OUTCOME_SENT,		/* a host has taken the message */
	OUTCOME_UNFIT,		/* a host cannot take it as it must be sent,
				 * but another may: never in a report */
	OUTCOME_TEMPORARY,	/* try again later */
	OUTCOME_PERMANENT	/* never */
};

/* What became of a recipient.  Fixed size and without pointers: it crosses
 * from the process that speaks to the network to the one that keeps books,
 * which trusts nothing in it but what report_tidy() left. */
struct report {
	uint32_t	rcpt;			/* index in the delivery */
	uint32_t	outcome;		/* enum outcome */
	uint32_t	dsn;			/* SENT, and the host itself
						 * will report, if asked */
	uint32_t	reached;		/* a host was spoken to */
	char		status[SMTP_STATUS_MAX];/* "5.1.1", never "" */
	char		host[DELIVERY_HOST_MAX];/* who said it; "" nobody */
	char		reply[DELIVERY_REPLY_MAX]; /* one printable line */
	/* What protected the conversation: "none", or version, cipher and how
	 * the host was verified (dane, sts, pkix, no) with "/" between them;
	 * "": there was none. */
	char		tls[REPORT_TLS_MAX];
};

struct sts_record;

/* One message for recipients that are reached by the same way: of one domain,
 * or of any that one host takes. */
struct delivery {
	int		 fd;		/* the message, in disk form */
	off_t		 offset;	/* where it begins in the file */
	const char	*prefix;	/* fields to be sent before it, in disk
					 * form; NULL none */
	int		 fd_7bit;	/* the same message for hosts without
					 * 8BITMIME, from its first octet; -1
					 * none */
	const char	*prefix_7bit;	/* and its fields */
	const struct envelope *env;	/* its sender and wishes; not its
					 * recipients */
	const char	*domain;	/* of the recipients, as in mx.h: the
					 * first's */
	const char	*key;		/* what they have in common: a domain
					 * in lower case, or "=HOST[:PORT]" */
	bool		 anyway;	/* also to a host that is known not to
					 * answer */
	const struct envelope_rcpt *rcpts; /* of the caller */
	size_t		 nrcpts;
	const struct sts_record *sts;	/* what is known of the domain's
					 * policy (news.h); NULL nothing */
};

/* The host of a key; "" it is a domain. */
static inline const char *
delivery_host(const char *key)
{
	return *key == '=' ? key + 1 : "";
}

#endif
