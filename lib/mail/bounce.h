/* SPDX-License-Identifier: ISC
 *
 * The report (RFC 3464 in a multipart/report, RFC 6522): what a sender is told
 * about recipients that will not get the message, and, when it was asked for
 * (RFC 3461), about those that wait or have it.
 *
 * What is said of a recipient are the words of the last "tried" line (struct
 * envelope_words); what protected the attempt is nobody's business.
 */
#ifndef MAIL_BOUNCE_H
#define MAIL_BOUNCE_H

#include <stdbool.h>

#include "mail/settings.h"
#include "mail/spool.h"

/*
 * Tell the sender about all recipients that are ENVELOPE_FAILED, REPORT or
 * EXPANDED, but for those whose NOTIFY is against it: the report is put into
 * the spool (local or remote, by the sender's domain) and is on disk when they
 * are marked ENVELOPE_BOUNCED or DELIVERED, also on disk.  Where the sender is
 * null, and somebody FAILED, postmaster of our first domain is told instead;
 * but not that a message to him, or of this kind, failed: that is logged, and
 * they are marked.  0; -1 with errno: nothing
 * is marked, and they stay for a later call.  Does nothing when there is none.
 */
int	 bounce_send(const struct spool *, const struct settings *,
	    struct spool_message *);

/* Tell the sender about those that still wait, and keep that he was told;
 * until is when they will be given up, or 0.  The null sender is not told, and
 * nobody of a message that has no envelope file. 0, -1 as above. */
int	 bounce_delay(const struct spool *, const struct settings *,
	    struct spool_message *, int64_t until);

enum bounce_action {
	BOUNCE_NOTHING,		/* he is not in the report */
	BOUNCE_FAILED,
	BOUNCE_DELAYED,
	BOUNCE_DELIVERED,	/* what stands in spool/local */
	BOUNCE_RELAYED,		/* ... spool/remote: to where no report can be
				 * asked for */
	BOUNCE_EXPANDED
};

struct bounce {
	const struct settings *settings;
	const struct spool_message *message;
	int64_t		 now;
	int		 zone;		/* its minutes east */
	const char	*boundary;	/* a letter and 16 hexadecimal digits
					 * at random */
	bool		 delay;		/* of those that wait, no others */
	const struct address *postmaster; /* he is told, of a message from the
					 * null sender; NULL: the sender is */
	int64_t		 until;		/* these are tried until then; or 0 */
};

/* What is said of recipient i; and the least of it that is said at all. */
enum bounce_action bounce_action(const struct bounce *, size_t i);
enum bounce_action bounce_first(const struct bounce *);

/* Compose it alone, in disk form, all 7-bit but for the sender's address: for
 * tests, and what goes into the spool.  0, or -1 with errno. */
int	 bounce_write(struct buf *, const struct bounce *);

/* A field that tells a report to postmaster from others. */
#define BOUNCE_DOUBLE	"X-Double-Bounce"

#define BOUNCE_MAX	(3u << 20)	/* of a report: what does not fit of
					 * recipients and text is left out */

#endif
