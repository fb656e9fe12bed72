/* SPDX-License-Identifier: ISC
 *
 * The actions that say where a message goes: keep, fileinto, redirect, discard
 * (RFC 5228, section 4; RFC 3894; RFC 5490, section 3.2).  Each only adds to
 * the plan; the same destination stands there once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "grammar/header.h"
#include "grammar/mime_words.h"
#include "mail/recipient.h"
#include "sieve_actions.h"
#include "sieve_vars.h"

/* ---- how an action comes into the plan ---- */

static struct sieve_actions *
state(struct sieve_run *r)
{
	if (r->actions == NULL)
		r->actions = calloc(1, sizeof(*r->actions));
	return r->actions;
}

void
sieve_actions_free(struct sieve_actions *a)
{
	if (a != NULL)
		free(a->notified);
	free(a);
}

/* RFC 5429, section 2.4: a message is refused or it is delivered, not both; RFC
 * 5230, section 4.7: one answer, and none with a refusal. */
static int
conflict(struct sieve_run *r, const char *word, enum sieve_act kind)
{
	const struct sieve_actions *a = r->actions;
	const char *other = a->rejects;

	if (kind == SIEVE_ACT_REJECTS && other == NULL)
		other = a->delivers != NULL ? a->delivers : a->answers;
	if (kind == SIEVE_ACT_ANSWERS && other == NULL)
		other = a->answers;
	return other == NULL || kind == SIEVE_ACT_OTHER ? 0 :
	    sieve_fail(r, "\"%s\" does not go together with \"%s\" before it",
	    word, other);
}

int
sieve_act(struct sieve_run *r, const char *word, enum sieve_act kind)
{
	struct sieve_actions *a = state(r);

	if (a == NULL)
		return sieve_nomem(r);
	if (++a->n > SIEVE_ACTIONS_MAX)
		return sieve_fail(r, "more than %d actions",
		    SIEVE_ACTIONS_MAX);
	if (conflict(r, word, kind) == -1)
		return -1;
	switch (kind) {
	case SIEVE_ACT_DELIVERS:
		a->delivers = word;
		break;
	case SIEVE_ACT_REJECTS:
		a->rejects = word;
		break;
	case SIEVE_ACT_ANSWERS:
		a->answers = word;
		break;
	case SIEVE_ACT_OTHER:
		break;
	}
	return 0;
}

/* Do two texts of this kind name the same?  Of a domain the case of letters is
 * nothing. */
static bool
is_same(enum dest_kind kind, const char *a, const char *b)
{
	struct address x, y;

	if (a == NULL || b == NULL)
		return a == b;
	if (kind != DEST_FORWARD)
		return strcmp(a, b) == 0;
	return sieve_address(&x, a, strlen(a)) == 1 &&
	    sieve_address(&y, b, strlen(b)) == 1 && address_equal(&x, &y);
}

static struct dest *
find(struct plan *p, enum dest_kind kind, const char *text)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->v[i].kind == kind && is_same(kind, p->v[i].text, text))
			return &p->v[i];
	return NULL;
}

/* A new one, or NULL as run's -1. */
static struct dest *
add(struct sieve_run *r, enum dest_kind kind, const char *text)
{
	struct dest *d = plan_add(r->plan, kind, text);

	if (d == NULL && errno == ENOMEM)
		(void)sieve_nomem(r);
	else if (d == NULL)
		(void)sieve_fail(r, "too many destinations, or one too long");
	return d;
}

struct dest *
sieve_dest(struct sieve_run *r, enum dest_kind kind, const char *text)
{
	struct dest *d = find(r->plan, kind, text);
	int edit = sieve_edit_number(r);

	if (edit == -1 || (d == NULL && (d = add(r, kind, text)) == NULL))
		return NULL;
	d->edit = (size_t)edit;
	d->file = plan_file(r->plan, r->file);
	d->line = r->line;
	if (d->file == NULL) {
		(void)sieve_nomem(r);
		return NULL;
	}
	return d;
}

struct dest *
sieve_send(struct sieve_run *r, const struct address *to, struct buf *message)
{
	char text[ADDRESS_TEXT_MAX];
	struct dest *d;

	if (buf_failed(message)) {
		(void)sieve_nomem(r);
		return NULL;
	}
	r->actions->sent += message->len;
	if (r->actions->sent > SIEVE_SENT_MAX) {
		(void)sieve_fail(r, "more than %u octets in messages that it "
		    "sends", SIEVE_SENT_MAX);
		return NULL;
	}
	if ((d = add(r, DEST_REPLY, address_text(to, text))) == NULL)
		return NULL;
	d->reply = *message;
	buf_init(message, message->max);
	d->line = r->line;
	if ((d->file = plan_file(r->plan, r->file)) == NULL) {
		(void)sieve_nomem(r);
		return NULL;
	}
	return d;
}

