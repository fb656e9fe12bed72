/* SPDX-License-Identifier: ISC
 *
 * See grammar/mbox.h.  Lines are taken one by one; what decides about a line is
 * its beginning, kept in text.  It must never look at an octet twice, however
 * the file is made.
 */
#include <string.h>
#include <strings.h>

#include "grammar/mbox.h"
#include "grammar/mbox_quote.h"

#define HASH_START	14695981039346656037u	/* FNV-1a, 64 bits */
#define HASH_PRIME	1099511628211u

static const char internal_subject[] =
    "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA";

static void
add_hash(struct mbox_split *s, const char *p, size_t n)
{
	uint64_t h = s->now.hash;
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * HASH_PRIME;
	s->now.hash = h;
}

void
mbox_split_init(struct mbox_split *s, uint64_t offset)
{
	memset(s, 0, offsetof(struct mbox_split, text));
	s->at = s->line = offset;
	s->open = s->header = s->empty = s->empty_crlf = s->from_lf = false;
	s->field = MBOX_NO_FIELD;
	s->seen = 0;
	s->lf_cost = s->lf_cost_before = 0;
	s->last_field = offset;
	memset(&s->now, 0, offsetof(struct mbox_message, keywords));
}

/* ---- the store's fields ---- */

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next word at *p: its length, 0 at the end. */
static size_t
next_word(const char **p, const char *end)
{
	const char *q;

	while (*p < end && is_space(**p))
		(*p)++;
	for (q = *p; q < end && !is_space(*q); q++)
		;
	return (size_t)(q - *p);
}

/* A decimal number of 32 bits, without white space before it; 0: it is none
 * or too large. */
static uint32_t
number(const char **p, const char *end)
{
	size_t n = next_word(p, end), i;
	uint64_t v = 0;

	for (i = 0; i < n; i++) {
		if ((*p)[i] < '0' || (*p)[i] > '9' || v > UINT32_MAX)
			return 0;
		v = v * 10 + (uint64_t)((*p)[i] - '0');
	}
	*p += n;
	return v > UINT32_MAX ? 0 : (uint32_t)v;
}

/* Add the words of p to a list; a NUL within one ends it. */
static void
add_words(char *list, size_t *len, const char *p, const char *end)
{
	size_t n;

	while ((n = next_word(&p, end)) > 0) {
		if (memchr(p, '\0', n) == NULL &&
		    n < MBOX_WORDS_KEPT - *len) {
			memcpy(list + *len, p, n);
			list[*len + n] = '\0';
			*len += n + 1;
		}
		p += n;
	}
}

static void
add_flags(struct mbox_message *m, const char *letters, const char *p,
    const char *end)
{
	static const unsigned bits[] = { MBOX_SEEN, MBOX_OLD, MBOX_ANSWERED,
	    MBOX_FLAGGED, MBOX_DELETED, MBOX_DRAFT };
	static const char all[] = "ROAFDT";
	size_t i;

	for (; p < end; p++)
		for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
			if (*p == all[i] && strchr(letters, *p) != NULL)
				m->flags |= bits[i];
}

static void
read_base(struct mbox_message *m, const char *p, const char *end)
{
	uint32_t validity = number(&p, end), last;

	if (validity == 0)
		return;
	last = number(&p, end);
	m->based = true;
	m->validity = validity;
	m->last = last;
	add_words(m->base, &m->base_len, p, end);
}

/* What a field of the store says, or goes on to say in a folded line. */
static void
read_note(struct mbox_split *s, bool folded)
{
	const char *p = s->text, *end = p + s->len, *colon;
	struct mbox_message *m = &s->now;

	if (!folded) {
		if ((colon = memchr(p, ':', s->len)) == NULL)
			return;
		p = colon + 1;
	}
	switch ((enum mbox_field)s->field) {
	case MBOX_STATUS:
		add_flags(m, "RO", p, end);
		break;
	case MBOX_X_STATUS:
		add_flags(m, "AFDT", p, end);
		break;
	case MBOX_X_KEYWORDS:
		add_words(m->keywords, &m->keywords_len, p, end);
		break;
	case MBOX_X_UID:
		if (!folded)
			m->uid = number(&p, end);
		break;
	case MBOX_X_IMAPBASE:
	case MBOX_X_IMAP:
		if (folded)
			add_words(m->base, &m->base_len, p, end);
		else if (!m->based)
			read_base(m, p, end);
		break;
	case MBOX_NO_FIELD:
	case MBOX_CONTENT_LENGTH:
		break;
	}
}

/* ---- lines ---- */

static bool
is_folded(const struct mbox_split *s)
{
	return !s->gt && s->len > 0 && (*s->text == ' ' || *s->text == '\t');
}

/* A line of the header that is one of the store's: note where they are. */
static void
take_note(struct mbox_split *s)
{
	struct mbox_message *m = &s->now;
	bool folded = is_folded(s);

	if (m->notes_len == 0)
		m->notes = s->line;
	if (m->notes + m->notes_len != s->line)
		m->scattered = true;
	else
		m->notes_len += s->line_len;
	if (!folded) {
		if (s->seen & 1u << s->field)
			m->scattered = true;
		s->seen |= 1u << s->field;
	}
	read_note(s, folded);
}

/* A line of the header: is it one of the store's, which is not part of the
 * message? */
static bool
header_line(struct mbox_split *s)
{
	struct mbox_message *m = &s->now;

	if (!is_folded(s)) {
		s->field = s->gt ? MBOX_NO_FIELD : mbox_field(s->text, s->len);
		if (s->field == MBOX_NO_FIELD)
			s->last_field = s->line;
	} else if (s->line == m->content)
		s->last_field = UINT64_MAX;
	if (s->field != MBOX_NO_FIELD) {
		take_note(s);
		return true;
	}
	add_hash(s, s->text, s->len);
	if (s->len >= sizeof(internal_subject) - 1 && !s->gt && memcmp(s->text,
	    internal_subject, sizeof(internal_subject) - 1) == 0)
		m->internal = true;
	return false;
}

