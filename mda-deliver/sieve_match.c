/* SPDX-License-Identifier: ISC
 *
 * Match types (RFC 5228, section 2.7.1; RFC 5231; "regex" of
 * draft-murchison-sieve-regex): values of a message against keys of a script.
 * It must never take longer than the work that a run may do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "sieve_match.h"
#include "sieve_script.h"
#include "sieve_vars.h"

#define STEP_OCTETS	8	/* a step of a pattern is as much work as
				 * so many octets */

struct sieve_keys {
	struct sieve_key	*v;
	size_t			 n;
	struct buf		 mapped;	/* the value's */
};

enum { GROUP_MATCH = 1, GROUP_COMPARATOR, GROUP_PART };

static const struct sieve_tag match_rows[] = {
	{ "is", NULL, 0, GROUP_MATCH },
	{ "contains", NULL, 0, GROUP_MATCH },
	{ "matches", NULL, 0, GROUP_MATCH },
	{ "regex", "regex", 0, GROUP_MATCH },
	{ "value", "relational", 's', GROUP_MATCH },
	{ "count", "relational", 's', GROUP_MATCH },
	{ "comparator", NULL, 's', GROUP_COMPARATOR },
};

static const struct sieve_tag part_rows[] = {
	{ "all", NULL, 0, GROUP_PART },
	{ "localpart", NULL, 0, GROUP_PART },
	{ "domain", NULL, 0, GROUP_PART },
	{ "user", "subaddress", 0, GROUP_PART },
	{ "detail", "subaddress", 0, GROUP_PART },
};

static const struct sieve_tag index_rows[] = {
	{ "index", "index", 'n', 0 },
	{ "last", "index", 0, 0 },
};

#define ROWS(a)	{ a, sizeof(a) / sizeof(a[0]) }
const struct sieve_tags sieve_match_tags = ROWS(match_rows);
const struct sieve_tags sieve_part_tags = ROWS(part_rows);
const struct sieve_tags sieve_index_tags = ROWS(index_rows);

/* ---- when a script is compiled ---- */

static const char *const kinds[] = {
	[SIEVE_IS] = "is", [SIEVE_CONTAINS] = "contains",
	[SIEVE_MATCHES] = "matches", [SIEVE_REGEX] = "regex",
	[SIEVE_VALUE] = "value", [SIEVE_COUNT] = "count",
};

/* The match type of a call, and its relation. */
static int
check_kind(const struct sieve_call *c, struct sieve_match *how,
    const char **why)
{
	const struct sieve_arg *relation = NULL;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (sieve_tag(c, kinds[i], &relation)) {
			how->kind = (enum sieve_match_kind)i;
			break;
		}
	if (how->kind != SIEVE_VALUE && how->kind != SIEVE_COUNT)
		return 0;
	if (sieve_relation_find(&relation->strings[0], &how->relation) == 0)
		return 0;
	*why = "a relation is \"gt\", \"ge\", \"lt\", \"le\", \"eq\" or "
	    "\"ne\"";
	return -1;
}

static int
check_comparator(struct sieve_call *c, struct sieve_match *how,
    const char **why)
{
	const struct sieve_arg *name;
	char extension[64];

	if (!sieve_tag(c, "comparator", &name))
		return 0;
	*why = "nobody knows this comparator";
	if (sieve_comparator_find(&name->strings[0], &how->comparator) == -1)
		return -1;
	snprintf(extension, sizeof(extension), "comparator-%s",
	    name->strings[0].text);
	*why = "its comparator is not required";
	if ((how->comparator == SIEVE_ASCII_NUMERIC ||
	    how->comparator == SIEVE_UNICODE_CASEMAP) &&
	    !sieve_call_needs(c, extension))
		return -1;
	*why = "its comparator compares numbers, and finds no part of a text";
	if (how->comparator == SIEVE_ASCII_NUMERIC &&
	    (how->kind == SIEVE_CONTAINS || how->kind == SIEVE_MATCHES ||
	    how->kind == SIEVE_REGEX))
		return -1;
	*why = "its comparator has no regular expressions";
	return how->kind == SIEVE_REGEX &&
	    how->comparator == SIEVE_UNICODE_CASEMAP ? -1 : 0;
}

