/* SPDX-License-Identifier: ISC
 *
 * ENVELOPE, BODY and BODYSTRUCTURE (RFC 3501 7.4.2) from a parsed message.
 * Type and parameter names are written in upper case, as the RFC's examples
 * are; everything else as it stands in the header.  Recursion is as deep as
 * the parser let the parts be.
 */
#include <string.h>

#include "grammar/addrlist.h"
#include "grammar/imap_write.h"

static int
write_ref(struct buf *b, const struct mime *m, struct mime_ref r)
{
	return imap_write_nstring(b, mime_str(m, r), r.len);
}

/* A short word in upper case; anything odd goes out as it is. */
static void
write_upper(struct buf *b, const struct mime *m, struct mime_ref r)
{
	const char *s = mime_str(m, r);
	char up[64];
	size_t i;

	if (s == NULL || r.len > sizeof(up)) {
		write_ref(b, m, r);
		return;
	}
	for (i = 0; i < r.len; i++)
		up[i] = s[i] >= 'a' && s[i] <= 'z' ? (char)(s[i] - 32) : s[i];
	imap_write_string(b, up, r.len);
}

static void
write_addr_string(struct buf *b, const struct addrlist_string *s, int empty)
{
	if (s->s == NULL && empty)
		buf_adds(b, "\"\"");
	else
		imap_write_nstring(b, s->s, s->len);
}

/* address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"
 * A mailbox has a host, if only an empty one: NIL would make it a group. */
static void
write_address(struct buf *b, const struct addrlist_item *a)
{
	int is_mailbox = a->kind == ADDRLIST_MAILBOX;

	buf_addc(b, '(');
	imap_write_nstring(b, is_mailbox ? a->name.s : NULL, a->name.len);
	buf_addc(b, ' ');
	imap_write_nstring(b, is_mailbox ? a->route.s : NULL, a->route.len);
	buf_addc(b, ' ');
	if (a->kind == ADDRLIST_GROUP_END)
		buf_adds(b, "NIL NIL");
	else {
		write_addr_string(b, &a->mailbox, 1);
		buf_addc(b, ' ');
		if (is_mailbox)
			write_addr_string(b, &a->host, 1);
		else
			buf_adds(b, "NIL");
	}
	buf_addc(b, ')');
}

/* "(" 1*address ")" / nil; returns how many, -1 no memory.  With none nothing
 * is written. */
static int
write_addresses(struct buf *b, const struct mime *m, struct mime_ref r)
{
	const char *s = mime_str(m, r);
	struct addrlist list;
	struct addrlist_item item;
	int n = 0, rv;

	if (s == NULL)
		return 0;
	addrlist_init(&list, s, r.len);
	while ((rv = addrlist_next(&list, &item)) == 1) {
		if (n++ == 0)
			buf_addc(b, '(');
		write_address(b, &item);
	}
	if (n > 0)
		buf_addc(b, ')');
	addrlist_free(&list);
	return rv == -1 ? -1 : n;
}

int
imap_write_envelope(struct buf *b, const struct mime *m,
    const struct mime_part *part)
{
	const struct mime_envelope *e = &m->env[part->envelope];
	int f, n;

	buf_addc(b, '(');
	for (f = 0; f < MIME_FIELDS; f++) {
		if (f > 0)
			buf_addc(b, ' ');
		switch ((enum mime_field)f) {
		case MIME_DATE:
		case MIME_SUBJECT:
		case MIME_IN_REPLY_TO:
		case MIME_MESSAGE_ID:
		case MIME_FIELDS:
			write_ref(b, m, e->field[f]);
			continue;
		case MIME_FROM:
		case MIME_SENDER:
		case MIME_REPLY_TO:
		case MIME_TO:
		case MIME_CC:
		case MIME_BCC:
			break;
		}
		n = write_addresses(b, m, e->field[f]);
		if (n == 0 && (f == MIME_SENDER || f == MIME_REPLY_TO))
			n = write_addresses(b, m, e->field[MIME_FROM]);
		if (n == -1)
			return -1;
		if (n == 0)
			buf_adds(b, "NIL");
	}
	return buf_addc(b, ')');
}

/* body-fld-param = "(" string SP string *(SP string SP string) ")" / nil
 * RFC 2231's continuations stay as they are: clients put them together. */
static void
write_params(struct buf *b, const struct mime *m, uint32_t first, uint32_t n,
    const char *extra)
{
	const struct mime_param *p;
	uint32_t i;

	if (n == 0 && extra == NULL) {
		buf_adds(b, "NIL");
		return;
	}
	for (i = 0; i < n; i++) {
		p = &m->param[first + i];
		buf_addc(b, i == 0 ? '(' : ' ');
		write_upper(b, m, p->name);
		buf_addc(b, ' ');
		write_ref(b, m, p->value);
	}
	if (extra != NULL) {
		buf_addc(b, n == 0 ? '(' : ' ');
		buf_adds(b, extra);
	}
	buf_addc(b, ')');
}