/* Is a ">" of the line one of the file's? */
static bool
is_quoted(const struct mbox_split *s, bool header)
{
	if (!s->gt)
		return false;
	return (s->len >= 5 && memcmp(s->text, "From ", 5) == 0) ||
	    (header && mbox_field(s->text, s->len) != MBOX_NO_FIELD);
}

/* A line of the content, with its end or, at the end of the file, without. */
static void
content_line(struct mbox_split *s, bool lf)
{
	struct mbox_message *m = &s->now;
	bool crlf = lf && s->line_len >= 2 && s->before_lf == '\r';
	bool empty = lf && (s->line_len == 1 || (s->line_len == 2 && crlf));
	bool header = s->header, note = false;

	if (header && empty) {
		s->header = false;
		m->insert = s->line;
	} else if (header)
		note = header_line(s);
	s->lf_cost_before = s->lf_cost;
	s->lf_cost = note || !lf ? 0 : crlf ? 1 : 2;
	if (!note) {
		m->plain += s->line_len - is_quoted(s, header);
		m->wire += s->line_len - is_quoted(s, header) + (lf && !crlf);
	}
	s->empty = empty;
	s->empty_crlf = empty && crlf;
}

/* The message goes up to here. */
static int
finish(struct mbox_split *s, uint64_t next)
{
	struct mbox_message *m = &s->now;
	bool no_lf = false;

	if (!s->open)
		return 0;
	m->next = m->end = next;
	m->separated = s->empty;
	if (s->empty) {
		m->end -= s->empty_crlf ? 2 : 1;
		m->plain -= s->empty_crlf ? 2 : 1;
		m->wire -= 2;
		no_lf = s->empty_crlf && s->from_lf && m->end > m->content;
	}
	if (s->header || m->insert == m->end)
		m->insert = no_lf && s->last_field != UINT64_MAX ?
		    s->last_field : m->end;
	if (no_lf) {
		m->end--;
		m->plain -= s->lf_cost_before != 0;
		m->wire -= s->lf_cost_before;
	}
	m->internal = m->internal && m->based &&
	    (s->seen & 1u << MBOX_X_IMAP) != 0;
	memcpy(&s->done, m, offsetof(struct mbox_message, keywords));
	memcpy(s->done.keywords, m->keywords, m->keywords_len);
	memcpy(s->done.base, m->base, m->base_len);
	s->open = false;
	return 1;
}

static void
begin(struct mbox_split *s, int64_t time)
{
	struct mbox_message *m = &s->now;

	memset(m, 0, offsetof(struct mbox_message, keywords));
	m->from = s->line;
	m->content = m->insert = s->last_field = s->line + s->line_len;
	m->time = time;
	m->hash = HASH_START;
	m->journal = memmem(s->text, s->len, MBOX_JOURNAL,
	    sizeof(MBOX_JOURNAL) - 1) != NULL;
	add_hash(s, s->text, s->len);
	s->from_lf = s->line_len < 2 || s->before_lf != '\r';
	s->open = s->header = true;
	s->empty = s->empty_crlf = false;
	s->field = MBOX_NO_FIELD;
	s->seen = 0;
	s->lf_cost = s->lf_cost_before = 0;
}

/* The line is complete: 1 when it ends a message. */
static int
line_end(struct mbox_split *s)
{
	bool first = !s->open && !s->junk;
	int64_t time = 0;
	int r = 0;

	if (s->keep && !s->gt && s->len >= 5 && (s->empty || first) &&
	    memcmp(s->text, "From ", 5) == 0 &&
	    (mbox_from_parse(s->text, s->len, &time) || first)) {
		r = finish(s, s->line);
		begin(s, time);
	} else if (s->open)
		content_line(s, true);
	else {
		s->empty = s->line_len == 1 || (s->line_len == 2 &&
		    s->before_lf == '\r');
		s->junk = s->junk || !s->empty;
	}
	s->line = s->at;
	s->line_len = 0;
	s->len = 0;
	s->gt = false;
	return r;
}

/* Keep the beginning of the line, without its ">". */
static void
keep(struct mbox_split *s, const char *p, size_t n)
{
	while (s->len == 0 && n > 0 && *p == '>') {
		s->gt = true;
		p++;
		n--;
	}
	if (n > MBOX_LINE_KEPT - s->len)
		n = MBOX_LINE_KEPT - s->len;
	memcpy(s->text + s->len, p, n);
	s->len += n;
}

int
mbox_split(struct mbox_split *s, const char **p, const char *end)
{
	const char *lf;
	size_t n;

	while (*p < end) {
		lf = memchr(*p, '\n', (size_t)(end - *p));
		n = (size_t)((lf == NULL ? end : lf + 1) - *p);
		if (s->line_len == 0)
			s->keep = !s->open || s->header || **p == '>' ||
			    **p == 'F';
		if (s->keep)
			keep(s, *p, n);
		if (lf == NULL)
			s->before_lf = end[-1];
		else if (n > 1)
			s->before_lf = lf[-1];
		s->line_len += n;
		s->at += n;
		*p += n;
		if (lf != NULL && line_end(s))
			return 1;
	}
	return 0;
}

int
mbox_split_end(struct mbox_split *s)
{
	if (s->open && s->line_len > 0)
		content_line(s, false);
	s->line_len = 0;
	return finish(s, s->at);
}
