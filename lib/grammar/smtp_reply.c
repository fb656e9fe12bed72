/* SPDX-License-Identifier: ISC
 *
 * SMTP replies: RFC 5321, section 4.2, and the enhanced status codes of
 * RFC 2034.  It must never keep more of a reply than its bound, and nothing
 * of it that could spoil a log or a terminal.
 */
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "grammar/smtp_reply.h"

void
smtp_reply_init(struct smtp_reply *r)
{
	memset(r, 0, sizeof(*r));
	buf_init(&r->text, SMTP_REPLY_TEXT_MAX);
}

void
smtp_reply_reset(struct smtp_reply *r)
{
	r->code = r->lines = 0;
	memset(&r->status, 0, sizeof(r->status));
	r->cut = 0;
	buf_reset(&r->text);
}

void
smtp_reply_free(struct smtp_reply *r)
{
	smtp_reply_reset(r);
	buf_free(&r->text);
}

/* 1*3digit; 1, or 0 absent. */
static int
number(const char **p, const char *end, unsigned *value)
{
	const char *start = *p;

	for (*value = 0; *p < end && *p - start < 3 &&
	    char_is(**p, CHAR_DIGIT); (*p)++)
		*value = *value * 10 + (unsigned)(**p - '0');
	return *p > start;
}

static int
octet(const char **p, const char *end, char c)
{
	if (*p >= end || **p != c)
		return 0;
	(*p)++;
	return 1;
}

/*
 * status-code = class "." subject "." detail
 * class       = "2"/"4"/"5"
 * subject     = 1*3digit
 * detail      = 1*3digit
 *
 * RFC 2034, section 4.
 */
int
smtp_status_parse(const char **p, const char *end, struct smtp_status *s)
{
	struct smtp_status got;
	const char *at = *p;

	if (!number(&at, end, &got.class) || !octet(&at, end, '.') ||
	    !number(&at, end, &got.subject) || !octet(&at, end, '.') ||
	    !number(&at, end, &got.detail))
		return 0;
	if (got.class != 2 && got.class != 4 && got.class != 5)
		return 0;
	if (at < end && *at != ' ' && *at != '\t' && *at != ';')
		return 0;
	*s = got;
	*p = at;
	return 1;
}

char *
smtp_status_text(const struct smtp_status *s, char text[SMTP_STATUS_MAX])
{
	struct buf b;

	text[0] = '\0';
	if (s->class == 0)
		return text;
	buf_init(&b, SMTP_STATUS_MAX - 1);
	buf_addf(&b, "%u.%u.%u", s->class % 10, s->subject % 1000,
	    s->detail % 1000);
	if (!buf_failed(&b))
		strlcpy(text, buf_str(&b), SMTP_STATUS_MAX);
	buf_free(&b);
	return text;
}

/* Append text, made printable, as far as it fits. */
static void
add_text(struct smtp_reply *r, const char *p, const char *end)
{
	uint32_t c;
	size_t n;

	if (r->lines > 0)
		buf_addc(&r->text, '\n');
	while (p < end && r->text.max - r->text.len >= 4) {
		if ((n = utf8_next(p, end, &c)) == 0) {
			buf_addc(&r->text, '?');
			p++;
			continue;
		}
		if (c < ' ' || (c >= 0x7f && c < 0xa0))
			buf_addc(&r->text, ' ');
		else
			buf_add(&r->text, p, n);
		p += n;
	}
	if (p < end)
		r->cut = 1;
}

/*
 * Reply-line = *( Reply-code "-" [ textstring ] CRLF )
 *              Reply-code [ SP textstring ] CRLF
 * Reply-code = %x32-35 %x30-35 %x30-39
 *
 * NOTE: a second digit up to 9 is taken, and a code that changes between the
 * lines: the last one counts.
 */
int
smtp_reply_line(struct smtp_reply *r, const char *line, size_t len)
{
	const char *p = line, *end = line + len;
	struct smtp_status status;
	unsigned code;
	int more;

	if (!number(&p, end, &code) || p - line != 3 || code < 200 ||
	    code > 599)
		return -1;
	more = octet(&p, end, '-');
	if (!more && p < end && *p != ' ' && *p != '\t')
		return -1;
	if (r->lines >= SMTP_REPLY_LINES_MAX)
		return -1;
	r->code = code;
	if (!more && p < end)
		p++;
	if (smtp_status_parse(&p, end, &status)) {
		/* One that contradicts the code says nothing. */
		if (status.class == code / 100)
			r->status = status;
		if (p < end && char_is(*p, CHAR_WSP))
			p++;
	}
	while (end > p && char_is(end[-1], CHAR_WSP))
		end--;
	if (r->text.max - r->text.len > 4)
		add_text(r, p, end);
	else
		r->cut = 1;
	r->lines++;
	return buf_failed(&r->text) ? -1 : !more;
}

