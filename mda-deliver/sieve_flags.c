/* SPDX-License-Identifier: ISC
 *
 * IMAP flags (RFC 5232): sets of them in variables and in one of their own,
 * as texts with a blank between two flags.  What IMAP does not know, or what
 * nobody may set, never gets into a set.
 */
#include <stdlib.h>
#include <string.h>

#include "grammar/chars.h"
#include "sieve_vars.h"

#define FLAGS_MAX	8192	/* octets of a set; what is too much is not in
				 * it */

struct sieve_flags {
	struct buf	now;		/* the internal variable */
};

static const struct sieve_tag flags_rows[] = {
	{ "flags", "imap4flags", 'S', 0 },
	{ "copy", "copy", 0, 0 },
	{ "create", "mailbox", 0, 0 },
	{ "specialuse", "special-use", 's', 0 },
	{ "mailboxid", "mailboxid", 's', 0 },
};

const struct sieve_tags sieve_flags_tags = {
	flags_rows, sizeof(flags_rows) / sizeof(flags_rows[0])
};

/* ---- sets ---- */

struct flag {
	const char	*s;
	size_t		 len;
};

/* The next flag of a text from *p on: false at its end. */
static bool
next_flag(const char **p, const char *end, struct flag *f)
{
	while (*p < end && **p == ' ')
		(*p)++;
	for (f->s = *p; *p < end && **p != ' '; (*p)++)
		;
	f->len = (size_t)(*p - f->s);
	return f->len > 0;
}

/* flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / atom
 * (RFC 3501, section 9) */
static bool
is_flag(const struct flag *f)
{
	static const char *const settable[] = {
		"\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"
	};
	size_t i;

	if (*f->s == '\\') {
		for (i = 0; i < sizeof(settable) / sizeof(settable[0]); i++)
			if (chars_is(f->s, f->len, settable[i]))
				return true;
		return false;
	}
	for (i = 0; i < f->len; i++)
		if (!char_is(f->s[i], CHAR_PRINT) || f->s[i] == '\0' ||
		    strchr("(){ %*\"\\]", f->s[i]) != NULL)
			return false;
	return true;
}

static bool
has_flag(const char *set, size_t n, const struct flag *wanted)
{
	const char *p = set, *end = n > 0 ? set + n : set;
	struct flag f;

	while (next_flag(&p, end, &f))
		if (chars_equal(f.s, f.len, wanted->s, wanted->len))
			return true;
	return false;
}

/* Add those of a text to a set that may hold FLAGS_MAX octets. */
static void
add_flags(struct buf *set, const char *s, size_t n)
{
	const char *end = n > 0 ? s + n : s;
	struct flag f;

	while (next_flag(&s, end, &f)) {
		if (!is_flag(&f) || has_flag(set->data, set->len, &f) ||
		    set->len + f.len + 1 > FLAGS_MAX)
			continue;
		if (set->len > 0)
			buf_addc(set, ' ');
		buf_add(set, f.s, f.len);
	}
}

/* A list of strings as a set. */
static int
take_list(struct sieve_run *run, const struct sieve_arg *list,
    struct buf *set)
{
	struct buf b;
	size_t i;
	int r = 0;

	buf_init(&b, SIEVE_VALUE_MAX);
	buf_reset(set);
	for (i = 0; i < list->n && r == 0; i++) {
		r = sieve_expand(run, &list->strings[i], &b);
		if (r == 0)
			add_flags(set, b.data, b.len);
	}
	buf_free(&b);
	return r == 0 && buf_failed(set) ? sieve_nomem(run) : r;
}

/* ---- where sets are kept ---- */

static struct buf *
internal(struct sieve_run *run)
{
	if (run->flags == NULL) {
		if ((run->flags = calloc(1, sizeof(*run->flags))) == NULL) {
			sieve_nomem(run);
			return NULL;
		}
		buf_init(&run->flags->now, FLAGS_MAX);
	}
	return &run->flags->now;
}

void
sieve_flags_free(struct sieve_flags *f)
{
	if (f == NULL)
		return;
	buf_free(&f->now);
	free(f);
}

