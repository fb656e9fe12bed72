/* SPDX-License-Identifier: ISC
 *
 * Extended regular expressions as programs: see grammar/pattern.h.  A
 * repetition with numbers is written out, so the size of a program has a
 * limit, and so has the work of making it.
 */
#include <stdlib.h>
#include <string.h>

#include "grammar/chars.h"
#include "grammar/ere_local.h"

struct maker {
	const struct ere_tree	*t;
	struct ere		*e;
	size_t			 steps;
	bool			 full;
};

static void make(struct maker *, uint16_t);

static uint16_t
op(struct maker *m, enum ere_code code, unsigned value)
{
	struct ere_op *o;

	if (m->e->n == ERE_OPS) {
		m->full = true;
		return 0;
	}
	o = &m->e->op[m->e->n];
	o->code = (unsigned char)code;
	o->value = (uint16_t)value;
	o->to = o->other = (uint16_t)(m->e->n + 1);
	return (uint16_t)m->e->n++;
}

static uint16_t
here(const struct maker *m)
{
	return (uint16_t)m->e->n;
}

/* split L1, L2; L1: first; jump END; L2: split ... */
static void
make_alt(struct maker *m, uint16_t n)
{
	uint16_t split, jump, last = ERE_NONE;

	for (; m->t->node[n].next != ERE_NONE; n = m->t->node[n].next) {
		split = op(m, OP_SPLIT, 0);
		make(m, n);
		jump = op(m, OP_JUMP, 0);
		if (m->full)
			return;
		m->e->op[split].other = here(m);
		/* The jumps are a chain until their end is known. */
		m->e->op[jump].to = last;
		last = jump;
	}
	make(m, n);
	while (last != ERE_NONE) {
		jump = last;
		last = m->e->op[jump].to;
		m->e->op[jump].to = here(m);
	}
}

/* L1: split L2, END; L2: child; jump L1 */
static void
make_star(struct maker *m, uint16_t child)
{
	uint16_t split = op(m, OP_SPLIT, 0), jump;

	make(m, child);
	jump = op(m, OP_JUMP, 0);
	m->e->op[jump].to = split;
	m->e->op[split].other = here(m);
}

/* child ... child, then (child (child)?)? or child* */
static void
make_repeat(struct maker *m, const struct ere_node *n)
{
	uint16_t i, split, last = ERE_NONE;

	for (i = 0; i < n->min && !m->full; i++)
		make(m, n->child);
	if (n->max == ERE_NONE) {
		make_star(m, n->child);
		return;
	}
	for (; i < n->max && !m->full; i++) {
		split = op(m, OP_SPLIT, 0);
		m->e->op[split].other = last;
		last = split;
		make(m, n->child);
	}
	while (!m->full && last != ERE_NONE) {
		split = last;
		last = m->e->op[split].other;
		m->e->op[split].other = here(m);
	}
}

static void
make(struct maker *m, uint16_t at)
{
	const struct ere_node *n = &m->t->node[at];
	uint16_t child;

	if (m->full || ++m->steps > 16 * ERE_OPS) {
		m->full = true;
		return;
	}
	switch ((enum ere_kind)n->kind) {
	case ERE_OCTET:
		op(m, OP_OCTET, m->t->fold ? (unsigned)char_lower(n->value) :
		    n->value);
		break;
	case ERE_SET:
		op(m, OP_SET, n->value);
		break;
	case ERE_PLACE:
		op(m, OP_PLACE, n->value);
		break;
	case ERE_CAT:
		for (child = n->child; child != ERE_NONE;
		    child = m->t->node[child].next)
			make(m, child);
		break;
	case ERE_ALT:
		make_alt(m, n->child);
		break;
	case ERE_REPEAT:
		make_repeat(m, n);
		break;
	case ERE_GROUP:
		op(m, OP_SAVE, 2 * n->value);
		make(m, n->child);
		op(m, OP_SAVE, 2 * n->value + 1);
		break;
	}
}

