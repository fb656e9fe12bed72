/* SPDX-License-Identifier: ISC
 *
 * The commands of SMTP and their arguments: RFC 5321, section 4.1.  One table
 * has a row for each command, another for each parameter.  It must never
 * judge whether a command is allowed now.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/smtp_command.h"

enum argument {
	ARG_NONE,		/* one is an error */
	ARG_ANY,		/* none, or any text */
	ARG_NEEDED,
	ARG_NAME,		/* HELO: a name, taken as it is */
	ARG_REVERSE_PATH,
	ARG_FORWARD_PATH,
	ARG_AUTH
};

static const struct {
	const char	*name;
	enum argument	 argument;
} verbs[SMTP_VERBS] = {
	[SMTP_HELO] = { "HELO", ARG_NAME },
	[SMTP_EHLO] = { "EHLO", ARG_NAME },
	[SMTP_LHLO] = { "LHLO", ARG_NAME },
	[SMTP_MAIL] = { "MAIL", ARG_REVERSE_PATH },
	[SMTP_RCPT] = { "RCPT", ARG_FORWARD_PATH },
	[SMTP_DATA] = { "DATA", ARG_NONE },
	[SMTP_RSET] = { "RSET", ARG_NONE },
	[SMTP_NOOP] = { "NOOP", ARG_ANY },
	[SMTP_VRFY] = { "VRFY", ARG_NEEDED },
	[SMTP_EXPN] = { "EXPN", ARG_NEEDED },
	[SMTP_HELP] = { "HELP", ARG_ANY },
	[SMTP_QUIT] = { "QUIT", ARG_NONE },
	[SMTP_STARTTLS] = { "STARTTLS", ARG_NONE },
	[SMTP_AUTH] = { "AUTH", ARG_AUTH },
	[SMTP_UNKNOWN] = { "", ARG_ANY }
};

static int param_size(struct smtp_params *, const char *, size_t);
static int param_body(struct smtp_params *, const char *, size_t);
static int param_auth(struct smtp_params *, const char *, size_t);

/* Each parser takes the value, NULL when there was no "="; 0, or -1 bad. */
static const struct {
	const char	*name;
	enum smtp_verb	 verb;
	int		(*parse)(struct smtp_params *, const char *, size_t);
} params[] = {
	{ "SIZE", SMTP_MAIL, param_size },
	{ "BODY", SMTP_MAIL, param_body },
	{ "AUTH", SMTP_MAIL, param_auth }
};

#define NPARAMS	(sizeof(params) / sizeof(params[0]))

const char *
smtp_verb_name(enum smtp_verb v)
{
	return verbs[v].name;
}

static enum smtp_fault
fail(struct smtp_command *c, enum smtp_fault fault, const char *why)
{
	c->why = why;
	return fault;
}

/* Keep what a fault is about, fit to be printed. */
static void
keep_word(struct smtp_command *c, const char *p, size_t n)
{
	size_t i;

	if (n > sizeof(c->word) - 1)
		n = sizeof(c->word) - 1;
	for (i = 0; i < n; i++)
		c->word[i] = char_is(p[i], CHAR_PRINT) ? p[i] : '?';
	c->word[n] = '\0';
}

static int
is_wsp(char c)
{
	return char_is(c, CHAR_WSP) != 0;
}

static void
skip_wsp(const char **p, const char *end)
{
	while (*p < end && is_wsp(**p))
		(*p)++;
}

/* size-value = 1*20DIGIT (RFC 1870, section 3) */
static int
param_size(struct smtp_params *s, const char *p, size_t n)
{
	size_t i;

	if (p == NULL || n == 0 || n > 20)
		return -1;
	s->size = 0;
	for (i = 0; i < n; i++) {
		if (!char_is(p[i], CHAR_DIGIT))
			return -1;
		if (s->size > (INT64_MAX - 9) / 10)
			s->size = INT64_MAX;
		else
			s->size = s->size * 10 + (uint64_t)(p[i] - '0');
	}
	s->has_size = 1;
	return 0;
}

/* body-value = "7BIT" / "8BITMIME" (RFC 1652, section 2) */
static int
param_body(struct smtp_params *s, const char *p, size_t n)
{
	if (p == NULL)
		return -1;
	if (chars_is(p, n, "7BIT"))
		s->body = SMTP_BODY_7BIT;
	else if (chars_is(p, n, "8BITMIME"))
		s->body = SMTP_BODY_8BITMIME;
	else
		return -1;
	return 0;
}

