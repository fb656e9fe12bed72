/* SPDX-License-Identifier: ISC
 *
 * The writer's side of a spool file: octets in, counted as they are on disk
 * and as they will be on the wire, and one fsync.  It must never sync again
 * what a sync refused: the second would lie.
 */
#include <sys/uio.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bytes/crc32.h"
#include "bytes/crlf.h"
#include "mail/spool.h"
#include "system/fdio.h"

#define WRITE_THROUGH	4096	/* so many are not gathered first */

void
spool_writer_init(struct spool_writer *w, int fd)
{
	memset(w, 0, offsetof(struct spool_writer, data));
	w->fd = fd;
}

static int
failed(struct spool_writer *w)
{
	if (w->error == 0)
		w->error = errno != 0 ? errno : EIO;
	errno = w->error;
	return -1;
}

int
spool_flush(struct spool_writer *w)
{
	if (w->error != 0)
		return failed(w);
	if (w->len > 0 && fd_write_all(w->fd, w->data, w->len) == -1)
		return failed(w);
	w->len = 0;
	return 0;
}

/* What is held back and this, in one call. */
static int
write_through(struct spool_writer *w, const void *data, size_t n)
{
	struct iovec v[] = { { w->data, w->len }, { (void *)data, n } };
	ssize_t put;
	size_t i, part;

	w->len = 0;
	while (v[0].iov_len + v[1].iov_len > 0) {
		if ((put = writev(w->fd, v, 2)) == -1) {
			if (errno == EINTR)
				continue;
			return failed(w);
		}
		for (i = 0; i < 2; i++, put -= (ssize_t)part) {
			part = v[i].iov_len < (size_t)put ? v[i].iov_len :
			    (size_t)put;
			v[i].iov_base = (char *)v[i].iov_base + part;
			v[i].iov_len -= part;
		}
	}
	return 0;
}

int
spool_write(struct spool_writer *w, const void *data, size_t n)
{
	struct crlf c = { w->crlf };
	const char *p = data;
	size_t room;

	if (w->error != 0)
		return failed(w);
	w->wire += n + crlf_wire_extra(&c, data, n);
	w->size += n;
	if (!w->unsummed)
		w->crc = crc32_add(w->crc, data, n);
	w->crlf = c.state;
	if (n >= WRITE_THROUGH)
		return w->error != 0 ? failed(w) : write_through(w, data, n);
	while (n > 0) {
		if (w->len == sizeof(w->data) && spool_flush(w) == -1)
			return -1;
		room = sizeof(w->data) - w->len;
		if (room > n)
			room = n;
		memcpy(w->data + w->len, p, room);
		w->len += room;
		p += room;
		n -= room;
	}
	return 0;
}

int
spool_sync(struct spool_writer *w)
{
	if (w->error != 0)
		return failed(w);
	return fsync(w->fd) == -1 ? failed(w) : 0;
}
