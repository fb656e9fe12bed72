/* SPDX-License-Identifier: ISC
 *
 * Address lists of header fields: RFC 5322, sections 3.4 and 4.4, and what
 * people write instead.  It must never fail on any input but for memory, and
 * never look at an octet more than a few times.
 *
 *	address-list = (address *("," address)) / obs-addr-list
 *	address      = mailbox / group
 *	mailbox      = name-addr / addr-spec
 *	name-addr    = [display-name] angle-addr
 *	group        = display-name ":" [group-list] ";" [CFWS]
 *
 * Words are gathered until a special decides what they are: before "<" a
 * display name, before ":" that of a group, before "@" a local part.
 */
#include <string.h>

#include "grammar/addrlist.h"

static int
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Specials that end a word.  NOTE: "[", "]", "\", ")" and ">" out of place
 * are taken as part of one. */
static int
ends_word(const struct addrlist *l, char c)
{
	return is_space(c) || c == '(' || c == '<' || c == ';' || c == '@' ||
	    c == ',' || c == '.' || c == '"' || (c == '>' && l->in_angle) ||
	    (c == ':' && !l->in_group && !l->in_angle);
}

void
addrlist_init(struct addrlist *l, const char *p, size_t n)
{
	memset(l, 0, sizeof(*l));
	l->p = p;
	l->end = p + n;
	l->size = n;
	buf_init(&l->phrase, n + 1);
	buf_init(&l->comment, n + 1);
	buf_init(&l->route, n + 1);
	buf_init(&l->local, n + 1);
	buf_init(&l->host, n + 1);
}

void
addrlist_free(struct addrlist *l)
{
	buf_free(&l->phrase);
	buf_free(&l->comment);
	buf_free(&l->route);
	buf_free(&l->local);
	buf_free(&l->host);
}

/* comment = "(" *([FWS] ccontent) [FWS] ")", at its "(". */
static void
comment(struct addrlist *l)
{
	size_t depth = 0;

	if (l->comment.len > 0)
		buf_addc(&l->comment, ' ');
	for (; l->p < l->end; l->p++) {
		if (*l->p == '\\' && l->p + 1 < l->end)
			l->p++;
		else if (*l->p == '(' && depth++ == 0)
			continue;
		else if (*l->p == ')' && --depth == 0) {
			l->p++;
			break;
		}
		if (*l->p != '\r' && *l->p != '\n')
			buf_addc(&l->comment, *l->p);
	}
}

/* CFWS; whether there was any. */
static int
skip_cfws(struct addrlist *l)
{
	const char *start = l->p;

	while (l->p < l->end) {
		if (*l->p == '(')
			comment(l);
		else if (is_space(*l->p))
			l->p++;
		else
			break;
	}
	return l->p > start;
}

/* quoted-string, at its quote; appended without its quoting. */
static void
quoted(struct addrlist *l, struct buf *b)
{
	for (l->p++; l->p < l->end && *l->p != '"'; l->p++) {
		if (*l->p == '\\' && l->p + 1 < l->end)
			l->p++;
		if (*l->p != '\r' && *l->p != '\n')
			buf_addc(b, *l->p);
	}
	if (l->p < l->end)
		l->p++;
}

/* A word or a dot, at its first octet. */
static void
word(struct addrlist *l, struct buf *b)
{
	const char *start = l->p;

	if (*l->p == '"') {
		quoted(l, b);
		return;
	}
	do
		l->p++;
	while (l->p < l->end && *start != '.' && !ends_word(l, *l->p));
	buf_add(b, start, (size_t)(l->p - start));
}

/* Whether a word or a dot stands here. */
static int
at_word(const struct addrlist *l)
{
	return l->p < l->end && (*l->p == '.' || *l->p == '"' ||
	    !ends_word(l, *l->p));
}

/*
 * Words and dots up to a special: all of them go to phrase, the last that hang
 * together by dots to local too; returns where in phrase these begin.  NOTE:
 * `a"b"` without a space between is one word.
 */
static size_t
words(struct addrlist *l)
{
	int apart, dot = 1;
	size_t start = 0, before;

	for (;;) {
		apart = skip_cfws(l);
		if (!at_word(l))
			return start;
		if (apart && l->phrase.len > 0)
			buf_addc(&l->phrase, ' ');
		if (apart && !dot && *l->p != '.') {
			start = l->phrase.len;
			buf_reset(&l->local);
		}
		dot = *l->p == '.';
		before = l->local.len;
		word(l, &l->local);
		if (l->local.len > before)
			buf_add(&l->phrase, l->local.data + before,
			    l->local.len - before);
	}
}

