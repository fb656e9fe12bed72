/* SPDX-License-Identifier: ISC
 *
 * STATUS.  A mailbox that did not change since someone looked costs a few
 * system calls: its index is mapped, no folder is listed.
 */
#include <inttypes.h>

#include "commands.h"
#include "status.h"

/* Appends the value; what is not MAILBOX_OK fails the whole. */
typedef enum mailbox_status status_value(const struct session *,
	    struct mailbox *, struct buf *);

static status_value messages, recent, uidnext, uidvalidity, unseen, deleted,
    size, highestmodseq, appendlimit, mailboxid, deleted_storage;

static const struct {
	const char	*name;
	unsigned	 item;
	status_value	*value;
} status_items[] = {
	{ "MESSAGES", STATUS_MESSAGES, messages },
	{ "RECENT", STATUS_RECENT, recent },
	{ "UIDNEXT", STATUS_UIDNEXT, uidnext },
	{ "UIDVALIDITY", STATUS_UIDVALIDITY, uidvalidity },
	{ "UNSEEN", STATUS_UNSEEN, unseen },
	{ "DELETED", STATUS_DELETED, deleted },
	{ "DELETED-STORAGE", STATUS_DELETED_STORAGE, deleted_storage },
	{ "SIZE", STATUS_SIZE, size },
	{ "HIGHESTMODSEQ", STATUS_HIGHESTMODSEQ, highestmodseq },
	{ "APPENDLIMIT", STATUS_APPENDLIMIT, appendlimit },
	{ "MAILBOXID", STATUS_MAILBOXID, mailboxid },
};

#define NITEMS	(sizeof(status_items) / sizeof(status_items[0]))

static enum mailbox_status
add_number(struct buf *b, uint64_t n)
{
	buf_addf(b, "%" PRIu64, n);
	return MAILBOX_OK;
}

static enum mailbox_status
messages(const struct session *s, struct mailbox *box, struct buf *b)
{
	(void)s;
	return add_number(b, mailbox_count(box));
}

static enum mailbox_status
recent(const struct session *s, struct mailbox *box, struct buf *b)
{
	(void)s;
	return add_number(b, mailbox_recent(box));
}

static enum mailbox_status
uidnext(const struct session *s, struct mailbox *box, struct buf *b)
{
	(void)s;
	return add_number(b, mailbox_uidnext(box));
}

static enum mailbox_status
uidvalidity(const struct session *s, struct mailbox *box, struct buf *b)
{
	(void)s;
	return add_number(b, mailbox_uidvalidity(box));
}

/* How many have these bits of mask. */
static uint64_t
count_flags(const struct mailbox *box, mailbox_flags mask, mailbox_flags bits)
{
	uint32_t i, count = mailbox_count(box);
	struct mailbox_msg m;
	uint64_t n = 0;

	for (i = 1; i <= count; i++) {
		mailbox_msg(box, i, &m);
		n += (m.flags & mask) == bits;
	}
	return n;
}

static enum mailbox_status
unseen(const struct session *s, struct mailbox *box, struct buf *b)
{
	(void)s;
	return add_number(b, count_flags(box, MAILBOX_SEEN, 0));
}

static enum mailbox_status
deleted(const struct session *s, struct mailbox *box, struct buf *b)
{
	(void)s;
	return add_number(b, count_flags(box, MAILBOX_DELETED,
	    MAILBOX_DELETED));
}

/* The sizes of those that have all flags of mask. */
static enum mailbox_status
sum_sizes(struct mailbox *box, mailbox_flags mask, uint64_t *out)
{
	uint32_t i, count = mailbox_count(box);
	enum mailbox_status status;
	struct mailbox_msg m;
	uint64_t one, sum = 0;

	for (i = 1; i <= count; i++) {
		mailbox_msg(box, i, &m);
		if ((m.flags & mask) != mask)
			continue;
		status = mailbox_size(box, i, &one);
		if (status == MAILBOX_OK)
			/* RFC 8438 section 3: at most 63 bits. */
			sum = one > INT64_MAX - sum ? INT64_MAX : sum + one;
		else if (status != MAILBOX_NONE)
			return status;
	}
	*out = sum;
	return MAILBOX_OK;
}

