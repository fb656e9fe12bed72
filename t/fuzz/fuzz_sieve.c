/* SPDX-License-Identifier: ISC
 *
 * Proves that no script and no message break the Sieve engine: the input is a
 * script, a line of "--", and a message.  What compiles is run; the plan is
 * whole, or broken with one keep.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../mda-deliver/plan.h"
#include "../../mda-deliver/sieve.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct address from = { "alice", "example.org" };
static const struct address to = { "bob+lists", "example.net" };

static void
ignore(void *arg, const char *script, unsigned line, const char *words)
{
	(void)arg;
	if (strlen(script) > 100 || line > SIEVE_SCRIPT_MAX || *words == '\0')
		abort();
}

static void
check_plan(const struct plan *p)
{
	size_t i;

	if (p->kind != PLAN_GOOD && p->kind != PLAN_BROKEN)
		abort();
	if (p->kind == PLAN_BROKEN && (p->error[0] == '\0' || p->n != 1 ||
	    p->v[0].kind != DEST_KEEP || p->nedits != 0 || p->nmarks != 0))
		abort();
	for (i = 0; i < p->n; i++)
		if (p->v[i].edit > p->nedits)
			abort();
}

static void
run(const struct sieve_script *s, const char *text, size_t n)
{
	static struct settings settings;
	const struct sieve_user user = { &settings, "bob", "", "", "", "" };
	const struct sieve_mail mail = { text, n, &from, &to, NULL,
	    1700000000 };
	const struct sieve_watch watch = { ignore, NULL };
	struct plan plan;

	if (settings.hostname == NULL && settings_load(&settings, "/dev/null",
	    NULL, 0, (char[CONF_ERROR_MAX]){ 0 }) == -1)
		abort();
	plan_init(&plan);
	if (sieve_run(s, &user, &mail, &watch, &plan) == 0)
		check_plan(&plan);
	plan_free(&plan);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *cut;
	char error[SIEVE_ERROR_MAX] = "";
	struct sieve_script *s;
	char *script, *message;
	size_t n;

	cut = memmem(data, size, "\n--\n", 4);
	n = cut != NULL ? (size_t)(cut + 1 - text) : size;
	/* Each in memory of its own size, so that a step beyond is seen. */
	if ((script = malloc(n + 1)) == NULL)
		return 0;
	memcpy(script + 1, data, n);
	s = sieve_compile("fuzz", script + 1, n, error);
	free(script);
	if (s == NULL && strncmp(error, "line ", 5) != 0)
		abort();
	if (s == NULL)
		return 0;
	n = cut != NULL ? size - n - 3 : 0;
	if ((message = malloc(n + 1)) != NULL) {
		memcpy(message + 1, data + size - n, n);
		run(s, message + 1, n);
	}
	free(message);
	sieve_free(s);
	return 0;
}
