/* SPDX-License-Identifier: ISC
 *
 * SMTP from the client's side (RFC 5321): a connection, greeting to QUIT,
 * over a stream that is connected already, and the messages sent on it.  It
 * decides nothing about hosts and retries, and never touches the queue.
 */
#ifndef SMTP_SEND_CLIENT_H
#define SMTP_SEND_CLIENT_H

#include "delivery.h"
#include "grammar/smtp_reply.h"
#include "news.h"
#include "policy.h"
#include "relay.h"
#include "system/stream.h"
#include "system/tls.h"

/* The octets of a message. */
struct client_text {
	int		 fd;		/* in disk form */
	off_t		 offset;	/* of its first octet */
	const char	*prefix;	/* fields that stand before it, in disk
					 * form; "" none */
	uint64_t	 wire;		/* octets of both, with CRLF */
	bool		 eightbit;	/* asks for 8BITMIME */
};

/* The message as the client needs to know it. */
struct client_message {
	struct client_text text;
	struct client_text seven;	/* the same in 7 bits, for hosts that
					 * take no more; fd -1: none yet, and
					 * made when one needs it */
	bool		 utf8;		/* its header asks for SMTPUTF8 */
	bool		 tls_optional;	/* and says TLS-Required: No */
	const struct envelope *env;	/* not for its recipients */
	const struct envelope_rcpt *rcpts;
	struct report	*reports;	/* one for each recipient; those that
					 * are open are tried, and written */
	size_t		 n;
	const struct sts_record *sts;	/* what is known of the domain's
					 * policy; NULL nothing */
	char		 tls[REPORT_TLS_MAX]; /* of the connection in use */
	/* Called with what there is to tell beside the reports; NULL: nobody
	 * wants to know. */
	void		(*news)(void *arg, const struct news *);
	/* Called as soon as the fate of a recipient is final. */
	void		(*final)(void *arg, const struct report *);
	void		*arg;
};

/* What became of STARTTLS. */
enum client_tls {
	CLIENT_TLS_NOT_TRIED,
	CLIENT_TLS_DONE,
	CLIENT_TLS_ABSENT,	/* it is not offered, or was refused */
	CLIENT_TLS_LOST,	/* the connection, in the handshake */
	CLIENT_TLS_FAILED	/* the handshake */
};

/* A connection.  The caller sets the first part, all else zero. */
struct client {
	struct stream	*stream;	/* connected */
	const char	*hostname;	/* for EHLO */
	const char	*host;		/* for the reports, SNI */
	char		 place[DELIVERY_HOST_MAX]; /* for the reports:
					 * host[address] */
	struct tls_client *tls;		/* NULL: none can be had */
	struct policy	 policy;	/* its level is the least that will
					 * do */
	struct tls_demand demand;	/* what it asks of the certificate;
					 * borrowed while it is opened */
	bool		 strict;	/* REQUIRETLS: to a host that offers
					 * it, or not at all */
	const char	*self;		/* our own name, which it must not have;
					 * NULL: it may */
	bool		 direct;	/* TLS from the first octet */
	bool		 unchunked;	/* never BDAT */
	const struct relay_login *login; /* for AUTH; NULL none */
	bool		 near;		/* on this host: a password may go
					 * without TLS */

	struct smtp_reply reply;	/* the last one */
	struct smtp_ehlo ehlo;		/* what it offers */
	bool		 ehlo_heard;
	bool		 midway;	/* a transaction may be open */
	bool		 used;		/* there was one */
	bool		 lost;		/* nothing can be sent any more */
	enum client_tls	 shaken;
	struct tls_info	 info;		/* what was agreed, or what stood
					 * against it */
	const char	*why;		/* NULL: as the stream says */
};

enum client_result {
	CLIENT_DONE,	/* open: it may be sent; sent: the host has spoken
			 * about every recipient */
	CLIENT_NEXT,	/* this host cannot be used: try the next */
	CLIENT_CLEAR,	/* TLS failed: the same host again, without */
	CLIENT_UNCHUNKED, /* it offers BDAT and does not know it: the same host
			 * again, without */
	CLIENT_STOP	/* the connection broke after the message was sent
			 * and before its reply: no other host now, or it may
			 * arrive twice (RFC 5321, section 4.5.3.2.6) */
};

/*
 * From the greeting to EHLO under TLS.  After anything but DONE the recipients
 * that no host has decided have the reason as TEMPORARY or UNFIT.
 */
enum client_result client_open(struct client *, struct client_message *);

/*
 * transact.c: send a message on a connection that is open; may be called again
 * for another one while !lost.  Recipients that no host has decided are left
 * TEMPORARY with the last words, or PENDING when there were none.
 */
enum client_result client_send(struct client *, struct client_message *);

/* End it politely where that can be, and close the stream; also after
 * client_open() failed. */
void	 client_close(struct client *);

/* All three. */
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

/* text.c: how long a text is on the wire, and where it has 8-bit octets.  The
 * other members are set.  scan may be NULL.  0, or -1 with errno. */
struct wish_scan;
int	 client_text_measure(struct client_text *, struct wish_scan *scan);

/* The 7-bit form of a message, made when there is none: 1; 0 it must not be
 * changed, *why; -1 with errno. */
int	 client_text_seven(struct client_message *, const char **why);

#endif
