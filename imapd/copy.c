/* SPDX-License-Identifier: ISC
 *
 * COPY (RFC 3501 6.4.7) and MOVE (RFC 6851), with COPYUID (RFC 4315).  All
 * copies appear or none; a moved message is removed only when its copy is on
 * disk.
 */
#include "commands.h"
#include "progress.h"

/* The code that tells which became which. */
static int
write_copyuid(struct session *s, struct buf *b, struct mailbox *to,
    const struct numbers *numbers, uint32_t first)
{
	struct mailbox_msg m;
	struct imap_set set;
	size_t i;

	imap_set_init(&set);
	for (i = 0; i < numbers->n; i++) {
		mailbox_msg(s->box, numbers->v[i], &m);
		if (imap_set_add(&set, m.uid) == -1) {
			imap_set_free(&set);
			return -1;
		}
	}
	buf_addf(b, "COPYUID %u ", mailbox_uidvalidity(to));
	imap_set_write(b, &set);
	buf_addf(b, " %u", first);
	if (numbers->n > 1)
		buf_addf(b, ":%u", first + (uint32_t)(numbers->n - 1));
	imap_set_free(&set);
	return 0;
}

static void
no_news(struct session *s, struct mailbox *to, const struct numbers *numbers,
    uint32_t first)
{
	struct mailbox_msg m;
	uint32_t unseen = 0;
	size_t i;

	if (s->notify == NULL)
		return;
	for (i = 0; i < numbers->n; i++) {
		mailbox_msg(s->box, numbers->v[i], &m);
		unseen += !(m.flags & MAILBOX_SEEN);
	}
	notify_own_messages(s, mailbox_name(to), first, (uint32_t)numbers->n,
	    unseen);
}

/* Copy all, or none; messages that are gone fail it as a whole. */
static enum mailbox_status
copy_all(struct session *s, struct mailbox *to, const struct numbers *numbers,
    bool move, uint32_t *first)
{
	struct mailbox_save *save;
	enum mailbox_status status;
	struct progress p;
	size_t i;

	if ((status = mailbox_save_begin(to, &save)) != MAILBOX_OK)
		return status;
	progress_begin(&p, s, (uint32_t)numbers->n);
	mailbox_save_straight(save, move);
	if (move)
		mailbox_save_moves(save);
	for (i = 0; i < numbers->n; i++) {
		status = mailbox_save_copy(save, s->box, numbers->v[i]);
		if (status != MAILBOX_OK) {
			mailbox_save_abort(save);
			return status;
		}
		progress_step(&p, (uint32_t)i + 1);
	}
	return mailbox_save_commit(save, first);
}

static enum reply
do_copy(struct session *s, const char *name, const struct numbers *numbers,
    bool move)
{
	enum mailbox_status status;
	struct mailbox *to;
	uint32_t first;

	if (numbers->n == 0)
		return REPLY_NOTHING;
	status = mailbox_open(s->root, name, 0, &to);
	if (status != MAILBOX_OK)
		return status == MAILBOX_NONE ? REPLY_TRYCREATE :
		    reply_mailbox(status);
	status = copy_all(s, to, numbers, move, &first);
	if (status == MAILBOX_OK)
		no_news(s, to, numbers, first);
	if (status == MAILBOX_OK &&
	    write_copyuid(s, &s->code, to, numbers, first) == -1)
		buf_reset(&s->code);
	if (status == MAILBOX_OK && move) {
		/* RFC 6851 4.3: COPYUID comes before the EXPUNGEs. */
		if (s->code.len > 0) {
			stream_puts(s->io, "* OK [");
			stream_write(s->io, s->code.data, s->code.len);
			stream_puts(s->io, "] Moved\r\n");
		}
		buf_reset(&s->code);
		status = mailbox_expunge(s->box, numbers->v, numbers->n,
		    false);
	} else if (status == MAILBOX_NONE) {
		mailbox_close(to);
		return REPLY_GONE;
	}
	mailbox_close(to);
	return reply_mailbox(status);
}

static enum reply
copy_or_move(struct session *s, struct imap_lex *l, bool move)
{
	struct numbers numbers;
	struct imap_string name;
	enum reply r;

	r = numbers_parse(s, l, &numbers);
	if (r == REPLY_OK && (args_mailbox(l, &name) == -1 ||
	    imap_lex_need_end(l) == -1))
		r = reply_bad(s, l);
	if (r == REPLY_OK && move && mailbox_readonly(s->box))
		r = REPLY_READ_ONLY;
	if (r == REPLY_OK)
		r = do_copy(s, name.s, &numbers, move);
	numbers_free(&numbers);
	return r;
}

enum reply
cmd_copy(struct session *s, struct imap_lex *l)
{
	return copy_or_move(s, l, false);
}

enum reply
cmd_move(struct session *s, struct imap_lex *l)
{
	return copy_or_move(s, l, true);
}