static enum mailbox_status
size(const struct session *s, struct mailbox *box, struct buf *b)
{
	enum mailbox_status status;
	uint64_t sum;

	(void)s;
	status = sum_sizes(box, 0, &sum);
	return status == MAILBOX_OK ? add_number(b, sum) : status;
}

static enum mailbox_status
deleted_storage(const struct session *s, struct mailbox *box, struct buf *b)
{
	enum mailbox_status status;
	uint64_t sum;

	(void)s;
	status = sum_sizes(box, MAILBOX_DELETED, &sum);
	return status == MAILBOX_OK ? add_number(b, sum) : status;
}

/* RFC 7162 3.1.7: 0 where they cannot be kept. */
static enum mailbox_status
highestmodseq(const struct session *s, struct mailbox *box, struct buf *b)
{
	(void)s;
	return add_number(b, mailbox_modseq_sync(box) == -1 ? 0 :
	    mailbox_modseq(box));
}

static enum mailbox_status
appendlimit(const struct session *s, struct mailbox *box, struct buf *b)
{
	(void)box;
	return add_number(b, (uint64_t)s->settings->max_size);
}

static enum mailbox_status
mailboxid(const struct session *s, struct mailbox *box, struct buf *b)
{
	char id[MAILBOX_ID_SIZE];

	(void)s;
	mailbox_id(box, id);
	buf_addf(b, "(%s)", id);
	return MAILBOX_OK;
}

int
status_lex(struct imap_lex *l, unsigned *items)
{
	size_t i;

	*items = 0;
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
	return 1;
}

void
status_asked(struct session *s, unsigned items)
{
	if (items & STATUS_HIGHESTMODSEQ)
		(void)modseq_enable(s);
}

enum mailbox_status
status_write_open(struct session *s, struct mailbox *box, unsigned items,
    struct buf *b)
{
	enum mailbox_status status = MAILBOX_OK;
	const char *between = "";
	size_t i;

	buf_adds(b, "* STATUS ");
	reply_mailbox_name(s, b, mailbox_name(box));
	buf_adds(b, " (");
	for (i = 0; i < NITEMS && status == MAILBOX_OK; i++) {
		if (!(items & status_items[i].item))
			continue;
		buf_addf(b, "%s%s ", between, status_items[i].name);
		status = status_items[i].value(s, box, b);
		between = " ";
	}
	buf_adds(b, ")\r\n");
	return status == MAILBOX_OK && buf_failed(b) ? MAILBOX_TEMPORARY :
	    status;
}

enum mailbox_status
status_write(struct session *s, const char *name, unsigned items,
    struct buf *b)
{
	enum mailbox_status status;
	struct mailbox *box;

	status = mailbox_open(s->root, name, MAILBOX_KEEP_NEW, &box);
	if (status != MAILBOX_OK)
		return status;
	status = mailbox_refresh(box, 0, NULL);
	/* New messages that cannot be given UIDs now wait; but not in a
	 * mailbox that never had any. */
	if (status != MAILBOX_RESET && status != MAILBOX_TEMPORARY &&
	    mailbox_uidvalidity(box) != 0)
		status = status_write_open(s, box, items, b);
	mailbox_close(box);
	return status;
}

/* status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")" */
enum reply
cmd_status(struct session *s, struct imap_lex *l)
{
	enum mailbox_status status;
	struct imap_string name;
	unsigned items;
	struct buf b;

	if (args_mailbox(l, &name) == -1 || imap_lex_need_sp(l) == -1 ||
	    status_lex(l, &items) == -1 || imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	status_asked(s, items);
	buf_init(&b, STREAM_BUFFER);
	status = status_write(s, name.s, items, &b);
	if (status == MAILBOX_OK)
		stream_write(s->io, b.data, b.len);
	buf_free(&b);
	return reply_mailbox(status);
}
