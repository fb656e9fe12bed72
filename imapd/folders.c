/* SPDX-License-Identifier: ISC
 *
 * The tree of mailboxes: CREATE, DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE
 * (RFC 3501 6.3.3 to 6.3.7).
 */
#include <string.h>

#include "commands.h"
#include "mail/subscriptions.h"

/* One mailbox name and no more. */
static int
one_name(struct imap_lex *l, struct imap_string *name)
{
	if (args_mailbox(l, name) == -1)
		return -1;
	return imap_lex_need_end(l);
}

/* RFC 8474 4.1: the code MAILBOXID.  A mailbox without one was made all the
 * same. */
static void
add_id(struct session *s, const char *given)
{
	char id[MAILBOX_ID_SIZE], name[IMAP_STORED_SIZE];
	struct mailbox *box;
	size_t n = strlcpy(name, given, sizeof(name));

	/* CREATE may have a delimiter at the end. */
	if (n > 0 && name[n - 1] == MAILBOX_DELIMITER)
		name[n - 1] = '\0';
	if (mailbox_open(s->root, name, MAILBOX_KEEP_NEW, &box) != MAILBOX_OK)
		return;
	if (mailbox_refresh(box, 0, NULL) == MAILBOX_OK) {
		mailbox_id(box, id);
		buf_addf(&s->code, "MAILBOXID (%s)", id);
	}
	mailbox_close(box);
}

enum reply
cmd_create(struct session *s, struct imap_lex *l)
{
	struct imap_string name;
	enum mailbox_status status;

	if (one_name(l, &name) == -1)
		return reply_bad(s, l);
	status = mailbox_create(s->root, name.s);
	if (status == MAILBOX_OK)
		add_id(s, name.s);
	return reply_mailbox(status);
}

/* A mailbox that was renamed cannot stay selected, nor those below it. */
static void
leave(struct session *s, const char *name)
{
	const char *selected = s->box == NULL ? "" : mailbox_name(s->box);
	size_t n = strlen(name);

	if (strcmp(name, "INBOX") != 0 && strncmp(selected, name, n) == 0 &&
	    (selected[n] == '\0' || selected[n] == MAILBOX_DELIMITER))
		session_deselect(s);
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
	if (status == MAILBOX_OK && s->box != NULL &&
	    strcmp(name.s, mailbox_name(s->box)) == 0)
		session_deselect(s);
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

enum reply
cmd_subscribe(struct session *s, struct imap_lex *l)
{
	struct imap_string name;
	enum mailbox_status status;

	if (one_name(l, &name) == -1)
		return reply_bad(s, l);
	/* RFC 3501 6.3.6: the server may check that it exists. */
	status = mailbox_exists(s->root, name.s);
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
