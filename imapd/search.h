/* SPDX-License-Identifier: ISC
 *
 * A search being run: the tree, what was prepared for it, and the message being
 * asked.
 */
#ifndef IMAPD_SEARCH_H
#define IMAPD_SEARCH_H

#include <time.h>

#include "fetch.h"
#include "grammar/date.h"
#include "grammar/imap_return.h"
#include "grammar/imap_search.h"
#include "match.h"

enum {
	SEARCH_HEADER_MAX = 4 << 20,	/* octets of a header looked at */
	SEARCH_HEADER_FIRST = 4096,	/* of them, at first */
	SEARCH_RAW_MAX = 1 << 20	/* of a message held in memory */
};

/* What asking a key costs. */
enum cost { COST_MEMORY, COST_STAT, COST_HEADER, COST_BODY, COSTS };

struct search {
	struct session	*session;
	struct imap_search q;
	struct imap_return ret;		/* all zero: none was asked for */
	bool		 modseq;	/* a key is MODSEQ */
	bool		 saved;		/* a key has "$" */
	time_t		 now;		/* for OLDER and YOUNGER */
	unsigned	 dated, undated; /* dates the cache had, or had not */
	unsigned char	*cost;		/* of each key */
	struct match	*match;		/* of each key with a text */
	struct mailbox_msg msg;
	struct fetch_message m;
	struct buf	 header, text;	/* of the message; scratch */
	struct buf	 few;		/* some fields of it */
	bool		 header_read;

	/* the message as it is on disk: search_raw.c */
	enum { RAW_UNREAD, RAW_READ, RAW_NEVER } raw;
	struct buf	 octets, decoded;
	struct mime	 disk;		/* its parts, by places in octets */
};

/* ---- search_run.c ---- */

void	 search_init(struct search *, struct session *);
void	 search_free(struct search *);

/* The tree is parsed into q: change its texts to UTF-8 and fold them.
 * REPLY_OK, or what to answer. */
enum reply search_prepare(struct search *);

/*
 * The numbers of the messages of the session's mailbox that match, rising;
 * found is the caller's to numbers_free().  When ret says that the first or
 * the last few are enough, there are no others.  Not REPLY_OK alone goes with
 * results: what is to be answered behind them.  May be called again for
 * another mailbox.
 */
enum reply search_run(struct search *, struct numbers *found);

/* ---- search.c ---- */

enum cost search_cost(const struct imap_search *, uint32_t key);

/* Whether the message q->m, q->msg matches a key and those below it. */
bool	 search_ask(struct search *, uint32_t key);

/* ---- search_tell.c ---- */

/* "[RETURN (...)] [CHARSET x] keys" up to the end of the command, and
 * search_prepare(). */
enum reply search_parse(struct search *, struct imap_lex *);

/* The ESEARCH response (RFC 4731); with a mailbox it has the correlators of
 * RFC 7377. */
void	 search_tell(struct search *, const struct numbers *found, bool uid,
	    const char *mailbox);

/* The end of a SEARCH or SORT response: when a key was MODSEQ, the highest of
 * these (RFC 7162 3.1.6, 3.1.9). */
void	 search_tell_end(struct search *, const struct numbers *found);

/* RETURN (SAVE): what was found becomes "$".  REPLY_OK or REPLY_NOT_SAVED.  It
 * rises when what was found does. */
enum reply search_save(struct search *, const struct numbers *found);

/* ---- search_raw.c ---- */

/* Whether the message has the text, as search_text() says; -1: this way cannot
 * tell, or q->m.failed says why. */
int	 search_raw(struct search *, struct match *, bool with_header);
/* This message is done. */
void	 search_raw_reset(struct search *);

/* ---- search_text.c ---- */

/* Whether a field of this header has the text, in its name or its value. */
bool	 search_fields(struct search *, const char *header, size_t n,
	    struct match *);

/* The day a message says it was sent; false: it says none. */
bool	 search_date(struct search *, struct date *);

/* Whether all octets are US-ASCII. */
bool	 search_ascii(const char *, size_t n);

/* Whether a header surely lacks the text, in all its fields. */
bool	 search_lacks(const struct match *, const char *header, size_t n);

/* Whether a field of this name has the text; decoded, unfolded. */
bool	 search_header(struct search *, const struct imap_key *,
	    struct match *);

/* Whether the body, and with_header the header, has the text.  Texts are
 * decoded; parts that are no text are passed over, but for their headers. */
bool	 search_text(struct search *, struct match *, bool with_header);

/* The same for any text, not empty, and any message: in pieces, as the wire
 * has them. */
bool	 search_stream(struct search *, struct match *, bool with_header);

#endif
