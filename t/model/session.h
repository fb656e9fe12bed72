/* SPDX-License-Identifier: ISC
 *
 * One session on a mailbox, as a client of it would be: it holds a list of
 * what it was told, brings that list forward by differences alone, and
 * complains when it is then not what the mailbox has.  It does what a request
 * says and answers with its whole view, so that it may live in this process or
 * in another.
 */
#ifndef T_MODEL_SESSION_H
#define T_MODEL_SESSION_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/mailbox.h"

#define FOLDERS		3
#define ROWS		1000	/* messages in a folder at most */
#define BATCH		12	/* of one request */
#define KEYWORDS	50	/* of the model, at most */
#define KEYWORD(i)	((uint64_t)1 << (8 + (i)))

static const char *const folder_names[FOLDERS] = {
	"INBOX", "Sent", "Lists.R&-D"
};

enum verb {
	OPEN, REFRESH, STORE, EXPUNGE, SAVE, COPY, MAKE_KEYWORD, SIZES, CLOSE
};

struct request {
	enum verb	 verb;
	int		 folder;	/* OPEN, COPY: where to */
	unsigned	 flags;		/* of the call */
	enum mailbox_change change;
	uint64_t	 mark;		/* flags, keywords by the model's
					 * number */
	uint32_t	 n;
	uint32_t	 uid[BATCH];
	uint32_t	 token[BATCH];	/* SAVE */
};

struct row {
	uint32_t	 uid;
	uint32_t	 token;		/* 0: it vanished before it was read */
	uint64_t	 flags;
	uint64_t	 modseq;
	uint64_t	 size;		/* SIZES */
	long long	 date;
	bool		 gone;
};

struct reply {
	enum mailbox_status status;
	char		 error[200];	/* a rule that was broken, or "" */
	uint32_t	 validity, uidnext;
	uint32_t	 first;		/* SAVE, COPY */
	uint32_t	 copied[BATCH];	/* the source's UID, in order */
	uint32_t	 ncopied;
	uint64_t	 highest;
	uint32_t	 n;
	struct row	 row[ROWS];
};

struct session {
	struct mailbox	*mb;
	uint32_t	 n;		/* what was told */
	uint32_t	 uid[ROWS];
	uint64_t	 flags[ROWS];
	uint64_t	 modseq[ROWS];
	uint32_t	 uidnext;
	uint64_t	 highest;
	uint32_t	 ntokens;	/* read once each */
	uint32_t	 token_uid[ROWS], token[ROWS];
};

