/* SPDX-License-Identifier: ISC
 *
 * The header of a message that a user submits: RFC 5322, sections 3.6.2 and
 * 3.6.3.  It must never see fewer authors than a reader of the message would.
 */
#include <string.h>

#include "grammar/addrlist.h"
#include "grammar/header.h"
#include "grammar/submit.h"

size_t
submit_strip(char *text, size_t n)
{
	struct header_field f;
	struct header h;
	size_t left = 0, at = 0;

	header_init(&h, text, n);
	while (header_next(&h, &f)) {
		at += f.len;
		if (header_is(&f, "Bcc") || header_is(&f, "Resent-Bcc"))
			continue;
		memmove(text + left, f.start, f.len);
		left += f.len;
	}
	memmove(text + left, text + at, n - at);
	return left + n - at;
}

static int
has_control(const struct header_field *f)
{
	size_t i;
	unsigned char c;

	for (i = 0; i < f->value_len; i++) {
		c = (unsigned char)f->value[i];
		if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') ||
		    c == 0x7f)
			return 1;
	}
	return 0;
}

/* 0, or -1: there is no such address. */
static int
take(struct address *a, const struct addrlist_item *item)
{
	char text[ADDRESS_TEXT_MAX];
	struct address raw;

	if (item->mailbox.len == 0 || item->mailbox.len > ADDRESS_LOCAL_MAX ||
	    item->host.len > ADDRESS_DOMAIN_MAX ||
	    (item->host.s != NULL && item->host.len == 0))
		return -1;
	memset(&raw, 0, sizeof(raw));
	memcpy(raw.local, item->mailbox.s, item->mailbox.len);
	if (item->host.s != NULL)
		memcpy(raw.domain, item->host.s, item->host.len);
	address_text(&raw, text);
	memset(a, 0, sizeof(*a));
	return address_parse_utf8(a, text, strlen(text), NULL) == 1 ? 0 : -1;
}

/* mailbox-list of From, mailbox of Sender.  NOTE: groups are looked into. */
static enum submit_from
field_authors(struct submit_authors *all, const struct header_field *f)
{
	enum submit_from r = SUBMIT_GOOD;
	struct addrlist_item item;
	struct addrlist list;
	size_t before = all->n;
	int found;

	if (has_control(f))
		return SUBMIT_MALFORMED;
	addrlist_init(&list, f->value, f->value_len);
	while (r == SUBMIT_GOOD && (found = addrlist_next(&list, &item)) != 0) {
		if (found == -1)
			r = SUBMIT_MANY;
		else if (item.kind != ADDRLIST_MAILBOX)
			continue;
		else if (all->n == SUBMIT_AUTHORS)
			r = SUBMIT_MANY;
		else if (take(&all->v[all->n], &item) == -1)
			r = SUBMIT_MALFORMED;
		else
			all->n++;
	}
	addrlist_free(&list);
	return r == SUBMIT_GOOD && all->n == before ? SUBMIT_MALFORMED : r;
}

enum submit_from
submit_authors(struct submit_authors *all, const char *text, size_t n)
{
	enum submit_from r;
	struct header_field f;
	struct header h;
	int from = 0, sender = 0, *seen;

	all->n = 0;
	header_init(&h, text, n);
	while (header_next(&h, &f)) {
		if (header_is(&f, "From"))
			seen = &from;
		else if (header_is(&f, "Sender"))
			seen = &sender;
		else
			continue;
		if ((*seen)++)
			return SUBMIT_TWICE;
		if ((r = field_authors(all, &f)) != SUBMIT_GOOD)
			return r;
	}
	return from ? SUBMIT_GOOD : SUBMIT_NONE;
}
