/* SPDX-License-Identifier: ISC
 *
 * APPEND (RFC 3501 6.3.11, RFC 4315): a message goes from the network to the
 * mailbox in pieces.  It must leave nothing in the mailbox unless it came
 * whole.
 */
#include <string.h>

#include "append.h"
#include "commands.h"
#include "keywords.h"
#include "session.h"

enum { PIECE_MS = 5 * 60 * 1000 };

struct append {
	struct imap_string mailbox;
	struct imap_flags flags;
	int64_t		 date;
	bool		 has_date;
};

/* SP mailbox [SP flag-list] [SP date-time] SP literal, of which only the
 * announcement stands there: 1, or -1. */
static int
parse_append(struct imap_lex *l, struct append *a)
{
	uint64_t size;
	int r, sync;

	memset(a, 0, sizeof(*a));
	if (args_mailbox(l, &a->mailbox) == -1 || imap_lex_need_sp(l) == -1)
		return -1;
	if ((r = imap_lex_flag_list(l, &a->flags)) == -1 ||
	    (r == 1 && imap_lex_need_sp(l) == -1))
		return -1;
	if ((r = imap_lex_date_time(l, &a->date)) == -1 ||
	    (r == 1 && imap_lex_need_sp(l) == -1))
		return -1;
	a->has_date = r == 1;
	if ((r = imap_lex_announce(l, &size, &sync)) != 1)
		return r == -1 ? -1 :
		    imap_lex_fail(l, "the message must be a literal");
	return 1;
}

bool
append_announced(const struct buf *command)
{
	struct imap_string tag;
	struct append a;
	struct imap_lex l;
	bool yes;

	if (imap_lex_init(&l, command->data, command->len) == -1)
		return false;
	yes = imap_lex_tag(&l, &tag) == 1 && imap_lex_sp(&l) &&
	    imap_lex_word(&l, "APPEND") && parse_append(&l, &a) == 1;
	imap_lex_free(&l);
	return yes;
}

/* May this be appended?  REPLY_OK, and the mailbox is open to be saved to. */
static enum reply
check_append(struct session *s, const struct append *a,
    struct mailbox **box, mailbox_flags *flags)
{
	enum mailbox_status status;

	*box = NULL;
	if (s->literal > (uint64_t)s->settings->max_size)
		return REPLY_TOO_BIG;
	status = mailbox_open(s->root, a->mailbox.s, 0, box);
	if (status == MAILBOX_NONE)
		return REPLY_TRYCREATE;
	if (status != MAILBOX_OK)
		return reply_mailbox(status);
	if (mailbox_readonly(*box))
		return REPLY_READ_ONLY;
	return keywords_flags(*box, &a->flags, true, flags);
}

/* The message's octets.  false: the client is gone. */
static bool
receive(struct session *s, struct mailbox_save *save)
{
	uint64_t left = s->literal;
	const char *p;
	size_t n;

	while (left > 0) {
		stream_record_begin(s->io, PIECE_MS);
		if (stream_peek(s->io, 1, &p, &n) != STREAM_OK) {
			s->state = STATE_OVER;
			return false;
		}
		if (n > left)
			n = (size_t)left;
		(void)mailbox_save_write(save, p, n);
		stream_consume(s->io, n);
		left -= n;
	}
	stream_record_end(s->io);
	return true;
}

static enum reply
do_append(struct session *s, const struct append *a, struct mailbox *box,
    mailbox_flags flags)
{
	struct mailbox_save *save;
	enum mailbox_status status;
	uint32_t uid;
	int rest = -1;

	if ((status = mailbox_save_begin(box, &save)) == MAILBOX_OK)
		status = mailbox_save_start(save, flags, a->has_date ?
		    (time_t)a->date : (time_t)-1);
	if (status != MAILBOX_OK) {
		mailbox_save_abort(save);
		if (!s->literal_sync && !input_skip(s, s->literal))
			return REPLY_DONE;
		return reply_mailbox(status);
	}
	if (s->literal_sync)
		stream_puts(s->io, "+ OK\r\n");
	if (receive(s, save))
		rest = input_finish(s);
	status = mailbox_save_finish(save);
	if (rest != 1 || status != MAILBOX_OK) {
		mailbox_save_abort(save);
		if (rest == -1)
			return REPLY_DONE;
		s->why = rest == 0 ? "Only one message at a time" : NULL;
		return rest == 0 ? REPLY_BAD : reply_mailbox(status);
	}
	if ((status = mailbox_save_commit(save, &uid)) != MAILBOX_OK)
		return reply_mailbox(status);
	buf_addf(&s->code, "APPENDUID %u %u", mailbox_uidvalidity(box), uid);
	return REPLY_OK;
}

enum reply
cmd_append(struct session *s, struct imap_lex *l)
{
	struct append a;
	struct mailbox *box = NULL;
	mailbox_flags flags;
	enum reply r;

	/* Only the reader decides that the message comes now. */
	if (parse_append(l, &a) == -1 || !s->has_literal)
		return reply_bad(s, l);
	r = check_append(s, &a, &box, &flags);
	if (r == REPLY_OK)
		r = do_append(s, &a, box, flags);
	else if (!s->literal_sync && !input_skip(s, s->literal))
		r = REPLY_DONE;
	mailbox_close(box);
	return r;
}
