/* SPDX-License-Identifier: ISC
 *
 * The words that only steer (RFC 5228, sections 3 and 5): require, if, elsif,
 * else, stop; allof, anyof, not, true, false.
 */
#include "sieve_script.h"

/* sieve_check.c did what require asks for; false is so. */
static int
run_nothing(struct sieve_run *r, const struct sieve_call *c)
{
	(void)r;
	(void)c;
	return 0;
}

/* The if before it did it. */
static int
run_branch(struct sieve_run *r, const struct sieve_call *c)
{
	(void)r;
	(void)c;
	return 0;
}

static int
run_if(struct sieve_run *r, const struct sieve_call *c)
{
	int yes;

	for (;;) {
		yes = c->tests == NULL ? 1 : sieve_run_test(r, c->tests);
		if (yes == -1)
			return -1;
		r->line = c->line;
		sieve_say(r, "%s: %s", c->word->name, yes == 1 ? "yes" :
		    "no");
		if (yes == 1)
			return sieve_run_block(r, c->block);
		if (c->next == NULL || !sieve_is_branch(c->next))
			return 0;
		c = c->next;
	}
}

static int
run_stop(struct sieve_run *r, const struct sieve_call *c)
{
	(void)c;
	sieve_say(r, "stop");
	return sieve_stop(r);
}

/* Until one of the tests says this; what is behind it is not run. */
static int
until(struct sieve_run *r, const struct sieve_call *c, int wanted)
{
	const struct sieve_call *t;
	int got;

	for (t = c->tests; t != NULL; t = t->next) {
		got = sieve_run_test(r, t);
		if (got == -1 || got == wanted)
			return got;
	}
	return !wanted;
}

static int
run_allof(struct sieve_run *r, const struct sieve_call *c)
{
	return until(r, c, 0);
}

static int
run_anyof(struct sieve_run *r, const struct sieve_call *c)
{
	return until(r, c, 1);
}

static int
run_not(struct sieve_run *r, const struct sieve_call *c)
{
	int got = sieve_run_test(r, c->tests);

	return got == -1 ? -1 : !got;
}

static int
run_true(struct sieve_run *r, const struct sieve_call *c)
{
	(void)r;
	(void)c;
	return 1;
}

bool
sieve_is_branch(const struct sieve_call *c)
{
	return c->word->run == run_branch;
}

const struct sieve_word sieve_control_words[] = {
	{ "require", NULL, SIEVE_CONTROL, "S", { NULL }, NULL, run_nothing },
	{ "if", NULL, SIEVE_CONTROL, "tb", { NULL }, NULL, run_if },
	{ "elsif", NULL, SIEVE_CONTROL, "tb", { NULL }, NULL, run_branch },
	{ "else", NULL, SIEVE_CONTROL, "b", { NULL }, NULL, run_branch },
	{ "stop", NULL, SIEVE_CONTROL, "", { NULL }, NULL, run_stop },
	{ "allof", NULL, SIEVE_TEST, "T", { NULL }, NULL, run_allof },
	{ "anyof", NULL, SIEVE_TEST, "T", { NULL }, NULL, run_anyof },
	{ "not", NULL, SIEVE_TEST, "t", { NULL }, NULL, run_not },
	{ "true", NULL, SIEVE_TEST, "", { NULL }, NULL, run_true },
	{ "false", NULL, SIEVE_TEST, "", { NULL }, NULL, run_nothing },
	{ NULL }
};
