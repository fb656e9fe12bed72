/* SPDX-License-Identifier: ISC
 *
 * Notifications (RFC 5435) by mail (RFC 5436): notify, valid_notify_method,
 * notify_method_capability.  No message that was sent automatically makes one,
 * and each says that it is one: so there is no loop.
 *
 * NOTE: where they go may come from the message, by variables; RFC 5435,
 * section 8 would rather not have that.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "grammar/chars.h"
#include "grammar/compose.h"
#include "grammar/header.h"
#include "sieve_actions.h"
#include "sieve_mailto.h"
#include "sieve_vars.h"

#define MESSAGE_MAX	(1u << 20)
#define FIELD_MAX	(SIEVE_VALUE_MAX / 4)	/* taken of the message's */

/* ---- whom ---- */

/* Was he notified in this run (RFC 5436, section 2.7)?  Now he is. */
static int
is_new(struct sieve_run *r, const struct address *to)
{
	struct sieve_actions *a = r->actions;
	struct address *more;
	size_t i;

	for (i = 0; i < a->nnotified; i++)
		if (address_equal(&a->notified[i], to))
			return 0;
	more = reallocarray(a->notified, a->nnotified + 1, sizeof(*more));
	if (more == NULL)
		return sieve_nomem(r);
	a->notified = more;
	a->notified[a->nnotified++] = *to;
	return 1;
}

/* ---- the message ---- */

static void
write_list(struct buf *b, const char *name, const struct address *v, size_t n)
{
	const char *between = "";
	size_t i;

	if (n == 0)
		return;
	buf_addf(b, "%s: ", name);
	for (i = 0; i < n; i++) {
		buf_adds(b, between);
		(void)address_write(b, &v[i]);
		between = ",\n ";
	}
	buf_addc(b, '\n');
}

/* RFC 5436, section 2.7.1: at the top, with whose script it was. */
static void
write_mark(struct buf *b, const struct address *owner)
{
	char text[ADDRESS_TEXT_MAX];
	const char *p;

	buf_adds(b, "Auto-Submitted: auto-notified; owner-email=\"");
	for (p = address_text(owner, text); *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			buf_addc(b, '\\');
		buf_addc(b, *p);
	}
	buf_adds(b, "\"\n");
}

/* A field of the message as text, added; nothing when it has none. */
static int
get_field(struct sieve_run *r, const char *name, struct buf *text)
{
	struct header_field f;
	const char *header;
	struct buf value;
	int ret = 0;
	size_t n;

	buf_init(&value, FIELD_MAX);
	header = sieve_header_text(r, &n);
	if (header_find(header, n, name, &f) &&
	    (sieve_value(&value, &f) == -1 ||
	    buf_add(text, buf_str(&value), value.len) == -1))
		ret = sieve_nomem(r);
	buf_free(&value);
	return ret;
}

/* :message, the URI's, or that of the message. */
static int
write_subject(struct sieve_run *r, const struct sieve_call *c, struct buf *b,
    const struct mailto *m)
{
	struct buf text;
	int ret = 0;

	buf_init(&text, SIEVE_VALUE_MAX);
	if (m->subject != NULL)
		buf_adds(&text, m->subject);
	else
		ret = get_field(r, "Subject", &text);
	if (ret == 0)
		ret = sieve_compose_subject(r, c, "message", &text, b);
	buf_free(&text);
	return ret;
}

static int
write_importance(struct sieve_run *r, const struct sieve_call *c,
    struct buf *b)
{
	const struct sieve_arg *value;
	struct buf text;
	int ret;

	if (!sieve_tag(c, "importance", &value))
		return 0;
	buf_init(&text, SIEVE_VALUE_MAX);
	ret = sieve_expand(r, &value->strings[0], &text);
	if (ret == 0)
		buf_addf(b, "Importance: %s\n",
		    strcmp(buf_str(&text), "1") == 0 ? "high" :
		    strcmp(buf_str(&text), "3") == 0 ? "low" : "normal");
	buf_free(&text);
	return ret;
}

/* As the URI says them, with a capital. */
static void
write_fields(struct buf *b, const struct mailto *m)
{
	char name[128];
	size_t i;

	for (i = 0; i < m->nfields; i++) {
		strlcpy(name, m->fields[i].name, sizeof(name));
		if (name[0] >= 'a' && name[0] <= 'z')
			name[0] = (char)(name[0] - 'a' + 'A');
		(void)compose_text(b, name, m->fields[i].value,
		    strlen(m->fields[i].value));
	}
}

