/* SPDX-License-Identifier: ISC
 *
 * The creator's side of the spool.  Each step leaves a state that
 * spool_recover() can tell from every other; the order in which files appear,
 * are sealed and go is the whole protocol.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "grammar/trace.h"
#include "mail/spool_local.h"
#include "system/log.h"

#define TRIES	16	/* for a name that is free */

int
spool_lock(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	while (fcntl(fd, F_OFD_SETLK, &lock) == -1) {
		if (errno == EACCES)
			errno = EAGAIN;
		if (errno != EINTR)
			return -1;
	}
	return 0;
}

bool
spool_is_taken(const struct spool_message *m)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(m->fd, F_OFD_GETLK, &lock) == 0 &&
	    lock.l_type != F_UNLCK;
}

int
spool_unlock(int fd)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock);
}

/*
 * Make a file that nobody else has and lock it.  Between the two a recovery
 * may take it for one whose writer died: then it is another name's turn
 * (EEXIST).
 */
static int
make_file(int dir, const char *name)
{
	struct stat st;
	int fd;

	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, SPOOL_MODE_OPEN);
	if (fd == -1)
		return -1;
	if (spool_lock(fd) == -1) {
		if (errno != EAGAIN) {
			unlinkat(dir, name, 0);
			close(fd);
			return -1;
		}
	} else if (fstat(fd, &st) == 0 && st.st_nlink > 0)
		return fd;
	close(fd);
	errno = EEXIST;
	return -1;
}

static int
make_files(const struct spool *sp, struct spool_new *n)
{
	if ((n->msg = make_file(sp->tmp, n->id)) == -1)
		return -1;
	if (n->form == SPOOL_LINES)
		return 0;
	if ((n->env = make_file(sp->env[n->queue], n->id)) != -1)
		return 0;
	unlinkat(sp->tmp, n->id, 0);
	close(n->msg);
	n->msg = -1;
	return -1;
}

int
spool_create(const struct spool *sp, struct spool_new *n,
    enum spool_queue queue, enum spool_form form, uid_t owner, bool own)
{
	struct spool_as as;
	int tries, r = -1, saved;

	memset(n, 0, sizeof(*n));
	n->msg = n->env = -1;
	n->queue = queue;
	n->form = queue == SPOOL_REMOTE ? SPOOL_FILE : form;
	n->owner = owner != (uid_t)-1 && n->form == SPOOL_LINES ? owner :
	    sp->owner[queue];
	if (sp->uid != 0)
		n->owner = sp->uid;
	if (spool_as(&as, n->owner, sp->group) == -1)
		return -1;
	for (tries = 0; tries < TRIES; tries++) {
		spool_make_id(n->id, spool_letter(queue, n->form, own),
		    sp->host);
		if ((r = make_files(sp, n)) == 0 || errno != EEXIST)
			break;
	}
	saved = errno;
	spool_as_end(&as);
	if (r == -1)
		n->id[0] = '\0';
	else
		strlcpy(n->tmp, n->id, sizeof(n->tmp));
	errno = saved;
	return r;
}

/* The mode of a finished file: for the queue's agent, who is the file's
 * owner, or root, or shares the group. */
static mode_t
done_mode(const struct spool *sp, const struct spool_new *n)
{
	struct stat st;

	if (sp->uid == 0 || fstat(sp->now[n->queue], &st) == -1 ||
	    st.st_uid == sp->uid)
		return SPOOL_MODE_DONE;
	return SPOOL_MODE_SHARED;
}

int
spool_seal_envelope(const struct spool *sp, struct spool_new *n)
{
	struct spool_as as;
	int r;

	if (n->env == -1) {
		errno = EINVAL;
		return -1;
	}
	if (spool_as(&as, n->owner, sp->group) == -1)
		return -1;
	r = fchmod(n->env, done_mode(sp, n));
	if (r == 0 && sp->sync_names)
		r = spool_sync_dir(sp->env[n->queue], ".");
	spool_as_end(&as);
	return r;
}

