/* SPDX-License-Identifier: ISC
 *
 * From the tokens of a Sieve script to its tree (RFC 5228, section 8.2).  All
 * of it lies in a few large pieces of memory that are freed together.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/sieve_lex.h"

#define PIECE	(16u << 10)
#define ALIGN	_Alignof(max_align_t)

struct piece {
	struct piece	*next;
	size_t		 used, size;	/* of data */
	_Alignas(max_align_t) char data[];
};

struct sieve_tree {
	struct piece	*pieces;	/* the first is the one in use */
};

void *
sieve_tree_alloc(struct sieve_tree *t, size_t n)
{
	struct piece *p = t->pieces;
	size_t size;
	void *got;

	if (n > SIZE_MAX / 2)
		return NULL;
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (p == NULL || p->size - p->used < n) {
		size = n > PIECE ? n : PIECE;
		if ((p = malloc(sizeof(*p) + size)) == NULL)
			return NULL;
		p->size = size;
		p->used = 0;
		p->next = t->pieces;
		t->pieces = p;
	}
	got = p->data + p->used;
	p->used += n;
	return got;
}

void
sieve_tree_free(struct sieve_tree *t)
{
	struct piece *p, *next;

	if (t == NULL)
		return;
	for (p = t->pieces; p != NULL; p = next) {
		next = p->next;
		free(p);
	}
	free(t);
}

struct parser {
	struct sieve_lex	 lex;
	struct sieve_token	 now;
	unsigned		 before;	/* line of the one before it */
	unsigned		 blocks, tests;	/* that we are in */
	struct sieve_arg	*args;		/* of the node that is read */
	size_t			 nargs, args_room;
	struct sieve_string	*strings;	/* of the list that is read */
	size_t			 nstrings, strings_room;
};

static int
next(struct parser *p)
{
	p->before = p->now.line;
	return sieve_lex_next(&p->lex, &p->now);
}

static bool
is_mark(const struct parser *p, char c)
{
	return p->now.kind == SIEVE_T_MARK && *p->now.text == c;
}

/* The token that stands there, in words. */
static const char *
found(const struct parser *p, char words[60])
{
	switch (p->now.kind) {
	case SIEVE_T_END:
		return "the script ends";
	case SIEVE_T_STRING:
		return "a string stands there";
	case SIEVE_T_NUMBER:
		return "a number stands there";
	case SIEVE_T_NAME:
	case SIEVE_T_TAG:
	case SIEVE_T_MARK:
		break;
	}
	(void)snprintf(words, 60, "\"%s%.32s\" stands there",
	    p->now.kind == SIEVE_T_TAG ? ":" : "", p->now.text);
	return words;
}

static int
missing(struct parser *p, unsigned line, const char *what)
{
	char words[60];

	return sieve_lex_error(&p->lex, line, "%s is missing: %s", what,
	    found(p, words));
}

/* Room for one more in an array; NULL no memory. */
static void *
grow(void *v, size_t n, size_t *room, size_t size)
{
	size_t want;

	if (n < *room)
		return v;
	want = *room == 0 ? 16 : *room * 2;
	if ((v = reallocarray(v, want, size)) != NULL)
		*room = want;
	return v;
}

/* Octets of our own arrays, for as long as the tree. */
static int
put(struct parser *p, void *to, const void *from, size_t n, size_t size)
{
	void *copy = NULL;

	if (n > 0 && (copy = sieve_tree_alloc(p->lex.tree, n * size)) == NULL)
		return sieve_lex_nomem(&p->lex);
	if (n > 0)
		memcpy(copy, from, n * size);
	memcpy(to, &copy, sizeof(copy));
	return 0;
}

static int
add_string(struct parser *p)
{
	struct sieve_string *v;

	if ((v = grow(p->strings, p->nstrings, &p->strings_room,
	    sizeof(*v))) == NULL)
		return sieve_lex_nomem(&p->lex);
	p->strings = v;
	v[p->nstrings].text = p->now.text;
	v[p->nstrings++].len = p->now.len;
	return next(p);
}

/* "[" string *("," string) "]" */
static int
string_list(struct parser *p, unsigned line)
{
	do {
		if (next(p) == -1)
			return -1;
		if (p->now.kind != SIEVE_T_STRING)
			return missing(p, p->now.line, "a string of a list");
		if (add_string(p) == -1)
			return -1;
	} while (is_mark(p, ','));
	if (!is_mark(p, ']'))
		return sieve_lex_error(&p->lex, p->before, "\"]\" (or a "
		    "comma) is missing in the list that begins in line %u",
		    line);
	return next(p);
}

/* argument: 1 one was taken; 0 there is none; -1 */
static int
argument(struct parser *p, struct sieve_arg *a)
{
	memset(a, 0, sizeof(*a));
	a->line = p->now.line;
	p->nstrings = 0;
	if (is_mark(p, '[')) {
		a->kind = SIEVE_STRINGS;
		a->list = true;
		if (string_list(p, a->line) == -1)
			return -1;
	} else if (p->now.kind == SIEVE_T_NUMBER) {
		a->kind = SIEVE_NUMBER;
		a->number = p->now.number;
		if (next(p) == -1)
			return -1;
	} else if (p->now.kind == SIEVE_T_STRING ||
	    p->now.kind == SIEVE_T_TAG) {
		a->kind = p->now.kind == SIEVE_T_TAG ? SIEVE_TAG :
		    SIEVE_STRINGS;
		if (add_string(p) == -1)
			return -1;
	} else
		return 0;
	a->n = p->nstrings;
	return put(p, &a->strings, p->strings, p->nstrings,
	    sizeof(*p->strings)) == -1 ? -1 : 1;
}

