/* SPDX-License-Identifier: ISC
 *
 * Variables: what is kept of them, and how they get into strings (RFC 5229,
 * section 3).  The words "set" and "string" are in sieve_set.c.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "sieve_vars.h"

struct variable {
	char			*name;	/* small letters */
	char			*text;	/* of the value; NULL: it has none */
	struct sieve_string	 value;
	bool			 global; /* it is the one of this name there */
};

struct scope {
	struct scope	*outer;		/* of the script that includes */
	struct variable	*v;
	size_t		 n, cap;
	struct sieve_string matched[SIEVE_MATCHED_MAX];
	size_t		 nmatched;
	struct buf	 text;		/* what matched points into */
};

struct sieve_vars {
	struct scope	*now;
	struct scope	 global;
	size_t		 octets;	/* of all values */
};

/* ---- references in a string ---- */

struct reference {
	const char	*name;		/* with its namespace */
	size_t		 len;
	size_t		 space;		/* octets of it up to its last "." */
	bool		 number;	/* ${1} */
	const char	*end;		/* behind "}" */
};

static bool
begins_name(char c)
{
	return char_is(c, CHAR_ALPHA) || c == '_';
}

static bool
is_digit(char c)
{
	return char_is(c, CHAR_DIGIT) != 0;
}

/* variable-name = num-variable / identifier: its end, or NULL. */
static const char *
take_name(const char *p, const char *end)
{
	bool number = p < end && is_digit(*p);

	if (p == end || !(number || begins_name(*p)))
		return NULL;
	while (p < end && (is_digit(*p) || (!number && begins_name(*p))))
		p++;
	return p;
}

/* [namespace] variable-name; namespace = identifier "." *(variable-name ".").
 * Its end, or NULL. */
static const char *
take_full_name(const char *p, const char *end, struct reference *r)
{
	r->name = p;
	r->space = 0;
	r->number = p < end && is_digit(*p);
	while ((p = take_name(p, end)) != NULL && p < end && *p == '.' &&
	    !r->number)
		r->space = (size_t)(++p - r->name);
	if (p != NULL)
		r->len = (size_t)(p - r->name);
	return p;
}

/* variable-ref = "${" [namespace] variable-name "}", at p. */
static bool
take_reference(const char *p, const char *end, struct reference *r)
{
	if (end - p < 4 || p[0] != '$' || p[1] != '{')
		return false;
	p = take_full_name(p + 2, end, r);
	if (p == NULL || p == end || *p != '}')
		return false;
	r->end = p + 1;
	return true;
}

/* The next one from p on: where it begins, or NULL. */
static const char *
find_reference(const char *p, const char *end, struct reference *r)
{
	for (; p < end && (p = memchr(p, '$', (size_t)(end - p))) != NULL;
	    p++)
		if (take_reference(p, end, r))
			return p;
	return NULL;
}

/* Of ${007}; what is too large is SIEVE_MATCHED_MAX. */
static size_t
number_of(const struct reference *r)
{
	size_t v = 0, i;

	for (i = 0; i < r->len && v < SIEVE_MATCHED_MAX; i++)
		v = v * 10 + (size_t)(r->name[i] - '0');
	return v < SIEVE_MATCHED_MAX ? v : SIEVE_MATCHED_MAX;
}

static const char space_global[] = "global.";

static bool
in_global(const char *name, size_t len)
{
	const size_t n = sizeof(space_global) - 1;

	return len > n && chars_equal(name, n, space_global, n);
}

/* ---- when a script is compiled ---- */

bool
sieve_vars_constant(const struct sieve_call *c, const struct sieve_string *s)
{
	struct reference r;

	return find_reference(s->text, s->text + s->len, &r) == NULL ||
	    !sieve_call_may(c, "variables");
}

/* A namespace that is there; and its name no number, for "global". */
static int
check_space(const struct sieve_call *c, const struct reference *r,
    const char **why)
{
	*why = "a variable in a namespace that is not required";
	if (r->space != sizeof(space_global) - 1 ||
	    !in_global(r->name, r->len) || !sieve_call_may(c, "include"))
		return -1;
	*why = "a number is no name in \"global.\"";
	return is_digit(r->name[r->space]) ? -1 : 0;
}

