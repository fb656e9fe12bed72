/* SPDX-License-Identifier: ISC
 *
 * An agent's hold on one message: lock, envelope, marks, and where it goes
 * next.  It must never let go of a recipient that is neither delivered nor
 * bounced.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grammar/trace.h"
#include "mail/maildir.h"
#include "mail/spool_local.h"
#include "system/fdio.h"
#include "system/log.h"

/* Lock the file under its name: another agent may have moved it between our
 * look at the folder and the lock. */
static int
lock_item(const struct spool_message *m, int dir, const char *path)
{
	struct stat mine, named;

	if (spool_lock(m->fd) == -1)
		return errno == EAGAIN ? 0 : -1;
	if (fstat(m->fd, &mine) == -1)
		return -1;
	if (fstatat(dir, path, &named, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	return mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

/* There is no envelope: is that a fault, or has the message, which we have not
 * locked, gone its way meanwhile? */
static int
lacks_envelope(const struct spool_message *m, int mode, int dir,
    const char *path)
{
	struct stat st;

	if (errno != ENOENT)
		return -1;
	if (mode == O_RDONLY && spool_stat(m->spool, m->item.queue, dir, path,
	    &st) == -1 && errno == ENOENT)
		return 0;
	errno = EBADMSG;
	return -1;
}

/* Open message and envelope as the owner, and lock when it is to be written;
 * 1, 0 gone or taken, -1. */
static int
open_item(struct spool_message *m, int mode)
{
	const struct spool_item *it = &m->item;
	char path[SPOOL_NAME_MAX + 64];
	int flags = mode | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int dir = spool_item_path(m->spool, it, path), r;
	struct spool_as as;
	struct stat st;

	if (spool_stat(m->spool, it->queue, dir, path, &st) == -1)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EBADMSG;
		return -1;
	}
	m->uid = st.st_uid;
	if (spool_as(&as, st.st_uid, m->spool->group) == -1)
		return -1;
	if ((m->fd = openat(dir, path, flags)) == -1)
		r = errno == ENOENT ? 0 : -1;
	else
		r = mode == O_RDONLY ? 1 : lock_item(m, dir, path);
	spool_as_end(&as);
	if (r != 1 || it->form == SPOOL_LINES)
		return r;
	/* The envelope may have another owner: a forward made by an agent. */
	if (spool_stat(m->spool, it->queue, m->spool->env[it->queue], it->id,
	    &st) == -1)
		return lacks_envelope(m, mode, dir, path);
	if (spool_as(&as, st.st_uid, m->spool->group) == -1)
		return -1;
	m->env_fd = openat(m->spool->env[it->queue], it->id, flags);
	spool_as_end(&as);
	return m->env_fd == -1 ? lacks_envelope(m, mode, dir, path) : 1;
}

static int
bad_envelope(const struct spool_message *m, unsigned line)
{
	if (line == 0)
		log_error("spool", "id=%s error=\"it does not begin with "
		    "Return-Path and Delivered-To\"", m->item.id);
	else
		log_error("spool", "id=%s line=%u error=\"malformed "
		    "envelope\"", m->item.id, line);
	errno = EBADMSG;
	return -1;
}

/* The first two lines. */
static int
read_lines(struct spool_message *m)
{
	char text[TRACE_ENVELOPE_MAX];
	struct address to;
	ssize_t got;
	size_t n;

	if ((got = fd_pread_all(m->fd, text, sizeof(text), 0)) == -1)
		return -1;
	if (trace_read_envelope(text, (size_t)got, &m->env.sender, &to, &n)
	    != 1)
		return bad_envelope(m, 0);
	m->env.arrived = m->item.arrived;
	m->env.own = m->item.own;
	m->start = n;
	return envelope_add(&m->env, &to) == -1 ? -1 : 1;
}

char *
spool_envelope_text(const struct spool_message *m, size_t *n)
{
	struct stat st;
	char *text;
	ssize_t got;

	if (m->env_fd == -1) {
		errno = EINVAL;
		return NULL;
	}
	if (fstat(m->env_fd, &st) == -1)
		return NULL;
	if (st.st_size > ENVELOPE_MAX) {
		errno = EBADMSG;
		return NULL;
	}
	if ((text = malloc((size_t)st.st_size + 1)) == NULL)
		return NULL;
	got = fd_pread_all(m->env_fd, text, (size_t)st.st_size, 0);
	if (got == -1) {
		free(text);
		return NULL;
	}
	*n = (size_t)got;
	return text;
}

static int
read_file(struct spool_message *m)
{
	char block[8192], *text = block;
	unsigned line;
	ssize_t got;
	size_t n;
	int r;

	/* Most are short: one call. */
	if ((got = pread(m->env_fd, block, sizeof(block), 0)) == -1)
		return -1;
	n = (size_t)got;
	if (n == sizeof(block) &&
	    (text = spool_envelope_text(m, &n)) == NULL)
		return -1;
	r = envelope_parse(&m->env, text, n, &line);
	if (text != block)
		free(text);
	return r == 0 ? bad_envelope(m, line) : r;
}

static void
forget(struct spool_message *m)
{
	int saved = errno;

	if (m->fd != -1)
		close(m->fd);
	if (m->env_fd != -1)
		close(m->env_fd);
	m->fd = m->env_fd = -1;
	envelope_free(&m->env);
	errno = saved;
}

static int
take(const struct spool *sp, const struct spool_item *it,
    struct spool_message *m, int mode)
{
	struct stat st;
	int r;

	memset(m, 0, sizeof(*m));
	m->spool = sp;
	m->item = *it;
	m->fd = m->env_fd = -1;
	envelope_init(&m->env);
	r = open_item(m, mode);
	if (r == -1 && errno == EBADMSG)
		log_error("spool", "id=%s error=\"its envelope is missing\"",
		    it->id);
	if (r == 1)
		r = it->form == SPOOL_LINES ? read_lines(m) : read_file(m);
	if (r == 1 && fstat(m->fd, &st) == -1)
		r = -1;
	if (r != 1) {
		forget(m);
		return r;
	}
	m->size = (uint64_t)st.st_size;
	m->mtime = st.st_mtim;
	if (it->form == SPOOL_FILE)
		m->start = m->env.skip < m->size ? m->env.skip : m->size;
	return 1;
}

int
spool_take(const struct spool *sp, const struct spool_item *it,
    struct spool_message *m)
{
	return take(sp, it, m, O_RDWR);
}

int
spool_look(const struct spool *sp, const struct spool_item *it,
    struct spool_message *m)
{
	return take(sp, it, m, O_RDONLY);
}

int
spool_peek(const struct spool *sp, const struct spool_item *it,
    struct envelope *e)
{
	struct spool_message m = { .spool = sp, .item = *it, .fd = -1 };
	int r;

	envelope_init(&m.env);
	envelope_init(e);
	m.env_fd = openat(sp->env[it->queue], it->id, O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC);
	if (m.env_fd == -1)
		return errno == ENOENT ? 0 : -1;
	if ((r = read_file(&m)) == 1)
		*e = m.env;
	else
		envelope_free(&m.env);
	close(m.env_fd);
	return r;
}

int
spool_reader(const struct spool_message *m)
{
	char path[SPOOL_NAME_MAX + 64];
	int dir = spool_item_path(m->spool, &m->item, path);

	return openat(dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

int
spool_append_line(struct spool_message *m, const struct buf *b)
{
	struct stat st;
	size_t skip;
	char last;

	if (buf_failed(b)) {
		errno = ENOMEM;
		return -1;
	}
	if (fstat(m->env_fd, &st) == -1 || st.st_size == 0 ||
	    fd_pread_all(m->env_fd, &last, 1, st.st_size - 1) != 1)
		return -1;
	skip = last == '\n';
	m->dirty = true;
	return pwrite(m->env_fd, b->data + skip, b->len - skip,
	    st.st_size) == (ssize_t)(b->len - skip) ? 0 : -1;
}

static int
append_tried(struct spool_message *m, size_t i, int64_t when,
    const char *text)
{
	struct buf b;
	int r;

	buf_init(&b, 4 * ENVELOPE_REASON + 64);
	buf_addc(&b, '\n');
	(void)envelope_tried(&b, i, when, text);
	r = spool_append_line(m, &b);
	buf_free(&b);
	return r;
}

int
spool_mark(struct spool_message *m, size_t i, enum envelope_status status,
    int64_t when, const char *text)
{
	struct envelope_rcpt *rcpt = &m->env.rcpts[i];
	char letter = (char)status;
	int r = 0;

	if (m->env_fd != -1) {
		m->dirty = true;
		/* The letter first: words may be lost, what was done not. */
		if (rcpt->status != status && pwrite(m->env_fd, &letter, 1,
		    (off_t)rcpt->at) != 1)
			r = -1;
		if (text != NULL && append_tried(m, i, when, text) == -1)
			r = -1;
	}
	rcpt->status = status;
	if (text != NULL) {
		rcpt->tries++;
		rcpt->last = when;
		if (envelope_set(&rcpt->reply, text) == -1)
			r = -1;
	}
	return r;
}

int
spool_marks_sync(struct spool_message *m)
{
	if (!m->dirty)
		return 0;
	m->dirty = false;
	return fdatasync(m->env_fd);
}

void
spool_item_due(struct spool_item *it, int64_t due)
{
	it->due = due;
	it->held = 0;
	it->bucket = due == 0 ? SPOOL_NOW : due - due % SPOOL_BUCKET;
}

/* The monitor and the agents may be different users, who share the group. */
static int
make_bucket(const struct spool *sp, const struct spool_item *it)
{
	char bucket[32];

	snprintf(bucket, sizeof(bucket), "%" PRId64, it->bucket);
	if (mkdirat(sp->later[it->queue], bucket, 0770) == -1)
		return errno == EEXIST ? 0 : -1;
	return fchmodat(sp->later[it->queue], bucket, 02770, 0);
}

int
spool_item_rename(const struct spool *sp, int dir, const char *path,
    const struct spool_item *to)
{
	char new[SPOOL_NAME_MAX + 64];
	int newdir = spool_item_path(sp, to, new);
	int r, tries;

	r = renameat(dir, path, newdir, new);
	/* An empty bucket may be removed while we look. */
	for (tries = 0; r == -1 && errno == ENOENT && to->bucket >= 0 &&
	    tries < 3; tries++) {
		if (make_bucket(sp, to) == -1)
			break;
		r = renameat(dir, path, newdir, new);
	}
	return r;
}

int
spool_item_move(const struct spool *sp, const struct spool_item *from,
    const struct spool_item *to)
{
	char old[SPOOL_NAME_MAX + 64];
	int olddir = spool_item_path(sp, from, old), r;
	struct spool_as as;

	if (spool_as_queue(sp, &as, from->queue) == -1)
		return -1;
	r = spool_item_rename(sp, olddir, old, to);
	spool_as_end(&as);
	return r;
}

int
spool_defer_item(const struct spool *sp, const struct spool_item *it,
    int64_t due)
{
	struct spool_item to = *it;

	spool_item_due(&to, due);
	return spool_item_move(sp, it, &to);
}

/* The name we have for a message is gone: did a person move it to now/?  Then
 * m->item says so.  errno stays. */
static bool
was_moved(struct spool_message *m)
{
	struct spool_item to = m->item;
	char path[SPOOL_NAME_MAX + 64];
	struct stat mine, named;
	bool moved;
	int dir, saved = errno;

	spool_item_due(&to, 0);
	dir = spool_item_path(m->spool, &to, path);
	moved = saved == ENOENT && m->item.bucket != SPOOL_NOW &&
	    fstat(m->fd, &mine) == 0 && spool_stat(m->spool, to.queue, dir,
	    path, &named) == 0 && mine.st_ino == named.st_ino &&
	    mine.st_dev == named.st_dev;
	if (moved)
		m->item = to;
	errno = saved;
	return moved;
}

int
spool_defer(struct spool_message *m, int64_t due)
{
	int r;

	while ((r = spool_defer_item(m->spool, &m->item, due)) == -1 &&
	    was_moved(m))
		;
	if (r == -1)
		return -1;
	spool_item_due(&m->item, due);
	return 0;
}

/* One rename of the message to its owner's folder. */
static int
give(const struct spool_message *m, uid_t owner, int dir)
{
	char path[SPOOL_NAME_MAX + 64];
	int from = spool_item_path(m->spool, &m->item, path), r;
	struct spool_as as;

	if (spool_as(&as, owner, m->spool->group) == -1)
		return -1;
	r = maildir_rename(from, path, dir, m->item.name);
	spool_as_end(&as);
	return r;
}

int
spool_give(struct spool_message *m, uid_t owner, int dir)
{
	int r;

	while ((r = give(m, owner, dir)) == -1 && was_moved(m))
		;
	/* It is delivered; should the name get lost with the power, then so
	 * does the removal of the old one, or the file system is to blame. */
	if (r == 0 && m->spool->sync_names && fsync(dir) == -1)
		log_error("spool", "id=%s error=%s", m->item.id,
		    log_str(strerror(errno)));
	if (r == 0 && m->item.form == SPOOL_FILE)
		spool_forget_envelope(m);
	return r;
}

/* Unlink the message, and the envelope. */
static int
drop(const struct spool_message *m, bool sync)
{
	char path[SPOOL_NAME_MAX + 64], *slash;
	int dir = spool_item_path(m->spool, &m->item, path), r;
	struct spool_as as;

	if (spool_as_queue(m->spool, &as, m->item.queue) == -1)
		return -1;
	r = unlinkat(dir, path, 0);
	if (r == -1) {
		spool_as_end(&as);
		return -1;
	}
	if (sync) {
		if ((slash = strchr(path, '/')) != NULL)
			*slash = '\0';
		r = spool_sync_dir(dir, slash == NULL ? "." : path);
	}
	if (r == 0 && m->item.form == SPOOL_FILE)
		r = unlinkat(m->spool->env[m->item.queue], m->item.id, 0);
	spool_as_end(&as);
	return r;
}

/* Without an envelope file only the unlink itself says that the message was
 * delivered, so it is synced. */
int
spool_drop(struct spool_message *m)
{
	bool sync = m->item.form == SPOOL_LINES || m->spool->sync_names;
	int r;

	if (spool_marks_sync(m) == -1)
		return -1;
	while ((r = drop(m, sync)) == -1 && was_moved(m))
		;
	return r;
}

int
spool_drop_unsynced(struct spool_message *m)
{
	int r;

	m->dirty = false;
	while ((r = drop(m, false)) == -1 && was_moved(m))
		;
	return r;
}

int
spool_sync_all(const struct spool *sp)
{
	int fd, r;

	if ((fd = openat(sp->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC))
	    == -1)
		return -1;
	r = syncfs(fd);
	close(fd);
	return r;
}

/* The name of the message goes first: an envelope without one is none that
 * waits. */
static int
vanish(const struct spool_message *m)
{
	char path[SPOOL_NAME_MAX + 64];
	int dir = spool_item_path(m->spool, &m->item, path);

	return unlinkat(dir, path, 0);
}

int
spool_vanish(struct spool_message *m)
{
	int r;

	m->dirty = false;
	while ((r = vanish(m)) == -1 && was_moved(m))
		;
	return r == -1 ? -1 : unlinkat(m->spool->env[m->item.queue],
	    m->item.id, 0);
}

int
spool_vanish_sync(const struct spool *sp, enum spool_queue queue)
{
	return spool_sync_dir(sp->now[queue], ".") == -1 ||
	    (sp->sync_names && spool_sync_dir(sp->env[queue], ".") == -1) ?
	    -1 : 0;
}

void
spool_release(struct spool_message *m)
{
	(void)spool_marks_sync(m);
	forget(m);
}

int64_t
spool_wait(int64_t arrived, int64_t now, int64_t first, int64_t most)
{
	int64_t wait = (now - arrived) / 2;

	if (wait < first)
		wait = first;
	if (wait > most)
		wait = most;
	return now + wait + arc4random_uniform((uint32_t)(wait / 8 + 1));
}