static void __attribute__((format(printf, 2, 3)))
broken(struct reply *r, const char *fmt, ...)
{
	va_list ap;

	if (r->error[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(r->error, sizeof(r->error), fmt, ap);
	va_end(ap);
}

/* ---- keywords by their names ---- */

static void
keyword_name(char *name, size_t size, int i)
{
	snprintf(name, size, i == 0 ? "$Forwarded" : "Kw%d", i);
}

static uint64_t
flags_in(const struct mailbox *mb, mailbox_flags flags)
{
	uint64_t result = flags & MAILBOX_SYSTEM_FLAGS;
	const char *name;
	int i;

	for (i = 0; i < MAILBOX_KEYWORDS_MAX; i++) {
		if ((flags & MAILBOX_KEYWORD(i)) == 0)
			continue;
		name = mailbox_keyword_name(mb, i);
		if (name == NULL)
			result |= 1u << 7;	/* never right */
		else
			result |= KEYWORD(*name == '$' ? 0 :
			    strtol(name + 2, NULL, 10));
	}
	return result;
}

static mailbox_flags
flags_out(struct mailbox *mb, uint64_t mark, struct reply *r)
{
	mailbox_flags result = mark & MAILBOX_SYSTEM_FLAGS;
	char name[16];
	int i, at;

	for (i = 0; i < KEYWORDS; i++) {
		if ((mark & KEYWORD(i)) == 0)
			continue;
		keyword_name(name, sizeof(name), i);
		if ((at = mailbox_keyword(mb, name, true)) == -1)
			broken(r, "no keyword %s", name);
		else
			result |= MAILBOX_KEYWORD(at);
	}
	return result;
}

/* ---- reading ---- */

static uint32_t
read_token(struct mailbox *mb, uint32_t seq)
{
	char text[64];
	struct message *m;
	uint32_t token = 0;
	size_t n = 0;

	if (mailbox_message(mb, seq, &m) != MAILBOX_OK)
		return 0;
	if (message_read(m, 0, text, sizeof(text) - 1, &n) == 0) {
		text[n] = '\0';
		if (strncmp(text, "X-Token: ", 9) == 0)
			token = (uint32_t)strtoul(text + 9, NULL, 10);
	}
	message_close(m);
	return token;
}

/* The token of a message, read when it was not before. */
static uint32_t
token_of_seq(struct session *s, uint32_t seq, uint32_t uid)
{
	uint32_t i, token;

	for (i = 0; i < s->ntokens; i++)
		if (s->token_uid[i] == uid)
			return s->token[i];
	token = read_token(s->mb, seq);
	if (token != 0) {
		i = s->ntokens < ROWS ? s->ntokens++ : uid % ROWS;
		s->token_uid[i] = uid;
		s->token[i] = token;
	}
	return token;
}

static void
answer_view(struct session *s, struct reply *r, bool refreshed, bool all)
{
	struct mailbox_msg m;
	struct row *row;
	uint32_t seq, recent = 0;
	uint64_t size;
	time_t date;

	r->validity = mailbox_uidvalidity(s->mb);
	r->uidnext = mailbox_uidnext(s->mb);
	r->highest = mailbox_modseq(s->mb);
	r->n = mailbox_count(s->mb);
	if (r->n > ROWS) {
		broken(r, "%u messages", r->n);
		r->n = 0;
		return;
	}
	if (all)
		s->ntokens = 0;
	for (seq = 1; seq <= r->n; seq++) {
		mailbox_msg(s->mb, seq, &m);
		row = &r->row[seq - 1];
		memset(row, 0, sizeof(*row));
		row->uid = m.uid;
		row->gone = m.gone;
		row->flags = flags_in(s->mb, m.flags);
		row->modseq = m.modseq;
		recent += m.recent;
		if (mailbox_seq(s->mb, m.uid) != seq)
			broken(r, "UID %u is not number %u", m.uid, seq);
		if (seq > 1 && m.uid <= r->row[seq - 2].uid)
			broken(r, "UID %u behind %u", m.uid,
			    r->row[seq - 2].uid);
		if (m.uid >= r->uidnext)
			broken(r, "UID %u, UIDNEXT %u", m.uid, r->uidnext);
		/* Opening messages may find others changed. */
		if (row->modseq > mailbox_modseq(s->mb))
			broken(r, "UID %u has a modseq above all", m.uid);
		if (m.gone)
			continue;
		row->token = token_of_seq(s, seq, m.uid);
		if (!all)
			continue;
		if (mailbox_size(s->mb, seq, &size) == MAILBOX_OK)
			row->size = size;
		if (mailbox_date(s->mb, seq, &date) == MAILBOX_OK)
			row->date = date;
	}
	if (refreshed && mailbox_recent(s->mb) != recent)
		broken(r, "recent: %u, but %u are", mailbox_recent(s->mb),
		    recent);
}

/* ---- what a client does with a difference ---- */

static void
take_expunged(struct session *s, const struct mailbox_diff *d,
    struct reply *r)
{
	uint32_t seq, rest;
	size_t i;

	for (i = 0; i < d->nexpunged; i++) {
		seq = d->expunged[i];
		if (seq == 0 || seq > s->n) {
			broken(r, "expunge %u of %u", seq, s->n);
			return;
		}
		rest = s->n-- - seq;
		memmove(s->uid + seq - 1, s->uid + seq,
		    rest * sizeof(*s->uid));
		memmove(s->flags + seq - 1, s->flags + seq,
		    rest * sizeof(*s->flags));
		memmove(s->modseq + seq - 1, s->modseq + seq,
		    rest * sizeof(*s->modseq));
	}
}

static void
take_message(struct session *s, uint32_t seq)
{
	struct mailbox_msg m;

	mailbox_msg(s->mb, seq, &m);
	s->uid[seq - 1] = m.uid;
	s->flags[seq - 1] = flags_in(s->mb, m.flags);
	s->modseq[seq - 1] = m.modseq;
}

static void
take_changed(struct session *s, const struct mailbox_diff *d, uint64_t highest,
    struct reply *r)
{
	uint32_t seq, uid;
	size_t i;

	for (i = 0; i < d->nchanged; i++) {
		seq = d->changed[i];
		if (seq == 0 || seq > s->n || (i > 0 && seq <=
		    d->changed[i - 1])) {
			broken(r, "changed %u of %u", seq, s->n);
			return;
		}
		uid = s->uid[seq - 1];
		take_message(s, seq);
		if (s->uid[seq - 1] != uid)
			broken(r, "number %u was UID %u, is %u", seq, uid,
			    s->uid[seq - 1]);
		if (s->modseq[seq - 1] <= highest)
			broken(r, "UID %u changed, its modseq %llu was told "
			    "before", uid, (unsigned long long)
			    s->modseq[seq - 1]);
	}
}

static void
compare_told(struct session *s, struct reply *r)
{
	struct mailbox_msg m;
	uint32_t seq;

	if (s->n != mailbox_count(s->mb))
		broken(r, "%u messages were told, there are %u", s->n,
		    mailbox_count(s->mb));
	for (seq = 1; seq <= s->n && r->error[0] == '\0'; seq++) {
		mailbox_msg(s->mb, seq, &m);
		if (m.uid != s->uid[seq - 1])
			broken(r, "number %u is UID %u, told was %u", seq,
			    m.uid, s->uid[seq - 1]);
		else if (!m.gone && flags_in(s->mb, m.flags) !=
		    s->flags[seq - 1])
			broken(r, "UID %u has flags %llx, told were %llx",
			    m.uid, (unsigned long long)flags_in(s->mb,
			    m.flags), (unsigned long long)s->flags[seq - 1]);
	}
}

static void
do_refresh(struct session *s, unsigned flags, struct reply *r)
{
	uint64_t highest = s->highest;
	struct mailbox_diff d;
	uint32_t seq;

	r->status = mailbox_refresh(s->mb, flags, &d);
	if ((flags & MAILBOX_NO_EXPUNGE) && d.nexpunged > 0)
		broken(r, "told to expunge against its wish");
	take_expunged(s, &d, r);
	take_changed(s, &d, highest, r);
	if (d.exists && mailbox_count(s->mb) <= ROWS) {
		for (seq = s->n + 1; seq <= mailbox_count(s->mb); seq++) {
			take_message(s, seq);
			if (s->uid[seq - 1] < s->uidnext)
				broken(r, "new UID %u, UIDNEXT was %u",
				    s->uid[seq - 1], s->uidnext);
		}
		s->n = mailbox_count(s->mb);
	}
	if (r->error[0] == '\0')
		compare_told(s, r);
	if (mailbox_uidnext(s->mb) < s->uidnext)
		broken(r, "UIDNEXT fell from %u to %u", s->uidnext,
		    mailbox_uidnext(s->mb));
	if (mailbox_modseq(s->mb) < s->highest)
		broken(r, "the highest modseq fell from %llu",
		    (unsigned long long)s->highest);
	s->uidnext = mailbox_uidnext(s->mb);
	s->highest = mailbox_modseq(s->mb);
}

/* ---- changes ---- */

static uint32_t
numbers(const struct session *s, const struct request *q, uint32_t *seqs)
{
	uint32_t i, n = 0;

	for (i = 0; i < q->n; i++)
		if ((seqs[n] = mailbox_seq(s->mb, q->uid[i])) != 0)
			n++;
	return n;
}

static void
do_store(struct session *s, const struct request *q, struct reply *r)
{
	mailbox_flags flags = flags_out(s->mb, q->mark, r);
	uint32_t seqs[BATCH], n = numbers(s, q, seqs), i;

	r->status = mailbox_store(s->mb, seqs, n, q->change, flags);
	for (i = 0; i < n; i++)		/* as its FETCH reply tells */
		take_message(s, seqs[i]);
}

static void
save_text(struct mailbox_save *save, uint32_t token)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "X-Token: %u\r\n\r\n", token);

	(void)mailbox_save_write(save, text, (size_t)n);
	for (n = (int)(token % 50); n > 0; n--)
		(void)mailbox_save_write(save, "text of a line\r\n", 16);
}

