/* SPDX-License-Identifier: ISC
 *
 * LIST and LSUB (RFC 3501 6.3.8, 6.3.9), with the attributes of CHILDREN (RFC
 * 3348) and of special uses (RFC 6154 section 2, which LIST may show without
 * announcing anything).
 */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "grammar/imap_mailbox.h"
#include "mail/subscriptions.h"

/* What a mailbox of this name is for, by custom. */
static const struct {
	const char	*name, *attribute;
} special_uses[] = {
	{ "Archive", "\\Archive" }, { "Drafts", "\\Drafts" },
	{ "Junk", "\\Junk" }, { "Sent", "\\Sent" }, { "Trash", "\\Trash" },
};

struct listing {
	const char	*response;	/* "LIST", "LSUB" */
	const struct mailbox_names *names;
	char		 pattern[IMAP_MAX_MAILBOX + 1];
	char		 told[MAILBOX_NAME_MAX + 1];	/* the last parent */
};

static bool
is_below(const char *name, const char *parent, size_t len)
{
	return strncmp(name, parent, len) == 0 &&
	    name[len] == MAILBOX_DELIMITER;
}

/* Whether some name in the list is below this one.  The list is sorted by
 * octets, and what stands between a name and those below it begins with the
 * name as well. */
static bool
has_children(const struct mailbox_names *names, const char *name)
{
	size_t len = strlen(name), lo = 0, hi = names->n, mid;
	char first[MAILBOX_NAME_MAX + 2];

	if (len + 2 > sizeof(first))
		return false;
	memcpy(first, name, len);
	first[len] = MAILBOX_DELIMITER;
	first[len + 1] = '\0';
	/* INBOX stands first, whatever the order. */
	if (names->n > 0 && strcmp(names->v[0], "INBOX") == 0)
		lo = 1;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (strcmp(names->v[mid], first) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < names->n && is_below(names->v[lo], name, len);
}

static bool
has_name(const struct mailbox_names *names, const char *name)
{
	size_t lo = 0, hi = names->n, mid;
	int c;

	if (names->n > 0 && strcmp(names->v[0], "INBOX") == 0) {
		if (strcmp(name, "INBOX") == 0)
			return true;
		lo = 1;
	}
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if ((c = strcmp(names->v[mid], name)) == 0)
			return true;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* mailbox-list = "(" [mbx-list-flags] ")" SP DQUOTE delimiter DQUOTE SP
 * mailbox */
static void
tell(struct session *s, const struct listing *li, const char *name,
    bool selectable)
{
	struct buf b;
	size_t i;

	buf_init(&b, STREAM_BUFFER);
	buf_addf(&b, "* %s (", li->response);
	if (!selectable)
		buf_adds(&b, "\\Noselect ");
	buf_adds(&b, has_children(li->names, name) ? "\\HasChildren" :
	    "\\HasNoChildren");
	for (i = 0; selectable && i < sizeof(special_uses) /
	    sizeof(special_uses[0]); i++)
		if (strcmp(name, special_uses[i].name) == 0)
			buf_addf(&b, " %s", special_uses[i].attribute);
	buf_addf(&b, ") \"%c\" ", MAILBOX_DELIMITER);
	reply_mailbox_name(s, &b, name);
	buf_adds(&b, "\r\n");
	stream_write(s->io, b.data, b.len);
	buf_free(&b);
}

/* The levels above a name that match and do not exist themselves; each is
 * told once, since those below one name follow each other. */
static void
tell_parents(struct session *s, struct listing *li, const char *name)
{
	char parent[MAILBOX_NAME_MAX + 1];
	const char *p;
	size_t len;

	for (p = name; (p = strchr(p, MAILBOX_DELIMITER)) != NULL; p++) {
		len = (size_t)(p - name);
		if (len >= sizeof(parent))
			return;
		memcpy(parent, name, len);
		parent[len] = '\0';
		if (strncmp(li->told, parent, len) == 0 &&
		    (li->told[len] == '\0' ||
		    li->told[len] == MAILBOX_DELIMITER))
			continue;
		if (has_name(li->names, parent) ||
		    !imap_mailbox_match(li->pattern, parent,
		    MAILBOX_DELIMITER))
			continue;
		memcpy(li->told, parent, len + 1);
		tell(s, li, parent, false);
	}
}

/* reference and pattern (SP mailbox SP list-mailbox): 1, or -1. */
static int
lex_list(struct imap_lex *l, struct imap_string *reference,
    struct imap_string *pattern)
{
	int r;

	if (imap_lex_need_sp(l) == -1)
		return -1;
	if ((r = imap_lex_astring(l, reference)) == 0)
		return imap_lex_fail(l, "a reference is missing");
	if (r == -1 || imap_lex_need_sp(l) == -1)
		return -1;
	if ((r = imap_lex_list_mailbox(l, pattern)) == 0)
		return imap_lex_fail(l, "a pattern is missing");
	return r == -1 ? -1 : imap_lex_need_end(l);
}

/* Tell all names that match.  A level that only has others below it exists
 * for LIST (RFC 3501 6.3.4: what is left of a name that was deleted); LSUB
 * tells it for "%" alone (6.3.9). */
static void
tell_all(struct session *s, struct listing *li, const struct mailbox_names
    *exist)
{
	size_t len = strlen(li->pattern), i;
	bool parents = exist == NULL ||
	    (len > 0 && li->pattern[len - 1] == '%');

	for (i = 0; i < li->names->n; i++) {
		if (parents)
			tell_parents(s, li, li->names->v[i]);
		if (imap_mailbox_match(li->pattern, li->names->v[i],
		    MAILBOX_DELIMITER))
			tell(s, li, li->names->v[i], exist == NULL ||
			    has_name(exist, li->names->v[i]));
	}
}

static enum reply
do_list(struct session *s, struct listing *li, bool subscribed)
{
	struct mailbox_names names = { NULL, 0 }, exist = { NULL, 0 };
	enum mailbox_status status;

	status = mailbox_list(s->root, subscribed ? &exist : &names);
	if (status == MAILBOX_OK && subscribed)
		status = subscriptions_read(s->root, &names);
	li->names = &names;
	if (status == MAILBOX_OK)
		tell_all(s, li, subscribed ? &exist : NULL);
	li->names = NULL;
	mailbox_names_free(&names);
	mailbox_names_free(&exist);
	return reply_mailbox(status);
}

static enum reply
list_or_lsub(struct session *s, struct imap_lex *l, const char *response,
    bool subscribed)
{
	struct listing li = { .response = response };
	struct imap_string reference, pattern;

	if (lex_list(l, &reference, &pattern) == -1)
		return reply_bad(s, l);
	if (pattern.len == 0 && !subscribed) {
		/* A question for the delimiter and the root. */
		stream_printf(s->io, "* LIST (\\Noselect) \"%c\" \"\"\r\n",
		    MAILBOX_DELIMITER);
		return REPLY_OK;
	}
	if (reference.len + pattern.len >= sizeof(li.pattern))
		return REPLY_OK;
	memcpy(li.pattern, reference.s, reference.len);
	memcpy(li.pattern + reference.len, pattern.s, pattern.len + 1);
	return do_list(s, &li, subscribed);
}

enum reply
cmd_list(struct session *s, struct imap_lex *l)
{
	return list_or_lsub(s, l, "LIST", false);
}

enum reply
cmd_lsub(struct session *s, struct imap_lex *l)
{
	return list_or_lsub(s, l, "LSUB", true);
}
