/* SPDX-License-Identifier: ISC
 *
 * APPEND (RFC 3501 6.3.11) of one message or many (RFC 3502), put together
 * from parts (RFC 4469), with NULs (RFC 3516) or a header in UTF-8 (RFC 6855),
 * and REPLACE (RFC 8508): messages go from the network to the mailbox in
 * pieces.  It must leave nothing in the mailbox unless all came whole.
 */
#include <string.h>

#include "append.h"
#include "commands.h"
#include "keywords.h"

enum {
	PIECE_MS = 5 * 60 * 1000,
	MESSAGES_MAX = 10000,		/* of a command */
	PARTS_MAX = 20000,
	TARGETED_MAX = 1000		/* what is added to an open mailbox
					 * stays in memory */
};

/* "APPEND" SP mailbox
 * "REPLACE" SP seq-number SP mailbox (RFC 8508 section 5), or its UID form:
 * the cursor then stands before the first append-message. */
static bool
skip_to_messages(struct imap_lex *l)
{
	struct imap_string name;
	uint32_t n;
	bool uid;

	if (imap_lex_tag(l, &name) != 1 || !imap_lex_sp(l))
		return false;
	uid = imap_lex_word(l, "UID") && imap_lex_sp(l);
	if (imap_lex_word(l, "REPLACE"))
		return imap_lex_sp(l) && (imap_lex_char(l, '*') ||
		    imap_lex_nz_number(l, &n) == 1) &&
		    args_mailbox(l, &name) == 1;
	return !uid && imap_lex_word(l, "APPEND") &&
	    args_mailbox(l, &name) == 1;
}

bool
append_announced(const struct session *s)
{
	struct imap_append start = { .state = IMAP_APPEND_NEXT };
	struct imap_lex l;
	bool yes;

	if (imap_lex_init(&l, s->command.data, s->command.len) == -1)
		return false;
	if (s->append != NULL)
		yes = imap_append_announced(s->append, &l);
	else
		yes = skip_to_messages(&l) &&
		    imap_append_announced(&start, &l);
	imap_lex_free(&l);
	return yes;
}

/* ---- one message ---- */

void
append_forget(struct session *s)
{
	mailbox_close(s->target);
	s->target = NULL;
	s->targeted = 0;
}

/* The mailbox of before is the one if it still has its name and its place. */
static bool
take_target(struct append *a)
{
	struct session *s = a->session;

	if (s->target == NULL || strcmp(mailbox_name(s->target), a->name) !=
	    0 || s->targeted >= TARGETED_MAX || !mailbox_here(s->target)) {
		append_forget(s);
		return false;
	}
	a->box = s->target;
	s->target = NULL;
	return true;
}

static enum reply
open_mailbox(struct append *a)
{
	struct session *s = a->session;
	enum mailbox_status status = MAILBOX_OK;

	if (!take_target(a))
		status = mailbox_open(s->root, a->name, 0, &a->box);
	if (status == MAILBOX_NONE)
		return REPLY_TRYCREATE;
	if (status != MAILBOX_OK)
		return reply_mailbox(status);
	if (mailbox_readonly(a->box))
		return REPLY_READ_ONLY;
	status = mailbox_save_begin(a->box, &a->save);
	if (status == MAILBOX_OK && a->replaces != 0)
		mailbox_save_instead(a->save, s->box, a->replaces);
	return reply_mailbox(status);
}

static enum reply
begin(struct append *a)
{
	struct imap_append *p = &a->parse;
	mailbox_flags flags;
	enum reply r = REPLY_OK;

	if (p->messages > MESSAGES_MAX)
		return REPLY_LIMIT;
	if (a->replaces != 0 && p->messages > 1) {
		a->session->why = "One message replaces another";
		return REPLY_BAD;
	}
	if (a->box == NULL)
		r = open_mailbox(a);
	if (r == REPLY_OK)
		r = keywords_flags(a->box, &p->flags, true, &flags);
	if (r != REPLY_OK)
		return r;
	a->unseen += !(flags & MAILBOX_SEEN);
	a->size = 0;
	return reply_mailbox(mailbox_save_start(a->save, flags, p->has_date ?
	    (time_t)p->date : (time_t)-1));
}

enum reply
append_write(struct append *a, const char *p, size_t n)
{
	uint64_t max = (uint64_t)a->session->settings->max_size;

	if (n > max || a->size > max - n)
		return REPLY_TOO_BIG;
	a->size += n;
	return reply_mailbox(mailbox_save_write(a->save, p, n));
}

