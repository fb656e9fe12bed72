/* SPDX-License-Identifier: ISC
 *
 * What an envelope keeps beside its letters: that the sender was told of a
 * delay; and of a recipient whose mail goes to several places what is settled,
 * so that only the rest is tried again.  A message of two lines gets an
 * envelope file for that.  It must never show a message with half of one.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/spool_local.h"
#include "system/fdio.h"

int
spool_did(struct spool_message *m, const struct envelope_did *did)
{
	struct buf b;
	int r = 0;

	if (m->env_fd != -1) {
		buf_init(&b, 4 * ENVELOPE_TEXT + 128);
		buf_addc(&b, '\n');
		(void)envelope_add_did(&b, did, (int64_t)time(NULL));
		r = spool_append_line(m, &b);
		buf_free(&b);
	}
	if (envelope_keep_did(&m->env, did) == -1)
		return -1;
	return r;
}

int
spool_warned(struct spool_message *m, int64_t when)
{
	struct buf b;
	int r;

	if (m->env_fd == -1) {
		errno = EINVAL;
		return -1;
	}
	buf_init(&b, 64);
	buf_addc(&b, '\n');
	(void)envelope_warned(&b, when);
	if ((r = spool_append_line(m, &b)) == 0)
		m->env.warned = when;
	buf_free(&b);
	return r;
}

/* "Q" stands before its number, and in no part of it sooner. */
int
spool_file_name(char *name)
{
	char *p = strchr(name, 'Q');

	if (p != NULL)
		p += 1 + strspn(p + 1, "0123456789");
	if (p == NULL || (*p != 'L' && *p != 'S')) {
		errno = EINVAL;
		return -1;
	}
	*p = 'M';
	return 0;
}

/* The file, locked so that no recovery takes it for one left behind; what an
 * earlier try left is gone.  Its descriptor, or -1. */
static int
make_envelope(const struct spool_message *m, const char *id)
{
	int fd, dir = m->spool->env[m->item.queue];
	struct stat st;

	if (unlinkat(dir, id, 0) == -1 && errno != ENOENT)
		return -1;
	fd = openat(dir, id, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, SPOOL_MODE_OPEN);
	if (fd == -1)
		return -1;
	if (spool_lock(fd) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0)
		return fd;
	close(fd);
	return -1;
}

/* Readable for the agents when all of it is there. */
static mode_t
done_mode(const struct spool_message *m)
{
	const struct spool *sp = m->spool;
	struct stat st;

	return sp->uid != 0 && fstat(sp->env[m->item.queue], &st) == 0 &&
	    st.st_uid != sp->uid ? SPOOL_MODE_SHARED : SPOOL_MODE_DONE;
}

static int
write_envelope(struct spool_message *m, int fd)
{
	struct buf b;
	int r;

	m->env.skip = m->start;
	buf_init(&b, ENVELOPE_MAX);
	r = envelope_write(&b, &m->env);
	if (r == -1)
		errno = ENOMEM;
	else
		r = fd_write_all(fd, b.data, b.len);
	buf_free(&b);
	if (r == 0 && (r = fchmod(fd, done_mode(m))) == 0)
		r = fsync(fd);
	if (r == 0 && m->spool->sync_names)
		r = spool_sync_dir(m->spool->env[m->item.queue], ".");
	return r;
}

/* As the queue's owner. */
static int
change_form(struct spool_message *m)
{
	struct spool_item to = m->item;
	char old[SPOOL_NAME_MAX + 64];
	int fd, saved, dir;

	if (spool_file_name(to.id) == -1 || spool_file_name(to.name) == -1 ||
	    (fd = make_envelope(m, to.id)) == -1)
		return -1;
	to.form = SPOOL_FILE;
	dir = spool_item_path(m->spool, &m->item, old);
	if (write_envelope(m, fd) == 0 &&
	    spool_item_rename(m->spool, dir, old, &to) == 0) {
		m->item = to;
		m->env_fd = fd;
		(void)spool_unlock(fd);
		return 0;
	}
	saved = errno;
	(void)unlinkat(m->spool->env[to.queue], to.id, 0);
	close(fd);
	m->env.skip = 0;
	errno = saved;
	return -1;
}

int
spool_add_envelope(struct spool_message *m)
{
	struct spool_as as;
	int r;

	if (m->item.form != SPOOL_LINES)
		return 0;
	if (spool_as_queue(m->spool, &as, m->item.queue) == -1)
		return -1;
	r = change_form(m);
	spool_as_end(&as);
	return r;
}

void
spool_forget_envelope(const struct spool_message *m)
{
	struct spool_as as;

	if (spool_as_queue(m->spool, &as, m->item.queue) == -1)
		return;
	(void)unlinkat(m->spool->env[m->item.queue], m->item.id, 0);
	spool_as_end(&as);
}
