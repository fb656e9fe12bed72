/* SPDX-License-Identifier: ISC
 *
 * The small rules of IMAP commands (RFC 3501 section 9).  It must never read
 * past the end of the command nor keep a string outside its pool, which is
 * made as large as the command: every string has at least one octet of
 * something else behind it, or is the last.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "grammar/date.h"
#include "grammar/imap_lex.h"
#include "grammar/imap_names.h"

/* A name as it is stored, which may be longer than what the command has. */
struct imap_kept {
	struct imap_kept *next;
	char		 name[IMAP_STORED_SIZE];
};

int
imap_lex_init(struct imap_lex *l, const char *s, size_t len)
{
	memset(l, 0, sizeof(*l));
	l->p = s;
	l->end = s + len;
	l->size = len + 2;
	if ((l->pool = malloc(l->size)) == NULL)
		return -1;
	return 0;
}

void
imap_lex_free(struct imap_lex *l)
{
	struct imap_kept *k;

	while ((k = l->kept) != NULL) {
		l->kept = k->next;
		free(k);
	}
	if (l->pool != NULL)
		explicit_bzero(l->pool, l->used);
	free(l->pool);
	memset(l, 0, sizeof(*l));
}

int
imap_lex_fail(struct imap_lex *l, const char *error)
{
	l->error = error;
	return -1;
}

int
imap_is_atom_char(int c)
{
	unsigned char u = (unsigned char)c;

	return u > 0x20 && u < 0x7f && strchr("(){%*\"\\]", u) == NULL;
}

/* ASTRING-CHAR = ATOM-CHAR / resp-specials */
static int
is_astring_char(int c)
{
	return c == ']' || imap_is_atom_char(c);
}

int
imap_lex_end(const struct imap_lex *l)
{
	return l->p == l->end;
}

int
imap_lex_char(struct imap_lex *l, char c)
{
	if (l->p == l->end || *l->p != c)
		return 0;
	l->p++;
	return 1;
}

int
imap_lex_sp(struct imap_lex *l)
{
	return imap_lex_char(l, ' ');
}

int
imap_lex_need_sp(struct imap_lex *l)
{
	if (!imap_lex_sp(l))
		return imap_lex_fail(l, imap_lex_end(l) ?
		    "an argument is missing" : "a space is missing");
	return 1;
}

int
imap_lex_need_end(struct imap_lex *l)
{
	if (!imap_lex_end(l))
		return imap_lex_fail(l, "more than the command takes");
	return 1;
}

int
imap_lex_word(struct imap_lex *l, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(l->end - l->p) < n || !chars_equal(l->p, n, word, n))
		return 0;
	if (l->p + n < l->end && imap_is_atom_char(l->p[n]))
		return 0;
	l->p += n;
	return 1;
}

/* Keep n octets at s, already without their quoting, as a string. */
static int
keep(struct imap_lex *l, const char *s, size_t n, struct imap_string *out)
{
	if (n + 1 > l->size - l->used)
		return imap_lex_fail(l, "too many strings");
	memcpy(l->pool + l->used, s, n);
	l->pool[l->used + n] = '\0';
	out->s = l->pool + l->used;
	out->len = n;
	l->used += n + 1;
	return 1;
}

/* tag = 1*<any ASTRING-CHAR except "+"> */
int
imap_lex_tag(struct imap_lex *l, struct imap_string *out)
{
	const char *p = l->p;

	while (p < l->end && is_astring_char(*p) && *p != '+')
		p++;
	if (p == l->p)
		return 0;
	if (keep(l, l->p, (size_t)(p - l->p), out) == -1)
		return -1;
	l->p = p;
	return 1;
}

/* atom = 1*ATOM-CHAR */
int
imap_lex_atom(struct imap_lex *l, struct imap_string *out)
{
	const char *p = l->p;

	while (p < l->end && imap_is_atom_char(*p))
		p++;
	if (p == l->p)
		return 0;
	if (keep(l, l->p, (size_t)(p - l->p), out) == -1)
		return -1;
	l->p = p;
	return 1;
}

/*
 * quoted = DQUOTE *QUOTED-CHAR DQUOTE
 * NOTE: octets above 127 are taken, as common clients send them in passwords
 * and searches; a NUL, CR or LF is not.  Who has enabled UTF8=ACCEPT must send
 * UTF-8 (RFC 6855 section 3).
 */
