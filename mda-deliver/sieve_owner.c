/* SPDX-License-Identifier: ISC
 *
 * Whose script it is, and what the message says about who wrote it: for the
 * actions that answer and send.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "grammar/addrlist.h"
#include "grammar/chars.h"
#include "grammar/compose.h"
#include "grammar/header.h"
#include "mail/recipient.h"
#include "sieve_actions.h"
#include "system/clock.h"

/* Without "+detail". */
static void
strip(const struct sieve_run *r, struct address *a)
{
	const char *delimiter = r->user->settings->recipient_delimiter;
	char *at = *delimiter == '\0' ? NULL : strchr(a->local, *delimiter);

	if (at != NULL && at > a->local)
		*at = '\0';
}

void
sieve_owner(const struct sieve_run *r, struct address *a)
{
	const struct settings *s = r->user->settings;

	*a = *r->mail->to;
	strip(r, a);
	if (a->local[0] == '\0')
		strlcpy(a->local, r->user->name, sizeof(a->local));
	if (a->domain[0] == '\0' && strchr(r->user->name, '@') != NULL)
		(void)sieve_address(a, r->user->name, strlen(r->user->name));
	if (a->domain[0] == '\0')
		strlcpy(a->domain, s->domains.n > 0 ? s->domains.v[0] :
		    s->hostname, sizeof(a->domain));
}

int
sieve_address_named(struct address *a, const char *p, size_t n)
{
	struct addrlist_item item;
	struct addrlist list;
	int ret = 0, next;

	if (sieve_address(a, p, n))
		return 1;
	if (n == 0 || p[n - 1] != '>' || memchr(p, '\0', n) != NULL)
		return 0;
	addrlist_init(&list, p, n);
	next = addrlist_next(&list, &item);
	if (next == 1 && item.route.s == NULL)
		ret = addrlist_address(&item, a);
	if (ret == 1 && (next = addrlist_next(&list, &item)) == 1)
		ret = 0;
	addrlist_free(&list);
	return next == -1 ? -1 : ret;
}

bool
sieve_is_owner(const struct sieve_run *r, const struct address *a)
{
	const char *name = r->user->name;
	struct address mine, bare = *a;

	strip(r, &bare);
	sieve_owner(r, &mine);
	if (recipient_same(&bare, &mine))
		return true;
	if (r->mail->original != NULL) {
		mine = *r->mail->original;
		strip(r, &mine);
		if (!address_is_null(&mine) && recipient_same(&bare, &mine))
			return true;
	}
	/* An account of ours has its name in all our domains, or in one. */
	if (strchr(name, '@') != NULL)
		return sieve_address(&mine, name, strlen(name)) == 1 &&
		    recipient_same(&bare, &mine);
	return strcasecmp(bare.local, name) == 0 && settings_is_local(
	    r->user->settings, bare.domain, strlen(bare.domain));
}

bool
sieve_is_automatic(const struct sieve_run *r)
{
	struct header_field f;
	const char *p, *end;
	size_t n;

	p = sieve_header_text(r, &n);
	if (!header_find(p, n, "Auto-Submitted", &f))
		return false;
	p = f.value;
	end = p + f.value_len;
	while (p < end && (char_is(*p, CHAR_WSP) || *p == '\r' || *p == '\n'))
		p++;
	/* Parameters and comments may follow. */
	for (n = 0; p + n < end && char_is(p[n], CHAR_ALNUM | CHAR_LABEL); n++)
		;
	return !chars_is(p, n, "no");
}

int
sieve_compose_begin(const struct sieve_run *r, struct buf *b)
{
	return compose_begin(b, r->mail->now, clock_zone(r->mail->now),
	    (uint64_t)arc4random() << 32 | arc4random(),
	    r->user->settings->hostname);
}

int
sieve_compose_from(struct sieve_run *r, const struct sieve_call *c,
    struct buf *b)
{
	const struct sieve_arg *value;
	char shown[SIEVE_SHOWN];
	struct address owner;
	struct buf text;
	int ret;

	if (!sieve_tag(c, "from", &value)) {
		sieve_owner(r, &owner);
		buf_adds(b, "From: ");
		(void)address_write(b, &owner);
		buf_addc(b, '\n');
		return 0;
	}
	buf_init(&text, SIEVE_VALUE_MAX);
	ret = sieve_expand(r, &value->strings[0], &text);
	if (ret == 0 && compose_addresses(b, "From", buf_str(&text),
	    text.len) == 0)
		ret = sieve_fail(r, "%s: \":from\": \"%s\" is no address",
		    c->word->name, sieve_shown(shown, buf_str(&text),
		    text.len));
	buf_free(&text);
	return ret;
}

int
sieve_compose_subject(struct sieve_run *r, const struct sieve_call *c,
    const char *tag, struct buf *text, struct buf *b)
{
	const struct sieve_arg *value;

	if (sieve_tag(c, tag, &value) &&
	    sieve_expand(r, &value->strings[0], text) == -1)
		return -1;
	if (buf_failed(text))
		return sieve_nomem(r);
	(void)compose_text(b, "Subject", buf_str(text), text->len);
	return 0;
}
