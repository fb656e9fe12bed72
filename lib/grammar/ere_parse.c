/* SPDX-License-Identifier: ISC
 *
 * Extended regular expressions as text.
 *
 *	ERE        = branch *("|" branch)
 *	branch     = *(expression *repeat)
 *	expression = octet / "." / "\" octet / bracket / "^" / "$" /
 *		     "(" ERE ")"
 *	repeat     = "*" / "+" / "?" / "{" min ["," [max]] "}"
 *
 * An empty branch matches the empty text; a ")" that closes nothing is an
 * octet.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/ere_local.h"

static uint16_t parse_ere(struct ere_tree *, unsigned depth);

static uint16_t
fail(struct ere_tree *t, const char *why)
{
	if (t->why == NULL)
		t->why = why;
	return ERE_NONE;
}

static uint16_t
node(struct ere_tree *t, enum ere_kind kind, unsigned value)
{
	struct ere_node *n;

	if (t->n == ERE_NODES)
		return fail(t, "it is too long");
	n = &t->node[t->n];
	n->kind = (unsigned char)kind;
	n->value = (uint16_t)value;
	n->min = n->max = 1;
	n->child = n->next = ERE_NONE;
	return (uint16_t)t->n++;
}

static uint16_t
set_node(struct ere_tree *t, const struct ere_set *s)
{
	uint16_t n = node(t, ERE_SET, (unsigned)t->nsets);

	if (n != ERE_NONE)
		t->set[t->nsets++] = *s;
	return n;
}

static uint16_t
class_node(struct ere_tree *t, const char *name, bool invert)
{
	struct ere_set s = { 0 };

	ere_set_class(&s, name, strlen(name));
	if (invert)
		ere_set_invert(&s);
	return set_node(t, &s);
}

/* "." is any octet. */
static uint16_t
any(struct ere_tree *t)
{
	struct ere_set s;

	memset(&s, 0xff, sizeof(s));
	return set_node(t, &s);
}

/* "\" was passed. */
static uint16_t
parse_escape(struct ere_tree *t)
{
	char c;

	if (t->p == t->end)
		return fail(t, "\"\\\" at the end");
	switch (c = *t->p++) {
	case 'w':
	case 'W':
		return class_node(t, "word", c == 'W');
	case 's':
	case 'S':
		return class_node(t, "space", c == 'S');
	case 'b':
		return node(t, ERE_PLACE, ERE_WORD_EITHER);
	case 'B':
		return node(t, ERE_PLACE, ERE_WORD_NOT);
	case '<':
		return node(t, ERE_PLACE, ERE_WORD_BEGIN);
	case '>':
		return node(t, ERE_PLACE, ERE_WORD_END);
	}
	if (char_is(c, CHAR_DIGIT))
		return fail(t, "backreferences are not known");
	if (char_is(c, CHAR_ALPHA))
		return fail(t, "\"\\\" and a letter is not known");
	return node(t, ERE_OCTET, (unsigned char)c);
}

/* "(" was passed. */
static uint16_t
parse_group(struct ere_tree *t, unsigned depth)
{
	uint16_t n, inner;

	if (depth == ERE_NEST)
		return fail(t, "too many \"(\" in each other");
	if ((n = node(t, ERE_GROUP, ++t->groups)) == ERE_NONE ||
	    (inner = parse_ere(t, depth + 1)) == ERE_NONE)
		return ERE_NONE;
	if (t->p == t->end)
		return fail(t, "\")\" is missing");
	t->p++;
	t->node[n].child = inner;
	return n;
}

static uint16_t
parse_bracket(struct ere_tree *t)
{
	struct ere_set s;

	return ere_parse_bracket(t, &s) == -1 ? ERE_NONE : set_node(t, &s);
}

static uint16_t
parse_expression(struct ere_tree *t, unsigned depth)
{
	char c = *t->p++;

	switch (c) {
	case '(':
		return parse_group(t, depth);
	case '[':
		return parse_bracket(t);
	case '\\':
		return parse_escape(t);
	case '.':
		return any(t);
	case '^':
		return node(t, ERE_PLACE, ERE_BEGIN);
	case '$':
		return node(t, ERE_PLACE, ERE_END);
	case '*':
	case '+':
	case '?':
	case '{':
		return fail(t, "nothing stands before a repetition");
	}
	return node(t, ERE_OCTET, (unsigned char)c);
}