/*
 * Size and sum go into the name, so that after a power cut between here and
 * the end of the fsync a file whose data was lost is not taken for a whole
 * one: another file's fsync may have brought name, mode and size to disk, and
 * the data then reads as zeros.
 */
int
spool_seal(const struct spool *sp, struct spool_new *n, uint64_t size,
    uint64_t wire, uint32_t crc)
{
	char tmp[SPOOL_NAME_MAX], due[32] = "";
	struct spool_as as;
	struct stat st;
	int r;

	if (fstat(n->msg, &st) == -1)
		return -1;
	if ((uint64_t)st.st_size != size || wire < size ||
	    wire - size > size || n->name[0] != '\0') {
		errno = EINVAL;
		return -1;
	}
	if (n->due > 0)
		snprintf(due, sizeof(due), ",D=%" PRId64, n->due);
	snprintf(tmp, sizeof(tmp), "%s,S=%" PRIu64 ",W=%" PRIu64 ",C=%08"
	    PRIx32 "%s", n->id, size, wire, crc, due);
	if (spool_as(&as, n->owner, sp->group) == -1)
		return -1;
	r = fchmod(n->msg, done_mode(sp, n));
	if (r == 0)
		r = renameat(sp->tmp, n->tmp, sp->tmp, tmp);
	if (r == 0) {
		strlcpy(n->tmp, tmp, sizeof(n->tmp));
		strlcpy(n->name, tmp, sizeof(n->name));
		*strstr(n->name, ",C=") = '\0';
	}
	spool_as_end(&as);
	return r;
}

/*
 * Not on a file system where the fsync of the file was enough.  The message is
 * safe in tmp/ after the first; the second keeps the rename from losing it.
 */
static int
rename_synced(const struct spool *sp, const struct spool_new *n,
    const struct spool_item *it)
{
	char path[SPOOL_NAME_MAX + 64], *slash;
	int dir = spool_item_path(sp, it, path), r;

	if (spool_sync_dir(sp->tmp, ".") == -1 ||
	    spool_item_rename(sp, sp->tmp, n->tmp, it) == -1)
		return -1;
	r = spool_sync_dir(dir, ".");
	if (r == 0 && (slash = strchr(path, '/')) != NULL) {
		*slash = '\0';
		r = spool_sync_dir(dir, path);
		*slash = '/';
	}
	/* Gone by now means an agent has it: then it is answered for. */
	return r == 0 || unlinkat(dir, path, 0) == -1 ? 0 : -1;
}

int
spool_commit(const struct spool *sp, struct spool_new *n)
{
	struct spool_item it = { .queue = n->queue };
	struct spool_as as;
	int r;

	if (n->id[0] == '\0' || n->name[0] == '\0') {
		errno = EINVAL;
		return -1;
	}
	strlcpy(it.name, n->name, sizeof(it.name));
	spool_item_due(&it, n->due);
	if (spool_as(&as, n->owner, sp->group) == -1)
		return -1;
	/*
	 * Unlocked first: an agent that the rename wakes must be able to take
	 * it.  From here on a recovery may do the rename for us, which is the
	 * only way the name can be gone.
	 */
	if ((r = spool_unlock(n->msg)) == 0) {
		r = sp->sync_names ? rename_synced(sp, n, &it) :
		    spool_item_rename(sp, sp->tmp, n->tmp, &it);
		if (r == -1 && errno == ENOENT)
			r = 0;
	}
	spool_as_end(&as);
	if (r == -1)
		return -1;
	close(n->msg);
	if (n->env != -1)
		close(n->env);
	n->msg = n->env = -1;
	return 0;
}

/*
 * The envelope is unsealed first: from then on the message, though it may be
 * sealed, is one to be deleted.  A message that a recovery queued between an
 * unlock and a rename that failed has gone its way: it keeps its envelope.
 */
static void
take_away(const struct spool *sp, const struct spool_new *n)
{
	if (n->env != -1)
		(void)fchmod(n->env, SPOOL_MODE_OPEN);
	if (unlinkat(sp->tmp, n->tmp, 0) == -1) {
		log_error("spool", "id=%s error=%s", n->id,
		    log_str(strerror(errno)));
		if (n->env != -1)
			(void)fchmod(n->env, done_mode(sp, n));
		return;
	}
	if (n->env != -1)
		(void)unlinkat(sp->env[n->queue], n->id, 0);
}