static void
do_save(struct session *s, const struct request *q, struct reply *r)
{
	mailbox_flags flags = flags_out(s->mb, q->mark, r);
	struct mailbox_save *save;
	uint32_t i;

	if ((r->status = mailbox_save_begin(s->mb, &save)) != MAILBOX_OK)
		return;
	for (i = 0; i < q->n; i++) {
		(void)mailbox_save_start(save, flags,
		    (time_t)(1000000 + q->token[i]));
		save_text(save, q->token[i]);
		(void)mailbox_save_finish(save);
	}
	r->status = mailbox_save_commit(save, &r->first);
}

static void
do_copy(struct session *s, struct mailbox_root *root, const struct request *q,
    struct reply *r)
{
	struct mailbox *to = NULL;
	struct mailbox_save *save;
	enum mailbox_status status;
	uint32_t i, seq;

	r->status = mailbox_open(root, folder_names[q->folder], 0, &to);
	if (r->status != MAILBOX_OK)
		return;
	r->status = mailbox_save_begin(to, &save);
	for (i = 0; i < q->n && r->status == MAILBOX_OK; i++) {
		if ((seq = mailbox_seq(s->mb, q->uid[i])) == 0)
			continue;
		status = mailbox_save_copy(save, s->mb, seq);
		if (status == MAILBOX_OK)
			r->copied[r->ncopied++] = q->uid[i];
		else if (status != MAILBOX_NONE)
			broken(r, "copy of UID %u: %s", q->uid[i],
			    mailbox_status_text(status));
	}
	if (r->status == MAILBOX_OK)
		r->status = mailbox_save_commit(save, &r->first);
	mailbox_close(to);
}

