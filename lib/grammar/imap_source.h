/* SPDX-License-Identifier: ISC
 *
 * Which mailboxes a command is about: filter-mailboxes (RFC 5465 section 8),
 * and the source options of ESEARCH that are made of them (RFC 7377 section 4).
 */
#ifndef GRAMMAR_IMAP_SOURCE_H
#define GRAMMAR_IMAP_SOURCE_H

#include <stddef.h>

#include "grammar/imap_lex.h"

enum { IMAP_MAX_SOURCES = 1000 };	/* names in one command */

enum imap_source_kind {
	IMAP_SOURCE_SELECTED,
	IMAP_SOURCE_INBOXES,
	IMAP_SOURCE_PERSONAL,
	IMAP_SOURCE_SUBSCRIBED,
	IMAP_SOURCE_SUBTREE,		/* name and all below it */
	IMAP_SOURCE_SUBTREE_ONE,	/* name and its children */
	IMAP_SOURCE_MAILBOXES		/* name */
};

struct imap_source {
	enum imap_source_kind kind;
	struct imap_string name;
};

struct imap_sources {
	struct imap_source *v;		/* owned; one for each name */
	size_t		 n, cap;
};

void	 imap_sources_init(struct imap_sources *);
void	 imap_sources_free(struct imap_sources *);

/* 0, or -1: no memory, or too many. */
int	 imap_sources_add(struct imap_sources *, const struct imap_source *);

/* filter-mailboxes: adds one or more. */
int	 imap_lex_filter(struct imap_lex *, struct imap_sources *);

/* esearch-source-opts and the space behind: 0 when another word than IN stands
 * here. */
int	 imap_lex_sources(struct imap_lex *, struct imap_sources *);

#endif
