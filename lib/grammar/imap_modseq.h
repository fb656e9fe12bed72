/* SPDX-License-Identifier: ISC
 *
 * Parameters of SELECT and modifiers of FETCH and STORE (RFC 4466 sections 2.1,
 * 2.4 and 2.5; RFC 7162 section 7; RFC 9394 section 4).
 */
#ifndef GRAMMAR_IMAP_MODSEQ_H
#define GRAMMAR_IMAP_MODSEQ_H

#include <stdbool.h>
#include <stdint.h>

#include "grammar/imap_lex.h"
#include "grammar/imap_return.h"
#include "grammar/imap_set.h"

/* mod-sequence-value, and with zero mod-sequence-valzer: 63 bits.  1, 0 or -1
 * as imap_lex.h says. */
int	 imap_lex_modseq(struct imap_lex *, bool zero, uint64_t *);

struct imap_select {
	bool		 condstore, qresync;
	/* QRESYNC's: */
	uint32_t	 validity;
	uint64_t	 modseq;
	bool		 has_known;
	struct imap_set	 known;		/* UIDs */
	struct imap_set	 seqs, uids;	/* sequence match data */
};

void	 imap_select_init(struct imap_select *);
void	 imap_select_free(struct imap_select *);

/* [SP "(" select-param *(SP select-param) ")"]: 1, or -1. */
int	 imap_lex_select(struct imap_lex *, struct imap_select *);

struct imap_fetch_modifiers {
	bool		 changedsince, vanished, partly;
	uint64_t	 since;
	struct imap_partial partial;	/* when partly */
};

/* [SP "(" fetch-modifier *(SP fetch-modifier) ")"]: 1, or -1. */
int	 imap_lex_fetch_modifiers(struct imap_lex *,
	    struct imap_fetch_modifiers *);

/* SP "(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")": 1; 0, nothing like it
 * stands there; -1. */
int	 imap_lex_unchangedsince(struct imap_lex *, uint64_t *);

#endif
