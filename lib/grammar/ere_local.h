/* SPDX-License-Identifier: ISC
 *
 * The inside of extended regular expressions: ere_parse.c makes a tree of the
 * text, ere.c a program of the tree, ere_match.c runs it.
 */
#ifndef GRAMMAR_ERE_LOCAL_H
#define GRAMMAR_ERE_LOCAL_H

#include "grammar/pattern.h"

enum {
	ERE_NEST = 50,		/* parentheses in each other */
	ERE_NODES = 2 * ERE_MAX,
	ERE_OPS = 8000		/* of a program */
};

/* What stands between two octets. */
enum ere_place {
	ERE_BEGIN, ERE_END,		/* of the text */
	ERE_WORD_BEGIN, ERE_WORD_END, ERE_WORD_EITHER, ERE_WORD_NOT
};

struct ere_set {
	unsigned char	bits[32];
};

enum ere_kind {
	ERE_OCTET, ERE_SET, ERE_PLACE,
	ERE_CAT,		/* its children, one behind the other */
	ERE_ALT,		/* one of them */
	ERE_REPEAT,		/* the child, min to max times */
	ERE_GROUP		/* the child; value: its number */
};

#define ERE_NONE	UINT16_MAX	/* no node; a maximum: no end */

struct ere_node {
	unsigned char	kind;
	uint16_t	value;		/* octet, set, place, group */
	uint16_t	min, max;
	uint16_t	child, next;
};

struct ere_tree {
	struct ere_node	*node;
	size_t		 n;
	struct ere_set	*set;
	size_t		 nsets;
	unsigned	 groups;
	bool		 fold;
	const char	*p, *end;
	const char	*why;
};

enum ere_code {
	OP_OCTET, OP_SET, OP_PLACE, OP_SAVE, OP_SPLIT, OP_JUMP, OP_MATCH
};

struct ere_op {
	unsigned char	code;		/* enum ere_code */
	uint16_t	value;		/* octet, set, place; of SAVE: which */
	uint16_t	to, other;	/* SPLIT: to is tried first; JUMP: to */
};

struct ere {
	struct ere_op	*op;
	size_t		 n;
	struct ere_set	*set;
	unsigned	 groups;
	bool		 fold;
	bool		 anchored;	/* matches at the start or nowhere */
	bool		 nullable;	/* may match nothing */
	struct ere_set	 first;		/* what it may begin with */
};

static inline bool
ere_set_has(const struct ere_set *s, unsigned char c)
{
	return s->bits[c / 8] >> c % 8 & 1;
}

/* The tree of an expression; its root, or ERE_NONE with why. */
uint16_t ere_parse(struct ere_tree *);

/* "[" was passed: the set up to its "]", to *s.  0, -1 with why. */
int	 ere_parse_bracket(struct ere_tree *, struct ere_set *);

/* Add a class by its name ("alpha"): 0, -1 there is none. */
int	 ere_set_class(struct ere_set *, const char *, size_t);
void	 ere_set_add(struct ere_set *, unsigned char);
void	 ere_set_invert(struct ere_set *);

#endif