/* May so many octets come?  Nothing of them has been asked for. */
static enum reply
check_octets(const struct append *a)
{
	const struct session *s = a->session;
	uint64_t max = (uint64_t)s->settings->max_size;

	/* RFC 3502 6.3.11: a message of no octets cancels. */
	if (s->literal == 0 && !a->parse.catenate)
		return REPLY_EMPTY;
	if (s->literal > max || a->size > max - s->literal)
		return REPLY_TOO_BIG;
	if (a->parts >= PARTS_MAX)
		return REPLY_LIMIT;
	if (a->parse.utf8 && !(s->enabled & (ENABLED_UTF8 | ENABLED_REV2)))
		return REPLY_UTF8_FIRST;
	return REPLY_OK;
}

/* A piece of the message.  In CATENATE nobody can tell what of it a NUL is
 * part of. */
static enum reply
take_piece(struct append *a, const char *p, size_t n)
{
	if (a->intake.fd != -1) {
		intake_write(a, p, n);
		return REPLY_OK;
	}
	if (a->parse.literal8 && memchr(p, '\0', n) != NULL)
		return REPLY_UNKNOWN_CTE;
	return append_write(a, p, n);
}

/* The octets announced, all of them even if they are in vain. */
static enum reply
receive(struct append *a)
{
	struct session *s = a->session;
	uint64_t left = s->literal;
	enum reply r = REPLY_OK;
	const char *p;
	size_t n;

	while (left > 0) {
		stream_record_begin(s->io, PIECE_MS);
		if (stream_peek(s->io, 1, &p, &n) != STREAM_OK) {
			s->state = STATE_OVER;
			return REPLY_DONE;
		}
		if (n > left)
			n = (size_t)left;
		if (r == REPLY_OK)
			r = take_piece(a, p, n);
		stream_consume(s->io, n);
		left -= n;
	}
	stream_record_end(s->io);
	return r;
}

static enum reply
take_octets(struct append *a)
{
	struct session *s = a->session;
	enum reply r;

	/* The reader of commands has seen the same. */
	if (!s->has_literal)
		return REPLY_BAD;
	if ((r = check_octets(a)) != REPLY_OK)
		return r;
	a->parts++;
	if (a->parse.literal8 && !a->parse.catenate)
		intake_begin(a);
	if (s->literal_sync)
		stream_puts(s->io, "+ OK\r\n");
	s->has_literal = false;
	a->taken = true;
	return receive(a);
}

static enum reply
finish(struct append *a)
{
	enum reply r = REPLY_OK;

	if (a->intake.fd != -1)
		r = intake_finish(a);
	intake_end(a);
	if (r == REPLY_OK && a->size == 0)
		r = REPLY_EMPTY;
	return r != REPLY_OK ? r :
	    reply_mailbox(mailbox_save_finish(a->save));
}

/* ---- all of them ---- */

/* A piece of the command; *over: it was the last. */
static enum reply
run_piece(struct append *a, struct imap_lex *l, bool *over)
{
	enum imap_append_step step;
	enum reply r = REPLY_OK;

	while (r == REPLY_OK) {
		if (imap_append_next(&a->parse, l, &step) == -1)
			return reply_bad(a->session, l);
		switch (step) {
		case IMAP_APPEND_BEGIN:
			r = begin(a);
			break;
		case IMAP_APPEND_OCTETS:
			return take_octets(a);
		case IMAP_APPEND_URL:
			if (a->parts++ >= PARTS_MAX)
				return REPLY_LIMIT;
			r = catenate_url(a, &a->parse.url);
			break;
		case IMAP_APPEND_FINISH:
			r = finish(a);
			break;
		case IMAP_APPEND_END:
			*over = true;
			return REPLY_OK;
		}
	}
	return r;
}

static enum reply
next_piece(struct append *a, bool utf8, bool *over)
{
	struct session *s = a->session;
	struct imap_lex l;
	enum reply r;

	if (input_piece(s) != INPUT_COMMAND)
		return REPLY_DONE;
	a->taken = false;
	if (imap_lex_init(&l, s->command.data, s->command.len) == -1)
		return REPLY_MEMORY;
	l.utf8 = utf8;
	r = run_piece(a, &l, over);
	imap_lex_free(&l);
	return r;
}