void
spool_abort(const struct spool *sp, struct spool_new *n)
{
	struct spool_as as;
	int saved = errno;

	if (n->id[0] == '\0' || n->msg == -1)
		return;
	if (spool_as(&as, n->owner, sp->group) == 0) {
		take_away(sp, n);
		spool_as_end(&as);
	}
	close(n->msg);
	if (n->env != -1)
		close(n->env);
	n->msg = n->env = -1;
	n->id[0] = '\0';
	errno = saved;
}

/* Where the file system has no unnamed files, one that loses its name. */
int
spool_draft(const struct spool *sp)
{
	char name[SPOOL_ID_MAX];
	int fd;

	fd = openat(sp->tmp, ".", O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL,
	    SPOOL_MODE_OPEN);
	if (fd != -1 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	spool_make_id(name, spool_letter(SPOOL_LOCAL, SPOOL_FILE, false),
	    sp->host);
	fd = openat(sp->tmp, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, SPOOL_MODE_OPEN);
	if (fd != -1)
		(void)unlinkat(sp->tmp, name, 0);
	return fd;
}

/* The envelope file: written, sealed and on disk before the message. */
static int
put_envelope(struct spool_put *p, struct envelope *e)
{
	struct buf b;
	int r = -1;

	buf_init(&b, ENVELOPE_MAX);
	spool_writer_init(&p->writer, p->file.env);
	if (envelope_write(&b, e) == -1)
		errno = ENOMEM;
	else if (spool_write(&p->writer, b.data, b.len) == 0 &&
	    spool_flush(&p->writer) == 0 &&
	    spool_seal_envelope(p->spool, &p->file) == 0)
		r = spool_sync(&p->writer);
	buf_free(&b);
	return r;
}

static int
put_lines(struct spool_put *p, const struct envelope *e)
{
	struct buf b;
	int r;

	buf_init(&b, TRACE_ENVELOPE_MAX);
	trace_return_path(&b, &e->sender);
	if (trace_delivered_to(&b, &e->rcpts[0].addr) == -1) {
		errno = ENOMEM;
		r = -1;
	} else
		r = spool_write(&p->writer, b.data, b.len);
	buf_free(&b);
	return r;
}

int
spool_put_begin(struct spool_put *p, const struct spool *sp,
    enum spool_queue queue, struct envelope *e, uid_t owner)
{
	enum spool_form form = queue == SPOOL_LOCAL && envelope_is_plain(e) ?
	    SPOOL_LINES : SPOOL_FILE;

	p->spool = sp;
	if (e->nrcpts == 0) {
		p->file.id[0] = '\0';
		errno = EINVAL;
		return -1;
	}
	if (e->arrived == 0)
		e->arrived = (int64_t)time(NULL);
	if (spool_create(sp, &p->file, queue, form, owner, e->own != 0) == -1)
		return -1;
	if (form == SPOOL_FILE && put_envelope(p, e) == -1)
		goto fail;
	spool_writer_init(&p->writer, p->file.msg);
	if (form == SPOOL_LINES && put_lines(p, e) == -1)
		goto fail;
	return 0;
fail:
	spool_abort(sp, &p->file);
	return -1;
}

int
spool_put_write(struct spool_put *p, const void *data, size_t n)
{
	return spool_write(&p->writer, data, n);
}

int
spool_put_end(struct spool_put *p)
{
	struct spool_writer *w = &p->writer;

	if (spool_flush(w) == 0 &&
	    spool_seal(p->spool, &p->file, w->size, w->wire,
	    w->crc) == 0 &&
	    spool_sync(w) == 0 && spool_commit(p->spool, &p->file) == 0)
		return 0;
	spool_abort(p->spool, &p->file);
	return -1;
}

void
spool_put_abort(struct spool_put *p)
{
	spool_abort(p->spool, &p->file);
}
