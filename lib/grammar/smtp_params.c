/* SPDX-License-Identifier: ISC
 *
 * The parameters of MAIL and RCPT: one table has a row for each.  It must
 * never let a control through, however encoded: values go on into envelope
 * files, commands and reports.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/date.h"
#include "grammar/smtp_command.h"

/* 1*DIGIT with at most this many: 1, *to is it, *p behind it; 0. */
static int
digits(const char **p, const char *end, size_t most, int64_t *to)
{
	const char *s = *p;

	for (*to = 0; *p < end && char_is(**p, CHAR_DIGIT); (*p)++) {
		if ((size_t)(*p - s) == most)
			return 0;
		*to = *to * 10 + (**p - '0');
	}
	return *p > s;
}

/* size-value = 1*20DIGIT (RFC 1870, section 3) */
static int
param_size(struct smtp_params *s, const char *p, size_t n)
{
	size_t i;

	if (n == 0 || n > 20)
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
	return 0;
}

/* body-value = "7BIT" / "8BITMIME" (RFC 1652, section 2) */
static int
param_body(struct smtp_params *s, const char *p, size_t n)
{
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

	buf_init(&b, ADDRESS_TEXT_MAX);
	good = smtp_xtext_decode(&b, p, n) == 1 && b.len > 0 &&
	    address_parse(&s->auth, b.data, b.len, NULL) == 1;
	buf_free(&b);
	return good ? 0 : -1;
}

/* "FULL" / "HDRS" (RFC 3461, section 4.3) */
static int
param_ret(struct smtp_params *s, const char *p, size_t n)
{
	if (chars_is(p, n, "FULL"))
		s->ret = SMTP_RET_FULL;
	else if (chars_is(p, n, "HDRS"))
		s->ret = SMTP_RET_HDRS;
	else
		return -1;
	return 0;
}

/* Printable ASCII, or printable UTF-8, of at most max octets, to a string. */
static int
keep(char *to, size_t max, const struct buf *b, int utf8)
{
	size_t i;

	if (b->len > max || buf_failed(b))
		return -1;
	for (i = 0; i < b->len; i++) {
		if (char_is(b->data[i], CHAR_PRINT))
			continue;
		if (!utf8 || !((unsigned char)b->data[i] & 0x80) ||
		    /* U+0080 to U+009F are controls */
		    ((unsigned char)b->data[i] == 0xc2 && i + 1 < b->len &&
		    (unsigned char)b->data[i + 1] < 0xa0))
			return -1;
	}
	if (b->len > 0)
		memcpy(to, b->data, b->len);
	to[b->len] = '\0';
	return 0;
}

/* xtext of printable ASCII (RFC 3461, section 4.4) */
static int
param_envid(struct smtp_params *s, const char *p, size_t n)
{
	struct buf b;
	int r;

	buf_init(&b, 3 * SMTP_ENVID_MAX);
	r = smtp_xtext_decode(&b, p, n) == 1 ?
	    keep(s->envid, SMTP_ENVID_MAX, &b, 0) : -1;
	buf_free(&b);
	return r;
}

/*
 * hold-for-value = 1*9DIGIT, of seconds, not 0 (RFC 4865)
 */
static int
param_holdfor(struct smtp_params *s, const char *p, size_t n)
{
	const char *end = p + n;

	return digits(&p, end, 9, &s->hold_for) && p == end &&
	    s->hold_for > 0 ? 0 : -1;
}

/* As many digits as the picture has, and its other characters. */
static int
picture(const char **p, const char *end, const char *form, int64_t *to)
{
	for (; *form != '\0'; form++) {
		if (*form != '9') {
			if (*p == end || char_lower(**p) != char_lower(*form))
				return 0;
			(*p)++;
			continue;
		}
		for (*to = 0; *form == '9'; form++) {
			if (*p == end || !char_is(**p, CHAR_DIGIT))
				return 0;
			*to = *to * 10 + (*(*p)++ - '0');
		}
		to++;
		form--;
	}
	return 1;
}

