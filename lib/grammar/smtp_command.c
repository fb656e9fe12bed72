/* SPDX-License-Identifier: ISC
 *
 * The commands of SMTP and their arguments: RFC 5321, section 4.1.  One table
 * has a row for each command.  It must never judge whether a command is
 * allowed now.
 */
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "grammar/smtp_command.h"

enum argument {
	ARG_NONE,		/* one is an error */
	ARG_ANY,		/* none, or any text */
	ARG_NAME,		/* HELO: a name, taken as it is */
	ARG_REVERSE_PATH,
	ARG_FORWARD_PATH,
	ARG_MAILBOX,		/* VRFY: any text, and perhaps SMTPUTF8 */
	ARG_AUTH,
	ARG_CHUNK
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
	[SMTP_BDAT] = { "BDAT", ARG_CHUNK },
	[SMTP_RSET] = { "RSET", ARG_NONE },
	[SMTP_NOOP] = { "NOOP", ARG_ANY },
	[SMTP_VRFY] = { "VRFY", ARG_MAILBOX },
	[SMTP_EXPN] = { "EXPN", ARG_MAILBOX },
	[SMTP_HELP] = { "HELP", ARG_ANY },
	[SMTP_QUIT] = { "QUIT", ARG_NONE },
	[SMTP_STARTTLS] = { "STARTTLS", ARG_NONE },
	[SMTP_AUTH] = { "AUTH", ARG_AUTH },
	[SMTP_UNKNOWN] = { "", ARG_ANY }
};

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

/* Fit to be printed. */
void
smtp_command_word(struct smtp_command *c, const char *p, size_t n)
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
	return smtp_params_parse(c, p, end);
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
	smtp_command_word(c, c->arg, n);
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

/* vrfy = "VRFY" SP String [ SP "SMTPUTF8" ] CRLF (RFC 6531, section
 * 3.7.4.2). */
static enum smtp_fault
parse_mailbox(struct smtp_command *c)
{
	const char *p = c->arg, *end = p + c->arg_len, *word = end;

	if (c->arg_len == 0)
		return fail(c, SMTP_ARG_MISSING, "");
	while (word > p && !is_wsp(word[-1]))
		word--;
	if (word == p || !chars_is(word, (size_t)(end - word), "SMTPUTF8"))
		return SMTP_GOOD;
	c->params.given |= SMTP_WITH_UTF8;
	while (word > p && is_wsp(word[-1]))
		word--;
	c->arg_len = (size_t)(word - p);
	return SMTP_GOOD;
}

/*
 * bdat-cmd   = "BDAT" SP chunk-size [ SP end-marker ] CR LF
 * chunk-size = 1*DIGIT
 * end-marker = "LAST"				(RFC 3030, section 2)
 */
static enum smtp_fault
parse_chunk(struct smtp_command *c)
{
	const char *p = c->arg, *end = p + c->arg_len;

	for (; p < end && char_is(*p, CHAR_DIGIT); p++) {
		if (c->chunk > (INT64_MAX - 9) / 10)
			return fail(c, SMTP_CHUNK, "");
		c->chunk = c->chunk * 10 + (uint64_t)(*p - '0');
	}
	if (p == c->arg || (p < end && !is_wsp(*p)))
		return fail(c, SMTP_CHUNK, "");
	skip_wsp(&p, end);
	c->last = chars_is(p, (size_t)(end - p), "LAST");
	return c->last || p == end ? SMTP_GOOD : fail(c, SMTP_CHUNK, "");
}

/* May the argument hold UTF-8? */
static int
may_utf8(enum argument a)
{
	return a == ARG_REVERSE_PATH || a == ARG_FORWARD_PATH ||
	    a == ARG_MAILBOX;
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
	if (!eight || verbs[c->verb].argument == ARG_NAME)
		return SMTP_GOOD;
	if (!may_utf8(verbs[c->verb].argument) || !utf8_valid(p, len))
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
	smtp_command_word(c, start, (size_t)(p - start));
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
	case ARG_NAME:
		return parse_name(c);
	case ARG_REVERSE_PATH:
		return parse_path(c, "FROM:");
	case ARG_FORWARD_PATH:
		return parse_path(c, "TO:");
	case ARG_MAILBOX:
		return parse_mailbox(c);
	case ARG_AUTH:
		return parse_auth(c);
	case ARG_CHUNK:
		return parse_chunk(c);
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
