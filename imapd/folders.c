/* SPDX-License-Identifier: ISC
 *
 * The tree of mailboxes: CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE and
 * STATUS (RFC 3501 6.3.3 to 6.3.7, 6.3.10).
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

enum reply
cmd_create(struct session *s, struct imap_lex *l)
{
	struct imap_string name;

	if (one_name(l, &name) == -1)
		return reply_bad(s, l);
	return reply_mailbox(mailbox_create(s->root, name.s));
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

/*
 * STATUS
 */

enum {
	STATUS_MESSAGES = 1, STATUS_RECENT = 2, STATUS_UIDNEXT = 4,
	STATUS_UIDVALIDITY = 8, STATUS_UNSEEN = 16
};

static const struct {
	const char	*name;
	unsigned	 item;
} status_items[] = {
	{ "MESSAGES", STATUS_MESSAGES },
	{ "RECENT", STATUS_RECENT },
	{ "UIDNEXT", STATUS_UIDNEXT },
	{ "UIDVALIDITY", STATUS_UIDVALIDITY },
	{ "UNSEEN", STATUS_UNSEEN },
};

#define NITEMS	(sizeof(status_items) / sizeof(status_items[0]))

/* SP "(" status-att *(SP status-att) ")" */
static int
lex_status(struct imap_lex *l, unsigned *items)
{
	size_t i;

	*items = 0;
	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (!imap_lex_char(l, '('))
		return imap_lex_fail(l, "a list of items is missing");
	do {
		for (i = 0; i < NITEMS; i++)
			if (imap_lex_word(l, status_items[i].name))
				break;
		if (i == NITEMS)
			return imap_lex_fail(l, "unknown status item");
		*items |= status_items[i].item;
	} while (imap_lex_sp(l));
	if (!imap_lex_char(l, ')'))
		return imap_lex_fail(l, "the list of items is not closed");
	return imap_lex_need_end(l);
}

static uint32_t
count_unseen(const struct mailbox *box)
{
	uint32_t i, count = mailbox_count(box), n = 0;
	struct mailbox_msg m;

	for (i = 1; i <= count; i++) {
		mailbox_msg(box, i, &m);
		n += !(m.flags & MAILBOX_SEEN);
	}
	return n;
}

static uint32_t
status_value(const struct mailbox *box, unsigned item)
{
	switch (item) {
	case STATUS_MESSAGES:
		return mailbox_count(box);
	case STATUS_RECENT:
		return mailbox_recent(box);
	case STATUS_UIDNEXT:
		return mailbox_uidnext(box);
	case STATUS_UIDVALIDITY:
		return mailbox_uidvalidity(box);
	default:
		return count_unseen(box);
	}
}

static void
tell_status(struct session *s, const struct imap_string *name,
    const struct mailbox *box, unsigned items)
{
	struct buf b;
	size_t i, n = 0;

	buf_init(&b, STREAM_BUFFER);
	buf_adds(&b, "* STATUS ");
	reply_mailbox_name(s, &b, name->s);
	buf_adds(&b, " (");
	for (i = 0; i < NITEMS; i++)
		if (items & status_items[i].item)
			buf_addf(&b, "%s%s %u", n++ > 0 ? " " : "",
			    status_items[i].name,
			    status_value(box, status_items[i].item));
	buf_adds(&b, ")\r\n");
	stream_write(s->io, b.data, b.len);
	buf_free(&b);
}

enum reply
cmd_status(struct session *s, struct imap_lex *l)
{
	struct imap_string name;
	enum mailbox_status status;
	struct mailbox *box;
	unsigned items;

	if (args_mailbox(l, &name) == -1 || lex_status(l, &items) == -1)
		return reply_bad(s, l);
	status = mailbox_open(s->root, name.s, MAILBOX_KEEP_NEW, &box);
	if (status != MAILBOX_OK)
		return reply_mailbox(status);
	status = mailbox_refresh(box, 0, NULL);
	if (status == MAILBOX_OK || (status != MAILBOX_RESET &&
	    status != MAILBOX_TEMPORARY && mailbox_uidvalidity(box) != 0)) {
		tell_status(s, &name, box, items);
		status = MAILBOX_OK;
	}
	mailbox_close(box);
	return reply_mailbox(status);
}