/* ---- what it may begin with ---- */

/* All that can be reached without an octet: to first, or nullable. */
static void
reach(struct ere *e, unsigned char *seen, uint16_t at)
{
	const struct ere_op *o;
	unsigned c;

	for (; !seen[at]; at = o->to) {
		seen[at] = 1;
		switch ((enum ere_code)(o = &e->op[at])->code) {
		case OP_OCTET:
			ere_set_add(&e->first, (unsigned char)o->value);
			if (e->fold && char_is(o->value, CHAR_ALPHA))
				ere_set_add(&e->first,
				    (unsigned char)(o->value - 'a' + 'A'));
			return;
		case OP_SET:
			for (c = 0; c < 256; c++)
				if (ere_set_has(&e->set[o->value],
				    (unsigned char)c))
					ere_set_add(&e->first,
					    (unsigned char)c);
			return;
		case OP_MATCH:
			e->nullable = true;
			return;
		case OP_SPLIT:
			reach(e, seen, o->other);
			break;
		case OP_PLACE:
		case OP_SAVE:
		case OP_JUMP:
			break;
		}
	}
}

/* Does each way through it begin at the start of the text? */
static bool
is_anchored(const struct ere_tree *t, uint16_t at)
{
	const struct ere_node *n = &t->node[at];
	uint16_t child;

	switch ((enum ere_kind)n->kind) {
	case ERE_PLACE:
		return n->value == ERE_BEGIN;
	case ERE_CAT:
		return n->child != ERE_NONE && is_anchored(t, n->child);
	case ERE_GROUP:
		return is_anchored(t, n->child);
	case ERE_ALT:
		for (child = n->child; child != ERE_NONE;
		    child = t->node[child].next)
			if (!is_anchored(t, child))
				return false;
		return true;
	case ERE_OCTET:
	case ERE_SET:
	case ERE_REPEAT:
		break;
	}
	return false;
}

static int
finish(struct maker *m, uint16_t root)
{
	struct ere *e = m->e;
	unsigned char *seen;
	struct ere_op *fit;

	make(m, root);
	op(m, OP_MATCH, 0);
	if (m->full)
		return 0;
	e->anchored = is_anchored(m->t, root);
	if ((fit = realloc(e->op, e->n * sizeof(*fit))) != NULL)
		e->op = fit;
	if ((seen = calloc(e->n, 1)) == NULL)
		return -1;
	reach(e, seen, 0);
	free(seen);
	return 0;
}

static struct ere *
program(struct ere_tree *t, const char **why)
{
	struct ere *e = calloc(1, sizeof(*e));
	struct maker m = { .t = t, .e = e };
	uint16_t root = ere_parse(t);

	if (root == ERE_NONE || e == NULL ||
	    (e->op = calloc(ERE_OPS, sizeof(*e->op))) == NULL) {
		*why = t->why;
		free(e);
		return NULL;
	}
	e->set = t->set;
	t->set = NULL;
	e->groups = t->groups;
	e->fold = t->fold;
	if (finish(&m, root) == -1 || m.full) {
		*why = m.full ? "it is too large" : NULL;
		ere_free(e);
		return NULL;
	}
	return e;
}

struct ere *
ere_new(const char *s, size_t n, bool fold, const char **why)
{
	struct ere_tree t = { .fold = fold, .p = s, .end = s + n };
	struct ere *e = NULL;

	*why = NULL;
	if (n > ERE_MAX) {
		*why = "it is too long";
		return NULL;
	}
	t.node = calloc(ERE_NODES, sizeof(*t.node));
	t.set = calloc(n + 1, sizeof(*t.set));
	if (t.node != NULL && t.set != NULL)
		e = program(&t, why);
	free(t.node);
	free(t.set);
	return e;
}

void
ere_free(struct ere *e)
{
	if (e == NULL)
		return;
	free(e->op);
	free(e->set);
	free(e);
}