static void
free_regex(void *regex)
{
	sieve_regex_free(regex);
}

/* An expression that is constant. */
static int
check_regex(struct sieve_call *c, const struct sieve_string *s,
    struct sieve_compiled *made, size_t i, const char **why)
{
	char shown[SIEVE_SHOWN], *text;
	const char *wrong;
	size_t cost;

	made->regex[i] = sieve_regex_new(s, made->how.comparator ==
	    SIEVE_ASCII_CASEMAP, sieve_call_may(c, "variables"), &cost,
	    &wrong);
	if (made->regex[i] != NULL) {
		if (sieve_call_defer(c, free_regex, made->regex[i]) == -1)
			return -1;
		c->script->regexes += cost;
		*why = "its regular expressions are too large";
		return c->script->regexes > SIEVE_REGEX_COST_MAX ? -1 : 0;
	}
	*why = "no memory";
	if (wrong == NULL || (text = sieve_call_alloc(c,
	    SIEVE_ERROR_MAX)) == NULL)
		return -1;
	snprintf(text, SIEVE_ERROR_MAX, "regular expression \"%s\": %s",
	    sieve_shown(shown, s->text, s->len), wrong);
	*why = text;
	return -1;
}

static int
check_keys(struct sieve_call *c, const struct sieve_arg *keys,
    struct sieve_compiled *made, const char **why)
{
	size_t i;

	if (made->how.kind != SIEVE_REGEX)
		return 0;
	made->regex = sieve_call_alloc(c, keys->n * sizeof(*made->regex) + 1);
	if (made->regex == NULL)
		return -1;
	for (i = 0; i < keys->n; i++)
		if (sieve_vars_constant(c, &keys->strings[i]) &&
		    check_regex(c, &keys->strings[i], made, i, why) == -1)
			return -1;
	return 0;
}

int
sieve_match_check(struct sieve_call *c, size_t keys, const char **why)
{
	struct sieve_compiled *made = sieve_call_alloc(c, sizeof(*made));

	*why = "no memory";
	if (made == NULL)
		return -1;
	c->compiled = made;
	if (check_kind(c, &made->how, why) == -1 ||
	    check_comparator(c, &made->how, why) == -1)
		return -1;
	*why = "no memory";
	return check_keys(c, c->arg[keys], made, why);
}

/* ---- words for -t ---- */

char *
sieve_shown(char out[SIEVE_SHOWN], const char *s, size_t n)
{
	static const char more[] = "...";
	const char *end = n == 0 ? s : s + n;
	size_t len = 0, k;
	uint32_t c;

	for (; s < end && len < SIEVE_SHOWN - sizeof(more) - 4; s += k) {
		k = utf8_next(s, end, &c);
		if (k == 0 || c < ' ' || (c >= 127 && c < 160)) {
			out[len++] = c == '\r' || c == '\n' || c == '\t' ?
			    ' ' : '?';
			k = k == 0 ? 1 : k;
			continue;
		}
		memcpy(out + len, s, k);
		len += k;
	}
	memcpy(out + len, s < end ? more : "", s < end ? sizeof(more) : 1);
	return out;
}

static void
show_value(struct sieve_matching *m, const char *s, size_t n)
{
	if (m->run->watch != NULL)
		sieve_shown(m->shown, s, n);
}

/* ':is', ':value "ge"' */
static const char *
say_how(const struct sieve_matching *m, char out[SIEVE_SHOWN])
{
	bool relation = m->how.kind == SIEVE_VALUE ||
	    m->how.kind == SIEVE_COUNT;

	snprintf(out, SIEVE_SHOWN, ":%s%s%s%s", kinds[m->how.kind],
	    relation ? " \"" : "", relation ?
	    sieve_relation_name(m->how.relation) : "", relation ? "\"" : "");
	return out;
}

static void
say_match(struct sieve_matching *m, const struct sieve_key *k)
{
	char key[SIEVE_SHOWN], how[SIEVE_SHOWN];

	if (m->run->watch != NULL)
		sieve_say(m->run, "%s: \"%s\" %s \"%s\": yes", m->what,
		    m->shown, say_how(m, how), sieve_shown(key, k->text,
		    k->len));
}

