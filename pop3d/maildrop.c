/* SPDX-License-Identifier: ISC
 *
 * The maildrop, in the mailbox process: numbered once at login, locked
 * against other POP3 sessions.  Others may still remove messages: these keep
 * their number and cannot be had.  Nothing is removed before QUIT, and nothing
 * else in the Maildir is ever changed.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/mailbox_pop3.h"
#include "pop3d.h"
#include "system/log.h"

#define LOCK_FILE	"stdmail-pop3.lock"
#define LOCK_TRIES	40
#define LOCK_PAUSE	25000000	/* ns */

/* ---- opening ---- */

/*
 * The lock goes with the process, however it ends; the file stays, and is
 * empty.  Where none can be made (a full disk, another's mailbox) the folder
 * itself is locked.  An mbox is ours since before the sandbox (login.alone),
 * without a file.
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
lock_drop(struct drop *d, int root, bool is_mbox)
{
	struct timespec pause = { 0, LOCK_PAUSE };
	int i;

	d->lock = -1;
	if (is_mbox)
		return MAILBOX_OK;
	d->lock = openat(root, LOCK_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (d->lock == -1) {
		d->lock = openat(root, LOCK_FILE, O_RDWR | O_CREAT |
		    O_CLOEXEC | O_NOFOLLOW, 0600);
		d->first = true;
	}
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

/*
 * RFC 2449, section 6.5.  The time of the last login is that of the lock's
 * file, which outlives every process.  NOTE: one that lies ahead (the clock
 * was set back) keeps nobody out.
 */
static bool
too_soon(const struct drop *d)
{
	long long delay = login.settings->pop3_login_delay;
	struct timespec now;
	struct stat st;

	if (delay == 0 || d->lock == -1 || d->first ||
	    fstat(d->lock, &st) == -1)
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	return st.st_mtim.tv_sec <= now.tv_sec &&
	    now.tv_sec - st.st_mtim.tv_sec < delay;
}

static void
note_login(const struct drop *d)
{
	const struct timespec now[2] = { { .tv_nsec = UTIME_OMIT },
	    { .tv_nsec = UTIME_NOW } };

	if (login.settings->pop3_login_delay > 0 && d->lock != -1 &&
	    futimens(d->lock, now) == -1)
		log_error("login-delay", "error=%s", log_str(strerror(errno)));
}

struct place {
	uint32_t	order;		/* of a migration, 0 none */
	uint32_t	seq;
};

