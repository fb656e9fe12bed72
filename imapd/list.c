/* SPDX-License-Identifier: ISC
 *
 * LIST and LSUB (RFC 3501 6.3.8, 6.3.9), LIST extended (RFC 5258, RFC 9051
 * 6.3.9) with STATUS (RFC 5819) and special uses (RFC 6154), and CHILDREN (RFC
 * 3348).
 */
#include <string.h>

#include "commands.h"
#include "list.h"
#include "mail/special_use.h"
#include "status.h"

enum { PATTERNS_MAX = 100 };

/* Selection and return options. */
enum {
	OPTION_SUBSCRIBED = 1,
	OPTION_REMOTE = 2,		/* there are none */
	OPTION_RECURSIVEMATCH = 4,
	OPTION_SPECIAL_USE = 8,
	OPTION_CHILDREN = 16,
	OPTION_STATUS = 32
};

struct option {
	const char	*name;
	unsigned	 bit;
};

static const struct option select_options[] = {
	{ "SUBSCRIBED", OPTION_SUBSCRIBED },
	{ "REMOTE", OPTION_REMOTE },
	{ "RECURSIVEMATCH", OPTION_RECURSIVEMATCH },
	{ "SPECIAL-USE", OPTION_SPECIAL_USE },
	{ NULL, 0 },
};

static const struct option return_options[] = {
	{ "SUBSCRIBED", OPTION_SUBSCRIBED },
	{ "CHILDREN", OPTION_CHILDREN },
	{ "SPECIAL-USE", OPTION_SPECIAL_USE },
	{ "STATUS", OPTION_STATUS },
	{ NULL, 0 },
};

struct listing {
	const char	*response;	/* "LIST", "LSUB" */
	bool		 lsub;
	bool		 extended;	/* RFC 5258 section 1 */
	unsigned	 select, give;	/* options */
	unsigned	 items;		/* of STATUS */
	struct imap_string reference;
	struct imap_string pattern[PATTERNS_MAX];
	size_t		 npatterns;
};

/*
 * Arguments.
 */

/* "(" [option *(SP option)] ")", the parenthesis having been taken. */
static int
lex_options(struct imap_lex *l, const struct option *options, unsigned *set,
    unsigned *items)
{
	const struct option *o;
	int n;

	for (n = 0; !imap_lex_char(l, ')'); n++) {
		if (n > 0 && imap_lex_need_sp(l) == -1)
			return -1;
		for (o = options; o->name != NULL; o++)
			if (imap_lex_word(l, o->name))
				break;
		if (o->name == NULL)
			return imap_lex_fail(l, "unknown option of LIST");
		*set |= o->bit;
		if (o->bit == OPTION_STATUS && (imap_lex_need_sp(l) == -1 ||
		    status_lex(l, items) == -1))
			return -1;
	}
	return 1;
}

static int
lex_pattern(struct imap_lex *l, struct listing *li)
{
	int r;

	if (li->npatterns == PATTERNS_MAX)
		return imap_lex_fail(l, "too many patterns");
	if ((r = imap_lex_list_mailbox(l, &li->pattern[li->npatterns])) == 0)
		return imap_lex_fail(l, "a pattern is missing");
	li->npatterns += r == 1;
	return r;
}

/* mbox-or-pat = list-mailbox / patterns
 * patterns    = "(" list-mailbox *(SP list-mailbox) ")" */
static int
lex_patterns(struct imap_lex *l, struct listing *li)
{
	if (!imap_lex_char(l, '('))
		return lex_pattern(l, li);
	li->extended = true;
	do {
		if (lex_pattern(l, li) == -1)
			return -1;
	} while (imap_lex_sp(l));
	return imap_lex_char(l, ')') ? 1 :
	    imap_lex_fail(l, "the list of patterns is not closed");
}

static int
lex_reference(struct imap_lex *l, struct listing *li)
{
	int r;

	if (imap_lex_need_sp(l) == -1)
		return -1;
	if ((r = imap_lex_astring(l, &li->reference)) == 0)
		return imap_lex_fail(l, "a reference is missing");
	return r == -1 ? -1 : imap_lex_need_sp(l);
}

static int
lex_select(struct imap_lex *l, struct listing *li)
{
	const char *p = l->p;

	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (!imap_lex_char(l, '(')) {
		l->p = p;
		return 1;
	}
	li->extended = true;
	if (lex_options(l, select_options, &li->select, NULL) == -1)
		return -1;
	/* RFC 5258 3.1: not as the only one, or with REMOTE alone. */
	if ((li->select & OPTION_RECURSIVEMATCH) &&
	    !(li->select & (OPTION_SUBSCRIBED | OPTION_SPECIAL_USE)))
		return imap_lex_fail(l, "RECURSIVEMATCH needs another option");
	return 1;
}

/* list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat
 *	[SP list-return-opts] */
