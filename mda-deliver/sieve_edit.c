/* SPDX-License-Identifier: ISC
 *
 * The message's header, edited: addheader, deleteheader (RFC 5293).  What runs
 * behind them sees the header as it is then; the message itself stays as it
 * came until an action carries an edited header away.  Trace fields that stop
 * loops must never go.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/chars.h"
#include "grammar/compose.h"
#include "grammar/header.h"
#include "sieve_actions.h"
#include "sieve_vars.h"

#define NAME_MAX_OCTETS	512		/* of a field's name: fits a line */
#define EDIT_WORK	16	/* a header is walked and copied */

/* ---- what a plan keeps of it ---- */

int
sieve_edit_number(struct sieve_run *r)
{
	struct plan *p = r->plan;
	size_t n, i, sum = 0;
	struct buf *more;
	const char *text;

	if (!r->header.edited)
		return 0;
	text = sieve_header_text(r, &n);
	for (i = 0; i < p->nedits; i++) {
		if (p->edits[i].len == n && (n == 0 ||
		    memcmp(p->edits[i].data, text, n) == 0))
			return (int)i + 1;
		sum += p->edits[i].len;
	}
	if (n > SIEVE_EDITS_MAX - sum)
		return sieve_fail(r, "too many edited headers");
	more = reallocarray(p->edits, p->nedits + 1, sizeof(*more));
	if (more == NULL)
		return sieve_nomem(r);
	p->edits = more;
	p->edit_from = r->header.original;
	buf_init(&p->edits[p->nedits], n + 1);
	if (buf_add(&p->edits[p->nedits++], text, n) == -1)
		return sieve_nomem(r);
	return (int)p->nedits;
}

/* The header becomes this text, which is emptied. */
static int
set_header(struct sieve_run *r, struct buf *text)
{
	size_t most = r->header.text.max;

	if (buf_failed(text) || text->len > most)
		return sieve_fail(r, "the header became longer by more than "
		    "%u octets", PLAN_TEXT_MAX);
	buf_free(&r->header.text);
	r->header.text = *text;
	r->header.text.max = most;
	r->header.edited = true;
	buf_init(text, most);
	return 0;
}

/* ---- names ---- */

/* field-name = 1*ftext (RFC 5322, section 3.6.8) */
static bool
is_name(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && char_is(p[i], CHAR_FTEXT); i++)
		;
	return i == n && n > 0 && n <= NAME_MAX_OCTETS;
}

static int
check_name(struct sieve_call *c, const char **why)
{
	const struct sieve_string *s = &c->arg[0]->strings[0];

	if (!sieve_vars_constant(c, s) || is_name(s->text, s->len))
		return 0;
	*why = "no header field can have that name";
	return -1;
}

/* A field's name from the script: 0, -1 as run. */
static int
get_name(struct sieve_run *r, const struct sieve_call *c, struct buf *name)
{
	char shown[SIEVE_SHOWN];

	if (sieve_expand(r, &c->arg[0]->strings[0], name) == -1)
		return -1;
	if (is_name(buf_str(name), name->len))
		return 0;
	return sieve_fail(r, "%s: no header field can have the name \"%s\"",
	    c->word->name, sieve_shown(shown, buf_str(name), name->len));
}

/* ---- addheader ---- */

/* Is it text (RFC 5322, section 3.2.5: unstructured) but for what can be
 * encoded: no controls, and no line end that is no fold? */
static bool
is_text(const char *p, size_t n)
{
	const char *end = p + n;

	for (; p < end; p++) {
		if (*p == '\r' && end - p > 1 && p[1] == '\n')
			p++;
		if (*p == '\n' && end - p > 1 && char_is(p[1], CHAR_WSP))
			continue;
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
			return false;
	}
	return true;
}

/* What stands at the ends of a text block belongs to the script. */
static size_t
trim(const char **p, size_t n)
{
	while (n > 0 && strchr(" \t\r\n", **p) != NULL && **p != '\0') {
		(*p)++;
		n--;
	}
	while (n > 0 && (*p)[n - 1] != '\0' &&
	    strchr(" \t\r\n", (*p)[n - 1]) != NULL)
		n--;
	return n;
}

static void
add_field(struct buf *to, const struct buf *field, bool crlf)
{
	size_t i;

	for (i = 0; i < field->len; i++) {
		if (field->data[i] == '\n' && crlf)
			buf_addc(to, '\r');
		buf_addc(to, field->data[i]);
	}
}

/* Put a field at one end of the header, its lines ending as those there. */
static int
insert(struct sieve_run *r, const struct buf *field, bool last)
{
	struct header_field f;
	struct header h;
	const char *text, *lf, *at;
	struct buf new;
	bool crlf;
	size_t n;
	int ret;

	text = sieve_header_text(r, &n);
	if (sieve_work(r, EDIT_WORK * n) == -1)
		return -1;
	lf = memchr(text, '\n', n);
	crlf = lf != NULL && lf > text && lf[-1] == '\r';
	buf_init(&new, r->header.text.max);
	at = text;
	header_init(&h, text, n);
	while (last && header_next(&h, &f) == 1)
		at = f.start + f.len;
	buf_add(&new, text, (size_t)(at - text));
	if (at > text && at[-1] != '\n')
		buf_adds(&new, crlf ? "\r\n" : "\n");
	add_field(&new, field, crlf);
	buf_add(&new, at, n - (size_t)(at - text));
	ret = set_header(r, &new);
	buf_free(&new);
	return ret;
}

