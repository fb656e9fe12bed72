/* SPDX-License-Identifier: ISC
 *
 * FETCH and UID FETCH (RFC 3501 6.4.5).  One message after the other; what is
 * known without opening it is answered without opening it.
 */
#include <string.h>

#include "commands.h"
#include "fetch.h"
#include "grammar/imap_write.h"

enum { ITEMS_MAX = 64 << 20 };		/* of one answer but for sections */

static int
write_size(struct buf *b, struct fetch_message *m)
{
	uint64_t size;

	m->failed = mailbox_size(m->session->box, m->seq, &size);
	if (m->failed != MAILBOX_OK)
		return -1;
	return buf_addf(b, "RFC822.SIZE %llu ", (unsigned long long)size);
}

static int
write_date(struct buf *b, struct fetch_message *m)
{
	time_t date;

	m->failed = mailbox_date(m->session->box, m->seq, &date);
	if (m->failed != MAILBOX_OK)
		return -1;
	buf_adds(b, "INTERNALDATE ");
	imap_write_date_time(b, date);
	return buf_addc(b, ' ');
}

static int
write_structure(struct buf *b, struct fetch_message *m, unsigned items)
{
	if (fetch_message_parse(m, (items & (IMAP_FETCH_BODY |
	    IMAP_FETCH_BODYSTRUCTURE)) != 0) == -1)
		return -1;
	if (items & IMAP_FETCH_ENVELOPE) {
		buf_adds(b, "ENVELOPE ");
		imap_write_envelope(b, &m->mime, &m->mime.part[0]);
		buf_addc(b, ' ');
	}
	if (items & IMAP_FETCH_BODY) {
		buf_adds(b, "BODY ");
		imap_write_body(b, &m->mime, &m->mime.part[0], 0);
		buf_addc(b, ' ');
	}
	if (items & IMAP_FETCH_BODYSTRUCTURE) {
		buf_adds(b, "BODYSTRUCTURE ");
		imap_write_body(b, &m->mime, &m->mime.part[0], 1);
		buf_addc(b, ' ');
	}
	return 0;
}

static void
write_flags(struct buf *b, const struct session *s, uint32_t seq)
{
	struct mailbox_msg msg;

	mailbox_msg(s->box, seq, &msg);
	buf_adds(b, "FLAGS (");
	sync_write_flags(s, b, &msg);
	buf_adds(b, ") ");
}

/* All items but sections, each with a space behind it. */
static int
write_items(struct buf *b, struct fetch_message *m, unsigned items)
{
	const unsigned structure = IMAP_FETCH_ENVELOPE | IMAP_FETCH_BODY |
	    IMAP_FETCH_BODYSTRUCTURE;
	struct mailbox_msg msg;

	if (items & IMAP_FETCH_UID) {
		mailbox_msg(m->session->box, m->seq, &msg);
		buf_addf(b, "UID %u ", msg.uid);
	}
	if (items & IMAP_FETCH_FLAGS)
		write_flags(b, m->session, m->seq);
	if (items & IMAP_FETCH_INTERNALDATE && write_date(b, m) == -1)
		return -1;
	if (items & IMAP_FETCH_SIZE && write_size(b, m) == -1)
		return -1;
	if (items & structure && write_structure(b, m, items) == -1)
		return -1;
	return 0;
}

/* Send "* n FETCH (...)" of one message.  0, -1 it cannot be had, -2 the
 * session is over. */
static int
send_message(struct fetch_message *m, const struct imap_fetch *f,
    unsigned items)
{
	struct stream *io = m->session->io;
	struct buf b;
	size_t i;
	int r;

	buf_init(&b, ITEMS_MAX);
	buf_addf(&b, "* %u FETCH (", m->seq);
	r = write_items(&b, m, items);
	if (r == 0 && buf_failed(&b)) {
		m->failed = MAILBOX_TEMPORARY;
		r = -1;
	}
	for (i = 0; r == 0 && i < f->nsection; i++) {
		/* What precedes the first section goes out with it. */
		r = fetch_section(m, &f->section[i], &b);
		if (r == -1 && i > 0)
			r = -2;
		buf_reset(&b);
		buf_addc(&b, ' ');
	}
	if (r == 0 && f->nsection == 0) {
		b.len--;		/* the last space */
		stream_write(io, b.data, b.len);
	}
	if (r == 0 && stream_puts(io, ")\r\n") == -1)
		r = -2;			/* the client is gone */
	buf_free(&b);
	return r;
}

static bool
sets_seen(const struct imap_fetch *f)
{
	size_t i;

	for (i = 0; i < f->nsection; i++)
		if (!f->section[i].peek)
			return true;
	return false;
}

/* Set \Seen where reading does that; whether the flags are to be told. */
static bool
set_seen(struct session *s, uint32_t seq)
{
	struct mailbox_msg msg;

	mailbox_msg(s->box, seq, &msg);
	if (msg.gone || msg.flags & MAILBOX_SEEN || mailbox_readonly(s->box))
		return false;
	return mailbox_store(s->box, &seq, 1, MAILBOX_ADD, MAILBOX_SEEN) ==
	    MAILBOX_OK;
}

static int
fetch_one(struct session *s, const struct imap_fetch *f, uint32_t seq,
    enum mailbox_status *failed)
{
	unsigned items = f->items | (s->uid ? IMAP_FETCH_UID : 0);
	struct fetch_message m;
	int r;

	fetch_message_resume(&m, s, seq);
	if (sets_seen(f)) {
		if (fetch_message_open(&m) == 0 && set_seen(s, seq))
			items |= IMAP_FETCH_FLAGS;
	}
	r = send_message(&m, f, items);
	if (r == -1)
		*failed = m.failed;
	fetch_message_keep(&m);
	return r;
}

static enum reply
do_fetch(struct session *s, const struct imap_fetch *f,
    const struct numbers *numbers)
{
	enum mailbox_status failed = MAILBOX_OK;
	size_t i;

	for (i = 0; i < numbers->n; i++) {
		if (fetch_one(s, f, numbers->v[i], &failed) == -2) {
			/* In the middle of an answer nothing can be said. */
			s->state = STATE_OVER;
			return REPLY_DONE;
		}
	}
	if (failed == MAILBOX_NONE)
		return REPLY_GONE;
	return reply_mailbox(failed);
}

enum reply
cmd_fetch(struct session *s, struct imap_lex *l)
{
	struct numbers numbers;
	struct imap_fetch f;
	enum reply r;

	imap_fetch_init(&f);
	r = numbers_parse(s, l, &numbers);
	if (r == REPLY_OK && (imap_lex_need_sp(l) == -1 ||
	    imap_lex_fetch(l, &f) == -1 || imap_lex_need_end(l) == -1))
		r = reply_bad(s, l);
	if (r == REPLY_OK)
		r = do_fetch(s, &f, &numbers);
	imap_fetch_free(&f);
	numbers_free(&numbers);
	return r;
}