/* The URI's; or, where nothing else says it, who wrote about what. */
static int
write_body(struct sieve_run *r, const struct sieve_call *c, struct buf *b,
    const struct mailto *m)
{
	struct buf text;
	int ret = 0;

	buf_init(&text, SIEVE_VALUE_MAX);
	if (m->body != NULL)
		buf_adds(&text, m->body);
	else if (!sieve_tag(c, "message", NULL)) {
		buf_adds(&text, "From: ");
		ret = get_field(r, "From", &text);
		buf_adds(&text, "\nSubject: ");
		if (ret == 0)
			ret = get_field(r, "Subject", &text);
		buf_adds(&text, "\n");
	}
	if (ret == 0 && buf_failed(&text))
		ret = sieve_nomem(r);
	if (ret == 0)
		(void)compose_body(b, buf_str(&text), text.len);
	buf_free(&text);
	return ret;
}

static int
write_message(struct sieve_run *r, const struct sieve_call *c, struct buf *b,
    const struct mailto *m)
{
	struct address owner;

	sieve_owner(r, &owner);
	write_mark(b, &owner);
	(void)sieve_compose_begin(r, b);
	if (sieve_compose_from(r, c, b) == -1)
		return -1;
	write_list(b, "To", m->to, m->n - m->ncc);
	write_list(b, "Cc", m->to + m->n - m->ncc, m->ncc);
	if (write_subject(r, c, b, m) == -1 ||
	    write_importance(r, c, b) == -1)
		return -1;
	write_fields(b, m);
	return write_body(r, c, b, m);
}

/* A copy for each who had none. */
static int
send_all(struct sieve_run *r, const struct buf *message,
    const struct mailto *m)
{
	char text[ADDRESS_TEXT_MAX];
	struct buf copy;
	int ret = 0, new;
	size_t i;

	buf_init(&copy, MESSAGE_MAX);
	for (i = 0; ret == 0 && i < m->n; i++) {
		if ((new = is_new(r, &m->to[i])) != 1) {
			ret = new;
			continue;
		}
		buf_add(&copy, message->data, message->len);
		if (sieve_send(r, &m->to[i], &copy) == NULL)
			ret = -1;
		else
			sieve_say(r, "notify: a notification goes to %s",
			    address_text(&m->to[i], text));
	}
	buf_free(&copy);
	return ret;
}

static int
notify(struct sieve_run *r, const struct sieve_call *c,
    const struct mailto *m)
{
	struct buf b;
	int ret;

	if (m->n == 0 || sieve_is_automatic(r)) {
		sieve_say(r, "notify: not done: %s", m->n == 0 ?
		    "the method has no address" :
		    "the message was sent automatically");
		return 0;
	}
	buf_init(&b, MESSAGE_MAX);
	if ((ret = write_message(r, c, &b, m)) == 0)
		ret = buf_failed(&b) ? sieve_nomem(r) : send_all(r, &b, m);
	buf_free(&b);
	return ret;
}

static int
run_notify(struct sieve_run *r, const struct sieve_call *c)
{
	char shown[SIEVE_SHOWN];
	long long most = r->user->settings->sieve_redirects;
	struct mailto m;
	struct buf uri;
	int ret;

	if (sieve_act(r, "notify", SIEVE_ACT_OTHER) == -1)
		return -1;
	/* RFC 5435, section 8 */
	if (++r->actions->notifies > most)
		return sieve_fail(r, "more than %lld notif%s", most,
		    most == 1 ? "y" : "ies");
	buf_init(&uri, SIEVE_VALUE_MAX);
	if ((ret = sieve_expand(r, &c->arg[0]->strings[0], &uri)) == 0)
		switch (mailto_parse(&m, buf_str(&uri), uri.len)) {
		case 1:
			ret = notify(r, c, &m);
			mailto_free(&m);
			break;
		case 0:
			ret = sieve_fail(r, "notify: \"%s\" is no method that "
			    "we have", sieve_shown(shown, buf_str(&uri),
			    uri.len));
			break;
		default:
			ret = sieve_nomem(r);
		}
	buf_free(&uri);
	return ret;
}