static int
add_header(struct sieve_run *r, const struct sieve_call *c, const char *name,
    const char *value, size_t n)
{
	bool last = sieve_tag(c, "last", NULL) != 0;
	char shown[SIEVE_SHOWN];
	struct buf field;
	int ret;

	if (!is_text(value, n))
		return sieve_fail(r, "addheader: the value of \"%s\" has "
		    "control characters", sieve_shown(shown, name,
		    strlen(name)));
	buf_init(&field, 4 * SIEVE_VALUE_MAX);
	if (compose_text(&field, name, value, n) == -1)
		ret = sieve_nomem(r);
	else
		ret = insert(r, &field, last);
	buf_free(&field);
	if (ret == 0)
		sieve_say(r, "addheader: \"%s\" stands at the %s of the "
		    "header", sieve_shown(shown, name, strlen(name)), last ?
		    "end" : "top");
	return ret;
}

static int
run_addheader(struct sieve_run *r, const struct sieve_call *c)
{
	struct buf name, value;
	const char *p;
	size_t n;
	int ret = -1;

	buf_init(&name, SIEVE_VALUE_MAX);
	buf_init(&value, SIEVE_VALUE_MAX);
	if (get_name(r, c, &name) == 0 &&
	    sieve_expand(r, &c->arg[1]->strings[0], &value) == 0) {
		p = buf_str(&value);
		n = trim(&p, value.len);
		ret = add_header(r, c, buf_str(&name), p, n);
	}
	buf_free(&name);
	buf_free(&value);
	return ret;
}

/* ---- deleteheader ---- */

static int
check_deleteheader(struct sieve_call *c, const char **why)
{
	if (sieve_tag(c, "last", NULL) && !sieve_tag(c, "index", NULL)) {
		*why = "\":last\" stands without \":index\"";
		return -1;
	}
	if (check_name(c, why) == -1)
		return -1;
	return c->arg[1] == NULL ? 0 : sieve_match_check(c, 1, why);
}

/* RFC 5293, section 6. */
static bool
is_protected(const char *name)
{
	return chars_is(name, strlen(name), "Received") ||
	    chars_is(name, strlen(name), "Auto-Submitted");
}

static size_t
count(const char *text, size_t n, const char *name)
{
	struct header_field f;
	struct header h;
	size_t found = 0;

	header_init(&h, text, n);
	while (header_next(&h, &f) == 1)
		found += header_is(&f, name) != 0;
	return found;
}

/* Does its value match what the script says?  1, 0, -1 as run. */
static int
matches(struct sieve_run *r, const struct sieve_call *c,
    const struct header_field *f)
{
	struct sieve_matching m;
	struct buf value;
	int got, end;

	if (c->arg[1] == NULL)
		return 1;
	buf_init(&value, 4 * f->value_len + 1);
	if (sieve_value(&value, f) == -1) {
		buf_free(&value);
		return sieve_nomem(r);
	}
	sieve_match_begin(&m, r, c, c->arg[1]);
	m.what = "deleteheader";
	got = sieve_match_value(&m, buf_str(&value), value.len);
	end = sieve_match_end(&m);
	buf_free(&value);
	return got == -1 ? -1 : end;
}

/* Which of those with the name is meant, from 1; 0 any of them. */
static uint64_t
place(const struct sieve_call *c, size_t found)
{
	const struct sieve_arg *index;

	if (!sieve_tag(c, "index", &index))
		return 0;
	if (!sieve_tag(c, "last", NULL))
		return index->number == 0 ? UINT64_MAX : index->number;
	return index->number == 0 || index->number > found ? UINT64_MAX :
	    found - index->number + 1;
}

static int
delete(struct sieve_run *r, const struct sieve_call *c, const char *name)
{
	struct header_field f;
	const char *text;
	size_t n, seen = 0, gone = 0;
	uint64_t at;
	struct header h;
	struct buf new;
	int ret = 0;

	text = sieve_header_text(r, &n);
	if (sieve_work(r, EDIT_WORK * n) == -1)
		return -1;
	at = place(c, count(text, n, name));
	buf_init(&new, r->header.text.max);
	header_init(&h, text, n);
	while (ret != -1 && header_next(&h, &f) == 1) {
		ret = header_is(&f, name) && (++seen == at || at == 0) ?
		    matches(r, c, &f) : 0;
		if (ret == 0)
			buf_add(&new, f.start, f.len);
		else
			gone++;
		text = f.start + f.len;
	}
	/* The empty line. */
	buf_add(&new, text, (size_t)(h.p - text));
	if (ret != -1)
		ret = gone == 0 ? 0 : set_header(r, &new);
	if (ret == 0)
		sieve_say(r, "deleteheader: %zu of %zu \"%.60s\" go", gone,
		    seen, name);
	buf_free(&new);
	return ret;
}

static int
run_deleteheader(struct sieve_run *r, const struct sieve_call *c)
{
	struct buf name;
	int ret = -1;

	buf_init(&name, SIEVE_VALUE_MAX);
	if (get_name(r, c, &name) == 0) {
		if (is_protected(buf_str(&name))) {
			sieve_say(r, "deleteheader: \"%s\" must stay",
			    buf_str(&name));
			ret = 0;
		} else
			ret = delete(r, c, buf_str(&name));
	}
	buf_free(&name);
	return ret;
}

static const struct sieve_tag add_rows[] = {
	{ "last", NULL, 0, 0 },
};
static const struct sieve_tags add_tags = { add_rows, 1 };

static const struct sieve_tag delete_rows[] = {
	{ "index", NULL, 'n', 0 },
	{ "last", NULL, 0, 0 },
};
static const struct sieve_tags delete_tags = { delete_rows, 2 };

const struct sieve_word sieve_edit_words[] = {
	{ "addheader", "editheader", SIEVE_ACTION, "ss", { &add_tags },
	    check_name, run_addheader },
	{ "deleteheader", "editheader", SIEVE_ACTION, "s[S", { &delete_tags,
	    &sieve_match_tags }, check_deleteheader, run_deleteheader },
	{ NULL }
};