/* body-fld-lang = nstring / "(" string *(SP string) ")" */
static void
write_language(struct buf *b, const struct mime *m, struct mime_ref r)
{
	const char *s = mime_str(m, r), *end, *from, *to;
	int n = 0;

	if (s == NULL || memchr(s, ',', r.len) == NULL) {
		write_ref(b, m, r);
		return;
	}
	for (end = s + r.len; s < end; s = to < end ? to + 1 : end) {
		if ((to = memchr(s, ',', (size_t)(end - s))) == NULL)
			to = end;
		for (from = s; from < to && (*from == ' ' || *from == '\t');)
			from++;
		for (s = to; s > from && (s[-1] == ' ' || s[-1] == '\t');)
			s--;
		if (s == from)
			continue;
		buf_addc(b, n++ == 0 ? '(' : ' ');
		imap_write_string(b, from, (size_t)(s - from));
	}
	buf_adds(b, n > 0 ? ")" : "NIL");
}

/* The extension data that one part and multipart have in common: disposition,
 * language, location. */
static void
write_extension(struct buf *b, const struct mime *m,
    const struct mime_part *p)
{
	buf_addc(b, ' ');
	if (p->disposition.off == MIME_NONE)
		buf_adds(b, "NIL");
	else {
		buf_addc(b, '(');
		write_upper(b, m, p->disposition);
		buf_addc(b, ' ');
		write_params(b, m, p->disp_params, p->disp_nparams, NULL);
		buf_addc(b, ')');
	}
	buf_addc(b, ' ');
	write_language(b, m, p->language);
	buf_addc(b, ' ');
	write_ref(b, m, p->location);
}

/* body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart] */
static int
write_multipart(struct buf *b, const struct mime *m,
    const struct mime_part *p, int extended)
{
	uint32_t i;

	for (i = p->child; i != MIME_NONE; i = m->part[i].next)
		if (imap_write_body(b, m, &m->part[i], extended) == -1)
			return -1;
	buf_addc(b, ' ');
	write_upper(b, m, p->subtype);
	if (extended) {
		buf_addc(b, ' ');
		write_params(b, m, p->params, p->nparams, NULL);
		write_extension(b, m, p);
	}
	return 0;
}

/* body-fields, with the media type before them */
static void
write_fields(struct buf *b, const struct mime *m, const struct mime_part *p)
{
	const char *extra = NULL;

	/* RFC 2046 4.1.2: text without a charset is US-ASCII. */
	if (p->kind == MIME_TEXT &&
	    mime_param(m, p, "charset").off == MIME_NONE)
		extra = "\"CHARSET\" \"US-ASCII\"";
	write_upper(b, m, p->type);
	buf_addc(b, ' ');
	write_upper(b, m, p->subtype);
	buf_addc(b, ' ');
	write_params(b, m, p->params, p->nparams, extra);
	buf_addc(b, ' ');
	write_ref(b, m, p->id);
	buf_addc(b, ' ');
	write_ref(b, m, p->description);
	buf_addc(b, ' ');
	if (p->encoding.off == MIME_NONE)
		buf_adds(b, "\"7BIT\"");
	else
		write_upper(b, m, p->encoding);
	buf_addf(b, " %llu", (unsigned long long)p->body_wire);
}

int
imap_write_body(struct buf *b, const struct mime *m,
    const struct mime_part *p, int extended)
{
	const struct mime_part *inner;

	buf_addc(b, '(');
	switch (p->kind) {
	case MIME_MULTIPART:
		if (write_multipart(b, m, p, extended) == -1)
			return -1;
		return buf_addc(b, ')');
	case MIME_MESSAGE:
		write_fields(b, m, p);
		inner = &m->part[p->child];
		buf_addc(b, ' ');
		if (imap_write_envelope(b, m, inner) == -1)
			return -1;
		buf_addc(b, ' ');
		if (imap_write_body(b, m, inner, extended) == -1)
			return -1;
		buf_addf(b, " %llu", (unsigned long long)p->body_lines);
		break;
	case MIME_TEXT:
		write_fields(b, m, p);
		buf_addf(b, " %llu", (unsigned long long)p->body_lines);
		break;
	case MIME_LEAF:
		write_fields(b, m, p);
		break;
	}
	if (extended) {
		buf_addc(b, ' ');
		write_ref(b, m, p->md5);
		write_extension(b, m, p);
	}
	return buf_addc(b, ')');
}
