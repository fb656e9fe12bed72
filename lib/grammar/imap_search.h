/* SPDX-License-Identifier: ISC
 *
 * The keys of SEARCH (RFC 3501 6.4.4, RFC 9051 6.4.4) as a bounded tree.  What
 * is to be told of the messages found is in imap_return.h.
 */
#ifndef GRAMMAR_IMAP_SEARCH_H
#define GRAMMAR_IMAP_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "grammar/imap_lex.h"
#include "grammar/imap_set.h"

enum { IMAP_MAX_SEARCH_KEYS = 2000, IMAP_MAX_SEARCH_DEPTH = 50 };

#define IMAP_KEY_NONE	UINT32_MAX

enum imap_key_kind {
	IMAP_KEY_AND,			/* all of the children */
	IMAP_KEY_OR,			/* one of the two children */
	IMAP_KEY_NOT,			/* not its child */
	IMAP_KEY_ALL,
	IMAP_KEY_FLAG,			/* flag: has this system flag */
	IMAP_KEY_KEYWORD,		/* text: has this keyword */
	IMAP_KEY_SEQUENCE,		/* set, of sequence numbers */
	IMAP_KEY_UID,			/* set, of UIDs */
	IMAP_KEY_BEFORE, IMAP_KEY_ON, IMAP_KEY_SINCE,	/* date: internal */
	IMAP_KEY_SENTBEFORE, IMAP_KEY_SENTON, IMAP_KEY_SENTSINCE,
	IMAP_KEY_SAVEDBEFORE, IMAP_KEY_SAVEDON, IMAP_KEY_SAVEDSINCE,
	IMAP_KEY_SAVEDATESUPPORTED,	/* RFC 8514 4.3 */
	IMAP_KEY_OLDER, IMAP_KEY_YOUNGER,	/* number: seconds (RFC 5032) */
	IMAP_KEY_MODSEQ,		/* number: at least (RFC 7162 3.1.5) */
	IMAP_KEY_EMAILID,		/* text (RFC 8474 5.4) */
	IMAP_KEY_THREADID,		/* text: no message has one */
	IMAP_KEY_LARGER, IMAP_KEY_SMALLER,	/* number: of octets */
	IMAP_KEY_HEADER,		/* name has text ("" : is present) */
	IMAP_KEY_BODY,			/* text in the body */
	IMAP_KEY_TEXT			/* text in header or body */
};

struct imap_key {
	enum imap_key_kind kind;
	uint32_t	 child, next;	/* indexes or IMAP_KEY_NONE */
	unsigned	 flag;		/* enum imap_flag */
	uint64_t	 number;
	int64_t		 date;		/* midnight UTC */
	struct imap_string name, text;
	struct imap_set	 set;
};

/* Key 0 is the AND of all that was given.  UNSEEN, NEW, OLD and the like are
 * expressed by NOT and AND. */
struct imap_search {
	struct imap_string charset;	/* "" when none was given */
	struct imap_key	*key;
	size_t		 n, cap;
};

void	 imap_search_init(struct imap_search *);
void	 imap_search_free(struct imap_search *);

/* search-key *(SP search-key), as one AND. */
int	 imap_lex_search_keys(struct imap_lex *, struct imap_search *);

/* ["CHARSET" SP astring SP] search-key *(SP search-key) */
int	 imap_lex_search(struct imap_lex *, struct imap_search *);

#endif
