/* SPDX-License-Identifier: ISC
 *
 * -l, -s, -t, mailq and `sendmail -bp`: what waits in both queues, and why.
 */
#ifndef SMTP_SEND_LIST_H
#define SMTP_SEND_LIST_H

#include <stdbool.h>

#include "mail/settings.h"
#include "select.h"
#include "view.h"

/* Print the messages that are meant.  An exit code: 0, 1 none is there that
 * was named, 74, 75 some message could not be read, 77 this user may not, 78.
 */
int	 list_queue(const struct settings *, struct select *,
	    enum view_form);

/* Print all that the person at the other end of a UNIX socket on standard
 * input has sent from this host; to root and the spool's owner, all there is.
 * Codes as above; 64 it is no such socket. */
int	 list_serve(const struct settings *);

/* For mailq: list_queue(), or, where the spool is closed to us, what
 * list_serve() says behind the socket of the settings. */
int	 list_ask(const struct settings *);

/* Does the spool belong to us?  What is not there is told by the list. */
bool	 list_is_ours(const struct settings *);

/* What mail-readers expect of one message: envelope, recipients and why they
 * wait, and its header, or with whole all of it; or with trace, what happened
 * to it.  Codes as list_queue(). */
int	 list_show(const struct settings *, struct select *, enum view_form,
	    bool whole);
int	 list_trace(const struct settings *, struct select *,
	    enum view_form);

/* Open the spool for a person.  0; or the exit code, said on standard
 * error. */
int	 list_open(struct spool *, const struct settings *);

#endif