static void
do_open(struct session *s, struct mailbox_root *root, const struct request *q,
    struct reply *r)
{
	memset(s, 0, sizeof(*s));
	r->status = mailbox_open(root, folder_names[q->folder], q->flags,
	    &s->mb);
	if (r->status == MAILBOX_OK)
		do_refresh(s, 0, r);
}

/* Do what is asked; the view is answered too, but for CLOSE. */
static void
serve(struct session *s, struct mailbox_root *root, const struct request *q,
    struct reply *r)
{
	uint32_t seqs[BATCH], n;
	char name[16];

	memset(r, 0, offsetof(struct reply, row));
	switch (q->verb) {
	case OPEN:
		do_open(s, root, q, r);
		break;
	case SIZES:
	case REFRESH:
		do_refresh(s, q->flags, r);
		break;
	case STORE:
		do_store(s, q, r);
		break;
	case EXPUNGE:
		n = numbers(s, q, seqs);
		r->status = mailbox_expunge(s->mb, seqs, n, q->flags != 0);
		break;
	case SAVE:
		do_save(s, q, r);
		break;
	case COPY:
		do_copy(s, root, q, r);
		break;
	case MAKE_KEYWORD:
		keyword_name(name, sizeof(name), (int)q->n);
		if (mailbox_keyword(s->mb, name, true) == -1)
			broken(r, "no keyword %s", name);
		break;
	case CLOSE:
		mailbox_close(s->mb);
		s->mb = NULL;
		return;
	}
	if (s->mb != NULL)
		answer_view(s, r, q->verb == OPEN || q->verb == REFRESH ||
		    q->verb == SIZES, q->verb == SIZES);
}

#endif
