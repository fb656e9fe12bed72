/* SPDX-License-Identifier: ISC
 *
 * See sieve_regex.h.  regexec(3) begins anew at each octet of a text, and keeps
 * each state that it meets; so an expression is looked for first as "^.*(x)",
 * which goes through a text but once, and only where it is are its place and
 * its groups asked for; and texts have an end.  Backreferences, whose time
 * nothing bounds, are refused, and so are repetitions that make an expression
 * large.
 */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/chars.h"
#include "sieve_regex.h"
#include "sieve_vars.h"

#define NEST_MAX	30	/* parentheses in each other */
#define SIZE_MOST	3000	/* octets, repetitions written out */
#define LOOSE_MOST	500	/* of them such as may be missing: what libc
				 * makes of them grows with their square */
#define REPEAT_MAX	255	/* x{255}, as POSIX has it at least */
#define VALUE_LONG	(64u << 10)	/* looked at, of a value */
#define VALUE_SHORT	(8u << 10)	/* likewise, where groups are wanted */
#define WORK_EACH	16	/* for an octet */

struct sieve_regex {
	regex_t	any;		/* "^.*(x)": is it there? */
	regex_t	where;		/* x */
	bool	has_where;
};

/* ---- bounds ---- */

/* How large an expression is. */
struct measure {
	size_t	size, loose;
};

struct scan {
	const char	*p, *end;
	struct measure	 group[NEST_MAX + 1];	/* so far */
	size_t		 depth;
	struct measure	 last;		/* what was last in it */
};

/* Behind a bracket expression, whose "[" was passed. */
static void
skip_bracket(struct scan *s)
{
	char sign;

	if (s->p < s->end && *s->p == '^')
		s->p++;
	if (s->p < s->end && *s->p == ']')
		s->p++;
	while (s->p < s->end && *s->p != ']') {
		if (s->end - s->p < 2 || *s->p != '[' ||
		    strchr(":=.", sign = s->p[1]) == NULL) {
			s->p++;
			continue;
		}
		for (s->p += 2; s->end - s->p > 1 && (s->p[0] != sign ||
		    s->p[1] != ']'); s->p++)
			;
		s->p += s->end - s->p > 1 ? 2 : 1;
	}
	if (s->p < s->end)
		s->p++;
}

static void
add_item(struct scan *s, size_t size, size_t loose)
{
	s->last = (struct measure){ size, loose };
	s->group[s->depth].size += size;
	s->group[s->depth].loose += loose;
}

/* "{" was passed: what stood before it is there so many times, and some of
 * them may be missing. */
static const char *
scan_interval(struct scan *s)
{
	size_t most = 0, v = 0, loose = 0;

	for (; s->p < s->end && *s->p != '}'; s->p++) {
		if (*s->p == ',') {
			v = 0;
			loose = 1;
		} else if (char_is(*s->p, CHAR_DIGIT))
			v = v * 10 + (size_t)(*s->p - '0');
		if (v > REPEAT_MAX)
			return "too many repetitions";
		if (v > most)
			most = v;
	}
	if (s->p < s->end)
		s->p++;
	loose *= most + 1;
	add_item(s, s->last.size * most, s->last.loose * most + loose);
	return NULL;
}

static const char *
scan_group(struct scan *s, char c)
{
	if (c == '(') {
		if (s->depth == NEST_MAX)
			return "too many \"(\" in each other";
		s->group[++s->depth] = (struct measure){ 1, 0 };
	} else {
		if (s->depth == 0)
			return "\"(\" is missing";
		s->depth--;
		add_item(s, s->group[s->depth + 1].size,
		    s->group[s->depth + 1].loose);
	}
	return NULL;
}

static const char *
scan_item(struct scan *s)
{
	char c = *s->p++;

	switch (c) {
	case '\0':
		return "it has a NUL";
	case '(':
	case ')':
		return scan_group(s, c);
	case '{':
		return scan_interval(s);
	case '*':
	case '+':
	case '?':
		/* Doubled, it is large at once. */
		add_item(s, s->last.size, s->last.loose + 1);
		return NULL;
	case '[':
		skip_bracket(s);
		break;
	case '\\':
		if (s->p < s->end && char_is(*s->p, CHAR_DIGIT))
			return "backreferences are not known";
		if (s->p < s->end)
			s->p++;
		break;
	}
	add_item(s, 1, 0);
	return NULL;
}

/* What is wrong with an expression, before libc sees it; or NULL, and what it
 * costs to compile it. */
