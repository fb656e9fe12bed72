/* SPDX-License-Identifier: ISC
 *
 * What a message asks of the next host with the parameters of MAIL and RCPT,
 * and what a host must offer to be given it at all.
 */
#ifndef SMTP_SEND_WISH_H
#define SMTP_SEND_WISH_H

#include "client.h"

struct wish_lack {
	const char	*status;
	const char	*words;
};

/* What the host lacks for recipient i, or NULL.  strict as in client.h. */
const struct wish_lack *wish_lack(const struct client_message *, size_t i,
	    const struct smtp_ehlo *, bool strict, int64_t now);

/* Write the parameters, each behind a space. */
void	 wish_mail(struct stream *, const struct client_message *,
	    const struct smtp_ehlo *, int64_t now);
void	 wish_rcpt(struct stream *, const struct envelope_rcpt *,
	    const struct smtp_ehlo *);

/* Find out whether the header of the message, or one of a part of it, is not
 * ASCII, and whether the message's has "TLS-Required: No" (RFC 8689, section 3;
 * for the latter it need be fed until over).  All zero is the start. */
#define WISH_FIELD_MAX	64	/* a field that is longer is another one */

struct wish_scan {
	bool	over;		/* the message's header has ended */
	bool	tls_optional;	/* the answer, when it has */
	char	field[WISH_FIELD_MAX]; /* its beginning, without line ends */
	size_t	len;
	bool	body;		/* no header here */
	int	column;		/* up to 3 */
	int	dashes;		/* at the start of the line */
	bool	utf8;		/* the answer */
};
void	 wish_scan(struct wish_scan *, const char *, size_t);

#endif