static const struct {
	const char	*name;
	unsigned	 can;
} keywords[] = {
	{ "PIPELINING", SMTP_CAN_PIPELINING },
	{ "8BITMIME", SMTP_CAN_8BITMIME },
	{ "SIZE", SMTP_CAN_SIZE },
	{ "STARTTLS", SMTP_CAN_STARTTLS },
	{ "DSN", SMTP_CAN_DSN },
	{ "ENHANCEDSTATUSCODES", SMTP_CAN_ENHANCED },
	{ "CHUNKING", SMTP_CAN_CHUNKING },
	{ "SMTPUTF8", SMTP_CAN_SMTPUTF8 },
	{ "REQUIRETLS", SMTP_CAN_REQUIRETLS },
	{ "DELIVERBY", SMTP_CAN_DELIVERBY }
};

/* The next word of a line; 0 when there is none. */
static int
next_word(const char **p, const char *end, const char **word, size_t *n)
{
	while (*p < end && char_is(**p, CHAR_WSP))
		(*p)++;
	for (*word = *p; *p < end && !char_is(**p, CHAR_WSP); (*p)++)
		;
	return (*n = (size_t)(*p - *word)) > 0;
}

static void
parse_auth(struct smtp_ehlo *e, const char *p, const char *end)
{
	const char *word;
	size_t n;

	while (next_word(&p, end, &word, &n)) {
		if (chars_is(word, n, "PLAIN"))
			e->can |= SMTP_CAN_AUTH_PLAIN;
		else if (chars_is(word, n, "LOGIN"))
			e->can |= SMTP_CAN_AUTH_LOGIN;
		else if (chars_is(word, n, "SCRAM-SHA-256"))
			e->can |= SMTP_CAN_AUTH_SCRAM_SHA_256;
	}
}

/* [1*DIGIT]: size-param (RFC 1870, section 3), where 0 is no limit, and the
 * shortest time of DELIVERBY. */
static void
parse_number(uint64_t *to, const char *p, const char *end)
{
	const char *word;
	uint64_t size = 0;
	size_t n, i;

	if (!next_word(&p, end, &word, &n))
		return;
	for (i = 0; i < n; i++) {
		if (!char_is(word[i], CHAR_DIGIT) || size > INT64_MAX / 10)
			return;
		size = size * 10 + (uint64_t)(word[i] - '0');
	}
	*to = size;
}

/* ehlo-line = ehlo-keyword *( SP ehlo-param ) */
static void
ehlo_line(struct smtp_ehlo *e, const char *p, const char *end)
{
	const char *word;
	size_t i, n;

	if (!next_word(&p, end, &word, &n))
		return;
	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (chars_is(word, n, keywords[i].name))
			e->can |= keywords[i].can;
	if (chars_is(word, n, "SIZE"))
		parse_number(&e->size, p, end);
	if (chars_is(word, n, "DELIVERBY"))
		parse_number(&e->min_by, p, end);
	/* NOTE: "AUTH=PLAIN" is what some wrote before RFC 2554. */
	if (chars_is(word, n, "AUTH"))
		parse_auth(e, p, end);
	else if (chars_begin(word, end, "AUTH="))
		parse_auth(e, word + 5, end);
}

void
smtp_ehlo_parse(struct smtp_ehlo *e, const struct smtp_reply *r)
{
	const char *p = r->text.data, *end, *lf, *word, *at;
	int first = 1;
	size_t n;

	memset(e, 0, sizeof(*e));
	if (r->text.len == 0)
		return;
	for (end = p + r->text.len; p < end; p = lf + 1) {
		if ((lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
			lf = end;
		at = p;
		if (!first)
			ehlo_line(e, p, lf);
		else if (next_word(&at, lf, &word, &n)) {
			if (n > sizeof(e->name) - 1)
				n = sizeof(e->name) - 1;
			memcpy(e->name, word, n);
		}
		first = 0;
	}
}