/* AUTH=mailbox in xtext, or AUTH=<> (RFC 4954). */
static int
param_auth(struct smtp_params *s, const char *p, size_t n)
{
	struct buf b;
	int good;

	if (p == NULL || n == 0)
		return -1;
	buf_init(&b, ADDRESS_TEXT_MAX);
	good = smtp_xtext_decode(&b, p, n) == 1 && b.len > 0 &&
	    address_parse(&s->auth, b.data, b.len, NULL) == 1;
	buf_free(&b);
	s->has_auth = good;
	return good ? 0 : -1;
}

/*
 * esmtp-param   = esmtp-keyword ["=" esmtp-value]
 * esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
 * esmtp-value   = 1*(%d33-60 / %d62-126)
 *
 * One parameter, from p to end.
 */
static enum smtp_fault
parse_param(struct smtp_command *c, const char *p, const char *end,
    unsigned *seen)
{
	const char *value = memchr(p, '=', (size_t)(end - p));
	size_t i, n = (size_t)((value == NULL ? end : value) - p);

	keep_word(c, p, n);
	for (i = 0; i < NPARAMS; i++)
		if (params[i].verb == c->verb && chars_is(p, n, params[i].name))
			break;
	if (i == NPARAMS)
		return fail(c, SMTP_PARAM_UNKNOWN, "");
	if (*seen & 1u << i)
		return fail(c, SMTP_PARAM_TWICE, "");
	*seen |= 1u << i;
	if (value != NULL)
		value++;
	if (params[i].parse(&c->params, value,
	    value == NULL ? 0 : (size_t)(end - value)) == -1)
		return fail(c, SMTP_PARAM_VALUE, "");
	return SMTP_GOOD;
}

/* *(SP esmtp-param).  NOTE: white space may be of any length. */
static enum smtp_fault
parse_params(struct smtp_command *c, const char *p, const char *end)
{
	enum smtp_fault fault;
	const char *start;
	unsigned seen = 0;

	for (;;) {
		skip_wsp(&p, end);
		if (p == end)
			return SMTP_GOOD;
		for (start = p; p < end && !is_wsp(*p); p++)
			;
		if ((fault = parse_param(c, start, p, &seen)) != SMTP_GOOD)
			return fault;
	}
}

/*
 * mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
 * rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" /
 *                Forward-path ) [SP Rcpt-parameters] CRLF
 *
 * NOTE: white space behind the colon (RFC 5321, section 3.3 forbids it and says
 * that it is common) and a path without its brackets are taken.
 */
static enum smtp_fault
parse_path(struct smtp_command *c, const char *word)
{
	const char *p = c->arg, *end = p + c->arg_len;
	int found;

	if (!chars_begin(p, end, word))
		return fail(c, SMTP_NO_FROM, "");
	p += strlen(word);
	skip_wsp(&p, end);
	if (p == end)
		return fail(c, SMTP_ADDRESS, "there is no address");
	if ((found = address_path(&p, end, &c->path, &c->why)) == 0)
		found = address_mailbox(&p, end, &c->path, &c->why);
	if (found < 0)
		return SMTP_ADDRESS;
	if (found == 0)
		return fail(c, SMTP_ADDRESS, "there is no local part");
	if (p < end && !is_wsp(*p))
		return fail(c, SMTP_ADDRESS, "the address holds a character "
		    "that is not allowed");
	if (c->verb == SMTP_RCPT && address_is_null(&c->path))
		return fail(c, SMTP_ADDRESS, "a recipient cannot be <>");
	return parse_params(c, p, end);
}

/*
 * NOTE: any text is taken for a name, also one that is neither a domain nor an
 * address literal: a HELO name is never a reason to refuse.
 */
static enum smtp_fault
parse_name(struct smtp_command *c)
{
	size_t i, n = c->arg_len;

	if (n == 0)
		return fail(c, SMTP_ARG_MISSING, "");
	if (n > sizeof(c->helo) - 1)
		n = sizeof(c->helo) - 1;
	for (i = 0; i < n; i++)
		c->helo[i] = char_is(c->arg[i], CHAR_LABEL) ||
		    (c->arg[i] != '\0' && strchr(".:[]", c->arg[i]) != NULL) ?
		    c->arg[i] : '?';
	c->helo[n] = '\0';
	return SMTP_GOOD;
}

/* "AUTH" SP sasl-mech [SP initial-response] (RFC 4954); sasl-mech is up to 20
 * letters, digits, "-" and "_". */
