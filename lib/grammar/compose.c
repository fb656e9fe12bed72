/* SPDX-License-Identifier: ISC
 *
 * See grammar/compose.h.  What must never happen here is that a text of a
 * stranger begins a line.
 */
#include <stdbool.h>
#include <string.h>

#include "bytes/qp.h"
#include "grammar/addrlist.h"
#include "grammar/chars.h"
#include "grammar/compose.h"
#include "grammar/date.h"
#include "grammar/header.h"
#include "grammar/message_id.h"
#include "grammar/mime_words.h"

#define LINE_WIDTH	76
#define WORD_MAX	900	/* of a line of 998 (RFC 5322, 2.1.1) */
#define TEXT_MAX	(1u << 20)
#define IDS_MAX		20	/* in References */
#define ID_MAX		250

static bool
is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

/*
 * Text.
 */

/* Controls become blanks; a line end with its white space one of them. */
static int
flatten(struct buf *to, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end && (is_control(*p) || *p == ' '))
		p++;
	while (end > p && (is_control(end[-1]) || end[-1] == ' '))
		end--;
	for (; p < end; p++) {
		if (*p == '\r' && end - p > 1 && p[1] == '\n')
			continue;
		if (*p == '\n' && (p[1] == ' ' || p[1] == '\t'))
			continue;
		buf_addc(to, *p == '\t' || !is_control(*p) ? *p : ' ');
	}
	return buf_failed(to) ? -1 : 0;
}

static bool
needs_encoding(const char *p, size_t n)
{
	size_t i, word = 0;

	for (i = 0; i < n; i++) {
		word = char_is(p[i], CHAR_WSP) ? 0 : word + 1;
		if ((p[i] & 0x80) != 0 || word > WORD_MAX ||
		    (p[i] == '=' && i + 1 < n && p[i + 1] == '?'))
			return true;
	}
	return false;
}

/* ASCII without controls, folded before white space. */
static void
fold(struct buf *to, size_t column, const char *p, size_t n)
{
	const char *end = p + n, *word, *next;

	for (; p < end; p = next) {
		for (word = p; word < end && char_is(*word, CHAR_WSP); word++)
			;
		for (next = word; next < end && !char_is(*next, CHAR_WSP);
		    next++)
			;
		if (p < word && column + (size_t)(next - p) > LINE_WIDTH) {
			buf_addc(to, '\n');
			column = 0;
		}
		buf_add(to, p, (size_t)(next - p));
		column += (size_t)(next - p);
	}
}

int
compose_value(struct buf *to, size_t columns, const char *p, size_t n)
{
	struct buf flat;

	buf_init(&flat, n + 1);
	if (flatten(&flat, p, n) == -1)
		to->failed = 1;
	else if (needs_encoding(buf_str(&flat), flat.len))
		(void)mime_words_encode(to, flat.data, flat.len);
	else
		fold(to, columns, buf_str(&flat), flat.len);
	buf_free(&flat);
	return buf_failed(to) ? -1 : 0;
}

int
compose_text(struct buf *to, const char *name, const char *p, size_t n)
{
	buf_addf(to, "%s: ", name);
	if (compose_value(to, strlen(name) + 2, p, n) == -1)
		return -1;
	return buf_addc(to, '\n');
}

/*
 * Addresses.
 */

/* phrase = 1*(atom / quoted-string / encoded-word) */
static int
phrase(struct buf *to, const char *p, size_t n)
{
	struct buf flat;
	size_t i, plain = 0;

	buf_init(&flat, n + 1);
	if (flatten(&flat, p, n) == -1) {
		buf_free(&flat);
		return -1;
	}
	for (i = 0; i < flat.len; i++)
		plain += char_is(flat.data[i], CHAR_ATEXT) ||
		    flat.data[i] == ' ';
	if (!chars_ascii(flat.data, flat.len))
		(void)mime_words_encode(to, flat.data, flat.len);
	else if (plain == flat.len)
		buf_add(to, buf_str(&flat), flat.len);
	else {
		buf_addc(to, '"');
		for (i = 0; i < flat.len; i++) {
			if (strchr("\"\\", flat.data[i]) != NULL)
				buf_addc(to, '\\');
			buf_addc(to, flat.data[i]);
		}
		buf_addc(to, '"');
	}
	buf_free(&flat);
	return buf_failed(to) ? -1 : 0;
}

static int
one_address(struct buf *to, const struct addrlist_item *item)
{
	bool named = item->name.s != NULL && item->name.len > 0;
	struct address a;

	if (!addrlist_address(item, &a))
		return 0;
	if (named) {
		if (phrase(to, item->name.s, item->name.len) == -1)
			return -1;
		buf_adds(to, " <");
	}
	(void)address_write(to, &a);
	if (named)
		buf_addc(to, '>');
	return buf_failed(to) ? -1 : 1;
}

int
compose_addresses(struct buf *to, const char *name, const char *p, size_t n)
{
	struct addrlist_item item;
	struct addrlist list;
	struct buf field;
	int r = 0, next;

	buf_init(&field, TEXT_MAX);
	buf_addf(&field, "%s: ", name);
	addrlist_init(&list, p, n);
	while ((next = addrlist_next(&list, &item)) == 1) {
		if (r == 1)
			buf_adds(&field, ",\n ");
		if ((r = one_address(&field, &item)) != 1)
			break;
	}
	if (next == -1 || r == -1)
		r = -1;
	else if (r == 1) {
		buf_addc(&field, '\n');
		if (buf_failed(&field) ||
		    buf_add(to, field.data, field.len) == -1)
			r = -1;
	}
	addrlist_free(&list);
	buf_free(&field);
	return r;
}

