/* SPDX-License-Identifier: ISC
 *
 * ESEARCH (RFC 7377): one search of several mailboxes, each opened for it,
 * read-only, and left as it was; the selected one is searched as this session
 * sees it.
 */
#include <string.h>

#include "commands.h"
#include "grammar/imap_source.h"
#include "mail/subscriptions.h"
#include "search.h"

struct esearch {
	struct session	*session;
	struct search	 search;
	struct imap_sources sources;
	struct mailbox_names names;	/* all that exist */
	struct mailbox_names subscribed;
};

static bool
has_kind(const struct imap_sources *s, enum imap_source_kind kind)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->v[i].kind == kind)
			return true;
	return false;
}

static bool
only_selected(const struct imap_sources *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->v[i].kind != IMAP_SOURCE_SELECTED)
			return false;
	return true;
}

static bool
is_named(const struct mailbox_names *names, const char *name)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		if (strcmp(names->v[i], name) == 0)
			return true;
	return false;
}

/* Whether name is below root; one: a child of it. */
static bool
is_below(const char *name, const struct imap_string *root, bool one)
{
	if (strncmp(name, root->s, root->len) != 0 ||
	    name[root->len] != MAILBOX_DELIMITER)
		return false;
	return !one || strchr(name + root->len + 1, MAILBOX_DELIMITER) == NULL;
}

/* Whether a source means this mailbox, which exists. */
static bool
source_has(const struct esearch *e, const struct imap_source *src,
    const char *name)
{
	const struct mailbox *selected = e->session->box;

	switch (src->kind) {
	case IMAP_SOURCE_SELECTED:
		return selected != NULL &&
		    strcmp(mailbox_name(selected), name) == 0;
	case IMAP_SOURCE_INBOXES:
		/* RFC 5465 6.3: a script may deliver to any. */
	case IMAP_SOURCE_PERSONAL:
		return true;
	case IMAP_SOURCE_SUBSCRIBED:
		return is_named(&e->subscribed, name);
	case IMAP_SOURCE_SUBTREE:
	case IMAP_SOURCE_SUBTREE_ONE:
		if (is_below(name, &src->name,
		    src->kind == IMAP_SOURCE_SUBTREE_ONE))
			return true;
		/* FALLTHROUGH */
	case IMAP_SOURCE_MAILBOXES:
		return strcmp(src->name.s, name) == 0;
	}
	return false;
}

static bool
is_wanted(const struct esearch *e, const char *name)
{
	size_t i;

	for (i = 0; i < e->sources.n; i++)
		if (source_has(e, &e->sources.v[i], name))
			return true;
	return false;
}

/* RFC 7377 2.1: a response only when something was found. */
static enum reply
search_box(struct esearch *e)
{
	struct session *s = e->session;
	struct numbers found = { NULL, 0 };
	enum reply r, saved = REPLY_OK;

	r = search_run(&e->search, &found);
	if (found.n > 0 && e->search.ret.options != IMAP_RETURN_SAVE)
		search_tell(&e->search, &found, true, mailbox_name(s->box));
	if (found.v != NULL && e->search.ret.options & IMAP_RETURN_SAVE)
		saved = search_save(&e->search, &found);
	numbers_free(&found);
	return r == REPLY_OK ? saved : r;
}

/* Search a mailbox that is not selected: it takes the place of the one that is,
 * for as long as that lasts.  One that cannot be opened is passed over, as if
 * it were not there (RFC 7377 2.2). */
static enum reply
search_other(struct esearch *e, const char *name)
{
	struct session *s = e->session;
	struct mailbox *selected = s->box, *box;
	enum mailbox_status status;
	enum reply r = REPLY_OK;

	status = mailbox_open(s->root, name,
	    MAILBOX_READONLY | MAILBOX_KEEP_NEW, &box);
	if (status != MAILBOX_OK)
		return status == MAILBOX_TEMPORARY ? reply_mailbox(status) :
		    REPLY_OK;
	status = mailbox_refresh(box, 0, NULL);
	if (status != MAILBOX_RESET && status != MAILBOX_TEMPORARY) {
		s->box = box;
		r = search_box(e);
		s->box = selected;
	}
	mailbox_close(box);
	return r;
}

static enum reply
search_named(struct esearch *e)
{
	struct session *s = e->session;
	enum reply r = REPLY_OK, one;
	const char *name;
	size_t i;

	for (i = 0; i < e->names.n && s->state != STATE_OVER; i++) {
		name = e->names.v[i];
		if (!is_wanted(e, name))
			continue;
		one = s->box != NULL && strcmp(mailbox_name(s->box), name) ==
		    0 ? search_box(e) : search_other(e, name);
		if (one != REPLY_OK && (r == REPLY_OK ||
		    r == REPLY_SEARCH_GONE))
			r = one;
	}
	return r;
}

/* Which mailboxes there are, as far as the sources need it. */
static enum reply
read_names(struct esearch *e)
{
	enum mailbox_status status;

	status = mailbox_list(e->session->root, &e->names);
	if (status == MAILBOX_OK && has_kind(&e->sources,
	    IMAP_SOURCE_SUBSCRIBED))
		status = subscriptions_read(e->session->root, &e->subscribed);
	return reply_mailbox(status);
}

/* What the grammar cannot say of the sources (RFC 7377 2.2). */
static enum reply
check(const struct esearch *e)
{
	struct session *s = e->session;
	bool alone = only_selected(&e->sources);

	if (has_kind(&e->sources, IMAP_SOURCE_SELECTED) && s->box == NULL)
		return REPLY_SELECT_FIRST;
	if (!alone && e->search.ret.options & IMAP_RETURN_SAVE) {
		s->why = "SAVE is for the selected mailbox alone";
		return REPLY_BAD;
	}
	if (!alone && e->search.saved) {
		s->why = "\"$\" is in the selected mailbox alone";
		return REPLY_BAD;
	}
	return REPLY_OK;
}

static enum reply
parse(struct esearch *e, struct imap_lex *l)
{
	const struct imap_source selected = { IMAP_SOURCE_SELECTED,
	    { "", 0 } };
	struct session *s = e->session;
	enum reply r;

	if (imap_lex_need_sp(l) == -1 ||
	    imap_lex_sources(l, &e->sources) == -1)
		return reply_bad(s, l);
	if (e->sources.n == 0 && imap_sources_add(&e->sources, &selected) ==
	    -1)
		return REPLY_MEMORY;
	if ((r = search_parse(&e->search, l)) != REPLY_OK)
		return r;
	if (!e->search.ret.given)
		e->search.ret.options = IMAP_RETURN_ALL;
	return check(e);
}

enum reply
cmd_esearch(struct session *s, struct imap_lex *l)
{
	struct esearch e = { .session = s };
	enum reply r;

	search_init(&e.search, s);
	imap_sources_init(&e.sources);
	r = parse(&e, l);
	if (r == REPLY_OK && only_selected(&e.sources))
		r = search_box(&e);
	else if (r == REPLY_OK && (r = read_names(&e)) == REPLY_OK)
		r = search_named(&e);
	if (e.search.ret.options & IMAP_RETURN_SAVE && reply_is_no(r))
		imap_set_free(&s->saved);
	mailbox_names_free(&e.names);
	mailbox_names_free(&e.subscribed);
	imap_sources_free(&e.sources);
	search_free(&e.search);
	return r;
}