static enum smtp_fault
parse_auth(struct smtp_command *c)
{
	const char *p = c->arg, *end = p + c->arg_len, *start;
	size_t i, n;

	if (c->arg_len == 0)
		return fail(c, SMTP_ARG_MISSING, "");
	while (p < end && !is_wsp(*p))
		p++;
	n = (size_t)(p - c->arg);
	keep_word(c, c->arg, n);
	/* A longer name is unknown for certain: it may be cut. */
	for (i = 0; i < n && i < sizeof(c->mechanism) - 1; i++)
		c->mechanism[i] = c->arg[i] >= 'a' && c->arg[i] <= 'z' ?
		    (char)(c->arg[i] - 'a' + 'A') : c->arg[i];
	c->mechanism[i] = '\0';
	skip_wsp(&p, end);
	if (p == end)
		return SMTP_GOOD;
	for (start = p; p < end && !is_wsp(*p); p++)
		;
	if (p < end)
		return fail(c, SMTP_ARG_EXTRA, "");
	c->initial = start;
	c->initial_len = (size_t)(p - start);
	return SMTP_GOOD;
}

/* Which octets the line holds that no command may. */
static enum smtp_fault
check_octets(struct smtp_command *c, const char *p, size_t len)
{
	int eight = 0, control = 0;
	size_t i;

	if (memchr(p, '\0', len) != NULL)
		return fail(c, SMTP_NUL, "");
	for (i = 0; i < len; i++) {
		if ((unsigned char)p[i] > 127)
			eight = 1;
		else if (!char_is(p[i], CHAR_PRINT | CHAR_WSP))
			control = 1;
	}
	if (control)
		return fail(c, SMTP_CONTROL, "");
	/* NOTE: names of machines are typed in any script. */
	if (eight && verbs[c->verb].argument != ARG_NAME)
		return fail(c, SMTP_8BIT, "");
	return SMTP_GOOD;
}

/* Find the verb at the start of the line, and the bounds of its argument. */
static void
split(struct smtp_command *c, const char *p, const char *end)
{
	const char *start;

	skip_wsp(&p, end);
	while (end > p && is_wsp(end[-1]))
		end--;
	for (start = p; p < end && !is_wsp(*p); p++)
		;
	keep_word(c, start, (size_t)(p - start));
	for (c->verb = 0; c->verb < SMTP_UNKNOWN; c->verb++)
		if (chars_is(start, (size_t)(p - start), verbs[c->verb].name))
			break;
	skip_wsp(&p, end);
	c->arg = p;
	c->arg_len = (size_t)(end - p);
}

static enum smtp_fault
parse_argument(struct smtp_command *c)
{
	switch (verbs[c->verb].argument) {
	case ARG_NONE:
		return c->arg_len == 0 ? SMTP_GOOD :
		    fail(c, SMTP_ARG_EXTRA, "");
	case ARG_NEEDED:
		return c->arg_len > 0 ? SMTP_GOOD :
		    fail(c, SMTP_ARG_MISSING, "");
	case ARG_NAME:
		return parse_name(c);
	case ARG_REVERSE_PATH:
		return parse_path(c, "FROM:");
	case ARG_FORWARD_PATH:
		return parse_path(c, "TO:");
	case ARG_AUTH:
		return parse_auth(c);
	case ARG_ANY:
		break;
	}
	return SMTP_GOOD;
}

enum smtp_fault
smtp_command_parse(struct smtp_command *c, const char *line, size_t len,
    size_t max)
{
	memset(c, 0, sizeof(*c));
	c->why = "";
	split(c, line, line + len);
	c->fault = check_octets(c, line, len);
	if (c->fault == SMTP_GOOD && len + 2 > max)
		c->fault = SMTP_LINE_TOO_LONG;
	if (c->fault == SMTP_GOOD && c->verb == SMTP_UNKNOWN)
		c->fault = SMTP_VERB_UNKNOWN;
	if (c->fault == SMTP_GOOD)
		c->fault = parse_argument(c);
	if (c->fault == SMTP_GOOD)
		c->why = "";
	return c->fault;
}

/*
 * xtext   = *( xchar / hexchar )
 * hexchar = ASCII "+" immediately followed by two upper case hex digits
 *
 * NOTE: small hex digits are taken.
 */
int
smtp_xtext_decode(struct buf *b, const char *p, size_t n)
{
	size_t i, before = b->len;

	for (i = 0; i < n; i++) {
		if (char_is(p[i], CHAR_XCHAR)) {
			buf_addc(b, p[i]);
		} else if (p[i] == '+' && i + 2 < n &&
		    char_hex(p[i + 1]) >= 0 && char_hex(p[i + 2]) >= 0) {
			buf_addc(b, (char)(char_hex(p[i + 1]) << 4 |
			    char_hex(p[i + 2])));
			i += 2;
		} else {
			b->len = before;
			return 0;
		}
	}
	return buf_failed(b) ? -1 : 1;
}

int
smtp_xtext_encode(struct buf *b, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (char_is(p[i], CHAR_XCHAR))
			buf_addc(b, p[i]);
		else
			buf_addf(b, "+%02X", (unsigned char)p[i]);
	}
	return buf_failed(b) ? -1 : 0;
}
