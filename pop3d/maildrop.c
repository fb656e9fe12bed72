/* SPDX-License-Identifier: ISC
 *
 * The maildrop, in the mailbox process: numbered once at login, locked
 * against other POP3 sessions.  Others may still remove messages: these keep
 * their number and cannot be had.  Nothing is removed before QUIT, and nothing
 * else in the Maildir is ever changed.
 */
#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "grammar/smtp_data.h"
#include "pop3d.h"
#include "system/log.h"

#define LOCK_FILE	"stdmail-pop3.lock"
#define LOCK_TRIES	40
#define LOCK_PAUSE	25000000	/* ns */
#define BLOCK		16384

/* ---- opening ---- */

/*
 * The lock goes with the process, however it ends; the file stays, and is
 * empty.  Where none can be made (a full disk, another's mailbox) the folder
 * itself is locked.
 */
static int
try_lock(const struct drop *d, int root)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (d->lock != -1)
		return fcntl(d->lock, F_OFD_SETLK, &whole);
	return flock(root, LOCK_EX | LOCK_NB);
}

static enum mailbox_status
lock_drop(struct drop *d, int root)
{
	struct timespec pause = { 0, LOCK_PAUSE };
	int i;

	d->lock = openat(root, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	/* A client that lost its connection is back before the session it
	 * had has noticed. */
	for (i = 0; i < LOCK_TRIES; i++) {
		if (try_lock(d, root) == 0)
			return MAILBOX_OK;
		if (errno != EAGAIN && errno != EACCES) {
			log_error("lock", "error=%s",
			    log_str(strerror(errno)));
			return MAILBOX_TEMPORARY;
		}
		(void)nanosleep(&pause, NULL);
	}
	return MAILBOX_BUSY;
}

/* Those with a place of their own first, then the rest as they came. */
static int
compare(const void *x, const void *y)
{
	const struct drop_message *a = x, *b = y;

	if ((a->order == 0) != (b->order == 0))
		return a->order == 0 ? 1 : -1;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static int
number_messages(struct drop *d)
{
	uint32_t i;

	d->n = mailbox_count(d->box);
	if ((d->v = calloc((size_t)d->n + 1, sizeof(*d->v))) == NULL)
		return -1;
	for (i = 0; i < d->n; i++) {
		d->v[i].seq = i + 1;
		d->v[i].order = mailbox_pop3_order(d->box, i + 1);
	}
	qsort(d->v, d->n, sizeof(*d->v), compare);
	return 0;
}

enum mailbox_status
drop_open(struct login_mailbox *m)
{
	static struct drop d;
	enum mailbox_status status;

	status = lock_drop(&d, mailbox_root_fd(m->root));
	if (status != MAILBOX_OK)
		return status;
	status = mailbox_open(m->root, "INBOX", MAILBOX_KEEP_NEW, &d.box);
	if (status != MAILBOX_OK)
		return status == MAILBOX_BUSY ? MAILBOX_TEMPORARY : status;
	status = mailbox_refresh(d.box, 0, NULL);
	/* New messages may have to wait for their UIDs (a full disk); those
	 * that are known can be had, and removed. */
	if (status != MAILBOX_OK && mailbox_uidvalidity(d.box) == 0)
		return status == MAILBOX_BUSY ? MAILBOX_TEMPORARY : status;
	if (status == MAILBOX_RESET || status == MAILBOX_TEMPORARY ||
	    number_messages(&d) == -1)
		return MAILBOX_TEMPORARY;
	m->data = &d;
	return MAILBOX_OK;
}

/* ---- messages ---- */

/* The message with this number, or NULL: why not has been said. */
static struct drop_message *
check_message(struct session *s, uint32_t number)
{
	struct drop_message *m;

	if (number > s->drop->n) {
		s->errors++;
		reply_send(s->io, REPLY_NO_SUCH, s->drop->n);
		return NULL;
	}
	m = &s->drop->v[number - 1];
	if (m->deleted) {
		s->errors++;
		reply_send(s->io, REPLY_IS_DELETED, number);
		return NULL;
	}
	if (m->vanished) {
		reply_send(s->io, REPLY_VANISHED, number);
		return NULL;
	}
	return m;
}

static bool
failed(struct drop_message *m, enum mailbox_status status)
{
	if (status == MAILBOX_NONE)
		m->vanished = true;
	return status != MAILBOX_OK;
}

/* Whether it is to be listed; its size then. */
static bool
listed(struct session *s, struct drop_message *m, uint64_t *size)
{
	*size = 0;
	return !m->deleted && !m->vanished &&
	    !failed(m, mailbox_size(s->drop->box, m->seq, size));
}

void
drop_total(struct session *s, uint32_t *n, uint64_t *octets)
{
	uint64_t size;
	uint32_t i;

	*n = 0;
	*octets = 0;
	for (i = 0; i < s->drop->n; i++)
		if (listed(s, &s->drop->v[i], &size)) {
			(*n)++;
			*octets += size;
		}
}

/* ---- listings ---- */

void
do_stat(struct session *s, const struct arguments *a)
{
	unsigned long long octets;
	uint64_t sum;
	uint32_t n;

	(void)a;
	drop_total(s, &n, &sum);
	octets = sum;
	reply_send(s->io, REPLY_STAT, n, octets);
}

void
do_list(struct session *s, const struct arguments *a)
{
	struct drop_message *m;
	uint64_t size;
	uint32_t i, n;

	if (a->message != 0) {
		if ((m = check_message(s, a->message)) == NULL)
			return;
		if (listed(s, m, &size))
			reply_send(s->io, REPLY_LIST_ONE, a->message,
			    (unsigned long long)size);
		else
			reply_send(s->io, m->vanished ? REPLY_VANISHED :
			    REPLY_UNREADABLE, a->message);
		return;
	}
	drop_total(s, &n, &size);
	reply_send(s->io, REPLY_LIST, n, (unsigned long long)size);
	for (i = 0; i < s->drop->n; i++)
		if (listed(s, &s->drop->v[i], &size))
			stream_printf(s->io, "%u %llu\r\n", i + 1,
			    (unsigned long long)size);
	stream_puts(s->io, ".\r\n");
}

void
do_uidl(struct session *s, const struct arguments *a)
{
	char id[MAILBOX_UIDL_MAX + 1];
	struct drop_message *m;
	uint32_t i;

	if (a->message != 0) {
		if ((m = check_message(s, a->message)) == NULL)
			return;
		mailbox_uidl(s->drop->box, m->seq, id);
		reply_send(s->io, REPLY_UIDL_ONE, a->message, id);
		return;
	}
	reply_send(s->io, REPLY_UIDL);
	for (i = 0; i < s->drop->n; i++) {
		m = &s->drop->v[i];
		if (m->deleted || m->vanished)
			continue;
		mailbox_uidl(s->drop->box, m->seq, id);
		stream_printf(s->io, "%u %s\r\n", i + 1, id);
	}
	stream_puts(s->io, ".\r\n");
}

/* ---- texts ---- */

struct sending {
	struct session	*s;
	struct smtp_dot	 dot;
};

static int
send_piece(void *arg, const char *p, size_t n)
{
	struct sending *to = arg;
	char out[BLOCK];
	size_t taken, made;

	while (n > 0) {
		taken = n;
		made = smtp_dot_feed(&to->dot, p, &taken, out, sizeof(out));
		if (stream_write(to->s->io, out, made) == -1)
			return 1;
		p += taken;
		n -= taken;
	}
	return 0;
}

/* Octets [0, length) of a message as a multi-line response behind its first
 * line.  A text that breaks off must not look complete. */
static void
send_text(struct session *s, struct message *m, uint64_t length)
{
	struct sending to = { .s = s };
	char end[SMTP_DOT_END];

	switch (message_stream(m, 0, length, send_piece, &to)) {
	case 0:
		stream_write(s->io, end, smtp_dot_end(&to.dot, end));
		return;
	case -1:
		log_error("read", "error=%s", log_str(strerror(errno)));
		break;
	}
	s->state = STATE_OVER;
}

/* Open a message; NULL: why not has been said. */
static struct message *
open_message(struct session *s, uint32_t number, struct drop_message **m)
{
	struct message *text;

	if ((*m = check_message(s, number)) == NULL)
		return NULL;
	if (!failed(*m, mailbox_message(s->drop->box, (*m)->seq, &text)))
		return text;
	reply_send(s->io, (*m)->vanished ? REPLY_VANISHED : REPLY_UNREADABLE,
	    number);
	return NULL;
}

void
do_retr(struct session *s, const struct arguments *a)
{
	struct drop_message *m;
	struct message *text;
	uint64_t size;

	if ((text = open_message(s, a->message, &m)) == NULL)
		return;
	if (message_size(text, &size) == -1) {
		reply_send(s->io, REPLY_UNREADABLE, a->message);
	} else {
		mailbox_sized(s->drop->box, m->seq, size);
		reply_send(s->io, REPLY_RETR, (unsigned long long)size);
		send_text(s, text, size);
		s->retrieved++;
	}
	message_close(text);
}

void
do_top(struct session *s, const struct arguments *a)
{
	struct drop_message *m;
	struct message *text;
	uint64_t length;

	if ((text = open_message(s, a->message, &m)) == NULL)
		return;
	if (message_top(text, a->lines, &length) == -1) {
		reply_send(s->io, REPLY_UNREADABLE, a->message);
	} else {
		reply_send(s->io, REPLY_TOP);
		send_text(s, text, length);
	}
	message_close(text);
}

/* ---- deleting ---- */

void
do_dele(struct session *s, const struct arguments *a)
{
	struct drop_message *m = check_message(s, a->message);

	if (m == NULL)
		return;
	m->deleted = true;
	reply_send(s->io, REPLY_DELETED, a->message);
}

void
do_rset(struct session *s, const struct arguments *a)
{
	uint64_t size;
	uint32_t i, n;

	(void)a;
	for (i = 0; i < s->drop->n; i++)
		s->drop->v[i].deleted = false;
	drop_total(s, &n, &size);
	reply_send(s->io, REPLY_RESET, n, (unsigned long long)size);
}

bool
drop_update(struct session *s)
{
	struct drop *d = s->drop;
	struct mailbox_msg msg;
	uint32_t i, n = 0, *seqs;
	bool good;

	if ((seqs = calloc((size_t)d->n + 1, sizeof(*seqs))) == NULL)
		return false;
	for (i = 0; i < d->n; i++)
		if (d->v[i].deleted)
			seqs[n++] = d->v[i].seq;
	good = mailbox_expunge(d->box, seqs, n, false) == MAILBOX_OK;
	for (i = 0; i < n; i++) {
		mailbox_msg(d->box, seqs[i], &msg);
		s->removed += msg.gone;
	}
	free(seqs);
	return good;
}