static int
lex_list(struct imap_lex *l, struct listing *li)
{
	if (lex_select(l, li) == -1 || lex_reference(l, li) == -1 ||
	    lex_patterns(l, li) == -1)
		return -1;
	if (imap_lex_end(l))
		return 1;
	if (!imap_lex_sp(l) || !imap_lex_word(l, "RETURN") ||
	    !imap_lex_sp(l) || !imap_lex_char(l, '('))
		return imap_lex_fail(l, "RETURN and options are wanted");
	li->extended = true;
	if (lex_options(l, return_options, &li->give, &li->items) == -1)
		return -1;
	return imap_lex_need_end(l);
}

/* lsub = "LSUB" SP mailbox SP list-mailbox */
static int
lex_lsub(struct imap_lex *l, struct listing *li)
{
	return lex_reference(l, li) == -1 || lex_pattern(l, li) == -1 ? -1 :
	    imap_lex_need_end(l);
}

/*
 * Which names.
 */

static void
match(const struct listing *li, struct list_tree *t)
{
	char pattern[IMAP_MAX_MAILBOX + 1];
	size_t i, k;

	for (k = 0; k < li->npatterns; k++) {
		/* RFC 5258 section 3: among several an empty one is ignored,
		 * and one that is not accepted silently. */
		if (li->pattern[k].len == 0 || li->reference.len +
		    li->pattern[k].len > IMAP_MAX_MAILBOX)
			continue;
		memcpy(pattern, li->reference.s, li->reference.len);
		memcpy(pattern + li->reference.len, li->pattern[k].s,
		    li->pattern[k].len + 1);
		for (i = 0; i < t->n; i++)
			if (!(t->v[i].flags & NAME_MATCHED) &&
			    imap_mailbox_match(pattern, t->v[i].wire,
			    t->separator))
				t->v[i].flags |= NAME_MATCHED;
	}
}

/* Whether a name meets the selection options: all of them. */
static bool
is_selected(const struct listing *li, const struct list_name *n)
{
	if (li->select & OPTION_SUBSCRIBED && !(n->flags & NAME_SUBSCRIBED))
		return false;
	if (li->select & OPTION_SPECIAL_USE && n->uses == 0)
		return false;
	return (n->flags & NAME_EXISTS) || (li->select & OPTION_SUBSCRIBED);
}

/* Whether it is told: it matches a pattern, and there is a reason. */
static bool
is_told(const struct listing *li, const struct list_name *n)
{
	const struct imap_string *p = &li->pattern[0];

	if (!(n->flags & NAME_MATCHED))
		return false;
	if (n->flags & NAME_SELECTED)
		return true;
	/* RFC 3501 6.3.9: "%" tells of what is subscribed below. */
	if (li->lsub)
		return p->len > 0 && p->s[p->len - 1] == '%' &&
		    (n->flags & NAME_BELOW_SUBSCRIBED);
	/* RFC 5258 3.3, rule 2 B. */
	if (li->select & OPTION_RECURSIVEMATCH)
		return n->flags & NAME_BELOW_UNTOLD;
	/* RFC 3501 6.3.4: a level that only has others below it. */
	return !(li->select & (OPTION_SUBSCRIBED | OPTION_SPECIAL_USE)) &&
	    (n->flags & NAME_BELOW_EXISTS);
}

/*
 * Telling.
 */

static void
add_attribute(struct buf *b, const char *attribute)
{
	if (b->len > 0)
		buf_addc(b, ' ');
	buf_adds(b, attribute);
}

/* Why it cannot be selected, if it cannot. */
static void
add_absence(const struct session *s, const struct listing *li,
    const struct list_name *n, struct buf *b)
{
	if (li->lsub) {
		/* RFC 3501 6.3.9: it is not subscribed itself. */
		if (!(n->flags & NAME_SUBSCRIBED))
			add_attribute(b, "\\Noselect");
	} else if (!(n->flags & NAME_EXISTS))
		add_attribute(b, li->extended ||
		    (s->enabled & ENABLED_REV2) ? "\\NonExistent" :
		    "\\Noselect");
}

static void
add_attributes(const struct session *s, const struct listing *li,
    const struct list_name *n, struct buf *b)
{
	add_absence(s, li, n, b);
	if (!li->lsub && (li->give & OPTION_SUBSCRIBED) &&
	    (n->flags & NAME_SUBSCRIBED))
		add_attribute(b, "\\Subscribed");
	/* RFC 5258 3.5: what does not exist and is told says why. */
	if (!li->extended || (li->give & OPTION_CHILDREN) ||
	    ((n->flags & NAME_BELOW_EXISTS) && !(n->flags & NAME_EXISTS)))
		add_attribute(b, n->flags & NAME_BELOW_EXISTS ?
		    "\\HasChildren" : "\\HasNoChildren");
	if (n->uses != 0) {
		if (b->len > 0)
			buf_addc(b, ' ');
		special_use_write(b, n->uses);
	}
}

