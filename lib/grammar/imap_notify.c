/* SPDX-License-Identifier: ISC
 *
 * NOTIFY's arguments (RFC 5465 section 8).  What the text forbids and the
 * grammar does not say is looked at here too, so that who has a struct
 * imap_notify can do what it says.
 */
#include <stdlib.h>
#include <string.h>

#include "grammar/imap_notify.h"

static const struct {
	const char	*name;
	unsigned	 event;
} events[] = {
	{ "MessageNew", IMAP_NOTIFY_NEW },
	{ "MessageExpunge", IMAP_NOTIFY_EXPUNGE },
	{ "FlagChange", IMAP_NOTIFY_FLAGS },
	{ "MailboxName", IMAP_NOTIFY_NAME },
	{ "SubscriptionChange", IMAP_NOTIFY_SUBSCRIPTION },
	{ "MailboxMetadataChange", IMAP_NOTIFY_METADATA },
	{ "ServerMetadataChange", IMAP_NOTIFY_SERVER },
};
#define NEVENTS	(sizeof(events) / sizeof(events[0]))

static const struct {
	const char	*name;
	enum imap_notify_filter filter;
} filters[] = {
	{ "selected", IMAP_NOTIFY_SELECTED },
	{ "selected-delayed", IMAP_NOTIFY_SELECTED_DELAYED },
	{ "inboxes", IMAP_NOTIFY_INBOXES },
	{ "personal", IMAP_NOTIFY_PERSONAL },
	{ "subscribed", IMAP_NOTIFY_SUBSCRIBED },
	{ "subtree", IMAP_NOTIFY_SUBTREE },
	{ "mailboxes", IMAP_NOTIFY_MAILBOXES },
};
#define NFILTERS (sizeof(filters) / sizeof(filters[0]))

static bool
is_selected(const struct imap_notify_group *g)
{
	return g->filter == IMAP_NOTIFY_SELECTED ||
	    g->filter == IMAP_NOTIFY_SELECTED_DELAYED;
}

static bool
has_names(const struct imap_notify_group *g)
{
	return g->filter == IMAP_NOTIFY_SUBTREE ||
	    g->filter == IMAP_NOTIFY_MAILBOXES;
}

static int
lex_mailbox(struct imap_lex *l, struct imap_notify *n)
{
	struct imap_string *more;
	int r;

	if (n->nname == IMAP_NOTIFY_NAMES)
		return imap_lex_fail(l, "too many mailboxes");
	more = reallocarray(n->name, n->nname + 1, sizeof(*more));
	if (more == NULL)
		return imap_lex_fail(l, "out of memory");
	n->name = more;
	if ((r = imap_lex_mailbox(l, &more[n->nname])) == 1)
		n->nname++;
	return r == 0 ? imap_lex_fail(l, "a mailbox name is missing") : r;
}

/* one-or-more-mailbox = mailbox / many-mailboxes
 * many-mailboxes = "(" mailbox *(SP mailbox) ")" */
static int
lex_mailboxes(struct imap_lex *l, struct imap_notify *n)
{
	if (!imap_lex_char(l, '('))
		return lex_mailbox(l, n);
	do {
		if (lex_mailbox(l, n) == -1)
			return -1;
	} while (imap_lex_sp(l));
	return imap_lex_char(l, ')') ? 1 :
	    imap_lex_fail(l, "the list of mailboxes is not closed");
}

/* "(" fetch-att *(SP fetch-att) ")" */
static int
lex_attributes(struct imap_lex *l, struct imap_notify *n,
    const struct imap_notify_group *g)
{
	if (!is_selected(g))
		return imap_lex_fail(l, "items are for the selected mailbox");
	if (n->has_fetch)
		return imap_lex_fail(l, "items were given already");
	n->has_fetch = true;
	return imap_lex_fetch(l, &n->fetch);
}

/* event = message-event / mailbox-event / user-event / event-ext; *sp: the
 * space behind it is taken. */
static int
lex_event(struct imap_lex *l, struct imap_notify *n,
    struct imap_notify_group *g, bool *sp)
{
	struct imap_string name;
	size_t i;

	*sp = false;
	for (i = 0; i < NEVENTS; i++)
		if (imap_lex_word(l, events[i].name))
			break;
	if (i == NEVENTS) {
		if (imap_lex_atom(l, &name) != 1)
			return imap_lex_fail(l, "an event is missing");
		g->events |= IMAP_NOTIFY_UNKNOWN;
		return 1;
	}
	g->events |= events[i].event;
	if (events[i].event != IMAP_NOTIFY_NEW || !imap_lex_sp(l))
		return 1;
	*sp = true;
	if (l->p == l->end || *l->p != '(')
		return 1;
	*sp = false;
	return lex_attributes(l, n, g);
}