int
sieve_vars_check(const struct sieve_call *c, const struct sieve_string *s,
    const char **why)
{
	const char *p = s->text, *end = p + s->len;
	struct reference r;

	while ((p = find_reference(p, end, &r)) != NULL) {
		if (r.space > 0 && check_space(c, &r, why) == -1)
			return -1;
		if (r.number && number_of(&r) == SIEVE_MATCHED_MAX) {
			*why = "match variables end at ${31}";
			return -1;
		}
		p = r.end;
	}
	return 0;
}

int
sieve_vars_check_name(const struct sieve_call *c,
    const struct sieve_string *s, const char **why)
{
	const char *end = s->text + s->len;
	struct reference r;

	*why = "this is no name of a variable";
	if (take_full_name(s->text, end, &r) != end || r.number ||
	    s->len == 0)
		return -1;
	if (r.space > 0 && check_space(c, &r, why) == -1)
		return -1;
	*why = "the name of a variable is too long";
	return s->len > SIEVE_VARS_NAME_MAX ? -1 : 0;
}

bool
sieve_vars_is_name(const struct sieve_string *s)
{
	const char *end = s->text + s->len;

	return s->len > 0 && s->len <= SIEVE_VARS_NAME_MAX &&
	    begins_name(*s->text) && take_name(s->text, end) == end;
}

/* ---- scopes ---- */

int
sieve_vars_enter(struct sieve_run *run)
{
	struct scope *s;

	if (run->vars == NULL &&
	    (run->vars = calloc(1, sizeof(*run->vars))) == NULL)
		return sieve_nomem(run);
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return sieve_nomem(run);
	buf_init(&s->text, SIEVE_MATCHED_MAX * SIEVE_VALUE_MAX);
	s->outer = run->vars->now;
	run->vars->now = s;
	return 0;
}

static void
empty_scope(struct sieve_vars *vars, struct scope *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		vars->octets -= s->v[i].value.len;
		free(s->v[i].name);
		free(s->v[i].text);
	}
	free(s->v);
	buf_free(&s->text);
}

void
sieve_vars_leave(struct sieve_run *run)
{
	struct scope *s = run->vars->now;

	run->vars->now = s->outer;
	empty_scope(run->vars, s);
	free(s);
}

void
sieve_vars_free(struct sieve_vars *vars)
{
	struct scope *s;

	if (vars == NULL)
		return;
	while ((s = vars->now) != NULL) {
		vars->now = s->outer;
		empty_scope(vars, s);
		free(s);
	}
	empty_scope(vars, &vars->global);
	free(vars);
}

static struct variable *
find(const struct scope *s, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (chars_is(name, len, s->v[i].name))
			return &s->v[i];
	return NULL;
}

/* A new one without a value; NULL as sieve_fail() or sieve_nomem(). */
static struct variable *
add(struct sieve_run *run, struct scope *s, const char *name, size_t len)
{
	size_t cap = s->cap > 0 ? 2 * s->cap : 16, i;
	struct variable *v;

	if (s->n == SIEVE_VARS_MAX) {
		sieve_fail(run, "too many variables");
		return NULL;
	}
	if (s->n == s->cap) {
		if ((v = reallocarray(s->v, cap, sizeof(*v))) == NULL) {
			sieve_nomem(run);
			return NULL;
		}
		s->v = v;
		s->cap = cap;
	}
	v = &s->v[s->n];
	memset(v, 0, sizeof(*v));
	if ((v->name = malloc(len + 1)) == NULL) {
		sieve_nomem(run);
		return NULL;
	}
	for (i = 0; i < len; i++)
		v->name[i] = (char)char_lower(name[i]);
	v->name[len] = '\0';
	s->n++;
	return v;
}

/* Where a name is to be looked for; without its namespace then. */
static struct scope *
scope_of(struct sieve_vars *vars, const char **name, size_t *len)
{
	const struct variable *v;

	if (in_global(*name, *len)) {
		*name += sizeof(space_global) - 1;
		*len -= sizeof(space_global) - 1;
		return &vars->global;
	}
	v = find(vars->now, *name, *len);
	return v != NULL && v->global ? &vars->global : vars->now;
}