/* Cut what belongs to the local part off the phrase. */
static void
cut_phrase(struct addrlist *l, size_t start)
{
	l->phrase.len = start;
	if (start > 0 && l->phrase.data[start - 1] == ' ')
		l->phrase.len--;
}

/* The local part between "<" and "@".  NOTE: words apart are kept, with a
 * space between. */
static void
angle_local(struct addrlist *l)
{
	int apart, dot = 1;

	for (;;) {
		apart = skip_cfws(l);
		if (!at_word(l))
			return;
		if (apart && !dot && *l->p != '.')
			buf_addc(&l->local, ' ');
		dot = *l->p == '.';
		word(l, &l->local);
	}
}

/* domain-literal = [CFWS] "[" *([FWS] dtext) [FWS] "]" [CFWS], at its "[". */
static void
literal(struct addrlist *l)
{
	for (; l->p < l->end && *l->p != ']'; l->p++) {
		if (*l->p == '\\' && l->p + 1 < l->end)
			l->p++;
		if (!is_space(*l->p))
			buf_addc(&l->host, *l->p);
	}
	if (l->p < l->end)
		buf_addc(&l->host, *l->p++);
	skip_cfws(l);
}

/* obs-domain = atom *("." atom), with CFWS around each atom. */
static void
atoms(struct addrlist *l)
{
	const char *start;

	for (;;) {
		for (start = l->p; l->p < l->end && !ends_word(l, *l->p);)
			l->p++;
		buf_add(&l->host, start, (size_t)(l->p - start));
		skip_cfws(l);
		if (l->p >= l->end || *l->p != '.')
			return;
		buf_addc(&l->host, *l->p++);
		skip_cfws(l);
	}
}

/*
 * domain = dot-atom / domain-literal / obs-domain, behind its "@".
 * NOTE: of "a@b@c" the last "@" counts.
 */
static void
domain(struct addrlist *l)
{
	for (;;) {
		skip_cfws(l);
		if (l->p < l->end && *l->p == '[')
			literal(l);
		else
			atoms(l);
		if (l->p >= l->end || *l->p != '@')
			return;
		l->p++;
		buf_addc(&l->local, '@');
		buf_add(&l->local, l->host.data, l->host.len);
		buf_reset(&l->host);
	}
}

/*
 * obs-route = obs-domain-list ":", at its "@"; absent when no ":" comes before
 * the next "<".  What is a comment to this search need not be one to the
 * parser that goes on at its start, so that the same octets could be searched
 * by every "<@": when as many as the whole value has were searched in vain,
 * there are no routes any more.
 */
static void
route(struct addrlist *l)
{
	const char *start = l->p;

	if (l->ahead > l->size)
		return;
	while (l->p < l->end && *l->p != ':' && *l->p != '>' &&
	    *l->p != '<' && *l->p != ';') {
		if (!skip_cfws(l))
			buf_addc(&l->route, *l->p++);
	}
	if (l->p < l->end && *l->p == ':') {
		l->p++;
		return;
	}
	l->ahead += (size_t)(l->p - start);
	l->p = start;
	buf_reset(&l->route);
	buf_reset(&l->comment);
}

/*
 * angle-addr = [CFWS] "<" addr-spec ">" [CFWS] / obs-angle-addr, behind its
 * "<".  Returns whether there was an "@".  NOTE: a missing ">" is forgiven,
 * what stands between the domain and it is skipped.
 */
static int
angle(struct addrlist *l)
{
	int host = 0;

	l->in_angle = 1;
	skip_cfws(l);
	if (l->p < l->end && *l->p == '@')
		route(l);
	angle_local(l);
	if (l->p < l->end && *l->p == '@') {
		l->p++;
		domain(l);
		host = 1;
	}
	while (l->p < l->end && *l->p != '>' && *l->p != ',' && *l->p != ';')
		l->p++;
	if (l->p < l->end && *l->p == '>')
		l->p++;
	l->in_angle = 0;
	skip_cfws(l);
	return host;
}

static struct addrlist_string
string(const struct buf *b)
{
	struct addrlist_string s = { b->data == NULL ? "" : b->data, b->len };

	return s;
}

