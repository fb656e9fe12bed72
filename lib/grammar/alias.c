/* SPDX-License-Identifier: ISC
 *
 * Aliases and tables of addresses: see alias.h.  It must never take half of a
 * line that it does not understand.
 */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "grammar/address.h"
#include "grammar/alias.h"
#include "grammar/chars.h"

static int
fail(const char **why, const char *what)
{
	*why = what;
	return -1;
}

void
alias_reader_init(struct alias_reader *r, enum alias_form form,
    const char *text, size_t n)
{
	r->form = form;
	r->p = text;
	r->end = text + n;
	r->line = 0;
}

enum alias_target
alias_target(const char *target, const char **rest)
{
	static const char include[] = ":include:";

	*rest = target;
	switch (*target) {
	case '|':
		*rest += 1 + strspn(target + 1, " \t");
		return ALIAS_PROGRAM;
	case '/':
		return ALIAS_FILE;
	case '\\':
		*rest += 1;
		return ALIAS_USER;
	case '@':
		*rest += 1;
		return ALIAS_DOMAIN;
	case ':':
		break;
	default:
		return ALIAS_ADDRESS;
	}
	if (strncasecmp(target, include, sizeof(include) - 1) != 0)
		return ALIAS_UNKNOWN;
	*rest += sizeof(include) - 1;
	*rest += strspn(*rest, " \t");
	return ALIAS_INCLUDE;
}

/* The next line, without its end: its octets from *s. */
static size_t
take_line(struct alias_reader *r, const char **s)
{
	const char *nl = memchr(r->p, '\n', (size_t)(r->end - r->p));
	size_t n = (size_t)((nl == NULL ? r->end : nl) - r->p);

	*s = r->p;
	r->p = nl == NULL ? r->end : nl + 1;
	r->line++;
	return n > 0 && (*s)[n - 1] == '\r' ? n - 1 : n;
}

static int
is_comment(const char *s, size_t n)
{
	while (n > 0 && char_is(*s, CHAR_WSP)) {
		s++;
		n--;
	}
	return n == 0 || *s == '#';
}

/* An entry's lines, joined: 1, 0 the end, -1. */
static int
join(struct alias_reader *r, struct buf *text, unsigned *line,
    const char **why)
{
	bool lines = r->form != ALIAS_MEMBERS;
	struct alias_reader before;
	const char *s;
	size_t n;

	while (r->p < r->end) {
		before = *r;
		n = take_line(r, &s);
		if (is_comment(s, n))
			continue;
		if (text->len > 0 && !(lines && char_is(*s, CHAR_WSP))) {
			*r = before;
			break;
		}
		if (text->len == 0) {
			*line = r->line;
			if (lines && char_is(*s, CHAR_WSP))
				return fail(why, "the line begins with a "
				    "blank and continues nothing");
		}
		if (memchr(s, '\0', n) != NULL)
			return fail(why, "there is a NUL in it");
		if (buf_add(text, s, n) == -1)
			return fail(why, "the entry is too long");
	}
	return text->len > 0;
}

/* Behind a word: up to one of stop, outside of quotes; NULL when a quote does
 * not end. */
static const char *
skip_word(const char *p, const char *end, const char *stop)
{
	int quoted = 0;

	for (; p < end; p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (*p == '\\' && quoted && p + 1 < end)
			p++;
		else if (!quoted && strchr(stop, *p) != NULL)
			break;
	}
	return quoted ? NULL : p;
}

/* Append the text of an address, the local part as it is. */
static void
add_name(struct buf *out, const struct address *a)
{
	const char *s;

	for (s = a->local; *s != '\0'; s++)
		buf_addc(out, (char)char_lower(*s));
	if (a->domain[0] != '\0')
		buf_addc(out, '@');
	for (s = a->domain; *s != '\0'; s++)
		buf_addc(out, (char)char_lower(*s));
}

/* "@" domain, which may be UTF-8 as in a mailbox */
static int
is_domain(const char *s, size_t n)
{
	char text[ADDRESS_DOMAIN_MAX + 3];
	struct address a;

	if (n < 2 || *s != '@' || n - 1 > ADDRESS_DOMAIN_MAX)
		return 0;
	text[0] = 'x';
	memcpy(text + 1, s, n);
	return address_parse_utf8(&a, text, n + 1, NULL) == 1 &&
	    strlen(a.local) == 1;
}

/* name = local-part, or in a table mailbox / "@" domain */
static int
take_name(enum alias_form form, const char *s, size_t n, struct buf *out,
    const char **why)
{
	struct address a = { "", "" };

	if (form != ALIAS_NAMES && n > 0 && *s == '@') {
		if (!is_domain(s, n))
			return fail(why, "no domain behind the @");
		memcpy(a.domain, s + 1, n - 1);
	} else if (n == 0 || address_parse_utf8(&a, s, n, why) != 1)
		return n == 0 ? fail(why, "there is no name") : -1;
	else if (address_is_null(&a))
		return fail(why, "there is no name");
	else if ((a.domain[0] == '\0') != (form == ALIAS_NAMES))
		return fail(why, form == ALIAS_NAMES ?
		    "the name must not have a domain" :
		    "the address has no domain");
	add_name(out, &a);
	buf_addc(out, '\0');
	return 0;
}

static bool
is_special(const char *s, size_t n)
{
	return n > 0 && (*s == '|' || *s == '/' || *s == ':');
}

/* What stands in quotes, to the end: its octets, or 0. */
static size_t
unquote(const char *s, size_t n, char *to)
{
	size_t i, k = 0;

	if (n < 3 || s[0] != '"')
		return 0;
	for (i = 1; i < n - 1 && s[i] != '"'; i++) {
		if (s[i] == '\\' && i + 1 < n - 1)
			i++;
		to[k++] = s[i];
	}
	return i == n - 1 && s[i] == '"' ? k : 0;
}

