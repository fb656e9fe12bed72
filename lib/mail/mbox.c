/* SPDX-License-Identifier: ISC
 *
 * Appending to an mbox.  It must never leave half a message there, nor write
 * while another program holds one of the locks.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mail/mbox.h"
#include "system/fdio.h"
#include "system/log.h"

#define TRIES	8	/* at a file that is replaced under us */

static void
finish(struct mbox_file *m)
{
	int saved = errno;

	mbox_unlock(&m->lock);
	if (m->fd != -1)
		close(m->fd);
	m->fd = -1;
	errno = saved;
}

/* The file must end with an empty line before a From_ line. */
static int
write_separator(struct mbox_file *m)
{
	char last[3] = "\n\n\n";
	size_t n = m->start < 3 ? (size_t)m->start : 3;

	if (n > 0 && fd_pread_all(m->fd, last + 3 - n, n,
	    m->start - (off_t)n) != (ssize_t)n)
		return -1;
	if (n == 0 || memcmp(last + 1, "\n\n", 2) == 0 ||
	    memcmp(last, "\n\r\n", 3) == 0)
		return 0;
	return spool_write(&m->writer, "\n\n", last[2] == '\n' ? 1 : 2);
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

static int
open_file(struct mbox_file *m, const char *path)
{
	int flags = O_RDWR | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	struct stat st;

	m->fd = open(path, flags);
	if (m->fd == -1 && errno == ENOENT) {
		m->fd = open(path, flags | O_CREAT | O_EXCL, 0600);
		if (m->fd == -1 && errno == EEXIST)
			m->fd = open(path, flags);
	}
	if (m->fd == -1)
		return -1;
	if (fstat(m->fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

/* Open and lock: a file that was replaced while we waited is not the one. */
static int
open_locked(struct mbox_file *m, const char *path)
{
	struct stat st;
	int tries;

	for (tries = 0; tries < TRIES; tries++) {
		if (open_file(m, path) == -1)
			break;
		if (mbox_lock(&m->lock, AT_FDCWD, path, m->fd, false,
		    MBOX_LOCK_SECONDS) == 0 && fstat(m->fd, &st) == 0) {
			m->start = st.st_size;
			return 0;
		}
		if (errno != ESTALE)
			break;
		finish(m);
	}
	finish(m);
	return -1;
}

int
mbox_begin(struct mbox_file *m, const char *path, const char *sender,
    time_t when)
{
	memset(m, 0, offsetof(struct mbox_file, writer));
	m->fd = m->lock.fd = -1;
	if (open_locked(m, path) == -1)
		return -1;
	m->lf = true;
	mbox_filter_init(&m->filter, MBOX_QUOTE);
	spool_writer_init(&m->writer, m->fd);
	m->writer.unsummed = true;
	if (write_separator(m) == -1 || write_from(m, sender, when) == -1) {
		mbox_abort(m);
		return -1;
	}
	return 0;
}

int
mbox_write(struct mbox_file *m, const void *data, size_t n)
{
	const char *p = data;
	char out[4096];
	size_t k;

	if (n > 0)
		m->lf = p[n - 1] == '\n';
	while (n > 0) {
		size_t taken = n;

		k = mbox_filter(&m->filter, p, &taken, out, sizeof(out));
		(void)spool_write(&m->writer, out, k);
		p += taken;
		n -= taken;
	}
	errno = m->writer.error;
	return m->writer.error != 0 ? -1 : 0;
}

int
mbox_end(struct mbox_file *m)
{
	char out[MBOX_ROOM];
	size_t k = mbox_filter_end(&m->filter, out);

	(void)spool_write(&m->writer, out, k);
	/* The second form says that the content ends without an LF. */
	(void)(m->lf ? spool_write(&m->writer, "\n", 1) :
	    spool_write(&m->writer, "\n\r\n", 3));
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
