/* SPDX-License-Identifier: ISC
 *
 * A search being run: the tree, what was prepared for it, and the message being
 * asked.
 */
#ifndef IMAPD_SEARCH_H
#define IMAPD_SEARCH_H

#include "fetch.h"
#include "grammar/date.h"
#include "grammar/imap_search.h"
#include "match.h"

enum { SEARCH_HEADER_MAX = 4 << 20 };	/* octets of a header looked at */

struct search {
	struct session	*session;
	struct imap_search q;
	unsigned char	*cost;		/* of each key */
	struct match	*match;		/* of each key with a text */
	struct mailbox_msg msg;
	struct fetch_message m;
	struct buf	 header, text;	/* of the message; scratch */
	struct buf	 few;		/* some fields of it */
	bool		 header_read;
};

void	 search_init(struct search *, struct session *);
void	 search_free(struct search *);

/* The tree is parsed into q: resolve its sets and fold its texts.  REPLY_OK, or
 * what to answer. */
enum reply search_prepare(struct search *);

/* The numbers of the messages that match, rising; found is the caller's to
 * numbers_free().  Not REPLY_OK alone goes with results: what is to be answered
 * behind them. */
enum reply search_run(struct search *, struct numbers *found);

/* The day a message says it was sent, from its summary: 1; 0 it says none; -1
 * the summary cannot tell. */
int	 search_date(struct search *, struct date *);

/* Whether a field of this name has the text; decoded, unfolded. */
bool	 search_header(struct search *, const struct imap_key *,
	    struct match *);

/* Whether the body, and with_header the header, has the text.  Texts are
 * decoded; parts that are no text are passed over, but for their headers. */
bool	 search_text(struct search *, struct match *, bool with_header);

#endif
