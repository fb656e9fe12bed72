/* SPDX-License-Identifier: ISC
 *
 * Between client.c, which has the connection, and transact.c, which has the
 * message.
 */
#ifndef SMTP_SEND_CLIENT_LOCAL_H
#define SMTP_SEND_CLIENT_LOCAL_H

#include "client.h"

/* The least that a client must wait for the reply to a command, in ms
 * (RFC 5321, sections 4.5.3.2.2 and 4.5.3.2.3). */
#define CLIENT_WAIT	(5 * 60 * 1000)

struct talk {
	struct client		*c;
	struct client_message	*m;
	const struct client_text *text;	/* the form that is sent */
	bool			 crowded;	/* "too many recipients" */
};

enum heard {
	HEARD_REPLY,	/* c->reply is complete */
	HEARD_LOST	/* the connection is of no use any more */
};

/* Read one reply within ms.  421 at any time means that the server closes. */
enum heard client_hear(struct talk *, int ms);

/* Has the server said nothing that it was not asked for?  What is there already
 * would be taken for the reply to the next command.  False: the connection is
 * lost. */
bool	 client_in_turn(struct talk *);

/* What the last reply means. */
enum outcome client_reply_outcome(const struct talk *);

/* Report from the last reply: on recipient i, or on all that are open. */
void	 client_report_reply(struct talk *, size_t i, enum outcome);
void	 client_report_reply_all(struct talk *, enum outcome);

/* How the connection is protected, as a report says it. */
void	 client_tls_text(const struct client *, char text[REPORT_TLS_MAX]);

/* Say why there was no reply, for all who wait for one. */
void	 client_report_lost(struct talk *, const char *when);

/* auth.c: log in as c->login says.  0; -1 and the reports say why not. */
int	 client_auth(struct talk *);

#endif
