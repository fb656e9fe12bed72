/* SPDX-License-Identifier: ISC
 *
 * The text of a Sieve script as a tree (RFC 5228, sections 2 and 8).  What its
 * words mean is not known here.
 */
#ifndef GRAMMAR_SIEVE_H
#define GRAMMAR_SIEVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIEVE_SCRIPT_MAX	(1u << 20)	/* octets of a script */
#define SIEVE_NEST_MAX		32	/* blocks and tests in each other */
#define SIEVE_ERROR_MAX		256

struct sieve_string {
	const char	*text;		/* with a NUL behind it; a line of a
					 * text ends in CRLF, however the script
					 * is written */
	size_t		 len;		/* may hold NULs */
};

enum sieve_arg_kind {
	SIEVE_TAG,			/* ":is": strings[0], without its colon,
					 * in lower case */
	SIEVE_NUMBER,
	SIEVE_STRINGS			/* one, or a list of them */
};

struct sieve_arg {
	enum sieve_arg_kind	 kind;
	bool			 list;	/* was it written with brackets? */
	unsigned		 line;
	uint64_t		 number;
	struct sieve_string	*strings;
	size_t			 n;
};

/* A command or a test. */
struct sieve_node {
	const char		*name;	/* in lower case */
	unsigned		 line;
	struct sieve_arg	*args;
	size_t			 nargs;
	struct sieve_node	*tests;	/* the first one, or NULL */
	bool			 test_list; /* in parentheses */
	struct sieve_node	*block;	/* its first command, or NULL */
	bool			 has_block;
	struct sieve_node	*next;	/* beside it */
};

struct sieve_tree;			/* all memory of a script */

/*
 * Read a script of n octets (UTF-8; lines end in CRLF or LF).  Returns the
 * tree, to be freed, and *first is its first command (NULL: an empty script);
 * or NULL with error[SIEVE_ERROR_MAX] "line N: what".
 */
struct sieve_tree *sieve_parse(const char *, size_t,
	    struct sieve_node **first, char *error);
void	 sieve_tree_free(struct sieve_tree *);

/* n octets that live as long as the tree, or NULL. */
void	*sieve_tree_alloc(struct sieve_tree *, size_t);

#endif