static int
lex_quoted(struct imap_lex *l, struct imap_string *out)
{
	const char *p = l->p + 1;
	char *to = l->pool + l->used;

	/* The unquoted form is shorter than what is left of the command, which
	 * is checked once here. */
	if ((size_t)(l->end - l->p) > l->size - l->used)
		return imap_lex_fail(l, "too many strings");
	for (; p < l->end && *p != '"'; p++) {
		if (*p == '\0' || *p == '\r' || *p == '\n')
			return imap_lex_fail(l,
			    "NUL or line end in a quoted string");
		if (*p == '\\') {
			if (++p == l->end || (*p != '"' && *p != '\\'))
				return imap_lex_fail(l,
				    "bad escape in a quoted string");
		}
		*to++ = *p;
	}
	if (p == l->end)
		return imap_lex_fail(l, "a quoted string is not closed");
	*to = '\0';
	out->s = l->pool + l->used;
	out->len = (size_t)(to - out->s);
	if (l->utf8 && !utf8_valid(out->s, out->len))
		return imap_lex_fail(l, "a quoted string is not UTF-8");
	l->used += out->len + 1;
	l->p = p + 1;
	return 1;
}

/* "{" number ["+"] "}": 1 and *pp behind the brace, 0 no such thing, -1 the
 * number is too large. */
static int
announcement(const char **pp, const char *end, uint64_t *size, int *sync)
{
	const char *p = *pp;
	uint64_t n = 0;
	int large = 0;

	if (p == end || *p++ != '{' || p == end || !char_is(*p, CHAR_DIGIT))
		return 0;
	for (; p < end && char_is(*p, CHAR_DIGIT); p++) {
		if (n > (INT64_MAX - 9) / 10)
			large = 1;
		else
			n = n * 10 + (uint64_t)(*p - '0');
	}
	*sync = 1;
	if (p < end && *p == '+') {
		*sync = 0;
		p++;
	}
	if (p == end || *p != '}')
		return 0;
	*pp = p + 1;
	*size = large ? UINT64_MAX : n;
	return large ? -1 : 1;
}

/* literal = "{" number ["+"] "}" CRLF *CHAR8 (RFC 7888 section 8) */
static int
lex_literal(struct imap_lex *l, struct imap_string *out, int nul)
{
	const char *p = l->p;
	uint64_t n;
	int sync;

	if (announcement(&p, l->end, &n, &sync) != 1)
		return imap_lex_fail(l, "bad literal");
	if (l->end - p < 2 || p[0] != '\r' || p[1] != '\n')
		return imap_lex_fail(l, "bad literal");
	p += 2;
	if (n > (uint64_t)(l->end - p))
		return imap_lex_fail(l, "a literal is cut");
	if (!nul && memchr(p, '\0', n) != NULL)
		return imap_lex_fail(l, "NUL in a literal");
	if (keep(l, p, n, out) == -1)
		return -1;
	l->p = p + n;
	return 1;
}

/* string = quoted / literal */
int
imap_lex_string(struct imap_lex *l, struct imap_string *out)
{
	if (l->p == l->end)
		return 0;
	if (*l->p == '"')
		return lex_quoted(l, out);
	if (*l->p == '{')
		return lex_literal(l, out, 0);
	return 0;
}

/* literal8 = "~" literal, with OCTETs in it (RFC 3516 section 7) */
int
imap_lex_literal8(struct imap_lex *l, struct imap_string *out)
{
	const char *p = l->p;
	int r;

	if (!imap_lex_char(l, '~'))
		return 0;
	if ((r = lex_literal(l, out, 1)) == -1)
		l->p = p;
	return r;
}

/* A run of list-chars or, without the wildcards, of ASTRING-CHARs. */
static int
lex_run(struct imap_lex *l, int wildcards, struct imap_string *out)
{
	const char *p = l->p;

	while (p < l->end && (is_astring_char(*p) ||
	    (wildcards && (*p == '%' || *p == '*'))))
		p++;
	if (p == l->p)
		return 0;
	if (keep(l, l->p, (size_t)(p - l->p), out) == -1)
		return -1;
	l->p = p;
	return 1;
}

/* astring = 1*ASTRING-CHAR / string */
int
imap_lex_astring(struct imap_lex *l, struct imap_string *out)
{
	int r = imap_lex_string(l, out);

	return r != 0 ? r : lex_run(l, 0, out);
}

/* nstring = string / nil; s NULL for NIL */
int
imap_lex_nstring(struct imap_lex *l, struct imap_string *out)
{
	if (imap_lex_word(l, "NIL")) {
		out->s = NULL;
		out->len = 0;
		return 1;
	}
	return imap_lex_string(l, out);
}

/* list-mailbox = 1*list-char / string */
int
imap_lex_list_mailbox(struct imap_lex *l, struct imap_string *out)
{
	int r = imap_lex_string(l, out);

	return r != 0 ? r : lex_run(l, 1, out);
}

