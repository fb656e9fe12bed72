/* SPDX-License-Identifier: ISC
 *
 * See grammar/surrogate.h.  Whatever the input is, no octet above 127 comes
 * out.
 */
#include <string.h>

#include "grammar/addrlist.h"
#include "grammar/chars.h"
#include "grammar/header.h"
#include "grammar/mime_field.h"
#include "grammar/mime_words.h"
#include "grammar/surrogate.h"

#define VALUE_MAX	(1u << 20)

enum kind { OTHER, TEXT, ADDRESSES, PARAMETERS };

static const struct {
	const char	*name;
	enum kind	 kind;
} fields[] = {
	{ "Subject", TEXT },
	{ "Comments", TEXT },
	{ "Content-Description", TEXT },
	{ "From", ADDRESSES },
	{ "Sender", ADDRESSES },
	{ "Reply-To", ADDRESSES },
	{ "To", ADDRESSES },
	{ "Cc", ADDRESSES },
	{ "Bcc", ADDRESSES },
	{ "Resent-From", ADDRESSES },
	{ "Resent-Sender", ADDRESSES },
	{ "Resent-To", ADDRESSES },
	{ "Resent-Cc", ADDRESSES },
	{ "Resent-Bcc", ADDRESSES },
	{ "Resent-Reply-To", ADDRESSES },
	{ "Content-Type", PARAMETERS },
	{ "Content-Disposition", PARAMETERS },
};

static enum kind
kind_of(const struct header_field *f)
{
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (header_is(f, fields[i].name))
			return fields[i].kind;
	return OTHER;
}

/* phrase = 1*(atom / quoted-string / encoded-word), or a local part */
static void
word(struct buf *out, const char *p, size_t n, const char *others)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!char_is(p[i], CHAR_ATEXT) &&
		    (p[i] == '\0' || strchr(others, p[i]) == NULL))
			break;
	if (i == n && n > 0) {
		buf_add(out, p, n);
		return;
	}
	buf_addc(out, '"');
	for (i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, p[i]);
	}
	buf_addc(out, '"');
}

static void
phrase(struct buf *out, const struct addrlist_string *s)
{
	if (chars_ascii(s->s, s->len))
		word(out, s->s, s->len, " ");
	else
		(void)mime_words_encode(out, s->s, s->len);
}

/* A mailbox whose address cannot be said: all of it as its name. */
static int
nameless(struct buf *out, const struct addrlist_item *a)
{
	struct buf text;
	int failed;

	buf_init(&text, VALUE_MAX);
	if (a->name.s != NULL && a->name.len > 0) {
		buf_add(&text, a->name.s, a->name.len);
		buf_addc(&text, ' ');
	}
	buf_add(&text, a->mailbox.s, a->mailbox.len);
	if (a->host.s != NULL) {
		buf_addc(&text, '@');
		buf_add(&text, a->host.s, a->host.len);
	}
	failed = buf_failed(&text);
	if (!failed) {
		(void)mime_words_encode(out, text.data, text.len);
		buf_adds(out, "\n <" SURROGATE_ADDRESS ">");
	}
	buf_free(&text);
	return failed ? -1 : 0;
}

static int
mailbox(struct buf *out, const struct addrlist_item *a)
{
	int angle = a->name.s != NULL && a->name.len > 0;

	if (!chars_ascii(a->mailbox.s, a->mailbox.len) ||
	    (a->host.s != NULL && !chars_ascii(a->host.s, a->host.len)))
		return nameless(out, a);
	if (angle) {
		phrase(out, &a->name);
		buf_adds(out, " <");
	}
	word(out, a->mailbox.s, a->mailbox.len, ".");
	if (a->host.s != NULL) {
		buf_addc(out, '@');
		buf_add(out, a->host.s, a->host.len);
	}
	if (angle)
		buf_addc(out, '>');
	return 0;
}

static int
addresses(struct buf *out, const char *p, size_t n)
{
	struct addrlist_item a;
	struct addrlist list;
	const char *between = "";
	int r;

	addrlist_init(&list, p, n);
	while ((r = addrlist_next(&list, &a)) == 1) {
		if (a.kind == ADDRLIST_GROUP_END) {
			buf_addc(out, ';');
			between = ",\n ";
			continue;
		}
		buf_adds(out, between);
		if (a.kind == ADDRLIST_GROUP) {
			phrase(out, &a.mailbox);
			buf_adds(out, ": ");
			between = "";
		} else {
			if ((r = mailbox(out, &a)) == -1)
				break;
			between = ",\n ";
		}
	}
	addrlist_free(&list);
	return r;
}

/* What stands before the first parameter, and those that can stay. */
static int
parameters(struct buf *out, const char *p, size_t n)
{
	const char *end = p + n, *semicolon = memchr(p, ';', n);
	struct mime_word name;
	struct buf value;
	int failed;

	if (semicolon == NULL)
		semicolon = end;
	if (!chars_ascii(p, (size_t)(semicolon - p)))
		return 0;
	buf_add(out, p, (size_t)(semicolon - p));
	buf_init(&value, VALUE_MAX);
	p = semicolon;
	while (mime_next_param(&p, end, &name, &value)) {
		if (value.len > 0 && !chars_ascii(value.data, value.len))
			continue;
		buf_adds(out, ";\n ");
		buf_add(out, name.s, name.len);
		buf_addc(out, '=');
		word(out, value.len > 0 ? value.data : "", value.len, "");
	}
	failed = buf_failed(&value);
	buf_free(&value);
	return failed ? -1 : 0;
}

static int
field(struct buf *out, const struct header_field *f)
{
	enum kind kind = kind_of(f);
	struct buf value;
	int r = -1;

	if (chars_ascii(f->start, f->len))
		return buf_add(out, f->start, f->len);
	if (kind == OTHER)
		return 0;
	buf_init(&value, VALUE_MAX);
	if (header_unfold(&value, f) == -1 || value.len == 0)
		goto out;
	buf_add(out, f->name, f->name_len);
	buf_adds(out, ": ");
	switch (kind) {
	case TEXT:
		(void)mime_words_encode(out, value.data, value.len);
		r = 0;
		break;
	case ADDRESSES:
		r = addresses(out, value.data, value.len);
		break;
	case PARAMETERS:
		r = parameters(out, value.data, value.len);
		break;
	case OTHER:
		break;
	}
	buf_addc(out, '\n');
out:
	buf_free(&value);
	return r;
}

int
surrogate_header(struct buf *out, const char *p, size_t n)
{
	const char *behind = p;
	struct header_field f;
	struct header h;

	header_init(&h, p, n);
	while (header_next(&h, &f) == 1) {
		if (field(out, &f) == -1)
			return -1;
		behind = f.start + f.len;
	}
	/* The empty line. */
	buf_add(out, behind, (size_t)(h.p - behind));
	return buf_failed(out) ? -1 : 0;
}
