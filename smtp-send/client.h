/* SPDX-License-Identifier: ISC
 *
 * One SMTP conversation from the client's side (RFC 5321): greeting to QUIT
 * over a stream that is connected already.  It decides nothing about hosts
 * and retries, and never touches the queue.
 */
#ifndef SMTP_SEND_CLIENT_H
#define SMTP_SEND_CLIENT_H

#include "delivery.h"
#include "system/stream.h"
#include "system/tls.h"

/* The message as the client needs to know it. */
struct client_message {
	int		 fd;
	off_t		 offset;	/* of its first octet */
	uint64_t	 wire;		/* octets with CRLF, for SIZE= */
	bool		 eightbit;	/* asks for 8BITMIME */
	bool		 utf8;		/* and its header for SMTPUTF8 */
	const struct envelope *env;	/* not for its recipients */
	const struct envelope_rcpt *rcpts;
	struct report	*reports;	/* one for each recipient; those that
					 * are open are tried, and written */
	size_t		 n;
	/* Called as soon as the fate of a recipient is final. */
	void		(*final)(void *arg, const struct report *);
	void		*arg;
};

struct client {
	struct stream	*stream;
	const char	*hostname;	/* for EHLO */
	const char	*host;		/* for the reports, SNI */
	const char	*place;		/* for the reports: host[address] */
	struct tls_client *tls;		/* NULL: never TLS */
	bool		 strict;	/* REQUIRETLS: over verified TLS to a
					 * host that offers it, or not at all */
	bool		 found;		/* by the DNS: must not be this host */
};

enum client_result {
	CLIENT_DONE,	/* the host has spoken about every recipient */
	CLIENT_NEXT,	/* this host cannot be used: try the next */
	CLIENT_CLEAR,	/* TLS failed: the same host again, without */
	CLIENT_STOP	/* the connection broke after the message was sent
			 * and before its reply: no other host now, or it may
			 * arrive twice (RFC 5321, section 4.5.3.2.6) */
};

/* Have the conversation.  Recipients that no host has decided are left
 * TEMPORARY with the last words, or PENDING when there were none. */
enum client_result client_run(struct client *, struct client_message *);

/* report.c: is the recipient's fate not final? */
bool	 client_is_open(const struct client_message *, size_t i);

/* Write the report of recipient i. */
void	 client_report(struct client_message *, size_t i, enum outcome,
	    const char *status, const char *place, const char *words);

/* Say that all recipients not yet final have this fate. */
void	 client_report_all(struct client_message *, enum outcome,
	    const char *status, const char *place, const char *words);

/* No host is left: recipients that are still PENDING become TEMPORARY, and
 * those that every host was unfit for, PERMANENT. */
void	 client_report_rest(struct client_message *);

#endif
