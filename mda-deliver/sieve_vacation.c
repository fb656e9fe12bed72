/* SPDX-License-Identifier: ISC
 *
 * The action vacation (RFC 5230, RFC 6131).  An answer to a machine, to a list
 * or to oneself makes loops and angry people: when in doubt there is none.
 */
#include <stdlib.h>
#include <string.h>

#include "grammar/addrlist.h"
#include "grammar/chars.h"
#include "grammar/compose.h"
#include "grammar/header.h"
#include "mail/recipient.h"
#include "seen.h"
#include "sieve_actions.h"
#include "sieve_vars.h"

#define DAY		86400
#define DAYS_DEFAULT	7
#define SECONDS_MAX	(90 * DAY)
#define MESSAGE_MAX	(1u << 20)
#define COMPARE_WORK	64	/* octets of it, for two addresses */
#define SUBJECT_PREFIX	"Auto: "	/* RFC 5230, section 5.3 */

/* ---- when not ---- */

/* Is the sender one who does not read (RFC 5230, section 4.6)?  "*" stands at
 * one end; "+" begins a detail, such as whom a list sent it to. */
static bool
is_machine(const struct address *a)
{
	static const char *const names[] = { "mailer-daemon", "listserv",
	    "majordomo", "noreply", "no-reply", "owner-*", "*-request",
	    "*-owner", "*-bounces" };
	size_t n = strcspn(a->local, "+"), i, len;
	const char *name;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		name = names[i];
		len = strlen(name);
		if (name[0] == '*' && n > len - 1 && chars_is(a->local + n -
		    (len - 1), len - 1, name + 1))
			return true;
		if (name[len - 1] == '*' && n > len - 1 &&
		    chars_equal(a->local, len - 1, name, len - 1))
			return true;
		if (chars_is(a->local, n, name))
			return true;
	}
	return false;
}

static bool
has_word(const struct header_field *f, const char *const words[])
{
	const char *p = f->value, *end = p + f->value_len, *word;
	size_t i;

	while (p < end) {
		while (p < end && !char_is(*p, CHAR_ALNUM))
			p++;
		for (word = p; p < end && char_is(*p, CHAR_ALNUM); p++)
			;
		for (i = 0; words[i] != NULL; i++)
			if (chars_is(word, (size_t)(p - word), words[i]))
				return true;
	}
	return false;
}

/* What the header says against it, or NULL. */
static const char *
header_against(const struct sieve_run *r)
{
	static const char *const lists[] = { "List-Id", "List-Help",
	    "List-Subscribe", "List-Unsubscribe", "List-Post", "List-Owner",
	    "List-Archive" };
	static const char *const bulk[] = { "bulk", "junk", "list", NULL };
	static const char *const suppress[] = { "oof", "all",
	    "autoreply", NULL };
	struct header_field f;
	struct header h;
	const char *text;
	size_t n, i;

	text = sieve_header_text(r, &n);
	header_init(&h, text, n);
	while (header_next(&h, &f) == 1) {
		for (i = 0; i < sizeof(lists) / sizeof(*lists); i++)
			if (header_is(&f, lists[i]))
				return "it is from a list";
		if (header_is(&f, "Precedence") && has_word(&f, bulk))
			return "it is bulk mail";
		if (header_is(&f, "X-Auto-Response-Suppress") &&
		    has_word(&f, suppress))
			return "its sender wants no automatic answer";
	}
	return sieve_is_automatic(r) ? "it was sent automatically" : NULL;
}

/* ---- is it to him? ---- */

/* The user's own, or one of :addresses: 1, 0, -1 as run. */
static int
is_mine(struct sieve_run *r, const struct sieve_call *c,
    const struct address *a)
{
	const struct sieve_arg *more;
	struct address other;
	struct buf text;
	int ret = 0;
	size_t i;

	if (sieve_is_owner(r, a))
		return 1;
	if (!sieve_tag(c, "addresses", &more))
		return 0;
	buf_init(&text, SIEVE_VALUE_MAX);
	for (i = 0; ret == 0 && i < more->n; i++) {
		ret = sieve_work(r, COMPARE_WORK) == -1 ? -1 :
		    sieve_expand(r, &more->strings[i], &text);
		if (ret == 0 && (ret = sieve_address_named(&other,
		    buf_str(&text), text.len)) == -1)
			ret = sieve_nomem(r);
		if (ret == 1)
			ret = recipient_same(&other, a);
	}
	buf_free(&text);
	return ret;
}

