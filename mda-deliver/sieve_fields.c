/* SPDX-License-Identifier: ISC
 *
 * Fields of a header as tests and variables see them: see sieve_fields.h.
 */
#include <stdio.h>
#include <string.h>

#include "sieve_fields.h"

struct walk {
	struct sieve_run	*run;
	sieve_field_fn		*fn;	/* NULL: they are only counted */
	void			*arg;
	size_t			 want;	/* which one; 0: all */
	size_t			 seen;
};

static int
walk_name(struct walk *w, const char *name)
{
	struct header_field f;
	struct header h;
	const char *text;
	size_t n;
	int r = 0;

	text = sieve_header_text(w->run, &n);
	if (sieve_work(w->run, n) == -1)
		return -1;
	header_init(&h, text, n);
	while (r == 0 && header_next(&h, &f)) {
		if (!header_is(&f, name))
			continue;
		w->seen++;
		if (w->fn != NULL && (w->want == 0 || w->seen == w->want))
			r = w->fn(w->arg, name, &f);
	}
	return r;
}

static int
walk_names(struct walk *w, const struct sieve_arg *names)
{
	const char *name;
	struct buf b;
	size_t i;
	int r = 0;

	buf_init(&b, SIEVE_VALUE_MAX);
	for (i = 0; i < names->n && r == 0; i++) {
		r = sieve_expand(w->run, &names->strings[i], &b);
		if (r == 0 && (name = buf_str(&b)) != NULL &&
		    strlen(name) == b.len)
			r = walk_name(w, name);
	}
	buf_free(&b);
	return r;
}

int
sieve_fields(struct sieve_run *run, const struct sieve_call *c,
    const struct sieve_arg *names, sieve_field_fn *fn, void *arg)
{
	struct walk w = { .run = run };
	const struct sieve_arg *index;

	if (sieve_tag(c, "index", &index)) {
		w.want = index->number < SIZE_MAX ? (size_t)index->number :
		    SIZE_MAX;
		if (sieve_tag(c, "last", NULL)) {
			if (walk_names(&w, names) == -1)
				return -1;
			if (w.want > w.seen)
				return 0;
			w.want = w.seen + 1 - w.want;
			w.seen = 0;
		}
	}
	w.fn = fn;
	w.arg = arg;
	return walk_names(&w, names);
}

int
sieve_fields_check(const struct sieve_call *c, const char **why)
{
	const struct sieve_arg *index;

	if (!sieve_tag(c, "index", &index)) {
		*why = "\":last\" needs \":index\"";
		return sieve_tag(c, "last", NULL) ? -1 : 0;
	}
	*why = "\":index\" counts from 1";
	return index->number == 0 ? -1 : 0;
}

char *
sieve_what(char out[SIEVE_WHAT], const char *word,
    const struct sieve_arg *names)
{
	char shown[SIEVE_SHOWN];

	if (names->n == 0)
		snprintf(out, SIEVE_WHAT, "%s", word);
	else
		snprintf(out, SIEVE_WHAT, "%s \"%s\"%s", word,
		    sieve_shown(shown, names->strings[0].text,
		    names->strings[0].len), names->n > 1 ? " ..." : "");
	return out;
}