/* RFC 5258 3.5: some descendant meets the selection criteria. */
static void
add_childinfo(const struct listing *li, const struct list_name *n,
    struct buf *b)
{
	if (!(li->select & OPTION_RECURSIVEMATCH) ||
	    !(n->flags & NAME_BELOW_SELECTED))
		return;
	buf_adds(b, " (\"CHILDINFO\" (");
	if (li->select & OPTION_SUBSCRIBED)
		buf_adds(b, "\"SUBSCRIBED\"");
	if (li->select & OPTION_SPECIAL_USE)
		buf_addf(b, "%s\"SPECIAL-USE\"",
		    li->select & OPTION_SUBSCRIBED ? " " : "");
	buf_adds(b, "))");
}

/* mailbox-list = "(" [mbx-list-flags] ")" SP DQUOTE delimiter DQUOTE SP
 * mailbox [SP mbox-list-extended]; no: it cannot be selected. */
static void
tell(struct session *s, const struct listing *li, const struct list_name *n,
    bool no)
{
	struct buf b, attributes;

	buf_init(&b, STREAM_BUFFER);
	buf_init(&attributes, 200);
	add_attributes(s, li, n, &attributes);
	if (no)
		add_attribute(&attributes, "\\Noselect");
	buf_addf(&b, "* %s (%s) \"%s\" ", li->response, buf_str(&attributes),
	    s->settings->separator);
	reply_wire_name(s, &b, n->wire, strlen(n->wire));
	add_childinfo(li, n, &b);
	buf_adds(&b, "\r\n");
	stream_write(s->io, b.data, b.len);
	buf_free(&attributes);
	buf_free(&b);
}

/* RFC 5819 section 2: LIST comes first, and says what STATUS found. */
static void
tell_status(struct session *s, const struct listing *li,
    const struct list_name *n)
{
	enum mailbox_status status;
	struct buf b;

	buf_init(&b, STREAM_BUFFER);
	status = status_write(s, n->stored, li->items, &b);
	tell(s, li, n, status == MAILBOX_NONE || status == MAILBOX_NO_RIGHT);
	if (status == MAILBOX_OK)
		stream_write(s->io, b.data, b.len);
	buf_free(&b);
}

static void
tell_all(struct session *s, const struct listing *li, struct list_tree *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (is_selected(li, &t->v[i]))
			t->v[i].flags |= NAME_SELECTED;
	match(li, t);
	list_tree_relate(t);
	for (i = 0; i < t->n && s->state != STATE_OVER; i++) {
		if (!is_told(li, &t->v[i]))
			continue;
		if ((li->give & OPTION_STATUS) && (t->v[i].flags &
		    (NAME_EXISTS | NAME_SELECTED)) ==
		    (NAME_EXISTS | NAME_SELECTED))
			tell_status(s, li, &t->v[i]);
		else
			tell(s, li, &t->v[i], false);
	}
}

static enum reply
do_list(struct session *s, struct listing *li)
{
	enum mailbox_status status;
	struct list_tree tree;
	unsigned what = 0;

	/* RFC 5258 3.1, RFC 6154 section 2: selecting implies returning. */
	li->give |= li->select & (OPTION_SUBSCRIBED | OPTION_SPECIAL_USE);
	if (li->give & OPTION_SUBSCRIBED)
		what |= TREE_SUBSCRIBED;
	if ((li->give & OPTION_SPECIAL_USE) || !li->extended)
		what |= TREE_SPECIAL_USE;
	if (li->lsub)
		what = TREE_SUBSCRIBED;
	status_asked(s, li->items);
	if ((status = list_tree_read(s, &tree, what)) != MAILBOX_OK)
		return reply_mailbox(status);
	tell_all(s, li, &tree);
	list_tree_free(&tree);
	return REPLY_OK;
}

enum reply
cmd_list(struct session *s, struct imap_lex *l)
{
	struct listing li = { .response = "LIST" };

	if (lex_list(l, &li) == -1)
		return reply_bad(s, l);
	if (!li.extended && li.pattern[0].len == 0) {
		/* A question for the delimiter and the root. */
		stream_printf(s->io, "* LIST (\\Noselect) \"%s\" \"\"\r\n",
		    s->settings->separator);
		return REPLY_OK;
	}
	return do_list(s, &li);
}

enum reply
cmd_lsub(struct session *s, struct imap_lex *l)
{
	struct listing li = { .response = "LSUB", .lsub = true };

	if (lex_lsub(l, &li) == -1)
		return reply_bad(s, l);
	li.select = OPTION_SUBSCRIBED;
	return do_list(s, &li);
}

void
list_tell_one(struct session *s, const char *name, const char *given)
{
	struct buf b, wire;

	buf_init(&b, STREAM_BUFFER);
	buf_init(&wire, IMAP_SHOWN_MAX);
	(void)imap_names_show(session_names(s), name, &wire);
	buf_addf(&b, "* LIST () \"%s\" ", s->settings->separator);
	reply_wire_name(s, &b, wire.data, wire.len);
	if (given != NULL && strcmp(given, buf_str(&wire)) != 0) {
		buf_adds(&b, " (\"OLDNAME\" (");
		reply_wire_name(s, &b, given, strlen(given));
		buf_adds(&b, "))");
	}
	buf_adds(&b, "\r\n");
	stream_write(s->io, b.data, b.len);
	buf_free(&wire);
	buf_free(&b);
}
