/* SPDX-License-Identifier: ISC
 *
 * A Sieve script in tokens: see sieve_lex.h.  Names of rules are those of
 * RFC 5228, section 8.1.
 *
 * NOTE: a line may also end in a bare LF, as in any file of Unix; a comment or
 * a number of lines at the end of the script may lack theirs.  In a string
 * both ends become the CRLF that the language knows.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "grammar/sieve_lex.h"

int
sieve_lex_error(struct sieve_lex *x, unsigned line, const char *fmt, ...)
{
	va_list ap;
	int n;

	n = snprintf(x->error, SIEVE_ERROR_MAX, "line %u: ", line);
	va_start(ap, fmt);
	(void)vsnprintf(x->error + n, SIEVE_ERROR_MAX - (size_t)n, fmt, ap);
	va_end(ap);
	return -1;
}

int
sieve_lex_nomem(struct sieve_lex *x)
{
	return sieve_lex_error(x, x->line, "no memory");
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
at(const struct sieve_lex *x, char c)
{
	return x->p < x->end && *x->p == c;
}

/* CRLF or LF: 1 one was taken; 0 something else stands there, or nothing;
 * -1 a CR alone, or a NUL. */
static int
line_end(struct sieve_lex *x)
{
	if (x->p == x->end)
		return 0;
	if (*x->p == '\0')
		return sieve_lex_error(x, x->line, "a NUL octet");
	if (*x->p == '\r') {
		if (x->end - x->p < 2 || x->p[1] != '\n')
			return sieve_lex_error(x, x->line,
			    "a CR that ends no line");
		x->p++;
	} else if (*x->p != '\n')
		return 0;
	x->p++;
	x->line++;
	return 1;
}

/* To the next line, or the end: hash-comment. */
static int
skip_line(struct sieve_lex *x)
{
	int r;

	while ((r = line_end(x)) == 0) {
		if (x->p == x->end)
			return 0;
		x->p++;
	}
	return r == -1 ? -1 : 0;
}

/* bracket-comment; they do not nest. */
static int
skip_comment(struct sieve_lex *x)
{
	unsigned line = x->line;
	int r;

	for (x->p += 2;;) {
		if ((r = line_end(x)) == -1)
			return -1;
		if (r == 1)
			continue;
		if (x->p == x->end)
			return sieve_lex_error(x, line,
			    "this comment has no \"*/\"");
		if (*x->p++ == '*' && at(x, '/')) {
			x->p++;
			return 0;
		}
	}
}

/* white-space */
static int
skip_space(struct sieve_lex *x)
{
	int r;

	for (;;) {
		if ((r = line_end(x)) == -1)
			return -1;
		if (r == 1)
			continue;
		if (at(x, ' ') || at(x, '\t'))
			x->p++;
		else if (at(x, '#')) {
			if (skip_line(x) == -1)
				return -1;
		} else if (at(x, '/') && x->end - x->p > 1 &&
		    x->p[1] == '*') {
			if (skip_comment(x) == -1)
				return -1;
		} else
			return 0;
	}
}

/* identifier, in lower case. */
static int
identifier(struct sieve_lex *x, struct sieve_token *t)
{
	const char *from = x->p;
	char *to;
	size_t i;

	while (x->p < x->end && (is_alpha(*x->p) || is_digit(*x->p)))
		x->p++;
	t->len = (size_t)(x->p - from);
	if ((to = sieve_tree_alloc(x->tree, t->len + 1)) == NULL)
		return sieve_lex_nomem(x);
	for (i = 0; i < t->len; i++)
		to[i] = from[i] >= 'A' && from[i] <= 'Z' ?
		    (char)(from[i] + ('a' - 'A')) : from[i];
	to[i] = '\0';
	t->text = to;
	return 0;
}

/* number */
static int
number(struct sieve_lex *x, struct sieve_token *t)
{
	unsigned shift = 0;

	t->kind = SIEVE_T_NUMBER;
	for (t->number = 0; x->p < x->end && is_digit(*x->p); x->p++)
		if (__builtin_mul_overflow(t->number, 10, &t->number) ||
		    __builtin_add_overflow(t->number,
		    (unsigned)(*x->p - '0'), &t->number))
			return sieve_lex_error(x, x->line,
			    "a number that is too large");
	if (at(x, 'K') || at(x, 'k'))
		shift = 10;
	else if (at(x, 'M') || at(x, 'm'))
		shift = 20;
	else if (at(x, 'G') || at(x, 'g'))
		shift = 30;
	if (shift > 0)
		x->p++;
	if (x->p < x->end && (is_alpha(*x->p) || is_digit(*x->p)))
		return sieve_lex_error(x, x->line,
		    "behind a number only K, M or G may stand");
	if (t->number > UINT64_MAX >> shift)
		return sieve_lex_error(x, x->line,
		    "a number that is too large");
	t->number <<= shift;
	return 0;
}

/* Room for a string that takes n octets of the script, each of which may be
 * an LF that becomes two. */
static char *
string_room(struct sieve_lex *x, const char *from, const char *end)
{
	size_t n = (size_t)(end - from) + 1;
	const char *lf;

	for (lf = from; (lf = memchr(lf, '\n', (size_t)(end - lf))) != NULL;
	    lf++)
		n++;
	return sieve_tree_alloc(x->tree, n);
}