int
sieve_address(struct address *a, const char *p, size_t n)
{
	return address_parse_utf8(a, p, n, NULL) == 1 &&
	    !address_is_null(a) && a->domain[0] != '\0';
}

int
sieve_value(struct buf *b, const struct header_field *f)
{
	size_t room = b->max - b->len, n;
	struct buf flat, text;
	int r = -1;

	buf_init(&flat, f->value_len + 1);
	/* A character of one octet becomes three at most. */
	buf_init(&text, 3 * f->value_len + 1);
	if (header_unfold(&flat, f) == 0 && mime_words_decode(&text,
	    buf_str(&flat), flat.len) == 0) {
		n = text.len < room ? text.len : room;
		while (n > 0 && n < text.len && (text.data[n] & 0xc0) == 0x80)
			n--;
		r = buf_add(b, buf_str(&text), n);
	}
	buf_free(&flat);
	buf_free(&text);
	return r;
}

/* ---- keep ---- */

/* The flags of a message that is stored. */
static int
set_flags(struct sieve_run *r, const struct sieve_call *c, struct dest *d)
{
	struct buf flags;
	int ret = -1;

	buf_init(&flags, PLAN_TEXT_MAX);
	if (sieve_flags_list(r, c, &flags) == 0) {
		free(d->flags);
		d->flags = flags.len == 0 ? NULL : strdup(buf_str(&flags));
		ret = flags.len > 0 && d->flags == NULL ? sieve_nomem(r) : 0;
	}
	buf_free(&flags);
	return ret;
}

static const char *
flags_shown(const struct dest *d, char shown[SIEVE_SHOWN])
{
	return d->flags == NULL ? "" : sieve_shown(shown, d->flags,
	    strlen(d->flags));
}

static int
keep(struct sieve_run *r, const struct sieve_call *c, const char *what)
{
	struct dest *d = sieve_dest(r, DEST_KEEP, NULL);
	char shown[SIEVE_SHOWN];

	if (d == NULL || set_flags(r, c, d) == -1)
		return -1;
	sieve_say(r, "%s: it is kept%s%s", what, d->flags == NULL ? "" :
	    ", with the flags ", flags_shown(d, shown));
	r->keep = false;
	return 0;
}

static int
run_keep(struct sieve_run *r, const struct sieve_call *c)
{
	return sieve_act(r, "keep", SIEVE_ACT_DELIVERS) == -1 ? -1 :
	    keep(r, c, "keep");
}

int
sieve_actions_end(struct sieve_run *r)
{
	if (!r->keep)
		return 0;
	r->line = 0;
	return keep(r, NULL, "at the end");
}

/* ---- fileinto ---- */

/* :specialuse and :mailboxid name it in another way: 1 and it is there. */
static int
by_tag(struct sieve_run *r, const struct sieve_call *c,
    char stored[IMAP_STORED_SIZE])
{
	const struct sieve_arg *value;
	struct buf text;
	int got = 0;

	buf_init(&text, SIEVE_VALUE_MAX);
	if (sieve_tag(c, "mailboxid", &value))
		got = sieve_expand(r, &value->strings[0], &text) == -1 ? -1 :
		    sieve_folder_by_id(r, buf_str(&text), stored);
	if (got == 0 && sieve_tag(c, "specialuse", &value))
		got = sieve_expand(r, &value->strings[0], &text) == -1 ? -1 :
		    sieve_folder_by_use(r, buf_str(&text), stored);
	buf_free(&text);
	return got;
}

/* Is the INBOX where a keep goes, too?  Not when the address names a folder
 * that is there. */
static bool
is_keep(const struct sieve_run *r, const char *stored)
{
	const char *delimiter = r->user->settings->recipient_delimiter;
	char path[PATH_MAX];
	const char *sign;

	if (*stored != '\0')
		return false;
	sign = *delimiter == '\0' ? NULL : strchr(r->mail->to->local,
	    *delimiter);
	return sign == NULL || !folder_is_name(sign + 1, true) ||
	    !folder_find(r->user->mailbox, sign + 1, path);
}

static void
say_filed(const struct sieve_run *r, const char *stored, const struct dest *d)
{
	char shown[SIEVE_SHOWN];

	if (r->watch == NULL)
		return;
	sieve_say(r, "fileinto: it goes to %s%s%s%s%s", *stored == '\0' ?
	    "INBOX" : "the folder .", stored, sieve_folder_exists(r, stored) ?
	    "" : d->create ? ", which is made" :
	    ", which is not there: to INBOX instead",
	    d->flags == NULL ? "" : ", with the flags ",
	    flags_shown(d, shown));
}

static int
file_into(struct sieve_run *r, const struct sieve_call *c, const char *stored)
{
	struct dest *d = is_keep(r, stored) ? sieve_dest(r, DEST_KEEP, NULL) :
	    sieve_dest(r, DEST_FOLDER, stored);

	if (d == NULL || set_flags(r, c, d) == -1)
		return -1;
	d->create = d->create || sieve_tag(c, "create", NULL);
	if (!sieve_tag(c, "copy", NULL))
		r->keep = false;
	say_filed(r, stored, d);
	return 0;
}