/*
 * special = "|" command / "/" path / ":include:" path
 *
 * All of it may stand in quotes, or what is behind the first sign:
 * "|prog args", |"prog args", :include:"/file name".  Its octets, or 0.
 */
static size_t
take_special(const char *s, size_t n, char *to)
{
	const char *quote;
	size_t k, before = 0;

	k = unquote(s, n, to);
	if (k > 0)
		return is_special(to, k) ? k : 0;
	if (!is_special(s, n))
		return 0;
	if ((quote = memchr(s, '"', n)) != NULL)
		before = (size_t)(quote - s);
	if (before > 0 && (before == 1 || quote[-1] == ':') &&
	    (k = unquote(quote, n - before, to + before)) > 0) {
		memcpy(to, s, before);
		return before + k;
	}
	memcpy(to, s, n);
	return n;
}

/*
 * address = mailbox / [phrase] "<" mailbox ">" / mailbox "(" comment ")"
 *
 * Only the mailbox counts.  1, -1.
 */
static int
take_address(const char *s, size_t n, struct address *a, const char **why)
{
	const char *open;

	if (n > 0 && s[n - 1] == '>' && (open = memrchr(s, '<', n)) != NULL) {
		n -= (size_t)(open - s);
		s = open;
	} else if (n > 0 && s[n - 1] == ')' &&
	    (open = memrchr(s, '(', n)) != NULL) {
		n = (size_t)(open - s);
		while (n > 0 && char_is(s[n - 1], CHAR_WSP))
			n--;
	}
	if (address_parse_utf8(a, s, n, why) != 1)
		return -1;
	return address_is_null(a) ?
	    fail(why, "the null address is no target") : 1;
}

/* A local part that begins as a special does keeps its quotes. */
static void
write_address(struct buf *out, const struct address *a)
{
	const char *s;

	if (!is_special(a->local, 1)) {
		address_write(out, a);
		return;
	}
	buf_addc(out, '"');
	for (s = a->local; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *s);
	}
	buf_addc(out, '"');
	if (a->domain[0] != '\0')
		buf_addf(out, "@%s", a->domain);
}

static int
take_target(enum alias_form form, const char *s, size_t n, struct buf *out,
    const char **why)
{
	struct address a;
	char *to;
	size_t k;

	if ((to = buf_reserve(out, n + 1)) == NULL)
		return fail(why, "there is no room for it");
	if ((k = take_special(s, n, to)) == 1)
		return fail(why, "nothing stands behind the sign");
	if (k == 0 && form == ALIAS_TABLE && is_domain(s, n)) {
		memcpy(to, s, n);
		k = n;
	}
	if (k > 0)
		buf_commit(out, k);
	else {
		/* "\name": the user, whatever else is called so. */
		if (n > 1 && *s == '\\') {
			buf_addc(out, *s++);
			n--;
		}
		if (take_address(s, n, &a, why) == -1)
			return -1;
		write_address(out, &a);
	}
	buf_addc(out, '\0');
	return 0;
}

static int
take_targets(enum alias_form form, const char *p, const char *end,
    struct buf *out, const char **why)
{
	const char *stop = form == ALIAS_TABLE ? ", \t" : ",", *s;
	size_t n, count = 0;

	for (; p < end; p++) {
		while (p < end && char_is(*p, CHAR_WSP))
			p++;
		s = p;
		if ((p = skip_word(p, end, stop)) == NULL)
			return fail(why, "a quote does not end");
		for (n = (size_t)(p - s); n > 0 && char_is(s[n - 1],
		    CHAR_WSP); n--)
			;
		if (n == 0)
			continue;
		if (take_target(form, s, n, out, why) == -1)
			return -1;
		count++;
	}
	return count > 0 || form == ALIAS_MEMBERS ? 0 :
	    fail(why, "nothing stands behind the name");
}

/* What is before the targets; *p moves behind it. */
static int
take_start(enum alias_form form, const char **p, const char *end,
    struct buf *out, const char **why)
{
	const char *s = *p;
	size_t n;

	*p = skip_word(s, end, form == ALIAS_NAMES ? ":" : " \t,");
	if (*p == NULL)
		return fail(why, "a quote does not end");
	if (form == ALIAS_NAMES && *p == end)
		return fail(why, "there is no colon behind the name");
	for (n = (size_t)(*p - s); n > 0 && char_is(s[n - 1], CHAR_WSP); n--)
		;
	if (form == ALIAS_NAMES)
		++*p;
	return take_name(form, s, n, out, why);
}

static int
take_entry(enum alias_form form, struct buf *text, struct buf *out,
    const char **why)
{
	const char *p = buf_str(text), *end = p + text->len;

	if (form == ALIAS_MEMBERS)
		buf_addc(out, '\0');
	else if (take_start(form, &p, end, out, why) == -1)
		return -1;
	if (form != ALIAS_LIST && take_targets(form, p, end, out, why) == -1)
		return -1;
	buf_addc(out, '\0');
	return buf_failed(out) ? fail(why, "there is no room for it") : 1;
}

int
alias_next(struct alias_reader *r, struct buf *out, unsigned *line,
    const char **why)
{
	struct buf text;
	int found;

	buf_init(&text, ALIAS_LINE_MAX);
	*line = r->line + 1;
	found = join(r, &text, line, why);
	if (found == 1)
		found = take_entry(r->form, &text, out, why);
	buf_free(&text);
	return found;
}
