/* SPDX-License-Identifier: ISC
 *
 * The words of "variables": set (RFC 5229, section 4; RFC 5435, section 6) and
 * string (section 5).
 */
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "sieve_vars.h"

/* ---- set ---- */

/* A value becomes another one: appended to b.  "" is no reason to do
 * nothing. */
typedef void modify(struct buf *b, const char *, size_t);

static char
to_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static void
lower(struct buf *b, const char *s, size_t n)
{
	(void)chars_add_lower(b, s, n);
}

static void
upper(struct buf *b, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		buf_addc(b, to_upper(s[i]));
}

static void
lower_first(struct buf *b, const char *s, size_t n)
{
	if (n > 0) {
		buf_addc(b, (char)char_lower(*s));
		buf_add(b, s + 1, n - 1);
	}
}

static void
upper_first(struct buf *b, const char *s, size_t n)
{
	if (n > 0) {
		buf_addc(b, to_upper(*s));
		buf_add(b, s + 1, n - 1);
	}
}

static void
quote_wildcard(struct buf *b, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] == '*' || s[i] == '?' || s[i] == '\\')
			buf_addc(b, '\\');
		buf_addc(b, s[i]);
	}
}

/* All but the "unreserved" characters of URIs. */
static void
encode_url(struct buf *b, const char *s, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char c;
	size_t i;

	for (i = 0; i < n; i++) {
		c = (unsigned char)s[i];
		if (char_is(c, CHAR_ALNUM) || c == '-' || c == '.' ||
		    c == '_' || c == '~') {
			buf_addc(b, s[i]);
			continue;
		}
		buf_addc(b, '%');
		buf_addc(b, hex[c >> 4]);
		buf_addc(b, hex[c & 15]);
	}
}

/* In characters; an octet that is part of none counts as one. */
static void
length(struct buf *b, const char *s, size_t n)
{
	const char *end = s + n;
	uint64_t chars = 0;
	uint32_t c;
	size_t k;

	for (; s < end; s += k, chars++)
		if ((k = utf8_next(s, end, &c)) == 0)
			k = 1;
	buf_addu(b, chars);
}

/* In the order in which they are applied: a group of each precedence. */
static const struct sieve_tag set_rows[] = {
	{ "lower", NULL, 0, 1 }, { "upper", NULL, 0, 1 },
	{ "lowerfirst", NULL, 0, 2 }, { "upperfirst", NULL, 0, 2 },
	{ "quotewildcard", NULL, 0, 3 },
	{ "encodeurl", "enotify", 0, 4 },
	{ "length", NULL, 0, 5 },
};

static modify *const modifiers[] = {
	lower, upper, lower_first, upper_first, quote_wildcard, encode_url,
	length
};

static const struct sieve_tags set_tags = {
	set_rows, sizeof(set_rows) / sizeof(set_rows[0])
};

static int
check_set(struct sieve_call *c, const char **why)
{
	return sieve_vars_check_name(c, &c->arg[0]->strings[0], why);
}

/* Apply the modifiers of a call to the value in *v; o is scratch. */
static int
apply(const struct sieve_call *c, struct buf *v, struct buf *o)
{
	struct buf other;
	size_t i;

	for (i = 0; i < sizeof(set_rows) / sizeof(set_rows[0]); i++) {
		if (!sieve_tag(c, set_rows[i].name, NULL))
			continue;
		buf_reset(o);
		modifiers[i](o, v->data, v->len);
		if (buf_failed(o))
			return -1;
		other = *v;
		*v = *o;
		*o = other;
	}
	return 0;
}

static int
run_set(struct sieve_run *run, const struct sieve_call *c)
{
	const struct sieve_string *name = &c->arg[0]->strings[0];
	char shown[SIEVE_SHOWN];
	struct buf value, scratch;
	int r;

	/* Room for all that modifiers make of a value. */
	buf_init(&value, 6 * SIEVE_VALUE_MAX);
	buf_init(&scratch, 6 * SIEVE_VALUE_MAX);
	r = sieve_expand(run, &c->arg[1]->strings[0], &value);
	if (r == 0 && apply(c, &value, &scratch) == -1)
		r = sieve_nomem(run);
	if (r == 0)
		r = sieve_vars_set(run, name->text, name->len, value.data,
		    value.len);
	if (r == 0 && run->watch != NULL)
		sieve_say(run, "set \"%s\" to \"%s\"", name->text,
		    sieve_shown(shown, value.data, value.len));
	buf_free(&value);
	buf_free(&scratch);
	return r;
}

/* ---- string ---- */

static int
check_string(struct sieve_call *c, const char **why)
{
	return sieve_match_check(c, 1, why);
}

static int
run_string(struct sieve_run *run, const struct sieve_call *c)
{
	const struct sieve_arg *source = c->arg[0];
	struct sieve_matching m;
	struct buf value;
	size_t i;
	int r = 0;

	buf_init(&value, SIEVE_VALUE_MAX);
	sieve_match_begin(&m, run, c, c->arg[1]);
	for (i = 0; i < source->n && r == 0; i++) {
		r = sieve_expand(run, &source->strings[i], &value);
		/* The count of the empty string is 0. */
		if (r == 0 && (value.len > 0 || m.how.kind != SIEVE_COUNT))
			r = sieve_match_value(&m, value.data, value.len);
	}
	r = sieve_match_end(&m);
	buf_free(&value);
	return r;
}

const struct sieve_word sieve_vars_words[] = {
	{ "set", "variables", SIEVE_ACTION, "ss", { &set_tags }, check_set,
	    run_set },
	{ "string", "variables", SIEVE_TEST, "SS", { &sieve_match_tags },
	    check_string, run_string },
	{ NULL }
};
