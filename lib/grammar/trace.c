/* SPDX-License-Identifier: ISC
 *
 * Trace fields: RFC 5321, section 4.4.  It must never write a line that
 * could be taken for another field: all that a peer said is kept to one token.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/date.h"
#include "grammar/trace.h"

const char *
trace_with(unsigned flags)
{
	static const char *const names[32] = {
		"SMTP", "ESMTP", "SMTP", "ESMTPS",
		"SMTP", "ESMTPA", "SMTP", "ESMTPSA",
		"LMTP", "LMTP", "LMTPS", "LMTPS",
		"LMTPA", "LMTPA", "LMTPSA", "LMTPSA",
		"SMTP", "UTF8SMTP", "SMTP", "UTF8SMTPS",
		"SMTP", "UTF8SMTPA", "SMTP", "UTF8SMTPSA",
		"UTF8LMTP", "UTF8LMTP", "UTF8LMTPS", "UTF8LMTPS",
		"UTF8LMTPA", "UTF8LMTPA", "UTF8LMTPSA", "UTF8LMTPSA"
	};

	return names[flags & 31];
}

/* A word that cannot end the field or open a comment. */
static void
token(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++)
		buf_addc(b, char_is(*s, CHAR_ALNUM) ||
		    strchr("-._:[]@+=,/", *s) != NULL ? *s : '?');
}

/*
 * From-domain     = "FROM" FWS Extended-Domain
 * Extended-Domain = Domain / ( Domain FWS "(" TCP-info ")" ) /
 *                   ( address-literal FWS "(" TCP-info ")" )
 * TCP-info        = address-literal / ( Domain FWS address-literal )
 */
static void
from_domain(struct buf *b, const struct trace_received *t)
{
	const char *ip = t->ip == NULL ? "" : t->ip;

	buf_adds(b, "from ");
	if (t->helo != NULL && t->helo[0] != '\0')
		token(b, t->helo);
	else
		buf_adds(b, ip[0] != '\0' ? "unknown" : "localhost");
	if (ip[0] != '\0') {
		buf_adds(b, " (");
		if (t->name != NULL && t->name[0] != '\0') {
			token(b, t->name);
			buf_addc(b, ' ');
		}
		buf_adds(b, strchr(ip, ':') != NULL ? "[IPv6:" : "[");
		token(b, ip);
		buf_adds(b, "])");
	} else if (t->who != NULL && t->who[0] != '\0')
		buf_addf(b, " (%s)", t->who);
}

/* Time-stamp-line = "Received:" FWS Stamp <CRLF> */
int
trace_received(struct buf *b, const struct trace_received *t)
{
	char date[DATE_MAX];

	buf_adds(b, "Received: ");
	from_domain(b, t);
	buf_adds(b, "\n\tby ");
	token(b, t->by);
	buf_addf(b, " with %s", t->with);
	if (t->id != NULL && t->id[0] != '\0') {
		buf_adds(b, " id ");
		token(b, t->id);
	}
	if (t->rcpt != NULL && !address_is_null(t->rcpt)) {
		buf_adds(b, "\n\tfor <");
		address_write(b, t->rcpt);
		buf_addc(b, '>');
	}
	buf_addf(b, ";\n\t%s\n", date_format(date, t->time, t->zone));
	return buf_failed(b) ? -1 : 0;
}

/* Return-Path-line = "Return-Path:" FWS Reverse-path <CRLF> */
int
trace_return_path(struct buf *b, const struct address *a)
{
	buf_adds(b, "Return-Path: <");
	address_write(b, a);
	return buf_adds(b, ">\n");
}

int
trace_delivered_to(struct buf *b, const struct address *a)
{
	buf_adds(b, "Delivered-To: ");
	address_write(b, a);
	return buf_addc(b, '\n');
}

/*
 * The line at *p, when it is this field: 1, its value trimmed, *p behind its
 * line end; 0: another; -1: it has no end, or goes on in the next.
 */
static int
line(const char **p, const char *end, const char *name, const char **value,
    size_t *len)
{
	const char *lf, *stop;

	if (!chars_begin(*p, end, name))
		return 0;
	if ((lf = memchr(*p, '\n', (size_t)(end - *p))) == NULL)
		return -1;
	if (lf + 1 < end && char_is(lf[1], CHAR_WSP))
		return -1;
	stop = lf > *p && lf[-1] == '\r' ? lf - 1 : lf;
	*value = *p + strlen(name);
	while (*value < stop && char_is(**value, CHAR_WSP))
		(*value)++;
	while (stop > *value && char_is(stop[-1], CHAR_WSP))
		stop--;
	*len = (size_t)(stop - *value);
	*p = lf + 1;
	return 1;
}

int
trace_read_envelope(const char *text, size_t n, struct address *from,
    struct address *to, size_t *len)
{
	const char *p = text, *end = text + n, *value;
	size_t value_len;
	int found;

	found = line(&p, end, "Return-Path:", &value, &value_len);
	if (found <= 0)
		return found;
	if (value_len == 0 || *value != '<' ||
	    address_parse_utf8(from, value, value_len, NULL) != 1)
		return -1;
	if (line(&p, end, "Delivered-To:", &value, &value_len) != 1)
		return -1;
	if (address_parse_utf8(to, value, value_len, NULL) != 1 ||
	    address_is_null(to))
		return -1;
	*len = (size_t)(p - text);
	return 1;
}