/* Is one of his in this field?  1, 0, -1 as run. */
static int
names_me(struct sieve_run *r, const struct sieve_call *c,
    const struct header_field *f)
{
	struct addrlist_item item;
	struct addrlist list;
	struct address a;
	int ret = 0, next;

	if (sieve_work(r, f->value_len) == -1)
		return -1;
	addrlist_init(&list, f->value, f->value_len);
	while (ret == 0 && (next = addrlist_next(&list, &item)) == 1)
		if (addrlist_address(&item, &a))
			ret = is_mine(r, c, &a);
	addrlist_free(&list);
	return ret == 0 && next == -1 ? sieve_nomem(r) : ret;
}

/* RFC 5230, section 4.5. */
static int
is_to_me(struct sieve_run *r, const struct sieve_call *c)
{
	static const char *const fields[] = { "To", "Cc", "Bcc", "Resent-To",
	    "Resent-Cc", "Resent-Bcc" };
	struct header_field f;
	struct header h;
	const char *text;
	int ret = 0;
	size_t n, i;

	text = sieve_header_text(r, &n);
	header_init(&h, text, n);
	while (ret == 0 && header_next(&h, &f) == 1)
		for (i = 0; i < sizeof(fields) / sizeof(*fields); i++)
			if (header_is(&f, fields[i])) {
				ret = names_me(r, c, &f);
				break;
			}
	return ret;
}

/* Why there is no answer, *why NULL: there is one.  0, -1 as run. */
static int
find_reason(struct sieve_run *r, const struct sieve_call *c, const char **why)
{
	const struct address *from = r->mail->from;
	int mine;

	*why = NULL;
	if (address_is_null(from))
		*why = "it comes from the null sender";
	else if (from->domain[0] == '\0')
		*why = "its sender has no whole address";
	else if (is_machine(from))
		*why = "its sender is a machine or a list";
	else
		*why = header_against(r);
	if (*why != NULL)
		return 0;
	if ((mine = is_mine(r, c, from)) == 1)
		*why = "it comes from the user himself";
	if (mine == 0 && (mine = is_to_me(r, c)) == 0)
		*why = "none of the user's addresses stands in To or Cc: see "
		    ":addresses";
	return mine == -1 ? -1 : 0;
}

/* ---- how often ---- */

static int64_t
seconds_of(const struct sieve_call *c)
{
	const struct sieve_arg *value;
	uint64_t n = DAYS_DEFAULT * DAY;

	if (sieve_tag(c, "seconds", &value))
		n = value->number;
	else if (sieve_tag(c, "days", &value))
		n = value->number == 0 ? DAY : value->number > SECONDS_MAX /
		    DAY ? SECONDS_MAX : value->number * DAY;
	return n > SECONDS_MAX ? SECONDS_MAX : (int64_t)n;
}

/* The text of a tag as it stands in the script; "" there is none. */
static const char *
raw(const struct sieve_call *c, const char *tag)
{
	const struct sieve_arg *value;

	return sieve_tag(c, tag, &value) ? value->strings[0].text : "";
}

/* Which answer to whom (RFC 5230, section 4.2): by its handle, or by what
 * makes it, before variables are filled in. */
static void
make_id(const struct sieve_run *r, const struct sieve_call *c,
    unsigned char id[16])
{
	char to[ADDRESS_TEXT_MAX], *p;
	bool handle = sieve_tag(c, "handle", NULL) != 0;
	const char *const words[] = { "vacation", r->user->name, to,
	    handle ? "handle" : "", handle ? raw(c, "handle") :
	    c->arg[0]->strings[0].text, handle ? "" : raw(c, "subject"),
	    handle ? "" : raw(c, "from"), !handle &&
	    sieve_tag(c, "mime", NULL) ? "mime" : "" };

	address_text(r->mail->from, to);
	for (p = to; *p != '\0'; p++)
		*p = (char)char_lower(*p);
	seen_id(id, words, sizeof(words) / sizeof(*words));
}

/* Was he told before?  Where nothing can be remembered, yes. */
static bool
was_told(const struct sieve_run *r, const unsigned char id[16],
    const char **why)
{
	const char *dir = seen_dir(r->user->home, r->user->mailbox);
	int seen = dir == NULL ? -1 : seen_test(dir, id, r->mail->now);

	*why = seen == 1 ? "its sender was told before" :
	    "what was answered cannot be remembered";
	return seen != 0;
}

/* ---- the answer ---- */

/* "Auto: " and the message's, or what :subject says. */
static int
write_subject(struct sieve_run *r, const struct sieve_call *c, struct buf *b)
{
	struct header_field f;
	const char *header;
	struct buf text;
	size_t n;
	int ret;

	buf_init(&text, SIEVE_VALUE_MAX);
	header = sieve_header_text(r, &n);
	if (header_find(header, n, "Subject", &f)) {
		buf_adds(&text, SUBJECT_PREFIX);
		ret = sieve_value(&text, &f);
	} else
		ret = buf_adds(&text, "Automated reply");
	ret = ret == -1 ? sieve_nomem(r) :
	    sieve_compose_subject(r, c, "subject", &text, b);
	buf_free(&text);
	return ret;
}