static int test(struct parser *, struct sieve_node **);

/* test-list, behind its "(" */
static int
test_list(struct parser *p, struct sieve_node *n)
{
	struct sieve_node **tail = &n->tests;
	unsigned line = p->now.line;

	n->test_list = true;
	do {
		if (next(p) == -1 || test(p, tail) == -1)
			return -1;
		tail = &(*tail)->next;
	} while (is_mark(p, ','));
	if (!is_mark(p, ')'))
		return sieve_lex_error(&p->lex, p->before, "\")\" (or a "
		    "comma) is missing in the tests that begin in line %u",
		    line);
	return next(p);
}

/* arguments */
static int
arguments(struct parser *p, struct sieve_node *n)
{
	struct sieve_arg *v;
	int r;

	for (p->nargs = 0;; p->nargs++) {
		if ((v = grow(p->args, p->nargs, &p->args_room,
		    sizeof(*v))) == NULL)
			return sieve_lex_nomem(&p->lex);
		p->args = v;
		if ((r = argument(p, &v[p->nargs])) == -1)
			return -1;
		if (r == 0)
			break;
	}
	n->nargs = p->nargs;
	if (put(p, &n->args, p->args, p->nargs, sizeof(*p->args)) == -1)
		return -1;
	if (p->now.kind == SIEVE_T_NAME)
		return test(p, &n->tests);
	return is_mark(p, '(') ? test_list(p, n) : 0;
}

/* identifier arguments, of a command and of a test. */
static int
node(struct parser *p, struct sieve_node **out)
{
	struct sieve_node *n;

	if ((n = sieve_tree_alloc(p->lex.tree, sizeof(*n))) == NULL)
		return sieve_lex_nomem(&p->lex);
	memset(n, 0, sizeof(*n));
	n->name = p->now.text;
	n->line = p->now.line;
	*out = n;
	return next(p) == -1 || arguments(p, n) == -1 ? -1 : 0;
}

static int
test(struct parser *p, struct sieve_node **out)
{
	if (p->now.kind != SIEVE_T_NAME)
		return missing(p, p->now.line, "a test");
	if (++p->tests > SIEVE_NEST_MAX)
		return sieve_lex_error(&p->lex, p->now.line,
		    "more than %d tests in each other", SIEVE_NEST_MAX);
	if (node(p, out) == -1)
		return -1;
	p->tests--;
	return 0;
}

static int commands(struct parser *, struct sieve_node **);

/* block, at its "{" */
static int
block(struct parser *p, struct sieve_node *n)
{
	unsigned line = p->now.line;

	n->has_block = true;
	if (++p->blocks > SIEVE_NEST_MAX)
		return sieve_lex_error(&p->lex, line,
		    "more than %d blocks in each other", SIEVE_NEST_MAX);
	if (next(p) == -1 || commands(p, &n->block) == -1)
		return -1;
	p->blocks--;
	if (!is_mark(p, '}'))
		return sieve_lex_error(&p->lex, line,
		    "the block that begins here has no \"}\"");
	return next(p);
}

/* command = identifier arguments (";" / block) */
static int
command(struct parser *p, struct sieve_node **out)
{
	char what[60];

	if (node(p, out) == -1)
		return -1;
	if (is_mark(p, ';'))
		return next(p);
	if (is_mark(p, '{'))
		return block(p, *out);
	(void)snprintf(what, sizeof(what), "\";\" behind \"%.32s\"",
	    (*out)->name);
	return missing(p, p->before, what);
}

/* commands, up to what is none. */
static int
commands(struct parser *p, struct sieve_node **out)
{
	*out = NULL;
	while (p->now.kind == SIEVE_T_NAME) {
		if (command(p, out) == -1)
			return -1;
		out = &(*out)->next;
	}
	if (p->now.kind == SIEVE_T_END || is_mark(p, '}'))
		return 0;
	return missing(p, p->now.line, "a command");
}

static int
start(struct parser *p, struct sieve_node **first)
{
	if (next(p) == -1 || commands(p, first) == -1)
		return -1;
	return p->now.kind == SIEVE_T_END ? 0 : sieve_lex_error(&p->lex,
	    p->now.line, "\"}\" without a \"{\" before it");
}

struct sieve_tree *
sieve_parse(const char *text, size_t n, struct sieve_node **first,
    char *error)
{
	struct parser p = { .lex = { .p = text, .end = text + n, .line = 1,
	    .error = error } };
	int r;

	*first = NULL;
	if (n > SIEVE_SCRIPT_MAX) {
		sieve_lex_error(&p.lex, 1, "a script of more than %u octets",
		    SIEVE_SCRIPT_MAX);
		return NULL;
	}
	if ((p.lex.tree = calloc(1, sizeof(*p.lex.tree))) == NULL) {
		sieve_lex_nomem(&p.lex);
		return NULL;
	}
	r = start(&p, first);
	free(p.args);
	free(p.strings);
	if (r == 0)
		return p.lex.tree;
	sieve_tree_free(p.lex.tree);
	*first = NULL;
	return NULL;
}
