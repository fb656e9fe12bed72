/* SPDX-License-Identifier: ISC
 *
 * The writer's side of a spool file: octets in, counted as they are on disk
 * and as they will be on the wire, and one fsync.  It must never sync again
 * what a sync refused: the second would lie.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bytes/crc32.h"
#include "bytes/crlf.h"
#include "mail/spool.h"
#include "system/fdio.h"

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
	while (n > 0) {
		if (w->len == sizeof(w->data) && spool_flush(w) == -1)
			return -1;
		if (w->len == 0 && n >= sizeof(w->data)) {
			if (fd_write_all(w->fd, p, n) == -1)
				return failed(w);
			break;
		}
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
