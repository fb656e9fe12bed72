/* SPDX-License-Identifier: ISC
 *
 * The test duplicate (RFC 7352): has this message, or what a script takes for
 * its mark, been here before?  It is remembered only when all that the script
 * wanted is done.
 */
#include <stdlib.h>
#include <string.h>

#include "grammar/chars.h"
#include "grammar/header.h"
#include "seen.h"
#include "sieve_actions.h"

#define DAY		86400
#define SECONDS_DEFAULT	(7 * DAY)
#define SECONDS_MAX	(90 * DAY)
#define MARKS_MAX	64		/* of one run */

static int
check_duplicate(struct sieve_call *c, const char **why)
{
	if (!sieve_tag(c, "header", NULL) || !sieve_tag(c, "uniqueid", NULL))
		return 0;
	*why = "\":header\" and \":uniqueid\" exclude each other";
	return -1;
}

/* What marks it (section 3.1), to id: 1, 0 it has none, -1 as run. */
static int
unique_id(struct sieve_run *r, const struct sieve_call *c, struct buf *id)
{
	const char *name = "Message-ID", *text;
	const struct sieve_arg *value;
	struct header_field f;
	size_t n;

	if (sieve_tag(c, "uniqueid", &value))
		return sieve_expand(r, &value->strings[0], id) == -1 ? -1 : 1;
	if (sieve_tag(c, "header", &value)) {
		if (sieve_expand(r, &value->strings[0], id) == -1)
			return -1;
		name = buf_str(id);
	}
	text = sieve_header_text(r, &n);
	if (!header_find(text, n, name, &f))
		return 0;
	buf_reset(id);
	return sieve_value(id, &f) == -1 ? sieve_nomem(r) : 1;
}

/* A mark for the plan, in place of one with the same id. */
static int
set_mark(struct sieve_run *r, const struct plan_mark *mark)
{
	struct plan *p = r->plan;
	struct plan_mark *more;
	size_t i;

	for (i = 0; i < p->nmarks; i++)
		if (memcmp(p->marks[i].id, mark->id, sizeof(mark->id)) == 0) {
			p->marks[i] = *mark;
			return 0;
		}
	if (p->nmarks == MARKS_MAX)
		return sieve_fail(r, "more than %d different tests "
		    "\"duplicate\"", MARKS_MAX);
	more = reallocarray(p->marks, p->nmarks + 1, sizeof(*more));
	if (more == NULL)
		return sieve_nomem(r);
	p->marks = more;
	p->marks[p->nmarks++] = *mark;
	return 0;
}

/* No NUL ends what is hashed. */
static const char *
as_word(struct buf *b)
{
	size_t i;

	for (i = 0; i < b->len; i++)
		if (b->data[i] == '\0')
			b->data[i] = ' ';
	return buf_str(b);
}

static int64_t
seconds_of(const struct sieve_call *c)
{
	const struct sieve_arg *value;

	if (!sieve_tag(c, "seconds", &value))
		return SECONDS_DEFAULT;
	return value->number > SECONDS_MAX ? SECONDS_MAX :
	    (int64_t)value->number;
}

/* The test of an id that is known; handle NULL: none was said. */
static int
test(struct sieve_run *r, const struct sieve_call *c, const char *handle,
    const char *id)
{
	const char *dir = seen_dir(r->user->home, r->user->mailbox);
	const char *const words[] = { "duplicate", r->user->name,
	    handle == NULL ? "" : "handle", handle == NULL ? "" : handle,
	    id };
	struct plan_mark mark = { .expires = r->mail->now + seconds_of(c) };
	int seen;

	if (dir == NULL) {
		sieve_say(r, "duplicate: there is no home, and no Maildir, to "
		    "remember anything in");
		return 0;
	}
	seen_id(mark.id, words, 5);
	if ((seen = seen_test(dir, mark.id, r->mail->now)) == -1) {
		sieve_say(r, "duplicate: the file " SEEN_FILE " cannot be "
		    "read");
		seen = 0;
	}
	if ((seen == 0 || sieve_tag(c, "last", NULL)) &&
	    set_mark(r, &mark) == -1)
		return -1;
	return seen;
}

static int
run_duplicate(struct sieve_run *r, const struct sieve_call *c)
{
	const struct sieve_arg *value = NULL;
	char shown[SIEVE_SHOWN];
	struct buf id, handle;
	int ret;

	buf_init(&id, SIEVE_VALUE_MAX);
	buf_init(&handle, SIEVE_VALUE_MAX);
	ret = unique_id(r, c, &id);
	if (ret == 1 && sieve_tag(c, "handle", &value) &&
	    sieve_expand(r, &value->strings[0], &handle) == -1)
		ret = -1;
	if (ret == 1 && seconds_of(c) == 0)
		ret = 0;
	else if (ret == 1) {
		ret = test(r, c, value == NULL ? NULL : as_word(&handle),
		    as_word(&id));
		if (ret != -1)
			sieve_say(r, "duplicate: \"%s\": %s", sieve_shown(
			    shown, buf_str(&id), id.len), ret == 1 ? "yes" :
			    "no, not so far");
	} else if (ret == 0)
		sieve_say(r, "duplicate: no: it has no such field");
	buf_free(&id);
	buf_free(&handle);
	return ret;
}

static const struct sieve_tag rows[] = {
	{ "handle", NULL, 's', 0 },
	{ "header", NULL, 's', 1 },
	{ "uniqueid", NULL, 's', 1 },
	{ "seconds", NULL, 'n', 0 },
	{ "last", NULL, 0, 0 },
};
static const struct sieve_tags tags = { rows, sizeof(rows) / sizeof(*rows) };

const struct sieve_word sieve_duplicate_words[] = {
	{ "duplicate", "duplicate", SIEVE_TEST, "", { &tags },
	    check_duplicate, run_duplicate },
	{ NULL }
};
