/* SPDX-License-Identifier: ISC
 *
 * The header fields of a summary; see mail/summary.h.  Which octets belong to
 * which field is what BODY[HEADER.FIELDS] of an imapd without a cache says: a
 * name goes to the first colon, white space before it does not count, and a
 * line that begins with white space belongs to the one before.
 */
#include <string.h>

#include "grammar/chars.h"
#include "mail/summary_local.h"

/*
 * The fields that Thunderbird, K-9, Apple Mail, Outlook, Evolution, mutt, aerc,
 * Roundcube and mbsync ask for.  What a message does not have is free.
 * A place in the table is a number in the file: a new one goes to the end, and
 * the version of both kinds rises, since a name not known before is known now.
 */
static const struct field {
	const char	*name;
	bool		 trace;
} fields[] = {
	{ "From", false },
	{ "To", false },
	{ "Cc", false },
	{ "Bcc", false },
	{ "Subject", false },
	{ "Date", false },
	{ "Message-ID", false },
	{ "References", false },
	{ "In-Reply-To", false },
	{ "Reply-To", false },
	{ "Sender", false },
	{ "Newsgroups", false },
	{ "Followup-To", false },
	{ "Content-Type", false },
	{ "Content-Transfer-Encoding", false },
	{ "Content-Disposition", false },
	{ "Content-Description", false },
	{ "Content-Language", false },
	{ "Content-Class", false },
	{ "MIME-Version", false },
	{ "Priority", false },
	{ "X-Priority", false },
	{ "X-MSMail-Priority", false },
	{ "Importance", false },
	{ "List-Id", false },
	{ "List-Post", false },
	{ "List-Unsubscribe", false },
	{ "List-Unsubscribe-Post", false },
	{ "List-Help", false },
	{ "List-Subscribe", false },
	{ "List-Owner", false },
	{ "List-Archive", false },
	{ "Precedence", false },
	{ "Auto-Submitted", false },
	{ "Disposition-Notification-To", false },
	{ "Return-Receipt-To", false },
	{ "Mail-Followup-To", false },
	{ "Mail-Reply-To", false },
	{ "Resent-From", false },
	{ "Resent-To", false },
	{ "Resent-Date", false },
	{ "Return-Path", false },
	{ "Delivered-To", false },
	{ "Lines", false },
	{ "Status", false },
	{ "Keywords", false },
	{ "X-Label", false },
	{ "X-Mailer", false },
	{ "User-Agent", false },
	{ "X-Mailing-List", false },
	{ "X-Loop", false },
	{ "X-Spam-Flag", false },
	{ "X-Spam-Status", false },
	{ "X-Draft-Info", false },
	{ "X-Identity-Key", false },
	{ "X-TUID", false },
	{ "X-Uniform-Type-Identifier", false },
	{ "X-Universally-Unique-Identifier", false },
	{ "X-Evolution-Source", false },
	{ "X-GM-Original-To", false },
	{ "Received", true },
	{ "Authentication-Results", true },
};
#define NFIELDS	(sizeof(fields) / sizeof(fields[0]))
enum { ALWAYS = 63, NO_FIELD = 64, NAME_MAX_KEPT = 128 };
_Static_assert(NFIELDS <= ALWAYS, "a field is a bit");

/* The fields of each first letter: the first of them, and the one behind each,
 * as a number + 1. */
static unsigned char chain[256], behind[NFIELDS];

static void
make_chains(void)
{
	unsigned char *head;
	size_t i;

	for (i = NFIELDS; i-- > 0;) {
		head = &chain[(unsigned char)char_lower(*fields[i].name)];
		behind[i] = *head;
		*head = (unsigned char)(i + 1);
	}
}

static unsigned
find(const char *name, size_t n)
{
	unsigned i;

	if (chain['f'] == 0)
		make_chains();
	for (i = chain[(unsigned char)char_lower(*name)]; i != 0;
	    i = behind[i - 1])
		if (chars_is(name, n, fields[i - 1].name))
			return i - 1;
	return NO_FIELD;
}

uint64_t
summary_field(const char *name, size_t n)
{
	unsigned i = n == 0 ? NO_FIELD : find(name, n);

	return i == NO_FIELD ? 0 : (uint64_t)1 << i;
}

unsigned
summary_fields_kinds(uint64_t wanted)
{
	unsigned kinds = SUMMARY(SUMMARY_FIELDS);
	size_t i;

	for (i = 0; i < NFIELDS; i++)
		if (fields[i].trace && wanted & (uint64_t)1 << i)
			kinds |= SUMMARY(SUMMARY_TRACE);
	return kinds;
}

/* The field a line begins. */
static unsigned
field_of(const char *p, const char *end)
{
	const char *colon = p;
	size_t n;

	if (*p == '\r' || *p == '\n')
		return ALWAYS;
	while (colon < end && *colon != ':' && *colon != '\n' &&
	    colon - p < NAME_MAX_KEPT)
		colon++;
	if (colon == end || *colon != ':')
		return NO_FIELD;
	n = (size_t)(colon - p);
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	return n == 0 ? NO_FIELD : find(p, n);
}

