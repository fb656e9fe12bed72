/* SPDX-License-Identifier: ISC
 *
 * A script held against the words of the language: what each of them is, and
 * whether its arguments are those that it takes.  Nothing of a script runs
 * before all of it was found good (RFC 5228, section 2.10.6).
 *
 * Only a script that requires "ihave" may have words that nobody knows: they
 * are a fault when they are run (RFC 5463, section 4).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/siphash.h"
#include "sieve_script.h"
#include "sieve_vars.h"

struct check {
	struct sieve_script	*script;
	struct sieve_dictionary	 words;
	char			*error;		/* [SIEVE_ERROR_MAX] */
	bool			 soft;		/* ihave makes good for it */
	bool			 begun;		/* require is late */
	/* Of the call that is checked. */
	const struct sieve_tag	*tag[SIEVE_TAGS_MAX];
	const struct sieve_arg	*value[SIEVE_TAGS_MAX];
};

static int
fault(struct check *k, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
fault(struct check *k, unsigned line, const char *fmt, ...)
{
	va_list ap;
	int n;

	k->soft = false;
	n = snprintf(k->error, SIEVE_ERROR_MAX, "line %u: ", line);
	va_start(ap, fmt);
	(void)vsnprintf(k->error + n, SIEVE_ERROR_MAX - (size_t)n, fmt, ap);
	va_end(ap);
	return -1;
}

/* The same, of what another implementation may know. */
#define soft_fault(k, ...) \
	(fault((k), __VA_ARGS__), (k)->soft = (k)->script->ihave, -1)

static int
nomem(struct check *k)
{
	return fault(k, 0, "no memory");
}

/* ---- for the words' own checks ---- */

void *
sieve_call_alloc(struct sieve_call *c, size_t n)
{
	void *p;

	if ((p = sieve_tree_alloc(c->script->tree, n)) != NULL)
		memset(p, 0, n);
	return p;
}

int
sieve_call_defer(struct sieve_call *c, void (*call)(void *), void *arg)
{
	struct sieve_later *l;

	if ((l = sieve_tree_alloc(c->script->tree, sizeof(*l))) == NULL) {
		call(arg);
		return -1;
	}
	l->call = call;
	l->arg = arg;
	l->next = c->script->later;
	c->script->later = l;
	return 0;
}

bool
sieve_call_may(const struct sieve_call *c, const char *extension)
{
	const struct sieve_script *s = c->script;
	uint64_t bit = sieve_extension_bit(extension);

	if ((s->required & bit) != 0)
		return true;
	return s->ihave && bit != 0 && strcmp(extension, SIEVE_VARIABLES) != 0;
}

bool
sieve_call_needs(struct sieve_call *c, const char *extension)
{
	if (!sieve_call_may(c, extension))
		return false;
	c->needs |= sieve_extension_bit(extension) & ~c->script->required;
	return true;
}

int
sieve_tag(const struct sieve_call *c, const char *name,
    const struct sieve_arg **value)
{
	size_t i;

	for (i = 0; i < c->ntags; i++)
		if (*c->tag[i]->name == *name &&
		    strcmp(c->tag[i]->name, name) == 0) {
			if (value != NULL)
				*value = c->value[i];
			return 1;
		}
	return 0;
}

/* ---- require ---- */

/* Some extensions bring another with them: RFC 6131, section 2; RFC 5229 and
 * the others have none. */
static uint64_t
implied(const char *name)
{
	return strcmp(name, "vacation-seconds") == 0 ?
	    sieve_extension_bit("vacation") : 0;
}

/* All names that we lack, in one message. */
static int
unknown(struct check *k, const struct sieve_arg *a)
{
	char list[SIEVE_ERROR_MAX - 80] = "";
	size_t i;

	for (i = 0; i < a->n; i++)
		if (!sieve_available(a->strings[i].text)) {
			if (*list != '\0')
				strlcat(list, ", ", sizeof(list));
			strlcat(list, "\"", sizeof(list));
			strlcat(list, a->strings[i].text, sizeof(list));
			strlcat(list, "\"", sizeof(list));
		}
	return fault(k, a->line, "require: there is no extension %s", list);
}

static int
require(struct check *k, struct sieve_call *c)
{
	const struct sieve_arg *a = c->arg[0];
	uint64_t bit;
	size_t i;

	if (k->begun)
		return fault(k, c->line, "require must stand before all else");
	for (i = 0; i < a->n; i++) {
		if ((bit = sieve_extension_bit(a->strings[i].text)) == 0)
			return unknown(k, a);
		k->script->required |= bit | implied(a->strings[i].text);
		if (strcmp(a->strings[i].text, "ihave") == 0)
			k->script->ihave = true;
	}
	return 0;
}

/* What a word or a tag needs; what is only there when ihave finds it is for
 * sieve_run.c. */
static int
needs(struct check *k, struct sieve_call *c, unsigned line, const char *colon,
    const char *name, const char *extension)
{
	uint64_t bit;

	if (extension == NULL)
		return 0;
	bit = sieve_extension_bit(extension);
	if ((k->script->required & bit) != 0)
		return 0;
	if (!k->script->ihave)
		return fault(k, line, "\"%s%s\" needs require \"%s\"",
		    colon, name, extension);
	c->needs |= bit;
	return 0;
}

/* ---- arguments ---- */

static const struct sieve_tag *
find_tag(const struct sieve_word *w, const char *name)
{
	size_t i, j;

	for (i = 0; i < sizeof(w->tags) / sizeof(*w->tags) &&
	    w->tags[i] != NULL; i++)
		for (j = 0; j < w->tags[i]->n; j++)
			if (*w->tags[i]->rows[j].name == *name &&
			    strcmp(w->tags[i]->rows[j].name, name) == 0)
				return &w->tags[i]->rows[j];
	return NULL;
}

/* Is it what the letter says?  NULL, or what would be. */
static const char *
not_a(char letter, const struct sieve_arg *a)
{
	if (letter == 'n')
		return a->kind == SIEVE_NUMBER ? NULL : "a number";
	if (letter == 'S')
		return a->kind == SIEVE_STRINGS ? NULL : "strings";
	return a->kind == SIEVE_STRINGS && !a->list ? NULL : "one string";
}

static int
conflict(struct check *k, const struct sieve_call *c,
    const struct sieve_tag *t, unsigned line)
{
	size_t i;

	for (i = 0; i < c->ntags; i++)
		if (c->tag[i] == t)
			return fault(k, line, "\":%s\" stands twice", t->name);
		else if (t->group != 0 && c->tag[i]->group == t->group)
			return fault(k, line, "\":%s\" and \":%s\" exclude "
			    "each other", c->tag[i]->name, t->name);
	if (c->ntags == SIEVE_TAGS_MAX)
		return fault(k, line, "more than %d tags", SIEVE_TAGS_MAX);
	return 0;
}

/* A tag at *i, with its value. */
static int
take_tag(struct check *k, struct sieve_call *c, const struct sieve_node *n,
    size_t *i)
{
	const struct sieve_arg *a = &n->args[*i], *value = NULL;
	const char *name = a->strings[0].text, *want;
	const struct sieve_tag *t;

	if ((t = find_tag(c->word, name)) == NULL)
		return soft_fault(k, a->line, "\"%s\" has no \":%s\"",
		    n->name, name);
	if (c->arg[0] != NULL)
		return fault(k, a->line, "\":%s\" must stand before the "
		    "arguments of \"%s\" that have no colon", name, n->name);
	if (needs(k, c, a->line, ":", name, t->needs) == -1 ||
	    conflict(k, c, t, a->line) == -1)
		return -1;
	if (t->arg != '\0') {
		if (*i + 1 == n->nargs || (want = not_a(t->arg,
		    &n->args[*i + 1])) != NULL)
			return fault(k, a->line, "behind \":%s\" must stand "
			    "%s", name, t->arg == 'n' ? "a number" :
			    t->arg == 'S' ? "strings" : "one string");
		value = &n->args[++*i];
	}
	c->tag[c->ntags] = t;
	c->value[c->ntags++] = value;
	return 0;
}

/* Most calls have few tags, or none. */
static int
keep_tags(struct check *k, struct sieve_call *c)
{
	size_t size = c->ntags * sizeof(void *);

	c->tag = NULL;
	c->value = NULL;
	if (c->ntags == 0)
		return 0;
	if ((c->tag = sieve_call_alloc(c, size)) == NULL ||
	    (c->value = sieve_call_alloc(c, size)) == NULL)
		return nomem(k);
	memcpy(c->tag, k->tag, size);
	memcpy(c->value, k->value, size);
	return 0;
}

/* How many of the letters are arguments, and how many must be there. */
static size_t
places(const char *letters, char place[SIEVE_ARGS_MAX], size_t *least)
{
	size_t n = 0;

	*least = SIZE_MAX;
	for (; *letters != '\0' && strchr("sSn[", *letters) != NULL;
	    letters++) {
		if (*letters == '[')
			*least = n;
		else
			place[n++] = *letters;
	}
	if (*least == SIZE_MAX)
		*least = n;
	return n;
}

/* What stands in strings: characters in hexadecimal, then variables
 * (RFC 5229, section 3.1). */
static int
check_strings(struct check *k, const struct sieve_call *c,
    const struct sieve_arg *a)
{
	bool hex = (k->script->required &
	    sieve_extension_bit(SIEVE_ENCODED)) != 0;
	bool vars = sieve_call_may(c, SIEVE_VARIABLES);
	const char *why = NULL;
	size_t i;

	for (i = 0; i < a->n; i++)
		if ((hex && sieve_encoded(k->script->tree, &a->strings[i],
		    &why) == -1) || (vars && sieve_vars_check(c,
		    &a->strings[i], &why) == -1))
			return fault(k, a->line, "%s", why);
	return 0;
}

static int
take_args(struct check *k, struct sieve_call *c, const struct sieve_node *n)
{
	char place[SIEVE_ARGS_MAX];
	size_t least, most = places(c->word->args, place, &least), i, got = 0;
	const char *want;

	c->tag = k->tag;
	c->value = k->value;
	for (i = 0; i < n->nargs; i++) {
		if (n->args[i].kind == SIEVE_TAG) {
			if (take_tag(k, c, n, &i) == -1)
				return -1;
			continue;
		}
		if (got == most)
			return fault(k, n->args[i].line, "\"%s\" has an "
			    "argument too many", n->name);
		if ((want = not_a(place[got], &n->args[i])) != NULL)
			return fault(k, n->args[i].line, "argument %zu of "
			    "\"%s\" must be %s", got + 1, n->name, want);
		c->arg[got++] = &n->args[i];
	}
	if (got < least)
		return fault(k, n->line, "\"%s\" has %zu argument%s, but needs "
		    "%zu", n->name, got, got == 1 ? "" : "s", least);
	for (i = 0; i < n->nargs; i++)
		if (n->args[i].kind == SIEVE_STRINGS &&
		    check_strings(k, c, &n->args[i]) == -1)
			return -1;
	return keep_tags(k, c);
}

/* ---- tests and blocks ---- */

static int check_list(struct check *, const struct sieve_node *, bool,
    struct sieve_call **);

static int
take_tests(struct check *k, struct sieve_call *c, const struct sieve_node *n)
{
	const char *letters = c->word->args;

	if (strchr(letters, 'T') != NULL) {
		if (!n->test_list)
			return fault(k, n->line, "\"%s\" needs tests in "
			    "parentheses", n->name);
	} else if (strchr(letters, 't') != NULL) {
		if (n->test_list || n->tests == NULL)
			return fault(k, n->line, "\"%s\" needs one test",
			    n->name);
	} else if (n->tests != NULL)
		return fault(k, n->line, n->test_list ? "\"%s\" takes no "
		    "tests" : "\"%s\" takes no test: is a \";\" missing "
		    "before \"%.40s\" in line %u?", n->name, n->tests->name,
		    n->tests->line);
	return check_list(k, n->tests, true, &c->tests);
}

static int
take_block(struct check *k, struct sieve_call *c, const struct sieve_node *n)
{
	bool want = strchr(c->word->args, 'b') != NULL;

	if (want && !n->has_block)
		return fault(k, n->line, "\"%s\" needs a block in braces",
		    n->name);
	if (!want && n->has_block)
		return fault(k, n->line, "\"%s\" takes no block", n->name);
	return check_list(k, n->block, false, &c->block);
}

/* ---- a command or test ---- */

static int
kind_fits(struct check *k, const struct sieve_node *n,
    const struct sieve_word *w, bool test)
{
	if (w == NULL)
		return soft_fault(k, n->line, "there is no %s \"%.60s\"",
		    test ? "test" : "command", n->name);
	if (test && w->kind != SIEVE_TEST)
		return fault(k, n->line, "\"%s\" is no test: is a \";\" "
		    "missing before it?", n->name);
	if (!test && w->kind == SIEVE_TEST)
		return fault(k, n->line, "\"%s\" is a test: it stands behind "
		    "\"if\"", n->name);
	return 0;
}

static int
take(struct check *k, struct sieve_call *c, const struct sieve_node *n,
    bool test)
{
	const char *why = NULL;

	if (kind_fits(k, n, c->word, test) == -1 ||
	    needs(k, c, n->line, "", n->name, c->word->needs) == -1 ||
	    take_args(k, c, n) == -1)
		return -1;
	if (c->word->check != NULL && c->word->check(c, &why) == -1)
		return soft_fault(k, n->line, "\"%s\": %s", n->name,
		    why != NULL ? why : "no memory");
	if (strcmp(n->name, "require") != 0)
		k->begun = true;
	else if (require(k, c) == -1)
		return -1;
	return take_tests(k, c, n) == -1 || take_block(k, c, n) == -1 ?
	    -1 : 0;
}

static int
run_broken(struct sieve_run *r, const struct sieve_call *c)
{
	return sieve_fail(r, "%s", c->broken);
}

/* A fault that may never be met: it is one when it is run. */
static int
later(struct check *k, struct sieve_call *c)
{
	static const struct sieve_word broken = { "unknown", NULL, SIEVE_TEST,
	    "", { NULL }, NULL, run_broken };
	const char *words = strstr(k->error, ": ");
	char *copy;

	words = words != NULL ? words + 2 : k->error;
	if ((copy = sieve_call_alloc(c, strlen(words) + 1)) == NULL)
		return nomem(k);
	strlcpy(copy, words, strlen(words) + 1);
	c->broken = copy;
	c->ntags = 0;
	c->word = &broken;
	c->tests = c->block = NULL;
	k->soft = false;
	return 0;
}

static bool
is_branch(const struct sieve_node *n)
{
	return strcmp(n->name, "elsif") == 0 || strcmp(n->name, "else") == 0;
}

/* elsif and else stand behind an if or elsif. */
static int
check_order(struct check *k, const struct sieve_node *n,
    const struct sieve_node *before)
{
	if (!is_branch(n) || (before != NULL &&
	    (strcmp(before->name, "if") == 0 ||
	    strcmp(before->name, "elsif") == 0)))
		return 0;
	return fault(k, n->line, "\"%s\" without an \"if\" before it",
	    n->name);
}

static int
check_list(struct check *k, const struct sieve_node *n, bool test,
    struct sieve_call **out)
{
	const struct sieve_node *before = NULL;
	struct sieve_call *c;

	for (*out = NULL; n != NULL; before = n, n = n->next) {
		c = sieve_tree_alloc(k->script->tree, sizeof(*c));
		if (c == NULL)
			return nomem(k);
		memset(c, 0, sizeof(*c));
		c->script = k->script;
		c->line = n->line;
		c->word = sieve_words_find(&k->words, n->name);
		if (!test && check_order(k, n, before) == -1)
			return -1;
		if (take(k, c, n, test) == -1 &&
		    (!k->soft || later(k, c) == -1))
			return -1;
		*out = c;
		out = &c->next;
	}
	return 0;
}

/* Hold a tree against the words: fills in first, required, ihave.  0, or -1
 * with "line N: what". */
static int
check_script(struct sieve_script *s, struct sieve_node *first, char *error)
{
	struct check k = { .script = s, .error = error };

	sieve_words_load(&k.words);
	return check_list(&k, first, false, &s->first);
}

/* ---- a script ---- */

uint64_t
sieve_digest(const char *text, size_t n)
{
	const unsigned char key[SIPHASH_KEY] = { 0 };

	return siphash(key, text, n);
}

struct sieve_script *
sieve_compile(const char *name, const char *text, size_t n, char *error)
{
	struct sieve_script *s;
	struct sieve_node *first;
	char *copy;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		(void)snprintf(error, SIEVE_ERROR_MAX, "no memory");
		return NULL;
	}
	if ((s->tree = sieve_parse(text, n, &first, error)) == NULL) {
		free(s);
		return NULL;
	}
	if ((copy = sieve_tree_alloc(s->tree, strlen(name) + 1)) == NULL)
		(void)snprintf(error, SIEVE_ERROR_MAX, "no memory");
	else {
		strlcpy(copy, name, strlen(name) + 1);
		s->name = copy;
		s->digest = sieve_digest(text, n);
		if (check_script(s, first, error) == 0)
			return s;
	}
	sieve_free(s);
	return NULL;
}

void
sieve_free(struct sieve_script *s)
{
	struct sieve_later *l;

	if (s == NULL)
		return;
	for (l = s->later; l != NULL; l = l->next)
		l->call(l->arg);
	sieve_tree_free(s->tree);
	free(s);
}