/* event *(SP event) */
static int
lex_event_list(struct imap_lex *l, struct imap_notify *n,
    struct imap_notify_group *g)
{
	bool sp;

	do {
		if (lex_event(l, n, g, &sp) != 1)
			return -1;
	} while (sp || imap_lex_sp(l));
	return 1;
}

/* events = ( "(" event *(SP event) ")" ) / "NONE"
 * NOTE: the examples of section 3.1 have no parentheses here. */
static int
lex_events(struct imap_lex *l, struct imap_notify *n,
    struct imap_notify_group *g)
{
	if (imap_lex_word(l, "NONE"))
		return 1;
	if (!imap_lex_char(l, '('))
		return lex_event_list(l, n, g);
	if (lex_event_list(l, n, g) == -1)
		return -1;
	return imap_lex_char(l, ')') ? 1 :
	    imap_lex_fail(l, "the list of events is not closed");
}

/* Section 5, and 6.1: what must be together, and where. */
static int
check_group(struct imap_lex *l, const struct imap_notify *n,
    const struct imap_notify_group *g)
{
	const unsigned both = IMAP_NOTIFY_NEW | IMAP_NOTIFY_EXPUNGE;
	size_t i;

	if ((g->events & IMAP_NOTIFY_MESSAGES) != 0 &&
	    (g->events & both) != both)
		return imap_lex_fail(l, "MessageNew and MessageExpunge are "
		    "both needed");
	if (!is_selected(g))
		return 1;
	if (g->events & ~(unsigned)(IMAP_NOTIFY_MESSAGES |
	    IMAP_NOTIFY_UNKNOWN))
		return imap_lex_fail(l, "the selected mailbox has only "
		    "messages' events");
	for (i = 0; i < n->ngroup; i++)
		if (&n->group[i] != g && is_selected(&n->group[i]))
			return imap_lex_fail(l, "the selected mailbox was "
			    "named already");
	return 1;
}

/* event-group = "(" filter-mailboxes SP events ")" */
static int
lex_group(struct imap_lex *l, struct imap_notify *n)
{
	struct imap_notify_group *g = &n->group[n->ngroup];
	size_t i;

	if (n->ngroup == IMAP_NOTIFY_GROUPS)
		return imap_lex_fail(l, "too many groups of events");
	if (!imap_lex_char(l, '('))
		return imap_lex_fail(l, "a group of events is missing");
	for (i = 0; i < NFILTERS; i++)
		if (imap_lex_word(l, filters[i].name))
			break;
	if (i == NFILTERS)
		return imap_lex_fail(l, "which mailboxes?");
	g->filter = filters[i].filter;
	g->first = n->nname;
	if (has_names(g) && (imap_lex_need_sp(l) == -1 ||
	    lex_mailboxes(l, n) == -1))
		return -1;
	g->n = n->nname - g->first;
	if (imap_lex_need_sp(l) == -1 || lex_events(l, n, g) == -1)
		return -1;
	if (!imap_lex_char(l, ')'))
		return imap_lex_fail(l, "the group is not closed");
	n->unknown |= (g->events & IMAP_NOTIFY_UNKNOWN) != 0;
	n->server |= (g->events & IMAP_NOTIFY_SERVER) != 0;
	n->ngroup++;
	return check_group(l, n, g);
}

/* notify-set = "SET" [status-indicator] SP event-groups
 * event-groups = event-group *(SP event-group) */
static int
lex_set(struct imap_lex *l, struct imap_notify *n)
{
	n->set = true;
	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (imap_lex_word(l, "STATUS")) {
		n->status = true;
		if (imap_lex_need_sp(l) == -1)
			return -1;
	}
	do {
		if (lex_group(l, n) == -1)
			return -1;
	} while (imap_lex_sp(l));
	return imap_lex_need_end(l) == -1 ? -1 : 1;
}

int
imap_lex_notify(struct imap_lex *l, struct imap_notify *n)
{
	memset(n, 0, sizeof(*n));
	imap_fetch_init(&n->fetch);
	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (imap_lex_word(l, "NONE"))
		return imap_lex_need_end(l) == -1 ? -1 : 1;
	if (imap_lex_word(l, "SET"))
		return lex_set(l, n);
	return imap_lex_fail(l, "SET or NONE is wanted");
}

void
imap_notify_free(struct imap_notify *n)
{
	imap_fetch_free(&n->fetch);
	free(n->name);
	n->name = NULL;
}