/* The set that a variable holds, or the internal one (name NULL). */
static int
load(struct sieve_run *run, const struct sieve_string *name, struct buf *set)
{
	const struct sieve_string *v;

	buf_reset(set);
	if (name != NULL) {
		v = sieve_vars_get(run, name->text, name->len);
		add_flags(set, v->text, v->len);
	} else if (run->flags != NULL)
		buf_add(set, run->flags->now.data, run->flags->now.len);
	return buf_failed(set) ? sieve_nomem(run) : 0;
}

static int
store(struct sieve_run *run, const struct sieve_string *name, struct buf *set)
{
	char shown[SIEVE_SHOWN];
	struct buf *to;

	if (run->watch != NULL)
		sieve_say(run, "flags%s%s are \"%s\"", name == NULL ? "" :
		    " in ", name == NULL ? "" : name->text,
		    sieve_shown(shown, set->data, set->len));
	if (name != NULL)
		return sieve_vars_set(run, name->text, name->len, set->data,
		    set->len);
	if ((to = internal(run)) == NULL)
		return -1;
	buf_reset(to);
	buf_add(to, set->data, set->len);
	return buf_failed(to) ? sieve_nomem(run) : 0;
}

int
sieve_flags_list(struct sieve_run *run, const struct sieve_call *c,
    struct buf *out)
{
	const struct sieve_arg *list;

	if (c != NULL && sieve_tag(c, "flags", &list))
		return take_list(run, list, out);
	return load(run, NULL, out);
}

/* ---- setflag, addflag, removeflag ---- */

/* Where a name of a variable stands before the flags, NULL: nowhere. */
static const struct sieve_arg *
names_of(const struct sieve_call *c)
{
	return c->arg[1] != NULL ? c->arg[0] : NULL;
}

static const struct sieve_arg *
flags_of(const struct sieve_call *c)
{
	return c->arg[1] != NULL ? c->arg[1] : c->arg[0];
}

static int
check_names(const struct sieve_call *c, const char **why)
{
	const struct sieve_arg *names = names_of(c);
	size_t i;

	if (names == NULL)
		return 0;
	*why = "flags in variables need \"variables\"";
	if (!sieve_call_may(c, "variables"))
		return -1;
	for (i = 0; i < names->n; i++)
		if (sieve_vars_check_name(c, &names->strings[i], why) == -1)
			return -1;
	return 0;
}

static int
check_action(struct sieve_call *c, const char **why)
{
	const struct sieve_arg *names = names_of(c);

	*why = "it takes one variable";
	if (names != NULL && names->n != 1)
		return -1;
	return check_names(c, why);
}

/* What is to be done with a set and the flags of an action. */
typedef void change(struct buf *set, const struct buf *flags);

static void
replace(struct buf *set, const struct buf *flags)
{
	buf_reset(set);
	buf_add(set, flags->data, flags->len);
}

static void
add(struct buf *set, const struct buf *flags)
{
	add_flags(set, flags->data, flags->len);
}

static void
take_away(struct buf *set, const struct buf *flags)
{
	const char *p = set->len > 0 ? set->data : "", *end = p + set->len;
	struct flag f;
	struct buf left;

	buf_init(&left, FLAGS_MAX);
	while (set->len > 0 && next_flag(&p, end, &f))
		if (!has_flag(flags->data, flags->len, &f))
			add_flags(&left, f.s, f.len);
	buf_free(set);
	*set = left;
}

static int
act(struct sieve_run *run, const struct sieve_call *c, change *how)
{
	const struct sieve_arg *names = names_of(c);
	const struct sieve_string *name = names != NULL ? names->strings :
	    NULL;
	struct buf set, flags;
	int r;

	buf_init(&set, FLAGS_MAX);
	buf_init(&flags, FLAGS_MAX);
	r = take_list(run, flags_of(c), &flags);
	if (r == 0)
		r = load(run, name, &set);
	if (r == 0) {
		how(&set, &flags);
		r = buf_failed(&set) ? sieve_nomem(run) : store(run, name,
		    &set);
	}
	buf_free(&set);
	buf_free(&flags);
	return r;
}

