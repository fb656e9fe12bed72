/* SPDX-License-Identifier: ISC
 *
 * Opening and closing a mailbox: SELECT, EXAMINE (RFC 3501 6.3.1, 6.3.2),
 * CHECK, CLOSE, EXPUNGE (6.4.1 to 6.4.3), UNSELECT (RFC 3691), UID EXPUNGE
 * (RFC 4315), and what changed since the client was here (QRESYNC, RFC 7162).
 */
#include <stdlib.h>

#include "commands.h"
#include "list.h"
#include "grammar/imap_modseq.h"

static void
tell_unseen(struct session *s)
{
	uint32_t count = mailbox_count(s->box), i;
	struct mailbox_msg m;

	for (i = 1; i <= count; i++) {
		mailbox_msg(s->box, i, &m);
		if (!(m.flags & MAILBOX_SEEN))
			break;
	}
	if (i <= count)
		stream_printf(s->io, "* OK [UNSEEN %u] First unseen\r\n", i);
}

/* The data of a mailbox that was just opened.  RFC 9051 appendix E, 10 to 12:
 * IMAP4rev2 has a LIST, but no RECENT and no UNSEEN. */
static void
tell_mailbox(struct session *s, const char *given)
{
	bool rev2 = (s->enabled & ENABLED_REV2) != 0;
	char id[MAILBOX_ID_SIZE];

	sync_tell_flags(s);
	stream_printf(s->io, "* %u EXISTS\r\n", mailbox_count(s->box));
	if (rev2) {
		/* RFC 9051 6.3.9.7; section 8: inbox is INBOX. */
		list_tell_one(s, mailbox_name(s->box), given);
	} else {
		stream_printf(s->io, "* %u RECENT\r\n",
		    mailbox_recent(s->box));
		tell_unseen(s);
	}
	stream_printf(s->io, "* OK [UIDVALIDITY %u] UIDs valid\r\n"
	    "* OK [UIDNEXT %u] Predicted next UID\r\n",
	    mailbox_uidvalidity(s->box), mailbox_uidnext(s->box));
	mailbox_id(s->box, id);
	stream_printf(s->io, "* OK [MAILBOXID (%s)] Its name for ever\r\n",
	    id);
	modseq_tell(s);
}

/*
 * The greatest UID up to which the client knows what was expunged: of the last
 * pair of its sample that is so here (RFC 7162 3.2.5.2).
 */
static uint32_t
known_uid(struct session *s, const struct imap_select *p)
{
	const struct imap_set *seqs = &p->seqs, *uids = &p->uids;
	uint32_t known = 0, seq, uid, count = mailbox_count(s->box);
	struct mailbox_msg m;
	size_t i = 0, j = 0;

	seq = seqs->n > 0 ? seqs->r[0].lo : 0;
	uid = uids->n > 0 ? uids->r[0].lo : 0;
	while (i < seqs->n && j < uids->n && seq <= count) {
		mailbox_msg(s->box, seq, &m);
		if (m.uid == uid)
			known = uid;
		if (seq++ == seqs->r[i].hi && ++i < seqs->n)
			seq = seqs->r[i].lo;
		if (uid++ == uids->r[j].hi && ++j < uids->n)
			uid = uids->r[j].lo;
	}
	return known;
}

/* RFC 7162 3.2.5.1: what changed while the client was away. */
static enum reply
resync(struct session *s, struct imap_select *p)
{
	uint32_t seq, count = mailbox_count(s->box);
	unsigned what = sync_what(s) | SYNC_UID;
	struct mailbox_msg m;
	enum reply r;

	if (p->validity != mailbox_uidvalidity(s->box) || s->nomodseq ||
	    !(what & SYNC_MODSEQ))
		return REPLY_OK;
	imap_set_resolve(&p->known, 0);
	r = modseq_vanished(s, p->has_known ? &p->known : NULL, p->modseq,
	    known_uid(s, p));
	for (seq = 1; seq <= count && r == REPLY_OK; seq++) {
		mailbox_msg(s->box, seq, &m);
		if (m.modseq > p->modseq && (!p->has_known ||
		    imap_set_has(&p->known, m.uid)))
			sync_message(s, seq, what);
	}
	return r;
}

static enum reply
do_select(struct session *s, const char *name, const char *given,
    unsigned flags, struct imap_select *p)
{
	enum mailbox_status status;
	enum reply r;

	/* RFC 7162 3.2.11, RFC 9051 6.3.2 */
	if (s->box != NULL)
		stream_puts(s->io, "* OK [CLOSED] Closed the previous one\r\n");
	session_deselect(s);
	if ((status = mailbox_open(s->root, name, flags | MAILBOX_LATER,
	    &s->box)) != MAILBOX_OK)
		return reply_mailbox(status);
	/* RFC 9051 6.3.2: READ-WRITE is for who can change it. */
	mailbox_check_readonly(s->box);
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
	if (p->condstore || p->qresync)
		s->enabled |= ENABLED_CONDSTORE;
	tell_mailbox(s, given);
	if (p->qresync && (r = resync(s, p)) != REPLY_OK) {
		session_deselect(s);
		return r;
	}
	return mailbox_readonly(s->box) ? REPLY_READ_ONLY_OK :
	    REPLY_READ_WRITE_OK;
}

static enum reply
open_mailbox(struct session *s, struct imap_lex *l, unsigned flags)
{
	struct imap_string name;
	struct imap_select p;
	enum reply r;

	imap_select_init(&p);
	if (args_mailbox(l, &name) == -1 || imap_lex_select(l, &p) == -1 ||
	    imap_lex_need_end(l) == -1)
		r = reply_bad(s, l);
	else if (p.qresync && !(s->enabled & ENABLED_QRESYNC))
		r = REPLY_QRESYNC;
	else if (p.seqs.n > 0 && s->enabled & ENABLED_UIDONLY)
		r = REPLY_UID_REQUIRED;
	else
		r = do_select(s, name.s, l->given, flags, &p);
	imap_select_free(&p);
	return r;
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

/* Remove the messages marked deleted; among: of these numbers only.  *n: how
 * many there were. */
static enum mailbox_status
expunge(struct session *s, const struct numbers *among, size_t *np)
{
	uint32_t count = mailbox_count(s->box), *v, i, seq;
	enum mailbox_status status;
	struct mailbox_msg m;
	size_t n = 0;

	*np = 0;
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
	*np = n;
	return status;
}

enum reply
cmd_close(struct session *s, struct imap_lex *l)
{
	size_t n;

	if (imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	/* RFC 3501 6.4.2: no untagged EXPUNGE, and none when read-only.  No
	 * HIGHESTMODSEQ (RFC 7162 3.2.8): changes of others, which were not
	 * told, could be below it. */
	if (!mailbox_readonly(s->box))
		(void)expunge(s, NULL, &n);
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
	size_t n = 0;

	if (s->uid)
		r = numbers_parse(s, l, &numbers);
	if (r == REPLY_OK && imap_lex_need_end(l) == -1)
		r = reply_bad(s, l);
	if (r == REPLY_OK && mailbox_readonly(s->box))
		r = REPLY_READ_ONLY;
	if (r == REPLY_OK) {
		status = expunge(s, s->uid ? &numbers : NULL, &n);
		r = reply_mailbox(status);
	}
	numbers_free(&numbers);
	/* Told here, so that the modification sequence is that of after it. */
	if (r == REPLY_OK && n > 0 && s->enabled & ENABLED_QRESYNC) {
		sync_mailbox(s, true);
		if (s->state == STATE_OVER)
			return REPLY_DONE;
		if (s->box != NULL)
			modseq_code(s);
	}
	return r;
}