/*
 * Which message it answers.
 */

struct id {
	const char	*s;
	size_t		 len;
};

/* The next that can stand in a field of ours: 1, 0. */
static int
next_id(const char **p, const char *end, struct id *id)
{
	size_t i;

	while (message_id_next(p, end, &id->s, &id->len)) {
		for (i = 0; i < id->len; i++)
			if (is_control(id->s[i]) || id->s[i] == ' ')
				break;
		if (i == id->len && i > 0 && i <= ID_MAX)
			return 1;
	}
	return 0;
}

static const char *
value_of(const char *header, size_t n, const char *name, const char **end)
{
	struct header_field f;

	if (!header_find(header, n, name, &f))
		return *end = NULL;
	*end = f.value + f.value_len;
	return f.value;
}

/* The parent's References, or its In-Reply-To when that has one: the first, and
 * the last of the others. */
static size_t
parents(const char *header, size_t n, struct id v[IDS_MAX])
{
	const char *end, *p = value_of(header, n, "References", &end);
	size_t count = 0;
	struct id id;

	for (; p != NULL && next_id(&p, end, &id); count++) {
		if (count >= IDS_MAX) {
			memmove(&v[1], &v[2], (IDS_MAX - 2) * sizeof(*v));
			count = IDS_MAX - 1;
		}
		v[count] = id;
	}
	if (count > 0)
		return count;
	p = value_of(header, n, "In-Reply-To", &end);
	for (; p != NULL && count < 2 && next_id(&p, end, &id); count++)
		v[0] = id;
	return count == 1;
}

int
compose_ids(struct buf *to, const char *header, size_t n)
{
	const char *end, *p = value_of(header, n, "Message-ID", &end);
	struct id mine, v[IDS_MAX];
	size_t i, count;

	if (p == NULL || !next_id(&p, end, &mine))
		return 0;
	buf_addf(to, "In-Reply-To: <%.*s>\nReferences:", (int)mine.len,
	    mine.s);
	count = parents(header, n, v);
	for (i = 0; i < count; i++)
		buf_addf(to, " <%.*s>\n", (int)v[i].len, v[i].s);
	return buf_addf(to, " <%.*s>\n", (int)mine.len, mine.s);
}

int
compose_begin(struct buf *to, int64_t time, int zone, uint64_t random,
    const char *host)
{
	char date[DATE_MAX], id[MESSAGE_ID_MAX];

	return buf_addf(to, "Date: %s\nMessage-ID: %s\n",
	    date_format(date, time, zone),
	    message_id_make(id, (uint64_t)time, random, host));
}

/*
 * The body.
 */

/* Can it stand as it is: ASCII, no controls, lines of some length? */
static bool
is_7bit(const char *p, size_t n)
{
	size_t i, line = 0;

	for (i = 0; i < n; i++) {
		line = p[i] == '\n' ? 0 : line + 1;
		if ((p[i] & 0x80) != 0 || line > WORD_MAX ||
		    (is_control(p[i]) && p[i] != '\n' && p[i] != '\t' &&
		    !(p[i] == '\r' && i + 1 < n && p[i + 1] == '\n')))
			return false;
	}
	return true;
}

/* With LF, one of them at the end; no CR can stand there. */
static int
add_lines(struct buf *to, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] != '\r')
			buf_addc(to, p[i]);
	if (n > 0 && p[n - 1] != '\n')
		buf_addc(to, '\n');
	return buf_failed(to) ? -1 : 0;
}

int
compose_part(struct buf *to, const char *p, size_t n)
{
	struct qp_encoder qp = { 0 };
	bool plain = is_7bit(p, n);

	buf_addf(to, "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: %s\n\n",
	    plain ? "7bit" : "quoted-printable");
	if (plain)
		return add_lines(to, p, n);
	if (qp_encode(&qp, to, p, n) == -1 || qp_encode_end(&qp, to) == -1)
		return -1;
	return to->len > 0 && to->data[to->len - 1] != '\n' ?
	    buf_addc(to, '\n') : 0;
}

int
compose_body(struct buf *to, const char *p, size_t n)
{
	buf_adds(to, "MIME-Version: 1.0\n");
	return compose_part(to, p, n);
}

/* Where the body of an entity begins: behind the empty line, or with the first
 * line that is no field. */
static const char *
entity_body(const char *p, size_t n)
{
	struct header_field f;
	struct header h;

	header_init(&h, p, n);
	while (header_next(&h, &f) == 1)
		if (f.name_len == 0)
			return f.start;
	return h.p;
}

int
compose_entity(struct buf *to, const char *p, size_t n)
{
	const char *body = entity_body(p, n), *end = p + n;
	struct header_field f;
	bool encoding = false;
	struct header h;

	if (!chars_ascii(p, (size_t)(body - p)))
		return 0;
	buf_adds(to, "MIME-Version: 1.0\n");
	header_init(&h, p, (size_t)(body - p));
	while (header_next(&h, &f) == 1) {
		if (!chars_begin(f.name, f.name + f.name_len, "Content-") ||
		    memchr(f.start, '\0', f.len) != NULL)
			continue;
		if (header_is(&f, "Content-Transfer-Encoding"))
			encoding = true;
		(void)add_lines(to, f.start, f.len);
	}
	if (!encoding && !chars_ascii(body, (size_t)(end - body)))
		buf_adds(to, "Content-Transfer-Encoding: 8bit\n");
	buf_addc(to, '\n');
	return add_lines(to, body, (size_t)(end - body)) == -1 ? -1 : 1;
}