static int
store_name(struct imap_lex *l, struct imap_string *out)
{
	struct imap_kept *k;

	/* RFC 6855 section 3: octets that are not UTF-8 are refused. */
	if (l->names->utf8 && !utf8_valid(out->s, out->len))
		return imap_lex_fail(l, "a name is not UTF-8");
	if ((k = malloc(sizeof(*k))) == NULL)
		return imap_lex_fail(l, "out of memory");
	k->next = l->kept;
	l->kept = k;
	(void)imap_names_store(l->names, out->s, k->name);
	out->s = k->name;
	out->len = strlen(k->name);
	return 1;
}

/* mailbox = "INBOX" / astring */
int
imap_lex_mailbox(struct imap_lex *l, struct imap_string *out)
{
	int r = imap_lex_astring(l, out);

	if (r == 1)
		l->given = out->s;
	if (r == 1 && chars_is(out->s, out->len, "INBOX"))
		out->s = "INBOX";
	else if (r == 1 && l->names != NULL)
		r = store_name(l, out);
	return r;
}

static int
lex_number64(struct imap_lex *l, uint64_t *out)
{
	const char *p = l->p;
	uint64_t n = 0;

	for (; p < l->end && char_is(*p, CHAR_DIGIT); p++) {
		if (n > (UINT64_MAX - 9) / 10)
			return imap_lex_fail(l, "a number is too large");
		n = n * 10 + (uint64_t)(*p - '0');
	}
	if (p == l->p)
		return 0;
	l->p = p;
	*out = n;
	return 1;
}

/* number = 1*DIGIT ; (0 <= n < 4,294,967,296) */
int
imap_lex_number(struct imap_lex *l, uint32_t *out)
{
	uint64_t n;
	int r;

	if ((r = lex_number64(l, &n)) != 1)
		return r;
	if (n > UINT32_MAX)
		return imap_lex_fail(l, "a number is too large");
	*out = (uint32_t)n;
	return 1;
}

/* number64 = 1*DIGIT ; (0 <= n <= 9,223,372,036,854,775,807) */
int
imap_lex_number64(struct imap_lex *l, uint64_t *out)
{
	int r;

	if ((r = lex_number64(l, out)) == 1 && *out > INT64_MAX)
		return imap_lex_fail(l, "a number is too large");
	return r;
}

/* nz-number = digit-nz *DIGIT */
int
imap_lex_nz_number(struct imap_lex *l, uint32_t *out)
{
	if (l->p < l->end && *l->p == '0')
		return imap_lex_fail(l, "a number must not begin with 0");
	return imap_lex_number(l, out);
}

int
imap_lex_announce(struct imap_lex *l, uint64_t *size, int *sync)
{
	const char *p = l->p;
	int r;

	if ((r = announcement(&p, l->end, size, sync)) == 0 || p != l->end)
		return 0;
	l->p = p;
	return r == 1 ? 1 : imap_lex_fail(l, "a literal is too large");
}

int
imap_line_literal(const char *line, size_t len, uint64_t *size, int *sync)
{
	const char *p, *end = line + len;
	int r;

	if (len == 0 || end[-1] != '}')
		return 0;
	p = end - 1;
	if (p > line && p[-1] == '+')
		p--;
	while (p > line && char_is(p[-1], CHAR_DIGIT))
		p--;
	if (p == line || p[-1] != '{')
		return 0;
	p--;
	r = announcement(&p, end, size, sync);
	return p == end || r == -1 ? r : 0;
}

/* date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP
 * zone DQUOTE */
int
imap_lex_date_time(struct imap_lex *l, int64_t *t)
{
	const char *p, *q;
	struct date d;

	if (l->p == l->end || *l->p != '"')
		return 0;
	p = l->p + 1;
	if ((q = memchr(p, '"', (size_t)(l->end - p))) == NULL ||
	    date_imap_parse(&d, p, (size_t)(q - p)) != 1)
		return imap_lex_fail(l, "bad date-time");
	l->p = q + 1;
	*t = d.time;
	return 1;
}

/* date = date-text / DQUOTE date-text DQUOTE */
int
imap_lex_date(struct imap_lex *l, int64_t *t)
{
	int quoted = imap_lex_char(l, '"');
	const char *p = l->p;

	while (p < l->end && (char_is(*p, CHAR_ALNUM) || *p == '-'))
		p++;
	if (date_imap_day_parse(t, l->p, (size_t)(p - l->p)) != 1)
		return imap_lex_fail(l, "bad date");
	l->p = p;
	if (quoted && !imap_lex_char(l, '"'))
		return imap_lex_fail(l, "bad date");
	return 1;
}
