/* SPDX-License-Identifier: ISC
 *
 * Sets of octets in regular expressions: classes and bracket expressions, in
 * the POSIX locale, whatever the one of the program is.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/ere_local.h"

void
ere_set_add(struct ere_set *s, unsigned char c)
{
	s->bits[c / 8] |= (unsigned char)(1 << c % 8);
}

void
ere_set_invert(struct ere_set *s)
{
	size_t i;

	for (i = 0; i < sizeof(s->bits); i++)
		s->bits[i] = (unsigned char)~s->bits[i];
}

static void
add_range(struct ere_set *s, unsigned from, unsigned to)
{
	for (; from <= to; from++)
		ere_set_add(s, (unsigned char)from);
}

/* The classes, as ranges of octets. */
static const struct {
	const char	*name;
	const char	*ranges;
} classes[] = {
	{ "alnum", "09AZaz" }, { "alpha", "AZaz" }, { "blank", "\t\t  " },
	{ "cntrl", "\001\037\177\177" }, { "digit", "09" },
	{ "graph", "!~" }, { "lower", "az" }, { "print", " ~" },
	{ "punct", "!/:@[`{~" }, { "space", "\t\r  " }, { "upper", "AZ" },
	{ "xdigit", "09AFaf" }, { "word", "09AZaz__" },
};

int
ere_set_class(struct ere_set *s, const char *name, size_t n)
{
	const unsigned char *r;
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (strlen(classes[i].name) != n ||
		    memcmp(classes[i].name, name, n) != 0)
			continue;
		for (r = (const unsigned char *)classes[i].ranges;
		    *r != '\0'; r += 2)
			add_range(s, r[0], r[1]);
		if (strcmp(classes[i].name, "cntrl") == 0)
			ere_set_add(s, 0);
		return 0;
	}
	return -1;
}

static int
fail(struct ere_tree *t, const char *why)
{
	t->why = why;
	return -1;
}

/* "[:" name ":]", "[=" c "=]" or "[." c ".]", all behind their "[": an octet
 * to *c, or -1 there when it was a class. */
static int
parse_named(struct ere_tree *t, struct ere_set *s, int *c)
{
	char sign = *t->p++;
	const char *name = t->p, *at = t->p;

	while (at + 1 < t->end && !(at[0] == sign && at[1] == ']'))
		at++;
	if (at + 1 >= t->end)
		return fail(t, "\"]\" is missing");
	t->p = at + 2;
	*c = -1;
	if (sign != ':') {
		if (at - name != 1)
			return fail(t, "a name that is no character");
		*c = (unsigned char)*name;
		return 0;
	}
	/* "word" is ours alone. */
	if (strncmp(name, "word:", 5) == 0 ||
	    ere_set_class(s, name, (size_t)(at - name)) == -1)
		return fail(t, "there is no class of this name");
	return 0;
}

/* One end of a range, or a class (then *c is -1). */
static int
parse_item(struct ere_tree *t, struct ere_set *s, int *c)
{
	if (t->end - t->p > 1 && *t->p == '[' &&
	    (t->p[1] == ':' || t->p[1] == '=' || t->p[1] == '.')) {
		t->p++;
		return parse_named(t, s, c);
	}
	*c = (unsigned char)*t->p++;
	return 0;
}

/* start-range "-" end-range, or one item. */
static int
parse_range(struct ere_tree *t, struct ere_set *s)
{
	int from, to;

	if (parse_item(t, s, &from) == -1)
		return -1;
	if (t->end - t->p < 2 || t->p[0] != '-' || t->p[1] == ']') {
		if (from != -1)
			ere_set_add(s, (unsigned char)from);
		return 0;
	}
	t->p++;
	if (parse_item(t, s, &to) == -1)
		return -1;
	if (from == -1 || to == -1 || from > to)
		return fail(t, "a range that is none");
	add_range(s, (unsigned)from, (unsigned)to);
	return 0;
}

static void
fold(struct ere_set *s)
{
	unsigned char c;

	for (c = 'a'; c <= 'z'; c++)
		if (ere_set_has(s, c) || ere_set_has(s, c - 'a' + 'A')) {
			ere_set_add(s, c);
			ere_set_add(s, (unsigned char)(c - 'a' + 'A'));
		}
}

int
ere_parse_bracket(struct ere_tree *t, struct ere_set *s)
{
	bool invert = t->p < t->end && *t->p == '^';
	const char *start;

	memset(s, 0, sizeof(*s));
	if (invert)
		t->p++;
	for (start = t->p; t->p < t->end; )
		if (*t->p == ']' && t->p != start)
			break;
		else if (parse_range(t, s) == -1)
			return -1;
	if (t->p == t->end)
		return fail(t, "\"]\" is missing");
	t->p++;
	if (t->fold)
		fold(s);
	if (invert)
		ere_set_invert(s);
	return 0;
}
