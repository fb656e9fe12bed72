/* SPDX-License-Identifier: ISC
 *
 * The tree of mailboxes: CREATE, DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE
 * (RFC 3501 6.3.3 to 6.3.7).
 */
#include <string.h>

#include "commands.h"
#include "mail/special_use.h"
#include "mail/subscriptions.h"

/* One mailbox name and no more. */
static int
one_name(struct imap_lex *l, struct imap_string *name)
{
	if (args_mailbox(l, name) == -1)
		return -1;
	return imap_lex_need_end(l);
}

/*
 * CREATE
 */

/* RFC 8474 4.1: the code MAILBOXID.  A mailbox without one was made all the
 * same. */
static void
add_id(struct session *s, const char *name)
{
	char id[MAILBOX_ID_SIZE];
	struct mailbox *box;

	if (mailbox_open(s->root, name, MAILBOX_KEEP_NEW, &box) != MAILBOX_OK)
		return;
	if (mailbox_refresh(box, 0, NULL) == MAILBOX_OK) {
		mailbox_id(box, id);
		buf_addf(&s->code, "MAILBOXID (%s)", id);
	}
	mailbox_close(box);
}

struct create {
	char		 name[IMAP_STORED_SIZE];
	bool		 use;		/* USE was given: */
	unsigned	 uses;
	bool		 unknown;	/* and one that we do not have */
};

/* use-attr = "\" atom, in "(" [use-attr *(SP use-attr)] ")" */
static int
lex_uses(struct imap_lex *l, struct create *c)
{
	struct imap_string atom;
	const char *p;
	unsigned bit;
	int n;

	if (!imap_lex_char(l, '('))
		return imap_lex_fail(l, "a list of uses is missing");
	for (n = 0; !imap_lex_char(l, ')'); n++) {
		if (n > 0 && imap_lex_need_sp(l) == -1)
			return -1;
		p = l->p;
		if (!imap_lex_char(l, '\\') || imap_lex_atom(l, &atom) != 1)
			return imap_lex_fail(l, "bad use");
		bit = special_use_bit(p, (size_t)(l->p - p));
		c->uses |= bit;
		c->unknown |= bit == 0;
	}
	c->use = true;
	return 1;
}

/* create        = "CREATE" SP mailbox [create-params]	; RFC 4466 2.2
 * create-params = SP "(" create-param *(SP create-param) ")"
 * create-param  = "USE" SP "(" [use-attr *(SP use-attr)] ")"
 *						; RFC 6154 section 6 */
static int
lex_create(struct imap_lex *l, struct create *c)
{
	struct imap_string name;
	size_t n;

	if (args_mailbox(l, &name) == -1)
		return -1;
	n = strlcpy(c->name, name.s, sizeof(c->name));
	/* A delimiter at the end says that children will follow. */
	if (n > 1 && n < sizeof(c->name) && c->name[n - 1] ==
	    MAILBOX_DELIMITER)
		c->name[n - 1] = '\0';
	if (!imap_lex_sp(l))
		return imap_lex_need_end(l);
	if (!imap_lex_char(l, '('))
		return imap_lex_fail(l, "a list of parameters is missing");
	do {
		if (!imap_lex_word(l, "USE") || c->use)
			return imap_lex_fail(l, "unknown parameter of CREATE");
		if (imap_lex_need_sp(l) == -1 || lex_uses(l, c) == -1)
			return -1;
	} while (imap_lex_sp(l));
	if (!imap_lex_char(l, ')'))
		return imap_lex_fail(l, "the parameters are not closed");
	return imap_lex_need_end(l);
}

enum reply
cmd_create(struct session *s, struct imap_lex *l)
{
	struct create c = { .use = false };
	enum mailbox_status status;

	if (lex_create(l, &c) == -1)
		return reply_bad(s, l);
	/* RFC 6154 section 3: then no mailbox is made. */
	if (c.unknown)
		return REPLY_USE;
	status = mailbox_create(s->root, c.name);
	if (status == MAILBOX_OK && c.use) {
		status = special_use_set(s->root, c.name, c.uses);
		if (status != MAILBOX_OK)
			(void)mailbox_delete(s->root, c.name);
	}
	if (status == MAILBOX_OK)
		add_id(s, c.name);
	return reply_mailbox(status);
}

/*
 * DELETE, RENAME
 */

/* A level that others are below is there for LIST. */
static enum mailbox_status
has_below(struct session *s, const char *name)
{
	struct mailbox_names names;
	enum mailbox_status status;
	size_t i, n = strlen(name);

	if ((status = mailbox_list(s->root, &names)) != MAILBOX_OK)
		return status;
	status = MAILBOX_NONE;
	for (i = 0; i < names.n; i++)
		if (strncmp(names.v[i], name, n) == 0 &&
		    names.v[i][n] == MAILBOX_DELIMITER)
			status = MAILBOX_OK;
	mailbox_names_free(&names);
	return status;
}

/* A mailbox that was renamed cannot stay selected, nor those below it. */
static void
leave(struct session *s, const char *name)
{
	const char *selected = s->box == NULL ? "" : mailbox_name(s->box);
	size_t n = strlen(name);

	if (strcmp(name, "INBOX") != 0 && strncmp(selected, name, n) == 0 &&
	    (selected[n] == '\0' || selected[n] == MAILBOX_DELIMITER))
		session_closed(s);
}

enum reply
cmd_delete(struct session *s, struct imap_lex *l)
{
	struct imap_string name;
	enum mailbox_status status;

	if (one_name(l, &name) == -1)
		return reply_bad(s, l);
	if (strcmp(name.s, "INBOX") == 0)
		return REPLY_INBOX;
	status = mailbox_delete(s->root, name.s);
	/* RFC 9051 6.3.5: a level that only has others below it. */
	if (status == MAILBOX_NONE && has_below(s, name.s) == MAILBOX_OK)
		return REPLY_HAS_CHILDREN;
	if (status == MAILBOX_OK && s->box != NULL &&
	    strcmp(name.s, mailbox_name(s->box)) == 0)
		session_closed(s);
	return reply_mailbox(status);
}

enum reply
cmd_rename(struct session *s, struct imap_lex *l)
{
	struct imap_string from, to;
	enum mailbox_status status;

	if (args_mailbox(l, &from) == -1 || args_mailbox(l, &to) == -1 ||
	    imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	if (strcmp(to.s, "INBOX") == 0)
		return REPLY_EXISTS;
	status = mailbox_rename(s->root, from.s, to.s);
	if (status == MAILBOX_OK)
		leave(s, from.s);
	return reply_mailbox(status);
}

/*
 * SUBSCRIBE, UNSUBSCRIBE
 */

enum reply
cmd_subscribe(struct session *s, struct imap_lex *l)
{
	struct imap_string name;
	enum mailbox_status status;

	if (one_name(l, &name) == -1)
		return reply_bad(s, l);
	/* RFC 3501 6.3.6: the server may check that it exists. */
	status = mailbox_exists(s->root, name.s);
	if (status == MAILBOX_NONE)
		status = has_below(s, name.s);
	if (status == MAILBOX_OK)
		status = subscriptions_set(s->root, name.s, true);
	return reply_mailbox(status);
}

enum reply
cmd_unsubscribe(struct session *s, struct imap_lex *l)
{
	struct imap_string name;

	if (one_name(l, &name) == -1)
		return reply_bad(s, l);
	return reply_mailbox(subscriptions_set(s->root, name.s, false));
}
