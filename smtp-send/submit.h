/* SPDX-License-Identifier: ISC
 *
 * Mail of this host to this host's own server: smtpd's UNIX socket, else
 * loopback.  Nothing is kept here: what the server does not take is the
 * caller's again.
 */
#ifndef SMTP_SEND_SUBMIT_H
#define SMTP_SEND_SUBMIT_H

#include <stddef.h>

#include "letter.h"
#include "mail/settings.h"

/*
 * Hand the letter over.  A line on standard error for each recipient that was
 * not taken.  Returns an exit code: 0 all taken; else that of the first
 * permanent refusal (67 no such user, 68 no such host, 77 forbidden, 69), or
 * 75.
 */
int	 submit_letter(const struct settings *, const struct letter *);

/* Ask whether the server would take a letter for these recipients: a line on
 * standard output for each that it would, on standard error for the others.
 * Codes as above. */
int	 submit_verify(const struct settings *, const struct letter *);

/* Standard input and output speak SMTP with the server.  An exit code. */
int	 submit_relay(const struct settings *);

#endif
