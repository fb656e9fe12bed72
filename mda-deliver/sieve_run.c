/* SPDX-License-Identifier: ISC
 *
 * A script walked with a message: see sieve_local.h.  What goes wrong ends it,
 * and then all that it wanted is forgotten and the mail is kept (RFC 5228,
 * section 2.10.6): in part done would be worse than not at all.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "grammar/header.h"
#include "sieve_script.h"
#include "sieve_vars.h"

/* ---- what a script is told ---- */

void
sieve_say(const struct sieve_run *r, const char *fmt, ...)
{
	char words[1024];
	va_list ap;

	if (r->watch == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	r->watch->line(r->watch->arg, r->file, r->line, words);
}

int
sieve_fail(struct sieve_run *r, const char *fmt, ...)
{
	struct plan *p = r->plan;
	va_list ap;
	int n;

	if (r->failed || r->nomem)
		return -1;
	r->failed = true;
	n = snprintf(p->error, sizeof(p->error), "%.100s, line %u: ", r->file,
	    r->line);
	va_start(ap, fmt);
	(void)vsnprintf(p->error + n, sizeof(p->error) - (size_t)n, fmt, ap);
	va_end(ap);
	return -1;
}

int
sieve_nomem(struct sieve_run *r)
{
	r->nomem = true;
	return -1;
}

int
sieve_stop(struct sieve_run *r)
{
	r->stopped = true;
	return -1;
}

bool
sieve_enabled(const struct sieve_run *r, const char *extension)
{
	return (r->enabled & sieve_extension_bit(extension)) != 0;
}

void
sieve_enable(struct sieve_run *r, const char *extension)
{
	r->enabled |= sieve_extension_bit(extension);
}

/* ---- the header ---- */

const char *
sieve_header_text(const struct sieve_run *r, size_t *n)
{
	if (r->header.edited) {
		*n = r->header.text.len;
		return *n == 0 ? "" : r->header.text.data;
	}
	*n = r->header.original;
	return r->mail->text;
}

/* ---- the walk ---- */

/* Before a command or test: may it run? */
static int
step(struct sieve_run *r, const struct sieve_call *c)
{
	r->line = c->line;
	if (++r->steps > SIEVE_STEPS_MAX)
		return sieve_fail(r, "more than %d commands and tests",
		    SIEVE_STEPS_MAX);
	if ((c->needs & ~r->enabled) != 0)
		return sieve_fail(r, "\"%s\" needs \"%s\", which no ihave "
		    "found before", c->word->name,
		    sieve_extension_name(c->needs & ~r->enabled));
	return 0;
}

int
sieve_run_test(struct sieve_run *r, const struct sieve_call *c)
{
	return step(r, c) == -1 ? -1 : c->word->run(r, c);
}

int
sieve_run_block(struct sieve_run *r, const struct sieve_call *c)
{
	for (; c != NULL; c = c->next)
		if (!sieve_is_branch(c) &&
		    (step(r, c) == -1 || c->word->run(r, c) == -1))
			return -1;
	return 0;
}

int
sieve_run_script(struct sieve_run *r, const struct sieve_script *s)
{
	const struct sieve_script *script = r->script;
	const char *file = r->file;
	uint64_t enabled = r->enabled;
	unsigned line = r->line;
	int ret;

	if (sieve_vars_enter(r) == -1)
		return sieve_nomem(r);
	r->script = s;
	r->file = s->name;
	r->enabled = s->required;
	ret = sieve_run_block(r, s->first);
	if (ret == -1 && r->returned) {
		r->returned = false;
		ret = 0;
	}
	sieve_vars_leave(r);
	r->script = script;
	r->file = file;
	r->enabled = enabled;
	r->line = line;
	return ret;
}

/* All that was planned is forgotten; the mail is kept. */
static int
broken(struct plan *p)
{
	char error[PLAN_ERROR_MAX];

	memcpy(error, p->error, sizeof(error));
	plan_free(p);
	memcpy(p->error, error, sizeof(error));
	p->kind = PLAN_BROKEN;
	return plan_add(p, DEST_KEEP, NULL) == NULL ? -1 : 0;
}

static int
walk(struct sieve_run *r, const struct sieve_script *s)
{
	if (sieve_run_script(r, s) == -1 && !r->stopped)
		return -1;
	return sieve_actions_end(r);
}

int
sieve_run(const struct sieve_script *s, const struct sieve_user *user,
    const struct sieve_mail *mail, const struct sieve_watch *watch,
    struct plan *p)
{
	struct sieve_run r = { .main = s, .script = s, .user = user,
	    .mail = mail, .watch = watch, .plan = p, .keep = true,
	    .file = s->name, .enabled = s->required };
	int ret;

	r.header.original = header_length(mail->text, mail->size);
	buf_init(&r.header.text, r.header.original + PLAN_TEXT_MAX);
	p->kind = PLAN_GOOD;
	ret = walk(&r, s);
	sieve_vars_free(r.vars);
	sieve_body_free(r.body);
	sieve_flags_free(r.flags);
	sieve_actions_free(r.actions);
	sieve_include_free(r.include);
	buf_free(&r.header.text);
	if (r.nomem)
		return -1;
	return ret == -1 ? broken(p) : 0;
}