static int
mailbox(struct addrlist *l, struct addrlist_item *item, int host)
{
	l->loose = 1;
	item->kind = ADDRLIST_MAILBOX;
	if (l->phrase.len > 0)
		item->name = string(&l->phrase);
	else if (l->comment.len > 0)
		item->name = string(&l->comment);
	if (l->route.len > 0)
		item->route = string(&l->route);
	item->mailbox = string(&l->local);
	if (host)
		item->host = string(&l->host);
	return 1;
}

/*
 * addr-spec = local-part "@" domain, behind its "@".  NOTE: an addr-spec that
 * "<" follows was a display name without its quotes.
 */
static int
addr_spec(struct addrlist *l, struct addrlist_item *item)
{
	domain(l);
	if (l->p >= l->end || *l->p != '<')
		return mailbox(l, item, 1);
	if (l->phrase.len > 0)
		buf_addc(&l->phrase, ' ');
	buf_add(&l->phrase, l->local.data, l->local.len);
	buf_addc(&l->phrase, '@');
	buf_add(&l->phrase, l->host.data, l->host.len);
	buf_reset(&l->local);
	buf_reset(&l->host);
	l->p++;
	return mailbox(l, item, angle(l));
}

/* One address; 0 when nothing was there. */
static int
address(struct addrlist *l, struct addrlist_item *item)
{
	size_t start = words(l);

	if (l->p < l->end && *l->p == '@') {
		l->p++;
		cut_phrase(l, start);
		return addr_spec(l, item);
	}
	buf_reset(&l->local);
	if (l->p < l->end && *l->p == '<') {
		l->p++;
		return mailbox(l, item, angle(l));
	}
	if (l->p < l->end && *l->p == ':') {
		l->p++;
		l->in_group = 1;
		l->loose = 0;
		item->kind = ADDRLIST_GROUP;
		item->mailbox = string(&l->phrase);
		return 1;
	}
	/* NOTE: words alone are an address without host, but behind another
	 * address they are litter. */
	if (l->phrase.len == 0 || l->loose)
		return 0;
	buf_add(&l->local, l->phrase.data, l->phrase.len);
	buf_reset(&l->phrase);
	return mailbox(l, item, 0);
}

static int
end_group(struct addrlist *l, struct addrlist_item *item)
{
	l->in_group = l->loose = 0;
	item->kind = ADDRLIST_GROUP_END;
	return 1;
}

static void
begin(struct addrlist *l, struct addrlist_item *item)
{
	memset(item, 0, sizeof(*item));
	buf_reset(&l->phrase);
	buf_reset(&l->comment);
	buf_reset(&l->route);
	buf_reset(&l->local);
	buf_reset(&l->host);
}

static int
failed(const struct addrlist *l)
{
	return buf_failed(&l->phrase) || buf_failed(&l->comment) ||
	    buf_failed(&l->route) || buf_failed(&l->local) ||
	    buf_failed(&l->host);
}

int
addrlist_next(struct addrlist *l, struct addrlist_item *item)
{
	int found;

	for (;;) {
		begin(l, item);
		skip_cfws(l);
		if (l->p >= l->end)
			return l->in_group ? end_group(l, item) : 0;
		if (*l->p == ',' || *l->p == ';') {
			l->loose = 0;
			if (*l->p++ == ';' && l->in_group)
				return end_group(l, item);
			continue;
		}
		buf_reset(&l->comment);
		found = address(l, item);
		if (failed(l))
			return -1;
		if (found)
			return 1;
	}
}

int
addrlist_address(const struct addrlist_item *item, struct address *a)
{
	char text[ADDRESS_TEXT_MAX];
	struct address again;

	if (item->kind != ADDRLIST_MAILBOX || item->host.s == NULL ||
	    item->mailbox.len == 0 || item->mailbox.len > ADDRESS_LOCAL_MAX ||
	    item->host.len == 0 || item->host.len > ADDRESS_DOMAIN_MAX ||
	    memchr(item->mailbox.s, '\0', item->mailbox.len) != NULL ||
	    memchr(item->host.s, '\0', item->host.len) != NULL)
		return 0;
	memset(a, 0, sizeof(*a));
	memcpy(a->local, item->mailbox.s, item->mailbox.len);
	memcpy(a->domain, item->host.s, item->host.len);
	address_text(a, text);
	return address_parse_utf8(&again, text, strlen(text), NULL) == 1 &&
	    address_equal(a, &again);
}