static int
run_fileinto(struct sieve_run *r, const struct sieve_call *c)
{
	char stored[IMAP_STORED_SIZE], shown[SIEVE_SHOWN];
	struct buf name;
	int ret;

	if (sieve_act(r, "fileinto", SIEVE_ACT_DELIVERS) == -1 ||
	    (ret = by_tag(r, c, stored)) == -1)
		return -1;
	if (ret == 1)
		return file_into(r, c, stored);
	buf_init(&name, SIEVE_VALUE_MAX);
	if ((ret = sieve_expand(r, &c->arg[0]->strings[0], &name)) == 0) {
		if (sieve_folder(r, buf_str(&name), name.len, stored))
			ret = file_into(r, c, stored);
		else
			ret = sieve_fail(r, "fileinto: no mailbox can have "
			    "the name \"%s\"", sieve_shown(shown,
			    buf_str(&name), name.len));
	}
	buf_free(&name);
	return ret;
}

/* ---- redirect ---- */

static int
check_redirect(struct sieve_call *c, const char **why)
{
	const struct sieve_string *s = &c->arg[0]->strings[0];
	struct address a;
	int good;

	if (!sieve_vars_constant(c, s) ||
	    (good = sieve_address_named(&a, s->text, s->len)) == 1)
		return 0;
	*why = good == 0 ? "that is no address" : "no memory";
	return -1;
}

/*
 * NOTE: to oneself is no loop, which RFC 5228, section 4.2 makes an error, but
 * a keep, as in .forward.
 */
static int
redirect(struct sieve_run *r, const struct sieve_call *c,
    const struct address *to)
{
	long long most = r->user->settings->sieve_redirects;
	char text[ADDRESS_TEXT_MAX];

	address_text(to, text);
	if (recipient_same(to, r->mail->to))
		return keep(r, NULL, "redirect to the owner");
	if (find(r->plan, DEST_FORWARD, text) == NULL &&
	    ++r->actions->redirects > most)
		return sieve_fail(r, "more than %lld redirect%s", most,
		    most == 1 ? "" : "s");
	if (sieve_dest(r, DEST_FORWARD, text) == NULL)
		return -1;
	if (!sieve_tag(c, "copy", NULL))
		r->keep = false;
	sieve_say(r, "redirect: it is sent to %s", text);
	return 0;
}

static int
run_redirect(struct sieve_run *r, const struct sieve_call *c)
{
	char shown[SIEVE_SHOWN];
	struct address to;
	struct buf text;
	int ret = -1;

	if (sieve_act(r, "redirect", SIEVE_ACT_DELIVERS) == -1)
		return -1;
	buf_init(&text, SIEVE_VALUE_MAX);
	if (sieve_expand(r, &c->arg[0]->strings[0], &text) == 0)
		switch (sieve_address_named(&to, buf_str(&text), text.len)) {
		case 1:
			ret = redirect(r, c, &to);
			break;
		case 0:
			ret = sieve_fail(r, "redirect: \"%s\" is no address",
			    sieve_shown(shown, buf_str(&text), text.len));
			break;
		default:
			ret = sieve_nomem(r);
		}
	buf_free(&text);
	return ret;
}

/* ---- discard ---- */

static int
run_discard(struct sieve_run *r, const struct sieve_call *c)
{
	(void)c;
	if (sieve_act(r, "discard", SIEVE_ACT_OTHER) == -1 ||
	    sieve_dest(r, DEST_DISCARD, NULL) == NULL)
		return -1;
	r->keep = false;
	sieve_say(r, "discard: no longer kept at the end");
	return 0;
}

/* ---- the table ---- */

static const struct sieve_tag keep_rows[] = {
	{ "flags", "imap4flags", 'S', 0 },
};
static const struct sieve_tags keep_tags = { keep_rows, 1 };

static const struct sieve_tag redirect_rows[] = {
	{ "copy", "copy", 0, 0 },
};
static const struct sieve_tags redirect_tags = { redirect_rows, 1 };

const struct sieve_word sieve_action_words[] = {
	{ "keep", NULL, SIEVE_ACTION, "", { &keep_tags }, NULL, run_keep },
	{ "fileinto", "fileinto", SIEVE_ACTION, "s", { &sieve_flags_tags },
	    NULL, run_fileinto },
	{ "redirect", NULL, SIEVE_ACTION, "s", { &redirect_tags },
	    check_redirect, run_redirect },
	{ "discard", NULL, SIEVE_ACTION, "", { NULL }, NULL, run_discard },
	{ "reject", "reject", SIEVE_ACTION, "s", { NULL }, NULL,
	    sieve_run_reject },
	{ "ereject", "ereject", SIEVE_ACTION, "s", { NULL }, NULL,
	    sieve_run_ereject },
	{ NULL }
};