/* time-offset = "Z" / ("+" / "-") time-hour ":" time-minute, in seconds */
static int
time_offset(const char *p, const char *end, int64_t *offset)
{
	int64_t v[2];
	int minus = p < end && *p == '-';

	*offset = 0;
	if (end - p == 1 && char_lower(*p) == 'z')
		return 1;
	if (p == end || (*p != '+' && *p != '-'))
		return 0;
	p++;
	if (!picture(&p, end, "99:99", v) || p != end || v[0] > 23 ||
	    v[1] > 59)
		return 0;
	*offset = (v[0] * 3600 + v[1] * 60) * (minus ? -1 : 1);
	return 1;
}

/*
 * A date-time of RFC 3339, "2026-11-26T00:00:00.5+01:00" or with "Z".  A
 * fraction of a second does not count.
 */
static int
param_holduntil(struct smtp_params *s, const char *p, size_t n)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31,
	    30, 31 };
	const char *end = p + n;
	int64_t v[6], fraction, offset;

	if (!picture(&p, end, "9999-99-99T99:99:99", v))
		return -1;
	if (p < end && *p == '.') {
		p++;
		if (!digits(&p, end, 9, &fraction))
			return -1;
	}
	if (!time_offset(p, end, &offset) || v[1] < 1 || v[1] > 12 ||
	    v[2] < 1 || v[2] > days[v[1] - 1] || v[3] > 23 || v[4] > 59 ||
	    v[5] > 60)
		return -1;
	s->hold_until = date_days(v[0], (int)v[1], (int)v[2]) * 86400 +
	    v[3] * 3600 + v[4] * 60 + v[5] - offset;
	return 0;
}

/*
 * by-value = by-time ";" by-mode [by-trace]	(RFC 2852)
 * by-time  = ["-" / "+"] 1*9DIGIT
 * by-mode  = "N" / "R"
 * by-trace = "T"
 */
static int
param_by(struct smtp_params *s, const char *p, size_t n)
{
	const char *end = p + n;
	int minus = n > 0 && *p == '-';

	if (n > 0 && (*p == '-' || *p == '+'))
		p++;
	if (!digits(&p, end, 9, &s->by) || end - p < 2 || end - p > 3 ||
	    *p != ';')
		return -1;
	if (minus)
		s->by = -s->by;
	s->by_mode = char_lower(p[1]) == 'r' ? 'R' :
	    char_lower(p[1]) == 'n' ? 'N' : '\0';
	s->by_trace = end - p == 3;
	return s->by_mode == '\0' ||
	    (s->by_trace && char_lower(p[2]) != 't') ? -1 : 0;
}

/*
 * notify-esmtp-value  = "NEVER" / 1#notify-list-element
 * notify-list-element = "SUCCESS" / "FAILURE" / "DELAY"
 */
static int
param_notify(struct smtp_params *s, const char *p, size_t n)
{
	static const struct {
		const char	*name;
		unsigned	 bit;
	} names[] = {
		{ "NEVER", SMTP_NOTIFY_NEVER },
		{ "SUCCESS", SMTP_NOTIFY_SUCCESS },
		{ "FAILURE", SMTP_NOTIFY_FAILURE },
		{ "DELAY", SMTP_NOTIFY_DELAY }
	};
	const size_t count = sizeof(names) / sizeof(names[0]);
	const char *end = p + n, *word;
	size_t i;

	for (;;) {
		for (word = p; p < end && *p != ','; p++)
			;
		for (i = 0; i < count; i++)
			if (chars_is(word, (size_t)(p - word), names[i].name))
				break;
		if (i == count)
			return -1;
		s->notify |= names[i].bit;
		if (p++ == end)
			break;
	}
	return (s->notify & SMTP_NOTIFY_NEVER) &&
	    s->notify != SMTP_NOTIFY_NEVER ? -1 : 0;
}

/*
 * original-recipient-address = addr-type ";" xtext	(RFC 3461, 4.2)
 * utf-8-type-addr            = "utf-8;" utf-8-enc-addr	(RFC 6533, 3)
 */