static int
run_setflag(struct sieve_run *run, const struct sieve_call *c)
{
	return act(run, c, replace);
}

static int
run_addflag(struct sieve_run *run, const struct sieve_call *c)
{
	return act(run, c, add);
}

static int
run_removeflag(struct sieve_run *run, const struct sieve_call *c)
{
	return act(run, c, take_away);
}

/* ---- hasflag ---- */

static int
check_hasflag(struct sieve_call *c, const char **why)
{
	if (check_names(c, why) == -1)
		return -1;
	return sieve_match_check(c, c->arg[1] != NULL, why);
}

/* Each flag of a set is a value. */
static int
match_set(struct sieve_matching *m, const struct buf *set)
{
	const char *p = set->len > 0 ? set->data : "", *end = p + set->len;
	struct flag f;
	int r = 0;

	while (r == 0 && set->len > 0 && next_flag(&p, end, &f))
		r = sieve_match_value(m, f.s, f.len);
	return r;
}

static int
match_sets(struct sieve_matching *m, const struct sieve_call *c)
{
	const struct sieve_arg *names = names_of(c);
	struct buf set;
	size_t i, n = names != NULL ? names->n : 1;
	int r = 0;

	buf_init(&set, FLAGS_MAX);
	for (i = 0; i < n && r == 0; i++) {
		r = load(m->run, names != NULL ? &names->strings[i] : NULL,
		    &set);
		if (r == 0)
			r = match_set(m, &set);
	}
	buf_free(&set);
	return r;
}

/* Keys, which may hold several flags each, as a list of single ones: from
 * text, which they point into.  Free strings. */
static int
split_keys(struct sieve_arg *keys, const struct buf *text)
{
	const char *p = text->len > 0 ? text->data : "", *end = p + text->len;
	size_t most = text->len / 2 + 1;
	struct flag f;

	keys->n = 0;
	keys->strings = calloc(most, sizeof(*keys->strings));
	if (keys->strings == NULL)
		return -1;
	while (keys->n < most && next_flag(&p, end, &f))
		keys->strings[keys->n++] = (struct sieve_string){ f.s,
		    f.len };
	return 0;
}

static int
join_keys(struct sieve_run *run, const struct sieve_arg *list,
    struct buf *text)
{
	struct buf b;
	size_t i;
	int r = 0;

	buf_init(&b, SIEVE_VALUE_MAX);
	for (i = 0; i < list->n && r == 0; i++) {
		r = sieve_expand(run, &list->strings[i], &b);
		buf_add(text, b.data, b.len);
		buf_addc(text, ' ');
	}
	buf_free(&b);
	return r == 0 && buf_failed(text) ? sieve_nomem(run) : r;
}

static int
run_hasflag(struct sieve_run *run, const struct sieve_call *c)
{
	struct sieve_arg keys = *flags_of(c);
	struct sieve_matching m;
	struct buf text;
	int r = 0;

	buf_init(&text, SIEVE_SCRIPT_MAX);
	keys.strings = NULL;
	sieve_match_begin(&m, run, c, flags_of(c));
	/* An expression may have blanks of its own. */
	if (m.how.kind != SIEVE_REGEX) {
		r = join_keys(run, flags_of(c), &text);
		if (r == 0 && split_keys(&keys, &text) == -1)
			r = sieve_nomem(run);
		m.keys = &keys;
	}
	if (r == 0)
		(void)match_sets(&m, c);
	r = sieve_match_end(&m);
	buf_free(&text);
	free(keys.strings);
	return r;
}

const struct sieve_word sieve_flags_words[] = {
	{ "setflag", "imap4flags", SIEVE_ACTION, "S[S", { NULL },
	    check_action, run_setflag },
	{ "addflag", "imap4flags", SIEVE_ACTION, "S[S", { NULL },
	    check_action, run_addflag },
	{ "removeflag", "imap4flags", SIEVE_ACTION, "S[S", { NULL },
	    check_action, run_removeflag },
	{ "hasflag", "imap4flags", SIEVE_TEST, "S[S", { &sieve_match_tags },
	    check_hasflag, run_hasflag },
	{ NULL }
};