static void
say_none(struct sieve_matching *m)
{
	char value[SIEVE_SHOWN + 16], key[SIEVE_SHOWN + 16], how[SIEVE_SHOWN],
	    shown[SIEVE_SHOWN];
	const struct sieve_keys *keys = m->ready;

	if (m->run->watch == NULL)
		return;
	if (m->count == 0 && m->how.kind != SIEVE_COUNT) {
		sieve_say(m->run, "%s: there is none: no", m->what);
		return;
	}
	if (m->count == 1 || m->how.kind == SIEVE_COUNT)
		snprintf(value, sizeof(value), "\"%s\"", m->shown);
	else
		snprintf(value, sizeof(value), "none of %zu values",
		    m->count);
	if (keys != NULL && keys->n == 1)
		snprintf(key, sizeof(key), "\"%s\"", sieve_shown(shown,
		    keys->v[0].text, keys->v[0].len));
	else
		snprintf(key, sizeof(key), "any of %zu keys", m->keys->n);
	sieve_say(m->run, "%s: %s %s %s: no", m->what, value,
	    say_how(m, how), key);
}

/* ---- keys ---- */

static int
ready_pattern(struct sieve_matching *m, struct sieve_key *k, size_t i)
{
	const struct sieve_compiled *made = m->call->compiled;
	static const enum glob_mode modes[] = {
		[SIEVE_ASCII_CASEMAP] = GLOB_ASCII,
		[SIEVE_OCTET] = GLOB_OCTET,
		[SIEVE_ASCII_NUMERIC] = GLOB_OCTET,
		[SIEVE_UNICODE_CASEMAP] = GLOB_UNICODE,
	};
	const char *why;
	size_t cost;

	if (m->how.kind == SIEVE_MATCHES) {
		k->has_glob = true;
		return glob_init(&k->glob, modes[m->how.comparator], k->text,
		    k->len);
	}
	if (m->how.kind != SIEVE_REGEX)
		return sieve_key_map(k, &m->how);
	if ((k->regex = made->regex[i]) != NULL)
		return 0;
	k->own_regex = sieve_regex_new(&(struct sieve_string){ k->text,
	    k->len }, m->how.comparator == SIEVE_ASCII_CASEMAP, true, &cost,
	    &why);
	if ((k->regex = k->own_regex) == NULL && why == NULL)
		return -1;
	/* What strangers put into a variable must not break a script. */
	if (k->regex == NULL) {
		sieve_say(m->run, "%s: no regular expression: %s", m->what,
		    why);
		return 0;
	}
	(void)sieve_work(m->run, cost * SIEVE_REGEX_WORK);
	return 0;
}

static int
ready_key(struct sieve_matching *m, struct sieve_key *k, size_t i)
{
	const struct sieve_string *s = &m->keys->strings[i];

	k->text = s->text;
	k->len = s->len;
	if (!sieve_vars_constant(m->call, s)) {
		buf_init(&k->own, SIEVE_VALUE_MAX);
		if (sieve_expand(m->run, s, &k->own) == -1)
			return -1;
		k->text = buf_str(&k->own);
		k->len = k->own.len;
	}
	return ready_pattern(m, k, i) == -1 ? sieve_nomem(m->run) : 0;
}

static int
ready(struct sieve_matching *m)
{
	struct sieve_keys *keys;
	size_t i;

	if (m->ready != NULL)
		return 0;
	if ((keys = calloc(1, sizeof(*keys))) == NULL)
		return sieve_nomem(m->run);
	m->ready = keys;
	keys->v = calloc(m->keys->n + 1, sizeof(*keys->v));
	if (keys->v == NULL)
		return sieve_nomem(m->run);
	for (i = 0; i < m->keys->n; i++) {
		keys->n = i + 1;
		if (ready_key(m, &keys->v[i], i) == -1)
			return -1;
	}
	return 0;
}

static void
free_keys(struct sieve_keys *keys)
{
	size_t i;

	if (keys == NULL)
		return;
	for (i = 0; i < keys->n; i++) {
		buf_free(&keys->v[i].own);
		buf_free(&keys->v[i].mapped);
		if (keys->v[i].has_glob)
			glob_free(&keys->v[i].glob);
		sieve_regex_free(keys->v[i].own_regex);
	}
	free(keys->v);
	buf_free(&keys->mapped);
	free(keys);
}