/* 1*DIGIT, or nothing when it is absent: ERE_NONE. */
static uint16_t
parse_number(struct ere_tree *t)
{
	unsigned v = 0;

	if (t->p == t->end || !char_is(*t->p, CHAR_DIGIT))
		return ERE_NONE;
	for (; t->p < t->end && char_is(*t->p, CHAR_DIGIT); t->p++)
		if ((v = v * 10 + (unsigned)(*t->p - '0')) > ERE_REPEAT_MAX)
			v = ERE_REPEAT_MAX + 1;
	return (uint16_t)v;
}

/* "{" was passed. */
static int
parse_interval(struct ere_tree *t, uint16_t *min, uint16_t *max)
{
	*max = *min = parse_number(t);
	if (t->p < t->end && *t->p == ',') {
		t->p++;
		*max = parse_number(t);
		if (*min == ERE_NONE && *max != ERE_NONE)
			*min = 0;
	}
	if (*min == ERE_NONE || t->p == t->end || *t->p != '}' ||
	    *min > *max) {
		fail(t, "what stands in \"{}\" is no repetition");
		return -1;
	}
	t->p++;
	if (*min > ERE_REPEAT_MAX ||
	    (*max > ERE_REPEAT_MAX && *max != ERE_NONE)) {
		fail(t, "too many repetitions");
		return -1;
	}
	return 0;
}

/* A repetition at p, if there is one: 1, 0, -1 with why. */
static int
parse_repeat(struct ere_tree *t, uint16_t *min, uint16_t *max)
{
	if (t->p == t->end || memchr("*+?{", *t->p, 4) == NULL)
		return 0;
	*min = *t->p == '+';
	*max = *t->p == '?' ? 1 : ERE_NONE;
	return *t->p++ != '{' ? 1 : parse_interval(t, min, max) == -1 ? -1 :
	    1;
}

static uint16_t
parse_repeated(struct ere_tree *t, unsigned depth)
{
	uint16_t n = parse_expression(t, depth), outer, min, max;
	int r = 0;

	while (n != ERE_NONE && (r = parse_repeat(t, &min, &max)) == 1) {
		if (t->node[n].kind == ERE_PLACE)
			return fail(t, "a place can not be repeated");
		if ((outer = node(t, ERE_REPEAT, 0)) != ERE_NONE) {
			t->node[outer].min = min;
			t->node[outer].max = max;
			t->node[outer].child = n;
		}
		n = outer;
	}
	return r == -1 ? ERE_NONE : n;
}

static bool
ends(const struct ere_tree *t, unsigned depth)
{
	return t->p == t->end || *t->p == '|' || (*t->p == ')' && depth > 0);
}

static uint16_t
parse_branch(struct ere_tree *t, unsigned depth)
{
	uint16_t n = node(t, ERE_CAT, 0), last = ERE_NONE, item;

	while (n != ERE_NONE && !ends(t, depth)) {
		if ((item = parse_repeated(t, depth)) == ERE_NONE)
			return ERE_NONE;
		if (last == ERE_NONE)
			t->node[n].child = item;
		else
			t->node[last].next = item;
		last = item;
	}
	return n;
}

static uint16_t
parse_ere(struct ere_tree *t, unsigned depth)
{
	uint16_t n = node(t, ERE_ALT, 0), last = ERE_NONE, branch;

	while (n != ERE_NONE) {
		if ((branch = parse_branch(t, depth)) == ERE_NONE)
			return ERE_NONE;
		if (last == ERE_NONE)
			t->node[n].child = branch;
		else
			t->node[last].next = branch;
		last = branch;
		if (t->p == t->end || *t->p != '|')
			break;
		t->p++;
	}
	return n;
}

uint16_t
ere_parse(struct ere_tree *t)
{
	return parse_ere(t, 0);
}