/* It has failed: nothing of what still comes unasked is a command. */
static enum reply
drain(struct append *a, enum reply r)
{
	struct session *s = a->session;
	bool here = true;

	if (a->taken)
		here = input_skip(s, 0);
	else if (s->has_literal && !s->literal_sync)
		here = input_skip(s, s->literal);
	return here ? r : REPLY_DONE;
}

static enum reply
take_messages(struct append *a, struct imap_lex *l)
{
	struct session *s = a->session;
	bool over = false;
	enum reply r;

	a->intake.fd = -1;
	s->append = &a->parse;
	r = run_piece(a, l, &over);
	while (r == REPLY_OK && !over)
		r = next_piece(a, l->utf8, &over);
	s->append = NULL;
	if (r != REPLY_OK && r != REPLY_DONE)
		r = drain(a, r);
	intake_end(a);
	catenate_end(a);
	return r;
}

static enum reply
commit(struct append *a)
{
	struct session *s = a->session;
	enum mailbox_status status;
	uint32_t uid;

	status = mailbox_save_commit(a->save, &uid);
	a->save = NULL;
	if (status != MAILBOX_OK)
		return reply_mailbox(status);
	notify_own_messages(s, mailbox_name(a->box), uid, a->parse.messages,
	    a->unseen);
	buf_addf(&s->code, "APPENDUID %u %u", mailbox_uidvalidity(a->box),
	    uid);
	if (a->parse.messages > 1)
		buf_addf(&s->code, ":%u", uid + a->parse.messages - 1);
	return REPLY_OK;
}

static void
append_end(struct append *a, enum reply r)
{
	struct session *s = a->session;

	mailbox_save_abort(a->save);
	if (r != REPLY_OK) {
		mailbox_close(a->box);
		append_forget(s);
		return;
	}
	s->target = a->box;
	s->targeted += a->parse.messages;
}

enum reply
cmd_append(struct session *s, struct imap_lex *l)
{
	struct append a = { .session = s };
	struct imap_string name;
	enum reply r;

	if (args_mailbox(l, &name) == -1)
		return drain(&a, reply_bad(s, l));
	a.name = name.s;
	r = take_messages(&a, l);
	if (r == REPLY_OK)
		r = commit(&a);
	append_end(&a, r);
	return r;
}

/* ---- REPLACE ---- */

/* SP seq-number: the message, which must be there. */
static enum reply
parse_replaced(struct session *s, struct imap_lex *l, uint32_t *seq)
{
	struct mailbox_msg m;
	uint32_t n = mailbox_count(s->box);
	int r;

	if (imap_lex_need_sp(l) == -1)
		return reply_bad(s, l);
	*seq = n;
	if (!imap_lex_char(l, '*')) {
		if ((r = imap_lex_nz_number(l, seq)) == 0)
			imap_lex_fail(l, "a number is missing");
		if (r != 1)
			return reply_bad(s, l);
		if (s->uid)
			*seq = mailbox_seq(s->box, *seq);
		else if (*seq > n)
			return REPLY_SEQUENCE;
	}
	if (*seq == 0)
		return s->uid ? REPLY_NO_MESSAGE : REPLY_SEQUENCE;
	mailbox_msg(s->box, *seq, &m);
	return m.gone ? REPLY_GONE : REPLY_OK;
}

/* The new one is there: tell so, before the old one goes (RFC 8508 4.3). */
static enum reply
remove_replaced(struct append *a)
{
	struct session *s = a->session;

	stream_puts(s->io, "* OK [");
	stream_write(s->io, s->code.data, s->code.len);
	stream_puts(s->io, "] Replacement message ready\r\n");
	buf_reset(&s->code);
	return reply_mailbox(mailbox_expunge(s->box, &a->replaces, 1, false));
}

enum reply
cmd_replace(struct session *s, struct imap_lex *l)
{
	struct append a = { .session = s };
	struct imap_string name;
	enum reply r;

	r = parse_replaced(s, l, &a.replaces);
	if (r == REPLY_OK && args_mailbox(l, &name) == -1)
		r = reply_bad(s, l);
	if (r == REPLY_OK && mailbox_readonly(s->box))
		r = REPLY_READ_ONLY;
	if (r != REPLY_OK)
		return drain(&a, r);
	a.name = name.s;
	r = take_messages(&a, l);
	if (r == REPLY_OK)
		r = commit(&a);
	if (r == REPLY_OK)
		r = remove_replaced(&a);
	append_end(&a, r);
	return r;
}