/* The end of a quoted string that begins at p: its DQUOTE, or NULL. */
static const char *
quoted_end(const struct sieve_lex *x)
{
	const char *p;

	for (p = x->p; p < x->end && *p != '"'; p++)
		if (*p == '\\' && ++p == x->end)
			return NULL;
	return p < x->end ? p : NULL;
}

/* quoted-string, behind its first DQUOTE.  A backslash before an octet that
 * needs none is as if it were not there (section 2.4.2). */
static int
quoted(struct sieve_lex *x, struct sieve_token *t)
{
	const char *end = quoted_end(x);
	char *to;
	int r;

	t->kind = SIEVE_T_STRING;
	if (end == NULL)
		return sieve_lex_error(x, t->line,
		    "this string has no second quotation mark");
	if ((to = string_room(x, x->p, end)) == NULL)
		return sieve_lex_nomem(x);
	for (t->text = to; x->p < end;) {
		if (*x->p == '\\')
			x->p++;
		if ((r = line_end(x)) == -1)
			return -1;
		if (r == 1) {
			*to++ = '\r';
			*to++ = '\n';
		} else
			*to++ = *x->p++;
	}
	*to = '\0';
	t->len = (size_t)(to - t->text);
	x->p = end + 1;
	return 0;
}

/* The line of a lone dot that ends a text beginning at p, or NULL. */
static const char *
text_end(const char *p, const char *end)
{
	while (p < end) {
		if (*p == '.' && (end - p == 1 || p[1] == '\n' ||
		    (p[1] == '\r' && (end - p == 2 || p[2] == '\n'))))
			return p;
		if ((p = memchr(p, '\n', (size_t)(end - p))) == NULL)
			return NULL;
		p++;
	}
	return NULL;
}

/* One line of a text: a dot of two at its beginning is dropped. */
static int
text_line(struct sieve_lex *x, char **to)
{
	int r;

	if (at(x, '.') && x->end - x->p > 1 && x->p[1] == '.')
		x->p++;
	while ((r = line_end(x)) == 0)
		*(*to)++ = *x->p++;
	if (r == -1)
		return -1;
	*(*to)++ = '\r';
	*(*to)++ = '\n';
	return 0;
}

/* multi-line, behind "text:". */
static int
text(struct sieve_lex *x, struct sieve_token *t)
{
	const char *end;
	char *to;
	int r;

	t->kind = SIEVE_T_STRING;
	while (at(x, ' ') || at(x, '\t'))
		x->p++;
	if (at(x, '#')) {
		if (skip_line(x) == -1)
			return -1;
	} else if ((r = line_end(x)) == -1)
		return -1;
	else if (r == 0)
		return sieve_lex_error(x, t->line,
		    "the text must begin in the line after \"text:\"");
	if ((end = text_end(x->p, x->end)) == NULL)
		return sieve_lex_error(x, t->line,
		    "this text has no end: a line with a dot alone");
	if ((to = string_room(x, x->p, end)) == NULL)
		return sieve_lex_nomem(x);
	for (t->text = to; x->p < end;)
		if (text_line(x, &to) == -1)
			return -1;
	*to = '\0';
	t->len = (size_t)(to - t->text);
	x->p = end + 1;
	return line_end(x) == -1 ? -1 : 0;
}

/* identifier, or the multi-line that begins like one. */
static int
name(struct sieve_lex *x, struct sieve_token *t)
{
	if (identifier(x, t) == -1)
		return -1;
	if (at(x, ':') && strcmp(t->text, "text") == 0) {
		x->p++;
		return text(x, t);
	}
	t->kind = SIEVE_T_NAME;
	return 0;
}

static int
mark(struct sieve_lex *x, struct sieve_token *t)
{
	static const char marks[] = ";\0,\0(\0)\0[\0]\0{\0}";
	size_t i;

	t->kind = SIEVE_T_MARK;
	for (i = 0; i < sizeof(marks); i += 2)
		if (*x->p == marks[i]) {
			t->text = marks + i;
			t->len = 1;
			x->p++;
			return 0;
		}
	if (*x->p > ' ' && *x->p < 0x7f)
		return sieve_lex_error(x, x->line,
		    "\"%c\" has no meaning here", *x->p);
	return sieve_lex_error(x, x->line,
	    "the octet 0x%02x has no meaning here", (unsigned char)*x->p);
}

int
sieve_lex_next(struct sieve_lex *x, struct sieve_token *t)
{
	memset(t, 0, sizeof(*t));
	if (skip_space(x) == -1)
		return -1;
	t->line = x->line;
	t->text = "";
	if (x->p == x->end) {
		t->kind = SIEVE_T_END;
		return 0;
	}
	if (is_alpha(*x->p))
		return name(x, t);
	if (is_digit(*x->p))
		return number(x, t);
	if (*x->p == '"') {
		x->p++;
		return quoted(x, t);
	}
	if (*x->p != ':')
		return mark(x, t);
	x->p++;
	if (x->p == x->end || !is_alpha(*x->p))
		return sieve_lex_error(x, t->line,
		    "a colon without a word behind it");
	t->kind = SIEVE_T_TAG;
	return identifier(x, t);
}
