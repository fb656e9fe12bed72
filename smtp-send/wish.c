/* SPDX-License-Identifier: ISC
 *
 * The wishes of a message.  None is dropped in silence: a host that cannot
 * keep one gets the message only where the RFC of that wish says so, and what
 * it will then not report is reported here.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "bytes/utf8.h"
#include "grammar/smtp_command.h"
#include "system/tls.h"
#include "wish.h"

#define BY_MAX	999999999	/* RFC 2852: nine digits */

/* ---- what it must offer ---- */

static bool
lacks_utf8(const struct client_message *m, size_t i)
{
	return !address_is_ascii(&m->env->sender) ||
	    !address_is_ascii(&m->rcpts[i].addr);
}

/* Will the time that is left do for this host?  It may be over where it only
 * is to be told. */
static bool
takes_by(const struct client_message *m, const struct smtp_ehlo *ehlo,
    int64_t now)
{
	return (ehlo->can & SMTP_CAN_DELIVERBY) && (ehlo->min_by == 0 ||
	    m->env->by - now >= (int64_t)ehlo->min_by);
}

const struct wish_lack *
wish_lack(const struct client_message *m, size_t i,
    const struct smtp_ehlo *ehlo, bool strict, int64_t now)
{
	static const struct wish_lack requiretls = { "5.7.30",
	    "it must go protected all the way, and the host does not offer "
	    "REQUIRETLS" };
	static const struct wish_lack address = { "5.6.7",
	    "an address is not ASCII, and the host does not offer SMTPUTF8" };
	static const struct wish_lack header = { "5.6.9",
	    "the header is not ASCII, and the host does not offer SMTPUTF8" };
	static const struct wish_lack over = { "5.4.7",
	    "the time that it was to be delivered in is over" };
	static const struct wish_lack by = { "5.3.3",
	    "it is to be delivered in time or not at all, and the host does "
	    "not offer DELIVERBY for so short a time" };

	if (strict && !(ehlo->can & SMTP_CAN_REQUIRETLS))
		return &requiretls;
	if (!(ehlo->can & SMTP_CAN_SMTPUTF8) && lacks_utf8(m, i))
		return &address;
	if (!(ehlo->can & SMTP_CAN_SMTPUTF8) && m->utf8)
		return &header;
	if (m->env->by_mode == 'R' && m->env->by <= now)
		return &over;
	if (m->env->by_mode == 'R' && !takes_by(m, ehlo, now))
		return &by;
	return NULL;
}

/* ---- what it is asked ---- */

static bool
needs_utf8(const struct client_message *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (client_is_open(m, i) && lacks_utf8(m, i))
			return true;
	return m->utf8;
}

static void
send_xtext(struct stream *s, const char *text)
{
	struct buf b;

	buf_init(&b, 8192);
	if (smtp_xtext_encode(&b, text, strlen(text)) == 0)
		stream_write(s, b.data, b.len);
	buf_free(&b);
}

void
wish_mail(struct stream *s, const struct client_message *m,
    const struct smtp_ehlo *ehlo, int64_t now)
{
	const struct envelope *e = m->env;
	int64_t left = e->by - now;

	if ((ehlo->can & SMTP_CAN_SMTPUTF8) && needs_utf8(m))
		stream_puts(s, " SMTPUTF8");
	if (e->requiretls && (ehlo->can & SMTP_CAN_REQUIRETLS) && tls_on(s))
		stream_puts(s, " REQUIRETLS");
	if (e->by != 0 && takes_by(m, ehlo, now))
		stream_printf(s, " BY=%" PRId64 ";%c%s",
		    left > BY_MAX ? BY_MAX : left < -BY_MAX ? -BY_MAX : left,
		    e->by_mode, e->by_trace ? "T" : "");
	if (!(ehlo->can & SMTP_CAN_DSN))
		return;
	if (e->ret != ENVELOPE_RET_NONE)
		stream_printf(s, " RET=%s", e->ret == ENVELOPE_RET_FULL ?
		    "FULL" : "HDRS");
	if (e->envid != NULL) {
		stream_puts(s, " ENVID=");
		send_xtext(s, e->envid);
	}
}