/* ---- the tests ---- */

/* Is it a method?  1, 0, -1 as run. */
static int
is_method(struct sieve_run *r, const struct sieve_string *s)
{
	struct mailto m;
	struct buf uri;
	int ret;

	buf_init(&uri, SIEVE_VALUE_MAX);
	if ((ret = sieve_expand(r, s, &uri)) == 0)
		ret = mailto_parse(&m, buf_str(&uri), uri.len);
	if (ret == 1)
		mailto_free(&m);
	else if (ret == -1)
		ret = sieve_nomem(r);
	buf_free(&uri);
	return ret;
}

static int
run_valid(struct sieve_run *r, const struct sieve_call *c)
{
	int ret = 1;
	size_t i;

	for (i = 0; ret == 1 && i < c->arg[0]->n; i++)
		ret = is_method(r, &c->arg[0]->strings[i]);
	if (ret != -1)
		sieve_say(r, "valid_notify_method: %s", ret == 1 ? "yes" :
		    "no");
	return ret;
}

/* RFC 5436, section 2.2: nobody knows who reads his mail. */
static int
run_capability(struct sieve_run *r, const struct sieve_call *c)
{
	struct sieve_matching m;
	struct buf name;
	int ret, end;

	if ((ret = is_method(r, &c->arg[0]->strings[0])) != 1)
		return ret;
	buf_init(&name, SIEVE_VALUE_MAX);
	ret = sieve_expand(r, &c->arg[1]->strings[0], &name);
	if (ret == 0 && strcasecmp(buf_str(&name), "online") == 0) {
		sieve_match_begin(&m, r, c, c->arg[2]);
		m.what = "notify_method_capability";
		ret = sieve_match_value(&m, "maybe", strlen("maybe"));
		end = sieve_match_end(&m);
		ret = ret == -1 ? -1 : end;
	}
	buf_free(&name);
	return ret;
}

/* ---- the words ---- */

static int
check_capability(struct sieve_call *c, const char **why)
{
	return sieve_match_check(c, 2, why);
}

static int
check_method(const struct sieve_call *c, const char **why)
{
	const struct sieve_string *s = &c->arg[0]->strings[0];
	struct mailto m;
	int ret;

	if (!sieve_vars_constant(c, s) || chars_begin(s->text, s->text + s->len,
	    "mailto:") == 0)
		return 0;
	if ((ret = mailto_parse(&m, s->text, s->len)) == 1)
		mailto_free(&m);
	else if (ret == 0)
		*why = "that is no good mailto: URI";
	return ret == 1 ? 0 : -1;
}

static int
check_notify(struct sieve_call *c, const char **why)
{
	const struct sieve_arg *value;
	const struct sieve_string *s;
	struct buf b;
	int ret = 1;

	if (sieve_tag(c, "importance", &value)) {
		s = &value->strings[0];
		if (sieve_vars_constant(c, s) && (s->len != 1 ||
		    s->text[0] < '1' || s->text[0] > '3')) {
			*why = "\":importance\" is \"1\", \"2\" or \"3\"";
			return -1;
		}
	}
	if (sieve_tag(c, "from", &value) &&
	    sieve_vars_constant(c, &value->strings[0])) {
		s = &value->strings[0];
		buf_init(&b, MESSAGE_MAX);
		ret = compose_addresses(&b, "From", s->text, s->len);
		buf_free(&b);
		if (ret == 0)
			*why = "\":from\" is no address";
	}
	return ret != 1 ? -1 : check_method(c, why);
}

static const struct sieve_tag rows[] = {
	{ "from", NULL, 's', 0 },
	{ "importance", NULL, 's', 0 },
	{ "options", NULL, 'S', 0 },
	{ "message", NULL, 's', 0 },
};
static const struct sieve_tags tags = { rows, sizeof(rows) / sizeof(*rows) };

const struct sieve_word sieve_notify_words[] = {
	{ "notify", "enotify", SIEVE_ACTION, "s", { &tags }, check_notify,
	    run_notify },
	{ "valid_notify_method", "enotify", SIEVE_TEST, "S", { NULL }, NULL,
	    run_valid },
	{ "notify_method_capability", "enotify", SIEVE_TEST, "ssS",
	    { &sieve_match_tags }, check_capability, run_capability },
	{ NULL }
};
