/* SPDX-License-Identifier: ISC
 *
 * From what programs write to a message that can be sent (RFC 5322, section
 * 3.6).  Fields that are there are never changed; a hidden recipient's field
 * never goes out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes/base64.h"
#include "bytes/utf8.h"
#include "grammar/addrlist.h"
#include "grammar/chars.h"
#include "grammar/date.h"
#include "grammar/header.h"
#include "grammar/message_id.h"
#include "letter.h"
#include "system/clock.h"

#define PHRASE_MAX	40	/* octets of a name in an encoded word */

/* What to do with a field. */
enum {
	KEEP = 0,
	DROP = 1,		/* it does not go out */
	RCPT = 2,		/* it names recipients */
	RESENT = 4		/* of a message that is sent on */
};

static const struct {
	const char	*name;
	unsigned	 what;
} fields[] = {
	{ "To", RCPT },
	{ "Cc", RCPT },
	{ "Bcc", RCPT | DROP },
	{ "Resent-To", RCPT | RESENT },
	{ "Resent-Cc", RCPT | RESENT },
	{ "Resent-Bcc", RCPT | RESENT | DROP },
	{ "Return-Path", DROP }
};

void
letter_free(struct letter *l)
{
	free(l->rcpts);
	buf_free(&l->text);
}

/* ---- recipients ---- */

static int
fail(struct letter *l, const char *what, const char *text, size_t n)
{
	size_t i, len;

	snprintf(l->why, sizeof(l->why), "%.*s: %s", n > 300 ? 300 : (int)n,
	    text, what);
	len = strlen(l->why);
	for (i = 0; i < len; i++)
		if (!char_is(l->why[i], CHAR_PRINT))
			l->why[i] = '?';
	return -1;
}

static int
add_address(struct letter *l, struct address *a)
{
	struct address *more;
	size_t i, cap;

	if (a->domain[0] == '\0')
		strlcpy(a->domain, l->domain, sizeof(a->domain));
	for (i = 0; i < l->n; i++)
		if (address_equal(&l->rcpts[i], a))
			return 0;
	if (l->n == LETTER_RCPTS_MAX)
		return fail(l, "too many recipients", a->local,
		    strlen(a->local));
	if (l->n == l->cap) {
		cap = l->cap == 0 ? 8 : 2 * l->cap;
		if ((more = reallocarray(l->rcpts, cap, sizeof(*more))) ==
		    NULL)
			return fail(l, strerror(errno), "recipients", 10);
		l->rcpts = more;
		l->cap = cap;
	}
	l->rcpts[l->n++] = *a;
	return 0;
}

/* One mailbox of a field; it need not be quoted as an envelope wants it. */
static int
add_item(struct letter *l, const struct addrlist_item *item)
{
	struct address a = { .local = "" };
	size_t i;

	if (item->mailbox.len == 0 || item->mailbox.len > ADDRESS_LOCAL_MAX)
		return fail(l, "is not an address", item->mailbox.s,
		    item->mailbox.len);
	for (i = 0; i < item->mailbox.len; i++)
		if (!char_is(item->mailbox.s[i], CHAR_PRINT) ||
		    (item->host.s == NULL && item->mailbox.s[i] == ' '))
			return fail(l, "is not an address", item->mailbox.s,
			    item->mailbox.len);
	memcpy(a.local, item->mailbox.s, item->mailbox.len);
	if (item->host.s != NULL) {
		if (!address_is_host(item->host.s, item->host.len))
			return fail(l, "is not a domain", item->host.s,
			    item->host.len);
		memcpy(a.domain, item->host.s, item->host.len);
	}
	return add_address(l, &a);
}

int
letter_add(struct letter *l, const char *text, size_t n)
{
	struct addrlist_item item;
	struct addrlist list;
	int got, r = 0;

	addrlist_init(&list, text, n);
	while (r == 0 && (got = addrlist_next(&list, &item)) != 0) {
		if (got == -1)
			r = fail(l, "no memory", text, n);
		else if (item.kind == ADDRLIST_MAILBOX)
			r = add_item(l, &item);
	}
	addrlist_free(&list);
	return r;
}

/* ---- input ---- */

/* Where a line of one dot begins at or behind *from, which is at the start of
 * a line; else -1, and *from moves to the last line. */
static ssize_t
find_dot(const struct buf *b, size_t *from)
{
	const char *p, *lf;
	size_t n;

	for (;; *from += (size_t)(lf - p) + 1) {
		p = b->data + *from;
		if ((lf = memchr(p, '\n', b->len - *from)) == NULL)
			return -1;
		n = (size_t)(lf - p);
		if (p[0] == '.' && (n == 1 || (n == 2 && p[1] == '\r')))
			return (ssize_t)*from;
	}
}

