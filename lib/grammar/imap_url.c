/* SPDX-License-Identifier: ISC
 *
 * IMAP URLs (RFC 5092 section 11).  Escapes are undone once, part by part.  It
 * must never let an escaped delimiter delimit, nor a NUL through.
 */
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "grammar/imap_url.h"

struct cursor {
	const char	*p, *end;
};

/* bchar = achar / ":" / "@" / "/"
 * achar = unreserved / sub-delims-sh / pct-encoded / "&" / "=" */
static int
is_bchar(char c)
{
	return char_is(c, CHAR_ALNUM) || (c != '\0' &&
	    strchr("-._~!$'()*+,&=:@/", c) != NULL);
}

/* 1*bchar up to stop, decoded: 1, 0 malformed. */
static int
decode(struct buf *to, const char *p, const char *stop)
{
	int hi, lo;

	if (p == stop)
		return 0;
	for (; p < stop; p++) {
		if (*p != '%') {
			if (!is_bchar(*p))
				return 0;
			buf_addc(to, *p);
			continue;
		}
		if (stop - p < 3 || (hi = char_hex(p[1])) == -1 ||
		    (lo = char_hex(p[2])) == -1 || (hi == 0 && lo == 0))
			return 0;
		buf_addc(to, (char)(hi << 4 | lo));
		p += 2;
	}
	return 1;
}

static int
word(struct cursor *c, const char *w)
{
	if (!chars_begin(c->p, c->end, w))
		return 0;
	c->p += strlen(w);
	return 1;
}

/* number = 1*DIGIT: 1, 0. */
static int
number(struct cursor *c, uint32_t *out)
{
	const char *start = c->p;
	uint64_t n = 0;

	for (; c->p < c->end && char_is(*c->p, CHAR_DIGIT); c->p++) {
		n = n * 10 + (uint64_t)(*c->p - '0');
		if (n > UINT32_MAX)
			return 0;
	}
	*out = (uint32_t)n;
	return c->p > start;
}

static int
nz_number(struct cursor *c, uint32_t *out)
{
	return c->p < c->end && *c->p != '0' && number(c, out);
}

/* imailbox-ref iuid = enc-mailbox [";UIDVALIDITY=" nz-number]
 *                     "/;UID=" nz-number */
static int
message(struct imap_url *u, struct cursor *c)
{
	const char *start = c->p, *semi;

	semi = memchr(start, ';', (size_t)(c->end - start));
	if (semi == NULL)
		return 0;
	c->p = semi;
	if (word(c, ";UIDVALIDITY=")) {
		if (!nz_number(c, &u->uidvalidity))
			return 0;
	} else {
		if (semi == start || *--semi != '/')
			return 0;
		c->p = semi;
	}
	/* RFC 5092 section 8: names are UTF-8. */
	return decode(&u->mailbox, start, semi) && word(c, "/;UID=") &&
	    nz_number(c, &u->uid) && utf8_valid(u->mailbox.data,
	    u->mailbox.len);
}

/* isection = "/;SECTION=" enc-section
 * NOTE: what ends it is a "/;": enc-section may hold "/" by itself. */
static int
section(struct imap_url *u, struct cursor *c)
{
	const char *stop = c->p;

	while (stop < c->end && (*stop != '/' || stop + 1 == c->end ||
	    stop[1] != ';'))
		stop++;
	if (!decode(&u->section, c->p, stop))
		return 0;
	c->p = stop;
	return 1;
}

/* partial-range = number ["." nz-number] */
static int
partial_range(struct imap_url *u, struct cursor *c)
{
	u->partial = 1;
	u->length = UINT32_MAX;
	if (!number(c, &u->offset))
		return 0;
	return !word(c, ".") || nz_number(c, &u->length);
}

/* imapurl-rel = "/" imailbox-ref iuid [isection] [ipartial] */
int
imap_url_parse(struct imap_url *u, const char *s, size_t n)
{
	struct cursor c = { s, s + n };
	int r;

	memset(u, 0, sizeof(*u));
	buf_init(&u->mailbox, IMAP_URL_MAX);
	buf_init(&u->section, IMAP_URL_MAX);
	if (n > IMAP_URL_MAX || !word(&c, "/") || word(&c, "/"))
		return 0;
	r = message(u, &c);
	if (r && word(&c, "/;SECTION="))
		r = section(u, &c);
	if (r && word(&c, "/;PARTIAL="))
		r = partial_range(u, &c);
	if (c.p != c.end)
		r = 0;
	return buf_failed(&u->mailbox) || buf_failed(&u->section) ? -1 : r;
}

void
imap_url_free(struct imap_url *u)
{
	buf_free(&u->mailbox);
	buf_free(&u->section);
}
