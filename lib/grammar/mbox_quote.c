/* SPDX-License-Identifier: ISC
 *
 * See grammar/mbox_quote.h.  Only the beginning of a line is looked at; the
 * rest is copied whole.  It must never change a line that is not one of those
 * named there.
 */
#include <string.h>
#include <strings.h>

#include "grammar/mbox_quote.h"

/* START: within the beginning of a line, of which held has all but its ">".
 * INSIDE: the rest of the line is copied.  DROP: it is left out. */
enum { START, INSIDE, DROP };

/* What the octets of a beginning are. */
enum kind { MORE, OTHER, FROM, FIELD, EMPTY };

static const char from[] = "From ";

static const struct {
	const char	*name;
	size_t		 len;
	enum mbox_field	 field;
} fields[] = {
	{ "Status", 6, MBOX_STATUS },
	{ "X-Status", 8, MBOX_X_STATUS },
	{ "X-Keywords", 10, MBOX_X_KEYWORDS },
	{ "X-UID", 5, MBOX_X_UID },
	{ "X-IMAPbase", 10, MBOX_X_IMAPBASE },
	{ "X-IMAP", 6, MBOX_X_IMAP },
	{ "Content-Length", 14, MBOX_CONTENT_LENGTH },
};

#define NFIELDS	(sizeof(fields) / sizeof(fields[0]))

static bool
ends_name(char c)
{
	return c == ':' || c == ' ' || c == '\t';
}

enum mbox_field
mbox_field(const char *line, size_t n)
{
	size_t i;

	for (i = 0; i < NFIELDS; i++)
		if (n > fields[i].len && ends_name(line[fields[i].len]) &&
		    strncasecmp(line, fields[i].name, fields[i].len) == 0)
			return fields[i].field;
	return MBOX_NO_FIELD;
}

/* Could these n octets go on to be one of the fields? */
static bool
begins_field(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < NFIELDS; i++)
		if (n <= fields[i].len &&
		    strncasecmp(p, fields[i].name, n) == 0)
			return true;
	return false;
}

/* n >= 1, and all but the last octet were MORE. */
static enum kind
kind_of(const struct mbox_filter *f, const char *p, size_t n)
{
	if (n <= 5 && memcmp(p, from, n) == 0)
		return n == 5 ? FROM : MORE;
	if (f->body)
		return OTHER;
	if (!f->gt && p[n - 1] == '\n' && (n == 1 || (n == 2 && *p == '\r')))
		return EMPTY;
	if (!f->gt && n == 1 && *p == '\r')
		return MORE;
	if (ends_name(p[n - 1]) && mbox_field(p, n) != MBOX_NO_FIELD)
		return FIELD;
	return begins_field(p, n) ? MORE : OTHER;
}

void
mbox_filter_init(struct mbox_filter *f, enum mbox_way way)
{
	memset(f, 0, sizeof(*f));
	f->way = (unsigned char)way;
	f->state = START;
}

/* The beginning, with the ">" that may be held back. */
static size_t
release(struct mbox_filter *f, char *out, bool gt)
{
	size_t n = 0;

	if (gt)
		out[n++] = '>';
	memcpy(out + n, f->held, f->len);
	n += f->len;
	f->len = 0;
	f->gt = false;
	return n;
}

/* Out of the file one ">" is held back, as it may have to go. */
static bool
held_gt(const struct mbox_filter *f)
{
	return f->gt && f->way == MBOX_UNQUOTE;
}

/* One octet of the beginning of a line; how many come out: at most
 * MBOX_HELD + 1. */
static size_t
start_octet(struct mbox_filter *f, char c, char *out)
{
	bool folded = c == ' ' || c == '\t', quoted = f->gt, hold;
	enum kind kind;

	if (f->len == 0 && c == '>') {
		hold = f->way == MBOX_UNQUOTE && !f->gt;
		f->gt = true;
		*out = c;
		return !hold;
	}
	if (f->len == 0 && folded && !quoted && f->note) {
		f->state = DROP;
		return 0;
	}
	f->held[f->len++] = c;
	kind = kind_of(f, f->held, f->len);
	if (kind == MORE)
		return 0;
	if (!(folded && f->len == 1 && !quoted))
		f->note = false;
	f->state = c == '\n' ? START : INSIDE;
	if (kind == EMPTY)
		f->body = true;
	if (f->way == MBOX_QUOTE)
		return release(f, out, kind == FROM || kind == FIELD);
	if (kind == FIELD && !quoted) {
		f->note = true;
		f->state = DROP;
		f->len = 0;
		return 0;
	}
	return release(f, out, held_gt(f) && kind == OTHER);
}

size_t
mbox_filter(struct mbox_filter *f, const void *from_in, size_t *n, void *to,
    size_t size)
{
	const char *in = from_in, *end = *n > 0 ? in + *n : in, *lf;
	char *out = to, *limit = out + size;
	size_t k;

	while (in < end && limit - out >= MBOX_ROOM) {
		if (f->state == START) {
			out += start_octet(f, *in++, out);
			continue;
		}
		k = (size_t)(end - in);
		if (f->state == INSIDE && k > (size_t)(limit - out))
			k = (size_t)(limit - out);
		lf = memchr(in, '\n', k);
		if (lf != NULL)
			k = (size_t)(lf + 1 - in);
		if (f->state == INSIDE) {
			memcpy(out, in, k);
			out += k;
		}
		in += k;
		if (lf != NULL)
			f->state = START;
	}
	*n = (size_t)(in - (const char *)from_in);
	return (size_t)(out - (char *)to);
}

size_t
mbox_filter_end(struct mbox_filter *f, void *out)
{
	return release(f, out, held_gt(f));
}