static const char *
line_end(const char *p, const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));

	return lf == NULL ? end : lf + 1;
}

/* A line that continues the one before it. */
static bool
continues(const char *p, const char *end)
{
	return p < end && (*p == ' ' || *p == '\t');
}

static void
add_entry(struct buf *b, unsigned field, uint32_t ordinal, const char *p,
    size_t n)
{
	char head[SUMMARY_ENTRY];

	if (ordinal > UINT16_MAX) {
		b->failed = 1;
		return;
	}
	cache_put32(head, field | ordinal << 16);
	cache_put32(head + 4, (uint32_t)n);
	buf_add(b, head, sizeof(head));
	buf_add(b, p, n);
}

void
summary_split(const struct buf *header, struct buf *common, struct buf *trace)
{
	const char *p = header->data == NULL ? "" : header->data;
	const char *end = p + header->len, *start;
	struct buf *to;
	uint32_t ordinal;
	unsigned field;

	buf_addc(common, '\0');
	common->failed |= buf_failed(header);
	if (trace != NULL) {
		buf_addc(trace, '\0');
		trace->failed |= buf_failed(header);
	}
	if (buf_failed(header))
		return;
	while (continues(p, end))	/* of nothing */
		p = line_end(p, end);
	for (ordinal = 0; p < end; ordinal++) {
		start = p;
		field = field_of(p, end);
		do
			p = line_end(p, end);
		while (continues(p, end));
		to = field == NO_FIELD ? NULL : field != ALWAYS &&
		    fields[field].trace ? trace : common;
		if (to != NULL)
			add_entry(to, field, ordinal, start,
			    (size_t)(p - start));
	}
}

/* How many lines of a field end in LF alone. */
static size_t
bare_ends(const char *p, const char *end)
{
	const char *start = p;
	size_t n = 0;

	for (; p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL;
	    p++)
		n += p == start || p[-1] != '\r';
	return n;
}

/* Add octets in the form of the wire. */
static void
add_wire(struct buf *b, const char *p, const char *end)
{
	const char *lf, *start = p;

	while (p < end) {
		if ((lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
			lf = end;
		buf_add(b, p, (size_t)(lf - p));
		if (lf == end)
			break;
		if (lf == start || lf[-1] != '\r')
			buf_addc(b, '\r');
		buf_addc(b, '\n');
		p = lf + 1;
	}
}

void
summary_split_disk(const char *p, size_t n, struct buf *common)
{
	const char *end = p + n, *start;
	uint32_t ordinal;
	unsigned field;

	buf_addc(common, '\0');
	while (continues(p, end))
		p = line_end(p, end);
	for (ordinal = 0; p < end; ordinal++) {
		start = p;
		field = field_of(p, end);
		do
			p = line_end(p, end);
		while (continues(p, end));
		if (field == NO_FIELD || (field != ALWAYS &&
		    fields[field].trace))
			continue;
		add_entry(common, field, ordinal, start, 0);
		if (buf_failed(common))
			return;
		cache_put32(common->data + common->len - 4,
		    (uint32_t)((size_t)(p - start) + bare_ends(start, p)));
		add_wire(common, start, p);
	}
}

/* ---- choosing ---- */

struct cursor {
	const char	*p, *end;
	const char	*octets;
	uint32_t	 field, ordinal, n;
	bool		 refused;
};

/* The next entry that is chosen; ordinal above all: none. */
static void
next(struct cursor *c, uint64_t chosen)
{
	while ((size_t)(c->end - c->p) >= SUMMARY_ENTRY) {
		c->field = cache_u32(c->p) & 0xff;
		c->ordinal = cache_u32(c->p) >> 16;
		c->n = cache_u32(c->p + 4);
		c->p += SUMMARY_ENTRY;
		if (c->n > (size_t)(c->end - c->p))
			break;
		c->octets = c->p;
		c->p += c->n;
		if (c->field <= ALWAYS && chosen & (uint64_t)1 << c->field)
			return;
	}
	c->refused |= c->p != c->end;
	c->ordinal = UINT32_MAX;
}

static void
begin(struct cursor *c, const struct summary_view *v, int kind)
{
	memset(c, 0, sizeof(*c));
	if (!(v->have & SUMMARY(kind)))
		return;
	if (v->item[kind].n == 0 || *v->item[kind].p != '\0') {
		c->refused = true;
		return;
	}
	c->p = v->item[kind].p + 1;
	c->end = v->item[kind].p + v->item[kind].n;
}

int
summary_fields(struct buf *b, const struct summary_view *v, uint64_t chosen)
{
	struct cursor common, trace, *first;

	begin(&common, v, SUMMARY_FIELDS);
	begin(&trace, v, SUMMARY_TRACE);
	next(&common, chosen);
	next(&trace, chosen);
	for (;;) {
		first = common.ordinal <= trace.ordinal ? &common : &trace;
		if (first->ordinal == UINT32_MAX)
			break;
		buf_add(b, first->octets, first->n);
		next(first, chosen);
	}
	return common.refused || trace.refused || buf_failed(b) ? -1 : 0;
}