/*
 * utf-8-addr-unitext, or utf-8-addr-xtext where the host offers no SMTPUTF8
 * (RFC 6533, section 3).
 */
static void
send_unitext(struct stream *s, const char *p, bool ascii)
{
	const char *end = p + strlen(p);
	uint32_t c;
	size_t n;

	for (; p < end; p += n) {
		if ((n = utf8_next(p, end, &c)) == 0)
			return;
		if (c <= ' ' || c == '\\' || c == '+' || c == '=' ||
		    c == 0x7f || (c > 0x7f && ascii))
			stream_printf(s, "\\x{%02X}", (unsigned)c);
		else
			stream_write(s, p, n);
	}
}

static void
send_orcpt(struct stream *s, const char *orcpt, bool ascii)
{
	size_t n = strcspn(orcpt, ";");

	if (orcpt[n] == '\0')
		return;
	stream_printf(s, " ORCPT=%.*s;", (int)n, orcpt);
	if (n == 5 && strncasecmp(orcpt, "utf-8", 5) == 0)
		send_unitext(s, orcpt + n + 1, ascii);
	else
		send_xtext(s, orcpt + n + 1);
}

void
wish_rcpt(struct stream *s, const struct envelope_rcpt *r,
    const struct smtp_ehlo *ehlo)
{
	static const struct {
		unsigned	 bit;
		const char	*name;
	} names[] = {
		{ ENVELOPE_NEVER, "NEVER" },
		{ ENVELOPE_SUCCESS, "SUCCESS" },
		{ ENVELOPE_FAILURE, "FAILURE" },
		{ ENVELOPE_DELAY, "DELAY" },
	};
	const char *before = " NOTIFY=";
	size_t i;

	if (!(ehlo->can & SMTP_CAN_DSN))
		return;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (r->notify & names[i].bit) {
			stream_printf(s, "%s%s", before, names[i].name);
			before = ",";
		}
	if (r->orcpt != NULL)
		send_orcpt(s, r->orcpt, !(ehlo->can & SMTP_CAN_SMTPUTF8));
}

/* ---- what the message is ---- */

/*
 * Headers stand at the start and behind each line that may be a boundary: two
 * dashes, but those above a signature.  That text is now and then taken for a
 * header can only keep a message from a host that does not know UTF-8.
 */
/*
 * RFC 8689, section 3:
 *	requiretls-field = "TLS-Required:" [FWS] "No" CRLF
 */
static bool
is_tls_no(const char *p, size_t n)
{
	static const char name[] = "TLS-Required";

	if (n < sizeof(name) || n == WISH_FIELD_MAX ||
	    strncasecmp(p, name, sizeof(name) - 1) != 0)
		return false;
	for (p += sizeof(name) - 1, n -= sizeof(name) - 1; n > 0 &&
	    (*p == ' ' || *p == '\t'); p++, n--)
		;
	if (n == 0 || *p != ':')
		return false;
	for (p++, n--; n > 0 && (*p == ' ' || *p == '\t'); p++, n--)
		;
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	return n == 2 && strncasecmp(p, "No", 2) == 0;
}

/* One octet of the message's header: a field ends where a line begins that is
 * not folded. */
static void
scan_header(struct wish_scan *scan, char c)
{
	if (scan->column == 0 && c != ' ' && c != '\t') {
		scan->tls_optional |= is_tls_no(scan->field, scan->len);
		scan->len = 0;
		scan->over = c == '\n' || c == '\r';
	}
	if (c != '\n' && c != '\r' && scan->len < WISH_FIELD_MAX)
		scan->field[scan->len++] = c;
}

void
wish_scan(struct wish_scan *scan, const char *p, size_t n)
{
	for (; n > 0; p++, n--) {
		if (!scan->over)
			scan_header(scan, *p);
		if (*p == '\n') {
			scan->body |= scan->column == 0;
			scan->column = scan->dashes = 0;
			continue;
		}
		scan->utf8 |= !scan->body && (*p & 0x80) != 0;
		if (scan->column == 2 && scan->dashes == 2 && *p != ' ')
			scan->body = false;
		if (scan->column < 3) {
			scan->column++;
			scan->dashes += *p == '-';
		}
	}
}
