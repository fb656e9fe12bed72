/* SPDX-License-Identifier: ISC
 *
 * Scripts within scripts (RFC 6609).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sieve_file.h"
#include "sieve_script.h"
#include "sieve_vars.h"

#define DEPTH_MAX	10		/* scripts in each other */
#define INCLUDES_MAX	255		/* of one run */
#define OCTETS_MAX	(4u << 20)	/* of all scripts that are included */

struct included {
	struct included		*next;
	struct sieve_script	*script;
	bool			 global;
	bool			 runs;		/* now */
	char			 name[];
};

struct sieve_include {
	struct included	*list;
	unsigned	 depth, count;
	size_t		 octets;
};

void
sieve_include_free(struct sieve_include *in)
{
	struct included *i, *next;

	if (in == NULL)
		return;
	for (i = in->list; i != NULL; i = next) {
		next = i->next;
		sieve_free(i->script);
		free(i);
	}
	free(in);
}

/* ---- include ---- */

static struct included *
find(const struct sieve_include *in, const char *name, bool global)
{
	struct included *i;

	for (i = in->list; i != NULL; i = i->next)
		if (i->global == global && strcmp(i->name, name) == 0)
			return i;
	return NULL;
}

static int
compile(struct sieve_run *r, const char *name, bool global, const char *text,
    size_t n)
{
	size_t room = strlen(name) + 1;
	char error[SIEVE_ERROR_MAX];
	struct included *i;

	if ((r->include->octets += n) > OCTETS_MAX)
		return sieve_fail(r, "include \"%.60s\": the scripts are too "
		    "long together", name);
	if ((i = calloc(1, sizeof(*i) + room)) == NULL)
		return sieve_nomem(r);
	strlcpy(i->name, name, room);
	i->global = global;
	/* The main script, by whatever name: it runs, and is ours to leave
	 * alone. */
	i->runs = sieve_digest(text, n) == r->main->digest;
	if (!i->runs && (i->script = sieve_compile(i->name, text, n,
	    error)) == NULL) {
		free(i);
		return sieve_fail(r, "include \"%.60s\": %s", name, error);
	}
	i->next = r->include->list;
	r->include->list = i;
	return 1;
}

/* 1 it is the first of the list; 0 there is none; -1 */
static int
load(struct sieve_run *r, const char *name, bool global)
{
	const char *dir = global ? r->user->global : r->user->scripts;
	char path[PATH_MAX], error[SIEVE_ERROR_MAX], *text;
	size_t n;
	int ret;

	if (*dir == '\0')
		return 0;
	if (snprintf(path, sizeof(path), "%s/%s.sieve", dir, name) >=
	    (int)sizeof(path))
		return 0;
	switch (sieve_file_read(path, &text, &n, error)) {
	case SIEVE_FILE_READ:
		break;
	case SIEVE_FILE_NONE:
		return 0;
	case SIEVE_FILE_FAULT:
	case SIEVE_FILE_TEMPORARY:
		return sieve_fail(r, "include \"%.60s\": %s", name, error);
	}
	ret = compile(r, name, global, text, n);
	free(text);
	return ret;
}

static int
run_included(struct sieve_run *r, struct included *i)
{
	struct sieve_include *in = r->include;
	int ret;

	if (i->runs)
		return sieve_fail(r, "include \"%.60s\": it includes itself",
		    i->name);
	if (in->depth == DEPTH_MAX)
		return sieve_fail(r, "include \"%.60s\": more than %d scripts "
		    "in each other", i->name, DEPTH_MAX);
	if (++in->count > INCLUDES_MAX)
		return sieve_fail(r, "include \"%.60s\": more than %d times "
		    "include", i->name, INCLUDES_MAX);
	in->depth++;
	i->runs = true;
	ret = sieve_run_script(r, i->script);
	i->runs = false;
	in->depth--;
	return ret;
}

static int
run_include(struct sieve_run *r, const struct sieve_call *c)
{
	const char *name = c->arg[0]->strings[0].text;
	bool global = sieve_tag(c, "global", NULL) != 0;
	struct included *i;
	int got;

	if (r->include == NULL &&
	    (r->include = calloc(1, sizeof(*r->include))) == NULL)
		return sieve_nomem(r);
	i = find(r->include, name, global);
	if (i != NULL && sieve_tag(c, "once", NULL)) {
		sieve_say(r, "include \"%s\": not again", name);
		return 0;
	}
	if (i == NULL) {
		if ((got = load(r, name, global)) == -1)
			return -1;
		if (got == 0 && !sieve_tag(c, "optional", NULL))
			return sieve_fail(r, "include \"%.60s\": there is no "
			    "such %s script", name, global ? "global" :
			    "personal");
		if (got == 0) {
			sieve_say(r, "include \"%s\": there is none", name);
			return 0;
		}
		i = r->include->list;
		if (i->runs && sieve_tag(c, "once", NULL)) {
			sieve_say(r, "include \"%s\": it is the main script",
			    name);
			return 0;
		}
	}
	sieve_say(r, "include \"%s\"", name);
	return run_included(r, i);
}

static int
check_include(struct sieve_call *c, const char **why)
{
	const struct sieve_string *name = &c->arg[0]->strings[0];

	*why = NULL;
	if (!sieve_vars_constant(c, name))
		*why = "the name of a script has no variables";
	else if (!sieve_file_is_name(name->text, name->len))
		*why = "this is no name of a script";
	return *why == NULL ? 0 : -1;
}

/* ---- return, global ---- */

static int
run_return(struct sieve_run *r, const struct sieve_call *c)
{
	(void)c;
	sieve_say(r, "return");
	r->returned = true;
	return -1;
}

static int
check_global(struct sieve_call *c, const char **why)
{
	const struct sieve_arg *a = c->arg[0];
	size_t i;

	*why = NULL;
	if (!sieve_call_may(c, SIEVE_VARIABLES))
		*why = "needs require \"variables\"";
	for (i = 0; *why == NULL && i < a->n; i++)
		if (!sieve_vars_is_name(&a->strings[i]))
			*why = "this is no name of a variable";
	return *why == NULL ? 0 : -1;
}

static int
run_global(struct sieve_run *r, const struct sieve_call *c)
{
	const struct sieve_arg *a = c->arg[0];
	size_t i;
	int got;

	for (i = 0; i < a->n; i++) {
		got = sieve_vars_global(r, a->strings[i].text);
		if (got == -1)
			return -1;
		if (got == 0)
			return sieve_fail(r, "global \"%.60s\": this script "
			    "has set that variable before",
			    a->strings[i].text);
	}
	return 0;
}

static const struct sieve_tag tags[] = {
	{ "personal", NULL, '\0', 1 },
	{ "global", NULL, '\0', 1 },
	{ "once", NULL, '\0', 0 },
	{ "optional", NULL, '\0', 0 },
};
static const struct sieve_tags include_tags = { tags,
	sizeof(tags) / sizeof(*tags) };

const struct sieve_word sieve_include_words[] = {
	{ "include", "include", SIEVE_CONTROL, "s", { &include_tags },
	    check_include, run_include },
	{ "return", "include", SIEVE_CONTROL, "", { NULL }, NULL, run_return },
	{ "global", "include", SIEVE_CONTROL, "S", { NULL }, check_global,
	    run_global },
	{ NULL }
};
