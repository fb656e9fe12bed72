/* SPDX-License-Identifier: ISC
 *
 * The packets of the milter protocol.  There is no standard for it: numbers
 * and forms are those of Sendmail's libmilter.  It must never read past a
 * packet, nor take a string that does not end in it.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/milter.h"
#include "grammar/smtp_reply.h"

/*
 * Writing.
 */

static void
store32(char to[4], uint32_t v)
{
	to[0] = (char)(v >> 24);
	to[1] = (char)(v >> 16);
	to[2] = (char)(v >> 8);
	to[3] = (char)v;
}

static uint32_t
load32(const void *from)
{
	const unsigned char *p = from;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

void
milter_put32(struct buf *b, uint32_t v)
{
	char four[4];

	store32(four, v);
	(void)buf_add(b, four, sizeof(four));
}

size_t
milter_begin(struct buf *b, enum milter_command c)
{
	size_t begun = b->len;

	milter_put32(b, 0);
	(void)buf_addc(b, (char)c);
	return begun;
}

void
milter_end(struct buf *b, size_t begun)
{
	if (!buf_failed(b))
		store32(b->data + begun, (uint32_t)(b->len - begun - 4));
}

void
milter_put_string(struct buf *b, const char *s, size_t n)
{
	size_t at = b->len, i;

	(void)buf_add(b, s, n);
	(void)buf_addc(b, '\0');
	if (buf_failed(b))
		return;
	for (i = at; i < at + n; i++)
		if (b->data[i] == '\0')
			b->data[i] = ' ';
}

void
milter_put(struct buf *b, enum milter_command c)
{
	milter_end(b, milter_begin(b, c));
}

void
milter_put_negotiate(struct buf *b)
{
	size_t begun = milter_begin(b, MILTER_NEGOTIATE);

	milter_put32(b, MILTER_VERSION);
	milter_put32(b, MILTER_CAN_ALL);
	milter_put32(b, MILTER_PROTOCOL_ALL);
	milter_end(b, begun);
}

void
milter_put_connect(struct buf *b, const char *name, const char *address,
    unsigned short port)
{
	size_t begun = milter_begin(b, MILTER_CONNECT);

	milter_put_string(b, name, strlen(name));
	if (address == NULL)
		(void)buf_addc(b, 'U');
	else {
		(void)buf_addc(b, strchr(address, ':') == NULL ? '4' : '6');
		(void)buf_addc(b, (char)(port >> 8));
		(void)buf_addc(b, (char)port);
		milter_put_string(b, address, strlen(address));
	}
	milter_end(b, begun);
}

void
milter_put_argument(struct buf *b, enum milter_command c, const char *s)
{
	size_t begun = milter_begin(b, c);

	milter_put_string(b, s, strlen(s));
	milter_end(b, begun);
}

void
milter_put_header(struct buf *b, const char *name, size_t name_len,
    const char *value, size_t value_len, bool leading)
{
	size_t begun = milter_begin(b, MILTER_HEADER);

	if (!leading && value_len > 0 && char_is(*value, CHAR_WSP)) {
		value++;
		value_len--;
	}
	milter_put_string(b, name, name_len);
	milter_put_string(b, value, value_len);
	milter_end(b, begun);
}

/*
 * Reading.
 */

int
milter_head(const unsigned char head[MILTER_HEAD], char *letter, size_t *n)
{
	uint32_t len = load32(head);

	if (len < 1 || len - 1 > MILTER_DATA_MAX)
		return -1;
	*letter = (char)head[4];
	*n = len - 1;
	return 0;
}

/* A string that ends in the packet: 1 and p behind its NUL, or -1. */
static int
string(const char **p, const char *end, const char **s)
{
	const char *nul = *p == end ? NULL :
	    memchr(*p, '\0', (size_t)(end - *p));

	if (nul == NULL)
		return -1;
	*s = *p;
	*p = nul + 1;
	return 1;
}

static int
number(const char **p, const char *end, uint32_t *v)
{
	if (end - *p < 4)
		return -1;
	*v = load32(*p);
	*p += 4;
	return 1;
}

static int
options(struct milter_reply *r, const char *p, const char *end)
{
	if (number(&p, end, &r->version) < 0 ||
	    number(&p, end, &r->actions) < 0 ||
	    number(&p, end, &r->protocol) < 0)
		return -1;
	r->data = p;
	r->len = (size_t)(end - p);
	return 1;
}

/* The name of a field: RFC 5322 section 2.2, printable and no colon. */
static int
field_name(const char **p, const char *end, const char **name)
{
	const char *c;

	if (string(p, end, name) < 0 || **name == '\0')
		return -1;
	for (c = *name; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || *c == ':')
			return -1;
	return 1;
}

static int
field(struct milter_reply *r, const char *p, const char *end, bool indexed)
{
	if (indexed && number(&p, end, &r->index) < 0)
		return -1;
	if (field_name(&p, end, &r->name) < 0 ||
	    string(&p, end, &r->text) < 0)
		return -1;
	return p == end ? 1 : -1;
}

/* One string; more: its arguments may follow, which are not for us. */
static int
one_string(struct milter_reply *r, const char *p, const char *end, bool more)
{
	const char *arguments;

	if (string(&p, end, &r->text) < 0)
		return -1;
	if (more && p < end && string(&p, end, &arguments) < 0)
		return -1;
	return p == end ? 1 : -1;
}

int
milter_reply_parse(struct milter_reply *r, char letter, const char *data,
    size_t n)
{
	const char *end = data + n;

	memset(r, 0, sizeof(*r));
	r->what = (enum milter_answer)letter;
	switch (r->what) {
	case MILTER_SHUTDOWN:
	case MILTER_ACCEPT:
	case MILTER_CONTINUE:
	case MILTER_DISCARD:
	case MILTER_FAIL:
	case MILTER_PROGRESS:
	case MILTER_REJECT:
	case MILTER_SKIP:
	case MILTER_TEMPFAIL:
		return n == 0 ? 1 : -1;
	case MILTER_OPTIONS:
		return options(r, data, end);
	case MILTER_ADD_HEADER:
		return field(r, data, end, false);
	case MILTER_INSERT_HEADER:
	case MILTER_CHANGE_HEADER:
		return field(r, data, end, true);
	case MILTER_ADD_RCPT:
	case MILTER_DELETE_RCPT:
	case MILTER_QUARANTINE:
		return one_string(r, data, end, false);
	case MILTER_ADD_RCPT_ARGS:
	case MILTER_CHANGE_FROM:
		return one_string(r, data, end, true);
	case MILTER_REPLACE_BODY:
		r->data = data;
		r->len = n;
		return 1;
	case MILTER_REPLYCODE:
		if (one_string(r, data, end, false) < 0)
			return -1;
		r->data = data;
		r->len = n - 1;
		return 1;
	}
	return 0;
}

int
milter_symbols_next(const char **p, const char *end, uint32_t *stage,
    const char **names)
{
	if (*p == end)
		return 0;
	if (number(p, end, stage) < 0 || *stage >= MILTER_STAGES ||
	    string(p, end, names) < 0)
		return -1;
	return 1;
}

/*
 * REPLYCODE.
 */

#define LINE_TEXT_MAX	490	/* of 512, without codes and CRLF */

/* Printable ASCII alone; "%%" is a "%", as libmilter's callers must write
 * it. */
static void
put_text(struct buf *b, const char *s, size_t n)
{
	size_t i, written = 0;

	for (i = 0; i < n && written < LINE_TEXT_MAX; i++, written++) {
		if (s[i] == '%' && i + 1 < n && s[i + 1] == '%')
			i++;
		(void)buf_addc(b, s[i] >= ' ' && s[i] <= '~' ? s[i] : '?');
	}
}

/* What was read, a line after the other. */
static void
put_lines(struct buf *b, struct smtp_reply *r)
{
	const char *p = buf_str(&r->text), *end, *lf;
	struct smtp_status status = r->status;
	char text[SMTP_STATUS_MAX];
	unsigned lines = 0;

	if (p == NULL)
		return;
	end = p + r->text.len;
	if (status.class != r->code / 100)
		status = (struct smtp_status){ r->code / 100, 7, 1 };
	smtp_status_text(&status, text);
	do {
		lf = p == end ? NULL : memchr(p, '\n', (size_t)(end - p));
		if (++lines == MILTER_REPLY_LINES)
			end = lf == NULL ? end : lf;
		if (lf == NULL || lf == end)
			lf = end;
		(void)buf_addf(b, "%u%c%s ", r->code, lf == end ? ' ' : '-',
		    text);
		put_text(b, p, (size_t)(lf - p));
		(void)buf_adds(b, "\r\n");
		p = lf + 1;
	} while (lf != end);
}

unsigned
milter_reply_lines(struct buf *b, const char *s, size_t n)
{
	const char *end = s + n, *lf;
	struct smtp_reply r;
	unsigned code = 0;
	int got = 0;

	smtp_reply_init(&r);
	for (; got == 0 && s < end; s = lf + 1) {
		if ((lf = memchr(s, '\n', (size_t)(end - s))) == NULL)
			lf = end;
		n = (size_t)(lf - s);
		if (n > 0 && s[n - 1] == '\r')
			n--;
		got = smtp_reply_line(&r, s, n);
		if (lf == end)
			break;
	}
	if (got == 1 && r.code >= 400) {
		put_lines(b, &r);
		code = buf_failed(b) || b->len == 0 ? 0 : r.code;
	}
	smtp_reply_free(&r);
	return code;
}