static const char *
scan(const char *text, size_t n, size_t *cost)
{
	struct scan s = { .p = text, .end = text + n };
	const struct measure *all = &s.group[0];
	const char *why = NULL;

	if (n > SIEVE_REGEX_MAX)
		return "it is too long";
	while (why == NULL && s.p < s.end) {
		why = scan_item(&s);
		if (why == NULL && (s.group[s.depth].size > SIZE_MOST ||
		    s.group[s.depth].loose > LOOSE_MOST))
			why = "it is too large";
	}
	*cost = 1 + all->size + all->loose * all->loose;
	return why == NULL && s.depth > 0 ? "\")\" is missing" : why;
}

/* ---- expressions ---- */

static int
compile(regex_t *re, const char *text, int flags, const char **why)
{
	static char error[128];
	int r = regcomp(re, text, REG_EXTENDED | flags);

	if (r == 0)
		return 0;
	if (r != REG_ESPACE) {
		(void)regerror(r, re, error, sizeof(error));
		*why = error;
	}
	return -1;
}

/* The error of an expression alone is its own. */
static struct sieve_regex *
fail(struct sieve_regex *r, const char *text, const char **why)
{
	if (*why != NULL && compile(&r->where, text, REG_NOSUB, why) == 0)
		regfree(&r->where);
	free(r);
	return NULL;
}

struct sieve_regex *
sieve_regex_new(const struct sieve_string *s, bool fold, bool groups,
    size_t *cost, const char **why)
{
	char any[SIEVE_REGEX_MAX + 16], alone[SIEVE_REGEX_MAX + 1];
	int flags = fold ? REG_ICASE : 0;
	struct sieve_regex *r;

	if ((*why = scan(s->text, s->len, cost)) != NULL ||
	    (r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	snprintf(alone, sizeof(alone), "%.*s", (int)s->len, s->text);
	snprintf(any, sizeof(any), "^.*(%s)", alone);
	if (compile(&r->any, any, flags | REG_NOSUB, why) == -1)
		return fail(r, alone, why);
	if (groups && compile(&r->where, alone, flags, why) == -1) {
		regfree(&r->any);
		free(r);
		return NULL;
	}
	r->has_where = groups;
	return r;
}

void
sieve_regex_free(struct sieve_regex *r)
{
	if (r == NULL)
		return;
	if (r->has_where)
		regfree(&r->where);
	regfree(&r->any);
	free(r);
}

/* ---- matching ---- */

/* 1, 0, -1 no memory. */
static int
find_groups(const struct sieve_regex *r, const char *s, int flags,
    struct glob_span *span, size_t nspan)
{
	regmatch_t m[SIEVE_MATCHED_MAX];
	size_t i;
	int error = regexec(&r->where, s, SIEVE_MATCHED_MAX, m, flags);

	if (error != 0)
		return error == REG_NOMATCH ? 0 : -1;
	for (i = 0; i < nspan && i < SIEVE_MATCHED_MAX; i++)
		if (m[i].rm_so >= 0 && m[i].rm_eo >= m[i].rm_so)
			span[i] = (struct glob_span){ (size_t)m[i].rm_so,
			    (size_t)(m[i].rm_eo - m[i].rm_so) };
	return 1;
}

/* A text of n octets, and a NUL. */
static int
match_text(struct sieve_run *run, const struct sieve_regex *r, const char *s,
    size_t n, int flags, struct glob_span *span, size_t nspan)
{
	int error;

	if (sieve_work(run, WORK_EACH * (uint64_t)n) == -1)
		return -1;
	if ((error = regexec(&r->any, s, 0, NULL, flags)) != 0)
		return error == REG_NOMATCH ? 0 : sieve_nomem(run);
	if (nspan == 0 || !r->has_where)
		return 1;
	if (sieve_work(run, (uint64_t)n * n) == -1)
		return -1;
	error = find_groups(r, s, flags, span, nspan);
	return error == -1 ? sieve_nomem(run) : error;
}

int
sieve_regex_match(struct sieve_run *run, const struct sieve_regex *r,
    const char *s, size_t n, struct glob_span *span, size_t nspan)
{
	size_t most = nspan > 0 ? VALUE_SHORT : VALUE_LONG, i;
	int flags = 0, found;
	char *copy;

	for (i = 0; i < nspan; i++)
		span[i] = (struct glob_span){ SIZE_MAX, 0 };
	if (n > most) {
		n = most;
		flags = REG_NOTEOL;
	}
	if ((copy = malloc(n + 1)) == NULL)
		return sieve_nomem(run);
	for (i = 0; i < n; i++)
		copy[i] = s[i] == '\0' ? ' ' : s[i];
	copy[n] = '\0';
	found = match_text(run, r, copy, n, flags, span, nspan);
	free(copy);
	return found;
}