static int
write_body(struct sieve_run *r, const struct sieve_call *c, struct buf *b)
{
	struct buf text;
	int ret;

	buf_init(&text, SIEVE_VALUE_MAX);
	ret = sieve_expand(r, &c->arg[0]->strings[0], &text);
	if (ret == 0 && !sieve_tag(c, "mime", NULL))
		(void)compose_body(b, buf_str(&text), text.len);
	else if (ret == 0 && compose_entity(b, buf_str(&text), text.len) == 0)
		ret = sieve_fail(r, "vacation: the MIME header is not in "
		    "ASCII");
	buf_free(&text);
	return ret;
}

static int
write_answer(struct sieve_run *r, const struct sieve_call *c, struct buf *b)
{
	char to[ADDRESS_TEXT_MAX];
	const char *header;
	size_t n;

	(void)sieve_compose_begin(r, b);
	if (sieve_compose_from(r, c, b) == -1)
		return -1;
	buf_addf(b, "To: %s\n", address_text(r->mail->from, to));
	if (write_subject(r, c, b) == -1)
		return -1;
	header = sieve_header_text(r, &n);
	(void)compose_ids(b, header, n);
	buf_adds(b, "Auto-Submitted: auto-replied\n");
	return write_body(r, c, b);
}

static int
answer(struct sieve_run *r, const struct sieve_call *c)
{
	struct plan_mark mark = { .expires = r->mail->now + seconds_of(c) };
	char to[ADDRESS_TEXT_MAX];
	const char *why;
	struct dest *d;
	struct buf b;
	int ret;

	if (seconds_of(c) > 0) {
		make_id(r, c, mark.id);
		if (was_told(r, mark.id, &why)) {
			sieve_say(r, "vacation: not answered: %s", why);
			return 0;
		}
	}
	buf_init(&b, MESSAGE_MAX);
	if ((ret = write_answer(r, c, &b)) == 0) {
		if ((d = sieve_send(r, r->mail->from, &b)) == NULL)
			ret = -1;
		else
			d->mark = mark;
	}
	buf_free(&b);
	if (ret == 0)
		sieve_say(r, "vacation: it is answered, to %s",
		    address_text(r->mail->from, to));
	return ret;
}

static int
run_vacation(struct sieve_run *r, const struct sieve_call *c)
{
	const char *why;

	if (sieve_act(r, "vacation", SIEVE_ACT_ANSWERS) == -1 ||
	    find_reason(r, c, &why) == -1)
		return -1;
	if (why == NULL)
		return answer(r, c);
	sieve_say(r, "vacation: not answered: %s", why);
	return 0;
}

/* ---- the words ---- */

/* Is this constant what the composer takes? */
static bool
is_good(const struct sieve_call *c, const struct sieve_string *s,
    bool addresses)
{
	struct buf b;
	int ret;

	if (!sieve_vars_constant(c, s))
		return true;
	buf_init(&b, MESSAGE_MAX);
	ret = addresses ? compose_addresses(&b, "From", s->text, s->len) :
	    compose_entity(&b, s->text, s->len);
	buf_free(&b);
	return ret == 1;
}

static int
check_vacation(struct sieve_call *c, const char **why)
{
	const struct sieve_arg *value;

	if (sieve_tag(c, "from", &value) &&
	    !is_good(c, &value->strings[0], true)) {
		*why = "\":from\" is no address";
		return -1;
	}
	if (sieve_tag(c, "mime", NULL) &&
	    !is_good(c, &c->arg[0]->strings[0], false)) {
		*why = "the MIME header is not in ASCII";
		return -1;
	}
	return 0;
}

static const struct sieve_tag rows[] = {
	{ "days", NULL, 'n', 1 },
	{ "seconds", "vacation-seconds", 'n', 1 },
	{ "subject", NULL, 's', 0 },
	{ "from", NULL, 's', 0 },
	{ "addresses", NULL, 'S', 0 },
	{ "mime", NULL, 0, 0 },
	{ "handle", NULL, 's', 0 },
};
static const struct sieve_tags tags = { rows, sizeof(rows) / sizeof(*rows) };

const struct sieve_word sieve_vacation_words[] = {
	{ "vacation", "vacation", SIEVE_ACTION, "s", { &tags },
	    check_vacation, run_vacation },
	{ NULL }
};
