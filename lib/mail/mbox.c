/* SPDX-License-Identifier: ISC
 *
 * Appending to an mbox.  It must never leave half a message there, nor write
 * while another program holds one of the locks.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mail/mbox.h"
#include "mail/spool_local.h"
#include "system/log.h"

#define STALE	300	/* seconds after which a FILE.lock is abandoned */
#define PAUSE	100	/* milliseconds between two looks at a lock */

static void
pause_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&ts, NULL);
}

/* FILE.lock: 1 it is ours, 0 another's, -1 cannot be made: then it is left
 * out, as by all who may not write there. */
static int
dot_lock(const char *path)
{
	struct stat st;
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd != -1) {
		close(fd);
		return 1;
	}
	if (errno != EEXIST)
		return -1;
	if (lstat(path, &st) == 0 && time(NULL) - st.st_mtime > STALE)
		(void)unlink(path);
	return 0;
}

static int
take_locks(struct mbox_file *m, const char *path)
{
	time_t end = time(NULL) + MBOX_LOCK_SECONDS;
	int n, got;

	n = snprintf(m->dot, sizeof(m->dot), "%s.lock", path);
	if (n < 0 || (size_t)n >= sizeof(m->dot)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	while ((got = dot_lock(m->dot)) == 0 && time(NULL) < end)
		pause_ms(PAUSE);
	if (got != 1)
		m->dot[0] = '\0';
	if (got == 0) {
		errno = EAGAIN;
		return -1;
	}
	for (;;) {
		if (spool_lock(m->fd) == 0) {
			if (flock(m->fd, LOCK_EX | LOCK_NB) == 0)
				return 0;
			(void)spool_unlock(m->fd);
			if (errno != EWOULDBLOCK)
				return -1;
		} else if (errno != EAGAIN)
			return -1;
		if (time(NULL) >= end)
			break;
		pause_ms(PAUSE);
	}
	errno = EAGAIN;
	return -1;
}

static void
finish(struct mbox_file *m)
{
	int saved = errno;

	if (m->dot[0] != '\0')
		(void)unlink(m->dot);
	if (m->fd != -1)
		close(m->fd);
	m->fd = -1;
	errno = saved;
}

/* The file must end with an empty line before a From_ line. */
static int
write_separator(struct mbox_file *m)
{
	char last[2] = "\n\n";
	size_t n = m->start < 2 ? (size_t)m->start : 2;

	if (n > 0 && pread(m->fd, last + 2 - n, n, m->start - (off_t)n) !=
	    (ssize_t)n)
		return -1;
	if (n == 0 || (last[0] == '\n' && last[1] == '\n'))
		return 0;
	return spool_write(&m->writer, "\n\n", last[1] == '\n' ? 1 : 2);
}

static int
write_from(struct mbox_file *m, const char *sender, time_t when)
{
	char line[1200], date[64];
	struct tm tm;
	int n;

	if (gmtime_r(&when, &tm) == NULL || strftime(date, sizeof(date),
	    "%a %b %e %H:%M:%S %Y", &tm) == 0)
		date[0] = '\0';
	n = snprintf(line, sizeof(line), "From %s %s\n",
	    *sender == '\0' ? "MAILER-DAEMON" : sender, date);
	if (n < 0 || (size_t)n >= sizeof(line)) {
		errno = EINVAL;
		return -1;
	}
	return spool_write(&m->writer, line, (size_t)n);
}

int
mbox_begin(struct mbox_file *m, const char *path, const char *sender,
    time_t when)
{
	int flags = O_RDWR | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	struct stat st;

	memset(m, 0, offsetof(struct mbox_file, writer));
	m->fd = open(path, flags);
	if (m->fd == -1 && errno == ENOENT) {
		m->fd = open(path, flags | O_CREAT | O_EXCL, 0600);
		m->new = m->fd != -1;
		if (m->fd == -1 && errno == EEXIST)
			m->fd = open(path, flags);
	}
	if (m->fd == -1)
		return -1;
	if (fstat(m->fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		errno = EINVAL;
		finish(m);
		return -1;
	}
	if (take_locks(m, path) == -1 || fstat(m->fd, &st) == -1) {
		finish(m);
		return -1;
	}
	m->start = st.st_size;
	m->lf = true;
	spool_writer_init(&m->writer, m->fd);
	if (write_separator(m) == -1 || write_from(m, sender, when) == -1) {
		mbox_abort(m);
		return -1;
	}
	return 0;
}

/*
 * state counts what was seen of ">"* "From " since the start of a line, and is
 * held back until it is clear: 0 to 5 of "From "; INSIDE when the line is
 * another.
 */
#define INSIDE	6

static void
release_start(struct mbox_file *m)
{
	static const char from[] = "From ";

	for (; m->quotes > 0; m->quotes--)
		(void)spool_write(&m->writer, ">", 1);
	if (m->state != INSIDE)
		(void)spool_write(&m->writer, from, (size_t)m->state);
	m->state = INSIDE;
}

/* One octet at the start of a line. */
static void
start_octet(struct mbox_file *m, char c)
{
	static const char from[] = "From ";

	if (m->state == 0 && c == '>') {
		m->quotes++;
		return;
	}
	if (c == from[m->state]) {
		if (++m->state < 5)
			return;
		(void)spool_write(&m->writer, ">", 1);
		release_start(m);
		return;
	}
	release_start(m);
	(void)spool_write(&m->writer, &c, 1);
	if (c == '\n')
		m->state = 0;
}

int
mbox_write(struct mbox_file *m, const void *data, size_t n)
{
	const char *p = data, *end = p + n, *lf;

	if (n > 0)
		m->lf = end[-1] == '\n';
	while (p < end) {
		if (m->state != INSIDE) {
			start_octet(m, *p++);
			continue;
		}
		lf = memchr(p, '\n', (size_t)(end - p));
		lf = lf == NULL ? end : lf + 1;
		(void)spool_write(&m->writer, p, (size_t)(lf - p));
		if (lf[-1] == '\n')
			m->state = 0;
		p = lf;
	}
	errno = m->writer.error;
	return m->writer.error != 0 ? -1 : 0;
}

int
mbox_end(struct mbox_file *m)
{
	bool lf = m->lf;

	if (m->state != INSIDE)
		release_start(m);
	(void)spool_write(&m->writer, "\n\n", lf ? 1 : 2);
	if (spool_flush(&m->writer) == -1 || spool_sync(&m->writer) == -1) {
		mbox_abort(m);
		return -1;
	}
	finish(m);
	return 0;
}

/* A file that was empty before stays, as an empty one. */
void
mbox_abort(struct mbox_file *m)
{
	int saved = errno;

	if (m->fd != -1 && ftruncate(m->fd, m->start) == -1)
		log_error("mbox", "error=%s note=\"a part of a message "
		    "stays\"", log_str(strerror(errno)));
	errno = saved;
	finish(m);
}
