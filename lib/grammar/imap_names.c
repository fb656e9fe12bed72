/* SPDX-License-Identifier: ISC
 *
 * See grammar/imap_names.h.  What is shown must be understood when it comes
 * back: each rule has its counterpart.
 */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "grammar/imap_mailbox.h"
#include "grammar/imap_names.h"

#define INBOX		"INBOX"
#define IMPOSSIBLE	"/"	/* no mailbox has this name */

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* An octet that stands behind "\" as two hex digits: it, or 0. */
static char
escaped(const char *p, const char *end)
{
	static const char octets[] = "./\\";
	int i;

	if (end - p < 2)
		return 0;
	for (i = 0; octets[i] != '\0'; i++)
		if (char_hex(p[0]) == octets[i] / 16 && p[1] != 'C' &&
		    p[1] != 'E' && p[1] != 'F' &&
		    char_hex(p[1]) == octets[i] % 16)
			return octets[i];
	return 0;
}

/*
 * To modified UTF-7.
 */

struct shift {
	struct buf	*out;
	uint32_t	 bits;
	int		 n;
	int		 open;		/* behind "&" */
};

static void
shift_unit(struct shift *s, uint32_t unit)
{
	if (!s->open)
		buf_addc(s->out, '&');
	s->open = 1;
	s->bits = s->bits << 16 | unit;
	for (s->n += 16; s->n >= 6; s->n -= 6)
		buf_addc(s->out, alphabet[s->bits >> (s->n - 6) & 63]);
	s->bits &= (1u << s->n) - 1;
}

static void
shift_char(struct shift *s, uint32_t c)
{
	if (c >= 0x10000) {
		shift_unit(s, 0xd800 + ((c - 0x10000) >> 10));
		c = 0xdc00 + ((c - 0x10000) & 0x3ff);
	}
	shift_unit(s, c);
}

static void
shift_end(struct shift *s)
{
	if (!s->open)
		return;
	if (s->n > 0)
		buf_addc(s->out, alphabet[s->bits << (6 - s->n) & 63]);
	buf_addc(s->out, '-');
	s->bits = 0;
	s->n = s->open = 0;
}

/* RFC 6855 section 3: what is not allowed in names that are UTF-8. */
static int
is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 ||
	    c == 0x2029;
}

/*
 * From the wire.
 */

/* One octet of US-ASCII that is no separator, with what follows it in the
 * level; raw: it is stored as it is, where it can be. */
static void
store_octet(const struct imap_names *n, struct buf *out, const char *p,
    const char *end, int raw)
{
	if (*p == '.' || *p == '/')
		buf_addf(out, "\\%02x", (unsigned)*p);
	else if (*p == '\\' && !raw && escaped(p + 1, end) != 0)
		buf_adds(out, "\\5c");
	else if (*p == '&' && n->utf8 && !raw)
		buf_adds(out, "&-");
	else
		buf_addc(out, *p);
}

/* A level in UTF-8: 0, or -1: no mailbox can have it. */
static int
store_utf8(const struct imap_names *n, struct buf *out, const char *p,
    const char *end, int raw)
{
	struct shift s = { .out = out };
	const char *q;
	uint32_t c;
	size_t k;

	for (q = p; q < end; q++)
		if ((unsigned char)*q >= 0x80)
			raw = 0;
	for (; p < end; p += k) {
		if ((k = utf8_next(p, end, &c)) == 0 || is_control(c))
			return -1;
		if (c >= 0x80) {
			shift_char(&s, c);
			continue;
		}
		shift_end(&s);
		store_octet(n, out, p, end, raw);
	}
	shift_end(&s);
	return 0;
}

static int
store_level(const struct imap_names *n, struct buf *out, const char *p,
    const char *end, int raw)
{
	if (n->utf8)
		return store_utf8(n, out, p, end, raw);
	for (; p < end; p++)
		store_octet(n, out, p, end, raw);
	return 0;
}

/* All levels, into stored: 1, or 0: no mailbox can have them. */
static int
store_levels(const struct imap_names *n, const char *wire, int raw,
    char stored[IMAP_STORED_SIZE])
{
	const char *p = wire, *end = wire + strlen(wire), *next;
	struct buf out;
	int good = 1;

	buf_init(&out, IMAP_STORED_SIZE - 1);
	for (; good && p <= end; p = next + 1) {
		if ((next = strchr(p, n->separator)) == NULL)
			next = end;
		if (p > wire)
			buf_addc(&out, '.');
		good = store_level(n, &out, p, next, raw) == 0;
	}
	if (buf_failed(&out) || out.len == 0)
		good = 0;
	if (good)
		memcpy(stored, buf_str(&out), out.len + 1);
	buf_free(&out);
	return good;
}

/* Whether the wire begins with this, INBOX in any letter case. */
static int
has_prefix(const char *wire, const char *prefix, size_t n)
{
	size_t inbox = strlen(INBOX);

	if (n > inbox && strncasecmp(prefix, INBOX, inbox) == 0)
		return strncasecmp(wire, INBOX, inbox) == 0 &&
		    strncmp(wire + inbox, prefix + inbox, n - inbox) == 0;
	return strncmp(wire, prefix, n) == 0;
}

/*
 * To the wire.
 */