/* ---- a run ---- */

int
sieve_work(struct sieve_run *run, uint64_t octets)
{
	run->work += octets < SIEVE_WORK_MAX ? octets : SIEVE_WORK_MAX;
	return run->work < SIEVE_WORK_MAX ? 0 :
	    sieve_fail(run, "this takes too long");
}

void
sieve_match_begin(struct sieve_matching *m, struct sieve_run *run,
    const struct sieve_call *c, const struct sieve_arg *keys)
{
	const struct sieve_compiled *made = c->compiled;

	memset(m, 0, sizeof(*m));
	m->run = run;
	m->call = c;
	m->keys = keys;
	m->how = made->how;
	m->what = c->word->name;
}

/* Tell the variables what a pattern took from a value. */
static int
capture(struct sieve_matching *m, const char *s,
    const struct glob_span *span)
{
	struct sieve_string taken[SIEVE_MATCHED_MAX];
	size_t i, n = 0;

	for (i = 0; i < SIEVE_MATCHED_MAX; i++) {
		taken[i] = (struct sieve_string){ "", 0 };
		if (span[i].off == SIZE_MAX)
			continue;
		taken[i] = (struct sieve_string){ s + span[i].off,
		    span[i].len };
		n = i + 1;
	}
	return sieve_vars_matched(m->run, taken, n);
}

static int
match_pattern(struct sieve_matching *m, const struct sieve_key *k,
    const char *s, size_t n)
{
	struct glob_span span[SIEVE_MATCHED_MAX];
	struct sieve_run *run = m->run;
	bool wanted = !m->no_capture && sieve_enabled(run, "variables");
	uint64_t left = run->work < SIEVE_WORK_MAX ? (SIEVE_WORK_MAX -
	    run->work) / STEP_OCTETS : 0;
	int r;

	if (!k->has_glob) {
		r = k->regex == NULL ? 0 : sieve_regex_match(run, k->regex,
		    s, n, span, wanted ? SIEVE_MATCHED_MAX : 0);
	} else {
		r = glob_match(&k->glob, s, n, span, wanted ?
		    SIEVE_MATCHED_MAX : 0, &left);
		run->work = SIEVE_WORK_MAX - left * STEP_OCTETS;
		if (r == GLOB_SPENT)
			return sieve_work(run, SIEVE_WORK_MAX);
		if (r == GLOB_NOMEM)
			return sieve_nomem(run);
	}
	return r == 1 && wanted && capture(m, s, span) == -1 ? -1 : r;
}

static int
match_key(struct sieve_matching *m, const struct sieve_key *k,
    struct sieve_value *v)
{
	int r;

	if (m->how.kind == SIEVE_MATCHES || m->how.kind == SIEVE_REGEX)
		return match_pattern(m, k, v->text, v->len);
	if (sieve_work(m->run, v->len + k->len) == -1)
		return -1;
	r = sieve_compare(&m->how, v, k);
	return r == -1 ? sieve_nomem(m->run) : r;
}

static int
match_keys(struct sieve_matching *m, const char *s, size_t n)
{
	struct sieve_value v = { .text = n > 0 ? s : "", .len = n };
	size_t i;
	int r = 0;

	if (ready(m) == -1)
		return -1;
	v.mapped = &m->ready->mapped;
	show_value(m, v.text, n);
	for (i = 0; i < m->ready->n && r == 0; i++)
		r = match_key(m, &m->ready->v[i], &v);
	if (r == 1) {
		m->matched = true;
		say_match(m, &m->ready->v[i - 1]);
	}
	return r;
}

int
sieve_match_value(struct sieve_matching *m, const char *value, size_t len)
{
	m->count++;
	return m->how.kind == SIEVE_COUNT ? 0 : match_keys(m, value, len);
}

int
sieve_match_end(struct sieve_matching *m)
{
	char number[32];
	int n, r = m->matched;

	if (m->run->failed || m->run->nomem)
		r = -1;
	else if (m->how.kind == SIEVE_COUNT) {
		n = snprintf(number, sizeof(number), "%zu", m->count);
		r = match_keys(m, number, (size_t)n);
	}
	if (r == 0)
		say_none(m);
	free_keys(m->ready);
	m->ready = NULL;
	return r;
}
