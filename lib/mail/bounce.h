/* SPDX-License-Identifier: ISC
 *
 * The bounce: what a sender is told about recipients that will not get the
 * message (RFC 3464 in a multipart/report, RFC 6522).
 *
 * The words of an envelope's last "tried" line are read as
 *	D.S.N HOST REPLY	HOST is "-" when no other host spoke
 */
#ifndef MAIL_BOUNCE_H
#define MAIL_BOUNCE_H

#include "mail/settings.h"
#include "mail/spool.h"

/*
 * Tell the sender about all recipients that are ENVELOPE_FAILED: the bounce is
 * put into the spool (local or remote, by the sender's domain) and is on disk
 * when they are marked ENVELOPE_BOUNCED, also on disk.  The null sender is
 * never told: that is logged, and they are marked.  0; -1 with errno: nothing
 * is marked, and they stay FAILED for a later call.  Does nothing when there
 * is none.
 */
int	 bounce_send(const struct spool *, const struct settings *,
	    struct spool_message *);

/* Compose it alone, in disk form, all 7-bit: for tests, and what bounce_send
 * puts into the spool.  now is the time, zone its minutes east; boundary a
 * letter and 16 hexadecimal digits at random.  0, or -1 with errno. */
int	 bounce_write(struct buf *, const struct settings *,
	    const struct spool_message *, int64_t now, int zone,
	    const char *boundary);

#define BOUNCE_MAX	(1u << 20)	/* of a bounce: what does not fit of
					 * recipients and text is left out */

#endif