static uint32_t
alphabet_bits(char c)
{
	return (uint32_t)(strchr(alphabet, c) - alphabet);
}

/* A shift behind its "&", known to be good, in UTF-8.  Returns where it ends;
 * NULL: it has a control character. */
static const char *
show_shift(struct buf *out, const char *p)
{
	uint32_t bits = 0, c, high = 0;
	char utf8[4];
	int n = 0;

	for (; *p != '-'; p++) {
		bits = bits << 6 | alphabet_bits(*p);
		if ((n += 6) < 16)
			continue;
		n -= 16;
		c = bits >> n & 0xffff;
		bits &= (1u << n) - 1;
		if (c >= 0xd800 && c <= 0xdbff) {
			high = c;
			continue;
		}
		if (c >= 0xdc00 && c <= 0xdfff)
			c = 0x10000 + ((high & 0x3ff) << 10) + (c & 0x3ff);
		if (is_control(c))
			return NULL;
		buf_add(out, utf8, utf8_put(utf8, c));
	}
	return p + 1;
}

/* A level's modified UTF-7 in UTF-8: 0, or -1: that cannot be. */
static int
show_utf8(struct buf *out, const char *p, size_t len)
{
	const char *end = p + len;

	if (!imap_mailbox_utf7(p, len))
		return -1;
	while (p < end) {
		if (*p != '&') {
			buf_addc(out, *p++);
		} else if (p[1] == '-') {
			buf_addc(out, '&');
			p += 2;
		} else if ((p = show_shift(out, p + 1)) == NULL)
			return -1;
	}
	return 0;
}

/* What was escaped in a level, but for the separator, as it was given. */
static void
show_escaped(const struct imap_names *n, struct buf *out, const char *p,
    const char *end)
{
	char c;

	for (; p < end; p++) {
		c = *p == '\\' ? escaped(p + 1, end) : 0;
		if (c == 0 || c == n->separator ||
		    (c == '\\' && escaped(p + 3, end) == 0)) {
			buf_addc(out, *p);
			continue;
		}
		buf_addc(out, c);
		p += 2;
		if (c == '\\') {
			buf_add(out, p + 1, 2);
			p += 2;
		}
	}
}

static int
show_level(const struct imap_names *n, struct buf *out, const char *p,
    size_t len)
{
	struct buf plain, utf8;

	buf_init(&plain, IMAP_STORED_SIZE);
	buf_init(&utf8, IMAP_SHOWN_MAX);
	show_escaped(n, &plain, p, p + len);
	if (n->utf8 && show_utf8(&utf8, buf_str(&plain), plain.len) == 0)
		buf_add(out, utf8.data, utf8.len);
	else
		buf_add(out, plain.data, plain.len);
	if (buf_failed(&plain) || buf_failed(&utf8))
		out->failed = 1;
	buf_free(&plain);
	buf_free(&utf8);
	return buf_failed(out) ? -1 : 0;
}

int
imap_names_show(const struct imap_names *n, const char *stored,
    struct buf *out)
{
	const char *p = stored;
	size_t len;

	if (strcmp(stored, INBOX) == 0)
		return buf_adds(out, INBOX);
	/* The usual: nothing to convert. */
	buf_adds(out, n->prefix);
	if (n->separator == '.' && strpbrk(stored, "&\\") == NULL)
		return buf_adds(out, stored);
	for (;; p += len + 1) {
		len = strcspn(p, ".");
		if (show_level(n, out, p, len) == -1)
			return -1;
		if (p[len] == '\0')
			return 0;
		buf_addc(out, n->separator);
	}
}

/*
 * From the wire, or what is there already.
 */

/* Whether a stored name looks like this behind the prefix, and is there. */
static int
is_shown_so(const struct imap_names *n, const char *stored, const char *wire)
{
	struct buf shown;
	int same;

	if (n->stored == NULL || !n->stored(n->arg, stored))
		return 0;
	buf_init(&shown, IMAP_SHOWN_MAX);
	same = imap_names_show(n, stored, &shown) == 0 &&
	    strcmp(buf_str(&shown) + strlen(n->prefix), wire) == 0;
	buf_free(&shown);
	return same;
}

int
imap_names_store(const struct imap_names *n, const char *wire,
    char stored[IMAP_STORED_SIZE])
{
	char other[IMAP_STORED_SIZE];
	size_t prefix = strlen(n->prefix), inbox = strlen(INBOX);
	int good;

	if (strcasecmp(wire, INBOX) == 0) {
		memcpy(stored, INBOX, inbox + 1);
		return 1;
	}
	memcpy(stored, IMPOSSIBLE, sizeof(IMPOSSIBLE));
	if (!has_prefix(wire, n->prefix, prefix))
		return 0;
	good = store_levels(n, wire + prefix, 0, stored);
	if (strncasecmp(stored, INBOX, inbox) == 0 && stored[inbox] == '.')
		memcpy(stored, INBOX, inbox);
	if (n->stored == NULL || strpbrk(wire, "&\\") == NULL ||
	    (good && n->stored(n->arg, stored)))
		return good;
	if (store_levels(n, wire + prefix, 1, other) &&
	    is_shown_so(n, other, wire + prefix)) {
		memcpy(stored, other, sizeof(other));
		return 1;
	}
	return good;
}