const struct sieve_string *
sieve_vars_get(struct sieve_run *run, const char *name, size_t len)
{
	static const struct sieve_string empty = { "", 0 };
	const struct scope *s = scope_of(run->vars, &name, &len);
	const struct variable *v = find(s, name, len);

	return v == NULL || v->text == NULL ? &empty : &v->value;
}

/* At most so many octets of a text, no character cut. */
static size_t
whole_chars(const char *s, size_t n, size_t most)
{
	size_t k = most;

	if (n <= most)
		return n;
	while (k > 0 && most - k < 4 && ((unsigned char)s[k] & 0xc0) == 0x80)
		k--;
	return ((unsigned char)s[k] & 0xc0) == 0x80 ? most : k;
}

int
sieve_vars_set(struct sieve_run *run, const char *name, size_t len,
    const char *value, size_t n)
{
	struct scope *s = scope_of(run->vars, &name, &len);
	struct variable *v = find(s, name, len);
	size_t left;
	char *copy;

	if (v == NULL && (v = add(run, s, name, len)) == NULL)
		return -1;
	run->vars->octets -= v->value.len;
	left = SIEVE_VARS_OCTETS_MAX - run->vars->octets;
	n = whole_chars(value, n, left < SIEVE_VALUE_MAX ? left :
	    SIEVE_VALUE_MAX);
	if ((copy = malloc(n + 1)) == NULL) {
		run->vars->octets += v->value.len;
		return sieve_nomem(run);
	}
	if (n > 0)
		memcpy(copy, value, n);
	copy[n] = '\0';
	free(v->text);
	v->text = copy;
	v->value = (struct sieve_string){ copy, n };
	run->vars->octets += n;
	return 0;
}

int
sieve_vars_global(struct sieve_run *run, const char *name)
{
	struct scope *s = run->vars->now;
	struct variable *v = find(s, name, strlen(name));

	if (v != NULL)
		return v->global;
	if ((v = add(run, s, name, strlen(name))) == NULL)
		return -1;
	v->global = true;
	return 1;
}

/* ---- what a match took ---- */

int
sieve_vars_matched(struct sieve_run *run, const struct sieve_string *texts,
    size_t n)
{
	struct scope *s = run->vars->now;
	size_t i, off = 0;

	if (n > SIEVE_MATCHED_MAX)
		n = SIEVE_MATCHED_MAX;
	buf_reset(&s->text);
	for (i = 0; i < n; i++) {
		s->matched[i].len = whole_chars(texts[i].text, texts[i].len,
		    SIEVE_VALUE_MAX);
		buf_add(&s->text, texts[i].text, s->matched[i].len);
	}
	s->nmatched = 0;
	if (buf_str(&s->text) == NULL)
		return sieve_nomem(run);
	for (i = 0; i < n; off += s->matched[i++].len)
		s->matched[i].text = buf_str(&s->text) + off;
	s->nmatched = n;
	return 0;
}

/* ---- strings ---- */

/* Append what fits. */
static void
put(struct buf *b, const char *s, size_t n)
{
	size_t most = b->max < SIEVE_VALUE_MAX ? b->max : SIEVE_VALUE_MAX;

	buf_add(b, s, whole_chars(s, n, most - b->len));
}

static void
put_reference(struct sieve_run *run, struct buf *b, const struct reference *r)
{
	const struct scope *s = run->vars->now;
	const struct sieve_string *value;
	size_t i;

	if (r->number) {
		if ((i = number_of(r)) < s->nmatched)
			put(b, s->matched[i].text, s->matched[i].len);
		return;
	}
	value = sieve_vars_get(run, r->name, r->len);
	put(b, value->text, value->len);
}

int
sieve_expand(struct sieve_run *run, const struct sieve_string *string,
    struct buf *b)
{
	const char *s = string->text, *end = s + string->len, *p;
	struct reference r;

	buf_reset(b);
	p = find_reference(s, end, &r);
	if (p != NULL && !sieve_enabled(run, "variables"))
		p = NULL;
	for (; p != NULL; p = find_reference(s, end, &r)) {
		put(b, s, (size_t)(p - s));
		put_reference(run, b, &r);
		s = r.end;
	}
	put(b, s, (size_t)(end - s));
	return buf_failed(b) ? sieve_nomem(run) : 0;
}
