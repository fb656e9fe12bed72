/* SPDX-License-Identifier: ISC
 *
 * The tokens of a Sieve script (RFC 5228, section 8.1), for sieve.c alone.
 */
#ifndef GRAMMAR_SIEVE_LEX_H
#define GRAMMAR_SIEVE_LEX_H

#include "grammar/sieve.h"

enum sieve_token_kind {
	SIEVE_T_END,
	SIEVE_T_NAME,			/* text in lower case */
	SIEVE_T_TAG,			/* likewise, without its colon */
	SIEVE_T_NUMBER,
	SIEVE_T_STRING,
	SIEVE_T_MARK			/* text: one of ; , ( ) [ ] { } */
};

struct sieve_token {
	enum sieve_token_kind	 kind;
	unsigned		 line;	/* where it begins */
	const char		*text;	/* the tree's */
	size_t			 len;
	uint64_t		 number;
};

struct sieve_lex {
	const char		*p, *end;
	unsigned		 line;
	struct sieve_tree	*tree;
	char			*error;	/* [SIEVE_ERROR_MAX] */
};

/* The next token; at the end SIEVE_T_END each time.  0, or -1 with the error
 * written. */
int	 sieve_lex_next(struct sieve_lex *, struct sieve_token *);

/* Write "line N: ..."; returns -1. */
int	 sieve_lex_error(struct sieve_lex *, unsigned line, const char *fmt,
	    ...) __attribute__((format(printf, 3, 4)));
int	 sieve_lex_nomem(struct sieve_lex *);

#endif
