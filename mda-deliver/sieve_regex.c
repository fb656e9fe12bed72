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
#define SIZE_OF_ALL_MAX	3000	/* octets, repetitions written out */
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

struct scan {
	const char	*p, *end;
	size_t		 size[NEST_MAX + 1];	/* of the group so far */
	size_t		 depth;
	size_t		 last;		/* size of what was last in it */
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
add_item(struct scan *s, size_t size)
{
	s->last = size;
	s->size[s->depth] += size;
}

/* "{" was passed: what stood before it is there so many times. */
static const char *
scan_interval(struct scan *s)
{
	size_t most = 0, v = 0;

	for (; s->p < s->end && *s->p != '}'; s->p++) {
		if (*s->p == ',')
			v = 0;
		else if (char_is(*s->p, CHAR_DIGIT))
			v = v * 10 + (size_t)(*s->p - '0');
		if (v > REPEAT_MAX)
			return "too many repetitions";
		if (v > most)
			most = v;
	}
	if (s->p < s->end)
		s->p++;
	s->size[s->depth] += s->last * most;
	s->last *= most + 1;
	return NULL;
}

static const char *
scan_group(struct scan *s, char c)
{
	if (c == '(') {
		if (s->depth == NEST_MAX)
			return "too many \"(\" in each other";
		s->size[++s->depth] = 1;
	} else {
		if (s->depth == 0)
			return "\"(\" is missing";
		s->depth--;
		add_item(s, s->size[s->depth + 1]);
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
	add_item(s, 1);
	return NULL;
}

/* What is wrong with an expression, before libc sees it; or NULL. */
static const char *
scan(const char *text, size_t n)
{
	struct scan s = { .p = text, .end = text + n };
	const char *why = NULL;

	if (n > SIEVE_REGEX_MAX)
		return "it is too long";
	while (why == NULL && s.p < s.end) {
		why = scan_item(&s);
		if (why == NULL && s.size[s.depth] > SIZE_OF_ALL_MAX)
			why = "it is too large";
	}
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

struct sieve_regex *
sieve_regex_new(const struct sieve_string *s, bool fold, bool groups,
    const char **why)
{
	char any[SIEVE_REGEX_MAX + 16];
	int flags = fold ? REG_ICASE : 0;
	struct sieve_regex *r;

	if ((*why = scan(s->text, s->len)) != NULL ||
	    (r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	snprintf(any, sizeof(any), "%.*s", (int)s->len, s->text);
	/* Alone first: an error is to be its own. */
	if (compile(&r->where, any, flags, why) == -1) {
		free(r);
		return NULL;
	}
	r->has_where = true;
	snprintf(any, sizeof(any), "^.*(%.*s)", (int)s->len, s->text);
	if (compile(&r->any, any, flags | REG_NOSUB, why) == -1) {
		regfree(&r->where);
		free(r);
		return NULL;
	}
	if (!groups) {
		regfree(&r->where);
		r->has_where = false;
	}
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

static int
find_groups(const struct sieve_regex *r, const char *s, size_t n,
    struct glob_span *span, size_t nspan)
{
	regmatch_t m[SIEVE_MATCHED_MAX];
	size_t i;

	m[0].rm_so = 0;
	m[0].rm_eo = (regoff_t)n;
	if (regexec(&r->where, s, SIEVE_MATCHED_MAX, m, REG_STARTEND) != 0)
		return 0;
	for (i = 0; i < nspan && i < SIEVE_MATCHED_MAX; i++)
		if (m[i].rm_so >= 0 && m[i].rm_eo >= m[i].rm_so)
			span[i] = (struct glob_span){ (size_t)m[i].rm_so,
			    (size_t)(m[i].rm_eo - m[i].rm_so) };
	return 1;
}

/* On a text without NULs. */
static int
match_plain(struct sieve_run *run, const struct sieve_regex *r, const char *s,
    size_t n, struct glob_span *span, size_t nspan)
{
	bool groups = nspan > 0 && r->has_where;
	regmatch_t m = { .rm_so = 0, .rm_eo = (regoff_t)n };

	if (sieve_work(run, WORK_EACH * (uint64_t)n) == -1)
		return -1;
	if (regexec(&r->any, s, 0, &m, REG_STARTEND) != 0)
		return 0;
	if (!groups)
		return 1;
	return sieve_work(run, (uint64_t)n * n) == -1 ? -1 :
	    find_groups(r, s, n, span, nspan);
}

int
sieve_regex_match(struct sieve_run *run, const struct sieve_regex *r,
    const char *s, size_t n, struct glob_span *span, size_t nspan)
{
	size_t most = nspan > 0 ? VALUE_SHORT : VALUE_LONG, i;
	char *copy;
	int found;

	for (i = 0; i < nspan; i++)
		span[i] = (struct glob_span){ SIZE_MAX, 0 };
	if (n > most)
		n = most;
	/* With an end that whoever ignores REG_STARTEND sees too; "." takes all
	 * but a NUL. */
	if ((copy = malloc(n + 1)) == NULL)
		return sieve_nomem(run);
	for (i = 0; i < n; i++)
		copy[i] = s[i] == '\0' ? ' ' : s[i];
	copy[n] = '\0';
	found = match_plain(run, r, copy, n, span, nspan);
	free(copy);
	return found;
}
