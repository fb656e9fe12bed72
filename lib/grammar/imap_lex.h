/* SPDX-License-Identifier: ISC
 *
 * The small rules of RFC 3501 section 9, read from one whole command: tags,
 * atoms, strings, numbers, flags, dates.
 *
 * A command is all its octets without the last CRLF, literals in place
 * ("a LOGIN {4}\r\nfred pass").  The cursor never passes the end.  A rule
 * returns 1 when it was found and taken, 0 when something else stands there
 * (the cursor has not moved), -1 when it began and is malformed or passes a
 * limit, and then error says what is wrong in words fit for a BAD answer.
 */
#ifndef GRAMMAR_IMAP_LEX_H
#define GRAMMAR_IMAP_LEX_H

#include <stddef.h>
#include <stdint.h>

/* A string taken from a command: unquoted, NUL-terminated, without NUL
 * within.  It lives as long as the struct imap_lex it came from. */
struct imap_string {
	const char	*s;
	size_t		 len;
};

struct imap_names;
struct imap_kept;

struct imap_lex {
	const char	*p, *end;	/* the cursor */
	const char	*error;		/* set by the rule that returned -1 */
	char		*pool;		/* owned: where strings are kept */
	size_t		 used, size;
	struct imap_kept *kept;		/* owned: converted names */
	const char	*given;		/* the last mailbox as it was written */
	const struct imap_names *names;	/* how names of mailboxes look; NULL:
					 * as they are stored.  To be set */
	int		 utf8;		/* set by the caller: in a quoted
					 * string 8-bit octets must be UTF-8 */
};

/* ATOM-CHAR = <any CHAR except atom-specials> */
int	 imap_is_atom_char(int);

/* Start reading a command, which must outlive the reading.  0, or -1: no
 * memory. */
int	 imap_lex_init(struct imap_lex *, const char *, size_t);
void	 imap_lex_free(struct imap_lex *);

/* Say what is wrong, and return -1. */
int	 imap_lex_fail(struct imap_lex *, const char *error);

int	 imap_lex_end(const struct imap_lex *);	/* 1: nothing is left */
int	 imap_lex_char(struct imap_lex *, char);	/* exactly this octet */
int	 imap_lex_sp(struct imap_lex *);		/* exactly one space */
/* One space, or -1 "a space is missing"; the end, or -1 "too much". */
int	 imap_lex_need_sp(struct imap_lex *);
int	 imap_lex_need_end(struct imap_lex *);
/* This word in any letter case, and behind it no further atom character. */
int	 imap_lex_word(struct imap_lex *, const char *);

int	 imap_lex_tag(struct imap_lex *, struct imap_string *);
int	 imap_lex_atom(struct imap_lex *, struct imap_string *);
int	 imap_lex_string(struct imap_lex *, struct imap_string *);
int	 imap_lex_astring(struct imap_lex *, struct imap_string *);
int	 imap_lex_nstring(struct imap_lex *, struct imap_string *);
int	 imap_lex_literal8(struct imap_lex *, struct imap_string *); /* NULs */
int	 imap_lex_list_mailbox(struct imap_lex *, struct imap_string *);
/* mailbox: INBOX in any case becomes "INBOX"; other names as they are stored
 * (grammar/imap_names.h), or as given without .names. */
int	 imap_lex_mailbox(struct imap_lex *, struct imap_string *);
int	 imap_lex_number(struct imap_lex *, uint32_t *);
int	 imap_lex_nz_number(struct imap_lex *, uint32_t *);
/* number64 (RFC 9051 section 9): up to 63 bits. */
int	 imap_lex_number64(struct imap_lex *, uint64_t *);
/* A literal's announcement at the very end of the command: 1 and its size;
 * *sync 0 when it was "{n+}" (RFC 7888).  Takes nothing else. */
int	 imap_lex_announce(struct imap_lex *, uint64_t *, int *sync);

/* Whether line, without its CRLF, ends in a literal's announcement
 * (RFC 7888 section 3): 1, 0, or -1 when its number is too large. */
int	 imap_line_literal(const char *line, size_t len, uint64_t *size,
	    int *sync);

/* date-time and date of RFC 3501 section 9: seconds since 1970 UTC; a date
 * is its midnight in UTC. */
int	 imap_lex_date_time(struct imap_lex *, int64_t *);
int	 imap_lex_date(struct imap_lex *, int64_t *);

enum imap_flag {
	IMAP_ANSWERED = 1,
	IMAP_FLAGGED = 2,
	IMAP_DELETED = 4,
	IMAP_SEEN = 8,
	IMAP_DRAFT = 16,
	IMAP_RECENT = 32
};

enum { IMAP_MAX_KEYWORDS = 64 };	/* in one command */

struct imap_flags {
	unsigned	 system;	/* enum imap_flag */
	size_t		 nkeywords;
	struct imap_string keyword[IMAP_MAX_KEYWORDS];
};

/* flag-list, with its parentheses; and "flag-list / (flag *(SP flag))" of
 * STORE.  \Recent and unknown "\" flags are malformed. */
int	 imap_lex_flag_list(struct imap_lex *, struct imap_flags *);
int	 imap_lex_store_flags(struct imap_lex *, struct imap_flags *);

#endif
