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
#include "grammar/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct address sender = { "alice", "example.org" };
static const struct address recipient = { "bob+lists", "example.net" };

static void
ignore(void *arg, const char *script, unsigned line, const char *words)
{
	(void)arg;
	if (strlen(script) > 100 || line > SIEVE_SCRIPT_MAX || *words == '\0')
		abort();
}

/* A message of ours: one sender, one list of addresses, lines with LF. */
static void
check_reply(const struct buf *b)
{
	size_t n = header_length(b->data, b->len), from = 0, list = 0;
	struct header_field f;
	struct header h;

	header_init(&h, b->data, n);
	while (header_next(&h, &f)) {
		from += header_is(&f, "From") != 0;
		list += header_is(&f, "To") != 0;
		if (f.name_len == 0 || header_is(&f, "Bcc"))
			abort();
	}
	if (from != 1 || list > 1 || memchr(b->data, '\r', b->len) != NULL)
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
	for (i = 0; i < p->n; i++)
		if (p->v[i].kind == DEST_REPLY)
			check_reply(&p->v[i].reply);
}

static void
run(const struct sieve_script *s, const char *text, size_t n)
{
	static struct settings settings;
	const struct sieve_user user = { &settings, "bob", "", "", "", "" };
	const struct sieve_mail mail = { text, n, &sender, &recipient,
	    NULL, 1700000000 };
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