/* Those with a place of their own first, then the rest as they came. */
static int
compare(const void *x, const void *y)
{
	const struct place *a = x, *b = y;

	if ((a->order == 0) != (b->order == 0))
		return a->order == 0 ? 1 : -1;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

/* Number the messages as a migration wants it. */
static int
order_messages(struct drop *d)
{
	struct place *places;
	uint32_t i;

	places = reallocarray(NULL, (size_t)d->n + 1, sizeof(*places));
	d->order = reallocarray(NULL, (size_t)d->n + 1, sizeof(*d->order));
	if (places == NULL || d->order == NULL) {
		free(places);
		return -1;
	}
	for (i = 0; i < d->n; i++) {
		places[i].seq = i + 1;
		places[i].order = mailbox_pop3_order(d->box, i + 1);
	}
	qsort(places, d->n, sizeof(*places), compare);
	for (i = 0; i < d->n; i++)
		d->order[i] = places[i].seq;
	free(places);
	return 0;
}

/* Pages of marks that nobody sets cost no memory. */
static int
number_messages(struct drop *d)
{
	d->n = mailbox_count(d->box);
	d->marks = calloc((size_t)d->n / 4 + 1, 1);
	if (d->marks == NULL)
		return -1;
	return mailbox_pop3_ordered(d->box) ? order_messages(d) : 0;
}

/* NOTE: MAILBOX_NOT_PERMITTED says that it is too soon for another login;
 * nothing else here returns it. */
enum mailbox_status
drop_open(struct login_mailbox *m)
{
	static struct drop d;
	enum mailbox_status status;

	status = lock_drop(&d, mailbox_root_fd(m->root),
	    mailbox_root_folder(m->root) != NULL);
	if (status != MAILBOX_OK)
		return status;
	if (m->peer != NULL && too_soon(&d))
		return MAILBOX_NOT_PERMITTED;
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
	if (m->peer != NULL)
		note_login(&d);
	m->data = &d;
	return MAILBOX_OK;
}

void
drop_close(struct drop *d)
{
	mailbox_close(d->box);
	free(d->order);
	free(d->marks);
}

/* ---- messages ---- */

uint32_t
drop_seq(const struct drop *d, uint32_t number)
{
	return d->order == NULL ? number : d->order[number - 1];
}

static bool
is_marked(const struct drop *d, uint32_t number, unsigned mark)
{
	uint32_t i = number - 1;

	return d->marks[i / 4] >> (i % 4 * 2) & mark;
}

/* The message is not marked yet. */
static void
set_mark(struct drop *d, uint32_t number, unsigned mark)
{
	uint32_t i = number - 1;

	d->marks[i / 4] |= (unsigned char)(mark << (i % 4 * 2));
	if (mark == DROP_DELETED)
		d->deleted++;
	else
		d->vanished++;
}

bool
drop_has(const struct drop *d, uint32_t number)
{
	return !is_marked(d, number, DROP_DELETED | DROP_VANISHED);
}

bool
drop_check(struct session *s, uint32_t number)
{
	if (number > s->drop->n) {
		s->errors++;
		reply_send(s->io, REPLY_NO_SUCH, s->drop->n);
		return false;
	}
	if (is_marked(s->drop, number, DROP_DELETED)) {
		s->errors++;
		reply_send(s->io, REPLY_IS_DELETED, number);
		return false;
	}
	if (is_marked(s->drop, number, DROP_VANISHED)) {
		reply_send(s->io, REPLY_VANISHED, number);
		return false;
	}
	return true;
}

void
drop_failed(struct session *s, uint32_t number, enum mailbox_status status)
{
	if (status == MAILBOX_NONE) {
		if (drop_has(s->drop, number))
			set_mark(s->drop, number, DROP_VANISHED);
		s->drop->counted = false;
		reply_send(s->io, REPLY_VANISHED, number);
	} else
		reply_send(s->io, status == MAILBOX_NO_RIGHT ?
		    REPLY_FORBIDDEN : REPLY_UNREADABLE, number);
}

bool
drop_size(struct drop *d, uint32_t number, uint64_t *size)
{
	enum mailbox_status status;

	*size = 0;
	if (!drop_has(d, number))
		return false;
	status = mailbox_size(d->box, drop_seq(d, number), size);
	if (status == MAILBOX_NONE) {
		set_mark(d, number, DROP_VANISHED);
		d->counted = false;
	}
	return status == MAILBOX_OK;
}

void
drop_sized(struct drop *d, uint32_t number, uint64_t size)
{
	uint64_t said;

	if (d->counted && (!drop_size(d, number, &said) || said != size))
		d->counted = false;
	mailbox_sized(d->box, drop_seq(d, number), size);
}

void
drop_total(struct drop *d, uint32_t *n, uint64_t *octets)
{
	uint64_t size;
	uint32_t i;

	if (!d->counted) {
		d->listed = 0;
		d->octets = 0;
		for (i = 1; i <= d->n; i++)
			if (drop_size(d, i, &size)) {
				d->listed++;
				d->octets += size;
			}
		d->counted = true;
	}
	*n = d->listed;
	*octets = d->octets;
}

/* ---- deleting ---- */

void
do_dele(struct session *s, const struct arguments *a)
{
	struct drop *d = s->drop;
	uint64_t size;

	if (!drop_check(s, a->message))
		return;
	if (d->counted && drop_size(d, a->message, &size)) {
		d->listed--;
		d->octets -= size;
	} else
		d->counted = false;
	set_mark(d, a->message, DROP_DELETED);
	reply_send(s->io, REPLY_DELETED, a->message);
}

void
do_rset(struct session *s, const struct arguments *a)
{
	const unsigned char all_deleted = DROP_DELETED * 0x55;
	struct drop *d = s->drop;
	uint64_t octets;
	uint32_t n;
	size_t i;

	(void)a;
	if (d->deleted > 0) {
		for (i = 0; i < (size_t)d->n / 4 + 1; i++)
			d->marks[i] &= (unsigned char)~all_deleted;
		d->deleted = 0;
		d->counted = false;
	}
	drop_total(d, &n, &octets);
	reply_send(s->io, REPLY_RESET, n, (unsigned long long)octets);
}

bool
drop_update(struct session *s)
{
	struct drop *d = s->drop;
	struct mailbox_msg msg;
	uint32_t i, n = 0, *seqs;
	bool good;

	if (d->deleted == 0)
		return true;
	if ((seqs = reallocarray(NULL, d->deleted, sizeof(*seqs))) == NULL)
		return false;
	for (i = 1; i <= d->n; i++)
		if (is_marked(d, i, DROP_DELETED))
			seqs[n++] = drop_seq(d, i);
	good = mailbox_expunge(d->box, seqs, n, false) == MAILBOX_OK;
	for (i = 0; i < n; i++) {
		mailbox_msg(d->box, seqs[i], &msg);
		s->removed += msg.gone;
	}
	free(seqs);
	return good;
}
