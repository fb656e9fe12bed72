/* SPDX-License-Identifier: ISC
 *
 * The tests address and envelope (RFC 5228, sections 2.7.4, 5.1 and 5.4;
 * RFC 5233).
 */
#include <stdio.h>
#include <string.h>

#include "grammar/addrlist.h"
#include "grammar/chars.h"
#include "sieve_address.h"
#include "sieve_fields.h"
#include "sieve_vars.h"

static const char *const parts[] = {
	[SIEVE_ALL] = "all", [SIEVE_LOCALPART] = "localpart",
	[SIEVE_DOMAIN] = "domain", [SIEVE_USER] = "user",
	[SIEVE_DETAIL] = "detail",
};

static enum sieve_part
part_of(const struct sieve_call *c)
{
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (sieve_tag(c, parts[i], NULL))
			return (enum sieve_part)i;
	return SIEVE_ALL;
}

/* Fields that hold addresses: those of RFC 5322, and what else is in use. */
static const char *const fields[] = {
	"from", "to", "cc", "bcc", "sender", "reply-to",
	"resent-from", "resent-to", "resent-cc", "resent-bcc",
	"resent-sender", "resent-reply-to", "return-path",
	"delivered-to", "x-original-to", "envelope-to", "x-envelope-to",
	"x-envelope-from", "x-delivered-to", "apparently-to", "errors-to",
	"return-receipt-to", "disposition-notification-to",
	"read-receipt-to", "x-confirm-reading-to", "for-approval",
	"for-comment", "for-handling", "mail-followup-to", "mail-reply-to",
	"abuse-reports-to", "x-complaints-to", "x-report-abuse-to", "x-admin",
	"x-beenthere", "x-loop", "x-forwarded-to", "x-forwarded-for",
	"list-post", "original-recipient", "author"
};

static bool
has_addresses(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (chars_is(name, strlen(name), fields[i]))
			return true;
	return false;
}

struct text {
	const char	*s;
	size_t		 len;
};

struct address_test {
	struct sieve_matching	m;
	enum sieve_part		part;
	struct buf		all;
	char			what[SIEVE_WHAT];
};

/* "user+detail": where its "+" is, as mail/recipient.h splits it; NULL when
 * there is none. */
static const char *
separator(const struct address_test *t, struct text local)
{
	const char *sign = t->m.run->user->settings->recipient_delimiter, *at;

	if (*sign == '\0' || local.len == 0)
		return NULL;
	at = memchr(local.s, *sign, local.len);
	return at == local.s ? NULL : at;
}

/* A local part, quoted where it must be. */
static void
add_local(struct buf *b, struct text local)
{
	bool plain = true;
	size_t i;

	for (i = 0; i < local.len && plain; i++)
		plain = char_is(local.s[i], CHAR_ATEXT) || local.s[i] == '.' ||
		    (unsigned char)local.s[i] > 127;
	if (plain) {
		buf_add(b, local.s, local.len);
		return;
	}
	buf_addc(b, '"');
	for (i = 0; i < local.len; i++) {
		if (local.s[i] == '"' || local.s[i] == '\\')
			buf_addc(b, '\\');
		buf_addc(b, local.s[i]);
	}
	buf_addc(b, '"');
}

/* The part of an address; false: it has none. */
static bool
take_part(struct address_test *t, struct text local, struct text domain,
    struct text *out)
{
	const char *at;

	switch (t->part) {
	case SIEVE_ALL:
		buf_reset(&t->all);
		t->all.max = 2 * local.len + domain.len + 4;
		if (domain.s == NULL)
			buf_add(&t->all, local.s, local.len);
		else {
			add_local(&t->all, local);
			buf_addc(&t->all, '@');
			buf_add(&t->all, domain.s, domain.len);
		}
		*out = (struct text){ t->all.data, t->all.len };
		return true;
	case SIEVE_LOCALPART:
		*out = local;
		return domain.s != NULL;
	case SIEVE_DOMAIN:
		*out = domain;
		return domain.s != NULL;
	case SIEVE_USER:
		*out = local;
		if ((at = separator(t, local)) != NULL)
			out->len = (size_t)(at - local.s);
		return domain.s != NULL;
	case SIEVE_DETAIL:
		break;
	}
	if (domain.s == NULL || (at = separator(t, local)) == NULL)
		return false;
	*out = (struct text){ at + 1, (size_t)(local.s + local.len - at - 1) };
	return true;
}