static int
param_orcpt(struct smtp_params *s, const char *p, size_t n)
{
	const char *end = p + n, *type = p;
	struct buf b;
	int utf8, r;

	if (n > SMTP_ORCPT_MAX)
		return -1;
	while (p < end && char_is(*p, CHAR_ATEXT))
		p++;
	if (p == type || p == end || *p != ';')
		return -1;
	utf8 = chars_is(type, (size_t)(p - type), "utf-8");
	p++;
	buf_init(&b, 3 * SMTP_ORCPT_MAX);
	buf_add(&b, type, (size_t)(p - type));
	r = utf8 ? smtp_unitext_decode(&b, p, (size_t)(end - p)) :
	    smtp_xtext_decode(&b, p, (size_t)(end - p));
	r = r == 1 && p < end ? keep(s->orcpt, SMTP_ORCPT_MAX, &b, utf8) : -1;
	buf_free(&b);
	return r;
}

/* Each parser takes the value, which is there; 0, or -1 bad.  Without one,
 * the parameter has no value. */
static const struct {
	const char	*name;
	enum smtp_verb	 verb;
	unsigned	 with;
	int		(*parse)(struct smtp_params *, const char *, size_t);
} params[] = {
	{ "SIZE", SMTP_MAIL, SMTP_WITH_SIZE, param_size },
	{ "BODY", SMTP_MAIL, SMTP_WITH_BODY, param_body },
	{ "AUTH", SMTP_MAIL, SMTP_WITH_AUTH, param_auth },
	{ "SMTPUTF8", SMTP_MAIL, SMTP_WITH_UTF8, NULL },
	{ "REQUIRETLS", SMTP_MAIL, SMTP_WITH_REQUIRETLS, NULL },
	{ "RET", SMTP_MAIL, SMTP_WITH_RET, param_ret },
	{ "ENVID", SMTP_MAIL, SMTP_WITH_ENVID, param_envid },
	{ "HOLDFOR", SMTP_MAIL, SMTP_WITH_HOLD, param_holdfor },
	{ "HOLDUNTIL", SMTP_MAIL, SMTP_WITH_HOLD, param_holduntil },
	{ "BY", SMTP_MAIL, SMTP_WITH_BY, param_by },
	{ "NOTIFY", SMTP_RCPT, SMTP_WITH_NOTIFY, param_notify },
	{ "ORCPT", SMTP_RCPT, SMTP_WITH_ORCPT, param_orcpt }
};

#define NPARAMS	(sizeof(params) / sizeof(params[0]))

/*
 * esmtp-param   = esmtp-keyword ["=" esmtp-value]
 * esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
 * esmtp-value   = 1*(%d33-60 / %d62-126)
 * esmtp-value   =/ UTF8-non-ascii		(RFC 6531, section 3.3)
 *
 * One parameter, from p to end.
 */
static enum smtp_fault
parse_param(struct smtp_command *c, const char *p, const char *end)
{
	const char *value = memchr(p, '=', (size_t)(end - p));
	size_t i, n = (size_t)((value == NULL ? end : value) - p);

	smtp_command_word(c, p, n);
	for (i = 0; i < NPARAMS; i++)
		if (params[i].verb == c->verb && chars_is(p, n, params[i].name))
			break;
	if (i == NPARAMS)
		return SMTP_PARAM_UNKNOWN;
	if (c->params.given & params[i].with)
		return SMTP_PARAM_TWICE;
	c->params.given |= params[i].with;
	if (value == NULL || params[i].parse == NULL)
		return value == NULL && params[i].parse == NULL ? SMTP_GOOD :
		    SMTP_PARAM_VALUE;
	value++;
	return value < end && params[i].parse(&c->params, value,
	    (size_t)(end - value)) == 0 ? SMTP_GOOD : SMTP_PARAM_VALUE;
}

/* *(SP esmtp-param).  NOTE: white space may be of any length. */
enum smtp_fault
smtp_params_parse(struct smtp_command *c, const char *p, const char *end)
{
	enum smtp_fault fault;
	const char *start;

	c->why = "";
	for (;;) {
		while (p < end && char_is(*p, CHAR_WSP))
			p++;
		if (p == end)
			return SMTP_GOOD;
		for (start = p; p < end && !char_is(*p, CHAR_WSP); p++)
			;
		if ((fault = parse_param(c, start, p)) != SMTP_GOOD)
			return fault;
	}
}
