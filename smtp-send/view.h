/* SPDX-License-Identifier: ISC
 *
 * A message of the spool as people and programs read it.
 */
#ifndef SMTP_SEND_VIEW_H
#define SMTP_SEND_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"
#include "mail/spool.h"

enum view_form {
	VIEW_PLAIN,		/* for people */
	VIEW_TSV,		/* a line for each recipient */
	VIEW_JSON		/* a line, an object */
};

#define VIEW_TIME_MAX	32
#define VIEW_MAX	(128u << 20)	/* octets of one message's view */

/* Why a recipient waits, in one word: "queued", "deferred", "scheduled" (by
 * its sender), "held", "sending", "failed" (its bounce is owed), "reporting"
 * (delivered, and a report is owed), "done". */
const char *view_state(const struct spool_message *, size_t rcpt,
	    int64_t now);

/* Local time, as "2026-11-21 05:43:15"; UTC, as "2026-11-21T04:43:15Z", "-" of
 * 0.  Return to. */
char	*view_local(char to[VIEW_TIME_MAX], int64_t when);
char	*view_utc(char to[VIEW_TIME_MAX], int64_t when);

/* "<>" or the address. */
const char *view_sender(const struct envelope *,
	    char text[ADDRESS_TEXT_MAX]);

/* Append what a peer said so that it stays on its line, and no terminal obeys
 * it. */
void	 view_text(struct buf *, const char *);

/* Append the message in this form. */
void	 view_message(struct buf *, const struct spool_message *,
	    enum view_form, int64_t now);

/* Write it to standard output, and free it: 0, -1 errno. */
int	 view_print(struct buf *);

/* Append one that cannot be read. */
void	 view_unreadable(struct buf *, const struct spool_item *,
	    enum view_form, const char *why);

#endif
