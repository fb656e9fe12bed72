/* SPDX-License-Identifier: ISC
 *
 * The arguments of FETCH (RFC 3501 6.4.5): the data items wanted, the macros
 * taken apart, and sections written back in an answer.
 */
#ifndef GRAMMAR_IMAP_FETCH_H
#define GRAMMAR_IMAP_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"
#include "grammar/imap_lex.h"

/* Items without an argument are bits of imap_fetch.items. */
enum {
	IMAP_FETCH_UID = 1,
	IMAP_FETCH_FLAGS = 2,
	IMAP_FETCH_INTERNALDATE = 4,
	IMAP_FETCH_SIZE = 8,
	IMAP_FETCH_ENVELOPE = 16,
	IMAP_FETCH_BODY = 32,
	IMAP_FETCH_BODYSTRUCTURE = 64,
	IMAP_FETCH_MODSEQ = 128,	/* RFC 7162 */
	IMAP_FETCH_SAVEDATE = 256,	/* RFC 8514 */
	IMAP_FETCH_EMAILID = 512,	/* RFC 8474 */
	IMAP_FETCH_THREADID = 1024,
	IMAP_FETCH_PREVIEW = 2048,	/* RFC 8970 */
	IMAP_FETCH_PREVIEW_LAZY = 4096
};

enum imap_section_kind {
	IMAP_SECTION_ALL,		/* [] or [1.2]: a whole part's body */
	IMAP_SECTION_HEADER,
	IMAP_SECTION_FIELDS,		/* HEADER.FIELDS */
	IMAP_SECTION_FIELDS_NOT,
	IMAP_SECTION_TEXT,
	IMAP_SECTION_MIME,
	IMAP_SECTION_BINARY,		/* decoded: RFC 3516, RFC 9051 */
	IMAP_SECTION_BINARY_SIZE
};

enum { IMAP_MAX_PART_PATH = 100, IMAP_MAX_SECTIONS = 500 };

struct imap_section {
	enum imap_section_kind kind;
	const char	*name;		/* "RFC822", "RFC822.HEADER",
					 * "RFC822.TEXT"; NULL: BODY[...] */
	uint32_t	*path;		/* part numbers, owned */
	size_t		 npath;
	struct imap_string *field;	/* names of fields, owned */
	size_t		 nfield;
	int		 peek;		/* do not set \Seen */
	int		 partial;	/* offset and length were given */
	uint64_t	 offset, length;
};

struct imap_fetch {
	unsigned	 items;
	struct imap_section *section;	/* in the order asked */
	size_t		 nsection, cap;
};

void	 imap_fetch_init(struct imap_fetch *);
void	 imap_fetch_free(struct imap_fetch *);

/* "ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")" */
int	 imap_lex_fetch(struct imap_lex *, struct imap_fetch *);

/* section-spec alone, as in URLs (RFC 5092): 1, or -1.  To be freed either
 * way. */
int	 imap_lex_section_spec(struct imap_lex *, struct imap_section *);
void	 imap_section_free(struct imap_section *);

/* The name of the item in the answer: BODY[1.MIME]<0>, RFC822.TEXT, ... */
int	 imap_section_write(struct buf *, const struct imap_section *);

#endif