int
letter_read(struct buf *raw, int fd, bool ignore_dots)
{
	size_t line = 0, room;
	ssize_t got, dot;
	char *to;

	for (;;) {
		room = raw->max - raw->len;
		if (room > 65536)
			room = 65536;
		if (room == 0) {
			errno = EFBIG;
			return -1;
		}
		if ((to = buf_reserve(raw, room)) == NULL) {
			errno = ENOMEM;
			return -1;
		}
		if ((got = read(fd, to, room)) == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		buf_commit(raw, (size_t)got);
		if (!ignore_dots && (dot = find_dot(raw, &line)) != -1) {
			raw->len = (size_t)dot;
			return 0;
		}
	}
	/* A dot at the very end, without its line end. */
	if (got == 0 && !ignore_dots && raw->len == line + 1 &&
	    raw->data[line] == '.')
		raw->len = line;
	return (int)got;
}

/* ---- header ---- */

static unsigned
what_of(const struct header_field *f)
{
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (header_is(f, fields[i].name))
			return fields[i].what;
	return KEEP;
}

/* An mbox's From_ line is no part of the message. */
static const char *
skip_mbox_line(const char *p, const char *end)
{
	const char *lf;

	if (end - p < 5 || memcmp(p, "From ", 5) != 0 ||
	    (lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
		return p;
	return lf + 1;
}

/* The next field; 0: the header is over, and *body is where the text behind it
 * begins.  A line that is no field ends a header too. */
static int
next_field(struct header *h, struct header_field *f, const char **body)
{
	if (!header_next(h, f)) {
		*body = h->p;
		return 0;
	}
	if (f->name_len == 0) {
		*body = f->start;
		return 0;
	}
	return 1;
}

/* phrase = atoms, a quoted string, or an encoded word (RFC 2047). */
static void
write_phrase(struct buf *b, const char *s)
{
	size_t i, n = strlen(s);
	bool plain = true, ascii = true;

	for (i = 0; i < n; i++) {
		plain = plain && (char_is(s[i], CHAR_ATEXT) || s[i] == ' ');
		ascii = ascii && char_is(s[i], CHAR_PRINT);
	}
	if (plain) {
		buf_adds(b, s);
	} else if (ascii) {
		buf_addc(b, '"');
		for (i = 0; i < n; i++) {
			if (s[i] == '"' || s[i] == '\\')
				buf_addc(b, '\\');
			buf_addc(b, s[i]);
		}
		buf_addc(b, '"');
	} else {
		if (n > PHRASE_MAX)
			for (n = PHRASE_MAX; n > 0 && (s[n] & 0xc0) == 0x80;)
				n--;
		buf_addf(b, "=?%s?B?", utf8_valid(s, n) ? "utf-8" :
		    "unknown-8bit");
		base64_encode(b, s, n);
		buf_adds(b, "?=");
	}
}

static void
write_from(struct letter *l)
{
	struct address from = l->sender;

	if (address_is_null(&from)) {
		strlcpy(from.local, "MAILER-DAEMON", sizeof(from.local));
		strlcpy(from.domain, l->hostname, sizeof(from.domain));
	}
	buf_adds(&l->text, "From: ");
	if (l->name[0] != '\0') {
		write_phrase(&l->text, l->name);
		buf_addc(&l->text, ' ');
	}
	buf_addc(&l->text, '<');
	address_write(&l->text, &from);
	buf_adds(&l->text, ">\n");
}

static bool
has_field(const struct letter *l, const char *name)
{
	struct header_field f;

	return l->text.len > 0 &&
	    header_find(l->text.data, l->text.len, name, &f);
}

static void
write_missing(struct letter *l)
{
	char date[DATE_MAX], id[MESSAGE_ID_MAX];
	uint64_t random;

	if (!has_field(l, "From"))
		write_from(l);
	if (!has_field(l, "Date"))
		buf_addf(&l->text, "Date: %s\n", date_format(date, l->now,
		    clock_zone(l->now)));
	arc4random_buf(&random, sizeof(random));
	if (!has_field(l, "Message-ID"))
		buf_addf(&l->text, "Message-ID: %s\n", message_id_make(id,
		    (uint64_t)l->now, random, l->hostname));
}

/* Copy the fields that go out; 0, or -1. */
static int
write_fields(struct letter *l, const char *p, const char *end,
    const char **body)
{
	struct header_field f;
	struct header h;
	unsigned what, resent = 0;
	const char *start = p;

	header_init(&h, p, (size_t)(end - p));
	while (next_field(&h, &f, body))
		resent |= what_of(&f) & RESENT;
	header_init(&h, start, (size_t)(end - start));
	while (next_field(&h, &f, body)) {
		what = what_of(&f);
		if (l->from_header && (what & RCPT) &&
		    (what & RESENT) == resent &&
		    letter_add(l, f.value, f.value_len) == -1)
			return -1;
		if (what & DROP)
			continue;
		buf_add(&l->text, f.start, f.len);
		if (f.start[f.len - 1] != '\n')
			buf_addc(&l->text, '\n');
	}
	return 0;
}

int
letter_compose(struct letter *l, const struct buf *raw)
{
	const char *p = raw->len == 0 ? "" : raw->data, *end, *body = p;
	size_t i;

	end = p + raw->len;
	p = skip_mbox_line(p, end);
	buf_init(&l->text, raw->len + 4096);
	if (write_fields(l, p, end, &body) == -1)
		return -1;
	write_missing(l);
	buf_addc(&l->text, '\n');
	buf_add(&l->text, body, (size_t)(end - body));
	if (buf_failed(&l->text))
		return fail(l, "no memory", "message", 7);
	for (i = 0; i < l->text.len && !l->eightbit; i++)
		l->eightbit = (l->text.data[i] & 0x80) != 0;
	return 0;
}
