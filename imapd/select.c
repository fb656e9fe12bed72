/* SPDX-License-Identifier: ISC
 *
 * Opening and closing a mailbox: SELECT, EXAMINE (RFC 3501 6.3.1, 6.3.2),
 * CHECK, CLOSE, EXPUNGE (6.4.1 to 6.4.3), UNSELECT (RFC 3691), UID EXPUNGE
 * (RFC 4315).
 */
#include <stdlib.h>

#include "commands.h"

/* The data of a mailbox that was just opened. */
static void
tell_mailbox(struct session *s)
{
	uint32_t count = mailbox_count(s->box), i;
	struct mailbox_msg m;

	sync_tell_flags(s);
	stream_printf(s->io, "* %u EXISTS\r\n* %u RECENT\r\n", count,
	    mailbox_recent(s->box));
	for (i = 1; i <= count; i++) {
		mailbox_msg(s->box, i, &m);
		if (!(m.flags & MAILBOX_SEEN))
			break;
	}
	if (i <= count)
		stream_printf(s->io, "* OK [UNSEEN %u] First unseen\r\n", i);
	stream_printf(s->io, "* OK [UIDVALIDITY %u] UIDs valid\r\n"
	    "* OK [UIDNEXT %u] Predicted next UID\r\n",
	    mailbox_uidvalidity(s->box), mailbox_uidnext(s->box));
}

static enum reply
do_select(struct session *s, const char *name, unsigned flags)
{
	enum mailbox_status status;

	session_deselect(s);
	if ((status = mailbox_open(s->root, name, flags, &s->box)) !=
	    MAILBOX_OK)
		return reply_mailbox(status);
	status = mailbox_refresh(s->box, 0, NULL);
	/* Without room for UIDs of new messages the old ones can be read; but
	 * not where none was ever given. */
	if (status == MAILBOX_RESET || status == MAILBOX_TEMPORARY ||
	    (status != MAILBOX_OK && mailbox_uidvalidity(s->box) == 0)) {
		session_deselect(s);
		return reply_mailbox(status);
	}
	s->state = STATE_SELECTED;
	if (status != MAILBOX_OK)
		reply_waiting(s, status);
	tell_mailbox(s);
	return mailbox_readonly(s->box) ? REPLY_READ_ONLY_OK :
	    REPLY_READ_WRITE_OK;
}

static enum reply
open_mailbox(struct session *s, struct imap_lex *l, unsigned flags)
{
	struct imap_string name;

	if (args_mailbox(l, &name) == -1 || imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	return do_select(s, name.s, flags);
}

enum reply
cmd_select(struct session *s, struct imap_lex *l)
{
	return open_mailbox(s, l, 0);
}

enum reply
cmd_examine(struct session *s, struct imap_lex *l)
{
	return open_mailbox(s, l, MAILBOX_READONLY | MAILBOX_KEEP_NEW);
}

enum reply
cmd_check(struct session *s, struct imap_lex *l)
{
	return imap_lex_need_end(l) == -1 ? reply_bad(s, l) : REPLY_OK;
}

/* Remove the messages marked deleted; among: of these numbers only. */
static enum mailbox_status
expunge(struct session *s, const struct numbers *among)
{
	uint32_t count = mailbox_count(s->box), *v, i, seq;
	enum mailbox_status status;
	struct mailbox_msg m;
	size_t n = 0;

	v = reallocarray(NULL, (size_t)count + 1, sizeof(*v));
	if (v == NULL)
		return MAILBOX_TEMPORARY;
	for (i = 0; i < (among != NULL ? among->n : count); i++) {
		seq = among != NULL ? among->v[i] : i + 1;
		mailbox_msg(s->box, seq, &m);
		if (m.flags & MAILBOX_DELETED && !m.gone)
			v[n++] = seq;
	}
	status = n == 0 ? MAILBOX_OK : mailbox_expunge(s->box, v, n, true);
	free(v);
	return status;
}

enum reply
cmd_close(struct session *s, struct imap_lex *l)
{
	if (imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	/* RFC 3501 6.4.2: no untagged EXPUNGE, and none when read-only. */
	if (!mailbox_readonly(s->box))
		(void)expunge(s, NULL);
	session_deselect(s);
	return REPLY_OK;
}

enum reply
cmd_unselect(struct session *s, struct imap_lex *l)
{
	if (imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	session_deselect(s);
	return REPLY_OK;
}

enum reply
cmd_expunge(struct session *s, struct imap_lex *l)
{
	struct numbers numbers = { NULL, 0 };
	enum mailbox_status status;
	enum reply r = REPLY_OK;

	if (s->uid)
		r = numbers_parse(s, l, &numbers);
	if (r == REPLY_OK && imap_lex_need_end(l) == -1)
		r = reply_bad(s, l);
	if (r == REPLY_OK && mailbox_readonly(s->box))
		r = REPLY_READ_ONLY;
	if (r == REPLY_OK) {
		status = expunge(s, s->uid ? &numbers : NULL);
		r = reply_mailbox(status);
	}
	numbers_free(&numbers);
	return r;
}