/* An address: it counts, also where it has not the part. */
static int
match_address(struct address_test *t, struct text local, struct text domain)
{
	struct text part;

	if (t->m.how.kind == SIEVE_COUNT)
		return sieve_match_value(&t->m, "", 0);
	if (!take_part(t, local, domain, &part))
		return 0;
	if (buf_failed(&t->all))
		return sieve_nomem(t->m.run);
	return sieve_match_value(&t->m, part.s, part.len);
}

/* ---- address ---- */

static int
match_field(void *arg, const char *name, const struct header_field *f)
{
	struct address_test *t = arg;
	struct addrlist_item item;
	struct addrlist list;
	int more, r = 0;

	if (!has_addresses(name)) {
		sieve_say(t->m.run, "address: \"%.60s\" has no addresses",
		    name);
		return 0;
	}
	if (t->m.run->watch != NULL)
		snprintf(t->what, sizeof(t->what), "address \"%.60s\"", name);
	addrlist_init(&list, f->value, f->value_len);
	while (r == 0 && (more = addrlist_next(&list, &item)) != 0) {
		if (more == -1)
			r = sieve_nomem(t->m.run);
		else if (item.kind == ADDRLIST_MAILBOX)
			r = match_address(t, (struct text){
			    item.mailbox.s != NULL ? item.mailbox.s : "",
			    item.mailbox.len }, (struct text){ item.host.s,
			    item.host.len });
	}
	addrlist_free(&list);
	return r;
}

static void
begin(struct address_test *t, struct sieve_run *run,
    const struct sieve_call *c)
{
	sieve_match_begin(&t->m, run, c, c->arg[1]);
	t->part = part_of(c);
	buf_init(&t->all, 0);
	t->m.what = sieve_what(t->what, c->word->name, c->arg[0]);
}

static int
end(struct address_test *t, const struct sieve_call *c)
{
	int r;

	if (!t->m.matched)
		sieve_what(t->what, c->word->name, c->arg[0]);
	r = sieve_match_end(&t->m);
	buf_free(&t->all);
	return r;
}

int
sieve_address_check(struct sieve_call *c, const char **why)
{
	if (sieve_fields_check(c, why) == -1)
		return -1;
	return sieve_match_check(c, 1, why);
}

int
sieve_address_run(struct sieve_run *run, const struct sieve_call *c)
{
	struct address_test t;

	begin(&t, run, c);
	(void)sieve_fields(run, c, c->arg[0], match_field, &t);
	return end(&t, c);
}

/* ---- envelope ---- */

int
sieve_envelope_check(struct sieve_call *c, const char **why)
{
	const struct sieve_arg *names = c->arg[0];
	size_t i;

	*why = "an envelope has \"from\" and \"to\"";
	for (i = 0; i < names->n; i++)
		if (sieve_vars_constant(c, &names->strings[i]) &&
		    !chars_is(names->strings[i].text, names->strings[i].len,
		    "from") && !chars_is(names->strings[i].text,
		    names->strings[i].len, "to"))
			return -1;
	return sieve_match_check(c, 1, why);
}

static int
match_envelope(struct address_test *t, const struct buf *name)
{
	const struct sieve_mail *mail = t->m.run->mail;
	const struct address *a;
	struct text domain = { NULL, 0 };

	if (chars_is(name->data, name->len, "from"))
		a = mail->from;
	else if (chars_is(name->data, name->len, "to"))
		a = mail->to;
	else
		return 0;
	if (t->m.run->watch != NULL)
		snprintf(t->what, sizeof(t->what), "envelope \"%s\"",
		    a == mail->from ? "from" : "to");
	/* The null reverse-path is "" in all its parts, and counts not. */
	if (address_is_null(a))
		return t->m.how.kind == SIEVE_COUNT ? 0 :
		    sieve_match_value(&t->m, "", 0);
	if (a->domain[0] != '\0')
		domain = (struct text){ a->domain, strlen(a->domain) };
	return match_address(t, (struct text){ a->local, strlen(a->local) },
	    domain);
}

int
sieve_envelope_run(struct sieve_run *run, const struct sieve_call *c)
{
	const struct sieve_arg *names = c->arg[0];
	struct address_test t;
	struct buf name;
	size_t i;
	int r = 0;

	buf_init(&name, SIEVE_VALUE_MAX);
	begin(&t, run, c);
	for (i = 0; i < names->n && r == 0; i++) {
		r = sieve_expand(run, &names->strings[i], &name);
		if (r == 0)
			r = match_envelope(&t, &name);
	}
	buf_free(&name);
	return end(&t, c);
}
